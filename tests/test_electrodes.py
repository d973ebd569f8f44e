import dataclasses

import pytest

from analysis import electrodes
from analysis.electrodes import (
    ELECTRODES,
    PAPER_DENSITIES,
    SUSPENSIONS,
    Densities,
    Suspension,
)
from analysis.paper import CURRENTS_MA_CM2
from analysis.phases import Phase


@pytest.mark.parametrize("name", ["SL", "TL"])
def test_printed_volume_fractions_follow_from_recipe_and_densities(name):
    fractions = ELECTRODES[name].solid_fractions()
    assert fractions.am == pytest.approx(0.5954, abs=5e-5)
    assert fractions.cbd_solid == pytest.approx(0.1154, abs=5e-5)
    assert fractions.porosity == pytest.approx(0.2892, abs=5e-5)


@pytest.mark.parametrize("name", ["SL", "TL"])
def test_voxel_targets_count_the_nanopores_as_cbd(name):
    targets = ELECTRODES[name].targets()
    assert targets[Phase.AM] == pytest.approx(0.5954, abs=5e-5)
    assert targets[Phase.CBD] == pytest.approx(0.2308, abs=5e-5)
    assert targets[Phase.PORE] == pytest.approx(0.1738, abs=5e-5)
    assert sum(targets.values()) == pytest.approx(1)


@pytest.mark.parametrize(
    ("name", "thickness_um", "voxels"), [("SL", 164.5, 256), ("TL", 171.0, 266), ("D", 158.4, 247)]
)
def test_thickness_is_loading_over_density(name, thickness_um, voxels):
    assert ELECTRODES[name].thickness_um == pytest.approx(thickness_um, abs=0.05)
    assert ELECTRODES[name].thickness_voxels() == voxels


def test_the_layers_of_tl_have_the_fractions_of_their_suspensions():
    upper, lower = (electrodes.solid_fractions(s, 3.1) for s in ELECTRODES["TL"].layers)
    assert (upper.am, upper.cbd_solid, upper.porosity) == pytest.approx(
        (0.608, 0.080, 0.312), abs=5e-4
    )
    assert (lower.am, lower.cbd_solid, lower.porosity) == pytest.approx(
        (0.583, 0.151, 0.266), abs=5e-4
    )


def test_the_mean_of_the_two_layers_is_suspension_a():
    assert ELECTRODES["TL"].recipe.weights == pytest.approx(SUSPENSIONS["A"].weights)


def test_handbook_densities_do_not_reproduce_the_printed_fractions():
    usual = electrodes.mean_density(SUSPENSIONS["A"], carbon_black=1.9, graphite=2.26, pvdf=1.78)
    fractions = ELECTRODES["SL"].solid_fractions(Densities(4.77, usual))
    assert abs(fractions.am - 0.5954) > 0.01
    assert abs(fractions.cbd_solid - 0.1154) > 0.005


def test_component_densities_that_reproduce_the_cbd():
    density = electrodes.mean_density(SUSPENSIONS["A"], carbon_black=1.57, graphite=2.2, pvdf=1.76)
    assert density == pytest.approx(PAPER_DENSITIES.cbd_solid_g_cm3, rel=3e-3)


def test_c_rates_are_currents_over_capacity():
    tl = ELECTRODES["TL"]
    capacity = 53.0 * 0.935 * 0.175
    assert tl.areal_capacity_mAh_cm2(175.0) == pytest.approx(capacity)
    rates = [round(tl.c_rate(current, 175.0), 2) for current in CURRENTS_MA_CM2]
    assert rates == [0.12, 0.35, 0.69, 0.92, 1.15, 1.38]


def test_pvdf_share_differs_more_between_the_layers_than_the_cbd():
    upper, lower = ELECTRODES["TL"].layers
    assert lower.pvdf / upper.pvdf == pytest.approx(5.5 / 1.5)
    assert lower.additives / upper.additives == pytest.approx(8.5 / 4.5)
    assert lower.pvdf_share == pytest.approx(5.5 / 8.5)


def test_every_suspension_adds_up_to_its_column_of_table_1():
    for suspension in SUSPENSIONS.values():
        assert suspension.nmc + suspension.additives == pytest.approx(100)


def test_weights_that_do_not_sum_to_100_are_refused():
    with pytest.raises(ValueError, match="sum to 99.5, not 100"):
        Suspension("X", 93.0, 2.0, 1.0, 3.5)


def test_negative_weights_are_refused():
    with pytest.raises(ValueError, match="negative weight"):
        Suspension("X", 101.0, -2.0, 0.5, 0.5)


def test_a_density_without_room_for_pores_is_refused():
    with pytest.raises(ValueError, match=r"porosity of -0\.\d+.*solids alone have 4\.\d+ g/cm3"):
        electrodes.solid_fractions(SUSPENSIONS["A"], 4.9)


def test_a_cbd_that_needs_more_pores_than_there_are_is_refused():
    dense = electrodes.solid_fractions(SUSPENSIONS["B"], 3.5)
    with pytest.raises(ValueError, match="Lower the inner porosity"):
        electrodes.voxel_targets(dense, cbd_porosity=0.7)


@pytest.mark.parametrize("field", ["nmc_g_cm3", "cbd_solid_g_cm3"])
def test_densities_must_be_positive(field):
    with pytest.raises(ValueError, match="expected a positive number"):
        dataclasses.replace(PAPER_DENSITIES, **{field: 0.0})


def test_an_unknown_specimen_is_named():
    with pytest.raises(ValueError, match="Unknown specimen 'XL'; expected one of SL, TL, D"):
        electrodes.electrode("XL")
