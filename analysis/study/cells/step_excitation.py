"""The paper's way to a spectrum, a step of the current, beside the reduced model (chapter 15)."""

import numpy as np
import pandas as pd
from scipy import ndimage

from analysis import storage
from analysis.electrochemistry.transport import impedance, step_response
from analysis.electrochemistry.transport import percolation as grid
from analysis.phases import Phase

STEP_FREQUENCY_HZ = (1.0, 10.0, 30.0, 100.0, 300.0)
STEP_CORNER = 24  # voxels along y and x of the column that is excited by a step
STEP_INSTANTS = 60  # of the step, spaced evenly in the logarithm of time


def step_check(
    profile, specimen="TL", method="truth", voxels_per_cell=4, frequency_Hz=STEP_FREQUENCY_HZ
):
    """
    The same spectrum by the paper's route: excite a step of the current and transform.

    Parameters
    ----------
    profile : analysis.profiles.Profile
    specimen, method : str
        Whose first cutout; one column of it, for each instant of a step needs solves of its own.
    voxels_per_cell : int
        Voxels along the edge of the cells. Both routes see the same coarse labels, so this changes
        what is compared, not how well the two agree.
    frequency_Hz : (N,) array_like of float
        Frequencies; the step is resolved over their time scales.

    Returns
    -------
    table : pandas.DataFrame
        Columns frequency [Hz], real and imaginary part by the reduced model and by the step
        [ohm cm²], and their relative difference [%].
    response : pandas.DataFrame
        Columns time [s] and voltage over the current of the step [ohm cm²].
    """
    frequency = np.asarray(frequency_Hz, float)
    volume = storage.load_volume(f"labels/{specimen}-1-{method}", profile=profile)
    labels = grid.coarsen(_open_column(volume.values), voxels_per_cell)
    edge = voxels_per_cell * float(volume.attrs["voxel_size_um"])
    gamma = profile.gamma_true
    direct = impedance.spectrum(
        labels, gamma, voxel_size_um=edge, frequency_Hz=frequency, shifts=9
    ).impedance_ohm_m2
    network = impedance.Network(labels, gamma, voxel_size_um=edge)
    first, last = 0.02 / (2 * np.pi * frequency.max()), 30 / (2 * np.pi * frequency.min())
    times = np.geomspace(first, last, STEP_INSTANTS)
    volts = step_response.step_response(network, times)
    stepped = step_response.transform(times, volts, frequency)
    table = pd.DataFrame(
        {
            "frequency": frequency,
            "real": 1e4 * direct.real,
            "imaginary": 1e4 * direct.imag,
            "real by step": 1e4 * stepped.real,
            "imaginary by step": 1e4 * stepped.imag,
            "difference": 100 * np.abs(stepped / direct - 1),
        }
    )
    return table, pd.DataFrame({"time": times, "voltage": 1e4 * volts})


def _open_column(labels, edge=STEP_CORNER):
    """The column over the full thickness whose electrolyte the separator reaches best."""
    columns = [
        labels[:, y : y + edge, x : x + edge]
        for y in range(0, max(labels.shape[1] - edge, 0) + 1, edge)
        for x in range(0, max(labels.shape[2] - edge, 0) + 1, edge)
    ]

    def reached(column):
        electrolyte = column != Phase.AM
        clusters, _ = ndimage.label(electrolyte)
        from_separator = np.unique(clusters[0])
        return np.isin(clusters, from_separator[from_separator > 0]).sum() / electrolyte.sum()

    return max(columns, key=reached)
