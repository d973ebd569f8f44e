"""Spherical particles of active material and the reaction on their surface.

Diffusion in the sphere is linear, so a time step changes the surface content by a known amount
per unit of current: ``x = base - response * i``. Together with Butler-Volmer kinetics and the
open-circuit potential this leaves one scalar equation per cell for the current density. It is
solved exactly here; both backends of the 1D model only see the current and its two derivatives.
"""

from dataclasses import dataclass
from functools import lru_cache

import numpy as np

from analysis.electrochemistry.materials import FARADAY_C_MOL, GAS_J_MOL_K

# Where the electrolyte is empty, the infinite slope of sqrt(c_e) at zero stops Newton's method.
# Below this concentration the kinetics turn linear in c_e; at 1 mol/l they change by 5e-5.
SOFT_MOL_M3 = 0.1


@dataclass(frozen=True)
class Spheres:
    """
    Eigenmodes of diffusion in the unit sphere, from a polynomial Galerkin method.

    Mode 0 is the mean content, so that lithium is conserved to rounding; the number of modes
    decides how thin a boundary layer at the surface is resolved.

    Parameters
    ----------
    rate : (K,) ndarray
        Decay rates in units of D_s / R²; the first is zero.
    surface : (K,) ndarray
        Value of each mode at the surface.
    mean : (K,) ndarray
        Volume average of each mode; zero but for the first.
    """

    rate: np.ndarray
    surface: np.ndarray
    mean: np.ndarray


@lru_cache
def spheres(n_modes=20):
    """
    Diffusion modes of the unit sphere in even polynomials of the radius.

    Parameters
    ----------
    n_modes : int
        Number of modes kept; the polynomials have degree ``2 (n_modes - 1)``.

    Returns
    -------
    Spheres
    """
    from scipy.linalg import eigh
    from scipy.special import eval_jacobi

    nodes, weights = np.polynomial.legendre.leggauss(4 * n_modes + 4)
    r, weights = 0.5 * (nodes + 1), 0.5 * weights
    order = np.arange(n_modes)[:, None]
    s = 2 * r**2 - 1
    norm = np.sqrt(4 * order + 3)  # makes P_n^(0,1/2)(2r²-1) orthonormal under r² dr
    slope = np.where(
        order > 0,
        0.5 * (order + 1.5) * eval_jacobi(np.maximum(order - 1, 0), 1, 1.5, s) * 4 * r,
        0.0,
    )
    slope = slope * norm
    stiffness = (slope * (weights * r**2)) @ slope.T
    rate, vectors = eigh(stiffness)
    rate[0] = 0.0
    vectors[:, 0] = 0.0
    vectors[0, 0] = 1.0
    at_surface = vectors.T @ norm[:, 0]
    mean = np.zeros(n_modes)
    mean[0] = 3 * norm[0, 0] / 3  # 3 ∫ sqrt(3) r² dr
    return Spheres(rate, at_surface, mean)


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
    standard = materials.electrolyte.initial_mol_m3
    soft = c_e / np.sqrt(c_e + SOFT_MOL_M3)  # sqrt(c_e), but with a finite slope at zero
    kinetics = 2 * active.exchange_current_A_m2 * soft / np.sqrt(standard)
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
