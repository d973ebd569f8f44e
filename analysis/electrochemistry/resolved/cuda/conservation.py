"""The shift of the lithium that closes its balance, on a card.

Kernels of :mod:`analysis.electrochemistry.resolved.conservation`.
"""

import numpy as np
from numba import cuda

from analysis.electrochemistry.transport.cuda.launch import compiled, keep_two, kernel


@compiled
def room(c, low, high):
    """s (1 - s) of a concentration, with s its place between its bounds."""
    s = (c - low) / (high - low)
    return max(s * (1 - s), 0.0)


@kernel(0, over="numbers", sums=2)
def lithium_room(n, shapes, c, history, active, low, high, weight, parts):
    free, have = np.float64(0.0), np.float64(0.0)
    for i in range(cuda.grid(1), c.shape[0], cuda.gridsize(1)):
        if active[i] > 0:
            free += room(c[i], low, high)
            have += c[i] - history[i] / weight
    keep_two(free, have, parts)


@kernel(0, over="numbers")
def shift_lithium(n, shapes, c, active, low, high, shift):
    for i in range(cuda.grid(1), c.shape[0], cuda.gridsize(1)):
        if active[i] > 0:
            c[i] += shift * room(c[i], low, high)
