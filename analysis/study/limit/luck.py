"""How far the errors of the posterior are alike: the correlation that draws must have.

Where a voxel is CBD although that was unlikely, its neighbors are often CBD too. Let a voxel be CBD
where ``probit(p) > g`` with a Gaussian random field g. Then the errors e = truth - p of two voxels
have the mean product of a bivariate normal, a power series in the correlation of g at their
distance (Kendall 1941). The correlation that gives the mean product found on electrodes whose
truth is known is solved for at each distance, and smoothed fields with that correlation are fitted.
"""

from math import factorial

import numpy as np
from scipy.optimize import least_squares
from scipy.special import ndtri

from analysis.phases import Phase
from analysis.segmentation.posterior import binder_share

LAGS = (1, 2, 3, 4, 6, 8, 12)  # distances along the axes [voxel]
TERMS = 8  # of the series
_NEVER = 1e-4


def products(probability, true, among, axis, *, lags=LAGS):
    """
    Products of errors at some distances, and the series that they are in the correlation.

    Parameters
    ----------
    probability : (Z, Y, X) ndarray
        Of "yes".
    true : (Z, Y, X) ndarray of bool
    among : (Z, Y, X) ndarray of bool
        Voxels that count.
    axis : int
        Along which the distances are taken.
    lags : sequence of int
        Distances [voxel].

    Returns
    -------
    found : (L, 1 + TERMS) ndarray
        Sum of the products of errors, then the coefficients of rho, rho^2, ... Rows of several
        volumes may be added.
    """
    probit = ndtri(np.clip(probability.astype(np.float64), _NEVER, 1 - _NEVER))
    error = np.where(among, true - probability.astype(np.float64), 0)
    density = np.where(among, np.exp(-0.5 * probit**2) / np.sqrt(2 * np.pi), 0)
    hermite = [np.ones_like(probit), probit]
    for n in range(1, TERMS - 1):
        hermite.append(probit * hermite[-1] - n * hermite[-2])
    rows = []
    for lag in lags:
        near = tuple(slice(None, -lag) if a == axis else slice(None) for a in range(3))
        far = tuple(slice(lag, None) if a == axis else slice(None) for a in range(3))
        row = [np.vdot(error[near], error[far])]
        for n, polynomial in enumerate(hermite):
            value = density * polynomial
            row.append(np.vdot(value[near], value[far]) / factorial(n + 1))
        rows.append(row)
    return np.array(rows)


def correlations(rows):
    """
    Correlation of the field at each distance.

    Parameters
    ----------
    rows : (L, 1 + TERMS) ndarray
        From :func:`products`.

    Returns
    -------
    rho : (L,) ndarray
        Between -0.3 and 0.999, where the series comes nearest to the products.
    """
    rho = np.linspace(-0.3, 0.999, 2600)
    powers = rho[:, None] ** np.arange(1, rows.shape[1])
    return np.array([rho[np.argmin(np.abs(powers @ row[1:] - row[0]))] for row in rows])


def widths(along_z, lateral, *, lags=LAGS):
    """
    Two smoothed fields whose sum has some correlation along z and across it.

    Parameters
    ----------
    along_z, lateral : (L,) ndarray
        From :func:`correlations`.
    lags : sequence of int

    Returns
    -------
    parts : tuple of (share, (width_z, width_y, width_x))
        As :func:`analysis.segmentation.draws.gaussian_field` takes them; shares sum to one, widths
        in voxels.
    """
    squared = np.asarray(lags, float) ** 2

    def correlation(width, share, wide):
        return (1 - share) * np.exp(-squared / (4 * width**2)) + share * np.exp(
            -squared / (4 * wide**2)
        )

    def miss(x):
        z, across, share, wide = x
        return np.r_[
            correlation(z, share, wide) - along_z, correlation(across, share, wide) - lateral
        ]

    fit = least_squares(
        miss, (1.5, 1.2, 0.1, 4.0), bounds=((0.4, 0.4, 0.0, 2.5), (4.0, 4.0, 0.6, 8.0))
    )
    z, across, share, wide = (round(float(v), 2) for v in fit.x)
    return (round(1 - share, 2), (z, across, across)), (share, (wide, wide, wide))


def fit(seen):
    """
    Widths of the two fields from posteriors whose truth is known.

    Parameters
    ----------
    seen : sequence of (probabilities, labels)

    Returns
    -------
    active, binder : tuple
        For AM, and for the CBD, as :func:`widths` gives them.
    """
    sums = np.zeros((2, 3, len(LAGS), 1 + TERMS))
    for probabilities, labels in seen:
        everywhere = np.ones(labels.shape, bool)
        elsewhere = labels != Phase.AM
        for axis in range(3):
            sums[0, axis] += products(
                probabilities[..., Phase.AM], labels == Phase.AM, everywhere, axis
            )
            sums[1, axis] += products(
                binder_share(probabilities), labels == Phase.CBD, elsewhere, axis
            )
    return tuple(widths(correlations(one[0]), correlations(one[1] + one[2])) for one in sums)
