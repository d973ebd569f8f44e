"""Compiled seven-point kernels on padded arrays, one slab of slices at a time.

A field of Z x Y x X cells is stored as ``(Z + 2, Y + 2, X + 2)`` float32 with a rim of zeros.
Face conductances ``cz, cy, cx`` have the same shape; ``cz[k, j, i]`` joins the cells k - 1 and
k. A boundary face with a conductance therefore means a neighbor at zero (Dirichlet), one
without means no flux. Operators are written in difference form, ``sum c (x - x_neighbor)``:
with float32 coefficients the form ``d x - sum c x_neighbor`` loses the answer to cancellation.

Rows are sliced before the inner loop, without which the compiler does not vectorize it.
"""

from typing import NamedTuple

import numba
import numpy as np

FAST = {"contract", "reassoc", "nsz", "arcp"}
kernel = numba.njit(nogil=True, cache=True, fastmath=FAST, error_model="numpy", boundscheck=False)


class FaceConductances(NamedTuple):
    """Conductances of the faces towards -z, -y and -x of every cell, padded float32."""

    z: np.ndarray
    y: np.ndarray
    x: np.ndarray


@kernel
def smooth(start, stop, b, dinv, faces, weights, add, x):
    """
    Two Chebyshev-Jacobi sweeps from a zero start in one pass over memory.

    Writes ``x = p(D^-1 A) b`` or, with `add`, adds it to x. With u = w1 b / D the first sweep
    leaves A u = w1 b - sum c u_neighbor, so the diagonal itself is never needed.
    """
    cz, cy, cx = faces
    w1, w2 = weights
    nx = b.shape[2] - 2
    ny = b.shape[1] - 2
    for k in range(start + 1, stop + 1):
        for j in range(1, ny + 1):
            bp = b[k, j]
            dp = dinv[k, j]
            bl, dl = b[k - 1, j], dinv[k - 1, j]
            bh, dh = b[k + 1, j], dinv[k + 1, j]
            bs, ds = b[k, j - 1], dinv[k, j - 1]
            bn, dn = b[k, j + 1], dinv[k, j + 1]
            z0, z1 = cz[k, j], cz[k + 1, j]
            y0, y1 = cy[k, j], cy[k, j + 1]
            xx = cx[k, j]
            out = x[k, j]
            if add:
                for i in range(1, nx + 1):
                    s = (
                        z0[i] * (bl[i] * dl[i])
                        + z1[i] * (bh[i] * dh[i])
                        + y0[i] * (bs[i] * ds[i])
                        + y1[i] * (bn[i] * dn[i])
                        + xx[i] * (bp[i - 1] * dp[i - 1])
                        + xx[i + 1] * (bp[i + 1] * dp[i + 1])
                    )
                    out[i] += dp[i] * (w1 * bp[i] + w2 * ((1 - w1) * bp[i] + w1 * s))
            else:
                for i in range(1, nx + 1):
                    s = (
                        z0[i] * (bl[i] * dl[i])
                        + z1[i] * (bh[i] * dh[i])
                        + y0[i] * (bs[i] * ds[i])
                        + y1[i] * (bn[i] * dn[i])
                        + xx[i] * (bp[i - 1] * dp[i - 1])
                        + xx[i + 1] * (bp[i + 1] * dp[i + 1])
                    )
                    out[i] = dp[i] * (w1 * bp[i] + w2 * ((1 - w1) * bp[i] + w1 * s))


@kernel
def apply(start, stop, x, faces, e, with_e, y):
    """Write ``y = A x`` with ``A x = sum c (x - x_neighbor) + e x``; return ``x . y``."""
    cz, cy, cx = faces
    nx = x.shape[2] - 2
    ny = x.shape[1] - 2
    total = 0.0
    for k in range(start + 1, stop + 1):
        for j in range(1, ny + 1):
            p = x[k, j]
            lo, hi, so, no = x[k - 1, j], x[k + 1, j], x[k, j - 1], x[k, j + 1]
            z0, z1 = cz[k, j], cz[k + 1, j]
            y0, y1 = cy[k, j], cy[k, j + 1]
            xx = cx[k, j]
            out = y[k, j]
            row = np.float32(0.0)
            for i in range(1, nx + 1):
                v = (
                    z0[i] * (p[i] - lo[i])
                    + z1[i] * (p[i] - hi[i])
                    + y0[i] * (p[i] - so[i])
                    + y1[i] * (p[i] - no[i])
                    + xx[i] * (p[i] - p[i - 1])
                    + xx[i + 1] * (p[i] - p[i + 1])
                )
                out[i] = v
                row += v * p[i]
            if with_e:
                ee = e[k, j]
                for i in range(1, nx + 1):
                    v = ee[i] * p[i]
                    out[i] += v
                    row += v * p[i]
            total += row
    return total


@kernel
def residual(start, stop, x, b, faces, e, with_e, r):
    """Write ``r = b - A x``."""
    cz, cy, cx = faces
    nx = x.shape[2] - 2
    ny = x.shape[1] - 2
    for k in range(start + 1, stop + 1):
        for j in range(1, ny + 1):
            p = x[k, j]
            lo, hi, so, no = x[k - 1, j], x[k + 1, j], x[k, j - 1], x[k, j + 1]
            z0, z1 = cz[k, j], cz[k + 1, j]
            y0, y1 = cy[k, j], cy[k, j + 1]
            xx = cx[k, j]
            bb = b[k, j]
            out = r[k, j]
            for i in range(1, nx + 1):
                out[i] = bb[i] - (
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
                    out[i] -= ee[i] * p[i]


@kernel
def inverse_diagonal(start, stop, faces, e, with_e, dinv):
    """Write ``1 / (sum c + e)``, or 0 where a cell has no neighbor at all."""
    cz, cy, cx = faces
    ny, nx = cz.shape[1] - 2, cz.shape[2] - 2
    for k in range(start + 1, stop + 1):
        for j in range(1, ny + 1):
            for i in range(1, nx + 1):
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
                dinv[k, j, i] = 1 / d if d > 0 else 0


@kernel
def harmonic_faces(start, stop, k3, cz, cy, cx):
    """Inner face conductances as harmonic means of cell conductivities [per voxel edge]."""
    ny, nx = k3.shape[1] - 2, k3.shape[2] - 2
    for k in range(start + 1, stop + 1):
        for j in range(1, ny + 1):
            for i in range(1, nx + 1):
                p = k3[k, j, i]
                z, y, x = k3[k - 1, j, i], k3[k, j - 1, i], k3[k, j, i - 1]
                cz[k, j, i] = 2 * p * z / (p + z) if p > 0 and z > 0 else 0
                cy[k, j, i] = 2 * p * y / (p + y) if p > 0 and y > 0 else 0
                cx[k, j, i] = 2 * p * x / (p + x) if p > 0 and x > 0 else 0


@kernel
def defect(start, stop, x, b, faces, e, with_e, r):
    """Write ``r = b - A x`` for a float64 x (differences before rounding); return ``r . r``."""
    cz, cy, cx = faces
    ny, nx = x.shape[1] - 2, x.shape[2] - 2
    total = 0.0
    for k in range(start + 1, stop + 1):
        for j in range(1, ny + 1):
            p = x[k, j]
            lo, hi, so, no = x[k - 1, j], x[k + 1, j], x[k, j - 1], x[k, j + 1]
            z0, z1 = cz[k, j], cz[k + 1, j]
            y0, y1 = cy[k, j], cy[k, j + 1]
            xx = cx[k, j]
            bb = b[k, j]
            out = r[k, j]
            for i in range(1, nx + 1):
                v = bb[i] - (
                    z0[i] * (p[i] - lo[i])
                    + z1[i] * (p[i] - hi[i])
                    + y0[i] * (p[i] - so[i])
                    + y1[i] * (p[i] - no[i])
                    + xx[i] * (p[i] - p[i - 1])
                    + xx[i + 1] * (p[i] - p[i + 1])
                )
                if with_e:
                    v -= e[k, j, i] * p[i]
                out[i] = v
                total += v * v
    return total


@kernel
def dissipation(start, stop, x, k3, cz, cy, cx, power):
    """
    Dissipated power of each slice of cells for a float64 potential.

    The power of a face between two slices is shared in proportion to the two half resistances.
    """
    nz, ny, nx = x.shape[0] - 2, x.shape[1] - 2, x.shape[2] - 2
    for k in range(start + 1, stop + 1):
        total = 0.0
        for j in range(1, ny + 1):
            for i in range(1, nx + 1):
                p = k3[k, j, i]
                if p <= 0:
                    continue
                u = x[k, j, i]
                total += cy[k, j, i] * (u - x[k, j - 1, i]) ** 2
                total += cx[k, j, i] * (u - x[k, j, i - 1]) ** 2
                if cz[k, j, i] > 0:
                    n = k3[k - 1, j, i] if k > 1 else 0.0
                    share = n / (n + p) if k > 1 else 1.0
                    total += share * cz[k, j, i] * (u - x[k - 1, j, i]) ** 2
                if cz[k + 1, j, i] > 0:
                    n = k3[k + 1, j, i] if k < nz else 0.0
                    share = n / (n + p) if k < nz else 1.0
                    total += share * cz[k + 1, j, i] * (u - x[k + 1, j, i]) ** 2
        power[k - 1] = total


@kernel
def slice_flux(start, stop, x, cz, flux):
    """Flux through the lower face of each slice ``start <= k < stop`` of Z + 1 faces."""
    for k in range(start + 1, stop + 1):
        total = 0.0
        for j in range(1, x.shape[1] - 1):
            for i in range(1, x.shape[2] - 1):
                total += cz[k, j, i] * (x[k - 1, j, i] - x[k, j, i])
        flux[k - 1] = total
