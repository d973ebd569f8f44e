"""Correlative microscopy of sample D: a FIB-SEM stack placed in the tomogram."""

from dataclasses import dataclass

import numpy as np

from analysis import profiles, storage
from analysis.instruments import fibsem
from analysis.phases import VOXEL_SIZE_UM
from analysis.specimen import electrode
from analysis.study import specimens

SPECIMEN, CUTOUT = "D", 1
NAME = f"{SPECIMEN}-{CUTOUT}-fibsem"
BINNINGS = (1, 2)


@dataclass(frozen=True)
class Correlative:
    """
    A FIB-SEM stack, what is in it, and where in the tomogram it lies.

    Attributes
    ----------
    stack : analysis.instruments.fibsem.Stack
        Gray images with origin and spacing.
    labels : (Z, Y, X) ndarray of uint8
        Truth of the stack.
    """

    stack: fibsem.Stack
    labels: np.ndarray

    def compositions(self, labels=None, *, binning=1):
        """
        Composition of the tomogram voxels in the stack, and the index of the first one.

        Parameters
        ----------
        labels : (Z, Y, X) ndarray of uint8, optional
            A segmentation of the stack; the truth by default.
        binning : int
            1, or the paper's 2.

        Returns
        -------
        composition : (3, z, y, x) ndarray of float32
        position : tuple of int
            In binned voxels.
        """
        return fibsem.compositions(
            self.labels if labels is None else labels,
            self.stack.origin_um,
            self.stack.spacing_um,
            VOXEL_SIZE_UM,
            binning=binning,
        )


def build(profile):
    """
    Mill sample D and write the stack, its truth and the compositions inside it.

    Writes the volumes ``gray/D-1-fibsem`` and ``labels/D-1-fibsem`` (80 nm, attributes `origin_um`)
    and ``composition/D-1-fibsem-bin1`` and ``-bin2`` (attribute `position`, in binned voxels).

    Parameters
    ----------
    profile : str
        Name of the profile.
    """
    names = [f"gray/{NAME}", f"labels/{NAME}"]
    names += [f"composition/{NAME}-bin{binning}" for binning in BINNINGS]
    settings = profiles.get(profile)
    truth = specimens.truth(profile, SPECIMEN, CUTOUT)
    found = mill(truth, seed=settings.seed_for("fibsem"), extent_um=settings.fib_extent_um)
    place = {"origin_um": found.stack.origin_um, "specimen": SPECIMEN, "cutout": CUTOUT}
    for name, array in zip(names, (found.stack.gray, found.labels), strict=False):
        storage.save_volume(
            name, array, profile=profile, voxel_size_um=found.stack.spacing_um, **place
        )
    for binning in BINNINGS:
        composition, position = found.compositions(binning=binning)
        storage.save_volume(
            f"composition/{NAME}-bin{binning}",
            composition,
            profile=profile,
            voxel_size_um=VOXEL_SIZE_UM * binning,
            position=position,
            binning=binning,
            **place,
        )


def load(profile):
    """
    Read the stack and its truth back.

    Parameters
    ----------
    profile : str
        Name of the profile; :func:`build` must have run.

    Returns
    -------
    Correlative
    """
    gray = storage.load_volume(f"gray/{NAME}", profile=profile)
    labels = storage.load_volume(f"labels/{NAME}", profile=profile)
    origin = tuple(float(start) for start in np.atleast_1d(gray.attrs["origin_um"]))
    stack = fibsem.Stack(gray.values, origin, float(gray.attrs["voxel_size_um"]))
    return Correlative(stack, labels.values)


def mill(truth, *, seed, extent_um=fibsem.EXTENT_UM, refinement=fibsem.REFINEMENT):
    """
    Mill a suitable cutout of a specimen.

    Parameters
    ----------
    truth : analysis.specimen.electrode.Specimen
    seed : int
        Of the images.
    extent_um : tuple of float
        Size (z, y, x) of the cutout [µm].
    refinement : int
        FIB voxels per tomogram voxel and axis.

    Returns
    -------
    Correlative
    """
    h = truth.voxel_size_um
    shape = fibsem.cutout_shape(h, refinement, extent_um)
    covered = tuple(-(-n // refinement) for n in shape)
    position = fibsem.suitable_position(truth.labels, covered)
    origin = tuple(float(index * h) for index in position)
    labels = electrode.sample(truth, origin, shape, h / refinement)
    gray = fibsem.image(labels, h / refinement, seed=seed)
    return Correlative(fibsem.Stack(gray, origin, h / refinement), labels)
