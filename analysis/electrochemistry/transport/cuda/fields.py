"""The functions on whole fields of :mod:`analysis.electrochemistry.transport.fields` on a card."""

import numpy as np
from numba import cuda

from analysis.electrochemistry.transport.cuda.launch import block_sum, keep, kernel


@kernel(extent=0)
def add(n, x, y):
    i0, j0, k0 = cuda.grid(3)
    di, dj, dk = cuda.gridsize(3)
    for k in range(k0 + 1, n + 1, dk):
        for j in range(j0 + 1, x.shape[1] - 1, dj):
            for i in range(i0 + 1, x.shape[2] - 1, di):
                y[k, j, i] += x[k, j, i]


@kernel(extent=0, kind="sum")
def energy(n, x, b, parts):
    i0, j0, k0 = cuda.grid(3)
    di, dj, dk = cuda.gridsize(3)
    total = np.float64(0.0)
    for k in range(k0 + 1, n + 1, dk):
        for j in range(j0 + 1, x.shape[1] - 1, dj):
            for i in range(i0 + 1, x.shape[2] - 1, di):
                total += x[k, j, i] * b[k, j, i]
    keep(total, parts)


@kernel(extent=1)
def dense_product(n, inverse, b, x):
    ny, nx = b.shape[1] - 2, b.shape[2] - 2
    i0, j0, k0 = cuda.grid(3)
    di, dj, dk = cuda.gridsize(3)
    for k in range(k0 + 1, n + 1, dk):
        for j in range(j0 + 1, b.shape[1] - 1, dj):
            for i in range(i0 + 1, b.shape[2] - 1, di):
                row, total = ((k - 1) * ny + j - 1) * nx + i - 1, np.float64(0.0)
                for column in range(inverse.shape[0]):
                    kk, rest = column // (ny * nx), column % (ny * nx)
                    total += inverse[column, row] * b[kk + 1, rest // nx + 1, rest % nx + 1]
                x[k, j, i] = total


@kernel(extent=0)
def end_faces(n, cells, cz):
    i, j, _ = cuda.grid(3)
    di, dj, _ = cuda.gridsize(3)
    if cuda.blockIdx.z == 0:
        for row in range(j + 1, cells.shape[1] - 1, dj):
            for column in range(i + 1, cells.shape[2] - 1, di):
                cz[1, row, column] = 2 * cells[1, row, column]
                cz[n + 1, row, column] = 2 * cells[n, row, column]


@kernel(extent=0)
def enter(n, cz, b):
    i, j, _ = cuda.grid(3)
    di, dj, _ = cuda.gridsize(3)
    if cuda.blockIdx.z == 0:
        for row in range(j + 1, b.shape[1] - 1, dj):
            for column in range(i + 1, b.shape[2] - 1, di):
                b[1, row, column] = cz[1, row, column]


@kernel(extent=1)
def set_beyond(n, value, x):
    i, j, _ = cuda.grid(3)
    di, dj, _ = cuda.gridsize(3)
    if cuda.blockIdx.z == 0:
        for row in range(j, x.shape[1], dj):
            for column in range(i, x.shape[2], di):
                x[0, row, column] = value


@kernel(extent=0, kind="slices")
def conductance_of_planes(n, cz, out):
    for plane in range(cuda.blockIdx.x, n + 1, cuda.gridDim.x):
        total = np.float64(0.0)
        for j in range(cuda.threadIdx.y + 1, cz.shape[1] - 1, cuda.blockDim.y):
            for i in range(cuda.threadIdx.x + 1, cz.shape[2] - 1, cuda.blockDim.x):
                total += cz[plane + 1, j, i]
        total = block_sum(total)
        if cuda.threadIdx.x == 0 and cuda.threadIdx.y == 0:
            out[plane] = total


@kernel(extent=1)
def fill_slices(n, values, cells, x):
    i0, j0, k0 = cuda.grid(3)
    di, dj, dk = cuda.gridsize(3)
    for k in range(k0 + 1, n + 1, dk):
        for j in range(j0 + 1, cells.shape[1] - 1, dj):
            for i in range(i0 + 1, cells.shape[2] - 1, di):
                x[k, j, i] = values[k - 1] if cells[k, j, i] > 0 else 0.0


@kernel(extent=1)
def shift_slices(n, shift, cells, x):
    i0, j0, k0 = cuda.grid(3)
    di, dj, dk = cuda.gridsize(3)
    for k in range(k0 + 1, n + 1, dk):
        for j in range(j0 + 1, cells.shape[1] - 1, dj):
            for i in range(i0 + 1, cells.shape[2] - 1, di):
                if cells[k, j, i] > 0:
                    x[k, j, i] += shift[k - 1]


@kernel(extent=1)
def start_from(n, potential, cells, x):
    i0, j0, k0 = cuda.grid(3)
    di, dj, dk = cuda.gridsize(3)
    for k in range(k0 + 1, n + 1, dk):
        for j in range(j0 + 1, cells.shape[1] - 1, dj):
            for i in range(i0 + 1, cells.shape[2] - 1, di):
                x[k, j, i] = potential[k - 1, j - 1, i - 1] if cells[k, j, i] > 0 else 0.0


@kernel(extent=0)
def rounded(n, x, out):
    i0, j0, k0 = cuda.grid(3)
    di, dj, dk = cuda.gridsize(3)
    for k in range(k0 + 1, n + 1, dk):
        for j in range(j0 + 1, x.shape[1] - 1, dj):
            for i in range(i0 + 1, x.shape[2] - 1, di):
                out[k - 1, j - 1, i - 1] = x[k, j, i]
