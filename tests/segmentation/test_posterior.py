"""Probabilities of the phases: from training to weights on disk and back."""

import shutil
from dataclasses import replace

import numpy as np
import pytest
from scipy import ndimage

from analysis.instruments import transfer
from analysis.phases import VOXEL_SIZE_UM, Phase, volume_fractions
from analysis.segmentation import agreement, posterior
from analysis.segmentation.boosting import (
    boosted_trees,
    posterior_model,
    posterior_training,
    voxel_features,
)
from analysis.specimen import electrode

TARGETS = electrode.electrodes.electrode("SL").targets()


def specimen(seed, noise=0.08):
    made = electrode.make("SL", 32, seed=seed, thickness=48)
    gray = transfer.image(made.composition, VOXEL_SIZE_UM, seed=seed, noise=noise)
    return gray, made.labels


@pytest.fixture(scope="module")
def model():
    seen = []
    for seed in (1, 2):
        gray, labels = specimen(seed, noise=0.06 + 0.04 * seed)
        profile = np.full(48, TARGETS[Phase.CBD])
        one = posterior_training.examples(
            gray, labels, profile, seed=seed, voxels=8000, scenario="bridging"
        )
        seen.append(one)
    learned = posterior_training.learn(seen, seed=0, trees=(15, 25))
    assert learned.noise == tuple(sorted(one.image.noise for one in seen))
    assert learned.dark_spread == tuple(sorted(one.image.dark_spread for one in seen))
    widths = [voxel_features.edge_width_of(one.features) for one in seen]
    assert learned.edge_width == tuple(sorted(widths))
    # two tomograms span no range worth the name
    return replace(
        learned, noise=(0.02, 0.06), dark_spread=(0.3, 0.45), edge_width=(3.0, 3.7),
        dark_chord=(6.0, 14.0),
    )  # fmt: skip


@pytest.fixture(scope="module")
def unseen():
    return specimen(3, noise=0.12)


@pytest.fixture(scope="module")
def found(model, unseen):
    return posterior.predict(unseen[0], model=model)


def test_probabilities_of_three_phases_sum_to_one(found, unseen):
    assert found.shape == (*unseen[0].shape, 3)
    assert found.dtype == np.float32
    assert found.min() >= 0
    np.testing.assert_allclose(found.sum(axis=-1), 1, atol=1e-6)


def test_they_say_more_than_chance_and_are_calibrated(found, unseen):
    labels = posterior.ranked(found, volume_fractions(unseen[1]))
    assert agreement.kappa(labels, unseen[1]) > 0.15
    assert agreement.jaccard(labels, unseen[1], Phase.AM) > 0.8
    for phase in Phase:
        assert found[..., phase].mean() == pytest.approx((unseen[1] == phase).mean(), abs=0.05)


def test_a_second_prediction_gives_the_same_bytes(found, model, unseen):
    np.testing.assert_array_equal(posterior.predict(unseen[0], model=model), found)


def test_unit_of_the_gray_values_does_not_matter(found, model, unseen):
    again = posterior.predict((1000 * unseen[0].astype(float) + 32768).astype("f4"), model=model)
    assert np.mean(np.abs(again - found) > 0.02) < 1e-3  # a float32 at a threshold may fall over


@pytest.mark.parametrize(
    "targets",
    [(0.17, 0.23, 0.60), (0.40, 0.10, 0.50), (0.0, 0.3, 0.7), (0.333, 0.333, 0.334)],
)
def test_fractions_are_met_to_a_voxel(found, targets):
    targets = dict(zip(Phase, targets, strict=True))
    labels = posterior.ranked(found, targets)
    for phase, fraction in volume_fractions(labels).items():
        assert abs(fraction - targets[phase]) * labels.size < 1


def test_ranking_takes_the_most_probable_am_then_cbd():
    probabilities = np.array(
        [[[[0.1, 0.1, 0.8], [0.3, 0.1, 0.6], [0.05, 0.45, 0.5], [0.5, 0.5, 0.0]]]], np.float32
    )
    labels = posterior.ranked(probabilities, {Phase.PORE: 0.25, Phase.CBD: 0.25, Phase.AM: 0.5})
    assert labels.tolist() == [[[2, 2, 1, 0]]]


def test_trinarize_is_predict_and_ranking(found, model, unseen):
    labels = posterior.trinarize(unseen[0], TARGETS, model=model)
    np.testing.assert_array_equal(labels, posterior.ranked(found, TARGETS))


def empty_table(voxels=4000):
    """Features that tell nothing but how wide an edge is."""
    table = np.zeros((voxels, len(voxel_features.NAMES)), "f4")
    table[:, voxel_features.NAMES.index("distance to bright")] = 1
    table[:, voxel_features.NAMES.index("gradient 1.0")] = 0.3
    return table


def test_a_profile_moves_the_cbd_where_it_says(unseen):
    """A model that saw profiles with a gradient believes one; without it the slices are alike."""
    rng = np.random.default_rng(7)
    rows, phases = [], []
    for _ in range(2):
        share = rng.uniform(0.1, 0.4, 4000).astype("f4")
        table = empty_table()
        table[:, -1] = share
        rows.append(table)
        phases.append((rng.random(4000) < 2 * share).astype("u1"))
    image = voxel_features.measure(unseen[0])
    seen = [
        posterior_training.Examples(table, labels, image)
        for table, labels in zip(rows, phases, strict=True)
    ]
    seen[0].phases[:2000] = Phase.AM  # both answers for the first question
    learned = posterior_training.learn(seen, seed=0, trees=(2, 30))
    ramp = np.linspace(0.1, 0.4, 48)
    share = posterior.binder_share(posterior.predict(unseen[0], ramp, model=learned))
    means = share.mean(axis=(1, 2))
    assert means[:8].mean() == pytest.approx(0.25, abs=0.1)
    assert means[-8:].mean() == pytest.approx(0.75, abs=0.1)
    without = posterior.binder_share(posterior.predict(unseen[0], model=learned))
    assert np.ptp(without.mean(axis=(1, 2))) < 0.05


@pytest.fixture(scope="module")
def weights(model, tmp_path_factory):
    file = tmp_path_factory.mktemp("weights") / "posterior.npz"
    posterior_model.save(file, model)
    return file


def copied(weights, folder):
    for part in (weights, weights.with_suffix(".sha256")):
        shutil.copy(part, folder)
    return folder / weights.name


def test_weights_there_and_back(weights, found, unseen):
    again = posterior_model.load(weights)
    np.testing.assert_array_equal(posterior.predict(unseen[0], model=again), found)


@pytest.mark.parametrize("missing", [".npz", ".sha256"])
def test_missing_weights_are_said(weights, tmp_path, missing):
    file = copied(weights, tmp_path)
    file.with_suffix(missing).unlink()
    with pytest.raises(FileNotFoundError, match=r"weights .* missing.*train anew"):
        posterior_model.load(file)


@pytest.mark.parametrize("where", [0, 200, -1])
def test_another_hash_is_said(weights, tmp_path, where):
    file = copied(weights, tmp_path)
    content = bytearray(file.read_bytes())
    content[where] ^= 1
    file.write_bytes(content)
    with pytest.raises(ValueError, match=r"SHA-256 .* expected .*Restore"):
        posterior_model.load(file)


@pytest.mark.parametrize("content", ["", "0" * 64, "no hash at all"])
def test_another_hash_beside_it_is_said(weights, tmp_path, content):
    file = copied(weights, tmp_path)
    file.with_suffix(".sha256").write_text(content)
    with pytest.raises(ValueError, match="SHA-256"):
        posterior_model.load(file)


def test_weights_of_other_features_are_said(weights, tmp_path, monkeypatch):
    monkeypatch.setattr(voxel_features, "NAMES", (*voxel_features.NAMES, "new"))
    with pytest.raises(ValueError, match="other features"):
        posterior_model.load(copied(weights, tmp_path))


def test_missing_weights_are_said_before_any_work(unseen, tmp_path, monkeypatch):
    monkeypatch.setattr(posterior_model, "WEIGHTS", tmp_path / "posterior.npz")
    monkeypatch.setattr(voxel_features, "measure", lambda gray: pytest.fail("work has begun"))
    posterior_model.stored.cache_clear()
    with pytest.raises(FileNotFoundError, match="missing"):
        posterior.predict(unseen[0])
    posterior_model.stored.cache_clear()


@pytest.mark.parametrize(
    ("shape", "message"),
    [((9, 32, 32), "at least 10"), ((32, 32, 4), "at least 10"), ((32, 32), "two-dimensional")],
)
def test_too_thin_a_volume_is_refused(model, shape, message):
    gray = np.random.default_rng(0).random(shape).astype("f4")
    with pytest.raises(ValueError, match=message):
        posterior.predict(gray, model=model)


def test_wrong_profile_is_refused_before_any_work(model, unseen, monkeypatch):
    monkeypatch.setattr(voxel_features, "measure", lambda gray: pytest.fail("work has begun"))
    with pytest.raises(ValueError, match="48 slices"):
        posterior.predict(unseen[0], np.full(47, 0.2), model=model)


def test_noise_outside_the_training_warns(model):
    gray, _ = specimen(4, noise=0.8)
    with pytest.warns(UserWarning, match="noise inside bright particles"):
        posterior.predict(gray, model=model)


@pytest.mark.parametrize("size", [0.3, 0.5, 1.3])
def test_voxel_size_outside_the_training_warns(model, unseen, size):
    image = voxel_features.measure(unseen[0])
    (doubt,) = posterior.doubts(image, model, size)
    assert f"{size:g} µm" in doubt
    assert "resample" in doubt
    with pytest.warns(UserWarning, match="resample"):
        posterior.trinarize(unseen[0], TARGETS, model=model, voxel_size_um=size)


def test_no_doubts_within_the_training(model, unseen):
    assert posterior.doubts(voxel_features.measure(unseen[0]), model) == []


def test_contrast_outside_the_training_is_doubted(model, unseen):
    """Dark voxels of one gray value: neither CBD nor pore can be told, and it is said."""
    gray, labels = unseen
    flat = np.where(labels == Phase.AM, gray, 0.1).astype("f4")
    doubts = posterior.doubts(voxel_features.measure(flat), model)
    assert any("spread of the dark gray values" in doubt for doubt in doubts)


@pytest.mark.parametrize("width", [1.5, 2.5])
def test_blur_outside_the_training_is_doubted(model, unseen, width):
    blurred = ndimage.gaussian_filter(unseen[0], width)
    doubts = posterior.doubts(voxel_features.measure(blurred), model)
    assert any("width of the edges" in doubt and "voxels" in doubt for doubt in doubts)


@pytest.mark.parametrize(("shorter", "longer"), [(0.3, 0.6), (1.5, 2.0), (0.01, 0.5)])
def test_other_room_between_the_particles_is_doubted(model, unseen, shorter, longer):
    image = voxel_features.measure(unseen[0])
    other = replace(model, dark_chord=(shorter * image.dark_chord, longer * image.dark_chord))
    (doubt,) = posterior.doubts(image, other)
    assert "between bright particles" in doubt and f"{image.dark_chord:.3f} voxels" in doubt


def test_what_is_surely_active_is_not_asked_again(model, unseen, monkeypatch):
    monkeypatch.setattr(posterior, "SURE", 0.95)  # as sure as the few trees of this model get
    from analysis.segmentation.boosting import boosted_trees

    image = voxel_features.measure(unseen[0])
    ((_, features),) = voxel_features.slabs(unseen[0], image)
    found = posterior.of_features(features, model)
    active = boosted_trees.probability(model.active, features)
    binder = boosted_trees.probability(model.binder, features)
    expected = np.stack([(1 - active) * (1 - binder), (1 - active) * binder, active], axis=1)
    assert np.any(active >= posterior.SURE)
    np.testing.assert_allclose(found, expected, atol=1 - posterior.SURE)
    asked = active < posterior.SURE
    np.testing.assert_allclose(found[asked], expected[asked], atol=1e-6)
    np.testing.assert_allclose(found.sum(axis=1), 1, atol=1e-6)


@pytest.mark.parametrize("row", ["scenario", "CBD of the slice"])
def test_variants_are_what_each_value_gives_alone(model, unseen, row):
    image = voxel_features.measure(unseen[0])
    ((_, features),) = voxel_features.slabs(unseen[0], image)
    row = voxel_features.NAMES.index(row)
    values = [0.0, np.nan, 0.05]
    found = posterior.of_variants(features, model, row, values)
    for value, one in zip(values, found, strict=True):
        alone = features.copy()
        alone[row] = value
        np.testing.assert_allclose(one, posterior.of_features(alone, model), atol=1e-6)


def told_apart(unseen):
    """A model for which all that tells CBD from pore is the scenario."""
    table = empty_table()
    table[:, voxel_features.SCENARIO] = np.arange(4000) % 2
    phases = (np.random.default_rng(7).random(4000) < 0.2 + 0.6 * (np.arange(4000) % 2)).astype(
        "u1"
    )
    phases[:400] = Phase.AM
    image = voxel_features.measure(unseen[0])
    seen = [posterior_training.Examples(table, phases, image)]
    return posterior_training.learn(seen, seed=0, trees=(2, 30))


def test_a_scenario_is_believed_and_without_it_both_are_left_open(unseen):
    learned = told_apart(unseen)
    means = {
        scenario: posterior.binder_share(
            posterior.predict(unseen[0], scenario=scenario, model=learned)
        ).mean()
        for scenario in ("bridging", "cluster", None)
    }
    assert means["bridging"] == pytest.approx(0.2, abs=0.07)
    assert means["cluster"] == pytest.approx(0.8, abs=0.07)
    assert means[None] == pytest.approx(0.5, abs=0.1)


def test_by_scenario_is_what_predict_gives_for_each(unseen):
    learned = told_apart(unseen)
    found = posterior.by_scenario(unseen[0], model=learned)
    assert list(found) == ["bridging", "cluster"]
    mixed = posterior.by_scenario(unseen[0], model=learned, scenarios=("cluster", None))
    assert list(mixed) == ["cluster", None]
    np.testing.assert_array_equal(mixed["cluster"], found["cluster"])
    np.testing.assert_array_equal(mixed[None], posterior.predict(unseen[0], model=learned))
    for scenario, probabilities in found.items():
        expected = posterior.predict(unseen[0], scenario=scenario, model=learned)
        np.testing.assert_array_equal(probabilities, expected)


@pytest.mark.parametrize("scenario", ["films", "BRIDGING", 1])
def test_unknown_scenario_is_refused_before_any_work(model, unseen, scenario, monkeypatch):
    monkeypatch.setattr(voxel_features, "measure", lambda gray: pytest.fail("work has begun"))
    with pytest.raises(ValueError, match="bridging, cluster"):
        posterior.predict(unseen[0], scenario=scenario, model=model)


def test_truth_of_another_volume_is_refused(unseen):
    with pytest.raises(ValueError, match="same volume"):
        posterior_training.examples(unseen[0], unseen[1][:-1], None, seed=0)


def test_voxels_of_the_training_are_those_of_the_volume(unseen):
    gray, labels = unseen
    some = posterior_training.examples(gray, labels, None, seed=5, voxels=500)
    every = posterior_training.examples(gray, labels, None, seed=5, voxels=labels.size)
    assert some.phases.size == 500
    np.testing.assert_array_equal(every.phases, labels.ravel())
    image = voxel_features.measure(gray)
    ((_, features),) = voxel_features.slabs(gray, image, thickness=48)
    np.testing.assert_array_equal(every.features, features.T)


def test_trees_hold_what_the_model_says(model):
    assert isinstance(model.active, boosted_trees.Trees)
    assert model.active.roots.size == 15
    assert model.binder.roots.size == 25
    assert model.noise[0] < model.noise[1]
