"""The measured electrode: recognized by its decoded labels, and absent without a stop."""

import numpy as np
import pytest
import tifffile

from analysis import profiles
from analysis.phases import Phase, volume_fractions
from analysis.study.own_data import measured


def test_fractions_are_those_of_its_readme(shared_data):
    electrode = measured.load(str(shared_data / "nmc-matbox-bridge" / measured.NAME))
    fractions = volume_fractions(electrode.labels)
    assert fractions[Phase.PORE] == pytest.approx(0.400549, abs=1e-6)
    assert fractions[Phase.AM] == pytest.approx(0.499451, abs=1e-6)
    assert fractions[Phase.CBD] == pytest.approx(0.100000, abs=1e-6)


def test_a_recompressed_copy_is_recognized_and_a_changed_one_is_not(shared_data, tmp_path):
    labels = tifffile.imread(shared_data / "nmc-matbox-bridge" / measured.NAME)
    tifffile.imwrite(tmp_path / "copy.tif", labels, compression="zlib")
    assert measured.load(str(tmp_path / "copy.tif")).found
    labels[0, 0, 0] = (labels[0, 0, 0] + 1) % 3
    tifffile.imwrite(tmp_path / "changed.tif", labels, compression="zlib")
    with pytest.raises(ValueError, match="make own"):
        measured.load(str(tmp_path / "changed.tif"))


def test_without_network_the_chapter_says_how_to_get_it(monkeypatch):
    def refuse():
        raise ConnectionError("no network")

    monkeypatch.setattr(measured, "_download", refuse)
    electrode = measured.load("")
    assert not electrode.found
    assert "make book REAL=" in measured.how_to_get_it(electrode)


def test_a_wrong_path_is_an_error(tmp_path):
    with pytest.raises(FileNotFoundError, match="no such file"):
        measured.load(str(tmp_path / "absent.tif"))


def test_cutouts_keep_the_full_thickness():
    labels = np.zeros((30, 200, 150), np.uint8)
    edge = profiles.get("smoke").lateral * 3 // 2
    assert measured.cutout(labels, profiles.get("smoke")).shape == (30, edge, edge)
    narrow = labels[:, : edge - 10]
    assert measured.cutout(narrow, profiles.get("smoke")).shape == (30, edge - 10, edge - 10)
