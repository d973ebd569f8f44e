"""Butler-Volmer kinetics on the surface of particles whose lithium follows the current.

In a time step the content of the surface is ``x = base - response * i``
(:mod:`.particle_diffusion`). Together with the kinetics and the open-circuit potential this leaves
one scalar equation per cell for the current density. It is solved exactly here; both backends only
see the current and its two derivatives. The equation stands once, in :func:`mismatch` and
:func:`solution`: :func:`react` calls them with arrays, :func:`reaction` compiled, for one surface.
"""

from dataclasses import dataclass

import numpy as np
from numba import njit
from numba.extending import register_jitable

from analysis.electrochemistry.constants import (
    FARADAY_C_MOL,
    GAS_J_MOL_K,
    REFERENCE_MOL_M3,
)

# Where the electrolyte is empty, the infinite slope of sqrt(c_e) at zero stops Newton's method.
# Below this concentration the kinetics turn linear in c_e; at 1 mol/l they change by 5e-5.
from analysis.electrochemistry.constants import SOFT_LOGARITHM_MOL_M3 as SOFT_MOL_M3

# Where a potential changes the content of the surface by so little of what it changes at equilibrium,
# the current is taken from the kinetics: as a difference of two contents it would be noise.
SLUGGISH = 1e-7


@dataclass(frozen=True)
class Reaction:
    """Current density [A/m²] into the electrolyte and its derivatives, per electrode cell."""

    current: np.ndarray
    by_potential: np.ndarray  # d i / d (phi_s - phi_e) [S/m²]
    by_salt: np.ndarray  # d i / d c_e [A m/mol]
    content: np.ndarray  # lithium content at the surface [-]
    equilibrium_V: np.ndarray  # open-circuit potential of the surface [V]


@register_jitable
def mismatch(U, x, slope, difference_V, base, response, kinetics, half_F_RT):
    """
    What is missing of the driving force when the surface is at the potential `U`.

    Numbers or arrays; all of it is plain arithmetic, so that it can be compiled as it stands.

    Parameters
    ----------
    U : float
        Open-circuit potential of the surface [V].
    x, slope : float
        Its lithium content [-] and dx/dU [1/V].
    difference_V : float
        phi_s - phi_e [V].
    base, response : float
        The content at zero current and its decrease per current density [m²/A].
    kinetics : float
        Twice the exchange current density over sqrt(x (1 - x)) [A/m²].
    half_F_RT : float
        F / 2RT [1/V].

    Returns
    -------
    excess : float
        phi_s - phi_e - U, less the overpotential of the current that brings the content [V].
    stiffness : float
        Derivative of that overpotential by U [-].
    """
    rate = kinetics * np.sqrt(x * (1 - x))
    ratio = (base - x) / response / rate
    excess = difference_V - U - np.arcsinh(ratio) / half_F_RT
    return excess, stiffness_and_root(ratio, x, slope, response, rate, half_F_RT)[0]


@register_jitable
def stiffness_and_root(ratio, x, slope, response, rate, half_F_RT):
    """
    Derivative of the overpotential by U [-] and F / 2RT times sqrt(1 + ratio²) [1/V].

    `ratio` is the current over `rate`, twice the exchange current density [A/m²]; the others are
    those of :func:`mismatch`.
    """
    ratio_slope = -slope / (response * rate) - ratio * (1 - 2 * x) / (2 * (x * (1 - x))) * slope
    root = half_F_RT * np.sqrt(1 + ratio * ratio)
    return ratio_slope / root, root


@register_jitable
def solution(U, x, slope, difference_V, base, response, kinetics, half_F_RT, by_log_salt):
    """
    Current density and its slopes where the surface is at its own potential.

    Parameters
    ----------
    U, x, slope, difference_V, base, response, kinetics, half_F_RT : float
        As in :func:`mismatch`, of which `U` is the root.
    by_log_salt : float
        Derivative of ln(kinetics) by the salt concentration [m³/mol].

    Returns
    -------
    current, by_potential, by_salt : float
        [A/m²], [S/m²], [A m/mol].
    """
    rate = kinetics * np.sqrt(x * (1 - x))
    current = (base - x) / response
    sluggish = response * rate * half_F_RT < -SLUGGISH * slope
    ratio = sluggish * np.sinh(half_F_RT * (difference_V - U)) + (1 - sluggish) * (current / rate)
    current = sluggish * (rate * ratio) + (1 - sluggish) * current
    stiffness, root = stiffness_and_root(ratio, x, slope, response, rate, half_F_RT)
    gain = -slope / (response * (1 + stiffness))
    return current, gain, gain * ratio * by_log_salt / root


def react(difference_V, c_e, base, response, materials, guess_V):
    """
    Solve Butler-Volmer kinetics with a surface content that depends on the current.

    ``i = 2 i0 sinh(F (difference - U) / 2RT)`` with ``x(U) = base - response * i``. The unknown
    is the surface's own potential U, for which the content is explicit; the equation is
    monotone, and Newton's method is kept inside a shrinking bracket.

    Parameters
    ----------
    difference_V : (N,) ndarray
        phi_s - phi_e [V].
    c_e : (N,) ndarray
        Salt concentration [mol/m³], positive.
    base, response : (N,) ndarray
        Surface content at zero current [-] and its decrease per current density [m²/A].
    materials : HalfCell
        Constants and the open-circuit potential.
    guess_V : (N,) ndarray
        Starting value of U, for instance from the previous call.

    Returns
    -------
    Reaction
    """
    active = materials.active
    half_F_RT = FARADAY_C_MOL / (2 * GAS_J_MOL_K * materials.temperature_K)
    rate0 = 4 * active.reference_current_A_m2 / np.sqrt(REFERENCE_MOL_M3)
    kinetics = rate0 * c_e / np.sqrt(c_e + SOFT_MOL_M3)  # as sqrt(c_e), with a finite slope at zero
    by_log_salt = 1 / c_e - 0.5 / (c_e + SOFT_MOL_M3)
    given = difference_V, base, response, kinetics, half_F_RT
    U = np.array(guess_V, dtype=float)
    low, high = np.full(U.shape, -np.inf), np.full(U.shape, np.inf)
    for _ in range(80):
        x, slope = active.ocp.stoichiometry_and_slope(U)
        excess, stiffness = mismatch(U, x, slope, *given)
        low = np.where(excess > 0, U, low)
        high = np.where(excess > 0, high, U)
        new = U + excess / (1 + np.maximum(stiffness, 0))
        outside = (new <= low) | (new >= high)
        if np.any(outside):
            middle = 0.5 * (low + high)
            new = np.where(outside & np.isfinite(middle), middle, new)
        done = np.max(np.abs(new - U)) < 1e-11
        U = new
        if done:
            break
    x, slope = active.ocp.stoichiometry_and_slope(U)
    current, gain, by_salt = solution(U, x, slope, *given, by_log_salt)
    return Reaction(current, gain, by_salt, x, U)


@njit(cache=True)
def stoichiometry(U, offset, sites):
    """x(U) and dx/dU of the open-circuit potential."""
    x, slope = offset, 0.0
    for j in range(sites.shape[1]):
        z = sites[2, j] * (U - sites[0, j])
        if z >= 0:
            e = np.exp(-z)
            occupied = e / (1 + e)
        else:
            occupied = 1 / (1 + np.exp(z))
        x += sites[1, j] * occupied
        slope -= sites[1, j] * sites[2, j] * occupied * (1 - occupied)
    return x, slope


@njit(cache=True)
def reaction(difference, c, base, response, U, rate0, soft, half_F_RT, offset, sites):
    """Current density, its slopes, content and potential of one surface; see `react`."""
    kinetics = rate0 * c / np.sqrt(c + soft)
    low, high = -np.inf, np.inf
    for _ in range(80):
        x, slope = stoichiometry(U, offset, sites)
        excess, stiffness = mismatch(U, x, slope, difference, base, response, kinetics, half_F_RT)
        if excess > 0:
            low = U
        else:
            high = U
        new = U + excess / (1 + max(stiffness, 0.0))
        if new <= low or new >= high:
            if np.isfinite(low) and np.isfinite(high):
                new = 0.5 * (low + high)
        done = abs(new - U) < 1e-11
        U = new
        if done:
            break
    x, slope = stoichiometry(U, offset, sites)
    current, gain, by_salt = solution(
        *(U, x, slope, difference, base, response, kinetics, half_F_RT),
        1 / c - 0.5 / (c + soft),
    )
    return current, gain, by_salt, x, U
