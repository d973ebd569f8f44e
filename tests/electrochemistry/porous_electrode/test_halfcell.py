"""The 1D half cell: conservation, both backends, an independent solver, convergence, errors."""

from dataclasses import replace

import numpy as np
import pytest

from analysis.electrochemistry import pybamm_reference as reference
from analysis.electrochemistry.materials import DEFAULT
from analysis.electrochemistry.porous_electrode import manufactured
from analysis.electrochemistry.porous_electrode.half_cell import Control, ElectrodeProfile, lithiate
from analysis.electrochemistry.porous_electrode.mesh import layers

ELECTRODE = ElectrodeProfile(171e-6, 0.5954, 0.2892, 2e5, 0.05, 10.0, 6e-6)
QUICK = Control(voltage_error_V=3e-4, salt_error_mol_m3=3.0)
SMALL = dict(n_electrode=30, n_separator=10, control=QUICK)


@pytest.mark.parametrize("current", (1.0, 3.0, 6.0, 8.0, 10.0, 12.0))
def test_every_current_finishes_and_loses_neither_salt_nor_lithium(current):
    run = lithiate(ELECTRODE, current, control=QUICK)
    assert run.reached_cutoff
    assert run.voltage_V[-1] == pytest.approx(3.0, abs=2e-7)
    assert np.all(run.salt_mol_m3 > 0)
    assert abs(run.salt_drift) < 1e-9  # with the concentration-dependent transference number
    assert abs(run.lithium_drift) < 1e-7
    assert run.capacity_mAh_cm2[-1] == pytest.approx(current * run.time_s[-1] / 3600)


def test_capacity_falls_with_current_and_rises_with_transport():
    by_current = [lithiate(ELECTRODE, i, **SMALL).capacity_mAh_cm2[-1] for i in (1, 3, 6, 12)]
    assert np.all(np.diff(by_current) < 0)
    by_transport = [
        lithiate(replace(ELECTRODE, transport=t), 6, **SMALL).capacity_mAh_cm2[-1]
        for t in (0.03, 0.05, 0.08)
    ]
    assert np.all(np.diff(by_transport) > 0)


def test_a_tiny_current_follows_the_open_circuit_potential():
    patient = replace(QUICK, longest_step_s=1e6)
    run = lithiate(ELECTRODE, 0.01, n_electrode=10, n_separator=4, control=patient)
    content = run.content.mean(axis=1)
    middle = (content > 0.3) & (content < 0.86)
    expected = DEFAULT.active.ocp.potential(content[middle])
    np.testing.assert_allclose(run.voltage_V[middle], expected, atol=3e-3)


def test_thin_electrode_has_the_ohmic_drop_of_its_separator():
    # a few seconds in, before gradients form: Li kinetics, separator and electrode resistances
    run = lithiate(ELECTRODE, 1.0, end_s=1e-3, **SMALL)
    electrolyte = DEFAULT.electrolyte
    ohmic = 10 * 260e-6 / (0.81 * electrolyte.conductivity_S_m(1000.0))
    plating = 2 * 8.314462 * 298.15 / 96485.33 * np.arcsinh(10 / 20)
    start = DEFAULT.active.ocp.potential(DEFAULT.active.initial_content)
    loss = start - run.voltage_V[0]
    assert ohmic + plating < loss < ohmic + plating + 10 * 171e-6 / (0.05 * 0.913)


def test_mesh_and_step_refinement_changes_little():
    coarse = lithiate(ELECTRODE, 6, n_electrode=50, n_separator=18, control=QUICK)
    fine = lithiate(ELECTRODE, 6, n_electrode=150, n_separator=50)
    ratio = coarse.capacity_mAh_cm2[-1] / fine.capacity_mAh_cm2[-1]
    assert ratio == pytest.approx(1, abs=6e-3)


def test_slabs_in_series_carry_over_to_any_mesh():
    graded = replace(
        ELECTRODE,
        transport=np.array([0.03, 0.05, 0.1]),
        active=np.array([0.5, 0.6, 0.65]),
    )
    for n in (9, 10, 47):
        mesh = layers(graded, DEFAULT, n, 5)
        resistance = np.sum(mesh.width[5:] / mesh.transport[5:])
        assert resistance == pytest.approx(171e-6 * np.mean(1 / graded.transport), rel=1e-12)
        solid = np.sum(mesh.active * mesh.width[5:])
        assert solid == pytest.approx(171e-6 * np.mean(graded.active), rel=1e-12)


@pytest.mark.parametrize("current", reference.CURRENTS_MA_CM2)
def test_against_the_stored_curves_of_pybamm(current):
    time_s, voltage_V = reference.curve(current)
    control = Control(voltage_error_V=1e-5, salt_error_mol_m3=0.1)
    run = lithiate(
        reference.ELECTRODE,
        current,
        materials=reference.MATERIALS,
        n_electrode=200,
        n_separator=60,
        control=control,
    )
    assert run.time_s[-1] == pytest.approx(time_s[-1], rel=1e-3)
    at = time_s[time_s < 0.999 * min(run.time_s[-1], time_s[-1])]
    at = np.linspace(0, at[-1], 400)
    difference = np.interp(at, run.time_s, run.voltage_V) - np.interp(at, time_s, voltage_V)
    assert 1e3 * np.sqrt(np.mean(difference**2)) < 0.3


@pytest.mark.parametrize("name", reference.SETTINGS)
def test_against_pybamm_at_another_temperature_salt_and_size(name):
    one, (time_s, voltage_V) = reference.SETTINGS[name], reference.read(name)
    run = lithiate(
        one.electrode,
        one.current_mA_cm2,
        materials=one.materials,
        n_electrode=200,
        n_separator=60,
        control=Control(voltage_error_V=1e-5, salt_error_mol_m3=0.1),
    )
    assert run.time_s[-1] == pytest.approx(time_s[-1], rel=1e-3)
    at = np.linspace(0, 0.999 * min(run.time_s[-1], time_s[-1]), 400)
    difference = np.interp(at, run.time_s, run.voltage_V) - np.interp(at, time_s, voltage_V)
    assert 1e3 * np.sqrt(np.mean(difference**2)) < 0.5


def test_fipy_and_compiled_backend_agree_over_the_first_minutes():
    rough = Control(voltage_error_V=2e-3, salt_error_mol_m3=20.0)
    size = dict(n_electrode=16, n_separator=6, control=rough)
    fast = lithiate(ELECTRODE, 6, end_s=60.0, **size)
    steps = fast.time_s[:: max(1, fast.time_s.size // 6)]
    ours = lithiate(ELECTRODE, 6, times_s=steps, **size)
    fipy = lithiate(ELECTRODE, 6, times_s=steps, backend="fipy", **size)
    rms_mV = 1e3 * np.sqrt(np.mean((ours.voltage_V - fipy.voltage_V) ** 2))
    assert rms_mV < 1e-3  # demanded: 0.05
    np.testing.assert_allclose(fipy.salt_mol_m3, ours.salt_mol_m3, rtol=1e-6)
    assert abs(fipy.salt_drift) < 1e-9


def test_fipy_finishes_in_depletion_and_agrees():
    rough = Control(voltage_error_V=2e-2, salt_error_mol_m3=200.0, first_step_s=0.1)
    size = dict(n_electrode=12, n_separator=5, control=rough)
    fast = lithiate(ELECTRODE, 10, **size)
    fipy = lithiate(ELECTRODE, 10, times_s=fast.time_s, backend="fipy", **size)
    assert fast.salt_mol_m3.min() < 1.0
    rms_mV = 1e3 * np.sqrt(np.mean((fast.voltage_V - fipy.voltage_V) ** 2))
    assert rms_mV < 0.05


def test_second_order_in_space():
    result = manufactured.space_convergence()
    for name in ("salt", "psi", "solid"):
        assert manufactured.order(result["h_um"], result[name]) > 1.9


def test_second_order_in_time():
    result = manufactured.time_convergence()
    for name in ("salt", "psi", "solid"):
        assert manufactured.order(result["dt_s"], result[name]) > 1.9


def test_cutoff_is_located_and_not_overshot():
    loose = Control(voltage_error_V=5e-3, salt_error_mol_m3=50.0)
    run = lithiate(ELECTRODE, 6, cutoff_V=3.5, control=loose)
    assert run.voltage_V[-1] == pytest.approx(3.5, abs=2e-7)
    assert np.all(run.voltage_V[:-1] > 3.5)


@pytest.mark.parametrize(
    "change, message",
    [
        (dict(current_mA_cm2=-1), "expected a positive number"),
        (dict(current_mA_cm2=6000), "A/m²"),
        (dict(current_mA_cm2=6, cutoff_V=4.35), "not below the starting voltage"),
        (dict(current_mA_cm2=400), "cannot be carried even at the start"),
        (dict(current_mA_cm2=6, backend="comsol"), "unknown"),
    ],
)
def test_bad_input_is_explained(change, message):
    with pytest.raises(ValueError, match=message):
        lithiate(ELECTRODE, **change)


@pytest.mark.parametrize(
    "change, message",
    [
        (dict(transport=np.array([0.1, 0.0, 0.1])), "No ionic path.*slab 1 of 3"),
        (dict(electronic_S_m=0.0), "No electronic path"),
        (dict(thickness_m=171.0), "in meters"),
        (dict(active=0.9), "more than the volume"),
        (dict(active=59.5), "between 0 and 1"),
        (dict(surface_1_m=0.0), "no reactive surface"),
        (dict(transport=np.array([[0.1]])), "shape"),
        (dict(radius_m=6.0), "radius"),
    ],
)
def test_bad_electrodes_are_explained(change, message):
    with pytest.raises(ValueError, match=message):
        replace(ELECTRODE, **change)
