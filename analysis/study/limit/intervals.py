"""Intervals of what draws say of a cell: their spread, and what their spread does not know."""

import numpy as np
from scipy.special import ndtri

# Root mean square of log(truth / median of draws) of the conductivity, on specimens kept back from
# the training (weights/posterior.json).
SCATTER = 0.096

_NODES = ndtri((np.arange(200) + 0.5) / 200)


def of_conductivity(values, share=0.9, *, scatter=SCATTER):
    """
    Interval of a conductivity from those of draws.

    Each draw stands for a log-normal distribution around it, as wide as truths of specimens kept
    back from the training lie from the median of their draws. The interval is the central one of
    them together.

    Parameters
    ----------
    values : array_like of float
        Of the draws, positive.
    share : float
        Of the distribution that it holds.
    scatter : float
        Standard deviation of the logarithm; 0 leaves the spread of the draws alone.

    Returns
    -------
    low, high : float

    Raises
    ------
    ValueError
        If there are no values, or one is not positive.
    """
    values = np.asarray(values, dtype=float)
    if values.size == 0 or not np.all(values > 0):
        raise ValueError(
            f"Conductivities of draws are {values}; expected one or more positive numbers."
        )
    logs = np.log(around(values, scatter))
    low, high = np.exp(np.quantile(logs, [(1 - share) / 2, (1 + share) / 2]))
    return float(low), float(high)


def around(values, scatter):
    """
    Values of draws, each replaced by many of its log-normal distribution.

    Parameters
    ----------
    values : (N,) array_like of float
        Positive.
    scatter : float or (N,) array_like of float
        Standard deviation of the logarithm.

    Returns
    -------
    values : (N, 200) ndarray
        At equally likely places of the distributions; the median is that of `values`.
    """
    values, scatter = np.broadcast_arrays(np.asarray(values, float), np.asarray(scatter, float))
    return np.exp(np.log(values)[:, None] + scatter[:, None] * _NODES)
