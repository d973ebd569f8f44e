"""Virtual EDX: a fluorine map of a polished section, and what is read off it.

Fluorine is in the PVdF only. A map counts photons; their mean over each depth is a profile, and a
line or a step fitted to it says how much CBD each depth holds, up to one constant.
"""

from dataclasses import dataclass

import numpy as np
from scipy import ndimage

from analysis.phases import Phase, check_voxel_size

COUNTS = 6.0  # per pixel of pure CBD with the mean share of PVdF
AM_BACKGROUND = 0.05  # of that, from the active material: Mn L and O K lie beside F K-alpha
BLUR_VOXELS = 0.6  # interaction volume at 4-5 kV


@dataclass(frozen=True)
class DepthFit:
    """
    A model of a depth profile.

    Attributes
    ----------
    values : (Z,) ndarray
        Fitted counts at each depth.
    relative_change : float
        Last minus first value over their mean [-]; of a step, lower minus upper level.
    step_um : float or None
        Depth [µm] of the step; None for a line.
    """

    values: np.ndarray
    relative_change: float
    step_um: float | None = None


def fluorine_map(section, *, seed, pvdf_weight=None, counts=COUNTS, background=AM_BACKGROUND):
    """
    Photon counts of fluorine over a section.

    Parameters
    ----------
    section : (3, Z, X) ndarray of float
        Share [-] of each phase in each pixel of a section through the thickness.
    seed : int or sequence of int
        Of the counting noise.
    pvdf_weight : (Z,) ndarray, optional
        PVdF in the CBD of each depth relative to the mean; 1 by default.
    counts : float
        Mean counts in a pixel of pure CBD.
    background : float
        Counts of pure AM, as a share of `counts`.

    Returns
    -------
    fluorine : (Z, X) ndarray of uint16

    Raises
    ------
    ValueError
        If the section has another shape or a rate is negative.
    """
    section = np.asarray(section)
    if section.ndim != 3 or section.shape[0] != len(Phase):
        raise ValueError(
            f"The section has shape {section.shape}; expected (3, Z, X), one row for each phase. "
            "A section of a composition is composition[:, :, y]."
        )
    if counts < 0 or background < 0:
        raise ValueError(f"Counts {counts} and background {background} must not be negative.")
    cbd = section[Phase.CBD].astype(np.float64)
    if pvdf_weight is not None:
        cbd = cbd * np.asarray(pvdf_weight, dtype=np.float64)[:, None]
    rate = counts * (cbd + background * section[Phase.AM])
    rate = ndimage.gaussian_filter(rate, BLUR_VOXELS, mode="nearest")
    return np.random.default_rng(seed).poisson(rate).astype(np.uint16)


def depth_profile(fluorine):
    """Mean counts (Z,) at each depth of a fluorine map (Z, X)."""
    return np.asarray(fluorine).mean(axis=1, dtype=np.float64)


def fit_line(profile, voxel_size_um):
    """
    Straight line through a depth profile by least squares, as in the paper.

    Parameters
    ----------
    profile : (Z,) ndarray
        Mean counts at each depth.
    voxel_size_um : float

    Returns
    -------
    DepthFit

    Examples
    --------
    >>> fit_line(np.array([1.0, 2.0, 3.0]), 0.642).relative_change
    1.0
    """
    check_voxel_size(voxel_size_um)
    profile = _check_profile(profile)
    depth = (np.arange(profile.size) + 0.5) * voxel_size_um
    centered = depth - depth.mean()
    slope = centered @ profile / (centered @ centered)
    values = profile.mean() + slope * centered
    return DepthFit(values, round(float((values[-1] - values[0]) / profile.mean()), 12))


def fit_step(profile, voxel_size_um, *, margin=0.1):
    """
    Two constant levels with a step between, by least squares over all positions.

    Parameters
    ----------
    profile : (Z,) ndarray
        Mean counts at each depth.
    voxel_size_um : float
    margin : float
        Share of the thickness at each end where no step is looked for.

    Returns
    -------
    DepthFit
    """
    check_voxel_size(voxel_size_um)
    profile = _check_profile(profile)
    n = profile.size
    first = np.arange(max(1, int(margin * n)), n - max(1, int(margin * n)) + 1)
    total = np.cumsum(profile)
    upper = total[first - 1] / first
    lower = (total[-1] - total[first - 1]) / (n - first)
    # The best step explains most: its levels have the largest sum of squares.
    best = int(np.argmax(first * upper**2 + (n - first) * lower**2))
    split = int(first[best])
    values = np.where(np.arange(n) < split, upper[best], lower[best])
    change = float((lower[best] - upper[best]) / profile.mean())
    return DepthFit(values, change, split * voxel_size_um)


def cbd_profile(fluorine, target, *, pvdf_share=None):
    """
    CBD fraction of each depth from a (fitted) fluorine profile.

    Parameters
    ----------
    fluorine : (Z,) ndarray
        Counts, usually ``DepthFit.values``.
    target : float
        CBD fraction [-] of the whole.
    pvdf_share : (Z,) ndarray, optional
        Mass share of PVdF in the CBD at each depth. Without it, counts are taken as
        proportional to CBD, as in the paper; with it, a depth with more binder in its CBD needs
        less CBD for the same counts.

    Returns
    -------
    profile : (Z,) ndarray
        Volume fraction [-], with mean `target`.

    Raises
    ------
    ValueError
        If the counts are negative somewhere, or a share is not positive.
    """
    profile = _check_profile(fluorine)
    if np.any(profile < 0):
        worst = int(np.argmin(profile))
        raise ValueError(
            f"The fluorine profile is negative ({profile[worst]:.3g}) in depth slice {worst}; a "
            "fraction of CBD cannot be. Use the step fit, or a wider section."
        )
    if pvdf_share is not None:
        share = np.asarray(pvdf_share, dtype=np.float64)
        if share.shape != profile.shape or np.any(share <= 0):
            raise ValueError(
                f"The PVdF shares have shape {share.shape} and minimum {share.min():g}; expected "
                f"{profile.shape} and positive values."
            )
        profile = profile / share
    return profile * (target / profile.mean())


def _check_profile(profile):
    profile = np.asarray(profile, dtype=np.float64)
    if profile.ndim != 1 or profile.size < 3 or not np.all(np.isfinite(profile)):
        raise ValueError(
            f"The depth profile has shape {profile.shape}; expected at least three finite values "
            "along z. Average the fluorine map over its width first."
        )
    if profile.mean() <= 0:
        raise ValueError("The depth profile holds no counts; measure longer, or check the map.")
    return profile
