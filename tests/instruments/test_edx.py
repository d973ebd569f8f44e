import numpy as np
import pytest

from analysis import electrodes
from analysis.instruments import edx
from analysis.phases import Phase
from analysis.study.imaging import edx as study

H = 0.642


def _section(cbd, width):
    section = np.zeros((3, len(cbd), width), np.float32)
    section[Phase.CBD] = np.asarray(cbd)[:, None]
    section[Phase.AM] = 0.5
    section[Phase.PORE] = 0.5 - section[Phase.CBD]
    return section


def test_counts_are_cbd_and_background():
    fluorine = edx.fluorine_map(_section(np.full(300, 0.3), 300), seed=0)
    expected = edx.COUNTS * (0.3 + edx.AM_BACKGROUND * 0.5)
    assert fluorine.mean() == pytest.approx(expected, rel=5e-3)
    assert fluorine.var() == pytest.approx(expected, rel=0.02)  # Poisson


def test_line_recovers_a_line():
    depth = (np.arange(200) + 0.5) * H
    profile = 2.0 - 0.3 * depth / depth[-1]
    fit = edx.fit_line(profile, H)
    np.testing.assert_allclose(fit.values, profile)
    assert fit.relative_change == pytest.approx((profile[-1] - profile[0]) / profile.mean())


def test_line_of_a_wide_map_recovers_the_slope_of_the_cbd():
    cbd = np.linspace(0.27, 0.19, 256)
    fluorine = edx.fluorine_map(_section(cbd, 4000), seed=0, background=0.0)
    fit = edx.fit_line(edx.depth_profile(fluorine), H)
    assert fit.relative_change == pytest.approx((cbd[-1] - cbd[0]) / cbd.mean(), abs=0.01)


def test_step_finds_levels_and_position():
    rng = np.random.default_rng(0)
    profile = np.where(np.arange(266) < 125, 1.0, 2.5) + 0.2 * rng.standard_normal(266)
    fit = edx.fit_step(profile, H)
    assert fit.step_um == pytest.approx(125 * H, abs=2 * H)
    assert fit.values[0] == pytest.approx(1.0, abs=0.05)
    assert fit.values[-1] == pytest.approx(2.5, abs=0.05)


def test_step_equals_brute_force():
    profile = np.random.default_rng(1).random(40)
    errors = {
        split: np.sum((profile[:split] - profile[:split].mean()) ** 2)
        + np.sum((profile[split:] - profile[split:].mean()) ** 2)
        for split in range(4, 37)
    }
    assert edx.fit_step(profile, 1.0).step_um == min(errors, key=errors.get)


def test_pvdf_overstates_the_step_and_the_recipes_correct_it():
    depth = (np.arange(266) + 0.5) * H
    share = study.pvdf_share("TL", depth)
    truth = np.where(depth < 80, 4.5, 8.5)  # CBD of suspensions C and B [wt%]
    fluorine = truth * share
    assert fluorine[-1] / fluorine[0] == pytest.approx(5.5 / 1.5)
    naive = edx.cbd_profile(fluorine, 0.23)
    corrected = edx.cbd_profile(fluorine, 0.23, pvdf_share=share)
    assert naive[-1] / naive[0] == pytest.approx(5.5 / 1.5)
    assert corrected[-1] / corrected[0] == pytest.approx(8.5 / 4.5)
    assert naive.mean() == pytest.approx(0.23)
    assert corrected.mean() == pytest.approx(0.23)


def test_weights_keep_the_mean_recipe():
    depth = np.linspace(0.5, 164, 100)
    np.testing.assert_allclose(study.fluorine_weight("SL", depth), 1)
    upper, lower = study.fluorine_weight("TL", np.array([10.0, 150.0]))
    mean = electrodes.ELECTRODES["TL"].recipe.pvdf_share
    assert (upper * mean, lower * mean) == pytest.approx((1.5 / 4.5, 5.5 / 8.5))


@pytest.mark.parametrize(
    ("call", "message"),
    [
        (lambda: edx.fluorine_map(np.zeros((4, 5)), seed=0), r"expected \(3, Z, X\)"),
        (lambda: edx.fluorine_map(_section([0.2] * 9, 5), seed=0, counts=-1), "negative"),
        (lambda: edx.fit_line(np.zeros((4, 5)), H), "three finite values"),
        (lambda: edx.fit_line(np.zeros(9), H), "no counts"),
        (lambda: edx.cbd_profile(np.linspace(-1, 3, 9), 0.2), "negative .* in depth slice 0"),
        (lambda: edx.cbd_profile(np.ones(4), 0.2, pvdf_share=np.zeros(4)), "positive values"),
    ],
)
def test_bad_input_is_refused(call, message):
    with pytest.raises(ValueError, match=message):
        call()
