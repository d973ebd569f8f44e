"""Why gamma changes from electrode to electrode: what the cell feels of each depth."""

from dataclasses import replace

import numpy as np
import pandas as pd

from analysis import profiles, storage
from analysis.electrochemistry import gamma_fit
from analysis.study.consistency import gammas, measured
from analysis.study.consistency.blocking import blocking_resistance
from analysis.study.consistency.specimens import TRUTH
from analysis.study.imaging import edx
from analysis.study.trinarization import closing

PARTS = 8  # of the thickness
CHANGE = 0.1  # of the conductance of one part
BANDS_UM = (0.0, 40.0, 80.0, 130.0, np.inf)  # of the table: the layers meet at 80 µm
EDX = (("line", False), ("line", True), ("step", False), ("step", True))


def sensitivity(depth, response, parts=PARTS, change=CHANGE):
    """
    What a response gains when one part of the depth after the other conducts ions better.

    Parameters
    ----------
    depth : ElectrodeProfile
        The electrode at one gamma.
    response : callable
        Takes an electrode, gives a positive number.
    parts : int
        Parts of the thickness; more resolve the depth better and feel each part less.
    change : float
        Relative increase of the ionic transport of one part [-].

    Returns
    -------
    gain : (parts,) ndarray
        Relative change of the response [-], from the separator to the collector.

    Raises
    ------
    ValueError
        If the electrode has fewer slabs than parts, or its transport would exceed that of the
        bulk electrolyte.
    """
    n = depth.transport.size
    if not 1 <= parts <= n:
        raise ValueError(f"{parts} parts of an electrode of {n} slabs; expected 1 to {n}.")
    usual, gains = response(depth), []
    for slabs in np.array_split(np.arange(n), parts):
        transport = depth.transport.copy()
        transport[slabs] *= 1 + change
        gains.append(response(replace(depth, transport=transport)) / usual - 1)
    return np.array(gains)


def capacity_at(current_mA_cm2, fidelity="coarse"):
    """A response for :func:`sensitivity`: the capacity at a current [mAh/cm²]."""

    def capacity(depth):
        run = gamma_fit.simulate(depth, current_mA_cm2, fidelity=fidelity)
        return float(run.capacity_mAh_cm2[-1])

    return capacity


def blocking_conductance(depth):
    """A response for :func:`sensitivity`: the inverse of the resistance from impedance."""
    return 1 / blocking_resistance(depth)


def steady_conductance(depth):
    """A response for :func:`sensitivity`: conduction through the whole electrode."""
    return float(1 / np.mean(1 / depth.transport))


def sensitivities(profile, electrode="TL", currents_mA_cm2=(1.0, 6.0, 12.0)):
    """
    Depth sensitivity of the truth: capacity at several currents, impedance, steady conduction.

    Parameters
    ----------
    profile : analysis.profiles.Profile
    electrode : str
    currents_mA_cm2 : sequence of float

    Returns
    -------
    depth_um : (PARTS,) ndarray
        Middle of each part.
    gains : dict of str to (PARTS,) ndarray
        Relative change [%] by response, for +10 % of the conductance of one part.
    """
    made = measured.structures(profile)[TRUTH][electrode]
    depth = made.at(profile.gamma_true)
    responses = {f"capacity, {one:g} mA/cm²": capacity_at(one) for one in currents_mA_cm2}
    responses |= {
        "impedance": blocking_conductance,
        "steady conduction": steady_conductance,
    }
    middle = (np.arange(PARTS) + 0.5) * 1e6 * made.thickness_m / PARTS
    return middle, {name: 100 * sensitivity(depth, one) for name, one in responses.items()}


def conductance(structure, gamma, edges_um=BANDS_UM):
    """
    Ionic transport of an electrode between depths, resistances in series.

    Parameters
    ----------
    structure : Structure
    gamma : float
    edges_um : sequence of float
        Increasing depths [µm]; infinity is the collector.

    Returns
    -------
    transport : (len(edges_um) - 1,) ndarray
        Relative to the bulk electrolyte [-]; NaN for a band that the electrode does not reach.
    """
    resistance = 1 / structure.at(gamma).transport
    n = resistance.size
    ends = np.minimum(np.asarray(edges_um, dtype=float) * 1e-6 / structure.thickness_m, 1) * n
    total = np.interp(ends, np.arange(n + 1), np.concatenate([[0], np.cumsum(resistance)]))
    inside = np.diff(ends) > 1e-9 * n  # a band of no width is a rounding error
    return np.where(inside, np.diff(ends) / np.where(inside, np.diff(total), 1), np.nan)


def bands(structures, gamma, edges_um=BANDS_UM):
    """
    Conductance against depth of any list of maps, as a table.

    Parameters
    ----------
    structures : dict of str to Structure
        One electrode, keyed by map.
    gamma : float
    edges_um : sequence of float

    Returns
    -------
    table : pandas.DataFrame
        Column ``method`` and one per band [-].
    """
    names = [
        f"{low:g}–{high:g} µm" if np.isfinite(high) else f"> {low:g} µm"
        for low, high in zip(edges_um[:-1], edges_um[1:], strict=True)
    ]
    rows = [
        {"method": name} | dict(zip(names, conductance(made, gamma, edges_um), strict=True))
        for name, made in structures.items()
    ]
    return pd.DataFrame(rows)


def closings(profile):
    """
    EDX-Closing by a line and by a step, by fluorine as it is and converted to CBD.

    Of the whole first cutout: a corner has less or more CBD in front than the electrode whose
    fluorine was measured.

    Parameters
    ----------
    profile : analysis.profiles.Profile

    Returns
    -------
    table : pandas.DataFrame
        One row per variant: ``fit``, ``proportional to``, ``gamma_SL``, ``gamma_TL``, ``ratio``,
        and the conductance of TL near the separator over that near the collector (first over
        last band) at the true gamma [-], with the truth's in the last row. NaN where a variant
        does not conduct.
    """
    on_disk = measured.structures(profile)
    truth = on_disk[TRUTH]
    target = measured.experiments(truth, profile.gamma_true, profile)
    found = {(fit, "CBD" if corrected else "fluorine"): {} for fit, corrected in EDX}
    for electrode in profiles.ELECTRODES:
        known = []  # profiles that were closed along: one recipe makes CBD of fluorine evenly
        for (fit, corrected), name in zip(EDX, found, strict=True):
            wanted = edx.cbd_targets(profile, electrode, fit=fit, corrected=corrected)
            same = [made for along, made in known if np.allclose(along, wanted)]
            if (fit, corrected) == EDX[0] and "edx-closing" in on_disk:
                same = [on_disk["edx-closing"][electrode]]
            made = same[0] if same else _closed(profile, electrode, fit, corrected)
            known.append((wanted, made))
            if made is not None:
                found[name][electrode] = made
    rows = []
    for (fit, converted), electrodes in (found | {(TRUTH, ""): truth}).items():
        fitted = {
            name: gammas.from_lithiation(gammas.scan(one, profile.fit_current), target[name])[0]
            for name, one in electrodes.items()
        }
        single, double = (
            fitted[name].value if name in fitted else float("nan") for name in profiles.ELECTRODES
        )
        along = np.full(2, np.nan)
        if "TL" in electrodes:
            along = conductance(electrodes["TL"], profile.gamma_true)
        rows.append(
            {
                "fit": fit,
                "proportional to": converted,
                "gamma_SL": single,
                "gamma_TL": double,
                "ratio": double / single,
                "front_over_back": along[0] / along[-1],
            }
        )
    return pd.DataFrame(rows)


def _closed(profile, electrode, fit, corrected):
    """The homogenized closing along another profile; None if it does not conduct."""
    labels, _ = closing.close(profile, electrode, 1, fit=fit, corrected=corrected)
    volume = storage.load_volume(f"labels/{electrode}-1-kmeans", profile=profile)
    made, _ = gammas.structures({fit: {electrode: labels}}, float(volume.attrs["voxel_size_um"]))
    return made[fit].get(electrode)
