"""Whole trinarizations drawn from the probabilities of the phases.

The most probable label of every voxel makes a map that is smoother than any electrode: where the
image does not tell, it always takes the same side. A draw decides like a throw of dice, with the
probabilities as odds; neighboring voxels share their luck over the distance over which the errors
of the probabilities are correlated, so that the phases come in grains of the right size.
"""

import numpy as np
import scipy.fft
from scipy.special import ndtri

from analysis.phases import Phase, check_targets
from analysis.segmentation.posterior import binder_share
from analysis.segmentation.ranking import counts_for, highest

ACTIVE_WIDTH = 0.63  # standard deviation [voxel] of the smoothing of the luck that decides on AM
BINDER_WIDTH = 2.06  # and of that which decides between CBD and pore

_NEVER = 1e-6  # odds below it are all the same; keeps the probit finite


def draw(probabilities, targets, *, seed, widths=(ACTIVE_WIDTH, BINDER_WIDTH)):
    """
    One trinarization drawn from the posterior.

    Parameters
    ----------
    probabilities : (Z, Y, X, 3) ndarray of float
        From :func:`analysis.segmentation.posterior.predict`.
    targets : dict of Phase to float
        Volume fraction [-] of each phase. Sums to one.
    seed : int
        Same seed, same bytes.
    widths : tuple of float
        Smoothing [voxel] of the two random fields, for AM and for the CBD. 0 decides every voxel
        on its own, which makes surfaces far too large; wider fields make coarser grains. The
        defaults were fitted on specimens of the training (see the chapter).

    Returns
    -------
    labels : (Z, Y, X) ndarray of uint8
        Each fraction within one voxel of its target.

    Raises
    ------
    ValueError
        If the probabilities or the targets are none, or a width is negative.

    Notes
    -----
    A voxel is AM where ``probit(p) > g`` with a Gaussian random field g of variance 1, so that
    without the targets it is AM with probability p. The targets shift all probits alike.
    """
    probabilities = check_probabilities(probabilities)
    counts = counts_for(check_targets(targets), probabilities[..., 0].size)
    if len(widths) != 2 or not all(np.isfinite(width) and width >= 0 for width in widths):
        raise ValueError(
            f"The widths of the draws are {widths}; expected two of 0 or more voxels, for AM and "
            "for the CBD."
        )
    shape = probabilities.shape[:3]
    rng = np.random.default_rng(seed)
    active_luck, binder_luck = (gaussian_field(shape, width, rng) for width in widths)
    active = highest(_probit(probabilities[..., Phase.AM]) - active_luck, counts[Phase.AM])
    labels = np.full(shape, Phase.PORE, np.uint8)
    labels[active] = Phase.AM
    score = _probit(binder_share(probabilities)) - binder_luck
    labels[highest(score, counts[Phase.CBD], among=~active)] = Phase.CBD
    return labels


def gaussian_field(shape, width, rng):
    """
    White noise smoothed by a Gaussian, of mean 0 and variance 1 in every voxel.

    Parameters
    ----------
    shape : tuple of int
    width : float
        Standard deviation of the kernel [voxel].
    rng : numpy.random.Generator

    Returns
    -------
    field : ndarray of float32
    """
    # opposite faces must not share their luck: the seam of the transform is cut off
    padded = [scipy.fft.next_fast_len(n + int(np.ceil(6 * width)), real=True) for n in shape]
    spectrum = scipy.fft.rfftn(rng.standard_normal(padded, dtype=np.float32).astype(np.float64))
    power = 1.0
    for axis, n in enumerate(padded):
        kernel = np.exp(-0.5 * (2 * np.pi * np.fft.fftfreq(n) * width) ** 2)
        power *= np.mean(kernel**2)
        kernel = kernel[: n // 2 + 1] if axis == 2 else kernel
        spectrum *= np.expand_dims(kernel, tuple(a for a in range(3) if a != axis))
    field = scipy.fft.irfftn(spectrum, s=padded)[tuple(slice(n) for n in shape)]
    return (field / np.sqrt(power)).astype(np.float32)


def check_probabilities(probabilities):
    """
    Return probabilities of the three phases, or say what is wrong with them.

    Raises
    ------
    ValueError
        If the shape is not (Z, Y, X, 3), or an entry is no probability, or they do not sum to
        one.
    """
    probabilities = np.asarray(probabilities)
    if probabilities.ndim != 4 or probabilities.shape[-1] != len(Phase):
        raise ValueError(
            f"Probabilities have shape {probabilities.shape}; expected (Z, Y, X, 3), one for each "
            "phase. analysis.segmentation.posterior.predict returns them."
        )
    low, high = probabilities.min(), probabilities.max()
    miss = np.abs(probabilities.sum(axis=-1) - 1).max()
    if not (low >= 0 and high <= 1 + 1e-5 and miss < 1e-4):
        raise ValueError(
            f"Probabilities run from {low:g} to {high:g} and miss a sum of one by up to "
            f"{miss:g}; expected three that sum to one in every voxel."
        )
    return probabilities


def _probit(probability):
    inside = np.clip(probability.astype(np.float64), _NEVER, 1 - _NEVER)
    return ndtri(inside).astype(np.float32)
