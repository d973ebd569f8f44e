"""Arguments on small grids for every kernel of a card, by the name of the kernel.

A case gives the number of slices and the arguments of the twin on the CPU after `start` and
`stop`; None as the number stands for a function on whole fields.
"""

import numpy as np

from analysis.electrochemistry.transport import coarsening, multigrid
from analysis.electrochemistry.transport.stencil import FaceConductances

SHAPES = ((5, 4, 5), (3, 6, 5), (4, 1, 9))  # odd and even lengths, and a plane
WEIGHTS = np.float32(0.57), np.float32(1.6)


def first_step(shape):
    """How a grid is coarsened, however small it is."""
    least, coarsening.COARSEST = coarsening.COARSEST, 8
    try:
        return coarsening.plan_coarsening(shape, np.ones(shape[0]))[0]
    finally:
        coarsening.COARSEST = least


class Grid:
    """Random fields on a grid with holes, and the aggregates of the next one."""

    def __init__(self, shape):
        self.rng = np.random.default_rng(sum(shape))
        self.shape, self.n = shape, shape[0]
        self.cells = self.field(0.1, 2.0) * (self.field(0, 1) < 0.7)
        faces = [self.field(0.1, 2.0) * (self.field(0, 1) < 0.8) for _ in range(3)]
        for axis, one in enumerate(faces):  # closed sides, open ends
            place = [slice(None)] * 3
            place[axis] = [1, -1]
            one[tuple(place)] = 0
        faces[0][1], faces[0][-1] = 2 * self.cells[1], 2 * self.cells[-2]
        self.faces = FaceConductances(*faces)
        self.e = self.field(0.1, 1.0)
        self.step = first_step(shape)

    def field(self, low=-1.0, high=1.0, dtype=np.float32):
        made = multigrid.padded(self.shape, dtype)
        made[1:-1, 1:-1, 1:-1] = self.rng.uniform(low, high, self.shape)
        return made

    def precise(self):
        return self.field(dtype=float)

    def coarse(self):
        made = multigrid.padded(self.step.shape)
        made[1:-1, 1:-1, 1:-1] = self.rng.uniform(-1, 1, self.step.shape)
        return made


def _stencil(g, with_e):
    return (g.faces, g.e if with_e else np.zeros((1, 1, 1), np.float32), with_e)


def _both(make):
    """A case with storage on the diagonal and one without."""
    return lambda g: [make(g, with_e) for with_e in (True, False)]


def _one(make):
    return lambda g: [make(g)]


def _coarse_faces(g):
    return tuple(g.coarse() for _ in range(3))


CASES = {
    "smooth": lambda g: [
        (g.n, g.field(), g.field(0.1, 1), g.faces, WEIGHTS, add, g.field()) for add in (True, False)
    ],
    "apply": _both(lambda g, e: (g.n, g.field(), *_stencil(g, e), g.field())),
    "residual": _both(lambda g, e: (g.n, g.field(), g.field(), *_stencil(g, e), g.field())),
    "inverse_diagonal": _both(lambda g, e: (g.n, *_stencil(g, e), g.field())),
    "harmonic_faces": _one(lambda g: (g.n, g.cells, g.field(), g.field(), g.field())),
    "defect": _both(lambda g, e: (g.n, g.precise(), g.field(), *_stencil(g, e), g.field())),
    "dissipation": _one(lambda g: (g.n, g.precise(), g.cells, *g.faces, np.zeros(g.n))),
    "slice_flux": _one(lambda g: (g.n + 1, g.precise(), g.faces.z, np.zeros(g.n + 1))),
    "residual_restricted": _both(
        lambda g, e: (
            *(g.step.shape[0], g.field(), g.field(), *_stencil(g, e)),
            *(g.step.aggregates, g.coarse()),
        )
    ),
    "prolong": _one(lambda g: (g.n, g.coarse(), g.step.aggregates, g.field())),
    "coarsen_faces": _one(
        lambda g: (
            *(g.step.shape[0], g.faces, g.step.aggregates, g.step.ratios),
            FaceConductances(*_coarse_faces(g)),
        )
    ),
    "coarsen_cells": _one(lambda g: (g.step.shape[0], g.e, g.step.aggregates, g.coarse())),
    "clear": _one(lambda g: (g.n, g.field())),
    "dot": _one(lambda g: (g.n, g.field(), g.field())),
    "dot_weighted": _one(lambda g: (g.n, g.field(), g.field(), g.field(0, 1))),
    "axpy_dot": _one(lambda g: (g.n, np.float32(-0.3), g.field(), g.field())),
    "aypx": _one(lambda g: (g.n, np.float32(0.7), g.field(), g.field())),
    "update_solution": _one(lambda g: (g.n, np.float32(0.7), g.field(), g.precise())),
    "add": _one(lambda g: (None, g.field(), g.field())),
    "energy": _one(lambda g: (None, g.precise(), g.field())),
    "dense_product": _one(lambda g: (None, _symmetric(g).astype(np.float32), g.field(), g.field())),
    "open_first": _one(lambda g: (None, g.cells, g.field())),
    "open_last": _one(lambda g: (None, g.cells, g.field())),
    "add_scaled": _one(lambda g: (None, 0.3, g.field(), g.precise())),
    "assign": lambda g: [(None, g.field(), g.precise()), (None, g.precise(), g.precise())],
    "negate": _one(lambda g: (None, g.precise())),
    "scaled": _one(lambda g: (None, 3e4, g.field(), g.field())),
    "divided": _one(lambda g: (None, g.precise(), 2.7, g.field())),
    "product": _one(lambda g: (None, g.field(), g.precise(), g.precise())),
    "enter": _one(lambda g: (None, g.faces.z, g.field())),
    "set_beyond": _one(lambda g: (None, 1.0, g.precise())),
    "conductance_of_planes": _one(lambda g: (None, g.faces.z, np.zeros(g.n + 1))),
    "fill_slices": _one(lambda g: (None, g.rng.uniform(size=g.n), g.cells, g.precise())),
    "shift_slices": _one(lambda g: (None, g.rng.uniform(size=g.n), g.cells, g.precise())),
    "start_from": _one(lambda g: (None, g.field()[1:-1, 1:-1, 1:-1].copy(), g.cells, g.precise())),
    "set_to_zero": _one(lambda g: (None, g.field().ravel())),
    "multiply": lambda g: [(None, np.array([0.7, -0.3], np.float32), n, g.field()) for n in (0, 1)],
    "over_level": _one(lambda g: (None, 0.3, g.precise(), g.field())),
    "set_slice": _one(lambda g: (None, g.n, -0.3, g.field())),
    "mean_of_slice": lambda g: [(None, k, g.precise()) for k in (1, g.n)],
    "sum_of": _one(lambda g: (None, g.field().ravel())),
    "rounded": _one(lambda g: (None, g.precise(), np.zeros(g.shape, np.float32))),
}


def _symmetric(g):
    size = int(np.prod(g.shape))
    made = g.rng.uniform(-1, 1, (size, size))
    return made + made.T
