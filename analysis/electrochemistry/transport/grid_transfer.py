"""Compiled kernels between a grid and the next coarser one: restriction, prolongation, operators.

Loops run over the slices of the coarse grid where they write to it, of the fine grid elsewhere.
"""

from typing import NamedTuple

import numpy as np

from analysis.electrochemistry.transport.stencil import kernel


class Aggregates(NamedTuple):
    """
    Which cells of a grid belong to one cell of the next.

    Attributes
    ----------
    first : (Zc + 1,) ndarray
        ``first[K] <= k < first[K + 1]`` are the fine slices, counted from 0, of a coarse slice.
    parent : (Z,) ndarray
        Coarse slice of each fine slice.
    fold_y, fold_x : bool
        Whether pairs of rows and of columns belong together.
    """

    first: np.ndarray
    parent: np.ndarray
    fold_y: bool
    fold_x: bool


@kernel
def residual_restricted(start, stop, x, b, faces, e, with_e, aggregates, coarse):
    """
    Sum ``b - A x`` over the aggregates of the coarse slices ``start <= K < stop``.

    `faces`, `e` and `with_e` are those of the operator A on the fine grid.
    """
    cz, cy, cx = faces
    first, _, fold_y, fold_x = aggregates
    nx = x.shape[2] - 2
    ny = x.shape[1] - 2
    buffer = np.empty(nx + 3, np.float32)
    for kc in range(start, stop):
        coarse[kc + 1] = 0
        for k in range(first[kc] + 1, first[kc + 1] + 1):
            for j in range(1, ny + 1):
                p = x[k, j]
                lo, hi, so, no = x[k - 1, j], x[k + 1, j], x[k, j - 1], x[k, j + 1]
                z0, z1 = cz[k, j], cz[k + 1, j]
                y0, y1 = cy[k, j], cy[k, j + 1]
                xx = cx[k, j]
                bb = b[k, j]
                for i in range(1, nx + 1):
                    buffer[i] = bb[i] - (
                        z0[i] * (p[i] - lo[i])
                        + z1[i] * (p[i] - hi[i])
                        + y0[i] * (p[i] - so[i])
                        + y1[i] * (p[i] - no[i])
                        + xx[i] * (p[i] - p[i - 1])
                        + xx[i + 1] * (p[i] - p[i + 1])
                    )
                if with_e:
                    ee = e[k, j]
                    for i in range(1, nx + 1):
                        buffer[i] -= ee[i] * p[i]
                jc = (j + 1) // 2 if fold_y else j
                out = coarse[kc + 1, jc]
                if fold_x:
                    buffer[nx + 1] = 0
                    for ic in range(1, (nx + 1) // 2 + 1):
                        out[ic] += buffer[2 * ic - 1] + buffer[2 * ic]
                else:
                    for i in range(1, nx + 1):
                        out[i] += buffer[i]


@kernel
def prolong(start, stop, coarse, aggregates, x):
    """Add the value of its aggregate to every cell."""
    _, parent, fold_y, fold_x = aggregates
    nx = x.shape[2] - 2
    ny = x.shape[1] - 2
    for k in range(start + 1, stop + 1):
        for j in range(1, ny + 1):
            jc = (j + 1) // 2 if fold_y else j
            source = coarse[parent[k - 1] + 1, jc]
            out = x[k, j]
            if fold_x:
                for ic in range(1, nx // 2 + 1):
                    value = source[ic]
                    out[2 * ic - 1] += value
                    out[2 * ic] += value
                if nx % 2:
                    out[nx] += source[nx // 2 + 1]
            else:
                for i in range(1, nx + 1):
                    out[i] += source[i]


@kernel
def coarsen_faces(start, stop, faces, aggregates, ratios, coarse):
    """
    Face conductances of the coarse slices ``start <= K < stop``.

    Faces between two aggregates are summed and multiplied by the `ratios` of the fine to the
    coarse distance between centers. Lateral boundaries carry no flux.
    """
    cz, cy, cx = faces
    first, _, fold_y, fold_x = aggregates
    fz, fy, fx = ratios
    qz, qy, qx = coarse
    nz, ny, nx = cz.shape[0] - 2, cz.shape[1] - 2, cz.shape[2] - 2
    nc = qz.shape[0] - 2
    for kc in range(start, stop):
        qz[kc + 1] = 0
        qy[kc + 1] = 0
        qx[kc + 1] = 0
        _sum_bottoms(cz[first[kc] + 1], fold_y, fold_x, fz[kc], qz[kc + 1])
        if kc == nc - 1:
            qz[nc + 1] = 0
            _sum_bottoms(cz[nz + 1], fold_y, fold_x, fz[nc], qz[nc + 1])
        for k in range(first[kc] + 1, first[kc + 1] + 1):
            for j in range(1, ny + 1):
                jc = (j + 1) // 2 if fold_y else j
                if j > 1 and (j % 2 == 1 or not fold_y):
                    for i in range(1, nx + 1):
                        ic = (i + 1) // 2 if fold_x else i
                        qy[kc + 1, jc, ic] += cy[k, j, i] * fy[jc]
                if fold_x:
                    for ic in range(2, (nx + 1) // 2 + 1):
                        qx[kc + 1, jc, ic] += cx[k, j, 2 * ic - 1] * fx[ic]
                else:
                    for i in range(2, nx + 1):
                        qx[kc + 1, jc, i] += cx[k, j, i] * fx[i]


@kernel
def _sum_bottoms(faces, fold_y, fold_x, factor, out):
    for j in range(1, faces.shape[0] - 1):
        jc = (j + 1) // 2 if fold_y else j
        for i in range(1, faces.shape[1] - 1):
            out[jc, (i + 1) // 2 if fold_x else i] += faces[j, i] * factor


@kernel
def coarsen_cells(start, stop, e, aggregates, q):
    """Sum a quantity of cells (storage, exchange) over the aggregates of coarse slices."""
    first, _, fold_y, fold_x = aggregates
    ny, nx = e.shape[1] - 2, e.shape[2] - 2
    for kc in range(start, stop):
        q[kc + 1] = 0
        for k in range(first[kc] + 1, first[kc + 1] + 1):
            for j in range(1, ny + 1):
                jc = (j + 1) // 2 if fold_y else j
                row = e[k, j]
                out = q[kc + 1, jc]
                for i in range(1, nx + 1):
                    out[(i + 1) // 2 if fold_x else i] += row[i]
