"""Electrons between cells of several voxels, on a card.

Kernels of :mod:`analysis.electrochemistry.resolved.cell_properties.electron_conductance`.
"""

import math

import numpy as np
from numba import cuda

from analysis.electrochemistry.resolved.cell_properties import electron_conductance
from analysis.electrochemistry.resolved.cell_properties.electron_conductance import (
    EXPONENT,
    INVERSE,
)
from analysis.electrochemistry.transport.cuda.launch import ONE_ON, compiled, kernel, unsigned

joint = compiled(electron_conductance._joint.py_func)


@kernel(6, 0)
def conductivity(n, shapes, c, active, n_above, n_along, log_full, log_slope, sigma):
    slices, fine_rows, fine_columns = shapes[1]
    _, rows, columns = shapes[0]
    i0, j0, k0 = cuda.grid(3)
    di, dj, dk = cuda.gridsize(3)
    for k in range(k0 + 1, n + 1, dk):
        above = n_along * (k - 1 - n_above)
        inside = above >= 0 and above + n_along <= slices - 2
        for j in range(j0 + 1, rows - 1, dj):
            for i in range(i0 + 1, columns - 1, di):
                total, count = np.float64(0.0), 0
                if inside:
                    for kk in range(above + 1, above + n_along + 1):
                        for jj in range(n_along * (j - 1) + 1, n_along * j + 1):
                            for ii in range(n_along * (i - 1) + 1, n_along * i + 1):
                                v = unsigned((kk * fine_rows + jj) * fine_columns + ii)
                                if active[v] > 0:
                                    total += math.exp(EXPONENT * (log_full + log_slope * c[v]))
                                    count += 1
                value = (total / count) ** INVERSE if count else 0.0
                sigma[unsigned((k * rows + j) * columns + i)] = value


@kernel(0)
def conductances(n, shapes, sigma, constant, active, faces):
    bz, by, bx = constant
    az, ay, ax = active
    cz, cy, cx = faces
    _, rows, columns = shapes[0]
    i0, j0, k0 = cuda.grid(3)
    di, dj, dk = cuda.gridsize(3)
    row, plane = unsigned(columns), unsigned(rows * columns)
    for k in range(k0 + 1, n + 1, dk):
        for j in range(j0 + 1, rows - 1, dj):
            for i in range(i0 + 1, columns - 1, di):
                here = unsigned((k * rows + j) * columns + i)
                s = sigma[here]
                cz[here] = bz[here] + az[here] * joint(s, sigma[here - plane])
                cy[here] = by[here] + ay[here] * joint(s, sigma[here - row])
                cx[here] = bx[here] + ax[here] * joint(s, sigma[here - ONE_ON])
