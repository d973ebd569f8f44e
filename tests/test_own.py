"""`make own`: one message and nothing written for bad input, a report and labels for good input."""

import os

import numpy as np
import pytest
import tifffile

from analysis import profiles
from analysis.__main__ import main
from analysis.phases import Phase, volume_fractions
from analysis.study.own_data import measured
from analysis.tomogram import read_labels


@pytest.fixture
def scan(tmp_path):
    gray = np.random.default_rng(3).normal(1000, 200, (24, 24, 24)).astype(np.float32)
    file = tmp_path / "scan.tif"
    tifffile.imwrite(file, gray, photometric="minisblack")
    return file


def own(tmp_path, file, **changes):
    options = {"voxel-size-um": "0.642", "fractions": "0.5954,0.2308,0.1738"} | changes
    words = ["own", "--tomogram", str(file), "--out", str(tmp_path / "out")]
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


@pytest.mark.slow
def test_report_and_labels_of_a_measured_electrode(shared_data, tmp_path, monkeypatch):
    """The whole way, on a gray TIFF made from the measured electrode."""
    monkeypatch.setattr(os, "environ", dict(os.environ))
    electrode = measured.load(str(shared_data / "nmc-matbox-bridge" / measured.NAME))
    truth = np.ascontiguousarray(electrode.labels[100:150, :40, :40])
    gray = measured.image(truth, profiles.get("smoke"))
    file = tmp_path / "scan.tif"
    tifffile.imwrite(file, (20000 * gray + 8000).astype(np.uint16), photometric="minisblack")
    targets = volume_fractions(truth)
    fractions = ",".join(f"{targets[phase]:.6f}" for phase in (Phase.AM, Phase.CBD, Phase.PORE))
    assert own(tmp_path, file, fractions=fractions, **{"voxel-size-um": "0.398"}) == 0
    page = tmp_path / "out" / "report" / "book" / "21_own_tomogram.html"
    assert "your file" in page.read_text(encoding="utf-8")
    for method in ("thresholding", "kmeans", "edx-closing"):
        labels = read_labels(tmp_path / "out" / f"OWN-1-{method}.tif")
        assert labels.shape == truth.shape
        achieved = volume_fractions(labels)
        assert all(abs(achieved[phase] - targets[phase]) < 0.002 for phase in Phase)
        assert (tmp_path / "out" / f"OWN-1-{method}.nc").exists()
