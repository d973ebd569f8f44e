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
from analysis.electrochemistry.transport.stencil import kernel

LARGEST_ARGUMENT = 9.0  # of sinh; i / i0 = 8100
# Share of half a voxel between the mean lithium of a voxel and its face. On a flat face it is one
# for a steady flux, two thirds if the voxel keeps all that enters; around the edges and corners of
# rough AM the current moves to where lithium leaves more easily. With one half the curves
# agree best with those on voxels of half the edge (benchmarks/resolved.py refine).
LITHIUM_SHARE = 0.5
# Last step of the search for the lithium at a face, in its logit, and of its current, relative. Both
# steps are made, and what they leave is about their squares.
LAST_TURN, LAST_CHANGE = 5e-4, 3e-4
LARGEST_LOGIT = 18.0  # of the lithium content between its bounds


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
def potential_and_slope(y, table, y0, inverse_step):
    """U [V] and dU/dy [V] by a cubic Hermite table in the logit of the content."""
    position = (y - y0) * inverse_step
    n = min(max(int(position), 0), table.shape[0] - 2)
    t = position - n
    step = 1 / inverse_step
    u0, u1 = table[n, 0], table[n + 1, 0]
    d0, d1 = table[n, 1] * step, table[n + 1, 1] * step
    a = 2 * (u0 - u1) + d0 + d1
    b = 3 * (u1 - u0) - 2 * d0 - d1
    return u0 + t * (d0 + t * (b + t * a)), (d0 + t * (2 * b + 3 * t * a)) * inverse_step


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
    voxel, first, electrolyte, solid, weight, bare, _ = faces
    full, low, high, table, y0, inverse_step, rate, thermal = kinetics[:8]
    beta0, log_c0, star, rest, tail, inverse_c = kinetics[8:14]
    log_full, log_slope, half = kinetics.log_face, kinetics.log_slope, kinetics.half
    psi, phi, salt, c = fields
    current, slope_phi, slope_w, slope_c, ocp_slope, _ = rates
    total = 0.0
    for s in range(start, stop):
        a = voxel[s]
        in_am = 0.5 * np.exp(-log_full - log_slope * c[a])
        rounding = 1e-13 * c[a] / half  # of the difference of two lithium concentrations
        steep, norm = 0.0, 0.0
        for f in range(first[s], first[s + 1]):
            e = electrolyte[f]
            ce = max(salt[e], 1e-15)
            B, slope = diffusion_potential(ce, beta0, log_c0, star, rest, tail, inverse_c)
            drive = phi[solid[f]] - psi[e] - B
            drop = in_am if bare[f] else 0.0
            scale = weight[f] * rate * ce / np.sqrt(ce + star)
            y = logit(c[a] - half * current[f], full, low, high)
            below, above = -LARGEST_LOGIT, LARGEST_LOGIT
            for _ in range(60):
                share = 1 / (1 + np.exp(-y))
                x = low + (high - low) * share
                span = full * (high - low) * share * (1 - share)  # dc/dy
                U, dU = potential_and_slope(y, table, y0, inverse_step)
                i = (c[a] - full * x) / half
                z = thermal * (drive - drop * i - U)
                z = min(max(z, -LARGEST_ARGUMENT), LARGEST_ARGUMENT)
                i0 = scale * np.sqrt(x * (1 - x))
                up = np.exp(z)
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
                if abs(turn) <= LAST_TURN and abs(change) <= LAST_CHANGE * abs(i) + rounding:
                    break
            current[f] = i
            slope_phi[f] = g / rise
            slope_w[f] = unit * max(g * slope - kinetic * (1 / ce - 0.5 / (ce + star)), 0.0) / rise
            slope_c[f] = p / rise
            steep += g * max(-dU, 0.0) / span
            norm += g
            total += i
        ocp_slope[s] = steep / norm if norm > 0 else 0.0
    return total
