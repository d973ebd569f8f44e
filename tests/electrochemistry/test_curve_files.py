"""Records of whole experiments: the one lithiation is cut out and said, or the file is refused."""

import warnings

import numpy as np
import pytest

from analysis.electrochemistry.gamma_fit import check_curve, fit_scan
from analysis.electrochemistry.measured_curve import read_curve

HOURS = np.linspace(0, 1, 201)
VOLTS = 4.15 - 0.35 * HOURS - 0.02 * HOURS / (1.025 - HOURS)  # ends at 3.0 V
NOISE_V = 3e-4


def record(*parts):
    """Parts (hours, volts), one after the other; the first point of each is a little later."""
    time, volts, now = [], [], 0.0
    for hours, voltage in parts:
        time.append(now + np.asarray(hours))
        volts.append(np.broadcast_to(voltage, np.shape(hours)))
        now = time[-1][-1] + 1e-3
    return np.concatenate(time), np.concatenate(volts)


def relaxed(start, end, hours, n=60):
    t = np.linspace(0, hours, n)
    return t, end + (start - end) * np.exp(-6 * t / hours)


LITHIATION = (HOURS, VOLTS)
CHARGE = (HOURS, VOLTS[::-1] + 0.1)
AGAIN = (HOURS, np.maximum(3.5, CHARGE[1]))
HALF = (HOURS[:100], VOLTS[:100])
PULSES = [part for k in range(0, 200, 20) for part in (
    (HOURS[:20], VOLTS[k : k + 20]), relaxed(VOLTS[k + 19], VOLTS[k + 19] + 0.06, 0.5, 10))]  # fmt: skip

CUT = {
    "a charge": ((CHARGE, LITHIATION), "a charge of 201 points"),
    "a charge and a rest": ((CHARGE, relaxed(4.24, 4.2, 1.0), LITHIATION), "a charge of 201 points"),
    "a rest that drifts": ((relaxed(4.2, 4.17, 2.0), LITHIATION), "a rest of 60 points"),
    "a rest that drifts up": ((relaxed(4.16, 4.19, 2.0), LITHIATION), "a rest of 60 points"),
    "a rest in few rows": (((np.array([0, 1.0, 2.0]), 4.2), LITHIATION), "a rest of 3 points"),
    "a hold": ((LITHIATION, (HOURS[1:], VOLTS[-1])), "a hold of"),
    "a small relaxation": ((LITHIATION, relaxed(3.0, 3.02, 1.0)), "after the lowest voltage"),
    "a relaxation": ((LITHIATION, relaxed(3.1, 3.5, 1.0)), "after the lowest voltage"),
    "all of it": (
        (CHARGE, relaxed(4.24, 4.2, 1.0), LITHIATION, relaxed(3.1, 3.5, 1.0), AGAIN),
        "a rest of 60 points",
    ),
}  # fmt: skip
REFUSED = {
    "two cycles": (CHARGE, LITHIATION, CHARGE, LITHIATION),
    "two lithiations": (LITHIATION, LITHIATION),
    "an interruption": (HALF, relaxed(3.9, 4.05, 0.5), (HOURS[:100], VOLTS[100:-1])),
    "pulses": PULSES,
}


def noisy(volts):
    return volts + np.random.default_rng(3).normal(0, NOISE_V, volts.size)


def saved(tmp_path, x, volts, column="time_h", name="cell.csv"):
    file = tmp_path / name
    rows = "\n".join(f"{a:.6f},{b:.6f}" for a, b in zip(x, volts, strict=True))
    file.write_text(f"{column},voltage_V\n{rows}\n")
    return file


def is_the_lithiation(capacity, volts):
    inside = np.linspace(0.02, 0.98, 50)
    np.testing.assert_allclose(capacity[[0, -1]], [0, 1], atol=2e-3)
    wanted = np.interp(inside, HOURS, VOLTS)
    np.testing.assert_allclose(np.interp(inside, capacity, volts), wanted, atol=4e-3)


@pytest.mark.parametrize("name", CUT)
def test_the_one_lithiation_is_cut_out_and_said(tmp_path, name):
    parts, said = CUT[name]
    time, volts = record(*parts)
    with pytest.warns(UserWarning, match=said):
        found = read_curve(saved(tmp_path, time, noisy(volts)), current_mA_cm2=1.0)
    is_the_lithiation(*found)


@pytest.mark.parametrize("name", REFUSED)
def test_what_is_not_one_lithiation_is_refused(tmp_path, name):
    time, volts = record(*REFUSED[name])
    with pytest.raises(ValueError, match="cell.csv: The voltage falls in several parts"):
        read_curve(saved(tmp_path, time, noisy(volts)), current_mA_cm2=1.0)


@pytest.mark.parametrize("name", [*CUT, *REFUSED])
def test_a_fit_takes_no_record_that_holds_more(name):
    time, volts = record(*(REFUSED[name] if name in REFUSED else CUT[name][0]))
    if np.any(np.maximum.accumulate(volts[::-1])[::-1] > volts + 0.05):
        with pytest.raises(ValueError, match="rises"):
            fit_scan({0.05: LITHIATION, 0.1: LITHIATION}, time, noisy(volts))


def test_nothing_is_said_of_a_lithiation(tmp_path):
    with warnings.catch_warnings():
        warnings.simplefilter("error")
        for column, x in (("time_h", HOURS + 5), ("capacity_mAh_cm2", HOURS)):
            file = saved(tmp_path, x, noisy(VOLTS), column)
            capacity, volts = read_curve(file, current_mA_cm2=1.0)
            assert capacity.size == HOURS.size
            is_the_lithiation(capacity, volts)


def test_a_counter_that_goes_up_and_down(tmp_path):
    _, volts = record(CHARGE, LITHIATION)
    file = saved(tmp_path, np.r_[HOURS, 1 - HOURS], noisy(volts), "capacity_mAh_cm2")
    with pytest.warns(UserWarning, match="sign was turned"):
        is_the_lithiation(*read_curve(file, current_mA_cm2=1.0))


@pytest.mark.parametrize("step", [0.02, 0.01])
def test_rows_at_one_time_count_once(tmp_path, step):
    file = saved(tmp_path, np.floor(HOURS / step) * step, VOLTS)
    with pytest.warns(UserWarning, match="at the time or capacity of the next"):
        capacity, volts = read_curve(file, current_mA_cm2=1.0)
    assert np.all(np.diff(capacity) > 0) and volts[-1] == pytest.approx(VOLTS[-1], abs=1e-5)


def test_a_file_joined_to_itself_is_refused(tmp_path):
    file = saved(tmp_path, np.tile(HOURS, 2), np.tile(VOLTS, 2))
    with pytest.raises(ValueError, match="Time decreases"):
        read_curve(file, current_mA_cm2=1.0)


@pytest.mark.parametrize("head", ["time_h,voltage_V,voltage_V", "time_h,time_h,voltage_V"])
def test_two_columns_of_one_name_are_refused(tmp_path, head):
    file = tmp_path / "cell.csv"
    file.write_text(
        head + "\n" + "\n".join(f"{t},{v},{v}" for t, v in zip(HOURS, VOLTS, strict=True))
    )
    with pytest.raises(ValueError, match="more than one column"):
        read_curve(file, current_mA_cm2=1.0)


def test_a_charge_is_refused(tmp_path):
    with pytest.raises(ValueError, match="voltage rises"):
        read_curve(saved(tmp_path, *CHARGE), current_mA_cm2=1.0)
    with pytest.raises(ValueError, match="voltage rises"):
        check_curve(*CHARGE)


def scan(**changed):
    runs = {0.05: (0.8 * HOURS, VOLTS), 0.1: (HOURS, VOLTS)}
    return {**runs, **changed.get("runs", {})}


@pytest.mark.parametrize(
    "runs, factor, message",
    [
        ({}, 10, "Check units, area and current"),
        ({}, 1.6, "Check units, area and current"),
        ({0.7: (HOURS, VOLTS)}, 1, "gamma is 0.7"),
        ({0.2: (HOURS, VOLTS[::-1])}, 1, "The run at gamma = 0.2: The voltage rises"),
        ({0.2: (HOURS[:3], VOLTS)}, 1, "The run at gamma = 0.2"),
    ],
)
def test_a_scan_checks_its_range(runs, factor, message):
    with pytest.raises(ValueError, match=message):
        fit_scan(scan(runs=runs), factor * HOURS, VOLTS)


def test_a_scan_says_that_the_target_ends_early():
    with pytest.warns(UserWarning, match="part of the lithiation"):
        fit_scan(scan(), HOURS[:150], VOLTS[:150])
