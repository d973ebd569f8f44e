"""Correlative microscopy of sample D: a FIB-SEM stack placed in the tomogram."""

from dataclasses import dataclass

import numpy as np
import pandas as pd

from analysis import storage
from analysis.instruments import fibsem, registration
from analysis.phases import VOXEL_SIZE_UM, Phase
from analysis.specimen import electrode
from analysis.study.imaging import specimens

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
    profile : analysis.profiles.Profile
    """
    names = [f"gray/{NAME}", f"labels/{NAME}"]
    names += [f"composition/{NAME}-bin{binning}" for binning in BINNINGS]
    truth = specimens.truth(profile, SPECIMEN, CUTOUT)
    found = mill(truth, seed=profile.seed_for("fibsem"), extent_um=profile.fib_extent_um)
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
    profile : analysis.profiles.Profile
        :func:`build` must have run.

    Returns
    -------
    Correlative
    """
    gray = storage.load_volume(f"gray/{NAME}", profile=profile)
    labels = storage.load_volume(f"labels/{NAME}", profile=profile)
    origin = tuple(float(start) for start in np.atleast_1d(gray.attrs["origin_um"]))
    stack = fibsem.Stack(gray.values, origin, float(gray.attrs["voxel_size_um"]))
    return Correlative(stack, labels.values)


def check_compositions(profile):
    """
    Compositions from the FIB-SEM truth beside those of the specimen, and moved by 0.15 µm.

    Returns
    -------
    table : pandas.DataFrame
        Root mean square difference [-] of each phase at binning 1 and 2: as placed, and with the
        stack misplaced along each axis by the error that registration is allowed.
    """
    found = load(profile)
    known = storage.load_volume(f"composition/{SPECIMEN}-{CUTOUT}-truth", profile=profile).values
    rows = []
    for binning in BINNINGS:
        for misplaced in (0.0, 0.15):
            origin = tuple(start + misplaced for start in found.stack.origin_um)
            placed, position = fibsem.compositions(
                found.labels, origin, found.stack.spacing_um, VOXEL_SIZE_UM, binning=binning
            )
            true = _binned(known, position, placed.shape[1:], binning)
            rms = np.sqrt(np.mean((placed - true) ** 2, axis=(1, 2, 3)))
            rows.append(
                {"binning": binning, "misplaced [µm]": misplaced, "voxels": placed[0].size}
                | {phase.title: float(rms[phase]) for phase in reversed(Phase)}
            )
    table = pd.DataFrame(rows)
    storage.save_table("fibsem-compositions", table, profile=profile)
    return table


def cutout_scatter(profile):
    """
    Composition of every cutout that could have been milled instead, and of the one that was.

    Returns
    -------
    table : pandas.DataFrame
        Columns phase, whole, chosen, mean, spread, lowest, highest: volume fractions [-].
    """
    found = load(profile)
    labels = storage.load_volume(f"labels/{SPECIMEN}-{CUTOUT}-truth", profile=profile).values
    refinement = round(VOXEL_SIZE_UM / found.stack.spacing_um)
    extent = tuple(n // refinement for n in found.labels.shape)
    shares = fibsem.box_fractions(labels, extent)
    return pd.DataFrame(
        [
            {
                "phase": phase.title,
                "whole": float(np.mean(labels == phase)),
                "chosen": float(np.mean(found.labels == phase)),
                "mean": float(shares[phase].mean()),
                "spread": float(shares[phase].std()),
                "lowest": float(shares[phase].min()),
                "highest": float(shares[phase].max()),
            }
            for phase in reversed(Phase)
        ]
    )


def register(profile):
    """
    Place surface scans of sample D, each rotated, scaled and shifted at random, in the tomogram.

    Writes the table ``registration``.

    Returns
    -------
    table : pandas.DataFrame
        One row per scan: key points, matches, inliers, residual, and the true error over the
        corners of the milled cutout, by key points alone and with the final polish [µm].
    example : dict of str to ndarray
        The last scan, the slice, and the scan placed in the slice by what was found (0 where the
        scan does not reach).
    """
    found = load(profile)
    truth = specimens.truth(profile, SPECIMEN, CUTOUT)
    gray = storage.load_volume(f"gray/{SPECIMEN}-{CUTOUT}", profile=profile).values
    h = VOXEL_SIZE_UM
    row = round(found.stack.origin_um[1] / h)
    fine = (4 * gray.shape[0], 1, 4 * gray.shape[2])
    surface = electrode.sample(truth, (0.0, (row + 0.375) * h, 0.0), fine, h / 4)[:, 0]
    start = np.array(found.stack.origin_um)[[0, 2]]
    size = np.array(found.labels.shape)[[0, 2]] * found.stack.spacing_um
    corners = start + np.array([[0, 0], [0, 1], [1, 0], [1, 1]]) * size

    rows = []
    for number in range(profile.registrations):
        rng = np.random.default_rng(profile.seed_for("registration", number))
        true = registration.Placement(
            rng.uniform(-10, 10), rng.uniform(0.95, 1.05), tuple(rng.uniform(-4, 4, 2))
        )
        shape = (2 * gray.shape[0], 2 * gray.shape[2])
        scan = registration.surface_scan(surface, h / 4, true, shape, h / 2, seed=number)
        points = registration.register(gray[:, row], h, scan, h / 2, seed=number, polish=False)
        best = registration.register(gray[:, row], h, scan, h / 2, seed=number)
        in_scan = true.to_scan(corners)
        rows.append(
            {
                "scan": number + 1,
                "rotation [deg]": true.rotation_deg,
                "scale": true.scale,
                "key points": f"{points.keypoints[0]} / {points.keypoints[1]}",
                "matches": points.matches,
                "inliers": points.inliers,
                "residual [µm]": points.residual_um,
                "error, key points [µm]": registration.error_um(points.placement, true, in_scan),
                "error, polished [µm]": registration.error_um(best.placement, true, in_scan),
            }
        )
    table = pd.DataFrame(rows)
    storage.save_table("registration", table, profile=profile)
    placed = registration.place(scan, h / 2, best.placement, gray[:, row].shape, h)
    pictures = {
        "surface scan": scan,
        "tomogram": gray[:, row],
        "scan, placed": np.nan_to_num(placed),
    }
    return table, pictures


def resolution(profile, refinements=(2, 4, 8), reference=16):
    """
    What composition needs: error of compositions against the voxel size of the FIB-SEM.

    Parameters
    ----------
    profile : analysis.profiles.Profile
    refinements : sequence of int
        FIB voxels per tomogram voxel and axis.
    reference : int
        The finest, which the others are held against.

    Returns
    -------
    table : pandas.DataFrame
        Voxel size [nm], voxels of the paper's cutout [millions], rms error per phase [-].
    """
    truth = specimens.truth(profile, SPECIMEN, CUTOUT)
    h, box = VOXEL_SIZE_UM, (20, 16, 16)
    origin = tuple(
        float(h * (n // 2 - m // 2)) for n, m in zip(truth.labels.shape, box, strict=True)
    )

    def compose(refinement):
        labels = electrode.sample(truth, origin, tuple(refinement * n for n in box), h / refinement)
        return fibsem.compositions(labels, origin, h / refinement, h)[0]

    best = compose(reference)
    rows = []
    for refinement in refinements:
        rms = np.sqrt(np.mean((compose(refinement) - best) ** 2, axis=(1, 2, 3)))
        rows.append(
            {
                "voxel [nm]": 1000 * h / refinement,
                "voxels [millions]": np.prod(fibsem.cutout_shape(h, refinement)) / 1e6,
            }
            | {phase.title: float(rms[phase]) for phase in reversed(Phase)}
        )
    return pd.DataFrame(rows)


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


def _binned(composition, position, shape, binning):
    """Part of a composition, averaged over cubes of `binning` voxels."""
    part = composition[
        (slice(None),)
        + tuple(
            slice(binning * first, binning * (first + n))
            for first, n in zip(position, shape, strict=True)
        )
    ]
    cubes = part.reshape(len(Phase), *(m for n in shape for m in (n, binning)))
    return cubes.mean(axis=(2, 4, 6))
