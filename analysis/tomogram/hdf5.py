"""Volumes in HDF5 and netCDF-4: names and links, foreign files, unwritten parts, conventions."""

import numpy as np

from analysis.tomogram.conventions import decode, decoding_bytes, spacing_from
from analysis.tomogram.hdf5_parts import check_foreign, check_written, resolve
from analysis.tomogram.stored import Stored, n_bytes


def open_hdf5(file, dataset="", **_):
    """
    What an HDF5 or netCDF-4 file says of one of its volumes.

    Links inside the file are followed; nothing outside of it is opened, whatever the file asks for.

    Parameters
    ----------
    file : Path
        The file.
    dataset : str
        Path of the dataset, with or without a leading slash; empty if there is only one volume.

    Returns
    -------
    stored : Stored

    Raises
    ------
    ValueError
        If there is no such dataset or no single one, if its values lie in another file, or if a
        filter to read it is missing.
    """
    import h5py

    with h5py.File(file, "r") as opened:
        name = _choose(opened, dataset)
        data = resolve(opened, name)
        check_foreign(opened, data, name)
        _check_filters(data)
        attrs = dict(data.attrs)
        axes, data_type, virtual = _axes(data), data.dtype, data.is_virtual
        stored = Stored(
            shape=data.shape,
            dtype=data.dtype,
            read=lambda slices: _read(file, name, slices, attrs, axes),
            axes=axes,
            spacing_um=spacing_from(attrs, axes, lambda axis: _coordinate(opened, data, axis)),
            compression=_compression(data),
            dataset=name.strip("/"),
            held=lambda slices: _held(slices, attrs, data_type, virtual),
        )
    if any(stored.spacing_um):
        stored = Stored(**{**stored.__dict__, "spacing_source": f"attributes of {stored.dataset}"})
    return stored


def _held(slices, attrs, dtype, virtual):
    """Bytes at once; HDF5 unpacks chunk by chunk into the result, parts are marked in a mask."""
    voxels = n_bytes([cut.stop - cut.start for cut in slices], np.uint8)
    return voxels * max(decoding_bytes(attrs, dtype), 2 if virtual else 0)


def _read(file, name, slices, attrs, axes):
    import h5py

    with h5py.File(file, "r") as opened:
        data = resolve(opened, name)
        check_written(data, slices)
        return decode(data[slices], attrs, axes)


def _volumes(opened):
    """Names of the arrays of two axes and more, and of the links that lead out of the file."""
    import h5py

    found, foreign, seen, waiting = [], [], set(), [("", opened)]
    while waiting:
        prefix, group = waiting.pop()
        for name in group:
            link = group.get(name, getlink=True)
            path = f"{prefix}/{name}".lstrip("/")
            if isinstance(link, h5py.ExternalLink):
                foreign.append(f"{path} (in {link.filename})")
            if not isinstance(link, h5py.HardLink):
                continue
            item = group[name]
            address = h5py.h5o.get_info(item.id).addr
            if address in seen:
                continue
            seen.add(address)
            if isinstance(item, h5py.Group):
                waiting.append((path, item))
            elif isinstance(item, h5py.Dataset) and item.ndim >= 2 and item.dtype.kind in "iufbc":
                found.append(path)
    return sorted(found), sorted(foreign)


def _choose(opened, dataset):
    import h5py

    found, foreign = _volumes(opened)
    if dataset:
        item = resolve(opened, dataset if dataset.startswith("/") else "/" + dataset)
        if isinstance(item, h5py.Dataset):
            return "/" + dataset.lstrip("/")
    elif len(found) == 1:
        return "/" + found[0]
    listed = ", ".join(found) or "no volume at all"
    if foreign:
        listed += f"; links into other files, which are not opened: {', '.join(foreign)}"
    raise ValueError(f"no dataset {dataset!r}; the file holds {listed}. Name one: DATASET=...")


def _filters(data):
    plist = data.id.get_create_plist()
    return [plist.get_filter(number) for number in range(plist.get_nfilters())]


def _check_filters(data):
    import h5py

    for code, _, _, label in _filters(data):
        if not h5py.h5z.filter_avail(code):
            raise ValueError(
                f"the dataset is compressed with {label.decode(errors='replace') or 'a filter'} "
                f"(HDF5 filter {code}), which this library does not have. Write it with gzip "
                "(h5repack -f GZIP=4 in.h5 out.h5)"
            )


def _compression(data):
    names = [label.decode(errors="replace") for *_, label in _filters(data)]
    return ", ".join(names) or "none"


def _axes(data):
    names = []
    for number in range(data.ndim):
        label = data.dims[number].label
        if not label and "DIMENSION_LIST" in data.attrs and len(data.dims[number]):
            label = data.dims[number][0].name.rsplit("/", 1)[-1]
        names.append(str(label or ""))
    return tuple(names)


def _coordinate(opened, data, axis):
    """Values and unit of the scale of an axis, if the file has one."""
    if "DIMENSION_LIST" not in data.attrs or not len(data.dims[axis]):
        return None
    scale = data.dims[axis][0]
    if scale.external or scale.is_virtual or scale.dtype.kind not in "iuf" or scale.size > 10**6:
        return None
    unit = scale.attrs.get("units", "")
    return scale[...], unit.decode() if isinstance(unit, bytes) else str(unit)
