"""The exchange of current between solid and electrolyte on a card.

Kernels of :mod:`analysis.electrochemistry.resolved.linear_solver.exchange`. The two cells of a
face compute its current alike.
"""

import numpy as np
from numba import cuda

from analysis.electrochemistry.resolved.cuda.groups import grouped
from analysis.electrochemistry.transport.cuda.grid_transfer import first_of, past_of
from analysis.electrochemistry.transport.cuda.launch import (
    compiled,
    keep,
    kernel,
    over_entries,
    plan,
    unsigned,
)

ZERO, ONE = np.float32(0), np.float32(1)


@compiled
def current_at(f, electrolyte, solid, slopes, x):
    """Change of the current of a face in the direction x."""
    psi, phi, salt = x
    e = electrolyte[f]
    return slopes[0][f] * (phi[solid[f]] - psi[e]) - slopes[1][f] * salt[e]


def add_to_rows(device, faces, slopes, x, rows, parent=None, sign=1):
    """Add the currents, times `sign`, to the rows of psi and salt, and subtract them from phi's."""
    what = (faces.electrolyte, faces.solid, slopes, x)
    psi, phi, salt = rows
    groups = grouped(device, faces.electrolyte, parent)
    over_entries(_at_electrolyte, groups.count, groups, *what, np.float32(sign), psi, salt)
    groups = grouped(device, faces.solid, parent)
    over_entries(_at_solid, groups.count, groups, *what, np.float32(-sign), phi)


@cuda.jit
def _at_electrolyte(groups, electrolyte, solid, slopes, x, sign, psi, salt):
    cell, first, entry = groups
    for t in range(cuda.grid(1), cell.shape[0], cuda.gridsize(1)):
        c = cell[t]
        sum_psi, sum_salt = psi[c], salt[c]
        for n in range(first[t], first[t + 1]):
            i = sign * current_at(entry[n], electrolyte, solid, slopes, x)
            sum_psi += i
            sum_salt += i
        psi[c], salt[c] = sum_psi, sum_salt


@cuda.jit
def _at_solid(groups, electrolyte, solid, slopes, x, sign, phi):
    cell, first, entry = groups
    for t in range(cuda.grid(1), cell.shape[0], cuda.gridsize(1)):
        c = cell[t]
        total = phi[c]
        for n in range(first[t], first[t + 1]):
            total += sign * current_at(entry[n], electrolyte, solid, slopes, x)
        phi[c] = total


@plan
def exchange(device, faces, slopes, x, y):
    add_to_rows(device, faces, slopes, x, y, sign=-1)


@plan
def exchange_residual(device, faces, slopes, x, residuals):
    add_to_rows(device, faces, slopes, x, residuals)


@plan
def exchange_restricted(device, faces, slopes, x, parent, residuals):
    add_to_rows(device, faces, slopes, x, residuals, parent)


@plan
def weigh_rows(device, faces, slope_w, weight):
    groups = grouped(device, faces.solid)
    over_entries(_weigh_rows, groups.count, groups, slope_w, weight)


@cuda.jit
def _weigh_rows(groups, slope_w, weight):
    cell, first, entry = groups
    for t in range(cuda.grid(1), cell.shape[0], cuda.gridsize(1)):
        value = weight[cell[t]]
        for n in range(first[t], first[t + 1]):
            value /= ONE + value * slope_w[entry[n]]
        weight[cell[t]] = value


@kernel(0, over="numbers", sums=True)
def sum_of_inverses(n, shapes, x, parts):
    total = np.float64(0.0)
    for i in range(cuda.grid(1), x.shape[0], cuda.gridsize(1)):
        if x[i] > 0:
            total += ONE / x[i]
    keep(total, parts)


@kernel(4)
def diagonal_with_exchange(n, shapes, faces, e, with_e, g, dinv):
    cz, cy, cx = faces
    _, rows, columns = shapes[0]
    i0, j0, k0 = cuda.grid(3)
    di, dj, dk = cuda.gridsize(3)
    row, plane = unsigned(columns), unsigned(rows * columns)
    for k in range(k0 + 1, n + 1, dk):
        for j in range(j0 + 1, rows - 1, dj):
            for i in range(i0 + 1, columns - 1, di):
                here = unsigned((k * rows + j) * columns + i)
                d = cz[here] + cz[here + plane] + cy[here] + cy[here + row]
                d += cx[here] + cx[here + unsigned(1)]
                d += g[here]
                if with_e:
                    d += e[here]
                dinv[here] = ONE / d if d > 0 else ZERO


@compiled
def cell_current(slopes, x, here):
    """Exchange of a coarse cell."""
    psi, phi, salt = x
    return slopes[0][here] * (phi[here] - psi[here]) - slopes[1][here] * salt[here]


@kernel(0, over="numbers")
def cell_exchange(n, shapes, slopes, x, residuals):
    psi, phi, salt = residuals
    for i in range(cuda.grid(1), psi.shape[0], cuda.gridsize(1)):
        current = cell_current(slopes, x, i)
        psi[i] += current
        phi[i] -= current
        salt[i] += current


@kernel(3, 0)
def cell_exchange_restricted(n, shapes, slopes, x, aggregates, residuals):
    first, _, fold_y, fold_x = aggregates
    psi, phi, salt = residuals
    _, rows, columns = shapes[1]
    _, coarse_rows, coarse_columns = shapes[0]
    i0, j0, k0 = cuda.grid(3)
    di, dj, dk = cuda.gridsize(3)
    for kc in range(k0, n, dk):
        for jc in range(j0 + 1, coarse_rows - 1, dj):
            for ic in range(i0 + 1, coarse_columns - 1, di):
                total, past = ZERO, past_of(ic, fold_x, columns)
                for k in range(first[kc] + 1, first[kc + 1] + 1):
                    for j in range(first_of(jc, fold_y), past_of(jc, fold_y, rows)):
                        start = (k * rows + j) * columns
                        for i in range(first_of(ic, fold_x), past):
                            total += cell_current(slopes, x, unsigned(start + i))
                there = unsigned(((kc + 1) * coarse_rows + jc) * coarse_columns + ic)
                psi[there] += total
                phi[there] -= total
                salt[there] += total
