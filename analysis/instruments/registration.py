"""Find a surface scan of the SEM in a slice of the tomogram: SIFT key points, and RANSAC.

The scan is rotated, scaled and shifted against the slice, and shows other gray values. Key
points that look alike in both are matched; the similarity that most of them agree on places the
scan, and with it the FIB-SEM stack that is milled into the scanned surface.
"""

from dataclasses import dataclass

import numpy as np
from scipy import ndimage

from analysis.instruments import fibsem
from analysis.phases import check_voxel_size

MIN_INLIERS = 10
_RATIO = 0.85  # a match must be this much closer than the second best
_INLIER_VOXELS = 1.5
_TRIALS = 2000


@dataclass(frozen=True)
class Placement:
    """
    A similarity from positions in a scan to positions in a slice.

    ``slice = scale * rotation @ scan + shift``, positions (row, column) in µm from the corner.

    Attributes
    ----------
    rotation_deg : float
        From the row axis towards the column axis.
    scale : float
    shift_um : tuple of float
    """

    rotation_deg: float
    scale: float
    shift_um: tuple

    def to_slice(self, positions_um):
        """Positions (N, 2) in the slice of positions (N, 2) in the scan [µm]."""
        return np.asarray(positions_um) @ self._matrix().T + np.asarray(self.shift_um)

    def to_scan(self, positions_um):
        """Positions (N, 2) in the scan of positions (N, 2) in the slice [µm]."""
        shifted = np.asarray(positions_um) - np.asarray(self.shift_um)
        return shifted @ np.linalg.inv(self._matrix()).T

    def _matrix(self):
        angle = np.deg2rad(self.rotation_deg)
        c, s = np.cos(angle), np.sin(angle)
        return self.scale * np.array([[c, -s], [s, c]])


@dataclass(frozen=True)
class Registration:
    """
    Result of :func:`register`.

    Attributes
    ----------
    placement : Placement
    keypoints : tuple of int
        Key points found in slice and scan.
    matches, inliers : int
        Pairs that look alike, and those that agree on the placement.
    residual_um : float
        Root mean square distance [µm] of the inliers from the placement.
    """

    placement: Placement
    keypoints: tuple
    matches: int
    inliers: int
    residual_um: float


def surface_scan(labels, spacing_um, placement, shape, pixel_um, *, seed, noise=0.05):
    """
    SEM-like image of a polished surface, seen through an unknown placement.

    Parameters
    ----------
    labels : (R, C) ndarray of uint8
        Phases of the surface.
    spacing_um : float
        Pixel edge of `labels` [µm].
    placement : Placement
        Where the scan lies.
    shape : tuple of int
        Pixels of the scan.
    pixel_um : float
        Nominal pixel edge of the scan [µm].
    seed : int
        Of the noise.
    noise : float
        Standard deviation, where 0 is black and 1 white.

    Returns
    -------
    scan : shape ndarray of float32
        0 outside the surface.
    """
    model = fibsem.STANDARD
    gray = np.array([model.pore, model.cbd, model.am], np.float32)[np.asarray(labels)]
    rows, columns = np.meshgrid(*((np.arange(n) + 0.5) * pixel_um for n in shape), indexing="ij")
    at = placement.to_slice(np.stack([rows.ravel(), columns.ravel()], axis=1))
    # A scan pixel integrates over its area.
    gray = ndimage.gaussian_filter(gray, 0.3 * pixel_um / spacing_um)
    scan = ndimage.map_coordinates(gray, (at / spacing_um - 0.5).T, order=1, mode="constant")
    scan = scan.reshape(shape)
    scan += noise * np.random.default_rng(seed).standard_normal(shape)
    return scan.astype(np.float32)


def register(tomogram_slice, voxel_size_um, scan, pixel_um, *, seed=0, polish=True):
    """
    Place a surface scan in a slice of the tomogram.

    Parameters
    ----------
    tomogram_slice : (R, C) ndarray
        Gray values.
    voxel_size_um : float
    scan : (P, Q) ndarray
        Gray values; its pixels may be smaller.
    pixel_um : float
        Nominal pixel edge of the scan [µm].
    seed : int
        Of RANSAC's random choices.
    polish : bool
        Whether to improve the placement by the correlation of the gray values themselves; key
        points alone leave about a third of a voxel.

    Returns
    -------
    Registration

    Raises
    ------
    ValueError
        If too few key points match, or too few matches agree.
    """
    from skimage.feature import match_descriptors
    from skimage.measure import ransac
    from skimage.transform import SimilarityTransform

    voxel_size_um, pixel_um = check_voxel_size(voxel_size_um), check_voxel_size(pixel_um)
    # Both at the voxel size: structure that the tomogram cannot show only adds false key points.
    coarse = _resample(np.asarray(scan, dtype=np.float64), voxel_size_um / pixel_um)
    fixed_points, fixed = _describe(np.asarray(tomogram_slice, dtype=np.float64))
    moving_points, moving = _describe(coarse)
    found = (len(fixed_points), len(moving_points))
    if min(found) == 0:
        raise ValueError(_few(0, found, "matches"))
    pairs = match_descriptors(moving, fixed, cross_check=True, max_ratio=_RATIO)
    if len(pairs) < MIN_INLIERS:
        raise ValueError(_few(len(pairs), found, "matches"))
    source = (moving_points[pairs[:, 0]] + 0.5) * voxel_size_um
    target = (fixed_points[pairs[:, 1]] + 0.5) * voxel_size_um
    model, agree = ransac(
        (source, target),
        SimilarityTransform,
        min_samples=2,
        residual_threshold=_INLIER_VOXELS * voxel_size_um,
        max_trials=_TRIALS,
        rng=np.random.default_rng(seed),
    )
    inliers = 0 if agree is None else int(np.count_nonzero(agree))
    if inliers < MIN_INLIERS:
        raise ValueError(_few(inliers, found, f"of {len(pairs)} matches agree"))
    residuals = model.residuals(source[agree], target[agree])
    placement = Placement(
        float(np.rad2deg(model.rotation)), float(model.scale), tuple(map(float, model.translation))
    )
    residual = float(np.sqrt(np.mean(residuals**2)))
    if polish:
        placement = _polish(placement, np.asarray(tomogram_slice), voxel_size_um, coarse)
    return Registration(placement, found, len(pairs), inliers, residual)


def place(scan, pixel_um, placement, shape, voxel_size_um):
    """
    The scan as seen on the grid of the slice.

    Parameters
    ----------
    scan : (P, Q) ndarray
        Gray values.
    pixel_um : float
        Nominal pixel edge of the scan [µm].
    placement : Placement
        As found by :func:`register`.
    shape : tuple of int
        Voxels of the slice.
    voxel_size_um : float

    Returns
    -------
    placed : shape ndarray of float
        NaN where the scan does not reach.
    """
    check_voxel_size(voxel_size_um)
    smooth = ndimage.gaussian_filter(scan, 0.4 * voxel_size_um / pixel_um)
    grid = np.meshgrid(*((np.arange(n) + 0.5) * voxel_size_um for n in shape), indexing="ij")
    at = placement.to_scan(np.stack([axis.ravel() for axis in grid], axis=1))
    found = ndimage.map_coordinates(
        smooth, (at / pixel_um - 0.5).T, order=1, mode="constant", cval=np.nan
    )
    return found.reshape(shape)


def error_um(found, true, positions_um):
    """
    Distance [µm] between where two placements put the same points of the scan.

    Parameters
    ----------
    found, true : Placement
    positions_um : (N, 2) array_like
        Positions in the scan, such as the corners of the milled cutout.

    Returns
    -------
    error : float
        Root mean square over the points.
    """
    apart = found.to_slice(positions_um) - true.to_slice(positions_um)
    return float(np.sqrt(np.mean(np.sum(apart**2, axis=1))))


def _polish(placement, fixed, voxel_size_um, moving):
    """Similarity near `placement` at which slice and scan correlate best."""
    from scipy.optimize import minimize

    # Inside the frame only: where the scan sees beyond the surface it is black.
    rows, columns = (np.arange(n) for n in moving.shape)
    grid = np.stack(np.meshgrid(rows, columns, indexing="ij"), axis=-1).reshape(-1, 2) + 0.5
    points = grid * voxel_size_um
    at = placement.to_slice(points) / voxel_size_um - 0.5
    inside = np.all((at > 2) & (at < np.array(fixed.shape) - 3), axis=1)
    points, values = points[inside], moving.ravel()[inside]
    values = values - values.mean()
    middle = points.mean(axis=0)
    anchor = placement.to_slice(middle[None])[0]
    coefficients = ndimage.spline_filter(fixed.astype(np.float64), order=3)

    def moved(change):
        # Turned about the middle of the scan, so that the four numbers hardly interact.
        turned = Placement(placement.rotation_deg + change[0], placement.scale + change[1], (0, 0))
        shift = anchor + change[2:] - turned.to_slice(middle[None])[0]
        return Placement(turned.rotation_deg, turned.scale, tuple(map(float, shift)))

    def mismatch(change):
        at = moved(change).to_slice(points) / voxel_size_um - 0.5
        seen = ndimage.map_coordinates(coefficients, at.T, order=3, prefilter=False)
        seen -= seen.mean()
        return -float(seen @ values / np.sqrt((seen @ seen) * (values @ values)))

    step = np.array([0.2, 0.003, 0.2, 0.2])
    corners = np.vstack([np.zeros(4), np.diag(step)])
    options = {"initial_simplex": corners, "xatol": 1e-3, "fatol": 1e-7, "maxfev": 400}
    best = minimize(mismatch, np.zeros(4), method="Nelder-Mead", options=options)
    found = moved(best.x)
    return Placement(float(found.rotation_deg), float(found.scale), found.shift_um)


def _resample(image, factor):
    """Average to pixels `factor` times as large; the corner stays in place."""
    if abs(factor - 1) < 1e-9:
        return image
    smooth = ndimage.gaussian_filter(image, 0.5 * max(factor, 0))
    shape = [int(n / factor) for n in image.shape]
    at = np.meshgrid(*((np.arange(n) + 0.5) * factor - 0.5 for n in shape), indexing="ij")
    return ndimage.map_coordinates(smooth, at, order=1, mode="nearest")


def _describe(image):
    from skimage.feature import SIFT

    low, high = np.percentile(image, (1, 99))
    scaled = np.clip((image - low) / max(high - low, 1e-12), 0, 1)
    sift = SIFT()
    try:
        sift.detect_and_extract(scaled)
    except RuntimeError:  # scikit-image's way to say that there are no key points
        return np.empty((0, 2)), np.empty((0, 128))
    return sift.positions, sift.descriptors


def _few(count, found, what):
    return (
        f"Only {count} {what} between tomogram slice and surface scan ({found[0]} and {found[1]} "
        f"key points); expected at least {MIN_INLIERS}. Scan a larger surface, choose the slice at "
        "the right depth, give the right pixel size, or reduce the noise of the scan."
    )
