"""Compiled kernels of the fast 1D backend: residual, Jacobian and Newton's method."""

from typing import NamedTuple

import numpy as np
from numba import njit

from analysis.electrochemistry.porous_electrode.block_elimination import eliminate
from analysis.electrochemistry.porous_electrode.butler_volmer import reaction


class Fields(NamedTuple):
    """Unknowns of all cells [V, mol/m³, V], changed in place."""

    psi: np.ndarray
    salt: np.ndarray
    solid: np.ndarray


class ImplicitStep(NamedTuple):
    """
    What one implicit step starts from and what drives it.

    Attributes
    ----------
    salt_old : (N,) ndarray
        Salt at the start of the step [mol/m³].
    base, response : (E,) ndarray
        Surface content at zero current, and its decrease per current density [m²/A].
    duration : float
        Length of the step [s].
    applied : float
        Current density [A/m²].
    source : (3, N) ndarray
        Added to the balances of charge, salt and electrons [A/m²].
    """

    salt_old: np.ndarray
    base: np.ndarray
    response: np.ndarray
    duration: float
    applied: float
    source: np.ndarray


class Cells(NamedTuple):
    """Finite volumes: cells, the faces between them, and the first cell of the electrode."""

    width: np.ndarray  # [m]
    porosity: np.ndarray
    area: np.ndarray  # reacting surface per cross section
    ease: np.ndarray  # transport of the electrolyte over the distance of a face [1/m]
    left: np.ndarray  # weight of the left cell at a face
    solid_ease: np.ndarray  # [S/m²]
    first: int


class Parameters(NamedTuple):
    """Materials as plain numbers; polynomials and sites in the order in which they are used."""

    kappa: np.ndarray
    diffusivity: np.ndarray
    transference: np.ndarray
    beta: np.ndarray
    offset: float
    sites: np.ndarray
    faraday: float
    half_F_RT: float
    c0: float
    soft_logarithm: float
    rate0: float
    soft: float
    background: float
    smallest: float


# Changes up to so many tolerances that no longer fall are rounding; still below 1e-7 V.
ROUNDING = 100.0


class Rates(NamedTuple):
    """Current density of each electrode cell, its slope with the potential and with the salt."""

    current: np.ndarray
    gain: np.ndarray
    by_salt: np.ndarray


class LinearSystem(NamedTuple):
    """Block-tridiagonal matrix (N, 3, 3) and the residual (N, 3)."""

    lower: np.ndarray
    diagonal: np.ndarray
    upper: np.ndarray
    residual: np.ndarray


@njit(cache=True)
def electrolyte(c_mol_m3, kap, dif, tra):
    """kappa, D, t₊ and their derivatives by c [mol/m³]."""
    c = 1e-3 * max(c_mol_m3, 1e-12)
    root, c4 = np.sqrt(c), c * c * c * c
    top = kap[0] * c * (1 + kap[1] * root + kap[2] * c)
    top_c = kap[0] * (1 + 1.5 * kap[1] * root + 2 * kap[2] * c)
    low = 1 + kap[3] * c4
    kappa = top / low
    kappa_c = (top_c - kappa * 4 * kap[3] * c4 / c) / low
    D = dif[0] * np.exp(dif[1] * c)
    t = tra[0] + c * (tra[1] + c * (tra[2] + c * tra[3]))
    t_c = tra[1] + c * (2 * tra[2] + 3 * c * tra[3])
    return kappa, 1e-3 * kappa_c, D, 1e-3 * dif[1] * D, t, 1e-3 * t_c


@njit(cache=True)
def diffusion_potential(c_mol_m3, c0, bet, soft):
    """B(c) relative to c0 [mol/m³] and its derivative by c."""
    c, r, s = 1e-3 * c_mol_m3, 1e-3 * c0, 1e-3 * soft
    value, slope = bet[0] * np.log((c + s) / (r + s)), bet[0] / (c + s)
    pc, pr = 1.0, 1.0
    for k in range(1, bet.size):
        slope += bet[k] * pc
        pc *= c
        pr *= r
        value += bet[k] * (pc - pr) / k
    return value, 1e-3 * slope


@njit(cache=True)
def fitting(P):
    """Exponential fitting, see `layers.exponential_fitting`."""
    h = 0.5 * min(max(P, -1400.0), 1400.0)
    if abs(h) < 1e-3:
        return 1 + h * h / 3, h / 3
    coth = 1 / np.tanh(h)
    return h * coth, 0.5 * (coth - h * (coth * coth - 1))


@njit(cache=True)
def assemble(fields, rates, step, cells, parameters, system):
    """Residual (rows charge, salt, electrons) and its derivatives by (psi, c_e, phi_s)."""
    psi, c, phi = fields
    current, gain, by_c = rates
    c_old, _, _, duration, applied, extra = step
    width, porosity, area, ease, left, solid_ease, first = cells
    kap, dif, tra = parameters.kappa, parameters.diffusivity, parameters.transference
    faraday, background = parameters.faraday, parameters.background
    lower, diagonal, upper, residual = system
    n = psi.size
    lower[:] = 0.0
    diagonal[:] = 0.0
    upper[:] = 0.0
    for k in range(n):
        store = faraday * width[k] * porosity[k] / duration
        residual[k, 0] = -extra[0, k]
        residual[k, 1] = store * (c[k] - c_old[k]) - extra[1, k]
        residual[k, 2] = -extra[2, k]
        diagonal[k, 1, 1] = store
        if k < first:
            diagonal[k, 2, 2] = 1.0
            continue
        e, S = k - first, area[k]
        residual[k, 0] -= S * current[e]
        residual[k, 2] += S * current[e]
        diagonal[k, 0, 0] += S * gain[e]
        diagonal[k, 0, 1] -= S * by_c[e]
        diagonal[k, 0, 2] -= S * gain[e]
        diagonal[k, 2, 0] -= S * gain[e]
        diagonal[k, 2, 1] += S * by_c[e]
        diagonal[k, 2, 2] += S * gain[e]
    residual[n - 1, 2] += applied

    for f in range(n - 1):
        wl, wr = left[f], 1 - left[f]
        c_f = max(wl * c[f] + wr * c[f + 1], 1e-12)
        kappa, kappa_c, D, D_c, t, t_c = electrolyte(c_f, kap, dif, tra)
        rise_psi, rise_c = psi[f + 1] - psi[f], c[f + 1] - c[f]
        per_volt = (1 - t) * kappa / (faraday * D * c_f)
        factor, factor_slope = fitting(per_volt * rise_psi)
        g_psi = kappa * ease[f]
        g_charge = g_psi + background * ease[f]
        g_salt = faraday * D * factor * ease[f]
        i_e = -g_psi * rise_psi
        i_e_c = -kappa_c * ease[f] * rise_psi
        anions = -g_salt * rise_c - (1 - t) * i_e
        anions_c = -faraday * D_c * factor * ease[f] * rise_c + t_c * i_e - (1 - t) * i_e_c
        anions_psi = (1 - t) * g_psi - faraday * D * factor_slope * per_volt * ease[f] * rise_c

        i_charge = -g_charge * rise_psi
        residual[f, 0] += i_charge
        residual[f + 1, 0] -= i_charge
        residual[f, 1] += anions
        residual[f + 1, 1] -= anions
        for row, column, by_left, by_right in (
            (0, 0, g_charge, -g_charge),
            (0, 1, wl * i_e_c, wr * i_e_c),
            (1, 0, -anions_psi, anions_psi),
            (1, 1, g_salt + wl * anions_c, -g_salt + wr * anions_c),
        ):
            diagonal[f, row, column] += by_left
            upper[f, row, column] += by_right
            lower[f + 1, row, column] -= by_left
            diagonal[f + 1, row, column] -= by_right
        if f >= first:
            s = solid_ease[f]
            i_s = -s * (phi[f + 1] - phi[f])
            residual[f, 2] += i_s
            residual[f + 1, 2] -= i_s
            diagonal[f, 2, 2] += s
            upper[f, 2, 2] -= s
            lower[f + 1, 2, 2] -= s
            diagonal[f + 1, 2, 2] += s
    # The charge balances of all cells add up to those of the solid, so one is redundant: it
    # gives way to the choice of the zero of potential.
    diagonal[0, 0, :] = 0.0
    upper[0, 0, :] = 0.0
    diagonal[0, 0, 0] = 1.0
    residual[0, 0] = psi[0]


@njit(cache=True)
def newton(fields, U, step, cells, parameters, tolerance, max_iterations):
    """
    Newton's method on one implicit step; `fields` and `U` are changed in place.

    Returns
    -------
    iterations : int
        Zero if it did not converge.
    reaction : (4, E) ndarray
        Current, its slope by potential and by salt, content.
    """
    psi, c, phi = fields
    base, response, first = step.base, step.response, cells.first
    bet, offset, sites = parameters.beta, parameters.offset, parameters.sites
    half_F_RT, c0, soft_log = parameters.half_F_RT, parameters.c0, parameters.soft_logarithm
    rate0, soft, smallest = parameters.rate0, parameters.soft, parameters.smallest
    n = psi.size
    n_e = n - first
    out = np.zeros((4, n_e))
    by_c = np.empty(n_e)
    lower, diagonal, upper = np.empty((n, 3, 3)), np.empty((n, 3, 3)), np.empty((n, 3, 3))
    residual = np.empty((n, 3))
    rates = Rates(out[0], out[1], by_c)
    system = LinearSystem(lower, diagonal, upper, residual)
    smallest_change = np.inf
    for iteration in range(1, max_iterations + 1):
        for e in range(n_e):
            k = first + e
            B, B_c = diffusion_potential(c[k], c0, bet, soft_log)
            current, gain, by_salt, x, U_new = reaction(
                phi[k] - psi[k] - B, c[k], base[e], response[e], U[e], rate0, soft, half_F_RT,
                offset, sites,
            )  # fmt: skip
            out[0, e], out[1, e], out[2, e], out[3, e], U[e] = current, gain, by_salt, x, U_new
            by_c[e] = by_salt - gain * B_c
        assemble(fields, rates, step, cells, parameters, system)
        if not eliminate(lower, diagonal, upper, residual):
            return 0, out
        largest, salt = 0.0, 0.0
        for k in range(n):
            if not np.isfinite(residual[k, 0] + residual[k, 1] + residual[k, 2]):
                return 0, out
            largest = max(largest, abs(residual[k, 0]), abs(residual[k, 2]))
            salt = max(salt, abs(residual[k, 1]))
        damping = min(1.0, 0.5 / max(largest, 1e-30))
        for k in range(n):
            psi[k] -= damping * residual[k, 0]
            phi[k] -= damping * residual[k, 2]
            c[k] = max(c[k] - damping * residual[k, 1], max(0.2 * c[k], smallest))
        change = max(largest, salt / c0)
        if change < tolerance:
            return iteration, out
        # In a short step the current is a small difference of two contents. Where little salt is
        # left, its rounding moves potentials by more than the tolerance, and no iteration helps.
        if change >= 0.5 * smallest_change and smallest_change < ROUNDING * tolerance:
            return iteration, out
        smallest_change = min(smallest_change, change)
    return 0, out
