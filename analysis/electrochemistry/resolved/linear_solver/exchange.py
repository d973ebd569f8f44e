"""The exchange of current between solid and electrolyte in the linear system.

On the finest grid the current ``g (phi_s - psi) - m v`` joins the solid of a face with its
electrolyte, face by face; vectors come as three flat fields: psi, phi_s and salt. On coarser grids
an aggregate holds both, and the exchange happens cell by cell.
"""

from typing import NamedTuple

import numpy as np

from analysis.electrochemistry.transport.stencil import kernel


class Slopes(NamedTuple):
    """Slopes of the currents of the faces with potential (g) and salt (m), damped."""

    g: np.ndarray
    m: np.ndarray


class Vector(NamedTuple):
    """Three fields as flat views."""

    psi: np.ndarray
    phi: np.ndarray
    salt: np.ndarray


def flat(fields):
    """Flat views of three fields."""
    return Vector(*(part.ravel() for part in fields))


@kernel
def exchange(start, stop, faces, slopes, x, y):
    """Add the derivative of the currents in the direction x to the rows of the Jacobian."""
    _, first, electrolyte, solid, _, _, _ = faces
    slope_phi, slope_w = slopes
    x1, x2, x3 = x
    y1, y2, y3 = y
    for f in range(first[start], first[stop]):
        e, a = electrolyte[f], solid[f]
        i = slope_phi[f] * (x2[a] - x1[e]) - slope_w[f] * x3[e]
        y1[e] -= i
        y3[e] -= i
        y2[a] += i


@kernel
def exchange_residual(start, stop, faces, slopes, x, residuals):
    """Subtract the currents ``g (x2 - x1) - m x3`` from residuals on the same grid."""
    _, first, electrolyte, solid, _, _, _ = faces
    slope_phi, slope_w = slopes
    x1, x2, x3 = x
    r1, r2, r3 = residuals
    for f in range(first[start], first[stop]):
        e, a = electrolyte[f], solid[f]
        i = slope_phi[f] * (x2[a] - x1[e]) - slope_w[f] * x3[e]
        r1[e] += i
        r3[e] += i
        r2[a] -= i


@kernel
def exchange_restricted(start, stop, faces, slopes, x, parent, residuals):
    """The same into the residuals of the next coarser grid; `parent` maps flat indices."""
    _, first, electrolyte, solid, _, _, _ = faces
    slope_phi, slope_w = slopes
    x1, x2, x3 = x
    r1, r2, r3 = residuals
    for f in range(first[start], first[stop]):
        e, a = electrolyte[f], solid[f]
        i = slope_phi[f] * (x2[a] - x1[e]) - slope_w[f] * x3[e]
        r1[parent[e]] += i
        r3[parent[e]] += i
        r2[parent[a]] -= i


@kernel
def weigh_rows(start, stop, faces, slope_w, weight):
    """Add the slopes with salt to the coefficients whose inverse is the weight of a solid row."""
    first, solid = faces.first, faces.solid
    for f in range(first[start], first[stop]):
        a = solid[f]
        weight[a] /= np.float32(1) + weight[a] * slope_w[f]


@kernel
def sum_of_inverses(start, stop, x):
    """Sum of ``1 / x`` where x is positive."""
    total = 0.0
    for k in range(start + 1, stop + 1):
        for j in range(1, x.shape[1] - 1):
            u = x[k, j]
            for i in range(1, x.shape[2] - 1):
                if u[i] > 0:
                    total += 1 / u[i]
    return total


@kernel
def diagonal_with_exchange(start, stop, faces, e, with_e, g, dinv):
    """Write ``1 / (sum c + e + g)``, or 0 where nothing conducts and nothing is stored."""
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
                    + g[k, j, i]
                )
                if with_e:
                    d += e[k, j, i]
                dinv[k, j, i] = 1 / d if d > 0 else 0


@kernel
def cell_exchange(start, stop, slopes, x, residuals):
    """Subtract the exchange of every cell from the residuals."""
    g, m = slopes
    x1, x2, x3 = x
    r1, r2, r3 = residuals
    for k in range(start + 1, stop + 1):
        for j in range(1, g.shape[1] - 1):
            gg, mm = g[k, j], m[k, j]
            a, b, c = x1[k, j], x2[k, j], x3[k, j]
            o1, o2, o3 = r1[k, j], r2[k, j], r3[k, j]
            for i in range(1, g.shape[2] - 1):
                current = gg[i] * (b[i] - a[i]) - mm[i] * c[i]
                o1[i] += current
                o2[i] -= current
                o3[i] += current


@kernel
def cell_exchange_restricted(start, stop, slopes, x, aggregates, residuals):
    """Subtract it from the residuals of the next coarser grid."""
    g, m = slopes
    x1, x2, x3 = x
    first, _, fold_y, fold_x = aggregates
    r1, r2, r3 = residuals
    for kc in range(start, stop):
        for k in range(first[kc] + 1, first[kc + 1] + 1):
            for j in range(1, g.shape[1] - 1):
                jc = (j + 1) // 2 if fold_y else j
                gg, mm = g[k, j], m[k, j]
                a, b, c = x1[k, j], x2[k, j], x3[k, j]
                o1, o2, o3 = r1[kc + 1, jc], r2[kc + 1, jc], r3[kc + 1, jc]
                for i in range(1, g.shape[2] - 1):
                    current = gg[i] * (b[i] - a[i]) - mm[i] * c[i]
                    ic = (i + 1) // 2 if fold_x else i
                    o1[ic] += current
                    o2[ic] -= current
                    o3[ic] += current
