"""What is missing behind a dataset: foreign files, parts of it, chunks that were never written."""

import itertools

import numpy as np

from analysis.tomogram.stored import ranges

MAX_LINKS = 32  # a soft link may lead to another, and a chain of them back to its start


def resolve(group, path, links=0):
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
        soft = isinstance(link, h5py.SoftLink)
        here = resolve(here, link.path, links + 1) if soft else here[part]
        if here is None:
            return None
    return here


def check_foreign(opened, data, name, depth=0):
    """
    Whether all values of a dataset lie in this file, those of virtual parts included.

    Raises
    ------
    ValueError
        If not, or if a part is missing.
    """
    if data.external:
        files = ", ".join(sorted({repr(part[0]) for part in data.external}))
        raise ValueError(
            f"the values of {name!r} lie in another file, {files} (external storage); foreign "
            "files "
            "are not opened. Copy the dataset into one file (h5repack)"
        )
    if not data.is_virtual:
        return
    if depth > MAX_LINKS:
        raise ValueError(f"{name!r} is a virtual dataset that is made of itself. Export it again")
    sources = data.virtual_sources()
    foreign = sorted({one.file_name for one in sources if one.file_name != "."})
    if foreign:
        raise ValueError(
            f"{name!r} is a virtual dataset made of other files ({', '.join(foreign[:4])}"
            f"{', ...' if len(foreign) > 4 else ''}); foreign files are not opened, and a missing "
            "one would read as zeros. Copy the dataset into one file (h5repack)"
        )
    parts = {one.dset_name: resolve(opened, one.dset_name) for one in sources}
    absent = sorted(part for part, found in parts.items() if found is None)
    if absent:
        raise ValueError(
            f"{name!r} is a virtual dataset whose parts {', '.join(absent)} are missing; they "
            "would read as zeros. Export it again"
        )
    for part, found in parts.items():
        check_foreign(opened, found, part, depth + 1)


def check_written(data, slices):
    """
    Whether the values within the slices were ever written; HDF5 reads what was not as zeros.

    Raises
    ------
    ValueError
        If not, as after an aborted acquisition.
    """
    if data.is_virtual:
        _check_mapped(data, slices)
        return
    if data.chunks is None:
        if data.size and data.id.get_storage_size() == 0 and data.compression is None:
            raise ValueError(
                "the dataset was created but never written; it would read as zeros. The "
                "acquisition "
                "or export was aborted: export it again"
            )
        return
    grids = [
        range(cut.start // edge, -(-cut.stop // edge)) if cut.stop > cut.start else range(0)
        for cut, edge in zip(slices, data.chunks, strict=True)
    ]
    total = 1
    for length, edge in zip(data.shape, data.chunks, strict=True):
        total *= -(-length // edge)
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
    depth = _depth(data)
    edge, length = data.chunks[depth], data.shape[depth]
    _unwritten(
        data,
        {n for at in missing for n in range(at[depth] * edge, min((at[depth] + 1) * edge, length))},
    )


def _check_mapped(data, slices):
    """A virtual dataset: whether its parts cover the slices, and were written themselves."""
    covered = np.zeros([cut.stop - cut.start for cut in slices], dtype=bool)
    for one in data.virtual_sources():
        for first, last in _blocks(one.vspace):
            box = tuple(
                slice(max(low - cut.start, 0), max(high + 1 - cut.start, 0))
                for low, high, cut in zip(first, last, slices, strict=True)
            )
            covered[box] = True
        part = resolve(data.file, one.dset_name)
        for first, last in _blocks(one.src_space):
            check_written(part, tuple(slice(a, b + 1) for a, b in zip(first, last, strict=True)))
    if covered.all():
        return
    depth = _depth(data)
    others = tuple(axis for axis in range(data.ndim) if axis != depth)
    _unwritten(data, np.flatnonzero(~covered.all(axis=others)) + slices[depth].start)


def _blocks(space):
    """First and last corners of the boxes that a selection is made of."""
    import h5py

    if space.get_select_type() == h5py.h5s.SEL_HYPERSLABS:
        boxes = space.get_select_hyper_blocklist()
        return [(tuple(map(int, first)), tuple(map(int, last))) for first, last in boxes]
    return [(tuple(0 for _ in space.shape), tuple(length - 1 for length in space.shape))]


def _depth(data):
    return next((axis for axis, length in enumerate(data.shape) if length > 1), 0)


def _unwritten(data, numbers):
    depth = _depth(data)
    raise ValueError(
        f"{len(numbers)} of {data.shape[depth]} slices along axis {depth} were never written, "
        f"in whole or in part: {ranges(numbers)} (counted from 0); they would read as zeros. "
        "The acquisition or export was aborted: export it again, or cut out what is there "
        "(CROP=z0:z1,y0:y1,x0:x1)"
    )
