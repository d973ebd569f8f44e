"""Volumes read slab by slab or tile by tile give the numbers of volumes in memory."""

import dask.array
import numpy as np
import pytest

from analysis.descriptors import _volume
from analysis.descriptors.covariance import two_point_coverage
from analysis.descriptors.profile import volume_fractions
from analysis.descriptors.surface import specific_surfaces


class Recorder:
    """A volume on disk: says its shape, hands out parts, and records their size."""

    def __init__(self, labels):
        self.labels, self.shape, self.largest = labels, labels.shape, 0

    def __getitem__(self, key):
        part = self.labels[key]
        self.largest = max(self.largest, part.size)
        return part


@pytest.fixture
def small_slabs(monkeypatch):
    monkeypatch.setattr(_volume, "SLAB_VOXELS", 6000)


def lazy(labels):
    return [
        dask.array.from_array(labels, chunks=(7, 16, 20)),
        Recorder(labels),
    ]


def test_surfaces(electrode, small_slabs):
    labels = electrode((30, 33, 70))
    for volume in lazy(labels):
        assert specific_surfaces(volume, 0.642) == specific_surfaces(labels, 0.642)


def test_profiles(electrode, small_slabs):
    labels = electrode((30, 33, 70))
    for volume in lazy(labels):
        np.testing.assert_array_equal(volume_fractions(volume), volume_fractions(labels))


def test_two_point_coverage(electrode):
    labels = electrode((30, 33, 70))
    expected = two_point_coverage(labels, 1.0, 6.0)
    for volume in lazy(labels):
        streamed = two_point_coverage(volume, 1.0, 6.0, tile_voxels=20_000)
        np.testing.assert_array_equal(streamed.values, expected.values)


def test_no_more_than_a_slab_or_tile_is_read_at_once(electrode, small_slabs):
    volume = Recorder(electrode((30, 33, 70)))
    specific_surfaces(volume, 1.0)
    volume_fractions(volume)
    assert volume.largest <= 6000
    volume.largest = 0
    two_point_coverage(volume, 1.0, 6.0, tile_voxels=20_000)
    assert volume.largest <= 20_000


def test_slabs_of_a_memory_map(electrode, small_slabs, tmp_path):
    labels = electrode((20, 24, 66))
    np.save(tmp_path / "labels.npy", labels)
    on_disk = np.load(tmp_path / "labels.npy", mmap_mode="r")
    assert specific_surfaces(on_disk, 1.0) == specific_surfaces(labels, 1.0)


def test_bad_labels_are_found_in_any_slab(electrode, small_slabs):
    labels = electrode((30, 33, 70))
    labels[-1, -1, -1] = 9
    for volume in lazy(labels):
        with pytest.raises(ValueError, match="9; expected 0"):
            specific_surfaces(volume, 1.0)
