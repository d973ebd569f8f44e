"""The exchange of current between solid and electrolyte, face by face, in the linear system.

On the finest grid the current ``g (phi_s - psi) - m v`` joins the solid of a face with its
electrolyte. Vectors come as three flat fields: psi, phi_s and salt.
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
    _, first, wet, solid, _, _, _ = faces
    slope_phi, slope_w = slopes
    x1, x2, x3 = x
    y1, y2, y3 = y
    for f in range(first[start], first[stop]):
        e, a = wet[f], solid[f]
        i = slope_phi[f] * (x2[a] - x1[e]) - slope_w[f] * x3[e]
        y1[e] -= i
        y3[e] -= i
        y2[a] += i


@kernel
def exchange_residual(start, stop, faces, slopes, x, residuals):
    """Subtract the currents ``g (x2 - x1) - m x3`` from residuals on the same grid."""
    _, first, wet, solid, _, _, _ = faces
    slope_phi, slope_w = slopes
    x1, x2, x3 = x
    r1, r2, r3 = residuals
    for f in range(first[start], first[stop]):
        e, a = wet[f], solid[f]
        i = slope_phi[f] * (x2[a] - x1[e]) - slope_w[f] * x3[e]
        r1[e] += i
        r3[e] += i
        r2[a] -= i


@kernel
def exchange_restricted(start, stop, faces, slopes, x, parent, residuals):
    """The same into the residuals of the next coarser grid; `parent` maps flat indices."""
    _, first, wet, solid, _, _, _ = faces
    slope_phi, slope_w = slopes
    x1, x2, x3 = x
    r1, r2, r3 = residuals
    for f in range(first[start], first[stop]):
        e, a = wet[f], solid[f]
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
