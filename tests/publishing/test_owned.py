"""Whose folder is it: nothing that we did not make is deleted or overwritten."""

import json
import os
from pathlib import Path

import pytest

from analysis.storage import scratch
from publishing import owned, provenance
from publishing.chapters import ROOT


@pytest.fixture
def scan(tmp_path):
    file = tmp_path / "data" / "scan.tif"
    file.parent.mkdir()
    file.write_bytes(b"gray")
    return file


def silent(_):
    pass


def complete(folder, source, text="report", labels=("thresholding",)):
    """One run that succeeds, with a report of two files."""
    owned.claim(folder, source)
    owned.begin(folder, "running", silent)
    report = folder / owned.WORK / "html"
    (report / "book").mkdir(parents=True)
    (report / "index.html").write_text(text)
    (report / "book" / "page.html").write_text(text)
    files = []
    for name in labels:
        files.append(folder / owned.WORK / f"OWN-1-{name}.tif")
        files[-1].write_text(text)
    owned.publish(folder, report, files, silent)


def contents(folder):
    return {
        str(path.relative_to(folder)): path.read_text()
        for path in sorted(folder.rglob("*"))
        if path.is_file() and path.name != owned.MARK
    }


def test_a_folder_with_foreign_files_is_refused_and_left(tmp_path, scan):
    for name in ("report/chapter1.tex", "notes.txt", "OWN-1-kmeans.tif", ".hidden"):
        folder = tmp_path / name.replace("/", "-")
        (folder / name).parent.mkdir(parents=True)
        (folder / name).write_text("my thesis")
        with pytest.raises(ValueError, match="did not make"):
            owned.check(folder, scan)
        assert contents(folder) == {name: "my thesis"}


def test_new_and_empty_folders_are_taken(tmp_path, scan):
    (tmp_path / "empty").mkdir()
    assert owned.check(tmp_path / "empty", scan) == tmp_path / "empty"
    assert owned.check(tmp_path / "new" / "deep", scan) == tmp_path / "new" / "deep"
    assert not (tmp_path / "new").exists()


@pytest.mark.parametrize(
    ("folder", "words"),
    [
        ("/", "root of the file system"),
        ("~", "home"),
        (Path.home().parent, "home|root"),
        (ROOT, "holds the project"),
        (ROOT.parent, "holds the project"),
        (ROOT / "own", "other reports"),
        (ROOT / "book", "project's own folder 'book'"),
        (ROOT / "analysis" / "new", "project's own folder 'analysis'"),
        (ROOT / "results" / "demo", "project's own folder 'results'"),
        (ROOT / ".venv" / "x", "project's own folder '.venv'"),
        (ROOT / "own" / ".." / "tests", "project's own folder 'tests'"),
    ],
)
def test_folders_that_must_stay(folder, words, scan):
    with pytest.raises(ValueError, match=words):
        owned.check(folder, scan)


def test_the_folders_above_the_tomogram_must_stay(scan):
    for folder in (scan.parent, scan.parent.parent):
        with pytest.raises(ValueError, match="holds the tomogram"):
            owned.check(folder, scan)


def test_links_and_files_are_refused(tmp_path, scan):
    (tmp_path / "link").symlink_to(tmp_path / "elsewhere")
    with pytest.raises(ValueError, match="is a link to"):
        owned.check(tmp_path / "link", scan)
    with pytest.raises(ValueError, match="is a file"):
        owned.check(scan, scan)
    assert not (tmp_path / "elsewhere").exists()


def test_a_folder_inside_a_report_is_refused(tmp_path, scan):
    complete(tmp_path / "out", provenance.identify([scan]))
    with pytest.raises(ValueError, match="another report"):
        owned.check(tmp_path / "out" / "report" / "mine", scan)


@pytest.mark.parametrize("text", ["", "{}", "[]", '{"made_by": "someone"}', "\x00"])
def test_a_damaged_mark_makes_no_folder_ours(tmp_path, scan, text):
    complete(tmp_path / "out", provenance.identify([scan]))
    (tmp_path / "out" / owned.MARK).write_text(text)
    with pytest.raises(ValueError, match="damaged"):
        owned.check(tmp_path / "out", scan)


def test_a_second_report_replaces_the_first_whole(tmp_path, scan):
    source = provenance.identify([scan])
    complete(tmp_path / "out", source, "first", labels=("thresholding", "kmeans"))
    complete(tmp_path / "out", source, "second")
    assert contents(tmp_path / "out") == {
        "OWN-1-thresholding.tif": "second",
        "report/book/page.html": "second",
        "report/index.html": "second",
    }


def test_what_the_reader_changed_or_added_is_kept(tmp_path, scan):
    folder, source = tmp_path / "out", provenance.identify([scan])
    complete(folder, source, "first")
    (folder / "report" / "notes.txt").write_text("mine")
    (folder / "OWN-1-thresholding.tif").write_text("corrected by hand")
    (folder / "thesis.tex").write_text("mine")
    complete(folder, source, "second")
    found = contents(folder)
    assert found["kept-1/report/notes.txt"] == "mine"
    assert found["kept-1/OWN-1-thresholding.tif"] == "corrected by hand"
    assert found["thesis.tex"] == "mine"
    assert found["report/index.html"] == found["OWN-1-thresholding.tif"] == "second"


@pytest.mark.parametrize("end", ["failed", "killed"])
def test_after_a_run_without_end_the_old_report_does_not_stand(tmp_path, scan, end):
    folder, source = tmp_path / "out", provenance.identify([scan])
    complete(folder, source, "first")
    for _ in range(2):
        owned.claim(folder, source)
        owned.begin(folder, "running", silent)
        if end == "failed":
            owned.state(folder, "failed", "failed")
        found = contents(folder)
        assert found.pop("report/index.html") == {"failed": "failed", "killed": "running"}[end]
        found.pop("previous/report/book/page.html")
        assert found == {
            "previous/report/index.html": "first",
            "previous/OWN-1-thresholding.tif": "first",
        }
    complete(folder, source, "third")
    assert set(contents(folder).values()) == {"third"}


def test_a_folder_named_like_ours_is_not_removed(tmp_path, scan):
    folder, source = tmp_path / "out", provenance.identify([scan])
    complete(folder, source)
    (folder / owned.WORK).mkdir()
    (folder / owned.WORK / "mine").write_text("mine")
    owned.claim(folder, source)
    with pytest.raises(ValueError, match="was not made by"):
        owned.begin(folder, "running", silent)
    assert (folder / owned.WORK / "mine").read_text() == "mine"


def test_a_linked_file_in_a_report_is_neither_followed_nor_deleted(tmp_path, scan):
    folder, source = tmp_path / "out", provenance.identify([scan])
    (tmp_path / "disk").mkdir()
    (tmp_path / "disk" / "mine").write_text("mine")
    complete(folder, source, "first")
    (folder / "report" / "link").symlink_to(tmp_path / "disk")
    complete(folder, source, "second")
    assert (tmp_path / "disk" / "mine").read_text() == "mine"
    assert (folder / "kept-1" / "report" / "link").is_symlink()


def test_sources_are_told_apart(tmp_path):
    files = [tmp_path / folder / "recon.tif" for folder in "ABC"]
    for file, content in zip(files, (b"one", b"two", b"one"), strict=True):
        file.parent.mkdir()
        file.write_bytes(content)
    a, b, moved = (provenance.identify([file]) for file in files)
    assert not a.same_as(b) and a.same_as(moved)
    assert not a.same_as(provenance.identify([files[0]], "raw"))
    files[0].write_bytes(b"reconstructed anew")
    assert a.same_as(provenance.identify([files[0]]))
    assert str(tmp_path) not in json.dumps(vars(a))
    assert "A/recon.tif" in str(a)


def test_default_folders_differ_for_files_of_one_name(tmp_path):
    a, b = (owned.default_folders(tmp_path / folder / "recon.tif") for folder in "AB")
    assert a[0] == b[0] == ROOT / "own" / "recon"
    assert a[1] == ROOT / "own" / "recon-A" and b[1] == ROOT / "own" / "recon-B"
    assert a[2] != b[2]


@pytest.mark.parametrize("name", ["..npy", ".npy", "...tif", "-.tif", " .h5", "`$(x)`.tif", "/.nc"])
def test_a_name_without_a_stem_gets_a_folder_of_its_own(name):
    for folder in owned.default_folders("/data/" + name):
        assert folder.parent == ROOT / "own"
        assert folder.name.strip("._-")
        assert folder.name.replace("_", "").replace("-", "").isalnum()


def test_a_folder_that_cannot_be_made_is_refused_before_the_work(tmp_path, scan, monkeypatch):
    (tmp_path / "note.txt").write_text("mine")
    for out in ("note.txt", "note.txt/report", "note.txt/a/b"):
        with pytest.raises(ValueError, match="note.txt is a file. Give another folder"):
            owned.check(tmp_path / out, scan)
    monkeypatch.setattr(os, "access", lambda path, _: Path(path) != tmp_path)
    for out in ("new", "new/deep", "a/b/c"):
        with pytest.raises(ValueError, match=f"may not write to {tmp_path}. Give another folder"):
            owned.check(tmp_path / out, scan)
    assert (tmp_path / "note.txt").read_text() == "mine"


def test_what_a_run_leaves_that_was_killed_as_it_began_is_no_dead_end(tmp_path, scan):
    """Or what another run shows that begins now: its mark is half-written, the lock decides."""
    folder = tmp_path / "out"
    folder.mkdir()
    (folder / owned.LOCK).touch()
    half = scratch.partial_name(folder / owned.MARK)
    half.write_text("{")
    assert owned.check(folder, scan) == folder
    owned.claim(folder, provenance.identify([scan]))
    assert not half.exists() and owned.owner(folder) is not None
    mine = tmp_path / "mine"
    mine.mkdir()
    scratch.partial_name(mine / "other.json").write_text("{")
    with pytest.raises(ValueError, match="did not make"):
        owned.check(mine, scan)
