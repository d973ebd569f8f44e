"""Volumes that are a head and a block of numbers: NumPy, MetaImage (.mhd, .mha) and NRRD."""

import zlib

import numpy as np

from analysis.tomogram.stored import Stored, in_um, inside, n_bytes

META_TYPES = {
    "MET_UCHAR": "u1",
    "MET_CHAR": "i1",
    "MET_USHORT": "u2",
    "MET_SHORT": "i2",
    "MET_UINT": "u4",
    "MET_INT": "i4",
    "MET_FLOAT": "f4",
    "MET_DOUBLE": "f8",
    "MET_LONG": "i4",  # four bytes on every machine, says the format
    "MET_ULONG": "u4",
    "MET_LONG_LONG": "i8",
    "MET_ULONG_LONG": "u8",
}


def open_npy(file, _="", **__):
    """What a NumPy file says of its array. Pickled objects, which may run code, stay refused."""
    try:
        values = np.load(file, mmap_mode="r", allow_pickle=False)
    except ValueError as error:
        if "mmap length" in str(error):
            raise ValueError(
                f"the file is truncated: {file.stat().st_size} bytes hold less than the array that "
                "its head declares. Copy it again"
            ) from error
        if "Python objects" not in str(error):
            raise
        raise ValueError(
            "it holds Python objects, which may run code when they are read; expected an array of "
            "numbers. Save it with its numbers alone (numpy.save of an array)"
        ) from error
    if not isinstance(values, np.ndarray):
        values.close()
        raise ValueError(
            "it is an archive of several arrays. Save the one you want with numpy.save"
        )
    shape, dtype = values.shape, values.dtype
    del values
    return Stored(
        shape=shape,
        dtype=dtype,
        read=lambda slices: np.load(file, mmap_mode="r", allow_pickle=False)[slices],
    )


def open_metaimage(file, _="", **__):
    """
    What a MetaImage says of its volume. ITK stores x fastest, so the axes arrive as z, y, x.

    Raises
    ------
    ValueError
        If the head is incomplete, the values lie outside the folder, or their number is wrong.
    """
    head, start = _meta_head(file)
    try:
        sizes = [int(number) for number in head["DimSize"].split()]
        kind, name = META_TYPES[head["ElementType"]], head["ElementDataFile"]
    except (KeyError, ValueError) as error:
        raise ValueError(
            f"the head lacks or garbles DimSize, ElementType or ElementDataFile ({error})"
        ) from None
    if int(head.get("ElementNumberOfChannels", 1)) != 1:
        raise ValueError("the image has several channels; expected one gray value per voxel")
    if name.split()[0].upper() == "LIST" or "%" in name:
        raise ValueError("the values are spread over a list of files. Save them as one .mha file")
    local = name.upper() == "LOCAL"
    data = file if local else inside(file.parent, name, "data file")
    big = head.get("BinaryDataByteOrderMSB", head.get("ElementByteOrderMSB", "False"))
    dtype = np.dtype((">" if big.lower() == "true" else "<") + kind)
    packed = head.get("CompressedData", "False").lower() == "true"
    offset = start if local else int(head.get("HeaderSize", 0))
    shape = tuple(reversed(sizes))
    size, have = n_bytes(shape, dtype), data.stat().st_size
    if offset == -1:
        offset = have - size
    if not packed and have - offset < size:
        raise ValueError(
            f"the data file is truncated: {have - offset} bytes for a volume of {size}. Copy it "
            "again"
        )
    if not packed and have - offset > size:
        raise ValueError(
            f"the data file holds {have - offset} bytes, but DimSize and ElementType make {size}; "
            "read "
            "so, slices would be sheared. Correct the head, or add HeaderSize = -1 if the surplus "
            "stands before the values"
        )

    def read(slices):
        if not packed:
            return np.memmap(data, dtype, "r", offset, shape)[slices]
        with open(data, "rb") as opened:
            opened.seek(offset)
            try:
                raw = zlib.decompressobj().decompress(opened.read(), size)
            except zlib.error as error:
                raise ValueError(f"the compressed data are damaged ({error})") from error
        if len(raw) != size:
            raise ValueError(f"the data are truncated: {len(raw)} of {size} bytes. Copy it again")
        return np.array(np.frombuffer(raw, dtype).reshape(shape)[slices])

    # ElementSize is the edge of a voxel, ElementSpacing the distance; neither carries a unit.
    edges = head.get("ElementSpacing", head.get("ElementSize", "")).split()
    unit = tuple(_edge(edge) for edge in reversed(edges)) if len(edges) == 3 else (None,) * 3
    return Stored(
        shape=shape,
        dtype=dtype,
        read=read,
        axes=("z", "y", "x") if len(shape) == 3 else (),
        spacing=unit,
        spacing_source="the head, without a unit" if any(unit) else "",
        compression="zlib" if packed else "none",
        held=(lambda slices: _held_packed(have, size, slices, dtype)) if packed else None,
    )


def open_nrrd(file, _="", **__):
    """
    What a NRRD file says of its volume; read by pynrrd.

    Raises
    ------
    ValueError
        If pynrrd is missing, or the values lie outside the folder of the head.
    """
    try:
        import nrrd
    except ImportError:
        raise ValueError("NRRD files need pynrrd: pip install pynrrd") from None

    try:
        with open(file, "rb") as opened:
            head = nrrd.read_header(opened)
            offset = opened.tell()
        data, detached = file, head.get("data file", head.get("datafile"))
        if detached is not None:
            spread = not isinstance(detached, str) or detached.split()[0].upper() == "LIST"
            if spread or "%" in detached:
                raise ValueError("the values are spread over several files. Save them as one")
            data, offset = inside(file.parent, detached, "data file"), 0
        sizes = tuple(int(n) for n in reversed(head["sizes"]))
        dtype = np.dtype(nrrd.reader._determine_datatype(head))
    except (nrrd.NRRDError, KeyError, StopIteration) as error:
        raise ValueError(str(error)) from error
    size, have = n_bytes(sizes, dtype), data.stat().st_size
    skips = any(head.get(key) for key in ("line skip", "lineskip", "byte skip", "byteskip"))
    plain = head.get("encoding", "raw").lower() == "raw" and not skips
    if plain and offset + size > have:
        raise ValueError(
            f"the file is truncated: {have - offset} bytes for a volume of {size}. Copy it again"
        )

    def read(slices):
        if plain:
            return np.memmap(data, dtype, "r", offset, sizes)[slices]
        try:
            return np.array(nrrd.read(str(file), index_order="C")[0][slices])
        except (nrrd.NRRDError, zlib.error) as error:
            raise ValueError(str(error)) from error

    edges = (None,) * 3
    if head.get("spacings") is not None and len(sizes) == 3:
        edges = tuple(float(edge) for edge in reversed(head["spacings"]))
    elif head.get("space directions") is not None and len(sizes) == 3:
        lengths = np.linalg.norm(np.asarray(head["space directions"], dtype=float), axis=1)
        edges = tuple(float(edge) for edge in reversed(lengths))
    edges = tuple(edge if edge and np.isfinite(edge) else None for edge in edges)
    units = list(head.get("space units") or head.get("units") or [])
    units = [""] * 3 if len(units) != 3 else units[::-1]
    spacing = tuple(
        in_um(edge, str(unit).strip('"')) for edge, unit in zip(edges, units, strict=True)
    )
    return Stored(
        shape=sizes,
        dtype=dtype,
        read=read,
        axes=("z", "y", "x") if len(sizes) == 3 else (),
        spacing_um=spacing,
        spacing=edges,
        spacing_source="the NRRD head" if any(edges) else "",
        compression="none" if plain else head.get("encoding", "raw"),
        held=None if plain else lambda slices: _held_packed(have, size, slices, dtype),
    )


def _held_packed(packed, whole, slices, dtype):
    """Bytes at once where only the whole volume can be unpacked."""
    return packed + 2 * whole + n_bytes([cut.stop - cut.start for cut in slices], dtype)


def _edge(text):
    """Edge of a voxel; a negative one only says that the axis runs the other way."""
    try:
        edge = abs(float(text))
    except ValueError:
        return None
    return edge if np.isfinite(edge) and edge > 0 else None


def _meta_head(file):
    head, start = {}, 0
    with open(file, "rb") as opened:
        for _ in range(200):
            line = opened.readline(4096)
            start += len(line)
            key, equals, value = line.decode("latin-1").partition("=")
            if not equals:
                if line.strip():
                    break
                if not line:
                    break
                continue
            head[key.strip()] = value.strip()
            if key.strip() == "ElementDataFile":
                break
    return head, start
