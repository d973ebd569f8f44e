"""Every kernel of the resolved cell on a card beside its twin. Run by ``test_resolved_cuda.py``.

With NUMBA_ENABLE_CUDASIM=1 the kernels run in CUDA's simulator, else on the card.
"""

import numpy as np
import pytest

from analysis.electrochemistry.materials import DEFAULT
from analysis.electrochemistry.resolved import grid
from analysis.electrochemistry.resolved.cuda import memory
from analysis.electrochemistry.resolved.half_cell import lithiate
from analysis.electrochemistry.resolved.linear_solver import floating_clusters
from analysis.electrochemistry.resolved.state import ResolvedCell
from analysis.electrochemistry.resolved.time_integration import ResolvedControl, Run
from analysis.electrochemistry.transport.cuda import device, launch
from analysis.electrochemistry.transport.threads import ThreadPool
from tests.electrochemistry.beside_the_card import check, check_threads
from tests.electrochemistry.resolved.cuda_cases import (
    CASES,
    SIZES,
    VOXEL_UM,
    cases_of,
    labels_of,
    sample,
)

ROOMS = ("resolved", "resolved.linear_solver", "resolved.cell_properties")
TWINS = {
    function: twin
    for room in ROOMS
    for function, twin in device.twins(f"analysis.electrochemistry.{room}").items()
}


def name_of(function):
    return f"{function.__module__.rpartition('.')[2]}-{function.__name__}"


def correct_at_once(start, stop, clusters, *args):
    """Clusters that touch are corrected one after the other on the CPU, at once on the card."""
    *args, x = args
    moved = np.zeros_like(x)
    for n in range(start, stop):
        alone = x.copy()
        floating_clusters.correct(n, n + 1, clusters, *args, alone)
        moved += alone - x
    x += moved


BESIDE = {floating_clusters.correct: correct_at_once}


def test_every_kernel_has_a_case():
    cases = {f"{module}-{name}" for module, inside in CASES.items() for name in inside}
    assert {name_of(twin) for twin in TWINS} == cases


@pytest.mark.parametrize("size", SIZES)
@pytest.mark.parametrize("twin", TWINS, ids=name_of)
def test_twins_do_the_same(twin, size):
    for n, *args in cases_of(twin, size):
        check(twin, n, tuple(args), here=BESIDE.get(twin))


@pytest.mark.parametrize("twin", TWINS, ids=name_of)
def test_what_is_written_does_not_depend_on_the_threads(twin, monkeypatch):
    cases = cases_of(twin, "odd") or cases_of(twin, "cells of two")
    n, *args = cases[0]
    by_blocks = getattr(TWINS[twin], "over", "") == "slices" or twin.__name__ == "correct"
    check_threads(twin, n, tuple(args), monkeypatch, by_blocks)


def test_there_is_something_to_group():
    """The cells have floating clusters, some that touch, and cells with several faces."""
    for name in SIZES:
        one = sample(name)
        assert np.bincount(one.faces.electrolyte).max() > 1
        assert np.bincount(one.faces.solid).max() > 1
    assert all(sample(name).multigrid.clusters.count for name in SIZES)


@pytest.fixture
def few_threads(monkeypatch):
    """One thread at a time in the simulator, where each costs as much as a hundred cells."""
    if launch.SIMULATED:
        monkeypatch.setattr(launch, "BLOCK", (1, 1))
        monkeypatch.setattr(launch, "SLICE_BLOCK", (1, 1))
        monkeypatch.setattr(launch, "MOST_BLOCKS", (1, 1, 1))
        monkeypatch.setattr(launch, "SUM_BLOCKS", 1)


CONTROL = ResolvedControl(first_step_s=10.0)


def test_a_lithiation_is_the_same(few_threads, monkeypatch):
    """Two steps, with a snapshot; and the card holds about what was said before."""
    places, made = [], device.CudaDevice.__init__
    monkeypatch.setattr(
        device.CudaDevice, "__init__", lambda self: (made(self), places.append(self))[0]
    )
    labels = labels_of((5, 3, 4))
    options = dict(voxel_size_um=VOXEL_UM, largest_inert=0.95, control=CONTROL, threads=1)
    options |= dict(end_s=20.0, snapshots_s=(10.0,))
    here = lithiate(labels, 0.12, 2.0, **options)
    there = lithiate(labels, 0.12, 2.0, **options, device="cuda")
    assert len(here.time_s) == 2 and here.reason == there.reason
    counts = ("steps", "rejected", "iterations", "cycles", "cells", "inert")
    assert [getattr(there, name) for name in counts] == [getattr(here, name) for name in counts]
    np.testing.assert_allclose(there.time_s, here.time_s, rtol=1e-12)
    np.testing.assert_allclose(there.voltage_V, here.voltage_V, atol=1e-7)
    np.testing.assert_allclose(there.salt_mol_m3, here.salt_mol_m3, rtol=1e-6)
    np.testing.assert_allclose(there.content, here.content, rtol=1e-7)
    for name in ("salt_drift", "lithium_drift", "kirchhoff"):
        assert np.abs(getattr(there, name)).max() < 1e-6
    for name in ("salt_mol_m3", "content", "electrolyte_V", "solid_V"):
        ours, theirs = (getattr(run.snapshots[0], name) for run in (here, there))
        np.testing.assert_allclose(theirs, ours, rtol=1e-5, atol=1e-6)
    domain = grid.build(labels, 0.12, voxel_size_um=VOXEL_UM, cell=DEFAULT, largest_inert=0.95)
    needed = memory.needed(domain.shape, None, memory.count_faces(domain))
    assert 0.5 * needed < places[-1].memory.most < needed


def test_a_run_goes_on_on_the_other_device(few_threads):
    """On cells of two voxels: the state after a step, and the next step from it."""
    shape, n = SIZES["cells of two"]
    domain = grid.build(
        labels_of(shape),
        *(0.12,),
        voxel_size_um=VOXEL_UM / n,
        cell=DEFAULT,
        largest_inert=0.95,
        voxels_per_cell=n,
    )
    runs = []
    for place in (ThreadPool(1), device.CudaDevice()):
        cell = ResolvedCell(domain, DEFAULT, place)
        cell.set_rest(0.4)
        runs.append(Run(cell, 2.0, 2.5, CONTROL, (), 20.0))
    here, there = runs
    here.advance()
    kept = here.state()
    there.restore(kept)
    again = there.state()
    assert kept.keys() == again.keys()
    for name, values in kept.items():
        np.testing.assert_array_equal(again[name], values, err_msg=name)
    assert here.advance() == there.advance() == "end time"
    ours, theirs = (np.array(run.record.rows[-1][:2]) for run in runs)
    np.testing.assert_allclose(theirs, ours, atol=1e-5)
    np.testing.assert_allclose(there.record.profiles[-1], here.record.profiles[-1], rtol=1e-4)
