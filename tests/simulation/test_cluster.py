"""Clusters on loopback: who may run cases; what is said if workers or the scheduler are lost."""

import contextlib
import os
import re
import shutil
import signal
import socket
import subprocess
import sys
import time
from pathlib import Path

import pytest

from analysis import profiles, storage
from analysis.simulation import campaign, cases, cluster
from analysis.simulation.run import Outcome

distributed = pytest.importorskip("distributed")

ROOT = Path(__file__).resolve().parents[2]
SMOKE = profiles.get("smoke")
WANTED = [cases.Case("structure", "SL", number, "kmeans") for number in range(1, 5)]


def loopback(n_workers):
    return distributed.LocalCluster(
        n_workers=n_workers,
        threads_per_worker=1,
        processes=False,
        protocol="tcp",
        host="127.0.0.1",
        dashboard_address=":0",
    )


@pytest.fixture
def scheduler():
    """A scheduler in this process with one worker of this very package."""
    with loopback(1) as local:
        yield local


@pytest.fixture
def written(results, monkeypatch):
    """Let a case write a small file at once; gives the list of those that were run."""
    ran = []

    def execute(case, profile):
        ran.append(case)
        with storage.atomic(cases.file_of(case, profile)) as temporary:
            temporary.write_text(str(case))
        return Outcome()

    monkeypatch.setattr(cluster, "execute", execute)
    return ran


@contextlib.contextmanager
def started(*command, **environment):
    """A process of Dask that ends with the test."""
    process = subprocess.Popen(
        [sys.executable, "-m", *command],
        env={**os.environ, **environment},
        cwd=environment.get("PYTHONPATH", ROOT),
        stdout=subprocess.DEVNULL,
        stderr=subprocess.DEVNULL,
    )
    try:
        yield process
    finally:
        process.kill()
        process.wait()


def worker(address, **environment):
    options = ("--no-nanny", "--host", "127.0.0.1", "--nthreads", "1", "--no-dashboard")
    return started("distributed.cli.dask_worker", address, *options, **environment)


def free_port():
    with socket.socket() as probe:
        probe.bind(("127.0.0.1", 0))
        return probe.getsockname()[1]


def test_cases_run_on_the_worker_and_are_on_disk(scheduler, written):
    lines = []
    summary = campaign.run(
        WANTED, SMOKE, scheduler=scheduler.scheduler_address, progress=lines.append
    )
    assert (summary.run, summary.failed) == (4, {}) and sorted(map(str, written)) == sorted(
        map(str, WANTED)
    )
    assert re.match(r" +4/4  0:00 left  structure SL-\d-kmeans: done", lines[-1])
    assert all(cases.is_finished(case, SMOKE) for case in WANTED)
    assert not list(storage.results_root().glob(".campaign-*"))


def test_a_case_without_its_file_does_not_count(scheduler, results, monkeypatch):
    monkeypatch.setattr(cluster, "execute", lambda case, profile: Outcome())
    monkeypatch.setattr(campaign, "SHARED_S", 0.3)
    cases.file_of(WANTED[0], SMOKE).parent.mkdir(parents=True)
    summary = campaign.run(
        WANTED[:1], SMOKE, scheduler=scheduler.scheduler_address, progress=lambda line: None
    )
    assert summary.run == 0
    assert "is missing; do all workers write to this results folder?" in str(summary)


def test_a_worker_that_does_not_see_the_results_is_refused(scheduler, written, monkeypatch):
    monkeypatch.setattr(cluster, "_token", lambda root: contextlib.nullcontext("elsewhere"))
    with pytest.raises(cluster.ClusterFailed, match="does not see the results folder"):
        campaign.run(WANTED, SMOKE, scheduler=scheduler.scheduler_address)
    assert not written


def test_a_worker_of_another_python_is_refused(scheduler, written, monkeypatch):
    monkeypatch.setattr(cluster, "_python_of", lambda client, name: "3.8")
    with pytest.raises(cluster.ClusterFailed, match="runs Python 3.8; expected 3.1"):
        campaign.run(WANTED, SMOKE, scheduler=scheduler.scheduler_address)
    assert not written


def test_no_worker_within_the_time_that_was_said(results):
    lines = []
    with loopback(0) as empty:
        with pytest.raises(cluster.ClusterFailed, match="No worker joined .* within 1 s. Start"):
            campaign.run(
                *(WANTED, SMOKE),
                scheduler=empty.scheduler_address,
                wait_s=0.6,
                progress=lines.append,
            )
    assert "waiting up to 1 s for one" in lines[0]


def test_all_workers_leave(scheduler, results, monkeypatch):
    monkeypatch.setattr(cluster, "POLL_S", 0.2)
    monkeypatch.setattr(cluster, "execute", lambda case, profile: time.sleep(2))
    with pytest.raises(cluster.ClusterFailed, match="All workers .* have left, and none came"):
        campaign.run(
            WANTED,
            SMOKE,
            scheduler=scheduler.scheduler_address,
            wait_s=0.5,
            progress=lambda line: scheduler.scale(0) if "workers at" in line else None,
        )


@pytest.mark.parametrize("address", ["tcp://127.0.0.1:{port}", "127.0.0.1:{port}", "nonsense://x"])
def test_no_scheduler(results, monkeypatch, address):
    monkeypatch.setattr(cluster, "CONNECT_S", 0.5)
    with pytest.raises(cluster.ClusterFailed, match="No scheduler answers at"):
        campaign.run(WANTED, SMOKE, scheduler=address.format(port=free_port()))


def test_a_worker_that_joins_later_is_asked_too(scheduler, written, monkeypatch):
    monkeypatch.setattr(cluster, "POLL_S", 0.1)
    first = set(scheduler.scheduler.workers)
    asked = cluster._why_not
    monkeypatch.setattr(
        cluster,
        "_why_not",
        lambda client, name, *rest: asked(client, name, *rest) if name in first else "is too old",
    )
    execute = cluster.execute

    def slow(case, profile):
        time.sleep(0.3)
        return execute(case, profile)

    monkeypatch.setattr(cluster, "execute", slow)
    lines = []

    def progress(line):
        lines.append(line)
        if "workers at" in line:
            scheduler.scale(2)

    summary = campaign.run(WANTED, SMOKE, scheduler=scheduler.scheduler_address, progress=progress)
    assert (summary.run, summary.failed) == (4, {})
    assert any("is not used: it is too old" in line for line in lines)


def test_workers_of_another_version_and_without_the_package_are_named(scheduler, written, tmp_path):
    other, none = tmp_path / "other", tmp_path / "none"
    shutil.copytree(ROOT / "analysis", other / "analysis")
    text = (other / "analysis/simulation/cases.py").read_text()
    (other / "analysis/simulation/cases.py").write_text(
        re.sub(r"^MODEL_VERSION = \d+", "MODEL_VERSION = 1000", text, flags=re.MULTILINE)
    )
    none.mkdir()
    (none / "sitecustomize.py").write_text(
        "import sys\n"
        "class Block:\n"
        "    def find_spec(self, name, path=None, target=None):\n"
        "        if name == 'analysis':\n"
        "            raise ModuleNotFoundError(\"No module named 'analysis'\", name=name)\n"
        "sys.meta_path.insert(0, Block())\n"
    )
    address = scheduler.scheduler_address
    with worker(address, PYTHONPATH=str(other)), worker(address, PYTHONPATH=str(none)):
        with distributed.Client(address, set_as_default=False) as client:
            client.wait_for_workers(3, timeout=60)
        with pytest.raises(cluster.ClusterFailed) as raised:
            campaign.run(WANTED, SMOKE, scheduler=address, progress=lambda line: None)
    text = str(raised.value)
    assert "2 of 3 workers" in text and "none was run" in text
    assert f"model version 1000 instead of {cases.MODEL_VERSION}" in text
    assert "source" in text
    assert "cannot import the package (ModuleNotFoundError: No module named 'analysis')" in text
    assert not written


def test_a_lost_scheduler_is_one_sentence_and_the_campaign_goes_on(results, written, monkeypatch):
    port = free_port()
    address = f"tcp://127.0.0.1:{port}"
    dask = ("distributed.cli.dask_scheduler", "--host", "127.0.0.1", "--port", str(port))
    with started(*dask, "--no-dashboard") as process:
        with distributed.Client(address, timeout=60, set_as_default=False) as client:
            with _worker_here(client, address):
                lines = []

                def progress(line):
                    lines.append(line)
                    if line.strip().startswith("1/"):
                        os.kill(process.pid, signal.SIGKILL)

                execute = cluster.execute

                def slow(case, profile):
                    time.sleep(0.5)
                    return execute(case, profile)

                monkeypatch.setattr(cluster, "execute", slow)
                with pytest.raises(cluster.ClusterFailed) as raised:
                    campaign.run(WANTED, SMOKE, scheduler=address, progress=progress)
    assert str(raised.value) == (
        f"The scheduler {address} was lost. Finished cases are on disk; the same command goes on "
        "from there."
    )
    done = [case for case in WANTED if cases.is_finished(case, SMOKE)]
    assert 1 <= len(done) < 4
    assert distributed.client._get_global_client() is None  # nor would xarray ask a lost one
    monkeypatch.setattr(campaign.local, "execute", execute)
    again = campaign.run(WANTED, SMOKE, workers=1, progress=lambda line: None)
    assert again.run == len(WANTED) - again.finished and again.finished >= len(done)


@contextlib.contextmanager
def _worker_here(client, address):
    """A worker on the client's event loop, with the package as this process has it."""

    async def start():
        return await distributed.Worker(address, nthreads=1, dashboard=False)

    made = client.sync(start)
    try:
        yield
    finally:
        with contextlib.suppress(Exception):
            client.sync(made.close, timeout=1, nanny=False)


def test_a_scheduler_that_never_answered_is_not_asked_by_xarray(results, monkeypatch):
    import dask
    import numpy as np
    import xarray as xr

    monkeypatch.setattr(cluster, "CONNECT_S", 0.5)
    before = dask.config.get("scheduler", None)
    with pytest.raises(cluster.ClusterFailed, match="No scheduler answers at"):
        list(cluster.outcomes(WANTED, SMOKE, "tcp://127.0.0.1:9"))
    assert dask.config.get("scheduler", None) == before
    assert xr.DataArray(np.ones(3)).chunk().sum().compute() == 3
