"""Rivals of the posterior and settings that differ from those of the training."""

import numpy as np
import pytest

from analysis.phases import VOXEL_SIZE_UM, Phase, volume_fractions
from analysis.segmentation import agreement
from analysis.study.limit import limit, rivals, shift


@pytest.fixture(scope="module")
def clear():
    """Blobs of three gray values with little noise, which anybody can tell apart."""
    from scipy import ndimage

    rng = np.random.default_rng(2)
    field = ndimage.gaussian_filter(rng.standard_normal((24, 28, 32)), 4, mode="wrap")
    labels = np.digitize(field, np.quantile(field, [0.35, 0.6])).astype("u1")
    gray = np.choose(labels, [0.0, 0.45, 1.0]) + 0.04 * rng.standard_normal(labels.shape)
    return limit.Known({"specimen": "SL"}, gray.astype("f4"), labels, np.full(24, 0.25), 0)


@pytest.mark.parametrize("rival", rivals.RIVALS, ids=lambda rival: rival.title)
def test_a_rival_meets_the_fractions_and_finds_what_is_clear(clear, rival):
    targets = clear.targets
    labels = rival.labels(clear.gray, targets, rival.strengths[0])
    for phase, fraction in volume_fractions(labels).items():
        assert fraction == pytest.approx(targets[phase], abs=2e-4)
    # an interface between pore and AM looks like CBD to any method that sees one gray value
    assert agreement.kappa(labels, clear.labels) > 0.6


def test_the_point_spread_is_that_of_a_small_bright_speck():
    spread = rivals.point_spread()
    assert spread.sum() == pytest.approx(1)
    assert np.unravel_index(spread.argmax(), spread.shape) == (8, 8, 8)
    for turned in (spread[::-1], spread[:, ::-1], spread.transpose(0, 2, 1)):
        np.testing.assert_allclose(turned, spread, atol=1e-5)


def test_the_table_keeps_the_best_strength(clear, monkeypatch):
    def right_for(wanted):
        return lambda gray, targets, strength: (
            clear.labels if strength == wanted else (clear.labels + 1) % 3
        )

    monkeypatch.setattr(
        rivals,
        "RIVALS",
        tuple(rivals.Rival(str(n), "kind", (1, 2, 3), right_for(n)) for n in (1, 3)),
    )
    table = rivals.table([clear]).set_index("method")
    assert list(table.index) == ["Thresholding", "1", "3"]
    assert (table.kappa[["1", "3"]] == 1).all() and list(table.strength[["1", "3"]]) == [1, 3]
    assert table.kappa["Thresholding"] > 0.9


@pytest.mark.parametrize("factor", [2, 3, 1.6])
def test_coarser_voxels_hold_the_mean_of_what_they_cover(factor):
    composition = np.random.default_rng(0).random((3, 18, 12, 24)).astype("f4")
    composition /= composition.sum(axis=0)
    found = shift.coarser(composition, factor)
    assert found.shape == (3, *(int(n / factor) for n in (18, 12, 24)))
    np.testing.assert_allclose(found.sum(axis=0), 1, atol=1e-5)
    if factor == 2:
        means = composition.reshape(3, 9, 2, 6, 2, 12, 2).mean(axis=(2, 4, 6))
        np.testing.assert_allclose(found, means, atol=1e-5)


def of(title):
    return next(one for one in shift.SHIFTS if one.title == title)


def made(setting):
    return shift.known(setting, "SL", seed=3, lateral=32, thickness=48)


@pytest.fixture(scope="module")
def usual():
    return made(of("reference"))


@pytest.mark.parametrize("title", ["noise .4", "edge-enhanced", "detector blur .5 µm"])
def test_another_image_is_of_the_same_electrode(usual, title):
    other = made(of(title))
    np.testing.assert_array_equal(other.labels, usual.labels)
    assert np.abs(other.gray - usual.gray).mean() > 0.01


@pytest.mark.parametrize(
    ("title", "factor"), [("half of the CBD", 0.5), ("1.2 times the CBD", 1.2)]
)
def test_the_amount_of_cbd_changes_and_that_of_the_am_does_not(usual, title, factor):
    other = made(of(title)).targets
    assert other[Phase.CBD] == pytest.approx(factor * usual.targets[Phase.CBD], rel=0.01)
    assert other[Phase.AM] == pytest.approx(usual.targets[Phase.AM], rel=0.01)


@pytest.mark.parametrize("title", ["CBD as a film on the AM", "particles 1.4 times as large"])
def test_another_electrode_has_other_labels_of_the_same_fractions(usual, title):
    other = made(of(title))
    assert np.mean(other.labels != usual.labels) > 0.05
    assert other.targets[Phase.CBD] == pytest.approx(usual.targets[Phase.CBD], abs=0.01)


def test_every_setting_has_its_own_title_and_one_change():
    titles = [one.title for one in shift.SHIFTS]
    assert len(set(titles)) == len(titles) > 10
    for one in shift.SHIFTS[1:]:
        size = one.voxel_size_um != VOXEL_SIZE_UM
        assert bool(one.specimen) + bool(one.imaging) + (one.cbd != 1) + size == 1, one.title


@pytest.mark.parametrize(("resampled", "edge"), [(True, 20), (False, 33)])
def test_the_measured_am_keeps_its_fractions(resampled, edge):
    rng = np.random.default_rng(1)
    labels = np.kron(rng.integers(0, 3, (3, 3, 3)), np.ones((11, 11, 11))).astype("u1")
    one = shift.measured(labels, 0.398, resampled=resampled, seed=1)
    assert one.labels.shape == one.gray.shape == (edge,) * 3
    np.testing.assert_allclose(one.cbd_profile, (one.labels == 1).mean(axis=(1, 2)))
    fractions = volume_fractions(labels)
    for phase in Phase:
        assert one.targets[phase] == pytest.approx(fractions[phase], abs=0.06)
