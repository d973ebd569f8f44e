import numpy as np
import pytest

from analysis.descriptors.covariance import PAIRS, two_point_coverage
from analysis.descriptors.kernels.pairs import lag_pairs, pair_counts
from analysis.phases import Phase


def ends(labels, lag):
    """The two views of a volume whose voxels are a lag apart."""
    tails = tuple(slice(max(0, -d), n - max(0, d)) for d, n in zip(lag, labels.shape, strict=True))
    heads = tuple(slice(max(0, d), n - max(0, -d)) for d, n in zip(lag, labels.shape, strict=True))
    return labels[tails], labels[heads]


@pytest.mark.parametrize("tile_voxels", [1 << 26, 9000])
@pytest.mark.parametrize(
    ("shape", "max_lag"), [((24, 25, 26), (7, 6, 5)), ((9, 40, 33), (0, 9, 12))]
)
def test_pair_counts_equal_brute_force(electrode, shape, max_lag, tile_voxels):
    labels = electrode(shape)
    counts, tails, heads = pair_counts(labels, max_lag, tile_voxels=tile_voxels)
    rng = np.random.default_rng(0)
    lags = [(0, 0, 0), max_lag, (max_lag[0], -max_lag[1], -max_lag[2])]
    for _ in range(25):
        lags.append(tuple(int(rng.integers(-r if k else 0, r + 1)) for k, r in enumerate(max_lag)))
    for lag in lags:
        at = (lag[0], lag[1] + max_lag[1], lag[2] + max_lag[2])
        tail, head = ends(labels, lag)
        assert lag_pairs(shape, max_lag)[at] == tail.size
        for i in Phase:
            assert tails[(i, *at)] == np.count_nonzero(tail == i)
            assert heads[(i, *at)] == np.count_nonzero(head == i)
            for j in Phase:
                both = np.count_nonzero((tail == i) & (head == j))
                both += np.count_nonzero((tail == j) & (head == i))
                assert counts[(i, j, *at)] == both


def test_tiles_and_threads_change_nothing(electrode):
    labels = electrode((40, 44, 48))
    whole = two_point_coverage(labels, 1.0, 8.0)
    tiled = two_point_coverage(labels, 1.0, 8.0, tile_voxels=20_000, threads=2)
    np.testing.assert_array_equal(whole.values, tiled.values)


@pytest.mark.parametrize("centering", ["lag", "volume"])
def test_value_at_zero_is_exact(electrode, centering):
    labels = electrode((20, 24, 28))
    fractions = np.bincount(labels.ravel()) / labels.size
    values = two_point_coverage(labels, 0.642, 5.0, centering=centering).values[:, :, 0]
    np.testing.assert_allclose(values, np.diag(fractions) - np.outer(fractions, fractions))


def test_rows_sum_to_zero(electrode):
    """One phase or another must lie there, so what one pair gains the others lose."""
    values = two_point_coverage(electrode((32, 36, 40)), 0.642, 10.0).values
    np.testing.assert_allclose(values.sum(axis=1), 0, atol=1e-15)
    np.testing.assert_array_equal(values, values.transpose(1, 0, 2))


def test_curve_is_the_mean_over_the_lags_of_a_bin(electrode):
    labels = electrode((16, 17, 18))
    coverage = two_point_coverage(labels, 2.0, 6.0, centering="volume")
    fractions = np.bincount(labels.ravel()) / labels.size
    sums, lengths, n = np.zeros((3, 3, 4)), np.zeros(4), np.zeros(4)
    for lag in np.ndindex(7, 7, 7):
        lag = np.array(lag) - 3
        length = np.linalg.norm(lag)
        k = round(length)
        if k > 3:
            continue
        tail, head = ends(labels, lag)
        n[k] += 1
        lengths[k] += 2.0 * length
        for i in Phase:
            for j in Phase:
                probability = np.mean((tail == i) & (head == j))
                sums[i, j, k] += probability - fractions[i] * fractions[j]
    np.testing.assert_allclose(coverage.values, sums / n, atol=1e-14)
    np.testing.assert_allclose(coverage.r_um, lengths / n)
    np.testing.assert_array_equal(coverage.n_lags, (n + [1, 0, 0, 0]) / 2)


def test_independent_labels_are_uncorrelated(random_labels):
    labels = random_labels((60, 60, 60), fractions=(0.2, 0.3, 0.5))
    fractions = np.bincount(labels.ravel()) / labels.size
    coverage = two_point_coverage(labels, 1.0, 10.0)
    for i, j in PAIRS:
        curve = coverage.of(i, j)[1:]
        variance = fractions[i] * (1 - fractions[i]) * fractions[j] * (1 - fractions[j])
        errors = np.sqrt(variance / (labels.size * coverage.n_lags[1:]))
        assert np.abs(curve / errors).max() < 4


def test_layers_along_z_are_analytic():
    """Layers of period 8: within a lag along z the covariance is a triangle wave."""
    labels = np.zeros((64, 12, 12), np.uint8)
    labels[np.arange(64) % 8 < 4] = Phase.AM
    counts, *_ = pair_counts(labels, (8, 0, 0))
    shares = counts[Phase.AM, Phase.AM, :, 0, 0] / 2 / lag_pairs(labels.shape, (8, 0, 0))[:, 0, 0]
    for h in range(9):
        tail, head = ends(labels, (h, 0, 0))
        assert shares[h] == np.mean((tail == 2) & (head == 2))
    assert shares[0] == 0.5
    assert shares[4] == 0
    assert shares[8] == 0.5


def test_flat_voxels_use_their_own_lengths(electrode):
    labels = electrode((20, 40, 40))
    flat = two_point_coverage(labels, (2.0, 1.0, 1.0), 6.0)
    assert flat.r_um[0] == 0
    assert np.all(np.diff(flat.r_um) > 0)
    assert np.all(np.abs(flat.r_um - np.arange(7)) <= 0.5)


def test_errors_say_what_to_do(electrode):
    labels = electrode((12, 30, 30))
    with pytest.raises(ValueError, match="smaller than the largest lag of 15 µm"):
        two_point_coverage(labels, 1.0, 15.0)
    with pytest.raises(ValueError, match="r_max_um is -1"):
        two_point_coverage(labels, 1.0, -1)
    with pytest.raises(ValueError, match="centering is 'global'"):
        two_point_coverage(labels, 1.0, 5.0, centering="global")
    with pytest.raises(ValueError, match="voxel size"):
        two_point_coverage(labels, None, 5.0)
    with pytest.raises(ValueError, match="Labels run from"):
        two_point_coverage(labels + 1, 1.0, 5.0)


def test_tiles_follow_the_memory_there_is_and_counts_do_not(electrode, monkeypatch):
    from analysis.descriptors.kernels import pairs as _pairs

    sizes = []
    for left in (2**40, 2 * 2**30, 2**20, 0):
        monkeypatch.setattr(_pairs, "available_memory", lambda left=left: left)
        sizes.append(_pairs.affordable_tile())
    assert sizes[0] == _pairs.TILE_VOXELS and sizes[-1] == _pairs._SMALLEST_TILE
    assert sizes == sorted(sizes, reverse=True)
    assert sizes[1] * 40 <= 2**30  # a tile leaves room for the rest
    labels = electrode((30, 28, 26))
    whole = two_point_coverage(labels, 1.0, 6.0)
    monkeypatch.setattr(_pairs, "_SMALLEST_TILE", 9000)
    tiled = two_point_coverage(labels, 1.0, 6.0)
    assert (whole.values == tiled.values).all()
