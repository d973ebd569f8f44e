"""The weighted k-means: eq (1) to the letter, fractions to 0.1 %, any orientation."""

import itertools

import numpy as np
import pytest
from scipy import ndimage

from analysis.phases import Phase, volume_fractions
from analysis.segmentation import _cluster_kernels as kernels
from analysis.segmentation import clustering
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
    labels = clustering._nearest(*ratios, 1, 1).ravel()
    for phase in Phase:
        assert counts[phase] == np.count_nonzero(labels == phase)
        np.testing.assert_array_equal(sums[phase], features[:, labels == phase].sum(axis=1))


def test_lloyd_ends_at_means_of_its_own_clusters(gray):
    padded, _ = clustering._whole_numbers(gray)
    features, used, start = clustering._sample(padded, 5000, 1)
    weights, phase_weights = np.ones(27, np.float32), np.array([3, 2, 1], np.float32)
    means, counts, passes = kernels.lloyd(features, used, start, weights, phase_weights, 300)
    assert passes < 300
    columns = np.moveaxis(features, 1, 0).reshape(27, -1)[:, :used].astype(float)
    distances = ((columns[None] - means[:, :, None].astype(float)) ** 2).sum(axis=1)
    labels = (phase_weights[:, None] * distances).argmin(axis=0)
    for phase in Phase:
        np.testing.assert_allclose(
            columns[:, labels == phase].mean(axis=1), means[phase], rtol=1e-6
        )
        assert counts[phase] == np.count_nonzero(labels == phase)


def test_starts_at_the_brightest_the_darkest_and_what_lies_between(gray):
    padded, (low, high) = clustering._whole_numbers(gray)
    features, used, start = clustering._sample(padded, 5000, 1)
    assert start[Phase.AM, 0] == kernels.LEVELS - 1
    assert start[Phase.PORE, 0] == 0
    columns = np.moveaxis(features, 1, 0).reshape(27, -1)[:, :used].astype(float)
    middle = (start[Phase.AM].astype(float) + start[Phase.PORE]) / 2
    best = ((columns - middle[:, None]) ** 2).sum(axis=0).argmin()
    np.testing.assert_array_equal(start[Phase.CBD], columns[:, best])
    assert (low, high) == (gray.min(), gray.max())


@pytest.mark.parametrize("free", ["five", "two"])
def test_fractions_are_met_to_a_thousandth(gray, free):
    fractions = volume_fractions(trinarize(gray, TARGETS, seed=7, free=free, n_sample=8000))
    for phase in Phase:
        assert abs(fractions[phase] - TARGETS[phase]) < 1e-3


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
def test_turned_volume_gives_turned_labels(dtype):
    gray = tomogram((12, 15, 18), seed=4)
    if dtype == np.uint8:
        gray = (255 * (gray - gray.min()) / np.ptp(gray)).astype(np.uint8)

    def label(volume):
        short = fit(volume, TARGETS, seed=5, n_sample=600, max_evaluations=25, accept_best=True)
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
    fitted = fit(gray, TARGETS, seed=7, free="two", n_sample=4000)
    np.testing.assert_array_equal(fitted.shell_weights, 1)
    assert fitted.phase_weights[Phase.AM] == 1
    assert fitted.evaluations > 3 and fitted.passes > fitted.evaluations
    assert fitted.miss <= clustering.TOLERANCE
    _, assigned = assign(gray, fitted)
    assert 0 < assigned.drift < 0.05


def test_threads_do_not_change_the_labels(gray):
    fitted = fit(gray, TARGETS, seed=1, n_sample=5000)
    one, two = (assign(gray, fitted, threads=threads) for threads in (1, 3))
    np.testing.assert_array_equal(one[0], two[0])
    assert one[1].drift == two[1].drift


def test_unreachable_fractions_stop_with_the_best(gray):
    with pytest.raises(FractionsNotReached, match="Best weights .* accept_best"):
        fit(gray, TARGETS, seed=7, n_sample=4000, bounds=(0.9, 1.1))
    best = fit(gray, TARGETS, seed=7, n_sample=4000, bounds=(0.9, 1.1), accept_best=True)
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
    ],
)
def test_bad_input_is_refused(gray, change, message):
    arguments = {"gray": gray, "targets": TARGETS} | change
    with pytest.raises(ValueError, match=message):
        trinarize(arguments.pop("gray"), arguments.pop("targets"), seed=1, **arguments)
