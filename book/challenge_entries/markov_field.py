"""A hidden Markov random field: what a voxel is depends on its gray value and on its neighbors.

Gray values of a phase scatter about a mean. Each neighbor of the same phase makes a phase more
probable by a factor exp(BETA). Means, scatters and probabilities are estimated in turn (mean field);
no truth is needed. What the estimate loses by blurring is added to the gray values: the image is
sharpened by what it seems to show.
"""

import numpy as np
from scipy.ndimage import convolve, gaussian_filter

BETA = 1.2  # coupling of a voxel to each of its six neighbors; 0 decides every voxel alone
BLUR, SHARPEN = 0.8, 0.5  # width [voxel] and share [-] of the blur that is taken back
ROUNDS = 12

NEIGHBORS = np.zeros((3, 3, 3), np.float32)
NEIGHBORS[[0, 2, 1, 1, 1, 1], [1, 1, 0, 2, 1, 1], [1, 1, 1, 1, 0, 2]] = 1


def trinarize(gray, voxel_size_um, fractions, fluorine=None):
    share = np.array([fractions[label] for label in (0, 1, 2)])
    start = np.digitize(gray, np.quantile(gray, np.cumsum(share)[:2]))
    p = np.stack([(start == label).astype(np.float32) for label in (0, 1, 2)])
    prior, seen = _prior(share, len(gray), fluorine), gray
    for _ in range(ROUNDS):
        weight = p.sum(axis=(1, 2, 3))
        mean = [float((p[n] * seen).sum() / weight[n]) for n in (0, 1, 2)]
        scatter = [float(np.sqrt((p[n] * (seen - mean[n]) ** 2).sum() / weight[n])) for n in (0, 1, 2)]
        score = [
            -0.5 * ((seen - mean[n]) / scatter[n]) ** 2 - np.log(scatter[n])
            + BETA * convolve(p[n], NEIGHBORS, mode="nearest") + prior[n]
            for n in (0, 1, 2)
        ]  # fmt: skip
        score = np.exp(score - np.max(score, axis=0))
        p = (score / score.sum(axis=0)).astype(np.float32)
        expected = np.tensordot(np.float32(mean), p, 1)
        seen = gray + SHARPEN * (expected - gaussian_filter(expected, BLUR))
    return np.moveaxis(p, 0, -1)


def _prior(share, depth, fluorine):
    """Logarithm of the share of each phase in each slice; the CBD by a line through the counts."""
    level = np.repeat(share[:, None], depth, axis=1)
    if fluorine is not None:
        z = np.arange(depth)
        line = np.polyval(np.polyfit(z, fluorine.mean(axis=1), 1), z)
        level[1] = np.clip(share[1] * line / line.mean(), 0.02, 0.98 - share[2])
        level[0] = 1 - level[1] - share[2]
    return np.log(level)[:, :, None, None]
