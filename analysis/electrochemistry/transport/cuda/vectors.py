"""Sums and products of :mod:`analysis.electrochemistry.transport.vectors` on a card."""

import numpy as np
from numba import cuda

from analysis.electrochemistry.transport.cuda.launch import keep, kernel


@kernel(extent=0)
def clear(n, x):
    i0, j0, k0 = cuda.grid(3)
    di, dj, dk = cuda.gridsize(3)
    for k in range(k0 + 1, n + 1, dk):
        for j in range(j0 + 1, x.shape[1] - 1, dj):
            for i in range(i0 + 1, x.shape[2] - 1, di):
                x[k, j, i] = 0


@kernel(extent=0, kind="sum")
def dot(n, a, b, parts):
    i0, j0, k0 = cuda.grid(3)
    di, dj, dk = cuda.gridsize(3)
    total = np.float64(0.0)
    for k in range(k0 + 1, n + 1, dk):
        for j in range(j0 + 1, a.shape[1] - 1, dj):
            for i in range(i0 + 1, a.shape[2] - 1, di):
                total += a[k, j, i] * b[k, j, i]
    keep(total, parts)


@kernel(extent=0, kind="sum")
def dot_weighted(n, a, b, weight, parts):
    i0, j0, k0 = cuda.grid(3)
    di, dj, dk = cuda.gridsize(3)
    total = np.float64(0.0)
    for k in range(k0 + 1, n + 1, dk):
        for j in range(j0 + 1, a.shape[1] - 1, dj):
            for i in range(i0 + 1, a.shape[2] - 1, di):
                total += a[k, j, i] * b[k, j, i] * weight[k, j, i]
    keep(total, parts)


@kernel(extent=1, kind="sum")
def axpy_dot(n, alpha, x, y, parts):
    i0, j0, k0 = cuda.grid(3)
    di, dj, dk = cuda.gridsize(3)
    total = np.float64(0.0)
    for k in range(k0 + 1, n + 1, dk):
        for j in range(j0 + 1, x.shape[1] - 1, dj):
            for i in range(i0 + 1, x.shape[2] - 1, di):
                value = y[k, j, i] + alpha * x[k, j, i]
                y[k, j, i] = value
                total += value * value
    keep(total, parts)


@kernel(extent=1)
def aypx(n, beta, x, y):
    i0, j0, k0 = cuda.grid(3)
    di, dj, dk = cuda.gridsize(3)
    for k in range(k0 + 1, n + 1, dk):
        for j in range(j0 + 1, x.shape[1] - 1, dj):
            for i in range(i0 + 1, x.shape[2] - 1, di):
                y[k, j, i] = x[k, j, i] + beta * y[k, j, i]


@kernel(extent=1)
def update_solution(n, alpha, p, x):
    i0, j0, k0 = cuda.grid(3)
    di, dj, dk = cuda.gridsize(3)
    for k in range(k0 + 1, n + 1, dk):
        for j in range(j0 + 1, p.shape[1] - 1, dj):
            for i in range(i0 + 1, p.shape[2] - 1, di):
                x[k, j, i] += alpha * p[k, j, i]
