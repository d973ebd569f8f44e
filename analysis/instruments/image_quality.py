"""What a tomogram says of itself: contrast, noise and blur, measured without any labels.

All three are read off the particles, the only phase that a tomogram shows clearly: their plateau,
its scatter, and the steepness of their edges.
"""

from dataclasses import dataclass

import numpy as np

from analysis.phases import Phase, check_gray, check_targets, check_voxel_size

INSIDE = 2  # voxels from the edge of a particle, from which on its plateau is undisturbed
DEEPEST = 6.0  # voxels into a particle up to which an edge is followed
WIDER = 1.28  # fitted over true width; 1.17 to 1.39 on blurred balls of 5 to 30 voxels
SAMPLE = 4_000_000  # voxels, from the middle


@dataclass(frozen=True)
class ImageQuality:
    """
    Contrast, noise and blur of a tomogram.

    Attributes
    ----------
    step : float
        Gray values between the plateau of the AM and the darkest voxels, the pores.
    noise : float
        Standard deviation of the gray values inside particles over `step` [-]. It holds what is
        left of the noise after reconstruction and filters, and real differences of particles.
    blur_um : float
        Standard deviation of the blur at the edges of particles [µm].
    blur_voxels : float
        The same in voxels.
    """

    step: float
    noise: float
    blur_um: float
    blur_voxels: float


def measure(gray, targets, voxel_size_um):
    """
    Contrast, noise and blur of a tomogram.

    Parameters
    ----------
    gray : (Z, Y, X) ndarray
        Gray values with bright particles, at least 8 voxels along each axis.
    targets : dict of Phase to float
        Target volume fractions [-]: they say where the levels of AM and pore lie.
    voxel_size_um : float
        Edge of a voxel [µm].

    Returns
    -------
    quality : ImageQuality
        Independent of unit and offset of the gray values, but for `step`.

    Raises
    ------
    ValueError
        If `gray` is no gray volume, `targets` are no volume fractions, or the particles do not
        stand apart from the rest.

    Notes
    -----
    Across an edge the mean gray value follows B - h/2 erfc((d - c) / (sqrt(2) s)) with the
    distance d into the particle, whatever lies outside; s is fitted to the inner side. Single
    voxels are noisy, the mean over all edges is not. Curvature and oblique edges make the fit
    wider than the blur by a factor that was measured on balls (:data:`WIDER`) and is divided out;
    a tenth remains uncertain.
    """
    from scipy import ndimage

    check_voxel_size(voxel_size_um)
    gray = check_gray(gray, min_edge=8)
    targets = check_targets(targets)
    gray = _middle(gray).astype(np.float64)
    dark, bright = np.quantile(gray, [targets[Phase.PORE] / 2, 1 - targets[Phase.AM] / 2])
    step = float(bright - dark)
    if not step > 0:
        raise ValueError(
            "The gray values of the brightest and of the darkest part of the volume are the same; "
            "expected particles that are brighter than pores. Look whether this is a gray-value "
            "volume."
        )
    # the edge itself must not follow the noise
    smooth = ndimage.gaussian_filter(gray, 1.0)
    solid = smooth >= np.quantile(smooth, 1 - targets[Phase.AM])
    depth = ndimage.distance_transform_edt(solid)
    inside = depth > min(INSIDE, 0.5 * depth.max())
    noise = _scatter_inside(gray, inside) / step
    blur = _blur_of_edges(gray, depth)
    return ImageQuality(step, float(noise), float(blur * voxel_size_um), float(blur))


def _middle(gray):
    """The middle of a large volume, of its full thickness."""
    edge = max(8, int(np.sqrt(SAMPLE / gray.shape[0])))
    starts = [max(0, (size - edge) // 2) for size in gray.shape[1:]]
    return gray[:, starts[0] : starts[0] + edge, starts[1] : starts[1] + edge]


def _scatter_inside(gray, inside):
    """Standard deviation, from quartiles: a few holes or rings do not count."""
    low, high = np.quantile(gray[inside], [0.25, 0.75])
    return (high - low) / 1.349


def _blur_of_edges(gray, depth):
    """Standard deviation [voxels] of the error function that fits the inner side of the edges."""
    from scipy.optimize import curve_fit
    from scipy.special import erfc

    bins = np.arange(0.5, min(DEEPEST, float(depth.max())) + 0.5, 0.5)
    place = np.digitize(depth, bins)
    count = np.bincount(place.ravel(), minlength=bins.size + 1)[1:-1]
    total = np.bincount(place.ravel(), gray.ravel(), bins.size + 1)[1:-1]
    distance = np.bincount(place.ravel(), depth.ravel(), bins.size + 1)[1:-1]
    full = count > 0
    d, mean, weight = distance[full] / count[full], total[full] / count[full], count[full]
    if d.size < 4:
        return float("nan")  # no particle is large enough

    def edge(d, plateau, height, center, spread):
        return plateau - 0.5 * height * erfc((d - center) / (np.sqrt(2) * spread))

    span = float(np.ptp(mean)) or 1.0
    found, _ = curve_fit(
        edge, d, mean, p0=(mean[-1], 2 * span, 0.5, 1.5), sigma=1 / np.sqrt(weight),
        bounds=([-np.inf, 0, -1, 0.3], [np.inf, np.inf, 1.5, 8]), max_nfev=2000,
    )  # fmt: skip
    return float(found[3]) / WIDER
