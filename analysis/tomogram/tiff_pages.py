"""The pages of a TIFF: how many, whether written, in which compression and color."""

import struct

import numpy as np

from analysis.tomogram.stored import ranges

MAX_PAGES = 100_000  # a hundred times the height of a detector


def count_pages(file):
    """
    Number of pages in the file's list.

    Read by hand: a list that leads back to itself keeps a reader busy for ever.

    Raises
    ------
    ValueError
        If the list is a loop, without an end in sight, or leads out of the file.
    """
    size = file.stat().st_size
    with open(file, "rb") as opened:
        head = opened.read(16)
        order = {b"II": "<", b"MM": ">"}.get(head[:2])
        if order is None or len(head) < 8:
            raise ValueError(
                "it could not be read as TIFF: it does not begin as one. Export it again"
            )
        version = struct.unpack(order + "H", head[2:4])[0]
        big = version == 43
        if version not in (42, 43):
            raise ValueError(f"it begins as a TIFF of the unknown version {version}")
        count_type, entry, offset_type = ("Q", 20, "Q") if big else ("H", 12, "I")
        count_size, offset_size = struct.calcsize(count_type), struct.calcsize(offset_type)
        start = 8 if big else 4
        seen, at = set(), struct.unpack(order + offset_type, head[start : start + offset_size])[0]
        while at:
            if len(seen) == MAX_PAGES:
                raise ValueError(
                    f"the list of pages has more than {MAX_PAGES} entries; no scan has so many "
                    "slices. The file is damaged or made to mislead; export it again"
                )
            if at in seen:
                raise ValueError(
                    f"the list of pages leads from page {len(seen) - 1} back to an earlier one. "
                    "The file is damaged or made to mislead; export it again"
                )
            seen.add(at)
            opened.seek(at)
            raw = opened.read(count_size)
            count = struct.unpack(order + count_type, raw)[0] if len(raw) == count_size else 0
            end = at + count_size + count * entry
            opened.seek(min(end, size))
            raw = opened.read(offset_size)
            if len(raw) < offset_size:
                raise ValueError(
                    f"the file is truncated: the head of page {len(seen) - 1} ends beyond byte "
                    f"{size}. Copy it again"
                )
            at = struct.unpack(order + offset_type, raw)[0]
    if not seen:
        raise ValueError("the list of pages is empty. Export the file again")
    return len(seen)


def check_pages(file, tiff):
    """
    Whether each page has its values in the file.

    Raises
    ------
    ValueError
        If a page ends beyond the file or was never written, or pages differ in polarity or color.
    """
    size, empty, kinds = file.stat().st_size, [], {}
    for number, page in enumerate(tiff.pages):
        offsets, counts = (np.asarray(one) for one in (page.dataoffsets, page.databytecounts))
        if len(offsets) != len(counts):
            raise ValueError(f"page {number} is damaged: its list of strips has gaps")
        if len(offsets) and (offsets + counts).max() > size:
            raise ValueError(
                f"the file is truncated: page {number} ends at byte {(offsets + counts).max()}, "
                f"the file at {size}. Copy it again."
            )
        if not len(counts) or (counts == 0).any() or (offsets == 0).any():
            empty.append(number)
        kinds.setdefault(page.photometric.name, []).append(number)
    if len(kinds) > 1:
        parts = "; ".join(f"pages {ranges(numbers)} {kind}" for kind, numbers in kinds.items())
        raise ValueError(
            f"the pages differ in what their values mean: {parts} (counted from 0). Save all "
            "slices "
            "in one way"
        )
    if empty:
        raise ValueError(
            f"pages {ranges(empty)} (counted from 0) were never written, in whole or in part; a "
            "reader would fill them with zeros. Export the stack again"
        )


def check_color(page, kinds, brightness):
    """
    Whether a page holds one gray value per pixel.

    Raises
    ------
    ValueError
        If it holds colors, or numbers of a color table that is no gray ramp.
    """
    gray = (kinds.MINISBLACK, kinds.MINISWHITE)
    if page.photometric in gray and page.samplesperpixel == 1:
        return
    if page.photometric == kinds.PALETTE and not brightness:
        return
    if page.photometric == kinds.PALETTE:
        table = page.colormap
        gray_table = table is not None and (table == table[0]).all()
        ramp = gray_table and (np.diff(table[0].astype(int)) > 0).all()
        if ramp:
            return
        raise ValueError(
            "the pages are in color: values are numbers of a color table; expected gray values. "
            "Convert the stack to gray (in ImageJ: Image > Lookup Tables > Grays, then save)."
        )
    raise ValueError(
        f"the pages are in color ({page.photometric.name}, {page.samplesperpixel} values a pixel); "
        "expected gray values. Convert the stack to gray (in ImageJ: Image > Type > 16-bit)."
    )


def no_codec(page):
    """The error for a compression that cannot be undone here."""
    name = getattr(page.compression, "name", page.compression)
    return ValueError(
        f"the pages are compressed with {name}, for which a decoder is missing here. Install one "
        "(pip install imagecodecs) or save the stack without compression"
    )


def check_compression(page):
    """
    Whether the compression of a page is known.

    Raises
    ------
    ValueError
        If not.
    """
    from tifffile import TIFF

    try:
        TIFF.DECOMPRESSORS[page.compression]
        TIFF.UNPREDICTORS[page.predictor]
    except KeyError:
        raise no_codec(page) from None
