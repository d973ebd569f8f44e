"""The functions on whole fields of :mod:`analysis.electrochemistry.transport.fields` on a card."""

import numpy as np
from numba import cuda

from analysis.electrochemistry.transport.cuda.launch import (
    compiled,
    keep,
    kernel,
    over_entries,
    plan,
    unsigned,
    write_first,
)


@kernel(0, over="numbers")
def add(n, shapes, x, y):
    for i in range(cuda.grid(1), x.shape[0], cuda.gridsize(1)):
        y[i] += x[i]


@kernel(1, over="numbers")
def add_scaled(n, shapes, factor, x, y):
    for i in range(cuda.grid(1), x.shape[0], cuda.gridsize(1)):
        y[i] += factor * x[i]


@kernel(0, over="numbers")
def assign(n, shapes, x, y):
    for i in range(cuda.grid(1), x.shape[0], cuda.gridsize(1)):
        y[i] = x[i]


@kernel(0, over="numbers")
def negate(n, shapes, x):
    for i in range(cuda.grid(1), x.shape[0], cuda.gridsize(1)):
        x[i] = -x[i]


@kernel(1, over="numbers")
def scaled(n, shapes, factor, x, out):
    for i in range(cuda.grid(1), x.shape[0], cuda.gridsize(1)):
        out[i] = factor * x[i]


@kernel(0, over="numbers")
def divided(n, shapes, x, divisor, out):
    for i in range(cuda.grid(1), x.shape[0], cuda.gridsize(1)):
        out[i] = x[i] / divisor


@kernel(0, over="numbers")
def product(n, shapes, x, y, out):
    for i in range(cuda.grid(1), x.shape[0], cuda.gridsize(1)):
        out[i] = x[i] * y[i]


@kernel(0, over="numbers", sums=True)
def energy(n, shapes, x, b, parts):
    total = np.float64(0.0)
    for i in range(cuda.grid(1), x.shape[0], cuda.gridsize(1)):
        total += x[i] * b[i]
    keep(total, parts)


@compiled
def unpadded(shape, k, j, i):
    """Place of a cell, counted from 1 along each axis, in an array without rims."""
    _, rows, columns = shape
    return ((k - 1) * (rows - 2) + j - 1) * (columns - 2) + i - 1


@kernel(1)
def dense_product(n, shapes, inverse, b, x):
    size = n * (shapes[0][1] - 2) * (shapes[0][2] - 2)
    _, rows, columns = shapes[0]
    i0, j0, k0 = cuda.grid(3)
    di, dj, dk = cuda.gridsize(3)
    for k in range(k0 + 1, n + 1, dk):
        for j in range(j0 + 1, rows - 1, dj):
            for i in range(i0 + 1, columns - 1, di):
                total, column = np.float64(0.0), unpadded(shapes[0], k, j, i)
                for kk in range(1, n + 1):
                    for jj in range(1, rows - 1):
                        for ii in range(1, columns - 1):
                            cell = unpadded(shapes[0], kk, jj, ii)
                            # symmetric: neighboring threads read along the rows of the inverse
                            total += (
                                inverse[cell * size + column] * b[(kk * rows + jj) * columns + ii]
                            )
                x[(k * rows + j) * columns + i] = total


@kernel(0)
def open_first(n, shapes, cells, cz):
    _, rows, columns = shapes[0]
    i0, j0, k0 = cuda.grid(3)
    di, dj, _ = cuda.gridsize(3)
    if k0 == 0:
        for j in range(j0 + 1, rows - 1, dj):
            for i in range(i0 + 1, columns - 1, di):
                cz[(rows + j) * columns + i] = 2 * cells[(rows + j) * columns + i]


@kernel(0)
def open_last(n, shapes, cells, cz):
    _, rows, columns = shapes[0]
    i0, j0, k0 = cuda.grid(3)
    di, dj, _ = cuda.gridsize(3)
    if k0 == 0:
        for j in range(j0 + 1, rows - 1, dj):
            for i in range(i0 + 1, columns - 1, di):
                cz[((n + 1) * rows + j) * columns + i] = 2 * cells[(n * rows + j) * columns + i]


@kernel(0)
def enter(n, shapes, cz, b):
    _, rows, columns = shapes[0]
    i0, j0, k0 = cuda.grid(3)
    di, dj, _ = cuda.gridsize(3)
    if k0 == 0:
        for j in range(j0 + 1, rows - 1, dj):
            for i in range(i0 + 1, columns - 1, di):
                b[(rows + j) * columns + i] = cz[(rows + j) * columns + i]


@kernel(1, over="numbers")
def set_beyond(n, shapes, value, x):
    for i in range(cuda.grid(1), shapes[0][1] * shapes[0][2], cuda.gridsize(1)):
        x[i] = value


@kernel(0, over="slices")
def conductance_of_planes(n, shapes, cz, out):
    _, rows, columns = shapes[0]
    for plane in range(cuda.blockIdx.x, n + 1, cuda.gridDim.x):
        total = np.float64(0.0)
        for j in range(cuda.threadIdx.y + 1, rows - 1, cuda.blockDim.y):
            for i in range(cuda.threadIdx.x + 1, columns - 1, cuda.blockDim.x):
                total += cz[unsigned(((plane + 1) * rows + j) * columns + i)]
        write_first(total, out, plane)


@kernel(1)
def fill_slices(n, shapes, values, cells, x):
    _, rows, columns = shapes[0]
    i0, j0, k0 = cuda.grid(3)
    di, dj, dk = cuda.gridsize(3)
    for k in range(k0 + 1, n + 1, dk):
        for j in range(j0 + 1, rows - 1, dj):
            for i in range(i0 + 1, columns - 1, di):
                here = unsigned((k * rows + j) * columns + i)
                x[here] = values[k - 1] if cells[here] > 0 else 0.0


@kernel(1)
def shift_slices(n, shapes, shift, cells, x):
    _, rows, columns = shapes[0]
    i0, j0, k0 = cuda.grid(3)
    di, dj, dk = cuda.gridsize(3)
    for k in range(k0 + 1, n + 1, dk):
        for j in range(j0 + 1, rows - 1, dj):
            for i in range(i0 + 1, columns - 1, di):
                here = unsigned((k * rows + j) * columns + i)
                if cells[here] > 0:
                    x[here] += shift[k - 1]


@kernel(1)
def start_from(n, shapes, potential, cells, x):
    _, rows, columns = shapes[0]
    i0, j0, k0 = cuda.grid(3)
    di, dj, dk = cuda.gridsize(3)
    for k in range(k0 + 1, n + 1, dk):
        for j in range(j0 + 1, rows - 1, dj):
            for i in range(i0 + 1, columns - 1, di):
                here = unsigned((k * rows + j) * columns + i)
                value = potential[unpadded(shapes[0], k, j, i)]
                x[here] = value if cells[here] > 0 else 0.0


@kernel(0)
def rounded(n, shapes, x, out):
    _, rows, columns = shapes[0]
    i0, j0, k0 = cuda.grid(3)
    di, dj, dk = cuda.gridsize(3)
    for k in range(k0 + 1, n + 1, dk):
        for j in range(j0 + 1, rows - 1, dj):
            for i in range(i0 + 1, columns - 1, di):
                out[unpadded(shapes[0], k, j, i)] = x[unsigned((k * rows + j) * columns + i)]


@kernel(0, over="numbers")
def set_to_zero(n, shapes, x):
    for i in range(cuda.grid(1), x.shape[0], cuda.gridsize(1)):
        x[i] = 0


@kernel(2, over="numbers")
def multiply(n, shapes, factors, which, x):
    for i in range(cuda.grid(1), x.shape[0], cuda.gridsize(1)):
        x[i] *= factors[which]


@kernel(1, over="numbers")
def over_level(n, shapes, level, x, out):
    for i in range(cuda.grid(1), x.shape[0], cuda.gridsize(1)):
        out[i] = x[i] - level


@plan
def set_slice(device, k, value, x):
    _, rows, columns = x.shape
    over_entries(_set_slice, (rows - 2) * (columns - 2), (int(k), rows, columns), value, x)


@cuda.jit
def _set_slice(where, value, x):
    k, rows, columns = where
    count = (rows - 2) * (columns - 2)
    for t in range(cuda.grid(1), count, cuda.gridsize(1)):
        j, i = t // (columns - 2) + 1, t % (columns - 2) + 1
        x[unsigned((k * rows + j) * columns + i)] = value


@plan
def mean_of_slice(device, k, x):
    _, rows, columns = x.shape
    count = (rows - 2) * (columns - 2)
    return over_entries(_sum_of_slice, count, (int(k), rows, columns), x, sums=1) / count


@cuda.jit
def _sum_of_slice(where, x, parts):
    k, rows, columns = where
    count, total = (rows - 2) * (columns - 2), np.float64(0.0)
    for t in range(cuda.grid(1), count, cuda.gridsize(1)):
        j, i = t // (columns - 2) + 1, t % (columns - 2) + 1
        total += x[unsigned((k * rows + j) * columns + i)]
    keep(total, parts)


@kernel(0, over="numbers", sums=True)
def sum_of(n, shapes, x, parts):
    total = np.float64(0.0)
    for i in range(cuda.grid(1), x.shape[0], cuda.gridsize(1)):
        total += x[i]
    keep(total, parts)
