"""Ionic resistance from blocking spectra: measured ones, our own, and made ones that go wrong."""

import json

import numpy as np
import pytest

from analysis.electrochemistry import kramers_kronig, spectrum
from analysis.electrochemistry.spectrum_file import read_spectrum
from analysis.electrochemistry.transport import impedance
from analysis.phases import Phase

FREQUENCY = np.geomspace(0.1, 1e5, 61)
IONIC, SEPARATOR, TIME = 80.0, 10.0, 0.2
DURATION = np.cumsum((1 / FREQUENCY)[::-1])[::-1]  # when each point is measured, from the top down
DURATION /= DURATION.max()


def made(exponent=0.9, noise=0.003, seed=1, frequency=FREQUENCY, **leak):
    """A cell whose ionic resistance is known."""
    rng = np.random.default_rng(seed)
    exact = spectrum.line(frequency, SEPARATOR, IONIC, exponent, TIME, **leak)
    error = rng.standard_normal(len(frequency)) + 1j * rng.standard_normal(len(frequency))
    return exact * (1 + noise * error)


@pytest.fixture
def measured(shared_data):
    folder = shared_data / "fipt-spectra"
    if not folder.is_dir():
        pytest.skip(f"no measured spectra at {folder}")
    with open(folder / "reference_fits.json", encoding="utf-8") as file:
        references = json.load(file)
    return {
        name: (spectrum.fit(*read_spectrum(folder / name)), one["r_ion"])
        for name, one in references.items()
    }


def test_good_measured_spectra_agree_with_their_reference_and_poor_ones_are_named(measured):
    poor = {name for name, (found, _) in measured.items() if found.doubts}
    assert poor == {"test_data_008.csv", "test_data_009.csv"}
    for name in poor:
        text = " ".join(measured[name][0].doubts)
        assert "not blocking" in text and "Kramers-Kronig" in text
    for name, (found, reference) in measured.items():
        low, high = found.interval_ohm
        assert low < found.ionic_resistance_ohm < high
        if name not in poor:
            assert found.ionic_resistance_ohm == pytest.approx(reference, rel=0.05), name
            assert low < reference < high, name


@pytest.mark.parametrize("exponent", [1.0, 0.9, 0.7])
def test_line_is_given_back(exponent):
    found = spectrum.fit(FREQUENCY, made(exponent, noise=0))
    assert found.ionic_resistance_ohm == pytest.approx(IONIC, rel=1e-3)
    assert found.separator_resistance_ohm == pytest.approx(SEPARATOR, rel=1e-3)
    assert found.exponent == pytest.approx(exponent, abs=1e-3)
    assert found.leak_ohm is None and found.doubts == []
    assert np.abs(found.residual_ohm).max() < 0.01


@pytest.mark.parametrize("scale", [1e-4, 1.0, 1e4])
@pytest.mark.parametrize("stretch", [1e-2, 1e2])
def test_units_and_speed_of_the_cell_do_not_matter(scale, stretch):
    found = spectrum.fit(stretch * FREQUENCY, scale * made())
    base = spectrum.fit(FREQUENCY, made())
    assert found.ionic_resistance_ohm == pytest.approx(scale * base.ionic_resistance_ohm, rel=1e-3)
    assert found.time_constant_s == pytest.approx(base.time_constant_s / stretch, rel=1e-2)


@pytest.mark.parametrize("model", spectrum.MODELS[1:])
@pytest.mark.parametrize("leak", [100.0, 400.0, 2000.0])
def test_leak_is_found_where_it_is(model, leak):
    found = spectrum.fit(FREQUENCY, made(model=model, leak_ohm=leak))
    assert found.model == model
    assert found.leak_ohm == pytest.approx(leak, rel=0.05)
    assert found.ionic_resistance_ohm == pytest.approx(IONIC, rel=0.02)


@pytest.mark.parametrize("drift", [0.1, 0.3, -0.3])
@pytest.mark.parametrize("exponent", [1.0, 0.9])
def test_drift_does_not_move_the_ionic_resistance(drift, exponent):
    found = spectrum.fit(FREQUENCY, made(exponent) * (1 + drift * DURATION))
    assert found.ionic_resistance_ohm == pytest.approx(IONIC, rel=0.05)


def test_interval_holds_the_truth_about_as_often_as_it_says():
    inside = 0
    for seed in range(25):
        low, high = spectrum.fit(FREQUENCY, made(noise=0.01, seed=seed)).interval_ohm
        assert 0.5 * (high - low) < 0.05 * IONIC
        inside += low < IONIC < high
    assert 18 <= inside  # 90 % of 25, within three standard deviations


def test_order_repeated_points_and_inductive_points_do_not_matter():
    impedance_ohm = made()
    base = spectrum.fit(FREQUENCY, impedance_ohm)
    order = np.random.default_rng(0).permutation(len(FREQUENCY))
    shuffled = spectrum.fit(FREQUENCY[order], impedance_ohm[order])
    assert shuffled.ionic_resistance_ohm == base.ionic_resistance_ohm
    twice = spectrum.fit(np.tile(FREQUENCY, 2), np.tile(impedance_ohm, 2))
    assert twice.ionic_resistance_ohm == pytest.approx(base.ionic_resistance_ohm, rel=1e-9)
    wires = spectrum.fit(FREQUENCY, impedance_ohm + 2j * np.pi * FREQUENCY * 1e-6)
    assert wires.ionic_resistance_ohm == pytest.approx(IONIC, rel=0.02)
    assert any("inductive" in remark for remark in wires.remarks)


@pytest.mark.parametrize(
    "low, high, what",
    [(0.1, 6.0, "no 45-degree region"), (3.0, 1e5, "no vertical branch"), (0.1, 1e5, "too few")],
)
def test_what_the_frequencies_do_not_show_is_said(low, high, what):
    frequency = np.geomspace(low, high, 13 if what == "too few" else 40)
    found = spectrum.fit(frequency, made(frequency=frequency))
    assert any(what in doubt for doubt in found.doubts)


@pytest.mark.parametrize("what", ["resistor", "randles", "changing"])
def test_what_is_no_blocking_electrode_is_named(what):
    s = 2j * np.pi * FREQUENCY
    cell = {
        "resistor": 50 - 1e-3j * FREQUENCY**-0.1,
        "randles": 10 + 80 / (1 + s * 0.01),
        "changing": made() * (1 + 0.3 * np.sin(np.log(FREQUENCY) * 3)),
    }[what]
    assert spectrum.fit(FREQUENCY, cell).doubts


def test_kramers_kronig_residuals_tell_drift_from_noise():
    def lower(values):
        return np.abs(kramers_kronig.residuals(FREQUENCY, values))[:20].max()

    assert lower(made(noise=0)) < 1e-3
    assert lower(made()) < 0.01
    assert lower(made() + 80 * DURATION) > 0.015
    leaking = made(noise=0, model=spectrum.MODELS[1], leak_ohm=100.0)
    assert lower(leaking) < 1e-3  # a leak is no violation


def channels(depth, width, period):
    labels = np.full((depth, period, period), Phase.AM, np.uint8)
    labels[:, :width, :width] = Phase.PORE
    return labels


@pytest.mark.parametrize("binder", [None, 3, 5])
def test_own_resolved_impedance_gives_back_its_resistance(binder):
    labels = channels(96, 2, 4)
    if binder:
        labels[::binder, 0, 0] = Phase.CBD  # repeats along z: uniform on the scale of the depth
    frequency = np.geomspace(0.1, 1e5, 61)
    known = impedance.spectrum(
        labels, 0.1, voxel_size_um=1.0, frequency_Hz=frequency, separator=True
    )
    found = spectrum.fit(frequency, 1e4 * known.impedance_ohm_m2)
    expected = 1e4 * known.ionic_resistance_ohm_m2
    assert found.ionic_resistance_ohm == pytest.approx(expected, rel=0.01)
    assert found.exponent == pytest.approx(1, abs=0.01)
    assert found.doubts == []


@pytest.mark.parametrize(
    "change, message",
    [
        (lambda f, z: (f, np.where(np.arange(len(z)) == 3, np.nan, z)), "point 4"),
        (lambda f, z: (np.where(np.arange(len(f)) == 0, np.inf, f), z), "frequency of point 1"),
        (lambda f, z: (-f, z), "positive"),
        (lambda f, z: (f[:-1], z), "same length"),
        (lambda f, z: (f[:9], z[:9]), "expected 10"),
        (lambda f, z: (np.full(61, 5.0), z), "distinct"),
        (lambda f, z: (f, z.conj()), "sign"),
        (lambda f, z: (f[:0], z[:0]), "expected 10"),
    ],
)
def test_bad_spectra_are_refused(change, message):
    with pytest.raises(ValueError, match=message):
        spectrum.fit(*change(FREQUENCY, made()))


def test_unknown_model_is_refused():
    with pytest.raises(ValueError, match="unknown"):
        spectrum.line(FREQUENCY, 1, 1, 1, 1, model="open")
    with pytest.raises(ValueError, match="leak_ohm above zero"):
        spectrum.line(FREQUENCY, 1, 1, 1, 1, model=spectrum.MODELS[1])


def test_a_fit_that_stopped_short_of_its_minimum_still_has_an_interval():
    """A spectrum that ends far above the knee: on the way to the interval a lower cost is found."""
    frequency = np.array(
        [10000, 7499, 5623, 4217, 3162, 2371, 1778, 1334, 1000, 749.9, 562.3, 421.7, 316.2, 237.1,
         177.8, 133.4, 100, 74.99, 56.23]
    )  # fmt: skip
    impedance = np.array(
        [3.961 - 1.256j, 4.169 - 1.514j, 4.441 - 1.793j, 4.756 - 2.094j, 5.137 - 2.439j,
         5.554 - 2.768j, 6.029 - 3.109j, 6.543 - 3.498j, 7.113 - 3.999j, 7.73 - 4.526j,
         8.421 - 5.216j, 9.28 - 6.009j, 10.24 - 7.037j, 11.4 - 8.213j, 12.78 - 9.621j,
         14.47 - 11.29j, 16.5 - 13.4j, 19 - 16.03j, 22.42 - 19.2j]
    )  # fmt: skip
    found = spectrum.fit(frequency, impedance)
    low, high = found.interval_ohm
    assert 0 < low < found.ionic_resistance_ohm < high and np.isfinite(high)
    assert high > 2 * low and found.doubts  # it ends before R_ion can be known
