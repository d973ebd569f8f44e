"""The fit of gamma on a known answer, and what a reader's curve file must say."""

import numpy as np
import pytest

from analysis.electrochemistry import gamma_fit as calibration
from analysis.electrochemistry.measured_curve import read_curve
from analysis.electrochemistry.porous_electrode import homogenization as structure
from analysis.phases import Phase


def volume(seed=1, shape=(64, 24, 24), closed=None):
    """Random blobs of AM and CBD with the paper's fractions."""
    from scipy.ndimage import gaussian_filter

    rng = np.random.default_rng(seed)
    solid = gaussian_filter(rng.normal(size=shape), 2.5, mode="wrap")
    binder = gaussian_filter(rng.normal(size=shape), 1.5, mode="wrap")
    labels = np.full(shape, Phase.PORE, np.uint8)
    am = solid > np.quantile(solid, 1 - 0.5954)
    labels[am] = Phase.AM
    labels[~am & (binder > np.quantile(binder[~am], 0.43))] = Phase.CBD
    if closed is not None:
        labels[closed] = Phase.AM
    return labels


VOXEL_UM = 2.568


@pytest.fixture(scope="module")
def electrode():
    return structure.from_labels(volume(), VOXEL_UM)


@pytest.fixture(scope="module")
def measured():
    fine = structure.from_labels(volume(), VOXEL_UM, gammas=[0.08], slab_voxels=4)
    run = calibration.simulate(fine.at(0.08), 6.0, fidelity="fine")
    time_s = np.linspace(0, run.time_s[-1], 300)
    voltage = np.interp(time_s, run.time_s, run.voltage_V)
    noise = np.random.default_rng(7).normal(0, 2e-3, time_s.size)
    return run.current_mA_cm2 * time_s / 3600, voltage + noise


def test_interpolated_transport_is_that_of_the_voxels(electrode):
    direct = structure.from_labels(volume(), VOXEL_UM, gammas=[0.1])
    assert electrode.effective(0.1) == pytest.approx(direct.effective(0.1), rel=2e-3)


def test_the_known_gamma_is_recovered_within_five_percent(electrode, measured):
    fit = calibration.fit_gamma(electrode, *measured)
    assert fit.gamma == pytest.approx(0.08, rel=0.05)
    assert fit.misfit_V < 0.006
    assert not fit.at_bound and not fit.failed
    assert 0 < fit.gamma_error < 0.05 * fit.gamma
    assert fit.tau == pytest.approx(1 / (2 * fit.gamma))
    assert np.all(np.diff(fit.gammas) > 0)
    assert fit.gamma == fit.gammas[np.argmin(fit.misfits_V)]


def test_a_scan_of_few_runs_recovers_gamma(electrode, measured):
    runs = {}
    for gamma in (0.02, 0.05, 0.12, 0.3):
        done = calibration.simulate(electrode.at(gamma), 6.0)
        runs[gamma] = done.capacity_mAh_cm2, done.voltage_V
    searched = calibration.fit_gamma(electrode, *measured)
    fit = calibration.fit_scan(runs, *measured)
    assert fit.gamma == pytest.approx(searched.gamma, rel=0.02)
    assert not fit.at_bound
    assert fit.gamma == fit.gammas[np.argmin(fit.misfits_V)]


def test_a_scan_needs_two_runs(measured):
    with pytest.raises(ValueError, match="at least two"):
        calibration.fit_scan({0.1: measured}, *measured)


def test_other_currents_are_predicted(electrode):
    runs, failed = calibration.predict(electrode, 0.08, (1.0, 12.0, 3000.0 / 10))
    assert set(runs) == {1.0, 12.0}
    assert "cannot be carried" in failed[300.0]
    assert runs[1.0].capacity_mAh_cm2[-1] > runs[12.0].capacity_mAh_cm2[-1]


def test_more_gamma_means_more_transport(electrode):
    values = [electrode.effective(gamma) for gamma in (0.01, 0.05, 0.2, 0.5)]
    assert np.all(np.diff(values) > 0)


@pytest.mark.parametrize("gamma", (0.0, -0.1, 0.6))
def test_gamma_out_of_range_is_refused(electrode, gamma):
    with pytest.raises(ValueError, match=r"\(0, 0.5\]"):
        electrode.at(gamma)


def test_closed_ionic_path_names_the_slice():
    with pytest.raises(ValueError, match="ends in slice 29"):
        structure.from_labels(volume(closed=30), VOXEL_UM)


def test_missing_electronic_path_is_named():
    labels = volume()
    labels[20] = Phase.PORE
    with pytest.raises(ValueError, match="electron-conducting"):
        structure.from_labels(labels, VOXEL_UM)


def written(tmp_path, text):
    file = tmp_path / "curve.csv"
    file.write_text(text)
    return file


ROWS = "\n0,{0}\n1,{1}\n2,{2}\n3,{3}\n4,{4}\n"
VOLTS = ROWS.format(4.1, 4.0, 3.9, 3.6, 3.0)


def test_a_readers_curve_in_other_units(tmp_path):
    capacity, voltage = read_curve(written(tmp_path, "time_h,voltage_V" + VOLTS), current_mA_cm2=6)
    np.testing.assert_allclose(capacity, 6.0 * np.arange(5))
    text = "capacity_Ah_m2,voltage_mV" + ROWS.format(4100, 4000, 3900, 3600, 3000)
    capacity, voltage = read_curve(written(tmp_path, text), current_mA_cm2=6)
    np.testing.assert_allclose(capacity, 0.1 * np.arange(5))
    np.testing.assert_allclose(voltage, [4.1, 4.0, 3.9, 3.6, 3.0])


@pytest.mark.parametrize(
    "text, message",
    [
        ("time,voltage" + VOLTS, "declares the unit"),
        ("time_s,voltage_V" + ROWS.format(4100, 4000, 3900, 3600, 3000), "voltage_mV"),
        ("time_s,voltage_V\n0,4.1\n2,4.0\n1,3.9\n3,3.6\n4,3.0\n", "Time decreases"),
        ("time_s,voltage_V" + ROWS.format(3.0, 3.3, 3.5, 3.8, 4.1), "rises"),
        ("time_s,voltage_V" + ROWS.format(4.1, "nan", 3.9, 3.6, 3.0), "not finite"),
        ("time_s,voltage_V" + ROWS.format(4.1, "four", 3.9, 3.6, 3.0), "no numbers"),
        ("time_s,voltage_V\n0,4.1\n1,3.0\n", "at least 5"),
    ],
)
def test_a_bad_curve_file_is_explained(tmp_path, text, message):
    with pytest.raises(ValueError, match=message):
        read_curve(written(tmp_path, text), current_mA_cm2=6)


def test_bounds_must_be_an_interval(electrode, measured):
    with pytest.raises(ValueError, match="low < high"):
        calibration.fit_gamma(electrode, *measured, bounds=(0.2, 0.1))
