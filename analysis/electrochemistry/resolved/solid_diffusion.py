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
    """

    active: np.ndarray
    mass: np.float32
    diffusivity: np.float32
    slope: np.ndarray


def solve(operator, b, x, rtol, *, run, work):
    """
    Solve the linear system of the lithium by conjugate gradients.

    Parameters
    ----------
    operator : Operator
        Its left-hand side.
    b : padded ndarray of float32
        Right-hand side, overwritten.
    x : padded ndarray of float32
        Start value and result.
    rtol : float
        Residual relative to `b`.
    run : callable
        Calls a kernel over the slices of voxels.
    work : sequence of padded ndarray of float32
        Three, overwritten.
    """
    z, p, ap = work
    start = np.sqrt(run(vectors.dot, b, b))
    if start == 0:
        x[:] = 0
        return
    run(apply, x, *operator, ap)
    norm = np.sqrt(run(vectors.axpy_dot, np.float32(-1), ap, b))
    p[:] = 0
    old = 0.0
    for _ in range(60):
        if norm <= rtol * start:
            return
        rz = run(precondition, b, *operator, z)
        run(vectors.aypx, np.float32(rz / old if old else 0.0), z, p)
        old = rz
        alpha = np.float32(rz / run(apply, p, *operator, ap))
        run(vectors.update_solution, alpha, p, x)
        norm = np.sqrt(run(vectors.axpy_dot, -alpha, ap, b))


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
def apply(start, stop, x, am, mass, d, slope, y):
    """Write ``y = (mass + slope) x - div d grad x`` in the AM; return ``x . y``."""
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
                value = m[i] * (mass * p[i] + d * s) + ss[i] * p[i]
                out[i] = value
                row += value * p[i]
            total += row
    return total


@kernel
def precondition(start, stop, r, am, mass, d, slope, z):
    """Write ``z = r / diagonal`` in the AM; return ``r . z``."""
    ny, nx = r.shape[1] - 2, r.shape[2] - 2
    total = 0.0
    for k in range(start + 1, stop + 1):
        for j in range(1, ny + 1):
            m, ml, mh, ms, mn = am[k, j], am[k - 1, j], am[k + 1, j], am[k, j - 1], am[k, j + 1]
            rr, ss, out = r[k, j], slope[k, j], z[k, j]
            row = np.float32(0)
            for i in range(1, nx + 1):
                n = ml[i] + mh[i] + ms[i] + mn[i] + m[i - 1] + m[i + 1]
                value = m[i] * rr[i] / (mass + d * n + ss[i])
                out[i] = value
                row += value * rr[i]
            total += row
    return total


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
