"""BiCGStab(2) for three fields in float32, with a preconditioner on the right.

Nine vectors whatever the number of iterations. Two steps of bi-orthogonal directions are followed
by one minimization of the residual over the plane of both, which follows the complex eigenvalues
of salt that drifts with the current; single steps break down where salt is used up.
"""

import numpy as np

from analysis.electrochemistry.resolved.linear_solver.loans import Loans
from analysis.electrochemistry.transport import vectors
from analysis.electrochemistry.transport.stencil import kernel

FAR_BEHIND = 1e4  # residual over the first one at which a search is given up


class Workspace:
    """
    Vectors of three padded fields.

    `r` takes the right-hand side, `x` the solution. `scratch` is free while the preconditioner
    of a search runs. `between` lends vectors outside of searches; a search begins when all of them
    are back.
    """

    def __init__(self, shape):
        self.shape = shape
        self.r, self.r1, self.r2, self.u, self.u1, self.u2, self.shadow, self.y, self.x = (
            self.vector() for _ in range(9)
        )
        self.scratch = self.r2
        self.between = Loans((*self.u, *self.r2, self.y[0]))

    def vector(self):
        """Three padded fields of zeros."""
        return tuple(np.zeros(tuple(n + 2 for n in self.shape), np.float32) for _ in range(3))


def bicgstab(work, apply, precondition, pool, *, rtol, max_cycles, weights=(1.0, 1.0, 1.0)):
    """
    Solve ``A x = b`` approximately, with `b` in ``work.r`` on entry and x in ``work.x`` on exit.

    Parameters
    ----------
    work : Workspace
        Vectors; all are overwritten.
    apply : callable
        ``apply(x, y)`` writes ``y = A x``.
    precondition : callable
        ``precondition(b, x)`` writes an approximate solution; it must be linear.
    pool : ThreadPool
        Threads.
    rtol : float
        Residual relative to `b`.
    max_cycles : int
        Applications of the preconditioner after which no further four are begun.
    weights : tuple of float or padded ndarray
        Positive weights of the rows of each field in the inner product. Fields whose
        coefficients differ by orders of magnitude need them: the residual would else be that of
        a few rows of the best conductor, and say nothing of the rest.

    Returns
    -------
    cycles : int
        Applications of the preconditioner.
    residual : float
        Relative residual reached, in the weighted norm; one, and x zero, if the search failed.

    References
    ----------
    .. [1] Sleijpen, Fokkema, Electron. Trans. Numer. Anal. 1, 11 (1993).
    """
    work.between.check_returned()
    nz, size = work.r[0].shape[0] - 2, work.r[0].size
    residuals, directions = (work.r, work.r1, work.r2), (work.u, work.u1, work.u2)
    shadow, y, x = work.shadow, work.y, work.x
    cycles = 0

    def run(function, factors, *vectors):
        factors = [np.float32(factor) for factor in factors]
        for parts in zip(*vectors, strict=True):
            pool.run(function, size, nz, *factors, *parts)

    def dot(a, b):
        total = 0.0
        for u, v, weight in zip(a, b, weights, strict=True):
            if np.ndim(weight):
                total += pool.run(vectors.dot_weighted, size, nz, u, v, weight)
            else:
                total += weight * pool.run(vectors.dot, size, nz, u, v)
        return total

    def image(vector, out):
        nonlocal cycles
        precondition(vector, x)
        apply(x, out)
        cycles += 1

    norm = scale = np.sqrt(dot(work.r, work.r))
    for part in (*x, *y, *work.u):
        pool.run(vectors.clear, size, nz, part)
    if not scale > 0:
        return 0, 0.0
    run(copy, (), work.r, shadow)
    rho, alpha, omega = 1.0, 0.0, 1.0
    while norm > rtol * scale and cycles < max_cycles:
        rho *= -omega
        for j in (0, 1):
            new = dot(residuals[j], shadow)
            if rho == 0 or not np.isfinite(new):
                break
            beta, rho = alpha * new / rho, new
            for i in range(j + 1):
                run(vectors.aypx, (-beta,), residuals[i], directions[i])
            image(directions[j], directions[j + 1])
            down = dot(directions[j + 1], shadow)
            if down == 0 or not np.isfinite(down):
                break
            alpha = rho / down
            for i in range(j + 1):
                run(vectors.update_solution, (-alpha,), directions[i + 1], residuals[i])
            run(vectors.update_solution, (alpha,), work.u, y)
            norm = np.sqrt(dot(work.r, work.r))
            if norm <= rtol * scale:
                break
            image(residuals[j], residuals[j + 1])
        else:
            first, second = _least_residual(dot, *residuals)
            run(add_two, (-first, -second), work.u1, work.u2, work.u)
            run(add_two, (first, second), work.r, work.r1, y)
            run(add_two, (-first, -second), work.r1, work.r2, work.r)
            omega = second
            norm = np.sqrt(dot(work.r, work.r))
            if np.isfinite(norm) and norm < FAR_BEHIND * scale:
                continue
        break
    if not norm < scale:
        for part in x:
            part[:] = 0
        return cycles, 1.0
    precondition(y, x)
    return cycles, float(norm / scale)


def _least_residual(dot, r, r1, r2):
    """Factors that make ``r - first r1 - second r2`` shortest."""
    aa, ab, bb, ar, br = dot(r1, r1), dot(r1, r2), dot(r2, r2), dot(r1, r), dot(r2, r)
    determinant = aa * bb - ab * ab
    if not determinant > 1e-12 * aa * bb:  # the plane is a line
        return (ar / aa if aa > 0 else 0.0), 0.0
    return (ar * bb - br * ab) / determinant, (br * aa - ar * ab) / determinant


@kernel
def copy(start, stop, x, y):
    """Write ``y = x``."""
    for k in range(start + 1, stop + 1):
        for j in range(1, x.shape[1] - 1):
            u, v = x[k, j], y[k, j]
            for i in range(1, x.shape[2] - 1):
                v[i] = u[i]


@kernel
def add_two(start, stop, a, b, x, y, z):
    """Write ``z += a x + b y``."""
    for k in range(start + 1, stop + 1):
        for j in range(1, x.shape[1] - 1):
            u, v, w = x[k, j], y[k, j], z[k, j]
            for i in range(1, x.shape[2] - 1):
                w[i] += a * u[i] + b * v[i]
