"""Boosted decision trees as plain arrays: trained by scikit-learn, stored and evaluated without it.

A model file holds numbers only, so reading one runs no code, and the same arrays give the same
probabilities with every version of scikit-learn.
"""

from concurrent.futures import ThreadPoolExecutor
from dataclasses import dataclass, fields, replace

import numba
import numpy as np


@dataclass(frozen=True)
class Trees:
    """
    A sum of decision trees for one yes-or-no question.

    Attributes
    ----------
    feature : (nodes,) ndarray of int16
        Row of the features that a node compares; -1 in a leaf.
    threshold : (nodes,) ndarray of float32
        A voxel goes left if its feature is at most this.
    missing_left : (nodes,) ndarray of bool
        Where a voxel without that feature (NaN) goes.
    left, right : (nodes,) ndarray of int32
        Nodes below.
    value : (nodes,) ndarray of float32
        What a leaf adds to the logarithm of the odds.
    roots : (trees,) ndarray of int32
        First node of each tree.
    baseline : float
        Logarithm of the odds before any tree.
    """

    feature: np.ndarray
    threshold: np.ndarray
    missing_left: np.ndarray
    left: np.ndarray
    right: np.ndarray
    value: np.ndarray
    roots: np.ndarray
    baseline: float

    def arrays(self, prefix):
        """Everything as a dict of arrays whose names begin with `prefix`."""
        return {f"{prefix}{f.name}": np.asarray(getattr(self, f.name)) for f in fields(self)}

    @classmethod
    def of(cls, arrays, prefix):
        """From what :meth:`arrays` returned."""
        values = {f.name: arrays[f"{prefix}{f.name}"] for f in fields(cls)}
        return cls(**{**values, "baseline": float(values["baseline"])})

    def split(self, row):
        """
        The trees that never compare a feature, and those that do, each with its roots alone.

        Parameters
        ----------
        row : int
            Of the features.

        Returns
        -------
        without, using : Trees
            The first has the baseline, so that the log-odds of both add up to those of all.
        """
        ends = np.append(self.roots[1:], self.feature.size)
        use = [(self.feature[a:b] == row).any() for a, b in zip(self.roots, ends, strict=True)]
        use = np.array(use, bool)
        return (
            replace(self, roots=self.roots[~use]),
            replace(self, roots=self.roots[use], baseline=0.0),
        )


def fit(features, answers, *, seed, trees, leaves=31, learning_rate=0.1, min_voxels=100):
    """
    Learn a yes-or-no question.

    Parameters
    ----------
    features : (voxels, F) ndarray of float32
        NaN where a feature is not known.
    answers : (voxels,) ndarray of bool
    seed : int
        Of the sample from which the bins are made.
    trees : int
        More trees fit finer; beyond a few hundred they cost time and gain nothing here.
    leaves : int
        Of each tree.
    learning_rate : float
        Share of each tree that is added.
    min_voxels : int
        In a leaf. Fewer follow the noise.

    Returns
    -------
    Trees
    """
    from sklearn.ensemble import HistGradientBoostingClassifier

    model = HistGradientBoostingClassifier(
        max_iter=trees,
        max_leaf_nodes=leaves,
        learning_rate=learning_rate,
        min_samples_leaf=min_voxels,
        early_stopping=False,
        random_state=seed,
    )
    never_known = np.isnan(features).all(axis=0)
    if never_known.any():  # scikit-learn finds no bins there; of one value no tree makes a use
        features = np.where(never_known, np.float32(0), features)
    return _exported(model.fit(features, answers))


def probability(trees, features, *, threads=2):
    """
    Probability of "yes" for every voxel.

    Parameters
    ----------
    trees : Trees
    features : (F, voxels) ndarray of float32
        Rows as in training.
    threads : int
        Voxels are shared among them; the result does not depend on it.

    Returns
    -------
    probability : (voxels,) ndarray of float32
    """
    return (1 / (1 + np.exp(-log_odds(trees, features, threads=threads)))).astype(np.float32)


def variants(trees, features, row, values, *, threads=2):
    """
    Probability of "yes" for every voxel, for each of several values of one feature.

    Trees that never compare the feature are asked once.

    Parameters
    ----------
    trees : Trees
    features : (F, voxels) ndarray of float32
        Its `row` is overwritten.
    row : int
        Of the feature that takes the values.
    values : sequence of float
        NaN where the feature is not known.
    threads : int

    Returns
    -------
    probabilities : list of (voxels,) ndarray of float32
    """
    without, using = trees.split(row)
    common = log_odds(without, features, threads=threads)
    found = []
    for value in values:
        features[row] = value
        odds = common + log_odds(using, features, threads=threads)
        found.append((1 / (1 + np.exp(-odds))).astype(np.float32))
    return found


def log_odds(trees, features, *, threads=2):
    """
    Logarithm of the odds of "yes" for every voxel; parameters as for :func:`probability`.

    Returns
    -------
    log_odds : (voxels,) ndarray of float64
    """
    if trees.roots.size == 0:
        return np.full(features.shape[1], trees.baseline)
    out = np.empty(features.shape[1])
    cuts = np.linspace(0, out.size, threads + 1).astype(int)

    def share(bounds):
        first, last = bounds
        _evaluate(
            features[:, first:last], trees.feature, trees.threshold, trees.missing_left,
            trees.left, trees.right, trees.value, trees.roots, trees.baseline, out[first:last],
        )  # fmt: skip

    with ThreadPoolExecutor(threads) as pool:
        list(pool.map(share, zip(cuts[:-1], cuts[1:], strict=True)))
    return out


def _exported(model):
    """The nodes of a fitted model, one tree after the other."""
    parts = {name: [] for name in ("feature", "threshold", "missing", "left", "right", "value")}
    roots, first = [], 0
    for (predictor,) in model._predictors:
        nodes = predictor.nodes
        leaf = nodes["is_leaf"].astype(bool)
        roots.append(first)
        parts["feature"].append(np.where(leaf, -1, nodes["feature_idx"]))
        # float64 thresholds lie between float32 values: rounding down keeps every comparison
        parts["threshold"].append(_rounded_down(np.where(leaf, 0, nodes["num_threshold"])))
        parts["missing"].append(nodes["missing_go_to_left"].astype(bool))
        parts["left"].append(nodes["left"] + first)
        parts["right"].append(nodes["right"] + first)
        parts["value"].append(nodes["value"])
        first += len(nodes)
    joined = {name: np.concatenate(values) for name, values in parts.items()}
    return Trees(
        feature=joined["feature"].astype(np.int16),
        threshold=joined["threshold"],
        missing_left=joined["missing"],
        left=joined["left"].astype(np.int32),
        right=joined["right"].astype(np.int32),
        value=joined["value"].astype(np.float32),
        roots=np.array(roots, np.int32),
        baseline=float(np.ravel(model._baseline_prediction)[0]),
    )


def _rounded_down(values):
    """The largest float32 that is not above each value."""
    rounded = values.astype(np.float32)
    return np.where(rounded > values, np.nextafter(rounded, np.float32(-np.inf)), rounded)


@numba.njit(cache=True, nogil=True)
def _evaluate(features, feature, threshold, missing_left, left, right, value, roots, base, out):
    seen = np.empty(features.shape[0], np.float32)  # one voxel's features side by side
    for voxel in range(out.size):
        seen[:] = features[:, voxel]
        total = base
        for root in roots:
            node = root
            while feature[node] >= 0:
                value_here = seen[feature[node]]
                if np.isnan(value_here):
                    goes_left = missing_left[node]
                else:
                    goes_left = value_here <= threshold[node]
                node = left[node] if goes_left else right[node]
            total += value[node]
        out[voxel] = total
