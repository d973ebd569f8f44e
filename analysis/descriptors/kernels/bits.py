"""Volumes at one bit per voxel, 64 voxels of a row to a word, and two machine instructions."""

import numpy as np
from numba import types
from numba.extending import intrinsic


def pack(mask):
    """
    Pack a mask along its last axis.

    Parameters
    ----------
    mask : (Z, Y, X) ndarray of bool
        Voxels to mark.

    Returns
    -------
    words : (Z, Y, ceil(X / 64)) ndarray of uint64
        Bit ``x % 64`` of word ``x // 64`` is voxel ``x``; bits beyond the row are 0.
    """
    # packbits keeps the memory order of its input; words need the last axis contiguous
    packed = np.ascontiguousarray(np.packbits(mask, axis=-1, bitorder="little"))
    n_bytes = -(-mask.shape[-1] // 64) * 8
    if packed.shape[-1] == n_bytes:
        return packed.view("<u8")
    padded = np.zeros(mask.shape[:-1] + (n_bytes,), np.uint8)
    padded[..., : packed.shape[-1]] = packed
    return padded.view("<u8")


@intrinsic
def popcount(typingctx, bits):
    """Number of bits set in a uint64."""

    def codegen(context, builder, signature, args):
        return builder.ctpop(args[0])

    return types.uint64(types.uint64), codegen


@intrinsic
def trailing_zeros(typingctx, bits):
    """Index of the lowest bit set in a uint64; undefined for 0."""

    def codegen(context, builder, signature, args):
        count = builder.cttz(args[0], context.get_constant(types.boolean, 1))
        return builder.bitcast(count, context.get_value_type(types.int64))

    return types.int64(types.uint64), codegen
