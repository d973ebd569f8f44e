"""Training of the posterior: voxels of tomograms whose truth is known, and the trees they give."""

from dataclasses import dataclass

import numpy as np

from analysis.phases import VOXEL_SIZE_UM, Phase, check_labels
from analysis.segmentation.boosting import boosted_trees, voxel_features
from analysis.segmentation.boosting.posterior_model import Model

VOXELS = 16_000  # of a tomogram; neighbors tell the same, more tomograms tell more
ACTIVE_TREES, BINDER_TREES = 60, 200
WITHOUT = 0.5  # share of the voxels that are shown without the CBD profile, or the scenario


@dataclass(frozen=True)
class Examples:
    """
    Voxels of one tomogram.

    Attributes
    ----------
    features : (voxels, F) ndarray of float32
        Columns as :data:`analysis.segmentation.boosting.voxel_features.NAMES`.
    phases : (voxels,) ndarray of uint8
        The truth.
    image : analysis.segmentation.boosting.voxel_features.Image
        What was measured on the whole tomogram.
    """

    features: np.ndarray
    phases: np.ndarray
    image: voxel_features.Image


def examples(gray, labels, cbd_profile, *, seed, voxels=VOXELS, scenario=None):
    """
    Choose voxels of a tomogram whose truth is known.

    Parameters
    ----------
    gray : (Z, Y, X) ndarray
        Gray values.
    labels : (Z, Y, X) ndarray of uint8
        True phases.
    cbd_profile : (Z,) ndarray of float, optional
        Nominal CBD fraction of each slice [-].
    seed : int or sequence of int
    voxels : int
        How many; all if the tomogram has fewer. They are drawn without replacement.
    scenario : str, optional
        Where the CBD sits, of :data:`~analysis.segmentation.boosting.voxel_features.SCENARIOS`.

    Returns
    -------
    Examples

    Raises
    ------
    ValueError
        If labels and gray values differ in shape, or one of the inputs is not what it should be.
    """
    labels = check_labels(labels)
    if labels.shape != np.shape(gray):
        raise ValueError(
            f"The labels have shape {labels.shape}, the gray values {np.shape(gray)}; expected "
            "the truth of the same volume."
        )
    image = voxel_features.measure(gray)
    rng = np.random.default_rng(seed)
    chosen = np.sort(rng.choice(labels.size, min(voxels, labels.size), replace=False))
    table = np.empty((chosen.size, len(voxel_features.NAMES)), np.float32)
    per_slice = labels[0].size
    for part, features in voxel_features.slabs(
        gray, image, cbd_profile=cbd_profile, scenario=scenario
    ):
        start, stop = part.start * per_slice, part.stop * per_slice
        first, last = np.searchsorted(chosen, (start, stop))
        table[first:last] = features[:, chosen[first:last] - start].T
    return Examples(table, labels.ravel()[chosen], image)


def learn(tomograms, *, seed, trees=(ACTIVE_TREES, BINDER_TREES)):
    """
    Trees for both questions from the voxels of several tomograms.

    Parameters
    ----------
    tomograms : sequence of Examples
        The profile is taken from half of the voxels, and so is the scenario, so that one model
        serves with and without.
    seed : int
        Which half, and the bins of the features.
    trees : tuple of int
        For AM, and for the CBD. Fewer are faster and less accurate; more learn the noise.

    Returns
    -------
    Model
    """
    features = np.concatenate([t.features for t in tomograms])
    phases = np.concatenate([t.phases for t in tomograms])
    rng = np.random.default_rng(seed)
    for known in (voxel_features.PROFILE, voxel_features.SCENARIO):
        features[rng.random(phases.size) < WITHOUT, known] = np.nan
    elsewhere = phases != Phase.AM
    noises = [t.image.noise for t in tomograms]
    spreads = [t.image.dark_spread for t in tomograms]
    chords = [t.image.dark_chord for t in tomograms]
    widths = [voxel_features.edge_width_of(t.features) for t in tomograms]
    # where the CBD sits tells nothing of the AM: its trees must not lean on chance
    told = features[:, voxel_features.SCENARIO].copy()
    features[:, voxel_features.SCENARIO] = np.nan
    active = boosted_trees.fit(
        features, phases == Phase.AM, seed=seed, trees=trees[0], learning_rate=0.2
    )
    features[:, voxel_features.SCENARIO] = told
    return Model(
        active=active,
        binder=boosted_trees.fit(
            features[elsewhere], phases[elsewhere] == Phase.CBD, seed=seed, trees=trees[1]
        ),
        noise=(min(noises), max(noises)),
        dark_spread=(min(spreads), max(spreads)),
        edge_width=(min(widths), max(widths)),
        dark_chord=(min(chords), max(chords)),
        voxel_size_um=VOXEL_SIZE_UM,
    )
