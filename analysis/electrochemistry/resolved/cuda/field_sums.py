"""Kernels of :mod:`analysis.electrochemistry.resolved.field_sums` on a card."""

import math

import numpy as np
from numba import cuda

from analysis.electrochemistry.resolved.cuda.electrolyte_fluxes import first_property
from analysis.electrochemistry.resolved.electrolyte_fluxes import R
from analysis.electrochemistry.resolved.grid import AM
from analysis.electrochemistry.transport.cuda.launch import (
    keep,
    keep_peak,
    kernel,
    larger,
    unsigned,
)


@kernel(0)
def solid_conductivity(n, shapes, c, kind, lookup, log_full, log_slope, sigma):
    _, rows, columns = shapes[0]
    i0, j0, k0 = cuda.grid(3)
    di, dj, dk = cuda.gridsize(3)
    for k in range(k0 + 1, n + 1, dk):
        for j in range(j0 + 1, rows - 1, dj):
            for i in range(i0 + 1, columns - 1, di):
                here = unsigned((k * rows + j) * columns + i)
                code = kind[here]
                if code == AM:
                    sigma[here] = math.exp(log_full + log_slope * c[here])
                else:
                    sigma[here] = lookup[code]


@kernel(1, over="numbers")
def limit(n, shapes, top, x):
    for i in range(cuda.grid(1), x.shape[0], cuda.gridsize(1)):
        x[i] = min(max(x[i], -top), top)


@kernel(0, peak=True)
def largest_in_electrolyte(n, shapes, x, c, cell, parts):
    _, rows, columns = shapes[0]
    i0, j0, k0 = cuda.grid(3)
    di, dj, dk = cuda.gridsize(3)
    top = np.float64(0.0)
    for k in range(k0 + 1, n + 1, dk):
        for j in range(j0 + 1, rows - 1, dj):
            for i in range(i0 + 1, columns - 1, di):
                here = unsigned((k * rows + j) * columns + i)
                place = first_property(k, j, i, rows, columns) + unsigned(R * columns)
                if not math.isinf(cell[place]):
                    top = larger(top, abs(x[here]) * c[here] / (c[here] + 30.0))
    keep_peak(top, parts)


@kernel(0, over="numbers", peak=True)
def largest(n, shapes, x, parts):
    top = np.float64(0.0)
    for i in range(cuda.grid(1), x.shape[0], cuda.gridsize(1)):
        top = larger(top, np.float64(abs(x[i])))
    keep_peak(top, parts)


@kernel(1, over="numbers")
def add_potential(n, shapes, scale, d, x):
    for i in range(cuda.grid(1), d.shape[0], cuda.gridsize(1)):
        x[i] += scale * d[i]


@kernel(1)
def shift(n, shapes, by, x):
    _, rows, columns = shapes[0]
    i0, j0, k0 = cuda.grid(3)
    di, dj, dk = cuda.gridsize(3)
    for k in range(k0 + 1, n + 1, dk):
        for j in range(j0 + 1, rows - 1, dj):
            for i in range(i0 + 1, columns - 1, di):
                x[unsigned((k * rows + j) * columns + i)] += by


@kernel(3, peak=True)
def add_salt(n, shapes, unit, v, cell, c, parts):
    _, rows, columns = shapes[0]
    i0, j0, k0 = cuda.grid(3)
    di, dj, dk = cuda.gridsize(3)
    top = np.float64(0.0)
    for k in range(k0 + 1, n + 1, dk):
        for j in range(j0 + 1, rows - 1, dj):
            for i in range(i0 + 1, columns - 1, di):
                here = unsigned((k * rows + j) * columns + i)
                place = first_property(k, j, i, rows, columns) + unsigned(R * columns)
                if math.isinf(cell[place]):
                    continue
                now = c[here]
                change = max(unit * v[here], -0.8 * now)
                c[here] = now + change
                top = larger(top, abs(change))
    keep_peak(top, parts)


@kernel(0, over="numbers", sums=True)
def weighted_sum(n, shapes, weight, x, parts):
    total = np.float64(0.0)
    for i in range(cuda.grid(1), x.shape[0], cuda.gridsize(1)):
        total += weight[i] * x[i]
    keep(total, parts)


@kernel(0, over="numbers", sums=True)
def total(n, shapes, x, parts):
    whole = np.float64(0.0)
    for i in range(cuda.grid(1), x.shape[0], cuda.gridsize(1)):
        whole += x[i]
    keep(whole, parts)


@kernel(2, over="numbers")
def scale_salt(n, shapes, factor, storage, x):
    for i in range(cuda.grid(1), x.shape[0], cuda.gridsize(1)):
        if storage[i] > 0:
            x[i] *= factor
