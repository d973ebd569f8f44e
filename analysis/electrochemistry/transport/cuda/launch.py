"""How kernels are spread over the blocks of a card, and sums that do not depend on their order.

A kernel takes the number of slices, the shapes of the arrays that `kernel` names, then the
arguments of its twin on the CPU after `start` and `stop`. Arrays come flat: with one unsigned index
for all arrays of a grid, ``stencil.smooth`` takes 56 registers of a thread, with three
indices 165, which would leave a card a third of the threads that hide the latency of its memory.

Neighboring threads read neighboring numbers, and each steps on by the width of all: every number
of blocks is right, and the simulator, in which a thread costs a millisecond, takes few. No two
threads write to one place, and nothing is added atomically. Sums are float64: per thread, then over
the block as a tree, then over the blocks in their order.
"""

import functools
import warnings
from collections.abc import Callable
from dataclasses import dataclass, field
from typing import Any

import numba
import numpy as np
from numba import cuda

SIMULATED = bool(numba.config.ENABLE_CUDASIM)
BLOCK = (2, 2) if SIMULATED else (32, 8)  # threads along x and y
SLICE_BLOCK = (2, 2) if SIMULATED else (32, 16)  # where one block takes a slice: there are few
THREADS = 512  # room for the numbers of a block, at least as many as its threads
SUM_BLOCKS = 2 if SIMULATED else 1024  # about those that are in work at once; their sums are kept
MOST_BLOCKS = (1, 1, 2) if SIMULATED else (2**20, 2**15, 2**15)

# Coarse levels are small, and numba would say so at every launch.
warnings.filterwarnings("ignore", message="Grid size .* GPU under-utilization")

compiled = cuda.jit(device=True)
unsigned = np.uint64  # indices: with a sign, each access would look whether it counts from the end
ONE_ON = np.uint64(1)  # one number further along x


@functools.cache
def stream():
    """The stream of all work on the card; one of our own, for only such can be recorded."""
    return 0 if SIMULATED else cuda.stream()


def to_host(flat):
    """The numbers of an array on the card, when all that was launched before has been done."""
    found = flat.copy_to_host(stream=stream())
    if not SIMULATED:
        stream().synchronize()
    return found


@dataclass(frozen=True, eq=False)
class CudaField:
    """
    An array on the card.

    Attributes
    ----------
    flat : device array
        Its numbers, in one dimension.
    shape : tuple of int
        Shape, rims included.
    """

    flat: Any
    shape: tuple
    groups: dict = field(
        default_factory=dict, repr=False
    )  # of a list, see ``resolved.cuda.groups``

    @property
    def size(self):
        """Number of numbers."""
        return int(np.prod(self.shape))

    def ravel(self):
        """The same numbers in one dimension."""
        return CudaField(self.flat, (self.size,), self.groups)

    def __len__(self):
        return self.shape[0]

    @property
    def ndim(self):
        """Number of dimensions."""
        return len(self.shape)

    @property
    def nbytes(self):
        """Bytes on the card."""
        return self.size * self.flat.dtype.itemsize


@dataclass(frozen=True)
class CudaKernel:
    """
    A compiled kernel and how to launch it.

    Attributes
    ----------
    name : str
        That of its twin on the CPU.
    body : callable
        From ``cuda.jit``.
    extents : tuple of int
        Which of its arguments, counted as on the CPU, have the shapes that it is given; the first
        is what the threads are spread over.
    over : {"cells", "numbers", "slices"}
        Whether threads are spread over the cells of a grid, over all numbers of an array (the rims
        are zero and stay so), or one block takes a slice and writes numbers for it.
    sums : int
        How many sums it returns, for which it takes as many float64 per block as its last argument.
    peak : bool
        Whether it returns the largest of one number per block in the same way.
    """

    name: str
    body: Any
    extents: tuple
    over: str
    sums: int
    peak: bool

    def shapes(self, args):
        """Shapes that the kernel is given; that of the first of several arrays of one grid."""
        return tuple(_first(args[n]).shape for n in self.extents)

    def blocks(self, n, shape):
        """Blocks along x, y and z for `n` slices of padded arrays of this shape."""
        reduces = self.sums or self.peak
        if self.over == "slices":
            return (min(n, SUM_BLOCKS), 1, 1)
        if self.over == "numbers":
            return (blocks_for(int(np.prod(shape)), reduces), 1, 1)
        x = min(-(-(shape[2] - 2) // BLOCK[0]), MOST_BLOCKS[0])
        y = min(-(-(shape[1] - 2) // BLOCK[1]), MOST_BLOCKS[1])
        z = min(n, MOST_BLOCKS[2])
        return (x, y, max(1, min(z, SUM_BLOCKS // (x * y))) if reduces else z)

    def launch(self, device, n, args):
        """Run on `n` slices, all inner ones if it is None; the sums, or the peak, if there are."""
        shapes = self.shapes(args)
        n = shapes[0][0] - 2 if n is None else n
        blocks = self.blocks(n, shapes[0])
        threads = {"numbers": (BLOCK[0] * BLOCK[1], 1, 1), "slices": (*SLICE_BLOCK, 1)}
        threads = threads.get(self.over, (*BLOCK, 1))
        values = (n, shapes, *(flat_of(one) for one in args))
        if not (self.sums or self.peak):
            self.body[blocks, threads, stream()](*values)
            return None
        return reduced(self.body, (blocks, threads), values, self.sums, self.peak)


@dataclass(frozen=True)
class CudaPlan:
    """
    A twin that takes several launches.

    Attributes
    ----------
    name : str
        That of its twin on the CPU.
    work : callable
        ``work(device, *args)``, with the arguments of the twin.
    """

    name: str
    work: Callable

    def launch(self, device, n, args):
        """Run on all slices or entries, whatever `n`; what it returns."""
        return self.work(device, *args)


def _first(value):
    return _first(value[0]) if isinstance(value, tuple) else value


def flat_of(value):
    """An argument as a kernel takes it: numbers of an array in one dimension, also in tuples."""
    if isinstance(value, CudaField):
        return value.flat
    if not isinstance(value, tuple):
        return value
    inner = [flat_of(one) for one in value]
    return type(value)(*inner) if hasattr(value, "_fields") else tuple(inner)


def blocks_for(count, reduces=False):
    """Blocks for a list of so many entries."""
    blocks = -(-count // (BLOCK[0] * BLOCK[1]))
    return min(blocks, SUM_BLOCKS if reduces else MOST_BLOCKS[0])


def over_entries(body, count, *args, sums=0):
    """Launch a kernel whose threads step through a list of `count` entries; its sums, if any."""
    if not count:
        return 0.0 if sums == 1 else (0.0,) * sums or None
    grid = blocks_for(count, sums), BLOCK[0] * BLOCK[1]
    values = [flat_of(one) for one in args]
    if sums:
        return reduced(body, ((grid[0], 1, 1), (grid[1], 1, 1)), values, sums)
    body[(*grid, stream())](*values)
    return None


def by_block(body, count, *args):
    """Launch a kernel in which a block takes one of `count` entries after the other."""
    grid = min(count, SUM_BLOCKS), BLOCK[0] * BLOCK[1]
    body[(*grid, stream())](*(flat_of(one) for one in args))


def reduced(body, grid, values, sums, peak=False):
    """Launch a kernel that reduces; a number, or as many as there are sums."""
    parts, total = _room_for(max(sums, 1), int(np.prod(grid[0])))
    body[(*grid, stream())](*values, parts)
    last = largest_part if peak else add_parts
    last[total.size, BLOCK[0] * BLOCK[1], stream()](parts, total)
    found = [float(one) for one in to_host(total)]
    return found[0] if len(found) == 1 else tuple(found)


@functools.cache  # to take memory of a card costs as much as a small kernel
def _room_for(sums, blocks):
    """Arrays for the sums of the blocks, and for those of all: each is read before the next."""
    return cuda.device_array(sums * blocks, np.float64), cuda.device_array(sums, np.float64)


def kernel(*extents, over="cells", sums=False, peak=False):
    """Decorator: a kernel with the twin of its name; see :class:`CudaKernel`."""

    def decorate(function):
        return CudaKernel(function.__name__, cuda.jit(function), extents, over, int(sums), peak)

    return decorate


def plan(function):
    """Decorator: a twin of several launches; see :class:`CudaPlan`."""
    return CudaPlan(function.__name__, function)


@compiled
def block_sum(value):
    """Sum of `value` over the threads of a block, as a tree; right in the first thread only."""
    part = cuda.shared.array(THREADS, numba.float64)
    thread = cuda.threadIdx.x + cuda.threadIdx.y * cuda.blockDim.x
    half = cuda.blockDim.x * cuda.blockDim.y // 2
    part[thread] = value
    cuda.syncthreads()
    while half > 0:
        if thread < half:
            part[thread] += part[thread + half]
        cuda.syncthreads()
        half //= 2
    return part[0]


@compiled
def block_peak(value):
    """Largest `value` of a block, in its first thread only; not a number if one is not."""
    part = cuda.shared.array(THREADS, numba.float64)
    thread = cuda.threadIdx.x + cuda.threadIdx.y * cuda.blockDim.x
    half = cuda.blockDim.x * cuda.blockDim.y // 2
    part[thread] = value
    cuda.syncthreads()
    while half > 0:
        if thread < half:
            part[thread] = larger(part[thread], part[thread + half])
        cuda.syncthreads()
        half //= 2
    return part[0]


@compiled
def larger(one, other):
    """The larger of two numbers; not a number if one is not."""
    return other if other > one or other != other else one


@compiled
def this_block():
    """Number of this block."""
    return cuda.blockIdx.x + cuda.gridDim.x * (cuda.blockIdx.y + cuda.gridDim.y * cuda.blockIdx.z)


@compiled
def keep(total, parts):
    """Write the sum of this block to its place."""
    total = block_sum(total)
    if cuda.threadIdx.x == 0 and cuda.threadIdx.y == 0:
        parts[this_block()] = total


@compiled
def keep_two(first, second, parts):
    """Write two sums of this block: all of the first lie before those of the second."""
    first = block_sum(first)
    second = block_sum(second)
    if cuda.threadIdx.x == 0 and cuda.threadIdx.y == 0:
        parts[this_block()] = first
        parts[parts.shape[0] // 2 + this_block()] = second


@compiled
def keep_peak(top, parts):
    """Write the largest number of this block to its place."""
    top = block_peak(top)
    if cuda.threadIdx.x == 0 and cuda.threadIdx.y == 0:
        parts[this_block()] = top


@compiled
def write_first(total, out, place):
    """Write the sum over this block as one number of `out`."""
    total = block_sum(total)
    if cuda.threadIdx.x == 0 and cuda.threadIdx.y == 0:
        out[place] = total


@cuda.jit
def add_parts(parts, totals):
    """Sum of the sums of all blocks; one block for each of the `totals`."""
    count = parts.shape[0] // totals.shape[0]
    mine = np.float64(0.0)
    for n in range(cuda.threadIdx.x, count, cuda.blockDim.x):
        mine += parts[cuda.blockIdx.x * count + n]
    mine = block_sum(mine)
    if cuda.threadIdx.x == 0:
        totals[cuda.blockIdx.x] = mine


@cuda.jit
def largest_part(parts, top):
    """Largest of the numbers of all blocks; one block."""
    mine = np.float64(-np.inf)
    for n in range(cuda.threadIdx.x, parts.shape[0], cuda.blockDim.x):
        mine = larger(mine, parts[n])
    mine = block_peak(mine)
    if cuda.threadIdx.x == 0:
        top[0] = mine


@cuda.jit
def fill(value, flat):
    """Give every number the same value."""
    for n in range(cuda.grid(1), flat.shape[0], cuda.gridsize(1)):
        flat[n] = value
