"""A record grows in the order in which it says most, and a stop leaves it whole."""

import hashlib
import json
import signal
from dataclasses import replace

import numpy as np
import pytest
import xarray as xr

from analysis import processes, profiles, storage
from analysis.record import collect, grow, plan
from analysis.simulation import campaign, cases, local
from analysis.simulation.run import Outcome
from analysis.storage import published

MAPS = ("kmeans", "edx-closing", "nn-p-cond", "draw")  # two of them among those of each way
PAPER = replace(
    profiles.get("paper"),
    cutouts=2,
    resolved_cutouts=2,
    fit_methods=(*MAPS[:3], "truth"),
    resolved_methods=("truth", *MAPS),
    resolved_fitted=MAPS,
    fipy_specimens=("TL",),
    fipy_maps=("kmeans",),
    fipy_currents=(6.0,),
)


SMALL = replace(
    PAPER,
    cutouts=1,
    resolved_cutouts=1,
    fit_methods=("kmeans", "truth"),
    currents_mA_cm2=(6.0,),
    resolved_specimens=("TL",),
    resolved_methods=("truth", "kmeans", "draw"),
    resolved_fitted=("kmeans", "draw"),
    resolved_currents=(3.0, 6.0),
)


@pytest.fixture
def places(tmp_path, monkeypatch):
    monkeypatch.setenv(published.VARIABLE, str(tmp_path / "record"))
    monkeypatch.setenv(storage.ROOT_VARIABLE, str(tmp_path / "results"))
    for specimen in profiles.ELECTRODES:
        for cutout in PAPER.cutout_numbers:
            for method in PAPER.resolved_methods:
                storage.save_volume(
                    f"labels/{specimen}-{cutout}-{method}",
                    np.zeros((2, 2, 2), np.uint8),
                    profile=PAPER,
                    voxel_size_um=0.642,
                )


@pytest.fixture
def runs(places, monkeypatch):
    """Cases in the order in which they run; they leave small results, and cost nothing."""
    ran = []

    def execute(case, profile):
        ran.append(case)
        further = [replace(case, kind="lithiation", gamma=gamma) for gamma in (0.08, 0.2)]
        if case.kind == "fit" and case.resolved:
            for one in further:
                if not cases.is_finished(one, profile):
                    execute(one, profile)
        finish(case, profile)
        return Outcome()

    monkeypatch.setattr(local, "execute", execute)
    return ran


def finish(case, profile):
    values = {"fitted_gamma": 0.21} if case.kind == "fit" else {"capacity_mAh_cm2": 5.0}
    data = xr.Dataset(values)
    if case.kind == "fit":
        data["lithiated"] = ("run", [0.08, 0.2])
    with storage.atomic(cases.file_of(case, profile)) as temporary:
        data.to_netcdf(temporary, engine="h5netcdf")


def quiet(line):
    pass


def is_whole():
    """Whether the manifest of the record names the files that there are, and their hashes."""
    folder = published.folder(SMALL)
    named = json.loads((folder / storage.MANIFEST).read_text())["files"]
    there = {str(file.relative_to(folder)) for file in folder.rglob("*") if file.is_file()}
    assert there == {*named, storage.MANIFEST}
    for name, entry in named.items():
        assert hashlib.sha256((folder / name).read_bytes()).hexdigest() == entry["sha256"]
    return named


def first(ran, *conditions):
    return min(k for k, case in enumerate(ran) if all(one(case) for one in conditions))


def last(ran, *conditions):
    return max(k for k, case in enumerate(ran) if all(one(case) for one in conditions))


def resolved(case):
    return case.resolved


def test_what_says_most_comes_first(runs, monkeypatch):
    monkeypatch.setattr(collect, "collect", lambda *_, **__: None)
    grow.grow(PAPER, workers=1, progress=quiet)

    def cheap(case):
        return not case.resolved and case.fidelity != "fipy" and case.kind != "fit"

    def headline(case):
        return case.method in ("truth", "kmeans", "edx-closing")

    def cutout(number):
        return lambda case: case.resolved and case.cutout == number

    def fit(case):
        return case.kind == "fit"

    def other_current(case):
        return case.current_mA_cm2 not in (None, PAPER.fit_current)

    before_fipy = [case for case in runs if case.fidelity != "fipy"]
    before_fipy = before_fipy[: last(before_fipy, resolved) + 1]
    assert last(before_fipy, cheap) < first(runs, resolved)
    of_each = last(runs, cutout(1), headline, fit)
    assert of_each < first(runs, cutout(1), lambda case: not headline(case))
    assert last(runs, cutout(1), fit) < first(runs, cutout(1), other_current)
    assert last(runs, cutout(1)) < first(runs, cutout(2))
    at_start = runs[first(runs, resolved) : first(runs, resolved, fit)]
    assert {case.specimen for case in at_start} == {"SL", "TL"}  # one cutout of each electrode
    assert len(runs) == len(set(runs)), "no case runs twice"


def test_nothing_that_is_planned_is_left_out(runs):
    done = grow.grow(SMALL, workers=1, progress=quiet)
    wanted, predicted = plan.planned_cases(SMALL)
    wanted += [one for _, after in predicted for one in after]
    assert not [case for case in wanted if not cases.is_finished(case, SMALL)]
    assert done.run and not done.failed and len(is_whole()) >= len(set(wanted))
    again = grow.grow(SMALL, workers=1, progress=quiet)
    assert again.run == 0


def test_the_first_part_is_of_one_cutout_and_one_map_of_each_way(runs, monkeypatch):
    monkeypatch.setattr(collect, "collect", lambda *_, **__: None)
    grow.grow(PAPER, only_first=True, workers=1, progress=quiet)
    lithiated = [case for case in runs if case.resolved and case.kind != "structure"]
    assert {case.method for case in lithiated} == {"truth", "kmeans", "edx-closing"}
    assert {case.cutout for case in lithiated} == {1}


def in_a_kernel():
    """What a compiled kernel makes of a signal that comes while it runs."""
    try:
        raise KeyboardInterrupt
    except KeyboardInterrupt as error:
        raise SystemError("returned a result with an exception set") from error


def by_hand():
    raise KeyboardInterrupt


@pytest.mark.parametrize("stop", [by_hand, in_a_kernel])
@pytest.mark.parametrize("after", [2, 12, 20])
def test_a_stop_leaves_a_whole_record_and_the_next_run_goes_on(runs, monkeypatch, stop, after):
    usual = local.execute

    def stopped(case, profile):
        if len(runs) >= after:
            stop()
        return usual(case, profile)

    monkeypatch.setattr(local, "execute", stopped)
    with pytest.raises(KeyboardInterrupt):
        grow.grow(SMALL, workers=1, progress=quiet)
    assert len([name for name in is_whole() if name.startswith("cases/")]) == len(runs)
    monkeypatch.setattr(local, "execute", usual)
    grow.grow(SMALL, workers=1, progress=quiet)
    assert len(runs) == len(set(runs)), "what was finished did not run again"
    is_whole()


@pytest.mark.parametrize("number", [signal.SIGINT, signal.SIGTERM])
def test_a_signal_while_the_record_is_written_waits(runs, monkeypatch, number):
    first_of_all = campaign.fit_cases(SMALL)[0]
    campaign.run(first_of_all, SMALL, workers=1, progress=quiet)
    copy, copied = collect.shutil.copyfile, []

    def interrupted(source, target):
        copied.append(source)
        if len(copied) == 2:
            signal.raise_signal(number)
        return copy(source, target)

    def handler(*_):
        raise KeyboardInterrupt

    usual = signal.signal(number, handler)
    try:
        monkeypatch.setattr(collect.shutil, "copyfile", interrupted)
        with pytest.raises(KeyboardInterrupt):
            collect.collect(SMALL, progress=quiet)
        assert signal.getsignal(number) is handler
    finally:
        signal.signal(number, usual)
    assert len(is_whole()) == len(copied) == len(set(first_of_all))


def test_only_a_stop_counts_as_one():
    assert processes.was_stopped(KeyboardInterrupt())
    with pytest.raises(SystemError) as caught:
        in_a_kernel()
    assert processes.was_stopped(caught.value)
    assert not processes.was_stopped(SystemError("of itself"))
    assert not processes.was_stopped(ValueError())


def test_maps_without_labels_are_named(runs):
    more = replace(SMALL, resolved_methods=("truth", "kmeans", "posterior"))
    lines = []
    grow.grow(more, only_first=True, workers=1, progress=lines.append)
    assert "TL-1-posterior" in lines[0] and "TL-1-kmeans" not in lines[0]
