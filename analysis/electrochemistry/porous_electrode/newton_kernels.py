"""Compiled kernels of the fast 1D backend: reaction, residual, Jacobian, block elimination."""

import numpy as np
from numba import njit

TINY = 1e-300


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


@njit(cache=True)
def fitting(P):
    """Exponential fitting, see `layers.exponential_fitting`."""
    h = 0.5 * min(max(P, -1400.0), 1400.0)
    if abs(h) < 1e-3:
        return 1 + h * h / 3, h / 3
    coth = 1 / np.tanh(h)
    return h * coth, 0.5 * (coth - h * (coth * coth - 1))


@njit(cache=True)
def invert_into(A, B, n_columns):
    """Solve the 3 x 3 system A X = B in place of B, with row pivoting; A is destroyed."""
    for k in range(3):
        p = k
        for r in range(k + 1, 3):
            if abs(A[r, k]) > abs(A[p, k]):
                p = r
        if abs(A[p, k]) < TINY:
            return False
        if p != k:
            for j in range(3):
                A[k, j], A[p, j] = A[p, j], A[k, j]
            for j in range(n_columns):
                B[k, j], B[p, j] = B[p, j], B[k, j]
        for r in range(k + 1, 3):
            f = A[r, k] / A[k, k]
            for j in range(k, 3):
                A[r, j] -= f * A[k, j]
            for j in range(n_columns):
                B[r, j] -= f * B[k, j]
    for j in range(n_columns):
        for k in range(2, -1, -1):
            s = B[k, j]
            for m in range(k + 1, 3):
                s -= A[k, m] * B[m, j]
            B[k, j] = s / A[k, k]
    return True


@njit(cache=True)
def eliminate(lower, diagonal, upper, rhs):
    """Block tridiagonal elimination (Thomas); the solution replaces `rhs`."""
    n = rhs.shape[0]
    A, B = np.empty((3, 3)), np.empty((3, 4))
    for k in range(n):
        A[:] = diagonal[k]
        B[:, :3] = upper[k]
        B[:, 3] = rhs[k]
        if k > 0:
            for i in range(3):
                for m in range(3):
                    a = lower[k, i, m]
                    if a != 0.0:
                        for j in range(3):
                            A[i, j] -= a * upper[k - 1, m, j]
                        B[i, 3] -= a * rhs[k - 1, m]
        if not invert_into(A, B, 4):
            return False
        upper[k] = B[:, :3]
        rhs[k] = B[:, 3]
    for k in range(n - 2, -1, -1):
        for i in range(3):
            for m in range(3):
                rhs[k, i] -= upper[k, i, m] * rhs[k + 1, m]
    return True


@njit(cache=True)
def assemble(
    psi, c, phi, current, gain, by_c, c_old, step, applied, extra, geometry, faces, first, mats,
    background, faraday, lower, diagonal, upper, residual,
):  # fmt: skip
    """Residual (rows charge, salt, electrons) and its derivatives by (psi, c_e, phi_s)."""
    kap, dif, tra = mats
    width, porosity, area = geometry
    ease, left, solid_ease = faces
    n = psi.size
    lower[:] = 0.0
    diagonal[:] = 0.0
    upper[:] = 0.0
    for k in range(n):
        store = faraday * width[k] * porosity[k] / step
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
def newton(
    psi, c, phi, U, c_old, base, response, step, applied, extra, geometry, faces, first, mats,
    bet, offset, sites, numbers, tolerance, max_iterations,
):  # fmt: skip
    """
    Newton's method on one implicit step; `psi`, `c`, `phi`, `U` are changed in place.

    Returns
    -------
    iterations : int
        Zero if it did not converge.
    reaction : (4, E) ndarray
        Current, its slope by potential and by salt, content.
    """
    faraday, half_F_RT, c0, soft_log, rate0, soft, background, smallest = numbers
    n = psi.size
    n_e = n - first
    out = np.zeros((4, n_e))
    by_c = np.empty(n_e)
    lower, diagonal, upper = np.empty((n, 3, 3)), np.empty((n, 3, 3)), np.empty((n, 3, 3))
    residual = np.empty((n, 3))
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
        assemble(
            psi, c, phi, out[0], out[1], by_c, c_old, step, applied, extra, geometry, faces, first,
            mats, background, faraday, lower, diagonal, upper, residual,
        )  # fmt: skip
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
        if max(largest, salt / c0) < tolerance:
            return iteration, out
    return 0, out
