"""Figure 4 of the paper, with the truth as a thirteenth row, and its four findings checked."""

from itertools import combinations

import numpy as np
import pandas as pd
import xarray as xr

from analysis import electrodes, profiles, storage
from analysis.figures import style
from analysis.phases import Phase, volume_fractions
from analysis.segmentation import agreement
from analysis.study.catalogue import TRUTH, methods_on_disk
from analysis.study.finding import STAND_INS, Bound, check
from analysis.study.trinarization import standing

QUANTITIES = ("equally assigned", "AM", "CBD", "pore")  # the panels of Figure 4
NEGLIGIBLE = 0.02  # differences below this count as none


def run(profile):
    """
    Compare all trinarizations on disk with each other and with the truth.

    Writes the curves ``agreement`` (matrices and confusion counts) and the table ``agreement``.

    Returns
    -------
    matrices : xarray.DataArray
        Dimensions ``specimen, cutout, quantity, method, other`` [-]; the last method is the truth.

    Raises
    ------
    FileNotFoundError
        If no trinarization, or no truth, is on disk.
    """
    methods = methods_on_disk(profile)
    found = {
        (specimen, cutout): _confusions(profile, methods, specimen, cutout)
        for specimen in profiles.ELECTRODES
        for cutout in profile.cutout_numbers
    }
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
    storage.save_table("agreement", against_truth(counts), profile=profile)
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


def promises(table):
    """
    The table of :func:`fractions` in a row per promise, and one for each method that breaks it.

    Parameters
    ----------
    table : pandas.DataFrame
        From :func:`fractions`.

    Returns
    -------
    table : pandas.DataFrame
        Columns methods (how many, or the name of the one that misses), allowed, voxels and share
        (largest miss), verdict.
    """
    kept = table[table.verdict == "agrees"]
    rows = [
        {
            "methods": f"{len(group)} methods" if len(group) > 1 else group.method.iloc[0],
            "allowed": allowed,
            "voxels": group.voxels.max(),
            "share": group.share.max(),
            "verdict": "agrees",
        }
        for allowed, group in kept.groupby("allowed", sort=False)
    ]
    broken = table[table.verdict != "agrees"].rename(columns={"method": "methods"})
    return pd.concat([pd.DataFrame(rows, columns=list(broken.columns)), broken], ignore_index=True)


def against_truth(counts):
    """
    Tidy table of each method's agreement with the truth, and of what chance gives.

    Parameters
    ----------
    counts : xarray.DataArray
        Confusion counts with dimensions ``specimen, cutout, method, other, phase, other_phase``.

    Returns
    -------
    table : pandas.DataFrame
        Columns specimen, cutout, method, and those of
        :func:`~analysis.study.trinarization.standing.score`.
    """
    order = ("specimen", "cutout", "method", "phase", "other_phase")
    pairs = counts.sel({"method": TRUTH}, drop=True).rename(other="method").transpose(*order)
    rows = []
    for specimen in pairs.specimen.values:
        for cutout in pairs.cutout.values:
            for method in (str(m) for m in pairs.method.values if m != TRUTH):
                at = {"specimen": specimen, "cutout": cutout, "method": method}
                rows.append(at | standing.score(pairs.sel(at).values))
    return pd.DataFrame(rows)


def ranges(table, by=("method",), columns=("kappa", "Jaccard CBD", "Jaccard pore")):
    """
    Mean and range over cutouts (and specimens) of scores, and what chance gives, as text.

    Parameters
    ----------
    table : pandas.DataFrame
        From :func:`against_truth`.
    by : sequence of str
        What a row stands for.
    columns : sequence of str
        Scores to show, as "mean (low-high)"; the table is ordered by the first. Beside a Jaccard
        index of CBD and pore stands the mean that dealing at random would give.

    Returns
    -------
    table : pandas.DataFrame
        Best first score first.
    """
    grouped = table.groupby(list(by), sort=False)
    means = grouped[list(columns)].mean()
    text = pd.DataFrame(index=means.index)
    for column in columns:
        values = grouped[column].agg(["mean", "min", "max"])
        text[column] = [f"{m:.3f} ({low:.3f}–{high:.3f})" for m, low, high in values.values]
        by_chance = column.replace("Jaccard", "chance")
        if by_chance != column and by_chance in table:
            text[by_chance] = [f"{value:.3f}" for value in grouped[by_chance].mean()]
    levels = [level for level in by if level != "method"]
    order = means.reset_index().sort_values([*levels, columns[0]], ascending=False)
    if levels:  # scenarios in the order of the table, not of the alphabet
        place = {name: n for n, name in enumerate(table[levels[0]].unique())}
        order = order.sort_values(levels[0], key=lambda names: names.map(place), kind="stable")
    text = text.loc[pd.MultiIndex.from_frame(order[list(by)]) if levels else order.method]
    text = text.reset_index()
    return text.assign(method=[style.label(method) for method in text["method"]])


def findings(matrices):
    """
    Check the four findings that the paper reads off Figure 4, (a) to (d).

    Parameters
    ----------
    matrices : xarray.DataArray
        From :func:`run`.

    Returns
    -------
    findings : list of Finding
        In the paper's order.
    """
    mean = matrices.mean("cutout")
    methods = [str(m) for m in mean.method.values if m != TRUTH]
    network = [m for m in methods if m.startswith("nn-")]
    others = [m for m in methods if not m.startswith("nn-")]
    equal = mean.sel(quantity="equally assigned").mean("specimen")

    def variants_differ():
        among = [float(equal.sel({"method": a, "other": b})) for a, b in combinations(network, 2)]
        return f"least agreeing pair {min(among):.3f}", Bound(min(among), 1 - NEGLIGIBLE)

    def families_differ():
        among = [float(equal.sel({"method": a, "other": b})) for a, b in combinations(network, 2)]
        across = [float(equal.sel({"method": a, "other": b})) for a in network for b in others]
        text = f"with others {np.mean(across):.3f}, among themselves {np.mean(among):.3f}"
        return text, Bound(float(np.mean(across)), float(np.mean(among)))

    def am_agrees_best():
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
        am, cbd, pore = (float(value) for value in table.mean(axis=0))
        text = f"AM {am:.3f}, CBD {cbd:.3f}, pore {pore:.3f}; "
        text += f"AM first in {best.sum()} of {len(pairs)} pairs"
        return text, Bound(am, max(cbd, pore), above=True)

    def specimens_agree():
        between = {}
        for method in methods:
            rest = [other for other in methods if other != method]
            rows = mean.sel({"method": method, "other": rest})
            between[method] = float(abs(rows.sel(specimen="SL") - rows.sel(specimen="TL")).mean())
        exception = between.pop("thresholding")
        most = max(between.values())
        text = f"Thresholding {exception:.4f}, largest of the others {most:.4f}"
        return text, Bound(most, NEGLIGIBLE), Bound(exception, NEGLIGIBLE, above=True)

    variants = network[:2] if len(network) > 1 else ("nn-am-cond", "nn-cbd-cond")
    return [
        check(
            methods, variants,
            "(a) Converting the network's output in another way changes the labels.",
            f"the least agreeing pair shares less than {1 - NEGLIGIBLE:.0%} of the voxels",
            variants_differ,
        ),
        check(
            methods, (*variants, "thresholding"),
            "(b) The network's labels differ more from the other methods than among themselves.",
            "mean share of equal voxels, network with others below network with network",
            families_differ,
        ),
        check(
            methods, ("thresholding", "kmeans"),
            "(c) Methods agree best on the active material.",
            "mean Jaccard index over all pairs, AM above CBD and pore", am_agrees_best,
        ),
        check(
            methods, ("thresholding", "kmeans"),
            "(d) SL and TL hardly differ, except for Thresholding.",
            f"mean |SL - TL| of a method's row below {NEGLIGIBLE}, but above it for Thresholding",
            specimens_agree, STAND_INS,
        ),
    ]  # fmt: skip


def _confusions(profile, methods, specimen, cutout):
    names = [f"labels/{specimen}-{cutout}-{method}" for method in methods]
    return agreement.confusions(
        [storage.load_volume(name, profile=profile).values for name in names]
    )
