"""Trees as arrays give what scikit-learn gives."""

import numpy as np
import pytest
from sklearn.ensemble import HistGradientBoostingClassifier

from analysis.segmentation.boosting import boosted_trees


@pytest.fixture(scope="module")
def table():
    """Features with ties, infinities of float32 rounding and missing values, and an answer."""
    rng = np.random.default_rng(1)
    features = rng.normal(size=(4000, 6)).astype(np.float32)
    features[:, 1] = features[:, 1].round(1)
    features[rng.random(4000) < 0.4, 5] = np.nan
    odds = features[:, 0] + features[:, 1] * features[:, 2] + 2 * np.isnan(features[:, 5])
    return features, odds + rng.normal(size=4000) > 0.5


def peer(table, **settings):
    model = HistGradientBoostingClassifier(
        early_stopping=False, random_state=0, min_samples_leaf=20, **settings
    )
    return model.fit(*table)


@pytest.mark.parametrize(
    "settings",
    [
        {"max_iter": 20, "max_leaf_nodes": 31, "learning_rate": 0.1},
        {"max_iter": 1, "max_leaf_nodes": 2, "learning_rate": 1.0},
        {"max_iter": 12, "max_leaf_nodes": 60, "learning_rate": 0.5},
    ],
)
def test_probabilities_are_those_of_scikit_learn(table, settings):
    theirs = peer(table, **settings)
    trees = boosted_trees._exported(theirs)
    rng = np.random.default_rng(2)
    unseen = rng.normal(size=(3000, 6)).astype(np.float32)
    unseen[:, 1] = unseen[:, 1].round(1)
    for column in (0, 5):
        unseen[rng.random(3000) < 0.3, column] = np.nan
    on_the_thresholds = np.repeat(trees.threshold[trees.feature >= 0][:500, None], 6, axis=1)
    for features in (table[0], unseen, on_the_thresholds):
        found = boosted_trees.probability(trees, np.ascontiguousarray(features.T))
        expected = theirs.predict_proba(features)[:, 1]
        np.testing.assert_allclose(found, expected, rtol=0, atol=1e-6)


def test_fit_is_the_exported_model_and_the_seed_counts(table):
    first, second = (
        boosted_trees.fit(*table, seed=0, trees=10, leaves=8, min_voxels=20) for _ in range(2)
    )
    expected = peer(table, max_iter=10, max_leaf_nodes=8, learning_rate=0.1)
    for name, values in first.arrays("").items():
        np.testing.assert_array_equal(values, second.arrays("")[name])
    np.testing.assert_allclose(
        boosted_trees.probability(first, np.ascontiguousarray(table[0].T)),
        expected.predict_proba(table[0])[:, 1],
        atol=1e-6,
    )


@pytest.mark.parametrize("threads", [1, 2, 3, 7])
def test_threads_change_nothing(table, threads):
    trees = boosted_trees.fit(*table, seed=0, trees=5)
    features = np.ascontiguousarray(table[0][:101].T)
    np.testing.assert_array_equal(
        boosted_trees.probability(trees, features, threads=threads),
        boosted_trees.probability(trees, features, threads=1),
    )


def test_arrays_there_and_back(table):
    trees = boosted_trees.fit(*table, seed=0, trees=5)
    again = boosted_trees.Trees.of(trees.arrays("x_"), "x_")
    features = np.ascontiguousarray(table[0].T)
    np.testing.assert_array_equal(
        boosted_trees.probability(trees, features), boosted_trees.probability(again, features)
    )


@pytest.mark.parametrize("value", [0.1, 1 / 3, 1e-30, -0.7, np.inf, -1e30, 16777217.0])
def test_rounding_down_keeps_every_comparison(value):
    rounded = boosted_trees._rounded_down(np.array([value]))[0]
    above = np.nextafter(rounded, np.float32(np.inf))
    assert rounded <= value
    assert not float(above) <= value or np.isinf(value)


@pytest.mark.parametrize("row", [0, 1, 2])
def test_trees_with_and_without_a_feature_add_up(table, row):
    features, answers = table
    trees = boosted_trees.fit(features, answers, seed=0, trees=12)
    without, using = trees.split(row)
    assert without.roots.size + using.roots.size == 12 and using.roots.size
    rows = np.ascontiguousarray(features.T)
    parts = [boosted_trees.log_odds(part, rows) for part in (without, using)]
    np.testing.assert_allclose(sum(parts), boosted_trees.log_odds(trees, rows), atol=1e-5)
    other = rows.copy()
    other[row] = 7
    np.testing.assert_array_equal(boosted_trees.log_odds(without, other), parts[0])
