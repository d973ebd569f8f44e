"""The variants of k-means beside each other: which voxels noise and another sample change."""

import numpy as np
import pytest

from analysis import profiles, storage
from analysis.phases import VOXEL_SIZE_UM, Phase
from analysis.study.trinarization import clustering

from ..segmentation.test_neural import blurred_phases

SMOKE = profiles.get("smoke")


@pytest.fixture
def specimen(tmp_path, monkeypatch):
    """Gray values and truth of a small volume, where the study looks for them."""
    monkeypatch.setenv(storage.ROOT_VARIABLE, str(tmp_path))
    gray, composition = blurred_phases((16, 18, 20), seed=3)
    gray = gray + np.random.default_rng(0).uniform(-0.5, 0.5, gray.shape)
    for name, array in (
        ("gray/SL-1", gray.astype(np.float32)),
        ("labels/SL-1-truth", composition.argmax(axis=0).astype(np.uint8)),
    ):
        storage.save_volume(name, array, profile="smoke", voxel_size_um=VOXEL_SIZE_UM)


def test_noise_changes_nothing_and_the_summary_takes_the_worst(specimen):
    table = clustering.spread(SMOKE, count=1)
    assert set(table["weights"]) == set(clustering.VARIANTS)
    assert len(table) == 3 * (1 + 1 + 1)
    summary = clustering.spread_summary(table).set_index(["weights", "drawn"])
    for variant in ("five", "two"):
        assert summary.loc[(variant, "noise"), "changed"] <= 1e-3
        draws = table[(table["weights"] == variant) & (table["drawn"] == "sample")]
        assert summary.loc[(variant, "sample"), "changed"] == draws["changed"].max()
    assert (summary["span"] == summary["highest"] - summary["lowest"]).all()
    assert storage.exists("tables", "kmeans-spread", profile="smoke")


def test_the_seed_of_the_noise_is_the_only_difference(specimen):
    labels, fit = clustering.trinarize(SMOKE, "SL", 1)
    again, _ = clustering.trinarize(SMOKE, "SL", 1)
    np.testing.assert_array_equal(labels, again)
    assert fit.search == "nearest" and set(np.unique(labels)) == {int(phase) for phase in Phase}
