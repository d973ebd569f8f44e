"""Restriction, prolongation and coarse operators on a card.

Kernels of :mod:`analysis.electrochemistry.transport.grid_transfer`. A thread gathers what
belongs to its coarse cell, so that no two write to one place.
"""

import numpy as np
from numba import cuda

from analysis.electrochemistry.transport.cuda.launch import compiled, kernel
from analysis.electrochemistry.transport.cuda.stencil import product

ZERO = np.float32(0.0)


@compiled
def first_of(place, fold):
    """First fine row or column of a coarse one, both counted from 1."""
    return 2 * place - 1 if fold else place


@compiled
def past_of(place, fold, fine):
    """Row or column behind the last fine one of a coarse one, of `fine` in all."""
    return min(2 * place, fine) + 1 if fold else place + 1


@kernel(extent=6)
def residual_restricted(n, x, b, faces, e, with_e, aggregates, coarse):
    first, _, fold_y, fold_x = aggregates
    ny, nx = x.shape[1] - 2, x.shape[2] - 2
    i0, j0, k0 = cuda.grid(3)
    di, dj, dk = cuda.gridsize(3)
    for kc in range(k0, n, dk):
        for jc in range(j0 + 1, coarse.shape[1] - 1, dj):
            for ic in range(i0 + 1, coarse.shape[2] - 1, di):
                total = ZERO
                for k in range(first[kc] + 1, first[kc + 1] + 1):
                    for j in range(first_of(jc, fold_y), past_of(jc, fold_y, ny)):
                        for i in range(first_of(ic, fold_x), past_of(ic, fold_x, nx)):
                            total += b[k, j, i] - product(x, faces, e, with_e, k, j, i)
                coarse[kc + 1, jc, ic] = total


@kernel(extent=2)
def prolong(n, coarse, aggregates, x):
    _, parent, fold_y, fold_x = aggregates
    i0, j0, k0 = cuda.grid(3)
    di, dj, dk = cuda.gridsize(3)
    for k in range(k0 + 1, n + 1, dk):
        for j in range(j0 + 1, x.shape[1] - 1, dj):
            for i in range(i0 + 1, x.shape[2] - 1, di):
                jc = (j + 1) // 2 if fold_y else j
                ic = (i + 1) // 2 if fold_x else i
                x[k, j, i] += coarse[parent[k - 1] + 1, jc, ic]


@compiled
def sum_of_bottom(cz, plane, aggregates, jc, ic):
    """Sum of the z faces of one plane that belong to a coarse face."""
    _, _, fold_y, fold_x = aggregates
    ny, nx = cz.shape[1] - 2, cz.shape[2] - 2
    total = ZERO
    for j in range(first_of(jc, fold_y), past_of(jc, fold_y, ny)):
        for i in range(first_of(ic, fold_x), past_of(ic, fold_x, nx)):
            total += cz[plane, j, i]
    return total


@kernel(extent=3)
def coarsen_faces(n, faces, aggregates, ratios, coarse):
    cz, cy, cx = faces
    first, _, fold_y, fold_x = aggregates
    fz, fy, fx = ratios
    qz, qy, qx = coarse
    nz, ny, nx = cz.shape[0] - 2, cz.shape[1] - 2, cz.shape[2] - 2
    nc = qz.shape[0] - 2
    i0, j0, k0 = cuda.grid(3)
    di, dj, dk = cuda.gridsize(3)
    for kc in range(k0, n, dk):
        for jc in range(j0 + 1, qz.shape[1] - 1, dj):
            for ic in range(i0 + 1, qz.shape[2] - 1, di):
                qz[kc + 1, jc, ic] = fz[kc] * sum_of_bottom(cz, first[kc] + 1, aggregates, jc, ic)
                if kc == nc - 1:
                    qz[nc + 1, jc, ic] = fz[nc] * sum_of_bottom(cz, nz + 1, aggregates, jc, ic)
                along_y, along_x = ZERO, ZERO
                top, left = first_of(jc, fold_y), first_of(ic, fold_x)
                for k in range(first[kc] + 1, first[kc + 1] + 1):
                    if jc > 1:
                        for i in range(left, past_of(ic, fold_x, nx)):
                            along_y += cy[k, top, i]
                    if ic > 1:
                        for j in range(top, past_of(jc, fold_y, ny)):
                            along_x += cx[k, j, left]
                qy[kc + 1, jc, ic] = along_y * fy[jc]
                qx[kc + 1, jc, ic] = along_x * fx[ic]


@kernel(extent=2)
def coarsen_cells(n, e, aggregates, q):
    first, _, fold_y, fold_x = aggregates
    ny, nx = e.shape[1] - 2, e.shape[2] - 2
    i0, j0, k0 = cuda.grid(3)
    di, dj, dk = cuda.gridsize(3)
    for kc in range(k0, n, dk):
        for jc in range(j0 + 1, q.shape[1] - 1, dj):
            for ic in range(i0 + 1, q.shape[2] - 1, di):
                total = ZERO
                for k in range(first[kc] + 1, first[kc + 1] + 1):
                    for j in range(first_of(jc, fold_y), past_of(jc, fold_y, ny)):
                        for i in range(first_of(ic, fold_x), past_of(ic, fold_x, nx)):
                            total += e[k, j, i]
                q[kc + 1, jc, ic] = total
