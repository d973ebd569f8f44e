"""The posterior judged: scores, calibration, physics, and sentences that turn with the run."""

import numpy as np
import pandas as pd
import pytest

from analysis.phases import Phase
from analysis.segmentation.boosting import posterior_training
from analysis.segmentation.draws import draw
from analysis.study.limit import learning, limit, limit_runs, limit_text


@pytest.fixture(scope="module")
def one():
    (found,) = limit.known("SL", "bridging", 1, seed=5, lateral=32, noises=(0.1,), thickness=48)
    return found


@pytest.fixture(scope="module")
def model(one):
    seen = posterior_training.examples(one.gray, one.labels, one.cbd_profile, seed=0, voxels=8000)
    return posterior_training.learn([seen], seed=0, trees=(8, 15))


def certain(labels):
    return np.stack([labels == phase for phase in Phase], axis=-1).astype("f4")


@pytest.mark.parametrize("shift", [0.0, 0.1, -0.2])
def test_calibration_finds_what_was_put_in(shift):
    rng = np.random.default_rng(0)
    said = rng.uniform(0.25, 0.75, 200_000)
    true = rng.random(said.size) < said + shift
    means, found, weight = limit.calibration(said, true)
    assert weight.sum() == pytest.approx(1)
    np.testing.assert_allclose(found - means, shift, atol=0.02)
    assert np.sum(weight * np.abs(means - found)) == pytest.approx(abs(shift), abs=0.005)


def test_certainty_that_is_right_has_no_error_and_one_that_is_wrong_has_all(one):
    assert limit.calibration_error(certain(one.labels), one.labels) == 0
    wrong = (one.labels + 1) % 3
    # every voxel is said wrong for two phases of three
    assert limit.calibration_error(certain(wrong), one.labels) == pytest.approx(2 / 3)


def test_uncertainty_runs_from_sure_to_all_alike():
    sure, alike, two = (0, 1, 0), (1 / 3, 1 / 3, 1 / 3), (0.5, 0.5, 0)
    found = limit.uncertainty(np.array([sure, alike, two], "f4").reshape(1, 1, 3, 3))
    np.testing.assert_allclose(found.ravel(), [0, 1, np.log(2) / np.log(3)], atol=1e-6)


@pytest.mark.parametrize("share", [0.5, 0.8, 0.9])
def test_interval_holds_its_share(share):
    values = np.random.default_rng(0).normal(size=5000)
    low, high = limit.interval(values, share)
    assert np.mean((values >= low) & (values <= high)) == pytest.approx(share, abs=0.001)


def test_both_posteriors_are_what_predict_gives(one, model):
    from analysis.segmentation import posterior

    found = limit.posteriors(one, model=model)
    for name, profile in (("posterior", None), (limit.WITH_PROFILE, one.cbd_profile)):
        expected = posterior.predict(one.gray, profile, model=model)
        np.testing.assert_allclose(found[name], expected, atol=1e-6)


def test_scores_of_the_truth_and_of_its_certainty_are_perfect(one):
    rows = limit.scores(one, {"truth": one.labels}, {"sure": certain(one.labels)})
    for row in rows:
        assert row["kappa"] == 1
        assert row["Jaccard CBD"] == 1
        assert row["chance CBD"] < 0.7
    assert rows[1]["calibration error"] == 0
    assert "calibration error" not in rows[0]


def test_physics_of_layers_can_be_counted():
    labels = np.full((12, 8, 8), Phase.CBD, np.uint8)
    labels[:, 2:6] = Phase.PORE
    found = limit.physics(labels, voxel_size_um=0.5)
    for gamma in limit.GAMMAS:
        assert found[f"k_eff {gamma:g}"] == pytest.approx((1 + gamma) / 2, rel=1e-3)
    assert found["r_max_P"] == pytest.approx(1.0, rel=0.3)
    assert found["CBD-pore"] > 0
    assert found["AM-pore"] == found["AM-CBD"] == 0


def test_kinds_of_maps_come_in_order(one, model):
    probabilities = limit.posteriors(one, model=model)["posterior"]
    by_scenario = {"cluster": probabilities, "bridging": probabilities}
    found = list(limit.maps(one, probabilities, by_scenario, count=2))
    draws = ["draw", "draw", "informed draw", "informed draw"]
    assert [kind for kind, _ in found] == ["most probable", *draws, "independent draw"]
    own = draw(probabilities, one.targets, seed=[one.seed, 0], scenario="bridging")
    np.testing.assert_array_equal(found[3][1], own)


def test_kappa_of_voxels_is_that_of_the_volume(one, model):
    from analysis.segmentation import agreement, posterior

    every = posterior_training.examples(
        one.gray, one.labels, one.cbd_profile, seed=0, voxels=one.labels.size
    )
    labels = posterior.ranked(limit.posteriors(one, model=model)[limit.WITH_PROFILE], one.targets)
    expected = agreement.kappa(labels, one.labels)
    assert learning.kappa(model, every) == pytest.approx(expected, abs=0.01)


def test_learning_says_what_it_was_trained_and_judged_on():
    table = learning.curve(
        lambda *key: len(str(key)),
        specimens=(1, 4),
        trees=(2, 4),
        lateral=32,
        thickness=32,
        voxels=5000,
    )
    pairs = set(zip(table["trained on"], table["judged on"], strict=True))
    kinds = ("both", "bridging", "cluster", "stored")
    assert pairs == {(a, b) for a in kinds for b in ("bridging", "cluster")}
    both = table[table["trained on"] == "both"]
    assert list(both.specimens) == [1, 1, 4, 4] and both.voxels.iloc[0] > 0
    assert table.kappa.between(-1, 1).all() and table.kappa.nunique() > 4


def overlap_table(kappas, errors=(0.01, 0.01)):
    methods = (*limit.RIVALS, *limit.POSTERIORS)
    return pd.DataFrame(
        [
            {
                "scenario": "bridging",
                "specimen": specimen,
                "noise": 0.12,
                "method": method,
                "kappa": value,
                "calibration error": error if method in limit.POSTERIORS else np.nan,
            }
            for specimen, error in zip(("SL", "TL"), errors, strict=True)
            for method, value in zip(methods, kappas, strict=True)
        ]
    )


@pytest.mark.parametrize(
    ("kappas", "first", "second"),
    [
        ((0.3, 0.2, 0.35, 0.4, 0.5), "In each of 2", "In each of 2"),
        ((0.3, 0.2, 0.35, 0.2, 0.5), "In none of 2", "In each of 2"),
        ((0.3, 0.2, 0.60, 0.4, 0.5), "In each of 2", "In none of 2"),
    ],
)
def test_ahead_turns_with_the_scores(kappas, first, second):
    one, two = limit_text.ahead(overlap_table(kappas)).split("has. ")[0].split(". ")[:2]
    assert first in one
    assert second in two
    assert "EDX-Closing" not in one


@pytest.mark.parametrize(
    ("errors", "verdict"),
    [
        ((0.01, 0.015), "can be taken at their word."),
        ((0.01, 0.025), "but not everywhere."),
        ((0.05, 0.03), "must not be taken"),
    ],
)
def test_calibrated_turns_with_the_error(errors, verdict):
    assert verdict in limit_text.calibrated(overlap_table((0.3,) * 5, errors))


def learning_table(few, many, own, other):
    rows = [("both", 1, few), ("both", 4, many), ("stored", None, 0.4)]
    table = [
        {"trained on": t, "specimens": n, "judged on": s, "kappa": k}
        for t, n, k in rows
        for s in ("bridging", "cluster")
    ]
    for trained in ("bridging", "cluster"):
        for judged in ("bridging", "cluster"):
            kappa = own if trained == judged else other
            table.append(
                {"trained on": trained, "specimens": 2, "judged on": judged, "kappa": kappa}
            )
    return pd.DataFrame(table)


def test_data_and_shift_turn_with_the_run():
    more, less = learning_table(0.2, 0.3, 0.4, 0.2), learning_table(0.3, 0.2, 0.2, 0.4)
    assert "From 1 to 4 specimens kappa goes from 0.20 to 0.30" in limit_text.data(more)
    assert "nothing here" not in limit_text.data(more)
    assert "nothing here" in limit_text.data(less)
    assert "a prior" in limit_text.shift(more)
    assert "does not matter" in limit_text.shift(less)


def physics_table(draw, probable):
    rows = []
    for specimen in ("SL", "TL"):
        for kind, value in (
            ("truth", 1.0), ("thresholding", 1.5), ("most probable", probable), ("draw", draw),
            ("draw", draw + 0.02), ("independent draw", 2.0),
        ):  # fmt: skip
            rows.append(
                {"specimen": specimen, "kind": kind, "kappa": 0.3, "r_max_P": value,
                 "k_eff 0.08": value}
            )  # fmt: skip
    return pd.DataFrame(rows)


def test_cell_turns_with_the_deviations():
    near = limit_runs.deviations(physics_table(1.0, 1.3))
    assert near.set_index("kind").loc["most probable", "r_max_P"] == pytest.approx(30)
    assert "in 2 of 2 quantities" in limit_text.cell(near)
    assert "draws are nearest" in limit_text.cell(near)
    far = limit_runs.deviations(physics_table(1.4, 1.1))
    assert "in 0 of 2 quantities" in limit_text.cell(far)
    assert "the most probable map is nearest" in limit_text.cell(far)


def test_held_says_whether_the_truth_lies_inside():
    assert limit_text.held(physics_table(0.99, 1.3)).count("holds") == 2
    assert limit_text.held(physics_table(1.10, 1.3)).count("holds") == 2  # draws are too sure
    assert limit_text.held(physics_table(1.40, 1.3)).count("misses") == 2
