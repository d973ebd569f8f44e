"""Currents, cut-offs and ends that make no lithiation are refused alike by both models."""

import numpy as np
import pytest

from analysis.electrochemistry import halfcell, resolved
from analysis.electrochemistry.porous_electrode.mesh import ElectrodeProfile
from analysis.phases import Phase

PROFILE = ElectrodeProfile(
    thickness_m=1e-4, active=0.6, electrolyte=0.3, surface_1_m=5e5, transport=0.15,
    electronic_S_m=1.0, radius_m=3.6e-6,
)  # fmt: skip


def columns(n=12, width=4):
    """Columns of AM, binder and pore from the separator to the collector."""
    labels = np.full((n, width, width), Phase.PORE, np.uint8)
    labels[:, :, 0] = Phase.CBD
    labels[:, :, 1:3] = Phase.AM
    return labels


def homogenized(current=6.0, **options):
    return halfcell.lithiate(PROFILE, current, n_electrode=8, n_separator=4, **options)


def on_voxels(current=6.0, **options):
    """With a first step so short that few shorter ones are tried."""
    control = resolved.Control(first_step_s=1.2e-3)
    return resolved.lithiate(
        columns(), 0.12, current, voxel_size_um=4.0, threads=1, control=control, **options
    )


MODELS = pytest.mark.parametrize("lithiate", [homogenized, on_voxels])


@MODELS
@pytest.mark.parametrize("current", [-1.0, 0, np.nan, np.inf, True, "6 mA", None])
def test_what_is_no_current(lithiate, current):
    with pytest.raises(ValueError, match="The current is .* expected a positive number"):
        lithiate(current)


@MODELS
def test_amperes_per_square_meter(lithiate):
    with pytest.raises(ValueError, match="given in A/m²"):
        lithiate(2000.0)


@MODELS
@pytest.mark.parametrize("cutoff", [2.4, 0, -3.0, -np.inf])
def test_a_cut_off_below_the_open_circuit_potential(lithiate, cutoff):
    with pytest.raises(ValueError, match="below the end of the open-circuit potential"):
        lithiate(cutoff_V=cutoff)


@MODELS
@pytest.mark.parametrize("cutoff", [4.4, np.nan, np.inf, "3 V"])
def test_a_cut_off_that_is_not_below_the_start(lithiate, cutoff):
    with pytest.raises(ValueError, match="not below the starting voltage"):
        lithiate(cutoff_V=cutoff)


@MODELS
@pytest.mark.parametrize("end", [0, -1.0, np.nan, "late"])
def test_an_end_that_is_no_time(lithiate, end):
    with pytest.raises(ValueError, match="end_s is"):
        lithiate(end_s=end)


@MODELS
@pytest.mark.parametrize("options", [{"current": 400.0}, {"current": 60.0, "cutoff_V": 4.1}])
def test_a_current_that_cannot_be_carried(lithiate, options):
    with pytest.raises(ValueError, match="mA/cm² cannot be carried even at the start"):
        lithiate(**options)


def test_two_hundred_on_voxels_is_an_error_and_no_empty_curve():
    with pytest.raises(ValueError, match="200 mA/cm² cannot be carried even at the start"):
        on_voxels(200.0)
