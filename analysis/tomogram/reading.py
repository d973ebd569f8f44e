"""One reader for all formats: choose by ending and content, decode, put axes in order, check."""

import glob
import re
from dataclasses import dataclass
from pathlib import Path

import numpy as np

from analysis import storage
from analysis.phases import Phase, check_labels, check_shape, check_voxel_size
from analysis.tomogram import checks
from analysis.tomogram.hdf5 import open_hdf5
from analysis.tomogram.netcdf3 import open_netcdf3
from analysis.tomogram.options import fit_crop, parse_crop, parse_voxel_size
from analysis.tomogram.polarity import check_polarity, polarity_doubt, recognize, turn_round
from analysis.tomogram.raw import open_metaimage, open_npy, open_nrrd
from analysis.tomogram.slices import folder_hint, open_slices, stack_hint
from analysis.tomogram.tiff import open_tiff

HDF5, NETCDF3 = ("HDF5", open_hdf5), ("netCDF-3", open_netcdf3)

NAMED = (HDF5[0], NETCDF3[0])  # formats whose datasets have names

READERS = {
    ".tif": ("TIFF", open_tiff),
    ".tiff": ("TIFF", open_tiff),
    ".npy": ("NumPy", open_npy),
    ".h5": HDF5,
    ".hdf5": HDF5,
    ".hdf": HDF5,
    ".nxs": HDF5,
    ".nc": HDF5,
    ".mhd": ("MetaImage", open_metaimage),
    ".mha": ("MetaImage", open_metaimage),
    ".nrrd": ("NRRD", open_nrrd),
    ".nhdr": ("NRRD", open_nrrd),
}

SAME_SPACING = 0.01  # two sources that round to three digits agree within it


@dataclass(frozen=True)
class Description:
    """
    What was understood of a file.

    Attributes
    ----------
    kind : str
        Format.
    dataset : str
        Name of the volume inside the file, or empty.
    shape : tuple of int
        Voxels (Z, Y, X) after axes were put in order and the cutout was taken.
    stored_axes : str
        Axes as stored, with their lengths.
    dtype : str
        Type of the gray values after decoding.
    spacing_um : tuple of float or None
        Voxel edges z, y, x [µm] that the file states; None where it does not.
    spacing_source : str
        Where they stand.
    polarity : str
        How brightness is stored.
    compression : str
        Name of the compression, or "none".
    commonest_share : float
        Share [-] of the voxels that hold the commonest single value.
    doubt : str
        A sentence if gray values and target fractions do not go together, else empty.
    particles : {"", "bright", "dark", "unclear"}
        What the particles are in the gray values as returned; empty if no targets were given.
    """

    kind: str
    dataset: str
    shape: tuple
    stored_axes: str
    dtype: str
    spacing_um: tuple
    spacing_source: str
    polarity: str
    compression: str
    commonest_share: float
    doubt: str = ""
    particles: str = ""


def read_gray(file, dataset="", *, crop=None, voxel_size_um=None, polarity=""):
    """
    Read a tomogram and make sure that it can be trinarized.

    Parameters
    ----------
    file : str or Path
        TIFF, ``.npy``, HDF5, netCDF, MetaImage, NRRD, or a pattern of single slices such as
        ``slices/*.tif``.
    dataset : str
        Name of the dataset in an HDF5 or netCDF file that holds more than one volume.
    crop : str or tuple of slice, optional
        Cutout as for :func:`~analysis.tomogram.parse_crop`; for scans with a round field of view or
        damaged ends.
    voxel_size_um : float or str, optional
        Voxel edge [µm], compared with what the file says.
    polarity : str
        "dark" if the active material is the darkest phase; gray is then turned round within its
        range, since every method takes the brightest phase for active material. "bright", or
        nothing, leaves it as it is.

    Returns
    -------
    gray : (Z, Y, X) ndarray
        Gray values; active material is bright.

    Raises
    ------
    FileNotFoundError
        If there is no such file.
    ValueError
        If the file is damaged or of an unknown kind, does not hold a gray volume of at least 16
        voxels along every axis, or contradicts the voxel size.
    """
    return _checked(file, dataset, crop, voxel_size_um, polarity)[2]


def describe(file, dataset="", *, crop=None, voxel_size_um=None, polarity="", targets=None):
    """
    Read and check a tomogram, and say what was understood of it.

    All other parameters, and the errors, are those of :func:`read_gray`.

    Parameters
    ----------
    targets : dict of Phase to float, optional
        Target volume fractions [-]; with them, dark particles are recognized.

    Returns
    -------
    description : Description
    """
    kind, stored, gray = _checked(file, dataset, crop, voxel_size_um, polarity)
    polarity = check_polarity(polarity)
    turned = "; turned round, since particles are dark" if polarity == "dark" else ""
    names = [name or f"axis {number}" for number, name in enumerate(stored.axes)]
    names = names or [f"axis {number}" for number in range(len(stored.shape))]
    axes = ", ".join(f"{name}: {n}" for name, n in zip(names, stored.shape, strict=True))
    return Description(
        kind=kind,
        dataset=stored.dataset,
        shape=gray.shape,
        stored_axes=axes,
        dtype=str(gray.dtype),
        spacing_um=stored.spacing_um,
        spacing_source=stored.spacing_source,
        polarity=stored.polarity + turned,
        compression=stored.compression,
        commonest_share=checks.commonest_share(gray),
        doubt="" if targets is None else polarity_doubt(gray, targets, polarity),
        particles="" if targets is None else recognize(gray, targets),
    )


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
    values = _read(file, dataset, brightness=False)[2]
    try:
        labels = check_labels(values)
    except ValueError as error:
        raise ValueError(f"{file}: {error}") from None
    return np.array(order, dtype=np.uint8)[labels]


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


def _checked(file, dataset, crop, voxel_size_um, polarity):
    size = None if voxel_size_um is None else parse_voxel_size(voxel_size_um)
    dark = check_polarity(polarity) == "dark"

    def early(stored):
        check_shape(stored.volume_shape(), min_edge=checks.MIN_EDGE)
        _check_spacing(stored, size)

    kind, stored, values = _read(file, dataset, crop=crop, early=early)
    try:
        gray = checks.check_scan(values)
    except ValueError as error:
        raise ValueError(f"{file}: {_from_the_whole(error, crop, stored)}") from None
    return kind, stored, turn_round(gray) if dark else gray


def _from_the_whole(error, crop, stored):
    """A crop suggested within a crop, counted from the start of the whole volume."""
    outer = fit_crop(crop, stored.volume_shape())

    def shifted(match):
        inner = parse_crop(match[1])
        return "CROP=" + ",".join(
            f"{cut.start + whole.start}:{cut.stop + whole.start}"
            for cut, whole in zip(inner, outer, strict=True)
        )

    return re.sub(r"CROP=(\d+:\d+,\d+:\d+,\d+:\d+)", shifted, str(error))


def _check_spacing(stored, size):
    """Voxels must be cubes, and of the size that was given."""
    edges = stored.spacing_um if any(stored.spacing_um) else stored.spacing
    unit = " µm" if any(stored.spacing_um) else ""
    known = [(axis, edge) for axis, edge in zip("zyx", edges, strict=True) if edge]
    listed = ", ".join(f"{axis} {edge:.6g}{unit}" for axis, edge in known)
    if known and max(e for _, e in known) > min(e for _, e in known) * (1 + SAME_SPACING):
        raise ValueError(
            f"the voxels are not cubes: {stored.spacing_source} gives {listed}. Resample the "
            "volume "
            "to one voxel edge (in ImageJ: Image > Scale), or correct what the file says"
        )
    if size is None or not any(stored.spacing_um):
        return
    if any(abs(edge / size - 1) > SAME_SPACING for _, edge in known):
        raise ValueError(
            f"two sources disagree on the voxel: VOXEL_SIZE_UM={size:g} was given, but "
            f"{stored.spacing_source} gives {listed}. Find out which is right, and correct the "
            "other"
        )


def _read(file, dataset, *, crop=None, brightness=True, early=lambda stored: None):
    kind, opener, file = _reader(file)
    if dataset and kind not in NAMED:
        raise ValueError(
            f"{file}: DATASET={dataset} was given, but {kind} holds one volume without a name. "
            "Leave DATASET out, or check that this is the file you mean."
        )
    try:
        stored = opener(file, dataset, brightness=brightness)
        early(stored)
        cut = crop and fit_crop(crop, stored.volume_shape())
        return kind, stored, stored.load(cut or None)
    except MemoryError as error:
        raise ValueError(f"{file}: the volume does not fit into memory. Cut out a part.") from error
    except ValueError as error:
        raise ValueError(f"{file}: {error}") from error
    except (
        OSError,
        EOFError,
        KeyError,
        TypeError,
        IndexError,
        AttributeError,
        SyntaxError,
        ArithmeticError,
        RuntimeError,
        AssertionError,
    ) as error:  # what parsers raise on damage
        raise ValueError(
            f"{file}: could not be read as {kind} ({error}). It may be truncated or of another "
            "kind; copy it again or convert it."
        ) from error


def _reader(file):
    if glob.has_magic(str(file)) and not Path(file).exists():
        return "TIFF slices", open_slices, str(file)
    file = Path(file)
    if file.is_dir():
        raise ValueError(f"{file}: this is a folder. {folder_hint(file)}")
    if not file.name.strip(".") or not file.stem.strip("."):
        raise ValueError(f"{file}: the file has no name before its ending. Rename it.")
    kind = READERS.get(file.suffix.lower())
    if kind is None:
        raise ValueError(
            f"{file}: unknown ending {file.suffix!r}; expected one of {', '.join(READERS)}. Save "
            "the volume as a multi-page TIFF (a .raw needs a .mhd head beside it)."
        )
    if not file.is_file():
        raise FileNotFoundError(f"{file}: there is no such file. Check the path.")
    if file.stat().st_size == 0:
        raise ValueError(f"{file}: the file is empty. Copy it again.")
    if kind is HDF5:
        with open(file, "rb") as opened:
            magic = opened.read(4)
        if magic[:3] == b"CDF":
            kind = NETCDF3
        elif magic == b"\x0e\x03\x13\x01":
            raise ValueError(f"{file}: this is HDF4, not HDF5. Convert it (h4toh5 in.hdf out.h5).")
    if kind[0] == "TIFF":
        return kind[0], lambda *a, **k: stack_hint(file, open_tiff(*a, **k)), file
    return (*kind, file)
