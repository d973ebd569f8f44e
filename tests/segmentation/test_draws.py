"""Draws: exact fractions, the posterior as their mean, and the roughness of an electrode."""

import numpy as np
import pytest
from scipy import ndimage
from scipy.special import ndtr, ndtri

from analysis.descriptors import surface
from analysis.phases import Phase, volume_fractions
from analysis.segmentation import draws

TARGETS = {Phase.PORE: 0.2, Phase.CBD: 0.25, Phase.AM: 0.55}


def smooth_field(shape, width, seed):
    field = ndimage.gaussian_filter(np.random.default_rng(seed).normal(size=shape), width)
    return field / field.std()


@pytest.fixture(scope="module")
def probabilities():
    """A posterior that is sure at some places and unsure at others."""
    shape = (40, 32, 32)
    active = ndtr(0.2 + 1.5 * smooth_field(shape, 3, 0))
    binder = ndtr(0.1 + 0.7 * smooth_field(shape, 2, 1))
    parts = ((1 - active) * (1 - binder), (1 - active) * binder, active)
    return np.stack(parts, axis=-1).astype(np.float32)


@pytest.mark.parametrize("widths", [(1.0, 1.6), (0.0, 0.0), (2.5, 0.7)])
@pytest.mark.parametrize(
    "targets", [(0.2, 0.25, 0.55), (0.0, 0.4, 0.6), (0.1234, 0.3333, 0.5433), (0.9, 0.05, 0.05)]
)
def test_fractions_are_met_to_a_voxel(probabilities, targets, widths):
    targets = dict(zip(Phase, targets, strict=True))
    labels = draws.draw(probabilities, targets, seed=3, widths=widths)
    assert labels.dtype == np.uint8
    for phase, fraction in volume_fractions(labels).items():
        assert abs(fraction - targets[phase]) * labels.size < 1


def test_same_seed_same_bytes_another_seed_another_map(probabilities):
    first, second, other = (draws.draw(probabilities, TARGETS, seed=s) for s in (7, 7, 8))
    np.testing.assert_array_equal(first, second)
    assert 0.02 < np.mean(first != other) < 0.6


def test_sure_voxels_are_the_same_in_every_draw(probabilities):
    sure = probabilities.copy()
    sure[:10] = (0, 0, 1)
    sure[10:12] = (1, 0, 0)
    sure[12:14] = (0, 1, 0)
    targets = dict(zip(Phase, sure.mean(axis=(0, 1, 2), dtype=float), strict=True))
    for seed in range(3):
        labels = draws.draw(sure, targets, seed=seed)
        assert np.all(labels[:10] == Phase.AM)
        assert np.all(labels[10:12] == Phase.PORE)
        assert np.all(labels[12:14] == Phase.CBD)


def test_mean_of_many_draws_is_the_posterior_up_to_the_shift(probabilities):
    """Exact fractions shift every probit of a question alike; beyond this draws add nothing."""
    count = 150
    labels = np.stack([draws.draw(probabilities, TARGETS, seed=seed) for seed in range(count)])
    active = (labels == Phase.AM).mean(axis=0)
    expected = shifted(probabilities[..., Phase.AM], TARGETS[Phase.AM])
    compare(active, expected, count)
    elsewhere = (labels != Phase.AM).sum(axis=0)
    often = elsewhere > 60
    cbd = (labels == Phase.CBD).sum(axis=0)[often] / elsewhere[often]
    share = draws.binder_share(probabilities)
    weight = 1 - expected
    wanted = TARGETS[Phase.CBD] / (TARGETS[Phase.CBD] + TARGETS[Phase.PORE])
    compare(cbd, shifted(share, wanted, weight)[often], 60)


def shifted(probability, mean, weight=None):
    """The probabilities whose probits are moved by one number so that they have that mean."""
    probit = ndtri(np.clip(probability.astype(float), 1e-6, 1 - 1e-6))
    low, high = -3.0, 3.0
    for _ in range(50):
        middle = (low + high) / 2
        above = np.average(ndtr(probit + middle), weights=weight) > mean
        low, high = (low, middle) if above else (middle, high)
    return ndtr(probit + low)


def compare(found, expected, count):
    """Each level of probability is met within what so many draws can tell."""
    for low in np.arange(0, 1, 0.1):
        here = (expected >= low) & (expected < low + 0.1)
        if here.sum() > 200:
            assert found[here].mean() == pytest.approx(expected[here].mean(), abs=0.012)
    scatter = np.sqrt(np.mean(expected * (1 - expected)) / count)
    assert np.sqrt(np.mean((found - expected) ** 2)) < 1.15 * scatter + 0.01


@pytest.mark.parametrize("shape", [(16, 24, 20), (33, 17, 40), (8, 8, 9)])
@pytest.mark.parametrize("width", [0.0, 1.0, 1.6, 3.0])
def test_field_has_mean_zero_and_variance_one(shape, width):
    fields = np.stack(
        [draws.gaussian_field(shape, width, np.random.default_rng(seed)) for seed in range(200)]
    )
    assert fields.shape[1:] == shape
    grain = max(1.0, 2 * np.sqrt(np.pi) * width)  # voxels along an axis that share their luck
    samples = fields.size / np.prod(np.minimum(grain, shape))
    assert np.mean(fields**2) == pytest.approx(1, abs=5 * np.sqrt(2 / samples))
    assert abs(fields.mean()) < 5 / np.sqrt(samples)


@pytest.mark.parametrize("width", [1.0, 1.6, 3.0])
def test_field_is_correlated_as_a_smoothed_one_and_opposite_faces_are_not(width):
    fields = np.stack(
        [
            draws.gaussian_field((24, 20, 20), width, np.random.default_rng(seed))
            for seed in range(60)
        ]
    )
    for axis in (1, 2, 3):
        for lag in (1, 2, 4):
            first, second = (np.moveaxis(fields, axis, 0)[part] for part in
                             (slice(None, -lag), slice(lag, None)))  # fmt: skip
            expected = np.exp(-((lag / (2 * width)) ** 2))
            assert np.mean(first * second) == pytest.approx(expected, abs=0.06)
        across = np.moveaxis(fields, axis, 0)
        assert np.mean(across[0] * across[-1]) == pytest.approx(0, abs=0.15)


@pytest.mark.parametrize("seed", range(3))
def test_draws_recover_the_surface_of_the_truth_and_independent_ones_do_not(seed):
    """
    A truth made as the draws assume: what is drawn from its posterior has its interface.

    The luck that decided the truth had the width of the draws; without correlation every voxel
    is decided alone and the interface of CBD and pore is far too large.
    """
    shape = (40, 40, 40)
    share = ndtr(0.6 * smooth_field(shape, 3, 10 + seed))
    active = np.zeros(shape)
    active[::8] = 1  # walls of AM
    parts = ((1 - active) * (1 - share), (1 - active) * share, active)
    made = np.stack(parts, axis=-1).astype("f4")
    made /= made.sum(axis=-1, keepdims=True)
    targets = {Phase.PORE: 0.4375, Phase.CBD: 0.4375, Phase.AM: 0.125}
    truth = draws.draw(made, targets, seed=100 + seed)
    area = surface.specific_surfaces(truth, 1.0).cbd_pore
    correlated = surface.specific_surfaces(draws.draw(made, targets, seed=seed), 1.0).cbd_pore
    alone = draws.draw(made, targets, seed=seed, widths=(0, 0))
    independent = surface.specific_surfaces(alone, 1.0).cbd_pore
    assert correlated == pytest.approx(area, rel=0.08)  # one draw of some grains
    assert independent > 1.5 * area


@pytest.mark.parametrize(
    ("spoil", "message"),
    [
        (lambda p: p[..., :2], "expected \\(Z, Y, X, 3\\)"),
        (lambda p: p[0], "expected \\(Z, Y, X, 3\\)"),
        (lambda p: 100 * p, "sum to one"),
        (lambda p: np.where(p > 0.9, np.nan, p), "sum to one"),
        (lambda p: p * [0.5, 1, 1], "sum to one"),
        (lambda p: np.stack([p[..., 0] + 2, p[..., 1] - 2, p[..., 2]], -1), "sum to one"),
    ],
)
def test_what_is_no_posterior_is_refused(probabilities, spoil, message):
    with pytest.raises(ValueError, match=message):
        draws.draw(spoil(probabilities), TARGETS, seed=0)


@pytest.mark.parametrize(
    "widths",
    [
        (-1.0, 1.0),
        (1.0, np.nan),
        (1.0, np.inf),
        (1.0,),
        (1.0, ((0.5, 1.0), (0.4, 2.0))),
        (1.0, ((1.5, 1.0), (-0.5, 2.0))),
        (((1.0, (1.0, 2.0)),), 1.0),
        (1.0, ((1.0,),)),
        (1.0, ()),
    ],
)
def test_widths_that_are_none_are_refused(probabilities, widths):
    with pytest.raises(ValueError, match="widths"):
        draws.draw(probabilities, TARGETS, seed=0, widths=widths)


@pytest.mark.parametrize("scenario", ["Bridging", None, "films"])
def test_a_scenario_that_is_none_is_refused(probabilities, scenario):
    with pytest.raises(ValueError, match="bridging, cluster"):
        draws.draw(probabilities, TARGETS, seed=0, scenario=scenario)


@pytest.mark.parametrize(
    "parts",
    [
        ((0.7, 1.0), (0.3, 3.0)),
        ((1.0, (2.0, 1.0, 0.5)),),
        ((0.5, (1.5, 1.0, 1.0)), (0.5, 3.0)),
    ],
)
def test_field_of_several_parts_is_correlated_as_their_sum(parts):
    fields = np.stack(
        [
            draws.gaussian_field((24, 20, 20), parts, np.random.default_rng(seed))
            for seed in range(60)
        ]
    )
    for axis in range(3):
        for lag in (1, 2, 4):
            along = np.moveaxis(fields, axis + 1, 0)
            expected = sum(
                share * np.exp(-((lag / (2 * np.broadcast_to(width, 3)[axis])) ** 2))
                for share, width in parts
            )
            assert np.mean(along[:-lag] * along[lag:]) == pytest.approx(expected, abs=0.06)
    assert np.mean(fields**2) == pytest.approx(1, abs=0.05)


def test_several_take_turns_and_the_next_are_the_same_whatever_the_count(probabilities):
    other = probabilities[..., [1, 0, 2]]
    by_scenario = {"bridging": probabilities, "cluster": other}
    four = list(draws.several(by_scenario, TARGETS, count=4, seed=5))
    two = list(draws.several(by_scenario, TARGETS, count=2, seed=5))
    for a, b in zip(two, four, strict=False):
        np.testing.assert_array_equal(a, b)
    expected = draws.draw(other, TARGETS, seed=[5, 3], scenario="cluster")
    np.testing.assert_array_equal(four[3], expected)
    assert np.mean(four[0] != four[2]) > 0.02
    alone = list(draws.several({"cluster": other}, TARGETS, count=2, seed=5))
    np.testing.assert_array_equal(
        alone[1], draws.draw(other, TARGETS, seed=[5, 1], scenario="cluster")
    )


def test_no_scenario_at_all_is_refused():
    with pytest.raises(ValueError, match="at least one scenario"):
        list(draws.several({}, TARGETS, count=2, seed=0))


def test_targets_that_are_none_are_refused(probabilities):
    with pytest.raises(ValueError, match="sum"):
        draws.draw(probabilities, {p: 0.5 for p in Phase}, seed=0)
