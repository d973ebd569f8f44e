import numpy as np
import pytest

from analysis.instruments import optics, transfer
from analysis.phases import Phase

H = 0.642
CLEAN = {"noise": 0.0, "tv_weight": 0.0}


def _uniform(phase, shape=(24, 20, 22)):
    composition = np.zeros((3, *shape), np.float32)
    composition[phase] = 1
    return composition


@pytest.mark.parametrize("scenario", ["phase-retrieved", "edge-enhanced", "correlative"])
@pytest.mark.parametrize("phase", Phase)
def test_a_pure_volume_has_the_gray_value_of_its_attenuation(scenario, phase):
    gray = transfer.image(
        _uniform(phase), H, scenario=scenario, seed=0, non_local_means=False, **CLEAN
    )
    beam = optics.beam(transfer.SCENARIOS[scenario].energy_keV)
    expected = beam.attenuation_per_um[phase] / beam.attenuation_per_um[Phase.AM]
    np.testing.assert_allclose(gray, expected, atol=1e-5)


def _wave(n, cycles):
    """AM fraction that varies as a cosine along x, the rest pore."""
    composition = np.zeros((3, 20, n, n), np.float32)
    composition[Phase.AM] = 0.5 + 0.5 * np.cos(2 * np.pi * cycles * np.arange(n) / n)
    composition[Phase.PORE] = 1 - composition[Phase.AM]
    return composition


@pytest.mark.parametrize("retrieval", [True, False])
def test_a_wave_is_damped_and_enhanced_by_the_formula(retrieval):
    n, cycles, blur, distance = 40, 5, 0.3, 2000.0
    settings = {"blur_um": blur, "distance_mm": distance / 1e3, "retrieval": retrieval, **CLEAN}
    gray = transfer.image(_wave(n, cycles), H, seed=0, **settings)
    k = 2 * np.pi * cycles / (n * H)
    beam = optics.beam(28)
    fringe = 1 + distance * k**2 * beam.decrement[Phase.AM] / beam.attenuation_per_um[Phase.AM]
    gain = np.exp(-0.5 * (blur * k) ** 2) * 0.5 * (1 + np.cos(np.pi * cycles / (n / 2)))
    gain *= np.sinc(cycles / n) ** 2 * (1 if retrieval else fringe)
    found = 2 * np.abs(np.fft.rfft(gray[10, 10]))[cycles] / n
    assert found == pytest.approx(0.5 * gain, rel=1e-4)


def test_retrieval_is_exact_for_active_material_and_blurs_nothing_else_away():
    sharp = transfer.image(_wave(40, 5), H, seed=0, distance_mm=0.0, **CLEAN)
    retrieved = transfer.image(_wave(40, 5), H, seed=0, distance_mm=10.0, **CLEAN)
    np.testing.assert_allclose(retrieved, sharp, atol=2e-5)


def test_absorption_alone_hides_the_cbd():
    composition = np.zeros((3, 16, 16, 16), np.float32)
    composition[Phase.CBD, :, :8], composition[Phase.PORE, :, 8:] = 1, 1
    gray = transfer.image(composition, H, seed=0, distance_mm=0.0, **CLEAN)
    assert np.ptp(gray) < 0.012


def test_noise_has_the_stated_amplitude_and_no_constant():
    settings = transfer.imaging("phase-retrieved")
    noise = transfer.noise_field((40, 64, 64), H, settings, np.random.default_rng(0))
    assert noise.std() == pytest.approx(1, abs=0.01)
    np.testing.assert_allclose(noise.mean(axis=(1, 2)), 0, atol=1e-5)


def test_noise_power_follows_ramp_and_windows():
    settings = transfer.imaging("edge-enhanced")
    noise = transfer.noise_field((64, 64, 64), H, settings, np.random.default_rng(1))
    power = np.mean(np.abs(np.fft.fft(noise, axis=2).mean(axis=1)) ** 2, axis=0)
    frequency = np.fft.fftfreq(64)
    expected = np.abs(frequency) * (np.cos(np.pi * frequency) ** 2 * np.sinc(frequency) ** 2) ** 2
    share, wanted = power / power.sum(), expected / expected.sum()
    significant = wanted > 0.01
    np.testing.assert_allclose(share[significant], wanted[significant], rtol=0.35)


def test_same_seed_same_bytes_and_another_seed_other_noise():
    composition = _wave(24, 3)
    first, again, other = (transfer.image(composition, H, seed=s) for s in (1, 1, 2))
    assert first.tobytes() == again.tobytes()
    assert np.abs(first - other).max() > 0.01


def test_the_image_turns_with_the_specimen():
    rng = np.random.default_rng(3)
    shares = rng.dirichlet([1, 1, 1], (20, 18, 18)).astype(np.float32)
    composition = np.moveaxis(shares, -1, 0)
    turned = np.rot90(composition, axes=(2, 3))
    gray = transfer.image(composition, H, seed=0, **CLEAN)
    np.testing.assert_allclose(
        transfer.image(turned, H, seed=0, **CLEAN), np.rot90(gray, axes=(1, 2)), atol=1e-5
    )


@pytest.mark.parametrize(
    ("arguments", "message"),
    [
        ({"scenario": "optical"}, "Unknown imaging scenario 'optical'"),
        ({"noise": -0.1}, "noise is -0.1"),
        ({"energy_keV": 30}, "No optical constants for 30 keV; expected one of 28 keV, 25 keV"),
    ],
)
def test_bad_settings_are_refused(arguments, message):
    with pytest.raises(ValueError, match=message):
        transfer.image(_uniform(Phase.AM), H, seed=0, **arguments)


def test_labels_are_not_a_composition():
    with pytest.raises(ValueError, match=r"expected \(3, Z, Y, X\)"):
        transfer.image(np.zeros((24, 20, 22)), H, seed=0)
