"""The residual U-Net: its sums, its tiles, its file, and what it says of a volume."""

import hashlib
import json
import shutil
from dataclasses import replace

import numpy as np
import pytest
from scipy import ndimage

from analysis.instruments import transfer
from analysis.phases import VOXEL_SIZE_UM, Phase, volume_fractions
from analysis.segmentation import agreement, limit_network, posterior, thresholding
from analysis.segmentation.boosting import voxel_features
from analysis.segmentation.networks.network import keras_module
from analysis.segmentation.residual_unet import architecture, conditions, network_file, tiles
from analysis.segmentation.residual_unet.network_training import (
    Block,
    Course,
    mirrored,
    train,
)
from analysis.specimen import electrode

SMALL = architecture.Size(3, 4)


def random_network(size=SMALL, seed=0):
    """Weights of which none is zero, so that every part of the network has a say."""
    rng = np.random.default_rng(seed)
    weights = {
        name: (rng.standard_normal(shape) / np.sqrt(np.prod(shape[:-1]) or 1)).astype("f4")
        for name, shape in architecture.shapes(size).items()
    }
    return network_file.LimitNetwork(
        weights, size, (0.0, 9.0), (0.0, 9.0), (0.0, 9.0), (0.0, 99.0), VOXEL_SIZE_UM
    )


@pytest.fixture(scope="module")
def network():
    return random_network()


def volume(shape, seed=1):
    rng = np.random.default_rng(seed)
    gray = rng.standard_normal(shape).astype("f4")
    return gray, rng.standard_normal((shape[0], conditions.COUNT)).astype("f4")


@pytest.mark.parametrize(("inner", "outer"), [(1, 4), (2, 5), (4, 3)])
def test_convolution_is_the_sum_over_27_neighbors_with_zeros_beyond(inner, outer):
    rng = np.random.default_rng(0)
    values = rng.standard_normal((2, 5, 6, 7, inner)).astype("f4")
    kernel = rng.standard_normal((3, 3, 3, inner, outer)).astype("f4")
    bias = rng.standard_normal(outer).astype("f4")
    ops = keras_module().ops
    tensors = {
        "a": ops.convert_to_tensor(kernel),
        "a bias": ops.convert_to_tensor(bias),
    }
    found = architecture._convolved(ops, ops.convert_to_tensor(values), tensors, "a")
    for n in range(2):
        for out in range(outer):
            expected = bias[out] + sum(
                ndimage.correlate(values[n, ..., c], kernel[..., c, out], mode="constant")
                for c in range(inner)
            )
            np.testing.assert_allclose(found[n, ..., out], expected, atol=2e-5)


@pytest.mark.parametrize("shape", [(1, 2, 2, 2, 1), (2, 4, 6, 8, 3), (1, 8, 2, 4, 5)])
def test_cells_are_blocks_of_eight_and_back(shape):
    ops = keras_module().ops
    values = np.random.default_rng(0).random(shape).astype("f4")
    merged = architecture._merged(ops, ops.convert_to_tensor(values))
    first = np.asarray(merged)[0, 0, 0, 0].reshape(2, 2, 2, shape[-1])
    np.testing.assert_array_equal(first, values[0, :2, :2, :2])
    np.testing.assert_array_equal(architecture._spread(ops, merged), values)


def test_an_untrained_network_is_undecided(network):
    begun = replace(network, weights=architecture.initial(SMALL, seed=1))
    np.testing.assert_allclose(
        limit_network.answers(begun, *volume((16, 16, 20))), 1 / 3, atol=1e-6
    )


@pytest.mark.parametrize("place", [(31, 20, 22), (32, 21, 20), (34, 23, 21)])
def test_a_voxel_matters_no_farther_than_the_reach(network, place):
    gray, told = volume((80, 40, 40))
    before = limit_network.answers(network, gray, told)
    gray[place] += 5
    changed = np.argwhere(np.abs(limit_network.answers(network, gray, told) - before).max(-1) > 0)
    away = np.abs(changed - place).max()
    assert SMALL.reach - 6 <= away <= SMALL.reach


@pytest.mark.parametrize(
    ("shape", "most"),
    [((142, 17, 18), 40_000), ((17, 122, 18), 40_000), ((113, 16, 111), 150_000)],
)
def test_the_same_whatever_the_tiles(network, shape, most):
    gray, told = volume(shape)
    rounded = [-(-n // 4) * 4 for n in shape]
    tile = tiles.shape_for(rounded, halo=32, step=4, most=most)
    assert tile != tuple(rounded), "one tile only"
    whole = limit_network.answers(network, gray, told)
    found = limit_network.answers(network, gray, told, most_voxels=most)
    assert found.shape == (*shape, 3)
    assert whole.std() > 0.1
    np.testing.assert_allclose(found, whole, atol=2e-6)


@pytest.mark.parametrize(("length", "tile", "halo"), [(100, 40, 12), (97, 96, 32), (64, 30, 3)])
def test_tiles_cover_an_axis_once_and_keep_away_from_their_ends(length, tile, halo):
    covered = np.zeros(length, int)
    for start, part in tiles.spans(length, tile, halo):
        covered[part] += 1
        assert start >= 0 and start + tile <= length
        assert part.start == 0 or part.start - start >= halo
        assert part.stop == length or start + tile - part.stop >= halo
    assert np.all(covered == 1)


def test_a_tile_that_keeps_nothing_is_refused():
    with pytest.raises(ValueError, match="keeps nothing beside its two halos of 32"):
        tiles.spans(200, 64, 32)


def test_sixteen_ways_to_turn_a_block_take_truth_and_slices_along():
    labels = np.random.default_rng(0).integers(0, 3, (8, 6, 6)).astype("u1")
    told = np.repeat(labels.mean(axis=(1, 2))[:, None], conditions.COUNT, axis=1)
    seen = set()
    for number in range(16):
        turned = mirrored(Block(labels.astype("f4"), told, labels), number)
        np.testing.assert_array_equal(turned.gray, turned.labels)
        np.testing.assert_allclose(turned.told[:, 0], turned.labels.mean(axis=(1, 2)))
        seen.add(turned.labels.tobytes())
    assert len(seen) == 16


def lesson(step, number):
    """Bright voxels are AM; half of the others, in layers, CBD."""
    rng = np.random.default_rng([step, number])
    gray = rng.random((8, 8, 8)).astype("f4")
    labels = np.where(gray > 0.6, Phase.AM, np.where(np.arange(8) % 4 < 2, 1, 0)).astype("u1")
    return Block(gray * 2 - 1, np.zeros((8, conditions.COUNT), "f4"), labels)


def test_training_learns_and_goes_on_where_it_stopped(tmp_path):
    file, half = tmp_path / "checkpoint.npz", tmp_path / "half.npz"
    losses = {}

    def watch(step, loss, weights, seconds):
        losses[step] = loss
        if step == 12:
            shutil.copy(file, half)

    course = Course(24, rate=1e-2, warm_up=2)
    whole = train(lesson, SMALL, course, checkpoint=file, every=6, watch=watch)
    assert losses[24] < 0.8 * losses[6]
    again = train(lesson, SMALL, course, checkpoint=half)
    for name, weights in whole.items():
        np.testing.assert_allclose(again[name], weights, atol=2e-3, err_msg=name)
    with pytest.raises(ValueError, match="Remove it"):
        train(lesson, architecture.Size(3, 5), course, checkpoint=file)


@pytest.mark.parametrize(("step", "rate"), [(0, 0.1), (9, 1.0), (69, 1.0), (85, 0.5), (100, 0.0)])
def test_the_rate_rises_stays_and_falls(step, rate):
    assert Course(100, rate=1.0, warm_up=10).rate_at(step) == pytest.approx(rate)


def test_weights_survive_the_file_as_float16(tmp_path):
    network = random_network(architecture.Size(2, 3, 2, 1, 1))
    file = tmp_path / "network.npz"
    network_file.save(file, network)
    read = network_file.load(file)
    assert (read.size, read.noise, read.voxel_size_um) == (network.size, (0.0, 9.0), 0.642)
    for name, weights in network.weights.items():
        np.testing.assert_array_equal(read.weights[name], weights.astype("f2").astype("f4"))


@pytest.mark.parametrize("missing", ["npz", "sha256"])
def test_missing_weights_are_named_with_what_to_do(tmp_path, missing):
    file = tmp_path / "network.npz"
    network_file.save(file, random_network())
    file.with_suffix(f".{missing}").unlink()
    with pytest.raises(FileNotFoundError, match="missing.*train anew: make limit"):
        network_file.load(file)


def damaged(file):
    raw = bytearray(file.read_bytes())
    raw[len(raw) // 2] ^= 1
    file.write_bytes(raw)


def emptied(file):
    file.write_bytes(b"")


def replaced(file):
    keep = file.with_suffix(".sha256").read_text()
    network_file.save(file, random_network(seed=5))
    file.with_suffix(".sha256").write_text(keep)


@pytest.mark.parametrize("harm", [damaged, emptied, replaced])
def test_weights_of_another_hash_are_refused(tmp_path, harm):
    file = tmp_path / "network.npz"
    network_file.save(file, random_network())
    harm(file)
    with pytest.raises(ValueError, match="SHA-256.*damaged or replaced"):
        network_file.load(file)


def test_another_kind_of_file_is_refused(tmp_path):
    file = tmp_path / "network.npz"
    np.savez(file, weights=np.zeros(3))
    digest = hashlib.sha256(file.read_bytes()).hexdigest()
    file.with_suffix(".sha256").write_text(f"{digest}  network.npz\n")
    with pytest.raises(ValueError, match="holds no residual U-Net 2"):
        network_file.load(file)


@pytest.mark.parametrize("shape", [(15, 40, 40), (40, 12, 40), (40, 40, 3)])
def test_a_thin_volume_is_refused_before_the_weights_are_read(monkeypatch, shape):
    monkeypatch.setattr(network_file, "stored", lambda: pytest.fail("work has started"))
    with pytest.raises(ValueError, match="16"):
        limit_network.predict(np.zeros(shape, "f4"))


@pytest.mark.parametrize(("profile", "said"), [(np.zeros(7), "20 slices"), (np.full(20, 2), "2")])
def test_a_wrong_profile_is_refused_before_the_weights_are_read(monkeypatch, profile, said):
    monkeypatch.setattr(network_file, "stored", lambda: pytest.fail("work has started"))
    with pytest.raises(ValueError, match=said):
        limit_network.predict(np.random.default_rng(0).random((20, 16, 16)), profile)


def test_conditions_say_what_is_known_of_each_slice():
    gray = specimen("SL", 3)[0]
    image = voxel_features.measure(gray)
    profile = np.linspace(0.1, 0.3, len(gray))
    known, unknown = conditions.of_slices(image, profile), conditions.of_slices(image)
    np.testing.assert_allclose(known[:, 0], 5 * profile, rtol=1e-6)
    assert np.all(known[:, 1] == 1) and not np.any(unknown[:, :2])
    np.testing.assert_array_equal(known[:, 2:], unknown[:, 2:])
    np.testing.assert_allclose(known[:, 3], 10 * image.noise, rtol=1e-6)
    asked = [conditions.of_slices(image, scenario=s)[0, -2:] for s in ("bridging", "cluster", None)]
    np.testing.assert_array_equal(asked, [[1, 0], [0, 1], [0, 0]])


def test_an_open_scenario_is_the_mean_of_both(network):
    gray = specimen("SL", 3)[0][:20, :16, :16]
    told = [
        limit_network.predict(gray, scenario=s, network=network) for s in ("bridging", "cluster")
    ]
    assert np.abs(told[0] - told[1]).max() > 1e-3
    found = limit_network.predict(gray, network=network)
    np.testing.assert_allclose(found, (told[0] + told[1]) / 2, atol=1e-6)
    with pytest.raises(ValueError, match="bridging, cluster"):
        limit_network.predict(gray, scenario="films", network=network)


def specimen(name, seed, noise=0.12):
    made = electrode.make(name, 40, seed=seed, thickness=64)
    return transfer.image(made.composition, VOXEL_SIZE_UM, seed=seed, noise=noise), made.labels


@pytest.fixture(scope="module")
def seen():
    gray, labels = specimen("SL", 11)
    return gray, labels, limit_network.predict(gray)


def test_the_stored_network_says_probabilities_that_are_worth_it(seen):
    gray, labels, found = seen
    assert found.dtype == np.float32 and found.shape == (*gray.shape, 3)
    np.testing.assert_allclose(found.sum(axis=-1), 1, atol=1e-5)
    fractions = volume_fractions(labels)
    best = agreement.kappa(posterior.ranked(found, fractions), labels)
    rival = agreement.kappa(thresholding.trinarize(gray, fractions), labels)
    assert best > rival + 0.03
    np.testing.assert_array_equal(
        limit_network.trinarize(gray, fractions), posterior.ranked(found, fractions)
    )


@pytest.mark.parametrize(("offset", "scale"), [(100.0, 20.0), (-3.0, 0.5), (32768.0, 2000.0)])
def test_the_unit_of_the_gray_values_does_not_matter(seen, offset, scale):
    again = limit_network.predict(offset + scale * seen[0].astype(float))
    np.testing.assert_allclose(again, seen[2], atol=2e-3)


def test_a_turned_volume_gives_nearly_the_turned_probabilities(seen):
    turned = limit_network.predict(np.rot90(seen[0], axes=(1, 2)))
    assert np.mean(np.abs(turned - np.rot90(seen[2], axes=(1, 2)))) < 0.03


@pytest.mark.parametrize(
    ("voxel_size_um", "noise", "said"),
    [(0.4, 0.12, "voxels measure"), (0.642, 0.9, "noise inside"), (1.2, 0.12, "voxels measure")],
)
def test_an_image_outside_the_training_is_warned_of(voxel_size_um, noise, said):
    gray, _ = specimen("TL", 4, noise)
    with pytest.warns(UserWarning, match=said):
        limit_network.predict(gray, voxel_size_um=voxel_size_um)


def test_stored_weights_come_with_recipe_licence_and_hash():
    recipe = json.loads(network_file.WEIGHTS.with_suffix(".json").read_text())
    raw = network_file.WEIGHTS.read_bytes()
    assert recipe["sha256"] == hashlib.sha256(raw).hexdigest()
    assert recipe["licence"] == "CC BY 4.0" and recipe["train again"] == "make limit"
    assert len(raw) < 7e6
    network = network_file.stored()
    assert recipe["parameters"] == sum(value.size for value in network.weights.values())
    assert recipe["parameters"] == architecture.parameters(network.size)
