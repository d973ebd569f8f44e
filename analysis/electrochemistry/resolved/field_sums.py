"""Compiled kernels of the resolved cell: electrons in solids, and what changes its fields.

Where cells are voxels, one array `c` holds the salt concentration in electrolyte voxels and the
lithium concentration in AM voxels, which never meet; where cells have several voxels, there is one
array of each.
"""

import numpy as np

from analysis.electrochemistry.resolved.electrolyte_fluxes import R
from analysis.electrochemistry.resolved.grid import AM
from analysis.electrochemistry.transport.stencil import kernel


@kernel
def exponential(v):
    """
    exp(v), in loops of which the compiler makes vectors.

    A series for a 32nd of v, squared five times; to 1e-10 up to a magnitude of 18, to 1e-6 up
    to 40.
    """
    x = v * 0.03125
    p = 1 + x * (1 / 10) * (1 + x * (1 / 11))
    p = 1 + x * (1 / 9) * p
    p = 1 + x * (1 / 8) * p
    p = 1 + x * (1 / 7) * p
    p = 1 + x * (1 / 6) * p
    p = 1 + x * (1 / 5) * p
    p = 1 + x * (1 / 4) * p
    p = 1 + x * (1 / 3) * p
    p = 1 + x * (1 / 2) * p
    p = 1 + x * p
    p *= p
    p *= p
    p *= p
    p *= p
    return p * p


@kernel
def solid_conductivity(start, stop, c, kind, lookup, log_full, log_slope, sigma):
    """Electronic conductivity of each cell: ``lookup[kind]``, in AM log-linear in c."""
    ny, nx = c.shape[1] - 2, c.shape[2] - 2
    for k in range(start + 1, stop + 1):
        for j in range(1, ny + 1):
            row, codes, out = c[k, j], kind[k, j], sigma[k, j]
            for i in range(1, nx + 1):
                out[i] = exponential(log_full + log_slope * row[i])
            for i in range(1, nx + 1):
                if codes[i] != AM:
                    out[i] = lookup[codes[i]]


@kernel
def limit(start, stop, top, x):
    """Clip to the interval from -top to top."""
    for k in range(start + 1, stop + 1):
        for j in range(1, x.shape[1] - 1):
            row = x[k, j]
            for i in range(1, x.shape[2] - 1):
                row[i] = min(max(row[i], -top), top)


@kernel
def largest_in_electrolyte(start, stop, x, c, cell):
    """Largest magnitude where there is salt; cells with less than 30 mol/m³ count for less."""
    top = 0.0
    for k in range(start + 1, stop + 1):
        for j in range(1, x.shape[1] - 1):
            row, cc, r = x[k, j], c[k, j], cell[k, j, R]
            for i in range(1, x.shape[2] - 1):
                if not np.isinf(r[i]):
                    top = max(top, abs(row[i]) * cc[i] / (cc[i] + 30.0))
    return top


@kernel
def largest(start, stop, x):
    """Largest magnitude."""
    top = np.float32(0)
    for k in range(start + 1, stop + 1):
        for j in range(1, x.shape[1] - 1):
            row = x[k, j]
            for i in range(1, x.shape[2] - 1):
                top = max(top, abs(row[i]))
    return top


@kernel
def add_potential(start, stop, scale, d, x):
    """Write ``x += scale d``."""
    for k in range(start + 1, stop + 1):
        for j in range(1, d.shape[1] - 1):
            u, v = d[k, j], x[k, j]
            for i in range(1, d.shape[2] - 1):
                v[i] += scale * u[i]


@kernel
def shift(start, stop, by, x):
    """Add a constant to all cells."""
    for k in range(start + 1, stop + 1):
        for j in range(1, x.shape[1] - 1):
            row = x[k, j]
            for i in range(1, x.shape[2] - 1):
                row[i] += by


@kernel
def add_salt(start, stop, unit, v, cell, c):
    """Change concentrations by ``unit v``, at most 80 % down; return the largest change."""
    top = 0.0
    for k in range(start + 1, stop + 1):
        for j in range(1, c.shape[1] - 1):
            w, r, now = v[k, j], cell[k, j, R], c[k, j]
            for i in range(1, c.shape[2] - 1):
                if np.isinf(r[i]):
                    continue
                change = max(unit * w[i], -0.8 * now[i])
                now[i] += change
                top = max(top, abs(change))
    return top


@kernel
def weighted_sum(start, stop, weight, x):
    """Sum of products with a float64 field."""
    total = 0.0
    for k in range(start + 1, stop + 1):
        for j in range(1, x.shape[1] - 1):
            u, v = weight[k, j], x[k, j]
            for i in range(1, x.shape[2] - 1):
                total += u[i] * v[i]
    return total


@kernel
def total(start, stop, x):
    """Sum, in float64 between rows."""
    whole = 0.0
    for k in range(start + 1, stop + 1):
        for j in range(1, x.shape[1] - 1):
            u = x[k, j]
            row = np.float32(0)
            for i in range(1, x.shape[2] - 1):
                row += u[i]
            whole += row
    return whole


@kernel
def scale_salt(start, stop, factor, storage, x):
    """Multiply a field in the electrolyte."""
    for k in range(start + 1, stop + 1):
        for j in range(1, x.shape[1] - 1):
            m, o = storage[k, j], x[k, j]
            for i in range(1, x.shape[2] - 1):
                if m[i] > 0:
                    o[i] *= factor
