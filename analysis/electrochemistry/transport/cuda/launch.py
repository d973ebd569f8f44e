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

import warnings
from dataclasses import dataclass
from typing import Any

import numba
import numpy as np
from numba import cuda

SIMULATED = bool(numba.config.ENABLE_CUDASIM)
BLOCK = (2, 2) if SIMULATED else (32, 8)  # threads along x and y
THREADS = 256  # room for the numbers of a block, at least as many as its threads
SUM_BLOCKS = 2 if SIMULATED else 1024  # about those that are in work at once; their sums are kept
MOST_BLOCKS = (1, 1, 2) if SIMULATED else (2**20, 2**15, 2**15)

# Coarse levels are small, and numba would say so at every launch.
warnings.filterwarnings("ignore", message="Grid size .* GPU under-utilization")

compiled = cuda.jit(device=True)
unsigned = np.uint64  # indices: with a sign, each access would look whether it counts from the end
ONE_ON = np.uint64(1)  # one number further along x


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

    @property
    def size(self):
        """Number of numbers."""
        return self.flat.size

    @property
    def nbytes(self):
        """Bytes on the card."""
        return self.flat.size * self.flat.dtype.itemsize


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
        are zero and stay so), or one block takes a slice and writes one number for it.
    sums : bool
        Whether it returns a sum, for which it takes one float64 per block as its last argument.
    """

    name: str
    body: Any
    extents: tuple
    over: str
    sums: bool

    def shapes(self, args):
        """Shapes that the kernel is given; that of the first of several arrays of one grid."""
        arrays = (args[n] for n in self.extents)
        return tuple((one[0] if isinstance(one, tuple) else one).shape for one in arrays)

    def blocks(self, n, shape):
        """Blocks along x, y and z for `n` slices of padded arrays of this shape."""
        if self.over == "slices":
            return (min(n, SUM_BLOCKS), 1, 1)
        if self.over == "numbers":
            count = -(-int(np.prod(shape)) // (BLOCK[0] * BLOCK[1]))
            return (min(count, SUM_BLOCKS if self.sums else MOST_BLOCKS[0]), 1, 1)
        x = min(-(-(shape[2] - 2) // BLOCK[0]), MOST_BLOCKS[0])
        y = min(-(-(shape[1] - 2) // BLOCK[1]), MOST_BLOCKS[1])
        z = min(n, MOST_BLOCKS[2])
        return (x, y, max(1, min(z, SUM_BLOCKS // (x * y))) if self.sums else z)

    def launch(self, n, args):
        """Run on `n` slices; the sum, if there is one."""
        shapes = self.shapes(args)
        blocks = self.blocks(n, shapes[0])
        threads = (BLOCK[0] * BLOCK[1], 1, 1) if self.over == "numbers" else (*BLOCK, 1)
        args = [_flat(one) for one in args]
        if not self.sums:
            self.body[blocks, threads](n, shapes, *args)
            return None
        count = blocks[0] * blocks[1] * blocks[2]
        parts, total = cuda.device_array(count, np.float64), cuda.device_array(1, np.float64)
        self.body[blocks, threads](n, shapes, *args, parts)
        add_parts[1, BLOCK[0] * BLOCK[1]](parts, total)
        return float(total.copy_to_host()[0])


def _flat(value):
    if isinstance(value, CudaField):
        return value.flat
    return tuple(_flat(one) for one in value) if isinstance(value, tuple) else value


def kernel(*extents, over="cells", sums=False):
    """Decorator: a kernel with the twin of its name; see :class:`CudaKernel`."""

    def decorate(function):
        return CudaKernel(function.__name__, cuda.jit(function), extents, over, sums)

    return decorate


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
def keep(total, parts):
    """Write the sum of this block to its place."""
    total = block_sum(total)
    if cuda.threadIdx.x == 0 and cuda.threadIdx.y == 0:
        block = cuda.blockIdx.x + cuda.gridDim.x * (
            cuda.blockIdx.y + cuda.gridDim.y * cuda.blockIdx.z
        )
        parts[block] = total


@compiled
def write_first(total, out, place):
    """Write the sum over this block as one number of `out`."""
    total = block_sum(total)
    if cuda.threadIdx.x == 0 and cuda.threadIdx.y == 0:
        out[place] = total


@cuda.jit
def add_parts(parts, total):
    """Sum of the sums of all blocks; one block."""
    mine = np.float64(0.0)
    for n in range(cuda.threadIdx.x, parts.shape[0], cuda.blockDim.x):
        mine += parts[n]
    mine = block_sum(mine)
    if cuda.threadIdx.x == 0:
        total[0] = mine


@cuda.jit
def fill(value, flat):
    """Give every number the same value."""
    for n in range(cuda.grid(1), flat.shape[0], cuda.gridsize(1)):
        flat[n] = value
