"""Floating clusters of binder on a card.

Twin of :mod:`analysis.electrochemistry.resolved.linear_solver.floating_clusters`. A block takes a
cluster. All shifts are found before the first is made, so that they do not depend on the order of
the blocks where clusters touch.
"""

import numpy as np
from numba import cuda

from analysis.electrochemistry.transport.cuda.launch import (
    ONE_ON,
    by_block,
    compiled,
    plan,
    unsigned,
    write_first,
)

ZERO, ONE = np.float32(0), np.float32(1)


@plan
def correct(device, clusters, shape, conductances, blocks, neighbors, b, x):
    count = clusters.first.size - 1
    if not count:
        return
    kept = clusters.first.groups
    if "sums" not in kept:
        kept["sums"] = device.zeros(2 * count, float)
    sums, sizes = kept["sums"], tuple(int(n) for n in shape)
    what = (conductances, blocks, neighbors, b, x, sums)
    by_block(_sum_currents, count, tuple(clusters), sizes, *what)
    by_block(_shift, count, clusters.voxel, clusters.first, sums, x)


@compiled
def exchanged(v, blocks, neighbors, x):
    """Current that the reaction takes from a voxel, and its slope."""
    g, ratio, _, salt = blocks
    x1, x3 = neighbors
    if not g[v] > 0:
        return ZERO, ZERO
    rest = -g[v] * (x[v] - x1[v])
    if salt[v] > 0:  # else the electrolyte of its faces is in other cells
        rest += ratio[v] / salt[v] * x3[v]
    return rest, g[v] * max(ONE - ratio[v], ZERO)


@cuda.jit
def _sum_currents(clusters, shape, conductances, blocks, neighbors, b, x, sums):
    voxel, first, leaves = clusters
    ny, nx = shape
    cz, cy, cx = conductances
    row, plane = unsigned(nx), unsigned(ny * nx)
    for n in range(cuda.blockIdx.x, first.shape[0] - 1, cuda.gridDim.x):
        rest, total = np.float64(0.0), np.float64(0.0)
        for m in range(first[n] + cuda.threadIdx.x, first[n + 1], cuda.blockDim.x):
            v, out = unsigned(voxel[m]), leaves[m]
            change, slope = exchanged(v, blocks, neighbors, x)
            rest += b[v] + change
            total += slope
            if out & 1:
                rest -= cz[v] * (x[v] - x[v - plane])
                total += cz[v]
            if out & 2:
                rest -= cz[v + plane] * (x[v] - x[v + plane])
                total += cz[v + plane]
            if out & 4:
                rest -= cy[v] * (x[v] - x[v - row])
                total += cy[v]
            if out & 8:
                rest -= cy[v + row] * (x[v] - x[v + row])
                total += cy[v + row]
            if out & 16:
                rest -= cx[v] * (x[v] - x[v - ONE_ON])
                total += cx[v]
            if out & 32:
                rest -= cx[v + ONE_ON] * (x[v] - x[v + ONE_ON])
                total += cx[v + ONE_ON]
        write_first(rest, sums, 2 * n)
        write_first(total, sums, 2 * n + 1)


@cuda.jit
def _shift(voxel, first, sums, x):
    for n in range(cuda.blockIdx.x, first.shape[0] - 1, cuda.gridDim.x):
        if sums[2 * n + 1] > 0:
            shift = sums[2 * n] / sums[2 * n + 1]
            for m in range(first[n] + cuda.threadIdx.x, first[n + 1], cuda.blockDim.x):
                x[voxel[m]] += shift
