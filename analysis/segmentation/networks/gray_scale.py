"""Gray values of one tomogram on the scale of another.

The network learns on specimen D, imaged at 25 keV, and is applied to SL and TL, imaged at
28 keV. A linear map of the gray values is the least that must happen in between.
"""

from dataclasses import dataclass

import numpy as np


@dataclass(frozen=True)
class GrayScale:
    """
    Linear map from the gray values of one specimen to those the network was trained on.

    Attributes
    ----------
    gain : float
        Factor [-].
    offset : float
        Added after the factor [gray value].
    """

    gain: float = 1.0
    offset: float = 0.0


def align_gray(gray, reference, how="modes"):
    """
    Linear map that brings the gray values of one tomogram onto the scale of another.

    Parameters
    ----------
    gray : (Z, Y, X) ndarray
        Gray values of the specimen that the network is applied to.
    reference : (z, y, x) ndarray
        Gray values of the specimen that it was trained on.
    how : {"modes", "moments", "none"}
        Bring the two modes (pores with CBD, active material) onto each other; or mean and
        standard deviation; or nothing. The paper does not say what it did, although its two
        tomograms were taken at 25 and 28 keV.

    Returns
    -------
    scale : GrayScale
        For :func:`predict_composition`.

    Raises
    ------
    ValueError
        If `how` is unknown.
    """
    if how == "none":
        return GrayScale()
    if how not in ("modes", "moments"):
        raise ValueError(f"Unknown alignment {how!r}; expected modes, moments or none.")
    levels = _modes if how == "modes" else _moments
    (low, high), (low_reference, high_reference) = levels(gray), levels(reference)
    gain = (high_reference - low_reference) / (high - low)
    return GrayScale(gain, low_reference - gain * low)


def _moments(gray):
    """Mean minus and plus one standard deviation."""
    mean, spread = float(np.mean(gray, dtype=np.float64)), float(np.std(gray, dtype=np.float64))
    return mean - spread, mean + spread


def _modes(gray):
    """Positions of the histogram's maxima below and above Otsu's threshold."""
    from scipy.ndimage import gaussian_filter1d
    from skimage.filters import threshold_otsu

    low, high = np.percentile(gray, [0.1, 99.9])
    counts, edges = np.histogram(gray, bins=200, range=(low, high))
    centers = 0.5 * (edges[:-1] + edges[1:])
    smooth = gaussian_filter1d(counts.astype(float), 4)
    above = centers > threshold_otsu(hist=(counts, centers))
    return tuple(float(centers[side][np.argmax(smooth[side])]) for side in (~above, above))
