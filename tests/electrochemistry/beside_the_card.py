"""A kernel of a card beside its twin on the CPU, on the same arguments.

With NUMBA_ENABLE_CUDASIM=1 the kernels run in CUDA's simulator, else on the card.
"""

import sys
import threading

import numpy as np
import pytest

from analysis.electrochemistry.transport.cuda import device, launch

sys.setswitchinterval(1e-5)  # the simulator's threads wait for each other by polling
if launch.SIMULATED:
    # The first two threads of a block that ask for shared memory at once get an array each from
    # numba-cuda 0.30's simulator, and the sum over the block loses a part. One after the other.
    # (It tells arrays apart by the calling line, which is here now, and by the name of the
    # function besides: `block_sum` and `block_peak` have one each and never meet in one kernel.)
    from numba.cuda.simulator.kernelapi import FakeCUDAShared

    ONE_BY_ONE, ARRAY = threading.Lock(), FakeCUDAShared.array

    def shared_array(self, shape, dtype):
        """Shared memory, asked for by one thread at a time."""
        with ONE_BY_ONE:
            return ARRAY(self, shape, dtype)

    FakeCUDAShared.array = shared_array


def copied(value, copy):
    """The arguments of a kernel, arrays as `copy` gives them, also inside tuples; views shared."""
    if isinstance(value, np.ndarray):
        return copy(value)
    if isinstance(value, tuple):
        inner = [copied(one, copy) for one in value]
        return type(value)(*inner) if hasattr(value, "_fields") else tuple(inner)
    return value


def arrays(value):
    """All arrays among the arguments, in their order."""
    if isinstance(value, tuple | list):
        return [array for one in value for array in arrays(one)]
    return [value] if hasattr(value, "shape") and value.shape else []


def entries(n, args):
    """What the CPU's kernel is given first: nothing, slices, or all entries of a list of faces."""
    return () if n is None else (0, len(args[0].voxel) if n == "faces" else n)


def on_cpu(function, n, args):
    """What the arguments are after a call of the function on the CPU, and what it returns."""
    args = copied(args, np.copy)
    total = function(*entries(n, args), *args)
    return arrays(args), total


def on_card(function, n, args):
    """The same with its twin on the card."""
    place = device.CudaDevice()
    there = copied(args, place.put)
    if n is None:
        total = place.whole(function, *there)
    elif n == "faces":
        total = place.scatter(function, None, *there)
    else:
        total = place.run(function, 0, n, *there)
    return [place.get(one) for one in arrays(there)], total


def check(function, n, args, rtol=2e-6, here=None):
    """Compare both, or the twin with `here`; something must have been written or returned."""
    before = arrays(args)
    expected, total = on_cpu(here or function, n, args)
    found, there = on_card(function, n, args)
    changed = 0
    for was, ours, theirs in zip(before, expected, found, strict=True):
        finite = ours[np.isfinite(ours)] if ours.dtype.kind == "f" else ours
        scale = np.abs(finite).max(initial=0)
        np.testing.assert_allclose(theirs, ours, rtol=rtol, atol=0.5 * rtol * scale)
        changed += not np.array_equal(was, ours)
    assert (total is None) == (there is None)
    if total is not None:
        assert there == pytest.approx(total, rel=1e-5, abs=1e-6)
    assert changed or total is not None, "the case shows nothing"


def check_threads(function, n, args, monkeypatch, by_slices=False):
    """Bit for bit the same with one thread, but for sums, whose order is that of the blocks."""
    many, total = on_card(function, n, args)
    monkeypatch.setattr(launch, "BLOCK", (1, 1))
    monkeypatch.setattr(launch, "SLICE_BLOCK", (1, 1))
    monkeypatch.setattr(launch, "MOST_BLOCKS", (1, 1, 1))
    monkeypatch.setattr(launch, "SUM_BLOCKS", 1)
    one, total_of_one = on_card(function, n, args)
    for a, b in zip(many, one, strict=True):
        if by_slices:
            np.testing.assert_allclose(a, b, rtol=1e-13, atol=1e-13)
        else:
            np.testing.assert_array_equal(a, b)
    if total is not None:
        assert total == pytest.approx(total_of_one, rel=1e-13, abs=1e-13)
