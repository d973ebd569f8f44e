"""Weights of k-means: the unique ones nearest to one, or what the paper's optimizer finds.

Five free weights face two conditions, so a search that stops at the first that meet them depends
on the last bit of the gray values. :func:`nearest` asks for the shortest vector of logarithms
among all that meet the fractions. :func:`bobyqa` is the paper's search.
"""

import warnings
from dataclasses import dataclass

import numpy as np
from scipy.linalg import LinAlgWarning

from analysis.phases import Phase
from analysis.segmentation import _cluster_kernels as kernels
from analysis.segmentation.ranking import counts_for

TOLERANCE = 1e-3  # largest distance [-] of a fraction from its target
_MAX_PASSES = 300
# Step of a logarithm for the derivative: wide, since the sample's clusters move by whole voxels.
_STEP = 0.5
_STAGES = 2  # derivatives taken
_CHUNK = 2**20


@dataclass(frozen=True)
class Bobyqa:
    """
    The paper's search for the weights, and what it leaves open.

    Attributes
    ----------
    start : float
        Where every free weight starts.
    bounds : tuple of float
        Lowest and highest weight.
    max_evaluations : int
        Runs of k-means at most.
    """

    start: float = 1.0
    bounds: tuple = (0.05, 20.0)
    max_evaluations: int = 400

    def __post_init__(self):
        if not 0 < self.bounds[0] < self.start < self.bounds[1]:
            raise ValueError(
                f"The weights start at {self.start} with bounds {self.bounds}; expected positive "
                "bounds with the start between them."
            )


@dataclass(frozen=True)
class Found:
    """
    Weights and clusters of a sample.

    Attributes
    ----------
    phase_weights, shell_weights : (3,) and (4,) ndarray of float32
    means : (3, 27) ndarray of float32
        Centroids, in whole numbers.
    fractions : (3,) ndarray of float
        Share [-] of each cluster.
    evaluations, passes : int
        Runs of k-means, and assignments of the sample in all of them.
    """

    phase_weights: np.ndarray
    shell_weights: np.ndarray
    means: np.ndarray
    fractions: np.ndarray
    evaluations: int
    passes: int


def nearest(sample, targets, free):
    """
    Of all weights that meet the fractions, those whose logarithms have the smallest norm.

    Parameters
    ----------
    sample : analysis.segmentation.cluster_sample.Sample
    targets : dict of Phase to float
    free : {"five", "two"}
        With two, the fractions alone determine the weights.

    Returns
    -------
    Found

    Notes
    -----
    For given shell weights x, k-means is run with phase weights that are solved for after every
    assignment (:func:`clusters`). Where it ends, eq (1) holds with the target fractions, so the
    two phase weights are functions of x. Gauss-Newton on the five logarithms, of which three are
    free, finds the smallest norm: its matrix is never below one, whatever the data, so the
    minimum cannot run away along a direction in which the fractions do not change.
    """
    logs = np.zeros(3)
    state = clusters(sample, targets, np.ones(4, np.float32), sample.centroids, np.ones(3))
    tally = [1, state[-1]]

    def at(logs, state):
        shells = np.concatenate([[1.0], np.exp(logs)]).astype(np.float32)
        found = clusters(sample, targets, shells, state[0], state[1])
        tally[0] += 1
        tally[1] += found[-1]
        return found

    for _ in range(_STAGES if free == "five" else 0):
        slopes = np.empty((2, 3))
        for axis in range(3):
            ends = (at(logs + sign * _STEP * np.eye(3)[axis], state) for sign in (1, -1))
            up, down = (np.log(end[1][:2]) for end in ends)
            slopes[:, axis] = (up - down) / (2 * _STEP)
        for _ in range(6):
            pull = slopes.T @ np.log(state[1][:2]) + logs
            change = np.linalg.solve(np.eye(3) + slopes.T @ slopes, -pull)
            logs = logs + np.clip(change, -_STEP, _STEP)
            state = at(logs, state)
            if np.abs(change).max() < 1e-3:
                break
    means, phase_weights, counts, _ = state
    return Found(
        phase_weights.astype(np.float32),
        np.concatenate([[1.0], np.exp(logs)]).astype(np.float32),
        means,
        counts / sample.size,
        *tally,
    )


def clusters(sample, targets, shell_weights, means, phase_weights):
    """
    k-means whose clusters have the target fractions at every pass.

    Parameters
    ----------
    sample : analysis.segmentation.cluster_sample.Sample
    targets : dict of Phase to float
    shell_weights : (4,) ndarray
    means : (3, 27) ndarray of float32
        Centroids to start from.
    phase_weights : (3,) ndarray
        Phase weights to start from.

    Returns
    -------
    means : (3, 27) ndarray of float32
    phase_weights : (3,) ndarray of float
        Weights w for which the clusters meet the targets.
    counts : (3,) ndarray of int64
    passes : int

    Notes
    -----
    Plain k-means with fixed weights jumps from one set of clusters to another as a weight
    changes, and a target may lie in the jump. Here the fractions hold the clusters in place: a
    few passes suffice, and what comes out changes little where the data change little.
    """
    to_cbd, to_pore = (np.empty(sample.size, np.float32) for _ in range(2))
    weights, labels = per_feature(shell_weights), None
    for passes in range(1, _MAX_PASSES + 1):  # noqa: B007, returned below
        kernels.sample_ratios(sample.features, sample.size, means, weights, to_cbd, to_pore)
        w_cbd, w_pore = solve_phase_weights(to_cbd, to_pore, targets, phase_weights)
        phase_weights = np.array([w_pore, w_cbd, 1.0])
        before, labels = labels, labels_of(to_cbd, to_pore, w_cbd, w_pore)
        sums, counts = kernels.sample_sums(sample.features, sample.size, labels)
        if before is not None and np.array_equal(labels, before):
            break
        filled = counts > 0
        means = means.copy()
        means[filled] = sums[filled] / counts[filled, None]
    return means, phase_weights, counts, passes


def bobyqa(sample, targets, free, settings, *, seed):
    """
    Weights of least squared distance from the fractions, by the paper's optimizer.

    Parameters
    ----------
    sample : analysis.segmentation.cluster_sample.Sample
    targets : dict of Phase to float
    free : {"five", "two"}
    settings : Bobyqa
    seed : int
        Of the directions in which it restarts.

    Returns
    -------
    Found
        They need not meet the fractions.

    Notes
    -----
    Each evaluation is a whole k-means with fixed weights. The fractions jump where it changes its
    fixed point, so BOBYQA is told to expect noise: it restarts from its best point until every
    fraction is within half the tolerance.

    References
    ----------
    .. [1] Cartis, Fiala, Marteau, Roberts, ACM Trans. Math. Softw. 45, 32 (2019), Py-BOBYQA.
    """
    import pybobyqa

    wanted = np.array([targets[phase] for phase in Phase])
    tally = [0, 0]

    def run(logs):
        phase_weights, shell_weights = _weights(logs)
        means, counts, passes = kernels.lloyd(
            sample.features, sample.size, sample.centroids, per_feature(shell_weights),
            phase_weights, 200,
        )  # fmt: skip
        tally[0] += 1
        tally[1] += passes
        return means, counts / sample.size

    n_free = 5 if free == "five" else 2
    lower, upper = np.log(settings.bounds)
    before = np.random.get_state()  # noqa: NPY002
    np.random.seed(seed)  # noqa: NPY002 - restarts draw directions from numpy's global generator
    try:
        with warnings.catch_warnings():
            # A singular interpolation set is repaired by the next restart.
            warnings.simplefilter("ignore", LinAlgWarning)
            result = pybobyqa.solve(
                lambda logs: float(np.sum((run(logs)[1] - wanted) ** 2)),
                np.full(n_free, np.log(settings.start)),
                bounds=(np.full(n_free, lower), np.full(n_free, upper)),
                rhobeg=min(0.6, (upper - lower) / 3),
                rhoend=1e-4,
                maxfun=settings.max_evaluations,
                objfun_has_noise=True,
                user_params={"model.abs_tol": (TOLERANCE / 2) ** 2},
            )
    finally:
        np.random.set_state(before)  # noqa: NPY002
    means, fractions = run(result.x)
    return Found(*_weights(result.x), means, fractions, *tally)


def per_feature(shell_weights):
    """(27,) weights of the features from those of the four shells."""
    return np.repeat(np.asarray(shell_weights, np.float32), np.diff(kernels.SHELLS))


def labels_of(cbd_ratio, pore_ratio, w_cbd, w_pore):
    """Label of the least weighted distance, from distance to AM over the other two distances."""
    w_cbd, w_pore = np.float32(w_cbd), np.float32(w_pore)
    labels = np.empty(cbd_ratio.shape, np.uint8)
    flat, cbd, pore = labels.ravel(), cbd_ratio.ravel(), pore_ratio.ravel()
    for part in _chunks(flat.size):
        to_cbd, to_pore = cbd[part] / w_cbd, pore[part] / w_pore
        flat[part] = np.where(to_pore > to_cbd, np.uint8(Phase.PORE), np.uint8(Phase.CBD))
        flat[part][np.maximum(to_cbd, to_pore) < 1] = Phase.AM
    return labels


def solve_phase_weights(cbd_ratio, pore_ratio, targets, start, max_sweeps=40):
    """
    Weights w of CBD and pore for which the three counts meet the targets.

    Parameters
    ----------
    cbd_ratio, pore_ratio : ndarray of float32
        Distance to the centroid of AM over that to CBD and to pore.
    targets : dict of Phase to float
    start : (3,) ndarray
        Weights to start from, rows ordered as Phase.
    max_sweeps : int
        Enough in practice; each costs two selections.

    Returns
    -------
    w_cbd, w_pore : float
        With that of AM equal to one.

    Notes
    -----
    A voxel is AM where ``max(cbd_ratio / w_cbd, pore_ratio / w_pore) < 1`` and pore where
    ``pore_ratio / w_pore`` also exceeds ``cbd_ratio / w_cbd``. One sweep scales both weights
    until AM has its count and then moves w_pore until pore has its own. Four bytes a voxel are
    used beside the ratios.
    """
    counts = counts_for(targets, cbd_ratio.size)
    cbd, pore = cbd_ratio.ravel(), pore_ratio.ravel()
    values = np.empty(cbd.size, np.float32)
    w_pore, w_cbd = (np.float32(start[phase] / start[Phase.AM]) for phase in (0, 1))
    for _ in range(max_sweeps):
        before = w_cbd, w_pore
        for part in _chunks(cbd.size):
            values[part] = np.maximum(cbd[part] / w_cbd, pore[part] / w_pore)
        scale = _cut(values, counts[Phase.AM])
        w_cbd, w_pore = w_cbd * scale, w_pore * scale
        for part in _chunks(cbd.size):
            values[part] = pore[part] / np.maximum(np.float32(1), cbd[part] / w_cbd)
        w_pore = _cut(values, counts[Phase.AM] + counts[Phase.CBD])
        if np.allclose(before, (w_cbd, w_pore), rtol=1e-6, atol=0):
            break
    return float(w_cbd), float(w_pore)


def _cut(values, n_below):
    """A value with `n_below` of the values below it; reorders `values`."""
    n_below = min(max(n_below, 1), values.size - 1)
    values.partition((n_below - 1, n_below))
    return np.float32((np.float64(values[n_below - 1]) + values[n_below]) / 2)


def _chunks(size):
    return (slice(first, first + _CHUNK) for first in range(0, size, _CHUNK))


def _weights(logs):
    """Phase weights in the order of Phase and shell weights, from the free logarithms."""
    free = np.exp(np.asarray(logs)).astype(np.float32)
    shells = free[2:] if free.size == 5 else np.ones(3, np.float32)
    one = np.float32(1)
    return np.array([free[1], free[0], one]), np.concatenate([[one], shells])
