"""Slopes of the faces on coarse grids, on a card.

Kernels of :mod:`analysis.electrochemistry.resolved.linear_solver.interface_coarsening`.
"""

import numpy as np
from numba import cuda

from analysis.electrochemistry.resolved.cuda.groups import group, grouped
from analysis.electrochemistry.resolved.linear_solver import interface_coarsening
from analysis.electrochemistry.resolved.linear_solver.interface_coarsening import AT_SOLID, LATER
from analysis.electrochemistry.transport.cuda.launch import compiled, over_entries, plan

free_share = compiled(interface_coarsening.free_share.py_func)


@plan
def collect(device, faces, code, slopes, fine, parent, coarse):
    groups = _first_grid(device, faces, code, parent)
    what = (faces.electrolyte, faces.solid, slopes, fine, coarse)
    over_entries(_collect, groups.count, groups, *what)


def _first_grid(device, faces, code, parent):
    """Faces by the aggregate of the first coarse grid that holds them; some wait for others."""
    if parent not in code.groups:
        codes, parents = device.get(code), device.get(parent)
        solid, electrolyte = device.get(faces.solid), device.get(faces.electrolyte)
        entries = np.flatnonzero(codes != LATER)
        source = np.where(codes == AT_SOLID, solid, electrolyte)
        code.groups[parent] = group(device, parents[source[entries]], entries)
    return code.groups[parent]


@plan
def collect_later(device, face, cell, faces, slopes, fine, coarse):
    groups = grouped(device, cell)
    what = (face, faces.electrolyte, faces.solid, slopes, fine, coarse)
    over_entries(_collect_later, groups.count, groups, *what)


@cuda.jit
def _collect(groups, electrolyte, source, slopes, fine, coarse):
    cell, first, entry = groups
    g, solid, m, dinv = fine
    for t in range(cuda.grid(1), cell.shape[0], cuda.gridsize(1)):
        c = cell[t]
        sum_g, sum_m = coarse[0][c], coarse[1][c]
        for n in range(first[t], first[t + 1]):
            f = entry[n]
            a, e = source[f], electrolyte[f]
            free = free_share(g[a], solid[a], m[e], dinv[e])
            sum_g += slopes[0][f] * free
            sum_m += slopes[1][f] * free
        coarse[0][c], coarse[1][c] = sum_g, sum_m


@cuda.jit
def _collect_later(groups, face, electrolyte, source, slopes, fine, coarse):
    cell, first, entry = groups
    g, solid, m, dinv = fine
    for t in range(cuda.grid(1), cell.shape[0], cuda.gridsize(1)):
        c = cell[t]
        sum_g, sum_m = coarse[0][c], coarse[1][c]
        for n in range(first[t], first[t + 1]):
            f = face[entry[n]]
            a, e = source[f], electrolyte[f]
            free = free_share(g[a], solid[a], m[e], dinv[e])
            sum_g += slopes[0][f] * free
            sum_m += slopes[1][f] * free
        coarse[0][c], coarse[1][c] = sum_g, sum_m
