"""Every kernel of a card beside its twin on the CPU. Run by ``test_cuda.py``, in its own process.

With NUMBA_ENABLE_CUDASIM=1 the kernels run in CUDA's simulator, else on the card.
"""

import gc
import weakref

import numpy as np
import pytest

from analysis.electrochemistry.transport import effective, impedance, multigrid, vectors
from analysis.electrochemistry.transport.cuda import card, device, memory
from analysis.electrochemistry.transport.threads import ThreadPool
from tests.electrochemistry.beside_the_card import check, check_threads
from tests.electrochemistry.transport.cuda_cases import CASES, SHAPES, Grid

TWINS = device.twins()


def test_every_kernel_has_a_case():
    assert {kernel.name for kernel in TWINS.values()} == set(CASES)


@pytest.mark.parametrize("shape", SHAPES, ids=str)
@pytest.mark.parametrize("twin", TWINS, ids=lambda twin: twin.__name__)
def test_twins_do_the_same(twin, shape):
    for n, *args in CASES[twin.__name__](Grid(shape)):
        check(twin, n, tuple(args))


@pytest.mark.parametrize("twin", TWINS, ids=lambda twin: twin.__name__)
def test_what_is_written_does_not_depend_on_the_threads(twin, monkeypatch):
    n, *args = CASES[twin.__name__](Grid(SHAPES[1]))[0]
    by_slices = getattr(TWINS[twin], "over", "") == "slices"
    check_threads(twin, n, tuple(args), monkeypatch, by_slices)


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
    assert places[-1].memory.most == pytest.approx(memory.needed("conduction", shape), rel=0.02)


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
    assert places[-1].memory.most == pytest.approx(needed, rel=0.05)


def test_too_little_memory_is_said_before_the_run(monkeypatch):
    monkeypatch.setattr(memory, "needed", lambda *args: 10**12)
    monkeypatch.setattr(
        device.cuda.current_context().__class__, "get_memory_info", lambda self: (4e9, 8e9)
    )
    with pytest.raises(card.CudaError, match="need 1000.00 GB on the card; 4.00 of 8.00 GB"):
        effective.effective_conductivity(volume((5, 4, 6)), device="cuda")


def test_a_card_and_its_arrays_are_let_go():
    """What was recorded keeps its arrays, and nothing keeps what was recorded."""
    place = device.CudaDevice()
    field = place.zeros((4, 4, 4))
    for _ in range(3):
        place.repeat(lambda x: place.run(vectors.clear, 8, 2, x), field)
    kept, tally = weakref.ref(place), place.memory
    assert tally.now == tally.most == field.nbytes == 256
    del place, field
    gc.collect()
    assert kept() is None and tally.now == 0


def test_an_array_of_nothing_is_one_on_the_card_too():
    place = device.CudaDevice()
    there = place.put(np.zeros((0, 3), np.uint32))
    assert there.size == there.nbytes == 0 and len(there) == 0
    assert place.get(there).shape == (0, 3)


def test_a_kernel_without_a_twin_is_named():
    def unknown(start, stop):
        pass

    with pytest.raises(NotImplementedError, match="unknown has no kernel on the card"):
        device.CudaDevice().run(unknown, 1, 1)
