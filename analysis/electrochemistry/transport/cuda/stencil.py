"""The seven-point kernels of :mod:`analysis.electrochemistry.transport.stencil` on a card."""

import numpy as np
from numba import cuda

from analysis.electrochemistry.transport.cuda.launch import (
    ONE_ON,
    compiled,
    keep,
    kernel,
    unsigned,
    write_first,
)

ZERO, ONE, TWO = np.float32(0.0), np.float32(1.0), np.float32(2.0)


@compiled
def product(x, faces, e, with_e, here, row, plane):
    """A x in one cell, in difference form."""
    cz, cy, cx = faces
    p = x[here]
    value = (
        cz[here] * (p - x[here - plane])
        + cz[here + plane] * (p - x[here + plane])
        + cy[here] * (p - x[here - row])
        + cy[here + row] * (p - x[here + row])
        + cx[here] * (p - x[here - ONE_ON])
        + cx[here + ONE_ON] * (p - x[here + ONE_ON])
    )
    if with_e:
        value += e[here] * p
    return value


@kernel(0)
def smooth(n, shapes, b, dinv, faces, weights, add, x):
    cz, cy, cx = faces
    w1, w2 = weights
    _, rows, columns = shapes[0]
    i0, j0, k0 = cuda.grid(3)
    di, dj, dk = cuda.gridsize(3)
    row, plane = unsigned(columns), unsigned(rows * columns)
    for k in range(k0 + 1, n + 1, dk):
        for j in range(j0 + 1, rows - 1, dj):
            for i in range(i0 + 1, columns - 1, di):
                here = unsigned((k * rows + j) * columns + i)
                s = (
                    cz[here] * (b[here - plane] * dinv[here - plane])
                    + cz[here + plane] * (b[here + plane] * dinv[here + plane])
                    + cy[here] * (b[here - row] * dinv[here - row])
                    + cy[here + row] * (b[here + row] * dinv[here + row])
                    + cx[here] * (b[here - ONE_ON] * dinv[here - ONE_ON])
                    + cx[here + ONE_ON] * (b[here + ONE_ON] * dinv[here + ONE_ON])
                )
                p = b[here]
                value = dinv[here] * (w1 * p + w2 * ((ONE - w1) * p + w1 * s))
                x[here] = x[here] + value if add else value


@kernel(0, sums=True)
def apply(n, shapes, x, faces, e, with_e, y, parts):
    _, rows, columns = shapes[0]
    i0, j0, k0 = cuda.grid(3)
    di, dj, dk = cuda.gridsize(3)
    row, plane = unsigned(columns), unsigned(rows * columns)
    total = np.float64(0.0)
    for k in range(k0 + 1, n + 1, dk):
        for j in range(j0 + 1, rows - 1, dj):
            for i in range(i0 + 1, columns - 1, di):
                here = unsigned((k * rows + j) * columns + i)
                value = product(x, faces, e, with_e, here, row, plane)
                y[here] = value
                total += value * x[here]
    keep(total, parts)


@kernel(0)
def residual(n, shapes, x, b, faces, e, with_e, r):
    _, rows, columns = shapes[0]
    i0, j0, k0 = cuda.grid(3)
    di, dj, dk = cuda.gridsize(3)
    row, plane = unsigned(columns), unsigned(rows * columns)
    for k in range(k0 + 1, n + 1, dk):
        for j in range(j0 + 1, rows - 1, dj):
            for i in range(i0 + 1, columns - 1, di):
                here = unsigned((k * rows + j) * columns + i)
                r[here] = b[here] - product(x, faces, e, with_e, here, row, plane)


@kernel(3)
def inverse_diagonal(n, shapes, faces, e, with_e, dinv):
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
                d += cx[here] + cx[here + ONE_ON]
                if with_e:
                    d += e[here]
                dinv[here] = ONE / d if d > 0 else ZERO


@compiled
def harmonic(p, q):
    """Harmonic mean of two float32, zero if one of them is."""
    return TWO * p * q / (p + q) if p > 0 and q > 0 else ZERO


@kernel(0)
def harmonic_faces(n, shapes, k3, cz, cy, cx):
    _, rows, columns = shapes[0]
    i0, j0, k0 = cuda.grid(3)
    di, dj, dk = cuda.gridsize(3)
    row, plane = unsigned(columns), unsigned(rows * columns)
    for k in range(k0 + 1, n + 1, dk):
        for j in range(j0 + 1, rows - 1, dj):
            for i in range(i0 + 1, columns - 1, di):
                here = unsigned((k * rows + j) * columns + i)
                p = k3[here]
                cz[here] = harmonic(p, k3[here - plane])
                cy[here] = harmonic(p, k3[here - row])
                cx[here] = harmonic(p, k3[here - ONE_ON])


@kernel(0, sums=True)
def defect(n, shapes, x, b, faces, e, with_e, r, parts):
    _, rows, columns = shapes[0]
    i0, j0, k0 = cuda.grid(3)
    di, dj, dk = cuda.gridsize(3)
    row, plane = unsigned(columns), unsigned(rows * columns)
    total = np.float64(0.0)
    for k in range(k0 + 1, n + 1, dk):
        for j in range(j0 + 1, rows - 1, dj):
            for i in range(i0 + 1, columns - 1, di):
                here = unsigned((k * rows + j) * columns + i)
                value = b[here] - product(x, faces, e, with_e, here, row, plane)
                r[here] = value
                total += value * value
    keep(total, parts)


@kernel(0, over="slices")
def dissipation(n, shapes, x, k3, cz, cy, cx, power):
    slices, rows, columns = shapes[0]
    row, plane = unsigned(columns), unsigned(rows * columns)
    for k in range(cuda.blockIdx.x + 1, n + 1, cuda.gridDim.x):
        total = np.float64(0.0)
        for j in range(cuda.threadIdx.y + 1, rows - 1, cuda.blockDim.y):
            for i in range(cuda.threadIdx.x + 1, columns - 1, cuda.blockDim.x):
                here = unsigned((k * rows + j) * columns + i)
                p = k3[here]
                if p <= 0:
                    continue
                u = x[here]
                dy, dx = u - x[here - row], u - x[here - ONE_ON]
                total += cy[here] * dy * dy + cx[here] * dx * dx
                for first, face, beside in (
                    (k == 1, here, here - plane),
                    (k == slices - 2, here + plane, here + plane),
                ):
                    if cz[face] > 0:
                        share = ONE if first else k3[beside] / (k3[beside] + p)
                        dz = u - x[beside]
                        total += share * cz[face] * dz * dz
        write_first(total, power, k - 1)


@kernel(0, over="slices")
def slice_flux(n, shapes, x, cz, flux):
    _, rows, columns = shapes[0]
    plane = unsigned(rows * columns)
    for k in range(cuda.blockIdx.x + 1, n + 1, cuda.gridDim.x):
        total = np.float64(0.0)
        for j in range(cuda.threadIdx.y + 1, rows - 1, cuda.blockDim.y):
            for i in range(cuda.threadIdx.x + 1, columns - 1, cuda.blockDim.x):
                here = unsigned((k * rows + j) * columns + i)
                total += cz[here] * (x[here - plane] - x[here])
        write_first(total, flux, k - 1)
