"""Results survive the way to disk and back, and a failed write leaves the old one."""

import errno
import json

import numpy as np
import pandas as pd
import pytest
import xarray as xr

from analysis import storage


def test_volume_comes_back_with_its_voxel_size(results):
    labels = np.random.default_rng(0).integers(0, 3, (4, 5, 6)).astype(np.uint8)
    storage.save_volume("labels/SL-1-truth", labels, profile="smoke", voxel_size_um=0.642, seed=7)
    volume = storage.load_volume("labels/SL-1-truth", profile="smoke")
    np.testing.assert_array_equal(volume.values, labels)
    assert volume.dims == ("z", "y", "x")
    assert volume.attrs["voxel_size_um"] == 0.642
    assert volume.attrs["seed"] == 7
    assert volume.attrs["flag_meanings"] == "PORE CBD AM"
    np.testing.assert_allclose(volume.z[:2], [0.321, 0.963])


def test_composition_has_one_row_per_phase(results):
    composition = np.zeros((3, 2, 2, 2), np.float32)
    storage.save_volume("composition/SL-1-truth", composition, profile="smoke", voxel_size_um=1)
    volume = storage.load_volume("composition/SL-1-truth", profile="smoke")
    assert list(volume.phase.values) == ["PORE", "CBD", "AM"]


def test_curves_and_tables_come_back(results):
    curves = xr.Dataset({"fraction": ("z", [0.1, 0.2], {"units": "1"})})
    storage.save_curves("profiles", curves, profile="smoke")
    xr.testing.assert_identical(storage.load_curves("profiles", profile="smoke"), curves)
    table = pd.DataFrame({"method": ["kmeans"], "value": [1 / 3]})
    storage.save_table("agreement", table, profile="smoke")
    pd.testing.assert_frame_equal(storage.load_table("agreement", profile="smoke"), table)


def test_equal_tables_are_equal_bytes(results):
    table = pd.DataFrame({"value": np.random.default_rng(3).random(50)})
    first = storage.save_table("a", table, profile="smoke").read_bytes()
    assert storage.save_table("a", table.copy(), profile="smoke").read_bytes() == first


def test_a_full_disk_leaves_the_old_result(tmp_path):
    target = tmp_path / "table.csv"
    target.write_text("old")
    with pytest.raises(OSError, match="the disk is full") as raised, storage.atomic(target) as part:
        part.write_text("half of the new")
        raise OSError(errno.ENOSPC, "No space left on device")
    assert raised.value.errno == errno.ENOSPC
    assert target.read_text() == "old"
    assert list(tmp_path.iterdir()) == [target]


def test_a_volume_that_does_not_fit_on_the_disk(results, monkeypatch):
    labels = np.zeros((4, 4, 4), np.uint8)
    file = storage.save_volume("labels/SL-1-truth", labels, profile="smoke", voxel_size_um=1)
    before = file.read_bytes()

    def full(*_, **__):
        raise OSError(errno.ENOSPC, "No space left on device")

    monkeypatch.setattr(xr.Dataset, "to_netcdf", full)
    with pytest.raises(OSError, match="previous result, if there was one, is intact"):
        storage.save_volume("labels/SL-1-truth", labels + 1, profile="smoke", voxel_size_um=1)
    assert file.read_bytes() == before


def test_an_error_in_the_block_leaves_nothing_behind(tmp_path):
    with pytest.raises(RuntimeError), storage.atomic(tmp_path / "x.csv") as part:
        part.write_text("half")
        raise RuntimeError
    assert list(tmp_path.iterdir()) == []


def test_a_result_that_is_not_there(results):
    with pytest.raises(FileNotFoundError, match="make book PROFILE=smoke"):
        storage.load_table("absent", profile="smoke")


@pytest.mark.parametrize("name", ["../outside", "/etc/passwd"])
def test_names_stay_in_their_folder(results, name):
    with pytest.raises(ValueError, match="leaves its folder"):
        storage.path("tables", name, profile="smoke")


def test_reads_and_writes_are_recorded(results, tmp_path, monkeypatch):
    record = tmp_path / "record.jsonl"
    monkeypatch.setenv(storage.RECORD_VARIABLE, str(record))
    file = storage.save_table("a", pd.DataFrame({"x": [1]}), profile="smoke")
    storage.load_table("a", profile="smoke")
    entries = [json.loads(line) for line in record.read_text().splitlines()]
    assert [entry["operation"] for entry in entries] == ["write", "read"]
    assert {entry["path"] for entry in entries} == {"smoke/tables/a.csv"}
    assert {entry["sha256"] for entry in entries} == {storage.sha256(file)}
