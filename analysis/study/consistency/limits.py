"""How far two gammas of a right map may lie apart: a limit that comes from an interval.

A map covers a small piece of the electrode that was measured. Other pieces give other gammas for
the same curve, and so would the truth. What two gammas may differ by is taken from that scatter,
which needs no truth, and from parameters of the cell that are not known exactly.
"""

from dataclasses import dataclass, field

import numpy as np

LEVEL = 0.90  # of the interval


@dataclass(frozen=True)
class RatioLimits:
    """
    Limits of the ratio of two gammas.

    Attributes
    ----------
    log_gammas : dict of str to (M, P) ndarray
        Logarithm of the gamma of P pieces by M maps, keyed by experiment (``"SL"``,
        ``"SL impedance"``). One row serves as well. The median of the maps' variances counts, so
        that one map that scatters wildly does not excuse all others.
    mapped : float
        Number of such pieces that the judged maps cover, all cutouts together.
    shifts : dict of str to dict of str to float
        Change of the logarithm of gamma when a parameter of the cell is changed by its standard
        uncertainty, keyed by experiment, then by parameter. A parameter that shifts all gammas
        alike leaves their ratio alone.
    level : float
        Probability with which a right map stays within the limit, if both parts are normal.

    Raises
    ------
    ValueError
        If an experiment has fewer than two pieces, a gamma is missing, or the level is none.
    """

    log_gammas: dict
    mapped: float
    shifts: dict = field(default_factory=dict)
    level: float = LEVEL

    def __post_init__(self):
        known = {name: np.atleast_2d(values) for name, values in self.log_gammas.items()}
        object.__setattr__(self, "log_gammas", known)
        few = {name: values.shape[1] for name, values in known.items() if values.shape[1] < 2}
        if few or not known:
            raise ValueError(
                f"Gammas of pieces: {few or 'none'}; expected at least two pieces for every "
                "experiment, or their scatter cannot be measured. Draw more pieces."
            )
        for name, values in known.items():
            if not np.all(np.isfinite(values)):
                raise ValueError(f"A gamma of {name} is missing or zero; expected one per piece.")
        if not 0 < self.level < 1:
            raise ValueError(f"The level is {self.level}; expected a probability between 0 and 1.")
        if not self.mapped > 0:
            raise ValueError(f"The maps cover {self.mapped} pieces; expected a positive number.")

    def __call__(self, first, second):
        """
        Largest ratio of the gammas of two experiments that does not reject [-].

        Raises
        ------
        KeyError
            If the pieces were not fitted to one of them.
        """
        return float(np.exp(np.hypot(self.pieces(first, second), self.parameters(first, second))))

    def pieces(self, first, second):
        """Half width of the interval of ln ratio from the scatter of the pieces [-]."""
        from scipy import stats

        a, b = self.log_gammas[first], self.log_gammas[second]
        if electrode_of(first) == electrode_of(second):  # the same pieces: their scatter cancels
            variance, freedom = _variance(a - b), a.shape[1] - 1
        else:
            parts = _variance(a), _variance(b)
            variance = sum(parts)
            weights = [part**2 / (x.shape[1] - 1) for part, x in zip(parts, (a, b), strict=True)]
            freedom = variance**2 / sum(weights) if variance else a.shape[1] - 1
        factor = stats.t.ppf(0.5 + self.level / 2, freedom)
        return float(factor * np.sqrt(variance / self.mapped))

    def parameters(self, first, second):
        """Half width of the interval of ln ratio from parameters of the cell [-]."""
        from scipy import stats

        one, other = (self.shifts.get(name, {}) for name in (first, second))
        apart = [one.get(key, 0.0) - other.get(key, 0.0) for key in {*one, *other}]
        return float(stats.norm.ppf(0.5 + self.level / 2) * np.sqrt(np.sum(np.square(apart))))

    @property
    def count(self):
        """Smallest number of pieces behind a limit."""
        return min(values.shape[1] for values in self.log_gammas.values())


def _variance(logs):
    return float(np.median(np.var(logs, axis=1, ddof=1)))


def electrode_of(experiment):
    """
    Electrode on which an experiment was made.

    Examples
    --------
    >>> electrode_of("TL impedance")
    'TL'
    """
    return experiment.split(" ")[0]
