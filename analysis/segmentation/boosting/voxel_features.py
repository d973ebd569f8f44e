"""What a classifier sees of a voxel: gray values around it, the same in every orientation.

Smoothed gray values, of all voxels and of the dark ones alone, the length of their gradient, the
eigenvalues of their Hessian, extremes of the neighborhood and the distance to bright voxels do not
change when the volume is turned by a right angle or mirrored. Volumes are worked on in slabs with
enough slices around each, so that memory stays small and the result does not depend on the slabs.
"""

from dataclasses import dataclass

import numpy as np
from scipy import ndimage

from analysis.phases import check_gray
from analysis.segmentation.boosting.hessian import curvatures

SMOOTHING = (0.7, 1.0, 1.5, 2.2, 3.2, 4.5, 6.5, 9.0)  # standard deviations [voxel]
DERIVATIVES = SMOOTHING[:-2]  # derivatives of the widest add nothing
EXTREMES = (3, 5, 9)  # edges of the cubes [voxel]
SURROUNDINGS = (2.2, 4.5, 9.0)  # widths [voxel] over which bright voxels are counted
DARK = (1.5, 3.2, 6.5)  # widths [voxel] over which dark voxels alone are averaged
CLEAR_OF_BRIGHT = 1.5  # farther than this from bright voxels [voxel] their blur hardly reaches
TEXTURE = (1.0, 2.2, 4.5)  # widths [voxel] at which the scatter of the dark voxels is taken
MAX_DISTANCE = 16  # distances to bright voxels beyond it are all the same [voxel]
EDGE_SMOOTHING = 1.0  # width [voxel] at which noise and slopes of edges are measured
TRUNCATE = 3.0  # standard deviations at which a Gaussian ends
HALO = 32  # slices around a slab; at least the reach of every feature
SLAB = 4_000_000  # voxels worked on at a time, about; a gigabyte
MIN_EDGE = 10  # voxels along every axis; the extremes of a cube of nine need them

NAMES = (
    "gray",
    *(f"smooth {s}" for s in SMOOTHING),
    *(f"gradient {s}" for s in DERIVATIVES),
    *(f"curvature {i} {s}" for s in DERIVATIVES for i in (1, 2, 3)),
    *(f"{what} {edge}" for edge in EXTREMES for what in ("min", "max")),
    *(f"spread {s}" for s in (1.5, 3.2)),
    "distance to bright",
    "distance to dark",
    *(f"bright share {s}" for s in SURROUNDINGS),
    *(f"{which} {s}" for which in ("dark gray", "clear gray") for s in DARK),
    "noise",
    "dark spread",
    *(f"scatter {s}" for s in TEXTURE),
    "skewness",
    "slope",
    "bright share of the slice",
    "scenario",
    "CBD of the slice",
)
SCENARIOS = ("bridging", "cluster")  # where the CBD sits; a feature where it is known
PROFILE, SCENARIO = NAMES.index("CBD of the slice"), NAMES.index("scenario")


@dataclass(frozen=True)
class Image:
    """
    What is measured on the whole tomogram before any voxel is looked at.

    Attributes
    ----------
    dark, bright : float
        Mean gray value of the voxels below and above the value halfway between the two. They
        are 0 and 1 in every feature, so offset and contrast of the reader's file drop out.
    noise : float
        Median distance of a voxel inside bright particles from its smoothed surroundings, over
        the contrast [-].
    dark_spread : float
        Interquartile range of the smoothed dark voxels, over the contrast [-].
    edge_width : float
        Distance over which the gray value would climb from dark to bright at the slope it has at
        the surface of bright particles [voxel]: wider where the tomogram is blurred.
    dark_chord : float
        Mean length of the straight lines along the axes that lie between bright particles [voxel]:
        longer where there is more room between them than in the electrodes of a training.
    texture : tuple of float
        Of the dark voxels: standard deviation at each width of :data:`TEXTURE`, skewness, and
        mean length of the gradient [1/voxel], over the contrast [-].
    bright_share : (Z,) ndarray
        Share of bright voxels in each slice, smoothed over four slices [-].
    """

    dark: float
    bright: float
    noise: float
    dark_spread: float
    edge_width: float
    dark_chord: float
    texture: tuple
    bright_share: np.ndarray


def measure(gray):
    """
    Contrast, noise and shares of bright voxels of a tomogram.

    Parameters
    ----------
    gray : (Z, Y, X) ndarray
        Gray values, brighter where there is more matter.

    Returns
    -------
    image : Image

    Raises
    ------
    ValueError
        If `gray` is no gray volume, or holds no bright particle thicker than four voxels, so
        that its noise cannot be told from its structure.
    """
    gray = check_gray(gray)
    dark, bright = _class_means(gray)
    scaled = _scaled(gray, dark, bright)
    smooth = _smooth(scaled, SMOOTHING[0])
    is_bright = smooth > 0.5
    core = ndimage.binary_erosion(is_bright, iterations=2)
    if not core.any() or is_bright.all():
        raise ValueError(
            "No voxel lies two voxels deep inside bright particles; expected active material "
            "that is brighter than the rest and thicker than four voxels. Check the polarity of "
            "the tomogram and its voxel size."
        )
    little = _smooth(scaled, EDGE_SMOOTHING)
    noise = np.median(np.abs(scaled - little)[core])
    surface = ndimage.binary_dilation(is_bright) & ndimage.binary_dilation(~is_bright)
    edge_width = 1 / np.median(_slope(little)[surface])
    wider = _smooth(scaled, 1.5)
    values = wider[~is_bright].astype(np.float64)
    low, high = np.percentile(values, (25, 75))
    off = values - values.mean()
    skewness = np.mean(off**3) / np.mean(off**2) ** 1.5
    slope = np.mean(_slope(wider)[~is_bright], dtype=np.float64)
    scatter = (_smooth(scaled, s)[~is_bright].std(dtype=np.float64) for s in TEXTURE)
    share = is_bright.mean(axis=(1, 2))
    share = ndimage.gaussian_filter1d(share, 4.0, mode="nearest")
    texture = tuple(float(v) for v in (*scatter, skewness, slope))
    spread = float(high - low)
    chord = _mean_chord(~is_bright)
    return Image(dark, bright, float(noise), spread, float(edge_width), chord, texture, share)


def _mean_chord(inside):
    """Mean length of the straight lines along the axes that lie inside, and end there [voxel]."""
    ends = sum(np.count_nonzero(np.diff(inside, axis=axis)) for axis in range(3))
    return float(2 * 3 * np.count_nonzero(inside) / max(ends, 1))


def edge_width_of(features):
    """
    :attr:`Image.edge_width` from some voxels of a tomogram, by their features.

    Parameters
    ----------
    features : (voxels, F) ndarray of float32

    Returns
    -------
    edge_width : float
        [voxel].
    """
    near = [features[:, NAMES.index(f"distance to {what}")] == 1 for what in ("bright", "dark")]
    slope = features[:, NAMES.index(f"gradient {EDGE_SMOOTHING}")]
    return float(1 / np.median(slope[near[0] | near[1]]))


def slabs(gray, image, *, cbd_profile=None, scenario=None, thickness=None):
    """
    Features of a volume, slab by slab.

    Parameters
    ----------
    gray : (Z, Y, X) ndarray
        Gray values.
    image : Image
        From :func:`measure` of the same volume.
    cbd_profile : (Z,) array_like of float, optional
        Volume fraction of the CBD in each slice [-], for example from an EDX line scan. Without
        it its feature is NaN.
    scenario : str, optional
        One of :data:`SCENARIOS`. Without it its feature is NaN.
    thickness : int, optional
        Slices of a slab; by default about :data:`SLAB` voxels, but no fewer slices than the halo.
        More are faster and take more memory; the features are the same.

    Yields
    ------
    part : slice
        Slices of the slab.
    features : (F, voxels) ndarray of float32
        Rows as :data:`NAMES`, voxels in the order of memory.

    Raises
    ------
    ValueError
        If the profile does not have one fraction for each slice, or the scenario is unknown.
    """
    depth = gray.shape[0]
    profile = check_profile(cbd_profile, depth)
    kind = number_of(scenario)
    thickness = thickness or max(HALO, SLAB // gray[0].size)
    for start in range(0, depth, thickness):
        part = slice(start, min(start + thickness, depth))
        first, last = max(0, start - HALO), min(depth, part.stop + HALO)
        inner = slice(start - first, part.stop - first)
        scaled = _scaled(gray[first:last], image.dark, image.bright)
        features = np.empty((len(NAMES), part.stop - start, *gray.shape[1:]), np.float32)
        rows = iter(features)
        for field in _local(scaled):
            next(rows)[...] = field[inner]
        for value in (image.noise, image.dark_spread, *image.texture):
            next(rows)[...] = value
        next(rows)[...] = image.bright_share[part, None, None]
        next(rows)[...] = kind
        next(rows)[...] = profile[part, None, None]
        yield part, features.reshape(len(NAMES), -1)


def number_of(scenario):
    """
    Value of the feature of a scenario: its place in :data:`SCENARIOS`, NaN where none is known.

    Raises
    ------
    ValueError
        If there is none of that name.
    """
    if scenario is None:
        return np.float32(np.nan)
    if scenario not in SCENARIOS:
        raise ValueError(
            f"Unknown scenario {scenario!r}; expected one of {', '.join(SCENARIOS)}, or none if it "
            "is not known where the CBD sits."
        )
    return np.float32(SCENARIOS.index(scenario))


def check_profile(cbd_profile, depth):
    """
    One CBD fraction for each slice as float32, NaN where none is known.

    Raises
    ------
    ValueError
        If it has another length, or an entry is no fraction.
    """
    if cbd_profile is None:
        return np.full(depth, np.nan, np.float32)
    profile = np.asarray(cbd_profile, dtype=np.float32)
    if profile.shape != (depth,):
        raise ValueError(
            f"The CBD profile has shape {profile.shape}; expected one fraction for each of the "
            f"{depth} slices. Interpolate it to the slices."
        )
    if not np.all((profile >= 0) & (profile <= 1)):
        raise ValueError(
            f"The CBD profile runs from {profile.min():g} to {profile.max():g}; expected volume "
            "fractions between 0 and 1."
        )
    return profile


def _class_means(gray):
    """Means of dark and bright voxels that lie equally far from the value between them."""
    values = gray.astype(np.float64).ravel()
    cut = values.mean()
    for _ in range(100):
        above = values > cut
        dark, bright = values[~above].mean(), values[above].mean()
        before, cut = cut, (dark + bright) / 2
        if abs(cut - before) <= 1e-9 * (bright - dark):
            break
    return float(dark), float(bright)


def _scaled(gray, dark, bright):
    return ((gray.astype(np.float64) - dark) / (bright - dark)).astype(np.float32)


def _local(scaled):
    """Features that depend on the neighborhood alone, in the order of NAMES."""
    yield scaled
    smooth = {s: _smooth(scaled, s) for s in SMOOTHING}
    yield from smooth.values()
    for s in DERIVATIVES:
        yield _slope(smooth[s])
    for s in DERIVATIVES:
        yield from curvatures(smooth[s])
    for edge in EXTREMES:
        for extreme in (ndimage.minimum_filter, ndimage.maximum_filter):
            yield extreme(smooth[SMOOTHING[0]], edge, mode="nearest")
    squares = scaled**2
    for s in (1.5, 3.2):
        yield np.sqrt(np.maximum(_smooth(squares, s) - smooth[s] ** 2, 0))
    bright = smooth[SMOOTHING[0]] > 0.5
    outside = _capped_distance(~bright)
    yield outside
    yield _capped_distance(bright)
    for s in SURROUNDINGS:
        yield _smooth(bright.astype(np.float32), s)
    for counted in (~bright, outside > CLEAR_OF_BRIGHT):
        yield from _means_of(scaled, counted)


def _means_of(scaled, counted):
    """Gray values around, averaged over the voxels that count: bright ones do not spill in."""
    weight = counted.astype(np.float32)
    weighed = scaled * weight
    for s in DARK:
        yield _smooth(weighed, s) / np.maximum(_smooth(weight, s), np.float32(0.01))


def _smooth(values, sigma):
    return ndimage.gaussian_filter(values, sigma, mode="nearest", truncate=TRUNCATE)


def _slope(values):
    """Length of the gradient, by central differences."""
    return np.sqrt(sum(slope**2 for slope in np.gradient(values)))


def _capped_distance(inside):
    """Distance [voxel] to the nearest voxel outside, at most MAX_DISTANCE."""
    import edt

    if inside.all():
        return np.full(inside.shape, MAX_DISTANCE, np.float32)
    distance = edt.edt(np.ascontiguousarray(inside), black_border=False, parallel=1)
    return np.minimum(distance, np.float32(MAX_DISTANCE))
