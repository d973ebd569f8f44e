"""Bright or dark particles, told from gray values and targets."""

import numpy as np
import pytest
from scipy.ndimage import gaussian_filter

from analysis.phases import Phase, volume_fractions
from analysis.segmentation.polarity import inverted, recognize, separations


def specimen(am, noise, seed=1, dtype=float):
    """Three phases of a smooth random field, imaged with equal steps of gray."""
    rng = np.random.default_rng(seed)
    field = gaussian_filter(rng.normal(size=(40, 40, 40)), 2)
    low, high = np.quantile(field, ((1 - am) * 0.45, 1 - am))
    labels = (field > low).astype(np.uint8) + (field > high)
    gray = np.choose(labels, (100.0, 130.0, 220.0)) + rng.normal(0, noise, labels.shape)
    return np.clip(gray, 0, 255).astype(dtype), volume_fractions(labels)


@pytest.mark.parametrize("am", [0.35, 0.6, 0.7])
@pytest.mark.parametrize("noise", [5, 25])
@pytest.mark.parametrize("dtype", [np.uint8, np.uint16, np.float32])
def test_bright_and_dark_are_told_apart(am, noise, dtype):
    gray, targets = specimen(am, noise, dtype=dtype)
    assert recognize(gray, targets) == "bright"
    assert recognize(inverted(gray), targets) == "dark"


def test_dead_voxels_do_not_turn_it_round():
    gray, targets = specimen(0.6, 10)
    gray[3, 4, 5], gray[7, 8, 9] = -1e6, 1e6
    assert recognize(gray, targets) == "bright"


def test_half_a_volume_and_pure_noise_tell_nothing():
    rng = np.random.default_rng(0)
    half = {Phase.AM: 0.5, Phase.CBD: 0.3, Phase.PORE: 0.2}
    assert recognize(specimen(0.5, 5)[0], half) == "unclear"
    targets = {Phase.AM: 0.6, Phase.CBD: 0.2, Phase.PORE: 0.2}
    assert recognize(rng.normal(size=(30, 30, 30)), targets) == "unclear"


def test_separation_is_otsus_criterion():
    """Two values only: all variance lies between the parts."""
    gray = np.repeat([0.0, 1.0], (400, 600)).reshape(10, 10, 10)
    bright, dark = separations(gray, {Phase.AM: 0.6, Phase.CBD: 0.2, Phase.PORE: 0.2})
    assert bright == pytest.approx(1)
    # 400 zeros with 200 ones below, 400 ones above: 0.24 * (1 - 1/3)^2 over 0.24
    assert dark == pytest.approx((1 - 1 / 3) ** 2)


@pytest.mark.parametrize("dtype", [np.uint8, np.int8, np.int16, np.uint16, np.int32, np.float32])
def test_inversion_keeps_type_and_range(dtype):
    limits = np.iinfo(dtype) if np.issubdtype(dtype, np.integer) else np.finfo(np.float16)
    gray = np.array([limits.min, 0, 1, limits.max], dtype)
    turned = inverted(gray)
    assert turned.dtype == dtype
    assert (turned.astype(float) == gray.astype(float)[::-1][0] + limits.min - gray).all()
    assert (inverted(turned) == gray).all()
