"""BiCGStab for three fields in float32, with a preconditioner on the right.

Eight vectors whatever the number of iterations. The residual of BiCGStab may jump by orders of
magnitude; the best iterate is kept, and the search given up once it is far behind.
"""

import numpy as np

from analysis.electrochemistry import _stencil
from analysis.electrochemistry._stencil import kernel

FAR_BEHIND = 20.0  # residual over the smallest one at which a search is given up


class Workspace:
    """Vectors of three padded fields."""

    def __init__(self, shape):
        self.shape = shape
        self.r, self.x, self.z, self.t = (self.vector() for _ in range(4))
        self.shadow, self.p, self.v, self.best = (self.vector() for _ in range(4))

    def vector(self):
        """Three padded fields of zeros."""
        return tuple(np.zeros(tuple(n + 2 for n in self.shape), np.float32) for _ in range(3))


def bicgstab(work, apply, precondition, team, *, rtol, max_cycles):
    """
    Solve ``A x = b`` approximately, with `b` in ``work.r`` on entry and x in ``work.x`` on exit.

    Parameters
    ----------
    work : Workspace
        Vectors; all are overwritten. ``work.t`` is free whenever `precondition` runs.
    apply : callable
        ``apply(x, y)`` writes ``y = A x``.
    precondition : callable
        ``precondition(b, x)`` writes an approximate solution; it must be linear.
    team : Team
        Threads.
    rtol : float
        Residual relative to `b`.
    max_cycles : int
        Largest number of preconditioner applications.

    Returns
    -------
    cycles : int
        Applications of the preconditioner.
    residual : float
        Relative residual reached.
    """
    nz = work.r[0].shape[0] - 2
    size = work.r[0].size

    def run(function, *args):
        for parts in zip(*args, strict=True):
            team.run(function, size, nz, *parts)

    def dot(a, b):
        return sum(team.run(_stencil.dot, size, nz, u, v) for u, v in zip(a, b, strict=True))

    def constant(value):
        return (np.float32(value),) * 3

    r, x, z, t, shadow, p, v = (
        *(work.r, work.x, work.z, work.t),
        *(work.shadow, work.p, work.v),
    )
    for part in x:
        part[:] = 0
    norm = scale = np.sqrt(dot(r, r))
    if not scale > 0:
        return 0, 0.0
    run(copy, r, shadow)
    run(copy, r, p)
    rho = scale**2
    cycles, least = 0, norm
    run(copy, x, work.best)
    while norm > rtol * scale and cycles < max_cycles and norm < FAR_BEHIND * least:
        precondition(p, z)
        apply(z, v)
        cycles += 1
        down = dot(shadow, v)
        if down == 0 or not np.isfinite(down):
            break
        alpha = rho / down
        run(_stencil.axpy_dot, constant(-alpha), v, r)
        run(_stencil.update_solution, constant(alpha), z, x)
        norm = np.sqrt(dot(r, r))
        if norm <= rtol * scale or cycles >= max_cycles:
            break
        precondition(r, z)
        apply(z, t)
        cycles += 1
        length = dot(t, t)
        omega = dot(t, r) / length if length > 0 else 0.0
        run(_stencil.update_solution, constant(omega), z, x)
        run(_stencil.axpy_dot, constant(-omega), t, r)
        norm = np.sqrt(dot(r, r))
        new = dot(shadow, r)
        if omega == 0 or new == 0 or not np.isfinite(norm):
            break
        if norm < least:
            least = norm
            run(copy, x, work.best)
        beta = new / rho * alpha / omega
        rho = new
        run(direction, constant(beta), constant(omega), r, v, p)
    if not norm <= least:
        run(copy, work.best, x)
        norm = least
    return cycles, float(norm / scale)


@kernel
def copy(start, stop, x, y):
    """Write ``y = x``."""
    for k in range(start + 1, stop + 1):
        for j in range(1, x.shape[1] - 1):
            u, v = x[k, j], y[k, j]
            for i in range(1, x.shape[2] - 1):
                v[i] = u[i]


@kernel
def direction(start, stop, beta, omega, r, v, p):
    """Write ``p = r + beta (p - omega v)``."""
    for k in range(start + 1, stop + 1):
        for j in range(1, r.shape[1] - 1):
            a, b, c = r[k, j], v[k, j], p[k, j]
            for i in range(1, r.shape[2] - 1):
                c[i] = a[i] + beta * (c[i] - omega * b[i])
