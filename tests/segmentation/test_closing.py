"""The closing is the one that is defined, and every slice gets what the profile says."""

import numpy as np
import pytest
from scipy import ndimage

from analysis.phases import Phase, volume_fractions
from analysis.segmentation.closing import close, slice_counts, trinarize

TARGETS = {Phase.PORE: 0.1738, Phase.CBD: 0.2308, Phase.AM: 0.5954}


def particles(shape, fraction=0.5954, seed=0, size=2.0):
    field = ndimage.gaussian_filter(np.random.default_rng(seed).normal(size=shape), size)
    return field > np.quantile(field, 1 - fraction)


@pytest.fixture(scope="module")
def am():
    return particles((32, 40, 40))


def ball(squared_radius):
    """All steps shorter than the radius."""
    reach = int(np.ceil(np.sqrt(squared_radius)))
    grid = np.mgrid[(slice(-reach, reach + 1),) * 3]
    return (grid**2).sum(axis=0) < squared_radius


def opened(mask, squared_radius):
    """Union of all balls of one radius that do not touch the outside, by erosion and dilation."""
    distances = np.rint(ndimage.distance_transform_edt(mask) ** 2)
    return ndimage.binary_dilation(distances >= squared_radius, ball(squared_radius)) & mask


def closings_by_morphology(am):
    """For each squared radius, what the closings by all balls from it on fill."""
    free = ~am
    levels = np.unique(np.rint(ndimage.distance_transform_edt(free) ** 2)).astype(int)[::-1]
    filled, union = {}, np.zeros_like(am)
    for level in levels[levels > 0]:
        union |= opened(free, level)
        filled[level] = free & ~union
    return filled


def test_closing_with_a_radius_per_slice_is_that_of_morphology():
    am = particles((14, 20, 20), seed=3, size=1.6)
    filled = closings_by_morphology(am)
    levels = sorted(level for level in filled if 2 < level < 20)
    expected = np.stack([filled[levels[z % len(levels)]][z] for z in range(len(am))])
    counts = expected.reshape(len(am), -1).sum(axis=1)
    assert 0 < counts.min()
    wanted = counts.sum() / am.size
    targets = {Phase.AM: am.mean(), Phase.CBD: wanted, Phase.PORE: 1 - am.mean() - wanted}
    labels, found = close(am, counts, targets)
    np.testing.assert_array_equal(found.counts, counts)
    np.testing.assert_array_equal(labels == Phase.CBD, expected)


def test_fills_small_openings_first_and_near_the_particles_first(am):
    from analysis.descriptors.size import opening_map

    labels, found = close(am, np.linspace(1.2, 0.8, len(am)), TARGETS)
    sizes = opening_map(~am)
    distances = ndimage.distance_transform_edt(~am)
    for z in range(len(am)):
        cbd, pore = labels[z] == Phase.CBD, labels[z] == Phase.PORE
        assert sizes[z][cbd].max() <= sizes[z][pore].min()
        tied = sizes[z] == found.squared_radius[z]
        if np.any(tied & cbd) and np.any(tied & pore):
            assert distances[z][tied & cbd].max() <= distances[z][tied & pore].min()
            assert 0 < found.share[z] < 1


@pytest.mark.parametrize("slope", [-0.3, 0.0, 0.7])
def test_each_slice_and_the_total_meet_their_targets(am, slope):
    profile = 5 * (1 + slope * (np.arange(len(am)) / len(am) - 0.5))
    labels = trinarize(am, profile, TARGETS)
    per_slice = (labels == Phase.CBD).mean(axis=(1, 2))
    wanted = TARGETS[Phase.CBD] * profile / profile.mean()
    assert np.abs(per_slice - wanted).max() <= 1 / am[0].size
    assert abs(volume_fractions(labels)[Phase.CBD] - TARGETS[Phase.CBD]) <= 0.5 / am.size
    np.testing.assert_array_equal(labels == Phase.AM, am)


def test_unit_of_the_profile_does_not_matter(am):
    profile = np.linspace(1, 2, len(am))
    labels, first = close(am, profile, TARGETS)
    again, second = close(am, 1000 * profile, TARGETS)
    np.testing.assert_array_equal(labels, again)
    assert first.scale == pytest.approx(1000 * second.scale)


def test_more_cbd_contains_less_cbd(am):
    level = np.ones(len(am))
    low, high = (
        trinarize(am, level, {**TARGETS, Phase.CBD: value, Phase.PORE: 1 - 0.5954 - value})
        for value in (0.10, 0.25)
    )
    assert np.all((high == Phase.CBD)[low == Phase.CBD])


def test_slit_between_two_plates_is_filled_before_the_open_space():
    am = np.zeros((20, 12, 12), dtype=bool)
    am[[0, 3]] = True  # a slit of two voxels between plates, then open space
    am[19] = True
    am = am.transpose(1, 2, 0)
    free = (~am).mean()
    targets = {Phase.AM: am.mean(), Phase.CBD: 2 / 20, Phase.PORE: free - 2 / 20}
    labels = trinarize(am, np.ones(12), targets)
    assert np.all(labels[:, :, 1:3] == Phase.CBD)
    assert np.all(labels[:, :, 4:19] == Phase.PORE)


def test_counts_are_exact_in_total_and_near_in_each_slice(am):
    profile = np.random.default_rng(0).random(len(am)) + 1
    counts, scale = slice_counts(am, profile, TARGETS)
    assert counts.sum() == round(TARGETS[Phase.CBD] * am.size)
    assert np.all(np.abs(counts - scale * profile * am[0].size) <= 1)


def test_slice_without_room_is_named(am):
    crowded = am.copy()
    crowded[7] = True
    crowded[7, :5, :5] = False
    with pytest.raises(ValueError, match=r"Slice 7 is to hold .* only 0.0156 of it is not AM"):
        trinarize(crowded, np.ones(len(am)), TARGETS)


def test_crowded_slices_are_filled_and_the_others_scaled_on_request(am):
    crowded = am.copy()
    crowded[7] = True
    crowded[7, :5, :5] = False
    profile = np.linspace(1, 2, len(am))
    counts, scale = slice_counts(crowded, profile, TARGETS, crowded="fill")
    assert counts.sum() == round(TARGETS[Phase.CBD] * am.size)
    assert counts[7] == 25
    others = np.arange(len(am)) != 7
    assert np.all(np.abs(counts - scale * profile * am[0].size)[others] <= 1)
    labels = trinarize(crowded, profile, TARGETS, crowded="fill")
    assert np.count_nonzero(labels == Phase.CBD) == counts.sum()


def test_more_cbd_than_room_in_the_whole_volume_is_refused(am):
    targets = {Phase.AM: 0.3, Phase.CBD: 0.6, Phase.PORE: 0.1}
    with pytest.raises(ValueError, match="target 0.6000 exceeds the 0.404"):
        trinarize(am, np.ones(len(am)), targets, crowded="fill")


@pytest.mark.parametrize(
    ("change", "message"),
    [
        (lambda profile: profile - 1.5, "negative in 16 slices, 0 to 15"),
        (lambda profile: profile[1:], "one value per slice"),
        (lambda profile: profile * np.nan, "NaN"),
        (lambda profile: profile * 0, "zero in every slice"),
    ],
)
def test_bad_profile_is_refused(am, change, message):
    with pytest.raises(ValueError, match=message):
        trinarize(am, change(np.linspace(1, 2, len(am))), TARGETS)


def test_labels_instead_of_a_mask_are_refused(am):
    with pytest.raises(ValueError, match="labels == Phase.AM"):
        trinarize(am.astype(np.uint8), np.ones(len(am)), TARGETS)
    with pytest.raises(ValueError, match="nothing to close"):
        trinarize(np.zeros_like(am), np.ones(len(am)), TARGETS)


@pytest.mark.parametrize("seed", range(12))
def test_slices_that_the_cbd_fills_exactly(seed):
    rng = np.random.default_rng(seed)
    am = rng.random((5, 6, 7)) < rng.uniform(0.2, 0.8)
    targets = {Phase.PORE: 0.0, Phase.CBD: 1 - am.mean(), Phase.AM: am.mean()}
    labels = trinarize(am, (~am).sum((1, 2)) / 3, targets)
    np.testing.assert_array_equal(labels == Phase.CBD, ~am)
