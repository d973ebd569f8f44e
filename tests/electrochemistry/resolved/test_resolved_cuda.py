"""The resolved cell on a graphics card: in CUDA's simulator, and what is said before a run."""

import re
import tracemalloc
import weakref

import numpy as np
import pytest

from analysis.electrochemistry.current_profile import rest
from analysis.electrochemistry.materials import DEFAULT
from analysis.electrochemistry.resolved import grid, half_cell
from analysis.electrochemistry.resolved.cell_properties import properties
from analysis.electrochemistry.resolved.cuda import memory
from analysis.electrochemistry.resolved.current_profiles.following import follow
from analysis.electrochemistry.resolved.linear_solver import exchange_links
from analysis.electrochemistry.resolved.state import ResolvedCell
from analysis.electrochemistry.transport.cuda import card
from analysis.electrochemistry.transport.threads import ThreadPool
from tests.electrochemistry.transport.test_cuda import FAULTS, _missing, run_python

TWINS = "tests/electrochemistry/resolved/cuda_twins.py"
CELL = dict(voxel_size_um=1.5, largest_inert=0.95)


def labels(shape, seed=0):
    return np.random.default_rng(seed).choice(3, shape, p=(0.3, 0.2, 0.5)).astype(np.uint8)


def compare(simulated):
    status, text = run_python(
        *("-m", "pytest", "-q", "-p", "no:cacheprovider", TWINS),
        NUMBA_ENABLE_CUDASIM=str(int(simulated)),
    )
    assert status == 0, text
    assert int(re.search(r"(\d+) passed", text).group(1)) > 200, text


@pytest.mark.slow
@pytest.mark.skipif(_missing("numba_cuda"), reason="numba-cuda, of Linux only, has the simulator")
def test_kernels_and_a_lithiation_in_the_simulator():
    compare(simulated=True)


@pytest.mark.skipif(bool(card.fault_of(card.look())), reason="no card that can be used")
def test_kernels_and_a_lithiation_on_the_card():
    compare(simulated=False)


def lithiate(**options):
    return half_cell.lithiate(labels((8, 6, 6)), 0.12, 2.0, **CELL, **options)


def through_a_profile(**options):
    return follow(labels((8, 6, 6)), 0.12, [rest(60)], **CELL, **options)


@pytest.mark.parametrize("run", [lithiate, through_a_profile])
@pytest.mark.parametrize("text", FAULTS)
def test_what_is_missing_is_said_before_any_work(run, text, monkeypatch):
    monkeypatch.setattr(card, "look", lambda: FAULTS[text])
    monkeypatch.setattr(grid, "build", lambda *args, **options: pytest.fail("work was begun"))
    with pytest.raises(card.CudaError, match="device='cuda' was asked for") as found:
        run(device="cuda")
    assert text in str(found.value) and "Nothing was run" in str(found.value)


@pytest.mark.parametrize("run", [lithiate, through_a_profile])
@pytest.mark.parametrize("name", ["gpu", "", "cuda:1", None])
def test_unknown_devices_are_refused(run, name):
    with pytest.raises(ValueError, match="expected one of cpu, cuda"):
        run(device=name)


class CountingPool(ThreadPool):
    """Threads that count the bytes of what is on their device, like a card."""

    def __init__(self):
        super().__init__(1)
        self.now = self.most = 0

    def _counted(self, array):
        self.now += array.nbytes
        self.most = max(self.most, self.now)
        weakref.finalize(array, self._forget, array.nbytes)
        return array

    def _forget(self, size):
        self.now -= size

    def zeros(self, shape, dtype=np.float32):
        return self._counted(np.zeros(shape, dtype))

    def put(self, value):
        return self._counted(value.copy()) if isinstance(value, np.ndarray) else value

    get = staticmethod(np.copy)  # not to be written to


@pytest.mark.parametrize(("shape", "n"), [((24, 32, 30), 1), ((40, 21, 24), 1), ((32, 40, 36), 2)])
def test_memory_is_estimated_from_above_and_closely(shape, n, monkeypatch):
    """All arrays of two steps, and the lists that only a card makes."""
    pool = CountingPool()
    monkeypatch.setattr(half_cell, "open_device", lambda *args: pool)
    options = CELL | {"voxels_per_cell": n}
    volume = labels(shape)
    half_cell.lithiate(volume, 0.12, 2.0, end_s=0.5, **options)
    domain = grid.build(volume, 0.12, cell=DEFAULT, **options)
    faces = properties.find(domain, DEFAULT).faces
    assert memory.count_faces(domain) == faces.count
    links = exchange_links.join(faces, domain.shape).ends.count
    lists = 4 * (4 * faces.count + 2 * 2 * len(faces.voxel) + (2 + 5 * 3) * links)
    needed = memory.needed(domain.shape, domain.voxels if n > 1 else None, faces.count)
    assert 0.6 * needed < pool.most + lists < needed


def test_the_paper_s_cutout_twice_as_wide_fits_a_card():
    """400 x 400 x 266 voxels and the separator: on full voxels, of 80 GB."""
    memory.check((266 + 20, 400, 400), None, 266 * 400 * 400 // 2, 78e9, 80e9)


@pytest.mark.parametrize(
    ("shape", "voxels", "advice"),
    [
        ((286, 400, 400), None, "Pass voxels_per_cell=2, which needs"),
        ((160, 200, 200), (266, 400, 400), "Pass voxels_per_cell=3, which needs"),
        ((500, 1000, 1000), None, "Take a smaller cutout"),
    ],
)
def test_too_little_memory_says_what_fits(shape, voxels, advice):
    faces = int(0.3 * np.prod(voxels or shape))
    size = memory.needed(shape, voxels, faces)
    free = {"Take": 0.05, "Pass": 0.92 if voxels else 0.6}[advice[:4]] * size
    with pytest.raises(card.CudaError, match="GB on the card") as found:
        memory.check(shape, voxels, faces, free, 1.02 * free)
    assert advice in str(found.value) and "device='cpu'" in str(found.value)


class Away(ThreadPool):
    """A device whose arrays take nothing of this machine."""

    def __init__(self):
        super().__init__(1)

    def zeros(self, shape, dtype=np.float32):
        return np.broadcast_to(np.zeros(1, dtype), shape)

    def put(self, value):
        return self.zeros(value.shape, value.dtype) if isinstance(value, np.ndarray) else value


@pytest.mark.parametrize(("shape", "n"), [((60, 64, 60), 1), ((60, 64, 60), 2)])
def test_what_a_card_takes_of_this_machine_is_estimated(shape, n):
    volume, options = labels(shape), CELL | {"voxels_per_cell": n}
    tracemalloc.start()
    try:
        domain = grid.build(volume, 0.12, cell=DEFAULT, **options)
        ResolvedCell(domain, DEFAULT, Away())
        peak = tracemalloc.get_traced_memory()[1]
    finally:
        tracemalloc.stop()
    needed = memory.HOST_BYTES * np.prod([m + 2 for m in domain.voxels]) + 3e8
    assert 0.4 * (needed - 3e8) < peak < needed
    memory.check_host(domain.voxels, 1.01 * needed)
    with pytest.raises(MemoryError, match="of this machine's own memory; 0.2 GB are available"):
        memory.check_host(domain.voxels, 2e8)


def test_too_little_memory_is_said_before_the_cell_is_made(monkeypatch):
    class Small(CountingPool):
        free_memory = staticmethod(lambda: (1e5, 8e9))

    pool = Small()
    monkeypatch.setattr(half_cell, "open_device", lambda *args: pool)
    monkeypatch.setattr(half_cell, "ThreadPool", type("Other", (), {}))  # so that it is none
    with pytest.raises(card.CudaError, match="0.0 of 8.0 GB are free"):
        lithiate(device="cuda")
    assert pool.most == 0
