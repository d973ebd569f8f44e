"""Temporary files of a run lie in its own folder; those of killed runs go, others' stay."""

import os
import signal
import subprocess
import sys
import tempfile
from pathlib import Path

import pytest

from analysis.storage import scratch

ROOT = Path(__file__).resolve().parents[2]

HOLD = """
import subprocess, sys, tempfile
from pathlib import Path
from analysis.storage import scratch
with scratch.own_folder(progress=lambda line: None) as folder:
    Path(tempfile.mkstemp()[1]).write_text("large")
    made = subprocess.run([sys.executable, "-c", "import tempfile; print(tempfile.mkdtemp())"],
                          capture_output=True, text=True).stdout.strip()
    print(folder, made, flush=True)
    sys.stdin.read()
"""


@pytest.fixture
def temporary(tmp_path, monkeypatch):
    monkeypatch.setenv("TMPDIR", str(tmp_path))
    monkeypatch.setattr(tempfile, "tempdir", None)
    return tmp_path


def hold():
    process = subprocess.Popen(
        [sys.executable, "-c", HOLD],
        cwd=ROOT,
        stdin=subprocess.PIPE,
        stdout=subprocess.PIPE,
        text=True,
    )
    folder, made = map(Path, process.stdout.readline().split())
    return process, folder, made


def test_everything_goes_with_the_run(temporary):
    process, folder, made = hold()
    assert folder.parent == temporary and made.parent == folder
    process.communicate("")
    assert list(temporary.iterdir()) == []


def test_a_killed_run_is_swept_and_a_running_one_is_not(temporary):
    killed, folder, _ = hold()
    running, alive, _ = hold()
    killed.send_signal(signal.SIGKILL)
    killed.wait()
    assert folder.exists()
    lines = []
    with scratch.own_folder(progress=lines.append):
        assert not folder.exists() and alive.exists()
        assert Path(tempfile.gettempdir()).parent == temporary
    assert lines == ["Removed the temporary files of 1 earlier runs that were killed."]
    running.communicate("")
    assert tempfile.gettempdir() == str(temporary)


@pytest.mark.parametrize("marker", [None, b"", b"someone else's", b"\xff\xfe"])
def test_a_folder_without_our_mark_stays(temporary, marker):
    folder = temporary / f"{scratch.PREFIX}abc"
    folder.mkdir()
    (folder / "thesis.tex").write_text("mine")
    if marker is not None:
        (folder / scratch.MARKER).write_bytes(marker)
    assert scratch.sweep(temporary) == []
    assert (folder / "thesis.tex").exists()


def test_a_link_to_a_marked_folder_stays(temporary):
    real = temporary / "elsewhere"
    real.mkdir()
    (real / scratch.MARKER).write_text(scratch.MARK)
    (temporary / f"{scratch.PREFIX}link").symlink_to(real)
    assert scratch.sweep(temporary) == [] and real.exists()


def test_half_written_files_of_dead_processes_go(tmp_path):
    process = subprocess.Popen([sys.executable, "-c", ""])
    process.wait()
    host = scratch._host()
    dead = tmp_path / "tables" / f".scores.v2.{host}-{process.pid}.partial.csv"
    alive = tmp_path / f".scores.{host}-{os.getpid()}.partial.csv"
    elsewhere = tmp_path / f".scores.other_host-{process.pid}.partial.csv"
    foreign = tmp_path / ".notes.partial.csv"
    dead.parent.mkdir()
    for file in (dead, alive, elsewhere, foreign):
        file.write_text("half")
    assert scratch.sweep_partial(tmp_path) == [dead]
    assert alive.exists() and elsewhere.exists() and foreign.exists()
    assert scratch.partial_name(tmp_path / "scores.csv") == alive
