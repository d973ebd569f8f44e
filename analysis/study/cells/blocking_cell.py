"""A synthetic measurement of a blocking cell, made from the resolved impedance, and its fit."""

from dataclasses import dataclass

import numpy as np
import pandas as pd

from analysis import storage
from analysis.electrochemistry import spectrum
from analysis.electrochemistry.materials import DEFAULT

AREA_CM2 = 1.13  # a disk of 12 mm
INDUCTANCE_H = 4e-7  # of the wires
NOISE = 0.002  # of each part, relative to the modulus
DRIFT = 0.15  # growth of the impedance from the first point to the last
CELL = 2  # electrodes


@dataclass(frozen=True)
class Experiment:
    """
    A spectrum as a laboratory would record it, and the resistance that it is made with.

    Attributes
    ----------
    frequency_Hz : (N,) ndarray of float
        From high to low, as it is measured.
    impedance_ohm : (N,) ndarray of complex
        Of the cell of two electrodes.
    ionic_resistance_ohm : float
        Known R_ion of both electrodes together.
    fit : spectrum.SpectrumFit
        What the fit makes of it.
    """

    frequency_Hz: np.ndarray
    impedance_ohm: np.ndarray
    ionic_resistance_ohm: float
    fit: spectrum.SpectrumFit


def measure(table, profile, specimen="SL", *, leak_ohm=np.inf, drift=DRIFT, lowest_Hz=0.0):
    """
    Record the spectrum of a cell of two true electrodes, with wires, noise and drift, and fit it.

    Parameters
    ----------
    table : pandas.DataFrame
        From :func:`analysis.study.cells.impedance.run`, which also leaves the spectra on disk.
    profile : analysis.profiles.Profile
    specimen : str
        Electrode whose first cutout is measured, with the gamma of the truth.
    leak_ohm : float
        Resistance of a short circuit beside the cell.
    drift : float
        Share by which the impedance grows while the spectrum is taken; a point takes three
        periods, so nearly all of it happens at the lowest frequencies.
    lowest_Hz : float
        Frequency at which the measurement ends.

    Returns
    -------
    experiment : Experiment

    Raises
    ------
    ValueError
        If the table lacks the true electrode, or `lowest_Hz` leaves too few points.
    """
    rows = table[(table.specimen == specimen) & (table.method == "truth")]
    if rows.empty:
        raise ValueError(f"No true {specimen} among the spectra; run impedance.run first.")
    curves = storage.load_curves("impedance", profile=profile)
    one = curves.sel({"specimen": specimen, "method": "truth", "fit": "same gamma"})
    one = one.sortby("frequency_Hz", ascending=False)
    frequency = one.frequency_Hz.values
    frequency = frequency[frequency >= lowest_Hz]
    electrode = (one["real"].values + 1j * one["imaginary"].values)[: len(frequency)]
    separator, electrolyte = DEFAULT.separator, DEFAULT.electrolyte
    kappa = float(electrolyte.conductivity_S_m(electrolyte.initial_mol_m3))
    between = 1e4 * separator.thickness_m / (separator.gamma * kappa)  # ohm cm²
    cell = (CELL * electrode + between) / AREA_CM2
    cell = 1 / (1 / cell + 1 / leak_ohm) + 2j * np.pi * frequency * INDUCTANCE_H
    spent = np.cumsum(1 / frequency)
    rng = np.random.default_rng(profile.seed_for("blocking cell", specimen))
    error = rng.standard_normal(len(cell)) + 1j * rng.standard_normal(len(cell))
    cell = cell * (1 + drift * spent / spent[-1]) * (1 + NOISE * error)
    known = CELL * float(rows.resistance.iloc[0]) / AREA_CM2
    return Experiment(frequency, cell, known, spectrum.fit(frequency, cell))


def compare(experiments):
    """
    Known beside found.

    Parameters
    ----------
    experiments : dict of str to Experiment
        By what they shall be called.

    Returns
    -------
    table : pandas.DataFrame
        Columns cell, known, found, low, high [ohm], difference [%], exponent, doubts.
    """
    return pd.DataFrame(
        {
            "cell": name,
            "known": one.ionic_resistance_ohm,
            "found": one.fit.ionic_resistance_ohm,
            "low": one.fit.interval_ohm[0],
            "high": one.fit.interval_ohm[1],
            "difference": 100 * (one.fit.ionic_resistance_ohm / one.ionic_resistance_ohm - 1),
            "exponent": one.fit.exponent,
            "doubts": "; ".join(doubt.split(":")[0] for doubt in one.fit.doubts) or "none",
        }
        for name, one in experiments.items()
    )


HEADINGS = {  # of :func:`compare` on a page
    "known": "known [Ω]",
    "found": "found [Ω]",
    "low": "low [Ω]",
    "high": "high [Ω]",
    "difference": "difference [%]",
    "exponent": "exponent [-]",
}


def noticed(table, off=10.0):
    """
    Which cells the fit doubts, and which moved the resistance without a doubt; in words.

    Parameters
    ----------
    table : pandas.DataFrame
        From :func:`compare`.
    off : float
        Difference [%] from which on a resistance counts as moved.
    """
    doubted = table["doubts"] != "none"
    moved = table["difference"].abs() > off
    text = "The fit doubts " + (", ".join(table["cell"][doubted]) or "none of them")
    if (moved & ~doubted).any():
        missed = ", ".join(table["cell"][moved & ~doubted])
        return (
            f"{text}; it does not notice {missed}, although the resistance is off by over {off:g} %"
        )
    if moved.any():
        return f"{text}; every resistance that is off by over {off:g} % is among these"
    return f"{text}; no resistance is off by over {off:g} %"


def conclusion(experiment):
    """Whether the interval holds the known resistance, and what the fit doubts, in words."""
    low, high = experiment.fit.interval_ohm
    holds = low <= experiment.ionic_resistance_ohm <= high
    text = "holds the known value" if holds else "does not hold the known value"
    doubts = experiment.fit.doubts
    if not doubts:
        return f"The interval {text}, and the fit raises no doubt"
    return f"The interval {text}, and the fit doubts it: {'; '.join(doubts)}"
