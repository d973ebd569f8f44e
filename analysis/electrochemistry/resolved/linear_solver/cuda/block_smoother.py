"""The 2 x 2 blocks of psi and salt on a card.

Kernels of :mod:`analysis.electrochemistry.resolved.linear_solver.block_smoother`.
"""

import numpy as np
from numba import cuda

from analysis.electrochemistry.transport.cuda.launch import ONE_ON, compiled, kernel, unsigned

ZERO, ONE, LEAST = np.float32(0), np.float32(1), np.float32(1e-6)


@kernel(0, over="numbers")
def factor(n, shapes, g, m, psi, salt):
    for i in range(cuda.grid(1), g.shape[0], cuda.gridsize(1)):
        ratio = m[i] * salt[i]
        m[i] = ratio
        rest = ONE - min(ratio, ONE)
        if psi[i] > 0:
            a = ONE / psi[i]
            schur = max(a - g[i], ZERO) + g[i] * rest
            psi[i] = ONE / max(schur, LEAST * a)


@kernel(1, over="numbers")
def solve(n, shapes, w, blocks, b, u):
    g, ratio, psi, salt = blocks
    b1, b3 = b
    u1, u3 = u
    for i in range(cuda.grid(1), g.shape[0], cuda.gridsize(1)):
        v = psi[i] * (b1[i] - ratio[i] * b3[i])
        u1[i] = w * v
        u3[i] = w * (salt[i] * (b3[i] - g[i] * v))


@compiled
def neighbors(x, faces, here, row, plane):
    """Sum of the neighbors, times the conductances between."""
    cz, cy, cx = faces
    return (
        cz[here] * x[here - plane]
        + cz[here + plane] * x[here + plane]
        + cy[here] * x[here - row]
        + cy[here + row] * x[here + row]
        + cx[here] * x[here - ONE_ON]
        + cx[here + ONE_ON] * x[here + ONE_ON]
    )


@kernel(2)
def sweep(n, shapes, weights, add, blocks, charge, diffusion, u, x):
    w1, w2 = weights
    g, ratio, psi, salt = blocks
    u1, u3 = u
    x1, x3 = x
    keep = ONE + w2 * (ONE - w1) / w1
    _, rows, columns = shapes[0]
    i0, j0, k0 = cuda.grid(3)
    di, dj, dk = cuda.gridsize(3)
    row, plane = unsigned(columns), unsigned(rows * columns)
    for k in range(k0 + 1, n + 1, dk):
        for j in range(j0 + 1, rows - 1, dj):
            for i in range(i0 + 1, columns - 1, di):
                here = unsigned((k * rows + j) * columns + i)
                s1 = neighbors(u1, charge, here, row, plane)
                s3 = neighbors(u3, diffusion, here, row, plane)
                v1 = psi[here] * (s1 - ratio[here] * s3)
                v3 = salt[here] * (s3 - g[here] * v1)
                v1, v3 = keep * u1[here] + w2 * v1, keep * u3[here] + w2 * v3
                x1[here] = x1[here] + v1 if add else v1
                x3[here] = x3[here] + v3 if add else v3
