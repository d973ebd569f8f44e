"""What the network is told of each slice beside the gray values.

Gray values around a voxel do not tell how noisy the whole tomogram is, or how much CBD a line scan
found in its slice. Both come as a few numbers for each slice, with the scenario that is asked
about: where the CBD sits.
"""

import numpy as np

from analysis.segmentation.boosting import voxel_features

# Factors that bring each number to about one; first the profile, and whether it is known.
SCALES = (
    ("CBD of the slice", 5.0),
    ("CBD is known", 1.0),
    ("bright share of the slice", 2.0),
    ("noise", 10.0),
    ("dark spread", 5.0),
    *((f"scatter {width}", 8.0) for width in voxel_features.TEXTURE),
    ("skewness", 1.0),
    ("slope", 20.0),
    *((f"scenario {name}", 1.0) for name in voxel_features.SCENARIOS),
)
COUNT = len(SCALES)


def of_slices(image, cbd_profile=None, *, scenario=None):
    """
    Numbers of each slice.

    Parameters
    ----------
    image : analysis.segmentation.boosting.voxel_features.Image
        Measured on the whole tomogram.
    cbd_profile : (Z,) array_like of float, optional
        Volume fraction of the CBD in each slice [-].
    scenario : str, optional
        One of :data:`~analysis.segmentation.boosting.voxel_features.SCENARIOS`.

    Returns
    -------
    conditions : (Z, COUNT) ndarray of float32
        Scaled by :data:`SCALES`. Where no profile or no scenario is given its two numbers are 0.

    Raises
    ------
    ValueError
        If the profile does not have one fraction for each slice, or the scenario is unknown.
    """
    depth = image.bright_share.size
    profile = voxel_features.check_profile(cbd_profile, depth)
    known = np.isfinite(profile)
    number = voxel_features.number_of(scenario)
    asked = [float(number == place) for place in range(len(voxel_features.SCENARIOS))]
    rows = [
        np.where(known, profile, 0),
        known,
        image.bright_share,
        *(np.full(depth, v) for v in (image.noise, image.dark_spread, *image.texture, *asked)),
    ]
    scales = np.array([scale for _, scale in SCALES])
    return (np.stack(rows, axis=1) * scales).astype(np.float32)


def scaled(gray, image):
    """Gray values with the means of dark and bright voxels at 0 and 1, as float32."""
    return ((gray - image.dark) / (image.bright - image.dark)).astype(np.float32)
