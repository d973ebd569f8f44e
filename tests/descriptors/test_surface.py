import itertools

import numpy as np
import pytest
import tifffile

from analysis.descriptors.surface import (
    DIRECTIONS,
    crofton_weights,
    discordant_pairs,
    pairs_in_window,
    specific_surfaces,
)
from analysis.phases import Phase


def shifted(labels, step):
    """The two views of a volume whose voxels are a step apart."""
    tails = tuple(slice(max(0, -d), n - max(0, d)) for d, n in zip(step, labels.shape, strict=True))
    heads = tuple(slice(max(0, d), n - max(0, -d)) for d, n in zip(step, labels.shape, strict=True))
    return labels[tails], labels[heads]


def ball(radius, offset):
    n = 2 * int(radius) + 9
    grid = np.indices((n, n, n)) - (n // 2)
    distance = sum((g - o) ** 2 for g, o in zip(grid, offset, strict=True))
    return np.where(distance < radius**2, Phase.AM, Phase.PORE).astype(np.uint8)


def random_rotation(rng):
    q, _ = np.linalg.qr(rng.normal(size=(3, 3)))
    return q


def test_the_thirteen_directions_are_the_26_neighbors_up_to_sign():
    both = {tuple(v) for v in DIRECTIONS} | {tuple(-np.array(v)) for v in DIRECTIONS}
    assert both == set(itertools.product((-1, 0, 1), repeat=3)) - {(0, 0, 0)}


@pytest.mark.parametrize("shape", [(5, 6, 7), (3, 4, 64), (4, 3, 65), (6, 5, 129)])
def test_pair_counts_equal_brute_force(random_labels, shape):
    labels = random_labels(shape, fractions=(0.3, 0.3, 0.4))
    counts = discordant_pairs(labels)
    for k, step in enumerate(DIRECTIONS):
        tails, heads = shifted(labels, step)
        assert pairs_in_window(shape)[k] == tails.size
        for phase in Phase:
            assert counts[phase, k] == np.count_nonzero((tails == phase) != (heads == phase))


def test_interfaces_are_those_of_counting_their_own_pairs(electrode):
    labels = electrode((24, 30, 70))
    counts = discordant_pairs(labels)
    for a, b, c in itertools.permutations(Phase):
        for k, step in enumerate(DIRECTIONS):
            tails, heads = shifted(labels, step)
            direct = np.count_nonzero((tails == a) & (heads == b)) + np.count_nonzero(
                (tails == b) & (heads == a)
            )
            assert counts[a, k] + counts[b, k] - counts[c, k] == 2 * direct


def test_interfaces_sum_to_surfaces_and_are_not_negative(electrode):
    surfaces = specific_surfaces(electrode((24, 30, 70)), 0.642)
    assert surfaces.am_cbd + surfaces.am_pore == pytest.approx(surfaces.am)
    assert surfaces.am_cbd + surfaces.cbd_pore == pytest.approx(surfaces.cbd)
    assert surfaces.am_pore + surfaces.cbd_pore == pytest.approx(surfaces.pore)
    assert min(surfaces.am_cbd, surfaces.am_pore, surfaces.cbd_pore) > 0
    assert surfaces.intercalation == pytest.approx(surfaces.am_pore + surfaces.am_cbd / 2)


def test_weights_share_the_sphere_and_follow_the_voxel():
    cubic, flat = crofton_weights(), crofton_weights((1.0, 2.0, 2.0))
    assert cubic.sum() == pytest.approx(0.5)
    assert flat.sum() == pytest.approx(0.5)
    np.testing.assert_allclose(crofton_weights((0.642,) * 3), cubic)
    # Flat voxels: the z direction is crowded by steep neighbors less than x and y are.
    assert flat[DIRECTIONS.index((1, 0, 0))] != pytest.approx(cubic[DIRECTIONS.index((1, 0, 0))])
    swapped = crofton_weights((2.0, 2.0, 1.0))
    assert swapped[DIRECTIONS.index((0, 0, 1))] == pytest.approx(flat[DIRECTIONS.index((1, 0, 0))])


def mean_area(radius, n_offsets):
    """Area of a ball, mean over its position on the grid [voxel^2]."""
    rng = np.random.default_rng(radius)
    factors = 4 * crofton_weights() / np.linalg.norm(DIRECTIONS, axis=1)
    counts = [
        discordant_pairs(ball(radius, rng.uniform(-0.5, 0.5, 3)))[Phase.AM]
        for _ in range(n_offsets)
    ]
    return np.mean(counts @ factors)


@pytest.mark.parametrize("radius", [6, 8, 12, 20, 30])
def test_sphere_within_half_a_percent(radius):
    area = mean_area(radius, 40 if radius < 20 else 4)
    assert area == pytest.approx(4 * np.pi * radius**2, rel=5e-3)


@pytest.mark.parametrize("radius", [3, 4, 5, 6])
def test_bias_of_small_spheres_is_the_analytic_one(radius):
    """
    Pairs a step v apart cut off the caps of a ball that are higher than the step sees.

    The expected number of pairs is twice the volume of the ball less its overlap with its copy
    shifted by v, which makes the area too small by mean(|v|^2) / (12 r^2).
    """
    bias = 2 * np.sum(crofton_weights() * np.square(DIRECTIONS).sum(axis=1)) / (12 * radius**2)
    exact = 4 * np.pi * radius**2
    assert mean_area(radius, 400) / exact - 1 == pytest.approx(-bias, abs=1.5e-3)
    if radius == 5:
        assert bias == pytest.approx(0.0067, abs=1e-4)


def test_sphere_of_flat_voxels():
    edges_um = np.array([0.5, 1.0, 1.0])
    grid = np.indices((92, 46, 46)) - np.array([45.7, 22.6, 22.8])[:, None, None, None]
    distance = sum((g * e) ** 2 for g, e in zip(grid, edges_um, strict=True))
    labels = np.where(distance < 20.0**2, Phase.AM, Phase.PORE).astype(np.uint8)
    counts = discordant_pairs(labels)[Phase.AM]
    lengths = np.linalg.norm(np.array(DIRECTIONS) * edges_um, axis=1)
    area = 4 * edges_um.prod() * np.sum(crofton_weights(edges_um) * counts / lengths)
    assert area == pytest.approx(4 * np.pi * 20**2, rel=0.01)


def expected_ratio(normals):
    """Expected area over true area of planes, for (n, 3) unit normals."""
    steps = np.array(DIRECTIONS) / np.linalg.norm(DIRECTIONS, axis=1, keepdims=True)
    return 4 * np.abs(normals @ steps.T) @ crofton_weights()


def test_planes_of_any_orientation_within_the_known_bounds():
    rng = np.random.default_rng(3)
    normals = rng.normal(size=(20_000, 3))
    normals /= np.linalg.norm(normals, axis=1, keepdims=True)
    errors = expected_ratio(normals) - 1
    assert np.mean(errors) == pytest.approx(0, abs=5e-4)
    assert np.sqrt(np.mean(np.square(errors))) < 0.02
    assert np.abs(errors).max() < 0.0735  # (100) is the worst case

    n = 48
    grid = np.indices((n, n, n)) - (n - 1) / 2
    for normal in normals[:20]:
        distance = np.tensordot(normal, grid, axes=1) - rng.uniform(-0.5, 0.5)
        labels = np.where(distance < 0, Phase.AM, Phase.PORE).astype(np.uint8)
        section = np.count_nonzero(np.abs(distance) < 2) / 4  # area of the plane in the window
        area = specific_surfaces(labels, 1.0).am * labels.size
        assert area / section == pytest.approx(expected_ratio(normal), abs=0.03)


@pytest.mark.parametrize(
    ("normal", "error"), [((1, 0, 0), -0.073), ((1, 1, 0), -0.067), ((1, 1, 1), -0.039)]
)
def test_expected_error_of_lattice_planes(normal, error):
    unit = np.array(normal) / np.linalg.norm(normal)
    assert expected_ratio(unit) - 1 == pytest.approx(error, abs=1e-3)


def test_cylinders_of_random_axes():
    rng = np.random.default_rng(5)
    n, radius, errors = 64, 6.0, []
    grid = np.indices((n, n, n)) - (n - 1) / 2
    for _ in range(12):
        axis = random_rotation(rng)[0]
        along = np.tensordot(axis, grid, axes=1)
        across = np.sqrt(np.maximum((grid**2).sum(0) - along**2, 0))
        half = 18.0
        # The lateral surface between two sections, by the pairs whose middle lies between them.
        inside = across < radius
        area = 0.0
        for weight, step in zip(crofton_weights(), DIRECTIONS, strict=True):
            tails, heads = shifted(inside, step)
            middle = sum(shifted(along, step)) / 2
            n_pairs = np.count_nonzero((tails != heads) & (np.abs(middle) < half))
            area += 4 * weight * n_pairs / np.linalg.norm(step)
        errors.append(area / (2 * np.pi * radius * 2 * half) - 1)
    assert np.mean(errors) == pytest.approx(-0.01, abs=0.015)
    assert np.std(errors) < 0.015


def test_slab_and_cube_are_analytic():
    """An axis-parallel face of L x L voxels meets L^2 pairs along the axis, (L + ...) slanted."""
    weights = dict(zip(DIRECTIONS, crofton_weights(), strict=True))
    labels = np.zeros((20, 16, 16), np.uint8)
    labels[8:12] = Phase.AM
    expected = 0.0
    for step, weight in weights.items():
        pairs = np.prod([n - abs(d) for n, d in zip(labels.shape, step, strict=True)])
        crossing = 2 * abs(step[0]) * (16 - abs(step[1])) * (16 - abs(step[2]))
        expected += 4 * weight * crossing / pairs / np.linalg.norm(step)
    assert specific_surfaces(labels, 1.0).am == pytest.approx(expected, rel=1e-12)

    edge = 6
    labels = np.zeros((20, 20, 20), np.uint8)
    labels[7:13, 7:13, 7:13] = Phase.AM
    counts = discordant_pairs(labels)[Phase.AM]
    for step, count in zip(DIRECTIONS, counts, strict=True):
        kept = np.prod([edge - abs(d) for d in step])
        assert count == 2 * (edge**3 - kept)


def test_surface_scales_with_the_voxel_and_ignores_the_axes_order(electrode):
    labels = electrode((20, 26, 34))
    fine = specific_surfaces(labels, 0.5)
    coarse = specific_surfaces(labels, 1.0)
    assert fine.cbd == pytest.approx(2 * coarse.cbd)
    turned = specific_surfaces(labels.transpose(2, 0, 1)[::-1], 1.0)
    assert turned.am_pore == pytest.approx(coarse.am_pore)


def face_count(labels, phase):
    """Independent count of the voxel faces between a phase and the rest, per voxel."""
    mask = labels == phase
    n_faces = sum(np.count_nonzero(np.diff(mask.astype(np.int8), axis=axis)) for axis in range(3))
    return n_faces / labels.size


def test_faces_of_the_published_electrode(shared_data):
    """TauFactor's example: the printed face counts, and Crofton beside them."""
    raw = tifffile.imread(shared_data / "nmc-taufactor-electrode" / "electrode.tif")
    labels = np.select([raw == 0, raw == 170, raw == 85], [0, 1, 2]).astype(np.uint8)
    printed = {Phase.PORE: 0.306837, Phase.AM: 0.146105, Phase.CBD: 0.342226}
    surfaces = specific_surfaces(labels, 1.0)
    for phase, value in printed.items():
        assert round(face_count(labels, phase), 6) == value
        # Faces overstate a surface of random orientation by 3/2; single voxels by more.
        assert 1.4 < value / surfaces.of(phase) < 1.7


def test_errors_say_what_to_do():
    labels = np.zeros((4, 4, 4), np.uint8)
    with pytest.raises(ValueError, match="Labels run from 0 to 7"):
        specific_surfaces(np.where(np.eye(4)[None] > 0, 7, labels), 1.0)
    with pytest.raises(ValueError, match="at least two voxels"):
        specific_surfaces(labels[:1], 1.0)
    with pytest.raises(ValueError, match="voxel size"):
        specific_surfaces(labels, 0)
    with pytest.raises(ValueError, match="voxel size is missing"):
        specific_surfaces(labels, None)
    with pytest.raises(ValueError, match="one edge length"):
        specific_surfaces(labels, (1.0, 1.0))
    with pytest.raises(ValueError, match="expected a volume"):
        specific_surfaces(labels[0], 1.0)
