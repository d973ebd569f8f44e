"""Ionic resistance from a measured blocking spectrum.

A porous electrode whose pore walls block is a transmission line: ions move along the pores with
the resistance R_ion and charge the walls, a constant-phase element ``Y = (iωτ)^α / R_ion``,

    Z = R_separator + R_ion coth(√y) / √y ,   y = R_ion Y

(J. Landesfeind et al., J. Electrochem. Soc. 163, A1373, 2016). At high frequency it starts with a
slope of 45° times α, at low frequency it rises with α times 90°; the knee between the two lies
R_ion/3 to the right of the separator's resistance. A cell may leak, either through the walls (a
reaction) or past the electrodes (a short circuit); which of the three models holds is decided by
the data.

A measured spectrum departs from the line smoothly, by wires and contacts at high frequency and by
drift at low frequency, so neighboring residuals are alike. They count as independent only once per
change of sign, in the choice of the model and in the interval.
"""

from dataclasses import dataclass

import numpy as np

from analysis.electrochemistry import kramers_kronig
from analysis.electrochemistry.transmission_line import (
    FLOOR,
    MODELS,
    independent,
    line,
    profile,
    solve,
)

MIN_POINTS = 10  # for four to five parameters
MIN_BRANCH = 4  # points without which a branch is not seen
CAPACITIVE = 50.0  # a blocking cell has more than this at its lowest frequency [degrees]
NOISE = 0.5  # share of independent residuals from which they count as noise
WIDE = 0.3  # half the width of the interval over R_ion above which the value says little
POOR = 0.1  # misfit over the knee from which the model is not the right one
FEW = 20  # points below which residuals say little
UNSTABLE = 0.015  # Kramers-Kronig residual of a cell that changes [-]
STEEP = 45.0  # the vertical branch of a blocking electrode is steeper than this [degrees]


@dataclass(frozen=True)
class SpectrumFit:
    """
    Transmission line fitted to a spectrum.

    Attributes
    ----------
    ionic_resistance_ohm : float
        R_ion. In a symmetric cell it belongs to both electrodes together.
    interval_ohm : tuple of float
        90 % interval of R_ion: profile likelihood, widened to the value with a leak if the data
        leave open whether there is one.
    separator_resistance_ohm : float
        Separator, contacts and wires.
    exponent : float
        Of the constant-phase element; 1 is a capacitor.
    time_constant_s : float
        τ; the knee is near ωτ = 4.
    leak_ohm : float or None
        Resistance of the leak; None if the data show none.
    model : str
        One of :data:`MODELS`.
    doubts : list of str
        Why the value should not be trusted; empty for a sound spectrum.
    remarks : list of str
        What was set aside, and what else the data allow.
    frequency_Hz, impedance_ohm, residual_ohm : (N,) ndarray
        The points that were used, by decreasing frequency, and measured minus fitted.
    misfit : float
        Root mean square of the residuals over the knee's resistance [-].
    """

    ionic_resistance_ohm: float
    interval_ohm: tuple[float, float]
    separator_resistance_ohm: float
    exponent: float
    time_constant_s: float
    leak_ohm: float | None
    model: str
    doubts: list
    remarks: list
    frequency_Hz: np.ndarray
    impedance_ohm: np.ndarray
    residual_ohm: np.ndarray
    misfit: float

    def impedance(self, frequency_Hz):
        """Fitted impedance [ohm] at any frequency [Hz]."""
        return line(
            frequency_Hz, self.separator_resistance_ohm, self.ionic_resistance_ohm,
            self.exponent, self.time_constant_s, leak_ohm=self.leak_ohm, model=self.model,
        )  # fmt: skip


def fit(frequency_Hz, impedance_ohm):
    """
    Fit the transmission line to a blocking spectrum.

    Parameters
    ----------
    frequency_Hz : (N,) array_like of float
        Frequencies in any order; repeated ones are averaged.
    impedance_ohm : (N,) array_like of complex
        Impedance, with a negative imaginary part where the cell is capacitive.

    Returns
    -------
    fit : SpectrumFit
        Ionic resistance with its interval, the other parameters, doubts and remarks.

    Raises
    ------
    ValueError
        If the arrays do not match, hold NaN or frequencies that are not positive, have fewer than
        ten capacitive points, or the imaginary part has the wrong sign.
    """
    frequency, impedance = _checked(frequency_Hz, impedance_ohm)
    remarks = []
    capacitive = impedance.imag < 0
    if not capacitive.all():
        remarks.append(
            f"{np.count_nonzero(~capacitive)} inductive points (wires) left out, the highest at "
            f"{frequency[~capacitive].max():.3g} Hz"
        )
    frequency, impedance = frequency[capacitive], impedance[capacitive]
    everything = frequency, impedance
    keep = max(MIN_POINTS, len(frequency) // 2)
    count = kramers_kronig.first_sound(frequency, impedance, keep)
    if count:
        points, they = ("point", "it breaks") if count == 1 else ("points", "they break")
        remarks.append(
            f"{count} {points} below {frequency[count]:.3g} Hz left out: {they} the "
            "Kramers-Kronig relations, the cell changed during the measurement"
        )
        frequency, impedance = frequency[count:], impedance[count:]
    found, interval, others = _choose(frequency, impedance)
    remarks += others
    shape = found.values
    model = MODELS[found.kind]
    calculated = found.impedance(frequency)
    residual = impedance - calculated
    misfit = float(np.sqrt(np.mean(np.abs(residual * found.weight) ** 2)) * FLOOR)
    doubts = _doubts(frequency, impedance, found, interval, misfit)
    doubts += _spoilt(*everything)
    return SpectrumFit(
        float(shape[1]), interval, float(shape[0]), float(shape[2]), float(shape[3]),
        None if found.kind == 0 else float(shape[1] / shape[4]), model, doubts, remarks,
        frequency[::-1], impedance[::-1], residual[::-1], misfit,
    )  # fmt: skip


def _checked(frequency_Hz, impedance_ohm):
    frequency = np.asarray(frequency_Hz, dtype=float)
    impedance = np.asarray(impedance_ohm, dtype=complex)
    if frequency.ndim != 1 or frequency.shape != impedance.shape:
        raise ValueError(
            f"Frequencies have the shape {frequency.shape}, impedances {impedance.shape}; expected "
            "two lists of the same length."
        )
    for name, values in (("frequency", frequency), ("impedance", impedance)):
        bad = np.flatnonzero(~np.isfinite(values))
        if bad.size:
            raise ValueError(
                f"The {name} of point {bad[0] + 1} is {values[bad[0]]}, and so are "
                f"{bad.size - 1} more; expected numbers. Remove these points."
            )
    if np.any(frequency <= 0):
        raise ValueError(
            f"The lowest frequency is {frequency.min():g} Hz; expected positive values in Hz."
        )
    order, place = np.unique(frequency, return_inverse=True)
    number = np.bincount(place)
    real = np.bincount(place, impedance.real) / number
    imaginary = np.bincount(place, impedance.imag) / number
    impedance = real + 1j * imaginary
    capacitive = np.count_nonzero(imaginary < 0)
    low = imaginary[: max(len(order) // 2, 1)]
    if len(order) and np.mean(low > 0) > 0.5:
        raise ValueError(
            "The imaginary part is positive at most of the low frequencies; a blocking cell is "
            "capacitive there. Expected Z'' with its sign: if the file holds -Z'', negate it."
        )
    if capacitive < MIN_POINTS:
        raise ValueError(
            f"The spectrum has {capacitive} capacitive points at distinct frequencies; expected "
            f"{MIN_POINTS} or more. Measure about ten per decade from 100 kHz to 0.1 Hz."
        )
    if np.all(np.abs(impedance) == 0):
        raise ValueError("All impedances are zero; expected values in ohm.")
    return order, impedance


def _choose(frequency, impedance):
    """
    The model that the data ask for, the interval of R_ion, and remarks.

    A leak and a slow change of the cell bend the low end alike. A leak is taken if the line with
    a leak leaves nothing but noise, or if the cell lets current through at its lowest frequency;
    and then only if Akaike's criterion prefers it.
    """
    plain = solve(frequency, impedance, 0)
    leaky = [solve(frequency, impedance, kind) for kind in (1, 2)]
    # all are compared in the weights and the scale of the one that leaves least over
    judge = min(leaky, key=lambda one: one.scale)
    rivals = [
        solve(frequency, impedance, one.kind, judge.weight, judge.scale, one.unknowns)
        for one in (plain, *leaky)
    ]
    scores = [_akaike(one, len(frequency)) for one in rivals]
    best = min((1, 2), key=lambda kind: scores[kind])
    left = (rivals[best].impedance(frequency) - impedance) * judge.weight
    passing = np.degrees(np.angle(impedance[0])) > -CAPACITIVE
    preferred = scores[best] < scores[0]
    leak = preferred and (passing or independent(left) >= NOISE)
    chosen, other = (leaky[best - 1], plain) if leak else (plain, leaky[best - 1])
    low, high = profile(frequency, impedance, chosen)
    remarks = []
    if leak:
        remarks.append(f"{MODELS[best]}: it fits better than the line without")
    elif preferred:
        value = float(other.values[1])
        low, high = min(low, value), max(high, value)
        remarks.append(
            f"a {MODELS[best]} of {value / other.values[4]:.3g} ohm would fit better and give "
            f"{value:.4g} ohm, but a drift looks the same; the interval holds this value"
        )
    return chosen, (low, high), remarks


def _akaike(one, points):
    """Akaike's criterion for a small sample; the real and imaginary parts are the sample."""
    number, p = 2 * points, 4 + (one.kind > 0)
    return 2 * one.cost + 2 * p + 2 * p * (p + 1) / (number - p - 1)


def _doubts(frequency, impedance, found, interval, misfit):
    """Reasons in the data not to trust the ionic resistance."""
    doubts = []
    separator, ionic, exponent, constant, _ = found.values
    # the start of the spectrum, not the fitted separator: a short circuit moves the latter
    start = min(separator, float(impedance.real.min()))
    phase = -np.degrees(np.angle(impedance - start))
    low = phase[: max(len(phase) // 3, 3)]
    if low.max() < STEEP:
        doubts.append(
            f"not blocking: beyond the separator's resistance the phase reaches {low.max():.0f} "
            f"degrees at low frequency, a blocking electrode has about {90 * exponent:.0f}; most "
            "of the current leaks"
        )
    scaled = 2 * np.pi * frequency * constant
    sloped, upright = np.count_nonzero(scaled > 10), np.count_nonzero(scaled < 2)
    if sloped < MIN_BRANCH:
        doubts.append(
            f"no 45-degree region: {sloped} points above its lower end at "
            f"{10 / (2 * np.pi * constant):.3g} Hz, expected {MIN_BRANCH} or more; measure to "
            "higher frequencies"
        )
    if upright < MIN_BRANCH:
        doubts.append(
            f"no vertical branch: {upright} points below {2 / (2 * np.pi * constant):.3g} Hz, "
            f"expected {MIN_BRANCH} or more; measure to lower frequencies"
        )
    if len(frequency) < FEW:
        doubts.append(
            f"too few points: {len(frequency)} were used, expected {FEW} or more, ten per decade"
        )
    width = 0.5 * (interval[1] - interval[0]) / ionic
    if width > WIDE:
        doubts.append(
            f"uncertain: the 90 % interval is about ±{100 * width:.0f} % of the value, more than "
            f"±{100 * WIDE:.0f} %"
        )
    if misfit > POOR:
        doubts.append(
            f"the transmission line misses the spectrum by {100 * misfit:.0f} % of the knee's "
            f"resistance, more than {100 * POOR:.0f} %"
        )
    return doubts


def _spoilt(frequency, impedance):
    """A doubt if the spectrum as measured is not that of a linear, stable cell."""
    left = kramers_kronig.residuals(frequency, impedance)
    low = float(np.sqrt(np.mean(np.abs(left[: max(len(left) // 3, 3)]) ** 2)))
    if low <= UNSTABLE:
        return []
    return [
        f"breaks the Kramers-Kronig relations: {100 * low:.1f} % left over in the lower third of "
        f"the frequencies, more than {100 * UNSTABLE:.1f} %; the cell was not stable or not linear"
    ]
