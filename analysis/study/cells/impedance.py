"""Blocking impedance of every trinarization: can a spectrum tell them apart?"""

import numpy as np
import pandas as pd
import xarray as xr
from scipy.optimize import brentq

from analysis import profiles, progress, storage
from analysis.electrochemistry.transport import devices, effective, impedance
from analysis.electrochemistry.transport import percolation as grid
from analysis.figures import style
from analysis.phases import VOXEL_SIZE_UM
from analysis.study.finding import STAND_INS, Bound, check

FIRST_GUESS = 2  # voxels along the edge of the cells on which a gamma is looked for first
REPEATABILITY = 5.0  # scatter between nominally equal cells [%]
FREQUENCY_HZ = np.logspace(-2, 4, 49)
GAMMAS = (0.004, 0.5)  # range in which a gamma is looked for
SHIFTS = 9  # solves behind a spectrum, besides that at zero frequency
DRAWN = "TL"  # whose spectra with one gamma for all maps are drawn; of SL the resistance does


def run(profile):
    """
    Spectra of the first cutout of both electrodes, or of a part of it, by method.

    Every method is simulated twice: with the gamma of the truth, and with the gamma that gives it
    the ionic resistance of the truth, which is what an experimenter would fit. Of the truth both
    are one. With the gamma of the truth the maps of SL are solved at zero frequency only, which
    gives the resistance; their spectra are drawn nowhere.

    Returns
    -------
    table : pandas.DataFrame
        Columns specimen, method; at the true gamma the resistance [ohm cm²], the tortuosity, that
        of steady transport, their ratio, and the ratio that the slices' resistances explain; fitted
        gamma [-], and the largest difference of the fitted spectrum from that of the truth [%].
    """
    rows, curves = [], []
    for specimen in profiles.ELECTRODES:
        labels, edge = _labels(specimen, "truth", profile)
        truth = _spectrum(labels, profile.gamma_true, edge)
        wanted = progress.through(profile.impedance_methods, f"spectra of {specimen}")
        for method in wanted:
            if not storage.exists("volumes", f"labels/{specimen}-1-{method}", profile=profile):
                continue
            labels, edge = _labels(specimen, method, profile)
            whole = specimen == DRAWN
            if method == "truth":
                same, fitted, gamma, whole = truth, truth, profile.gamma_true, True
            else:
                same = _spectrum(labels, profile.gamma_true, edge, SHIFTS if whole else 0)
                gamma = _fit(labels, edge, truth.ionic_resistance_ohm_m2)
                fitted = _spectrum(labels, gamma, edge) if np.isfinite(gamma) else None
            steady, explained = _steady(labels, profile.gamma_true, edge)
            rows.append(
                {
                    "specimen": specimen,
                    "method": method,
                    "resistance": 1e4 * same.ionic_resistance_ohm_m2,
                    "tortuosity": same.tortuosity,
                    "steady": steady,
                    "ratio": same.tortuosity / steady,
                    "explained": explained,
                    "gamma": gamma,
                    "difference": np.nan if fitted is None else 100 * _apart(fitted, truth),
                }
            )
            if whole:
                curves.append(_curve(same, specimen, method, "same gamma"))
            if whole or fitted is not None:
                curves.append(_curve(fitted or same, specimen, method, "fitted gamma"))
    table = pd.DataFrame(rows)
    storage.save_table("impedance", table, profile=profile)
    merged = xr.combine_by_coords(curves, join="outer")
    storage.save_curves("impedance", merged, profile=profile)
    return table


def part_text(profile):
    """
    Which part of a cutout was simulated, in words.

    Parameters
    ----------
    profile : analysis.profiles.Profile

    Returns
    -------
    text : str
    """
    edge = min(profile.impedance_lateral or profile.lateral, profile.lateral)
    width = f"{edge * VOXEL_SIZE_UM:.0f} µm"
    if edge == profile.lateral:
        return f"the whole first cutout, {width} wide"
    return f"a corner of the first cutout, {width} wide (the profile paper takes the whole cutout)"


def finding(table, limit=REPEATABILITY):
    """
    Check the paper's statement that spectra cannot decide between trinarizations.

    Parameters
    ----------
    table : pandas.DataFrame
        From :func:`run`.
    limit : float
        Scatter between nominally equal cells [%]; raise it for a worse laboratory.

    Returns
    -------
    finding : Finding
        It holds if no method's spectrum, once its gamma is fitted, is farther from that of the
        truth than cells scatter.
    """
    fitted = table[(table.method != "truth") & table.difference.notna()]
    methods = list(fitted.method.unique())

    def measure():
        worst = fitted.loc[fitted.difference.idxmax()]
        text = f"farthest {worst.difference:.1f} % ({style.label(worst.method)}, {worst.specimen})"
        return text, Bound(float(worst.difference), limit)

    return check(
        methods, () if methods else ("a fitted method",),
        "Impedance spectra with fitted gamma cannot decide between trinarizations.",
        f"every fitted spectrum within {limit:g} % of that of the truth", measure, STAND_INS,
    )  # fmt: skip


def spread(table):
    """Largest over smallest ionic resistance of the methods with one gamma for all [-]."""
    methods = table[table.method != "truth"]
    ratio = methods.groupby("specimen").resistance.agg(lambda r: r.max() / r.min())
    return float(ratio.max())


def conclusion(table, limit=REPEATABILITY):
    """
    What the spectra decide, method by method, in words.

    Parameters
    ----------
    table : pandas.DataFrame
        From :func:`run`.
    limit : float
        As for :func:`finding`.

    Returns
    -------
    text : str
        Which methods an experimenter could reject from the spectrum, on which electrode, and what
        that makes of the paper's statement.
    """
    fitted = table[(table.method != "truth") & table.difference.notna()]
    if fitted.empty:
        return "No method of this run could be fitted, so nothing was decided"
    sentences = []
    for specimen, rows in fitted.groupby("specimen", sort=False):
        told = rows[rows.difference >= limit]
        if told.empty:
            sentences.append(f"on {specimen} none of {len(rows)} can be told from the truth")
            continue
        names = ", ".join(
            f"{style.label(row.method)} ({row.difference:.1f} %)" for row in told.itertuples()
        )
        verb = "gives itself" if len(told) == 1 else "give themselves"
        sentences.append(f"on {specimen} {len(told)} of {len(rows)} {verb} away: {names}")
    holds = finding(table, limit).holds
    meaning = (
        "So in this run a spectrum does not decide between trinarizations, as the paper says"
        if holds
        else "So in this run a spectrum rejects some maps, more than the paper grants it; "
        "it does not confirm those that it fails to reject"
    )
    return f"If cells repeat to {limit:g} %, {'; '.join(sentences)}. {meaning}"


def gap_finding(table, limit=REPEATABILITY):
    """
    Check that a spectrum gives the tortuosity of steady transport.

    Parameters
    ----------
    table : pandas.DataFrame
        From :func:`run`.
    limit : float
        Largest difference [%] on the true electrodes.

    Returns
    -------
    finding : Finding
        Our own question; the paper takes either for the tortuosity.
    """
    truth = table[table.method == "truth"]

    def measure():
        gap = 100 * (truth.ratio - 1).abs()
        worst = truth.loc[gap.idxmax()]
        text = f"{100 * (worst.ratio - 1):+.0f} % on the true {worst.specimen}"
        return text, Bound(float(gap.max()), limit)

    return check(
        ["truth"], () if len(truth) else ("the truth",),
        "The tortuosity from impedance is that of steady transport.",
        f"within {limit:g} % on the true electrodes", measure, STAND_INS,
    )  # fmt: skip


def gap_text(table, limit=REPEATABILITY):
    """
    What the gap between the two tortuosities says of the maps, in words.

    Parameters
    ----------
    table : pandas.DataFrame
        From :func:`run`.
    limit : float
        Differences [%] that a laboratory would see.

    Returns
    -------
    text : str
        How far the resistances of the slices explain the gap, and which maps have another one.
    """
    off = float((100 * (table.explained / table.ratio - 1)).abs().max())
    text = f"The resistances of the slices alone explain the ratio to {off:.1f} %"
    sentences = []
    for specimen, rows in table.groupby("specimen", sort=False):
        truth = rows[rows.method == "truth"].ratio
        others = rows[rows.method != "truth"]
        if truth.empty or others.empty:
            continue
        change = 100 * (others.ratio / float(truth.iloc[0]) - 1)
        told = others[change.abs() >= limit]
        names = ", ".join(style.label(method) for method in told.method)
        sentences.append(
            f"on {specimen}, where the truth has {float(truth.iloc[0]):.2f}, "
            + (f"{names} differ by more than {limit:g} %" if len(told) > 1 else
               f"{names} differs by more than {limit:g} %" if len(told) else
               f"no map differs by more than {limit:g} %")
        )  # fmt: skip
    return text + "".join(f"; {one}" for one in sentences)


def _labels(specimen, method, profile):
    """Labels of the part of the first cutout that the profile affords, and the voxel edge [µm]."""
    volume = storage.load_volume(f"labels/{specimen}-1-{method}", profile=profile)
    edge = profile.impedance_lateral or max(volume.shape[1:])
    part = np.ascontiguousarray(volume.values[:, -edge:, -edge:])
    return part, float(volume.attrs["voxel_size_um"])


def _spectrum(labels, gamma, edge, shifts=SHIFTS):
    size = dict(voxel_size_um=edge, frequency_Hz=FREQUENCY_HZ, shifts=shifts)
    return impedance.spectrum(labels, gamma, **size, device=devices.chosen())


def _steady(labels, gamma, edge):
    """Tortuosity of steady transport, and the ratio to it that a profile of slices explains."""
    conductivity = effective.ionic_conductivity(labels, gamma)
    transport = effective.effective_conductivity(conductivity, device=devices.chosen())
    network = impedance.Network(labels, gamma, voxel_size_um=edge)
    capacity = network.capacity[1:-1, 1:-1, 1:-1].sum(axis=(1, 2), dtype=float)
    explained = impedance.ratio_to_steady(transport.resistance_per_slice, capacity)
    return transport.tortuosity, explained


def _fit(labels, edge, resistance_ohm_m2):
    """
    The gamma that gives `labels` this ionic resistance; NaN if none does.

    It is looked for on coarser cells first, which cost an eighth; from there a few steps with the
    slope of the coarse resistance lead to that of the voxels.
    """

    def miss(log_gamma, factor=1):
        volume = grid.coarsen(labels, factor) if factor > 1 else labels
        network = impedance.Network(volume, float(np.exp(log_gamma)), voxel_size_um=factor * edge)
        return np.log(3 * impedance.reduce(network, [], rtol=1e-4).resistance / resistance_ohm_m2)

    low, high = np.log(GAMMAS)
    guess, slope = 0.5 * (low + high), -0.5
    if miss(low, FIRST_GUESS) > 0 > miss(high, FIRST_GUESS):
        guess = brentq(miss, low, high, args=(FIRST_GUESS,), xtol=5e-3)
        slope = (miss(guess + 0.1, FIRST_GUESS) - miss(guess - 0.1, FIRST_GUESS)) / 0.2
    for _ in range(4):
        step = -miss(guess) / slope
        guess = min(max(guess + step, low), high)
        if abs(step) < 5e-3:
            return float(np.exp(guess))
    if miss(low) < 0 or miss(high) > 0:
        return np.nan
    return float(np.exp(brentq(miss, low, high, xtol=5e-3)))


def _apart(first, second):
    """Largest relative difference of two spectra from 0.1 Hz up, capacities made equal."""
    use = first.frequency_Hz >= 0.1
    scale = first.capacity_F_m2 / second.capacity_F_m2
    # a larger surface shifts the whole spectrum along the frequencies; compare the shapes
    stretched = np.exp(
        np.interp(
            np.log(first.frequency_Hz * scale),
            np.log(second.frequency_Hz),
            np.log(second.impedance_ohm_m2),
        )
    )
    return float(np.max(np.abs(first.impedance_ohm_m2 / stretched - 1)[use]))


def _curve(result, specimen, method, fit):
    z = 1e4 * result.impedance_ohm_m2[None, None, None]
    dims = ("specimen", "method", "fit", "frequency_Hz")
    coordinates = {
        "specimen": [specimen],
        "method": [method],
        "fit": [fit],
        "frequency_Hz": result.frequency_Hz,
    }
    return xr.Dataset({"real": (dims, z.real), "imaginary": (dims, z.imag)}, coordinates)
