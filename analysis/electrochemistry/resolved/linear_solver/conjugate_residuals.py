"""Generalized conjugate residuals for three fields in float32, preconditioned on the right.

Each cycle of the preconditioner gives one direction. Its image is made orthogonal to those of the
two directions before, and the step along it makes the residual as small as it can be. The operator
is nearly symmetric, so that a few earlier directions do for all: a step near the end of a
lithiation took 36 cycles with one, 27 with three. The solution grows from what the preconditioner
gave, so that, unlike in methods of Lanczos' kind, no further cycle is needed at the end.
"""

import numpy as np

from analysis.electrochemistry.resolved.linear_solver.loans import Loans
from analysis.electrochemistry.transport import vectors
from analysis.electrochemistry.transport.stencil import kernel
from analysis.electrochemistry.transport.threads import ThreadPool

KEPT = 2  # earlier directions
ROUNDING = 1e-4  # of sums of float32 products, at which the square of the residual is summed anew
MOST_PARALLEL = 0.999  # share of an image along earlier ones that one pass removes well enough
SLOW = ((2, 0.95), (15, 0.7))  # cycles that leave more than this share are not worth going on


class Workspace:
    """
    Vectors of three padded fields.

    `r` takes the right-hand side, `x` the solution. `between` lends the vectors of the directions
    outside of searches; a search begins when all of them are back.
    """

    def __init__(self, shape, pool=None):
        self.shape, self.pool = shape, pool or ThreadPool(1)
        self.sums = self.pool.zeros((shape[0], 4), float)  # products of each slice
        self.r, self.x = self.vector(), self.vector()
        self.directions = tuple((self.vector(), self.vector()) for _ in range(KEPT + 1))
        self._more = None
        self.between = Loans([field for pair in self.directions for part in pair for field in part])

    def three_more(self):
        """Further vectors for :mod:`bicgstab`, made when it is needed for the first time."""
        if self._more is None:
            self._more = tuple(self.vector() for _ in range(3))
        return self._more

    def vector(self):
        """Three padded fields of zeros."""
        shape = tuple(n + 2 for n in self.shape)
        return tuple(self.pool.zeros(shape) for _ in range(3))


def conjugate_residuals(
    work, apply, precondition, pool, *, rtol, max_cycles, weights=(1.0, 1.0, 1.0)
):
    """
    Solve ``A x = b`` approximately, with `b` in ``work.r`` on entry and x in ``work.x`` on exit.

    Parameters
    ----------
    work : Workspace
        Vectors; all are overwritten.
    apply : callable
        ``apply(x, y)`` writes ``y = A x``.
    precondition : callable
        ``precondition(b, x, scratch)`` writes an approximate solution; `scratch` is free for it.
    pool : ThreadPool
        Threads.
    rtol : float
        Residual relative to `b`.
    max_cycles : int
        Applications of the preconditioner at most.
    weights : tuple of float or padded ndarray
        Positive weights of the rows of each field in the inner product. Fields whose
        coefficients differ by orders of magnitude need them: the residual would else be that of
        a few rows of the best conductor, and say nothing of the rest.

    Returns
    -------
    cycles : int
        Applications of the preconditioner.
    residual : float
        Relative residual reached, in the weighted norm. It is above `rtol` if cycles brought too
        little, as where the residual must grow on the way: see :mod:`bicgstab`.

    References
    ----------
    .. [1] Eisenstat, Elman, Schultz, SIAM J. Numer. Anal. 20, 345 (1983).
    """
    work.between.check_returned()
    nz, size = work.r[0].shape[0] - 2, work.r[0].size
    for part in work.x:
        pool.run(vectors.clear, size, nz, part)

    def products(one, *others):
        """Inner products of a vector with itself and three others."""
        total = np.zeros(4)
        for *fields, weight in zip(one, *others, weights, strict=True):
            if np.ndim(weight):
                pool.run(weighted_products, size, nz, *fields, weight, work.sums)
                total += pool.get(work.sums).sum(axis=0)
            else:
                pool.run(inner_products, size, nz, *fields, work.sums)
                total += weight * pool.get(work.sums).sum(axis=0)
        return total

    def go(factors, alpha, new, earlier):
        """Make a direction conjugate, and go along it."""
        numbers = [np.float32(value) for value in (*factors, alpha)]
        (direction, image), (d1, i1), (d2, i2) = new, *earlier
        for fields in zip(direction, d1, d2, work.x, image, i1, i2, work.r, strict=True):
            pool.run(step, size, nz, *numbers, fields[:4], fields[4:])

    left = scale = products(work.r, work.r, work.r, work.r)[0]
    kept = []  # direction, image and its square, the last one first
    history = [left]
    for cycle in range(max_cycles):
        slow = any(n <= cycle and left > share**2 * history[-1 - n] for n, share in SLOW)
        if slow or not left > rtol**2 * scale:
            break
        direction, image = new = work.directions[cycle % (KEPT + 1)]
        precondition(work.r, direction, image)
        apply(direction, image)
        earlier = [pair for pair, _ in kept] + [new] * (KEPT - len(kept))
        for again in (True, True, False):
            square, along, *shares = products(image, work.r, *(old for _, old in earlier))
            factors = [share / norm for share, (_, norm) in zip(shares, kept, strict=False)]
            parallel = sum(f * f * norm for f, (_, norm) in zip(factors, kept, strict=True))
            factors += [0.0] * (KEPT - len(kept))
            if not again or parallel < MOST_PARALLEL * square:
                break
            go(factors, 0.0, new, earlier)  # what is left is small beside rounding: once more
        square -= parallel
        if not (square > 0 and np.isfinite(square)):
            break
        alpha = along / square
        left -= alpha * along
        go(factors, alpha, new, earlier)
        if left < ROUNDING * max(history):
            left = products(work.r, work.r, work.r, work.r)[0]
        history.append(left)
        kept = [(new, square), *kept][:KEPT]
    return len(history) - 1, float(np.sqrt(max(left, 0.0) / scale)) if scale > 0 else 0.0


def residual_norm(r, pool, weights):
    """Norm of a residual in three fields, with the weights of :func:`conjugate_residuals`."""
    nz, size, total = r[0].shape[0] - 2, r[0].size, 0.0
    for part, weight in zip(r, weights, strict=True):
        if np.ndim(weight):
            total += pool.run(vectors.dot_weighted, size, nz, part, part, weight)
        else:
            total += weight * pool.run(vectors.dot, size, nz, part, part)
    return float(np.sqrt(total))


@kernel
def inner_products(start, stop, q, r, first, second, sums):
    """Products of q with itself and the others, by slice; in float64 between rows."""
    for k in range(start + 1, stop + 1):
        total = sums[k - 1]
        total[:] = 0
        for j in range(1, q.shape[1] - 1):
            u, v, a, b = q[k, j], r[k, j], first[k, j], second[k, j]
            uu, uv, ua, ub = np.float32(0), np.float32(0), np.float32(0), np.float32(0)
            for i in range(1, q.shape[2] - 1):
                uu += u[i] * u[i]
                uv += u[i] * v[i]
                ua += u[i] * a[i]
                ub += u[i] * b[i]
            total[0] += uu
            total[1] += uv
            total[2] += ua
            total[3] += ub


@kernel
def weighted_products(start, stop, q, r, first, second, weight, sums):
    """The same with a weight for each row."""
    for k in range(start + 1, stop + 1):
        total = sums[k - 1]
        total[:] = 0
        for j in range(1, q.shape[1] - 1):
            u, v, a, b, w = q[k, j], r[k, j], first[k, j], second[k, j], weight[k, j]
            uu, uv, ua, ub = np.float32(0), np.float32(0), np.float32(0), np.float32(0)
            for i in range(1, q.shape[2] - 1):
                scaled = w[i] * u[i]
                uu += scaled * u[i]
                uv += scaled * v[i]
                ua += scaled * a[i]
                ub += scaled * b[i]
            total[0] += uu
            total[1] += uv
            total[2] += ua
            total[3] += ub


@kernel
def step(start, stop, f1, f2, alpha, solutions, images):
    """
    Make a direction conjugate to two others, and go along it.

    `solutions` are the direction, two others and x, `images` their images and the residual.
    """
    s, s1, s2, x = solutions
    q, q1, q2, r = images
    for k in range(start + 1, stop + 1):
        for j in range(1, s.shape[1] - 1):
            u, u1, u2, o = s[k, j], s1[k, j], s2[k, j], x[k, j]
            for i in range(1, s.shape[2] - 1):
                value = u[i] - f1 * u1[i] - f2 * u2[i]
                u[i] = value
                o[i] += alpha * value
            u, u1, u2, o = q[k, j], q1[k, j], q2[k, j], r[k, j]
            for i in range(1, s.shape[2] - 1):
                value = u[i] - f1 * u1[i] - f2 * u2[i]
                u[i] = value
                o[i] -= alpha * value
