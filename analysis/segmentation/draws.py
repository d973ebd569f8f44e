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

# Shares and widths [voxel] along z, y, x of the luck that decides on AM, and of that which decides
# between CBD and pore; fitted on specimens kept back from the training (weights/posterior.json).
LUCK = {
    "bridging": (
        ((0.98, (1.35, 0.93, 0.93)), (0.02, (6.19, 6.19, 6.19))),
        ((0.8, (1.57, 1.48, 1.48)), (0.2, (4.34, 4.34, 4.34))),
    ),
    "cluster": (
        ((0.94, (1.16, 0.84, 0.84)), (0.06, (2.5, 2.5, 2.5))),
        ((0.42, (1.86, 1.69, 1.69)), (0.58, (4.16, 4.16, 4.16))),
    ),
}

_NEVER = 1e-6  # odds below it are all the same; keeps the probit finite


def draw(probabilities, targets, *, seed, scenario="bridging", widths=None):
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
    scenario : str
        Where the CBD sits, a key of :data:`LUCK`. Errors reach farther where it sits in clumps.
    widths : tuple, optional
        Smoothing [voxel] of the two random fields, for AM and for the CBD, instead of those of the
        scenario; each as :func:`gaussian_field` takes it. 0 decides every voxel on its own, which
        makes surfaces far too large; wider fields make coarser grains.

    Returns
    -------
    labels : (Z, Y, X) ndarray of uint8
        Each fraction within one voxel of its target.

    Raises
    ------
    ValueError
        If the probabilities or the targets are none, the scenario is unknown, or a width is
        negative.

    Notes
    -----
    A voxel is AM where ``probit(p) > g`` with a Gaussian random field g of variance 1, so that
    without the targets it is AM with probability p. The targets shift all probits alike.
    """
    probabilities = check_probabilities(probabilities)
    counts = counts_for(check_targets(targets), probabilities[..., 0].size)
    if widths is None:
        if scenario not in LUCK:
            raise ValueError(
                f"Unknown scenario {scenario!r}; expected one of {', '.join(LUCK)}, or widths."
            )
        widths = LUCK[scenario]
    if len(widths) != 2:
        raise ValueError(f"The widths of the draws are {widths}; expected two, for AM and CBD.")
    shape = probabilities.shape[:3]
    parts = [_parts(width) for width in widths]
    rng = np.random.default_rng(seed)
    active_luck, binder_luck = (gaussian_field(shape, part, rng) for part in parts)
    active = highest(_probit(probabilities[..., Phase.AM]) - active_luck, counts[Phase.AM])
    labels = np.full(shape, Phase.PORE, np.uint8)
    labels[active] = Phase.AM
    score = _probit(binder_share(probabilities)) - binder_luck
    labels[highest(score, counts[Phase.CBD], among=~active)] = Phase.CBD
    return labels


def several(by_scenario, targets, *, count, seed):
    """
    Draws that also leave open where the CBD sits: the scenarios take turns.

    Gray values hardly tell one scenario from the other. A draw from the mixture of both would be
    an electrode of neither; so each draw is one of the one or of the other.

    Parameters
    ----------
    by_scenario : dict of str to (Z, Y, X, 3) ndarray
        From :func:`analysis.segmentation.posterior.by_scenario`. One entry where the scenario is
        known.
    targets : dict of Phase to float
    count : int
        How many draws. Even numbers treat the scenarios alike.
    seed : int

    Yields
    ------
    labels : (Z, Y, X) ndarray of uint8

    Raises
    ------
    ValueError
        As :func:`draw`, or if there is no scenario.
    """
    if not by_scenario:
        raise ValueError("No probabilities were given; expected those of at least one scenario.")
    names = list(by_scenario)
    for number in range(count):
        name = names[number % len(names)]
        yield draw(by_scenario[name], targets, seed=[seed, number], scenario=name)


def _parts(width):
    """Shares and widths of a field, checked."""
    parts = ((1.0, width),) if np.isscalar(width) else tuple(width)
    try:
        shares = [float(share) for share, _ in parts]
        edges = np.array([np.broadcast_to(np.asarray(part, float), 3) for _, part in parts])
        good = min(shares) >= 0 and abs(sum(shares) - 1) < 1e-6
        good = good and np.isfinite(edges).all() and edges.min() >= 0
    except (TypeError, ValueError):
        good = False
    if not good:
        raise ValueError(
            f"The widths of a random field are {width}; expected a number of 0 or more voxels, or "
            "pairs of a share and such a width (or three, along z, y, x) whose shares sum to one."
        )
    return parts


def gaussian_field(shape, width, rng):
    """
    Smoothed white noise of mean 0 and variance 1 in every voxel.

    Parameters
    ----------
    shape : tuple of int
    width : float or sequence of (float, width)
        Standard deviation of a Gaussian kernel [voxel]; or several, each with its share of the
        variance before it, and each one number or three, along z, y and x. Correlation falls with
        the distance h as ``sum(share * exp(-h**2 / (4 * width**2)))``.
    rng : numpy.random.Generator

    Returns
    -------
    field : ndarray of float32
    """
    parts = [(share, np.broadcast_to(part, 3)) for share, part in _parts(width)]
    # opposite faces must not share their luck: the seam of the transform is cut off
    reach = np.ceil(6 * np.max([part for _, part in parts], axis=0)).astype(int)
    padded = [
        scipy.fft.next_fast_len(n + int(r), real=True) for n, r in zip(shape, reach, strict=True)
    ]
    spectrum = scipy.fft.rfftn(rng.standard_normal(padded, dtype=np.float32).astype(np.float64))
    power = 0.0
    for share, part in parts:
        along_axes = []
        for axis, n in enumerate(padded):
            squared = np.exp(-((2 * np.pi * np.fft.fftfreq(n) * part[axis]) ** 2))
            squared /= squared.mean()
            along_axes.append(squared[: n // 2 + 1] if axis == 2 else squared)
        z, y, x = along_axes
        power = power + share * z[:, None, None] * y[:, None] * x
    spectrum *= np.sqrt(power)
    field = scipy.fft.irfftn(spectrum, s=padded)
    return field[tuple(slice(n) for n in shape)].astype(np.float32)


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
