"""One implicit step of the 1D half cell, by whichever backend, and the voltage after it.

The backend (FiPy or banded Newton) solves one implicit step ``u - u_old = step * rate(u)``.
Here that step is taken with the weights of the variable-step BDF2 formula, so that backends
differ in the assembly of the equations and in nothing else.
"""

from dataclasses import dataclass

import numpy as np

from analysis.electrochemistry.constants import FARADAY_C_MOL, GAS_J_MOL_K, REFERENCE_MOL_M3
from analysis.electrochemistry.porous_electrode.particle_diffusion import spheres

SMALLEST_MOL_M3 = 1e-12  # keeps square roots and logarithms of c_e finite


def damped_salt(salt, change):
    """Newton update of the salt concentration that stays positive."""
    return np.maximum(salt + change, np.maximum(0.2 * salt, SMALLEST_MOL_M3))


class StepFailed(RuntimeError):
    """An implicit step did not converge; the caller may try a shorter one."""


@dataclass
class State:
    """Unknowns at one time; potentials of all cells, the solid's in electrode cells."""

    time_s: float
    psi: np.ndarray  # [V] reduced electrolyte potential phi_e - B(c_e)
    salt: np.ndarray  # [mol/m³]
    solid: np.ndarray  # [V]
    modes: np.ndarray  # (n_electrode, K) diffusion modes of the lithium content [-]
    surface_V: np.ndarray  # [V] open-circuit potential at the particle surface
    current: np.ndarray  # [A/m²] reaction current density per true interface
    voltage_V: float = np.nan
    applied_A_m2: float = 0.0  # current of the step that ends here
    charge_C_m2: float = 0.0  # put in since the start, by the same formula as the lithium
    resistance_ohm_m2: float = 0.0  # fall of a held voltage per current; zero at given current


def implicit_step(backend, layers, last, before, step, current):
    """One step of variable-step BDF2, or of backward Euler when there is no history."""
    salt_old, modes_old, charge, implicit = last.salt, last.modes, last.charge_C_m2, step
    guess = last
    if before is not None:
        ratio = step / (last.time_s - before.time_s)
        a, b = (1 + ratio) ** 2 / (1 + 2 * ratio), -(ratio**2) / (1 + 2 * ratio)
        salt_old = _positive(a * last.salt + b * before.salt, last.salt, layers)
        modes_old = a * last.modes + b * before.modes
        charge = a * last.charge_C_m2 + b * before.charge_C_m2
        implicit = step * (1 + ratio) / (1 + 2 * ratio)
        guess = _extrapolated(last, before, ratio)
    material = layers.materials.active
    sphere = spheres(last.modes.shape[1])
    decay = 1 / (1 + implicit * sphere.rate * material.diffusion_m2_s / layers.radius**2)
    # lithium leaving the spheres' surface per current density on the true interface, over c_max
    surface = np.maximum(layers.surface[layers.first :], 1.0)
    per_current = surface / (3 * layers.active * FARADAY_C_MOL * material.max_concentration_mol_m3)
    base = modes_old @ (sphere.surface * decay)
    response = implicit * per_current * np.sum(sphere.surface**2 * decay)
    time = last.time_s + step
    psi, salt, solid, reaction, iterations = backend.solve(
        guess, salt_old, base, response, implicit, current, time
    )
    gain = implicit * per_current * reaction.current
    modes = (modes_old - gain[:, None] * sphere.surface) * decay
    state = State(time, psi, salt, solid, modes, reaction.equilibrium_V, reaction.current)
    state.voltage_V = terminal_voltage(layers, state, current)
    state.applied_A_m2, state.charge_C_m2 = current, charge + implicit * current
    return state, iterations


def _positive(salt, last, layers):
    """
    Keep the history of BDF2 positive, and its salt.

    The formula extrapolates, which in a nearly empty cell may give less than nothing. The little
    that is added there (some 1e-9 of all salt) is taken from all cells in proportion.
    """
    limited = np.maximum(salt, 0.1 * last)
    store = layers.width * layers.porosity
    return limited * (store @ salt) / (store @ limited)


def _extrapolated(last, before, ratio):
    """Linear extrapolation as a starting point; a concentration loses at most 70 %."""

    def ahead(name):
        new, old = getattr(last, name), getattr(before, name)
        return new + ratio * (new - old)

    return State(
        last.time_s,
        ahead("psi"),
        np.maximum(ahead("salt"), 0.3 * last.salt),
        ahead("solid"),
        last.modes,
        last.surface_V,
        last.current,
    )


def terminal_voltage(layers, state, current_A_m2):
    """
    Voltage between collector and lithium metal [V].

    The collector lies half a cell right of the last center and is reached with the known flux; its
    contact is ideal unless `layers.boundaries` has a law for this side. It is infinite where
    :func:`metal_potential` is minus infinity.
    """
    drop = current_A_m2 * layers.width[-1] / (2 * layers.electronic[-1])
    if "collector" in layers.boundaries:
        drop += layers.boundaries["collector"](current_A_m2, state.salt[-1])
    return float(state.solid[-1] - drop - metal_potential(layers, state, current_A_m2))


def metal_potential(layers, state, current_A_m2):
    """
    Potential of the lithium metal [V] on the scale on which psi of the first cell is zero.

    The lithium surface lies half a cell left of the first center and is reached with the known
    fluxes. Its overpotential is its Butler-Volmer equation solved for the potential, unless
    `layers.boundaries` has another law for this side. Where a charge plates lithium faster than
    salt diffuses to the metal there is none: minus infinity.
    """
    electrolyte, lithium = layers.materials.electrolyte, layers.materials.lithium
    c, psi = state.salt[0], state.psi[0]
    half = layers.width[0] / (2 * layers.transport[0])
    one_minus_t = 1 - electrolyte.transference(c)
    gradient = one_minus_t * current_A_m2 / (FARADAY_C_MOL * electrolyte.diffusivity_m2_s(c))
    c_wall = c + half * gradient
    if c_wall <= 0:
        return -np.inf
    psi_wall = psi + half * current_A_m2 / electrolyte.conductivity_S_m(0.5 * (c + c_wall))
    if "lithium" in layers.boundaries:
        phi_wall = -layers.boundaries["lithium"](current_A_m2, c_wall)
    else:
        rate = lithium.exchange_current_A_m2 * np.sqrt(c_wall / REFERENCE_MOL_M3)
        thermal = 2 * GAS_J_MOL_K * layers.materials.temperature_K / FARADAY_C_MOL
        phi_wall = -thermal * np.arcsinh(current_A_m2 / (2 * rate))
    return psi_wall + electrolyte.diffusion_potential_V(c_wall) - phi_wall
