"""When does the criterion name the right map? Over true gammas, truth scenarios and contrasts."""

import hashlib
from itertools import product

import numpy as np
import pandas as pd

from analysis import profiles, storage
from analysis import progress as notes
from analysis.simulation.cases import MODEL_VERSION
from analysis.study import kept_tables
from analysis.study.consistency import gammas, measured, specimens
from analysis.study.consistency.criterion import PASSED, REJECTED, judge, named
from analysis.study.consistency.specimens import TRUTH

NAME = "consistency-sweep"  # table on disk
RIGHT = 20.0  # largest bias of gamma that counts as right [%], as in the chapter on the fits

# What is judged: electrodes, and whether their impedance is measured as well.
SETS = {
    "SL and TL": (profiles.ELECTRODES, False),
    "with impedance": (profiles.ELECTRODES, True),
    "with a third electrode": ((*profiles.ELECTRODES, gammas.TURNED), False),
    "with both": ((*profiles.ELECTRODES, gammas.TURNED), True),
}
COMBINATION = ["scenario", "layer_contrast", "gamma_true"]


def run(profile, progress=lambda line: None, **where):
    """
    Fit every map of every kind of specimen at every true gamma.

    The first kind is the study itself, first cutout, with all maps whose gamma the study fits; the
    others are small specimens that are drawn here, or taken from a kept run where the profile has
    one. Writes the table ``consistency-sweep``.

    Parameters
    ----------
    profile : analysis.profiles.Profile
    progress : callable
        Receives a line per kind.
    **where
        For :func:`analysis.study.kept_tables.load`.

    Returns
    -------
    table : pandas.DataFrame
        Columns ``scenario``, ``layer_contrast``, ``gamma_true`` and those of
        :func:`analysis.study.consistency.gammas.table`.
    made_on : str
        When and where the kept rows were made; empty if all are of this run.
    """
    first, *others = specimens.kinds(profile)
    scans = _scans(profile, measured.structures(profile))
    known, made_on = kept_tables.load(NAME, profile, version(profile), **where)
    if known is not None:
        here = (known.scenario == first.scenario) & (known.layer_contrast == first.layer_contrast)
        others, kept_rows = [], [known[~here]]
    else:
        kept_rows = []
    # a single layer knows no contrast: one serves all kinds of a scenario
    single = {first.scenario: {name: {"SL": made["SL"]} for name, made in scans.items()}}
    tables = [_fitted(profile, first, scans)]
    progress(f"{first}: {len(tables[0])} fits")
    for kind in notes.through(others, "kinds of specimens"):
        if kind.scenario not in single:
            single[kind.scenario] = _scans(profile, _structures(profile, "SL", kind))
        double = _scans(profile, _structures(profile, "TL", kind))
        both = {
            name: made | double[name]
            for name, made in single[kind.scenario].items()
            if name in double
        }
        tables.append(_fitted(profile, kind, both))
        progress(f"{kind}: {len(tables[-1])} fits")
    table = pd.concat([*tables, *kept_rows], ignore_index=True)
    storage.save_table(NAME, table, profile=profile)
    return table, made_on


def version(profile):
    """What the rows of drawn specimens depend on; a kept run of another version is not taken."""
    text = repr(
        (profile.seed, profile.consistency_lateral, profile.scenarios, profile.noise_V)
        + (profile.consistency_contrasts, profile.consistency_gammas, profile.kmeans_sample)
        + (profile.consistency_methods, profile.fit_current)
    )
    return f"models {MODEL_VERSION}, specimens {hashlib.sha256(text.encode()).hexdigest()[:8]}"


def outcomes(table, limit_of, methods):
    """
    What the criterion says in every combination, beside what is true.

    Parameters
    ----------
    table : pandas.DataFrame
        From :func:`run`.
    limit_of : callable
        Limit of a ratio.
    methods : sequence of str
        Maps that are judged; those of a combination that has others as well are left out.

    Returns
    -------
    outcomes : pandas.DataFrame
        One row per combination and entry of :data:`SETS`: ``named`` (the map whose gammas agree
        best; several if tied), ``right`` (the map whose gamma of SL and TL is nearest to the true
        one), ``hit`` (whether they are the same map), ``bias`` of the named map (the larger of the
        two [%]), ``wrong`` maps (a gamma off by more than :data:`RIGHT`) and how many of them are
        ``rejected`` and how many are ``passed`` as not rejected; ``others`` and how many of them
        are ``lost`` (rejected all the same); ``truth``: whether the truth, were it among the maps,
        would agree best.
    """
    rows = []
    for place, group in table.groupby(COMBINATION, sort=False):
        maps = [name for name in methods if name in set(group.method)]
        bias = {name: _worst_bias(group[group.method == name], place[-1]) for name in maps}
        known = {name: value for name, value in bias.items() if not np.isnan(value)}
        if not known:
            continue
        right = min(known, key=lambda name: abs(np.log1p(known[name] / 100)))
        for name_of_set, (electrodes, impedance) in SETS.items():
            says = {
                name: judge(
                    gammas.estimates(group[group.method == name], electrodes, impedance=impedance),
                    limit_of,
                )
                for name in (*maps, TRUTH)
            }
            truth = says.pop(TRUTH)
            best = named(says)
            wrong = [name for name in maps if not abs(bias[name]) <= RIGHT]
            fine = [name for name in maps if name not in wrong]
            rows.append(
                dict(zip(COMBINATION, place, strict=True))
                | {
                    "judged": name_of_set,
                    "maps": len(maps),
                    "named": ", ".join(best),
                    "right": right,
                    "hit": best == [right],
                    "least_bias": bias[right],
                    "bias": max((bias[name] for name in best), key=abs, default=np.nan),
                    "wrong": len(wrong),
                    "rejected": sum(says[name].verdict == REJECTED for name in wrong),
                    "passed": sum(says[name].verdict == PASSED for name in wrong),
                    "others": len(fine),
                    "lost": sum(says[name].verdict == REJECTED for name in fine),
                    "truth": all(not one.excess <= truth.excess for one in says.values()),
                }
            )
    return pd.DataFrame(rows)


def rates(found):
    """
    Hit rates by what is judged.

    Parameters
    ----------
    found : pandas.DataFrame
        From :func:`outcomes`.

    Returns
    -------
    rates : pandas.DataFrame
        Columns ``judged``, ``combinations``, ``hits``, ``by_chance`` (hits that naming a map at
        random would give), ``wrong`` maps, those of them ``rejected``, and right ones ``lost``.
    """
    rows = []
    for name, group in found.groupby("judged", sort=False):
        rows.append(
            {
                "judged": name,
                "combinations": len(group),
                "hits": int(group.hit.sum()),
                "by_chance": float((1 / group.maps).sum()),
                "wrong": int(group.wrong.sum()),
                "rejected": int(group.rejected.sum()),
                "others": int(group.others.sum()),
                "lost": int(group.lost.sum()),
            }
        )
    return pd.DataFrame(rows)


def by_gamma(found, judged="SL and TL"):
    """
    The map that is named and the right one, as a grid for the page.

    Returns
    -------
    grid : pandas.DataFrame
        One row per true gamma, a column per kind of specimen: the named map, "hit" or the right
        one.
    """
    from analysis.figures import style

    rows = []
    chosen = found[found.judged == judged]
    for gamma, group in chosen.groupby("gamma_true"):
        row = {"gamma_true": gamma}
        for one in group.itertuples():
            names = ", ".join(style.label(name) for name in one.named.split(", "))
            verdict = "hit" if one.hit else f"right: {style.label(one.right)}"
            row[f"{one.scenario}, {one.layer_contrast:g}"] = f"{names} ({verdict})"
        rows.append(row)
    return pd.DataFrame(rows)


def summary_at(table, gamma_true, kind):
    """
    Fits of one combination in the form that the findings on Table 3 read.

    Parameters
    ----------
    table : pandas.DataFrame
        From :func:`run`.
    gamma_true : float
    kind : analysis.study.consistency.specimens.Kind

    Returns
    -------
    summary : pandas.DataFrame
        Columns ``specimen``, ``method``, ``gamma`` and ``tau``, without the third electrode.
    """
    here = table[
        (table.scenario == kind.scenario)
        & (table.layer_contrast == kind.layer_contrast)
        & (table.gamma_true == gamma_true)
        & table.electrode.isin(profiles.ELECTRODES)
    ]
    return pd.DataFrame(
        {
            "specimen": here.electrode,
            "method": here.method,
            "gamma": here.gamma,
            "tau": 1 / (2 * here.gamma),
        }
    ).reset_index(drop=True)


def _structures(profile, name, kind):
    """Homogenized maps of one new specimen, by method; those that do not conduct are left out."""
    specimen = specimens.draw(profile, name, kind)
    maps = specimens.maps(profile, specimen, profile.consistency_methods)
    by_map = {method: {name: labels} for method, labels in maps.items()}
    made, _ = gammas.structures(by_map, specimen.voxel_size_um)
    return {method: electrodes for method, electrodes in made.items() if electrodes}


def _scans(profile, made):
    return {
        method: gammas.scans_of(electrodes, profile.fit_current)
        for method, electrodes in made.items()
    }


def _fitted(profile, kind, scans):
    truth = {
        name: scanned.structure
        for name, scanned in scans[TRUTH].items()
        if name in profiles.ELECTRODES
    }
    tables = []
    for gamma in profile.consistency_gammas:
        target = measured.experiments(truth, gamma, profile, str(kind), fidelity="coarse")
        tables.append(gammas.table(scans, target).assign(gamma_true=gamma))
    table = pd.concat(tables, ignore_index=True)
    table = table.assign(scenario=kind.scenario, layer_contrast=kind.layer_contrast)
    return table[[*COMBINATION, *table.columns.drop(COMBINATION)]]


def _worst_bias(rows, gamma_true):
    """Bias [%] of the worse of the two electrodes; NaN if one is missing."""
    here = rows[rows.electrode.isin(profiles.ELECTRODES)]
    if len(here) < len(profiles.ELECTRODES):
        return float("nan")
    return float(
        max(100 * (here.gamma / gamma_true - 1), key=lambda bias: abs(np.log1p(bias / 100)))
    )


def combinations(profile):
    """Number of combinations of a profile."""
    return len(list(product(specimens.kinds(profile), profile.consistency_gammas)))
