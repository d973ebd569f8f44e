"""Lithium in the active material: its balance, and its linear system."""

from typing import NamedTuple

import numpy as np

from analysis.electrochemistry.transport import vectors
from analysis.electrochemistry.transport.stencil import kernel


class Operator(NamedTuple):
    """
    ``(mass + slope) x - div diffusivity grad x`` in the AM.

    Attributes
    ----------
    active : padded ndarray of float32
        One in the AM.
    mass : float32
        h² over the time step, as the time difference weights it [m²/s].
    diffusivity : float32
        Of lithium [m²/s].
    slope : padded ndarray of float32
        Further diagonal.
    share : float32
        How much of it counts.
    """

    active: np.ndarray
    mass: np.float32
    diffusivity: np.float32
    slope: np.ndarray
    share: np.float32


def solve(operator, b, x, rtol, *, pool, size, work, warm=False):
    """
    Solve the linear system of the lithium by conjugate gradients with the diagonal beside.

    Parameters
    ----------
    operator : Operator
        Its left-hand side.
    b : padded ndarray of float32
        Right-hand side, overwritten.
    x : padded ndarray of float32
        Result.
    rtol : float
        Residual relative to `b`.
    pool : ThreadPool or CudaDevice
        Where the fields are and the kernels run.
    size : int
        Number of voxels.
    work : sequence of padded ndarray of float32
        Two, overwritten.
    warm : bool
        Whether `x` holds a start value.
    """
    p, ap = work
    nz = b.shape[0] - 2
    sums = pool.zeros((nz, 2), float)  # by slice: r . r and r . z

    def run(function, *args):
        return pool.run(function, size, nz, *args)

    run(vectors.clear, p)
    if warm:
        start = np.sqrt(run(vectors.dot, b, b))
        run(apply, x, operator, ap)
        run(advance, np.float32(1), (p, ap), (x, b), operator, sums)
    else:
        run(vectors.clear, x)
        run(advance, np.float32(0), (p, p), (x, b), operator, sums)
        start = np.sqrt(pool.get(sums)[:, 0].sum())
    old = 0.0
    for _ in range(60):
        norm, rz = pool.get(sums).sum(axis=0)
        if np.sqrt(norm) <= rtol * start:
            return
        run(turn, np.float32(rz / old if old else 0.0), b, operator, p)
        old = rz
        alpha = np.float32(rz / run(apply, p, operator, ap))
        run(advance, alpha, (p, ap), (x, b), operator, sums)


@kernel
def residual(start, stop, c, history, am, mass, weight, d, r):
    """Write the negative lithium balance of the AM, currents excluded."""
    ny, nx = c.shape[1] - 2, c.shape[2] - 2
    for k in range(start + 1, stop + 1):
        for j in range(1, ny + 1):
            p, lo, hi, so, no = c[k, j], c[k - 1, j], c[k + 1, j], c[k, j - 1], c[k, j + 1]
            m, ml, mh, ms, mn = am[k, j], am[k - 1, j], am[k + 1, j], am[k, j - 1], am[k, j + 1]
            hh, out = history[k, j], r[k, j]
            for i in range(1, nx + 1):
                s = (
                    ml[i] * (p[i] - lo[i])
                    + mh[i] * (p[i] - hi[i])
                    + ms[i] * (p[i] - so[i])
                    + mn[i] * (p[i] - no[i])
                    + m[i - 1] * (p[i] - p[i - 1])
                    + m[i + 1] * (p[i] - p[i + 1])
                )
                out[i] = -m[i] * (mass * (weight * p[i] - hh[i]) + d * s)


@kernel
def apply(start, stop, x, operator, y):
    """Write ``y = (mass + slope) x - div d grad x`` in the AM; return ``x . y``."""
    am, mass, d, slope, share = operator
    ny, nx = x.shape[1] - 2, x.shape[2] - 2
    total = 0.0
    for k in range(start + 1, stop + 1):
        for j in range(1, ny + 1):
            p, lo, hi, so, no = x[k, j], x[k - 1, j], x[k + 1, j], x[k, j - 1], x[k, j + 1]
            m, ml, mh, ms, mn = am[k, j], am[k - 1, j], am[k + 1, j], am[k, j - 1], am[k, j + 1]
            ss, out = slope[k, j], y[k, j]
            row = np.float32(0)
            for i in range(1, nx + 1):
                s = (
                    ml[i] * (p[i] - lo[i])
                    + mh[i] * (p[i] - hi[i])
                    + ms[i] * (p[i] - so[i])
                    + mn[i] * (p[i] - no[i])
                    + m[i - 1] * (p[i] - p[i - 1])
                    + m[i + 1] * (p[i] - p[i + 1])
                )
                value = m[i] * (mass * p[i] + d * s) + share * ss[i] * p[i]
                out[i] = value
                row += value * p[i]
            total += row
    return total


@kernel
def advance(start, stop, alpha, direction, fields, operator, sums):
    """
    Go along a direction: ``x += alpha p`` and ``r -= alpha A p`` in the AM.

    `direction` is p and A p, `fields` are x and r; `sums` receives r . r and r . z of each slice,
    with z the residual over the diagonal.
    """
    p, ap = direction
    x, r = fields
    am, mass, d, slope, share = operator
    for k in range(start + 1, stop + 1):
        norm, product = 0.0, 0.0
        for j in range(1, p.shape[1] - 1):
            m, ml, mh, ms, mn = am[k, j], am[k - 1, j], am[k + 1, j], am[k, j - 1], am[k, j + 1]
            pp, aa, xx, rr, ss = p[k, j], ap[k, j], x[k, j], r[k, j], slope[k, j]
            row, scaled = np.float32(0), np.float32(0)
            for i in range(1, p.shape[2] - 1):
                xx[i] += alpha * pp[i]
                value = rr[i] - alpha * aa[i]
                rr[i] = value
                n = ml[i] + mh[i] + ms[i] + mn[i] + m[i - 1] + m[i + 1]
                row += value * value
                scaled += m[i] * value * value / (mass + d * n + share * ss[i])
            norm += row
            product += scaled
        sums[k - 1, 0] = norm
        sums[k - 1, 1] = product


@kernel
def turn(start, stop, beta, r, operator, p):
    """Write the next direction ``p = z + beta p``, with z the residual over the diagonal."""
    am, mass, d, slope, share = operator
    for k in range(start + 1, stop + 1):
        for j in range(1, p.shape[1] - 1):
            m, ml, mh, ms, mn = am[k, j], am[k - 1, j], am[k + 1, j], am[k, j - 1], am[k, j + 1]
            pp, rr, ss = p[k, j], r[k, j], slope[k, j]
            for i in range(1, p.shape[2] - 1):
                n = ml[i] + mh[i] + ms[i] + mn[i] + m[i - 1] + m[i + 1]
                pp[i] = m[i] * rr[i] / (mass + d * n + share * ss[i]) + beta * pp[i]


@kernel
def subtract_currents(start, stop, faces, current, inverse_f, r):
    """Subtract the currents / F from the lithium residual."""
    voxel, first = faces.voxel, faces.first
    for s in range(start, stop):
        total = 0.0
        for f in range(first[s], first[s + 1]):
            total += current[f]
        r[voxel[s]] -= total * inverse_f


@kernel
def add(start, stop, d, am, low, high, c):
    """Change the lithium concentration, at most 70 % of the way to a bound; return the largest."""
    top = 0.0
    for k in range(start + 1, stop + 1):
        for j in range(1, c.shape[1] - 1):
            w, m, v = d[k, j], am[k, j], c[k, j]
            for i in range(1, c.shape[2] - 1):
                if m[i] == 0:
                    continue
                change = min(max(w[i], 0.7 * (low - v[i])), 0.7 * (high - v[i]))
                v[i] += change
                top = max(top, abs(change))
    return top
