"""Virtual FIB-SEM: what a scanning electron microscope shows of a cutout, slice by slice.

The ion beam comes along z and mills slices along y; an image shows the (z, x) face of a slice. The
gray values are a model of the SE2 detector: bright active material, medium CBD with a
nano-texture, dark pores through which the solid behind them shines. Positions are measured from
the corner of the tomogram, so that a stack knows which tomogram voxels it covers.
"""

from dataclasses import dataclass, replace

import numpy as np
from numba import njit
from scipy import ndimage

from analysis.phases import VOXEL_SIZE_UM, Phase, check_labels, check_voxel_size

REFINEMENT = 8  # FIB voxels per tomogram voxel and axis: 80 nm
EXTENT_UM = (27.0, 14.0, 15.0)  # z, y, x of the paper's cutout, Section 2.2


@dataclass(frozen=True)
class Detector:
    """
    Gray model, in units where 0 is black and 1 is white.

    Attributes
    ----------
    am, cbd, pore : float
        Mean gray values.
    texture, texture_um : float
        Standard deviation and correlation length [µm] of the CBD's nano-texture.
    shine, shine_um : float
        Share of the gray value of the solid behind a pore that shines through, and the depth [µm]
        over which it fades.
    curtains : float
        Relative amplitude of the streaks along the ion beam.
    noise : float
        Standard deviation.
    """

    am: float = 0.75
    cbd: float = 0.42
    pore: float = 0.06
    texture: float = 0.07
    texture_um: float = 0.08
    shine: float = 0.8
    shine_um: float = 0.6
    curtains: float = 0.05
    noise: float = 0.03


STANDARD = Detector()
HARD = Detector(texture=0.12, noise=0.05, shine=0.9, shine_um=1.2, curtains=0.08)


@dataclass(frozen=True)
class Stack:
    """
    A FIB-SEM stack in the coordinates of the tomogram.

    Attributes
    ----------
    gray : (Z, Y, X) ndarray of uint8
        SE2 images; axis 1 counts the slices.
    origin_um : tuple of float
        Corner (z, y, x) [µm] from the corner of the tomogram.
    spacing_um : float
        Voxel edge [µm].
    """

    gray: np.ndarray
    origin_um: tuple
    spacing_um: float


def cutout_shape(voxel_size_um=VOXEL_SIZE_UM, refinement=REFINEMENT, extent_um=EXTENT_UM):
    """
    FIB voxels (Z, Y, X) of a cutout that covers whole tomogram voxels along z and y.

    At 0.642 µm these are 42 x 22 x 23 tomogram voxels; binned twice, 21 x 11 x 11 = 2541.

    Examples
    --------
    >>> cutout_shape()
    (336, 176, 187)
    """
    check_voxel_size(voxel_size_um)
    depth, height, width = extent_um
    return (
        round(depth / voxel_size_um) * refinement,
        round(height / voxel_size_um) * refinement,
        round(width / voxel_size_um * refinement),
    )


def suitable_position(labels, extent, *, multiple=2):
    """
    Where a cutout is most like the whole: "a suitable region of interest".

    A cutout of 15 x 14 x 27 µm³ is too small to be representative, its AM fraction scatters by a
    tenth. So the one that is closest to the mean composition is chosen.

    Parameters
    ----------
    labels : (Z, Y, X) ndarray of uint8
        Phases of the tomogram's voxels; any trinarization will do.
    extent : tuple of int
        Tomogram voxels (Z, Y, X) of the cutout.
    multiple : int
        The position is a multiple of this along each axis, so that binned voxels fit.

    Returns
    -------
    position : tuple of int
        First tomogram voxel (z, y, x).

    Raises
    ------
    ValueError
        If the cutout is larger than the specimen.
    """
    labels = check_labels(labels)
    for axis, part, whole in zip("zyx", extent, labels.shape, strict=True):
        if part > whole:
            raise ValueError(
                f"The FIB-SEM cutout is {part} voxels long along {axis}, but the specimen only "
                f"{whole}. Choose a smaller extent, or a profile with larger cutouts."
            )
    means = np.array([np.mean(labels == phase) for phase in Phase])
    departure = ((box_fractions(labels, extent) - means[:, None, None, None]) ** 2).sum(axis=0)
    departure = departure[::multiple, ::multiple, ::multiple]
    best = np.unravel_index(np.argmin(departure), departure.shape)
    return tuple(int(index) * multiple for index in best)


def box_fractions(labels, extent):
    """
    Phase fractions of all boxes of one size.

    Parameters
    ----------
    labels : (Z, Y, X) ndarray of uint8
    extent : tuple of int
        Voxels of a box.

    Returns
    -------
    fractions : (3, Z - z + 1, Y - y + 1, X - x + 1) ndarray of float
        Fractions [-] of each phase in the box that begins at each voxel.
    """
    fractions = []
    for phase in Phase:
        sums = np.pad((labels == phase).cumsum(0).cumsum(1).cumsum(2), ((1, 0),) * 3)
        for axis, part in enumerate(extent):
            ahead = np.take(sums, range(part, sums.shape[axis]), axis)
            sums = ahead - np.take(sums, range(sums.shape[axis] - part), axis)
        fractions.append(sums / np.prod(extent))
    return np.stack(fractions)


def image(labels, spacing_um, *, seed, detector=STANDARD, **changes):
    """
    SE2 images of a labelled cutout.

    Parameters
    ----------
    labels : (Z, Y, X) ndarray of uint8
        Phases at the resolution of the microscope.
    spacing_um : float
        Voxel edge [µm].
    seed : int or sequence of int
        Of texture, curtains and noise.
    detector : Detector
        Gray model.
    **changes
        Fields of :class:`Detector` to override.

    Returns
    -------
    gray : (Z, Y, X) ndarray of uint8
        0 is black, 255 white.

    Raises
    ------
    ValueError
        If the labels or the spacing are not what they should be.
    """
    labels = check_labels(labels)
    spacing_um = check_voxel_size(spacing_um)
    model = replace(detector, **changes)
    rng = np.random.default_rng(seed)
    gray = np.array([model.pore, model.cbd, model.am], np.float32)[labels]

    texture = rng.standard_normal(labels.shape, dtype=np.float32)
    width = 0.5 * model.texture_um / spacing_um
    if width > 0.2:
        texture = ndimage.gaussian_filter(texture, width)
        texture /= texture.std()
    gray += np.where(labels == Phase.CBD, np.float32(model.texture) * texture, np.float32(0))

    _shine_through(labels, gray, model.shine, model.shine_um / spacing_um)
    gray *= _curtains(labels.shape, spacing_um, model.curtains, rng)
    gray += np.float32(model.noise) * rng.standard_normal(labels.shape, dtype=np.float32)
    return np.clip(np.rint(gray * 255), 0, 255).astype(np.uint8)


def compositions(labels, origin_um, spacing_um, voxel_size_um, *, binning=1):
    """
    Phase fractions of the tomogram voxels that lie inside a FIB-SEM stack.

    The paper states 128³ FIB voxels of 10 nm per tomogram voxel and 2541 of these: that is a voxel
    of 1.28 µm, twice the 0.642 µm of the tomogram. Hence `binning`.

    Parameters
    ----------
    labels : (Z, Y, X) ndarray of uint8
        Segmented stack.
    origin_um : tuple of float
        Corner (z, y, x) of the stack [µm], from the corner of the tomogram.
    spacing_um : float
        Voxel edge of the stack [µm].
    voxel_size_um : float
        Voxel edge of the tomogram [µm].
    binning : int
        Edge of the voxels wanted, in tomogram voxels.

    Returns
    -------
    composition : (3, z, y, x) ndarray of float32
        Fractions [-] in each voxel that is covered completely.
    position : tuple of int
        Index of the first of them, in binned voxels.

    Raises
    ------
    ValueError
        If the stack covers no voxel, or its voxels are not smaller than the tomogram's.
    """
    labels = check_labels(labels)
    edge = check_voxel_size(voxel_size_um) * binning
    spacing_um = check_voxel_size(spacing_um)
    if spacing_um > edge / 2 + 1e-9:
        raise ValueError(
            f"The FIB-SEM voxels of {spacing_um:g} µm are too coarse to resolve voxels of {edge:g} "
            "µm; expected at most half of that."
        )
    cells, position = [], []
    for axis, start, n in zip("zyx", origin_um, labels.shape, strict=True):
        # The tolerance forgives rounding where faces coincide.
        first = int(np.ceil(start / edge - 1e-6))
        last = int(np.floor((start + n * spacing_um) / edge + 1e-6))
        if last <= first:
            raise ValueError(
                f"Along {axis} the stack is {n * spacing_um:.2f} µm long and holds no whole voxel "
                f"of {edge:.3f} µm. Take a larger cutout, or a smaller binning."
            )
        centers = start + (np.arange(n) + 0.5) * spacing_um
        index = np.floor(centers / edge).astype(np.int64) - first
        cells.append(np.where(index < last - first, index, -1))
        position.append(first)
    counts = np.zeros((len(Phase), *(int(cell.max()) + 1 for cell in cells)), np.int64)
    _count(labels, *cells, counts)
    composition = counts / counts.sum(axis=0)
    return composition.astype(np.float32), tuple(position)


@njit(cache=True)
def _count(labels, cell_z, cell_y, cell_x, counts):
    for k in range(labels.shape[0]):
        for j in range(labels.shape[1]):
            if cell_z[k] < 0 or cell_y[j] < 0:
                continue
            for i in range(labels.shape[2]):
                if cell_x[i] >= 0:
                    counts[labels[k, j, i], cell_z[k], cell_y[j], cell_x[i]] += 1


@njit(cache=True)
def _shine_through(labels, gray, share, fade):
    """Add to each pore voxel the gray of the next solid behind it along y, in place."""
    depth, slices, width = labels.shape
    for k in range(depth):
        for i in range(width):
            behind = np.float32(0)
            distance = np.inf
            for j in range(slices - 1, -1, -1):
                if labels[k, j, i] == 0:
                    distance += 1
                    if distance < 8 * fade:
                        gray[k, j, i] += share * behind * np.exp(-distance / fade)
                else:
                    behind = gray[k, j, i]
                    distance = 0.0


def _curtains(shape, spacing_um, amplitude, rng):
    """Streaks along z: smooth over x, and lasting for some slices."""
    streaks = rng.standard_normal((shape[1], shape[2]))
    streaks = ndimage.gaussian_filter(streaks, (0.4 / spacing_um, 0.15 / spacing_um))
    streaks *= amplitude / max(streaks.std(), 1e-12)
    return (1 + streaks).astype(np.float32)[None]
