"""Curvatures of gray values: eigenvalues of their Hessian, the same in every orientation."""

import numba
import numpy as np


def curvatures(values):
    """
    Eigenvalues of the Hessian, by central differences.

    Parameters
    ----------
    values : (Z, Y, X) ndarray of float32
        Smoothed gray values.

    Returns
    -------
    largest, middle, smallest : (Z, Y, X) ndarray of float32
        [1/voxel^2].
    """
    padded = np.pad(values, 1, mode="edge")
    largest, middle, smallest = (np.empty_like(values) for _ in range(3))
    _eigenvalues(padded, largest, middle, smallest)
    return largest, middle, smallest


@numba.njit(cache=True, nogil=True)
def _eigenvalues(u, largest, middle, smallest):
    """Closed form for symmetric 3 x 3 matrices (Smith, Commun. ACM 1961)."""
    depth, height, width = largest.shape
    for z in range(depth):
        for y in range(height):
            for x in range(width):
                k, j, i = z + 1, y + 1, x + 1
                twice = 2.0 * u[k, j, i]
                zz = u[k - 1, j, i] + u[k + 1, j, i] - twice
                yy = u[k, j - 1, i] + u[k, j + 1, i] - twice
                xx = u[k, j, i - 1] + u[k, j, i + 1] - twice
                zy = 0.25 * ((u[k + 1, j + 1, i] + u[k - 1, j - 1, i])
                             - (u[k + 1, j - 1, i] + u[k - 1, j + 1, i]))  # fmt: skip
                zx = 0.25 * ((u[k + 1, j, i + 1] + u[k - 1, j, i - 1])
                             - (u[k + 1, j, i - 1] + u[k - 1, j, i + 1]))  # fmt: skip
                yx = 0.25 * ((u[k, j + 1, i + 1] + u[k, j - 1, i - 1])
                             - (u[k, j + 1, i - 1] + u[k, j - 1, i + 1]))  # fmt: skip
                mean = (zz + yy + xx) / 3.0
                a, b, c = zz - mean, yy - mean, xx - mean
                size = np.sqrt((a * a + b * b + c * c
                                + 2.0 * (zy * zy + zx * zx + yx * yx)) / 6.0)  # fmt: skip
                if size < 1e-12:
                    largest[z, y, x] = middle[z, y, x] = smallest[z, y, x] = mean
                    continue
                half = (a * (b * c - yx * yx) - zy * (zy * c - yx * zx)
                        + zx * (zy * yx - b * zx)) / (2.0 * size**3)  # fmt: skip
                angle = np.arccos(min(1.0, max(-1.0, half))) / 3.0
                top = mean + 2.0 * size * np.cos(angle)
                low = mean + 2.0 * size * np.cos(angle + 2.0 * np.pi / 3.0)
                largest[z, y, x] = top
                smallest[z, y, x] = low
                middle[z, y, x] = 3.0 * mean - top - low
