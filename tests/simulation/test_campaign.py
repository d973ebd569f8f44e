"""Cases: run once, survive a kill, fail with a reason, give the same on Dask."""

import argparse
import dataclasses
import os
import signal
import subprocess
import sys
import time
from dataclasses import replace
from pathlib import Path

import numpy as np
import psutil
import pytest
import xarray as xr

from analysis import profiles, storage
from analysis.simulation import campaign, case_lists, cases, local
from analysis.simulation import run as simulations
from analysis.simulation.run import Outcome

from .volumes import blobs

ROOT = Path(__file__).resolve().parents[2]
METHODS = ("truth", "kmeans")
SMOKE = profiles.get("smoke")
VOXEL_UM = 2.568


def fill(specimens=("SL", "TL"), closed=()):
    for k, specimen in enumerate(specimens):
        for m, method in enumerate(METHODS):
            labels = blobs(10 * k + m)
            if (specimen, method) in closed:
                labels[30] = 2
            storage.save_volume(
                f"labels/{specimen}-1-{method}", labels, profile="smoke", voxel_size_um=VOXEL_UM
            )


@pytest.fixture
def results(tmp_path, monkeypatch):
    monkeypatch.setenv(storage.ROOT_VARIABLE, str(tmp_path))
    return tmp_path


def table(folder, monkeypatch):
    monkeypatch.setenv(storage.ROOT_VARIABLE, str(folder))
    _, fits = case_lists.fit_cases(SMOKE)
    rows = {}
    for case in fits:
        data = cases.load(case, SMOKE)
        numbers = [float(data.fitted_gamma), float(data.misfit_V), *data.capacity_mAh_cm2.values]
        rows[str(case)] = numbers
    return rows


def test_finished_cases_are_not_run_again(results, monkeypatch):
    fill(("SL",))
    lines = []
    fits, summary = campaign.run_fits(SMOKE, workers=1, progress=lines.append)
    n = len(SMOKE.currents_mA_cm2) + 2 * len(METHODS)
    assert (summary.run, summary.finished, summary.failed) == (n, 0, {})
    assert len(lines) == n and "left" in lines[0]
    files = {file: file.stat().st_mtime_ns for file in (results / "smoke/cases").iterdir()}
    _, again = campaign.run_fits(SMOKE, workers=1, progress=lines.append)
    assert (again.run, again.finished) == (0, n)
    assert {file: file.stat().st_mtime_ns for file in files} == files
    truth_fit = [case for case in fits if case.method == "truth"][0]
    truth = cases.load(truth_fit, SMOKE)
    assert float(truth.fitted_gamma) == pytest.approx(SMOKE.gamma_true, rel=0.05)


def test_resolved_cases_run_once_and_fit_the_truth(results, monkeypatch):
    fill(("TL",))
    # 12 mA/cm² is more than these blobs carry down to 3.6 V, which is an error of the case
    small = replace(
        SMOKE,
        resolved_lateral=24,
        resolved_voxels_per_cell=(1, 2),
        resolved_currents=(3.0, 6.0),
    )
    fits, summary = campaign.run_resolved(small, workers=1, progress=lambda line: None)
    assert not summary.failed, str(summary)
    _, again = campaign.run_resolved(small, workers=1, progress=lambda line: None)
    assert (again.run, again.finished) == (0, summary.run)
    by_method = {fit.method: cases.load(fit, small) for fit in fits}
    assert set(by_method) == set(METHODS)
    assert float(by_method["truth"].fitted_gamma) == pytest.approx(small.gamma_true, rel=0.1)
    kmeans = next(fit for fit in fits if fit.method == "kmeans")
    predicted = case_lists.predictions(kmeans, small)
    assert {one.current_mA_cm2 for one in predicted} == set(small.resolved_currents)
    for one in predicted:
        data = cases.load(one, small)
        assert abs(data.salt_drift).max() < 1e-6
        assert abs(data.lithium_drift).max() < 1e-5
        assert data.kirchhoff.max() < 1e-4
    assert not list((results / "smoke/cases").glob(".*"))  # checkpoints are gone


def test_a_resolved_case_that_cannot_start_fails_with_its_reason(results):
    fill(("TL",))
    small = replace(SMOKE, resolved_lateral=24)
    case = cases.Case("lithiation", "TL", 1, "truth", small.gamma_true, 12.0, "resolved", 2)
    summary = campaign.run([case], small, workers=1, progress=lambda line: None)
    (reason,) = summary.failed.values()
    assert "12 mA/cm² cannot be carried even at the start" in reason
    assert not cases.is_finished(case, small)


def test_only_a_resolved_case_joins_voxels():
    with pytest.raises(ValueError, match="a number for a resolved case"):
        cases.Case("lithiation", "SL", 1, "kmeans", 0.1, 6.0, voxels_per_cell=2)
    with pytest.raises(ValueError, match="a number for a resolved case"):
        cases.Case("lithiation", "SL", 1, "kmeans", 0.1, 6.0, "resolved")


def test_changed_labels_make_a_new_case(results):
    fill(("SL",))
    case = cases.Case("structure", "SL", 1, "kmeans")
    before = cases.name_of(case, SMOKE)
    storage.save_volume(
        case.labels, blobs(99), profile="smoke", voxel_size_um=VOXEL_UM, note="other"
    )
    assert cases.name_of(case, SMOKE) != before
    storage.save_volume(case.labels, blobs(1), profile="smoke", voxel_size_um=VOXEL_UM)
    assert cases.name_of(case, SMOKE) == before  # content, not the file's date


def test_a_failing_case_is_recorded_and_the_campaign_goes_on(results):
    fill(("SL",), closed=[("SL", "kmeans")])
    lines = []
    _, summary = campaign.run_fits(SMOKE, workers=1, progress=lines.append)
    reasons = {str(case): why for case, why in summary.failed.items()}
    assert "ends in slice 29" in reasons["structure SL-1-kmeans"]
    assert "fit SL-1-kmeans g0.08 i6" in reasons
    assert any("failed" in line for line in lines)
    assert "ends in slice 29" in str(summary)
    truth = [case for case in case_lists.fit_cases(SMOKE)[1] if case.method == "truth"][0]
    assert cases.is_finished(truth, SMOKE)


STRUCTURES = [cases.Case("structure", "SL", 1, method) for method in METHODS]


@pytest.fixture
def quick(monkeypatch):
    """Let a case be a small file: what happens to files is the same."""

    def execute(case, profile):
        data = xr.Dataset({"transport": ("z", np.linspace(0, 1, 500) + len(case.method))})
        with storage.atomic(cases.file_of(case, profile)) as temporary:
            data.to_netcdf(temporary, engine="h5netcdf")
        return Outcome()

    monkeypatch.setattr(local, "execute", execute)


def add_20_mV(file):
    import h5py

    with h5py.File(file, "r+") as opened:
        opened["transport"][...] += 0.02


def truncate(file):
    file.write_bytes(file.read_bytes()[: file.stat().st_size // 2])


def flip_a_bit(file):
    content = bytearray(file.read_bytes())
    content[len(content) // 3] ^= 4
    file.write_bytes(content)


@pytest.mark.parametrize(
    "damage", [add_20_mV, truncate, flip_a_bit, lambda file: file.write_bytes(b"")]
)
def test_a_touched_case_is_named_and_computed_anew(results, quick, damage):
    fill(("SL",))
    campaign.run(STRUCTURES, SMOKE, workers=1, progress=lambda line: None)
    before = cases.load(STRUCTURES[0], SMOKE)
    file = cases.file_of(STRUCTURES[0], SMOKE)
    damage(file)
    with pytest.raises(storage.Damaged, match=r"smoke/cases/structure-SL-1-truth.* was|is empty"):
        cases.load(STRUCTURES[0], SMOKE)
    lines = []
    summary = campaign.run(STRUCTURES, SMOKE, workers=1, progress=lines.append)
    assert (summary.run, summary.finished) == (1, 1)
    assert lines[0].startswith(f"structure SL-1-truth: {file.name} ")
    assert lines[0].endswith("; computed anew")
    assert cases.load(STRUCTURES[0], SMOKE).identical(before)


def test_a_case_without_a_checksum_is_not_ours(results, quick):
    fill(("SL",))
    campaign.run(STRUCTURES, SMOKE, workers=1, progress=lambda line: None)
    file = cases.file_of(STRUCTURES[1], SMOKE)
    for entry in (results / "smoke/.sha256/cases").glob(file.name + ".*"):
        entry.unlink()
    lines = []
    assert campaign.run(STRUCTURES, SMOKE, workers=1, progress=lines.append).run == 1
    assert "has no checksum" in lines[0]


def test_touched_labels_stop_the_campaign_with_their_name(results):
    fill(("SL",))
    flip_a_bit(storage.path("volumes", "labels/SL-1-kmeans.nc", profile="smoke"))
    with pytest.raises(storage.Damaged, match=r"labels/SL-1-kmeans.nc was changed.*make book"):
        campaign.run(STRUCTURES, SMOKE, workers=1)


@pytest.mark.parametrize("content", [b"", b"garbage", b"PK\x03\x04 half an archive"])
def test_an_unreadable_checkpoint_is_named_and_the_case_begins_anew(results, monkeypatch, content):
    fill(("SL",))
    case = cases.Case("lithiation", "SL", 1, "kmeans", 0.1, 6.0, "resolved", voxels_per_cell=4)
    unfinished = results / f"smoke/cases/.{cases.name_of(case, SMOKE)}.npz"
    unfinished.parent.mkdir(parents=True)
    unfinished.write_bytes(content)

    def lithiate(*_, checkpoint_path, **__):
        from analysis.electrochemistry.resolved import checkpoint

        if checkpoint_path.exists():
            checkpoint.load(checkpoint_path, "mark")
        raise RuntimeError("began anew")

    monkeypatch.setattr(simulations.resolved, "lithiate", lithiate)
    outcome = simulations.execute(case, SMOKE)
    assert outcome.reason == "began anew"
    assert "is not a checkpoint of a resolved run" in outcome.note
    assert not unfinished.exists()


def test_renamed_fields_and_classes_keep_a_case():
    old = dataclasses.make_dataclass("Old", ["edge", ("inner", object)])
    new = dataclasses.make_dataclass("New", ["width", ("part", object)])
    assert cases._values(old(1, old(2, "x"))) == cases._values(new(1, new(2, "x")))
    assert cases._values(old(1, old(2, "x"))) != cases._values(new(1, new(3, "x")))


def options(*arguments):
    parser = argparse.ArgumentParser()
    campaign.add_arguments(parser)
    return parser.parse_args(["--profile", "smoke", *arguments])


@pytest.mark.parametrize(
    ("arguments", "message"),
    [
        (["--methods", "kmeans,kmeanz"], "no method 'kmeanz'. Did you mean 'kmeans'"),
        (["--methods", "truth,nn"], "no method 'nn'"),
        (["--methods", "kmeans;truth"], "no method 'kmeans;truth'"),
        (["--methods", "kmeans,thresholding"], "No labels of method 'thresholding' for SL-1"),
        (["--methods", ","], "names no method"),
        (["--methods", "kmeans", "--resolved"], "leave --methods out"),
        (["--workers", "-1"], "--workers -1: expected"),
        (["--workers", "2", "--scheduler", "tcp://a:1"], "none with a scheduler"),
        (["--wait", "0"], "--wait 0: expected"),
        (["--profile", "demoo"], "no profile 'demoo'"),
    ],
)
def test_options_that_make_no_sense_are_refused(results, arguments, message):
    fill()
    with pytest.raises(ValueError, match=message):
        campaign.main(options(*arguments))


def test_missing_labels_say_what_to_do(results):
    with pytest.raises(FileNotFoundError, match="make book PROFILE=smoke"):
        campaign.run_fits(SMOKE)


def test_unknown_kind_is_refused():
    with pytest.raises(ValueError, match="Unknown kind"):
        cases.Case("guess", "SL", 1, "kmeans")


@pytest.mark.slow
def test_killed_campaign_goes_on_where_it_stopped(tmp_path, monkeypatch):
    whole, cut = tmp_path / "whole", tmp_path / "cut"
    for folder in (whole, cut):
        monkeypatch.setenv(storage.ROOT_VARIABLE, str(folder))
        fill(("SL",))
    environment = {**os.environ, storage.ROOT_VARIABLE: str(cut)}
    command = [sys.executable, "-m", "analysis", "campaign", "--profile", "smoke", "--workers", "1"]
    process = subprocess.Popen(command, cwd=ROOT, env=environment, stdout=subprocess.DEVNULL)
    folder = cut / "smoke/cases"
    deadline = time.monotonic() + 240
    while len(list(folder.glob("[!.]*.nc")) if folder.exists() else []) < 3:
        assert time.monotonic() < deadline and process.poll() is None
        time.sleep(0.02)
    process.send_signal(signal.SIGKILL)
    process.wait()
    done = {file.name: file.stat().st_mtime_ns for file in folder.glob("[!.]*.nc")}
    monkeypatch.setenv(storage.ROOT_VARIABLE, str(cut))
    _, summary = campaign.run_fits(SMOKE, workers=1, progress=lambda line: None)
    assert summary.finished >= len(done) >= 3
    for name, stamp in done.items():
        assert (folder / name).stat().st_mtime_ns == stamp  # not repeated
    monkeypatch.setenv(storage.ROOT_VARIABLE, str(whole))
    campaign.run_fits(SMOKE, workers=1, progress=lambda line: None)
    assert table(cut, monkeypatch) == table(whole, monkeypatch)


@pytest.mark.slow
@pytest.mark.skipif(sys.platform != "linux", reason="asks Linux to end orphans")
def test_a_killed_campaign_leaves_no_worker_behind(results):
    fill(("SL", "TL"))
    command = [sys.executable, "-m", "analysis", "campaign", "--profile", "smoke", "--workers", "2"]
    process = subprocess.Popen(command, cwd=ROOT, stdout=subprocess.DEVNULL)
    folder = results / "smoke/cases"
    deadline = time.monotonic() + 240
    while not (folder.exists() and list(folder.glob("[!.]*.nc"))):
        assert time.monotonic() < deadline and process.poll() is None
        time.sleep(0.05)
    workers = psutil.Process(process.pid).children(recursive=True)
    assert len(workers) >= 2
    process.send_signal(signal.SIGKILL)
    process.wait()
    _, alive = psutil.wait_procs(workers, timeout=10)
    assert not [worker for worker in alive if worker.status() != psutil.STATUS_ZOMBIE]


@pytest.mark.slow
def test_dask_with_a_killed_worker_gives_the_same_table(tmp_path, monkeypatch):
    distributed = pytest.importorskip("distributed")
    local, remote = tmp_path / "local", tmp_path / "remote"
    for folder in (local, remote):
        monkeypatch.setenv(storage.ROOT_VARIABLE, str(folder))
        fill(("SL",))
    monkeypatch.setenv(storage.ROOT_VARIABLE, str(local))
    campaign.run_fits(SMOKE, workers=1, progress=lambda line: None)

    monkeypatch.setenv(storage.ROOT_VARIABLE, str(remote))
    killed = []
    with distributed.LocalCluster(
        n_workers=2, threads_per_worker=1, processes=True, dashboard_address=None
    ) as cluster:
        victim = next(iter(cluster.workers.values())).pid

        def progress(line):
            if not killed and line.strip().startswith("3/"):
                os.kill(victim, signal.SIGKILL)
                killed.append(line)

        _, summary = campaign.run_fits(
            SMOKE, scheduler=cluster.scheduler_address, progress=progress
        )
    assert killed and not summary.failed
    assert table(remote, monkeypatch) == table(local, monkeypatch)


def test_a_killed_local_worker_is_replaced(results, monkeypatch):
    marker = results / "killed"
    wanted = [cases.Case("structure", "SL", 1, method) for method in METHODS]
    fill(("SL",))
    monkeypatch.setattr(local, "execute", _Suicidal(marker))
    outcomes = dict(local.outcomes(wanted, SMOKE, 2))
    assert outcomes == {case: Outcome() for case in wanted}
    assert marker.exists()


class _Suicidal:
    """Kills its own process the first time it is called."""

    def __init__(self, marker):
        self.marker = str(marker)

    def __call__(self, case, profile):
        if not os.path.exists(self.marker):
            Path(self.marker).touch()
            os.kill(os.getpid(), signal.SIGKILL)
        return Outcome()
