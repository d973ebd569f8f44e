"""The kernels of a graphics card: in CUDA's simulator, on a card if there is one, compiled.

Numba reads NUMBA_ENABLE_CUDASIM when it is imported: the comparisons have their own process.
The simulator shows what a kernel computes. It does not show speed, races between blocks, or types:
for the last there is NVIDIA's compiler, which needs no card.
"""

import importlib.util
import os
import re
import subprocess
import sys
from pathlib import Path

import numpy as np
import pytest

from analysis.electrochemistry.transport.cuda import card, memory
from analysis.electrochemistry.transport.cuda.card import CardState
from analysis.electrochemistry.transport.devices import open_device
from analysis.electrochemistry.transport.effective import effective_conductivity

ROOT = Path(__file__).resolve().parents[3]
HERE = "tests/electrochemistry/transport"


def run_python(*args, **environment):
    done = subprocess.run(
        [sys.executable, *args],
        cwd=ROOT,
        env=os.environ | environment,
        capture_output=True,
        text=True,
    )
    return done.returncode, done.stdout + done.stderr


def _missing(name):
    try:
        return importlib.util.find_spec(name) is None
    except ModuleNotFoundError:  # what it would be part of
        return True


def compare(simulated):
    status, text = run_python(
        *("-m", "pytest", "-q", "-p", "no:cacheprovider", f"{HERE}/cuda_twins.py"),
        NUMBA_ENABLE_CUDASIM=str(int(simulated)),
    )
    assert status == 0, text
    assert int(re.search(r"(\d+) passed", text).group(1)) > 100, text


@pytest.mark.slow
@pytest.mark.skipif(_missing("numba_cuda"), reason="numba-cuda, of Linux only, has the simulator")
def test_kernels_and_effective_conductivity_in_the_simulator():
    compare(simulated=True)


@pytest.mark.skipif(bool(card.fault_of(card.look())), reason="no card that can be used")
def test_kernels_and_effective_conductivity_on_the_card():
    compare(simulated=False)


@pytest.mark.slow
@pytest.mark.skipif(
    _missing("numba_cuda") or _missing("nvidia.cuda_nvcc"),
    reason="NVIDIA's compiler comes with the extra [gpu]",
)
def test_every_kernel_compiles_without_float64_atomics_or_spills():
    status, text = run_python("-m", f"{HERE.replace('/', '.')}.cuda_compiled")
    assert status == 0, text


def test_the_cpu_never_imports_what_only_a_card_needs():
    status, text = run_python(
        "-c",
        "import sys, numpy as np;"
        "from analysis.electrochemistry.transport.effective import effective_conductivity as k;"
        "k(np.ones((3, 3, 3)));"
        "sys.exit(int(any(n.startswith(('numba.cuda.', 'numba_cuda.numba.cuda.dispatcher'))"
        " or 'transport.cuda' in n for n in sys.modules if 'simulator' not in n)))",
    )
    assert status == 0, text


class FakeDriver:
    """Of the driver what launch graphs take; kernels launched while it records are kept."""

    def __init__(self, works):
        self.works, self.recording, self.calls = works, None, []

    def cuStreamBeginCapture(self, handle, mode):
        if not self.works:
            raise OSError("not supported")
        self.recording = []

    def cuStreamEndCapture(self, handle):
        graph, self.recording = self.recording, None
        return graph

    def cuGraphInstantiate(self, graph, flags):
        return ("ready", *graph)

    def cuGraphLaunch(self, graph, handle):
        self.calls += graph[1:]

    def kernel(self, name):
        (self.calls if self.recording is None else self.recording).append(name)


@pytest.mark.skipif(_missing("numba_cuda"), reason="numba-cuda is of Linux only")
@pytest.mark.parametrize("works", [True, False])
def test_work_is_recorded_at_its_second_time_or_launched_as_it_is(works, monkeypatch):
    from types import SimpleNamespace

    from analysis.electrochemistry.transport.cuda import graphs

    driver, one, other = FakeDriver(works), np.zeros(1), np.zeros(1)
    monkeypatch.setattr(graphs, "driver_and_mode", lambda: (driver, "mode"))
    monkeypatch.setattr(graphs, "stream", lambda: SimpleNamespace(handle=7))
    recorder = graphs.Recorder()
    recorder.usable = True
    by_python = []

    def work(array, both):
        by_python.append(array is one)
        driver.kernel("first")
        driver.kernel("second")

    def repeated(times, array):
        for _ in range(times):
            recorder.repeat(work, (array, (one, other)))

    if works:
        repeated(5, one)
        repeated(1, other)  # other arrays are other work
        assert by_python == [True, True, False]
        repeated(3, other)
        assert by_python == [True, True, False, False]
    else:
        with pytest.warns(RuntimeWarning, match="not supported.*one by one"):
            repeated(5, one)
        repeated(4, other)
        assert by_python == [True] * 5 + [False] * 4
    assert driver.calls == ["first", "second"] * 9


READY = CardState(False, True, True, (12, 4), "H100")
FAULTS = {
    "numba-cuda is not installed": CardState(False, False, False),
    "No driver of NVIDIA was found": CardState(False, True, error="no libcuda"),
    "supports CUDA 11.8; expected 12.0 or newer": CardState(False, True, True, (11, 8), "A100"),
    "does not find NVIDIA's compiler": CardState(False, True, False, (12, 4), "H100"),
    "No card was found": CardState(False, True, True, (12, 4), None, "CUDA_ERROR_NO_DEVICE"),
}


@pytest.mark.parametrize("text", FAULTS)
def test_what_is_missing_is_said_with_what_to_do(text, monkeypatch):
    monkeypatch.setattr(card, "look", lambda: FAULTS[text])
    with pytest.raises(card.CudaError, match="device='cuda' was asked for") as found:
        effective_conductivity(np.ones((4, 4, 4)), device="cuda")
    assert text in str(found.value) and "device='cpu'" in str(found.value)
    assert re.search(r"Install|Update|See that", str(found.value))


def test_a_card_that_is_ready_has_no_fault():
    assert card.fault_of(READY) == ""


@pytest.mark.skipif(not card.fault_of(card.look()), reason="there is a card")
def test_without_a_card_nothing_runs_on_the_cpu_instead():
    with pytest.raises(card.CudaError, match="Nothing was run"):
        open_device("cuda")


@pytest.mark.parametrize("name", ["gpu", "", "cuda:1"])
def test_unknown_devices_are_refused(name):
    with pytest.raises(ValueError, match="expected one of cpu, cuda"):
        effective_conductivity(np.ones((4, 4, 4)), device=name)


@pytest.mark.parametrize("shape", [(256, 256, 256), (266, 400, 400)])
def test_too_little_memory_names_what_fits(shape):
    size = memory.needed("conduction", shape)
    memory.check("conduction", shape, 1.1 * size, 2 * size)
    free = size / 4
    with pytest.raises(card.CudaError, match="GB on the card") as found:
        memory.check("conduction", shape, free, 2 * free)
    edge = int(re.search(r"A cube of (\d+) cells", str(found.value)).group(1))
    usable = free - memory.RESERVE * 2 * free
    assert memory.needed("conduction", (edge,) * 3) <= usable
    assert memory.needed("conduction", (edge + 1,) * 3) > usable


def test_where_nothing_fits_that_is_said():
    with pytest.raises(card.CudaError, match="Nothing fits"):
        memory.check("conduction", (9, 9, 9), 100.0, 1e9)
