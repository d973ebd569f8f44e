"""Compiled forward pass of the composition network, without a patch array.

`keras.Model.predict` needs every patch in memory: 500 bytes per voxel, 8.4 GB at 256³. Here
sixteen voxels in a row go through all layers at once. Their values, some ten kilobytes, stay in
the innermost cache, and the first layer reads the neighborhoods where they lie: the neighbor at
a given offset is, for sixteen voxels in a row, sixteen gray values in a row.
"""

import numba as nb
import numpy as np

from analysis.segmentation.networks._dense import (
    BLOCK,
    OUTPUTS,
    PANEL,
    hidden_layer,
    output_layer,
    pack_weights,
)

_TANH_IS_ONE = 7.905  # beyond it tanh is 1 to the last digit of single precision
# Odd over even polynomial, lowest power first; largest error 4e-7. The one that XLA and Eigen use.
_TANH_TOP = (
    4.89352455891786e-03,
    6.37261928875436e-04,
    1.48572235717979e-05,
    5.12229709037114e-08,
    -8.60467152213735e-11,
    2.00018790482477e-13,
    -2.76076847742355e-16,
)
_TANH_BOTTOM = (
    4.89352518554385e-03,
    2.26843463243900e-03,
    1.18534705686654e-04,
    1.19825839466702e-06,
)


@nb.njit(nogil=True, cache=True, fastmath=True, error_model="numpy")
def squash(values):
    """Apply tanh in place to a flat array of float32, several values at a time."""
    limit = np.float32(_TANH_IS_ONE)
    a0, a1, a2, a3, a4, a5, a6 = [np.float32(a) for a in _TANH_TOP]
    b0, b1, b2, b3 = [np.float32(b) for b in _TANH_BOTTOM]
    for i in range(values.size):
        x = min(max(values[i], -limit), limit)
        s = x * x
        top = x * (a0 + s * (a1 + s * (a2 + s * (a3 + s * (a4 + s * (a5 + s * a6))))))
        values[i] = top / (b0 + s * (b1 + s * (b2 + s * b3)))


@nb.njit(nogil=True, cache=True, fastmath=True, error_model="numpy")
def _softmax(logits):
    """Softmax over the units of a panel (OUTPUTS, PANEL), in place."""
    for i in range(PANEL):
        peak = max(logits[0, i], max(logits[1, i], logits[2, i]))
        total = np.float32(0)
        for unit in range(OUTPUTS):
            logits[unit, i] = np.exp(logits[unit, i] - peak)
            total += logits[unit, i]
        for unit in range(OUTPUTS):
            logits[unit, i] /= total


def padded_shape(shape, edge):
    """
    Shape of the array that :func:`forward_slab` wants for a slab.

    Parameters
    ----------
    shape : tuple of int
        Shape (Z, Y, X) of the slab.
    edge : int
        Edge length of the patches [voxel].

    Returns
    -------
    padded : tuple of int
        With a margin of half a patch, and rows filled up to whole panels.
    """
    n_z, n_y, n_x = shape
    return n_z + edge - 1, n_y + edge - 1, -(-n_x // PANEL) * PANEL + edge - 1


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
    padded : ndarray of float32
        Of the shape :func:`padded_shape`. Filled; what lies beyond the margin of a row is 0.
    """
    n_x = gray.shape[2]
    for k in range(padded.shape[0]):
        z = _mirrored(first + k - reach, gray.shape[0])
        for j in range(padded.shape[1]):
            row, scaled = gray[z, _mirrored(j - reach, gray.shape[1])], padded[k, j]
            for x in range(n_x):
                scaled[x + reach] = np.float64(row[x]) * gain + offset
            for i in range(reach):
                scaled[i] = scaled[2 * reach - i]
                scaled[n_x + reach + i] = scaled[n_x + reach - 2 - i]
            scaled[n_x + 2 * reach :] = 0


@nb.njit(nogil=True, cache=True)
def _mirrored(index, length):
    """An index beyond the faces reflected at the end voxels."""
    index = abs(index)
    return 2 * (length - 1) - index if index >= length else index


def pack_layers(w_first, w_hidden, w_last, b_hidden, b_last, tanh):
    """
    Order the weights of the network for :func:`forward_slab`.

    Parameters
    ----------
    w_first : (edge**3, W) ndarray of float32
    w_hidden : (H, W, W) ndarray of float32
    w_last : (W, 3) ndarray of float32
    b_hidden : (H + 1, W) ndarray of float32
    b_last : (3,) ndarray of float32
        Weights and biases of the layers; W is a multiple of `BLOCK`.
    tanh : bool
        Whether the hidden units are tanh rather than relu.

    Returns
    -------
    layers : tuple
        The last arguments of :func:`forward_slab` but one.
    """
    return (
        pack_weights(w_first),
        np.stack([pack_weights(weights) for weights in w_hidden]),
        pack_weights(w_last, OUTPUTS),
        b_hidden.reshape(len(b_hidden), -1, BLOCK).astype(np.float32, order="C"),
        b_last.reshape(1, OUTPUTS).astype(np.float32, order="C"),
        bool(tanh),
    )


@nb.njit(nogil=True, cache=True)
def forward_slab(padded, edge, w_first, w_hidden, w_last, b_hidden, b_last, tanh, out):
    """
    Predict the composition of one slab.

    Parameters
    ----------
    padded : ndarray of float32
        Standardized gray values of the slab and its margin, of the shape :func:`padded_shape`.
    edge : int
        Edge length of the patches [voxel].
    w_first, w_hidden, w_last, b_hidden, b_last, tanh
        See :func:`pack_layers`.
    out : (3, Z, Y, X) ndarray of float32
        Filled with the predicted fraction [-] of each phase.
    """
    _, n_z, n_y, n_x = out.shape
    stride_z, stride_y = padded.shape[1] * padded.shape[2], padded.shape[2]
    neighbors = np.empty(edge**3, np.int64)
    k = 0
    for dz in range(edge):
        for dy in range(edge):
            for dx in range(edge):
                neighbors[k] = dz * stride_z + dy * stride_y + dx
                k += 1
    even = np.empty(b_hidden.shape[1:] + (PANEL,), np.float32)
    odd = np.empty_like(even)
    units = np.arange(0, even.size, PANEL)
    shares = np.empty((OUTPUTS, PANEL), np.float32)
    for z in range(n_z):
        for y in range(n_y):
            for x in range(0, n_x, PANEL):
                start = z * stride_z + y * stride_y + x
                hidden_layer(padded, start, neighbors, w_first, b_hidden[0], even, not tanh)
                if tanh:
                    squash(even.ravel())
                for layer in range(w_hidden.shape[0]):
                    hidden_layer(
                        even, 0, units, w_hidden[layer], b_hidden[layer + 1], odd, not tanh
                    )
                    if tanh:
                        squash(odd.ravel())
                    even, odd = odd, even
                output_layer(even, 0, units, w_last, b_last, shares)
                _softmax(shares)
                for phase in range(OUTPUTS):
                    for i in range(min(PANEL, n_x - x)):
                        out[phase, z, y, x + i] = shares[phase, i]
