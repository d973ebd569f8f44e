"""Figure 4 of the paper, with the truth as a thirteenth row, and its four findings checked."""

from dataclasses import dataclass
from itertools import combinations

import numpy as np
import pandas as pd
import xarray as xr

from analysis import electrodes, profiles, storage
from analysis.figures import style
from analysis.phases import Phase, volume_fractions
from analysis.segmentation import agreement

QUANTITIES = ("equally assigned", "AM", "CBD", "pore")  # the panels of Figure 4
TRUTH = "truth"
NEGLIGIBLE = 0.02  # differences below this count as none


def run(profile):
    """
    Compare all trinarizations on disk with each other and with the truth.

    Writes the curves ``agreement`` (matrices and confusion counts) and the table ``agreement``.

    Returns
    -------
    matrices : xarray.DataArray
        Dimensions ``specimen, cutout, quantity, method, other`` [-]; the last method is the truth.
    """
    settings = profiles.get(profile)
    found = {
        (specimen, cutout): _confusions(profile, specimen, cutout)
        for specimen in profiles.ELECTRODES
        for cutout in settings.cutout_numbers
    }
    methods = methods_of(profile)
    counts = xr.DataArray(
        np.array(
            [
                [found[specimen, cutout] for cutout in settings.cutout_numbers]
                for specimen in profiles.ELECTRODES
            ]
        ),
        dims=("specimen", "cutout", "method", "other", "phase", "other_phase"),
        coords={
            "specimen": list(profiles.ELECTRODES),
            "cutout": list(settings.cutout_numbers),
            "method": methods,
            "other": methods,
            "phase": [phase.title for phase in Phase],
            "other_phase": [phase.title for phase in Phase],
        },
    )
    matrices = scores(counts)
    dataset = xr.Dataset({"agreement": matrices, "confusion": counts})
    storage.save_curves("agreement", dataset, profile=profile)
    storage.save_table("agreement", against_truth(matrices), profile=profile)
    return matrices


def methods_of(profile):
    """Methods whose labels are on disk for every cutout, in the paper's order, truth last."""
    settings = profiles.get(profile)
    names = [f"{s}-{c}" for s in profiles.ELECTRODES for c in settings.cutout_numbers]
    return [
        method
        for method in style.METHODS
        if all(storage.exists("volumes", f"labels/{n}-{method}", profile=profile) for n in names)
    ]


def scores(counts):
    """
    The four numbers of Figure 4 for every pair of methods.

    Parameters
    ----------
    counts : xarray.DataArray
        Confusion counts with dimensions ``method, other, phase, other_phase`` and others.

    Returns
    -------
    matrices : xarray.DataArray
        A dimension ``quantity`` for the two of the phases [-].
    """
    same = [counts.sel(phase=phase.title, other_phase=phase.title, drop=True) for phase in Phase]
    rows, columns = counts.sum("other_phase"), counts.sum("phase")
    found = {"equally assigned": sum(same) / counts.sum(("phase", "other_phase"))}
    for phase, both in zip(Phase, same, strict=True):
        either = (
            rows.sel(phase=phase.title, drop=True)
            + columns.sel(other_phase=phase.title, drop=True)
            - both
        )
        found[phase.title] = both / either.where(either > 0)
    matrices = xr.concat([found[name] for name in QUANTITIES], "quantity")
    order = ("specimen", "cutout", "quantity", "method", "other")
    return matrices.assign_coords(quantity=list(QUANTITIES)).transpose(*order)


def fractions(profile):
    """
    How well each method meets the target fractions, worst cutout and phase.

    Returns
    -------
    table : pandas.DataFrame
        Columns method, voxels (largest miss [voxel]), share (the same [-]), allowed (what the
        method promises) and verdict. The pore of EDX-Closing is what its AM and CBD leave.
    """
    rows = []
    for method in methods_of(profile)[:-1]:
        worst = 0.0, 0.0
        for specimen in profiles.ELECTRODES:
            targets = electrodes.electrode(specimen).targets()
            for cutout in profiles.get(profile).cutout_numbers:
                name = f"labels/{specimen}-{cutout}-{method}"
                labels = storage.load_volume(name, profile=profile).values
                achieved = volume_fractions(labels)
                miss = max(abs(achieved[phase] - targets[phase]) for phase in Phase)
                worst = max(worst, (miss * labels.size, miss))
        by_share = method in ("kmeans", "edx-closing")
        met = worst[1] <= 1e-3 if by_share else worst[0] < 1
        rows.append(
            {
                "method": style.label(method),
                "voxels": worst[0],
                "share": worst[1],
                "allowed": "a thousandth" if by_share else "one voxel",
                "verdict": "agrees" if met else "differs",
            }
        )
    return pd.DataFrame(rows)


def against_truth(matrices):
    """Tidy table of each method's agreement with the truth: specimen, cutout, method, scores."""
    rows = matrices.sel(other=TRUTH, drop=True).to_series().unstack("quantity")[list(QUANTITIES)]
    rows = rows.reset_index()
    rows = rows[rows.method != TRUTH].rename(
        columns={"equally assigned": "accuracy"}
        | {name: f"Jaccard {name}" for name in QUANTITIES[1:]}
    )
    rank = {method: place for place, method in enumerate(style.METHODS)}
    rows = rows.assign(rank=rows.method.map(rank))
    rows = rows.sort_values(["specimen", "cutout", "rank"]).drop(columns="rank")
    rows.columns.name = None
    return rows.reset_index(drop=True)


def ranges(table, by=("method",)):
    """
    Mean and range over cutouts (and specimens) of each score, as text "mean (low-high)".

    Parameters
    ----------
    table : pandas.DataFrame
        From :func:`against_truth`.
    by : sequence of str
        What a row stands for.

    Returns
    -------
    table : pandas.DataFrame
        Best accuracy first.
    """
    columns = ["accuracy", *(f"Jaccard {name}" for name in QUANTITIES[1:])]
    grouped = table.groupby(list(by), sort=False)[columns]
    means, low, high = grouped.mean(), grouped.min(), grouped.max()
    text = means.copy().astype(object)
    for row, column in np.ndindex(means.shape):
        values = (frame.iat[row, column] for frame in (means, low, high))
        text.iat[row, column] = "{:.3f} ({:.3f}–{:.3f})".format(*values)
    text = text.loc[means.sort_values("accuracy", ascending=False).index].reset_index()
    return text.assign(method=[style.label(method) for method in text["method"]])


def chance(profile, specimen, cutout, method="kmeans", seed=0):
    """
    Scores of a trinarization that takes the AM of a method and deals the rest at random.

    Parameters
    ----------
    profile : str
    specimen : str
    cutout : int
    method : str
        Whose AM, and whose numbers of CBD and pore voxels, are kept.
    seed : int
        Of the dealing.

    Returns
    -------
    scores : dict of str to float
        Against the truth, keyed as the quantities of Figure 4 [-].
    """
    name = f"labels/{specimen}-{cutout}"
    truth = storage.load_volume(f"{name}-truth", profile=profile).values
    dealt = storage.load_volume(f"{name}-{method}", profile=profile).values.copy()
    rest = dealt != Phase.AM
    dealt[rest] = np.random.default_rng(seed).permutation(dealt[rest])
    found = {"equally assigned": agreement.equally_assigned(dealt, truth)}
    return found | {p.title: agreement.jaccard(dealt, truth, p) for p in reversed(Phase)}


def findings_table(found):
    """Findings as a table with a verdict."""
    words = {True: "agrees", False: "differs", None: "no value"}
    return pd.DataFrame(
        [
            {
                "finding": f"({one.letter}) {one.statement}",
                "tested as": one.test,
                "measured": one.measured,
                "verdict": words[one.holds],
            }
            for one in found
        ]
    )


@dataclass(frozen=True)
class Finding:
    """
    A statement of Section 3.5, what was measured for it, and whether it holds.

    Attributes
    ----------
    letter, statement : str
        As the paper has it.
    test : str
        What is measured here.
    measured : str
        The numbers.
    holds : bool or None
        None if the methods it speaks of are not in this build.
    """

    letter: str
    statement: str
    test: str
    measured: str
    holds: bool | None


def findings(matrices):
    """
    Check the four findings that the paper reads off Figure 4.

    Parameters
    ----------
    matrices : xarray.DataArray
        From :func:`run`.

    Returns
    -------
    findings : list of Finding
        (a) to (d).
    """
    mean = matrices.mean("cutout")
    methods = [m for m in mean.method.values if m != TRUTH]
    network = [m for m in methods if m.startswith("nn-")]
    others = [m for m in methods if not m.startswith("nn-")]
    equal = mean.sel(quantity="equally assigned").mean("specimen")
    among = [float(equal.sel({"method": a, "other": b})) for a, b in combinations(network, 2)]
    across = [float(equal.sel({"method": a, "other": b})) for a in network for b in others]
    return [
        _variants_differ(among),
        _families_differ(among, across),
        _am_agrees_best(mean, methods),
        _specimens_agree(mean, methods),
    ]


def _variants_differ(among):
    if not among:
        return _absent("a", "Converting the network's output in another way changes the labels.")
    return Finding(
        "a",
        "Converting the network's output in another way changes the labels.",
        f"the least agreeing pair shares less than {1 - NEGLIGIBLE:.0%} of the voxels",
        f"least agreeing pair {min(among):.3f}",
        min(among) < 1 - NEGLIGIBLE,
    )


def _families_differ(among, across):
    statement = "The network's labels differ more from the other methods than among themselves."
    if not among or not across:
        return _absent("b", statement)
    return Finding(
        "b",
        statement,
        "mean share of equal voxels, network with others below network with network",
        f"with others {np.mean(across):.3f}, among themselves {np.mean(among):.3f}",
        bool(np.mean(across) < np.mean(among)),
    )


def _am_agrees_best(mean, methods):
    pairs = list(combinations(methods, 2))
    table = np.array(
        [
            [
                float(mean.sel({"quantity": q, "method": a, "other": b}).mean())
                for q in QUANTITIES[1:]
            ]
            for a, b in pairs
        ]
    )
    best = np.all(table[:, :1] >= table[:, 1:], axis=1)
    am, cbd, pore = table.mean(axis=0)
    return Finding(
        "c",
        "Methods agree best on the active material.",
        "mean Jaccard index over all pairs, AM above CBD and pore",
        f"AM {am:.3f}, CBD {cbd:.3f}, pore {pore:.3f}; "
        f"AM first in {best.sum()} of {len(pairs)} pairs",
        bool(am > max(cbd, pore)),
    )


def _specimens_agree(mean, methods):
    between = {}
    for method in methods:
        others = [other for other in methods if other != method]
        rows = mean.sel({"method": method, "other": others})
        between[method] = float(abs(rows.sel(specimen="SL") - rows.sel(specimen="TL")).mean())
    rest = max(value for method, value in between.items() if method != "thresholding")
    return Finding(
        "d",
        "SL and TL hardly differ, except for Thresholding.",
        f"mean |SL - TL| of a method's row below {NEGLIGIBLE}, but above it for Thresholding",
        f"Thresholding {between['thresholding']:.3f}, largest of the others {rest:.3f}",
        bool(rest < NEGLIGIBLE < between["thresholding"]),
    )


def _absent(letter, statement):
    return Finding(letter, statement, "", "the network is not in this build", None)


def _confusions(profile, specimen, cutout):
    names = [f"labels/{specimen}-{cutout}-{method}" for method in methods_of(profile)]
    return agreement.confusions(
        [storage.load_volume(name, profile=profile).values for name in names]
    )
