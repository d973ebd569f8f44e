"""Table 2 shows an interval where a median radius is not sharp, and only there."""

import numpy as np
import pandas as pd
import pytest
import xarray as xr

from analysis.study.morphology import median_intervals

RADII = np.round(np.arange(0, 8.001, 0.05), 3)
SHARP = np.clip(1.5 - 0.5 * RADII, 0, 1)  # 0.52 to 0.48 between 1.96 and 2.04
FLAT = np.interp(RADII, [0, 2.0, 3.3, 5], [1, 0.52, 0.48, 0])
METHODS = ["kmeans", "truth"]


@pytest.fixture
def described():
    curves = np.tile(SHARP, (2, 2, 2, 3, 1))
    curves[1, :, 0, 2] = FLAT  # TL, k-means, pore
    dims = ("specimen", "cutout", "method", "phase", "r_um")
    coords = {"specimen": ["SL", "TL"], "cutout": [1, 2], "method": METHODS,
              "phase": ["AM", "CBD", "pore"], "r_um": RADII}  # fmt: skip
    return xr.Dataset(
        {"size": (dims, np.tile(SHARP, (2, 2, 2, 3, 1))), "intrusion": (dims, curves)}, coords
    )


def test_a_flat_curve_is_shown_as_an_interval(described):
    quantities = ["r_min_P", "r_max_P", "r_min_AM", "beta_P", "r_min_P", "r_min_P"]
    specimens = ["TL", "TL", "TL", "TL", "SL", "TL"]
    sources = ["here"] * 5 + ["paper"]
    table = pd.DataFrame({"quantity": quantities, "specimen": specimens, "source": sources})
    table = table.assign(kmeans=2.65, truth=2.0)
    shown = median_intervals.with_intervals(table, described)
    assert shown.loc[0, "kmeans"] == "2.0 to 3.3"
    assert median_intervals.count(shown) == 1 and median_intervals.count(table) == 0
    assert (shown["truth"] == 2.0).all() and (shown.loc[1:, "kmeans"] == 2.65).all()
    assert table["kmeans"].dtype == float  # the argument is left as it was


def test_a_wider_limit_shows_less(described):
    table = pd.DataFrame({"quantity": ["r_min_P"], "specimen": ["TL"], "source": ["here"]})
    table = table.assign(kmeans=2.65)
    assert median_intervals.count(median_intervals.with_intervals(table, described, wide=0.6)) == 0
    intervals = median_intervals.median_intervals(described)
    found = intervals["r_min"].sel({"specimen": "TL", "method": "kmeans", "phase": "pore"}).values
    np.testing.assert_allclose(found, [2.0, 3.3], atol=0.02)
