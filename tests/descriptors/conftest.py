"""Small volumes on which the descriptors are compared with brute force."""

import numpy as np
import pytest
from scipy import ndimage


@pytest.fixture
def electrode():
    """Make an electrode-like volume: blobs of AM, CBD near them, pores; deterministic."""

    def make(shape, seed=0, smoothing=2.0):
        rng = np.random.default_rng(seed)
        smooth = ndimage.gaussian_filter(rng.normal(size=shape), smoothing)
        rough = ndimage.gaussian_filter(rng.normal(size=shape), 0.8)
        labels = np.zeros(shape, np.uint8)
        am = smooth > np.quantile(smooth, 0.4)
        score = smooth / smooth.std() + 0.7 * rough / rough.std()
        score[am] = -np.inf
        labels[score > np.quantile(score[~am], 0.4)] = 1
        labels[am] = 2
        return labels

    return make


@pytest.fixture
def random_labels():
    """Make a volume of independent labels."""

    def make(shape, seed=0, fractions=(0.2, 0.2, 0.6)):
        rng = np.random.default_rng(seed)
        return rng.choice(3, size=shape, p=fractions).astype(np.uint8)

    return make
