"""Material functions against published values and against each other."""

from dataclasses import replace

import numpy as np
import pytest

from analysis.electrochemistry.materials import DEFAULT, parameter_rows
from analysis.study.cells.halfcell import EXAMPLE, low_rate

ELECTROLYTE, OCP = DEFAULT.electrolyte, DEFAULT.active.ocp


@pytest.mark.parametrize(
    "function, values",
    [
        (ELECTROLYTE.conductivity_S_m, (0.756, 0.913, 0.810, 0.594)),
        (ELECTROLYTE.transference, (0.305, 0.221, 0.150, 0.106)),
        (ELECTROLYTE.thermodynamic_factor, (1.37, 2.18, 2.95, 3.85)),
    ],
)
def test_electrolyte_has_its_published_values(function, values):
    np.testing.assert_allclose(function([500.0, 1000, 1500, 2000]), values, rtol=3e-3, atol=6e-4)


def test_diffusivity_has_its_published_values():
    found = ELECTROLYTE.diffusivity_m2_s([500.0, 1000, 1500])
    np.testing.assert_allclose(found, [3.95e-10, 2.89e-10, 2.12e-10], rtol=3e-3)


def test_transference_number_never_leaves_its_range():
    t_plus = ELECTROLYTE.transference(np.linspace(0, 4000, 401))
    assert 0.05 < t_plus.min() and t_plus.max() < 0.7


def test_diffusion_potential_is_the_integral_of_its_slope():
    c = np.linspace(5.0, 2500.0, 200_001)
    slope = ELECTROLYTE.diffusion_potential_slope(c)
    wet = c > 400
    exact = ELECTROLYTE.diffusion_slope_V(c[wet]) / c[wet]  # but for the cut-off of the logarithm
    np.testing.assert_allclose(slope[wet], exact, rtol=3e-4)
    integral = np.trapezoid(slope, c)
    difference = ELECTROLYTE.diffusion_potential_V(c[-1]) - ELECTROLYTE.diffusion_potential_V(c[0])
    np.testing.assert_allclose(integral, difference, rtol=1e-6)


def test_constant_transference_gives_nernst_like_potential():
    constant = replace(ELECTROLYTE, constant_transference=0.3)
    np.testing.assert_allclose(constant.transference([10.0, 2000.0]), 0.3)


def test_open_circuit_potential_meets_published_points():
    x = [0.258, 0.381, 0.534, 0.685, 0.840, 0.898]
    U = [4.283, 4.059, 3.834, 3.736, 3.651, 3.607]
    equilibrium = replace(OCP, accessible=None)
    np.testing.assert_allclose(equilibrium.potential(x), U, atol=0.0095)
    np.testing.assert_allclose(OCP.potential(x[:-1]), U[:-1], atol=0.0095)


def test_the_end_of_fast_lithium_leaves_the_potential_before_it():
    x = np.linspace(0.252, 0.84, 200)
    miss = OCP.potential(x) - replace(OCP, accessible=None).potential(x)
    assert 1e3 * np.sqrt(np.mean(miss**2)) < 0.7 and 1e3 * np.abs(miss).max() < 5.5
    assert OCP.bounds[1] == pytest.approx(0.88)
    assert OCP.stoichiometry(3.0) == pytest.approx(0.88, abs=1e-4)


@pytest.mark.parametrize("accessible", [0.5, 0.8567, 0.99, float("nan")])
def test_an_end_that_no_site_has_is_refused(accessible):
    with pytest.raises(ValueError, match="the last site begins"):
        replace(OCP, accessible=accessible)


def test_capacity_at_a_low_current_is_the_published_one():
    """50 mg/cm² hold about 8 mAh/cm²: 171 mAh per gram of active material (ECS 236)."""
    found = low_rate()
    assert found.target == 171.0
    assert found.per_gram == pytest.approx(found.target, rel=0.03)
    grams_cm2 = 1e-4 * EXAMPLE.active[0] * EXAMPLE.thickness_m * 50222 * 96.93
    assert found.capacity == pytest.approx(found.per_gram * grams_cm2)
    assert 190 < found.equilibrium < 205  # what the equilibrium potential would give


@pytest.mark.parametrize("temperature_K", [273.15, 298.15, 313.15])
def test_one_temperature_reaches_every_part(temperature_K):
    cell = replace(DEFAULT, temperature_K=temperature_K)
    assert cell.active.temperature_K == cell.active.ocp.temperature_K == temperature_K
    assert cell.electrolyte.temperature_K == temperature_K
    growth = np.exp(30e3 / 8.31446261815324 * (1 / 298.15 - 1 / temperature_K))
    assert cell.active.diffusion_m2_s == pytest.approx(5e-15 * growth)
    at = replace(DEFAULT.electrolyte, temperature_K=temperature_K)
    assert cell.electrolyte.conductivity_S_m(800.0) == at.conductivity_S_m(800.0)
    again = replace(cell, temperature_K=298.15)
    assert again == DEFAULT


@pytest.mark.parametrize("temperature_K", [25.0, 400.0, float("nan")])
def test_a_temperature_without_parameters_is_refused(temperature_K):
    with pytest.raises(ValueError, match="measured between"):
        replace(DEFAULT, temperature_K=temperature_K)


def test_potential_inverts_stoichiometry():
    x = np.linspace(0.1472, 0.8798, 1000)
    U = OCP.potential(x)
    np.testing.assert_allclose(OCP.stoichiometry(U), x, atol=1e-12)
    assert np.all(np.diff(U) < 0)
    slope = OCP.stoichiometry_and_slope(U)[1]
    numeric = (OCP.stoichiometry(U + 1e-6) - OCP.stoichiometry(U - 1e-6)) / 2e-6
    np.testing.assert_allclose(slope, numeric, rtol=1e-4, atol=1e-8)


def test_content_out_of_range_is_named():
    with pytest.raises(ValueError, match="defined between 0.147"):
        OCP.potential(0.99)


def test_every_parameter_has_unit_source_and_confidence():
    rows = parameter_rows()
    assert len(rows) >= 20
    for row in rows:
        assert row["unit"] and row["source"] and row["confidence"] in "HML"
        if row["confidence"] == "L":
            assert row["sweep"], f"{row['symbol']} is uncertain and has no sweep"
