"""Restriction, prolongation and coarse operators on a card.

Kernels of :mod:`analysis.electrochemistry.transport.grid_transfer`. A thread gathers what
belongs to its coarse cell, so that no two write to one place.
"""

import numpy as np
from numba import cuda

from analysis.electrochemistry.transport.cuda.launch import compiled, kernel, unsigned
from analysis.electrochemistry.transport.cuda.stencil import product

ZERO = np.float32(0.0)


@compiled
def first_of(place, fold):
    """First fine row or column of a coarse one, both counted from 1."""
    return 2 * place - 1 if fold else place


@compiled
def past_of(place, fold, padded):
    """Row or column behind the last fine one of a coarse one, of ``padded - 2`` in all."""
    return min(2 * place + 1, padded - 1) if fold else place + 1


@kernel(6, 0)
def residual_restricted(n, shapes, x, b, faces, e, with_e, aggregates, coarse):
    first, _, fold_y, fold_x = aggregates
    _, rows, columns = shapes[1]
    row, plane = unsigned(columns), unsigned(rows * columns)
    _, coarse_rows, coarse_columns = shapes[0]
    i0, j0, k0 = cuda.grid(3)
    di, dj, dk = cuda.gridsize(3)
    for kc in range(k0, n, dk):
        for jc in range(j0 + 1, coarse_rows - 1, dj):
            for ic in range(i0 + 1, coarse_columns - 1, di):
                total = ZERO
                for k in range(first[kc] + 1, first[kc + 1] + 1):
                    for j in range(first_of(jc, fold_y), past_of(jc, fold_y, rows)):
                        for i in range(first_of(ic, fold_x), past_of(ic, fold_x, columns)):
                            here = unsigned((k * rows + j) * columns + i)
                            total += b[here] - product(x, faces, e, with_e, here, row, plane)
                there = unsigned(((kc + 1) * coarse_rows + jc) * coarse_columns + ic)
                coarse[there] = total


@kernel(2, 0)
def prolong(n, shapes, coarse, aggregates, x):
    _, parent, fold_y, fold_x = aggregates
    _, coarse_rows, coarse_columns = shapes[1]
    _, rows, columns = shapes[0]
    i0, j0, k0 = cuda.grid(3)
    di, dj, dk = cuda.gridsize(3)
    for k in range(k0 + 1, n + 1, dk):
        for j in range(j0 + 1, rows - 1, dj):
            for i in range(i0 + 1, columns - 1, di):
                jc = (j + 1) // 2 if fold_y else j
                ic = (i + 1) // 2 if fold_x else i
                there = unsigned(((parent[k - 1] + 1) * coarse_rows + jc) * coarse_columns + ic)
                x[unsigned((k * rows + j) * columns + i)] += coarse[there]


@compiled
def sum_of_bottom(cz, shape, k, aggregates, jc, ic):
    """Sum of the z faces of one plane that belong to a coarse face."""
    _, _, fold_y, fold_x = aggregates
    _, rows, columns = shape
    total = ZERO
    for j in range(first_of(jc, fold_y), past_of(jc, fold_y, rows)):
        for i in range(first_of(ic, fold_x), past_of(ic, fold_x, columns)):
            total += cz[unsigned((k * rows + j) * columns + i)]
    return total


@kernel(3, 0)
def coarsen_faces(n, shapes, faces, aggregates, ratios, coarse):
    cz, cy, cx = faces
    first, _, fold_y, fold_x = aggregates
    fz, fy, fx = ratios
    qz, qy, qx = coarse
    slices, rows, columns = shapes[1]
    _, coarse_rows, coarse_columns = shapes[0]
    i0, j0, k0 = cuda.grid(3)
    di, dj, dk = cuda.gridsize(3)
    for kc in range(k0, n, dk):
        for jc in range(j0 + 1, coarse_rows - 1, dj):
            for ic in range(i0 + 1, coarse_columns - 1, di):
                there = unsigned(((kc + 1) * coarse_rows + jc) * coarse_columns + ic)
                bottom = sum_of_bottom(cz, shapes[1], first[kc] + 1, aggregates, jc, ic)
                qz[there] = fz[kc] * bottom
                if kc == n - 1:
                    last = sum_of_bottom(cz, shapes[1], slices - 1, aggregates, jc, ic)
                    qz[there + unsigned(coarse_rows * coarse_columns)] = fz[n] * last
                along_y, along_x = ZERO, ZERO
                top, left = first_of(jc, fold_y), first_of(ic, fold_x)
                for k in range(first[kc] + 1, first[kc + 1] + 1):
                    if jc > 1:
                        for i in range(left, past_of(ic, fold_x, columns)):
                            along_y += cy[unsigned((k * rows + top) * columns + i)]
                    if ic > 1:
                        for j in range(top, past_of(jc, fold_y, rows)):
                            along_x += cx[unsigned((k * rows + j) * columns + left)]
                qy[there] = along_y * fy[jc]
                qx[there] = along_x * fx[ic]


@kernel(2, 0)
def coarsen_cells(n, shapes, e, aggregates, q):
    first, _, fold_y, fold_x = aggregates
    _, rows, columns = shapes[1]
    _, coarse_rows, coarse_columns = shapes[0]
    i0, j0, k0 = cuda.grid(3)
    di, dj, dk = cuda.gridsize(3)
    for kc in range(k0, n, dk):
        for jc in range(j0 + 1, coarse_rows - 1, dj):
            for ic in range(i0 + 1, coarse_columns - 1, di):
                total = ZERO
                for k in range(first[kc] + 1, first[kc + 1] + 1):
                    for j in range(first_of(jc, fold_y), past_of(jc, fold_y, rows)):
                        for i in range(first_of(ic, fold_x), past_of(ic, fold_x, columns)):
                            total += e[unsigned((k * rows + j) * columns + i)]
                there = unsigned(((kc + 1) * coarse_rows + jc) * coarse_columns + ic)
                q[there] = total
