"""Charge and salt of :mod:`analysis.electrochemistry.resolved.electrolyte_fluxes` on a card.

A thread adds up the six faces of its cell; the two cells of a face compute it alike, so that sums
over all cells telescope.
"""

import math

import numpy as np
from numba import cuda

from analysis.electrochemistry.resolved import electrolyte_fluxes
from analysis.electrochemistry.resolved.electrolyte_fluxes import (
    DIFF,
    FARADAY,
    KAPPA,
    PROPERTIES,
    TRANS,
    R,
)
from analysis.electrochemistry.transport.cuda.launch import ONE_ON, compiled, kernel, unsigned

ZERO, HALF, ONE = np.float32(0), np.float32(0.5), np.float32(1)
DOUBLE = np.float64(1)

salt_face = compiled(electrolyte_fluxes._salt_face.py_func)
fluxes = compiled(electrolyte_fluxes._fluxes.py_func)


@compiled
def first_property(k, j, i, rows, columns):
    """Place of the first property of a cell; the next lies `columns` further."""
    return unsigned((k * rows + j) * PROPERTIES * columns + i)


@compiled
def places(columns):
    """How far conductivity, diffusivity and transference number lie from the first property."""
    return unsigned(KAPPA * columns), unsigned(DIFF * columns), unsigned(TRANS * columns)


@kernel(0, 1)
def properties(n, shapes, c, table, inverse_step, cell):
    _, rows, columns = shapes[0]
    top = shapes[1][0] - 2
    i0, j0, k0 = cuda.grid(3)
    di, dj, dk = cuda.gridsize(3)
    next_one = unsigned(columns)
    for k in range(k0 + 1, n + 1, dk):
        for j in range(j0 + 1, rows - 1, dj):
            for i in range(i0 + 1, columns - 1, di):
                place = first_property(k, j, i, rows, columns)
                if math.isinf(cell[place + unsigned(R * columns)]):
                    continue
                value = max(c[unsigned((k * rows + j) * columns + i)], 0.0) * inverse_step
                m = min(int(value), top)
                part = value - m
                for q in range(3):
                    low = table[unsigned(3 * m + q)]
                    slope = table[unsigned(3 * m + 3 + q)] - low
                    cell[place] = low + slope * part
                    cell[place + unsigned(3 * columns)] = slope * inverse_step
                    place += next_one


@compiled
def write_faces(cell, p, q, g, unit, columns, here, charge, salt):
    """Coefficients of one face between the cells with properties at p and q."""
    kappa, diff, trans = places(columns)
    charge[here] = g * (cell[p + kappa] + cell[q + kappa]) * HALF
    salt[here] = salt_face(
        g, unit, cell[p + diff], cell[q + diff], cell[p + trans], cell[q + trans]
    )


@kernel(5)
def faces(n, shapes, cells, unit, weight, charge, salt, e):
    cell, heights, storage = cells
    _, rows, columns = shapes[0]
    i0, j0, k0 = cuda.grid(3)
    di, dj, dk = cuda.gridsize(3)
    resists, trans = unsigned(R * columns), unsigned(TRANS * columns)
    row, plane = unsigned(PROPERTIES * columns), unsigned(PROPERTIES * rows * columns)
    for k in range(k0 + 1, n + 1, dk):
        h0, h1 = heights[k - 1], heights[k]
        for j in range(j0 + 1, rows - 1, dj):
            for i in range(i0 + 1, columns - 1, di):
                here = unsigned((k * rows + j) * columns + i)
                p = first_property(k, j, i, rows, columns)
                r = cell[p + resists]
                g = ONE / (h1 * r + h0 * cell[p - plane + resists])
                write_faces(cell, p, p - plane, g, unit, columns, here, charge[0], salt[0])
                g = h1 / (r + cell[p - row + resists])
                write_faces(cell, p, p - row, g, unit, columns, here, charge[1], salt[1])
                g = h1 / (r + cell[p - ONE_ON + resists])
                write_faces(cell, p, p - ONE_ON, g, unit, columns, here, charge[2], salt[2])
                e[here] = weight * unit * storage[here] / (ONE - cell[p + trans])


@compiled
def fluxes_between(cell, p, q, columns, g, du, dv):
    """Both fluxes out of the cell with properties at p into that at q, see ``_fluxes``."""
    kappa, diff, trans = places(columns)
    return fluxes(
        g,
        cell[p + kappa],
        cell[q + kappa],
        cell[p + diff],
        cell[q + diff],
        cell[p + trans],
        cell[q + trans],
        du,
        dv,
    )


@compiled
def along(axis, rows, columns):
    """How far the next cell along an axis lies, in a field and in the properties."""
    if axis == 0:
        return unsigned(rows * columns), unsigned(PROPERTIES * rows * columns)
    if axis == 1:
        return unsigned(columns), unsigned(PROPERTIES * columns)
    return ONE_ON, ONE_ON


@compiled
def conductance(axis, r, height, other, height_there):
    """Geometric factor of a face between two cells, from the resistances of their halves."""
    if axis == 0:
        return ONE / (height * r + height_there * other)
    return height / (r + other)


@kernel(1)
def residual(n, shapes, fields, history, cells, weight, balances):
    psi, c = fields
    cell, heights, storage = cells
    charge, salt = balances
    _, rows, columns = shapes[0]
    i0, j0, k0 = cuda.grid(3)
    di, dj, dk = cuda.gridsize(3)
    resists, trans = unsigned(R * columns), unsigned(TRANS * columns)
    for k in range(k0 + 1, n + 1, dk):
        for j in range(j0 + 1, rows - 1, dj):
            for i in range(i0 + 1, columns - 1, di):
                here = unsigned((k * rows + j) * columns + i)
                p = first_property(k, j, i, rows, columns)
                r, u, v = cell[p + resists], psi[here], c[here]
                s, f = np.float64(0.0), np.float64(0.0)
                for axis in range(3):  # a loop: unrolled, it would take twice the registers
                    step, leap = along(axis, rows, columns)
                    q, there = p - leap, here - step
                    g = conductance(axis, r, heights[k], cell[q + resists], heights[k - 1])
                    a, b = fluxes_between(cell, p, q, columns, g, u - psi[there], v - c[there])
                    s += a
                    f += b
                    q, there = p + leap, here + step
                    g = conductance(axis, r, heights[k], cell[q + resists], heights[k + 1])
                    a, b = fluxes_between(cell, p, q, columns, g, u - psi[there], v - c[there])
                    s += a
                    f += b
                f += storage[here] * (weight * v - history[here])
                charge[here] = -s
                salt[here] = -f / (DOUBLE - cell[p + trans])


@compiled
def change_between(cell, p, q, columns, g, fields, x, there, here, unit):
    """
    Derivatives of the fluxes of a face, from the cell `there` (properties at p) into `here` (q).

    That of charge, and those of salt out of the one and out of the other, see ``_flux_change``.
    """
    psi, c = fields
    charge, salt = x
    kappa, diff, trans = places(columns)
    slope = unsigned(3 * columns)
    du = np.float32(psi[there] - psi[here])
    dv = np.float32(c[there] - c[here])
    d1 = charge[there] - charge[here]
    c0, c1 = salt[there] * unit, salt[here] * unit
    mean = HALF * (cell[p + kappa] + cell[q + kappa])
    change = g * (
        mean * d1 + HALF * (cell[p + kappa + slope] * c0 + cell[q + kappa + slope] * c1) * du
    )
    flux = HALF * (cell[p + diff] + cell[q + diff]) * (c0 - c1)
    flux += HALF * (cell[p + diff + slope] * c0 + cell[q + diff + slope] * c1) * dv
    turn = HALF * (cell[p + trans + slope] * c0 + cell[q + trans + slope] * c1) * (mean * du)
    flux = g * (FARADAY * flux + turn)
    cross = HALF * (cell[q + trans] - cell[p + trans]) * change
    return change, cross + flux, cross - flux


@kernel(4)
def jacobian(n, shapes, fields, cells, unit, weight, x, y):
    cell, heights, storage = cells
    charge, salt = y
    _, rows, columns = shapes[0]
    i0, j0, k0 = cuda.grid(3)
    di, dj, dk = cuda.gridsize(3)
    resists, trans = unsigned(R * columns), unsigned(TRANS * columns)
    for k in range(k0 + 1, n + 1, dk):
        for j in range(j0 + 1, rows - 1, dj):
            for i in range(i0 + 1, columns - 1, di):
                here = unsigned((k * rows + j) * columns + i)
                p = first_property(k, j, i, rows, columns)
                r = cell[p + resists]
                s, f = ZERO, ZERO
                for axis in range(3):
                    step, leap = along(axis, rows, columns)
                    q = p - leap
                    g = conductance(axis, r, heights[k], cell[q + resists], heights[k - 1])
                    a, _, b = change_between(
                        cell, q, p, columns, g, fields, x, here - step, here, unit
                    )
                    s -= a
                    f += b
                    q = p + leap
                    g = conductance(axis, r, heights[k], cell[q + resists], heights[k + 1])
                    a, b, _ = change_between(
                        cell, p, q, columns, g, fields, x, here, here + step, unit
                    )
                    s += a
                    f += b
                charge[here] = s
                f += storage[here] * weight * (x[1][here] * unit)
                salt[here] = f / (ONE - cell[p + trans])
