import numpy as np
import pytest

from analysis.specimen import particles

BOX = (40.0, 36.0, 32.0)


def _distances(centers, box):
    apart = centers[:, None] - centers[None]
    for axis in (1, 2):
        apart[..., axis] -= box[axis] * np.round(apart[..., axis] / box[axis])
    return np.sqrt((apart**2).sum(-1))


@pytest.fixture(scope="module")
def packing():
    return particles.pack((120.0, 60.0, 60.0), np.random.default_rng(3))


def test_relaxation_leaves_only_shallow_overlaps(packing):
    distance = _distances(packing.centers_um, packing.box_um)
    allowed = particles.HARD_CORE * (packing.radii_um[:, None] + packing.radii_um[None])
    pairs = np.triu_indices(len(packing.radii_um), 1)
    shortfall = 1 - distance[pairs] / allowed[pairs]
    assert shortfall.max() < 0.12
    assert np.mean(shortfall > 0.02) < 0.01


def test_radii_fill_the_box_and_have_the_median_by_volume():
    radii = particles.draw_radii(3e6, np.random.default_rng(0))
    volume = 4 / 3 * np.pi * radii**3
    assert volume.sum() == pytest.approx(particles.SPHERE_VOLUME * 3e6, rel=0.01)
    cumulated = np.cumsum(volume) / volume.sum()
    median = radii[np.searchsorted(cumulated, 0.5)]
    assert median == pytest.approx(particles.MEDIAN_RADIUS_UM, rel=0.04)
    assert np.all(np.diff(radii) <= 0)


def test_centers_stay_inside_the_walls(packing):
    inset = 0.75 * packing.radii_um
    assert np.all(packing.centers_um[:, 0] >= inset - 1e-9)
    assert np.all(packing.centers_um[:, 0] <= 120.0 - inset + 1e-9)


def test_neighbor_list_equals_all_pairs():
    rng = np.random.default_rng(1)
    for n in (2, 60, 200):
        centers = rng.random((n, 3)) * BOX
        radii = rng.uniform(0.9, 6.0, n)
        first, second = particles._neighbors(centers, radii, np.array(BOX), 0.91, 0.5)
        found = {tuple(sorted(pair)) for pair in zip(first.tolist(), second.tolist(), strict=True)}
        assert len(found) == len(first)
        near = _distances(centers, BOX) < 0.91 * (radii[:, None] + radii[None]) + 0.5
        expected = set(zip(*np.nonzero(np.triu(near, 1)), strict=True))
        assert found == {(int(i), int(j)) for i, j in expected}


def test_signed_distance_equals_brute_force_across_the_periodic_faces():
    rng = np.random.default_rng(2)
    centers = rng.random((15, 3)) * BOX
    spheres = particles.Packing(centers, rng.uniform(1.0, 6.0, 15), BOX)
    z, y, x = (np.linspace(0.4, edge - 0.4, 18) for edge in BOX)
    x = x + 7.3  # a grid that sticks out of the box
    grid = np.stack(np.meshgrid(z, y, x, indexing="ij"), -1).reshape(-1, 1, 3)
    apart = grid - centers[None]
    for axis in (1, 2):
        apart[..., axis] -= BOX[axis] * np.round(apart[..., axis] / BOX[axis])
    expected = (np.sqrt((apart**2).sum(-1)) - spheres.radii_um).min(axis=1)
    expected = np.minimum(expected, particles.REACH_UM).reshape(18, 18, 18)
    found = particles.signed_distance(spheres, z, y, x)
    np.testing.assert_allclose(found, expected, atol=2e-5)


def test_stretching_makes_a_ramp_uniform():
    rng = np.random.default_rng(4)
    depth = 100 * np.sqrt(rng.random(20000))  # density rises in proportion to z
    centers = np.stack([depth, depth, depth], axis=1)
    spheres = particles.Packing(centers, np.full(20000, 0.01), (100.0, 100.0, 100.0))
    edges = np.linspace(0, 1, 51)
    even = particles.stretch(spheres, np.diff(edges**2), np.ones(50))
    counts = np.histogram(even.centers_um[:, 0], 10, (0, 100))[0]
    assert counts.std() / counts.mean() < 0.05
    assert np.all(np.diff(even.centers_um[np.argsort(depth), 0]) >= 0)
