"""One V-cycle for three fields on voxels that exchange current: psi, phi_s and salt.

Each field has its own seven-point operator. On the finest grid the current
``g (phi_s - psi) - m v`` joins an AM voxel with the electrolyte voxel beside it, face by face;
on coarser grids an aggregate holds both, and the exchange happens on the spot. It is one current
in all three rows, so that no coarse grid makes or loses charge. The salt v is a change of
concentration in a fixed unit, which leaves its diffusion symmetric however steep the profile.
"""

import numpy as np

from analysis.electrochemistry.resolved.linear_solver import (
    block_smoother,
    coarse_levels,
    exchange,
    exchange_links,
    floating_clusters,
    interface_coarsening,
    lithium_electrode,
)
from analysis.electrochemistry.resolved.linear_solver.coarse_levels import PHI, PSI, SALT
from analysis.electrochemistry.transport import fields, grid_transfer, multigrid, vectors
from analysis.electrochemistry.transport import stencil as _stencil
from analysis.electrochemistry.transport.devices import put_each

# Two sweeps of the blocks of psi and salt. The first has no under-relaxation: where salt is used
# up, the reaction pins the salt of a voxel, and what a coarse grid has put there must go at once,
# or its current outweighs everything else.
BLOCK_SWEEPS = (np.float32(1.0), np.float32(2 / 3))
REVISIT = 4096  # cells of the smallest coarse level that is visited twice in each cycle


class BlockMultigrid:
    """
    Levels of the three-field operator and its V-cycle.

    Parameters
    ----------
    shape : tuple of int
        Cells of the fine grid.
    heights : (Z,) ndarray
        Slice heights in voxel edges.
    faces : interface.Faces
        Reacting faces, as arrays of numpy.
    clusters : floating_clusters.FloatingClusters
        Binder that only AM joins to the collector.
    solid, electrolyte : padded ndarray of bool
        Cells with a solid and an electrolyte potential.
    pool : ThreadPool or CudaDevice
        Where the arrays are and the kernels run.

    Notes
    -----
    The fine coefficients are the arrays in ``levels[field][0]``; fill them, the exchange
    ``g`` and ``m`` and the slopes of the ``links`` (:class:`exchange_links.Links`), then call
    :meth:`rebuild`. The lithium electrode is the boundary face ``cz[1]`` of psi and salt;
    its current depends on both and enters both rows.
    """

    def __init__(self, shape, heights, faces, clusters, solid, electrolyte, pool):
        self.pool, self.clusters = pool, put_each(pool, clusters)
        links = exchange_links.join(faces, shape)
        self.n_electrolyte = int(np.count_nonzero(electrolyte))
        self.plan = multigrid.plan_coarsening(shape, heights, boundary_ratio=(1.0, 1.0))
        if not self.plan:
            raise ValueError(
                f"A grid of {shape[0]} x {shape[1]} x {shape[2]} cells is too small for the "
                f"multigrid solver; expected more than {multigrid.COARSEST} cells. Take a larger "
                "cutout, or fewer voxels per cell."
            )
        shapes = [shape] + [step.shape for step in self.plan]
        self.aggregates = [put_each(pool, step.aggregates) for step in self.plan]
        self.ratios = [put_each(pool, step.ratios) for step in self.plan]
        self.levels = coarse_levels.allocate(shapes, pool)
        self.g, self.m = (
            [pool.zeros(multigrid.padded_shape(cells)) for cells in shapes] for _ in range(2)
        )
        coarse = [coarse_levels.three(cells, pool) for cells in shapes[1:]]
        self.scratch = [None, *coarse]  # the finest comes with each cycle
        again = [i for i, cells in enumerate(shapes[:-1]) if i and np.prod(cells) >= REVISIT]
        self.again = {
            i: tuple(coarse_levels.three(shapes[i], pool) for _ in range(2)) for i in again
        }
        self.visits = pool.put(np.array([1, 0], np.float32))  # what each of two counts
        self.inverse = pool.zeros((3 * int(np.prod(shapes[-1])),) * 2)  # of the coarsest level
        parents = [
            coarse_levels.parents_of(c, step) for c, step in zip(shapes, self.plan, strict=False)
        ]
        self.parent, self.links = pool.put(parents[0]), put_each(pool, links)
        assigned = interface_coarsening.assign(links.ends, parents, self.plan, solid, electrolyte)
        self.coarse_faces = put_each(pool, assigned)

    @property
    def depth(self):
        """Number of levels."""
        return len(self.g)

    def rebuild(self):
        """Compute coarse coefficients and all diagonals."""
        run = self.pool.run
        for depth, step in enumerate(self.plan):
            aggregates, nc = self.aggregates[depth], step.shape[0]
            for field in range(3):
                up, low = self.levels[field][depth : depth + 2]
                run(
                    grid_transfer.coarsen_faces,
                    *(up.size, nc, up.faces, aggregates, self.ratios[depth], low.faces),
                )
                if up.with_e:
                    run(grid_transfer.coarsen_cells, up.size, nc, up.e, aggregates, low.e)
            if depth:
                for part in (self.g, self.m):
                    run(
                        grid_transfer.coarsen_cells,
                        *(up.size, nc, part[depth], aggregates, part[depth + 1]),
                    )
                coarse = exchange.Slopes(*(part[depth + 1].ravel() for part in (self.g, self.m)))
                self.pool.whole(
                    interface_coarsening.collect_later,
                    *self.coarse_faces.later[depth - 1],
                    *(self.links.ends, self.links.slopes, self._fine_diagonals(), coarse),
                )
                self._diagonals(depth)
            else:
                self._diagonals(0)
                for part in (self.g[1], self.m[1]):
                    run(vectors.clear, up.size, nc, part)
                coarse = exchange.Slopes(self.g[1].ravel(), self.m[1].ravel())
                self.over_links(
                    interface_coarsening.collect,
                    *(self.coarse_faces.code, self.links.slopes, self._fine_diagonals()),
                    *(self.parent, coarse),
                )
        self._factor_blocks()
        self._diagonals(self.depth - 1)
        self._replace(self.inverse, coarse_levels.inverse_of(self.dense()))
        if self.again:
            self._replace(self.visits, np.array(self._weigh_visits(max(self.again))))

    def _replace(self, field, values):
        """Write new values into a field, where recordings of the cycle look for them."""
        self.pool.whole(fields.assign, self.pool.put(values), field)

    def _weigh_visits(self, depth):
        """
        What each of two visits to a coarse level counts.

        A coarse grid corrects some parts too much, the level of all the solid at the end of a
        discharge fivefold. Two whole corrections would square that error, from level to level.
        Its largest factor, from a few power iterations on the smallest of these levels, is the
        end of the range in which Chebyshev's polynomial of second degree is small.
        """
        shape, pool = self.levels[PSI][depth].shape, self.pool
        load, zero = coarse_levels.three(shape, pool), coarse_levels.three(shape, pool)
        pool.whole(fields.set_slice, shape[0], 1.0, load[PHI])

        def correct(b, x, image):
            self._cycle(depth, b, x)
            self._residual(depth, zero, x, image)

        largest = coarse_levels.largest_factor(correct, load, self.again[depth], pool)
        return coarse_levels.chebyshev_pair(largest)

    def _fine_diagonals(self):
        return interface_coarsening.FineDiagonals(
            *(self.g[0].ravel(), self.levels[PHI][0].dinv.ravel()),
            *(self.m[0].ravel(), self.levels[SALT][0].dinv.ravel()),
        )

    def _factor_blocks(self):
        """Factors of the blocks of psi and salt on the finest grid; overwrites g and m there."""
        psi, salt = self.levels[PSI][0], self.levels[SALT][0]
        self.pool.whole(lithium_electrode.add_boundary, psi.cz, self.g[0])
        self.pool.whole(lithium_electrode.add_boundary, salt.cz, self.m[0])
        self.pool.run(
            block_smoother.factor,
            *(psi.size, psi.shape[0], self.g[0], self.m[0], psi.dinv, salt.dinv),
        )

    def _smooth_blocks(self, b1, b3, add, x1, x3):
        """Two sweeps for psi and salt; the scratch of both fields is overwritten."""
        psi, salt = self.levels[PSI][0], self.levels[SALT][0]
        size, nz, run = psi.size, psi.shape[0], self.pool.run
        blocks = block_smoother.Blocks(self.g[0], self.m[0], psi.dinv, salt.dinv)
        u = self.scratch[0][PSI], self.scratch[0][SALT]
        run(block_smoother.solve, size, nz, BLOCK_SWEEPS[0], blocks, (b1, b3), u)
        run(
            block_smoother.sweep,
            *(size, nz, BLOCK_SWEEPS, add, blocks, psi.faces, salt.faces, u, (x1, x3)),
        )

    def _diagonals(self, depth):
        for field in range(3):
            level = self.levels[field][depth]
            self.pool.run(
                exchange.diagonal_with_exchange,
                level.size,
                level.shape[0],
                *(level.faces, level.e, level.with_e),
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
            total = self.pool.run(exchange.sum_of_inverses, level.size, level.shape[0], level.dinv)
            means.append(self.n_electrolyte / total)
        self.pool.whole(fields.assign, self.levels[PHI][0].dinv, solid)
        self.over_links(exchange.weigh_rows, self.links.slopes.m, solid.ravel())
        return means[0], solid, means[1]

    def dense(self, depth=-1):
        """Matrix of a coarse level, fields one after the other."""
        depth %= self.depth
        if depth == 0:
            raise ValueError("The finest level has no dense form: its exchange is a list of faces.")
        levels = [coarse_levels.on_host(self.levels[field][depth], self.pool) for field in range(3)]
        slopes = (self.pool.get(part[depth]) for part in (self.g, self.m))
        return coarse_levels.dense_matrix(levels, *slopes)

    def cycle(self, b, x, scratch):
        """Write one V-cycle for the right-hand sides `b` into `x`; `scratch` is overwritten."""
        self.pool.repeat(self._whole_cycle, b, x, scratch)

    def _whole_cycle(self, b, x, scratch):
        self.scratch[0] = scratch
        self._cycle(0, b, x)

    def _cycle(self, depth, b, x):
        if depth == self.depth - 1:
            self.pool.whole(coarse_levels.solve_dense, self.inverse, b, x)
            return
        run = self.pool.run
        step, aggregates = self.plan[depth], self.aggregates[depth]
        levels = [self.levels[field][depth] for field in range(3)]
        lower = [self.levels[field][depth + 1] for field in range(3)]
        nz, size = levels[0].shape[0], levels[0].size
        if depth == 0:
            self._smooth_blocks(b[PSI], b[SALT], False, x[PSI], x[SALT])
        for field, level in enumerate(levels):
            if depth or field == PHI:
                run(
                    _stencil.smooth,
                    *(size, nz, b[field], level.dinv, level.faces),
                    *(multigrid.SWEEPS, False, x[field]),
                )
            if depth == 0 and field == PHI:
                self._correct_clusters(b, x)
            run(
                grid_transfer.residual_restricted,
                *(size, step.shape[0], x[field], b[field], level.faces),
                *(level.e, level.with_e, aggregates, lower[field].b),
            )
        coarse_b = tuple(part.b for part in lower)
        coarse_x = tuple(part.x for part in lower)
        if depth == 0:
            self.over_links(
                exchange.exchange_restricted,
                *(self.links.slopes, exchange.flat(x), self.parent, exchange.flat(coarse_b)),
            )
        else:
            run(
                exchange.cell_exchange_restricted,
                size,
                step.shape[0],
                *(exchange.Slopes(self.g[depth], self.m[depth]), x, aggregates, coarse_b),
            )
        self.pool.whole(
            lithium_electrode.exchange_restricted,
            *(levels[PSI].cz, levels[SALT].cz, (x[PSI], x[SALT]), aggregates),
            (coarse_b[PSI], coarse_b[SALT]),
        )
        self._cycle(depth + 1, coarse_b, coarse_x)
        if depth + 1 in self.again:
            self._visit_again(depth + 1, coarse_b, coarse_x)
        scratch = self.scratch[depth]
        for field in range(3):
            run(grid_transfer.prolong, size, nz, coarse_x[field], aggregates, x[field])
        if depth == 0:
            self._correct_clusters(b, x)
        self._residual(depth, b, x, scratch)
        if depth == 0:
            self._smooth_blocks(scratch[PSI], scratch[SALT], True, x[PSI], x[SALT])
        for field, level in enumerate(levels):
            if depth == 0 and field != PHI:
                continue
            run(
                _stencil.smooth,
                *(size, nz, scratch[field], level.dinv, level.faces),
                *(multigrid.SWEEPS, True, x[field]),
            )

    def _residual(self, depth, b, x, out):
        """Write ``out = b - A x``; exchange by faces on the finest level, by cells below."""
        levels = [self.levels[field][depth] for field in range(3)]
        size, nz = levels[0].size, levels[0].shape[0]
        for field, level in enumerate(levels):
            self.pool.run(
                _stencil.residual,
                *(size, nz, x[field], b[field], level.faces, level.e, level.with_e, out[field]),
            )
        if depth == 0:
            self.over_links(
                exchange.exchange_residual, self.links.slopes, exchange.flat(x), exchange.flat(out)
            )
        else:
            slopes = exchange.Slopes(self.g[depth], self.m[depth])
            self.pool.run(exchange.cell_exchange, size, nz, slopes, x, out)
        self.pool.whole(
            lithium_electrode.exchange,
            *(levels[PSI].cz, levels[SALT].cz, (x[PSI], x[SALT]), (out[PSI], out[SALT])),
        )

    def _visit_again(self, depth, b, x):
        """Correct the solution of a level by another cycle for what is left of its residual."""
        left, more = self.again[depth]
        whole = self.pool.whole
        for part in x:
            whole(fields.multiply, self.visits, 0, part)
        self._residual(depth, b, x, left)
        self._cycle(depth, left, more)
        for part, correction in zip(x, more, strict=True):
            whole(fields.multiply, self.visits, 1, correction)
            whole(fields.add, correction, part)

    def _correct_clusters(self, b, x):
        fine, salt, group = self.levels[PHI][0], self.levels[SALT][0], self.clusters
        if group.count:
            blocks = (self.g[0], self.m[0], self.levels[PSI][0].dinv, salt.dinv)
            self.pool.run(
                floating_clusters.correct,
                *(0, group.count, group, fine.cz.shape[1:]),  # one thread: they may touch
                _stencil.FaceConductances(*(c.ravel() for c in (fine.cz, fine.cy, fine.cx))),
                block_smoother.Blocks(*(part.ravel() for part in blocks)),
                (x[PSI].ravel(), x[SALT].ravel()),
                *(b[PHI].ravel(), x[PHI].ravel()),
            )

    def over_links(self, function, *args):
        """Call a kernel over the links, without two threads at one cell."""
        self.pool.scatter(function, self.links.ends.starts, self.links.ends, *args)
