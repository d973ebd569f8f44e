"""The multigrid cycle against dense linear algebra."""

import numpy as np
import pytest

from analysis.electrochemistry.transport import effective as transport
from analysis.electrochemistry.transport import multigrid
from analysis.electrochemistry.transport import stencil as _stencil
from analysis.electrochemistry.transport.threads import ThreadPool


def operator(shape, seed=0, holes=0.4, contrast=0.05):
    rng = np.random.default_rng(seed)
    conductivity = np.where(rng.random(shape) < 0.5, 1.0, contrast)
    conductivity[rng.random(shape) < holes] = 0
    cells = multigrid.padded(shape)
    cells[1:-1, 1:-1, 1:-1] = conductivity
    cz, cy, cx = transport.faces(cells, ThreadPool(1))
    cz[1] = 2 * cells[1]
    cz[-1] = 0
    return cz, cy, cx


def level_of(cz, cy, cx, e=None):
    return multigrid.build(cz, cy, cx, e, pool=ThreadPool(1)).levels[0]


def test_stencil_equals_the_dense_matrix():
    shape = (4, 5, 7)
    level = level_of(*operator(shape))
    matrix = multigrid.dense_matrix(level)
    x = multigrid.padded(shape)
    x[1:-1, 1:-1, 1:-1] = np.random.default_rng(1).standard_normal(shape)
    y = np.zeros_like(x)
    power = _stencil.apply(0, 4, x, level.faces, level.e, False, y)
    inner = x[1:-1, 1:-1, 1:-1].ravel().astype(float)
    np.testing.assert_allclose(y[1:-1, 1:-1, 1:-1].ravel(), matrix @ inner, atol=1e-5)
    assert power == pytest.approx(inner @ matrix @ inner, rel=1e-5)


def test_two_sweeps_equal_the_polynomial_of_the_diagonally_scaled_matrix():
    shape = (5, 4, 6)
    level = level_of(*operator(shape, holes=0.0))
    matrix = multigrid.dense_matrix(level)
    scaled = matrix / np.diag(matrix)[:, None]
    b = multigrid.padded(shape)
    b[1:-1, 1:-1, 1:-1] = np.random.default_rng(2).standard_normal(shape)
    x = np.zeros_like(b)
    w1, w2 = multigrid.SWEEPS
    _stencil.smooth(0, 5, b, level.dinv, level.faces, (w1, w2), False, x)
    g = b[1:-1, 1:-1, 1:-1].ravel() / np.diag(matrix)
    expected = w1 * g
    expected = expected + w2 * (g - scaled @ expected)
    np.testing.assert_allclose(x[1:-1, 1:-1, 1:-1].ravel(), expected, rtol=1e-4, atol=1e-5)


@pytest.mark.parametrize("shape", [(9, 8, 11), (16, 4, 4), (3, 17, 8), (24, 24, 24)])
@pytest.mark.parametrize("revisit", [None, 1])
def test_cycle_is_symmetric_and_positive(shape, revisit):
    hierarchy = multigrid.build(*operator(shape), pool=ThreadPool(1), revisit=revisit)
    rng = np.random.default_rng(3)
    vectors = []
    for _ in range(2):
        v = multigrid.padded(shape)
        v[1:-1, 1:-1, 1:-1] = rng.standard_normal(shape) * (
            hierarchy.levels[0].dinv[1:-1, 1:-1, 1:-1] > 0
        )
        vectors.append(v)
    results = []
    for v in vectors:
        out = np.zeros_like(v)
        hierarchy.cycle(v, out, None)
        results.append(out.astype(float))
    first, second = np.vdot(vectors[0], results[1]), np.vdot(vectors[1], results[0])
    assert first == pytest.approx(second, rel=1e-4)
    assert np.vdot(vectors[0], results[0]) > 0


def test_coarse_faces_of_a_uniform_grid_are_those_of_the_coarse_grid():
    """Joined 2 x 2 x 2, a uniform grid must look like a uniform grid of twice the spacing."""
    cells = multigrid.padded((8, 8, 8))
    cells[1:-1, 1:-1, 1:-1] = 1
    hierarchy = multigrid.build(*transport.faces(cells, ThreadPool(1)), pool=ThreadPool(1))
    lower = hierarchy.levels[1]
    assert lower.shape == (4, 4, 4)
    np.testing.assert_allclose(lower.cz[2:5, 1:-1, 1:-1], 2)
    np.testing.assert_allclose(lower.cy[1:-1, 2:5, 1:-1], 2)
    np.testing.assert_allclose(lower.cx[1:-1, 1:-1, 2:5], 2)


def test_tall_slices_are_joined_only_sideways():
    heights = np.array([1, 1, 1, 1, 8, 8])
    plan = multigrid.plan_coarsening((6, 16, 16), heights)
    assert plan[0].first.tolist() == [0, 2, 4, 5, 6]
    assert plan[0].shape == (4, 8, 8)


def test_solution_equals_a_dense_solve():
    shape = (7, 6, 9)
    cz, cy, cx = operator(shape, holes=0.1)
    e = multigrid.padded(shape)
    e[1:-1, 1:-1, 1:-1] = np.random.default_rng(4).random(shape) * 0.1
    hierarchy = multigrid.build(cz, cy, cx, e, pool=ThreadPool(1))
    b = multigrid.padded(shape)
    b[1:-1, 1:-1, 1:-1] = np.random.default_rng(5).standard_normal(shape)
    x = np.zeros(b.shape)
    solution = multigrid.solve(hierarchy, b, x, rtol=1e-7)
    matrix = multigrid.dense_matrix(hierarchy.levels[0])
    expected = np.linalg.solve(matrix, b[1:-1, 1:-1, 1:-1].ravel().astype(float))
    np.testing.assert_allclose(x[1:-1, 1:-1, 1:-1].ravel(), expected, rtol=2e-5, atol=2e-5)
    assert solution.residual < 1e-7


def test_iterations_grow_slowly_with_size():
    counts = []
    for n in (16, 32, 64):
        rng = np.random.default_rng(6)
        blocks = rng.random((n // 8,) * 3) < 0.4
        solid = np.kron(blocks, np.ones((8, 8, 8))).astype(bool)
        result = transport.effective_conductivity(np.where(solid, 0.01, 1.0))
        counts.append(result.iterations)
    assert counts[-1] <= 2 * counts[0] + 5, counts


def test_second_visits_halve_the_cycles_and_keep_the_solution():
    rng = np.random.default_rng(8)
    shape = (48, 48, 48)
    blocks = np.kron(rng.random((12, 12, 12)) < 0.4, np.ones((4, 4, 4)))
    cells = multigrid.padded(shape)
    cells[1:-1, 1:-1, 1:-1] = np.where(blocks, 0.05, 1.0)
    cz, cy, cx = transport.faces(cells, ThreadPool(1))
    cz[1] = 2 * cells[1]
    b = np.zeros_like(cells)
    b[1] = cz[1]
    solutions, cycles = [], []
    for revisit in (None, 1):
        hierarchy = multigrid.build(cz, cy, cx, pool=ThreadPool(1), revisit=revisit)
        x = np.zeros(b.shape)
        cycles.append(multigrid.solve(hierarchy, b, x, rtol=1e-7).iterations)
        solutions.append(x)
    assert cycles[1] <= 0.7 * cycles[0], cycles
    np.testing.assert_allclose(solutions[1], solutions[0], atol=1e-5)


def test_threads_give_the_same_answer():
    rng = np.random.default_rng(7)
    volume = np.where(rng.random((48, 40, 40)) < 0.5, 0.1, 1.0)
    one = transport.effective_conductivity(volume, threads=1)
    two = transport.effective_conductivity(volume, threads=2)
    assert one.value == pytest.approx(two.value, rel=1e-8)
