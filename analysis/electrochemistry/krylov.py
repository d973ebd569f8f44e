"""Restarted GMRES for three fields in float32, with a preconditioner on the right.

BiCGStab would need fewer vectors, but in float32 its residual jumps by orders of magnitude where
islands of binder float in badly conducting active material; GMRES never gets worse.
"""

import numpy as np

from analysis.electrochemistry import _stencil
from analysis.electrochemistry._stencil import kernel

RESTART = 16


class Workspace:
    """Vectors of three padded fields; those of the basis are allocated when first needed."""

    def __init__(self, shape):
        self.shape = shape
        self.r, self.v, self.t, self.z, self.x = (self.vector() for _ in range(5))
        self.basis = []

    def vector(self):
        """Three padded fields of zeros."""
        return tuple(np.zeros(tuple(n + 2 for n in self.shape), np.float32) for _ in range(3))


def gmres(work, apply, precondition, team, *, rtol, max_cycles):
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
        return team.run(function, size, nz, *args)

    def dot(a, b):
        return sum(run(_stencil.dot, u, v) for u, v in zip(a, b, strict=True))

    def add(alpha, a, b):
        for u, v in zip(a, b, strict=True):
            run(axpy, np.float32(alpha), u, v)

    for part in work.x:
        part[:] = 0
    scale = norm = np.sqrt(dot(work.r, work.r))
    cycles = 0
    while cycles < max_cycles and norm > rtol * scale:
        length = min(RESTART, max_cycles - cycles)
        hessenberg = np.zeros((length + 1, length))
        target = np.zeros(length + 1)
        target[0] = norm
        _basis(work, 0)
        for source, unit in zip(work.r, work.basis[0], strict=True):
            run(scaled, np.float32(1 / norm), source, unit)
        used = 0
        for j in range(length):
            precondition(work.basis[j], work.z)
            fresh = _basis(work, j + 1)
            apply(work.z, fresh)
            cycles += 1
            for i in range(j + 1):
                hessenberg[i, j] = dot(work.basis[i], fresh)
                add(-hessenberg[i, j], work.basis[i], fresh)
            height = np.sqrt(dot(fresh, fresh))
            hessenberg[j + 1, j] = height
            used = j + 1
            weights, *_ = np.linalg.lstsq(hessenberg[: j + 2, : j + 1], target[: j + 2], rcond=None)
            rest = target[: j + 2] - hessenberg[: j + 2, : j + 1] @ weights
            if height == 0 or np.linalg.norm(rest) <= rtol * scale:
                break
            for part in fresh:
                run(scaled, np.float32(1 / height), part, part)
        # the correction M^-1 (V w), and what is left of the residual: r - V H w
        for part in work.v:
            part[:] = 0
        for i in range(used):
            add(weights[i], work.basis[i], work.v)
        precondition(work.v, work.z)
        add(1.0, work.z, work.x)
        norm = float(np.linalg.norm(rest))
        if norm <= rtol * scale or cycles >= max_cycles or height == 0:
            break
        apply(work.z, work.v)
        add(-1.0, work.v, work.r)
        norm = np.sqrt(dot(work.r, work.r))
    return cycles, float(norm / scale) if scale > 0 else 0.0


def _basis(work, n):
    while len(work.basis) <= n:
        work.basis.append(work.vector())
    return work.basis[n]


@kernel
def scaled(start, stop, alpha, x, y):
    """Write ``y = alpha x``."""
    for k in range(start + 1, stop + 1):
        for j in range(1, x.shape[1] - 1):
            u, v = x[k, j], y[k, j]
            for i in range(1, x.shape[2] - 1):
                v[i] = alpha * u[i]


@kernel
def axpy(start, stop, alpha, x, y):
    """Write ``y += alpha x``."""
    for k in range(start + 1, stop + 1):
        for j in range(1, x.shape[1] - 1):
            u, v = x[k, j], y[k, j]
            for i in range(1, x.shape[2] - 1):
                v[i] += alpha * u[i]
