"""What is said if Sphinx is killed, if there is no site to serve, or if the disk is full."""

import errno
import re
import subprocess
import sys
import urllib.request
from collections import namedtuple
from pathlib import Path

import pandas as pd
import pytest

from analysis import storage
from analysis.storage import disk, scratch
from publishing import build, site, stamps
from publishing.execute import ChapterFailed, run_chapter

ROOT = Path(__file__).resolve().parents[2]


@pytest.fixture
def staged(tmp_path):
    folder = tmp_path / "stage"
    folder.mkdir()
    for name in ("_toc.yml", "_config.yml"):
        (folder / name).write_text("")
    return folder, stamps.Build("smoke", tmp_path / "build")


@pytest.mark.parametrize(
    ("status", "said"),
    [
        (-9, "Sphinx was killed (SIGKILL; out of memory?) while it built the site"),
        (137, "Sphinx was killed (SIGKILL; out of memory?) while it built the site"),
        (-15, "Sphinx was killed (SIGTERM) while it built the site"),
        (2, "The site could not be built"),
    ],
)
def test_a_sphinx_that_was_killed_is_told_from_one_that_complains(
    staged, monkeypatch, status, said
):
    done = subprocess.CompletedProcess([], status, "", "")
    monkeypatch.setattr(site.subprocess, "run", lambda *_, **__: done)
    with pytest.raises(site.SphinxFailed) as raised:
        build.build_site(*staged)
    assert said in str(raised.value) and "site-html.txt" in str(raised.value)


def test_a_papermill_that_was_killed_says_so(staged, monkeypatch):
    _, made = staged
    monkeypatch.setattr("publishing.execute._run", lambda command, log, record: killed(log))
    with pytest.raises(ChapterFailed, match=r"Chapter 01_electrodes was killed \(SIGKILL"):
        run_chapter(ROOT / "book/01_electrodes.md", "01_electrodes", build=made, parameters={})


def test_a_full_disk_is_said_beside_what_the_log_could_not_hold(staged, monkeypatch):
    _, made = staged
    full = namedtuple("Usage", "free")(0)
    monkeypatch.setattr(disk.shutil, "disk_usage", lambda folder: full)
    monkeypatch.setattr("publishing.execute._run", lambda command, log, record: killed(log))
    with pytest.raises(ChapterFailed, match="the disk is full. The previous result"):
        run_chapter(ROOT / "book/01_electrodes.md", "01_electrodes", build=made, parameters={})


@pytest.mark.parametrize(
    ("failure", "said"),
    [
        (OSError(errno.ENOSPC, "No space left", "a.ipynb"), "Could not write a.ipynb: the disk is"),
        (OSError(errno.EDQUOT, "Disk quota exceeded"), "your quota on this disk is used up"),
        (ChapterFailed("Chapter 01_a stopped"), "Chapter 01_a stopped"),
    ],
)
def test_why_a_chapter_stopped(staged, failure, said):
    assert said in stamps.why_stopped(staged[1], "01_a", failure)


def test_the_record_of_reads_on_a_full_disk(results, monkeypatch):
    if not Path("/dev/full").exists():
        pytest.skip("needs /dev/full, which Linux has")
    monkeypatch.setenv(storage.RECORD_VARIABLE, "/dev/full")
    with pytest.raises(OSError, match="Could not write /dev/full: the disk is full"):
        storage.save_table("a", pd.DataFrame({"x": [1]}), profile="smoke")


def killed(log):
    log.write_text("")
    return -9, None


@pytest.mark.parametrize("profile", ["demo", "paper"])
def test_a_profile_that_was_not_built_is_not_served(tmp_path, monkeypatch, profile):
    monkeypatch.setattr(build, "ROOT", tmp_path)
    (tmp_path / "_build/smoke/html").mkdir(parents=True)
    with pytest.raises(FileNotFoundError, match=f"make book PROFILE={profile}") as raised:
        build.serve(profile)
    assert f"profile '{profile}' has not been built" in str(raised.value)
    assert "Built are: smoke." in str(raised.value)


SERVE = """
import sys
from pathlib import Path
from publishing import build
build.ROOT = Path(sys.argv[1])
build.serve("smoke", port=int(sys.argv[2]), progress=lambda line: print(line, flush=True))
"""


def test_a_built_profile_is_served_and_a_taken_port_is_said(tmp_path, monkeypatch):
    page = tmp_path / "_build/smoke/html/index.html"
    page.parent.mkdir(parents=True)
    page.write_text("<h1>Where?</h1>")
    process = subprocess.Popen(
        [sys.executable, "-c", SERVE, str(tmp_path), "0"],
        cwd=ROOT,
        stdout=subprocess.PIPE,
        stderr=subprocess.DEVNULL,
        text=True,
    )
    try:
        address, port = re.search(r"(http://127.0.0.1:(\d+)/)", process.stdout.readline()).groups()
        assert urllib.request.urlopen(address, timeout=10).read() == page.read_bytes()
        monkeypatch.setattr(build, "ROOT", tmp_path)
        with pytest.raises(OSError, match=f"Port {port} of this machine cannot be used"):
            build.serve("smoke", port=int(port))
    finally:
        process.kill()
        process.wait()


def test_leftovers_and_a_touched_manifest_are_named_when_a_run_begins(results, tmp_path):
    made = stamps.Build("smoke", tmp_path / "build")
    dead = subprocess.Popen([sys.executable, "-c", ""])
    dead.wait()
    left = results / f"smoke/tables/.a.{scratch._host()}-{dead.pid}.partial.csv"
    manifest = stamps.write_manifest(made, [])
    left.parent.mkdir()
    left.write_text("half")
    manifest.write_text("{}")
    lines = []
    build._clear_up(made, lines.append)
    assert not left.exists() and left.name in lines[0]
    assert lines[1].startswith("smoke/manifest.json was changed or damaged")
    assert storage.trouble(manifest)
