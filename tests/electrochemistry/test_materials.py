"""Material functions against published values and against each other."""

from dataclasses import replace

import numpy as np
import pytest

from analysis.electrochemistry.materials import DEFAULT, parameter_rows

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
    np.testing.assert_allclose(slope, ELECTROLYTE.diffusion_slope_V(c) / c, rtol=3e-4)
    integral = np.trapezoid(slope, c)
    difference = ELECTROLYTE.diffusion_potential_V(c[-1]) - ELECTROLYTE.diffusion_potential_V(c[0])
    np.testing.assert_allclose(integral, difference, rtol=1e-6)


def test_constant_transference_gives_nernst_like_potential():
    constant = replace(ELECTROLYTE, constant_transference=0.3)
    np.testing.assert_allclose(constant.transference([10.0, 2000.0]), 0.3)


def test_open_circuit_potential_meets_ten_published_points():
    x = [0.258, 0.381, 0.534, 0.685, 0.840, 0.898]
    U = [4.283, 4.059, 3.834, 3.736, 3.651, 3.607]
    np.testing.assert_allclose(OCP.potential(x), U, atol=0.0095)


def test_potential_inverts_stoichiometry():
    x = np.linspace(0.1472, 0.9668, 1000)
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
        if row["confidence"] == "L" and row["symbol"] not in ("ε_sep", "γ_sep"):
            assert row["sweep"], f"{row['symbol']} is uncertain and has no sweep"
