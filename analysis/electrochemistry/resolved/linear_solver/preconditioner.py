"""One V-cycle for three fields on voxels that exchange current: psi, phi_s and salt.

Each field has its own seven-point operator. On the finest grid the current
``g (phi_s - psi) - m v`` joins an AM voxel with the electrolyte voxel beside it, face by face;
on coarser grids an aggregate holds both, and the exchange happens on the spot. It is one current
in all three rows, so that no coarse grid makes or loses charge. The salt v is a change of
concentration in a fixed unit, which leaves its diffusion symmetric however steep the profile.
"""

import numpy as np

from analysis.electrochemistry.resolved.linear_solver import block_smoother as _pair
from analysis.electrochemistry.resolved.linear_solver import exchange
from analysis.electrochemistry.resolved.linear_solver import floating_clusters as islands
from analysis.electrochemistry.resolved.linear_solver import interface_coarsening as hosts
from analysis.electrochemistry.transport import multigrid
from analysis.electrochemistry.transport import stencil as _stencil
from analysis.electrochemistry.transport.stencil import kernel

PSI, PHI, SALT = range(3)
# Two sweeps of the pair of psi and salt. The first has no under-relaxation: where salt is used up,
# the reaction pins the salt of a voxel, and what a coarse grid has put there must go at once, or
# its current outweighs everything else.
PAIR_SWEEPS = (np.float32(1.0), np.float32(2 / 3))
REVISIT = 4096  # cells of the smallest coarse level that is visited twice in each cycle
LEAST_FACTOR, USUAL_FACTOR = 0.5, 3.0  # of what a coarse grid corrects, see :meth:`_weigh_visits`


def three(cells):
    """Three padded fields of zeros."""
    return tuple(multigrid.padded(cells) for _ in range(3))


class Coupled:
    """
    Levels of the three-field operator and its V-cycle.

    Parameters
    ----------
    shape : tuple of int
        Cells of the fine grid.
    heights : (Z,) ndarray
        Slice heights in voxel edges.
    faces : interface.Faces
        Reacting faces.
    islands : islands.Islands
        Binder that only AM joins to the collector.
    solid, wet : padded ndarray of bool
        Cells with a solid and an electrolyte potential.
    team : Team
        Threads.
    scratch : tuple of padded ndarray
        Three fields that a V-cycle may overwrite.

    Notes
    -----
    The fine coefficients are the arrays in ``levels[field][0]``; fill them, the exchange
    ``g`` and ``m`` and the ``slopes`` of the faces (:class:`exchange.Slopes`), then call :meth:`rebuild`. The lithium electrode is the lid ``cz[1]`` of
    the fields psi and salt; its current depends on both and enters both rows.
    """

    def __init__(self, shape, heights, faces, islands, solid, wet, team, *, scratch):
        self.team, self.faces, self.islands = team, faces, islands
        self.n_wet = int(np.count_nonzero(wet))
        self.plan = multigrid.plan_coarsening(shape, heights, lid_ratio=(1.0, 1.0))
        if not self.plan:
            raise ValueError(
                f"A grid of {shape[0]} x {shape[1]} x {shape[2]} cells is too small for the "
                f"multigrid solver; expected more than {multigrid.COARSEST} cells. Take a larger "
                "cutout, or join fewer voxels."
            )
        shapes = [shape] + [step.shape for step in self.plan]
        dummy = np.zeros((1, 1, 1), np.float32)
        self.levels = [[], [], []]
        for depth, cells in enumerate(shapes):
            for field in range(3):
                arrays = [multigrid.padded(cells) for _ in range(3)]
                storage = multigrid.padded(cells) if field == SALT else dummy
                level = multigrid.Level(*arrays, storage, field == SALT, multigrid.padded(cells))
                if depth:
                    level.x, level.b = multigrid.padded(cells), multigrid.padded(cells)
                self.levels[field].append(level)
        self.g = [multigrid.padded(cells) for cells in shapes]
        self.m = [multigrid.padded(cells) for cells in shapes]
        coarse = [three(cells) for cells in shapes[1:]]
        self.scratch = [scratch, *coarse]
        again = [i for i, cells in enumerate(shapes[:-1]) if i and np.prod(cells) >= REVISIT]
        self.again = {i: (three(shapes[i]), three(shapes[i])) for i in again}
        self.visits = np.float32(1.0), np.float32(0.0)
        parents = [_parents(c, step) for c, step in zip(shapes, self.plan, strict=False)]
        self.parent = parents[0]
        self.hosts = hosts.assign(faces, parents, self.plan, solid, wet)
        self.inverse = self.slopes = None

    @property
    def depth(self):
        """Number of levels."""
        return len(self.g)

    def rebuild(self):
        """Compute coarse coefficients and all diagonals."""
        run = self.team.run
        for depth, step in enumerate(self.plan):
            fold = (step.first, step.fold_y, step.fold_x)
            nc = step.shape[0]
            ratios = (step.ratio_z, step.ratio_y, step.ratio_x)
            for field in range(3):
                up, low = self.levels[field][depth : depth + 2]
                run(
                    _stencil.coarsen_faces,
                    up.size,
                    nc,
                    *(up.cz, up.cy, up.cx, *fold),
                    *ratios,
                    *(low.cz, low.cy, low.cx),
                )
                if up.with_e:
                    run(_stencil.coarsen_cells, up.size, nc, up.e, *fold, low.e)
            if depth:
                for part in (self.g, self.m):
                    run(_stencil.coarsen_cells, up.size, nc, part[depth], *fold, part[depth + 1])
                coarse = exchange.Slopes(*(part[depth + 1].ravel() for part in (self.g, self.m)))
                hosts.collect_later(
                    *self.hosts.later[depth - 1],
                    *(self.faces, self.slopes, self._fine_diagonals(), coarse),
                )
                self._diagonals(depth)
            else:
                self._diagonals(0)
                self.g[1][:] = 0
                self.m[1][:] = 0
                coarse = exchange.Slopes(self.g[1].ravel(), self.m[1].ravel())
                self._faces(
                    hosts.collect,
                    *(self.hosts.code, self.slopes, self._fine_diagonals(), self.parent, coarse),
                )
        self._pair_blocks()
        self._diagonals(self.depth - 1)
        self.inverse = inverse_of(self.dense())
        if self.again:
            self.visits = self._weigh_visits(max(self.again))

    def _weigh_visits(self, depth):
        """
        What each of two visits to a coarse level counts.

        A coarse grid corrects some parts too much, the level of all the solid at the end of a
        discharge fivefold. Two whole corrections would square that error, from level to level.
        Its largest factor, from a few power iterations on the smallest of these levels, is the
        end of the range in which Chebyshev's polynomial of second degree is small.
        """
        (x, image), zero = self.again[depth], three(self.levels[PSI][depth].shape)
        load = three(self.levels[PSI][depth].shape)
        load[PHI][-2, 1:-1, 1:-1] = 1.0
        largest = 0.0
        for _ in range(4):
            norm = np.sqrt(sum(float(np.vdot(part, part)) for part in load))
            for part in load:
                part /= np.float32(norm)
            self._cycle(depth, load, x)
            self._residual(depth, zero, x, image)
            largest = np.sqrt(sum(float(np.vdot(part, part)) for part in image))
            if not 0 < largest < np.inf:
                break
            for part, new in zip(load, image, strict=True):
                part[:] = new
        top = max(USUAL_FACTOR, 1.15 * largest) if np.isfinite(largest) else USUAL_FACTOR
        middle, half = 0.5 * (top + LEAST_FACTOR), 0.5 * (top - LEAST_FACTOR)
        turn = half * np.sqrt(0.5)
        return np.float32(1 / (middle - turn)), np.float32(1 / (middle + turn))

    def _fine_diagonals(self):
        return hosts.FineDiagonals(
            *(self.g[0].ravel(), self.levels[PHI][0].dinv.ravel()),
            *(self.m[0].ravel(), self.levels[SALT][0].dinv.ravel()),
        )

    def _pair_blocks(self):
        """Factors of the blocks of psi and salt on the finest grid; overwrites g and m there."""
        psi, salt = self.levels[PSI][0], self.levels[SALT][0]
        self.g[0][1] += psi.cz[1]
        self.m[0][1] += salt.cz[1]
        self.team.run(
            _pair.factor,
            *(psi.size, psi.shape[0], self.g[0], self.m[0], psi.dinv, salt.dinv),
        )

    def _smooth_pair(self, b1, b3, add, x1, x3):
        """Two sweeps for psi and salt; the scratch of both fields is overwritten."""
        psi, salt = self.levels[PSI][0], self.levels[SALT][0]
        size, nz = psi.size, psi.shape[0]
        w1, w2 = PAIR_SWEEPS
        block = (self.g[0], self.m[0], psi.dinv, salt.dinv)
        u1, _, u3 = self.scratch[0]
        self.team.run(_pair.solve, size, nz, w1, *block, b1, b3, u1, u3)
        self.team.run(
            _pair.sweep,
            *(size, nz, w1, w2, add, *block, psi.cz, psi.cy, psi.cx, salt.cz, salt.cy, salt.cx),
            *(u1, u3, x1, x3),
        )

    def _diagonals(self, depth):
        for field in range(3):
            level = self.levels[field][depth]
            self.team.run(
                diagonal_with_exchange,
                level.size,
                level.shape[0],
                *(level.cz, level.cy, level.cx, level.e, level.with_e),
                *((self.m if field == SALT else self.g)[depth], level.dinv),
            )

    def weights(self, solid):
        """
        Weights of the rows in the Krylov method's inner product.

        The solid conducts between 1e-5 and 1e3 S/m, so each of its rows is weighted with the
        inverse of its coefficients, those of the salt at its faces included: where salt is used
        up they are far above the others. Rows of psi and salt get the mean of their inverse
        diagonals.
        """
        means = []
        for field in (PSI, SALT):
            level = self.levels[field][0]
            total = self.team.run(sum_of_inverses, level.size, level.shape[0], level.dinv)
            means.append(self.n_wet / total)
        np.copyto(solid, self.levels[PHI][0].dinv)
        self._faces(exchange.weigh_rows, self.slopes.m, solid.ravel())
        return means[0], solid, means[1]

    def dense(self, depth=-1):
        """Matrix of a coarse level, fields one after the other."""
        depth %= self.depth
        if depth == 0:
            raise ValueError("The finest level has no dense form: its exchange is a list of faces.")
        levels = [self.levels[field][depth] for field in range(3)]
        n = levels[0].size
        matrix = np.zeros((3 * n, 3 * n))
        for field, level in enumerate(levels):
            block = slice(field * n, field * n + n)
            matrix[block, block] = multigrid.dense_matrix(level)
        inner = (slice(1, -1),) * 3
        g = self.g[depth][inner].ravel().astype(float)
        ids = np.arange(n)
        m = self.m[depth][inner].ravel().astype(float)
        for row, sign in ((PSI, -1), (PHI, 1), (SALT, -1)):
            for column, slope in ((PSI, -g), (PHI, g), (SALT, -m)):
                matrix[row * n + ids, column * n + ids] += sign * slope
        for row, column in ((PSI, SALT), (SALT, PSI)):
            lid = levels[column].cz[1, 1:-1, 1:-1].ravel()
            bottom = ids[: lid.size]
            matrix[row * n + bottom, column * n + bottom] += lid
        return matrix

    def cycle(self, b, x):
        """Write the result of one V-cycle for the right-hand sides `b` into `x`."""
        self._cycle(0, b, x)

    def _cycle(self, depth, b, x):
        inner = (slice(1, -1),) * 3
        if depth == self.depth - 1:
            load = np.concatenate([part[inner].ravel() for part in b])
            parts = np.split(self.inverse @ load, 3)
            for field in range(3):
                x[field][inner] = parts[field].reshape(x[field][inner].shape)
            return
        run = self.team.run
        step = self.plan[depth]
        levels = [self.levels[field][depth] for field in range(3)]
        lower = [self.levels[field][depth + 1] for field in range(3)]
        fold = (step.first, step.fold_y, step.fold_x)
        nz, size = levels[0].shape[0], levels[0].size
        if depth == 0:
            self._smooth_pair(b[PSI], b[SALT], False, x[PSI], x[SALT])
        for field, level in enumerate(levels):
            faces = (level.cz, level.cy, level.cx)
            if depth or field == PHI:
                run(
                    _stencil.smooth,
                    size,
                    nz,
                    *(b[field], level.dinv, *faces, *multigrid.SWEEPS, False, x[field]),
                )
            if depth == 0 and field == PHI:
                self._move_islands(b, x)
            run(
                _stencil.residual_restricted,
                size,
                step.shape[0],
                *(x[field], b[field], *faces, level.e, level.with_e, *fold, lower[field].b),
            )
        coarse_b = tuple(part.b for part in lower)
        coarse_x = tuple(part.x for part in lower)
        if depth == 0:
            self._faces(
                exchange.exchange_restricted,
                *(self.slopes, exchange.flat(x), self.parent, exchange.flat(coarse_b)),
            )
        else:
            run(
                cell_exchange_restricted,
                size,
                step.shape[0],
                *(self.g[depth], self.m[depth], *x, *fold, *coarse_b),
            )
        self._lid_restricted(levels, x, step, coarse_b)
        self._cycle(depth + 1, coarse_b, coarse_x)
        if depth + 1 in self.again:
            self._visit_again(depth + 1, coarse_b, coarse_x)
        scratch = self.scratch[depth]
        for field, level in enumerate(levels):
            faces = (level.cz, level.cy, level.cx)
            run(
                _stencil.prolong,
                size,
                nz,
                *(coarse_x[field], step.parent, step.fold_y, step.fold_x, x[field]),
            )
        if depth == 0:
            self._move_islands(b, x)
        self._residual(depth, b, x, scratch)
        if depth == 0:
            self._smooth_pair(scratch[PSI], scratch[SALT], True, x[PSI], x[SALT])
        for field, level in enumerate(levels):
            if depth == 0 and field != PHI:
                continue
            run(
                _stencil.smooth,
                size,
                nz,
                *(scratch[field], level.dinv, level.cz, level.cy, level.cx),
                *(*multigrid.SWEEPS, True, x[field]),
            )

    def _residual(self, depth, b, x, out):
        """Write ``out = b - A x``; exchange by faces on the finest level, by cells below."""
        levels = [self.levels[field][depth] for field in range(3)]
        size, nz = levels[0].size, levels[0].shape[0]
        for field, level in enumerate(levels):
            faces = (level.cz, level.cy, level.cx)
            self.team.run(
                _stencil.residual,
                size,
                nz,
                *(x[field], b[field], *faces, level.e, level.with_e, out[field]),
            )
        if depth == 0:
            self._faces(
                exchange.exchange_residual, self.slopes, exchange.flat(x), exchange.flat(out)
            )
        else:
            self.team.run(cell_exchange, size, nz, self.g[depth], self.m[depth], *x, *out)
        out[PSI][1] -= levels[SALT].cz[1] * x[SALT][1]
        out[SALT][1] -= levels[PSI].cz[1] * x[PSI][1]

    def _visit_again(self, depth, b, x):
        """Correct the solution of a level by another cycle for what is left of its residual."""
        left, more = self.again[depth]
        first, second = self.visits
        for part in x:
            part *= first
        self._residual(depth, b, x, left)
        self._cycle(depth, left, more)
        for part, correction in zip(x, more, strict=True):
            correction *= second
            part += correction

    def _move_islands(self, b, x):
        fine, salt, group = self.levels[PHI][0], self.levels[SALT][0], self.islands
        if group.count:
            reaction_parts = (self.g[0], self.m[0], salt.dinv, x[PSI], x[SALT])
            self.team.run(
                islands.move,
                *(8 * len(group.voxel), group.count),
                *(group.voxel, group.first, group.open, *fine.cz.shape[1:]),
                *(part.ravel() for part in (fine.cz, fine.cy, fine.cx, *reaction_parts)),
                *(b[PHI].ravel(), x[PHI].ravel()),
            )

    def _faces(self, function, *args):
        self.team.scatter(function, self.faces.starts, self.faces, *args)

    @staticmethod
    def _lid_restricted(levels, x, step, coarse_b):
        for row, other in ((PSI, SALT), (SALT, PSI)):
            part = (levels[other].cz[1] * x[other][1])[1:-1, 1:-1]
            if step.fold_y:
                part = np.add.reduceat(part, np.arange(0, part.shape[0], 2), axis=0)
            if step.fold_x:
                part = np.add.reduceat(part, np.arange(0, part.shape[1], 2), axis=1)
            coarse_b[row][1, 1:-1, 1:-1] -= part


def _parents(shape, step):
    """Flat padded index of the aggregate of every padded fine cell."""
    nz, ny, nx = shape
    z = np.concatenate([[0], step.parent + 1, [step.shape[0] + 1]])
    y = np.arange(ny + 2)
    x = np.arange(nx + 2)
    y = (y + 1) // 2 if step.fold_y else y
    x = (x + 1) // 2 if step.fold_x else x
    cy, cx = step.shape[1] + 2, step.shape[2] + 2
    flat = (z[:, None, None] * cy + y[None, :, None]) * cx + x[None, None, :]
    return np.ascontiguousarray(flat.astype(np.int32).ravel())


def inverse_of(matrix):
    """Inverse in float32; rows without entries stay zero."""
    empty = np.diag(matrix) <= 0
    scale = np.where(empty, 0.0, 1 / np.sqrt(np.where(empty, 1.0, np.diag(matrix))))
    scaled = matrix * scale * scale[:, None]
    scaled[empty, empty] = 1.0
    return np.ascontiguousarray(np.linalg.inv(scaled) * scale * scale[:, None], np.float32)


@kernel
def sum_of_inverses(start, stop, x):
    """Sum of ``1 / x`` where x is positive."""
    total = 0.0
    for k in range(start + 1, stop + 1):
        for j in range(1, x.shape[1] - 1):
            u = x[k, j]
            for i in range(1, x.shape[2] - 1):
                if u[i] > 0:
                    total += 1 / u[i]
    return total


@kernel
def diagonal_with_exchange(start, stop, cz, cy, cx, e, with_e, g, dinv):
    """Write ``1 / (sum c + e + g)``, or 0 where nothing conducts and nothing is stored."""
    ny, nx = cz.shape[1] - 2, cz.shape[2] - 2
    for k in range(start + 1, stop + 1):
        for j in range(1, ny + 1):
            for i in range(1, nx + 1):
                d = (
                    cz[k, j, i]
                    + cz[k + 1, j, i]
                    + cy[k, j, i]
                    + cy[k, j + 1, i]
                    + cx[k, j, i]
                    + cx[k, j, i + 1]
                    + g[k, j, i]
                )
                if with_e:
                    d += e[k, j, i]
                dinv[k, j, i] = 1 / d if d > 0 else 0


@kernel
def cell_exchange(start, stop, g, m, x1, x2, x3, r1, r2, r3):
    """Subtract the exchange of every cell from the residuals."""
    for k in range(start + 1, stop + 1):
        for j in range(1, g.shape[1] - 1):
            gg, mm = g[k, j], m[k, j]
            a, b, c = x1[k, j], x2[k, j], x3[k, j]
            o1, o2, o3 = r1[k, j], r2[k, j], r3[k, j]
            for i in range(1, g.shape[2] - 1):
                current = gg[i] * (b[i] - a[i]) - mm[i] * c[i]
                o1[i] += current
                o2[i] -= current
                o3[i] += current


@kernel
def cell_exchange_restricted(start, stop, g, m, x1, x2, x3, first, fold_y, fold_x, r1, r2, r3):
    """Subtract it from the residuals of the next coarser grid."""
    for kc in range(start, stop):
        for k in range(first[kc] + 1, first[kc + 1] + 1):
            for j in range(1, g.shape[1] - 1):
                jc = (j + 1) // 2 if fold_y else j
                gg, mm = g[k, j], m[k, j]
                a, b, c = x1[k, j], x2[k, j], x3[k, j]
                o1, o2, o3 = r1[kc + 1, jc], r2[kc + 1, jc], r3[kc + 1, jc]
                for i in range(1, g.shape[2] - 1):
                    current = gg[i] * (b[i] - a[i]) - mm[i] * c[i]
                    ic = (i + 1) // 2 if fold_x else i
                    o1[ic] += current
                    o2[ic] -= current
                    o3[ic] += current
