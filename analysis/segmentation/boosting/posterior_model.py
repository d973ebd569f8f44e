"""What the posterior has learned: two sets of trees, where they lie and how they are checked."""

from dataclasses import dataclass
from functools import lru_cache
from pathlib import Path

import numpy as np

from analysis.segmentation import stored_weights
from analysis.segmentation.boosting import boosted_trees, voxel_features

WEIGHTS = Path(__file__).with_name("weights") / "posterior.npz"
AGAIN = "Restore the file from the repository, or train anew: make posterior"


@dataclass(frozen=True)
class Model:
    """
    Trees for both questions, and the images they were trained on.

    Attributes
    ----------
    active, binder : analysis.segmentation.boosting.boosted_trees.Trees
        Active material or not; CBD or pore where it is not.
    noise, dark_spread, edge_width, dark_chord : tuple of float
        Smallest and largest value of
        :class:`~analysis.segmentation.boosting.voxel_features.Image` among the tomograms of the
        training.
    voxel_size_um : float
        Of the tomograms of the training.
    """

    active: boosted_trees.Trees
    binder: boosted_trees.Trees
    noise: tuple
    dark_spread: tuple
    edge_width: tuple
    dark_chord: tuple
    voxel_size_um: float


def save(file, model):
    """
    Write a model as compressed arrays, and its SHA-256 beside it.

    Parameters
    ----------
    file : path-like
        Ends in ``.npz``.
    model : Model
    """
    arrays = {**model.active.arrays("active_"), **model.binder.arrays("binder_")}
    stored_weights.save(
        file,
        features=np.array(voxel_features.NAMES),
        noise=model.noise,
        dark_spread=model.dark_spread,
        edge_width=model.edge_width,
        dark_chord=model.dark_chord,
        voxel_size_um=model.voxel_size_um,
        **arrays,
    )


def load(file):
    """
    Read a model that :func:`save` has written.

    Parameters
    ----------
    file : path-like

    Returns
    -------
    Model

    Raises
    ------
    FileNotFoundError
        If the file, or its hash, is missing.
    ValueError
        If the file is not the one whose hash stands beside it, or was trained on other features.
    """
    stored_weights.check(file, "the posterior", AGAIN)
    with np.load(file, allow_pickle=False) as arrays:
        if tuple(arrays["features"]) != voxel_features.NAMES:
            raise ValueError(
                f"{file} was trained on other features than this version computes. {AGAIN}"
            )
        return Model(
            active=boosted_trees.Trees.of(arrays, "active_"),
            binder=boosted_trees.Trees.of(arrays, "binder_"),
            noise=tuple(float(v) for v in arrays["noise"]),
            dark_spread=tuple(float(v) for v in arrays["dark_spread"]),
            edge_width=tuple(float(v) for v in arrays["edge_width"]),
            dark_chord=tuple(float(v) for v in arrays["dark_chord"]),
            voxel_size_um=float(arrays["voxel_size_um"]),
        )


@lru_cache(maxsize=1)
def stored():
    """
    The model that comes with the package.

    Raises
    ------
    FileNotFoundError, ValueError
        As :func:`load`.
    """
    return load(WEIGHTS)
