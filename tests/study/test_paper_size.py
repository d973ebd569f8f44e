"""What the book says of the paper's size is true of an empty, a partial and a complete record."""

import hashlib
import json
from dataclasses import asdict

import pandas as pd
import pytest
import xarray as xr

from analysis import profiles, storage
from analysis.simulation.cases import Case
from analysis.storage import published
from analysis.study.book import paper_size

SMOKE = profiles.get("smoke")


@pytest.fixture
def places(tmp_path, monkeypatch):
    monkeypatch.setenv(published.VARIABLE, str(tmp_path / "record"))
    monkeypatch.setenv(storage.ROOT_VARIABLE, str(tmp_path / "results"))


def put(fits, planned):
    folder = published.folder("paper")
    folder.mkdir(parents=True)
    files = {}
    for k, (case, gamma) in enumerate(fits):
        file = folder / f"{k}.nc"
        xr.Dataset({"fitted_gamma": gamma}).to_netcdf(file, engine="h5netcdf")
        digest = hashlib.sha256(file.read_bytes()).hexdigest()
        files[file.name] = {"sha256": digest, "bytes": 1, "case": asdict(case)}
    manifest = {"planned": {"resolved fit": planned}, "files": files}
    (folder / storage.MANIFEST).write_text(json.dumps(manifest))


def fit(specimen, cutout, method, *resolved):
    return Case("fit", specimen, cutout, method, 0.08, 6.0, *resolved)


def test_without_a_record_the_sentence_is_true_and_no_table_is_shown(places):
    assert paper_size.text().startswith("No case at the paper's size has been run and recorded yet")
    assert len(paper_size.gammas()) == len(paper_size.beside(SMOKE)) == 0


@pytest.mark.parametrize(("planned", "said"), [(9, "holds 5 of the 9"), (5, "complete: 5 cases")])
def test_means_and_spread_are_those_of_the_recorded_cutouts(places, planned, said):
    resolved = ("resolved", 2)
    fits = [
        (fit("TL", 1, "kmeans", *resolved), 0.10),
        (fit("TL", 2, "kmeans", *resolved), 0.14),
        (fit("TL", 1, "kmeans"), 0.2),
        (fit("SL", 1, "posterior", *resolved), 0.07),
        (fit("SL", 3, "truth"), 0.08),
    ]
    put(fits, planned)
    assert said in paper_size.text()
    table = paper_size.gammas().set_index(["specimen", "method"])
    assert table.voxels["TL", "kmeans"] == pytest.approx(0.12)
    assert table.spread["TL", "kmeans"] == pytest.approx(0.04)
    assert table.homogenized["TL", "kmeans"] == pytest.approx(0.2)
    assert table.cutouts["TL", "kmeans"] == 2
    assert pd.isna(table.spread["SL", "posterior"]) and pd.isna(table.voxels["SL", "truth"])
    own = pd.DataFrame({"specimen": ["TL", "TL"], "method": ["kmeans"] * 2, "gamma": [0.3, 0.5]})
    storage.save_table("gamma", own, profile=SMOKE)
    beside = paper_size.beside(SMOKE).set_index(["specimen", "method"])["this run (smoke)"]
    assert beside["TL", "kmeans"] == pytest.approx(0.4) and pd.isna(beside["SL", "truth"])


def test_a_damaged_file_is_no_result(places):
    put([(fit("TL", 1, "kmeans"), 0.1)], 1)
    (published.folder("paper") / "0.nc").write_bytes(b"")
    assert len(paper_size.gammas()) == 0


@pytest.mark.parametrize(
    ("gammas", "mean", "at_bound"),
    [((0.1, 0.14), 0.12, 0), ((0.1, float("nan")), 0.1, 1), ((float("nan"),) * 2, None, 2)],
)
def test_a_gamma_at_a_bound_is_told_and_no_value(places, gammas, mean, at_bound):
    put([(fit("TL", k, "kmeans", "resolved", 2), one) for k, one in enumerate(gammas, 1)], 2)
    (row,) = paper_size.gammas().itertuples()
    assert row.at_bound == at_bound and row.cutouts == 2
    assert pd.isna(row.voxels) if mean is None else row.voxels == pytest.approx(mean)
