"""Arguments for every kernel of the resolved cell on a card, from small cells in a run.

A case gives the number of slices, "faces" for all entries of a list of faces or None for whole
arrays, and the arguments of the twin on the CPU after `start` and `stop`.
"""

import functools

import numpy as np

from analysis.electrochemistry.materials import DEFAULT
from analysis.electrochemistry.resolved import grid, interface, time_differences
from analysis.electrochemistry.resolved.electrolyte_fluxes import ChargeSalt
from analysis.electrochemistry.resolved.linear_solver import (
    block_smoother,
    exchange,
    lithium_electrode,
)
from analysis.electrochemistry.resolved.linear_solver.coarse_levels import PHI, PSI, SALT
from analysis.electrochemistry.resolved.solid_diffusion import Operator
from analysis.electrochemistry.resolved.state import ResolvedCell
from analysis.electrochemistry.resolved.time_integration import ResolvedControl, Run
from analysis.electrochemistry.transport.stencil import FaceConductances
from analysis.electrochemistry.transport.threads import ThreadPool

# Odd lengths, one voxel along an axis, and cells of two voxels
SIZES = {"odd": ((5, 3, 5), 1), "thin": ((6, 1, 15), 1), "cells of two": ((6, 6, 10), 2)}
VOXEL_UM = 6.0
F4 = np.float32


def labels_of(shape):
    """Random phases with a wall of AM and islands of all three."""
    rng = np.random.default_rng(sum(shape))
    labels = rng.choice(3, shape, p=(0.35, 0.25, 0.4)).astype(np.uint8)
    labels[2, :, 1:3] = 2
    labels[1, 0, 0], labels[-1, -1, -1] = 0, 1
    return labels


class Sample:
    """A cell after two steps, and random fields on its grids."""

    def __init__(self, name):
        shape, n = SIZES[name]
        self.rng = np.random.default_rng(len(name))
        domain = grid.build(
            labels_of(shape),
            0.12,
            voxel_size_um=VOXEL_UM / n,
            cell=DEFAULT,
            largest_inert=0.95,
            voxels_per_cell=n,
        )
        self.cell = cell = ResolvedCell(domain, DEFAULT, ThreadPool(1))
        cell.set_rest(0.4)
        self.run = Run(cell, 2.0, 2.5, ResolvedControl(first_step_s=5.0), (), 60.0)
        for _ in range(2):
            assert not self.run.advance()
        self.n, self.voxel_n = cell.nz, cell.voxel_nz
        self.multigrid = cell.preconditioner
        self.faces, self.rates = cell.faces, cell.rates
        self.levels = [self.multigrid.levels[field][0] for field in range(3)]
        self.step = self.multigrid.plan[0]
        self.several = n > 1

    def field(self, low=-1.0, high=1.0, dtype=F4, shape=None):
        shape = shape or self.cell.shape
        made = np.zeros(tuple(n + 2 for n in shape), dtype)
        made[1:-1, 1:-1, 1:-1] = self.rng.uniform(low, high, shape)
        return made

    def voxels(self, low=-1.0, high=1.0, dtype=F4):
        return self.field(low, high, dtype, self.cell.geometry.voxels)

    def coarse(self, low=-1.0, high=1.0):
        return self.field(low, high, shape=self.step.shape)

    def three(self, scale=1.0):
        return tuple(self.field(-scale, scale) for _ in range(3))

    def flat(self, scale=1.0):
        return exchange.flat(self.three(scale))

    @property
    def links(self):
        """The links as faces, and their slopes."""
        return self.multigrid.links.ends, self.multigrid.links.slopes

    @property
    def used_up(self):
        """Salt that is nearly used up in some cells."""
        return self.cell.salt * self.field(1e-6, 1.0, float) ** 3

    @property
    def operator(self):
        slope = self.cell.slope + self.voxels(0, 1e-12) * (self.cell.active > 0)
        return Operator(self.cell.active, F4(1e-12), F4(1e-14), slope, F4(1))

    def blocks(self, coarse=False):
        g, m = self.field(0, 1), self.field(0, 2)
        return block_smoother.Blocks(g, m, self.field(0.1, 1), self.field(0.1, 1))


@functools.cache
def sample(name):
    return Sample(name)


def one(make):
    return lambda s: [make(s)]


def both(make):
    return lambda s: [make(s, True), make(s, False)]


PARABOLA = time_differences.parabola(2.0, 1.0, 0.7)
UNIT = F4(300.0)

FLUXES = {
    "properties": one(lambda s: (s.n, s.used_up, s.cell.table, 1.0, s.cell.properties.copy())),
    "faces": one(
        lambda s: (
            *(s.n, s.cell.electrolyte, UNIT, F4(0.2)),
            *(FaceConductances(*s.three()), FaceConductances(*s.three()), s.field()),
        )
    ),
    "residual": one(
        lambda s: (
            *(s.n, ChargeSalt(s.field(dtype=float), s.used_up), s.field(dtype=float)),
            *(s.cell.electrolyte, 0.2, ChargeSalt(s.field(), s.field())),
        )
    ),
    "jacobian": one(
        lambda s: (
            *(s.n, ChargeSalt(s.field(dtype=float), s.used_up), s.cell.electrolyte, UNIT, F4(0.2)),
            *(ChargeSalt(s.field(), s.field()), ChargeSalt(s.field(), s.field())),
        )
    ),
}

SUMS = {
    "solid_conductivity": lambda s: [] if s.several else [
        (s.n, s.cell.lithium, s.cell.kind, s.cell.electronic, -3.0, -1e-4, s.field())
    ],
    "limit": one(lambda s: (s.n, F4(0.3), s.field())),
    "largest_in_electrolyte": one(lambda s: (s.n, s.field(), s.used_up, s.cell.properties)),
    "largest": one(lambda s: (s.n, s.field(-3, 2))),
    "add_potential": one(lambda s: (s.n, 1.0, s.field(), s.field(dtype=float))),
    "shift": lambda s: [(s.n, 0.3, s.field(dtype=float)), (s.n, F4(0.3), s.field())],
    "add_salt": one(lambda s: (s.n, 2000.0, s.field(), s.cell.properties, s.used_up)),
    "weighted_sum": one(lambda s: (s.n, s.cell.storage, s.used_up)),
    "total": one(lambda s: (s.n, s.field())),
    "scale_salt": one(lambda s: (s.n, 0.9, s.cell.storage, s.cell.salt)),
}  # fmt: skip

FACES = {
    "sum_slopes": one(
        lambda s: ("faces", s.faces, s.rates, 1e-5, s.voxels().ravel(), s.voxels().ravel())
    ),
    "damp": one(
        lambda s: (
            *("faces", s.faces, s.rates, s.voxels(-1e4, 1e5).ravel()),
            *(s.field(0, 1).ravel(), s.field(0, 1).ravel()),
        )
    ),
    "add_currents": one(
        lambda s: ("faces", s.faces, s.rates, s.voxels(-9, 9).ravel(), s.flat(1e-4))
    ),
    "lithium_load": one(
        lambda s: ("faces", s.faces, s.rates, s.flat(), 1e-5, s.voxels(-1e-9, 1e-9).ravel())
    ),
    "follow_lithium": one(lambda s: ("faces", s.faces, s.rates, s.voxels(-50, 50).ravel())),
}


def unknowns(s):
    """Fields far from equilibrium, with used-up salt and full AM."""
    cell = s.cell
    content = cell.bounds[1] * s.voxels(0.2, 1, float) * (cell.active > 0)
    salt = s.used_up
    lithium = content if s.several else content + salt * (cell.active == 0)
    if not s.several:
        salt = lithium
    psi, phi = cell.psi + 0.1 * s.field(dtype=float), cell.phi + 0.1 * s.field(dtype=float)
    return interface.FlatFields(*(part.ravel() for part in (psi, phi, salt, lithium)))


REACTION = {
    "evaluate": one(
        lambda s: ("faces", s.faces, s.cell.kinetics, unknowns(s), float(UNIT), s.rates)
    ),
}

LITHIUM = {
    "residual": one(
        lambda s: (
            *(s.voxel_n, s.cell.lithium, s.voxels(-1e3, 1e3, float), s.cell.active),
            *(1e-12, 0.1, F4(1e-14), s.voxels()),
        )
    ),
    "apply": one(lambda s: (s.voxel_n, s.voxels(), s.operator, s.voxels())),
    "advance": lambda s: [
        (
            *(s.voxel_n, alpha, (s.voxels(), s.voxels()), (s.voxels(), s.voxels()), s.operator),
            np.zeros((s.voxel_n, 2)),
        )
        for alpha in (F4(0), F4(0.7))
    ],
    "turn": one(lambda s: (s.voxel_n, F4(0.4), s.voxels(), s.operator, s.voxels())),
    "subtract_currents": one(
        lambda s: ("faces", s.faces, s.rates.current, 1e-5, s.voxels(-1e-9, 1e-9).ravel())
    ),
    "add": one(
        lambda s: (s.voxel_n, s.voxels(-4e4, 4e4), s.cell.active, 100.0, 5e4, s.cell.lithium)
    ),
}

TIMES = {
    "combine": one(
        lambda s: (s.n, 1.3, s.field(dtype=float), 0.4, s.field(), s.field(dtype=float))
    ),
    "predict": lambda s: [
        (s.n, 3.9, s.field(), s.field(), s.field(), factors, s.field(dtype=float))
        for factors in (PARABOLA, time_differences.NO_CHANGE)
    ],
    "remember": one(lambda s: (s.n, 3.9, s.field(3, 4, float), s.field(), s.field())),
    "positive_history": one(
        lambda s: (
            *(s.n, 1.5, s.used_up, 0.5, s.field(-900, 100), s.cell.storage, 0.1),
            s.field(dtype=float),
        )
    ),
    "difference": one(lambda s: (s.n, s.field(dtype=float), s.field(dtype=float), s.field())),
    "extrapolate": one(
        lambda s: (
            *(s.voxel_n, s.cell.lithium, s.voxels(-3e4, 3e4), s.voxels(-3e4, 3e4), PARABOLA),
            *(s.cell.active, 100.0, 5e4, s.voxels(dtype=float)),
        )
    ),
    "extrapolate_salt": one(
        lambda s: (
            *(s.n, s.cell.salt, s.field(-2e3, 2e3), s.field(-2e3, 2e3), PARABOLA),
            s.field(dtype=float),
        )
    ),
    "slice_sums": one(lambda s: (None, s.used_up, s.cell.storage, np.zeros(s.n), np.zeros(s.n))),
}

BALANCES = {
    "lithium_room": one(
        lambda s: (*(None, s.cell.lithium, s.voxels(0, 9e3, float), s.cell.active, 1e3, 5e4, 0.3),)
    ),
    "shift_lithium": one(lambda s: (None, s.cell.lithium, s.cell.active, 1e3, 5e4, 30.0)),
}

CONDUCTION = {
    "conductivity": lambda s: [
        (
            *(s.n, s.cell.lithium, s.cell.active, s.cell.geometry.n_separator),
            *(2, -3.0, -1e-4, s.field()),
        )
    ] if s.several else [],
    "conductances": lambda s: [
        (
            *(s.n, s.field(0, 1) * (s.field(0, 1) < 0.6)),
            *(FaceConductances(*(s.field(0, 1) for _ in range(3))) for _ in range(2)),
            FaceConductances(*s.three()),
        )
    ],
}  # fmt: skip

KRYLOV = {
    "inner_products": one(lambda s: (s.n, *(s.field() for _ in range(4)), np.zeros((s.n, 4)))),
    "weighted_products": one(
        lambda s: (s.n, *(s.field() for _ in range(4)), s.field(0, 1), np.zeros((s.n, 4)))
    ),
    "step": one(
        lambda s: (
            *(s.n, F4(0.3), F4(-0.2), F4(0.7)),
            *(tuple(s.field() for _ in range(4)) for _ in range(2)),
        )
    ),
}
OTHER_KRYLOV = {
    "copy": one(lambda s: (s.n, s.field(), s.field())),
    "add_two": one(lambda s: (s.n, F4(0.3), F4(-0.7), s.field(), s.field(), s.field())),
}

BLOCKS = {
    "factor": one(lambda s: (s.n, s.field(0, 1), s.field(0, 1), s.field(0, 1), s.field(0, 1))),
    "solve": one(
        lambda s: (
            *(s.n, F4(0.9), s.blocks()),
            *((s.field(), s.field()), (s.field(), s.field())),
        )
    ),
    "sweep": both(
        lambda s, add: (
            *(s.n, (F4(1.0), F4(2 / 3)), add, s.blocks(), s.levels[PSI].faces),
            *(s.levels[SALT].faces, (s.field(), s.field()), (s.field(), s.field())),
        )
    ),
}


def exchanging(s):
    return ("faces", *s.links, s.flat())


EXCHANGE = {
    "exchange": one(lambda s: (*exchanging(s), s.flat(1e-3))),
    "exchange_residual": one(lambda s: (*exchanging(s), s.flat(1e-3))),
    "exchange_restricted": one(
        lambda s: (
            *exchanging(s),
            s.multigrid.parent,
            exchange.Vector(*(s.coarse(-1e-3, 1e-3).ravel() for _ in range(3))),
        )
    ),
    "weigh_rows": one(lambda s: ("faces", s.links[0], s.links[1].m, s.field(1, 1e3).ravel())),
    "sum_of_inverses": one(lambda s: (s.n, s.field(-0.1, 1))),
    "diagonal_with_exchange": lambda s: [
        (s.n, one.faces, one.e, one.with_e, s.field(0, 1), s.field())
        for one in (s.levels[PHI], s.levels[SALT])
    ],
    "cell_exchange": one(
        lambda s: (s.n, exchange.Slopes(s.field(0, 1), s.field(0, 1)), s.three(), s.three())
    ),
    "cell_exchange_restricted": one(
        lambda s: (
            *(s.step.shape[0], exchange.Slopes(s.field(0, 1), s.field(0, 1)), s.three()),
            *(s.step.aggregates, tuple(s.coarse() for _ in range(3))),
        )
    ),
}


def fine(s):
    return s.multigrid._fine_diagonals()


COARSENING = {
    "collect": one(
        lambda s: (
            *("faces", s.links[0], s.multigrid.coarse_faces.code, s.links[1], fine(s)),
            s.multigrid.parent,
            exchange.Slopes(s.coarse(0, 1).ravel(), s.coarse(0, 1).ravel()),
        )
    ),
    "collect_later": one(
        lambda s: (
            *(None, *later(s), *s.links, fine(s)),
            exchange.Slopes(s.coarse(0, 1).ravel(), s.coarse(0, 1).ravel()),
        )
    ),
}


def later(s):
    """Some links, and cells of the coarse grid for them."""
    ends = s.links[0]
    face = s.rng.permutation(ends.count)[: ends.count // 2].astype(np.int32)
    return face, s.multigrid.parent[ends.electrolyte[face]]


CLUSTERS = {
    "correct": one(
        lambda s: (
            *(s.multigrid.clusters.count, s.multigrid.clusters, s.levels[PHI].cz.shape[1:]),
            FaceConductances(*(c.ravel() for c in s.levels[PHI].faces)),
            block_smoother.Blocks(*(part.ravel() for part in s.blocks())),
            *((s.field().ravel(), s.field().ravel()), s.field().ravel(), s.field().ravel()),
        )
    ),
}


def dense(s):
    size = 3 * int(np.prod(s.step.shape))
    return s.rng.uniform(-1, 1, (size, size)).astype(F4)


LINKS = {
    "sum_over_links": one(
        lambda s: ("faces", s.faces, s.rates, s.multigrid.links.of_face, some_slopes(s))
    ),
}


def some_slopes(s):
    count = s.links[0].count
    return exchange.Slopes(*s.rng.uniform(0, 1, (2, count)).astype(F4))


COARSE = {
    "solve_dense": one(
        lambda s: (None, dense(s), *(tuple(s.coarse() for _ in range(3)) for _ in range(2)))
    ),
}


def metal(s):
    shape = s.cell.shape[1:]
    rates = (s.rng.uniform(-1, 1, shape), *s.rng.uniform(0, 1, (2, *shape)).astype(F4))
    return lithium_electrode.MetalRates(*rates)


METAL = {
    "evaluate": lambda s: [
        (None, 0.05 * s.field(dtype=float), s.used_up, s.cell.kinetics, 300.0, by, metal(s))
        for by in (0.0, 0.02)
    ],
    "set_boundary": one(lambda s: (None, metal(s).rise, s.field())),
    "add_boundary": one(lambda s: (None, s.field(), s.field())),
    "add_current": one(lambda s: (None, metal(s), s.field(), s.field())),
    "add_change": one(lambda s: (None, metal(s), (s.field(), s.field()), (s.field(), s.field()))),
    "exchange": one(
        lambda s: (
            None,
            s.field(),
            s.field(),
            (s.field(), s.field()),
            (s.field(), s.field()),
        )  # fmt: skip
    ),
    "exchange_restricted": one(
        lambda s: (
            *(None, s.field(), s.field(), (s.field(), s.field()), s.step.aggregates),
            (s.coarse(), s.coarse()),
        )
    ),
}

CASES = {
    "electrolyte_fluxes": FLUXES,
    "field_sums": SUMS,
    "interface": FACES,
    "butler_volmer": REACTION,
    "solid_diffusion": LITHIUM,
    "time_differences": TIMES,
    "conservation": BALANCES,
    "electron_conductance": CONDUCTION,
    "conjugate_residuals": KRYLOV,
    "bicgstab": OTHER_KRYLOV,
    "block_smoother": BLOCKS,
    "exchange": EXCHANGE,
    "exchange_links": LINKS,
    "interface_coarsening": COARSENING,
    "floating_clusters": CLUSTERS,
    "coarse_levels": COARSE,
    "lithium_electrode": METAL,
}


def cases_of(twin, name):
    """Cases of a function of the CPU on one of the cells."""
    return CASES[twin.__module__.rpartition(".")[2]][twin.__name__](sample(name))
