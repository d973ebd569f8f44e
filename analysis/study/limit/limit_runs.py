"""What the chapter on the limit of a tomogram runs, in the sizes of a profile."""

from collections import Counter
from functools import lru_cache

import numpy as np
import pandas as pd

from analysis import profiles, progress, storage
from analysis.segmentation import agreement, draws, posterior
from analysis.study.limit import beside, kept, limit

HELD = 0.08  # gamma of the conductance whose interval is shown
GAMMA_DRAWS = 4
NOISE = 0.12  # of the reference setting
SHAPED = 2  # draws whose sizes and surfaces are measured; of the others the conductance alone


def _known(profile, name, scenario, noises):
    return limit.known(
        name,
        scenario,
        1,
        seed=profile.seed_for("limit", name, scenario),
        lateral=profile.limit_lateral,
        thickness=profile.limit_thickness,
        noises=noises,
    )


@lru_cache(maxsize=2)  # both electrodes; the chapter comes back to them
def reference(profile, name="SL"):
    """
    A tomogram at the reference setting and its posteriors.

    Returns
    -------
    one : analysis.study.limit.limit.Known
    probabilities : dict of str to (Z, Y, X, 3) ndarray
    """
    (one,) = _known(profile, name, profile.scenarios[0], (NOISE,))
    return one, limit.posteriors(one)


def overlap(profile, *, also=None):
    """
    Scores of methods without training and of the posterior on new specimens.

    Every scenario at the reference noise. Writes the table ``limit-overlap``.

    Parameters
    ----------
    profile : analysis.profiles.Profile
    also : callable, optional
        Gives more probabilities of an :class:`analysis.study.limit.limit.Known`, by name.

    Returns
    -------
    table : pandas.DataFrame
        Columns specimen, scenario, number, noise, method, those of
        :func:`analysis.study.trinarization.standing.score`, and ``calibration error`` [-].
    """
    rows = []
    for scenario in profile.scenarios:
        for name in profiles.ELECTRODES:
            if scenario == profile.scenarios[0]:
                one, said = reference(profile, name)
            else:
                (one,) = _known(profile, name, scenario, (NOISE,))
                said = limit.posteriors(one)
            said = said | (also(one) if also else {})
            rows += limit.scores(one, limit.rivals(one), said)
    table = pd.DataFrame(rows)
    storage.save_table("limit-overlap", table, profile=profile)
    return table


def physics(profile):
    """
    What the cell feels of the most probable map, of draws, of independent draws and of a method.

    Writes the table ``limit-physics``.

    Returns
    -------
    table : pandas.DataFrame
        Columns specimen, scenario, number, noise, kind, kappa [-] and those of
        :func:`analysis.study.limit.limit.physics`; kind ``truth`` first. Of draws after the second
        of their kind only the conductance at gamma :data:`HELD`.
    """
    rows = []
    for name in profiles.ELECTRODES:
        one, probabilities = reference(profile, name)
        by_scenario = posterior.by_scenario(one.gray, one.cbd_profile)
        best = probabilities[limit.WITH_PROFILE]
        found = limit.maps(one, best, by_scenario, count=profile.limit_draws)
        seen = Counter()
        kinds = (("truth", one.labels), *limit.rivals(one).items(), *found)
        for kind, labels in progress.through(kinds, f"maps of {name}", lambda one: one[0]):
            row = one.place | {"kind": kind, "kappa": agreement.kappa(labels, one.labels)}
            seen[kind] += 1
            if seen[kind] <= SHAPED:
                rows.append(row | limit.physics(labels))
            else:
                rows.append(row | limit.conductance(labels, gammas=(HELD,)))
    table = pd.DataFrame(rows)
    storage.save_table("limit-physics", table, profile=profile)
    return table


def deviations(table):
    """
    Deviation from the truth of each kind of map, mean of its draws and of the electrodes.

    Parameters
    ----------
    table : pandas.DataFrame
        From :func:`physics`.

    Returns
    -------
    table : pandas.DataFrame
        One row for each kind: kappa [-] and the relative deviation of each quantity [%], of which
        the size was averaged over the electrodes.
    """
    quantities = list(table.columns[table.columns.get_loc("kappa") + 1 :])
    truth = table[table.kind == "truth"].set_index("specimen")[quantities]
    rest = table[table.kind != "truth"]
    each = rest.groupby(["kind", "specimen"], sort=False)[["kappa", *quantities]].mean()
    specimens = each.index.get_level_values("specimen")
    each[quantities] = 100 * np.abs(each[quantities] / truth.loc[specimens].values - 1)
    return each.groupby(level="kind", sort=False).mean().reset_index()


def kept_gammas(profile, record):
    """What :func:`gammas` gave in the kept run. Writes the table ``limit-gamma``."""
    table = kept.gammas(record)
    storage.save_table("limit-gamma", table, profile=profile)
    return table


def gammas(profile, *, count=GAMMA_DRAWS):
    """
    Gamma of the most probable map and of draws, from a lithiation of the truth they are to show.

    On the tomograms of :func:`reference`. The book shows a run that was kept: sixteen maps are
    homogenized and fitted. ``benchmarks/limit.py`` makes it.

    Parameters
    ----------
    profile : analysis.profiles.Profile
    count : int
        Draws of each electrode.

    Returns
    -------
    table : pandas.DataFrame
        As :func:`analysis.study.limit.beside.ratios` gives it.
    """
    maps, truths = {}, {}
    for name in profiles.ELECTRODES:
        one, probabilities = reference(profile, name)
        truths[name] = one.labels
        by_scenario = posterior.by_scenario(one.gray, one.cbd_profile)
        drawn = draws.several(by_scenario, one.targets, count=count, seed=one.seed)
        found = {"posterior": posterior.ranked(probabilities[limit.WITH_PROFILE], one.targets)}
        found |= {f"draw {number}": labels for number, labels in enumerate(drawn, 1)}
        found |= limit.rivals(one)
        for kind, labels in found.items():
            maps.setdefault(kind, {})[name] = labels
    fitted = beside.gammas(
        maps, truths, gamma=profile.gamma_true, current_mA_cm2=profile.fit_current
    )
    return beside.ratios(fitted)
