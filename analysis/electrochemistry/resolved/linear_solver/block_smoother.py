"""Smoother for two fields that the reaction ties together in every cell: psi and salt.

Where salt is nearly used up, the current of a face hardly depends on the potentials: if it
rises, the salt falls until it is what it was. Smoothing each field with its own diagonal misses
that, because both diagonals then hold the large slopes g and m of the reaction. Here the two
unknowns of a cell are solved together, with ``[[a, m], [g, d]]`` in LU form.
"""

from typing import NamedTuple

import numpy as np

from analysis.electrochemistry.transport.stencil import kernel


class Blocks(NamedTuple):
    """Factors of the 2 x 2 blocks of all cells, as :func:`factor` leaves them."""

    g: np.ndarray  # slope of the reaction with the potentials
    ratio: np.ndarray  # that with salt over the diagonal of the salt
    psi: np.ndarray  # inverse of the Schur complement
    salt: np.ndarray  # inverse diagonal of the salt


@kernel
def factor(start, stop, g, m, psi, salt):
    """
    Replace diagonals by the factors of the 2 x 2 blocks, in place.

    On entry `psi` and `salt` hold the inverse diagonals. On exit psi holds the inverse of the
    Schur complement ``a - m g / d`` and m the multiplier ``m / d``.
    """
    for k in range(start + 1, stop + 1):
        for j in range(1, g.shape[1] - 1):
            gg, mm, p, s = g[k, j], m[k, j], psi[k, j], salt[k, j]
            for i in range(1, g.shape[2] - 1):
                mm[i] *= s[i]
                # a - g m / d, computed from a - g > 0 and 1 - m / d > 0 without cancellation
                rest = np.float32(1) - min(mm[i], np.float32(1))
                if p[i] > 0:
                    a = np.float32(1) / p[i]
                    schur = max(a - gg[i], np.float32(0)) + gg[i] * rest
                    p[i] = np.float32(1) / max(schur, np.float32(1e-6) * a)


@kernel
def solve(start, stop, w, blocks, b, u):
    """Write ``u = w B^-1 b`` with the blocks B of :func:`factor`; b and u hold psi and salt."""
    g, ratio, psi, salt = blocks
    b1, b3 = b
    u1, u3 = u
    for k in range(start + 1, stop + 1):
        for j in range(1, g.shape[1] - 1):
            gg, mm, p, s = g[k, j], ratio[k, j], psi[k, j], salt[k, j]
            r1, r3, o1, o3 = b1[k, j], b3[k, j], u1[k, j], u3[k, j]
            for i in range(1, g.shape[2] - 1):
                v = p[i] * (r1[i] - mm[i] * r3[i])
                o1[i] = w * v
                o3[i] = w * (s[i] * (r3[i] - gg[i] * v))


@kernel
def sweep(start, stop, weights, add, blocks, charge, diffusion, u, x):
    """
    Second sweep after :func:`solve` with w1: writes u plus its correction to x, or adds it.

    After the first sweep the blocks leave ``(1 - w1) b``, which is ``(1 - w1) / w1 B u``, plus
    what the neighbors bring; so b is not needed, and u may lie where b was. `charge` and
    `diffusion` are the conductances of the faces for psi and salt.
    """
    w1, w2 = weights
    g, ratio, psi, salt = blocks
    az, ay, ax = charge
    bz, by, bx = diffusion
    u1, u3 = u
    x1, x3 = x
    keep = np.float32(1) + w2 * (np.float32(1) - w1) / w1
    for k in range(start + 1, stop + 1):
        for j in range(1, g.shape[1] - 1):
            gg, mm, p, s = g[k, j], ratio[k, j], psi[k, j], salt[k, j]
            o1, o3 = x1[k, j], x3[k, j]
            c, lo, hi, so, no = u1[k, j], u1[k - 1, j], u1[k + 1, j], u1[k, j - 1], u1[k, j + 1]
            e, dl, dh, ds, dn = u3[k, j], u3[k - 1, j], u3[k + 1, j], u3[k, j - 1], u3[k, j + 1]
            z0, z1, y0, y1, xx = az[k, j], az[k + 1, j], ay[k, j], ay[k, j + 1], ax[k, j]
            f0, f1, q0, q1, ff = bz[k, j], bz[k + 1, j], by[k, j], by[k, j + 1], bx[k, j]
            for i in range(1, g.shape[2] - 1):
                s1 = (
                    z0[i] * lo[i]
                    + z1[i] * hi[i]
                    + y0[i] * so[i]
                    + y1[i] * no[i]
                    + xx[i] * c[i - 1]
                    + xx[i + 1] * c[i + 1]
                )
                s3 = (
                    f0[i] * dl[i]
                    + f1[i] * dh[i]
                    + q0[i] * ds[i]
                    + q1[i] * dn[i]
                    + ff[i] * e[i - 1]
                    + ff[i + 1] * e[i + 1]
                )
                v1 = p[i] * (s1 - mm[i] * s3)
                v3 = s[i] * (s3 - gg[i] * v1)
                if add:
                    o1[i] += keep * c[i] + w2 * v1
                    o3[i] += keep * e[i] + w2 * v3
                else:
                    o1[i] = keep * c[i] + w2 * v1
                    o3[i] = keep * e[i] + w2 * v3
