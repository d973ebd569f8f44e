import numpy as np
import pytest
from skimage.graph import MCP_Geometric

from analysis.descriptors.kernels.geodesic import path_lengths
from analysis.descriptors.paths import geodesic_tortuosity
from analysis.phases import Phase


def dijkstra(mask, edges, plane):
    """Path lengths by scikit-image."""
    costs = np.where(mask, 1.0, -1.0)
    z = range(mask.shape[0])[plane]
    starts = [(z, *point) for point in np.argwhere(mask[plane])]
    return MCP_Geometric(costs, fully_connected=True, sampling=edges).find_costs(starts)[0]


@pytest.mark.parametrize("edges", [(1.0, 1.0, 1.0), (1.5, 0.7, 1.1)])
@pytest.mark.parametrize("plane", [0, -1])
@pytest.mark.parametrize("phase", Phase)
def test_lengths_equal_dijkstra(electrode, phase, plane, edges):
    mask = electrode((30, 33, 40), seed=6, smoothing=1.5) == phase
    ours, theirs = path_lengths(mask, edges, plane), dijkstra(mask, edges, plane)
    reached = np.isfinite(theirs)
    np.testing.assert_array_equal(np.isfinite(ours), reached)
    np.testing.assert_allclose(ours[reached], theirs[reached], rtol=0, atol=1e-9)


@pytest.mark.parametrize("density", [0.15, 0.3, 0.6])
def test_lengths_in_noise_equal_dijkstra(random_labels, density):
    mask = random_labels((24, 40, 33), fractions=(0.1, 0.9 - density, density)) == Phase.AM
    ours, theirs = path_lengths(mask, (1, 1, 1), 0), dijkstra(mask, (1, 1, 1), 0)
    reached = np.isfinite(theirs)
    np.testing.assert_array_equal(np.isfinite(ours), reached)
    np.testing.assert_allclose(ours[reached], theirs[reached], rtol=0, atol=1e-9)


def test_serpentine_forces_the_path_to_and_fro():
    mask = np.zeros((21, 5, 30), bool)
    mask[::2, 2] = True
    for k, z in enumerate(range(1, 21, 2)):
        mask[z, 2, -1 if k % 2 else 0] = True
    ours, theirs = path_lengths(mask, (1, 1, 1), 0), dijkstra(mask, (1, 1, 1), 0)
    np.testing.assert_allclose(ours[mask], theirs[mask], atol=1e-9)
    assert ours[-1][mask[-1]].min() > 9 * 28


def test_straight_channel_is_one():
    labels = np.zeros((30, 9, 9), np.uint8)
    labels[:, 4, 4] = Phase.CBD
    tortuosity = geodesic_tortuosity(labels, Phase.CBD, 0.642)
    np.testing.assert_allclose(tortuosity.values, [1.0])
    assert tortuosity.unreached_fraction == 0


def test_open_volume_is_one_everywhere():
    tortuosity = geodesic_tortuosity(np.zeros((9, 8, 7), np.uint8), Phase.PORE, 0.642)
    np.testing.assert_allclose(tortuosity.values, np.ones(56))


@pytest.mark.parametrize("start", ["separator", "collector"])
def test_diagonal_channels(start):
    labels = np.zeros((12, 14, 14), np.uint8)
    for z in range(12):
        labels[z, z, 1] = Phase.AM
        labels[z, z, z if z > 3 else 13] = Phase.CBD
    face = geodesic_tortuosity(labels, Phase.AM, 0.642, start)
    assert face.mean == pytest.approx(np.sqrt(2))
    body = np.zeros((12, 14, 14), np.uint8)
    body[np.arange(12), np.arange(12), np.arange(12)] = Phase.AM
    assert geodesic_tortuosity(body, Phase.AM, 0.642, start).mean == pytest.approx(np.sqrt(3))


def test_flat_voxels():
    labels = np.zeros((12, 14, 14), np.uint8)
    labels[np.arange(12), np.arange(12), 3] = Phase.AM
    tortuosity = geodesic_tortuosity(labels, Phase.AM, (2.0, 1.0, 1.0))
    assert tortuosity.mean == pytest.approx(np.sqrt(5) / 2)


def test_dead_end_counts_as_unreached():
    labels = np.zeros((20, 9, 9), np.uint8)
    labels[:, 2, 2] = Phase.AM
    labels[:10, 6, 6] = Phase.AM
    tortuosity = geodesic_tortuosity(labels, Phase.AM, 1.0)
    assert tortuosity.n_start == 2
    assert tortuosity.unreached_fraction == 0.5
    np.testing.assert_allclose(tortuosity.values, [1.0])


def test_phase_that_does_not_percolate_has_no_values():
    labels = np.zeros((20, 9, 9), np.uint8)
    labels[:8] = Phase.AM
    tortuosity = geodesic_tortuosity(labels, Phase.AM, 1.0)
    assert tortuosity.values.size == 0
    assert tortuosity.unreached_fraction == 1
    assert tortuosity.mean == np.inf


def test_lateral_mirror_and_turn_change_nothing(electrode):
    labels = electrode((30, 32, 36))
    values = geodesic_tortuosity(labels, Phase.PORE, 1.0).values
    for turned in (labels[:, ::-1], labels.transpose(0, 2, 1)):
        np.testing.assert_allclose(geodesic_tortuosity(turned, Phase.PORE, 1.0).values, values)


def test_reversing_the_electrode_exchanges_the_faces(electrode):
    labels = electrode((30, 32, 36))
    forward = geodesic_tortuosity(labels, Phase.PORE, 1.0, start="collector")
    backward = geodesic_tortuosity(labels[::-1], Phase.PORE, 1.0, start="separator")
    np.testing.assert_allclose(forward.values, backward.values)


def test_errors_say_what_to_do():
    labels = np.zeros((10, 5, 5), np.uint8)
    with pytest.raises(ValueError, match="no voxel of the phase CBD"):
        geodesic_tortuosity(labels, Phase.CBD, 1.0)
    labels[3:] = Phase.AM
    with pytest.raises(ValueError, match="AM does not touch the separator side"):
        geodesic_tortuosity(labels, Phase.AM, 1.0)
    with pytest.raises(ValueError, match="start is 'left'"):
        geodesic_tortuosity(labels, Phase.AM, 1.0, start="left")
    with pytest.raises(ValueError, match="at least two slices"):
        geodesic_tortuosity(labels[:1], Phase.PORE, 1.0)
    with pytest.raises(ValueError, match="positive"):
        geodesic_tortuosity(labels, Phase.PORE, float("nan"))
