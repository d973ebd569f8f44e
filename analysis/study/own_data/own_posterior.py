"""The posterior and its draws on a reader's own tomogram, with all that speaks against them."""

import warnings
from dataclasses import dataclass

import numpy as np
import pandas as pd

from analysis.phases import check_voxel_size
from analysis.segmentation import draws, posterior
from analysis.study.limit import limit

METHOD = "posterior"
DRAWS = 8  # four of each scenario
GAMMA = 0.12  # transport parameter of the CBD, as in the lithiation of the chapter
NAMES = {  # of the quantities of :func:`analysis.study.limit.limit.physics`, with their units
    "r_max_P": "r_max of the pores [µm]",
    "r_max_CBD": "r_max of the CBD [µm]",
    "AM-CBD": "AM-CBD [1/µm]",
    "AM-pore": "AM-pore [1/µm]",
    "CBD-pore": "CBD-pore [1/µm]",
    f"k_eff {GAMMA:g}": f"effective conductivity at gamma {GAMMA:g} [-]",
}


@dataclass(frozen=True)
class OwnPosterior:
    """
    What the posterior says of a volume.

    Attributes
    ----------
    probabilities : (Z, Y, X, 3) ndarray of float32
        Whatever the scenario.
    by_scenario : dict of str to (Z, Y, X, 3) ndarray of float32
        For the draws.
    doubts : tuple of str
        What of the tomogram lies outside the training; empty if nothing does.
    """

    probabilities: np.ndarray
    by_scenario: dict
    doubts: tuple


def attempt(gray, voxel_size_um):
    """
    Probabilities of the phases, or the reason why there are none.

    Parameters
    ----------
    gray : (Z, Y, X) ndarray
        Gray values, brighter where there is more matter.
    voxel_size_um : float
        Voxel edge [µm].

    Returns
    -------
    found : OwnPosterior or None
    reason : str
        Why there are no probabilities; empty if there are.
    """
    voxel_size_um = check_voxel_size(voxel_size_um)
    with warnings.catch_warnings(record=True) as caught:
        warnings.simplefilter("always", UserWarning)
        try:
            probabilities = posterior.predict(gray, voxel_size_um=voxel_size_um)
            by_scenario = posterior.by_scenario(gray, voxel_size_um=voxel_size_um)
        except (ValueError, FileNotFoundError) as error:
            return None, str(error)
    doubts = dict.fromkeys(
        str(one.message) for one in caught if issubclass(one.category, UserWarning)
    )
    return OwnPosterior(probabilities, by_scenario, tuple(doubts)), ""


def with_posterior(labels, failed, found, reason, targets):
    """
    Labels and failures of the methods, with the most probable labels among them.

    Parameters
    ----------
    labels : dict of str to (Z, Y, X) ndarray of uint8
    failed : dict of str to str
        Both from :func:`analysis.study.own_data.volume.attempt`.
    found, reason
        From :func:`attempt`.
    targets : dict of Phase to float

    Returns
    -------
    labels, failed : dict
    """
    if found is None:
        return labels, failed | {METHOD: reason}
    return labels | {METHOD: posterior.ranked(found.probabilities, targets)}, failed


def warning(found):
    """What the reader must know before believing the posterior, in Markdown."""
    if found is None:
        return "There is no posterior for this volume; the reason stands above."
    if not found.doubts:
        return (
            "Noise, contrast, blur and voxel size of this tomogram lie within what the posterior "
            "was trained on. Whether the electrode is of the kind it was trained on, gray values "
            "do not tell."
        )
    lines = [f"- {doubt}" for doubt in found.doubts]
    return "**This tomogram is not of the kind the posterior was trained on.**\n\n" + "\n".join(
        lines
    )


def intervals(found, targets, voxel_size_um, *, seed, count=DRAWS):
    """
    Sizes, surfaces and conductivity of the most probable map, and between what draws they lie.

    Parameters
    ----------
    found : OwnPosterior
    targets : dict of Phase to float
    voxel_size_um : float
    seed : int
    count : int
        Draws; the scenarios take turns.

    Returns
    -------
    table : pandas.DataFrame
        Columns quantity, most probable, and of the draws lowest, median and highest.
    """
    voxel_size_um = check_voxel_size(voxel_size_um)

    def physics(labels):
        return limit.physics(labels, gammas=(GAMMA,), voxel_size_um=voxel_size_um)

    drawn = draws.several(found.by_scenario, targets, count=count, seed=seed)
    each = pd.DataFrame([physics(labels) for labels in drawn])
    probable = physics(posterior.ranked(found.probabilities, targets))
    return pd.DataFrame(
        {
            "quantity": [NAMES[name] for name in each],
            "most probable": [probable[name] for name in each],
            "lowest": each.min().values,
            "median": each.median().values,
            "highest": each.max().values,
        }
    )


def pictures(found, gray, targets, *, seed):
    """
    Volumes to be shown side by side.

    Parameters
    ----------
    found : OwnPosterior
    gray : (Z, Y, X) ndarray
    targets : dict of Phase to float
    seed : int
        Of the draws.

    Returns
    -------
    pictures : dict of str to (Z, Y, X) ndarray
        Tomogram, uncertainty, most probable map, and a draw of each scenario.
    """
    names = list(found.by_scenario)
    drawn = draws.several(found.by_scenario, targets, count=len(names), seed=seed)
    return {
        "tomogram": gray,
        "uncertainty": limit.uncertainty(found.probabilities),
        "most probable": posterior.ranked(found.probabilities, targets),
    } | {f"a draw, {name}": labels for name, labels in zip(names, drawn, strict=True)}
