"""A record grows, never loses or overwrites what is not its own, and can be verified."""

import json
from dataclasses import replace

import numpy as np
import pytest
import xarray as xr
from scipy.ndimage import gaussian_filter

from analysis import profiles, storage
from analysis.record import collect, command, verify
from analysis.simulation import campaign, cases
from analysis.simulation.cases import Case
from analysis.storage import published

SMOKE = profiles.get("smoke")
STRUCTURE = Case("structure", "SL", 1, "truth")
CURVE = Case("lithiation", "SL", 1, "truth", 0.08, 1.0, "fine")
OTHER = Case("structure", "TL", 1, "truth")


def blobs(seed, shape=(24, 16, 16)):
    rng = np.random.default_rng(seed)
    field = gaussian_filter(rng.normal(size=shape), 0.8, mode="wrap")
    return np.digitize(field, np.quantile(field, (0.3, 0.45))).astype(np.uint8)


@pytest.fixture(scope="module")
def done(tmp_path_factory):
    """Results of three small cases, run once."""
    root = tmp_path_factory.mktemp("results")
    with pytest.MonkeyPatch.context() as patch:
        patch.setenv(storage.ROOT_VARIABLE, str(root))
        for k, specimen in enumerate(("SL", "TL")):
            storage.save_volume(
                f"labels/{specimen}-1-truth", blobs(k), profile=SMOKE, voxel_size_um=2.568
            )
        summary = campaign.run([STRUCTURE, CURVE, OTHER], SMOKE, workers=1, progress=lambda _: None)
        assert not summary.failed, str(summary)
    return root


@pytest.fixture
def places(done, tmp_path, monkeypatch):
    monkeypatch.setenv(storage.ROOT_VARIABLE, str(done))
    monkeypatch.setenv(published.VARIABLE, str(tmp_path))
    return tmp_path / "smoke"


def record(**options):
    return collect.collect(SMOKE, progress=options.pop("progress", lambda line: None))


def only(monkeypatch, *wanted):
    usual = collect.finished_cases
    monkeypatch.setattr(collect, "finished_cases", lambda p: [c for c in usual(p) if c in wanted])


def state(folder):
    return {str(f.relative_to(folder)): f.read_bytes() for f in folder.rglob("*") if f.is_file()}


def test_a_record_grows_case_by_case_and_says_what_made_it(places, monkeypatch):
    with monkeypatch.context() as patch:
        only(patch, STRUCTURE)
        assert len(record()["files"]) == 1
    manifest = record()
    kinds = [entry["kind"] for entry in manifest["files"].values()]
    assert sorted(kinds) == ["homogenized lithiation", "structure", "structure"]
    assert manifest == published.manifest(SMOKE)
    assert manifest["planned"]["structure"] == 8
    for name, entry in manifest["files"].items():
        assert not published.trouble(SMOKE, name, entry)
        assert entry["made_by"]["cpu_s"] > 0
        assert {"commit", "machine", "versions"} <= set(entry["made_by"])
    before = state(places)
    record()
    assert state(places) == before


def test_what_the_results_no_longer_hold_stays_in_the_record(places, tmp_path, monkeypatch):
    record()
    before = state(places)
    monkeypatch.setenv(storage.ROOT_VARIABLE, str(tmp_path / "another machine"))
    record()
    assert state(places) == before


def test_a_file_of_somebody_else_is_neither_replaced_nor_deleted(places):
    name = f"cases/{cases.file_of(CURVE, SMOKE).name}"
    (places / "cases").mkdir(parents=True)
    (places / name).write_text("notes of mine")
    (places / "README.txt").write_text("mine, too")
    with pytest.raises(ValueError, match="is not as the record wrote it.*Nothing was written"):
        record()
    assert state(places) == {name: b"notes of mine", "README.txt": b"mine, too"}
    (places / name).unlink()
    record()
    assert (places / "README.txt").read_text() == "mine, too"


def test_a_record_that_was_killed_half_way_goes_on(places, monkeypatch):
    copied, usual = [], collect.shutil.copyfile

    def killed(source, target):
        if copied:
            raise KeyboardInterrupt
        copied.append(target)
        return usual(source, target)

    with monkeypatch.context() as patch:
        patch.setattr(collect.shutil, "copyfile", killed)
        with pytest.raises(KeyboardInterrupt):
            record()
    assert len(state(places)) == 2  # the manifest and one file
    manifest = record()
    assert all(not published.trouble(SMOKE, *item) for item in manifest["files"].items())
    assert len(state(places)) == 4


def test_a_record_that_would_be_too_large_is_not_begun(places, monkeypatch):
    monkeypatch.setattr(collect, "LIMIT_MB", 0.001)
    with pytest.raises(ValueError, match="at most 0.001 are kept.*Nothing was written"):
        record()
    assert not places.exists()


def test_nothing_finished_is_no_record(tmp_path, monkeypatch):
    monkeypatch.setenv(storage.ROOT_VARIABLE, str(tmp_path / "empty"))
    monkeypatch.setenv(published.VARIABLE, str(tmp_path / "record"))
    with pytest.raises(FileNotFoundError, match="No finished case and no table"):
        record()
    with pytest.raises(FileNotFoundError, match="There is no record of profile 'smoke'"):
        verify.verify(SMOKE)


def test_fields_of_voxels_stay_behind():
    data = xr.Dataset(
        {
            "voltage_V": ("point", [4.0, 3.0]),
            "section_content": (("z", "x"), np.zeros((2, 2))),
            "volume_salt_mol_m3": (("z", "x"), np.zeros((2, 2))),
            "content_spread": ("z", [0.0, 1.0]),
        }
    )
    assert set(collect.small(data).data_vars) == {"voltage_V"}


@pytest.fixture
def drawn_here(monkeypatch):
    """The volumes of these tests stand in for the specimens of the profile."""
    seeds = {"SL": 0, "TL": 1}

    def truth(profile, specimen, cutout):
        return type("Drawn", (), {"labels": blobs(seeds[specimen])})

    def save(name, array, *, profile, voxel_size_um, **notes):
        return usual(name, array, profile=profile, voxel_size_um=2.568, **notes)

    usual = storage.save_volume
    monkeypatch.setattr(verify.specimens, "truth", truth)
    monkeypatch.setattr(verify.storage, "save_volume", save)


def test_a_true_record_agrees(places, drawn_here):
    record()
    before = state(places)
    lines = []
    assert command.run("verify", profile="smoke", cases="3", seed="1", progress=lines.append) == 0
    assert "SEED=1 draws 3" in lines[0] and "Tolerances: capacity 0.5 %" in lines[0]
    assert lines[-1] == "All 3 agree with the record."
    assert state(places) == before
    again = []
    command.run("verify", profile="smoke", cases="1", seed="1", progress=again.append)
    assert again[1] in lines


CHANGES = {
    "capacity": lambda data: data.assign(capacity_mAh_cm2=1.02 * data.capacity_mAh_cm2),
    "voltage": lambda data: data.assign(voltage_V=data.voltage_V + 0.005),
    "shape": lambda data: data.assign(voltage_V=data.voltage_V.max() * 0.99 + 0 * data.voltage_V),
}


@pytest.mark.parametrize("change", CHANGES)
def test_a_record_of_other_numbers_is_found_out(places, drawn_here, monkeypatch, change):
    only(monkeypatch, CURVE)
    true = collect.small
    monkeypatch.setattr(collect, "small", lambda data: CHANGES[change](true(data)))
    with monkeypatch.context() as patch:  # the structure is not part of the draw
        patch.setattr(collect, "finished_cases", lambda p: [CURVE])
        record()
    lines = []
    assert command.run("verify", profile="smoke", cases="1", progress=lines.append) == 1
    assert lines[-1].startswith(f"1 of 1 cases differ from the record: {CURVE}: capacity differs")
    assert "Allowed: capacity 0.5 %, voltage 2 mV rms" in lines[-1]


@pytest.mark.parametrize(("kind", "key", "off"), [("fit", "fitted_gamma", 1.02)])
def test_a_gamma_is_held_to_one_percent(kind, key, off):
    case = replace(CURVE, kind=kind)
    one, two = xr.Dataset({key: 0.1}), xr.Dataset({key: 0.1 * off})
    assert not verify.compare(case, one, two).agrees
    assert verify.compare(case, one, xr.Dataset({key: 0.1 * 1.005})).agrees


def test_other_labels_and_damaged_files_are_named(places, drawn_here, monkeypatch):
    record()
    monkeypatch.setattr(
        verify.specimens, "truth", lambda *_: type("Drawn", (), {"labels": blobs(7)})
    )
    verdicts = verify.verify(SMOKE, number=1, seed=1, progress=lambda line: None)
    assert not verdicts[0].agrees and "labels are not those of the record" in verdicts[0].said
    name = next(iter(published.manifest(SMOKE)["files"]))
    (places / name).write_bytes(b"other")
    with pytest.raises(ValueError, match="is not as the record was written"):
        verify.verify(SMOKE, progress=lambda line: None)
    manifest = places / storage.MANIFEST
    manifest.write_text(json.dumps({"files": 3}))
    with pytest.raises(ValueError, match="is no manifest of a record"):
        published.manifest(SMOKE)


@pytest.mark.parametrize(("cases_", "seed"), [("0", "1"), ("three", "1"), ("1", "x")])
def test_a_number_that_is_none_is_refused(places, cases_, seed):
    record()
    with pytest.raises(ValueError, match="CASES|SEED"):
        command.run("verify", profile="smoke", cases=cases_, seed=seed, progress=print)
