"""`make own`: one message and nothing written for bad input, a report and labels for good input."""

import errno
import os
import threading

import numpy as np
import pytest
import tifffile

from analysis import profiles
from analysis.__main__ import main
from analysis.phases import Phase, volume_fractions
from analysis.study.own_data import measured
from analysis.tomogram import read_labels
from publishing import own as publishing_own
from publishing import owned, provenance, stamps
from publishing.execute import ChapterFailed, only_run_of


@pytest.fixture
def scan(tmp_path):
    gray = np.random.default_rng(3).normal(1000, 200, (24, 24, 24)).astype(np.float32)
    file = tmp_path / "scan.tif"
    tifffile.imwrite(file, gray, photometric="minisblack")
    return file


def own(tmp_path, file, **changes):
    options = {"voxel-size-um": "0.642", "fractions": "0.5954,0.2308,0.1738"}
    options |= {"out": str(tmp_path / "out")} | changes
    words = ["own", f"--tomogram={file}"]
    for name, value in options.items():
        words += [f"--{name}={value}"]
    return main(words)


@pytest.mark.parametrize(
    ("changes", "words"),
    [
        ({"fractions": "59.54,23.08,17.38"}, "percent"),
        ({"fractions": "0.5,0.2,0.2"}, "sum to 0.9"),
        ({"fractions": "0.8,0.2"}, "three volume fractions"),
        ({"fractions": "0.8,0.2,0"}, "expect three phases"),
        ({"voxel-size-um": "-0.642"}, "positive length"),
        ({"voxel-size-um": "0"}, "positive length"),
        ({"voxel-size-um": "big"}, "one edge length"),
        ({"voxel-size-um": ""}, "voxel size is missing"),
    ],
)
def test_bad_options(tmp_path, scan, capsys, changes, words):
    assert own(tmp_path, scan, **changes) == 1
    assert words in capsys.readouterr().err
    assert not (tmp_path / "out").exists()


def test_a_file_that_is_not_there(tmp_path, capsys):
    assert own(tmp_path, tmp_path / "absent.tif") == 1
    assert "no such file" in capsys.readouterr().err
    assert own(tmp_path, "") == 1
    assert "make own TOMOGRAM=" in capsys.readouterr().err
    assert not (tmp_path / "out").exists()


@pytest.mark.parametrize(
    ("spoil", "words"),
    [
        (lambda gray: gray[0], "two-dimensional"),
        (lambda gray: np.where(gray > 1300, np.nan, gray), "NaN or infinite"),
        (lambda gray: np.full_like(gray, 3), "contrast"),
        (lambda gray: (gray > 900).astype(np.uint8), "looks like labels"),
        (lambda gray: gray[:5], "at least 16 voxels"),
    ],
)
def test_bad_volumes(tmp_path, scan, capsys, spoil, words):
    file = tmp_path / "spoilt.npy"
    np.save(file, spoil(tifffile.imread(scan)))
    assert own(tmp_path, file) == 1
    assert words in capsys.readouterr().err
    assert not (tmp_path / "out").exists()


def test_a_truncated_file(tmp_path, scan, capsys):
    whole = scan.read_bytes()
    scan.write_bytes(whole[: len(whole) // 2])
    assert own(tmp_path, scan) == 1
    assert "truncated" in capsys.readouterr().err
    assert not (tmp_path / "out").exists()


@pytest.fixture
def quick(monkeypatch):
    """Everything but the analysis itself, which takes a minute."""
    runs = []

    def make(folder, parameters, private, progress):
        runs.append(parameters)
        report = folder / owned.WORK / "html"
        report.mkdir()
        (report / "index.html").write_text(f"report {len(runs)} on {parameters['tomogram']}")
        labels = folder / owned.WORK / "OWN-1-thresholding.tif"
        labels.write_text("labels")
        return report, [labels]

    monkeypatch.setattr(publishing_own, "_make", make)
    return runs


def page(folder):
    return (folder / "report" / "index.html").read_text(encoding="utf-8")


def test_a_folder_of_the_reader_is_left_alone(tmp_path, scan, capsys, quick):
    mine = tmp_path / "out" / "report" / "chapter1.tex"
    mine.parent.mkdir(parents=True)
    mine.write_text("my thesis")
    assert own(tmp_path, scan) == 1
    assert "did not make" in capsys.readouterr().err
    assert mine.read_text() == "my thesis" and not quick
    assert list((tmp_path / "out").iterdir()) == [mine.parent]


def test_two_files_of_one_name_get_folders_of_their_own(tmp_path, scan, capsys, quick, monkeypatch):
    monkeypatch.setattr(owned, "DEFAULT", tmp_path / "own")
    gray = tifffile.imread(scan)
    for number, folder in enumerate("ABCB"):
        (tmp_path / folder).mkdir(exist_ok=True)
        np.save(tmp_path / folder / "recon.npy", gray + ord(folder))
        assert own(tmp_path, tmp_path / folder / "recon.npy", out="") == 0, number
    made = {path.name: page(path) for path in (tmp_path / "own").iterdir()}
    assert made == {
        "recon": "report 1 on recon.npy",
        "recon-B": "report 4 on recon.npy",
        "recon-C": "report 3 on recon.npy",
    }


def test_a_named_folder_takes_one_tomogram_only(tmp_path, scan, capsys, quick):
    assert own(tmp_path, scan) == 0
    other = tmp_path / "other.npy"
    np.save(other, tifffile.imread(scan) + 1)
    assert own(tmp_path, other) == 1
    message = capsys.readouterr().err
    assert "scan.tif" in message and "other.npy" in message
    assert page(tmp_path / "out") == "report 1 on scan.tif"
    assert own(tmp_path, scan) == 0
    assert page(tmp_path / "out") == "report 2 on scan.tif"


def test_after_a_failure_the_old_report_does_not_stand_as_new(
    tmp_path, scan, capsys, quick, monkeypatch
):
    assert own(tmp_path, scan) == 0

    def fail(folder, *_):
        raise ChapterFailed(f"a <b>cell</b> stopped; the log: {folder}/work/logs/x.txt")

    monkeypatch.setattr(publishing_own, "_make", fail)
    for _ in range(2):
        assert own(tmp_path, scan) == 1
        shown = page(tmp_path / "out")
        assert "could not be made" in shown and "report 1" not in shown
        assert "a &lt;b&gt;cell&lt;/b&gt; stopped" in shown and str(tmp_path) not in shown
        assert not (tmp_path / "out" / "OWN-1-thresholding.tif").exists()
        kept = tmp_path / "out" / "previous"
        assert (kept / "report" / "index.html").read_text() == "report 1 on scan.tif"
        assert (kept / "OWN-1-thresholding.tif").exists()


def test_the_second_of_two_runs_is_told(tmp_path, scan, capsys, monkeypatch, quick):
    make, inside, leave = publishing_own._make, threading.Event(), threading.Event()

    def slow(*arguments):
        inside.set()
        assert leave.wait(60)
        return make(*arguments)

    monkeypatch.setattr(publishing_own, "_make", slow)
    status = []
    first = threading.Thread(target=lambda: status.append(own(tmp_path, scan)))
    first.start()
    assert inside.wait(60)
    assert own(tmp_path, scan) == 1
    assert "Another run of `make own`" in capsys.readouterr().err
    leave.set()
    first.join()
    assert status == [0] and page(tmp_path / "out") == "report 1 on scan.tif"
    assert own(tmp_path, scan) == 0  # and the lock is free again


def test_a_run_that_claims_the_folder_meanwhile_is_noticed(
    tmp_path, scan, capsys, monkeypatch, quick
):
    """Both begin on a folder that is not there; the other is quicker while this one reads."""
    held = []

    def read(*arguments):
        source = provenance.identify([scan])
        lock = only_run_of(stamps.Build("own", tmp_path / "out"))
        held.append(lock.__enter__())
        held.append(lock)
        owned.claim(tmp_path / "out", source)

    monkeypatch.setattr(publishing_own, "_understand", read)
    assert own(tmp_path, scan) == 1
    assert "Another run of `make own`" in capsys.readouterr().err and not quick
    held[1].__exit__(None, None, None)


def test_what_was_understood_is_said_before_the_work(tmp_path, scan, quick):
    said = []
    gray = tifffile.imread(scan)
    gray[:, :12, :12] = 0
    np.save(tmp_path / "padded.npy", gray)
    publishing_own.run(
        str(tmp_path / "padded.npy"),
        voxel_size_um="0.642",
        fractions="0.5954,0.2308,0.1738",
        crop="0:20,:,:",
        out=str(tmp_path / "out"),
        progress=said.append,
    )
    assert quick[0]["crop"] == "0:20,:,:" and quick[0]["tomogram"] == "padded.npy"
    text = "\n".join(said[:-1])
    for word in ("20 x 24 x 24", "axis 0: 24", "float32", "0.642 µm", "25.0%", "bright"):
        assert word in text, word


def test_slices_are_found_whatever_their_folder_is_called(tmp_path, scan, quick, monkeypatch):
    folder = tmp_path / "run [7] * x" / "slices"
    folder.mkdir(parents=True)
    for number, page_ in enumerate(tifffile.imread(scan)):
        tifffile.imwrite(folder / f"a{number:03d}.tif", page_, photometric="minisblack")
    monkeypatch.chdir(folder.parent)
    assert own(tmp_path, "slices/a*.tif") == 0
    assert quick[0]["tomogram"] == "a*.tif"
    assert "slices/a000.tif and 23 more" in (tmp_path / "out" / owned.MARK).read_text()


@pytest.mark.parametrize(
    ("changes", "words"),
    [
        ({"crop": "1:2"}, "CROP"),
        ({"crop": "a:b,:,:"}, "CROP"),
        ({"crop": "0:4,:,:"}, "at least 16"),
        ({"polarity": "black"}, "POLARITY"),
    ],
)
def test_bad_crop_and_polarity(tmp_path, scan, capsys, quick, changes, words):
    assert own(tmp_path, scan, **changes) == 1
    assert words in capsys.readouterr().err
    assert not (tmp_path / "out").exists() and not quick


def test_dark_particles_are_a_choice_and_not_a_guess(tmp_path, capsys, quick):
    rng = np.random.default_rng(5)
    dark = np.where(rng.random((24, 24, 24)) < 0.6, 100, 200) + rng.normal(0, 15, (24,) * 3)
    np.save(tmp_path / "dark.npy", dark)
    assert own(tmp_path, tmp_path / "dark.npy") == 1
    assert "POLARITY=dark" in capsys.readouterr().err
    assert not (tmp_path / "out").exists()
    assert own(tmp_path, tmp_path / "dark.npy", polarity="dark") == 0
    assert quick[0]["polarity"] == "dark"


def test_folders_of_this_machine_are_taken_out_of_texts():
    private = {"/home/me/out": "OUT", "/home/me": "~", "/home/me/scans": "", "/": ""}
    text = "read /home/me/scans/a.tif, wrote /home/me/out/report and /home/me/.cache; 1/2"
    assert publishing_own.without(private, text) == "read a.tif, wrote OUT/report and ~/.cache; 1/2"


@pytest.mark.slow
def test_report_and_labels_of_a_measured_electrode(shared_data, tmp_path, monkeypatch):
    """The whole way, on a gray TIFF made from the measured electrode."""
    monkeypatch.setattr(os, "environ", dict(os.environ))
    electrode = measured.load(str(shared_data / "nmc-matbox-bridge" / measured.NAME))
    truth = np.ascontiguousarray(electrode.labels[100:150, :40, :40])
    gray = measured.image(truth, profiles.get("smoke"))
    file = tmp_path / "a `scan` <b>live.tif"
    tifffile.imwrite(file, (20000 * gray + 8000).astype(np.uint16), photometric="minisblack")
    targets = volume_fractions(truth)
    fractions = ",".join(f"{targets[phase]:.6f}" for phase in (Phase.AM, Phase.CBD, Phase.PORE))
    assert own(tmp_path, file, fractions=fractions, **{"voxel-size-um": "0.398"}) == 0
    page = tmp_path / "out" / "report" / "book" / "21_own_tomogram.html"
    text = page.read_text(encoding="utf-8")
    assert "your file" in text
    assert "<b>live" not in text and "&lt;b&gt;live" in text
    for path in (tmp_path / "out").rglob("*"):
        if path.is_file() and path.name != ".lock":
            content = path.read_bytes()
            assert str(tmp_path).encode() not in content, f"{path} names a folder of the reader"
            assert str(publishing_own.ROOT).encode() not in content, f"{path} names our folder"
    for method in ("thresholding", "kmeans", "edx-closing"):
        labels = read_labels(tmp_path / "out" / f"OWN-1-{method}.tif")
        assert labels.shape == truth.shape
        achieved = volume_fractions(labels)
        assert all(abs(achieved[phase] - targets[phase]) < 0.002 for phase in Phase)
        assert (tmp_path / "out" / f"OWN-1-{method}.nc").exists()


def test_what_the_reader_doubts_or_scales_is_said(tmp_path, quick, capsys):
    rng = np.random.default_rng(5)
    gray = np.where(rng.random((24, 24, 24)) < 0.6, 200, 100) + rng.normal(0, 15, (24,) * 3)
    np.save(tmp_path / "v.npy", gray)
    assert own(tmp_path, tmp_path / "v.npy", fractions="0.595,0.231,0.173") == 0
    said = capsys.readouterr().out
    assert "sum to 0.999" in said and "scaled to 0.5956" in said and "LOOK" not in said
    assert sum(float(part) for part in quick[0]["fractions"].split(",")) == pytest.approx(1)
    for polarity, words in (("dark", "look bright in the file"), ("bright", "")):
        assert own(tmp_path, tmp_path / "v.npy", polarity=polarity) == 0
        said = capsys.readouterr().out
        assert ("LOOK" in said) == bool(words) and words in said
    assert own(tmp_path, tmp_path / "v.npy", fractions="0.231,0.595,0.174") == 1
    assert capsys.readouterr().err.strip().startswith("FRACTIONS give the active material 23%")


@pytest.mark.parametrize(
    "error",
    [
        OSError(errno.ENOSPC, os.strerror(errno.ENOSPC)),
        OSError(errno.EDQUOT, os.strerror(errno.EDQUOT)),
        ChapterFailed(f"cell 3: {os.strerror(errno.EFBIG)}"),
    ],
)
def test_a_full_disk_is_told_with_the_folder_of_the_report(
    tmp_path, scan, capsys, quick, monkeypatch, error
):
    assert own(tmp_path, scan) == 0

    def fail(*_):
        raise error

    monkeypatch.setattr(publishing_own, "_make", fail)
    assert own(tmp_path, scan) == 1
    said = capsys.readouterr().err
    assert f"Could not write to {tmp_path / 'out'}" in said and "OUT=" in said
    assert "CBD_RESULTS" not in said
    kept = tmp_path / "out" / "previous" / "report" / "index.html"
    assert kept.read_text() == "report 1 on scan.tif"
