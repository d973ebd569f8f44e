"""Smooth fields that can be evaluated anywhere: cubic B-splines on the voxel grid.

The tomogram (0.642 µm), its half-voxel truth and the FIB-SEM stack (80 nm) must see one
and the same electrode. So a random field is not an image but a set of spline coefficients
at the voxel centers, periodic in y and x, with a margin in z; an image is its value on
some grid.
"""

import math

import numpy as np
import scipy.fft
from numba import njit

from analysis.phases import check_voxel_size

MARGIN = 2  # coefficient planes beyond each end of z, so that splines reach the faces


def gaussian_field(shape, width_voxels, rng):
    """
    Coefficients of a Gaussian random field of mean 0 and variance 1.

    White noise is smoothed with a Gaussian kernel; the smoothing by the spline itself is
    counted in the variance.

    Parameters
    ----------
    shape : tuple of int
        Voxels (Z, Y, X) of the specimen.
    width_voxels : float
        Standard deviation of the kernel [voxel].
    rng : numpy.random.Generator

    Returns
    -------
    coefficients : (Z + 4, Y, X) ndarray of float32
    """
    planes = shape[0] + 2 * MARGIN
    # z does not repeat: the seam of the transform lies in planes that are cut off.
    padded = (scipy.fft.next_fast_len(planes + math.ceil(6 * width_voxels)), *shape[1:])
    # In double precision and rounded once at the end: single precision would carry the last bit of
    # a library's exponential into every voxel, and labels at a level would differ by machine.
    spectrum = scipy.fft.rfftn(rng.standard_normal(padded, dtype=np.float32).astype(np.float64))
    power = 1.0
    for axis, n in enumerate(padded):
        k = 2 * np.pi * np.fft.fftfreq(n)
        kernel = np.exp(-0.5 * (k * width_voxels) ** 2)
        spline = (2 + np.cos(k)) / 3
        power *= np.mean((kernel * spline) ** 2)
        kernel = kernel[: n // 2 + 1] if axis == 2 else kernel
        extent = [1, 1, 1]
        extent[axis] = kernel.size
        spectrum *= kernel.reshape(extent)
    field = scipy.fft.irfftn(spectrum, s=padded)[:planes]
    return np.ascontiguousarray(field / math.sqrt(power), dtype=np.float32)


def evaluate(coefficients, voxel_size_um, z_um, y_um, x_um, out=None):
    """
    Values of a field on a grid.

    Parameters
    ----------
    coefficients : (Z + 4, Y, X) ndarray of float32
        As from :func:`gaussian_field`.
    voxel_size_um : float
        Spacing of the coefficients [µm]; the first voxel center lies at half of it.
    z_um, y_um, x_um : 1D ndarray
        Positions of the grid planes [µm].
    out : (K, J, I) ndarray of float32, optional

    Returns
    -------
    values : (K, J, I) ndarray of float32
    """
    check_voxel_size(voxel_size_um)
    planes, rows, columns = coefficients.shape
    iz, wz = _taps(z_um, voxel_size_um)
    iy, wy = _taps(y_um, voxel_size_um)
    ix, wx = _taps(x_um, voxel_size_um)
    iz = np.clip(iz + MARGIN, 0, planes - 1)
    if out is None:
        out = np.empty((len(z_um), len(y_um), len(x_um)), np.float32)
    _tensor_product(coefficients, iz, wz, iy % rows, wy, ix % columns, wx, out)
    return out


def _taps(positions_um, voxel_size_um):
    """Indices (N, 4) and weights (N, 4) of the cubic B-spline at positions."""
    u = np.asarray(positions_um, dtype=np.float64) / voxel_size_um - 0.5
    base = np.floor(u).astype(np.int64)
    t = u - base
    weights = np.stack(
        [
            (1 - t) ** 3,
            3 * t**3 - 6 * t**2 + 4,
            -3 * t**3 + 3 * t**2 + 3 * t + 1,
            t**3,
        ],
        axis=1,
    )
    return base[:, None] + np.arange(-1, 3), (weights / 6).astype(np.float32)


@njit(cache=True)
def _tensor_product(coefficients, iz, wz, iy, wy, ix, wx, out):
    """Contract z, then y, then x: three short sums instead of 64 terms a point."""
    rows, columns = coefficients.shape[1:]
    plane = np.empty((rows, columns), np.float32)
    line = np.empty(columns, np.float32)
    for k in range(iz.shape[0]):
        for j in range(rows):
            for i in range(columns):
                plane[j, i] = (
                    wz[k, 0] * coefficients[iz[k, 0], j, i]
                    + wz[k, 1] * coefficients[iz[k, 1], j, i]
                    + wz[k, 2] * coefficients[iz[k, 2], j, i]
                    + wz[k, 3] * coefficients[iz[k, 3], j, i]
                )
        for j in range(iy.shape[0]):
            a, b, c, d = iy[j, 0], iy[j, 1], iy[j, 2], iy[j, 3]
            for i in range(columns):
                line[i] = (
                    wy[j, 0] * plane[a, i]
                    + wy[j, 1] * plane[b, i]
                    + wy[j, 2] * plane[c, i]
                    + wy[j, 3] * plane[d, i]
                )
            for i in range(ix.shape[0]):
                out[k, j, i] = (
                    wx[i, 0] * line[ix[i, 0]]
                    + wx[i, 1] * line[ix[i, 1]]
                    + wx[i, 2] * line[ix[i, 2]]
                    + wx[i, 3] * line[ix[i, 3]]
                )
