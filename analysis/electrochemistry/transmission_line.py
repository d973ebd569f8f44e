"""The transmission line of a blocking electrode, and its robust fit to a spectrum.

A porous electrode whose pore walls block is a transmission line: ions move along the pores with
the resistance R_ion and charge the walls, a constant-phase element. With y = (iωτ)^α,

    Z = R_separator + R_ion coth(√y) / √y

(J. Landesfeind et al., J. Electrochem. Soc. 163, A1373, 2016). A leak adds R_ion/R_leak to y if it
goes through the walls, or stands in parallel to the whole if it goes past the electrodes.
"""

from dataclasses import dataclass

import numpy as np
from scipy.optimize import least_squares

MODELS = ("blocking", "leak at the walls", "leak past the electrodes")
FLOOR = 2.0  # errors are absolute up to this many knees, relative to the modulus beyond
QUANTILE = 2.706  # of chi-squared with one degree of freedom, 90 %
LOWER = np.array([-25.0, -12.0, 0.4, -25.0, -14.0])
UPPER = np.array([25.0, 25.0, 1.0, 25.0, 7.0])


def line(
    frequency_Hz, separator_ohm, ionic_ohm, exponent, time_constant_s, *, leak_ohm=None,
    model="blocking",
):  # fmt: skip
    """
    Impedance of the transmission line.

    Parameters
    ----------
    frequency_Hz : (N,) array_like of float
        Frequencies.
    separator_ohm, ionic_ohm : float
        Resistance of separator and of the ions in the pores.
    exponent : float
        Of the constant-phase element, 0 to 1.
    time_constant_s : float
        ``(R_ion Q)^(1/α)``.
    leak_ohm : float, optional
        Resistance of the leak; needed for the two models that have one.
    model : str
        One of :data:`MODELS`.

    Returns
    -------
    impedance_ohm : (N,) ndarray of complex

    Raises
    ------
    ValueError
        If the model is unknown, or has a leak without resistance.
    """
    if model not in MODELS:
        raise ValueError(f"model {model!r} is unknown; expected one of {', '.join(MODELS)}.")
    if model != MODELS[0] and not (leak_ohm and leak_ohm > 0):
        raise ValueError(f"The model {model!r} needs a leak_ohm above zero, got {leak_ohm}.")
    y = (2j * np.pi * np.asarray(frequency_Hz, float) * time_constant_s) ** exponent
    if model == MODELS[1]:
        y = y + ionic_ohm / leak_ohm
    root = np.sqrt(y)
    impedance = separator_ohm + ionic_ohm / (root * np.tanh(root))
    return impedance if model != MODELS[2] else 1 / (1 / impedance + 1 / leak_ohm)


@dataclass(frozen=True)
class LineFit:
    """One model fitted: parameters, cost and how residuals were weighed."""

    kind: int
    unknowns: np.ndarray
    cost: float
    scale: float
    weight: np.ndarray

    @property
    def values(self):
        x = self.unknowns
        return np.array([np.exp(x[0]), np.exp(x[1]), x[2], np.exp(x[3]), np.exp(x[4])])

    def impedance(self, frequency):
        return _evaluate(frequency, self.unknowns, self.kind)


def _evaluate(frequency, x, kind):
    separator, ionic = np.exp(x[0]), np.exp(x[1])
    leak = None if kind == 0 else ionic * np.exp(-x[4])
    return line(frequency, separator, ionic, x[2], np.exp(x[3]), leak_ohm=leak, model=MODELS[kind])


def _minimize(frequency, impedance, kind, start, weight, scale, fixed=None):
    """Robust fit from `start`; the logarithm of R_ion is held if `fixed` is given."""
    free = [0, 1, 2, 3] + ([4] if kind else [])
    if fixed is not None:
        free.remove(1)
        start = np.where(np.arange(5) == 1, fixed, start)

    def residual(part):
        x = start.copy()
        x[free] = part
        left = (_evaluate(frequency, x, kind) - impedance) * weight / scale
        return np.concatenate([left.real, left.imag])

    inside = np.clip(start[free], LOWER[free] + 1e-6, UPPER[free] - 1e-6)
    solved = least_squares(
        residual, inside, bounds=(LOWER[free], UPPER[free]), loss="soft_l1", max_nfev=60
    )
    x = start.copy()
    x[free] = solved.x
    left = (_evaluate(frequency, x, kind) - impedance) * weight
    return x, float(solved.cost), left


def _start(frequency, impedance, kind):
    """Best point of a grid of time constants and exponents; both resistances are linear in it."""
    if kind == 2:
        # take away one leak after the other and look at what is left as at a blocking cell
        found = []
        for leak in np.array([1.02, 1.2, 2.0, 10.0]) * impedance.real.max():
            beside = 1 / (1 / impedance - 1 / leak)
            x = _start(frequency, beside, 0)
            x[4] = np.clip(x[1] - np.log(leak), LOWER[4], UPPER[4])
            left = np.abs(_evaluate(frequency, x, kind) - impedance)
            found.append((np.sum(left / np.abs(impedance)), x))
        return min(found, key=lambda one: one[0])[1]
    size = np.median(np.abs(impedance))
    weight = 1 / np.maximum(np.abs(impedance), size)
    best, chosen = np.inf, None
    span = np.log(1 / (2 * np.pi * frequency[[-1, 0]]))
    for leak in (-3.0, 0.0) if kind else (-14.0,):
        for exponent in (0.65, 0.8, 0.95):
            for constant in np.arange(span[0], span[1] + 1.0, 0.7):
                y = (2j * np.pi * frequency * np.exp(constant)) ** exponent
                root = np.sqrt(y + (np.exp(leak) if kind else 0))
                columns = np.stack([np.ones_like(root), 1 / (root * np.tanh(root))], 1)
                columns *= weight[:, None]
                matrix = np.vstack([columns.real, columns.imag])
                wanted = impedance * weight
                wanted = np.concatenate([wanted.real, wanted.imag])
                both = np.linalg.lstsq(matrix, wanted, rcond=None)[0]
                both = np.maximum(both, 1e-3 * size)
                cost = np.abs(matrix @ both - wanted).sum()
                if cost < best:
                    best = cost
                    chosen = np.array([*np.log(both), exponent, constant, leak])
    return chosen


def _knee(x):
    return np.exp(x[0]) + np.exp(x[1]) / 3


def solve(frequency, impedance, kind, weight=None, scale=None, start=None):
    """One model, with weights and scale of its own unless they are given."""
    x = _start(frequency, impedance, kind) if start is None else start
    if weight is not None:
        x, cost, _ = _minimize(frequency, impedance, kind, x, weight, scale)
        return LineFit(kind, x, cost, scale, weight)
    knee, own = np.median(np.abs(impedance)), 0.02
    for turn in range(3):
        weight = 1 / np.maximum(np.abs(impedance), (FLOOR if turn else 1) * knee)
        x, cost, left = _minimize(frequency, impedance, kind, x, weight, own)
        # never more than the largest modulus: a knee that is not there must not weigh
        knee = min(_knee(x), np.abs(impedance).max())
        spread = 1.4826 * np.median(np.abs([left.real, left.imag]))
        used, own = own, max(float(spread), 1e-6)
    return LineFit(kind, x, cost, used, weight)


def independent(left):
    """Share of residuals that are independent: white noise changes sign at every second point."""
    changes = [np.count_nonzero(np.diff(np.sign(part)) != 0) for part in (left.real, left.imag)]
    return float(np.clip(2 * (sum(changes) + 2) / (2 * len(left)), 0, 1))


def profile(frequency, impedance, found):
    """90 % interval of R_ion by profile likelihood, with residuals that are not independent."""
    left = (found.impedance(frequency) - impedance) * found.weight
    share = independent(left)
    scale = max(float(np.sqrt(np.mean(np.abs(left) ** 2) / 2)), 1e-9)
    base_x, base, _ = _minimize(
        frequency, impedance, found.kind, found.unknowns, found.weight, scale
    )

    def rise(shift, start):
        x, cost, _ = _minimize(
            frequency, impedance, found.kind, start, found.weight, scale, found.unknowns[1] + shift
        )
        return 2 * (cost - base) * share - QUANTILE, x

    ends = []
    for sign in (-1, 1):
        inner, below, outer, start = 0.0, -QUANTILE, 0.02, base_x
        while outer < 3.0:
            value, start = rise(sign * outer, start)
            if value > 0:
                break
            # below the cost of the fit if that had stopped short of its minimum
            inner, below, outer = outer, max(value, -QUANTILE), 2 * outer
        else:
            ends.append(sign * 3.0)
            continue
        for _ in range(4):
            # the rise is nearly a parabola: its root from the two ends
            a, b = np.sqrt(below + QUANTILE), np.sqrt(value + QUANTILE)
            middle = inner + (outer - inner) * (np.sqrt(QUANTILE) - a) / max(b - a, 1e-12)
            now, start = rise(sign * middle, start)
            if abs(now) < 0.05 * QUANTILE:
                break
            if now > 0:
                outer, value = middle, now
            else:
                inner, below = middle, max(now, -QUANTILE)
        ends.append(sign * middle)
    center = found.values[1]
    return float(center * np.exp(ends[0])), float(center * np.exp(ends[1]))
