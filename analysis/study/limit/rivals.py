"""Rivals of the posterior, one of each kind: cleaner images, smoother labels, sharper images.

Each takes gray values and the target fractions, as thresholding does, and has one strength. The
chapter tries a few strengths and keeps the best *by the truth*, which no user could: what is said
about a rival is the most it can do.
"""

from collections.abc import Callable
from dataclasses import dataclass
from functools import lru_cache

import numpy as np
import pandas as pd
from scipy import ndimage

from analysis.instruments import denoising, transfer
from analysis.phases import VOXEL_SIZE_UM, Phase
from analysis.segmentation import agreement, posterior, thresholding

SWEEPS = 12  # of the mean field; it changes by less than a hundredth afterwards
SEEDED = 0.35  # share of each phase that the random walker is given, the surest by gray value
SPREAD_EDGE = 32  # voxels of the cube on which the point spread is computed


@dataclass(frozen=True)
class Rival:
    """
    A rival and the strengths that are tried.

    Attributes
    ----------
    title : str
        As in the table.
    kind : str
        What it makes better.
    strengths : tuple of float
    labels : callable
        ``labels(gray, targets, strength)``.
    """

    title: str
    kind: str
    strengths: tuple
    labels: Callable


def _denoised(clean):
    """A rival that thresholds a cleaner image."""

    def labels(gray, targets, strength):
        return thresholding.trinarize(clean(gray, strength), targets)

    return labels


def gaussian(gray, width):
    """Gaussian filter; `width` in voxels."""
    return ndimage.gaussian_filter(gray, width, mode="nearest")


def median(gray, edge):
    """Median of the voxels of a cube."""
    return ndimage.median_filter(gray, int(edge), mode="nearest")


def non_local_means(gray, noise):
    """Non-local means; `noise` in units of the step from pore to AM."""
    return denoising.non_local_means(gray, noise)


def total_variation(gray, weight):
    """Total variation by scikit-image, `weight` in units of the step from pore to AM."""
    from skimage.restoration import denoise_tv_chambolle

    return denoise_tv_chambolle(gray, weight=weight)


def wiener(gray, balance):
    """Deconvolution by scikit-image with the point spread of a speck of AM."""
    from skimage.restoration import wiener as deconvolve

    low, high = float(gray.min()), float(gray.max())
    unit = (gray.astype(np.float64) - low) / (high - low)
    return deconvolve(unit, point_spread(), balance, clip=False).astype(np.float32)


@lru_cache(maxsize=1)
def point_spread():
    """
    Gray values around one voxel of AM in a pore, without noise, at the reference setting.

    Returns
    -------
    spread : (K, K, K) ndarray of float64
        Sums to one.
    """
    middle = SPREAD_EDGE // 2
    composition = np.zeros((len(Phase), *[SPREAD_EDGE] * 3), np.float32)
    composition[Phase.PORE] = 1
    composition[:, middle, middle, middle] = 0
    composition[Phase.AM, middle, middle, middle] = 1
    gray = transfer.image(composition, VOXEL_SIZE_UM, seed=0, noise=0, tv_weight=0)
    reach = 8
    part = slice(middle - reach, middle + reach + 1)
    spread = gray[part, part, part].astype(np.float64)
    return spread / spread.sum()


def class_gray_values(gray, labels):
    """Mean gray value of each phase, and their common scatter, of a first guess."""
    means = np.array([gray[labels == phase].mean(dtype=float) for phase in Phase])
    return means, float(np.sqrt(np.mean((gray - means[labels]) ** 2, dtype=float)))


def potts(gray, targets, coupling):
    """
    Potts field in the mean-field approximation.

    Every voxel prefers the phase whose gray value is near, and the phase of its six neighbors; gray
    values of the phases are those of thresholding. Labels by ranking, so that fractions are met.
    """
    first = thresholding.trinarize(gray, targets)
    means, scatter = class_gray_values(gray, first)
    alone = -0.5 * ((gray[..., None] - means) / scatter) ** 2
    found = _softmax(alone)
    six = ndimage.generate_binary_structure(3, 1).astype(np.float32)
    six[1, 1, 1] = 0
    for _ in range(SWEEPS):
        near = np.stack(
            [ndimage.convolve(found[..., phase], six, mode="nearest") for phase in Phase], axis=-1
        )
        found = 0.5 * found + 0.5 * _softmax(alone + coupling * near)
    return posterior.ranked(found.astype(np.float32), targets)


def random_walker(gray, targets, stiffness):
    """
    Random walker by scikit-image from the surest voxels of thresholding.

    Of each phase the voxels with the gray values nearest to its mean are given; a walker from any
    other voxel meets one of them first with some probability. Labels by ranking.
    """
    from skimage.segmentation import random_walker as walk

    first = thresholding.trinarize(gray, targets)
    means, _ = class_gray_values(gray, first)
    seeds = np.zeros(gray.shape, np.int32)
    for phase in Phase:
        inside = first == phase
        away = np.abs(gray - means[phase])
        seeds[inside & (away <= np.quantile(away[inside], SEEDED))] = phase + 1
    scaled = (gray - means[Phase.PORE]) / (means[Phase.AM] - means[Phase.PORE])
    # ranking needs no probability that is exact: the solver may stop early
    found = walk(
        scaled, seeds, beta=stiffness, mode="cg_j", tol=1e-3, prob_tol=0.05, return_full_prob=True
    )
    return posterior.ranked(np.moveaxis(found, 0, -1).astype(np.float32), targets)


def _softmax(values):
    odds = np.exp(values - values.max(axis=-1, keepdims=True))
    return odds / odds.sum(axis=-1, keepdims=True)


RIVALS = (
    Rival("Gaussian filter", "denoising", (0.5, 0.8, 1.2), _denoised(gaussian)),
    Rival("Median of a cube", "denoising", (3, 5), _denoised(median)),
    Rival("Non-local means", "denoising", (0.02, 0.04, 0.08), _denoised(non_local_means)),
    Rival("More total variation", "denoising", (0.03, 0.06, 0.12), _denoised(total_variation)),
    Rival("Wiener filter", "deconvolution", (0.01, 0.1, 1.0), _denoised(wiener)),
    Rival("Potts field", "smooth labels", (0.2, 0.5, 1.0), potts),
    Rival("Random walker", "smooth labels", (130.0, 500.0), random_walker),
)


def table(tomograms):
    """
    The best that each rival does, beside thresholding.

    Parameters
    ----------
    tomograms : sequence of analysis.study.limit.limit.Known
        One of each electrode.

    Returns
    -------
    table : pandas.DataFrame
        Columns method, kind, strength (the best of those tried, by the mean kappa), kappa of each
        electrode and ``kappa``, their mean [-]. Thresholding is the first row.
    """
    rows = [_row("Thresholding", "-", None, tomograms, _denoised(lambda gray, _: gray))]
    for rival in RIVALS:
        tried = [
            _row(rival.title, rival.kind, strength, tomograms, rival.labels)
            for strength in rival.strengths
        ]
        rows.append(max(tried, key=lambda row: row["kappa"]))
    return pd.DataFrame(rows)


def _row(title, kind, strength, tomograms, labels):
    row = {"method": title, "kind": kind, "strength": strength}
    kappas = {}
    for one in tomograms:
        found = labels(one.gray, one.targets, strength)
        kappas[f"kappa {one.place['specimen']}"] = agreement.kappa(found, one.labels)
    return row | kappas | {"kappa": float(np.mean(list(kappas.values())))}
