"""Smooth, then take two thresholds that meet the fractions: five lines."""

import numpy as np
from scipy.ndimage import gaussian_filter


def trinarize(gray, voxel_size_um, fractions, fluorine=None):
    smooth = gaussian_filter(gray, 0.7)  # [voxel]; less noise, but thinner films are lost
    pore, cbd, am = (fractions[label] for label in (0, 1, 2))
    return np.digitize(smooth, np.quantile(smooth, [pore, pore + cbd]))
