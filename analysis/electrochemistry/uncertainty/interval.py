"""Gamma from an experiment when the other parameters are only known to lie in their ranges.

Gamma and the parameters are drawn together from what the experiment leaves of their ranges; the
draws of gamma alone are its marginal distribution. For the profile likelihood the best point of the
ranges is taken at every gamma. What is compared are the few numbers of an experiment,
with a covariance that holds the discrepancy of the model and what the emulator misses.
"""

from dataclasses import dataclass

import numpy as np

from analysis.electrochemistry.uncertainty.emulator import basis
from analysis.electrochemistry.uncertainty.uncertain import UNCERTAIN

DRAWS = 2000
MOVES = 6  # of every draw at every temperature
KEPT = 0.5  # share of the draws that a temperature may cost
GRID = 25
STARTS = 5  # of the search for the best point of the ranges


@dataclass(frozen=True)
class GammaInterval:
    """
    What an experiment says of gamma.

    Attributes
    ----------
    gamma : float
        Median [-].
    low, high : float
        Ends of the central interval [-].
    level : float
        Probability that it holds.
    at_bound : bool
        Whether an end is that of the range in which gamma was looked for.
    draws : (N,) ndarray
        Gammas drawn from the marginal distribution [-].
    parameters : (N, P) ndarray
        The doubtful parameters that go with them, each between -1 and 1.
    """

    gamma: float
    low: float
    high: float
    level: float
    at_bound: bool
    draws: np.ndarray
    parameters: np.ndarray

    @property
    def factor(self):
        """Upper over lower end of the interval."""
        return self.high / self.low


def gamma_interval(emulator, observed, covariance, *, seed, level=0.9, draws=DRAWS):
    """
    Interval of gamma with all doubtful parameters marginalized.

    Parameters
    ----------
    emulator : Emulator
        Of the experiment.
    observed : (F,) array
        Its numbers.
    covariance : (F, F) array
        Of the experiment, see :mod:`.experiments`.
    seed : int
        Of the draws.
    level : float
        Probability of the interval.
    draws : int
        Number of draws.

    Returns
    -------
    GammaInterval

    Raises
    ------
    ValueError
        If the numbers do not fit the emulator, or one is no number.
    """
    observed = np.asarray(observed, float)
    if observed.shape != emulator.coefficients.shape[1:] or not np.all(np.isfinite(observed)):
        raise ValueError(
            f"The experiment has {observed.size} numbers, {np.isfinite(observed).sum()} of them "
            f"finite; the emulator expects {emulator.coefficients.shape[1]}."
        )
    cost = _cost(emulator, observed, covariance)
    z = _sample(cost, draws, np.random.default_rng(seed))
    place, parameters = z[:, 0], z[:, 1:]
    tails = 0.5 * (1 - level)
    low, middle, high = emulator.gamma_at(np.quantile(place, [tails, 0.5, 1 - tails]))
    edge = max(np.mean(place < -0.98), np.mean(place > 0.98)) > 0.02
    return GammaInterval(
        gamma=float(middle),
        low=float(low),
        high=float(high),
        level=level,
        at_bound=bool(edge),
        draws=emulator.gamma_at(place),
        parameters=parameters,
    )


def profile_likelihood(emulator, observed, covariance, found, number=GRID):
    """
    How well the best point of the ranges explains an experiment, for each gamma.

    Parameters
    ----------
    emulator, observed, covariance
        See :func:`gamma_interval`.
    found : GammaInterval
        Its draws are where the search begins.
    number : int
        Gammas.

    Returns
    -------
    gammas : (number,) ndarray
        Over the draws and a little beyond.
    distance : (number,) ndarray
        Half the squared distance in standard deviations; two more than the least is a ratio of
        likelihoods of seven. The least is large if no point explains the experiment.
    """
    from scipy.optimize import least_squares

    left = _left(emulator, observed, covariance)
    place = emulator.place_of(found.draws)
    low, high = np.quantile(place, [0.001, 0.999])
    pad = 0.2 * (high - low) + 0.02
    places = np.linspace(max(low - pad, -1), min(high + pad, 1), number)
    distance = np.empty(number)
    for k, at in enumerate(places):
        near = np.argsort(np.abs(place - at))[:STARTS]
        distance[k] = min(
            least_squares(
                lambda rest, at=at: left(np.concatenate([[at], rest])[None])[0],
                np.clip(found.parameters[one], -0.999, 0.999),
                bounds=(-1, 1),
            ).cost
            for one in near
        )
    return emulator.gamma_at(places), distance


def gamma_of_fit(emulator, gamma, z, covariance, default):
    """
    Gamma that a fit with the default parameters gives if the parameters are others.

    Parameters
    ----------
    emulator : Emulator
        Of the experiment.
    gamma : float
        True gamma [-].
    z : (N, P) array
        True parameters.
    covariance : (F, F) array
        Weighs the numbers of the experiment.
    default : (P,) array
        Parameters of the fit.

    Returns
    -------
    fitted : (N,) ndarray
        Within the range of the emulator.
    """
    whiten = np.linalg.inv(np.linalg.cholesky(np.asarray(covariance) + emulator.miss))
    gammas = np.exp(np.linspace(*np.log(emulator.gammas), 4 * GRID))
    tried = emulator.predict(gammas, np.tile(default, (gammas.size, 1))) @ whiten.T
    seen = emulator.predict(gamma, z) @ whiten.T
    cost = np.sum(tried**2, 1) - 2 * seen @ tried.T  # but for a part without gamma
    return gammas[cost.argmin(1)]


def _left(emulator, observed, covariance):
    """Distances of points (gamma, parameters) from an experiment, independent, as a function."""
    whiten = np.linalg.inv(np.linalg.cholesky(np.asarray(covariance) + emulator.miss))
    coefficients, seen = emulator.coefficients @ whiten.T, whiten @ observed
    return lambda z: basis(z) @ coefficients - seen


def _cost(emulator, observed, covariance):
    """Half the squared distance of points from an experiment, as a function."""
    left = _left(emulator, observed, covariance)

    def cost(z):
        apart = left(z)
        return 0.5 * np.einsum("ij,ij->i", apart, apart)

    return cost


def _sample(cost, number, rng):
    """
    Draws of gamma and the parameters from their joint distribution, by a tempered random walk.

    The draws begin evenly in the ranges. The experiment is let in little by little: at each
    temperature half of the draws at most lose their weight, the others are doubled and walk. Steps
    out of the ranges are reflected.
    """
    z = rng.uniform(-1, 1, (number, 1 + len(UNCERTAIN)))
    at, heat = cost(z), 0.0
    while heat < 1:
        step = _next(at - at.min(), 1 - heat)
        heat += step
        weight = np.exp(-step * (at - at.min()))
        places = (rng.random() + np.arange(number)) / number
        chosen = np.searchsorted(np.cumsum(weight) / weight.sum(), places)
        z, at = z[chosen], at[chosen]
        spread = np.linalg.cholesky(np.cov(z.T) + 1e-8 * np.eye(z.shape[1]))
        size = 2.38 / np.sqrt(z.shape[1])
        for _ in range(MOVES if heat < 1 else 5 * MOVES):
            new = z + size * rng.normal(size=z.shape) @ spread.T
            new = 1 - np.abs((new + 1) % 4 - 2)  # reflected at -1 and 1
            cost_new = cost(new)
            taken = np.log(rng.random(number)) < heat * (at - cost_new)
            z, at = np.where(taken[:, None], new, z), np.where(taken, cost_new, at)
            size *= 1.2 if taken.mean() > 0.3 else 0.85
    return z


def _next(cost, most):
    """The largest step of the temperature, at most `most`, that costs no more than allowed."""

    def enough(step):
        weight = np.exp(-step * cost)
        return weight.sum() ** 2 / np.sum(weight**2) >= KEPT * cost.size

    if enough(most):
        return most
    low, high = 0.0, most
    while high - low > 1e-3 * high:
        middle = 0.5 * (low + high)
        low, high = (middle, high) if enough(middle) else (low, middle)
    return high
