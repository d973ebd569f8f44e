"""Centered two-point coverage: how likely two phases lie a given distance apart."""

from dataclasses import dataclass

import numpy as np

from analysis.descriptors._volume import check_shape, check_voxel_sizes
from analysis.descriptors.kernels.pairs import lag_pairs, pair_counts
from analysis.phases import Phase

PAIRS = (
    (Phase.AM, Phase.AM),
    (Phase.CBD, Phase.CBD),
    (Phase.PORE, Phase.PORE),
    (Phase.AM, Phase.CBD),
    (Phase.AM, Phase.PORE),
    (Phase.CBD, Phase.PORE),
)


@dataclass(frozen=True)
class TwoPointCoverage:
    """
    Centered two-point coverage of all pairs of phases.

    Attributes
    ----------
    r_um : (n,) ndarray of float
        Mean length of the lags of each bin [µm], 0 first.
    values : (3, 3, n) ndarray of float
        ``C_ij(r)`` [-], rows and columns ordered as :class:`~analysis.phases.Phase`; symmetric.
    n_lags : (n,) ndarray of int
        Number of lags of each bin; a lag and its opposite count once.
    """

    r_um: np.ndarray
    values: np.ndarray
    n_lags: np.ndarray

    def of(self, first, second):
        """``C_ij(r)`` of one pair of phases, (n,) ndarray of float."""
        return self.values[Phase(first), Phase(second)]


def two_point_coverage(
    labels, voxel_size_um, r_max_um, *, centering="lag", tile_voxels=None, threads=1
):
    """
    Centered two-point coverage probability of all six pairs of phases.

    Parameters
    ----------
    labels : (Z, Y, X) array of uint8
        Phase of each voxel. May be read lazily (dask, zarr): it is read tile by tile.
    voxel_size_um : float or (3,) sequence of float
        Edge length of a voxel [µm], or its edges along z, y and x.
    r_max_um : float
        Largest distance [µm].
    centering : {"lag", "volume"}
        Volume fractions that are subtracted: those of the parts of the window in which the tails
        and the heads of a lag can lie, or those of the whole window. The first is unbiased where
        the fractions change with depth, and makes the three curves of a phase sum to exactly
        zero. They differ by about 1e-3.
    tile_voxels : int, optional
        Largest padded tile. Bounds the memory, about 20 bytes per voxel of a tile, or twice that
        if the volume does not fit into one. By default as much as a quarter of the memory that is
        left can hold. The counts do not depend on it.
    threads : int
        Number of threads.

    Returns
    -------
    coverage : TwoPointCoverage
        ``C_ij(r) = P(0 in i, x in j) - eps_i eps_j`` for ``|x| = r``.

    Raises
    ------
    ValueError
        If `labels` is not a volume of the labels 0, 1 and 2, the window is smaller than the
        largest lag, or a length is not positive.

    Notes
    -----
    For every lag of the lattice the pairs with both ends in the window are counted, exactly, and
    divided by their number: no periodic copies, no bias at the border. Lags are averaged over
    directions in bins one (smallest) voxel edge wide, centered at its multiples.

    References
    ----------
    .. [1] Prifling et al., Energy Technol. 2022, Section 5.1. :doi:`10.1002/ente.202200784`

    Examples
    --------
    >>> labels = np.random.default_rng(0).integers(0, 3, (16, 16, 16), dtype=np.uint8)
    >>> coverage = two_point_coverage(labels, voxel_size_um=0.5, r_max_um=2.0)
    >>> coverage.r_um.round(2)
    array([0.  , 0.64, 1.12, 1.57, 2.03])
    >>> coverage.of(Phase.AM, Phase.AM).round(2) + 0.0
    array([0.22, 0.  , 0.  , 0.  , 0.  ])
    """
    if centering not in ("lag", "volume"):
        raise ValueError(f"centering is {centering!r}; expected 'lag' or 'volume'.")
    edges_um = check_voxel_sizes(voxel_size_um)
    labels = labels if hasattr(labels, "shape") else np.asarray(labels)
    shape = check_shape(labels)
    if not (np.isfinite(r_max_um) and r_max_um > 0):
        raise ValueError(f"r_max_um is {r_max_um}; expected a positive length in µm.")
    step_um = min(edges_um)
    n_bins = int(np.floor(r_max_um / step_um + 1e-9)) + 1
    reach_um = (n_bins - 0.5) * step_um
    max_lag = tuple(int(reach_um / edge) for edge in edges_um)
    if any(lag >= n for lag, n in zip(max_lag, shape, strict=True)):
        window_um = ", ".join(f"{n * e:.3g}" for n, e in zip(shape, edges_um, strict=True))
        raise ValueError(
            f"The window is {window_um} µm (z, y, x), smaller than the largest lag of "
            f"{r_max_um:g} µm. Give a larger cutout or a smaller r_max_um."
        )

    counts, tails, heads = pair_counts(labels, max_lag, tile_voxels=tile_voxels, threads=threads)
    pairs = lag_pairs(shape, max_lag)
    lengths_um, half = _lag_lengths(max_lag, edges_um)
    bins = np.rint(lengths_um / step_um).astype(int)
    used = half & (bins < n_bins)
    index = bins[used]
    n_lags = np.bincount(index, minlength=n_bins)
    filled = np.maximum(n_lags, 1)  # with voxels of very unequal edges a bin may be empty

    center = tuple(lag if axis else 0 for axis, lag in enumerate(max_lag))
    fractions = tails[(slice(None), *center)] / pairs[center]
    values = np.empty((len(Phase), len(Phase), n_bins))
    for i, j in PAIRS:
        covariance = counts[i, j][used] / (2 * pairs[used])
        if centering == "lag":
            in_tails = [tails[phase][used] / pairs[used] for phase in (i, j)]
            in_heads = [heads[phase][used] / pairs[used] for phase in (i, j)]
            covariance -= (in_tails[0] * in_heads[1] + in_tails[1] * in_heads[0]) / 2
        else:
            covariance -= fractions[i] * fractions[j]
        curve = np.bincount(index, weights=covariance, minlength=n_bins) / filled
        values[i, j] = values[j, i] = np.where(n_lags > 0, curve, np.nan)
    r_um = np.bincount(index, weights=lengths_um[used], minlength=n_bins) / filled
    r_um = np.where(n_lags > 0, r_um, np.arange(n_bins) * step_um)
    return TwoPointCoverage(r_um=r_um, values=values, n_lags=n_lags)


def _lag_lengths(max_lag, edges_um):
    """Length [µm] of every lag, and which of them stand for a lag and its opposite."""
    z = np.arange(max_lag[0] + 1)[:, None, None]
    y = np.arange(-max_lag[1], max_lag[1] + 1)[:, None]
    x = np.arange(-max_lag[2], max_lag[2] + 1)
    lengths_um = np.sqrt((z * edges_um[0]) ** 2 + (y * edges_um[1]) ** 2 + (x * edges_um[2]) ** 2)
    half = (z > 0) | (y > 0) | ((y == 0) & (x >= 0))
    return lengths_um, np.broadcast_to(half, lengths_um.shape)
