"""Probability of each phase in each voxel, learned on virtual electrodes.

Not a method of the paper. Two questions are learned by boosted decision trees on
:mod:`~analysis.segmentation.voxel_features`: is a voxel active material, and if it is not, is it
CBD. What they learned from is a prior: electrodes, instruments and noises as this book draws them,
never a specimen of the study.
"""

import hashlib
import warnings
from dataclasses import dataclass
from functools import lru_cache
from pathlib import Path

import numpy as np

from analysis.phases import VOXEL_SIZE_UM, Phase, check_gray, check_targets
from analysis.segmentation import boosted_trees, voxel_features
from analysis.segmentation.ranking import counts_for, highest

WEIGHTS = Path(__file__).with_name("weights") / "posterior.npz"


@dataclass(frozen=True)
class Model:
    """
    Trees for both questions, and the images they were trained on.

    Attributes
    ----------
    active, binder : analysis.segmentation.boosted_trees.Trees
        Active material or not; CBD or pore where it is not.
    noise, dark_spread : tuple of float
        Smallest and largest value of :class:`~analysis.segmentation.voxel_features.Image` among
        the tomograms of the training.
    voxel_size_um : float
        Of the tomograms of the training.
    """

    active: boosted_trees.Trees
    binder: boosted_trees.Trees
    noise: tuple
    dark_spread: tuple
    voxel_size_um: float


def predict(gray, cbd_profile=None, *, model=None):
    """
    Probability of each phase in each voxel.

    Parameters
    ----------
    gray : (Z, Y, X) ndarray
        Gray values, brighter where there is more matter.
    cbd_profile : (Z,) array_like of float, optional
        Volume fraction of the CBD in each slice [-], for example from an EDX line scan. Gray
        values hardly tell a level profile from a gradient; give it where it is known.
    model : Model, optional
        By default the one that comes with the package (:func:`stored`).

    Returns
    -------
    probabilities : (Z, Y, X, 3) ndarray of float32
        Ordered as :class:`~analysis.phases.Phase`; they sum to one.

    Raises
    ------
    ValueError
        If `gray` is no gray volume or thinner than the features need, or the profile does not
        fit it.
    FileNotFoundError
        If the stored weights are missing.

    Warns
    -----
    UserWarning
        If noise or contrast of the tomogram lie outside the training; see :func:`doubts`.

    Notes
    -----
    The probabilities are those of the virtual electrodes of the training. On another kind of
    electrode they are a guess with this book's electrodes as prior.
    """
    gray = check_gray(gray, min_edge=voxel_features.MIN_EDGE)
    model = stored() if model is None else model
    image = voxel_features.measure(gray)
    for doubt in doubts(image, model):
        warnings.warn(doubt, stacklevel=2)
    probabilities = np.empty((*gray.shape, len(Phase)), np.float32)
    for part, features in voxel_features.slabs(gray, image, cbd_profile=cbd_profile):
        out = probabilities[part].reshape(-1, len(Phase))
        active = boosted_trees.probability(model.active, features)
        binder = boosted_trees.probability(model.binder, features)
        out[:, Phase.AM] = active
        out[:, Phase.CBD] = (1 - active) * binder
        out[:, Phase.PORE] = (1 - active) * (1 - binder)
    return probabilities


def trinarize(gray, targets, cbd_profile=None, *, model=None):
    """
    The most probable labels that meet the target fractions.

    Parameters
    ----------
    gray, cbd_profile, model
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
    targets = check_targets(targets)
    return ranked(predict(gray, cbd_profile, model=model), targets)


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


def doubts(image, model):
    """
    What of a tomogram lies outside the training.

    Parameters
    ----------
    image : analysis.segmentation.voxel_features.Image
    model : Model

    Returns
    -------
    doubts : list of str
        One sentence each; empty if the tomogram is of the kind that the model knows.
    """
    found = []
    for what, value, (low, high) in (
        ("The noise inside bright particles", image.noise, model.noise),
        ("The spread of the dark gray values", image.dark_spread, model.dark_spread),
    ):
        if not low <= value <= high:
            found.append(
                f"{what} is {value:.3f} of the contrast; the model was trained on "
                f"{low:.3f} to {high:.3f}. Its probabilities may be wrong: train on tomograms "
                "like this one, or compare with thresholding."
            )
    return found


def train(examples, *, seed, voxels=16_000, trees=(60, 160)):
    """
    Learn from tomograms of electrodes whose truth is known.

    Parameters
    ----------
    examples : iterable of (gray, labels, cbd_profile)
        Tomograms (Z, Y, X), their true labels, and the nominal CBD fraction of each slice. Half
        of the voxels are shown to the trees without the profile, so that one model serves both.
    seed : int
        Chooses the voxels.
    voxels : int
        Of each tomogram.
    trees : tuple of int
        For AM, and for the CBD.

    Returns
    -------
    Model
    """
    rng = np.random.default_rng(seed)
    rows, answers, images = [], [], []
    for gray, labels, profile in examples:
        image = voxel_features.measure(gray)
        images.append(image)
        chosen = np.sort(rng.choice(labels.size, min(voxels, labels.size), replace=False))
        table = np.empty((chosen.size, len(voxel_features.NAMES)), np.float32)
        per_slice = labels[0].size
        for part, features in voxel_features.slabs(gray, image, cbd_profile=profile):
            first, last = np.searchsorted(chosen, (part.start * per_slice, part.stop * per_slice))
            table[first:last] = features[:, chosen[first:last] - part.start * per_slice].T
        table[rng.random(chosen.size) < 0.5, -1] = np.nan
        rows.append(table)
        answers.append(labels.ravel()[chosen])
    features, phases = np.concatenate(rows), np.concatenate(answers)
    open_space = phases != Phase.AM
    noises, spreads = ([getattr(i, name) for i in images] for name in ("noise", "dark_spread"))
    return Model(
        active=boosted_trees.fit(
            features, phases == Phase.AM, seed=seed, trees=trees[0], learning_rate=0.2
        ),
        binder=boosted_trees.fit(
            features[open_space], phases[open_space] == Phase.CBD, seed=seed, trees=trees[1]
        ),
        noise=(min(noises), max(noises)),
        dark_spread=(min(spreads), max(spreads)),
        voxel_size_um=VOXEL_SIZE_UM,
    )


def save(file, model):
    """Write a model as compressed arrays, whole or not at all."""
    from analysis import storage

    arrays = {**model.active.arrays("active_"), **model.binder.arrays("binder_")}
    with storage.atomic(file) as temporary, open(temporary, "wb") as opened:
        np.savez_compressed(
            opened,
            features=np.array(voxel_features.NAMES),
            noise=model.noise,
            dark_spread=model.dark_spread,
            voxel_size_um=model.voxel_size_um,
            **arrays,
        )


def load(file):
    """
    Read a model.

    Raises
    ------
    FileNotFoundError
        If there is none.
    ValueError
        If it was trained on other features.
    """
    if not Path(file).is_file():
        raise FileNotFoundError(
            f"{file}: the weights of the posterior are missing. Restore the file from the "
            "repository, or train anew: python -m analysis.study.posterior"
        )
    with np.load(file, allow_pickle=False) as arrays:
        if tuple(arrays["features"]) != voxel_features.NAMES:
            raise ValueError(
                f"{file} was trained on other features than this version computes. Train anew."
            )
        return Model(
            active=boosted_trees.Trees.of(arrays, "active_"),
            binder=boosted_trees.Trees.of(arrays, "binder_"),
            noise=tuple(float(v) for v in arrays["noise"]),
            dark_spread=tuple(float(v) for v in arrays["dark_spread"]),
            voxel_size_um=float(arrays["voxel_size_um"]),
        )


@lru_cache(maxsize=1)
def stored():
    """
    The model that comes with the package.

    Raises
    ------
    FileNotFoundError, ValueError
        If its file is missing, or is not the one whose hash stands beside it.
    """
    expected = WEIGHTS.with_suffix(".sha256")
    if WEIGHTS.is_file() and expected.is_file():
        found = hashlib.sha256(WEIGHTS.read_bytes()).hexdigest()
        wanted = expected.read_text(encoding="utf-8").split()[0]
        if found != wanted:
            raise ValueError(
                f"{WEIGHTS} has the SHA-256 {found[:12]}..., expected {wanted[:12]}...: the "
                "weights were damaged or replaced. Restore the file from the repository."
            )
    return load(WEIGHTS)
