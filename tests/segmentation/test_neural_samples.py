"""Patches, the 48 symmetries and the two ways to split."""

import numpy as np
import pytest

from analysis.segmentation.networks.neural import extract_patches
from analysis.segmentation.networks.samples import (
    ARRANGEMENTS,
    Samples,
    bin_volume,
    collect_samples,
    split_blocks,
    split_paper,
    split_samples,
)
from analysis.segmentation.networks.symmetries import augment, symmetry_table


def all_voxels(shape):
    return np.stack(np.unravel_index(np.arange(np.prod(shape)), shape), axis=1)


def composition_of(shape, seed=0):
    drawn = np.random.default_rng(seed).dirichlet([1, 1, 1], size=shape)
    return np.moveaxis(drawn, -1, 0)


@pytest.mark.parametrize("edge", [3, 5])
def test_symmetries_form_a_group_of_48(edge):
    table = symmetry_table(edge)
    rows = {tuple(row) for row in table}
    assert len(rows) == 48
    assert {tuple(first[second]) for first in table for second in table} == rows
    np.testing.assert_array_equal(table[0], np.arange(edge**3))


def test_symmetries_keep_distances_to_the_center_and_among_voxels():
    places = all_voxels((5, 5, 5)) - 2
    distances = np.linalg.norm(places[:, None] - places[None], axis=-1)
    for row in symmetry_table(5):
        moved = places[row]
        np.testing.assert_array_equal(np.linalg.norm(moved, axis=1), np.linalg.norm(places, axis=1))
        np.testing.assert_allclose(np.linalg.norm(moved[:, None] - moved[None], axis=-1), distances)


def test_permuting_the_symmetries_leaves_the_training_set_unchanged():
    patches = np.random.default_rng(1).normal(size=(7, 125))
    everything = augment(patches, np.arange(7 * 48))
    for symmetry in (1, 17, 47):
        turned = augment(patches[:, symmetry_table(5)[symmetry]], np.arange(7 * 48))
        ours = everything.reshape(7, 48, 125)
        theirs = turned.reshape(7, 48, 125)
        for mine, other in zip(ours, theirs, strict=True):
            assert {row.tobytes() for row in mine} == {row.tobytes() for row in other}


def test_patches_of_inner_voxels_are_the_neighborhood():
    gray = np.random.default_rng(0).normal(size=(9, 8, 7))
    patch = extract_patches(gray, [[4, 3, 2]])
    np.testing.assert_array_equal(patch[0], gray[2:7, 1:6, 0:5].ravel().astype(np.float32))


def test_patches_at_the_faces_continue_mirrored():
    gray = np.random.default_rng(0).normal(size=(6, 7, 8))
    padded = np.pad(gray, 2, "reflect")
    voxels = all_voxels(gray.shape)
    expected = np.lib.stride_tricks.sliding_window_view(padded, (5, 5, 5)).reshape(-1, 125)
    np.testing.assert_array_equal(extract_patches(gray, voxels), expected.astype(np.float32))


def test_volume_smaller_than_a_patch_is_refused():
    with pytest.raises(ValueError, match="at least 5 voxels"):
        extract_patches(np.random.default_rng(0).normal(size=(9, 4, 9)), [[4, 2, 4]])


def test_samples_pair_the_patch_with_its_composition():
    gray = np.random.default_rng(0).normal(size=(12, 13, 14)).astype(np.float32)
    composition = composition_of((4, 5, 6))
    samples = collect_samples(gray, composition, (2, 3, 4))
    assert len(samples) == 120
    pick = 77
    z, y, x = samples.voxels[pick]
    np.testing.assert_array_equal(samples.patches[pick, 62], gray[2 + z, 3 + y, 4 + x])
    np.testing.assert_allclose(samples.targets[pick], composition[:, z, y, x], rtol=1e-6)


def test_binned_samples_come_from_the_binned_tomogram_even_at_an_odd_position():
    gray = np.random.default_rng(0).normal(size=(24, 25, 26)).astype(np.float32)
    composition = composition_of((8, 8, 9))
    samples = collect_samples(gray, composition, (5, 6, 7), binning=2)
    assert len(samples) == 4 * 4 * 4
    centers = samples.patches[:, 62].reshape(4, 4, 4)
    np.testing.assert_allclose(centers, bin_volume(gray[5:13, 6:14, 7:15], 2), rtol=1e-5)
    means = samples.targets.reshape(4, 4, 4, 3)
    np.testing.assert_allclose(means[..., 1], bin_volume(composition[1], 2), rtol=1e-5)


@pytest.mark.parametrize("position, axis", [((-1, 0, 0), "z"), ((0, 9, 0), "y"), ((0, 0, 9), "x")])
def test_cutout_outside_the_tomogram_names_the_axis(position, axis):
    gray = np.random.default_rng(0).normal(size=(12, 12, 12))
    with pytest.raises(ValueError, match=f"along {axis}.*inside the tomogram"):
        collect_samples(gray, composition_of((4, 4, 4)), position)


def test_missing_phase_is_named():
    gray = np.random.default_rng(0).normal(size=(12, 12, 12))
    composition = composition_of((4, 4, 4))
    composition[2] += composition[1]
    composition[1] = 0
    with pytest.raises(ValueError, match="no CBD"):
        collect_samples(gray, composition, (1, 1, 1))


def test_fractions_that_do_not_sum_to_one_are_refused():
    gray = np.random.default_rng(0).normal(size=(12, 12, 12))
    with pytest.raises(ValueError, match="sum of 1"):
        collect_samples(gray, 1.1 * composition_of((4, 4, 4)), (1, 1, 1))


def test_paper_split_spreads_each_voxel_over_all_sets():
    split = split_paper(200, seed=3)
    sets = [split.train, split.validation, split.test]
    assert [len(part) for part in sets] == [5760, 1920, 1920]
    np.testing.assert_array_equal(np.sort(np.concatenate(sets)), np.arange(9600))
    shared = set(split.train // 48) & set(split.test // 48)
    assert len(shared) == 200


@pytest.mark.parametrize("arrangement", ARRANGEMENTS)
def test_spatial_block_split_keeps_labelled_voxels_out_of_the_other_sets_patches(arrangement):
    voxels = all_voxels((6, 21, 7))
    split = split_blocks(voxels, arrangement=arrangement)
    places = [np.unique(voxels[part // 48, 1]) for part in (split.train, split.validation)]
    places.append(np.unique(voxels[split.test // 48, 1]))
    for first in range(3):
        for second in range(first):
            gap = np.abs(places[first][:, None] - places[second][None]).min()
            assert gap > 2
    assert len(split.train) == 48 * 42 * len(places[0])
    assert len(places[0]) > 2 * len(places[1]) >= 4 and len(places[2]) >= 2


def test_spatial_block_split_of_a_short_block_is_refused():
    with pytest.raises(ValueError, match="too short"):
        split_blocks(all_voxels((6, 6, 6)))


def test_unknown_protocol_and_arrangement_are_refused():
    samples = Samples(np.zeros((8, 125)), np.zeros((8, 3)), all_voxels((2, 2, 2)))
    with pytest.raises(ValueError, match="paper, blocks"):
        split_samples(samples, "leaky")
    with pytest.raises(ValueError, match="TVS"):
        split_blocks(all_voxels((6, 21, 7)), arrangement="TSV")
