"""Curves, profiles and times as people have them: the right value, or an error that says why."""

import numpy as np
import pytest

from analysis.electrochemistry import gamma_fit as calibration
from analysis.electrochemistry.measured_curve import read_curve
from analysis.electrochemistry.porous_electrode import half_cell as halfcell
from analysis.electrochemistry.porous_electrode.mesh import ElectrodeProfile
from analysis.electrochemistry.resolved import half_cell as resolved

V = np.array([4.2, 4.1, 4.0, 3.9, 3.8, 3.7, 3.5, 3.2, 3.0])
Q = np.linspace(0, 4, V.size)


def written(tmp_path, column, x, v, head="", encoding="utf-8"):
    file = tmp_path / "curve.csv"
    rows = "\n".join(f"{a},{b}" for a, b in zip(x, v, strict=True))
    file.write_text(f"{head}{column},voltage_V\n{rows}\n", encoding=encoding)
    return file


def test_a_rest_before_and_a_charge_after_are_left_out(tmp_path):
    rest = written(tmp_path, "time_h", np.r_[-0.2, -0.1, Q], np.r_[4.25, 4.25, V])
    with pytest.warns(UserWarning, match="rest of 2 points"):
        capacity, voltage = read_curve(rest, current_mA_cm2=1)
    np.testing.assert_allclose((capacity, voltage), (Q, V))
    charge = written(tmp_path, "time_h", np.r_[Q, 4.5, 5.0], np.r_[V, 3.4, 4.0])
    with pytest.warns(UserWarning, match="2 points after the lowest voltage"):
        capacity, voltage = read_curve(charge, current_mA_cm2=1)
    np.testing.assert_allclose((capacity, voltage), (Q, V))


@pytest.mark.parametrize("shift, sign", [(2.0, 1), (-1.0, 1), (0.0, -1)])
def test_a_counter_is_shifted_and_turned(tmp_path, shift, sign):
    file = written(tmp_path, "capacity_mAh_cm2", sign * (Q + shift), V)
    with pytest.warns(UserWarning, match="starts at|sign was turned"):
        capacity, _ = read_curve(file, current_mA_cm2=1)
    np.testing.assert_allclose(capacity, Q)


@pytest.mark.parametrize("encoding", ["utf-16", "utf-8-sig", "utf-8"])
def test_encodings_and_trailing_commas(tmp_path, encoding):
    file = written(tmp_path, "time_h", Q, [f"{v}," for v in V], encoding=encoding)
    np.testing.assert_allclose(read_curve(file, current_mA_cm2=1), (Q, V))


def test_semicolons_and_decimal_commas(tmp_path):
    file = tmp_path / "curve.csv"
    rows = "\n".join(f"{a};{b}".replace(".", ",") for a, b in zip(Q, V, strict=True))
    file.write_text("time_h;voltage_V\n" + rows)
    np.testing.assert_allclose(read_curve(file, current_mA_cm2=1), (Q, V))


def electrode(**changed):
    values = {
        "thickness_m": 1e-4, "active": 0.6, "electrolyte": 0.3, "surface_1_m": 5e5,
        "transport": 0.15, "electronic_S_m": 1.0, "radius_m": 3.6e-6,
    }  # fmt: skip
    return ElectrodeProfile(**{**values, **changed})


@pytest.mark.parametrize(
    "changed, message",
    [
        ({"surface_1_m": 0.5}, "per µm"),
        ({"surface_1_m": np.nan}, "surface"),
        ({"transport": 5.0}, "up to 1"),
        ({"transport": np.inf}, "up to 1"),
        ({"transport": np.nan}, "conducts nothing"),
        ({"electronic_S_m": np.inf}, "NaN or infinity"),
    ],
)
def test_a_profile_that_cannot_be(changed, message):
    with pytest.raises(ValueError, match=message):
        electrode(**changed)


@pytest.mark.parametrize(
    "changed, message",
    [
        ({"surface_1_m": [5e5, 0.0]}, "no reactive surface"),
        ({"active": [0.6, 0.0], "surface_1_m": [5e5, 0.0]}, "no active material"),
        ({"electrolyte": [0.3, 0.0]}, "no electrolyte"),
    ],
)
def test_a_slab_that_lacks_something(changed, message):
    with pytest.raises(ValueError, match=message):
        halfcell.lithiate(electrode(**changed), 6.0, n_electrode=8)


@pytest.mark.parametrize(
    "options",
    [{"end_s": np.nan}, {"times_s": [0, 2, 1]}, {"times_s": [1, 2]},
     {"times_s": [0, 1, 9], "end_s": 5}, {"times_s": [0, np.nan]}],
)  # fmt: skip
def test_times_are_checked(options):
    with pytest.raises(ValueError, match="end_s|times_s"):
        halfcell.lithiate(electrode(), 6.0, n_electrode=8, **options)


@pytest.mark.parametrize(
    "arguments",
    [
        (-1.0, 10, 1),
        (np.nan, 10, 1),
        (6.0, np.nan, 1),
        (6.0, 10, 2.0),
        (6.0, 10, 0),
        (6.0, 10, True),
    ],
)
def test_arguments_of_the_resolved_model(arguments):
    with pytest.raises(ValueError, match="current is|end_s|joined"):
        resolved.check_arguments(*arguments)


def test_a_curve_beyond_the_active_material_or_above_the_cut_off():
    from types import SimpleNamespace

    from analysis.electrochemistry.materials import DEFAULT

    thin = SimpleNamespace(active=np.array([0.6]), thickness_m=5e-5)
    with pytest.raises(ValueError, match="can take up"):
        calibration.check_range(thin, 10 * Q, V, DEFAULT)
    with pytest.warns(UserWarning, match="above the cut-off"):
        calibration.check_range(thin, 0.1 * Q, V + 0.3, DEFAULT)


@pytest.mark.parametrize(
    "active, n_electrode, message",
    [
        (
            [0.0, 0.0, 0.6, 0.6, 0.6, 0.6, 0.6, 0.6],
            8,
            r"Cut the volume to the slabs 2 to 7, where it is filled\.$",
        ),
        ([0.6, 0.6, 0.6, 0.6, 0.6, 0.6, 0.6, 0.0], 8, r"Cut the volume to the slabs 0 to 6.*=7"),
        ([0.6, 0.6, 0.6, 0.0, 0.6, 0.6, 0.6, 0.6], 16, r"slabs 3 to 3 of 8.*A gap inside"),
    ],
)
def test_an_empty_slab_is_named_with_a_way_out(active, n_electrode, message):
    active = np.array(active)
    made = electrode(active=active, surface_1_m=5e5 * (active > 0))
    with pytest.raises(ValueError, match=message):
        halfcell.lithiate(made, 6.0, n_electrode=n_electrode)


def test_the_way_out_leads_out():
    active = np.r_[np.full(7, 0.6), 0.0]
    made = electrode(active=active, surface_1_m=5e5 * (active > 0))
    run = halfcell.lithiate(made, 6.0, n_electrode=7, n_separator=4)
    assert run.reached_cutoff
