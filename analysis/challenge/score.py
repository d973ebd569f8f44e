"""One trinarization held against the truth: all quantities, computed by the book's functions.

A quantity that cannot be computed (no pore is left, no path leads through) has no value, and the
reason stands beside it. Nothing stands in for it.
"""

import numpy as np
import pandas as pd

from analysis.challenge.quantities import BY_KEY, CURRENTS_MA_CM2, TRUTH
from analysis.descriptors import profile as depth
from analysis.descriptors.connectivity import connected_fractions
from analysis.descriptors.size import phase_size_distributions
from analysis.descriptors.surface import specific_surfaces
from analysis.electrochemistry import gamma_fit
from analysis.electrochemistry.porous_electrode import homogenization
from analysis.phases import Phase
from analysis.segmentation import agreement
from analysis.simulation import run as simulations
from analysis.simulation.cases import Case
from analysis.study.limit import limit
from analysis.study.trinarization import standing

VERSION = 2  # raise it when a definition below changes
COLUMNS = ("set", "volume", "electrode", "pair", "method", "quantity", "value", "truth", "chance",
           "error", "note")  # fmt: skip
AT_BOUND = "the fit ended at the bound of its search"  # the value is that bound
THREADS = 2
_STOPPED = (ValueError, RuntimeError, ArithmeticError)


class Judge:
    """
    Scores maps of one volume; the truth's own figures are computed once.

    Parameters
    ----------
    set_name : str
        Told in the tables.
    volume : analysis.challenge.sets.Volume
    profile : analysis.profiles.Profile
        Gives gamma_true, the fitted current and the noise of the measured voltage.
    """

    def __init__(self, set_name, volume, profile):
        self.volume, self.profile = volume, profile
        self.place = {
            "set": set_name,
            "volume": volume.name,
            "electrode": volume.electrode,
            "pair": volume.pair.name,
        }
        self.measured = measurement(volume, profile)
        self.truth = self.values(volume.truth)

    def rows(self, method, labels):
        """
        All quantities of one map.

        Parameters
        ----------
        method : str
            Name of the method or entry.
        labels : (Z, Y, X) ndarray of uint8

        Returns
        -------
        rows : list of dict
            Columns of :data:`COLUMNS`; where ``value`` and ``error`` are NaN, ``note`` says why. A
            gamma at the bound of the search has a value, and a note.
        """
        values = self.truth if labels is self.volume.truth else self.values(labels)
        chance = _chance(self.volume.truth, labels)
        rows = []
        for key, (value, note) in values.items():
            true, cannot = self.truth[key]
            if cannot and not note:
                note = f"the truth has no value: {cannot}"
            rows.append(
                self.place
                | {"method": method, "quantity": key, "value": value, "truth": true}
                | {"chance": chance.get(key, np.nan)}
                | {"error": BY_KEY[key].error(value, true), "note": note}
            )
        return rows

    def values(self, labels):
        """Value of each quantity, and why there is none: dict of str to (float, str)."""
        found = {}

        def take(keys, compute):
            try:
                found.update({key: (float(value), "") for key, value in compute().items()})
            except _STOPPED as reason:
                found.update({key: (np.nan, str(reason) or type(reason).__name__) for key in keys})

        take(("kappa", "Jaccard AM", "Jaccard CBD", "Jaccard pore"), lambda: self._overlap(labels))
        take(("AM-CBD", "AM-pore", "CBD-pore"), lambda: self._surfaces(labels))
        for phase in (Phase.CBD, Phase.PORE):
            take((f"r_max {phase.title}",), lambda phase=phase: self._radius(labels, phase))
        for phase in (Phase.PORE, Phase.CBD):
            take((f"through {phase.title}",), lambda phase=phase: _through(labels, phase))
        take(("depth profile",), lambda: self._profile(labels))
        for gamma in limit.GAMMAS:
            take((f"k_eff {gamma:g}",), lambda gamma=gamma: _conductance(labels, gamma))
        take(
            ("gamma", *(f"capacity {current:g}" for current in CURRENTS_MA_CM2)),
            lambda: self._cell(labels),
        )
        if found.pop("at bound", (False, ""))[0]:
            found["gamma"] = (found["gamma"][0], AT_BOUND)
        for key, (value, note) in found.items():
            if np.isnan(value) and not note:
                found[key] = (value, "has no value for this map (a phase is missing)")
        return found

    def _overlap(self, labels):
        scores = standing.score(agreement.confusion(self.volume.truth, labels))
        return {key: scores[key] for key in ("kappa", "Jaccard AM", "Jaccard CBD", "Jaccard pore")}

    def _surfaces(self, labels):
        areas = specific_surfaces(labels, self.volume.voxel_size_um)
        return {"AM-CBD": areas.am_cbd, "AM-pore": areas.am_pore, "CBD-pore": areas.cbd_pore}

    def _radius(self, labels, phase):
        found = phase_size_distributions(
            labels, self.volume.voxel_size_um, (phase,), threads=THREADS
        )
        return {f"r_max {phase.title}": found[phase].median_radius_um}

    def _profile(self, labels):
        """Root mean square over the slices of the distance from the true CBD fraction."""
        apart = [depth.volume_fractions(one)[Phase.CBD] for one in (labels, self.volume.truth)]
        return {"depth profile": np.sqrt(np.mean((apart[0] - apart[1]) ** 2))}

    def _cell(self, labels):
        made = homogenization.from_labels(labels, self.volume.voxel_size_um, threads=THREADS)
        fit = gamma_fit.fit_gamma(
            made,
            *self.measured,
            current_mA_cm2=self.profile.fit_current,
            noise_V=self.profile.noise_V,
        )
        found = {"gamma": fit.gamma, "at bound": fit.at_bound}
        for current in CURRENTS_MA_CM2:
            run = gamma_fit.simulate(made.at(self.profile.gamma_true), current)
            found[f"capacity {current:g}"] = run.capacity_mAh_cm2[-1]
        return found


def ratios(rows):
    """
    The gamma of TL over that of SL, for each method and pair: one binder should give one gamma.

    Parameters
    ----------
    rows : list of dict
        From :meth:`Judge.rows`, of all volumes of a set.

    Returns
    -------
    rows : list of dict
        One for each method and pair, with the same columns; none for a pair of which a volume is
        not there.
    """
    quantity = BY_KEY["gamma TL/SL"]
    gammas = [row for row in rows if row["quantity"] == "gamma"]
    places = {(row["set"], row["pair"], row["method"]): {} for row in gammas}
    for row in gammas:
        places[row["set"], row["pair"], row["method"]][row["electrode"]] = row
    found = []
    for (set_name, pair, method), by_electrode in places.items():
        if set(by_electrode) != {"SL", "TL"}:
            continue
        value, true = (
            by_electrode["TL"][column] / by_electrode["SL"][column] for column in ("value", "truth")
        )
        notes = [f"{name}: {row['note']}" for name, row in by_electrode.items() if row["note"]]
        if notes:  # of two bounds, for example, the ratio is no ratio of gammas
            value = np.nan
        found.append(
            {"set": set_name, "volume": pair, "electrode": "TL/SL", "pair": pair, "method": method}
            | {"quantity": quantity.key, "value": value, "truth": true, "chance": np.nan}
            | {"error": quantity.error(value, true), "note": "; ".join(notes)}
        )
    return found


def table(rows):
    """Rows of a set and the ratios of its pairs as a table with :data:`COLUMNS`."""
    return pd.DataFrame([*rows, *ratios(rows)], columns=list(COLUMNS))


def measurement(volume, profile):
    """
    The virtual experiment on the truth, as in the book's fits: what gamma is fitted to.

    Parameters
    ----------
    volume : analysis.challenge.sets.Volume
    profile : analysis.profiles.Profile

    Returns
    -------
    capacity_mAh_cm2, voltage_V : (N,) ndarray
        At the fitted current of the profile, with noise.
    """
    fine = homogenization.from_labels(
        volume.truth,
        volume.voxel_size_um,
        gammas=[profile.gamma_true],
        slab_voxels=homogenization.SLAB_VOXELS // 2,
    )
    current = profile.fit_current
    curve = gamma_fit.simulate(fine.at(profile.gamma_true), current, fidelity="fine")
    case = Case("fit", volume.electrode, volume.cutout, TRUTH, profile.gamma_true, current)
    return simulations.noisy(curve, case, profile)


def _chance(truth, labels):
    """
    Overlap to be expected by chance.

    For CBD and pore, if they were dealt at random beside the same AM; for the AM, if as many
    voxels were taken from the whole volume.
    """
    counts = agreement.confusion(truth, labels)
    found = {f"Jaccard {p.title}": agreement.chance_of(counts, p) for p in standing.SHARED}
    given, there = counts[:, Phase.AM].sum(), counts[Phase.AM].sum()
    both = given * there / counts.sum()
    return found | {"kappa": 0.0, "Jaccard AM": float(both / (given + there - both))}


def _through(labels, phase):
    return {f"through {phase.title}": connected_fractions(labels, phase).through}


def _conductance(labels, gamma):
    return limit.conductance(labels, gammas=(gamma,), threads=THREADS)
