"""Profiles on voxels: the homogenized limit beside the 1D model, conservation, limits found."""

import numpy as np
import pytest

from analysis.electrochemistry import resolved
from analysis.electrochemistry.current_profile import (
    CurrentProfile,
    charge,
    hold,
    lithiation,
    pulses,
    rest,
)
from analysis.electrochemistry.porous_electrode.current_profiles import follow as homogenized
from analysis.electrochemistry.porous_electrode.half_cell import Control
from analysis.electrochemistry.pybamm_reference import cubes
from analysis.electrochemistry.resolved.current_profiles import follow
from tests.electrochemistry.resolved.test_resolved_reference import EDGE_UM, THIN, mixed

CONTROL = resolved.ResolvedControl()


def on_cubes(segments, control=CONTROL):
    return follow(
        cubes.labels(), cubes.GAMMA, segments, voxel_size_um=cubes.EDGE_UM,
        materials=cubes.MATERIALS, threads=1, control=control,
    )  # fmt: skip


@pytest.mark.parametrize(
    "segments",
    [
        pulses(6, 1, pulse_s=200, rest_s=600),
        (lithiation(3, duration_s=2000), charge(4, until_V=4.2), hold(4.2, until_mA_cm2=0.4)),
        (lithiation(8, duration_s=200), lithiation(2, duration_s=300), charge(8, duration_s=90)),
    ],
)
def test_homogenized_limit_is_the_1d_model(segments):
    """Its constant currents are PyBaMM's, see test_resolved_reference."""
    run = on_cubes(segments)
    fine = Control(voltage_error_V=2e-5, salt_error_mol_m3=0.2)
    other = homogenized(
        cubes.electrode(), segments, materials=cubes.MATERIALS, n_electrode=100, n_separator=30,
        control=fine,
    )  # fmt: skip
    began, there = 0.0, 0.0
    for end, theirs in zip(run.ends, other.ends, strict=True):
        here, part = run.segment == end.segment, other.part(end.segment)
        at = run.time_s[here] - began
        volts = np.interp(at, other.time_s[part] - there, other.voltage_V[part])
        current = np.interp(at, other.time_s[part] - there, other.current_mA_cm2[part])
        weight = np.gradient(at)
        miss = np.sqrt(np.sum(weight * (run.voltage_V[here] - volts) ** 2) / weight.sum())
        assert 1e3 * miss < 0.5
        assert np.max(np.abs(run.current_mA_cm2[here] - current)) < 0.05
        assert end.reason == theirs.reason
        assert end.time_s - began == pytest.approx(theirs.time_s - there, rel=0.02)
        began, there = end.time_s, theirs.time_s


@pytest.mark.parametrize(
    ("segments", "voxels_per_cell"),
    [
        ((lithiation(4, until_V=3.2), rest(300), charge(2, until_V=4.25)), 1),
        ((lithiation(4, duration_s=100), hold(3.9, duration_s=200), rest(100)), 1),
        (pulses(5, 2, pulse_s=40, rest_s=200), 2),
    ],
)
def test_no_profile_loses_salt_or_lithium(segments, voxels_per_cell):
    run = follow(
        mixed(), 0.12, segments, voxel_size_um=EDGE_UM, materials=THIN, threads=1,
        largest_inert=0.6, voxels_per_cell=voxels_per_cell,
    )  # fmt: skip
    assert len(run.ends) == len(segments)
    assert np.abs(run.salt_drift).max() < 1e-6
    assert np.abs(run.lithium_drift).max() < 1e-6
    assert run.kirchhoff.max() < 1e-4
    assert np.all(np.diff(run.time_s) > 0)
    for end, segment in zip(run.ends, segments, strict=True):
        if end.reason == "voltage":
            assert end.voltage_V == pytest.approx(segment.until_V, abs=2e-4)
        if segment.is_hold:
            assert np.max(np.abs(run.voltage_V[run.segment == end.segment] - 3.9)) < 1e-4
        if segment.direction == 0 and not segment.is_hold:
            assert np.all(run.current_mA_cm2[run.segment == end.segment] == 0)


def test_a_lithiation_alone_is_the_lithiation():
    options = dict(voxel_size_um=EDGE_UM, materials=THIN, threads=1, largest_inert=0.6)
    run = follow(mixed(), 0.12, (lithiation(4, until_V=3.0),), **options)
    alone = resolved.lithiate(mixed(), 0.12, 4.0, **options)
    np.testing.assert_array_equal(run.voltage_V, alone.voltage_V)
    np.testing.assert_array_equal(run.time_s, alone.time_s)
    assert run.ends[0].reason == "voltage" and alone.reason == "cut-off"


def test_the_window_and_a_limit_passed_at_once():
    first = (lithiation(8, until_V=3.6), lithiation(40, until_V=3.55), rest(60))
    run = on_cubes(CurrentProfile(first))
    assert [end.at_once for end in run.ends] == [False, True, False]
    assert run.ends[1].time_s == run.ends[0].time_s
    assert run.ends[2].voltage_V > 3.6
    ended = on_cubes(CurrentProfile(pulses(12, 9, pulse_s=200, rest_s=20), lower_V=3.8))
    assert ended.ends[-1].reason == "window"
    assert ended.ends[-1].voltage_V == pytest.approx(3.8, abs=2e-4)
