"""Gamma with doubtful parameters: intervals that hold what they say, on models that are known."""

from dataclasses import replace

import numpy as np
import pytest

from analysis.electrochemistry.materials import DEFAULT
from analysis.electrochemistry.uncertainty import emulator as emulators
from analysis.electrochemistry.uncertainty import uncertain
from analysis.electrochemistry.uncertainty.experiments import (
    BlockingSpectrum,
    LithiationCurve,
    Relaxation,
    joint_covariance,
)
from analysis.electrochemistry.uncertainty.interval import (
    gamma_interval,
    gamma_of_fit,
    profile_likelihood,
)
from analysis.study.cells.halfcell import EXAMPLE

COVARIANCE = np.diag([0.02, 0.03, 0.05]) ** 2
SEED = 3


def law(gamma, z):
    """Three numbers in which gamma and two parameters cannot be told apart entirely."""
    at = np.log(gamma)
    return np.array([0.5 * at + 0.2 * z[0] + 0.05 * at * z[1], 0.3 * z[0] - 0.1 * z[3], 0.2 * z[1]])


@pytest.fixture(scope="module")
def made():
    return emulators.train(law, number=160, seed=SEED)


class Electrode:
    """The example electrode with a transport that gamma changes."""

    thickness_m = EXAMPLE.thickness_m

    def at(self, gamma):
        return replace(EXAMPLE, transport=self.effective(gamma))

    def effective(self, gamma):
        return 0.02 + 0.5 * gamma


def test_the_emulator_is_exact_where_the_law_is_a_polynomial(made):
    rng = np.random.default_rng(0)
    for gamma in (0.012, 0.08, 0.4):
        z = rng.uniform(-1, 1, len(uncertain.UNCERTAIN))
        np.testing.assert_allclose(made.predict(gamma, z)[0], law(gamma, z), atol=1e-9)
    assert np.abs(made.miss).max() < 1e-15 and made.failed == 0
    some = made.of([2, 0])
    np.testing.assert_allclose(
        some.predict(0.1, np.zeros(8))[0], law(0.1, np.zeros(8))[[2, 0]], atol=1e-12
    )


def test_ranges_hold_what_is_in_use_and_reach_the_materials():
    at_usual = uncertain.materials_at(uncertain.usual())
    for salt in (300.0, 1000.0, 1800.0):
        for name in ("conductivity_S_m", "diffusivity_m2_s", "transference"):
            found, usual = (getattr(m.electrolyte, name)(salt) for m in (at_usual, DEFAULT))
            assert found == pytest.approx(usual, rel=1e-12)
    assert at_usual.active.diffusivity_m2_s == pytest.approx(5e-15)
    assert at_usual.lithium.exchange_current_A_m2 == pytest.approx(10.0)
    z = uncertain.usual()
    z[[0, 2, 4]] = -1, 1, -1  # D_e, t₊, L_sep
    changed = uncertain.materials_at(z)
    ratio = changed.electrolyte.diffusivity_m2_s(700.0) / DEFAULT.electrolyte.diffusivity_m2_s(
        700.0
    )
    assert ratio == pytest.approx(0.61)
    shift = changed.electrolyte.transference(700.0) - DEFAULT.electrolyte.transference(700.0)
    assert shift == pytest.approx(0.16)
    assert changed.separator.thickness_m == pytest.approx(180e-6)
    assert np.all(np.abs(uncertain.usual()) <= 1)


def test_the_interval_is_that_of_the_linear_problem():
    """One number, gamma alone: the interval is the one of a normal distribution."""
    one = emulators.train(lambda gamma, z: np.array([np.log(gamma)]), number=160, seed=SEED)
    found = gamma_interval(one, [np.log(0.07)], [[0.2**2]], seed=SEED, draws=4000)
    assert np.log(found.gamma / 0.07) == pytest.approx(0, abs=0.03)
    assert np.log(found.factor) == pytest.approx(2 * 1.645 * 0.2, rel=0.07)
    assert not found.at_bound
    gammas, distance = profile_likelihood(one, np.array([np.log(0.07)]), [[0.2**2]], found)
    np.testing.assert_allclose(distance, 0.5 * (np.log(gammas / 0.07) / 0.2) ** 2, atol=1e-6)


def test_ninety_of_a_hundred_intervals_hold_gamma(made):
    rng = np.random.default_rng(1)
    number, held, alone = 40, 0, 0
    for _ in range(number):
        gamma = np.exp(rng.uniform(*np.log(uncertain.GAMMAS)))
        z = rng.uniform(-1, 1, len(uncertain.UNCERTAIN))
        seen = law(gamma, z) + rng.multivariate_normal(np.zeros(3), COVARIANCE)
        found = gamma_interval(made, seen, COVARIANCE, seed=SEED, draws=400)
        held += found.low <= gamma <= found.high
        fit = gamma_of_fit(made, gamma, z[None], COVARIANCE, uncertain.usual())[0]
        alone += abs(np.log(fit / gamma)) < 1.645 * 0.04  # noise of the first over its slope
    assert 0.8 * number <= held <= 0.975 * number
    assert alone < 0.6 * number  # a fit with the default parameters does not


def test_an_interval_at_the_end_of_the_range_says_so(made):
    seen = law(0.5, np.zeros(8)) + [0.3, 0, 0]
    assert gamma_interval(made, seen, COVARIANCE, seed=SEED, draws=600).at_bound


def test_draws_come_from_the_seed(made):
    seen = law(0.08, np.zeros(8))
    one, same, other = (
        gamma_interval(made, seen, COVARIANCE, seed=seed, draws=400) for seed in (1, 1, 2)
    )
    assert (one.low, one.high) == (same.low, same.high) != (other.low, other.high)


@pytest.mark.parametrize("seen", [[1.0, 2.0], [1.0, np.nan, 0.0], [np.inf, 0.0, 0.0]])
def test_numbers_that_do_not_fit_are_refused(made, seen):
    with pytest.raises(ValueError, match="the emulator expects 3"):
        gamma_interval(made, seen, COVARIANCE, seed=SEED)


def test_a_model_that_fails_too_often_says_why():
    def broken(gamma, z):
        if z[0] > 0:
            raise ValueError("nothing conducts")
        return law(gamma, z)

    with pytest.raises(ValueError, match="nothing conducts"):
        emulators.train(broken, number=160, seed=SEED)
    with pytest.raises(ValueError, match="expected at least"):
        emulators.train(law, number=40, seed=SEED)


def test_sensitivities_of_a_known_law():
    first, total = emulators.sensitivities(
        lambda z: z[:, 0] + 2 * z[:, 1] + z[:, 0] * z[:, 2], ["a", "b", "c"], seed=SEED
    )
    variance = 1 / 3 + 4 / 3 + 1 / 9
    assert first["b"] == pytest.approx(4 / 3 / variance, abs=0.03)
    assert total["a"] == pytest.approx((1 / 3 + 1 / 9) / variance, abs=0.03)
    assert total["c"] == pytest.approx(1 / 9 / variance, abs=0.02) and abs(first["c"]) < 0.02


@pytest.mark.parametrize(
    "experiment", [LithiationCurve(6.0), LithiationCurve(2.0), Relaxation(), BlockingSpectrum()]
)
def test_numbers_of_an_experiment_have_a_covariance(experiment):
    numbers = experiment.simulate(Electrode(), 0.1)
    assert numbers.shape * 2 == experiment.covariance.shape
    assert np.all(np.isfinite(numbers))
    assert np.linalg.eigvalsh(joint_covariance([experiment, experiment])).min() > 0


def test_a_lithiation_that_stops_early_is_refused():
    capacity = np.linspace(0, 3, 50)
    with pytest.raises(ValueError, match="expected the cut-off"):
        LithiationCurve().reduce(capacity, 4.2 - 0.2 * capacity)
