"""Lithium in the AM on a card: :mod:`analysis.electrochemistry.resolved.solid_diffusion`."""

import numpy as np
from numba import cuda

from analysis.electrochemistry.transport.cuda.launch import (
    ONE_ON,
    compiled,
    keep,
    keep_peak,
    kernel,
    larger,
    over_entries,
    plan,
    unsigned,
    write_first,
)


@compiled
def outflow(x, am, here, row, plane):
    """Sum of the differences to the neighbors in the AM."""
    p = x[here]
    return (
        am[here - plane] * (p - x[here - plane])
        + am[here + plane] * (p - x[here + plane])
        + am[here - row] * (p - x[here - row])
        + am[here + row] * (p - x[here + row])
        + am[here - ONE_ON] * (p - x[here - ONE_ON])
        + am[here + ONE_ON] * (p - x[here + ONE_ON])
    )


@compiled
def diagonal(operator, here, row, plane):
    """Diagonal of the operator in an AM voxel."""
    am, mass, d, slope, share = operator
    neighbors = (
        am[here - plane]
        + am[here + plane]
        + am[here - row]
        + am[here + row]
        + am[here - ONE_ON]
        + am[here + ONE_ON]
    )
    return mass + d * neighbors + share * slope[here]


@kernel(0)
def residual(n, shapes, c, history, am, mass, weight, d, r):
    _, rows, columns = shapes[0]
    i0, j0, k0 = cuda.grid(3)
    di, dj, dk = cuda.gridsize(3)
    row, plane = unsigned(columns), unsigned(rows * columns)
    for k in range(k0 + 1, n + 1, dk):
        for j in range(j0 + 1, rows - 1, dj):
            for i in range(i0 + 1, columns - 1, di):
                here = unsigned((k * rows + j) * columns + i)
                s = outflow(c, am, here, row, plane)
                r[here] = -am[here] * (mass * (weight * c[here] - history[here]) + d * s)


@kernel(0, sums=True)
def apply(n, shapes, x, operator, y, parts):
    am, mass, d, slope, share = operator
    _, rows, columns = shapes[0]
    i0, j0, k0 = cuda.grid(3)
    di, dj, dk = cuda.gridsize(3)
    row, plane = unsigned(columns), unsigned(rows * columns)
    total = np.float64(0.0)
    for k in range(k0 + 1, n + 1, dk):
        for j in range(j0 + 1, rows - 1, dj):
            for i in range(i0 + 1, columns - 1, di):
                here = unsigned((k * rows + j) * columns + i)
                p = x[here]
                value = am[here] * (mass * p + d * outflow(x, am, here, row, plane))
                value += share * slope[here] * p
                y[here] = value
                total += value * p
    keep(total, parts)


@kernel(1, over="slices")
def advance(n, shapes, alpha, direction, fields, operator, sums):
    p, ap = direction
    x, r = fields
    am = operator[0]
    _, rows, columns = shapes[0]
    row, plane = unsigned(columns), unsigned(rows * columns)
    for k in range(cuda.blockIdx.x + 1, n + 1, cuda.gridDim.x):
        norm, product = np.float64(0.0), np.float64(0.0)
        for j in range(cuda.threadIdx.y + 1, rows - 1, cuda.blockDim.y):
            for i in range(cuda.threadIdx.x + 1, columns - 1, cuda.blockDim.x):
                here = unsigned((k * rows + j) * columns + i)
                x[here] += alpha * p[here]
                value = r[here] - alpha * ap[here]
                r[here] = value
                norm += value * value
                product += am[here] * value * value / diagonal(operator, here, row, plane)
        write_first(norm, sums, 2 * (k - 1))
        write_first(product, sums, 2 * (k - 1) + 1)


@kernel(1)
def turn(n, shapes, beta, r, operator, p):
    am = operator[0]
    _, rows, columns = shapes[0]
    i0, j0, k0 = cuda.grid(3)
    di, dj, dk = cuda.gridsize(3)
    row, plane = unsigned(columns), unsigned(rows * columns)
    for k in range(k0 + 1, n + 1, dk):
        for j in range(j0 + 1, rows - 1, dj):
            for i in range(i0 + 1, columns - 1, di):
                here = unsigned((k * rows + j) * columns + i)
                z = am[here] * r[here] / diagonal(operator, here, row, plane)
                p[here] = z + beta * p[here]


@plan
def subtract_currents(device, faces, current, inverse_f, r):
    args = (faces.voxel, faces.first, current, inverse_f, r)
    over_entries(_subtract_currents, faces.voxel.size, *args)


@cuda.jit
def _subtract_currents(voxel, first, current, inverse_f, r):
    for s in range(cuda.grid(1), voxel.shape[0], cuda.gridsize(1)):
        total = np.float64(0.0)
        for f in range(first[s], first[s + 1]):
            total += current[f]
        r[voxel[s]] -= total * inverse_f


@kernel(4, over="numbers", peak=True)
def add(n, shapes, d, am, low, high, c, parts):
    top = np.float64(0.0)
    for i in range(cuda.grid(1), c.shape[0], cuda.gridsize(1)):
        if am[i] == 0:
            continue
        change = min(max(d[i], 0.7 * (low - c[i])), 0.7 * (high - c[i]))
        c[i] += change
        top = larger(top, abs(change))
    keep_peak(top, parts)
