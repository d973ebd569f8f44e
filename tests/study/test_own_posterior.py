"""The posterior of a reader's volume: doubts, intervals, and failures that stop nothing else."""

import numpy as np
import pytest

from analysis.instruments import transfer
from analysis.phases import VOXEL_SIZE_UM, Phase, volume_fractions
from analysis.segmentation.boosting import posterior_model
from analysis.specimen import electrode
from analysis.study.own_data import own_posterior


@pytest.fixture(scope="module")
def specimen():
    return electrode.make("SL", 32, seed=11, thickness=40)


@pytest.fixture(scope="module")
def gray(specimen):
    return transfer.image(specimen.composition, VOXEL_SIZE_UM, seed=1, noise=0.1)


@pytest.fixture(scope="module")
def found(gray):
    found, reason = own_posterior.attempt(gray, VOXEL_SIZE_UM)
    assert reason == ""
    return found


def test_a_tomogram_of_the_kind_of_the_training_has_no_doubts(found):
    assert found.doubts == ()
    assert "lie within" in own_posterior.warning(found)


@pytest.mark.parametrize(
    ("spoil", "what"),
    [
        (lambda g, rng: g + 0.9 * rng.normal(size=g.shape), "noise"),
        (lambda g, rng: np.where(g > 0.6, g, 0.1) + 0.01 * rng.normal(size=g.shape), "dark gray"),
        (lambda g, rng: _blurred(g, 2.0), "edges"),
    ],
)
def test_noise_contrast_and_blur_outside_the_training_are_said(gray, spoil, what):
    spoiled = spoil(gray, np.random.default_rng(0)).astype("f4")
    found, _ = own_posterior.attempt(spoiled, VOXEL_SIZE_UM)
    text = own_posterior.warning(found)
    assert "not of the kind" in text
    assert what in text
    assert text.count("\n- ") == len(found.doubts)  # once, though two predictions were made


def _blurred(gray, width):
    from scipy import ndimage

    return ndimage.gaussian_filter(gray, width)


@pytest.mark.parametrize("size", [0.2, 0.5, 1.0])
def test_another_voxel_size_is_said(gray, size):
    found, _ = own_posterior.attempt(gray, size)
    assert any("resample" in doubt for doubt in found.doubts)


@pytest.mark.parametrize("shape", [(8, 32, 32), (32, 9, 32)])
def test_too_thin_a_volume_is_a_reason_and_no_crash(gray, shape):
    thin = gray[tuple(slice(n) for n in shape)]
    found, reason = own_posterior.attempt(thin, VOXEL_SIZE_UM)
    assert found is None
    assert "at least 10" in reason
    labels, failed = own_posterior.with_posterior({"kmeans": 0}, {}, found, reason, {})
    assert labels == {"kmeans": 0}
    assert failed == {"posterior": reason}
    assert "no posterior" in own_posterior.warning(found)


def test_missing_weights_are_a_reason(gray, tmp_path, monkeypatch):
    monkeypatch.setattr(posterior_model, "WEIGHTS", tmp_path / "posterior.npz")
    posterior_model.stored.cache_clear()
    found, reason = own_posterior.attempt(gray, VOXEL_SIZE_UM)
    posterior_model.stored.cache_clear()
    assert found is None
    assert "missing" in reason


def test_intervals_hold_their_median_and_draws_meet_the_fractions(found, gray, specimen):
    targets = volume_fractions(specimen.labels)
    table = own_posterior.intervals(found, targets, VOXEL_SIZE_UM, seed=1, count=2)
    assert list(table.quantity) == list(own_posterior.NAMES.values())
    assert (table.lowest <= table["median"]).all()
    assert (table["median"] <= table.highest).all()
    assert (table.lowest < table.highest).any()
    pictures = own_posterior.pictures(found, gray, targets, seed=1)
    assert len(pictures) == 5
    for name in ("most probable", "a draw, bridging", "a draw, cluster"):
        for phase, fraction in volume_fractions(pictures[name]).items():
            assert fraction == pytest.approx(targets[phase], abs=1.5 / gray.size)
    assert Phase.CBD in pictures["most probable"]
