"""Compiled kernels of the electrolyte of the resolved cell: charge and salt.

All rows are cell balances divided by the cell edge h, in S/m times volt. Per-cell properties sit
in one array ``cell[k, j, property, i]`` so that a row of a property is contiguous; faces take the
mean of the properties of their two cells and the harmonic mean of the geometric factors,
``G = 1 / (r + r')`` with ``r = 1 / (2 X)``.
"""

from typing import NamedTuple

import numpy as np

from analysis.electrochemistry.constants import FARADAY_C_MOL
from analysis.electrochemistry.transport.stencil import kernel

FARADAY = np.float32(FARADAY_C_MOL)

# rows of the property array
KAPPA, DIFF, TRANS, D_KAPPA, D_DIFF, D_TRANS, R = range(7)
PROPERTIES = 7


class ElectrolyteCells(NamedTuple):
    """
    What the electrolyte of all cells is.

    Attributes
    ----------
    properties : (Z + 2, Y + 2, 7, X + 2) ndarray of float32
        Conductivity, diffusivity, transference number, their slopes, resistance of half a cell.
    heights : (Z + 2,) ndarray of float32
        Slice heights in cell edges.
    storage : padded ndarray of float32
        F times porosity, slice height and h².
    """

    properties: np.ndarray
    heights: np.ndarray
    storage: np.ndarray


class ChargeSalt(NamedTuple):
    """Two padded fields: of psi or its balance, and of the salt or its balance."""

    charge: np.ndarray
    salt: np.ndarray


@kernel
def properties(start, stop, c, table, inverse_step, cell):
    """
    Conductivity, diffusivity, transference number and slopes in every electrolyte cell.

    `table` holds the three at equal steps of concentration.
    """
    nx, ny = c.shape[2] - 2, c.shape[1] - 2
    top = table.shape[0] - 2
    for k in range(start + 1, stop + 1):
        for j in range(1, ny + 1):
            row = cell[k, j]
            cc = c[k, j]
            for i in range(1, nx + 1):
                if np.isinf(row[R, i]):
                    continue
                value = max(cc[i], 0.0) * inverse_step
                n = min(int(value), top)
                part = value - n
                for m in range(3):
                    low, slope = table[n, m], table[n + 1, m] - table[n, m]
                    row[m, i] = low + slope * part
                    row[m + 3, i] = slope * inverse_step


@kernel
def faces(start, stop, cells, unit, weight, charge, salt, e):
    """
    Symmetric coefficients of the preconditioner: faces of charge and salt, storage (e).

    `weight` is the leading coefficient of the time difference [1/s], `unit` the concentration
    [mol/m³] that counts as one volt.
    """
    cell, heights, storage = cells
    az, ay, ax = charge
    bz, by, bx = salt
    ny, nx = cell.shape[1] - 2, cell.shape[3] - 2
    for k in range(start + 1, stop + 1):
        h0, h1 = heights[k - 1], heights[k]
        for j in range(1, ny + 1):
            p, lo, so = cell[k, j], cell[k - 1, j], cell[k, j - 1]
            oz, oy, ox = az[k, j], ay[k, j], ax[k, j]
            sz, sy, sx = bz[k, j], by[k, j], bx[k, j]
            for i in range(1, nx + 1):
                g = np.float32(1) / (h1 * p[R, i] + h0 * lo[R, i])
                oz[i] = g * (p[KAPPA, i] + lo[KAPPA, i]) * np.float32(0.5)
                sz[i] = _salt_face(g, unit, p[DIFF, i], lo[DIFF, i], p[TRANS, i], lo[TRANS, i])
                g = h1 / (p[R, i] + so[R, i])
                oy[i] = g * (p[KAPPA, i] + so[KAPPA, i]) * np.float32(0.5)
                sy[i] = _salt_face(g, unit, p[DIFF, i], so[DIFF, i], p[TRANS, i], so[TRANS, i])
            for i in range(1, nx + 1):
                g = h1 / (p[R, i] + p[R, i - 1])
                ox[i] = g * (p[KAPPA, i] + p[KAPPA, i - 1]) * np.float32(0.5)
                sx[i] = _salt_face(
                    g, unit, p[DIFF, i], p[DIFF, i - 1], p[TRANS, i], p[TRANS, i - 1]
                )
            ee, mm = e[k, j], storage[k, j]
            for i in range(1, nx + 1):
                ee[i] = weight * unit * mm[i] / (np.float32(1) - p[TRANS, i])


@kernel
def _salt_face(g, unit, d0, d1, t0, t1):
    """F G D / (1 - t) at a face, per unit."""
    half = np.float32(0.5)
    return FARADAY * g * (half * (d0 + d1)) * unit / (np.float32(1) - half * (t0 + t1))


@kernel
def residual(start, stop, fields, history, cells, weight, balances):
    """
    Write the negative balances of charge and salt, sources excluded.

    `weight` is the leading coefficient of the time difference [1/s], `history` the terms of
    earlier steps [mol/m³/s]. Fluxes are differences that the two
    cells of a face compute alike, so that sums over all cells telescope.
    """
    psi, c = fields
    cell, heights, storage = cells
    r1, r3 = balances
    ny, nx = cell.shape[1] - 2, cell.shape[3] - 2
    for k in range(start + 1, stop + 1):
        h0, h1, h2 = heights[k - 1], heights[k], heights[k + 1]
        for j in range(1, ny + 1):
            p, lo, hi, so, no = (
                cell[k, j],
                cell[k - 1, j],
                cell[k + 1, j],
                cell[k, j - 1],
                cell[k, j + 1],
            )
            u, ul, uh, us, un = (
                psi[k, j],
                psi[k - 1, j],
                psi[k + 1, j],
                psi[k, j - 1],
                psi[k, j + 1],
            )
            v, vl, vh, vs, vn = c[k, j], c[k - 1, j], c[k + 1, j], c[k, j - 1], c[k, j + 1]
            hh, mm = history[k, j], storage[k, j]
            o1, o3 = r1[k, j], r3[k, j]
            for i in range(1, nx + 1):
                kp, dp, tp, rp = p[KAPPA, i], p[DIFF, i], p[TRANS, i], p[R, i]
                up, vp = u[i], v[i]
                a, b = _fluxes(
                    1 / (h1 * rp + h0 * lo[R, i]),
                    kp,
                    lo[KAPPA, i],
                    dp,
                    lo[DIFF, i],
                    tp,
                    lo[TRANS, i],
                    up - ul[i],
                    vp - vl[i],
                )
                s, f = a, b
                a, b = _fluxes(
                    1 / (h1 * rp + h2 * hi[R, i]),
                    kp,
                    hi[KAPPA, i],
                    dp,
                    hi[DIFF, i],
                    tp,
                    hi[TRANS, i],
                    up - uh[i],
                    vp - vh[i],
                )
                s += a
                f += b
                a, b = _fluxes(
                    h1 / (rp + so[R, i]),
                    kp,
                    so[KAPPA, i],
                    dp,
                    so[DIFF, i],
                    tp,
                    so[TRANS, i],
                    up - us[i],
                    vp - vs[i],
                )
                s += a
                f += b
                a, b = _fluxes(
                    h1 / (rp + no[R, i]),
                    kp,
                    no[KAPPA, i],
                    dp,
                    no[DIFF, i],
                    tp,
                    no[TRANS, i],
                    up - un[i],
                    vp - vn[i],
                )
                s += a
                f += b
                a, b = _fluxes(
                    h1 / (rp + p[R, i - 1]),
                    kp,
                    p[KAPPA, i - 1],
                    dp,
                    p[DIFF, i - 1],
                    tp,
                    p[TRANS, i - 1],
                    up - u[i - 1],
                    vp - v[i - 1],
                )
                s += a
                f += b
                a, b = _fluxes(
                    h1 / (rp + p[R, i + 1]),
                    kp,
                    p[KAPPA, i + 1],
                    dp,
                    p[DIFF, i + 1],
                    tp,
                    p[TRANS, i + 1],
                    up - u[i + 1],
                    vp - v[i + 1],
                )
                s += a
                f += b
                f += mm[i] * (weight * vp - hh[i])
                o1[i] = -s
                o3[i] = -f / (1 - tp)


@kernel
def _fluxes(g, k0, k1, d0, d1, t0, t1, du, dv):
    """Current out through a face, and F times salt flux minus t of the cell times current."""
    current = g * 0.5 * (k0 + k1) * du
    return current, FARADAY_C_MOL * g * 0.5 * (d0 + d1) * dv + 0.5 * (t1 - t0) * current


@kernel
def jacobian(start, stop, fields, cells, unit, weight, x, y):
    """
    Write the derivative of the balances of charge and salt in the direction x.

    Each face is worked on once: what it gives to the cell behind it waits in a buffer. Loops over
    a row use few arrays, since the compiler gives up where it had to tell too many apart. Those for
    z and y are written out: one function for both makes the whole a fifth slower.
    """
    psi, c = fields
    cell, heights, storage = cells
    x1, x3 = x
    y1, y3 = y
    ny, nx = cell.shape[1] - 2, cell.shape[3] - 2
    one = np.float32(1)
    plane = np.zeros((2, ny + 2, nx + 2), np.float32)  # charge and salt of the faces in z
    line = np.zeros((2, nx + 2), np.float32)  # of those in y
    s, f, charge, ahead, behind = (
        np.zeros(nx + 2, np.float32),
        np.zeros(nx + 2, np.float32),
        np.zeros(nx + 2, np.float32),
        np.zeros(nx + 2, np.float32),
        np.zeros(nx + 2, np.float32),
    )
    for k in range(start, stop + 1):
        h1, h2 = heights[k], heights[k + 1]
        line[:] = 0
        for j in range(1, ny + 1):
            p, u, v, w1, w3 = cell[k, j], psi[k, j], c[k, j], x1[k, j], x3[k, j]
            n, un, vn, n1, n3 = (
                cell[k + 1, j],
                psi[k + 1, j],
                c[k + 1, j],
                x1[k + 1, j],
                x3[k + 1, j],
            )
            wait1, wait3 = plane[0, j], plane[1, j]
            for i in range(1, nx + 1):
                s[i] = -wait1[i]
                f[i] = wait3[i]
            for i in range(1, nx + 1):
                g = one / (h1 * p[R, i] + h2 * n[R, i])
                a, b, back = _flux_change(
                    g, p, n, (i, i), u[i] - un[i], v[i] - vn[i], w1[i] - n1[i], w3[i], n3[i], unit
                )
                s[i] += a
                f[i] += b
                wait1[i] = a
                wait3[i] = back
            if k == start:
                continue
            n, un, vn, n1, n3 = (
                cell[k, j + 1],
                psi[k, j + 1],
                c[k, j + 1],
                x1[k, j + 1],
                x3[k, j + 1],
            )
            wait1, wait3 = line[0], line[1]
            for i in range(1, nx + 1):
                s[i] -= wait1[i]
                f[i] += wait3[i]
            for i in range(1, nx + 1):
                g = h1 / (p[R, i] + n[R, i])
                a, b, back = _flux_change(
                    g, p, n, (i, i), u[i] - un[i], v[i] - vn[i], w1[i] - n1[i], w3[i], n3[i], unit
                )
                s[i] += a
                f[i] += b
                wait1[i] = a
                wait3[i] = back
            for i in range(nx + 1):
                m = i + 1
                g = h1 / (p[R, i] + p[R, m])
                charge[i], ahead[i], behind[i] = _flux_change(
                    g, p, p, (i, m), u[i] - u[m], v[i] - v[m], w1[i] - w1[m], w3[i], w3[m], unit
                )
            mm, o1, o3 = storage[k, j], y1[k, j], y3[k, j]
            for i in range(1, nx + 1):
                o1[i] = s[i] + charge[i] - charge[i - 1]
                salt = f[i] + ahead[i] + behind[i - 1] + mm[i] * weight * (w3[i] * unit)
                o3[i] = salt / (one - p[TRANS, i])


@kernel
def _flux_change(g, p, n, at, du, dv, d1, c0, c1, unit):
    """
    Derivatives of the two fluxes of :func:`_fluxes` with the factor t of the cell frozen.

    That of charge; those of salt out of the one and out of the other cell.
    """
    i, m = at
    half = np.float32(0.5)
    du = np.float32(du)
    dv = np.float32(dv)
    c0 *= unit
    c1 *= unit
    kappa = half * (p[KAPPA, i] + n[KAPPA, m])
    change = g * (kappa * d1 + half * (p[D_KAPPA, i] * c0 + n[D_KAPPA, m] * c1) * du)
    salt = half * (p[DIFF, i] + n[DIFF, m]) * (c0 - c1)
    salt += half * (p[D_DIFF, i] * c0 + n[D_DIFF, m] * c1) * dv
    turn = half * (p[D_TRANS, i] * c0 + n[D_TRANS, m] * c1) * (kappa * du)
    salt = g * (FARADAY * salt + turn)
    cross = half * (n[TRANS, m] - p[TRANS, i]) * change
    return change, cross + salt, cross - salt
