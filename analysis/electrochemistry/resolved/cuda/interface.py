"""What the currents of the faces change: :mod:`analysis.electrochemistry.resolved.interface`.

AM voxels own their faces, so a thread takes a voxel. What is added to cells goes by the cells
(:mod:`.groups`).
"""

import numpy as np
from numba import cuda

from analysis.electrochemistry.resolved.cuda.groups import grouped
from analysis.electrochemistry.transport.cuda.launch import over_entries, plan


@plan
def sum_slopes(device, faces, rates, inverse_f, p, load):
    args = (faces.voxel, faces.first, rates.slope_phi, rates.slope_c, inverse_f, p, load)
    over_entries(_sum_slopes, faces.voxel.size, *args)


@cuda.jit
def _sum_slopes(voxel, first, slope_phi, slope_c, inverse_f, p, load):
    for s in range(cuda.grid(1), voxel.shape[0], cuda.gridsize(1)):
        sg, sp = np.float64(0.0), np.float64(0.0)
        for f in range(first[s], first[s + 1]):
            sg += slope_phi[f]
            sp += slope_c[f]
        p[voxel[s]] = sp * inverse_f
        load[voxel[s]] = sg * inverse_f


@plan
def damp(device, faces, rates, response, g, m):
    voxels = (faces.voxel, faces.first, response, rates.ocp_slope)
    slopes = (rates.slope_phi, rates.slope_w)
    over_entries(_damp, faces.voxel.size, *voxels, *slopes, rates.factors)
    by_electrolyte = grouped(device, faces.electrolyte)
    over_entries(_sum_at_electrolyte, by_electrolyte.count, by_electrolyte, *slopes, g, m)
    by_solid = grouped(device, faces.solid)
    over_entries(_sum_at_solid, by_solid.count, by_solid, faces.electrolyte, slopes[0], g)


@cuda.jit
def _damp(voxel, first, response, ocp_slope, slope_phi, slope_w, factors):
    for s in range(cuda.grid(1), voxel.shape[0], cuda.gridsize(1)):
        factor = 1 / (1 + ocp_slope[s] * max(np.float64(response[voxel[s]]), 0.0))
        factors[s] = factor
        for f in range(first[s], first[s + 1]):
            slope_phi[f] *= factor
            slope_w[f] *= factor


@cuda.jit
def _sum_at_electrolyte(groups, slope_phi, slope_w, g, m):
    cell, first, entry = groups
    for t in range(cuda.grid(1), cell.shape[0], cuda.gridsize(1)):
        c = cell[t]
        sum_g, sum_m = g[c], m[c]
        for n in range(first[t], first[t + 1]):
            sum_g += slope_phi[entry[n]]
            sum_m += slope_w[entry[n]]
        g[c], m[c] = sum_g, sum_m


@cuda.jit
def _sum_at_solid(groups, electrolyte, slope_phi, g):
    cell, first, entry = groups
    for t in range(cuda.grid(1), cell.shape[0], cuda.gridsize(1)):
        c = cell[t]
        total = g[c]
        for n in range(first[t], first[t + 1]):
            if electrolyte[entry[n]] != c:
                total += slope_phi[entry[n]]
        g[c] = total


@plan
def add_currents(device, faces, rates, known, residuals):
    owner = _owner(device, faces)
    what = (rates.current, rates.slope_c, known, owner)
    by_electrolyte, by_solid = (grouped(device, one) for one in (faces.electrolyte, faces.solid))
    psi, phi, salt = residuals
    over_entries(_add_at_electrolyte, by_electrolyte.count, by_electrolyte, *what, psi, salt)
    over_entries(_add_at_solid, by_solid.count, by_solid, *what, phi)


def _owner(device, faces):
    """AM voxel of each face."""
    kept = faces.first.groups
    if "owner" not in kept:
        voxel, first = device.get(faces.voxel), device.get(faces.first)
        kept["owner"] = device.put(np.repeat(voxel, np.diff(first)))
    return kept["owner"]


@cuda.jit
def _add_at_electrolyte(groups, current, slope_c, known, owner, psi, salt):
    cell, first, entry = groups
    for t in range(cuda.grid(1), cell.shape[0], cuda.gridsize(1)):
        c = cell[t]
        sum_psi, sum_salt = psi[c], salt[c]
        for n in range(first[t], first[t + 1]):
            f = entry[n]
            i = current[f] + slope_c[f] * known[owner[f]]
            sum_psi += i
            sum_salt += i
        psi[c], salt[c] = sum_psi, sum_salt


@cuda.jit
def _add_at_solid(groups, current, slope_c, known, owner, phi):
    cell, first, entry = groups
    for t in range(cuda.grid(1), cell.shape[0], cuda.gridsize(1)):
        c = cell[t]
        total = phi[c]
        for n in range(first[t], first[t + 1]):
            f = entry[n]
            total -= current[f] + slope_c[f] * known[owner[f]]
        phi[c] = total


@plan
def lithium_load(device, faces, rates, x, inverse_f, r):
    lists = (faces.voxel, faces.first, faces.electrolyte, faces.solid)
    what = (rates.current, rates.slope_phi, rates.slope_w, rates.factors)
    over_entries(_lithium_load, faces.voxel.size, lists, what, x, inverse_f, r)


@cuda.jit
def _lithium_load(lists, rates, x, inverse_f, r):
    voxel, first, electrolyte, solid = lists
    current, slope_phi, slope_w, factors = rates
    psi, phi, salt = x
    for s in range(cuda.grid(1), voxel.shape[0], cuda.gridsize(1)):
        total = np.float64(0.0)
        for f in range(first[s], first[s + 1]):
            e = electrolyte[f]
            change = slope_phi[f] * (phi[solid[f]] - psi[e]) - slope_w[f] * salt[e]
            current[f] += change / factors[s]
            total += current[f]
        r[voxel[s]] -= total * inverse_f


@plan
def follow_lithium(device, faces, rates, change):
    args = (faces.voxel, faces.first, rates.current, rates.slope_c, change)
    over_entries(_follow_lithium, faces.voxel.size, *args)


@cuda.jit
def _follow_lithium(voxel, first, current, slope_c, change):
    for s in range(cuda.grid(1), voxel.shape[0], cuda.gridsize(1)):
        moved = change[voxel[s]]
        for f in range(first[s], first[s + 1]):
            current[f] += slope_c[f] * moved
