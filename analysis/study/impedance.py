"""Blocking impedance of every trinarization: can a spectrum tell them apart?"""

import numpy as np
import pandas as pd
import xarray as xr
from scipy.optimize import brentq

from analysis import profiles, storage
from analysis.electrochemistry.transport import impedance
from analysis.electrochemistry.transport import percolation as grid

JOINED = 2  # voxels joined along each axis; the spectrum needs no finer ones
FREQUENCY_HZ = np.logspace(-2, 4, 49)
GAMMAS = (0.004, 0.5)  # range in which a gamma is looked for


def run(profile):
    """
    Spectra of the first cutout of both electrodes, by method.

    Every method is simulated twice: with the gamma of the truth, and with the gamma that gives it
    the ionic resistance of the truth, which is what an experimenter would fit.

    Returns
    -------
    table : pandas.DataFrame
        Columns specimen, method, resistance [ohm cm²] and tortuosity at the true gamma, fitted
        gamma [-], and the largest difference of the fitted spectrum from that of the truth [%].
    """
    settings = profiles.get(profile)
    rows, curves = [], []
    for specimen in profiles.ELECTRODES:
        labels, edge = _labels(specimen, "truth", profile)
        truth = _spectrum(labels, settings.gamma_true, edge)
        for method in settings.impedance_methods:
            if not storage.exists("volumes", f"labels/{specimen}-1-{method}", profile=profile):
                continue
            labels, edge = _labels(specimen, method, profile)
            same = truth if method == "truth" else _spectrum(labels, settings.gamma_true, edge)
            gamma = _fit(labels, edge, truth.ionic_resistance_ohm_m2)
            fitted = _spectrum(labels, gamma, edge) if np.isfinite(gamma) else None
            rows.append(
                {
                    "specimen": specimen,
                    "method": method,
                    "resistance": 1e4 * same.ionic_resistance_ohm_m2,
                    "tortuosity": same.tortuosity,
                    "gamma": gamma,
                    "difference": np.nan if fitted is None else 100 * _apart(fitted, truth),
                }
            )
            for name, result in (("same gamma", same), ("fitted gamma", fitted or same)):
                curves.append(_curve(result, specimen, method, name))
    table = pd.DataFrame(rows)
    storage.save_table("impedance", table, profile=profile)
    merged = xr.combine_by_coords(curves)
    storage.save_curves("impedance", merged, profile=profile)
    return table


def verdict(table, limit=5.0):
    """
    Whether fitted spectra differ by less than an experiment scatters.

    Parameters
    ----------
    table : pandas.DataFrame
        From :func:`run`.
    limit : float
        Scatter between nominally equal cells [%].

    Returns
    -------
    verdict : dict
        ``holds`` (the spectra cannot decide), ``largest`` difference [%], ``spread`` of the
        resistance between methods at the same gamma (largest over smallest).
    """
    methods = table[table.method != "truth"]
    largest = float(methods.difference.max())
    spread = methods.groupby("specimen").resistance.agg(lambda r: r.max() / r.min())
    return {"holds": bool(largest < limit), "largest": largest, "spread": float(spread.max())}


def _labels(specimen, method, profile):
    volume = storage.load_volume(f"labels/{specimen}-1-{method}", profile=profile)
    return grid.coarsen(volume.values, JOINED), JOINED * float(volume.attrs["voxel_size_um"])


def _spectrum(labels, gamma, edge):
    return impedance.spectrum(
        labels, gamma, voxel_size_um=edge, frequency_Hz=FREQUENCY_HZ, shifts=9
    )


def _fit(labels, edge, resistance_ohm_m2):
    """The gamma that gives `labels` this ionic resistance; NaN if none does."""

    def miss(log_gamma):
        network = impedance.Network(labels, float(np.exp(log_gamma)), voxel_size_um=edge)
        return np.log(3 * impedance.reduce(network, [], rtol=1e-4).resistance / resistance_ohm_m2)

    low, high = np.log(GAMMAS)
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
