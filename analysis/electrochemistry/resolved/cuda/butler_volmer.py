"""The reaction at every face: :mod:`analysis.electrochemistry.resolved.butler_volmer` on a card.

A thread takes an AM voxel with its faces. Tables and laws are the functions of the CPU, compiled
for the card.
"""

import math

import numpy as np
from numba import cuda

from analysis.electrochemistry.resolved import butler_volmer
from analysis.electrochemistry.resolved.butler_volmer import (
    LARGEST_ARGUMENT,
    LARGEST_LOGIT,
    LAST_CHANGE,
    LAST_TURN,
)
from analysis.electrochemistry.transport.cuda.launch import (
    compiled,
    flat_of,
    keep,
    over_entries,
    plan,
)

logit = compiled(butler_volmer.logit.py_func)
diffusion_potential = compiled(butler_volmer.diffusion_potential.py_func)


@plan
def evaluate(device, faces, kinetics, fields, unit, rates):
    table = kinetics.table
    laws = flat_of(kinetics)._replace(table=table.flat.reshape(table.shape))
    args = (faces.voxel, faces.first, faces.electrolyte, faces.solid, faces.weight, faces.bare)
    return over_entries(_evaluate, faces.voxel.size, args, laws, fields, float(unit), rates, sums=1)


@compiled
def approach(y, held, drive, drop, scale, kinetics):
    """
    One Newton step for the lithium at a face, from its logit y, see ``_approach``.

    Returns the turn of the logit, the current with its change, and g, p, what divides both, the
    kinetic current and -dU/dc.
    """
    full, low, high, table, y0, inverse_step, _, thermal = kinetics[:8]
    position, half = (y - y0) * inverse_step, kinetics.half
    node = min(max(int(position), 0), table.shape[0] - 2)
    t, step = position - node, 1 / inverse_step
    u0, u1 = table[node, 0], table[node + 1, 0]
    d0, d1 = table[node, 1] * step, table[node + 1, 1] * step
    a = 2 * (u0 - u1) + d0 + d1
    b = 3 * (u1 - u0) - 2 * d0 - d1
    U = u0 + t * (d0 + t * (b + t * a))
    dU = (d0 + t * (2 * b + 3 * t * a)) * inverse_step
    share = 1 / (1 + math.exp(-y))
    x = low + (high - low) * share
    inverse_span = 1 / (full * (high - low) * share * (1 - share))  # dy/dc
    i = (held - full * x) / half
    z = thermal * (drive - drop * i - U)
    z = min(max(z, -LARGEST_ARGUMENT), LARGEST_ARGUMENT)
    i0 = scale * math.sqrt(x * (1 - x))
    up = math.exp(z)
    kinetic = i0 * (up - 1 / up)
    g = i0 * thermal * (up + 1 / up)
    steep = -dU * inverse_span
    p = max(0.0, 0.5 * kinetic * (1 - 2 * x) / (x * (1 - x)) / full + g * steep)
    rise = 1 + g * drop + p * half
    change = (kinetic - i) / rise
    turn = min(max(-half * change * inverse_span, -2.0), 2.0)
    return turn, i + change, change, g, p, rise, kinetic, steep


@cuda.jit
def _evaluate(faces, kinetics, fields, unit, rates, parts):
    voxel, first, electrolyte, solid, weight, bare = faces
    beta0, log_c0, star, rest, tail, inverse_c = kinetics[8:14]
    log_full, log_slope, half = kinetics.log_face, kinetics.log_slope, kinetics.half
    psi, phi, salt, c = fields
    current, slope_phi, slope_w, slope_c, ocp_slope, _ = rates
    total = np.float64(0.0)
    for s in range(cuda.grid(1), voxel.shape[0], cuda.gridsize(1)):
        held = c[voxel[s]]
        in_am = 0.5 * math.exp(-log_full - log_slope * held)
        rounding = 1e-13 * held / half  # of the difference of two lithium concentrations
        sum_steep, norm = np.float64(0.0), np.float64(0.0)
        for f in range(first[s], first[s + 1]):
            e = electrolyte[f]
            ce = max(salt[e], 1e-15)
            B, slope = diffusion_potential(ce, beta0, log_c0, star, rest, tail, inverse_c)
            drive = phi[solid[f]] - psi[e] - B
            drop = in_am if bare[f] else 0.0
            scale = weight[f] * kinetics.rate * ce / math.sqrt(ce + star)
            y = logit(held - half * current[f], kinetics.full, kinetics.low, kinetics.high)
            below, above = -LARGEST_LOGIT, LARGEST_LOGIT
            i, g, p, rise, kinetic, steep = 0.0, 0.0, 0.0, 1.0, 0.0, 0.0
            for _ in range(60):
                turn, i, change, g, p, rise, kinetic, steep = approach(
                    y, held, drive, drop, scale, kinetics
                )
                if turn > 0:
                    below = y
                else:
                    above = y
                y += turn
                if not below <= y <= above:
                    y = 0.5 * (below + above)
                if abs(turn) <= LAST_TURN and abs(change) <= LAST_CHANGE * abs(i) + rounding:
                    break
            current[f] = i
            slope_phi[f] = g / rise
            fall = g * slope - kinetic * (1 / ce - 0.5 / (ce + star))
            slope_w[f] = unit * max(fall, 0.0) / rise
            slope_c[f] = p / rise
            sum_steep += g * max(steep, 0.0)
            norm += g
            total += i
        ocp_slope[s] = sum_steep / norm if norm > 0 else 0.0
    keep(total, parts)
