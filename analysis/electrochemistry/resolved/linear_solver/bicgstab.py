"""BiCGStab(2) for three fields in float32: where conjugate residuals do not get on.

Badly conducting cells take high potentials from a current that hardly shows in their rows; on the
way to them the residual must grow, which a method of least residuals refuses. Two steps of
bi-orthogonal directions are followed by one minimization of the residual over the plane of both,
which follows the complex eigenvalues of salt that drifts with the current.
"""

import numpy as np

from analysis.electrochemistry.transport import vectors
from analysis.electrochemistry.transport.stencil import kernel

FAR_BEHIND = 1e4  # residual over the first one at which a search is given up


def bicgstab(work, apply, precondition, pool, *, rtol, max_cycles, weights=(1.0, 1.0, 1.0)):
    """
    Go on from ``work.x``, whose residual is in ``work.r``, and leave the better one in ``work.x``.

    Parameters
    ----------
    work : Workspace
        Vectors; all are overwritten.
    apply : callable
        ``apply(x, y)`` writes ``y = A x``.
    precondition : callable
        ``precondition(b, x, scratch)`` writes an approximate solution; it must be linear.
    pool : ThreadPool
        Threads.
    rtol : float
        Residual relative to that on entry.
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
        Relative residual reached, in the weighted norm; one, and x as it was, if it failed.

    References
    ----------
    .. [1] Sleijpen, Fokkema, Electron. Trans. Numer. Anal. 1, 11 (1993).
    """
    work.between.check_returned()
    nz, size = work.r[0].shape[0] - 2, work.r[0].size
    (u, u1), (u2, r1), (r2, x) = work.directions
    residuals, directions = (work.r, r1, r2), (u, u1, u2)
    shadow, y, scratch = work.three_more()
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
        precondition(vector, x, scratch)
        apply(x, out)
        cycles += 1

    norm = scale = np.sqrt(dot(work.r, work.r))
    for part in (*x, *y, *u):
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
            run(vectors.update_solution, (alpha,), u, y)
            norm = np.sqrt(dot(work.r, work.r))
            if norm <= rtol * scale:
                break
            image(residuals[j], residuals[j + 1])
        else:
            first, second = _least_residual(dot, *residuals)
            run(add_two, (-first, -second), u1, u2, u)
            run(add_two, (first, second), work.r, r1, y)
            run(add_two, (-first, -second), r1, r2, work.r)
            omega = second
            norm = np.sqrt(dot(work.r, work.r))
            if np.isfinite(norm) and norm < FAR_BEHIND * scale:
                continue
        break
    if not norm < scale:
        return cycles, 1.0
    precondition(y, x, scratch)
    run(vectors.update_solution, (1.0,), x, work.x)
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
