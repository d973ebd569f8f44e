"""Steps of the 1D half cell at a held voltage: the current that a step needs is searched for."""

from dataclasses import replace

import numpy as np

from analysis.electrochemistry.porous_electrode.implicit_step import StepFailed, implicit_step

HELD_TO_V = 1e-7
FIRST_CHANGE_A_M2 = 0.1  # of the current, where nothing is known of the resistance yet
MOST_TRIALS = 40


class HeldVoltage:
    """
    Steps at a given voltage, on which the current of each step follows.

    The voltage after an implicit step falls with its current, nearly in proportion, so that the
    secant method needs two solutions a step. The backend stays as it is: it is asked for a step
    at a given current, as ever.

    Parameters
    ----------
    voltage_V : float
        To hold.
    """

    def __init__(self, voltage_V):
        self.voltage_V = voltage_V

    def step(self, backend, layers, last, before, step_s):
        """The state after a step whose current holds the voltage, and the work."""
        total, missed = 0, None

        def solve(current):
            nonlocal total, missed
            try:
                state, iterations = implicit_step(backend, layers, last, before, step_s, current)
            except StepFailed as error:
                missed = error
                return None, np.nan
            total += iterations
            return state, state.voltage_V - self.voltage_V

        current = _predicted(last, before, step_s)
        state, excess = solve(current)
        resistance = last.resistance_ohm_m2
        known = _Bracket()
        for _ in range(MOST_TRIALS):
            known.add(current, excess, last.applied_A_m2)
            if abs(excess) < HELD_TO_V:
                return replace(state, resistance_ohm_m2=resistance), total
            if resistance <= 0:
                change = np.copysign(FIRST_CHANGE_A_M2, excess)
            else:
                change = excess / resistance
            trial = known.inside(current + change)
            new, more = solve(trial)
            if np.isfinite(more) and abs(excess) > 10 * HELD_TO_V:
                fall = (excess - more) / (trial - current)
                resistance = fall if np.isfinite(fall) and fall > 0 else resistance
            state, excess, current = new, more, trial
        raise StepFailed(
            f"no current holds {self.voltage_V:g} V over a step of {step_s:.3g} s"
            + (f" ({missed})" if missed else "")
        )

    def refused(self, why):
        """The error of a voltage that cannot be held."""
        return ValueError(
            f"A voltage of {self.voltage_V:g} V cannot be held from the start: {why}. Bring the "
            "cell nearer to it by a current first."
        )


class _Bracket:
    """Between which currents the one lies that holds the voltage, as the trials tell."""

    def __init__(self):
        self.low, self.high = -np.inf, np.inf

    def add(self, current, excess, safe):
        """Too much voltage asks for more current; without a solution, for one nearer to `safe`."""
        more = excess > 0 if np.isfinite(excess) else current < safe
        if more:
            self.low = max(self.low, current)
        else:
            self.high = min(self.high, current)

    def inside(self, current):
        """The current, or the middle of the bracket where it lies outside."""
        if self.low < current < self.high:
            return current
        if np.isfinite(self.low) and np.isfinite(self.high):
            return 0.5 * (self.low + self.high)
        return current


def _predicted(last, before, step_s):
    if before is None:
        return last.applied_A_m2
    ratio = step_s / (last.time_s - before.time_s)
    return last.applied_A_m2 + ratio * (last.applied_A_m2 - before.applied_A_m2)
