"""The levels of a multigrid solver: their operators, and the V-cycle through them."""

from dataclasses import dataclass, replace

import numpy as np

from analysis.electrochemistry.transport import fields, grid_transfer, stencil

SWEEPS = (np.float32(0.57), np.float32(1.6))  # two Chebyshev weights for the upper spectrum of 2


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
    scratch: np.ndarray | None = None  # for the residual; that of the finest comes with each cycle

    @property
    def shape(self):
        """Number of cells ``(Z, Y, X)``."""
        return tuple(n - 2 for n in self.cz.shape)

    @property
    def size(self):
        """Number of cells."""
        return int(np.prod(self.shape))

    @property
    def faces(self):
        """The three arrays of face conductances."""
        return stencil.FaceConductances(self.cz, self.cy, self.cx)


def padded_shape(shape):
    """Shape of an array for `shape` cells and a rim of one."""
    return tuple(n + 2 for n in shape)


def padded(shape, dtype=np.float32):
    """An array of zeros for `shape` cells and a rim of one."""
    return np.zeros(padded_shape(shape), dtype)


class Hierarchy:
    """
    Levels of one symmetric positive (semi-)definite operator, and its V-cycle.

    Parameters
    ----------
    plan : list of Coarsening
        From :func:`plan_coarsening`.
    pool : ThreadPool or CudaDevice
        Where to run; the arrays of :meth:`rebuild` and :meth:`cycle` are there.
    revisit : int, optional
        Coarse levels of at least this many cells are visited twice in each cycle.

    Notes
    -----
    Arrays are allocated once; :meth:`rebuild` may be called as often as coefficients change.
    """

    def __init__(self, plan, pool, revisit=None):
        self.plan = plan
        self.pool = pool
        self.aggregates = [grid_transfer.Aggregates(*map(pool.put, c.aggregates)) for c in plan]
        self.ratios = [tuple(map(pool.put, step.ratios)) for step in plan]
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
        for depth, (upper, lower) in enumerate(zip(self.levels, self.levels[1:], strict=False)):
            zc, aggregates = lower.shape[0], self.aggregates[depth]
            self.pool.run(
                grid_transfer.coarsen_faces,
                upper.size,
                zc,
                *(upper.faces, aggregates, self.ratios[depth], lower.faces),
            )
            if upper.with_e:
                self.pool.run(
                    grid_transfer.coarsen_cells,
                    upper.size,
                    zc,
                    *(upper.e, aggregates, lower.e),
                )
        for level in self.levels:
            self.pool.run(
                stencil.inverse_diagonal,
                level.size,
                level.shape[0],
                *(level.faces, level.e, level.with_e, level.dinv),
            )
        last, get = self.levels[-1], self.pool.get
        small = replace(last, cz=get(last.cz), cy=get(last.cy), cx=get(last.cx), e=get(last.e))
        self.inverse = self.pool.put(dense_inverse(dense_matrix(small)))

    def _allocate(self, cz, cy, cx, e):
        with_e = e is not None
        dummy = self.pool.zeros((1, 1, 1))
        extra = e if with_e else dummy
        self.levels = [Level(cz, cy, cx, extra, with_e, self.pool.zeros(cz.shape))]
        for step in self.plan:
            shape = padded_shape(step.shape)
            arrays = [self.pool.zeros(shape) for _ in range(3)]
            extra = self.pool.zeros(shape) if with_e else dummy
            dinv, x, b = (self.pool.zeros(shape) for _ in range(3))
            self.levels.append(Level(*arrays, extra, with_e, dinv, x=x, b=b))
        for level in self.levels[1:-1]:
            level.scratch = self.pool.zeros(level.cz.shape)
            if self.revisit is not None and level.size >= self.revisit:
                level.x_again, level.b_again = (self.pool.zeros(level.cz.shape) for _ in range(2))

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
        self._cycle(0, b, x, self.pool.zeros(x.shape) if scratch is None else scratch)

    def _cycle(self, depth, b, x, scratch):
        level = self.levels[depth]
        if depth == len(self.levels) - 1:
            self.pool.whole(fields.dense_product, self.inverse, b, x)
            return
        aggregates, lower = self.aggregates[depth], self.levels[depth + 1]
        run, nz, size = self.pool.run, level.shape[0], level.size
        faces = level.faces
        run(stencil.smooth, size, nz, b, level.dinv, faces, SWEEPS, False, x)
        run(
            grid_transfer.residual_restricted,
            size,
            lower.shape[0],
            *(x, b, faces, level.e, level.with_e, aggregates, lower.b),
        )
        self._cycle(depth + 1, lower.b, lower.x, None)
        if lower.x_again is not None:
            self._visit_again(depth + 1)
        run(grid_transfer.prolong, size, nz, lower.x, aggregates, x)
        scratch = level.scratch if scratch is None else scratch
        run(stencil.residual, size, nz, x, b, faces, level.e, level.with_e, scratch)
        run(stencil.smooth, size, nz, scratch, level.dinv, faces, SWEEPS, True, x)

    def _visit_again(self, depth):
        """Correct the solution of a level by another cycle for what is left of its residual."""
        level = self.levels[depth]
        self.pool.run(
            stencil.residual,
            level.size,
            level.shape[0],
            *(level.x, level.b, level.faces, level.e, level.with_e, level.b_again),
        )
        self._cycle(depth, level.b_again, level.x_again, None)
        self.pool.whole(fields.add, level.x_again, level.x)


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
