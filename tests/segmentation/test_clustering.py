"""The weighted k-means: eq (1) to the letter, fractions to 0.1 %, any orientation."""

import itertools
import tracemalloc

import numpy as np
import pytest
from scipy import ndimage

from analysis.phases import Phase, volume_fractions
from analysis.segmentation import _cluster_kernels as kernels
from analysis.segmentation import cluster_sample, cluster_weights, clustering
from analysis.segmentation.cluster_weights import Bobyqa
from analysis.segmentation.clustering import FractionsNotReached, assign, fit, trinarize

from .symmetries import symmetries

TARGETS = {Phase.PORE: 0.1738, Phase.CBD: 0.2308, Phase.AM: 0.5954}


def tomogram(shape, seed=0):
    """Three blurred, noisy phases in a random arrangement."""
    rng = np.random.default_rng(seed)
    field = ndimage.gaussian_filter(rng.normal(size=shape), 2)
    steps = np.digitize(field, np.quantile(field, (0.1738, 0.4046)))
    image = np.array([0.0, 0.3, 1.0])[steps] + rng.normal(scale=0.3, size=shape)
    return ndimage.gaussian_filter(image, 0.6).astype(np.float32)


@pytest.fixture(scope="module")
def gray():
    return tomogram((40, 36, 44))


def features_by_numpy(gray):
    """(27, N) features by slicing and sorting a padded volume."""
    padded = np.pad(gray, 1, mode="edge")
    shells = {0: [], 1: [], 2: [], 3: []}
    for step in itertools.product((0, 1, 2), repeat=3):
        window = tuple(slice(i, i + n) for i, n in zip(step, gray.shape, strict=True))
        shells[sum(i != 1 for i in step)].append(padded[window].ravel())
    return np.concatenate([np.sort(shells[distance], axis=0) for distance in range(4)])


def test_sorting_network_sorts_every_shell():
    pairs = kernels.sorting_network()
    assert len(pairs) == 73
    for first, stop in itertools.pairwise(kernels.SHELLS):
        # A network that sorts all zeros and ones sorts everything (Knuth, 0-1 principle).
        n = stop - first
        rows = (np.arange(2**n) >> np.arange(n)[:, None]) & 1
        for low, high in pairs[(pairs[:, 0] >= first) & (pairs[:, 0] < stop)] - first:
            rows[[low, high]] = np.sort(rows[[low, high]], axis=0)
        assert np.all(np.diff(rows, axis=0) >= 0)


@pytest.mark.parametrize("shape", [(3, 4, 5), (5, 7, 530), (4, 40, 33)])
def test_features_are_those_of_numpy(shape):
    gray = np.random.default_rng(3).integers(0, 1000, shape).astype(np.int32)
    padded = np.pad(gray, 1, mode="edge")
    places = np.arange(padded.size).reshape(padded.shape)[1:-1, 1:-1, 1:-1].ravel()
    found = kernels.features_at(
        padded, places, kernels.neighbor_steps(padded.shape), kernels.sorting_network()
    )
    found = np.moveaxis(found, 1, 0).reshape(27, -1)[:, : places.size]
    np.testing.assert_array_equal(found, features_by_numpy(gray))


def test_one_pass_is_equation_1(gray):
    fitted = fit(gray, TARGETS, seed=1, n_sample=5000)
    labels, assigned = assign(gray, fitted)
    features = features_by_numpy(gray.astype(float))
    x = np.repeat(fitted.shell_weights, (1, 6, 12, 8))
    distances = np.stack(
        [
            weight * np.einsum("m,mj->j", x, (features - centroid[:, None]) ** 2)
            for weight, centroid in zip(assigned.phase_weights, fitted.centroids, strict=True)
        ]
    )
    expected = distances.argmin(axis=0).reshape(gray.shape)
    assert np.count_nonzero(labels != expected) <= 3  # float32 against float64 at a tie


@pytest.mark.parametrize("shape", [(5, 7, 530), (6, 20, 48)])
def test_sums_of_the_pass_are_exact(shape):
    rng = np.random.default_rng(5)
    gray = rng.integers(0, kernels.LEVELS, shape).astype(np.int32)
    padded = np.pad(gray, 1, mode="edge")
    ratios = np.empty(shape, np.float32), np.empty(shape, np.float32)
    means = np.sort(rng.integers(0, kernels.LEVELS, (3, 27)), axis=0).astype(np.float32)
    sums, counts = kernels.fused_pass(
        padded,
        kernels.neighbor_steps(padded.shape),
        kernels.sorting_network(),
        means,
        np.ones(27, np.float32),
        np.ones(3, np.float32),
        *ratios,
    )
    features = features_by_numpy(gray)
    labels = cluster_weights.labels_of(*ratios, 1, 1).ravel()
    for phase in Phase:
        assert counts[phase] == np.count_nonzero(labels == phase)
        np.testing.assert_array_equal(sums[phase], features[:, labels == phase].sum(axis=1))


def drawn(gray, n_sample=5000, seed=1, **options):
    padded, _ = cluster_sample.whole_numbers(gray)
    return cluster_sample.draw(padded, n_sample, seed=seed, **options)


def columns_of(sample):
    return np.moveaxis(sample.features, 1, 0).reshape(27, -1)[:, : sample.size].astype(float)


def test_lloyd_ends_at_means_of_its_own_clusters(gray):
    sample = drawn(gray)
    weights, phase_weights = np.ones(27, np.float32), np.array([3, 2, 1], np.float32)
    means, counts, passes = kernels.lloyd(
        sample.features, sample.size, sample.centroids, weights, phase_weights, 300
    )
    assert passes < 300
    columns = columns_of(sample)
    distances = ((columns[None] - means[:, :, None].astype(float)) ** 2).sum(axis=1)
    labels = (phase_weights[:, None] * distances).argmin(axis=0)
    for phase in Phase:
        np.testing.assert_allclose(
            columns[:, labels == phase].mean(axis=1), means[phase], rtol=1e-6
        )
        assert counts[phase] == np.count_nonzero(labels == phase)


def test_clusters_solve_equation_1_with_the_target_fractions(gray):
    sample, x = drawn(gray), np.array([1, 2, 0.5, 1], np.float32)
    means, w, counts, _ = cluster_weights.clusters(sample, TARGETS, x, sample.centroids, np.ones(3))
    columns = columns_of(sample)
    distances = [
        w[phase] * np.repeat(x, (1, 6, 12, 8)) @ (columns - means[phase][:, None]) ** 2
        for phase in Phase
    ]
    labels = np.argmin(distances, axis=0)
    for phase in Phase:
        assert abs(counts[phase] - TARGETS[phase] * sample.size) < 1.5
        assert abs(np.count_nonzero(labels == phase) - counts[phase]) <= 3  # float32 at a tie
        np.testing.assert_allclose(
            columns[:, labels == phase].mean(axis=1), means[phase], rtol=2e-3
        )


def test_no_weights_that_meet_the_fractions_are_nearer_to_one(gray):
    sample = drawn(gray, 20_000)
    best = cluster_weights.nearest(sample, TARGETS, "five")

    def norm(shells):
        _, w, _, _ = cluster_weights.clusters(
            sample, TARGETS, shells.astype(np.float32), best.means, best.phase_weights
        )
        return np.sum(np.log(w[:2]) ** 2) + np.sum(np.log(shells) ** 2)

    least = norm(best.shell_weights)
    for direction in np.vstack([np.eye(3), -np.eye(3)]):
        moved = best.shell_weights * np.exp(0.4 * np.concatenate([[0], direction]))
        assert norm(moved) > least


def test_starts_at_the_brightest_the_darkest_and_what_lies_between(gray):
    start = drawn(gray, start="extremes").centroids
    assert start[Phase.AM, 0] == kernels.LEVELS - 1
    assert start[Phase.PORE, 0] == 0
    columns = columns_of(drawn(gray))
    middle = (start[Phase.AM].astype(float) + start[Phase.PORE]) / 2
    best = ((columns - middle[:, None]) ** 2).sum(axis=0).argmin()
    np.testing.assert_array_equal(start[Phase.CBD], columns[:, best])
    assert cluster_sample.gray_range(gray) == (gray.min(), gray.max())


@pytest.mark.parametrize("shape", [(8, 8, 8), (8, 8, 13), (9, 12, 7), (5, 6, 6)])
def test_sample_is_the_same_after_any_turn(shape):
    chosen = np.zeros(shape, bool)
    chosen[tuple(cluster_sample.positions(shape, 120, seed=3).T)] = True
    assert 1 <= chosen.sum() <= 120
    for name, turn in symmetries():
        turned = np.zeros(turn(chosen).shape, bool)
        turned[tuple(cluster_sample.positions(turned.shape, 120, seed=3).T)] = True
        np.testing.assert_array_equal(turned, turn(chosen), name)


@pytest.mark.parametrize("options", [{}, {"free": "two"}, {"search": Bobyqa()}], ids=str)
def test_fractions_are_met_to_a_thousandth(gray, options):
    fractions = volume_fractions(trinarize(gray, TARGETS, seed=7, n_sample=8000, **options))
    for phase in Phase:
        assert abs(fractions[phase] - TARGETS[phase]) < 1e-3


def disturbed(gray, what):
    """The same volume as a damaged detector would give it, and the voxels that may change."""
    changed = gray.copy()
    places = np.random.default_rng(9).integers(0, gray.shape, (1 if "dead" in what else 4, 3))
    level = {"dead": -20.0, "dead, far": -1e6, "hot": 1e4, "hot pixels": 40.0}[what]
    changed[tuple(places.T)] = level
    near = np.zeros(gray.shape, bool)
    near[tuple(places.T)] = True
    return changed, ndimage.binary_dilation(near, np.ones((3, 3, 3)))


@pytest.mark.parametrize("what", ["dead", "dead, far", "hot", "hot pixels"])
def test_pixels_far_off_the_range_change_only_their_surroundings(gray, what):
    clean = trinarize(gray, TARGETS, seed=1, n_sample=8000)
    changed, near = disturbed(gray, what)
    labels = trinarize(changed, TARGETS, seed=1, n_sample=8000)
    assert np.mean(labels[~near] != clean[~near]) < 2e-3


def test_five_gray_levels_will_do(gray):
    levels = np.digitize(gray, np.quantile(gray, (0.15, 0.35, 0.5, 0.75))).astype(np.uint8)
    for phase, fraction in volume_fractions(trinarize(levels, TARGETS, seed=1)).items():
        assert abs(fraction - TARGETS[phase]) < 1e-3


@pytest.mark.parametrize("shape", [(7, 7, 7), (4, 9, 11), (3, 3, 3)])
def test_small_volumes_are_met_to_one_voxel(shape):
    fractions = volume_fractions(trinarize(tomogram(shape, seed=2), TARGETS, seed=1))
    for phase in Phase:
        assert abs(fractions[phase] - TARGETS[phase]) <= 1 / np.prod(shape)


@pytest.mark.parametrize("bits", [8, 16])
def test_integer_tomograms_are_fine(gray, bits):
    scaled = (gray - gray.min()) / np.ptp(gray) * (2**bits - 1)
    labels = trinarize(scaled.astype(f"uint{bits}"), TARGETS, seed=7, n_sample=8000)
    for phase, fraction in volume_fractions(labels).items():
        assert abs(fraction - TARGETS[phase]) < 1e-3


def test_brightness_and_contrast_do_not_matter(gray):
    whole = np.rint((gray - gray.min()) / np.ptp(gray) * 10_000).astype(np.uint16)
    labels = trinarize(whole, TARGETS, seed=7, n_sample=4000)
    again = trinarize(3 * whole + 5000, TARGETS, seed=7, n_sample=4000)
    np.testing.assert_array_equal(labels, again)


def test_same_seed_same_labels(gray):
    first, second = (trinarize(gray, TARGETS, seed=3, n_sample=4000) for _ in range(2))
    np.testing.assert_array_equal(first, second)


@pytest.mark.parametrize("dtype", [np.float32, np.uint8])
@pytest.mark.parametrize(
    "options",
    [{}, {"start": "extremes"}, {"search": Bobyqa(max_evaluations=25), "start": "extremes"}],
    ids=("nearest", "extremes", "bobyqa"),
)
def test_turned_volume_gives_turned_labels(dtype, options):
    gray = tomogram((12, 15, 18), seed=4)
    if dtype == np.uint8:
        gray = (255 * (gray - gray.min()) / np.ptp(gray)).astype(np.uint8)

    def label(volume):
        short = fit(volume, TARGETS, seed=5, n_sample=600, accept_best=True, **options)
        return assign(volume, short, accept_best=True)[0]

    labels = label(gray)
    assert set(np.unique(labels)) == {0, 1, 2}
    for name, turn in symmetries():
        np.testing.assert_array_equal(label(turn(gray)), turn(labels), name)


def test_turned_volume_gives_turned_labels_after_the_whole_search(gray):
    def turn(volume):
        return volume.transpose(2, 0, 1)[:, ::-1]

    labels = trinarize(gray, TARGETS, seed=5, n_sample=8000)
    np.testing.assert_array_equal(
        trinarize(turn(gray), TARGETS, seed=5, n_sample=8000), turn(labels)
    )


def test_record_of_the_search(gray):
    fitted = fit(gray, TARGETS, seed=7, free="two", search=Bobyqa(), n_sample=4000)
    np.testing.assert_array_equal(fitted.shell_weights, 1)
    assert fitted.phase_weights[Phase.AM] == 1
    assert fitted.evaluations > 3 and fitted.passes > fitted.evaluations
    assert fit(gray, TARGETS, seed=7, free="two", n_sample=4000).evaluations == 1
    assert fitted.miss <= clustering.TOLERANCE
    _, assigned = assign(gray, fitted)
    assert 0 < assigned.drift < 0.05


def test_threads_do_not_change_the_labels(gray):
    fitted = fit(gray, TARGETS, seed=1, n_sample=5000)
    one, two = (assign(gray, fitted, threads=threads) for threads in (1, 3))
    np.testing.assert_array_equal(one[0], two[0])
    assert one[1].drift == two[1].drift


def test_memory_is_at_most_twenty_bytes_a_voxel(monkeypatch):
    volume = tomogram((72, 70, 74), seed=1)
    monkeypatch.setattr(cluster_weights, "_CHUNK", 2**14)
    fitted = fit(volume, TARGETS, seed=1, n_sample=2000)  # the kernels are compiled by now
    assign(volume, fitted)
    for work in (
        lambda: fit(volume, TARGETS, seed=1, n_sample=2000),
        lambda: assign(volume, fitted),
    ):
        tracemalloc.start()
        work()
        _, peak = tracemalloc.get_traced_memory()
        tracemalloc.stop()
        assert (peak + volume.nbytes) / volume.size <= 20


def test_unreachable_fractions_stop_with_the_best(gray):
    search = Bobyqa(bounds=(0.9, 1.1))
    with pytest.raises(FractionsNotReached, match="Best weights .* accept_best"):
        fit(gray, TARGETS, seed=7, n_sample=4000, search=search)
    best = fit(gray, TARGETS, seed=7, n_sample=4000, search=search, accept_best=True)
    assert best.miss > clustering.TOLERANCE
    labels, assigned = assign(gray, best)  # the weights of the volume are free of the bounds
    assert assigned.miss < clustering.TOLERANCE
    assert labels.shape == gray.shape


@pytest.mark.parametrize(
    ("change", "message"),
    [
        ({"gray": np.ones((5, 5, 5))}, "Every voxel has the gray value"),
        ({"gray": np.random.default_rng(0).random((2, 9, 9))}, "at least 3 voxels"),
        ({"targets": {Phase.PORE: 0.5, Phase.CBD: 0.0, Phase.AM: 0.5}}, "fraction of CBD is 0"),
        ({"targets": {Phase.PORE: 0.5, Phase.CBD: 0.2, Phase.AM: 0.5}}, "sum to 1.2"),
        ({"free": "six"}, "expected 'five' or 'two'"),
        ({"search": "newton"}, "expected 'nearest' or a Bobyqa"),
        ({"start": "middle"}, "expected one of quantiles, extremes"),
    ],
)
def test_bad_input_is_refused(gray, change, message):
    arguments = {"gray": gray, "targets": TARGETS} | change
    with pytest.raises(ValueError, match=message):
        trinarize(arguments.pop("gray"), arguments.pop("targets"), seed=1, **arguments)
