"""Connectivity, interfaces and coarsening on volumes one can read off the page."""

import numpy as np
import pytest

from analysis.electrochemistry.transport import percolation as grid
from analysis.phases import Phase


def columns(*phases, depth=6):
    """A volume with one column per phase, side by side."""
    return np.repeat(np.array([[list(phases)]], np.uint8), depth, axis=0)


def test_only_clusters_that_touch_the_side_are_reached():
    mask = np.zeros((5, 3, 5), bool)
    mask[:3, 1, 1] = True  # hangs from slice 0
    mask[3:, 1, 3] = True  # stands on the last slice
    assert grid.reached(mask, 0)[:, 1, 1].tolist() == [True, True, True, False, False]
    assert not grid.reached(mask, 0)[:, 1, 3].any()
    assert grid.reached(mask, -1)[:, 1, 3].tolist() == [False, False, False, True, True]


def test_voxels_that_share_only_an_edge_do_not_touch():
    mask = np.zeros((2, 2, 2), bool)
    mask[0, 0, 0] = mask[1, 1, 0] = True
    assert not grid.reached(mask, 0)[1].any()


def test_missing_path_names_the_slice_that_closes():
    mask = np.ones((8, 3, 3), bool)
    mask[5] = False
    with pytest.raises(ValueError, match="ends in slice 4 of 8"):
        grid.check_path(mask, "conducting")


def test_inert_clusters_are_left_out_and_counted():
    labels = columns(Phase.PORE, Phase.AM, Phase.CBD, Phase.AM, Phase.AM, depth=10)
    labels[4, 0, 0] = Phase.AM  # closes the pore column: five voxels below are cut off
    labels[5:8, 0, 3:] = Phase.AM
    found = grid.connectivity(labels, largest_inert=0.5)
    assert not found.ionic[5:, 0, 0].any()
    assert found.inert_ionic == pytest.approx(5 / 19)
    assert found.inert_electronic == 0


def test_too_much_inert_electrolyte_is_an_error():
    labels = columns(Phase.PORE, Phase.AM, depth=10)
    labels[2, 0, 0] = Phase.AM
    with pytest.raises(ValueError, match="77.8% of the electrolyte"):
        grid.connectivity(labels)


def test_floating_active_material_is_an_error():
    labels = np.zeros((6, 3, 3), np.uint8)
    labels[2, 1, 1] = Phase.AM
    with pytest.raises(ValueError, match="connected to the collector"):
        grid.connectivity(labels, largest_inert=1.0)


def test_reactive_faces_of_a_single_voxel_are_six():
    labels = np.zeros((5, 5, 5), np.uint8)
    labels[2, 2, 2] = Phase.AM
    faces = grid.reactive_faces(labels == Phase.PORE, labels == Phase.AM)
    assert faces.sum() == 6 and faces.max() == 1
    assert faces.sum(axis=(1, 2)).tolist() == [0, 1, 4, 1, 0]
    assert grid.reactive_faces(labels == Phase.CBD, labels == Phase.AM).sum() == 0


def test_coarsening_keeps_uniform_blocks_and_repeats_the_last_slice():
    labels = np.kron(np.array([[[0, 1], [2, 0]], [[2, 2], [1, 0]]]), np.ones((2, 2, 2), int))
    expected = labels[::2, ::2, ::2]
    np.testing.assert_array_equal(grid.coarsen(labels), expected)
    odd = grid.coarsen(labels[:3])
    np.testing.assert_array_equal(odd[1], expected[1])


def test_ties_go_to_the_rarer_phase():
    labels = np.full((2, 2, 4), Phase.PORE, np.uint8)
    labels[0, :, :2] = Phase.AM
    assert grid.coarsen(labels).tolist() == [[[Phase.AM, Phase.PORE]]]
