"""Probability of each phase in each voxel, by a residual U-Net: the limit of what is known.

Not a method of the paper. :mod:`analysis.segmentation.posterior` sees features that somebody
thought of; a network finds its own, at more cost. What it reaches beyond the trees is what they
leave in the image, and what neither reaches is most likely not there. It was trained on virtual
electrodes of other seeds and has their prior.
"""

import warnings

import numpy as np

from analysis.phases import VOXEL_SIZE_UM, Phase, check_gray, check_targets, check_voxel_size
from analysis.segmentation import posterior
from analysis.segmentation.boosting import voxel_features
from analysis.segmentation.residual_unet import architecture, conditions, network_file, tiles

MIN_EDGE = 16  # voxels along every axis: four cells of the coarse level


def predict(
    gray, cbd_profile=None, *, network=None, voxel_size_um=VOXEL_SIZE_UM, most_voxels=tiles.MOST
):
    """
    Probability of each phase in each voxel.

    Parameters
    ----------
    gray : (Z, Y, X) ndarray
        Gray values, brighter where there is more matter.
    cbd_profile : (Z,) array_like of float, optional
        Volume fraction of the CBD in each slice [-], for example from an EDX line scan.
    network : analysis.segmentation.residual_unet.network_file.LimitNetwork, optional
        By default the one that comes with the package.
    voxel_size_um : float
        Voxel edge [µm]. The network counts in voxels, so it fits its own voxel size only.
    most_voxels : int
        Of a tile. Fewer take less memory and more time; the result is the same up to rounding.

    Returns
    -------
    probabilities : (Z, Y, X, 3) ndarray of float32
        Ordered as :class:`~analysis.phases.Phase`; they sum to one.

    Raises
    ------
    ValueError
        If `gray` is no gray volume or thinner than :data:`MIN_EDGE` voxels, the profile does not
        fit it, or the stored weights are not those whose hash stands beside them.
    FileNotFoundError
        If the stored weights are missing.

    Warns
    -----
    UserWarning
        If voxel size, noise or contrast lie outside the training, before the work starts; see
        :func:`analysis.segmentation.posterior.doubts`.

    Notes
    -----
    Turned volumes give nearly but not exactly turned probabilities: the network has learned from
    all sixteen orientations of an electrode, and is not built to be the same in each. Neither
    PyTorch nor a graphics card is needed.
    """
    voxel_size_um = check_voxel_size(voxel_size_um)
    gray = check_gray(gray, min_edge=MIN_EDGE)
    voxel_features.check_profile(cbd_profile, gray.shape[0])
    network = network_file.stored() if network is None else network
    image = voxel_features.measure(gray)
    for doubt in posterior.doubts(image, network, voxel_size_um):
        warnings.warn(doubt, stacklevel=2)
    scaled = conditions.scaled(gray, image)
    told = conditions.of_slices(image, cbd_profile)
    return answers(network, scaled, told, most_voxels=most_voxels)


def answers(network, scaled, told, *, most_voxels=tiles.MOST):
    """
    Probabilities of a volume that is scaled already.

    Parameters
    ----------
    network : analysis.segmentation.residual_unet.network_file.LimitNetwork
    scaled : (Z, Y, X) ndarray of float32
        From :func:`analysis.segmentation.residual_unet.conditions.scaled`.
    told : (Z, COUNT) ndarray of float32
        From :func:`analysis.segmentation.residual_unet.conditions.of_slices`.
    most_voxels : int
        Of a tile.

    Returns
    -------
    probabilities : (Z, Y, X, 3) ndarray of float32
    """
    step = architecture.STEP
    halo = -(-network.size.reach // step) * step
    # whole cells: the volume goes on mirrored for up to three voxels
    ends = [(0, -n % step) for n in scaled.shape]
    volume = np.pad(scaled, ends, mode="symmetric")
    told = np.pad(told, [ends[0], (0, 0)], mode="symmetric")
    tile = tiles.shape_for(volume.shape, halo=halo, step=step, most=most_voxels)

    def answer(part, along_z):
        return network.model.predict_on_batch([part[None], told[None, along_z]])[0]

    raw = tiles.over(volume, tile, halo, answer, channels=len(Phase))
    raw = raw[: scaled.shape[0], : scaled.shape[1], : scaled.shape[2]]
    odds = np.exp(raw - raw.max(axis=-1, keepdims=True))
    return odds / odds.sum(axis=-1, keepdims=True)


def trinarize(gray, targets, cbd_profile=None, *, network=None, voxel_size_um=VOXEL_SIZE_UM):
    """
    The most probable labels that meet the target fractions.

    Parameters
    ----------
    gray, cbd_profile, network, voxel_size_um
        As for :func:`predict`.
    targets : dict of Phase to float
        Volume fraction [-] of each phase. Sums to one.

    Returns
    -------
    labels : (Z, Y, X) ndarray of uint8

    Raises
    ------
    ValueError, FileNotFoundError
        As for :func:`predict`, or if the targets are no volume fractions.
    """
    voxel_size_um = check_voxel_size(voxel_size_um)
    targets = check_targets(targets)
    found = predict(gray, cbd_profile, network=network, voxel_size_um=voxel_size_um)
    return posterior.ranked(found, targets)
