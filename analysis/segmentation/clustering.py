"""Weighted k-means on sorted neighborhoods, with weights that meet the volume fractions.

Prifling et al. 2022, Section 3.2: 27 features per voxel, eq (1), five free weights. :func:`fit`
finds them on a fixed sample, :func:`assign` labels a volume in one pass.
"""

from concurrent.futures import ThreadPoolExecutor
from dataclasses import dataclass, replace

import numpy as np

from analysis.phases import Phase, check_gray, check_targets, volume_fractions
from analysis.segmentation import _cluster_kernels as kernels
from analysis.segmentation import cluster_sample, cluster_weights
from analysis.segmentation.cluster_weights import TOLERANCE, Bobyqa

SHELL_NAMES = ("x_1", "x_6", "x_12", "x_8")  # own value, 6, 12 and 8 neighbors


class FractionsNotReached(RuntimeError):
    """No weights were found that meet the target fractions."""


@dataclass(frozen=True)
class FittedClusters:
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
    search : str or Bobyqa
        ``"nearest"``, or the settings of the paper's search.
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
    search: object
    evaluations: int
    passes: int
    cost: float
    drift: float = np.nan

    @property
    def miss(self):
        """Largest distance [-] between a target and what was achieved."""
        return max(abs(self.achieved[phase] - self.targets[phase]) for phase in Phase)


def trinarize(gray, targets, *, seed, n_sample=100_000, accept_best=False, **options):
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
    n_sample : int
        Voxels to fit on. More make the result depend less on the seed.
    accept_best : bool
        Go on with the best weights when the fractions are not reached.
    **options
        ``free``, ``search`` and ``start`` of :func:`fit`.

    Returns
    -------
    labels : (Z, Y, X) ndarray of uint8
        Phase of each voxel, each fraction within 0.1 % of its target, or within one voxel.

    Raises
    ------
    ValueError
        If `gray` is no gray volume, `targets` are no volume fractions, a phase is to be
        absent, or an option is unknown.
    FractionsNotReached
        If a fraction stays more than 0.1 % from its target and `accept_best` is not set.

    Notes
    -----
    A rotated or mirrored volume gives rotated or mirrored labels, voxel for voxel: neighbors
    are sorted, the border repeats the outermost voxels, the sample is symmetric, and centroids
    are exact sums. Gray values that differ by a millionth of their range give the same labels
    in all but a few voxels of a hundred thousand.

    References
    ----------
    .. [1] Prifling et al., Energy Technol. 2022, Section 3.2. :doi:`10.1002/ente.202200784`
    """
    fitted = fit(gray, targets, seed=seed, n_sample=n_sample, accept_best=accept_best, **options)
    labels, _ = assign(gray, fitted, accept_best=accept_best)
    return labels


def fit(
    gray,
    targets,
    *,
    seed,
    free="five",
    search="nearest",
    start="quantiles",
    n_sample=100_000,
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
    search : str or Bobyqa
        ``"nearest"``: of all weights that meet the fractions, those nearest to one. A
        :class:`~analysis.segmentation.cluster_weights.Bobyqa` is the paper's search; what it
        finds hangs on start, bounds, sample and the last bit of the gray values.
    start : {"quantiles", "extremes"}
        Where the centroids start; ``"extremes"`` is the paper's rule, see
        :func:`analysis.segmentation.cluster_sample.draw`.
    n_sample : int
        Voxels to fit on.
    accept_best : bool
        Return the best weights even if they miss the targets.

    Returns
    -------
    fit : FittedClusters
        Weights, centroids and the record of the search.

    Raises
    ------
    ValueError, FractionsNotReached
        As for :func:`trinarize`.
    """
    gray, targets = _checked(gray, targets)
    if free not in ("five", "two"):
        raise ValueError(f"`free` is {free!r}; expected 'five' or 'two' free weights.")
    if search != "nearest" and not isinstance(search, Bobyqa):
        raise ValueError(f"`search` is {search!r}; expected 'nearest' or a Bobyqa.")
    if start not in cluster_sample.STARTS:
        raise ValueError(
            f"`start` is {start!r}; expected one of {', '.join(cluster_sample.STARTS)}."
        )
    padded, gray_range = cluster_sample.whole_numbers(gray)
    sample = cluster_sample.draw(padded, n_sample, seed=seed, start=start)
    if search == "nearest":
        found = cluster_weights.nearest(sample, targets, free)
    else:
        found = cluster_weights.bobyqa(sample, targets, free, search, seed=seed)
    achieved = dict(zip(Phase, found.fractions.tolist(), strict=True))
    fitted = FittedClusters(
        phase_weights=found.phase_weights.astype(float),
        shell_weights=found.shell_weights.astype(float),
        centroids=_to_gray(found.means, gray_range),
        gray_range=gray_range,
        targets=targets,
        achieved=achieved,
        free=free,
        seed=seed,
        n_sample=sample.size,
        search=search,
        evaluations=found.evaluations,
        passes=found.passes,
        cost=sum((achieved[phase] - targets[phase]) ** 2 for phase in Phase),
    )
    _stop_unless_met(fitted, "the sample", sample.size, accept_best)
    return fitted


def assign(gray, fit, *, accept_best=False, threads=1):
    """
    Label a volume with fitted centroids, in one pass over its voxels.

    Parameters
    ----------
    gray : (Z, Y, X) ndarray
        Gray values on the scale of the fit.
    fit : FittedClusters
        From :func:`fit`.
    accept_best : bool
        Return labels even if they miss the targets.
    threads : int
        Slabs that are passed over at the same time. The result does not depend on it.

    Returns
    -------
    labels : (Z, Y, X) ndarray of uint8
        Phase of each voxel.
    fit : FittedClusters
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
    padded, gray_range = cluster_sample.whole_numbers(gray, fit.gray_range)
    means = _from_gray(fit.centroids, gray_range)
    *ratios, sums, counts = _pass_over(padded, means, fit, threads)
    del padded  # four bytes a voxel that the selection below needs
    w_cbd, w_pore = cluster_weights.solve_phase_weights(*ratios, fit.targets, fit.phase_weights)
    labels = cluster_weights.labels_of(*ratios, w_cbd, w_pore)
    del ratios
    drift = np.abs(sums / np.maximum(counts, 1)[:, None] - means)[counts > 0].max()
    assigned = replace(
        fit,
        phase_weights=np.array([w_pore, w_cbd, 1.0]),
        achieved=volume_fractions(labels),
        drift=float(drift / (kernels.LEVELS - 1)),
    )
    _stop_unless_met(assigned, "the volume", labels.size, accept_best)
    return labels, assigned


def _pass_over(padded, means, fit, threads=1):
    """Ratios of distances, feature sums and counts of a whole volume, slab by slab."""
    shape = tuple(n - 2 for n in padded.shape)
    cbd_ratio, pore_ratio = np.empty(shape, np.float32), np.empty(shape, np.float32)
    steps, pairs = kernels.neighbor_steps(padded.shape), kernels.sorting_network()
    weights = cluster_weights.per_feature(fit.shell_weights)
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


def _to_gray(means, gray_range):
    low, high = gray_range
    return low + means.astype(float) * (high - low) / (kernels.LEVELS - 1)


def _from_gray(centroids, gray_range):
    low, high = gray_range
    return ((centroids - low) * (kernels.LEVELS - 1) / (high - low)).astype(np.float32)


def _stop_unless_met(fit, where, n_voxels, accept_best):
    # No fraction of a small volume is nearer than one voxel.
    if fit.miss <= max(TOLERANCE, 1 / n_voxels) or accept_best:
        return
    reached = ", ".join(
        f"{phase.title} {fit.achieved[phase]:.4f} for {fit.targets[phase]:.4f}" for phase in Phase
    )
    weights = ", ".join(f"{weight:.3g}" for weight in (*fit.phase_weights, *fit.shell_weights))
    raise FractionsNotReached(
        f"After {fit.evaluations} runs of k-means {where} has {reached}; expected each within "
        f"{TOLERANCE:.1%}. Best weights (w of pore, CBD, AM; x of the shells): {weights}. Check "
        "the targets against the image (many voxels of one gray value cannot be told apart), "
        "use a larger sample, or pass accept_best=True to go on with these weights."
    )
