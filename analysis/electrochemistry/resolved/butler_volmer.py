"""Butler-Volmer kinetics on the faces between active material and electrolyte.

The faces are a list sorted by AM voxel. What one pass computes for each face: the current
``i``, its slope ``g`` with the potential of the solid, and its slope ``p`` with the lithium
concentration. All are multiplied by the voxel edge, so that they add to the rows of the cell
balances as they are.

The reaction sees the values at the face, not those in the middle of the voxels. Electrons have
half a voxel of AM to cross where the face looks at pore; where it looks at CBD, which conducts far
better than AM, they are taken from the CBD voxel itself, whose potential is that of the face. Taken
from the middle of the AM instead, they would cross half a voxel of a material that conducts
1e-5 S/m when full, and the voltage would depend on the size of the voxels. Lithium
has a part of half a voxel to cross, see `LITHIUM_SHARE`.
"""

from typing import NamedTuple

import numpy as np

from analysis.electrochemistry.constants import (
    FARADAY_C_MOL,
    GAS_J_MOL_K,
    REFERENCE_MOL_M3,
)
from analysis.electrochemistry.constants import SOFT_LOGARITHM_MOL_M3 as STAR
from analysis.electrochemistry.resolved.field_sums import exponential
from analysis.electrochemistry.transport.stencil import kernel

LARGEST_ARGUMENT = 9.0  # of sinh; i / i0 = 8100
# Share of half a voxel between the mean lithium of a voxel and its face. On a flat face it is one
# for a steady flux, two thirds if the voxel keeps all that enters; around the edges and corners of
# rough AM the current moves to where lithium leaves more easily. With one half the curves
# agree best with those on voxels of half the edge (benchmarks/resolved.py refine).
LITHIUM_SHARE = 0.5
# Last step of the search for the lithium at a face, in its logit, and of its current, relative.
# Both steps are made, and what they leave is about their squares.
LAST_TURN, LAST_CHANGE = 5e-4, 3e-4
LARGEST_LOGIT = 18.0  # of the lithium content between its bounds


BATCH = 128  # faces searched together, at least those of one voxel
# Where in one array what is known and what is found of these faces begins. One array, so that the
# compiler sees that its parts are apart.
LITHIUM, DRIVE, DROP, SCALE, SALT_SLOPE, SALT = (BATCH * row for row in range(6))
LOGIT, BELOW, ABOVE, CURRENT, KINETIC, G, P, RISE, STEEP = (BATCH * row for row in range(6, 15))
SHARE, PART, U0, U1, D0, D1, DONE = (BATCH * row for row in range(15, 22))
ROWS = 22


class Kinetics(NamedTuple):
    """
    Tables and constants of the reaction.

    The potential is tabulated against y = ln(s / (1 - s)), with s the lithium content between
    the bounds of the parameterization: smooth, although U(x) is steep at both ends.
    """

    full: float  # c_max [mol/m³]
    low: float  # bounds of the content [-]
    high: float
    table: np.ndarray  # (N, 2) U and dU/dy at equal steps of y
    y0: float
    inverse_step: float
    rate: float  # 2 i_ref h / sqrt(c_ref)
    thermal: float  # F / 2RT
    beta0: float
    log_c0: float
    star: float  # concentration below which the logarithm is cut off [mol/m³]
    rest: np.ndarray  # B(c) - beta0 ln(c / c0) at equal steps of c
    tail: np.ndarray  # its slope, (beta(c) - beta0) / c
    inverse_c: float
    log_full: float  # logarithm of the AM's conductivity, log_full + log_slope c
    log_slope: float
    log_face: float  # log_full of half a voxel, for currents by the cell's edge
    half: float  # difference of lithium between voxel and face per current [mol/m³ per A/m]
    metal_rate: float  # i_Li h / sqrt(c_ref) of the lithium electrode


TABLE_STEP = 1.0  # mol/m³
TABLE_TOP = 8000.0  # mol/m³


def tabulate(cell, edge_m, voxels_per_cell=1):
    """
    Tabulate the kinetics of a half cell.

    Parameters
    ----------
    cell : analysis.electrochemistry.materials.HalfCell
        Materials.
    edge_m : float
        Edge of the cells [m], by which currents are divided.
    voxels_per_cell : int
        Voxels along it, on which lithium and the way of the electrons to a face are resolved.

    Returns
    -------
    kinetics : Kinetics
        For :func:`evaluate`.
    """
    active, electrolyte = cell.active, cell.electrolyte
    low, high = active.ocp.bounds
    y = np.linspace(-LARGEST_LOGIT, LARGEST_LOGIT, 8001)
    content = low + (high - low) / (1 + np.exp(-y))
    inner = np.clip(content, low * (1 + 1e-12) + 1e-12, high * (1 - 1e-12))
    U = active.ocp.potential(inner)
    step = y[1] - y[0]
    table = np.stack([U, np.gradient(U, step, edge_order=2)], axis=1)
    c = np.arange(0, TABLE_TOP + 2 * TABLE_STEP, TABLE_STEP)
    beta0 = float(electrolyte.diffusion_slope_V(0.0))
    c0 = electrolyte.initial_mol_m3
    span = np.log(active.conductivity_full_S_m / active.conductivity_empty_S_m) / 0.75
    rest = electrolyte.diffusion_potential_V(c) - beta0 * np.log((c + STAR) / (c0 + STAR))
    log_full = float(np.log(active.conductivity_empty_S_m) - 0.25 * span)
    return Kinetics(
        full=active.max_concentration_mol_m3,
        low=low,
        high=high,
        table=table,
        y0=float(y[0]),
        inverse_step=1 / step,
        rate=2 * active.reference_current_A_m2 * edge_m / np.sqrt(REFERENCE_MOL_M3),
        thermal=FARADAY_C_MOL / (2 * GAS_J_MOL_K * cell.temperature_K),
        beta0=beta0,
        log_c0=float(np.log(c0 + STAR)),
        star=STAR,
        rest=rest - np.interp(c0, c, rest),
        tail=np.gradient(rest, TABLE_STEP),
        inverse_c=1 / TABLE_STEP,
        log_full=log_full,
        log_slope=float(span / active.max_concentration_mol_m3),
        half=voxels_per_cell * LITHIUM_SHARE / (2 * FARADAY_C_MOL * active.diffusion_m2_s),
        log_face=log_full - float(np.log(voxels_per_cell)),
        metal_rate=edge_m * cell.lithium.exchange_current_A_m2 / np.sqrt(REFERENCE_MOL_M3),
    )


@kernel
def logit(c, full, low, high):
    """Logit of the content between its bounds, kept inside the table."""
    s = min(max((c / full - low) / (high - low), 1.6e-8), 1 - 1.6e-8)
    return np.log(s / (1 - s))


@kernel
def diffusion_potential(c, beta0, log_c0, star, rest, tail, inverse_c):
    """
    B(c) [V] and its slope dB/dc [V m³/mol].

    The logarithm is that of c + c*, so that B stays finite where the salt is used up.
    """
    value = c * inverse_c
    n = min(int(value), rest.shape[0] - 2)
    t = value - n
    B = beta0 * (np.log(c + star) - log_c0) + rest[n] + t * (rest[n + 1] - rest[n])
    return B, beta0 / (c + star) + tail[n] + t * (tail[n + 1] - tail[n])


def lithium_metal(psi, salt, kinetics, unit):
    """
    Butler-Volmer kinetics of the lithium electrode, whose potential is zero.

    Parameters
    ----------
    psi, salt : ndarray
        In the cells at the electrode [V, mol/m³].
    kinetics : Kinetics
        Constants.
    unit : float
        Concentration [mol/m³] that counts as one volt.

    Returns
    -------
    current, rise, fall : ndarray
        Current into the electrolyte, multiplied by the cell edge [A/m], and its slopes with -psi
        and with -salt / unit.
    """
    k = kinetics
    c = np.maximum(salt, 1e-15)
    nodes = np.arange(len(k.rest)) / k.inverse_c
    B = k.beta0 * (np.log(c + k.star) - k.log_c0) + np.interp(c, nodes, k.rest)
    slope = k.beta0 / (c + k.star) + np.interp(c, nodes, k.tail)
    i0 = k.metal_rate * c / np.sqrt(c + k.star)
    z = np.clip(-k.thermal * (psi + B), -LARGEST_ARGUMENT, LARGEST_ARGUMENT)
    current = 2 * i0 * np.sinh(z)
    rise = 2 * k.thermal * i0 * np.cosh(z)
    return current, rise, unit * (rise * slope - current * (1 / c - 0.5 / (c + k.star)))


@kernel
def evaluate(start, stop, faces, kinetics, fields, unit, rates):
    """
    Currents and slopes of the faces of the AM voxels ``start <= s < stop``.

    The change of a current is ``g (dphi - dpsi) - m dc_e / unit + p dc_s``: `slope_phi` of the
    `rates` is g, `slope_w` is m, `slope_c` is p. All are positive for lithiation. `ocp_slope`
    receives -dU/dc_s of each AM voxel. Currents go to zero with the salt: i0 is proportional to
    c / sqrt(c + c*).

    The kinetics holds for the potential ``phi - R i`` and the lithium ``c_s - S i`` at the face,
    with R and S the resistances of half a voxel. The search for that lithium runs in its logit,
    in which neither a full nor an empty face is a cliff; `current` is where it starts. Returns
    the sum of the currents.
    """
    first = faces.first
    w, nodes = np.empty(ROWS * BATCH), np.empty(BATCH, np.int32)
    total, s = 0.0, start
    while s < stop:
        behind = s
        while behind < stop and first[behind + 1] - first[s] <= BATCH:
            behind += 1
        _gather(s, behind, faces, kinetics, fields, rates.current, w)
        count = first[behind] - first[s]
        for _ in range(60):
            _look_up(count, kinetics, w, nodes)
            if _approach(count, kinetics, w) == 0:
                break
        total += _hand_out(s, behind, faces, kinetics, unit, w, rates)
        s = behind
    return total


@kernel
def _gather(start, stop, faces, kinetics, fields, current, w):
    """What the faces of some AM voxels are searched with, and where the search starts."""
    _, first, electrolyte, solid, weight, bare, _ = faces
    full, low, high = kinetics.full, kinetics.low, kinetics.high
    rate, half = kinetics.rate, kinetics.half
    psi, phi, salt, c = fields
    n = 0
    for s in range(start, stop):
        here, in_am = c[faces.voxel[s]], 0.0
        for f in range(first[s], first[s + 1]):
            e = electrolyte[f]
            ce = max(salt[e], 1e-15)
            B, slope = diffusion_potential(
                *(ce, kinetics.beta0, kinetics.log_c0, kinetics.star),
                *(kinetics.rest, kinetics.tail, kinetics.inverse_c),
            )
            if bare[f] and in_am == 0:
                in_am = 0.5 * np.exp(-kinetics.log_face - kinetics.log_slope * here)
            w[LITHIUM + n] = here
            w[DRIVE + n] = phi[solid[f]] - psi[e] - B
            w[DROP + n] = in_am if bare[f] else 0.0
            w[SCALE + n] = weight[f] * rate * ce / np.sqrt(ce + kinetics.star)
            w[SALT_SLOPE + n] = slope
            w[SALT + n] = ce
            w[LOGIT + n] = logit(here - half * current[f], full, low, high)
            w[BELOW + n], w[ABOVE + n] = -LARGEST_LOGIT, LARGEST_LOGIT
            w[DONE + n] = 0.0
            n += 1


@kernel
def _look_up(count, kinetics, w, nodes):
    """Content at each face, and the nodes of the table of the potential around it."""
    table, y0, inverse_step = kinetics.table, kinetics.y0, kinetics.inverse_step
    top, step = np.int32(table.shape[0] - 2), 1 / kinetics.inverse_step
    for n in range(count):
        y = w[LOGIT + n]
        position = (y - y0) * inverse_step
        node = min(max(np.int32(position), np.int32(0)), top)
        nodes[n] = node
        w[SHARE + n] = 1 / (1 + exponential(-y))
        w[PART + n] = position - node
    for n in range(count):
        node = nodes[n]
        w[U0 + n], w[U1 + n] = table[node, 0], table[node + 1, 0]
        w[D0 + n], w[D1 + n] = table[node, 1] * step, table[node + 1, 1] * step


@kernel
def _approach(count, kinetics, w):
    """
    One Newton step for the lithium at each face; how many faces are not there yet.

    A loop without a way out for single faces, so that the compiler makes vectors of it.
    """
    full, low, high = kinetics.full, kinetics.low, kinetics.high
    thermal, inverse_step, half = kinetics.thermal, kinetics.inverse_step, kinetics.half
    span0, inverse_half, inverse_full = high - low, 1 / half, 1 / full
    left = 0
    for n in range(count):
        y, t, share, here = w[LOGIT + n], w[PART + n], w[SHARE + n], w[LITHIUM + n]
        x = low + span0 * share
        inverse_span = 1 / (full * span0 * share * (1 - share))  # dy/dc
        # a cubic Hermite polynomial between two nodes
        u0, u1, d0, d1 = w[U0 + n], w[U1 + n], w[D0 + n], w[D1 + n]
        a = 2 * (u0 - u1) + d0 + d1
        b = 3 * (u1 - u0) - 2 * d0 - d1
        U = u0 + t * (d0 + t * (b + t * a))
        dU = (d0 + t * (2 * b + 3 * t * a)) * inverse_step
        i = (here - full * x) * inverse_half
        z = thermal * (w[DRIVE + n] - w[DROP + n] * i - U)
        z = min(max(z, -LARGEST_ARGUMENT), LARGEST_ARGUMENT)
        i0 = w[SCALE + n] * np.sqrt(x * (1 - x))
        up = exponential(z)
        down = 1 / up
        kinetic = i0 * (up - down)
        g = i0 * thermal * (up + down)
        steep = -dU * inverse_span
        p = max(0.0, 0.5 * kinetic * (1 - 2 * x) / (x * (1 - x)) * inverse_full + g * steep)
        rise = 1 + g * w[DROP + n] + p * half
        change = (kinetic - i) / rise
        turn = min(max(-half * change * inverse_span, -2.0), 2.0)
        below = y if turn > 0 else w[BELOW + n]
        above = w[ABOVE + n] if turn > 0 else y
        y += turn
        outside = (y < below) | (y > above)
        # rounding is that of the difference of two lithium concentrations
        limit = LAST_CHANGE * abs(i + change) + 1e-13 * here * inverse_half
        away = (abs(turn) > LAST_TURN) | (abs(change) > limit)
        wait = w[DONE + n] > 0
        left += 1 if away and not wait else 0
        # faces that are there wait for the others as they are: none depends on its neighbors
        y = 0.5 * (below + above) if outside else y
        w[LOGIT + n] = w[LOGIT + n] if wait else y
        w[BELOW + n], w[ABOVE + n] = below, above
        w[CURRENT + n] = w[CURRENT + n] if wait else i + change
        w[KINETIC + n] = w[KINETIC + n] if wait else kinetic
        w[G + n] = w[G + n] if wait else g
        w[P + n] = w[P + n] if wait else p
        w[RISE + n] = w[RISE + n] if wait else rise
        w[STEEP + n] = w[STEEP + n] if wait else steep
        w[DONE + n] = w[DONE + n] if away else 1.0
    return left


@kernel
def _hand_out(start, stop, faces, kinetics, unit, w, rates):
    """Write the currents and slopes of the faces of some AM voxels; returns their sum."""
    first, star = faces.first, kinetics.star
    current, slope_phi, slope_w, slope_c, ocp_slope, _ = rates
    total, n = 0.0, 0
    for s in range(start, stop):
        steep, norm = 0.0, 0.0
        for f in range(first[s], first[s + 1]):
            g, ce, less = w[G + n], w[SALT + n], 1 / w[RISE + n]
            current[f] = w[CURRENT + n]
            slope_phi[f] = g * less
            fall = g * w[SALT_SLOPE + n] - w[KINETIC + n] * (1 / ce - 0.5 / (ce + star))
            slope_w[f] = unit * max(fall, 0.0) * less
            slope_c[f] = w[P + n] * less
            steep += g * max(w[STEEP + n], 0.0)
            norm += g
            total += w[CURRENT + n]
            n += 1
        ocp_slope[s] = steep / norm if norm > 0 else 0.0
    return total
