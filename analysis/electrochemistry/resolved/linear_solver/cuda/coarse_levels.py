"""The coarsest grid of the block multigrid on a card.

Kernel of :mod:`analysis.electrochemistry.resolved.linear_solver.coarse_levels`.
"""

import numpy as np
from numba import cuda

from analysis.electrochemistry.transport.cuda.launch import over_entries, plan, unsigned


@plan
def solve_dense(device, inverse, b, x):
    shape = b[0].shape
    count = int(np.prod([n - 2 for n in shape]))
    over_entries(_solve_dense, 3 * count, count, shape, inverse, b, x)


@cuda.jit
def _solve_dense(count, shape, inverse, b, x):
    _, rows, columns = shape
    wide, plane = columns - 2, (rows - 2) * (columns - 2)
    for t in range(cuda.grid(1), 3 * count, cuda.gridsize(1)):
        total = np.float64(0.0)
        for field in range(3):
            load = b[field]
            for cell in range(count):
                k, j, i = cell // plane + 1, cell % plane // wide + 1, cell % wide + 1
                place = unsigned((k * rows + j) * columns + i)
                total += inverse[unsigned(3 * t * count + field * count + cell)] * load[place]
        cell = t % count
        k, j, i = cell // plane + 1, cell % plane // wide + 1, cell % wide + 1
        x[t // count][unsigned((k * rows + j) * columns + i)] = total
