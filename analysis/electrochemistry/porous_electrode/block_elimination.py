"""Direct solution of block-tridiagonal systems of 3 x 3 blocks, compiled."""

import numpy as np
from numba import njit

TINY = 1e-300  # a smaller pivot is none


@njit(cache=True)
def invert_into(A, B, n_columns):
    """Solve the 3 x 3 system A X = B in place of B, with row pivoting; A is destroyed."""
    for k in range(3):
        p = k
        for r in range(k + 1, 3):
            if abs(A[r, k]) > abs(A[p, k]):
                p = r
        if abs(A[p, k]) < TINY:
            return False
        if p != k:
            for j in range(3):
                A[k, j], A[p, j] = A[p, j], A[k, j]
            for j in range(n_columns):
                B[k, j], B[p, j] = B[p, j], B[k, j]
        for r in range(k + 1, 3):
            f = A[r, k] / A[k, k]
            for j in range(k, 3):
                A[r, j] -= f * A[k, j]
            for j in range(n_columns):
                B[r, j] -= f * B[k, j]
    for j in range(n_columns):
        for k in range(2, -1, -1):
            s = B[k, j]
            for m in range(k + 1, 3):
                s -= A[k, m] * B[m, j]
            B[k, j] = s / A[k, k]
    return True


@njit(cache=True)
def eliminate(lower, diagonal, upper, rhs):
    """Block tridiagonal elimination (Thomas); the solution replaces `rhs`."""
    n = rhs.shape[0]
    A, B = np.empty((3, 3)), np.empty((3, 4))
    for k in range(n):
        A[:] = diagonal[k]
        B[:, :3] = upper[k]
        B[:, 3] = rhs[k]
        if k > 0:
            for i in range(3):
                for m in range(3):
                    a = lower[k, i, m]
                    if a != 0.0:
                        for j in range(3):
                            A[i, j] -= a * upper[k - 1, m, j]
                        B[i, 3] -= a * rhs[k - 1, m]
        if not invert_into(A, B, 4):
            return False
        upper[k] = B[:, :3]
        rhs[k] = B[:, 3]
    for k in range(n - 2, -1, -1):
        for i in range(3):
            for m in range(3):
                rhs[k, i] -= upper[k, i, m] * rhs[k + 1, m]
    return True
