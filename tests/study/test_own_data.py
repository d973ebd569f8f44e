"""One gray volume through the study, and the example that stands for a reader's own."""

import numpy as np
import pytest
import tifffile

from analysis import profiles, storage
from analysis.phases import VOXEL_SIZE_UM, Phase, volume_fractions
from analysis.study.own_data import own_tomogram, volume

RNG = np.random.default_rng(5)
LABELS = RNG.choice(3, (20, 18, 18), p=[0.2, 0.2, 0.6]).astype(np.uint8)
TARGETS = {Phase.AM: 0.6, Phase.CBD: 0.2, Phase.PORE: 0.2}


def test_tables_hold_a_row_for_each_method_and_phase():
    table = volume.fractions_table({"kmeans": LABELS, "truth": LABELS}, TARGETS)
    assert len(table) == 6
    share = volume_fractions(LABELS)
    assert table.set_index(["method", "phase"]).achieved["kmeans", "CBD"] == share[Phase.CBD]


def test_a_volume_agrees_with_itself_and_not_with_its_mirror():
    table = volume.agreement_table({"same": LABELS, "other": LABELS[::-1]}, LABELS)
    same, other = (row for _, row in table.drop(columns="method").iterrows())
    assert (same == 1).all() and (other < 0.9).all()


def test_profiles_of_all_phases_sum_to_one_in_every_slice():
    found = volume.profiles({"a": LABELS, "b": LABELS[::-1]}, 0.5)
    np.testing.assert_allclose(found.sum("phase"), 1)
    upright, mirrored = found.values
    np.testing.assert_array_equal(mirrored, upright[:, ::-1])
    assert found.z_um[0] == 0.25


def test_coverage_ends_at_a_third_of_the_shortest_edge():
    found = volume.coverages({"a": LABELS}, 0.5)
    assert abs(float(found.r_um.max()) - 18 * 0.5 / 3) < 0.25, "half a voxel: lags are binned"
    share = volume_fractions(LABELS)
    expected = -share[Phase.CBD] * share[Phase.PORE]
    assert found.sel(r_um=0).item() == pytest.approx(expected, abs=1e-12)


def test_the_example_is_a_16_bit_tiff_of_the_tomogram(results):
    smoke = profiles.get("smoke")
    gray = RNG.normal(1, 0.1, (20, 18, 18)).astype(np.float32)
    storage.save_volume("gray/SL-1", gray, profile=smoke, voxel_size_um=VOXEL_SIZE_UM)
    written = tifffile.imread(own_tomogram.example_file(smoke))
    assert written.dtype == np.uint16 and written.shape == gray.shape
    inner = (written > 0) & (written < 65535)
    assert np.corrcoef(written[inner], gray[inner])[0, 1] > 0.9999
    low, high = np.quantile(gray, (0.0005, 0.9995))
    assert (written[gray < low] == 0).all() and (written[gray > high] == 65535).all()
