"""A reader's own volume: from a file to checked gray values or labels, and labels back to TIFF."""

from pathlib import Path

import numpy as np

from analysis import storage
from analysis.phases import Phase, check_gray, check_labels, check_targets, check_voxel_size

READERS = {
    ".tif": "TIFF",
    ".tiff": "TIFF",
    ".npy": "NumPy",
    ".h5": "HDF5",
    ".hdf5": "HDF5",
    ".nc": "HDF5",
}

MIN_EDGE = 16  # fewer voxels than this along an axis hold not even one particle


def read_gray(file, dataset=""):
    """
    Read a tomogram and make sure that it can be trinarized.

    Parameters
    ----------
    file : str or Path
        Multi-page TIFF, ``.npy``, HDF5 (``.h5``) or netCDF-4 (``.nc``).
    dataset : str
        Name of the dataset in an HDF5 or netCDF file that holds more than one volume.

    Returns
    -------
    gray : (Z, Y, X) ndarray
        Gray values, integer or float32/float64 as stored.

    Raises
    ------
    FileNotFoundError
        If there is no such file.
    ValueError
        If the file is damaged or of an unknown kind, or does not hold a gray volume of at least 16
        voxels along every axis.
    """
    volume = _read(Path(file), dataset)
    try:
        return check_gray(volume, min_edge=MIN_EDGE)
    except ValueError as error:
        raise ValueError(f"{file}: {error}") from None


def read_labels(file, dataset="", order=(Phase.PORE, Phase.CBD, Phase.AM)):
    """
    Read a labelled volume and translate its labels to ours.

    Parameters
    ----------
    file : str or Path
        As for :func:`read_gray`.
    dataset : str
        As for :func:`read_gray`.
    order : tuple of Phase
        What the labels 0, 1 and 2 of the file stand for.

    Returns
    -------
    labels : (Z, Y, X) ndarray of uint8
        Labels in the order of :class:`~analysis.phases.Phase`.

    Raises
    ------
    FileNotFoundError, ValueError
        As :func:`read_gray`, and if the values are not the labels 0, 1 and 2.
    """
    if sorted(order) != sorted(Phase):
        raise ValueError(f"The order of labels is {order}; expected each of the three phases once.")
    try:
        labels = check_labels(_read(Path(file), dataset))
    except ValueError as error:
        raise ValueError(f"{file}: {error}") from None
    return np.array(order, dtype=np.uint8)[labels]


def parse_fractions(text):
    """
    Target fractions from the command line, in the order AM, CBD, pore.

    Examples
    --------
    >>> parse_fractions("0.5954,0.2308,0.1738")[Phase.CBD]
    0.2308

    Raises
    ------
    ValueError
        If there are not three numbers, or they are no volume fractions that sum to one.
    """
    parts = [part.strip() for part in str(text).split(",") if part.strip()]
    try:
        numbers = [float(part) for part in parts]
    except ValueError:
        numbers = []
    if len(numbers) != 3:
        raise ValueError(
            f"FRACTIONS={text!r}; expected three volume fractions AM,CBD,pore, for example "
            "FRACTIONS=0.5954,0.2308,0.1738."
        )
    return check_targets(dict(zip((Phase.AM, Phase.CBD, Phase.PORE), numbers, strict=True)))


def write_tiff(file, labels, voxel_size_um):
    """
    Write labels as a multi-page TIFF that ImageJ opens with its voxel size.

    Raises
    ------
    ValueError
        If the labels or the voxel size are not valid.
    OSError
        If the disk is full; an older file is intact.
    """
    import tifffile

    labels, size = check_labels(labels), check_voxel_size(voxel_size_um)
    with storage.atomic(file) as temporary:
        tifffile.imwrite(
            temporary,
            labels,
            imagej=True,
            resolution=(1 / size, 1 / size),
            metadata={"spacing": size, "unit": "um", "axes": "ZYX"},
        )


def _read(file, dataset):
    kind = READERS.get(file.suffix.lower())
    if kind is None:
        raise ValueError(
            f"{file}: unknown ending {file.suffix!r}; expected one of {', '.join(READERS)}."
        )
    if not file.is_file():
        raise FileNotFoundError(f"{file}: there is no such file. Check the path.")
    if file.stat().st_size == 0:
        raise ValueError(f"{file}: the file is empty. Copy it again.")
    reader = {"TIFF": _read_tiff, "NumPy": _read_npy, "HDF5": _read_hdf5}[kind]
    try:
        return reader(file, dataset)
    except (ValueError, OSError, EOFError, KeyError) as error:
        if str(error).startswith(str(file)):
            raise
        raise ValueError(
            f"{file}: could not be read as {kind} ({error}). It may be truncated or of another "
            "kind; copy it again or convert it."
        ) from error


def _read_tiff(file, _):
    import tifffile

    size = file.stat().st_size
    with tifffile.TiffFile(file) as tiff:
        for number, page in enumerate(tiff.pages):
            ends = np.add(page.dataoffsets, page.databytecounts)
            if len(ends) and ends.max() > size:
                raise ValueError(
                    f"{file}: the file is truncated: page {number} ends at byte {ends.max()}, the "
                    f"file at {size}. Copy it again."
                )
        photometric = tiff.pages[0].photometric
        if photometric in (tifffile.PHOTOMETRIC.RGB, tifffile.PHOTOMETRIC.YCBCR):
            raise ValueError(
                f"{file}: the pages are in color; expected gray values. Convert the stack to gray "
                "(in ImageJ: Image > Type > 16-bit)."
            )
        return tiff.asarray()


def _read_npy(file, _):
    return np.load(file, allow_pickle=False)


def _read_hdf5(file, dataset):
    import h5py

    with h5py.File(file, "r") as opened:
        volumes = []
        opened.visititems(
            lambda name, item: (
                volumes.append(name) if isinstance(item, h5py.Dataset) and item.ndim >= 2 else None
            )
        )
        if not dataset and len(volumes) == 1:
            dataset = volumes[0]
        if dataset not in volumes:
            found = ", ".join(volumes) or "no volume at all"
            raise ValueError(
                f"{file}: no dataset {dataset!r}; the file holds {found}. Name one: DATASET=..."
            )
        return opened[dataset][...]
