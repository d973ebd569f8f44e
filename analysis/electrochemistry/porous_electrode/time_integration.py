"""Time integration of the 1D half cell: second-order steps, error control, located limits.

What is applied, a current here, a voltage in :mod:`.current_profiles`, is an object that takes
one step at a time; the limit that ends the steps is a function of the state.
"""

from dataclasses import dataclass, field

import numpy as np

from analysis.electrochemistry.conditions import not_carried
from analysis.electrochemistry.porous_electrode.implicit_step import (
    State,
    StepFailed,
    implicit_step,
)
from analysis.electrochemistry.porous_electrode.particle_diffusion import spheres

MICROSECOND_S = 1e-6  # after which a switched current is looked at first


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
    reached_cutoff: bool = False  # or another limit that `gap` names


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


class ConstantCurrent:
    """Steps at a given current."""

    def __init__(self, current_A_m2):
        self.current_A_m2 = current_A_m2

    def step(self, backend, layers, last, before, step_s):
        """The state after a step, and the work."""
        return implicit_step(backend, layers, last, before, step_s, self.current_A_m2)

    def refused(self, why):
        """The error of a current that has no solution even for the shortest step."""
        return not_carried(self.current_A_m2 / 10, why)


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
    drive, start = ConstantCurrent(current_A_m2), rest(layers, control)
    loaded, iterations = first_moment(backend, layers, start, drive)
    loaded.time_s = 0.0
    if not loaded.voltage_V > cutoff_V:  # NaN is no voltage either
        raise drive.refused(
            f"the voltage drops to {loaded.voltage_V:.3f} V at once, below the cut-off of "
            f"{cutoff_V:g} V"
        )
    out = Integration([loaded], iterations)

    def gap(state):
        return state.voltage_V - cutoff_V

    go_on(backend, layers, out, drive, gap, control, end_s=end_s, times=times)
    return out


def first_moment(backend, layers, start, drive, longest_s=MICROSECOND_S):
    """
    The loaded cell, a microsecond after a current was switched.

    Parameters
    ----------
    backend, layers
        As in :func:`integrate`.
    start : State
        Before.
    drive : ConstantCurrent or another
        Has ``step`` and ``refused``.
    longest_s : float
        How much later the cell may be looked at if a microsecond is too short. Where the salt is
        used up, the currents of so short a step are lost in the rounding of the lithium content.

    Returns
    -------
    state : State
    iterations : int
    """
    step = MICROSECOND_S
    while True:
        try:
            return drive.step(backend, layers, start, None, step)
        except StepFailed as error:
            if step >= longest_s * (1 - 1e-9):
                raise drive.refused(f"the start has no solution ({error})") from error
            step = min(10 * step, longest_s)


def go_on(backend, layers, out, drive, gap, control, *, end_s=np.inf, times=None):
    """
    Take steps from the last state of `out`, to which they are added, up to a limit.

    Parameters
    ----------
    backend, layers, control, end_s, times
        As in :func:`integrate`.
    out : Integration
        Begins with the loaded cell; changed.
    drive : ConstantCurrent or another
        What is applied.
    gap : callable
        ``gap(state)`` is positive before the limit and negative past it. The instant at which it
        is zero is found to 1e-7.
    """
    begin_s = out.states[0].time_s
    wanted = iter(times[1:]) if times is not None else None
    step = control.first_step_s
    while len(out.states) <= control.max_steps:
        last = out.states[-1]
        if wanted is not None:
            target = next(wanted, None)
            if target is None:
                return
            step = target - last.time_s
        elif last.time_s >= end_s * (1 - 1e-12):
            return
        else:
            step = min(step, end_s - last.time_s)
        try:
            new, iterations = drive.step(backend, layers, last, _before(out), step)
        except StepFailed as error:
            if wanted is None and step < 1e-9 and last.time_s - begin_s < 1e-2:
                why = f"the first step has no solution, however short ({error})"
                raise drive.refused(why) from error
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
        if gap(new) < 0:
            found, iterations = _locate(backend, layers, out, step, drive, gap, new)
            out.iterations += iterations
            out.states.append(found)
            out.reached_cutoff = True
            return
        out.states.append(new)
        step *= min(2.0, max(0.3, 0.8 * max(error, 1e-6) ** (-1 / 3)))
        step = min(step, control.longest_step_s)
    raise StepFailed(
        f"No end after {control.max_steps} steps: {out.states[-1].time_s:.1f} s, "
        f"{out.states[-1].voltage_V:.3f} V. Check the parameters, or raise Control.max_steps."
    )


def _before(out):
    return out.states[-2] if len(out.states) > 1 else None


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
    volts = miss("voltage_V")
    if new.resistance_ohm_m2:  # the voltage is held: an error of the current counts for it
        volts = max(volts, new.resistance_ohm_m2 * miss("applied_A_m2"))
    return share * max(volts / control.voltage_error_V, miss("salt") / control.salt_error_mol_m3)


def _lagrange(nodes, x):
    a, b, c = nodes
    return (
        (x - b) * (x - c) / ((a - b) * (a - c)),
        (x - a) * (x - c) / ((b - a) * (b - c)),
        (x - a) * (x - b) / ((c - a) * (c - b)),
    )


def _locate(backend, layers, out, step, drive, gap, new):
    """Shorten the last step until it ends at the limit (Illinois variant of false position)."""
    last, total = out.states[-1], 0
    low, f_low = 0.0, gap(last)
    high, f_high = step, gap(new)
    found, f, side = new, f_high, 0
    for _ in range(60):
        if abs(f) < 1e-7 or high - low < 1e-9 * step:
            break
        trial = 0.5 * (low + high)
        if np.isfinite(f_high):  # else the salt at the metal is used up after `high`
            trial = low + (high - low) * f_low / (f_low - f_high)
        trial = min(max(trial, low + 1e-3 * (high - low)), high - 1e-3 * (high - low))
        found, iterations = drive.step(backend, layers, last, _before(out), trial)
        total += iterations
        f = gap(found)
        if f > 0:
            low, f_low = trial, f
            f_high /= 2 if side > 0 else 1
            side = 1
        else:
            high, f_high = trial, f
            f_low /= 2 if side < 0 else 1
            side = -1
    return found, total
