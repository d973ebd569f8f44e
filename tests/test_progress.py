"""Who waits for a chapter sees what is done, what is at work and how long it will take."""

import time
from dataclasses import replace

import pytest

from analysis import profiles, progress, storage
from analysis.simulation import campaign
from analysis.simulation.cases import Case
from analysis.simulation.run import Outcome
from publishing import execute


@pytest.fixture
def log(tmp_path, monkeypatch):
    monkeypatch.setenv(progress.VARIABLE, str(tmp_path / "chapter.txt"))
    monkeypatch.setenv(storage.ROOT_VARIABLE, str(tmp_path / "results"))
    return tmp_path / "chapter.txt"


def test_a_note_is_appended_to_what_the_chapter_printed(log):
    log.write_text("Executing cell 3\n")
    progress.note("1/2 spectra, at work: kmeans")
    progress.note("2/2 spectra")
    assert log.read_text().startswith("Executing cell 3\n")
    assert progress.last_note(log) == "2/2 spectra"
    with open(log, "a") as opened:
        opened.write("x" * 5000 + "\n")
    assert progress.last_note(log) == "2/2 spectra"


def test_without_a_log_nothing_is_written_and_nothing_stops(tmp_path, monkeypatch):
    monkeypatch.delenv(progress.VARIABLE, raising=False)
    progress.note("lost")
    monkeypatch.setenv(progress.VARIABLE, str(tmp_path / "no" / "folder"))
    progress.note("lost")
    assert list(tmp_path.iterdir()) == []
    assert progress.last_note(tmp_path / "absent") == ""


@pytest.mark.parametrize("pieces", [["a"], ["a", "b", "c"], list("abcdefgh")])
def test_pieces_pass_in_their_order_and_each_is_named(log, pieces):
    assert list(progress.through(pieces, "maps", every_s=0)) == pieces
    notes = [line.split(progress.MARK)[1] for line in log.read_text().splitlines()]
    assert [note[-1] for note in notes] == pieces
    assert notes[0] == f"0/{len(pieces)} maps, at work: a"


def test_short_pieces_do_not_fill_the_log(log):
    assert len(list(progress.through(range(500), "steps"))) == 500
    assert len(log.read_text().splitlines()) == 1


SMOKE = profiles.get("smoke")
RESOLVED = [
    Case("lithiation", "TL", 1, method, 0.08, 6.0, "resolved", 2)
    for method in ("truth", "kmeans", "thresholding")
]
CHEAP = [Case("structure", "SL", 1, method) for method in ("truth", "kmeans", "thresholding")]


def ran(monkeypatch, wanted, workers, profile=SMOKE):
    from analysis.simulation import local

    monkeypatch.setattr(local, "execute", lambda case, profile: Outcome())
    monkeypatch.setattr(campaign.storage, "trouble", lambda file: "is missing")
    monkeypatch.setattr(campaign, "_reason_not_here", lambda *_, patient: "")
    lines = []
    campaign.run(wanted, profile, workers=workers, progress=lines.append)
    return lines


def test_a_campaign_tells_the_case_at_work_and_what_is_left(log, monkeypatch):
    large = replace(SMOKE, resolved_lateral=200)
    lines = ran(monkeypatch, RESOLVED, 1, large)
    assert [line.split(": ")[-1] for line in lines] == ["begun", "done"] * 3
    notes = [line.split(progress.MARK)[1] for line in log.read_text().splitlines()]
    assert notes[0] == f"0/3 cases, at work: {RESOLVED[0]}"
    assert f"at work: {RESOLVED[1]}" in notes[2] and " left" in notes[2]
    assert progress.last_note(log) == "3/3 cases, 0:00 left"


def test_short_cases_get_one_line_each(log, monkeypatch):
    assert len(ran(monkeypatch, CHEAP, 1)) == 3
    assert "at work: structure SL-1-kmeans" in log.read_text()


def test_time_left_counts_work_and_not_cases():
    large = replace(SMOKE, resolved_lateral=200)
    course = campaign._Course([*CHEAP, *RESOLVED], large, print)
    course.begin = time.monotonic() - 10.0
    left = [course.ended(case) for case in CHEAP]
    # three compiled lithiations of 1878 are done; by the number of cases 10 s would be left
    assert left[-1] == pytest.approx(10.0 / 3 * 1875, rel=0.01)


def test_a_running_chapter_is_told_with_its_last_note(tmp_path):
    lines, log = [], tmp_path / "log.txt"
    board = execute._Board(["14b_resolved", "other"], lines.append)
    log.write_text(f"12:00:00 {progress.MARK}3/12 cases, 4:10 left, at work: lithiation TL-1\n")
    with execute._told(board, "14b_resolved", log, every_s=0.02):
        time.sleep(0.2)
    assert 2 < len(lines) < 12
    assert lines[0].startswith("[ 0/ 2] 14b_resolved") or lines[0].startswith("[ 0/2] 14b_resolved")
    assert lines[0].endswith("0:00 gone; 3/12 cases, 4:10 left, at work: lithiation TL-1")
    count = len(lines)
    time.sleep(0.1)
    assert len(lines) == count
