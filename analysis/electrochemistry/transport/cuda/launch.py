"""How kernels are spread over the blocks of a card, and sums that do not depend on their order.

A kernel takes the number of slices, then the arguments of its twin on the CPU after `start` and
`stop`. Threads lie along x, so that neighbors read neighboring numbers, and step through the
grid by its width: every number of blocks is right, and the simulator, in which a thread costs
a millisecond, takes few. No two threads write to one place, and nothing is added atomically.
Sums are float64: per thread, then over the block as a tree, then over the blocks in their order.
"""

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

compiled = cuda.jit(device=True, inline=False)


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
    extent : int
        Which of its arguments, counted without the number of slices, has the shape to work on.
    kind : {"cells", "sum", "slices"}
        Writes cells; also returns a sum, for which it takes one float64 per block; or writes one
        number per slice, a block for each slice.
    """

    name: str
    body: Any
    extent: int
    kind: str

    def shape_of(self, args):
        """Shape of the array to work on; of the first of several."""
        array = args[self.extent]
        return (array[0] if isinstance(array, tuple) else array).shape

    def blocks(self, n, args):
        """Blocks along x, y and z for `n` slices."""
        if self.kind == "slices":
            return (min(n, SUM_BLOCKS), 1, 1)
        rows, columns = (extent - 2 for extent in self.shape_of(args)[1:])
        x = min(-(-columns // BLOCK[0]), MOST_BLOCKS[0])
        y = min(-(-rows // BLOCK[1]), MOST_BLOCKS[1])
        z = min(n, MOST_BLOCKS[2])
        if self.kind == "sum":
            z = max(1, min(z, SUM_BLOCKS // (x * y)))
        return (x, y, z)

    def launch(self, n, args):
        """Run on `n` slices; the sum, if there is one."""
        blocks = self.blocks(n, args)
        if self.kind != "sum":
            self.body[blocks, (*BLOCK, 1)](n, *args)
            return None
        count = blocks[0] * blocks[1] * blocks[2]
        parts, total = cuda.device_array(count, np.float64), cuda.device_array(1, np.float64)
        self.body[blocks, (*BLOCK, 1)](n, *args, parts)
        add_parts[1, BLOCK[0] * BLOCK[1]](parts, total)
        return float(total.copy_to_host()[0])


def kernel(extent, kind="cells"):
    """Decorator: a kernel over the cells of argument number `extent`; see :class:`CudaKernel`."""

    def decorate(function):
        return CudaKernel(function.__name__, cuda.jit(function), extent, kind)

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
    """Give every number of a one-dimensional view the same value."""
    for n in range(cuda.grid(1), flat.shape[0], cuda.gridsize(1)):
        flat[n] = value
