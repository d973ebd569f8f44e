"""Electrodes of the training and what is stored with the package."""

import hashlib
import json

import numpy as np
import pytest

from analysis import profiles
from analysis.phases import Phase
from analysis.segmentation import draws
from analysis.segmentation.boosting import posterior_model, posterior_training, voxel_features
from analysis.specimen import electrode
from analysis.study.limit import intervals, posterior


def test_no_specimen_of_the_study_is_among_the_training():
    """Seeds of all specimens and tomograms of all profiles, with room for more cutouts."""
    study = set()
    for profile in profiles.PROFILES.values():
        for name in ("SL", "TL", "D"):
            for cutout in range(1, 200):
                study |= {profile.seed_for(kind, name, cutout) for kind in ("specimen", "tomogram")}
            study |= {profile.seed_for("limit", name, s) for s in posterior.SCENARIOS}
    seeds = [posterior.setting(number).seed for number in range(200)]
    assert len(set(seeds)) == 200
    assert not study & set(seeds)


def test_training_covers_electrodes_scenarios_noises_and_distances():
    settings = [posterior.setting(number) for number in range(24)]
    assert {(s.name, s.scenario) for s in settings} == {
        (name, scenario) for name in posterior.NAMES for scenario in posterior.SCENARIOS
    }
    noises = np.log([noise for s in settings for noise in s.noises])
    low, high = np.log(posterior.NOISES)
    assert noises.min() >= low
    assert noises.max() <= high
    assert np.std(noises) == pytest.approx((high - low) / np.sqrt(12), rel=0.2)
    distances = np.array([distance for s in settings for distance in s.distances_mm])
    assert np.mean(distances == posterior.DISTANCE_MM) == pytest.approx(0.5, abs=0.05)
    assert distances.min() >= 0.5
    assert distances.max() <= 10
    for name in posterior.NAMES:  # no electrode is only imaged at the usual distance
        own = {d for s in settings if s.name == name for d in s.distances_mm}
        assert len(own) > 5


@pytest.mark.parametrize("name", ["SL", "TL"])
@pytest.mark.parametrize("depth", [64, 250])
def test_nominal_profile_is_that_of_the_specimen(name, depth):
    targets = electrode.electrodes.electrode(name).targets()
    profile = posterior.nominal_profile(name, depth, targets)
    assert profile.mean() == pytest.approx(targets[Phase.CBD])
    drawn = electrode.make(name, 32, seed=1, thickness=64)
    if depth == 64:
        found = (drawn.labels == Phase.CBD).mean(axis=(1, 2))
        assert np.corrcoef(found, profile)[0, 1] > (0.2 if name == "SL" else 0.8)


def test_examples_are_the_same_again_and_those_of_another_number_are_not():
    first, again, other = (
        posterior.examples(number, lateral=32, thickness=48, tomograms=1)[0] for number in (0, 0, 4)
    )
    np.testing.assert_array_equal(first.features, again.features)
    np.testing.assert_array_equal(first.phases, again.phases)
    assert np.mean(first.phases == other.phases) < 0.9


@pytest.mark.parametrize("slices", [20, 48, 90])
def test_a_part_of_the_depth_is_kept(slices):
    one = posterior.setting(1, tomograms=2)
    whole = list(posterior.images(one, lateral=32, thickness=48))
    parts = list(posterior.images(one, lateral=32, thickness=48, slices=slices))
    starts = []
    for (gray, labels, profile), part in zip(whole, parts, strict=True):
        depth = min(slices, 48)
        (first,) = (n for n in range(49 - depth) if np.array_equal(labels[n : n + depth], part[1]))
        np.testing.assert_array_equal(part[0], gray[first : first + depth])
        np.testing.assert_array_equal(part[2], profile[first : first + depth])
        starts.append(first)
    if slices == 20:
        assert len(set(starts)) == 2  # each tomogram its own


def test_store_writes_weights_hash_and_recipe(tmp_path, monkeypatch):
    luck = {"bridging": (1.0, 1.5)}
    monkeypatch.setattr(posterior, "kept_back", lambda model, specimens: [])
    monkeypatch.setattr(posterior, "fit_luck", lambda seen: luck)
    monkeypatch.setattr(posterior, "fit_scatter", lambda seen: 0.1)
    monkeypatch.setattr(posterior_training, "ACTIVE_TREES", 2)
    seen = posterior.examples(0, lateral=32, thickness=48, tomograms=1)
    file = tmp_path / "weights.npz"
    posterior.store(seen, 1, file=file, progress=lambda line: None)
    model = posterior_model.load(file)
    assert model.noise == (seen[0].image.noise,) * 2
    recipe = json.loads(file.with_suffix(".json").read_text())
    assert recipe["specimens"] == [json.loads(json.dumps(vars(posterior.setting(0))))]
    assert recipe[posterior.LUCK_KEY] == {"bridging": [1.0, 1.5]}
    assert recipe["trees"] == [model.active.roots.size, model.binder.roots.size]


@pytest.mark.parametrize("off", [1.0, 1.2, 0.8])
def test_scatter_is_how_far_truths_lie_from_their_draws(off, monkeypatch):
    """Draws of one conductivity and truths that are so many times as large."""
    labels = np.zeros((12, 8, 8), np.uint8)
    labels[:, 2:6] = Phase.CBD
    drawn = np.full(labels.shape, 2, np.uint8)  # told from the truth by what is in it
    monkeypatch.setattr(posterior.draws, "several", lambda *given, count, seed: [drawn] * count)
    monkeypatch.setattr(posterior, "ionic_conductivity", lambda volume, gamma: volume.max())

    class Value:
        def __init__(self, found):
            self.value = found

    def conductivity(top, **given):
        return Value(0.1 if top == 2 else 0.1 * off)

    monkeypatch.setattr(posterior, "effective_conductivity", conductivity)
    found = posterior.fit_scatter([(None, {}, labels)] * 3)
    assert found == pytest.approx(abs(np.log(off)), abs=1e-3)


def test_a_training_without_specimens_is_refused(capsys):
    with pytest.raises(SystemExit):
        posterior.main(["--specimens", "0"])
    assert "at least one" in capsys.readouterr().err


class TestStored:
    """The weights that come with the package."""

    recipe = json.loads(posterior_model.WEIGHTS.with_suffix(".json").read_text())

    def test_they_load_and_are_small(self):
        model = posterior_model.stored()
        assert posterior_model.WEIGHTS.stat().st_size < 1e6
        assert [model.active.roots.size, model.binder.roots.size] == self.recipe["trees"]
        assert model.active.feature.max() < len(voxel_features.NAMES)

    def test_hash_is_that_of_the_file(self):
        kept = posterior_model.WEIGHTS.with_suffix(".sha256").read_text().split()[0]
        assert kept == hashlib.sha256(posterior_model.WEIGHTS.read_bytes()).hexdigest()

    def test_recipe_names_the_specimens_that_the_code_would_draw(self):
        for number, kept in enumerate(self.recipe["specimens"]):
            assert kept == json.loads(json.dumps(vars(posterior.setting(number))))
        assert self.recipe["licence"] == "CC BY 4.0"
        assert set(self.recipe["versions"]) >= {"numpy", "scikit-learn"}

    def test_draws_use_the_luck_that_was_fitted(self):
        assert json.loads(json.dumps(draws.LUCK)) == self.recipe[posterior.LUCK_KEY]

    def test_intervals_use_the_scatter_that_was_found(self):
        assert intervals.SCATTER == self.recipe[posterior.SCATTER_KEY]

    def test_luck_was_fitted_on_specimens_that_the_trees_have_not_seen(self):
        seen = {kept["seed"] for kept in self.recipe["specimens"]}
        after = range(len(seen), len(seen) + 4)
        assert not seen & {posterior.setting(number).seed for number in after}
        kinds = {(posterior.setting(n).name, posterior.setting(n).scenario) for n in after}
        assert len(kinds) == 4
