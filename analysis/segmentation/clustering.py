"""Weighted k-means on sorted neighborhoods, with weights that meet the volume fractions.

Prifling et al. 2022, Section 3.2: 27 features per voxel, eq (1), five free weights fitted with
BOBYQA. :func:`fit` does this on a fixed sample, :func:`assign` labels a volume in one pass.
"""

import warnings
from concurrent.futures import ThreadPoolExecutor
from dataclasses import dataclass, replace

import numpy as np
from scipy.linalg import LinAlgWarning

from analysis.phases import Phase, check_gray, check_targets, volume_fractions
from analysis.segmentation import _cluster_kernels as kernels
from analysis.segmentation.ranking import counts_for

TOLERANCE = 1e-3  # largest distance [-] of a fraction from its target
SHELL_NAMES = ("x_1", "x_6", "x_12", "x_8")  # own value, 6, 12 and 8 neighbors


class FractionsNotReached(RuntimeError):
    """The optimizer ended before the target fractions were met."""


@dataclass(frozen=True)
class Fit:
    """
    A fitted k-means trinarization and how it was found.

    Attributes
    ----------
    phase_weights : (3,) ndarray of float
        Weight w [-] of the distance to each phase, rows ordered as Phase. w of AM is 1.
    shell_weights : (4,) ndarray of float
        Weight x [-] of the voxel itself and of its 6, 12 and 8 neighbors. The first is 1.
    centroids : (3, 27) ndarray of float
        Mean features of the clusters, in gray values.
    gray_range : tuple of float
        Gray values that are 0 and 1 inside.
    targets, achieved : dict of Phase to float
        Volume fractions [-] asked for, and met on the sample or the volume.
    free : str
        ``"five"`` or ``"two"`` free weights.
    seed, n_sample : int
        What fixes the sample.
    start, lower, upper : float
        Start and bounds of every free weight.
    evaluations, passes : int
        Runs of k-means, and assignments of the sample in all of them.
    cost : float
        Sum of squared distances [-] from the targets, on the sample.
    drift : float
        Largest distance between the centroids and the means of the final clusters of the whole
        volume, over the gray range; NaN before :func:`assign`.
    """

    phase_weights: np.ndarray
    shell_weights: np.ndarray
    centroids: np.ndarray
    gray_range: tuple
    targets: dict
    achieved: dict
    free: str
    seed: int
    n_sample: int
    start: float
    lower: float
    upper: float
    evaluations: int
    passes: int
    cost: float
    drift: float = np.nan

    @property
    def miss(self):
        """Largest distance [-] between a target and what was achieved."""
        return max(abs(self.achieved[phase] - self.targets[phase]) for phase in Phase)


def trinarize(gray, targets, *, seed, free="five", n_sample=100_000, accept_best=False):
    """
    Trinarize a volume by the weighted k-means of the paper.

    Parameters
    ----------
    gray : (Z, Y, X) ndarray
        Gray values, brighter where there is more matter.
    targets : dict of Phase to float
        Volume fraction [-] that each phase must reach. Sums to one.
    seed : int
        Fixes the sample on which the weights are fitted.
    free : str
        ``"five"`` weights, as in the paper, or the ``"two"`` phase weights, which the two
        independent fractions determine.
    n_sample : int
        Voxels to fit on.
    accept_best : bool
        Go on with the best weights when the fractions are not reached.

    Returns
    -------
    labels : (Z, Y, X) ndarray of uint8
        Phase of each voxel, each fraction within 0.1 % of its target.

    Raises
    ------
    ValueError
        If `gray` is no gray volume, `targets` are no volume fractions, or a phase is to be
        absent.
    FractionsNotReached
        If the optimizer ends more than 0.1 % from a target and `accept_best` is not set.

    Notes
    -----
    A rotated or mirrored volume gives rotated or mirrored labels, voxel for voxel: neighbors
    are sorted, the border repeats the outermost voxels, the sample is taken in the order of
    gray values, and centroids are exact sums.

    References
    ----------
    .. [1] Prifling et al., Energy Technol. 2022, Section 3.2. :doi:`10.1002/ente.202200784`
    """
    fitted = fit(gray, targets, seed=seed, free=free, n_sample=n_sample, accept_best=accept_best)
    labels, _ = assign(gray, fitted, accept_best=accept_best)
    return labels


def fit(
    gray,
    targets,
    *,
    seed,
    free="five",
    n_sample=100_000,
    start=1.0,
    bounds=(0.05, 20.0),
    max_evaluations=400,
    accept_best=False,
):
    """
    Find weights of eq (1) for which k-means meets the target fractions on a sample.

    Parameters
    ----------
    gray : (Z, Y, X) ndarray
        Gray values.
    targets : dict of Phase to float
        Volume fraction [-] of each phase, none of them zero.
    seed : int
        Fixes the sample.
    free : str
        ``"five"``: w of CBD and pore, x of the three shells. ``"two"``: w only.
    n_sample : int
        Voxels to fit on: every k-th in the order of gray values.
    start : float
        Where every free weight starts.
    bounds : tuple of float
        Lowest and highest weight.
    max_evaluations : int
        Runs of k-means at most.
    accept_best : bool
        Return the best weights even if they miss the targets.

    Returns
    -------
    fit : Fit
        Weights, centroids and the record of the search.

    Raises
    ------
    ValueError, FractionsNotReached
        As for :func:`trinarize`.

    Notes
    -----
    Five weights face two independent fractions. The weights found depend on start, bounds and
    optimizer, which is why they are recorded. The search runs over the logarithms of the
    weights. Each evaluation starts k-means from the paper's centroids: the brightest voxel, the
    darkest, and the sample voxel most similar to the mean of both.

    References
    ----------
    .. [1] Cartis, Fiala, Marteau, Roberts, ACM Trans. Math. Softw. 45, 32 (2019), Py-BOBYQA.
    """
    gray, targets = _checked(gray, targets)
    if free not in ("five", "two"):
        raise ValueError(f"`free` is {free!r}; expected 'five' or 'two' free weights.")
    if not 0 < bounds[0] < start < bounds[1]:
        raise ValueError(
            f"The weights start at {start} with bounds {bounds}; expected positive bounds with the "
            "start between them."
        )
    padded, gray_range = _whole_numbers(gray)
    features, used, centroids = _sample(padded, n_sample, seed)
    wanted = np.array([targets[phase] for phase in Phase])
    tally = {"evaluations": 0, "passes": 0}

    def run(logs):
        phase_weights, shell_weights = _weights(logs)
        means, counts, passes = kernels.lloyd(
            features, used, centroids, _per_feature(shell_weights), phase_weights, 200
        )
        tally["evaluations"] += 1
        tally["passes"] += passes
        return means, counts / used

    logs = _search(
        lambda logs: float(np.sum((run(logs)[1] - wanted) ** 2)),
        np.full(5 if free == "five" else 2, np.log(start)),
        np.log(bounds),
        max_evaluations,
        seed,
    )
    means, achieved = run(logs)
    phase_weights, shell_weights = _weights(logs)
    fitted = Fit(
        phase_weights=phase_weights.astype(float),
        shell_weights=shell_weights.astype(float),
        centroids=_to_gray(means, gray_range),
        gray_range=gray_range,
        targets=targets,
        achieved=dict(zip(Phase, achieved.tolist(), strict=True)),
        free=free,
        seed=seed,
        n_sample=used,
        start=start,
        lower=bounds[0],
        upper=bounds[1],
        cost=float(np.sum((achieved - wanted) ** 2)),
        **tally,
    )
    _stop_unless_met(fitted, "the sample", accept_best)
    return fitted


def assign(gray, fit, *, accept_best=False, threads=1):
    """
    Label a volume with fitted centroids, in one pass over its voxels.

    Parameters
    ----------
    gray : (Z, Y, X) ndarray
        Gray values on the scale of the fit.
    fit : Fit
        From :func:`fit`.
    accept_best : bool
        Return labels even if they miss the targets.
    threads : int
        Slabs that are passed over at the same time. The result does not depend on it.

    Returns
    -------
    labels : (Z, Y, X) ndarray of uint8
        Phase of each voxel.
    fit : Fit
        The same fit with the phase weights, fractions and drift of this volume.

    Raises
    ------
    ValueError
        If `gray` is no gray volume.
    FractionsNotReached
        If a fraction misses its target by more than 0.1 % and `accept_best` is not set.

    Notes
    -----
    The sample meets the fractions on itself. On the whole volume the two phase weights are
    solved for once more, with centroids and shell weights as fitted; this needs the distances
    of each voxel to the three centroids, not its features.
    """
    gray = check_gray(gray)
    padded, gray_range = _whole_numbers(gray, fit.gray_range)
    means = _from_gray(fit.centroids, gray_range)
    *ratios, sums, counts = _pass_over(padded, means, fit, threads)
    w_cbd, w_pore = _solve_phase_weights(*ratios, fit.targets, fit.phase_weights)
    labels = _nearest(*ratios, w_cbd, w_pore)
    drift = np.abs(sums / np.maximum(counts, 1)[:, None] - means)[counts > 0].max()
    assigned = replace(
        fit,
        phase_weights=np.array([w_pore, w_cbd, 1.0]),
        achieved=volume_fractions(labels),
        drift=float(drift / (kernels.LEVELS - 1)),
    )
    _stop_unless_met(assigned, "the volume", accept_best)
    return labels, assigned


def _pass_over(padded, means, fit, threads=1):
    """Ratios of distances, feature sums and counts of a whole volume, slab by slab."""
    shape = tuple(n - 2 for n in padded.shape)
    cbd_ratio, pore_ratio = np.empty(shape, np.float32), np.empty(shape, np.float32)
    steps, pairs = kernels.neighbor_steps(padded.shape), kernels.sorting_network()
    weights = _per_feature(fit.shell_weights)
    phase_weights = fit.phase_weights.astype(np.float32)

    def slab(bounds):
        first, last = bounds
        part = slice(first, last)
        return kernels.fused_pass(
            padded[first : last + 2], steps, pairs, means, weights, phase_weights,
            cbd_ratio[part], pore_ratio[part],
        )  # fmt: skip

    cuts = np.linspace(0, shape[0], min(threads, shape[0]) + 1).astype(int)
    with ThreadPoolExecutor(threads) as pool:
        found = list(pool.map(slab, zip(cuts[:-1], cuts[1:], strict=True)))
    return cbd_ratio, pore_ratio, sum(f[0] for f in found), sum(f[1] for f in found)


def _checked(gray, targets):
    gray = check_gray(gray)
    targets = check_targets(targets)
    absent = [phase.title for phase in Phase if targets[phase] <= 0]
    if absent:
        raise ValueError(
            f"The target fraction of {' and '.join(absent)} is 0; k-means needs three clusters. "
            "Use thresholding for a volume of two phases."
        )
    return gray, targets


def _whole_numbers(gray, gray_range=None):
    """Gray values as whole numbers below LEVELS, the outermost voxels repeated once."""
    low, high = gray_range or (float(gray.min()), float(gray.max()))
    padded = np.empty(tuple(n + 2 for n in gray.shape), np.int32)
    scale = (kernels.LEVELS - 1) / (high - low)
    for z in range(gray.shape[0]):
        shifted = np.rint((gray[z].astype(float) - low) * scale)
        padded[z + 1, 1:-1, 1:-1] = np.clip(shifted, 0, kernels.LEVELS - 1)
    for axis in range(3):
        ends = np.moveaxis(padded, axis, 0)
        ends[0], ends[-1] = ends[1], ends[-2]
    return padded, (low, high)


def _sample(padded, n_sample, seed):
    """Features of every k-th voxel in the order of gray values, and the centroids to start at."""
    rng = np.random.default_rng(seed)
    steps, pairs = kernels.neighbor_steps(padded.shape), kernels.sorting_network()
    inner = padded[1:-1, 1:-1, 1:-1]
    salt = rng.integers(2**63, dtype=np.uint64)
    # Equal gray values are ordered by a hash of the neighborhood: the same in any orientation.
    keys = kernels.hashes(padded, steps, pairs, salt) >> np.uint64(23)
    keys |= inner.astype(np.uint64) << np.uint64(41)
    order = np.argsort(keys, axis=None)
    addresses = np.arange(padded.size).reshape(padded.shape)[1:-1, 1:-1, 1:-1].ravel()
    stride = max(1, -(-order.size // n_sample))
    chosen = order[rng.integers(stride) :: stride]
    features = kernels.features_at(padded, addresses[chosen], steps, pairs)
    ends = kernels.features_at(padded, addresses[order[[0, -1]]], steps, pairs)[0, :, :2]
    dark, bright = ends.T.astype(np.float64)
    apart = ((features - (dark + bright)[None, :, None] / 2) ** 2).sum(axis=1).ravel()
    between = np.argmin(apart[: chosen.size])
    middle = features[between // kernels.BLOCK, :, between % kernels.BLOCK]
    return features, chosen.size, np.stack([dark, middle, bright]).astype(np.float32)


def _search(cost, start, bounds, max_evaluations, seed):
    """
    Weights (logarithms) of least cost by BOBYQA.

    The fractions jump where k-means changes its fixed point, so BOBYQA is told to expect noise:
    it restarts from its best point until every fraction is within half the tolerance.
    """
    import pybobyqa

    lower, upper = np.full(start.size, bounds[0]), np.full(start.size, bounds[1])
    before = np.random.get_state()  # noqa: NPY002
    np.random.seed(seed)  # noqa: NPY002 - restarts draw directions from numpy's global generator
    try:
        with warnings.catch_warnings():
            # A singular interpolation set is mended by the next restart.
            warnings.simplefilter("ignore", LinAlgWarning)
            result = pybobyqa.solve(
                cost,
                start,
                bounds=(lower, upper),
                rhobeg=min(0.6, (bounds[1] - bounds[0]) / 3),
                rhoend=1e-4,
                maxfun=max_evaluations,
                objfun_has_noise=True,
                user_params={"model.abs_tol": (TOLERANCE / 2) ** 2},
            )
    finally:
        np.random.set_state(before)  # noqa: NPY002
    return result.x


def _weights(logs):
    """Phase weights in the order of Phase and shell weights, from the free logarithms."""
    free = np.exp(np.asarray(logs)).astype(np.float32)
    shells = free[2:] if free.size == 5 else np.ones(3, np.float32)
    one = np.float32(1)
    return np.array([free[1], free[0], one]), np.concatenate([[one], shells])


def _per_feature(shell_weights):
    return np.repeat(np.asarray(shell_weights, np.float32), np.diff(kernels.SHELLS))


def _to_gray(means, gray_range):
    low, high = gray_range
    return low + means.astype(float) * (high - low) / (kernels.LEVELS - 1)


def _from_gray(centroids, gray_range):
    low, high = gray_range
    return ((centroids - low) * (kernels.LEVELS - 1) / (high - low)).astype(np.float32)


def _nearest(cbd_ratio, pore_ratio, w_cbd, w_pore):
    """Label of the least weighted distance, from distance to AM over the other two distances."""
    w_cbd, w_pore = np.float32(w_cbd), np.float32(w_pore)
    to_cbd, to_pore = cbd_ratio / w_cbd, pore_ratio / w_pore
    labels = np.where(to_pore > to_cbd, np.uint8(Phase.PORE), np.uint8(Phase.CBD))
    labels[np.maximum(to_cbd, to_pore) < 1] = Phase.AM
    return labels


def _solve_phase_weights(cbd_ratio, pore_ratio, targets, start, max_sweeps=40):
    """
    Weights w of CBD and pore for which the three counts meet the targets.

    A voxel is AM where ``max(cbd_ratio / w_cbd, pore_ratio / w_pore) < 1`` and pore where
    ``pore_ratio / w_pore`` also exceeds ``cbd_ratio / w_cbd``. One sweep scales both weights
    until AM has its count and then moves w_pore until pore has its own.
    """
    counts = counts_for(targets, cbd_ratio.size)
    cbd, pore = cbd_ratio.ravel(), pore_ratio.ravel()
    w_pore, w_cbd = (np.float32(start[phase] / start[Phase.AM]) for phase in (0, 1))
    for _ in range(max_sweeps):
        before = w_cbd, w_pore
        scale = _cut(np.maximum(cbd / w_cbd, pore / w_pore), counts[Phase.AM])
        w_cbd, w_pore = w_cbd * scale, w_pore * scale
        rest = pore / np.maximum(np.float32(1), cbd / w_cbd)
        w_pore = _cut(rest, counts[Phase.AM] + counts[Phase.CBD])
        if np.allclose(before, (w_cbd, w_pore), rtol=1e-6, atol=0):
            break
    return float(w_cbd), float(w_pore)


def _cut(values, n_below):
    """A value with `n_below` of the values below it."""
    n_below = min(max(n_below, 1), values.size - 1)
    parts = np.partition(values, (n_below - 1, n_below))
    return np.float32((np.float64(parts[n_below - 1]) + parts[n_below]) / 2)


def _stop_unless_met(fit, where, accept_best):
    if fit.miss <= TOLERANCE or accept_best:
        return
    reached = ", ".join(
        f"{phase.title} {fit.achieved[phase]:.4f} for {fit.targets[phase]:.4f}" for phase in Phase
    )
    weights = ", ".join(f"{weight:.3g}" for weight in (*fit.phase_weights, *fit.shell_weights))
    raise FractionsNotReached(
        f"After {fit.evaluations} runs of k-means {where} has {reached}; expected each within "
        f"{TOLERANCE:.1%}. Best weights (w of pore, CBD, AM; x of the shells): {weights}. Check "
        "the targets against the image, allow more evaluations or a larger sample, or pass "
        "accept_best=True to go on with these weights."
    )
