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
    gray,
    cbd_profile=None,
    *,
    scenario=None,
    network=None,
    voxel_size_um=VOXEL_SIZE_UM,
    most_voxels=tiles.MOST,
):
    """
    Probability of each phase in each voxel.

    Parameters
    ----------
    gray : (Z, Y, X) ndarray
        Gray values, brighter where there is more matter.
    cbd_profile : (Z,) array_like of float, optional
        Volume fraction of the CBD in each slice [-], for example from an EDX line scan.
    scenario : str, optional
        Where the CBD sits, if that is known: one of
        :data:`~analysis.segmentation.boosting.voxel_features.SCENARIOS`. Without it the mean over
        all of them is given, at the cost of one prediction for each.
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
        fit it, the scenario is unknown, or the stored weights are not those whose hash stands
        beside them.
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
    voxel_features.number_of(scenario)
    network = network_file.stored() if network is None else network
    image = voxel_features.measure(gray)
    for doubt in posterior.doubts(image, network, voxel_size_um):
        warnings.warn(doubt, stacklevel=2)
    asked = voxel_features.SCENARIOS if scenario is None else (scenario,)
    found = by_scenario(network, gray, image, cbd_profile, scenarios=asked, most_voxels=most_voxels)
    return mixture(found)


def by_scenario(
    network,
    gray,
    image,
    cbd_profile=None,
    *,
    scenarios=voxel_features.SCENARIOS,
    most_voxels=tiles.MOST,
):
    """
    Probabilities for each place where the CBD may sit.

    Parameters
    ----------
    network : analysis.segmentation.residual_unet.network_file.LimitNetwork
    gray : (Z, Y, X) ndarray
    image : analysis.segmentation.boosting.voxel_features.Image
        Measured on it.
    cbd_profile : (Z,) array_like of float, optional
    scenarios : sequence of str
    most_voxels : int
        Of a tile.

    Returns
    -------
    probabilities : dict of str to (Z, Y, X, 3) ndarray of float32
        Keyed by scenario.
    """
    scaled = conditions.scaled(gray, image)
    found = {}
    for scenario in scenarios:
        told = conditions.of_slices(image, cbd_profile, scenario=scenario)
        found[scenario] = answers(network, scaled, told, most_voxels=most_voxels)
    return found


def mixture(by_scenario):
    """Mean of the probabilities of scenarios, each as likely as the other."""
    return sum(by_scenario.values()) / np.float32(len(by_scenario))


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
