"""One binder, one gamma, on the maps of the study: the table and what stands beside it."""

import numpy as np
import pandas as pd

from analysis import paper, profiles, storage
from analysis.phases import VOXEL_SIZE_UM
from analysis.simulation import campaign, cases
from analysis.simulation import run as simulations
from analysis.study.consistency import gammas, parameters, pieces, specimens
from analysis.study.consistency.blocking import blocking_resistance, gamma_of_resistance
from analysis.study.consistency.criterion import Estimate, compare, judge
from analysis.study.consistency.specimens import TRUTH

NAME, PARAMETERS = "consistency", "consistency-parameters"  # tables on disk
ROUNDING = 0.005  # half a unit of the last digit that the paper's Table 3 prints of 1/tau


def structures(profile, cutout=1):
    """
    Homogenized maps of one cutout, as the fits of gamma use them.

    Parameters
    ----------
    profile : analysis.profiles.Profile
    cutout : int

    Returns
    -------
    structures : dict of str to dict of str to Structure
        Keyed by map, then by electrode; maps that lack an electrode are left out.

    Raises
    ------
    FileNotFoundError
        If no maps are on disk.
    """
    fits, _ = campaign.run_fits(profile, progress=lambda line: None)
    found = {}
    for case in fits:
        one = cases.Case("structure", case.specimen, case.cutout, case.method)
        if case.cutout == cutout and cases.is_finished(one, profile):
            found.setdefault(case.method, {})[case.specimen] = simulations.structure_of(
                one, profile
            )
    return {name: made for name, made in found.items() if len(made) == len(profiles.ELECTRODES)}


def experiments(truth, gamma, profile, *key, fidelity="fine"):
    """
    Virtual experiments on SL, TL and the two-layer electrode turned round.

    Parameters
    ----------
    truth : dict of str to Structure
        Keyed by electrode.
    gamma : float
        The true gamma [-].
    profile : analysis.profiles.Profile
        Gives current and noise.
    *key
        What else the seed of the noise depends on.
    fidelity : {"coarse", "fine"}
        See :func:`analysis.study.consistency.gammas.measure`.

    Returns
    -------
    experiments : dict of str to CellData
    """
    made = dict(truth)
    if "TL" in made:
        made[gammas.TURNED] = gammas.turned_round(made["TL"])
    return {
        name: gammas.measure(
            one,
            gamma,
            profile.fit_current,
            noise_V=profile.noise_V,
            seed=profile.seed_for("consistency noise", name, gamma, *key),
            fidelity=fidelity,
        )
        for name, one in made.items()
    }


def fits(profile):
    """
    Gamma of every map, electrode and cutout, from lithiation and from impedance.

    The lithiations are the fits of the chapter on gamma; the impedance is that of the homogenized
    electrode, which meets that of the voxels within a few percent (see the tests).

    Parameters
    ----------
    profile : analysis.profiles.Profile

    Returns
    -------
    fits : pandas.DataFrame
        Columns ``cutout`` and those of :func:`analysis.study.consistency.gammas.table`.
    """
    done, _ = campaign.run_fits(profile, progress=lambda line: None)
    truth, rows = {}, []
    for case in done:
        place = case.specimen, case.cutout
        if not cases.is_finished(case, profile):
            continue
        if place not in truth:
            made = simulations.structure_of(cases.truth_of(case), profile)
            truth[place] = blocking_resistance(made.at(profile.gamma_true))
        made = simulations.structure_of(cases.Case("structure", *place, case.method), profile)
        impedance = gamma_of_resistance(made, truth[place])
        data = cases.load(case, profile)
        value = float(data.fitted_gamma)
        low, high = float(data.tried.min()), float(data.tried.max())
        bound = 0 if not bool(data.at_bound) else (1 if high / value < value / low else -1)
        rows.append(
            {
                "method": case.method,
                "electrode": case.specimen,
                "cutout": case.cutout,
                "gamma": value,
                "bound": bound,
                "gamma_impedance": impedance.value,
                "bound_impedance": impedance.bound,
                "misfit_mV": 1e3 * float(data.misfit_V),
            }
        )
    return pd.DataFrame(rows)


def judged(rows, limit_of, gamma_true):
    """
    The criterion on fits of any list of maps.

    Parameters
    ----------
    rows : pandas.DataFrame
        Rows as from :func:`fits`; several cutouts are averaged.
    limit_of : callable
        Limit of a ratio, see :class:`analysis.study.consistency.limits.RatioLimits`.
    gamma_true : float
        Stands beside the verdicts and takes no part in them.

    Returns
    -------
    table : pandas.DataFrame
        One row per map: ``gamma_SL``, ``gamma_TL``, ``ratio`` (TL over SL), ``gamma_impedance`` (of
        TL) and ``gamma_impedance_SL``, ``by_impedance_SL`` and ``by_impedance_TL`` (gamma from
        lithiation over that from impedance), ``verdict`` of the two lithiations,
        ``verdict_impedance`` of all four experiments, ``decided_by``; beside the truth ``bias_SL``
        and ``bias_TL`` [%]. The truth comes last.
    """
    found = []
    keys = ["gamma", "gamma_impedance"]
    for method in _truth_last(rows.method.unique()):
        mine = rows[rows.method == method]
        means = mine.groupby("electrode", sort=False)[keys].mean()
        bounds = mine.groupby("electrode", sort=False)[["bound", "bound_impedance"]].agg(_bound)
        averaged = means.join(bounds).reset_index()
        both = gammas.estimates(averaged, profiles.ELECTRODES)
        four = gammas.estimates(averaged, profiles.ELECTRODES, impedance=True)
        by_both, by_four = judge(both, limit_of), judge(four, limit_of)
        single, double = both["SL"].value, both["TL"].value
        found.append(
            {
                "method": method,
                "gamma_SL": single,
                "gamma_TL": double,
                "ratio": double / single,
                "gamma_impedance": four["TL impedance"].value,
                "gamma_impedance_SL": four["SL impedance"].value,
                "by_impedance_SL": single / four["SL impedance"].value,
                "by_impedance_TL": double / four["TL impedance"].value,
                "verdict": by_both.verdict,
                "verdict_impedance": by_four.verdict,
                "decided_by": " and ".join(by_four.pair),
                "bias_SL": 100 * (single / gamma_true - 1),
                "bias_TL": 100 * (double / gamma_true - 1),
            }
        )
    return pd.DataFrame(found)


def table(profile, more=None):
    """
    One binder, one gamma: every map of the study, judged without its truth.

    Parameters
    ----------
    profile : analysis.profiles.Profile or str
    more : pandas.DataFrame, optional
        Fits of further maps, from :func:`analysis.study.consistency.gammas.table`: maps drawn from
        a posterior, or a reader's own.

    Returns
    -------
    table : pandas.DataFrame
        As from :func:`judged`, one row per map.

    Raises
    ------
    FileNotFoundError
        If the maps of the study are not on disk.
    """
    profile = profiles.get(profile)
    rows = fits(profile)
    rows = rows if more is None else pd.concat([rows, more], ignore_index=True)
    return judged(rows, limits(profile), profile.gamma_true)


def run(profile, further=()):
    """
    What the chapter calls first: the limits made anew, and the maps of the study judged.

    Writes the tables ``consistency``, ``consistency-pieces`` and ``consistency-parameters``.

    Parameters
    ----------
    profile : analysis.profiles.Profile
    further : sequence of str
        Other maps of the first cutout that are judged as well, if their labels are on disk.

    Returns
    -------
    table : pandas.DataFrame
        As from :func:`table`.
    limits : analysis.study.consistency.limits.RatioLimits
    pieces, parameters : pandas.DataFrame
        As from :func:`prepare`.
    """
    found, moved = prepare(profile)
    limit_of = pieces.limits(found, profile, parameters.of_table(moved))
    rows = fits(profile)
    if maps := specimens.on_disk(profile, further):
        homogenized, _ = gammas.structures(maps, VOXEL_SIZE_UM)
        scans = {
            name: {key: gammas.scan(one, profile.fit_current) for key, one in both.items()}
            for name, both in homogenized.items()
        }
        target = experiments(structures(profile)[TRUTH], profile.gamma_true, profile)
        rows = pd.concat([rows, gammas.table(scans, target)], ignore_index=True)
    made = judged(rows, limit_of, profile.gamma_true)
    storage.save_table(NAME, made, profile=profile)
    return made, limit_of, found, moved


def limits(profile):
    """
    Limits of the ratios of the study: pieces and parameters, from disk or made now.

    Writes the tables ``consistency-pieces`` and ``consistency-parameters``.

    Returns
    -------
    limits : analysis.study.consistency.limits.RatioLimits
    """
    names = pieces.NAME, PARAMETERS
    if all(storage.exists("tables", name, profile=profile) for name in names):
        found, moved = (storage.load_table(name, profile=profile) for name in names)
    else:
        found, moved = prepare(profile)
    return pieces.limits(found, profile, parameters.of_table(moved))


def prepare(profile):
    """
    Make what the limits of the ratios rest on.

    Parameters
    ----------
    profile : analysis.profiles.Profile

    Returns
    -------
    pieces : pandas.DataFrame
        Fits of other pieces, see :func:`analysis.study.consistency.pieces.run`.
    parameters : pandas.DataFrame
        Shifts of gamma, see :func:`analysis.study.consistency.parameters.table`, of the last map
        that the pieces were made of: a limit must not need the truth.
    """
    made = structures(profile)
    target = experiments(made[TRUTH], profile.gamma_true, profile)
    found = pieces.run(profile, target)
    of = [name for name in pieces.METHODS if name in made][-1]
    scans = gammas.scans_of(made[of], profile.fit_current)
    rows = gammas.table({of: scans}, target).set_index("electrode")
    moved = parameters.table(
        {
            name: (one.structure, rows.gamma[name], rows.gamma_impedance[name])
            for name, one in scans.items()
        },
        profile.fit_current,
    )
    storage.save_table(PARAMETERS, moved, profile=profile)
    return found, moved


def printed(limit_of):
    """
    The paper's Table 3, judged by the same criterion.

    Parameters
    ----------
    limit_of : callable
        As for :func:`judged`.

    Returns
    -------
    table : pandas.DataFrame
        Columns ``method``, ``gamma_SL``, ``gamma_TL``, ``ratio``, ``lowest`` and ``highest`` (the
        ratio that the rounding of the printed values leaves open) and ``verdict``, which takes the
        end of this range that speaks for the map.
    """
    rows = paper.table(3).pivot(index="method", columns="specimen", values="inverse_tau")
    limit = limit_of(*profiles.ELECTRODES)
    found = []
    for method in paper.table(3).method.unique():
        single, double = (float(rows.loc[method, name]) for name in profiles.ELECTRODES)
        low = (double - ROUNDING) / (single + ROUNDING)
        high = (double + ROUNDING) / (single - ROUNDING)
        kindest = min((low, high), key=lambda ratio: abs(np.log(ratio)))
        kindest = 1.0 if low < 1 < high else kindest
        found.append(
            {
                "method": method,
                "gamma_SL": 0.5 * single,
                "gamma_TL": 0.5 * double,
                "ratio": double / single,
                "lowest": low,
                "highest": high,
                "verdict": compare(Estimate(kindest), Estimate(1.0), limit),
            }
        )
    return pd.DataFrame(found)


def _truth_last(names):
    return [name for name in names if name != TRUTH] + [name for name in names if name == TRUTH]


def _bound(bounds):
    """Bound of a mean: that of its values if they agree, else it is a mean of unlike bounds."""
    some = {int(bound) for bound in bounds if bound}
    return some.pop() if len(some) == 1 else 0
