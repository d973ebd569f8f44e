"""The seven-point kernels of :mod:`analysis.electrochemistry.transport.stencil` on a card."""

import numpy as np
from numba import cuda

from analysis.electrochemistry.transport.cuda.launch import block_sum, compiled, keep, kernel

ONE, TWO = np.float32(1.0), np.float32(2.0)


@compiled
def product(x, faces, e, with_e, k, j, i):
    """A x in one cell, in difference form."""
    cz, cy, cx = faces
    p = x[k, j, i]
    value = (
        cz[k, j, i] * (p - x[k - 1, j, i])
        + cz[k + 1, j, i] * (p - x[k + 1, j, i])
        + cy[k, j, i] * (p - x[k, j - 1, i])
        + cy[k, j + 1, i] * (p - x[k, j + 1, i])
        + cx[k, j, i] * (p - x[k, j, i - 1])
        + cx[k, j, i + 1] * (p - x[k, j, i + 1])
    )
    if with_e:
        value += e[k, j, i] * p
    return value


@kernel(extent=0)
def smooth(n, b, dinv, faces, weights, add, x):
    cz, cy, cx = faces
    w1, w2 = weights
    i0, j0, k0 = cuda.grid(3)
    di, dj, dk = cuda.gridsize(3)
    for k in range(k0 + 1, n + 1, dk):
        for j in range(j0 + 1, b.shape[1] - 1, dj):
            for i in range(i0 + 1, b.shape[2] - 1, di):
                s = (
                    cz[k, j, i] * (b[k - 1, j, i] * dinv[k - 1, j, i])
                    + cz[k + 1, j, i] * (b[k + 1, j, i] * dinv[k + 1, j, i])
                    + cy[k, j, i] * (b[k, j - 1, i] * dinv[k, j - 1, i])
                    + cy[k, j + 1, i] * (b[k, j + 1, i] * dinv[k, j + 1, i])
                    + cx[k, j, i] * (b[k, j, i - 1] * dinv[k, j, i - 1])
                    + cx[k, j, i + 1] * (b[k, j, i + 1] * dinv[k, j, i + 1])
                )
                p = b[k, j, i]
                value = dinv[k, j, i] * (w1 * p + w2 * ((ONE - w1) * p + w1 * s))
                x[k, j, i] = x[k, j, i] + value if add else value


@kernel(extent=0, kind="sum")
def apply(n, x, faces, e, with_e, y, parts):
    i0, j0, k0 = cuda.grid(3)
    di, dj, dk = cuda.gridsize(3)
    total = np.float64(0.0)
    for k in range(k0 + 1, n + 1, dk):
        for j in range(j0 + 1, x.shape[1] - 1, dj):
            for i in range(i0 + 1, x.shape[2] - 1, di):
                value = product(x, faces, e, with_e, k, j, i)
                y[k, j, i] = value
                total += value * x[k, j, i]
    keep(total, parts)


@kernel(extent=0)
def residual(n, x, b, faces, e, with_e, r):
    i0, j0, k0 = cuda.grid(3)
    di, dj, dk = cuda.gridsize(3)
    for k in range(k0 + 1, n + 1, dk):
        for j in range(j0 + 1, x.shape[1] - 1, dj):
            for i in range(i0 + 1, x.shape[2] - 1, di):
                r[k, j, i] = b[k, j, i] - product(x, faces, e, with_e, k, j, i)


@kernel(extent=3)
def inverse_diagonal(n, faces, e, with_e, dinv):
    cz, cy, cx = faces
    i0, j0, k0 = cuda.grid(3)
    di, dj, dk = cuda.gridsize(3)
    for k in range(k0 + 1, n + 1, dk):
        for j in range(j0 + 1, dinv.shape[1] - 1, dj):
            for i in range(i0 + 1, dinv.shape[2] - 1, di):
                d = (
                    cz[k, j, i]
                    + cz[k + 1, j, i]
                    + cy[k, j, i]
                    + cy[k, j + 1, i]
                    + cx[k, j, i]
                    + cx[k, j, i + 1]
                )
                if with_e:
                    d += e[k, j, i]
                dinv[k, j, i] = ONE / d if d > 0 else np.float32(0.0)


@compiled
def harmonic(p, q):
    """Harmonic mean of two float32, zero if one of them is."""
    return TWO * p * q / (p + q) if p > 0 and q > 0 else np.float32(0.0)


@kernel(extent=0)
def harmonic_faces(n, k3, cz, cy, cx):
    i0, j0, k0 = cuda.grid(3)
    di, dj, dk = cuda.gridsize(3)
    for k in range(k0 + 1, n + 1, dk):
        for j in range(j0 + 1, k3.shape[1] - 1, dj):
            for i in range(i0 + 1, k3.shape[2] - 1, di):
                p = k3[k, j, i]
                cz[k, j, i] = harmonic(p, k3[k - 1, j, i])
                cy[k, j, i] = harmonic(p, k3[k, j - 1, i])
                cx[k, j, i] = harmonic(p, k3[k, j, i - 1])


@kernel(extent=0, kind="sum")
def defect(n, x, b, faces, e, with_e, r, parts):
    i0, j0, k0 = cuda.grid(3)
    di, dj, dk = cuda.gridsize(3)
    total = np.float64(0.0)
    for k in range(k0 + 1, n + 1, dk):
        for j in range(j0 + 1, x.shape[1] - 1, dj):
            for i in range(i0 + 1, x.shape[2] - 1, di):
                value = b[k, j, i] - product(x, faces, e, with_e, k, j, i)
                r[k, j, i] = value
                total += value * value
    keep(total, parts)


@kernel(extent=0, kind="slices")
def dissipation(n, x, k3, cz, cy, cx, power):
    nz, ny, nx = x.shape[0] - 2, x.shape[1] - 2, x.shape[2] - 2
    for k in range(cuda.blockIdx.x + 1, n + 1, cuda.gridDim.x):
        total = np.float64(0.0)
        for j in range(cuda.threadIdx.y + 1, ny + 1, cuda.blockDim.y):
            for i in range(cuda.threadIdx.x + 1, nx + 1, cuda.blockDim.x):
                p = k3[k, j, i]
                if p <= 0:
                    continue
                u = x[k, j, i]
                dy, dx = u - x[k, j - 1, i], u - x[k, j, i - 1]
                total += cy[k, j, i] * dy * dy + cx[k, j, i] * dx * dx
                if cz[k, j, i] > 0:
                    share = k3[k - 1, j, i] / (k3[k - 1, j, i] + p) if k > 1 else ONE
                    dz = u - x[k - 1, j, i]
                    total += share * cz[k, j, i] * dz * dz
                if cz[k + 1, j, i] > 0:
                    share = k3[k + 1, j, i] / (k3[k + 1, j, i] + p) if k < nz else ONE
                    dz = u - x[k + 1, j, i]
                    total += share * cz[k + 1, j, i] * dz * dz
        total = block_sum(total)
        if cuda.threadIdx.x == 0 and cuda.threadIdx.y == 0:
            power[k - 1] = total


@kernel(extent=0, kind="slices")
def slice_flux(n, x, cz, flux):
    for k in range(cuda.blockIdx.x + 1, n + 1, cuda.gridDim.x):
        total = np.float64(0.0)
        for j in range(cuda.threadIdx.y + 1, x.shape[1] - 1, cuda.blockDim.y):
            for i in range(cuda.threadIdx.x + 1, x.shape[2] - 1, cuda.blockDim.x):
                total += cz[k, j, i] * (x[k - 1, j, i] - x[k, j, i])
        total = block_sum(total)
        if cuda.threadIdx.x == 0 and cuda.threadIdx.y == 0:
            flux[k - 1] = total
