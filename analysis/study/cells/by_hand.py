"""Curves for fitting gamma by hand: every map of a few, many gammas, beside the experiment."""

import numpy as np

from analysis import profiles
from analysis.study.cells import calibration

METHODS = ("truth", "thresholding", "kmeans", "edx-closing")
GAMMAS = tuple(float(f"{value:.3g}") for value in np.geomspace(0.02, 0.4, 19))


def curves(profile, table, *, gammas=GAMMAS, methods=METHODS):
    """
    Simulate the first cutout of each electrode for many gammas, at the current of the fit.

    Parameters
    ----------
    profile : analysis.profiles.Profile
    table : pandas.DataFrame
        From :func:`analysis.study.cells.calibration.run`: which maps were fitted.
    gammas : sequence of float
        Gammas to simulate [-]. More make the slider finer and the page larger.
    methods : sequence of str
        Maps to simulate, as far as they were fitted.

    Returns
    -------
    cells : dict of (str, str) to (dict of float to (capacity, voltage), (capacity, voltage))
        Keyed by specimen and method: simulated curves by gamma, and the experiment, as
        :func:`analysis.figures.play.gamma.gamma` takes them.
    """
    cells = {}
    for specimen in profiles.ELECTRODES:
        for method in methods:
            if method not in calibration.fitted_methods(table, specimen):
                continue
            _, measured, _ = calibration.curves(profile, specimen, method)
            simulated = calibration.gamma_sweep(
                profile, specimen, method, gammas=list(gammas), current_mA_cm2=profile.fit_current
            )
            cells[specimen, method] = (simulated, measured[profile.fit_current])
    return cells
