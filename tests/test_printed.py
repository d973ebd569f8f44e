"""The paper's tables, computed with: what `analysis.study.book.printed` claims about them."""

import pytest

from analysis.study.book import printed


def test_surface_rows_of_table_2_are_volume_fractions():
    rows = printed.surface_rows()
    assert len(rows) == 12
    assert rows["sum_times_edge"].between(0.9989, 1.0011).all()  # three printed digits each
    assert rows["interface_residual"].abs().max() < 1e-3
    assert (rows["interface_pore_CBD"] < 0).all()  # no surface is negative


def test_table_2_proves_that_half_of_the_cbd_is_nanopore():
    rows = printed.proved_targets().set_index("phase")
    assert rows.loc["CBD", "voxel_target"] == pytest.approx(0.2308)
    assert rows.loc["pore", "voxel_target"] == pytest.approx(0.1738)
    for phase in rows.index:
        assert rows.loc[phase, "table_2_mean"] == pytest.approx(
            rows.loc[phase, "voxel_target"], abs=0.005
        )
    assert rows.loc["CBD", "table_2_lowest"] > 1.9 * rows.loc["CBD", "printed"]


def test_the_printed_number_of_training_voxels_needs_binning():
    single, double = printed.training_voxels().to_dict("records")
    assert double["paper_training_voxels"] == 2541 == 11 * 11 * 21
    assert double["fewest"] <= 2541 <= double["most"]
    assert round(double["fib_voxels_per_edge"]) == 128
    assert single["fewest"] > 7 * 2541


def test_densities_that_the_fractions_imply():
    densities = printed.implied_densities()
    assert densities["nmc"] == pytest.approx(4.868, abs=1e-3)
    assert densities["cbd_solid"] == pytest.approx(1.746, abs=1e-3)


def test_table_3_holds_the_inverse_of_tau():
    table = printed.transport_columns().set_index("method")
    assert table.loc["edx-closing", "gamma_TL"] == pytest.approx(0.12)
    assert table.loc["kmeans", "gamma_TL"] == pytest.approx(0.06)
    assert table["factor"].between(1.3, 6.1).all()


def test_fluorine_overstates_the_step_of_the_cbd():
    contrast = printed.fluorine_contrast()
    assert contrast["pvdf"] == pytest.approx(5.5 / 1.5)
    assert contrast["cbd"] == pytest.approx(8.5 / 4.5)


def test_windows_are_thinner_than_the_electrodes():
    table = printed.thicknesses().set_index("specimen")
    for name in ("SL", "TL"):
        assert table.loc[name, "threshold_window_um"] < table.loc[name, "from_loading_um"]
    assert table.loc["D", "figure_1_um"] > table.loc["D", "from_loading_um"]


def test_small_radii_are_bottlenecks():
    small = printed.radii_below_half_a_voxel()
    assert len(small) > 0
    assert small["quantity"].str.startswith("r_min").all()
