"""The composition network: from the gray values around a voxel to its three phase fractions.

A multilayer perceptron sees the 5 x 5 x 5 neighborhood of a voxel and predicts how much pore,
CBD and active material it holds (Section 3.3). Keras defines, trains and stores it; whole
volumes are predicted by a compiled forward pass that gives the numbers of
``keras.Model.predict`` without ever building the patches of all voxels.
"""

from concurrent.futures import ThreadPoolExecutor

import numpy as np

from analysis.phases import Phase, check_gray
from analysis.segmentation.networks._mlp_kernels import (
    forward_slab,
    pack_layers,
    padded_shape,
    standardize_slab,
)
from analysis.segmentation.networks.conversion import (
    CONVERSIONS,
    trinarize,
    trinarize_conditional,
    trinarize_ordered,
)
from analysis.segmentation.networks.gray_scale import GrayScale, align_gray
from analysis.segmentation.networks.network import (
    PATCH,
    build_model,
    check_model,
    load_model,
    save_model,
    standardization,
    weights_of,
)

__all__ = [
    "CONVERSIONS",
    "PATCH",
    "GrayScale",
    "align_gray",
    "build_model",
    "extract_patches",
    "load_model",
    "predict_composition",
    "predict_patches",
    "save_model",
    "trinarize",
    "trinarize_conditional",
    "trinarize_ordered",
]

SLAB = 8  # slices that one thread predicts at a time


def extract_patches(gray, voxels):
    """
    Neighborhoods of chosen voxels.

    Parameters
    ----------
    gray : (Z, Y, X) ndarray
        Gray values; beyond the faces they continue mirrored.
    voxels : (N, 3) ndarray of int
        Indices z, y, x.

    Returns
    -------
    patches : (N, 125) ndarray of float32
        Gray values of the 5 x 5 x 5 neighborhood of each voxel.

    Raises
    ------
    ValueError
        If the volume is smaller than a patch.
    """
    gray = check_gray(gray, min_edge=PATCH)
    reach = PATCH // 2
    offsets = np.arange(-reach, reach + 1)
    z, y, x = (
        _mirrored(np.asarray(voxels)[:, axis, None] + offsets, gray.shape[axis])
        for axis in range(3)
    )
    patches = gray[z[:, :, None, None], y[:, None, :, None], x[:, None, None, :]]
    return patches.reshape(len(patches), PATCH**3).astype(np.float32)


def predict_composition(model, gray, *, scale=None, threads=1):
    """
    Predict the phase fractions of every voxel of a volume.

    Parameters
    ----------
    model : keras.Model
        A composition network, see :func:`build_model` and :func:`load_model`.
    gray : (Z, Y, X) ndarray
        Gray values; beyond the faces they continue mirrored.
    scale : GrayScale, optional
        Applied to the gray values first, if they come from another specimen or beam energy
        than the training set.
    threads : int
        Slabs that are predicted at the same time. The result does not depend on it.

    Returns
    -------
    composition : (3, Z, Y, X) ndarray of float32
        Predicted fraction [-] of each phase, rows ordered as :class:`~analysis.phases.Phase`.

    Raises
    ------
    ValueError
        If the volume is smaller than a patch, holds invalid values, or the model is no
        composition network.

    Notes
    -----
    Equal to ``model.predict`` on all patches to 1e-5. Beyond input and output it needs one
    padded slab of eight slices per thread.
    """
    check_model(model)
    gray = check_gray(gray, min_edge=PATCH)
    scale = scale or GrayScale()
    shift, spread = standardization(model)
    gain, offset = scale.gain / spread, (scale.offset - shift) / spread
    layers = pack_layers(*weights_of(model))
    n_z = gray.shape[0]
    composition = np.empty((len(Phase), *gray.shape), dtype=np.float32)

    def predict_slab(first):
        last = min(first + SLAB, n_z)
        padded = np.empty(padded_shape((last - first, *gray.shape[1:]), PATCH), np.float32)
        standardize_slab(gray, first, PATCH // 2, gain, offset, padded)
        forward_slab(padded, PATCH, *layers, composition[:, first:last])

    if threads == 1:
        for first in range(0, n_z, SLAB):
            predict_slab(first)
    else:
        with ThreadPoolExecutor(threads) as pool:
            list(pool.map(predict_slab, range(0, n_z, SLAB)))
    return composition


def predict_patches(model, patches):
    """
    Predict the composition of ready patches; what the compiled forward pass is tested against.

    Parameters
    ----------
    model : keras.Model
        A composition network.
    patches : (N, 125) ndarray
        Gray values of the neighborhoods, see :func:`extract_patches`.

    Returns
    -------
    composition : (N, 3) ndarray of float32
        Predicted fraction [-] of pore, CBD and AM.
    """
    from threadpoolctl import threadpool_limits

    w_first, w_hidden, w_last, b_hidden, b_last, tanh = weights_of(model)
    shift, spread = standardization(model)
    composition = np.empty((len(patches), len(Phase)), dtype=np.float32)
    with threadpool_limits(1, user_api="blas"):
        for first in range(0, len(patches), 1024):
            block = slice(first, first + 1024)
            hidden = ((patches[block].astype(np.float64) - shift) / spread).astype(np.float32)
            for weights, bias in zip([w_first, *w_hidden], b_hidden, strict=True):
                hidden = hidden @ weights
                hidden += bias
                hidden = np.tanh(hidden) if tanh else np.maximum(hidden, 0, out=hidden)
            logits = hidden @ w_last + b_last
            shares = np.exp(logits - logits.max(axis=1, keepdims=True))
            composition[block] = shares / shares.sum(axis=1, keepdims=True)
    return composition


def _mirrored(index, length):
    """Indices beyond the faces of an axis reflected at its end voxels."""
    index = np.abs(index)
    return np.where(index >= length, 2 * (length - 1) - index, index)
