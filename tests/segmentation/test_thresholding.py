"""Fractions are met exactly, ties are not hidden, orientation does not matter."""

import numpy as np
import pytest

from analysis.phases import Phase, volume_fractions
from analysis.segmentation.thresholding import (
    Thresholds,
    apply,
    calibrate,
    deviations,
    trinarize,
)

from .symmetries import symmetries

TARGETS = {Phase.PORE: 0.1738, Phase.CBD: 0.2308, Phase.AM: 0.5954}


@pytest.fixture
def gray():
    return np.random.default_rng(2022).normal(0.5, 0.2, (17, 23, 29)).astype(np.float32)


@pytest.mark.parametrize("dtype", [np.float32, np.float64])
def test_float_volume_meets_each_target_to_one_voxel(gray, dtype):
    misses = deviations(trinarize(gray.astype(dtype), TARGETS), TARGETS)
    assert max(abs(miss) for miss in misses.values()) < 1


@pytest.mark.parametrize("levels", [2, 5, 40])
def test_float_volume_full_of_ties_still_meets_each_target(gray, levels):
    misses = deviations(trinarize(np.round(gray * levels) / levels, TARGETS), TARGETS)
    assert max(abs(miss) for miss in misses.values()) < 1


def test_brighter_voxels_never_get_a_darker_phase(gray):
    labels = trinarize(gray, TARGETS)
    assert np.all(np.diff(labels.ravel()[np.argsort(gray, axis=None)].astype(int)) >= 0)


@pytest.mark.parametrize("bits", [8, 16])
def test_integer_volume_reports_what_brute_force_finds_best(gray, bits):
    scale = 2**bits - 1
    whole = np.clip(gray * scale, 0, scale).astype(f"uint{bits}")
    if bits == 16:
        whole = whole // 700 * 700
    found = calibrate(whole, TARGETS)
    cuts = [*np.unique(whole), int(whole.max()) + 1]
    for target, cut in ((TARGETS[Phase.PORE], found.cbd), (1 - TARGETS[Phase.AM], found.am)):
        best = min(abs(np.mean(whole < candidate) - target) for candidate in cuts)
        assert abs(np.mean(whole < cut) - target) == pytest.approx(best, abs=1e-12)
    labels = trinarize(whole, TARGETS)
    assert volume_fractions(labels) == pytest.approx(found.achieved, abs=1e-12)
    assert found.miss == max(abs(found.achieved[p] - TARGETS[p]) for p in Phase)
    assert all(len(np.unique(labels[whole == value])) == 1 for value in np.unique(whole))


def test_integer_volume_can_be_split_within_a_gray_value_on_request(gray):
    whole = np.clip(gray * 20, 0, 255).astype(np.uint8)
    misses = deviations(trinarize(whole, TARGETS, split_ties=True), TARGETS)
    assert max(abs(miss) for miss in misses.values()) < 1


def test_calibrated_and_applied_on_one_volume_equals_trinarize(gray):
    np.testing.assert_array_equal(apply(gray, calibrate(gray, TARGETS)), trinarize(gray, TARGETS))


def test_thresholds_of_a_window_are_the_same_gray_values_in_a_cutout(gray):
    thresholds = calibrate(gray[:10], TARGETS)
    labels = apply(gray[10:], thresholds)
    np.testing.assert_array_equal(labels == Phase.AM, gray[10:] >= thresholds.am)
    np.testing.assert_array_equal(labels == Phase.PORE, gray[10:] < thresholds.cbd)
    assert isinstance(thresholds, Thresholds)


@pytest.mark.parametrize("kind", ["float", "few levels", "uint8"])
def test_turned_volume_gives_turned_labels(gray, kind):
    if kind == "few levels":
        gray = np.round(gray * 6) / 6
    elif kind == "uint8":
        gray = np.clip(gray * 255, 0, 255).astype(np.uint8)
    labels = trinarize(gray, TARGETS)
    for name, turn in symmetries():
        np.testing.assert_array_equal(trinarize(turn(gray), TARGETS), turn(labels), name)


@pytest.mark.parametrize("empty", list(Phase))
def test_a_phase_may_be_absent(gray, empty):
    targets = {phase: 0.0 if phase == empty else 0.5 for phase in Phase}
    for volume in (gray, np.clip(gray * 255, 0, 255).astype(np.uint8)):
        assert np.count_nonzero(trinarize(volume, targets) == empty) == 0


@pytest.mark.parametrize(
    ("volume", "message"),
    [
        (np.ones((4, 4, 4)), "Every voxel has the gray value"),
        (np.zeros((4, 4)), "two-dimensional"),
        (np.array([[[0.0, np.nan, 1.0]]]), "NaN or infinite"),
        (np.arange(24).reshape(2, 3, 4) % 3, "looks like labels"),
    ],
)
def test_what_is_no_gray_volume_is_refused(volume, message):
    with pytest.raises(ValueError, match=message):
        trinarize(volume, TARGETS)


def test_percent_are_refused(gray):
    with pytest.raises(ValueError, match="look like percent"):
        trinarize(gray, {Phase.PORE: 17.38, Phase.CBD: 23.08, Phase.AM: 59.54})
