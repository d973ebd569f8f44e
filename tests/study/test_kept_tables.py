"""A kept table is shown where a profile takes it and it fits, and nowhere else."""

from dataclasses import replace

import pandas as pd
import pytest

from analysis import profiles
from analysis.study import kept_tables
from analysis.study.consistency import measured, specimens, sweep

TAKES = replace(profiles.get("smoke"), kept_tables=("numbers",))
MADE = {"date": "2026-01-02", "machine": "a machine", "commit": "abc1234"}


@pytest.fixture
def folder(tmp_path):
    table = pd.DataFrame({"a": [0.1, 2.0], "b": ["x", "y"]})
    kept_tables.save("numbers", table, TAKES, "version 1", MADE, folder=tmp_path)
    return tmp_path


def test_what_fits_comes_back_and_says_where_it_is_from(folder):
    found, made_on = kept_tables.load("numbers", TAKES, "version 1", folder=folder)
    assert found.a.tolist() == [0.1, 2.0] and found.b.tolist() == ["x", "y"]
    assert "abc1234" in made_on and "a machine" in kept_tables.text(made_on, "rows")
    assert "in this run" in kept_tables.text("", "rows")


@pytest.mark.parametrize(
    ("name", "profile", "version"),
    [
        ("numbers", TAKES, "version 2"),
        ("numbers", profiles.get("smoke"), "version 1"),
        ("numbers", replace(TAKES, name="paper"), "version 1"),
        ("others", replace(TAKES, kept_tables=("others",)), "version 1"),
    ],
)
def test_what_does_not_fit_is_none(folder, name, profile, version):
    assert kept_tables.load(name, profile, version, folder=folder) == (None, "")


@pytest.mark.parametrize("part", [0, 1])
def test_a_row_or_a_version_changed_by_hand_is_none(folder, part):
    file = kept_tables.files("numbers", TAKES, folder=folder)[part]
    file.write_text(file.read_text().replace("0.1", "0.2").replace("version 1", "version 3"))
    assert kept_tables.load("numbers", TAKES, "version 1", folder=folder) == (None, "")


def test_of_a_kept_sweep_the_rows_of_the_study_are_run(tmp_path, results, monkeypatch):
    """The study's own rows are of this run even where the kept table has some; no kind is drawn."""
    profile = replace(
        profiles.get("smoke"), kept_tables=(sweep.NAME,), consistency_contrasts=(1.0, 0.3)
    )
    first, *others = specimens.kinds(profile)
    rows = [
        {"scenario": kind.scenario, "layer_contrast": kind.layer_contrast, "gamma_true": 0.08}
        | {"method": "kmeans", "electrode": "SL", "gamma": gamma}
        for kind, gamma in zip([first, *others], [9.0, 0.2, 0.3, 0.4], strict=True)
    ]
    kept = pd.DataFrame(rows)
    kept_tables.save(sweep.NAME, kept, profile, sweep.version(profile), MADE, folder=tmp_path)
    monkeypatch.setattr(measured, "structures", lambda profile: {})
    monkeypatch.setattr(sweep, "_fitted", lambda *given: kept[:1].assign(gamma=0.1))
    drawn = []
    monkeypatch.setattr(sweep, "_structures", lambda *given: drawn.append(given) or {})
    found, made_on = sweep.run(profile, folder=tmp_path)
    assert found.gamma.tolist() == [0.1, 0.2, 0.3, 0.4] and not drawn and made_on
    # another true gamma: what was kept is of another study, and all kinds are drawn
    other = replace(profile, consistency_gammas=(0.05,))
    found, made_on = sweep.run(other, folder=tmp_path)
    assert not made_on and len(drawn) >= len(others)


def test_the_demo_finds_its_kept_sweep():
    demo = profiles.get("demo")
    found, _ = kept_tables.load(sweep.NAME, demo, sweep.version(demo))
    assert found is not None, "run python benchmarks/kept_tables.py consistency-sweep"
    kinds = {(kind.scenario, kind.layer_contrast) for kind in specimens.kinds(demo)}
    assert kinds == set(zip(found.scenario, found.layer_contrast, strict=True))
    assert set(demo.consistency_gammas) == set(found.gamma_true)
