"""Butler-Volmer kinetics on the surface of particles whose lithium follows the current.

In a time step the content of the surface is ``x = base - response * i``
(:mod:`.particle_diffusion`). Together with the kinetics and the open-circuit potential this leaves
one scalar equation per cell for the current density. It is solved exactly here; both backends only
see the current and its two derivatives. :func:`react` works on arrays, :func:`reaction` is the same
for one surface, compiled.
"""

from dataclasses import dataclass

import numpy as np
from numba import njit

from analysis.electrochemistry.constants import (
    FARADAY_C_MOL,
    GAS_J_MOL_K,
    REFERENCE_MOL_M3,
)

# Where the electrolyte is empty, the infinite slope of sqrt(c_e) at zero stops Newton's method.
# Below this concentration the kinetics turn linear in c_e; at 1 mol/l they change by 5e-5.
from analysis.electrochemistry.constants import SOFT_LOGARITHM_MOL_M3 as SOFT_MOL_M3


@dataclass(frozen=True)
class Reaction:
    """Current density [A/m²] into the electrolyte and its derivatives, per electrode cell."""

    current: np.ndarray
    by_potential: np.ndarray  # d i / d (phi_s - phi_e) [S/m²]
    by_salt: np.ndarray  # d i / d c_e [A m/mol]
    content: np.ndarray  # lithium content at the surface [-]
    equilibrium_V: np.ndarray  # open-circuit potential of the surface [V]


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
    soft = c_e / np.sqrt(c_e + SOFT_MOL_M3)  # sqrt(c_e), but with a finite slope at zero
    kinetics = 2 * active.reference_current_A_m2 * soft / np.sqrt(REFERENCE_MOL_M3)
    soft_slope = 1 / c_e - 0.5 / (c_e + SOFT_MOL_M3)  # d ln(soft) / d c_e
    U = np.array(guess_V, dtype=float)
    low, high = np.full(U.shape, -np.inf), np.full(U.shape, np.inf)
    for _ in range(80):
        x, slope = active.ocp.stoichiometry_and_slope(U)
        current = (base - x) / response
        rate = kinetics * 2 * np.sqrt(x * (1 - x))
        ratio = current / rate
        excess = difference_V - U - np.arcsinh(ratio) / half_F_RT
        ratio_slope = -slope / (response * rate) - ratio * (1 - 2 * x) / (2 * x * (1 - x)) * slope
        stiff = 1 + np.maximum(ratio_slope, 0) / (half_F_RT * np.sqrt(1 + ratio**2))
        low = np.where(excess > 0, U, low)
        high = np.where(excess > 0, high, U)
        new = U + excess / stiff
        outside = (new <= low) | (new >= high)
        if np.any(outside):
            middle = 0.5 * (low + high)
            new = np.where(outside & np.isfinite(middle), middle, new)
        done = np.max(np.abs(new - U)) < 1e-11
        U = new
        if done:
            break
    x, slope = active.ocp.stoichiometry_and_slope(U)
    current = (base - x) / response
    rate = kinetics * 2 * np.sqrt(x * (1 - x))
    ratio = current / rate
    ratio_slope = -slope / (response * rate) - ratio * (1 - 2 * x) / (2 * x * (1 - x)) * slope
    root = half_F_RT * np.sqrt(1 + ratio**2)
    stiff = 1 + ratio_slope / root
    gain = -slope / (response * stiff)
    return Reaction(current, gain, gain * ratio * soft_slope / root, x, U)


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
        mix = x * (1 - x)
        rate = kinetics * np.sqrt(mix)
        ratio = (base - x) / response / rate
        excess = difference - U - np.arcsinh(ratio) / half_F_RT
        ratio_slope = -slope / (response * rate) - ratio * (1 - 2 * x) / (2 * mix) * slope
        root = half_F_RT * np.sqrt(1 + ratio * ratio)
        if excess > 0:
            low = U
        else:
            high = U
        new = U + excess / (1 + max(ratio_slope, 0.0) / root)
        if new <= low or new >= high:
            if np.isfinite(low) and np.isfinite(high):
                new = 0.5 * (low + high)
        done = abs(new - U) < 1e-11
        U = new
        if done:
            break
    x, slope = stoichiometry(U, offset, sites)
    mix = x * (1 - x)
    rate = kinetics * np.sqrt(mix)
    current = (base - x) / response
    ratio = current / rate
    ratio_slope = -slope / (response * rate) - ratio * (1 - 2 * x) / (2 * mix) * slope
    root = half_F_RT * np.sqrt(1 + ratio * ratio)
    gain = -slope / (response * (1 + ratio_slope / root))
    by_salt = gain * ratio * (1 / c - 0.5 / (c + soft)) / root
    return current, gain, by_salt, x, U
