"""Small three-phase volumes for the tests of cases and campaigns."""

import numpy as np
from scipy.ndimage import gaussian_filter


def blobs(seed, shape=(64, 24, 24)):
    """AM with the electrodes' fraction, and binder in a part of the rest, from smoothed noise."""
    rng = np.random.default_rng(seed)
    solid = gaussian_filter(rng.normal(size=shape), 2.5, mode="wrap")
    binder = gaussian_filter(rng.normal(size=shape), 1.5, mode="wrap")
    labels = np.zeros(shape, np.uint8)
    am = solid > np.quantile(solid, 1 - 0.5954)
    labels[am] = 2
    labels[~am & (binder > np.quantile(binder[~am], 0.43))] = 1
    return labels
