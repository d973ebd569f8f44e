"""A polynomial in gamma and the doubtful parameters that stands for the model.

The model runs at a few hundred points of the ranges; a polynomial of the third degree is fitted to
each number that an experiment gives. What it misses, at points it was not fitted to, is part of
its covariance.
"""

from dataclasses import dataclass

import numpy as np

from analysis.electrochemistry.porous_electrode.implicit_step import StepFailed
from analysis.electrochemistry.uncertainty import uncertain

POINTS = 256
MOST_FAILED = 0.1


@dataclass(frozen=True)
class Emulator:
    """
    Polynomials for the numbers of experiments.

    Attributes
    ----------
    gammas : (float, float)
        Range of gamma.
    coefficients : (B, F) ndarray
        Of the polynomials, see :func:`basis`.
    miss : (F, F) ndarray
        Covariance of what they miss, from points that were left out one after another.
    failed : int
        Points at which the model gave no result.
    """

    gammas: tuple
    coefficients: np.ndarray
    miss: np.ndarray
    failed: int

    def of(self, numbers):
        """The emulator of some of the numbers, given by their places."""
        some = self.miss[np.ix_(numbers, numbers)]
        return Emulator(self.gammas, self.coefficients[:, numbers], some, self.failed)

    def place_of(self, gamma):
        """Gamma as a number between -1 and 1, even in its logarithm."""
        low, high = np.log(self.gammas)
        return 2 * (np.log(gamma) - low) / (high - low) - 1

    def gamma_at(self, place):
        """The inverse of :meth:`place_of`."""
        low, high = np.log(self.gammas)
        return np.exp(low + 0.5 * (1 + np.asarray(place)) * (high - low))

    def predict(self, gamma, z):
        """
        Numbers of the experiments.

        Parameters
        ----------
        gamma : float or (N,) array
            Gamma [-].
        z : (N, P) array
            Doubtful parameters, each between -1 and 1.

        Returns
        -------
        numbers : (N, F) ndarray
        """
        z = np.atleast_2d(z)
        first = np.broadcast_to(self.place_of(gamma), len(z))
        return basis(np.column_stack([first, z])) @ self.coefficients


def basis(z):
    """All products of two, and those of three that hold gamma or one parameter alone: (N, B)."""
    z = np.atleast_2d(z)
    gamma, others = z[:, :1], z[:, 1:]
    one, other = np.triu_indices(z.shape[1])
    return np.hstack(
        [
            *(np.ones((len(z), 1)), z, z[:, one] * z[:, other], gamma**3, gamma**4),
            *(others**3, gamma**2 * others, gamma * others**2),
        ]
    )


def train(simulate, gammas=uncertain.GAMMAS, *, number=POINTS, seed):
    """
    Run the model over the ranges and fit the polynomials.

    Parameters
    ----------
    simulate : callable
        ``simulate(gamma, z)`` gives the (F,) numbers of the experiments.
    gammas : (float, float)
        Range of gamma; the narrower, the more exact.
    number : int
        Runs of the model.
    seed : int
        Of the points.

    Returns
    -------
    Emulator

    Raises
    ------
    ValueError
        If the points are too few for the polynomial, or the model fails at more than a tenth of
        them; the message has its reason.
    """
    z = uncertain.points(number, seed)
    least = 1.5 * basis(z[:1]).shape[1]
    if number < least:
        raise ValueError(f"{number} runs of the model; expected at least {least:.0f}.")
    span = np.log(gammas[1] / gammas[0])
    rows, kept, reason = [], [], ""
    for point in z:
        try:
            rows.append(simulate(gammas[0] * np.exp(0.5 * (1 + point[0]) * span), point[1:]))
        except (ValueError, StepFailed) as error:
            reason = str(error)
        else:
            kept.append(point)
    if len(rows) < (1 - MOST_FAILED) * number:
        raise ValueError(
            f"The model runs at {len(rows)} of {number} points of the ranges; expected nearly all. "
            f"The last reason: {reason}"
        )
    B, numbers = basis(np.array(kept)), np.array(rows)
    inverse = np.linalg.pinv(B)
    leverage = np.minimum(np.einsum("ij,ji->i", B, inverse), 0.99)
    coefficients = inverse @ numbers
    left = (numbers - B @ coefficients) / (1 - leverage)[:, None]
    return Emulator(gammas, coefficients, left.T @ left / len(left), number - len(rows))


def of_model(structure, experiments, gammas=uncertain.GAMMAS, *, number=POINTS, seed):
    """
    Emulator of the homogenized model of one electrode.

    Parameters
    ----------
    structure : Structure
        The electrode.
    experiments : sequence
        Of :mod:`.experiments`.
    gammas, number, seed
        See :func:`train`.

    Returns
    -------
    Emulator
    """

    def simulate(gamma, z):
        materials = uncertain.materials_at(z)
        return np.concatenate([one.simulate(structure, gamma, materials) for one in experiments])

    return train(simulate, gammas, number=number, seed=seed)


def sensitivities(function, names, *, seed, number=1024):
    """
    Which parameter moves a number how much: indices of Sobol.

    Parameters
    ----------
    function : callable
        ``function(z)`` gives a number for each row of the (N, P) array.
    names : sequence of str
        Of the parameters.
    seed, number : int
        Of the points.

    Returns
    -------
    first, total : dict of str to float
        Share of the variance that goes with a parameter alone, and with all its company.
    """
    from scipy.stats import sobol_indices, uniform

    found = sobol_indices(
        func=lambda z: function(z.T)[None, :],
        n=number,
        dists=[uniform(-1, 2)] * len(names),
        rng=np.random.default_rng(seed),
    )
    first, total = (np.ravel(part) for part in (found.first_order, found.total_order))
    return dict(zip(names, first, strict=True)), dict(zip(names, total, strict=True))
