"""Every result has a checksum; one that was changed is never read, whoever wrote beside us."""

import errno
import multiprocessing
import os
import subprocess

import h5py
import numpy as np
import pandas as pd
import pytest
import xarray as xr

from analysis import storage
from analysis.storage import checksums

TABLE = pd.DataFrame({"x": np.arange(200) / 7})


def save(kind):
    """A small result of each kind, with the function that reads it."""
    if kind == "volumes":
        labels = np.random.default_rng(0).integers(0, 3, (6, 7, 8)).astype(np.uint8)
        file = storage.save_volume("labels/SL-1-truth", labels, profile="smoke", voxel_size_um=1)
        return file, lambda: storage.load_volume("labels/SL-1-truth", profile="smoke")
    if kind == "curves":
        data = xr.Dataset({"f": ("z", np.arange(100.0))})
        file = storage.save_curves("profile", data, profile="smoke")
        return file, lambda: storage.load_curves("profile", profile="smoke")
    file = storage.save_table("scores", TABLE, profile="smoke")
    return file, lambda: storage.load_table("scores", profile="smoke")


def flip(file):
    content = bytearray(file.read_bytes())
    content[len(content) // 2] ^= 1
    file.write_bytes(content)


def truncate(file):
    os.truncate(file, file.stat().st_size - 7)


def empty(file):
    os.truncate(file, 0)


def replace_by_text(file):
    file.write_text("garbage\n")


@pytest.mark.parametrize("kind", ["volumes", "curves", "tables"])
@pytest.mark.parametrize("damage", [flip, truncate, empty, replace_by_text])
def test_damage_is_noticed_before_reading_and_writing_anew_heals(results, kind, damage):
    file, read = save(kind)
    read()
    damage(file)
    with pytest.raises(storage.Damaged, match="make book PROFILE=smoke") as raised:
        read()
    assert str(file) in str(raised.value)
    save(kind)
    read()


def test_one_changed_value_in_a_valid_file(results):
    file, read = save("curves")
    with h5py.File(file, "r+") as opened:
        opened["f"][3] += 0.02
    with pytest.raises(storage.Damaged, match="SHA-256 differs"):
        read()


def test_a_file_from_elsewhere_has_no_checksum(results, tmp_path):
    file, read = save("tables")
    stranger = file.with_name("other.csv")
    stranger.write_bytes(file.read_bytes())
    with pytest.raises(storage.Damaged, match="has no checksum, so it may not be of this study"):
        storage.load_table("other", profile="smoke")


def test_entries_can_be_checked_by_hand(results):
    for kind in ("volumes", "curves", "tables"):
        save(kind)
    entries = sorted(path for path in (results / "smoke/.sha256").rglob("*") if path.is_file())
    text = "".join(entry.read_text() for entry in entries)
    assert len(entries) == 3
    done = subprocess.run(
        ["sha256sum", "--check", "-"], cwd=results, input=text, text=True, capture_output=True
    )
    assert done.returncode == 0 and done.stdout.count(": OK") == 3, done.stderr


@pytest.mark.parametrize("content", ["", "garbage"])
def test_the_text_of_an_entry_is_for_people_only(results, content):
    file, read = save("tables")
    for entry in (results / "smoke/.sha256/tables").iterdir():
        entry.write_text(content)
    read()


def test_a_kill_between_checksum_and_result_leaves_the_old_result_valid(results, monkeypatch):
    _, read = save("tables")

    def killed(*_):
        raise KeyboardInterrupt

    with monkeypatch.context() as patch:
        patch.setattr(os, "replace", killed)
        with pytest.raises(KeyboardInterrupt):
            storage.save_table("scores", TABLE * 2, profile="smoke")
    pd.testing.assert_frame_equal(read(), TABLE, rtol=1e-11)


def test_a_failed_checksum_leaves_the_old_result_valid(results, monkeypatch):
    _, read = save("tables")

    def full(*_, **__):
        raise OSError(errno.ENOSPC, "No space left on device")

    with monkeypatch.context() as patch:
        patch.setattr(checksums, "add", full)
        with pytest.raises(OSError, match="the disk is full"):
            storage.save_table("scores", TABLE * 2, profile="smoke")
    pd.testing.assert_frame_equal(read(), TABLE, rtol=1e-11)


def test_entries_of_replaced_results_go_after_a_while(results):
    for factor in range(4):
        storage.save_table("scores", TABLE * factor, profile="smoke")
    folder = results / "smoke/.sha256/tables"
    assert len(list(folder.iterdir())) == 4
    for entry in folder.iterdir():
        os.utime(entry, (1e9, 1e9))
    storage.save_table("scores", TABLE * 9, profile="smoke")
    assert len(list(folder.iterdir())) == 1
    storage.load_table("scores", profile="smoke")


def _write_and_read(root, factor, times, queue):
    os.environ[storage.ROOT_VARIABLE] = str(root)
    frame, wrong = pd.DataFrame({"x": np.full(50, float(factor))}), 0
    for _ in range(times):
        storage.save_table("scores", frame, profile="smoke")
        try:
            values = set(storage.load_table("scores", profile="smoke").x)
            wrong += len(values) != 1
        except storage.Damaged:
            wrong += 1
    queue.put(wrong)


def test_two_processes_write_and_read_the_same_result(results):
    context = multiprocessing.get_context("fork")
    queue = context.Queue()
    writers = [
        context.Process(target=_write_and_read, args=(results, factor, 40, queue))
        for factor in (1, 2, 3)
    ]
    for writer in writers:
        writer.start()
    assert [queue.get(timeout=60) for _ in writers] == [0, 0, 0]
    for writer in writers:
        writer.join()


def test_a_file_is_hashed_once_while_it_stays(results, monkeypatch):
    file, read = save("tables")
    os.utime(file, (1e9, 1e9))
    monkeypatch.setattr(checksums, "_FRESH_S", -1)
    counted = []
    digest = checksums.hashlib.file_digest
    monkeypatch.setattr(
        checksums.hashlib, "file_digest", lambda *a: counted.append(a) or digest(*a)
    )
    read(), read(), read()
    assert len(counted) == 1
    flip(file)
    with pytest.raises(storage.Damaged):
        read()


@pytest.mark.parametrize("profile", ["demoo", "Demo", "", "own/../demo"])
@pytest.mark.parametrize("use", [storage.save_table, lambda *_, profile: save_gray(profile)])
def test_an_unknown_profile_makes_no_folder(results, profile, use):
    with pytest.raises(ValueError, match="no profile"):
        use("scores", TABLE, profile=profile)
    assert not results.exists()


def save_gray(profile):
    storage.save_volume("gray/SL-1", np.zeros((2, 2, 2)), profile=profile, voxel_size_um=1)
