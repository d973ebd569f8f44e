"""Volumes in HDF5 and netCDF-4: names and links, foreign files, unwritten parts, conventions."""

import itertools

import numpy as np

from analysis.tomogram.conventions import decode, spacing_from
from analysis.tomogram.stored import Stored, ranges

MAX_LINKS = 32  # a soft link may lead to another, and a chain of them back to its start


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
        data = _resolve(opened, name)
        _check_foreign(opened, data, name)
        _check_filters(data)
        attrs = dict(data.attrs)
        axes = _axes(data)
        stored = Stored(
            shape=data.shape,
            dtype=data.dtype,
            read=lambda slices: _read(file, name, slices, attrs, axes),
            axes=axes,
            spacing_um=spacing_from(attrs, axes, lambda axis: _coordinate(opened, data, axis)),
            compression=_compression(data),
            dataset=name.strip("/"),
        )
    if any(stored.spacing_um):
        stored = Stored(**{**stored.__dict__, "spacing_source": f"attributes of {stored.dataset}"})
    return stored


def _read(file, name, slices, attrs, axes):
    import h5py

    with h5py.File(file, "r") as opened:
        data = _resolve(opened, name)
        _check_written(data, slices)
        return decode(data[slices], attrs, axes)


def _resolve(group, path, links=0):
    """The object that a path leads to, link by link, so that no foreign file is opened."""
    import h5py

    if links > MAX_LINKS:
        raise ValueError(f"the links to {path!r} lead in a circle. Name the dataset itself")
    here = group.file if path.startswith("/") else group
    for part in [part for part in path.split("/") if part not in ("", ".")]:
        if not isinstance(here, h5py.Group):
            return None
        link = here.get(part, getlink=True)
        if isinstance(link, h5py.ExternalLink):
            raise ValueError(
                f"{part!r} is a link into another file, {link.filename!r} ({link.path}); foreign "
                "files are not opened. Give that file as TOMOGRAM, or copy the dataset into one "
                "file (h5repack, h5copy)"
            )
        if link is None:
            return None
        here = _resolve(here, link.path, links + 1) if isinstance(link, h5py.SoftLink) else here[part]
        if here is None:
            return None
    return here


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
        item = _resolve(opened, dataset if dataset.startswith("/") else "/" + dataset)
        if isinstance(item, h5py.Dataset):
            return "/" + dataset.lstrip("/")
    elif len(found) == 1:
        return "/" + found[0]
    listed = ", ".join(found) or "no volume at all"
    if foreign:
        listed += f"; links into other files, which are not opened: {', '.join(foreign)}"
    raise ValueError(f"no dataset {dataset!r}; the file holds {listed}. Name one: DATASET=...")


def _check_foreign(opened, data, name):
    if data.external:
        files = ", ".join(sorted({repr(part[0]) for part in data.external}))
        raise ValueError(
            f"the values of {name!r} lie in another file, {files} (external storage); foreign files "
            "are not opened. Copy the dataset into one file (h5repack)"
        )
    if data.is_virtual:
        sources = data.virtual_sources()
        foreign = sorted({one.file_name for one in sources if one.file_name != "."})
        if foreign:
            raise ValueError(
                f"{name!r} is a virtual dataset made of other files ({', '.join(foreign[:4])}"
                f"{', ...' if len(foreign) > 4 else ''}); foreign files are not opened, and a missing "
                "one would read as zeros. Copy the dataset into one file (h5repack)"
            )
        absent = sorted({s.dset_name for s in sources if _resolve(opened, s.dset_name) is None})
        if absent:
            raise ValueError(
                f"{name!r} is a virtual dataset whose parts {', '.join(absent)} are missing; they "
                "would read as zeros. Export it again"
            )


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


def _check_written(data, slices):
    """An aborted acquisition leaves chunks that were never written; HDF5 reads them as zeros."""
    if data.is_virtual:
        return
    if data.chunks is None:
        if data.size and data.id.get_storage_size() == 0 and data.compression is None:
            raise ValueError(
                "the dataset was created but never written; it would read as zeros. The acquisition "
                "or export was aborted: export it again"
            )
        return
    grids = [
        range(cut.start // edge, -(-cut.stop // edge)) if cut.stop > cut.start else range(0)
        for cut, edge in zip(slices, data.chunks, strict=True)
    ]
    total = int(np.prod([-(-length // edge) for length, edge in zip(data.shape, data.chunks, strict=True)]))
    if data.id.get_num_chunks() == total:
        return
    written = set()
    data.id.chunk_iter(lambda info: written.add(tuple(info.chunk_offset)))
    missing = [
        place
        for place in itertools.product(*grids)
        if tuple(n * edge for n, edge in zip(place, data.chunks, strict=True)) not in written
    ]
    if not missing:
        return
    depth = next((n for n, length in enumerate(data.shape) if length > 1), 0)
    slices_missing = {
        number
        for place in missing
        for number in range(
            place[depth] * data.chunks[depth],
            min((place[depth] + 1) * data.chunks[depth], data.shape[depth]),
        )
    }
    raise ValueError(
        f"{len(slices_missing)} of {data.shape[depth]} slices along axis {depth} were never written, "
        f"in whole or in part: {ranges(slices_missing)} (counted from 0); they would read as zeros. "
        "The acquisition or export was aborted: export it again, or cut out what is there "
        "(CROP=z0:z1,y0:y1,x0:x1)"
    )


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
