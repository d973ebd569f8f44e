"""Time integration of a resolved cell through the segments of a current profile."""

from dataclasses import replace

import numpy as np

from analysis.electrochemistry.resolved.current_profiles.held_voltage import (
    HELD_TO_V,
    CurrentSearch,
)
from analysis.electrochemistry.resolved.newton import solve_step
from analysis.electrochemistry.resolved.time_integration import PAST_CUTOFF_V, Run


class SegmentSteps(Run):
    """
    A :class:`~analysis.electrochemistry.resolved.time_integration.Run` whose current changes.

    What falls to the cut-off there is here the voltage, in a charge its negative, and in a hold
    the current over its limit. No time difference reaches over a change of the current: a segment
    begins with a step of first order, like the lithiation of a charged cell.

    Parameters
    ----------
    cell : state.ResolvedCell
        At rest.
    control : ResolvedControl
        Accuracy.
    scale_A_m2 : float
        Largest current of the profile.
    """

    def __init__(self, cell, control, scale_A_m2):
        super().__init__(cell, 0.0, -np.inf, control, (), np.inf)
        self.scale = scale_A_m2
        self.number, self.segment, self.way, self.search = -1, None, 1, None
        self.charge = self.charge_before = 0.0  # C/m², at the last two steps
        self.passed = 0.0  # in either direction
        self.passages = []  # segment, current [A/m²] and charge [C/m²] of each step

    def start(self, number, segment, limit):
        """
        Begin a segment.

        Parameters
        ----------
        number : int
            Its number in the profile.
        segment : Segment
            What is held.
        limit : float
            Voltage, or for a hold current [A/m²], that ends it; NaN if nothing but time does.
        """
        self.number, self.segment = number, segment
        self.way = segment.direction or 1
        self.limit = limit
        if np.isnan(limit):
            self.cutoff = -np.inf
        else:
            self.cutoff = 1.0 if segment.is_hold else self.way * limit
        self.search = CurrentSearch(segment.voltage_V, self.scale) if segment.is_hold else None
        if not segment.is_hold:
            self.current_mA_cm2 = segment.current_mA_cm2
            self.current = 10.0 * segment.current_mA_cm2
        self.begin = self.record.time
        self.end = self.begin + segment.duration_s
        self.stops = [self.end]
        self.record.first = len(self.record.rows)
        self.record.next_step = min(self.control.first_step_s, 0.1 * segment.duration_s)
        self.record.error = 0.0
        self.passed_at_once = False

    def measure(self):
        """What falls to the limit, see the class."""
        if self.segment.is_hold:
            return np.inf if np.isnan(self.limit) else abs(self.current) / self.limit
        return self.way * self.cell.voltage

    def last_measure(self):
        """The same at the end of the last accepted step."""
        if not self.record.steps:
            return np.inf
        if self.segment.is_hold:
            return abs(self.passages[-1][1]) / self.limit
        return self.way * self.record.rows[-1][1]

    def step_to_limit(self, step):
        """The step that ends a little past a limit of the voltage."""
        if self.segment.is_hold or np.isnan(self.limit):
            return np.inf
        return self.record.step_to(self.cutoff - PAST_CUTOFF_V, step, self.way)

    def local_error(self, step):
        """As for a current; in a hold the error of the current counts by what it does to V."""
        error = super().local_error(step)
        if not self.segment.is_hold or self.record.steps < 3:
            return error
        # the voltages of a hold tell nothing: currents take their place in the same formula
        rows = self.record.rows[-3:]
        currents = [one[1] for one in self.passages[-3:]]
        held = replace(
            self.record,
            rows=[
                (row[0], self.search.resistance * i) for row, i in zip(rows, currents, strict=True)
            ],
            profiles=self.record.profiles[-3:],
            first=0,
        )
        volts = self.search.resistance * self.current
        error = held.local_error(step, volts, self.new_profiles[0], self.control)
        # The voltage is held to so much; an error below it is luck, and its rise tells nothing.
        return max(error, HELD_TO_V / self.control.voltage_V)

    def solve(self, weight):
        """Newton iterations at the given current, or at the one that holds the voltage."""
        if not self.segment.is_hold:
            return super().solve(weight)
        work = np.zeros(2, int)

        def attempt(current):
            scale = max(self.scale, abs(current))  # a hold may draw more than any given current
            outcome = solve_step(self.cell, current, weight, self.control.newton, scale)
            work[:] += outcome.iterations, outcome.cycles
            return outcome

        outcome, self.current, held = self.search.solve(
            self._guess(weight), attempt, lambda: self.cell.voltage
        )
        reason = outcome.reason or ("" if held else "no current holds the voltage")
        return replace(
            outcome, converged=outcome.converged and held, reason=reason,
            iterations=int(work[0]), cycles=int(work[1]),
        )  # fmt: skip

    def _guess(self, weight):
        """The current of a hold at the end of a step, from the last two."""
        if not self.passages:
            return 0.0
        if self.record.steps < 2:
            return self.passages[-1][1]
        (_, last, _), (_, before, _) = self.passages[-1], self.passages[-2]
        w = weight * self.record.step  # (1 + 2 r) / (r + r²), with r the ratio of the steps
        return last + (2 - w + np.hypot(w, 2)) / (2 * w) * (last - before)

    def refused(self, fallen, outcome):
        """As for a constant current; remembers if the limit was passed at once."""
        self.passed_at_once = fallen
        if not self.segment.is_hold:
            return super().refused(fallen, outcome)
        why = self.why_no_start(fallen, outcome)
        return ValueError(f"{self.segment.voltage_V:g} V cannot be held from the start: {why}.")

    def why_no_start(self, fallen, outcome):
        """Why there is no first step."""
        if not fallen:
            return super().why_no_start(fallen, outcome)
        if self.segment.is_hold:
            return (
                f"the current is {abs(self.current) / 10:.3g} mA/cm² at once, not more than the "
                f"limit of {self.limit / 10:g} mA/cm²"
            )
        word = "drops" if self.way > 0 else "rises"
        return f"the voltage {word} to {self.cell.voltage:.3f} V at once, past {self.limit:g} V"

    def lithium_drift(self, gained, step, weight):
        """Lithium gained against the charge, over all that passed."""
        new = self.charge + self.current / weight  # the formula that the lithium follows
        if self.record.steps:
            product = weight * step  # (1 + 2 r) / (1 + r), with r the ratio of the steps
            r = (product - 1) / (2 - product)
            new += r * r / (1 + 2 * r) * (self.charge - self.charge_before)
        self.passed += abs(new - self.charge)
        self.charge_before, self.charge = self.charge, new
        self.passages.append((self.number, self.current, new))
        columns = self.cell.columns
        return (gained - new * columns) / max(self.passed * columns, 1e-300)

    def describe(self, wall_start):
        """One line on where the run stands."""
        row = self.record.rows[-1]
        return (
            f"segment {self.number + 1}  step {self.record.steps:3d}  t {row[0]:8.1f} s  "
            f"{row[1]:.4f} V  {self.current / 10:+.3f} mA/cm²  {self.record.rejected} rejected"
        )
