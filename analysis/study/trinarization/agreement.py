"""Figure 4 of the paper, with the truth as a thirteenth row, and its four findings checked."""

from itertools import combinations

import numpy as np
import pandas as pd
import xarray as xr

from analysis import electrodes, profiles, storage
from analysis.figures import style
from analysis.phases import Phase, volume_fractions
from analysis.segmentation import agreement
from analysis.study.finding import finding
from analysis.study.labels import methods_on_disk

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
    found = {
        (specimen, cutout): _confusions(profile, specimen, cutout)
        for specimen in profiles.ELECTRODES
        for cutout in profile.cutout_numbers
    }
    methods = methods_on_disk(profile)
    counts = xr.DataArray(
        np.array(
            [
                [found[specimen, cutout] for cutout in profile.cutout_numbers]
                for specimen in profiles.ELECTRODES
            ]
        ),
        dims=("specimen", "cutout", "method", "other", "phase", "other_phase"),
        coords={
            "specimen": list(profiles.ELECTRODES),
            "cutout": list(profile.cutout_numbers),
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
    for method in methods_on_disk(profile)[:-1]:
        worst = 0.0, 0.0
        for specimen in profiles.ELECTRODES:
            targets = electrodes.electrode(specimen).targets()
            for cutout in profile.cutout_numbers:
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
    profile : analysis.profiles.Profile
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
    methods = [str(m) for m in mean.method.values if m != TRUTH]
    network = [m for m in methods if m.startswith("nn-")]
    others = [m for m in methods if not m.startswith("nn-")]
    equal = mean.sel(quantity="equally assigned").mean("specimen")
    among = [float(equal.sel({"method": a, "other": b})) for a, b in combinations(network, 2)]
    across = [float(equal.sel({"method": a, "other": b})) for a in network for b in others]
    return [
        variants_differ(methods, among),
        families_differ(methods, among, across),
        am_agrees_best(methods, mean, methods),
        specimens_agree(methods, mean, methods),
    ]


_WITHOUT_NETWORK = "the network is not in this build", None


@finding(
    "Converting the network's output in another way changes the labels.",
    test=f"the least agreeing pair shares less than {1 - NEGLIGIBLE:.0%} of the voxels",
    letter="a",
)
def variants_differ(among):
    """Least share of equal voxels among the network's conversions."""
    if not among:
        return _WITHOUT_NETWORK
    return f"least agreeing pair {min(among):.3f}", min(among) < 1 - NEGLIGIBLE


@finding(
    "The network's labels differ more from the other methods than among themselves.",
    test="mean share of equal voxels, network with others below network with network",
    letter="b",
)
def families_differ(among, across):
    """Share of equal voxels between the families and within the network's."""
    if not among or not across:
        return _WITHOUT_NETWORK
    text = f"with others {np.mean(across):.3f}, among themselves {np.mean(among):.3f}"
    return text, np.mean(across) < np.mean(among)


@finding(
    "Methods agree best on the active material.",
    test="mean Jaccard index over all pairs, AM above CBD and pore",
    letter="c",
)
def am_agrees_best(mean, methods):
    """Mean Jaccard indices of the phases over all pairs of methods."""
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
    text = f"AM {am:.3f}, CBD {cbd:.3f}, pore {pore:.3f}; "
    return text + f"AM first in {best.sum()} of {len(pairs)} pairs", am > max(cbd, pore)


@finding(
    "SL and TL hardly differ, except for Thresholding.",
    test=f"mean |SL - TL| of a method's row below {NEGLIGIBLE}, but above it for Thresholding",
    needs=("thresholding",),
    letter="d",
)
def specimens_agree(mean, methods):
    """Mean difference of SL and TL in the row of each method."""
    between = {}
    for method in methods:
        others = [other for other in methods if other != method]
        rows = mean.sel({"method": method, "other": others})
        between[method] = float(abs(rows.sel(specimen="SL") - rows.sel(specimen="TL")).mean())
    rest = max(value for method, value in between.items() if method != "thresholding")
    text = f"Thresholding {between['thresholding']:.3f}, largest of the others {rest:.3f}"
    return text, rest < NEGLIGIBLE < between["thresholding"]


def _confusions(profile, specimen, cutout):
    names = [f"labels/{specimen}-{cutout}-{method}" for method in methods_on_disk(profile)]
    return agreement.confusions(
        [storage.load_volume(name, profile=profile).values for name in names]
    )
