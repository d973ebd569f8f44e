"""Compiled forward pass of the composition network, without a patch array.

`keras.Model.predict` needs every patch in memory: 500 bytes per voxel, 8.4 GB at 256³. Here
the patches of a few hundred voxels at a time are gathered into a buffer that stays in the
cache and multiplied by the weights with BLAS; nothing larger than a block is ever stored.
"""

import numba as nb
import numpy as np

BLOCK = 384  # voxels per matrix product; the time is flat from 192 to 768


@nb.njit(nogil=True, cache=True, fastmath=True)
def _activate(values, bias, tanh):
    """Add the bias and apply relu or tanh in place."""
    n_rows, width = values.shape
    for row in range(n_rows):
        for unit in range(width):
            value = values[row, unit] + bias[unit]
            if tanh:
                value = np.tanh(value)
            elif value < 0:
                value = np.float32(0)
            values[row, unit] = value


@nb.njit(nogil=True, cache=True, fastmath=True)
def _softmax(logits, bias, out, count):
    """Softmax over the columns of the first `count` rows, added bias included."""
    n_out = logits.shape[1]
    for row in range(count):
        peak = logits[row, 0] + bias[0]
        for unit in range(1, n_out):
            peak = max(peak, logits[row, unit] + bias[unit])
        total = np.float32(0)
        for unit in range(n_out):
            share = np.exp(logits[row, unit] + bias[unit] - peak)
            out[row, unit] = share
            total += share
        for unit in range(n_out):
            out[row, unit] /= total


@nb.njit(nogil=True, cache=True)
def _gather(padded, edge, first, count, n_y, n_x, patches):
    """Copy the patches of voxels `first` ... `first + count` of a padded slab."""
    z = first // (n_y * n_x)
    y = first // n_x - z * n_y
    x = first % n_x
    for row in range(count):
        column = 0
        for dz in range(edge):
            for dy in range(edge):
                for dx in range(edge):
                    patches[row, column] = padded[z + dz, y + dy, x + dx]
                    column += 1
        x += 1
        if x == n_x:
            x = 0
            y += 1
            if y == n_y:
                y = 0
                z += 1


@nb.njit(nogil=True, cache=True)
def standardize_slab(gray, first, reach, gain, offset, padded):
    """
    Scale the slices of one slab and a margin around them, mirrored at the faces.

    Parameters
    ----------
    gray : (Z, Y, X) ndarray
        Gray values of the whole volume.
    first, reach : int
        First slice of the slab and width of the margin [voxel].
    gain, offset : float
        Applied in double precision, so that a large offset costs no digits.
    padded : (z + 2 reach, Y + 2 reach, X + 2 reach) ndarray of float32
        Filled.
    """
    for k in range(padded.shape[0]):
        z = _mirrored(first + k - reach, gray.shape[0])
        for j in range(padded.shape[1]):
            y = _mirrored(j - reach, gray.shape[1])
            for i in range(padded.shape[2]):
                x = _mirrored(i - reach, gray.shape[2])
                padded[k, j, i] = np.float64(gray[z, y, x]) * gain + offset


@nb.njit(nogil=True, cache=True)
def _mirrored(index, length):
    """An index beyond the faces reflected at the end voxels."""
    index = abs(index)
    return 2 * (length - 1) - index if index >= length else index


@nb.njit(nogil=True, cache=True)
def forward_slab(padded, edge, w_first, w_hidden, w_last, b_hidden, b_last, tanh, out):
    """
    Predict the composition of one slab.

    Parameters
    ----------
    padded : (Z + edge - 1, Y + edge - 1, X + edge - 1) ndarray of float32
        Standardized gray values of the slab and a margin of half a patch.
    edge : int
        Edge length of the patches [voxel].
    w_first : (edge**3, W) ndarray of float32
    w_hidden : (H, W, W) ndarray of float32
    w_last : (W, 3) ndarray of float32
    b_hidden : (H + 1, W) ndarray of float32
    b_last : (3,) ndarray of float32
        Weights and biases of the layers.
    tanh : bool
        Whether the hidden units are tanh rather than relu.
    out : (3, Z, Y, X) ndarray of float32
        Filled with the predicted fraction [-] of each phase.
    """
    _, n_z, n_y, n_x = out.shape
    n_voxels = n_z * n_y * n_x
    patches = np.zeros((BLOCK, edge**3), np.float32)
    even = np.empty((BLOCK, w_first.shape[1]), np.float32)
    odd = np.empty_like(even)
    logits = np.empty((BLOCK, w_last.shape[1]), np.float32)
    shares = np.empty_like(logits)
    for first in range(0, n_voxels, BLOCK):
        count = min(BLOCK, n_voxels - first)
        _gather(padded, edge, first, count, n_y, n_x, patches)
        np.dot(patches, w_first, even)
        _activate(even, b_hidden[0], tanh)
        for layer in range(w_hidden.shape[0]):
            np.dot(even, w_hidden[layer], odd)
            _activate(odd, b_hidden[layer + 1], tanh)
            even, odd = odd, even
        np.dot(even, w_last, logits)
        _softmax(logits, b_last, shares, count)
        for row in range(count):
            voxel = first + row
            z = voxel // (n_y * n_x)
            y = voxel // n_x - z * n_y
            x = voxel % n_x
            for phase in range(out.shape[0]):
                out[phase, z, y, x] = shares[row, phase]
