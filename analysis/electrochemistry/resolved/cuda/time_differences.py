"""Differences, predictions and sums of slices on a card.

Kernels of :mod:`analysis.electrochemistry.resolved.time_differences`.
"""

import numpy as np
from numba import cuda

from analysis.electrochemistry.resolved import time_differences
from analysis.electrochemistry.transport.cuda.launch import (
    compiled,
    keep,
    kernel,
    unsigned,
    write_first,
)

next_change = compiled(time_differences.next_change.py_func)


@kernel(1, over="numbers")
def combine(n, shapes, u, now, v, before, out):
    for i in range(cuda.grid(1), now.shape[0], cuda.gridsize(1)):
        out[i] = u * now[i] + v * before[i]


@kernel(1)
def predict(n, shapes, level, now, change, earlier, factors, out):
    _, rows, columns = shapes[0]
    i0, j0, k0 = cuda.grid(3)
    di, dj, dk = cuda.gridsize(3)
    for k in range(k0 + 1, n + 1, dk):
        for j in range(j0 + 1, rows - 1, dj):
            for i in range(i0 + 1, columns - 1, di):
                here = unsigned((k * rows + j) * columns + i)
                value = now[here] + next_change(change[here], earlier[here], factors)
                out[here] = level + value


@kernel(1)
def remember(n, shapes, level, field, old, change):
    _, rows, columns = shapes[0]
    i0, j0, k0 = cuda.grid(3)
    di, dj, dk = cuda.gridsize(3)
    for k in range(k0 + 1, n + 1, dk):
        for j in range(j0 + 1, rows - 1, dj):
            for i in range(i0 + 1, columns - 1, di):
                here = unsigned((k * rows + j) * columns + i)
                value = field[here] - level
                change[here] = value - old[here]
                old[here] = value


@kernel(1, over="numbers", sums=True)
def positive_history(n, shapes, u, now, v, change, storage, least, out, parts):
    added = np.float64(0.0)
    for i in range(cuda.grid(1), now.shape[0], cuda.gridsize(1)):
        value, bound = u * now[i] + v * change[i], least * now[i]
        if storage[i] > 0 and value < bound:
            added += storage[i] * (bound - value)
            value = bound
        out[i] = value
    keep(added, parts)


@kernel(0, over="numbers")
def difference(n, shapes, new, old, out):
    for i in range(cuda.grid(1), new.shape[0], cuda.gridsize(1)):
        out[i] = new[i] - old[i]


@kernel(0, over="numbers")
def extrapolate(n, shapes, now, change, earlier, factors, active, low, high, out):
    for i in range(cuda.grid(1), now.shape[0], cuda.gridsize(1)):
        step = next_change(change[i], earlier[i], factors)
        if active[i] > 0:
            step = min(max(step, 0.5 * (low - now[i])), 0.5 * (high - now[i]))
        else:
            step = max(step, -0.7 * now[i])
        out[i] = now[i] + step


@kernel(0, over="numbers")
def extrapolate_salt(n, shapes, now, change, earlier, factors, out):
    for i in range(cuda.grid(1), now.shape[0], cuda.gridsize(1)):
        step = max(next_change(change[i], earlier[i], factors), -0.7 * now[i])
        out[i] = now[i] + step


@kernel(0, over="slices")
def slice_sums(n, shapes, x, weight, out, norm):
    _, rows, columns = shapes[0]
    for k in range(cuda.blockIdx.x + 1, n + 1, cuda.gridDim.x):
        total, weights = np.float64(0.0), np.float64(0.0)
        for j in range(cuda.threadIdx.y + 1, rows - 1, cuda.blockDim.y):
            for i in range(cuda.threadIdx.x + 1, columns - 1, cuda.blockDim.x):
                here = unsigned((k * rows + j) * columns + i)
                total += weight[here] * x[here]
                weights += weight[here]
        write_first(total, out, k - 1)
        write_first(weights, norm, k - 1)
