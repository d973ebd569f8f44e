"""Is a spectrum that of a linear, stable cell? The linear Kramers-Kronig test.

A spectrum that obeys the Kramers-Kronig relations can be written as a resistance, an inductance, a
capacitance in series, and RC elements whose time constants are fixed on a grid: a linear fit.
What such a fit leaves over is noise, or a cell that changed while it was measured (B. A. Boukamp,
J. Electrochem. Soc. 142, 1885, 1995).
"""

import numpy as np

PER_DECADE = 4  # RC elements; more of them follow the noise, fewer do not follow a knee
BEYOND = 10.0  # longest time constant over that of the lowest frequency
DRIFTING = 3.0  # residuals this many times the scatter at high frequency are no scatter
END = 4  # lowest points that are looked at
SMALLEST = 0.01  # share of the modulus below which a residual hurts no fit [-]


def residuals(frequency_Hz, impedance_ohm, per_decade=PER_DECADE):
    """
    What the best causal, linear and stable spectrum leaves over, relative to the modulus.

    Parameters
    ----------
    frequency_Hz : (N,) ndarray of float
        Frequencies, distinct.
    impedance_ohm : (N,) ndarray of complex
        Impedance.
    per_decade : float
        RC elements per decade of frequency. Raise it for spectra with sharp features and many
        points per decade; with as many elements as points nothing is left to test.

    Returns
    -------
    residual : (N,) ndarray of complex
        Measured minus fitted over the modulus [-].
    """
    omega = 2 * np.pi * np.asarray(frequency_Hz, float)
    decades = np.log10(omega.max() / omega.min())
    count = int(np.clip(round(per_decade * decades), 2, max(len(omega) // 2, 2)))
    # a constant-phase element also needs time constants beyond the lowest frequency
    constants = np.geomspace(1 / omega.max(), BEYOND / omega.min(), count)
    s = 1j * omega[:, None]
    columns = np.hstack([np.ones_like(s), s, 1 / s, 1 / (1 + s * constants)])
    columns = columns / np.abs(impedance_ohm)[:, None]
    scale = np.linalg.norm(columns, axis=0)
    matrix = np.vstack([columns.real, columns.imag]) / scale
    wanted = impedance_ohm / np.abs(impedance_ohm)
    found = np.linalg.lstsq(matrix, np.concatenate([wanted.real, wanted.imag]), rcond=1e-12)[0]
    return wanted - (columns / scale) @ found


def first_sound(frequency_Hz, impedance_ohm, keep):
    """
    How many of the lowest frequencies a drift has spoilt.

    Parameters
    ----------
    frequency_Hz : (N,) ndarray of float
        Increasing frequencies.
    impedance_ohm : (N,) ndarray of complex
        Impedance.
    keep : int
        Points at the high end that are never given up.

    Returns
    -------
    count : int
        Points to leave out at the low end, so that what is left has no residual near that end
        above :data:`DRIFTING` times the scatter of the upper half.
    """
    count = 0
    while len(frequency_Hz) - count > keep:
        size = np.abs(residuals(frequency_Hz[count:], impedance_ohm[count:]))
        limit = max(DRIFTING * float(np.median(size[len(size) // 2 :])), SMALLEST)
        if size[:END].max() <= limit:
            break
        count += 1
    return count
