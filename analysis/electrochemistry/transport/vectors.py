"""Compiled sums and products of padded fields, for Krylov methods.

Sums run in float64 between rows and in float32 along them.
"""

import numpy as np

from analysis.electrochemistry.transport.stencil import kernel


@kernel
def clear(start, stop, x):
    """Write zeros."""
    for k in range(start + 1, stop + 1):
        for j in range(1, x.shape[1] - 1):
            row = x[k, j]
            for i in range(1, x.shape[2] - 1):
                row[i] = 0


@kernel
def dot(start, stop, a, b):
    """Sum of products, in float64 between rows."""
    total = 0.0
    for k in range(start + 1, stop + 1):
        for j in range(1, a.shape[1] - 1):
            u, v = a[k, j], b[k, j]
            row = np.float32(0.0)
            for i in range(1, a.shape[2] - 1):
                row += u[i] * v[i]
            total += row
    return total


@kernel
def dot_weighted(start, stop, a, b, weight):
    """Sum of ``a b weight``, in float64 between rows."""
    total = 0.0
    for k in range(start + 1, stop + 1):
        for j in range(1, a.shape[1] - 1):
            u, v, w = a[k, j], b[k, j], weight[k, j]
            row = np.float32(0.0)
            for i in range(1, a.shape[2] - 1):
                row += u[i] * v[i] * w[i]
            total += row
    return total


@kernel
def axpy_dot(start, stop, alpha, x, y):
    """Write ``y += alpha x``; return ``y . y``."""
    total = 0.0
    for k in range(start + 1, stop + 1):
        for j in range(1, x.shape[1] - 1):
            u, v = x[k, j], y[k, j]
            row = np.float32(0.0)
            for i in range(1, x.shape[2] - 1):
                w = v[i] + alpha * u[i]
                v[i] = w
                row += w * w
            total += row
    return total


@kernel
def aypx(start, stop, beta, x, y):
    """Write ``y = x + beta y``."""
    for k in range(start + 1, stop + 1):
        for j in range(1, x.shape[1] - 1):
            u, v = x[k, j], y[k, j]
            for i in range(1, x.shape[2] - 1):
                v[i] = u[i] + beta * v[i]


@kernel
def update_solution(start, stop, alpha, p, x):
    """Write ``x += alpha p``; the solution may be float64 where the direction is float32."""
    for k in range(start + 1, stop + 1):
        for j in range(1, p.shape[1] - 1):
            u, v = p[k, j], x[k, j]
            for i in range(1, p.shape[2] - 1):
                v[i] += alpha * u[i]
