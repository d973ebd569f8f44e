"""Posterior and draw beside the paper's methods on a page; nothing said of those changes."""

import numpy as np
import pandas as pd
import pytest

from analysis import profiles, storage
from analysis.study import catalogue
from analysis.study.limit import beside
from analysis.study.morphology import depth_profiles, ours, sizes, tortuosity

SMOKE = profiles.get("smoke")


def save(name, shares, seed):
    labels = np.random.default_rng(seed).choice(3, (260, 6, 6), p=shares).astype(np.uint8)
    storage.save_volume(f"labels/{name}", labels, profile="smoke", voxel_size_um=0.642)


@pytest.fixture
def study(results):
    for specimen in profiles.ELECTRODES:
        for place, method in enumerate(("kmeans", "truth", *catalogue.OURS)):
            save(f"{specimen}-1-{method}", (0.2, 0.3, 0.5), place)
    return SMOKE


def test_the_names_are_those_under_which_the_limit_keeps_its_labels():
    assert catalogue.OURS == beside.OURS


@pytest.mark.parametrize("module", [depth_profiles, tortuosity, sizes])
def test_ours_come_last_and_the_methods_of_the_paper_stay_as_they_were(study, module):
    described = module.run(study)
    everyone = ours.beside(study, described, module.describe)
    assert [str(name) for name in everyone.method.values] == [
        "kmeans",
        "truth",
        "posterior",
        "draw",
    ]
    assert ours.shown(everyone, ("kmeans",)) == ["kmeans", "posterior", "draw"]
    same = everyone.sel({"method": ["kmeans", "truth"]})
    for name in described:
        np.testing.assert_array_equal(described[name].values, same[name].values)


def test_without_labels_of_ours_nothing_is_added(study, results):
    described = depth_profiles.run(study)
    for file in results.rglob("TL-1-draw*"):
        file.unlink()
    assert catalogue.ours_on_disk(study) == []
    assert ours.beside(study, described, depth_profiles.describe) is described
    assert (
        ours.nearer(pd.DataFrame({"method": ["truth"]}))
        == "Posterior and draw are not in this build"
    )
    assert "not in this build" in ours.depth(depth_profiles.layers(described))


def test_scores_of_ours_stand_below_with_the_same_columns(results):
    scores = pd.DataFrame(
        {"scenario": "bridging", "specimen": ["SL", "TL"], "method": "kmeans", "kappa": [0.2, 0.3],
         "contrast": 0.9}
    )
    pd.testing.assert_frame_equal(catalogue.with_ours(scores, SMOKE), scores)
    kept = pd.DataFrame(
        {"specimen": "SL", "method": ["kmeans", "posterior", "draw"], "kappa": [0.2, 0.4, 0.1],
         "am_cbd": 1.0}
    )  # fmt: skip
    storage.save_table("limit-beside", kept, profile="smoke")
    table = catalogue.with_ours(scores, SMOKE)
    assert list(table.columns) == list(scores.columns)
    assert list(table.method) == ["kmeans", "kmeans", "posterior", "draw"]
    assert list(table.scenario.unique()) == ["bridging"]
    assert list(table.contrast.isna()) == [False, False, True, True]


@pytest.mark.parametrize(
    ("draw", "words"),
    [((1.0, 2.0), "in each of these 2 numbers"), ((5.0, 9.0), "in none of these 2 numbers"),
     ((1.0, 9.0), "in 1 of these 2 numbers"), ((1.0, np.nan), "in each of these 1 numbers")],
)  # fmt: skip
def test_the_nearer_of_the_two_is_counted(draw, words):
    table = pd.DataFrame(
        {"specimen": "SL", "method": ["truth", "posterior", "draw"], "a": [1.1, 1.5, draw[0]],
         "b": [2.1, 2.5, draw[1]]}
    )  # fmt: skip
    assert words in ours.nearer(table)


@pytest.mark.parametrize(
    ("posterior", "draw", "exaggerates"),
    [(0.29, 0.20, True), (0.20, 0.20, False), (0.18, 0.29, False)],
)
def test_what_both_make_of_the_layers(posterior, draw, exaggerates):
    table = pd.DataFrame(
        {"separator": 0.15, "collector": [0.29, posterior, draw]},
        index=["truth", "posterior", "draw"],
    )
    assert ("exaggerates" in ours.depth(table)) is exaggerates
    assert f"{100 * (draw - 0.15) / 0.14:.0f} %" in ours.depth(table)
