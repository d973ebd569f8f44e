"""Volumes in TIFF: pages, series, compression, polarity and the places where a spacing stands."""

import re
import struct
from pathlib import PurePosixPath
from xml.etree import ElementTree

import numpy as np

from analysis.tomogram.stored import Stored, in_um, inside, ranges

LARGEST_RESOLUTION_UM = 30  # a plain resolution above it (72 to 600 dpi) is a printer's, not a scan's


def open_tiff(file, _="", *, brightness=True):
    """
    What a TIFF says of its volume.

    Parameters
    ----------
    file : Path
        TIFF, BigTIFF, ImageJ or OME-TIFF.
    brightness : bool
        Whether values are brightness, so that "0 is white" is turned round and palettes are
        refused; labels are numbers and stay as stored.

    Returns
    -------
    stored : Stored

    Raises
    ------
    ValueError
        If the list of pages is damaged, pages are missing, of several sizes or in color, or the
        compression cannot be read.
    """
    import tifffile

    n_pages = count_pages(file)
    with tifffile.TiffFile(file) as tiff:
        _check_parts(file, tiff)
        _check_pages(file, tiff)
        page = tiff.pages[0]
        _check_color(page, tifffile.PHOTOMETRIC, brightness)
        _check_compression(page)
        series = list(tiff.series)
        stacked = len(series) > 1 and all(
            (one.shape, one.dtype) == (series[0].shape, series[0].dtype) and len(one.shape) == 2
            for one in series
        )
        _check_series(series, n_pages, stacked)
        shape = ((len(series),) if stacked else ()) + tuple(series[0].shape)
        axes = ("z",) if stacked else ()
        axes += tuple(name.lower() if name in "ZYX" else name for name in series[0].axes)
        if "z" not in axes and set("yx") <= set(axes):
            # A stack of pages calls its first axis I, Q or T; it is the only one left for z.
            others = [n for n, name in enumerate(axes) if name not in "yx" and shape[n] > 1]
            if len(others) == 1 and axes[others[0]] not in "SC":
                axes = axes[: others[0]] + ("z",) + axes[others[0] + 1 :]
        inverted = page.photometric == tifffile.PHOTOMETRIC.MINISWHITE
        if inverted and brightness and series[0].dtype.kind != "u":
            raise ValueError(
                f"the file says that 0 is white (WhiteIsZero) with values of type "
                f"{series[0].dtype}, for which there is no largest value to invert at. Invert the "
                "gray values and save them as BlackIsZero."
            )
        ceiling = 2**page.bitspersample - 1
        spacing, source = _spacing(tiff, page)

    def read(slices):
        with tifffile.TiffFile(file) as opened:
            parts = opened.series if stacked else opened.series[:1]
            try:
                arrays = [part.asarray() for part in parts]
            except ValueError as error:
                if "imagecodecs" in str(error):
                    raise _no_codec(page) from error
                raise
        values = np.stack(arrays) if stacked else arrays[0]
        values = values.reshape(shape)[slices]
        return values.dtype.type(ceiling) - values if inverted and brightness else values

    return Stored(
        shape=shape,
        dtype=np.dtype(series[0].dtype),
        read=read,
        axes=axes,
        spacing_um=spacing,
        spacing_source=source,
        polarity=(
            "0 is white; turned round to 0 is black" if inverted and brightness else "0 is black"
        ),
        compression="none" if page.compression == 1 else page.compression.name,
    )


def count_pages(file):
    """
    Number of pages in the file's list.

    Read by hand: a list that leads back to itself keeps a reader busy for ever.

    Raises
    ------
    ValueError
        If the list is a loop or leads out of the file.
    """
    size = file.stat().st_size
    with open(file, "rb") as opened:
        head = opened.read(16)
        order = {b"II": "<", b"MM": ">"}.get(head[:2])
        if order is None or len(head) < 8:
            raise ValueError("it could not be read as TIFF: it does not begin as one. Export it again")
        version = struct.unpack(order + "H", head[2:4])[0]
        big = version == 43
        if version not in (42, 43):
            raise ValueError(f"it begins as a TIFF of the unknown version {version}")
        count_type, entry, offset_type = ("Q", 20, "Q") if big else ("H", 12, "I")
        count_size, offset_size = struct.calcsize(count_type), struct.calcsize(offset_type)
        start = 8 if big else 4
        seen, at = set(), struct.unpack(order + offset_type, head[start : start + offset_size])[0]
        while at:
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


def _check_parts(file, tiff):
    """An OME-TIFF may be spread over files: all must be there, in this folder."""
    text = tiff.ome_metadata if tiff.is_ome else None
    if not text:
        return
    master = re.search(r"<(?:\w+:)?BinaryOnly[^>]*MetadataFile=\"([^\"]*)\"", text)
    if master:
        raise ValueError(
            f"it is one part of a volume whose description is in {master[1]!r}. Give that file"
        )
    names = set(re.findall(r"<(?:\w+:)?UUID[^>]*FileName=\"([^\"]*)\"", text))
    missing = []
    for name in sorted(names - {file.name}):
        if PurePosixPath(name.replace("\\", "/")).name == name and not (file.parent / name).exists():
            missing.append(name)
        else:
            inside(file.parent, name, "part")
    if missing and file.name in names or len(missing) > 1:
        raise ValueError(
            f"the volume is spread over {len(names)} files, of which {', '.join(missing)} "
            "is missing. Copy all parts into one folder"
        )


def _check_pages(file, tiff):
    size, empty = file.stat().st_size, []
    for number, page in enumerate(tiff.pages):
        offsets, counts = np.asarray(page.dataoffsets), np.asarray(page.databytecounts)
        if len(offsets) != len(counts):
            raise ValueError(f"page {number} is damaged: its list of strips has gaps")
        if len(offsets) and (offsets + counts).max() > size:
            raise ValueError(
                f"the file is truncated: page {number} ends at byte {(offsets + counts).max()}, "
                f"the file at {size}. Copy it again."
            )
        if not len(counts) or (counts == 0).any():
            empty.append(number)
    if empty:
        raise ValueError(
            f"pages {ranges(empty)} (counted from 0) were never written, in whole or in part; a "
            "reader would fill them with zeros. Export the stack again"
        )


def _check_color(page, kinds, brightness):
    gray = (kinds.MINISBLACK, kinds.MINISWHITE)
    if page.photometric in gray and page.samplesperpixel == 1:
        return
    if page.photometric == kinds.PALETTE and not brightness:
        return
    if page.photometric == kinds.PALETTE:
        table = page.colormap
        ramp = table is not None and (table == table[0]).all() and (np.diff(table[0].astype(int)) > 0).all()
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


def _no_codec(page):
    name = getattr(page.compression, "name", page.compression)
    return ValueError(
        f"the pages are compressed with {name}, for which a decoder is missing here. Install one "
        "(pip install imagecodecs) or save the stack without compression"
    )


def _check_compression(page):
    from tifffile import TIFF

    try:
        TIFF.DECOMPRESSORS[page.compression]
        TIFF.UNPREDICTORS[page.predictor]
    except KeyError:
        raise _no_codec(page) from None


def _check_series(series, n_pages, stacked):
    if len(series) > 1 and not stacked:
        parts, start = [], 0
        for one in series:
            numbers = [page.index for page in one.pages if page is not None]
            shape = " x ".join(map(str, one.shape[-2:]))
            parts.append(f"pages {ranges(numbers)} of {shape}, {one.dtype}")
            start += len(numbers)
        raise ValueError(
            f"the pages differ: {'; '.join(parts[:4])}{'; ...' if len(parts) > 4 else ''} (counted "
            "from 0). Expected slices of one size and type. Remove overviews and thumbnails, or "
            "crop all slices alike, and save the stack again"
        )
    pages = series[0].pages
    gaps = [number for number, page in enumerate(pages) if page is None]
    if gaps:
        raise ValueError(
            f"slices {ranges(gaps)} (counted from 0) are in no file; a reader would fill them with "
            "zeros. Copy all parts into one folder or export the stack again"
        )
    used = len(series) if stacked else len(pages)
    if used < n_pages and not stacked:
        raise ValueError(
            f"the file describes a volume of {used} pages, but pages {ranges(range(used, n_pages))} "
            "(counted from 0) are left over. Save the stack again, or split it"
        )


def _spacing(tiff, page):
    """Voxel edges z, y, x [µm] and where they stand: OME, then ImageJ, then the plain tags."""
    if tiff.is_ome:
        root = ElementTree.fromstring(tiff.ome_metadata)
        pixels = next((one for one in root.iter() if one.tag.endswith("}Pixels")), None)
        if pixels is not None:
            edges = tuple(
                in_um(
                    pixels.get(f"PhysicalSize{axis}"), pixels.get(f"PhysicalSize{axis}Unit", "µm")
                )
                for axis in "ZYX"
            )
            return edges, "OME metadata" if any(edges) else ""
    y, x = (_rational(page, name) for name in ("YResolution", "XResolution"))
    if tiff.is_imagej:
        meta = tiff.imagej_metadata or {}
        unit = meta.get("unit", "")
        edges = (in_um(meta.get("spacing"), unit), *(in_um(1 / one if one else 0, unit) for one in (y, x)))
        return edges, "ImageJ metadata" if any(edges) else ""
    tag = page.tags.get("ResolutionUnit")
    unit = {2: "inch", 3: "cm"}.get(int(tag.value) if tag else 2, "")
    edges = [in_um(1 / one if one else 0, unit) for one in (y, x)]
    if all(edges) and max(edges) <= LARGEST_RESOLUTION_UM:
        return (None, *edges), "resolution of the TIFF"
    return (None, None, None), ""


def _rational(page, name):
    tag = page.tags.get(name)
    try:
        above, below = tag.value
        return above / below
    except (AttributeError, TypeError, ValueError, ZeroDivisionError):
        return 0.0
