"""The reaction at every face: :mod:`analysis.electrochemistry.resolved.butler_volmer` on a card.

A thread takes an AM voxel with its faces. Tables and laws are the functions of the CPU, compiled
for the card.
"""

import math

import numpy as np
from numba import cuda

from analysis.electrochemistry.resolved import butler_volmer
from analysis.electrochemistry.resolved.butler_volmer import LARGEST_ARGUMENT, LARGEST_LOGIT
from analysis.electrochemistry.transport.cuda.launch import (
    compiled,
    flat_of,
    keep,
    over_entries,
    plan,
)

logit = compiled(butler_volmer.logit.py_func)
potential_and_slope = compiled(butler_volmer.potential_and_slope.py_func)
diffusion_potential = compiled(butler_volmer.diffusion_potential.py_func)


@plan
def evaluate(device, faces, kinetics, fields, unit, rates):
    table = kinetics.table
    laws = flat_of(kinetics)._replace(table=table.flat.reshape(table.shape))
    args = (faces.voxel, faces.first, faces.electrolyte, faces.solid, faces.weight, faces.bare)
    return over_entries(_evaluate, faces.voxel.size, args, laws, fields, float(unit), rates, sums=1)


@cuda.jit
def _evaluate(faces, kinetics, fields, unit, rates, parts):
    voxel, first, electrolyte, solid, weight, bare = faces
    full, low, high, table, y0, inverse_step, rate, thermal = kinetics[:8]
    beta0, log_c0, star, rest, tail, inverse_c = kinetics[8:14]
    log_full, log_slope, half = kinetics.log_face, kinetics.log_slope, kinetics.half
    psi, phi, salt, c = fields
    current, slope_phi, slope_w, slope_c, ocp_slope, _ = rates
    total = np.float64(0.0)
    for s in range(cuda.grid(1), voxel.shape[0], cuda.gridsize(1)):
        held = c[voxel[s]]
        in_am = 0.5 * math.exp(-log_full - log_slope * held)
        rounding = 1e-13 * held / half
        steep, norm = np.float64(0.0), np.float64(0.0)
        for f in range(first[s], first[s + 1]):
            e = electrolyte[f]
            ce = max(salt[e], 1e-15)
            B, slope = diffusion_potential(ce, beta0, log_c0, star, rest, tail, inverse_c)
            drive = phi[solid[f]] - psi[e] - B
            drop = in_am if bare[f] else 0.0
            scale = weight[f] * rate * ce / math.sqrt(ce + star)
            y = logit(held - half * current[f], full, low, high)
            below, above = -LARGEST_LOGIT, LARGEST_LOGIT
            i, g, p, kinetic, rise = 0.0, 0.0, 0.0, 0.0, 1.0
            dU, span = 0.0, 1.0
            for _ in range(60):
                share = 1 / (1 + math.exp(-y))
                x = low + (high - low) * share
                span = full * (high - low) * share * (1 - share)  # dc/dy
                U, dU = potential_and_slope(y, table, y0, inverse_step)
                i = (held - full * x) / half
                z = thermal * (drive - drop * i - U)
                z = min(max(z, -LARGEST_ARGUMENT), LARGEST_ARGUMENT)
                i0 = scale * math.sqrt(x * (1 - x))
                up = math.exp(z)
                kinetic = i0 * (up - 1 / up)
                g = i0 * thermal * (up + 1 / up)
                p = max(0.0, 0.5 * kinetic * (1 / x - 1 / (1 - x)) / full - g * dU / span)
                rise = 1 + g * drop + p * half
                change = (kinetic - i) / rise
                turn = min(max(-half * change / span, -2.0), 2.0)
                if turn > 0:
                    below = y
                else:
                    above = y
                i += change
                y += turn
                if not below <= y <= above:
                    y = 0.5 * (below + above)
                if abs(turn) <= 1e-5 and abs(change) <= 1e-6 * abs(i) + rounding:
                    break
            current[f] = i
            slope_phi[f] = g / rise
            slope_w[f] = unit * max(g * slope - kinetic * (1 / ce - 0.5 / (ce + star)), 0.0) / rise
            slope_c[f] = p / rise
            steep += g * max(-dU, 0.0) / span
            norm += g
            total += i
        ocp_slope[s] = steep / norm if norm > 0 else 0.0
    keep(total, parts)
