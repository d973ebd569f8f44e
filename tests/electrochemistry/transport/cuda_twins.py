"""Every kernel of a card beside its twin on the CPU. Run by ``test_cuda.py``, in its own process.

With NUMBA_ENABLE_CUDASIM=1 the kernels run in CUDA's simulator, else on the card.
"""

import sys
import threading

import numpy as np
import pytest

from analysis.electrochemistry.transport import effective, impedance, multigrid
from analysis.electrochemistry.transport.cuda import card, device, launch, memory
from analysis.electrochemistry.transport.threads import ThreadPool
from tests.electrochemistry.transport.cuda_cases import CASES, SHAPES, Grid

TWINS = device.twins()
sys.setswitchinterval(1e-5)  # the simulator's threads wait for each other by polling
if launch.SIMULATED:
    # The first two threads of a block that ask for shared memory at once get an array each from
    # numba-cuda 0.30's simulator, and the sum over the block loses a part. One after the other.
    # (It tells arrays apart by the calling line, which is here now: there is one, in `block_sum`.)
    from numba.cuda.simulator.kernelapi import FakeCUDAShared

    ONE_BY_ONE, ARRAY = threading.Lock(), FakeCUDAShared.array

    def shared_array(self, shape, dtype):
        """Shared memory, asked for by one thread at a time."""
        with ONE_BY_ONE:
            return ARRAY(self, shape, dtype)

    FakeCUDAShared.array = shared_array


def copied(value, copy):
    """The arguments of a kernel, arrays as `copy` gives them, also inside tuples."""
    if isinstance(value, np.ndarray):
        return copy(value)
    if isinstance(value, tuple):
        inner = [copied(one, copy) for one in value]
        return type(value)(*inner) if hasattr(value, "_fields") else tuple(inner)
    return value


def arrays(value):
    if isinstance(value, tuple | list):
        return [array for one in value for array in arrays(one)]
    return [value] if hasattr(value, "shape") and value.shape else []


def on_cpu(function, n, args):
    args = copied(args, np.copy)
    total = function(*args) if n is None else function(0, n, *args)
    return arrays(args), total


def on_card(function, n, args):
    place = device.CudaDevice()
    there = copied(args, place.put)
    total = place.whole(function, *there) if n is None else place.run(function, 0, n, *there)
    return [place.get(one) for one in arrays(there)], total


def test_every_kernel_has_a_case():
    assert {kernel.name for kernel in TWINS.values()} == set(CASES)


@pytest.mark.parametrize("shape", SHAPES, ids=str)
@pytest.mark.parametrize("twin", TWINS, ids=lambda twin: twin.__name__)
def test_twins_do_the_same(twin, shape):
    for n, *args in CASES[twin.__name__](Grid(shape)):
        before = arrays(args)
        expected, total = on_cpu(twin, n, tuple(args))
        found, sum_there = on_card(twin, n, tuple(args))
        changed = 0
        for was, ours, theirs in zip(before, expected, found, strict=True):
            scale = np.abs(ours).max()
            np.testing.assert_allclose(theirs, ours, rtol=2e-6, atol=1e-6 * scale)
            changed += not np.array_equal(was, ours)
        assert (total is None) == (sum_there is None)
        if total is not None:
            assert sum_there == pytest.approx(total, rel=1e-5, abs=1e-6)
        assert changed or total is not None, "the case shows nothing"


@pytest.mark.parametrize("twin", TWINS, ids=lambda twin: twin.__name__)
def test_what_is_written_does_not_depend_on_the_threads(twin, monkeypatch):
    """Bit for bit, but for sums, whose order is that of the blocks."""
    n, *args = CASES[twin.__name__](Grid(SHAPES[1]))[0]
    many, total = on_card(twin, n, tuple(args))
    monkeypatch.setattr(launch, "BLOCK", (1, 1))
    monkeypatch.setattr(launch, "MOST_BLOCKS", (1, 1, 1))
    monkeypatch.setattr(launch, "SUM_BLOCKS", 1)
    one, total_of_one = on_card(twin, n, tuple(args))
    for a, b in zip(many, one, strict=True):
        if TWINS[twin].over == "slices":
            np.testing.assert_allclose(a, b, rtol=1e-13, atol=1e-13)
        else:
            np.testing.assert_array_equal(a, b)
    if total is not None:
        assert total == pytest.approx(total_of_one, rel=1e-13, abs=1e-13)


def volume(shape):
    rng = np.random.default_rng(1)
    return np.where(rng.random(shape) < 0.5, 1.0, 0.1) * (rng.random(shape) < 0.8)


@pytest.mark.parametrize("revisit", [None, 1])
def test_one_cycle_is_the_same(revisit):
    shape = (10, 9, 11)
    results = []
    load = multigrid.padded(shape)
    load[1:-1, 1:-1, 1:-1] = np.random.default_rng(2).standard_normal(shape)
    for place in (ThreadPool(1), device.CudaDevice()):
        cells = multigrid.padded(shape)
        cells[1:-1, 1:-1, 1:-1] = volume(shape)
        faces = effective.faces(place.put(cells), place)
        hierarchy = multigrid.build(*faces, pool=place, revisit=revisit)
        assert len(hierarchy.levels) == 3
        x = place.zeros(load.shape)
        hierarchy.cycle(place.put(load), x, None)
        results.append(place.get(x))
    np.testing.assert_allclose(results[1], results[0], atol=2e-5 * np.abs(results[0]).max())


def test_effective_conductivity_is_the_same():
    axis = 2
    conductivity = volume((5, 4, 6))
    here = effective.effective_conductivity(conductivity, axis, rtol=1e-4)
    there = effective.effective_conductivity(conductivity, axis, rtol=1e-4, device="cuda")
    assert there.value == pytest.approx(here.value, rel=1e-6)
    assert there.iterations == here.iterations and there.converged
    assert there.inert == here.inert and there.tortuosity == pytest.approx(here.tortuosity)
    np.testing.assert_allclose(there.potential, here.potential, atol=1e-5)
    np.testing.assert_allclose(there.flux_per_slice, here.flux_per_slice, rtol=1e-6)
    np.testing.assert_allclose(there.resistance_per_slice, here.resistance_per_slice, rtol=1e-4)
    assert abs(there.imbalance) < 1e-9
    again = effective.effective_conductivity(
        conductivity, axis, start=here, rtol=1e-4, device="cuda"
    )
    assert again.value == pytest.approx(here.value, rel=1e-4)
    assert again.iterations <= here.iterations


def test_memory_is_what_was_estimated(monkeypatch):
    places = []
    made = device.CudaDevice.__init__
    monkeypatch.setattr(
        device.CudaDevice, "__init__", lambda self: (made(self), places.append(self))[0]
    )
    shape = (6, 5, 7)
    effective.effective_conductivity(volume(shape), rtol=0.5, strict=False, device="cuda")
    assert places[-1].most_allocated == pytest.approx(memory.needed("conduction", shape), rel=0.02)


def test_impedance_is_the_same(monkeypatch):
    """And takes the memory that was estimated."""
    places = []
    made = device.CudaDevice.__init__
    monkeypatch.setattr(
        device.CudaDevice, "__init__", lambda self: (made(self), places.append(self))[0]
    )
    labels = np.random.default_rng(0).choice(3, (6, 5, 4), p=(0.5, 0.3, 0.2)).astype(np.uint8)
    options = {"voxel_size_um": 1.0, "frequency_Hz": [3e5, 1e6], "shifts": 1}
    here = impedance.spectrum(labels, 0.1, **options)
    there = impedance.spectrum(labels, 0.1, **options, device="cuda")
    np.testing.assert_allclose(there.impedance_ohm_m2, here.impedance_ohm_m2, rtol=1e-6)
    assert there.tortuosity == pytest.approx(here.tortuosity, rel=1e-6)
    assert there.capacity_F_m2 == here.capacity_F_m2
    assert abs(there.iterations - here.iterations) <= 2
    needed = memory.needed("impedance", labels.shape, options["shifts"] + 1)
    assert places[-1].most_allocated == pytest.approx(needed, rel=0.05)


def test_too_little_memory_is_said_before_the_run(monkeypatch):
    monkeypatch.setattr(memory, "needed", lambda *args: 10**12)
    monkeypatch.setattr(
        device.cuda.current_context().__class__, "get_memory_info", lambda self: (4e9, 8e9)
    )
    with pytest.raises(card.CudaError, match="need 1000.00 GB on the card; 4.00 of 8.00 GB"):
        effective.effective_conductivity(volume((5, 4, 6)), device="cuda")


def test_a_kernel_without_a_twin_is_named():
    def unknown(start, stop):
        pass

    with pytest.raises(NotImplementedError, match="unknown has no kernel on the card"):
        device.CudaDevice().run(unknown, 1, 1)
