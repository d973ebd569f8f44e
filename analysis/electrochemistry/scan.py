"""Fast backend of the 1D half cell: Newton's method on a banded matrix.

The same finite-volume residual as in :mod:`analysis.electrochemistry.porous`, with its exact
linearization. Three unknowns per cell (psi, c_e, phi_s) and coupling to neighbors only give a
matrix with five bands on either side.
"""

import numpy as np
from scipy.linalg import solve_banded

from analysis.electrochemistry.layers import BACKGROUND_S_M, exponential_fitting
from analysis.electrochemistry.materials import FARADAY_C_MOL
from analysis.electrochemistry.particles import react
from analysis.electrochemistry.stepping import StepFailed, damped_salt

_TINY = 1e-6  # relative increment for the slopes of material functions


class BandedNewton:
    """
    Solve one implicit step by Newton's method.

    Parameters
    ----------
    layers : Layers
        The discretized half cell.
    source : callable, optional
        ``source(time_s)`` returns a (3, N) array added to charge, salt and solid balances per
        area; for manufactured solutions.
    tolerance : float
        Largest last change of a potential [V] and of c_e relative to its initial value.
    """

    def __init__(self, layers, source=None, tolerance=1e-9, max_iterations=40):
        self.layers = layers
        self.source = source
        self.tolerance = tolerance
        self.max_iterations = max_iterations
        self._weight = layers.left_weight
        self._ease = layers.conductance
        self._solid_ease = layers.electronic_conductance

    def solve(self, guess, salt_old, base, response, step_s, current_A_m2, time_s):
        """Return psi, salt, solid, reaction and the number of iterations of one step."""
        layers, materials = self.layers, self.layers.materials
        first, n = layers.first, layers.n_cells
        psi, salt = guess.psi.copy(), guess.salt.copy()
        solid = np.concatenate([np.zeros(first), guess.solid])
        surface_V = guess.surface_V
        extra = np.zeros((3, n)) if self.source is None else self.source(time_s)
        rest_mol_m3 = materials.electrolyte.initial_mol_m3
        for iteration in range(1, self.max_iterations + 1):
            wet = salt[first:]
            beta_c = materials.electrolyte.diffusion_potential_slope(wet)
            B = materials.electrolyte.diffusion_potential_V(wet)
            difference = solid[first:] - psi[first:] - B
            reaction = react(difference, wet, base, response, materials, surface_V)
            surface_V = reaction.equilibrium_V
            residual, bands = self._assemble(
                psi, salt, solid, reaction, beta_c, salt_old, step_s, current_A_m2, extra
            )
            try:
                change = solve_banded(
                    (5, 5), bands, -residual, overwrite_ab=True, check_finite=False
                )
            except np.linalg.LinAlgError as error:
                raise StepFailed("singular matrix") from error
            if not np.all(np.isfinite(change)):
                raise StepFailed("the linear system gave values that are not finite")
            d_psi, d_salt, d_solid = change[0::3], change[1::3], change[2::3]
            largest = max(np.max(np.abs(d_psi)), np.max(np.abs(d_solid)))
            damping = min(1.0, 0.5 / largest) if largest > 0 else 1.0
            psi += damping * d_psi
            solid += damping * d_solid
            salt = damped_salt(salt, damping * d_salt)
            if max(largest, np.max(np.abs(d_salt)) / rest_mol_m3) < self.tolerance:
                return psi, salt, solid[first:], reaction, iteration
        raise StepFailed(f"no convergence in {self.max_iterations} iterations")

    def _assemble(self, psi, salt, solid, reaction, beta_c, salt_old, step_s, current, extra):
        layers, electrolyte = self.layers, self.layers.materials.electrolyte
        first, n = layers.first, layers.n_cells
        left, right = self._weight, 1 - self._weight

        c = layers.salt_at_faces(salt)
        both = np.concatenate([c, c * (1 + _TINY)])

        def with_slope(function):
            value = function(both)
            return value[: n - 1], (value[n - 1 :] - value[: n - 1]) / (c * _TINY)

        kappa, kappa_c = with_slope(electrolyte.conductivity_S_m)
        D, D_c = with_slope(electrolyte.diffusivity_m2_s)
        t_plus, t_c = with_slope(electrolyte.transference)

        # fluxes through faces: charge i_e, anions F N-, electrons i_s
        rise_psi, rise_c = np.diff(psi), np.diff(salt)
        g_psi = kappa * self._ease
        per_volt = (1 - t_plus) * kappa / (FARADAY_C_MOL * D * c)  # drift over diffusion
        factor, factor_slope = exponential_fitting(per_volt * rise_psi)
        g_salt = FARADAY_C_MOL * D * factor * self._ease
        i_e = -g_psi * rise_psi
        g_charge = g_psi + BACKGROUND_S_M * self._ease
        anions = -g_salt * rise_c - (1 - t_plus) * i_e
        i_s = -self._solid_ease * np.diff(solid)

        i_e_c = -kappa_c * self._ease * rise_psi
        anions_c = (
            -FARADAY_C_MOL * D_c * factor * self._ease * rise_c + t_c * i_e - (1 - t_plus) * i_e_c
        )
        fitted = FARADAY_C_MOL * D * factor_slope * per_volt * self._ease * rise_c
        anions_psi = (1 - t_plus) * g_psi - fitted  # d anions / d(rise in psi)

        area = layers.width * layers.surface  # reactive area per cell
        store = FARADAY_C_MOL * layers.width * layers.porosity / step_s
        S, i = area[first:], reaction.current
        g, by_c = reaction.by_potential, reaction.by_salt - reaction.by_potential * beta_c

        charge = np.zeros(n)
        charge[:-1] -= g_charge * rise_psi
        charge[1:] += g_charge * rise_psi
        charge[first:] -= S * i
        balance = store * (salt - salt_old)
        balance[:-1] += anions
        balance[1:] -= anions
        electrons = np.zeros(n)
        electrons[:-1] += i_s
        electrons[1:] -= i_s
        electrons[first:] += S * i
        electrons[-1] += current
        residual = np.empty(3 * n)
        residual[0::3] = charge - extra[0]
        residual[1::3] = balance - extra[1]
        residual[2::3] = electrons - extra[2]

        ab = np.zeros((11, 3 * n))  # ab[5 + row - column, column]

        def put(row, column, cell, offset, value):
            """Add to d(equation `row` of `cell`) / d(unknown `column` of `cell + offset`)."""
            ab[5 + row - column - 3 * offset, 3 * (cell + offset) + column] += value

        cells, inner = np.arange(n), np.arange(n - 1)

        def face(row, column, by_left, by_right):
            """Flux leaves the left cell and enters the right one."""
            put(row, column, inner, 0, by_left)
            put(row, column, inner, 1, by_right)
            put(row, column, inner + 1, -1, -by_left)
            put(row, column, inner + 1, 0, -by_right)

        face(0, 0, g_charge, -g_charge)
        face(0, 1, left * i_e_c, right * i_e_c)
        face(1, 0, -anions_psi, anions_psi)
        face(1, 1, g_salt + left * anions_c, -g_salt + right * anions_c)
        face(2, 2, self._solid_ease, -self._solid_ease)
        put(1, 1, cells, 0, store)
        electrode = cells[first:]
        put(0, 0, electrode, 0, S * g)
        put(0, 1, electrode, 0, -S * by_c)
        put(0, 2, electrode, 0, -S * g)
        put(2, 0, electrode, 0, -S * g)
        put(2, 1, electrode, 0, S * by_c)
        put(2, 2, electrode, 0, S * g)
        # The charge balances add up to those of the solid, so one is redundant: it gives way
        # to the choice of the zero of potential. The separator has no solid potential.
        ab[5 - np.arange(0, 6), np.arange(0, 6)] = 0.0
        residual[0] = psi[0]
        ab[5, 0] = 1.0
        put(2, 2, cells[:first], 0, 1.0)
        return residual, ab
