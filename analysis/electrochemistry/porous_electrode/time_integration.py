"""Time integration of the 1D half cell: second-order steps, error control, located cut-off.

The backend (FiPy or banded Newton) solves one implicit step ``u - u_old = step * rate(u)``.
Here that step is repeated with the weights of the variable-step BDF2 formula, so that backends
differ in the assembly of the equations and in nothing else.
"""

from dataclasses import dataclass, field

import numpy as np

from analysis.electrochemistry.conditions import not_carried
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


@dataclass(frozen=True)
class Control:
    """Accuracy of the time integration."""

    voltage_error_V: float = 4e-5
    salt_error_mol_m3: float = 0.4
    first_step_s: float = 1e-3
    longest_step_s: float = 2000.0
    max_steps: int = 4000
    n_modes: int = 20


@dataclass
class Integration:
    """What came out of a time integration."""

    states: list = field(default_factory=list)
    iterations: int = 0
    rejected: int = 0
    reached_cutoff: bool = False


def rest(layers, control):
    """State of the charged cell before the current is switched on."""
    active = layers.materials.active
    modes = spheres(control.n_modes)
    n_electrode = layers.active.size
    content = np.zeros((n_electrode, control.n_modes))
    content[:, 0] = active.initial_content / modes.mean[0]
    ocv = float(active.ocp.potential(active.initial_content))
    return State(
        time_s=0.0,
        psi=np.zeros(layers.n_cells),
        salt=np.full(layers.n_cells, layers.materials.electrolyte.initial_mol_m3),
        solid=np.full(n_electrode, ocv),
        modes=content,
        surface_V=np.full(n_electrode, ocv),
        current=np.zeros(n_electrode),
        voltage_V=ocv,
    )


def integrate(backend, layers, current_A_m2, *, cutoff_V, control, end_s=np.inf, times=None):
    """
    Lithiate at constant current until the cut-off voltage, the end time or the last of `times`.

    Parameters
    ----------
    backend : object
        Has ``solve(guess, salt_old, base, response, step_s, current_A_m2, time_s)``.
    layers : Layers
        The discretized half cell.
    current_A_m2 : float
        Current density, positive for lithiation.
    cutoff_V : float
        The integration ends where the voltage falls to this value; the instant is found to 1e-7 V.
    control : Control
        Tolerances.
    end_s : float
        Latest time.
    times : sequence of float, optional
        Take exactly these steps instead of choosing them.

    Returns
    -------
    Integration
    """
    out = Integration()
    try:
        start, iterations = _step(backend, layers, rest(layers, control), None, 1e-6, current_A_m2)
    except StepFailed as error:
        raise not_carried(current_A_m2 / 10, f"the start has no solution ({error})") from error
    start.time_s = 0.0
    out.iterations += iterations
    out.states.append(start)
    if not start.voltage_V > cutoff_V:  # NaN is no voltage either
        raise not_carried(
            current_A_m2 / 10,
            f"the voltage drops to {start.voltage_V:.3f} V at once, below the cut-off of "
            f"{cutoff_V:g} V",
        )
    wanted = iter(times[1:]) if times is not None else None
    step = control.first_step_s
    while len(out.states) <= control.max_steps:
        last = out.states[-1]
        if wanted is not None:
            target = next(wanted, None)
            if target is None:
                return out
            step = target - last.time_s
        elif last.time_s >= end_s:
            return out
        else:
            step = min(step, end_s - last.time_s)
        try:
            new, iterations = _step(backend, layers, last, _before(out), step, current_A_m2)
        except StepFailed as error:
            if wanted is None and step < 1e-9 and last.time_s < 1e-2:
                why = f"the first step has no solution, however short ({error})"
                raise not_carried(current_A_m2 / 10, why) from error
            if wanted is not None or step < 1e-9:
                raise
            out.rejected += 1
            step /= 4
            continue
        out.iterations += iterations
        if wanted is not None:
            out.states.append(new)
            continue
        error = _error(out.states, new, control)
        if error > 2 and step > 1e-7:
            out.rejected += 1
            step *= max(0.2, 0.8 * error ** (-1 / 3))
            continue
        if new.voltage_V < cutoff_V:
            found, iterations = _locate(backend, layers, out, step, current_A_m2, cutoff_V, new)
            out.iterations += iterations
            out.states.append(found)
            out.reached_cutoff = True
            return out
        out.states.append(new)
        step *= min(2.0, max(0.3, 0.8 * max(error, 1e-6) ** (-1 / 3)))
        step = min(step, control.longest_step_s)
    raise StepFailed(
        f"No end after {control.max_steps} steps: {out.states[-1].time_s:.1f} s, "
        f"{out.states[-1].voltage_V:.3f} V. Check the parameters, or raise Control.max_steps."
    )


def _before(out):
    return out.states[-2] if len(out.states) > 1 else None


def _step(backend, layers, last, before, step, current):
    """One step of variable-step BDF2, or of backward Euler when there is no history."""
    salt_old, modes_old, implicit = last.salt, last.modes, step
    guess = last
    if before is not None:
        ratio = step / (last.time_s - before.time_s)
        a, b = (1 + ratio) ** 2 / (1 + 2 * ratio), -(ratio**2) / (1 + 2 * ratio)
        salt_old = _positive(a * last.salt + b * before.salt, last.salt, layers)
        modes_old = a * last.modes + b * before.modes
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


def _error(states, new, control):
    """Estimated error of a step over its tolerance, from quadratic extrapolation."""
    if len(states) < 3:
        return 0.5
    t = [state.time_s for state in states[-3:]]
    w = _lagrange(t, new.time_s)

    def miss(name):
        guess = sum(wk * getattr(s, name) for wk, s in zip(w, states[-3:], strict=True))
        return np.max(np.abs(getattr(new, name) - guess))

    share = 2 / 11  # local error of BDF2 over its distance from the quadratic predictor
    return share * max(
        miss("voltage_V") / control.voltage_error_V, miss("salt") / control.salt_error_mol_m3
    )


def _lagrange(nodes, x):
    a, b, c = nodes
    return (
        (x - b) * (x - c) / ((a - b) * (a - c)),
        (x - a) * (x - c) / ((b - a) * (b - c)),
        (x - a) * (x - b) / ((c - a) * (c - b)),
    )


def _locate(backend, layers, out, step, current, cutoff_V, new):
    """Shorten the last step until it ends at the cut-off (Illinois variant of false position)."""
    last, total = out.states[-1], 0
    low, f_low = 0.0, last.voltage_V - cutoff_V
    high, f_high = step, new.voltage_V - cutoff_V
    found, side = new, 0
    for _ in range(60):
        if abs(found.voltage_V - cutoff_V) < 1e-7 or high - low < 1e-9 * step:
            break
        trial = low + (high - low) * f_low / (f_low - f_high)
        trial = min(max(trial, low + 1e-3 * (high - low)), high - 1e-3 * (high - low))
        found, iterations = _step(backend, layers, last, _before(out), trial, current)
        total += iterations
        f = found.voltage_V - cutoff_V
        if f > 0:
            low, f_low = trial, f
            f_high /= 2 if side > 0 else 1
            side = 1
        else:
            high, f_high = trial, f
            f_low /= 2 if side < 0 else 1
            side = -1
    return found, total


def terminal_voltage(layers, state, current_A_m2):
    """
    Voltage between collector and lithium metal [V].

    The lithium surface lies half a cell left of the first center, the collector half a cell
    right of the last; both are reached with the known fluxes. The lithium's overpotential is
    its Butler-Volmer equation solved for the potential, unless `layers.boundaries` has another
    law for this side; the contact at the collector is ideal unless it has one.
    """
    electrolyte, lithium = layers.materials.electrolyte, layers.materials.lithium
    c, psi = state.salt[0], state.psi[0]
    half = layers.width[0] / (2 * layers.transport[0])
    one_minus_t = 1 - electrolyte.transference(c)
    gradient = one_minus_t * current_A_m2 / (FARADAY_C_MOL * electrolyte.diffusivity_m2_s(c))
    c_wall = c + half * gradient
    psi_wall = psi + half * current_A_m2 / electrolyte.conductivity_S_m(0.5 * (c + c_wall))
    if "lithium" in layers.boundaries:
        phi_wall = -layers.boundaries["lithium"](current_A_m2, c_wall)
    else:
        rate = lithium.exchange_current_A_m2 * np.sqrt(c_wall / REFERENCE_MOL_M3)
        thermal = 2 * GAS_J_MOL_K * layers.materials.temperature_K / FARADAY_C_MOL
        phi_wall = -thermal * np.arcsinh(current_A_m2 / (2 * rate))
    offset = psi_wall + electrolyte.diffusion_potential_V(c_wall) - phi_wall
    drop = current_A_m2 * layers.width[-1] / (2 * layers.electronic[-1])
    if "collector" in layers.boundaries:
        drop += layers.boundaries["collector"](current_A_m2, state.salt[-1])
    return float(state.solid[-1] - drop - offset)
