"""Random forest for pore against CBD in a FIB-SEM stack: the reference for the U-Net."""

import numpy as np

from analysis.phases import Phase
from analysis.segmentation.networks.fib import check_training_labels

CONTEXT = (-4, -2, 2, 4)  # neighboring slices whose gray values are features
TREES = 60
PIXELS = 20_000


def features(stack, index, *, context=CONTEXT):
    """
    Filter responses of one slice and smoothed gray values of its neighbors.

    Parameters
    ----------
    stack : (S, R, C) ndarray
        Gray values.
    index : int
        Slice.
    context : tuple of int
        Offsets of the neighbors; empty for the slice alone.

    Returns
    -------
    table : (R, C, F) ndarray of float32
        Intensity, edges and texture at scales of 0.5 to 8 pixels, then two columns (sharp,
        smoothed) for each neighbor.
    """
    from scipy.ndimage import gaussian_filter
    from skimage.feature import multiscale_basic_features

    own = multiscale_basic_features(stack[index].astype(np.float32), sigma_min=0.5, sigma_max=8)
    columns = [own]
    for offset in context:
        neighbor = stack[np.clip(index + offset, 0, len(stack) - 1)].astype(np.float32)
        columns += [neighbor[..., None], gaussian_filter(neighbor, 2)[..., None]]
    return np.concatenate(columns, axis=-1)


def train(stack, labelled, labels, active, *, seed, context=CONTEXT, n_pixels=PIXELS):
    """
    Fit a forest to pore and CBD in the labelled slices.

    Parameters
    ----------
    stack : (S, R, C) ndarray
        Gray values.
    labelled : sequence of int
        Labelled slices.
    labels : (N, R, C) ndarray of uint8
        Their labels.
    active : (S, R, C) ndarray of bool
        Active material, where nothing is learned.
    seed : int
        Seed of the pixel sample and the trees.
    context : tuple of int
        Offsets of neighboring slices.
    n_pixels : int
        Pixels drawn from the labelled slices.

    Returns
    -------
    forest : sklearn.ensemble.RandomForestClassifier
        Predicts 1 for CBD.

    Raises
    ------
    ValueError
        If a phase is missing from the labels.
    """
    from sklearn.ensemble import RandomForestClassifier

    labels = check_training_labels(labels, stack.shape[1:])
    rows, classes = [], []
    for index, slice_labels in zip(labelled, labels, strict=True):
        taught = ~active[index] & (slice_labels != Phase.AM)
        rows.append(features(stack, index, context=context)[taught])
        classes.append(slice_labels[taught] == Phase.CBD)
    rows, classes = np.concatenate(rows), np.concatenate(classes)
    chosen = np.random.default_rng(seed).permutation(len(rows))[:n_pixels]
    forest = RandomForestClassifier(TREES, min_samples_leaf=3, random_state=seed, n_jobs=1)
    return forest.fit(rows[chosen], classes[chosen])


def segment(forest, stack, active, index=None, *, context=CONTEXT):
    """
    Label slices of a stack: active material as given, pore and CBD by the forest.

    Parameters
    ----------
    forest : sklearn.ensemble.RandomForestClassifier
        From :func:`train`.
    stack : (S, R, C) ndarray
        Gray values.
    active : (S, R, C) ndarray of bool
        Active material.
    index : sequence of int, optional
        Slices to label; all by default.
    context : tuple of int
        As in training.

    Returns
    -------
    labels : (N, R, C) ndarray of uint8
    """
    index = range(len(stack)) if index is None else index
    labels = np.empty((len(index), *stack.shape[1:]), dtype=np.uint8)
    for place, number in enumerate(index):
        labels[place] = Phase.AM
        open_pixels = ~active[number]
        if open_pixels.any():
            table = features(stack, number, context=context)[open_pixels]
            labels[place][open_pixels] = np.where(
                forest.predict(table), int(Phase.CBD), int(Phase.PORE)
            )
    return labels
