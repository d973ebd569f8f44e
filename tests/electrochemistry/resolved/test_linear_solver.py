"""Parts of the linear solver of the resolved cell, each against a direct solution."""

import numpy as np

from analysis.electrochemistry.resolved import grid as domain
from analysis.electrochemistry.resolved import interface, newton
from analysis.electrochemistry.resolved.linear_solver import (
    block_smoother,
    coarse_levels,
    conjugate_residuals,
    floating_clusters,
    interface_coarsening,
    preconditioner,
)
from analysis.electrochemistry.transport import multigrid
from analysis.electrochemistry.transport import stencil as _stencil
from analysis.electrochemistry.transport.threads import ThreadPool


def padded(values):
    return np.pad(np.asarray(values, np.float32), 1)


def random_faces(rng, conductivity):
    faces = [np.zeros_like(conductivity) for _ in range(3)]
    _stencil.harmonic_faces(0, conductivity.shape[0] - 2, conductivity, *faces)
    return faces


def cluster_kinds():
    """Binder on the collector, a cluster of three voxels and one of a single voxel in AM."""
    kind = np.full((8, 6, 6), domain.AM, np.uint8)
    kind[-1] = domain.COLLECTOR
    kind[4:7, 0, 0] = domain.CBD
    kind[1, 1:4, 2] = domain.CBD
    kind[3, 4, 4] = domain.CBD_WITHOUT_ELECTROLYTE
    kind[0, 0, 5] = domain.CBD_WITHOUT_ELECTRONS  # no electrons in it at all
    return np.pad(kind, 1)


def test_floating_clusters_are_found():
    found = floating_clusters.find(floating_clusters.clusters(cluster_kinds()))
    assert found.count == 2
    assert sorted(np.diff(found.first)) == [1, 3]


def test_no_cluster_without_binder():
    found = floating_clusters.find(
        floating_clusters.clusters(
            np.where(cluster_kinds() == domain.COLLECTOR, domain.COLLECTOR, 0)
        )
    )
    assert found.count == 0


def test_corrected_cluster_is_in_balance():
    rng = np.random.default_rng(0)
    kind = cluster_kinds()
    sigma = np.choose(kind, [0, 0, 50.0, 1e-4, 0, 1e3, 50.0, 0]).astype(np.float32)
    cz, cy, cx = random_faces(rng, sigma)
    b, x = (padded(rng.standard_normal((8, 6, 6))) for _ in range(2))
    found = floating_clusters.find(floating_clusters.clusters(kind))
    for n in range(found.count):  # so that rounding of the inner currents does not hide the sum
        x.ravel()[found.voxel[found.first[n] : found.first[n + 1]]] = 0.1
    before = x.copy()
    g = padded(np.where(kind == domain.CBD, 0.01, 0)[1:-1, 1:-1, 1:-1])
    none, one = np.zeros_like(g), np.ones_like(g)
    psi, salt = (padded(rng.standard_normal((8, 6, 6))) for _ in range(2))
    faces = _stencil.FaceConductances(*(part.ravel() for part in (cz, cy, cx)))
    blocks = block_smoother.Blocks(*(part.ravel() for part in (g, none, none, one)))
    fields = (psi.ravel(), salt.ravel())
    at = (0, found.count, found, x.shape[1:])
    floating_clusters.correct(*at, faces, blocks, fields, b.ravel(), x.ravel())
    r = np.zeros_like(x)
    whole = _stencil.FaceConductances(cz, cy, cx)
    _stencil.residual(0, 8, x, b, whole, np.zeros((1, 1, 1), "f4"), False, r)
    r -= g * (x - psi)
    for n in range(found.count):
        members = found.voxel[found.first[n] : found.first[n + 1]]
        assert abs(r.ravel()[members].sum()) < 1e-5 * np.abs(b.ravel()[members]).sum()
        shift = (x - before).ravel()[members]
        np.testing.assert_allclose(shift, shift[0], rtol=1e-6)
    elsewhere = np.setdiff1d(np.arange(x.size), found.voxel)
    np.testing.assert_array_equal(x.ravel()[elsewhere], before.ravel()[elsewhere])


def test_blocks_are_solved_exactly():
    rng = np.random.default_rng(1)
    shape = (3, 3, 3)
    a, d = (1 + rng.random(shape) for _ in range(2))
    g, m = 100 * rng.random(shape), 1e4 * rng.random(shape)
    b = rng.standard_normal((2, *shape))
    blocks = block_smoother.Blocks(*(padded(v) for v in (g, m, 1 / (a + g), 1 / (d + m))))
    block_smoother.factor(0, 3, *blocks)
    u1, u3 = np.zeros((5, 5, 5), "f4"), np.zeros((5, 5, 5), "f4")
    b1, b3 = padded(b[0]), padded(b[1])
    block_smoother.solve(0, 3, np.float32(1), blocks, (b1, b3), (u1, u3))
    inner = (slice(1, -1),) * 3
    for at in np.ndindex(shape):
        block = np.array([[a[at] + g[at], m[at]], [g[at], d[at] + m[at]]])
        wanted = np.linalg.solve(block, b[:, *at])
        np.testing.assert_allclose([u1[inner][at], u3[inner][at]], wanted, rtol=2e-3, atol=1e-6)


def test_faces_wait_for_a_host_with_both_phases():
    """A flat interface between aggregates of one phase each has no host on the first grid."""
    shape = (16, 16, 16)
    plan = multigrid.plan_coarsening(shape, np.ones(16))
    sizes = [shape, *(step.shape for step in plan)]
    parents = [coarse_levels.parents_of(n, step) for n, step in zip(sizes, plan, strict=False)]
    for cut, waits in ((6, True), (5, False)):
        solid = np.zeros(shape, bool)
        solid[cut:] = True
        solid, wet = np.pad(solid, 1), np.pad(~solid, 1)
        wet[[0, -1]] = wet[:, [0, -1]] = wet[:, :, [0, -1]] = False
        faces = interface.find_faces(solid, wet.astype(np.float32), np.zeros_like(wet))
        found = interface_coarsening.assign(faces, parents, plan, solid, wet)
        assert faces.count == 256
        assert np.all((found.code == interface_coarsening.LATER) == waits)
        assert [len(face) for face, *_ in found.later] == [256 if waits else 0]


def test_conjugate_residuals_solve_and_says_how_well():
    rng = np.random.default_rng(2)
    pool, shape = ThreadPool(1), (4, 4, 4)
    work = conjugate_residuals.Workspace(shape)
    n = 3 * 64
    matrix = np.eye(n) * 4 + rng.standard_normal((n, n)) / np.sqrt(n)
    inner = (slice(1, -1),) * 3

    def flat(parts):
        return np.concatenate([part[inner].ravel() for part in parts])

    def put(values, parts):
        for part, piece in zip(parts, np.split(values, 3), strict=True):
            part[inner] = piece.reshape(shape)

    b = rng.standard_normal(n)
    for cycles, limit in ((200, 1e-4), (2, 1.0)):
        put(b, work.r)
        used, residual = conjugate_residuals.conjugate_residuals(
            work,
            lambda x, y: put(matrix @ flat(x), y),
            lambda r, x, scratch: put(flat(r), x),
            pool,
            rtol=1e-5,
            max_cycles=cycles,
        )
        true = np.linalg.norm(b - matrix @ flat(work.x)) / np.linalg.norm(b)
        assert used <= cycles
        assert residual < limit
        assert abs(true - residual) < 1e-4 + 1e-3 * residual


def test_rows_of_bad_conductors_count_like_others():
    """Coefficients of 1e-5 and of one, a preconditioner that is far off: weights even them out."""
    pool, shape = ThreadPool(1), (4, 4, 4)
    work, n = conjugate_residuals.Workspace(shape), 3 * 64
    rng = np.random.default_rng(3)
    conductance = np.where(np.arange(n) < 64, 1e-5, 1.0)
    matrix = np.diag(conductance) + 1e-6 * rng.standard_normal((n, n))
    off = 1 + 0.3 * rng.standard_normal(n)  # of a preconditioner that is far from exact
    inner = (slice(1, -1),) * 3

    def flat(parts):
        return np.concatenate([part[inner].ravel() for part in parts])

    def put(values, parts):
        for part, piece in zip(parts, np.split(values, 3), strict=True):
            part[inner] = piece.reshape(shape)

    put(np.where(np.arange(n) < 64, 1e-6, 1e-4) * rng.standard_normal(n), work.r)
    b = flat(work.r)
    weights = [np.ones_like(work.r[0]) for _ in range(3)]
    put(1 / conductance, weights)
    used, residual = conjugate_residuals.conjugate_residuals(
        work,
        lambda x, y: put(matrix @ flat(x), y),
        lambda r, x, scratch: put(off * flat(r) / conductance, x),
        pool,
        rtol=0.05,
        max_cycles=60,
        weights=tuple(weights),
    )
    left = (b - matrix @ flat(work.x)) ** 2 / conductance
    assert residual < 0.05 and used < 40
    true = np.sqrt(left.sum() / (b**2 / conductance).sum())
    assert abs(true - residual) < 1e-3


def test_two_visits_damp_every_factor(monkeypatch):
    """Weights follow the largest factor by which a coarse level corrects too much."""
    from tests.electrochemistry.resolved.test_resolved import make_cell, mixed

    monkeypatch.setattr(preconditioner, "REVISIT", 64)
    cell = make_cell(mixed((12, 16, 16)))
    assert cell.preconditioner.again
    cell.histories[0][:] = cell.salt / 5.0
    newton.solve_step(cell, 20.0, 1 / 5.0, newton.Tolerance(max_iterations=1))
    first, second = cell.preconditioner.visits
    assert 0 < second < first < 1.2
    depth = max(cell.preconditioner.again)
    assert cell.preconditioner._weigh_visits(depth) == (first, second)
    top = coarse_levels.USUAL_FACTOR
    factors = np.linspace(coarse_levels.LEAST_FACTOR, top, 50)
    assert np.abs((1 - first * factors) * (1 - second * factors)).max() < 0.35
    for field in range(3):  # a coarse operator that is far too weak
        level = cell.preconditioner.levels[field][-1]
        for part in (level.cz, level.cy, level.cx, level.e):
            part *= 0.1
    for part in (cell.preconditioner.g[-1], cell.preconditioner.m[-1]):
        part *= 0.1
    cell.preconditioner.inverse = coarse_levels.inverse_of(cell.preconditioner.dense())
    weaker = cell.preconditioner._weigh_visits(depth)
    assert weaker[0] < first and weaker[1] < second
