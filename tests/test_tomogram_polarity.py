"""Bright or dark particles, told from gray values and targets."""

import numpy as np
import pytest
from scipy.ndimage import gaussian_filter

from analysis.phases import Phase, volume_fractions
from analysis.tomogram.polarity import (
    polarity_doubt,
    recognize,
    separations,
    strongest_contrast,
    turn_round,
)


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
    assert recognize(turn_round(gray), targets) == "dark"


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
    turned = turn_round(gray)
    assert turned.dtype == dtype
    assert (turned.astype(float) == gray.astype(float)[::-1][0] + limits.min - gray).all()
    assert (turn_round(turned) == gray).all()


def test_strongest_contrast_is_otsus_threshold():
    from skimage.filters import threshold_otsu

    for am in (0.35, 0.6):
        gray = specimen(am, 20, dtype=np.uint8)[0]
        above = (gray > threshold_otsu(gray)).mean()
        assert strongest_contrast(gray) == pytest.approx(above, abs=0.02)
    assert strongest_contrast(np.full((4, 4, 4), 7)) == 1


@pytest.mark.parametrize("am", [0.6, 0.7])
@pytest.mark.parametrize("said", ["", "bright", "dark"])
def test_the_doubt_names_the_way_out_that_is_left(am, said):
    gray, targets = specimen(am, 10)
    assert polarity_doubt(gray, targets, said) == ""
    doubt = polarity_doubt(turn_round(gray), targets, said)
    assert ("look bright in the file" if said == "dark" else "look dark in the file") in doubt
    assert "AM,CBD,pore" in doubt
    assert ("add POLARITY=dark" in doubt) == (said == "")


@pytest.mark.parametrize("order", [(2, 1, 0), (1, 0, 2), (0, 2, 1)])
def test_fractions_in_another_order_are_doubted(order):
    """Bright particles, but the fraction given first is not theirs."""
    gray, targets = specimen(0.65, 10)
    numbers = [targets[phase] for phase in (Phase.AM, Phase.CBD, Phase.PORE)]
    swapped = dict(zip((Phase.AM, Phase.CBD, Phase.PORE), (numbers[n] for n in order), strict=True))
    doubt = polarity_doubt(gray, swapped)
    assert ("order AM,CBD,pore" in doubt) == (order[0] != 0)
