"""Conjugate residuals on a card.

Kernels of :mod:`analysis.electrochemistry.resolved.linear_solver.conjugate_residuals`.
"""

import numpy as np
from numba import cuda

from analysis.electrochemistry.transport.cuda.launch import kernel, unsigned, write_first


@kernel(0, over="slices")
def inner_products(n, shapes, q, r, first, second, sums):
    _, rows, columns = shapes[0]
    for k in range(cuda.blockIdx.x + 1, n + 1, cuda.gridDim.x):
        qq, qr, qa, qb = np.float64(0.0), np.float64(0.0), np.float64(0.0), np.float64(0.0)
        for j in range(cuda.threadIdx.y + 1, rows - 1, cuda.blockDim.y):
            for i in range(cuda.threadIdx.x + 1, columns - 1, cuda.blockDim.x):
                here = unsigned((k * rows + j) * columns + i)
                u = q[here]
                qq += u * u
                qr += u * r[here]
                qa += u * first[here]
                qb += u * second[here]
        write_first(qq, sums, 4 * (k - 1))
        write_first(qr, sums, 4 * (k - 1) + 1)
        write_first(qa, sums, 4 * (k - 1) + 2)
        write_first(qb, sums, 4 * (k - 1) + 3)


@kernel(0, over="slices")
def weighted_products(n, shapes, q, r, first, second, weight, sums):
    _, rows, columns = shapes[0]
    for k in range(cuda.blockIdx.x + 1, n + 1, cuda.gridDim.x):
        qq, qr, qa, qb = np.float64(0.0), np.float64(0.0), np.float64(0.0), np.float64(0.0)
        for j in range(cuda.threadIdx.y + 1, rows - 1, cuda.blockDim.y):
            for i in range(cuda.threadIdx.x + 1, columns - 1, cuda.blockDim.x):
                here = unsigned((k * rows + j) * columns + i)
                u = q[here]
                scaled = weight[here] * u
                qq += scaled * u
                qr += scaled * r[here]
                qa += scaled * first[here]
                qb += scaled * second[here]
        write_first(qq, sums, 4 * (k - 1))
        write_first(qr, sums, 4 * (k - 1) + 1)
        write_first(qa, sums, 4 * (k - 1) + 2)
        write_first(qb, sums, 4 * (k - 1) + 3)


@kernel(3, over="numbers")
def step(n, shapes, f1, f2, alpha, solutions, images):
    s, s1, s2, x = solutions
    q, q1, q2, r = images
    for i in range(cuda.grid(1), s.shape[0], cuda.gridsize(1)):
        value = s[i] - f1 * s1[i] - f2 * s2[i]
        s[i] = value
        x[i] += alpha * value
        value = q[i] - f1 * q1[i] - f2 * q2[i]
        q[i] = value
        r[i] -= alpha * value
