"""Volumes in TIFF: pages, series, compression, polarity and the places where a spacing stands."""

import re
from dataclasses import dataclass
from pathlib import PurePosixPath
from xml.etree import ElementTree

import numpy as np

from analysis.tomogram.stored import Stored, in_um, inside, n_bytes, ranges
from analysis.tomogram.tiff_pages import (
    check_color,
    check_compression,
    check_pages,
    count_pages,
    no_codec,
)

# A plain resolution above it (72 to 600 dpi) is a printer's and not a scan's.
LARGEST_RESOLUTION_UM = 30


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
        check_pages(file, tiff)
        page = tiff.pages[0]
        check_color(page, tifffile.PHOTOMETRIC, brightness)
        check_compression(page)
        layout = _layout(file, tiff, n_pages)
        axes, dtype = _name_axes(layout), layout.dtype
        inverted = page.photometric == tifffile.PHOTOMETRIC.MINISWHITE and brightness
        if inverted and dtype.kind != "u":
            raise ValueError(
                f"the file says that 0 is white (WhiteIsZero) with values of type {dtype}, for "
                "which there is no largest value to invert at. Invert the gray values and save "
                "them as BlackIsZero."
            )
        ceiling = dtype.type(2**page.bitspersample - 1) if inverted else None
        spacing, source = _spacing(tiff, page)

    def read(slices):
        values = _read(file, layout, slices)
        return np.subtract(ceiling, values, out=_own(values)) if inverted else values

    return Stored(
        shape=layout.shape,
        dtype=dtype,
        read=read,
        axes=axes,
        spacing_um=spacing,
        spacing_source=source,
        polarity="0 is white; turned round to 0 is black" if inverted else "0 is black",
        compression="none" if page.compression == 1 else page.compression.name,
        held=lambda slices: layout.held(slices, inverted),
    )


@dataclass(frozen=True)
class Layout:
    """
    How the values of a volume lie in a file.

    Attributes
    ----------
    shape, axes : tuple
        Of the volume as stored.
    dtype : dtype
        Type of the decoded values, in the byte order of the file if `offset` is given.
    offset : int or None
        First byte, if all values follow each other as they are in memory.
    whole : bool
        Whether pages are taken in the order of the file and not from the first series.
    paged : bool
        Whether each page is one plane of the last two axes, so that pages can be read alone.
    """

    shape: tuple
    axes: tuple
    dtype: np.dtype
    offset: int | None
    whole: bool
    paged: bool

    def held(self, slices, inverted):
        """Bytes that reading holds at once."""
        lengths = [cut.stop - cut.start for cut in slices]
        result = n_bytes(lengths, self.dtype)
        if self.offset is not None:
            return result
        if self.paged:  # a page is unpacked beside its compressed bytes, of at most its size
            return result + 2 * n_bytes(self.shape[-2:], self.dtype)
        return n_bytes(self.shape, self.dtype) + result


def _layout(file, tiff, n_pages):
    """Find the one volume of a file, or say which pages stand in the way."""
    series = list(tiff.series)
    first = series[0]
    pages = [page for one in series for page in one.pages]
    alike = len(series) > 1 and len(pages) == n_pages and _alike(tiff, pages)
    if alike:
        # Stacks that grew page by page, or whose pages were written with different settings.
        shape = (n_pages, *tiff.pages[0].shape)
        return Layout(shape, ("z", "Y", "X"), np.dtype(first.dtype), None, True, True)
    _check_series(tiff, series, n_pages)
    shape, dtype = tuple(first.shape), np.dtype(first.dtype)
    offset = None if first.is_multifile else first.dataoffset
    if offset is not None:
        dtype = dtype.newbyteorder(tiff.byteorder)
        ends, size = offset + n_bytes(shape, dtype), file.stat().st_size
        if ends > size:
            raise ValueError(
                f"the file is truncated: its values end at byte {ends}, the file at {size}. Copy "
                "it again"
            )
    planes = int(np.prod(shape[:-2], dtype=object))
    paged = len(first.pages) == planes and tuple(first.keyframe.shape) == shape[-2:]
    return Layout(shape, tuple(first.axes), dtype, offset, False, paged)


def _alike(tiff, pages):
    if tiff.is_ome or tiff.is_imagej or any(page is None for page in pages):
        return False
    if tiff.is_shaped and any(len(one.shape) > 2 for one in tiff.series):
        return False  # several volumes, each written as one
    first = tiff.pages[0]
    return len(first.shape) == 2 and all(
        (page.shape, page.dtype, page.photometric) == (first.shape, first.dtype, first.photometric)
        for page in (page.keyframe for page in pages)
    )


def _name_axes(layout):
    axes = tuple(name.lower() if name in "ZYX" else name for name in layout.axes)
    if "z" not in axes and set("yx") <= set(axes):
        # A stack of pages calls its first axis I, Q or T; it is the only one left for z.
        others = [n for n, name in enumerate(axes) if name not in "yx" and layout.shape[n] > 1]
        if len(others) == 1 and axes[others[0]] not in "SC":
            axes = axes[: others[0]] + ("z",) + axes[others[0] + 1 :]
    return axes


def _read(file, layout, slices):
    """Values within the slices; of compressed files only the pages that the slices need."""
    import tifffile

    if layout.offset is not None:
        return np.memmap(file, layout.dtype, "r", layout.offset, layout.shape)[slices]
    with tifffile.TiffFile(file) as tiff:
        pages = tiff.pages if layout.whole else tiff.series[0].pages
        try:
            if not layout.paged:
                return tiff.series[0].asarray().reshape(layout.shape)[slices]
            values = np.empty([cut.stop - cut.start for cut in slices], layout.dtype)
            for place in np.ndindex(values.shape[:-2]):
                plane = [cut.start + n for cut, n in zip(slices[:-2], place, strict=True)]
                number = int(np.ravel_multi_index(plane, layout.shape[:-2])) if plane else 0
                values[place] = _plane(tiff, pages[number])[slices[-2:]]
        except ValueError as error:
            if "imagecodecs" in str(error):
                raise no_codec(tiff.pages[0]) from error
            raise
    return values


def _plane(tiff, page):
    """Values of a page, which may lie in another part of an OME-TIFF; only one is open at once."""
    handle = page.parent.filehandle
    if handle is tiff.filehandle or not handle.closed:
        return page.asarray()
    handle.open()
    try:
        return page.asarray()
    finally:
        handle.close()


def _own(values):
    """The array itself as a place to write to, if it is not a view of the file."""
    return None if isinstance(values, np.memmap) else values


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
    plain = {name for name in names if PurePosixPath(name.replace("\\", "/")).name == name}
    for name in sorted(names - plain):
        inside(file.parent, name, "part")
    missing = [name for name in sorted(plain) if not (file.parent / name).exists()]
    if len(names) == 1 and missing:
        return  # a file that was renamed: the one name is its own old one
    if missing:
        listed = ", ".join(missing[:4]) + (", ..." if len(missing) > 4 else "")
        raise ValueError(
            f"the volume is spread over {len(names)} files; missing here: {listed}. Copy all parts "
            "into one folder, under the names they had"
        )


def _check_series(tiff, series, n_pages):
    if len(series) > 1:
        parts = []
        for one in series:
            numbers = [page.index for page in one.pages if page is not None]
            shape = " x ".join(map(str, one.shape[-2:]))
            parts.append(f"pages {ranges(numbers)} of {shape}, {one.dtype}")
        listed = "; ".join(parts[:4]) + ("; ..." if len(parts) > 4 else "")
        if len({(one.shape[-2:], one.dtype) for one in series}) == 1:
            raise ValueError(
                f"the file holds {len(series)} volumes: {listed} (counted from 0). Save the one "
                "that you want as a file of its own"
            )
        raise ValueError(
            f"the pages differ: {listed} (counted from 0). Expected slices of one size and type. "
            "Remove overviews and thumbnails, or "
            "crop all slices alike, and save the stack again"
        )
    pages = series[0].pages
    gaps = [number for number, page in enumerate(pages) if page is None]
    if gaps:
        raise ValueError(
            f"slices {ranges(gaps)} (counted from 0) are in no file; a reader would fill them with "
            "zeros. Copy all parts into one folder or export the stack again"
        )
    planes = int(np.prod(series[0].shape[:-2], dtype=object))
    said = int((tiff.imagej_metadata or {}).get("images", 1)) if tiff.is_imagej else 1
    if said > max(n_pages, planes):
        raise ValueError(
            f"the ImageJ description speaks of {said} images, but the file holds "
            f"{max(n_pages, planes)}. The rest lies in another file or was lost; export the stack "
            "again as one file"
        )
    if tiff.is_shaped and series[0].kind != "shaped":
        said = re.search(r"shape\W*[\[(]([\d, ]+)", tiff.pages[0].shaped_description or "")
        raise ValueError(
            f"the description speaks of a volume ({said[1] if said else 'unknown'}), but the file "
            "holds pages "
            f"{ranges(range(n_pages))}: slices were lost or are left over. Export the stack again"
        )
    # Overviews of a pyramid, in the list of pages or below them, are no slices.
    frames = [(level, level.keyframe) for level in series[0].levels[1:]]
    overviews = [one for one, key in frames if key.is_reduced and not key.is_subifd]
    used = len(pages) + sum(len(level) for level in overviews)
    if used < n_pages and not series[0].is_multifile:
        raise ValueError(
            f"the file describes a volume of {used} pages, but pages "
            f"{ranges(range(used, n_pages))} "
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
        plane = (in_um(1 / one if one else 0, unit) for one in (y, x))
        edges = (in_um(meta.get("spacing"), unit), *plane)
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
