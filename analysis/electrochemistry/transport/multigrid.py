"""Geometric multigrid on voxels: a float32 preconditioner for any contrast of conductivities.

Cells are joined 2 x 2 x 2 into aggregates (piecewise constant interpolation), face conductances
are summed and scaled with the ratio of the distances between centers. Slices thicker than
wide, as in a stretched separator, wait: only rows and columns are joined until the cells are
about cubic. One V-cycle uses two Chebyshev-Jacobi sweeps before and after the coarse
correction, each pair fused into one pass over memory, which is what the solver is bound by.
Piecewise constants correct smooth errors by too little at each level. On large grids the big coarse
levels may be visited twice per cycle (a W-cycle at the top, a V-cycle below): a seventh more
work, and half of the cycles.
"""

from dataclasses import dataclass

import numpy as np

from analysis.electrochemistry.transport import stencil as _stencil
from analysis.electrochemistry.transport.threads import Team

SWEEPS = (np.float32(0.57), np.float32(1.6))  # two Chebyshev weights for the upper spectrum of 2
COARSEST = 100  # cells; below, a dense inverse
MAX_CYCLES = 5000
LEAK = 1e-3  # largest residual over the current that passes
SAFETY = 20.0  # in the estimate of the error, since the Ritz value bounds from the wrong side


@dataclass
class Level:
    """Faces, storage and work arrays of one grid, all padded float32."""

    cz: np.ndarray
    cy: np.ndarray
    cx: np.ndarray
    e: np.ndarray  # storage or exchange on the diagonal; a (1, 1, 1) dummy if there is none
    with_e: bool
    dinv: np.ndarray
    x: np.ndarray | None = None
    b: np.ndarray | None = None
    x_again: np.ndarray | None = None  # for a second visit, if there is one
    b_again: np.ndarray | None = None

    @property
    def shape(self):
        """Number of cells ``(Z, Y, X)``."""
        return tuple(n - 2 for n in self.cz.shape)

    @property
    def size(self):
        """Number of cells."""
        return int(np.prod(self.shape))


@dataclass(frozen=True)
class Coarsening:
    """How the cells of one level are joined into those of the next."""

    first: np.ndarray  # (Zc + 1,) first fine slice of each coarse slice
    parent: np.ndarray  # (Z,) coarse slice of each fine slice
    fold_y: bool
    fold_x: bool
    ratio_z: np.ndarray  # (Zc + 1,) fine over coarse distance at each face, boundaries included
    ratio_y: np.ndarray  # (Yc + 2,)
    ratio_x: np.ndarray
    shape: tuple  # coarse cells
    heights: np.ndarray  # coarse slice heights
    width: float  # coarse lateral spacing


def padded(shape, dtype=np.float32):
    """An array of zeros for `shape` cells and a rim of one."""
    return np.zeros(tuple(n + 2 for n in shape), dtype)


def plan_coarsening(shape, heights, lid_ratio=(0.5, 0.5)):
    """
    Decide how the grid is coarsened down to about a hundred cells.

    Parameters
    ----------
    shape : tuple of int
        Cells ``(Z, Y, X)`` of the finest grid.
    heights : (Z,) ndarray of float
        Height of each slice in units of the lateral spacing.
    lid_ratio : tuple of float
        Fine over coarse distance at the first and the last boundary face when slices are
        joined: 0.5 for a fixed value at the boundary, 1 for a resistance of the boundary itself.

    Returns
    -------
    plan : list of Coarsening
        From fine to coarse.
    """
    plan = []
    heights = np.asarray(heights, dtype=float)
    width = 1.0
    while np.prod(shape) > COARSEST:
        nz, ny, nx = shape
        fold_y, fold_x = ny > 1, nx > 1
        lateral = fold_y or fold_x
        first = [0]
        while first[-1] < nz:
            k = first[-1]
            joined = k + 1 < nz and (not lateral or max(heights[k], heights[k + 1]) < 1.5 * width)
            first.append(k + 2 if joined else k + 1)
        first = np.array(first)
        parent = np.repeat(np.arange(len(first) - 1), np.diff(first))
        coarse_heights = np.add.reduceat(heights, first[:-1])
        fine_gap = 0.5 * (heights[first[1:-1] - 1] + heights[first[1:-1]])
        coarse_gap = 0.5 * (coarse_heights[:-1] + coarse_heights[1:])
        ends = [
            lid_ratio[0] if first[1] > 1 else 1.0,
            lid_ratio[1] if nz - first[-2] > 1 else 1.0,
        ]
        ratio_z = np.concatenate([[ends[0]], fine_gap / coarse_gap, [ends[1]]])
        coarse_shape = (
            len(first) - 1,
            (ny + 1) // 2 if fold_y else ny,
            (nx + 1) // 2 if fold_x else nx,
        )
        plan.append(
            Coarsening(
                first,
                parent,
                fold_y,
                fold_x,
                ratio_z.astype(np.float32),
                _lateral_ratio(ny, fold_y),
                _lateral_ratio(nx, fold_x),
                coarse_shape,
                coarse_heights,
                2 * width,
            )
        )
        shape, heights = coarse_shape, coarse_heights
        width *= 2 if lateral else 1
    return plan


def _lateral_ratio(n, fold):
    """Fine over coarse distance at each inner face of one lateral direction."""
    if not fold:
        return np.ones(n + 2, np.float32)
    nc = (n + 1) // 2
    ratio = np.full(nc + 2, 0.5, np.float32)
    if n % 2:
        ratio[nc] = 2 / 3  # the last aggregate is a single cell
    return ratio


class Hierarchy:
    """
    Levels of one symmetric positive (semi-)definite operator, and its V-cycle.

    Parameters
    ----------
    plan : list of Coarsening
        From :func:`plan_coarsening`.
    team : Team
        Threads.
    revisit : int, optional
        Coarse levels of at least this many cells are visited twice in each cycle.

    Notes
    -----
    Arrays are allocated once; :meth:`rebuild` may be called as often as coefficients change.
    """

    def __init__(self, plan, team, revisit=None):
        self.plan = plan
        self.team = team
        self.revisit = revisit
        self.levels = []
        self.inverse = None

    def rebuild(self, cz, cy, cx, e=None):
        """Take new fine coefficients (kept by reference) and compute the coarse ones."""
        if not self.levels:
            self._allocate(cz, cy, cx, e)
        fine = self.levels[0]
        fine.cz, fine.cy, fine.cx = cz, cy, cx
        if e is not None:
            fine.e = e
        for step, upper, lower in zip(self.plan, self.levels, self.levels[1:], strict=False):
            zc = lower.shape[0]
            self.team.run(
                _stencil.coarsen_faces,
                upper.size,
                zc,
                *(upper.cz, upper.cy, upper.cx, step.first, step.fold_y, step.fold_x),
                *(step.ratio_z, step.ratio_y, step.ratio_x),
                *(lower.cz, lower.cy, lower.cx),
            )
            if upper.with_e:
                self.team.run(
                    _stencil.coarsen_cells,
                    upper.size,
                    zc,
                    *(upper.e, step.first, step.fold_y, step.fold_x, lower.e),
                )
        for level in self.levels:
            self.team.run(
                _stencil.inverse_diagonal,
                level.size,
                level.shape[0],
                *(level.cz, level.cy, level.cx, level.e, level.with_e, level.dinv),
            )
        self.inverse = dense_inverse(dense_matrix(self.levels[-1]))

    def _allocate(self, cz, cy, cx, e):
        with_e = e is not None
        dummy = np.zeros((1, 1, 1), np.float32)
        self.levels = [Level(cz, cy, cx, e if with_e else dummy, with_e, np.zeros_like(cz))]
        for step in self.plan:
            arrays = [padded(step.shape) for _ in range(3)]
            extra = padded(step.shape) if with_e else dummy
            self.levels.append(
                Level(
                    *arrays,
                    extra,
                    with_e,
                    padded(step.shape),
                    x=padded(step.shape),
                    b=padded(step.shape),
                )
            )
        for level in self.levels[1:-1]:
            if self.revisit is not None and level.size >= self.revisit:
                level.x_again, level.b_again = padded(level.shape), padded(level.shape)

    def visit_once(self):
        """
        Visit no coarse level twice from now on.

        A second visit keeps the cycle positive only where the first corrects by less than twice
        the error, which combs of single voxels do not promise; a V-cycle always is positive.
        """
        for level in self.levels:
            level.x_again = None

    def cycle(self, b, x, scratch):
        """Write the result of one V-cycle for the right-hand side `b` into `x`."""
        self._cycle(0, b, x, scratch)

    def _cycle(self, depth, b, x, scratch):
        level = self.levels[depth]
        if depth == len(self.levels) - 1:
            inner = (slice(1, -1),) * 3
            x[inner] = (self.inverse @ b[inner].ravel()).reshape(level.shape)
            return
        step, lower = self.plan[depth], self.levels[depth + 1]
        run, nz, size = self.team.run, level.shape[0], level.size
        faces = (level.cz, level.cy, level.cx)
        run(_stencil.smooth, size, nz, b, level.dinv, *faces, *SWEEPS, False, x)
        run(
            _stencil.residual_restricted,
            size,
            lower.shape[0],
            *(x, b, *faces, level.e, level.with_e),
            *(step.first, step.fold_y, step.fold_x, lower.b),
        )
        self._cycle(depth + 1, lower.b, lower.x, None)
        if lower.x_again is not None:
            self._visit_again(depth + 1)
        run(
            _stencil.prolong,
            size,
            nz,
            *(lower.x, step.parent, step.fold_y, step.fold_x, x),
        )
        if scratch is None:
            scratch = np.zeros_like(x)
        run(_stencil.residual, size, nz, x, b, *faces, level.e, level.with_e, scratch)
        run(_stencil.smooth, size, nz, scratch, level.dinv, *faces, *SWEEPS, True, x)

    def _visit_again(self, depth):
        """Correct the solution of a level by another cycle for what is left of its residual."""
        level = self.levels[depth]
        faces = (level.cz, level.cy, level.cx)
        self.team.run(
            _stencil.residual,
            level.size,
            level.shape[0],
            *(level.x, level.b, *faces, level.e, level.with_e, level.b_again),
        )
        self._cycle(depth, level.b_again, level.x_again, None)
        level.x += level.x_again


def dense_matrix(level):
    """Matrix of a small level in float64."""
    shape = level.shape
    n = level.size
    matrix = np.zeros((n, n))
    index = np.arange(n).reshape(shape)
    inner = (slice(1, -1),) * 3
    for axis, faces in enumerate((level.cz, level.cy, level.cx)):
        c = np.moveaxis(faces[inner].astype(float), axis, 0)
        ids = np.moveaxis(index, axis, 0)
        a, b, w = ids[:-1].ravel(), ids[1:].ravel(), c[1:].ravel()
        np.add.at(matrix, (a, b), -w)
        np.add.at(matrix, (b, a), -w)
        np.add.at(matrix, (a, a), w)
        np.add.at(matrix, (b, b), w)
    for k, faces in ((0, level.cz[1, 1:-1, 1:-1]), (-1, level.cz[shape[0] + 1, 1:-1, 1:-1])):
        ids = index[k].ravel()
        matrix[ids, ids] += faces.ravel()
    if level.with_e:
        matrix[np.arange(n), np.arange(n)] += level.e[inner].ravel()
    return matrix


def dense_inverse(matrix):
    """Inverse of a small symmetric matrix; empty rows and null vectors give zero."""
    diagonal = np.diag(matrix)
    scale = np.where(diagonal > 0, 1 / np.sqrt(np.where(diagonal > 0, diagonal, 1)), 0)
    values, vectors = np.linalg.eigh(0.5 * (matrix + matrix.T) * scale * scale[:, None])
    keep = values > 1e-9
    scaled = scale[:, None] * vectors[:, keep]
    return np.ascontiguousarray((scaled / values[keep]) @ scaled.T).astype(np.float32)


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
    fine, team = hierarchy.levels[0], hierarchy.team
    nz, size = fine.shape[0], fine.size
    faces = (fine.cz, fine.cy, fine.cx, fine.e, fine.with_e)
    r, z, p, ap, scratch = (np.zeros_like(fine.cz) for _ in range(5))
    run = team.run
    scale = np.sqrt(run(_stencil.defect, size, nz, np.zeros_like(x), b, *faces, r))
    history = []
    if scale == 0:
        x[:] = 0
        return Solution(0, 0.0, 0.0, True, ())
    iterations, before, error, lowest, reach, wanted, rz = 0, np.inf, np.inf, 1.0, 3e3, rtol, 0.0
    while True:
        norm = np.sqrt(run(_stencil.defect, size, nz, x, b, *faces, r))
        history.append(norm / scale)
        finite = np.isfinite(norm)
        stalled = not norm <= 0.5 * before  # rounding
        ended = stalled or not finite or iterations >= max_iterations
        if norm <= wanted * scale or ended:
            whole = float(energy(x)) if energy else float(np.vdot(x, b))
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
            hierarchy.cycle(r, z, scratch)
            rz = run(_stencil.dot, size, nz, r, z)
            if not rz > 0:  # rounding, or coarse levels that correct a thin path by too much
                hierarchy.visit_once()
                break
            run(_stencil.aypx, size, nz, np.float32(rz / old if old else 0.0), z, p)
            betas.append(rz / old if old else 0.0)
            old = rz
            pap = run(_stencil.apply, size, nz, p, *faces, ap)
            if not pap > 0:
                break
            alpha = np.float32(rz / pap)
            alphas.append(rz / pap)
            run(_stencil.update_solution, size, nz, alpha, p, x)
            norm = np.sqrt(run(_stencil.axpy_dot, size, nz, -alpha, ap, r))
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
    values = eigvalsh_tridiagonal(diagonal, np.sqrt(b[1:]) / a[:-1], select="i", select_range=(0, 0))
    return max(float(values[0]), np.finfo(np.float32).eps)


def build(cz, cy, cx, e=None, *, heights=None, lid_ratio=(0.5, 0.5), team=None, revisit=None):
    """A :class:`Hierarchy` for padded face arrays, planned and computed."""
    shape = tuple(n - 2 for n in cz.shape)
    heights = np.ones(shape[0]) if heights is None else heights
    hierarchy = Hierarchy(plan_coarsening(shape, heights, lid_ratio), team or Team(), revisit)
    hierarchy.rebuild(cz, cy, cx, e)
    return hierarchy
