"""Geometric multigrid on voxels: a float32 preconditioner for any contrast of conductivities.

Cells form aggregates of 2 x 2 x 2 (piecewise constant interpolation), face conductances
are summed and scaled with the ratio of the distances between centers. Slices thicker than
wide, as in a stretched separator, wait: only rows and columns form pairs until the cells are
about cubic. One V-cycle uses two Chebyshev-Jacobi sweeps before and after the coarse
correction, each pair fused into one pass over memory, which is what the solver is bound by.
Piecewise constants correct smooth errors by too little at each level. On large grids the big coarse
levels may be visited twice per cycle (a W-cycle at the top, a V-cycle below): a seventh more
work, and half of the cycles.

:mod:`.coarsening` has the aggregates, :mod:`.hierarchy` the levels and the cycle; here are the
conjugate gradients that it preconditions.
"""

from dataclasses import dataclass

import numpy as np

from analysis.electrochemistry.transport import fields, stencil, vectors
from analysis.electrochemistry.transport.coarsening import COARSEST, Coarsening, plan_coarsening
from analysis.electrochemistry.transport.hierarchy import (
    SWEEPS,
    Hierarchy,
    Level,
    dense_inverse,
    dense_matrix,
    padded,
    padded_shape,
)
from analysis.electrochemistry.transport.threads import ThreadPool

__all__ = [
    "COARSEST",
    "SWEEPS",
    "Coarsening",
    "ConvergenceError",
    "Hierarchy",
    "Level",
    "Solution",
    "build",
    "dense_inverse",
    "dense_matrix",
    "padded",
    "padded_shape",
    "plan_coarsening",
    "solve",
]

MAX_CYCLES = 5000
LEAK = 1e-3  # largest residual over the current that passes
SAFETY = 20.0  # in the estimate of the error, since the Ritz value bounds from the wrong side


class ConvergenceError(RuntimeError):
    """A linear system was not solved to the accuracy asked for; nothing may be read off it."""


@dataclass(frozen=True)
class Solution:
    """What :func:`solve` did."""

    iterations: int
    residual: float  # relative to that of x = 0, computed in float64
    energy_error: float  # estimate, relative to the energy that counts
    converged: bool
    history: tuple


def solve(hierarchy, b, x, *, rtol=1e-6, max_iterations=MAX_CYCLES, energy=None, strict=True):
    """
    Conjugate gradients with the V-cycle as preconditioner; corrections in float32.

    The residual is recomputed from the float64 solution whenever it has dropped by a factor of
    3000, so that float32 vectors do not limit the accuracy.

    Parameters
    ----------
    hierarchy : Hierarchy
        Rebuilt for the operator.
    b : padded ndarray of float
        Right-hand side.
    x : padded ndarray of float64
        Start value; overwritten with the solution.
    rtol : float
        Residual relative to that of x = 0, at which the error is looked at first; and largest
        error in energy, relative to `energy`.
    max_iterations : int
        Bound on the V-cycles.
    energy : callable, optional
        ``energy(x)``, to which the error is compared; by default ``x . b``. Give the dissipated
        power at unit voltage, which is the current that passes, where that is far smaller than
        what enters dead ends; the residual is then compared to it as well.
    strict : bool
        Whether a solution that is not converged is an error; if not, look at ``converged``.

    Returns
    -------
    solution : Solution
        Iterations, and the residual and the error reached.

    Raises
    ------
    ConvergenceError
        If the error in energy is above `rtol` when rounding lets the residual fall no further,
        or after `max_iterations`; or if the numbers overflow.

    Notes
    -----
    A small residual is no small error: along a path that is long and thin, the potential moves a
    few voxels per iteration while the residual is already small. The error in energy is
    ``r . A^-1 r``, at most ``r . M r`` over the smallest eigenvalue of the preconditioned operator
    ``M A``; the coefficients of the iteration are those of a Lanczos process [1]_ and give both.
    The eigenvalue is estimated from above, so the estimate is no strict bound, even with the factor
    of `SAFETY` in it. It does not see the rounding of the conductances to float32 either, which
    moved the values of hard volumes (contrasts of 1e6 and more) by up to 4e-7.

    References
    ----------
    .. [1] G. Meurant, P. Tichý, Acta Numerica 33 (2024), 1-118. :doi:`10.1017/S0962492923000011`
    """
    fine, pool = hierarchy.levels[0], hierarchy.pool
    nz, size = fine.shape[0], fine.size
    operator = (fine.faces, fine.e, fine.with_e)
    r, z, p, ap = (pool.zeros(fine.cz.shape) for _ in range(4))
    run = pool.run
    scale = np.sqrt(run(stencil.defect, size, nz, pool.zeros(x.shape, float), b, *operator, r))
    history = []
    if scale == 0:
        run(vectors.clear, size, nz, x)
        return Solution(0, 0.0, 0.0, True, ())
    iterations, before, error, lowest, reach, wanted, rz = 0, np.inf, np.inf, 1.0, 3e3, rtol, 0.0
    while True:
        norm = np.sqrt(run(stencil.defect, size, nz, x, b, *operator, r))
        history.append(norm / scale)
        finite = np.isfinite(norm)
        stalled = not norm <= 0.5 * before  # rounding
        ended = stalled or not finite or iterations >= max_iterations
        if norm <= wanted * scale or ended:
            whole = float(energy(x)) if energy else pool.whole(fields.energy, x, b)
            known = finite and iterations and whole > 0 and rz > 0
            error = SAFETY * rz / lowest / whole if known else np.inf
            leak = norm / (LEAK * whole) if energy and whole > 0 else 0.0
            if norm == 0 or (error <= rtol and leak <= 1):
                return Solution(iterations, norm / scale, float(error), True, tuple(history))
            if ended and (not stalled or reach < 100 or iterations >= max_iterations):
                break
            if stalled:
                reach = 30.0
            missing = max(np.sqrt(error / rtol), leak) if iterations else 2.0
            wanted = norm / scale / min(max(2.0, missing), reach)
        before = norm
        goal = max(0.5 * wanted * scale, norm / reach)
        old, alphas, betas = 0.0, [], []
        while norm > goal and iterations < max_iterations:
            hierarchy.cycle(r, z, ap)  # which holds nothing of use between two products
            rz = run(vectors.dot, size, nz, r, z)
            if not rz > 0:  # rounding, or coarse levels that correct a thin path by too much
                hierarchy.visit_once()
                break
            run(vectors.aypx, size, nz, np.float32(rz / old if old else 0.0), z, p)
            betas.append(rz / old if old else 0.0)
            old = rz
            pap = run(stencil.apply, size, nz, p, *operator, ap)
            if not pap > 0:
                break
            alpha = np.float32(rz / pap)
            alphas.append(rz / pap)
            run(vectors.update_solution, size, nz, alpha, p, x)
            norm = np.sqrt(run(vectors.axpy_dot, size, nz, -alpha, ap, r))
            iterations += 1
            history.append(norm / scale)
        lowest = min(lowest, _lowest_ritz_value(alphas, betas))
    solution = Solution(iterations, norm / scale, float(error), False, tuple(history))
    if strict:
        raise ConvergenceError(
            f"The linear system is not solved: the error is about {error:.1e} of the value after "
            f"{iterations} iterations (relative residual {norm / scale:.1e}); {rtol:.1e} was asked "
            "for. A contrast of many orders of magnitude, or paths of a single voxel through a "
            "large volume, are hard to solve for: set what hardly conducts to zero, or allow a "
            "larger rtol."
        )
    return solution


def _lowest_ritz_value(alphas, betas):
    """Estimate of the smallest eigenvalue of the preconditioned operator, from above."""
    from scipy.linalg import eigvalsh_tridiagonal

    a, b = np.array(alphas), np.array(betas[: len(alphas)])
    if not a.size:
        return np.inf
    diagonal = 1 / a
    diagonal[1:] += b[1:] / a[:-1]
    beside = np.sqrt(b[1:]) / a[:-1]
    values = eigvalsh_tridiagonal(diagonal, beside, select="i", select_range=(0, 0))
    return max(float(values[0]), np.finfo(np.float32).eps)


def build(cz, cy, cx, e=None, *, heights=None, pool=None, revisit=None):
    """A :class:`Hierarchy` for padded face arrays, planned and computed."""
    shape = tuple(n - 2 for n in cz.shape)
    heights = np.ones(shape[0]) if heights is None else heights
    hierarchy = Hierarchy(plan_coarsening(shape, heights), pool or ThreadPool(), revisit)
    hierarchy.rebuild(cz, cy, cx, e)
    return hierarchy
