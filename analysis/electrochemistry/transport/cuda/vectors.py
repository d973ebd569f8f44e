"""Sums and products of :mod:`analysis.electrochemistry.transport.vectors` on a card.

They run over whole arrays: the rims are zero, add nothing to a sum, and stay zero.
"""

import numpy as np
from numba import cuda

from analysis.electrochemistry.transport.cuda.launch import keep, kernel


@kernel(0, over="numbers")
def clear(n, shapes, x):
    for i in range(cuda.grid(1), x.shape[0], cuda.gridsize(1)):
        x[i] = 0


@kernel(0, over="numbers", sums=True)
def dot(n, shapes, a, b, parts):
    total = np.float64(0.0)
    for i in range(cuda.grid(1), a.shape[0], cuda.gridsize(1)):
        total += a[i] * b[i]
    keep(total, parts)


@kernel(0, over="numbers", sums=True)
def dot_weighted(n, shapes, a, b, weight, parts):
    total = np.float64(0.0)
    for i in range(cuda.grid(1), a.shape[0], cuda.gridsize(1)):
        total += a[i] * b[i] * weight[i]
    keep(total, parts)


@kernel(1, over="numbers", sums=True)
def axpy_dot(n, shapes, alpha, x, y, parts):
    total = np.float64(0.0)
    for i in range(cuda.grid(1), x.shape[0], cuda.gridsize(1)):
        value = y[i] + alpha * x[i]
        y[i] = value
        total += value * value
    keep(total, parts)


@kernel(1, over="numbers")
def aypx(n, shapes, beta, x, y):
    for i in range(cuda.grid(1), x.shape[0], cuda.gridsize(1)):
        y[i] = x[i] + beta * y[i]


@kernel(1, over="numbers")
def update_solution(n, shapes, alpha, p, x):
    for i in range(cuda.grid(1), p.shape[0], cuda.gridsize(1)):
        x[i] += alpha * p[i]
