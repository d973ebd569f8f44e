"""What is concluded from fits and half cells, on tables made by hand."""

import numpy as np
import pandas as pd
import pytest

from analysis import paper
from analysis.study.cells import calibration, homogenized


def fits(gammas):
    return pd.DataFrame(
        [
            {
                "specimen": specimen,
                "cutout": cutout,
                "method": method,
                "gamma": gamma + shift,
                "at_bound": False,
                "error_3": -2.0,
                "error_6": 0.5,
                "error_12": 4.0,
            }
            for (specimen, method), gamma in gammas.items()
            for cutout, shift in ((1, -0.01), (2, 0.01))
        ]
    )


def test_gamma_is_the_mean_of_the_cutouts_beside_the_printed_one():
    table = calibration.beside_the_paper(fits({("SL", "kmeans"): 0.1}), gamma_true=0.08)
    (row,) = table.itertuples()
    assert row.gamma == pytest.approx(0.1) and row.tau == pytest.approx(5)
    assert row.spread == pytest.approx(0.02) and row.bias == pytest.approx(25)
    printed = paper.table(3).set_index(["specimen", "method"]).gamma["SL", "kmeans"]
    assert row.paper_gamma == printed
    assert row.error_fit == pytest.approx(0.5) and row.error_other == pytest.approx(3)


def test_a_method_that_the_paper_does_not_fit_has_no_printed_value():
    table = calibration.beside_the_paper(fits({("SL", "truth"): 0.1}), gamma_true=0.1)
    assert np.isnan(table.paper_gamma.item())


def test_half_cells_of_two_trinarizations_and_one_that_cannot_be_simulated():
    """More CBD in the way, less capacity; without a pore there is no half cell, and it is said."""
    rng = np.random.default_rng(1)
    open_ = np.where(rng.random((40, 12, 12)) < 0.6, 2, 0).astype(np.uint8)
    filled = np.where((open_ == 0) & (rng.random(open_.shape) < 0.8), 1, open_).astype(np.uint8)
    dense = np.full_like(open_, 2)
    labels = {"open": open_, "filled": filled, "dense": dense}
    curves, table = homogenized.compare(labels, 2.0, 0.02, (6.0,))
    table = table.set_index("method")
    assert table.loc["open", "transport"] > table.loc["filled", "transport"] > 0
    assert table.loc["open", "6 mA/cm²"] > table.loc["filled", "6 mA/cm²"]
    assert "dense" not in curves and table.loc["dense", "note"]
