"""Training samples of the composition network, and two ways to split them.

A sample is the 5 x 5 x 5 neighborhood of a tomogram voxel with the phase fractions that the
FIB-SEM stack shows inside it. The paper multiplies the samples by the 48 symmetries of the cube
and *then* shuffles and splits them, so that copies of one voxel fall into all three sets; the
spatial block split cuts the labelled volume into blocks first.
"""

from dataclasses import dataclass

import numpy as np

from analysis.phases import Phase, check_gray
from analysis.segmentation.networks.neural import PATCH, extract_patches
from analysis.segmentation.networks.symmetries import N_SYMMETRIES

SHARES = (0.6, 0.2, 0.2)  # training, validation, test; Section 3.3
ARRANGEMENTS = ("TVS", "SVT", "VTS", "STV")  # order of the three blocks along the longest axis
PROTOCOLS = ("paper", "blocks")


@dataclass(frozen=True)
class Samples:
    """
    Labelled voxels.

    Attributes
    ----------
    patches : (N, 125) ndarray of float32
        Gray values of the neighborhoods.
    targets : (N, 3) ndarray of float32
        Fractions [-] of pore, CBD and AM.
    voxels : (N, 3) ndarray of int
        Indices z, y, x within the labelled block.
    """

    patches: np.ndarray
    targets: np.ndarray
    voxels: np.ndarray

    def __len__(self):
        return len(self.targets)


@dataclass(frozen=True)
class Split:
    """
    Which samples train, which stop the training, which test.

    Attributes
    ----------
    protocol : {"paper", "blocks"}
        How the sets were made.
    train, validation, test : (M,) ndarray of int
        Copies ``48 * voxel + symmetry``, see
        :func:`~analysis.segmentation.networks.symmetries.augment`.
    """

    protocol: str
    train: np.ndarray
    validation: np.ndarray
    test: np.ndarray


def collect_samples(gray, composition, position, *, binning=1):
    """
    Pair the gray values of a tomogram with the composition that a FIB-SEM stack gives.

    Parameters
    ----------
    gray : (Z, Y, X) ndarray
        Tomogram.
    composition : (3, z, y, x) ndarray
        Fractions [-] of the phases in the tomogram voxels that the stack covers.
    position : tuple of int
        Indices z, y, x of the first covered voxel in the tomogram.
    binning : int
        Edge, in tomogram voxels, of the voxels to learn from. The voxel numbers that the paper
        states, 128**3 FIB voxels of 10 nm in each of 2541 samples, belong to a binning of 2.

    Returns
    -------
    samples : Samples
        One for each (binned) voxel of the stack.

    Raises
    ------
    ValueError
        If the stack reaches beyond the tomogram, a phase is missing from the composition, or
        an array has the wrong shape.
    """
    gray = check_gray(gray, min_edge=PATCH * binning)
    composition = check_composition(composition)
    position = check_inside(gray.shape, composition.shape[1:], position)
    if binning > 1:
        shape = [length // binning for length in composition.shape[1:]]
        if min(shape) < 1:
            raise ValueError(
                f"The labelled block {composition.shape[1:]} is smaller than the binning {binning}."
            )
        lead = [start % binning for start in position]
        gray = bin_volume(gray[tuple(slice(n, None) for n in lead)].astype(np.float32), binning)
        composition = np.stack([bin_volume(rows, binning) for rows in composition])
        position = tuple(start // binning for start in position)
    voxels = np.stack(np.unravel_index(np.arange(composition[0].size), composition.shape[1:]), 1)
    patches = extract_patches(gray, voxels + np.asarray(position))
    return Samples(patches, composition.reshape(3, -1).T.astype(np.float32), voxels)


def check_composition(composition):
    """
    Return a composition fit for training, or say what is wrong with it.

    Raises
    ------
    ValueError
        If the shape is wrong, the fractions do not sum to one, or a phase is absent.
    """
    composition = np.asarray(composition)
    if composition.ndim != 4 or composition.shape[0] != len(Phase) or composition.size == 0:
        raise ValueError(
            f"The composition has shape {composition.shape}; expected (3, Z, Y, X): fractions of "
            "pore, CBD and AM."
        )
    worst = float(np.abs(composition.sum(axis=0, dtype=np.float64) - 1).max())
    if not worst < 1e-3:
        raise ValueError(
            f"The fractions of a voxel miss a sum of 1 by up to {worst:.3g}; expected volume "
            "fractions of pore, CBD and AM."
        )
    absent = [phase.title for phase in Phase if not composition[phase].any()]
    if absent:
        raise ValueError(
            f"The labelled voxels hold no {' and no '.join(absent)}; expected all three phases. "
            "Choose another region of the FIB-SEM stack, or check its segmentation."
        )
    return composition


def check_inside(outer, inner, position):
    """
    Return `position` as integers if a block lies inside a tomogram, or say where it does not.

    Raises
    ------
    ValueError
        If the block reaches beyond the tomogram along an axis.
    """
    position = tuple(int(start) for start in position)
    for axis, whole, part, start in zip("zyx", outer, inner, position, strict=True):
        if start < 0 or start + part > whole:
            raise ValueError(
                f"The FIB-SEM cutout covers voxels {start} to {start + part - 1} along {axis}, "
                f"but the tomogram has voxels 0 to {whole - 1}; expected a cutout inside the "
                "tomogram. Check the registration and the order of the axes (z, y, x)."
            )
    return position


def bin_volume(volume, factor):
    """
    Mean over cubes of voxels; what does not fill a cube at the far faces is dropped.

    Parameters
    ----------
    volume : (Z, Y, X) ndarray
        Values.
    factor : int
        Edge of a cube [voxel].

    Returns
    -------
    binned : (Z // factor, Y // factor, X // factor) ndarray
        Means.

    Examples
    --------
    >>> bin_volume(np.arange(8.0).reshape(2, 2, 2), 2)
    array([[[3.5]]])
    """
    volume = np.asarray(volume)
    z, y, x = (length // factor for length in volume.shape)
    cubes = volume[: z * factor, : y * factor, : x * factor]
    return cubes.reshape(z, factor, y, factor, x, factor).mean(axis=(1, 3, 5))


def split_samples(samples, protocol, *, seed=0, arrangement="TVS"):
    """
    Split by one of the two protocols; see :func:`split_paper` and :func:`split_blocks`.

    Raises
    ------
    ValueError
        If there is no such protocol.
    """
    if protocol == "paper":
        return split_paper(len(samples), seed=seed)
    if protocol == "blocks":
        return split_blocks(samples.voxels, arrangement=arrangement)
    raise ValueError(f"There is no protocol {protocol!r}; expected one of {', '.join(PROTOCOLS)}.")


def split_paper(n_voxels, *, seed):
    """
    Augment, shuffle, split 60/20/20, as Section 3.3 says: the sets share voxels.

    Parameters
    ----------
    n_voxels : int
        Labelled voxels.
    seed : int
        Seed of the shuffle.

    Returns
    -------
    split : Split
        Every copy belongs to one set; almost every voxel has copies in all three.
    """
    copies = np.random.default_rng(seed).permutation(n_voxels * N_SYMMETRIES)
    first, second = (round(share * copies.size) for share in np.cumsum(SHARES)[:2])
    return Split("paper", copies[:first], copies[first:second], copies[second:])


def split_none(n_voxels):
    """
    Train on everything, for a network whose number of epochs is known from another split.

    Returns
    -------
    split : Split
        All copies train; every voxel, unturned, stands in for a validation set.
    """
    every = np.arange(n_voxels * N_SYMMETRIES)
    return Split("all", every, every[::N_SYMMETRIES], every[:0])


def split_blocks(voxels, *, arrangement="TVS", guard=PATCH // 2):
    """
    Cut the labelled volume into three blocks along its longest axis, then augment the first.

    Parameters
    ----------
    voxels : (N, 3) ndarray of int
        Indices z, y, x of the labelled voxels.
    arrangement : {"TVS", "SVT", "VTS", "STV"}
        Order of training (T), validation (V) and test (S) block along the axis.
    guard : int
        Slices dropped between two blocks [voxel]; the default keeps every labelled voxel of
        one block out of the patches of the others.

    Returns
    -------
    split : Split
        Training copies in all 48 symmetries, validation and test voxels as they are.

    Raises
    ------
    ValueError
        If the volume is too short for three blocks, or the arrangement is unknown.
    """
    if arrangement not in ARRANGEMENTS:
        raise ValueError(
            f"Unknown arrangement {arrangement!r}; expected one of {', '.join(ARRANGEMENTS)}."
        )
    voxels = np.asarray(voxels)
    lengths = voxels.max(axis=0) + 1
    axis = int(np.argmax(lengths))
    length = int(lengths[axis])
    share = dict(zip("TVS", SHARES, strict=True))
    ends = np.rint(np.cumsum([share[name] for name in arrangement]) * length).astype(int)
    starts = np.array([0, *ends[:-1]])
    starts[1:] += guard - guard // 2
    ends[:-1] -= guard // 2
    if (ends <= starts).any():
        raise ValueError(
            f"The labelled volume is {length} voxels long; too short for training, validation "
            f"and test blocks with {guard} voxels between them. Use a longer FIB-SEM stack or a "
            "smaller binning."
        )
    sets = {}
    for name, start, end in zip(arrangement, starts, ends, strict=True):
        sets[name] = np.flatnonzero((voxels[:, axis] >= start) & (voxels[:, axis] < end))
    every = (sets["T"][:, None] * N_SYMMETRIES + np.arange(N_SYMMETRIES)).ravel()
    return Split("blocks", every, sets["V"] * N_SYMMETRIES, sets["S"] * N_SYMMETRIES)
