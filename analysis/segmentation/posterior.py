"""Probability of each phase in each voxel, learned on virtual electrodes.

Not a method of the paper. Two questions are learned by boosted decision trees on
:mod:`~analysis.segmentation.boosting.voxel_features`: is a voxel active material, and if it is not,
is it CBD. What they learned from is a prior: electrodes, instruments and noises as this book draws
them, never a specimen of the study.
"""

import warnings

import numpy as np

from analysis.phases import VOXEL_SIZE_UM, Phase, check_gray, check_targets, check_voxel_size
from analysis.segmentation.boosting import boosted_trees, voxel_features
from analysis.segmentation.boosting.posterior_model import stored
from analysis.segmentation.ranking import counts_for, highest

MARGIN = 0.1  # of the limits of the training, within which a tomogram is still one of its kind
SURE = 0.999  # of which voxels it is not asked any more what they are if they are not AM
SAME_SIZE = 0.05  # relative difference of voxel sizes that changes no feature noticeably


def predict(gray, cbd_profile=None, *, scenario=None, model=None, voxel_size_um=VOXEL_SIZE_UM):
    """
    Probability of each phase in each voxel.

    Parameters
    ----------
    gray : (Z, Y, X) ndarray
        Gray values, brighter where there is more matter.
    cbd_profile : (Z,) array_like of float, optional
        Volume fraction of the CBD in each slice [-], for example from an EDX line scan. Gray
        values hardly tell a level profile from a gradient; give it where it is known.
    scenario : str, optional
        Where the CBD sits, if that is known: one of
        :data:`~analysis.segmentation.boosting.voxel_features.SCENARIOS`. Gray values hardly tell;
        without it the probabilities are those of a mixture.
    model : analysis.segmentation.boosting.posterior_model.Model, optional
        By default the one that comes with the package.
    voxel_size_um : float
        Voxel edge [µm]. The features count in voxels, so the model fits its own voxel size only.

    Returns
    -------
    probabilities : (Z, Y, X, 3) ndarray of float32
        Ordered as :class:`~analysis.phases.Phase`; they sum to one.

    Raises
    ------
    ValueError
        If `gray` is no gray volume or thinner than the features need, the profile does not fit
        it, or the scenario is unknown.
    FileNotFoundError
        If the stored weights are missing.

    Warns
    -----
    UserWarning
        If voxel size, noise, contrast, blur or the room between particles lie outside the training,
        before the work starts; see :func:`doubts`.

    Notes
    -----
    The probabilities are those of the virtual electrodes of the training. On another kind of
    electrode they are a guess with this book's electrodes as prior.
    """
    voxel_size_um = check_voxel_size(voxel_size_um)
    gray = check_gray(gray, min_edge=voxel_features.MIN_EDGE)
    voxel_features.check_profile(cbd_profile, gray.shape[0])
    voxel_features.number_of(scenario)
    model = stored() if model is None else model
    image = voxel_features.measure(gray)
    for doubt in doubts(image, model, voxel_size_um):
        warnings.warn(doubt, stacklevel=2)
    probabilities = np.empty((*gray.shape, len(Phase)), np.float32)
    for part, features in voxel_features.slabs(
        gray, image, cbd_profile=cbd_profile, scenario=scenario
    ):
        probabilities[part] = of_features(features, model).reshape(probabilities[part].shape)
    return probabilities


def by_scenario(
    gray,
    cbd_profile=None,
    *,
    scenarios=voxel_features.SCENARIOS,
    model=None,
    voxel_size_um=VOXEL_SIZE_UM,
):
    """
    Probabilities for each place where the CBD may sit, from one look at the features.

    Parameters
    ----------
    gray, cbd_profile, model, voxel_size_um
        As for :func:`predict`, whose errors and warnings apply.
    scenarios : sequence of str or None
        None stands for the mixture that :func:`predict` gives where the scenario is not known.

    Returns
    -------
    probabilities : dict of str to (Z, Y, X, 3) ndarray of float32
        Keyed by scenario.
    """
    voxel_size_um = check_voxel_size(voxel_size_um)
    gray = check_gray(gray, min_edge=voxel_features.MIN_EDGE)
    voxel_features.check_profile(cbd_profile, gray.shape[0])
    numbers = [voxel_features.number_of(name) for name in scenarios]
    model = stored() if model is None else model
    image = voxel_features.measure(gray)
    for doubt in doubts(image, model, voxel_size_um):
        warnings.warn(doubt, stacklevel=2)
    shape = (*gray.shape, len(Phase))
    found = {name: np.empty(shape, np.float32) for name in scenarios}
    for part, features in voxel_features.slabs(gray, image, cbd_profile=cbd_profile):
        answers = of_variants(features, model, voxel_features.SCENARIO, numbers)
        for probabilities, answer in zip(found.values(), answers, strict=True):
            probabilities[part] = answer.reshape(-1, *shape[1:])
    return found


def of_features(features, model):
    """
    Probabilities of voxels whose features are known.

    Parameters
    ----------
    features : (F, voxels) ndarray of float32
        Rows as :data:`analysis.segmentation.boosting.voxel_features.NAMES`.
    model : analysis.segmentation.boosting.posterior_model.Model

    Returns
    -------
    probabilities : (voxels, 3) ndarray of float32
    """
    scenario = voxel_features.SCENARIO
    return of_variants(features, model, scenario, [features[scenario].copy()])[0]


def of_variants(features, model, row, values):
    """
    Probabilities of voxels for each of several values of one feature: what is told of the whole.

    Parameters
    ----------
    features : (F, voxels) ndarray of float32
    model : analysis.segmentation.boosting.posterior_model.Model
    row : int
        :data:`~analysis.segmentation.boosting.voxel_features.PROFILE` or ``SCENARIO``.
    values : sequence of float or (voxels,) ndarray

    Returns
    -------
    probabilities : list of (voxels, 3) ndarray of float32

    Notes
    -----
    Half of an electrode is AM beyond doubt. There the second question is not asked, and CBD and
    pore share what is left, at most .001, as they do in the mean of all voxels.
    """
    known = features[row].copy()
    actives = boosted_trees.variants(model.active, features, row, values)
    features[row] = known
    asked = np.minimum.reduce(actives) < SURE
    unsure = np.ascontiguousarray(features[:, asked])
    values = [value[asked] if np.ndim(value) else value for value in values]
    usual = 1 / (1 + np.exp(-model.binder.baseline))
    found = []
    binders = boosted_trees.variants(model.binder, unsure, row, values)
    for active, answer in zip(actives, binders, strict=True):
        binder = np.full(active.size, usual, np.float32)
        binder[asked] = answer
        found.append(_joined(active, binder))
    return found


def _joined(active, binder):
    """Probabilities of the phases from the answers to both questions."""
    found = np.empty((active.size, len(Phase)), np.float32)
    found[:, Phase.AM] = active
    found[:, Phase.CBD] = (1 - active) * binder
    found[:, Phase.PORE] = (1 - active) * (1 - binder)
    return found


def trinarize(gray, targets, cbd_profile=None, *, model=None, voxel_size_um=VOXEL_SIZE_UM):
    """
    The most probable labels that meet the target fractions.

    Parameters
    ----------
    gray, cbd_profile, model, voxel_size_um
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
    found = predict(gray, cbd_profile, model=model, voxel_size_um=voxel_size_um)
    return ranked(found, targets)


def ranked(probabilities, targets):
    """
    Labels from probabilities: the most probable AM first, then the most probable CBD.

    Parameters
    ----------
    probabilities : (Z, Y, X, 3) ndarray of float
    targets : dict of Phase to float

    Returns
    -------
    labels : (Z, Y, X) ndarray of uint8
        Each fraction within one voxel of its target.
    """
    counts = counts_for(targets, probabilities[..., 0].size)
    labels = np.full(probabilities.shape[:3], Phase.PORE, np.uint8)
    active = highest(probabilities[..., Phase.AM], counts[Phase.AM])
    labels[active] = Phase.AM
    share = binder_share(probabilities)
    labels[highest(share, counts[Phase.CBD], among=~active)] = Phase.CBD
    return labels


def binder_share(probabilities):
    """Probability [-] of the CBD in a voxel that is not AM."""
    cbd, pore = probabilities[..., Phase.CBD], probabilities[..., Phase.PORE]
    return cbd / np.maximum(cbd + pore, np.float32(1e-12))


def doubts(image, model, voxel_size_um=VOXEL_SIZE_UM):
    """
    What of a tomogram lies outside the training.

    Parameters
    ----------
    image : analysis.segmentation.boosting.voxel_features.Image
    model : analysis.segmentation.boosting.posterior_model.Model
    voxel_size_um : float
        Of the tomogram [µm].

    Returns
    -------
    doubts : list of str
        One sentence each; empty if the tomogram is of the kind that the model knows.
    """
    found = []
    size = check_voxel_size(voxel_size_um)
    if abs(size / model.voxel_size_um - 1) > SAME_SIZE:
        found.append(
            f"The voxels measure {size:g} µm; the model was trained on {model.voxel_size_um:g} µm. "
            "Its probabilities will be wrong: resample the tomogram to that size first."
        )
    for what, unit, name in (
        ("The noise inside bright particles", "of the contrast", "noise"),
        ("The spread of the dark gray values", "of the contrast", "dark_spread"),
        ("The width of the edges of bright particles", "voxels", "edge_width"),
        ("The mean distance across what lies between bright particles", "voxels", "dark_chord"),
    ):
        value, (low, high) = getattr(image, name), getattr(model, name)
        if not low * (1 - MARGIN) <= value <= high * (1 + MARGIN):
            found.append(
                f"{what} is {value:.3f} {unit}; the model was trained on {low:.3f} to {high:.3f}. "
                "Its probabilities may be wrong: train on tomograms like this one, or compare "
                "with thresholding."
            )
    return found
