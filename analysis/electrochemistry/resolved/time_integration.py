"""Time integration of a resolved cell.

Second-order backward differences with steps chosen by the local error of voltage and salt; the
cut-off is located.
"""

import time
from dataclasses import dataclass

import numpy as np

from analysis.electrochemistry.conditions import not_carried
from analysis.electrochemistry.constants import FARADAY_C_MOL
from analysis.electrochemistry.resolved import field_sums as _cell
from analysis.electrochemistry.resolved import solution, time_differences
from analysis.electrochemistry.resolved.newton import Tolerance, solve_step
from analysis.electrochemistry.resolved.solution import ResolvedLithiation
from analysis.electrochemistry.resolved.step_record import SMALLEST_STEP_S, StepRecord
from analysis.electrochemistry.transport import fields

NEAR_CUTOFF_V = 1e-4  # of the last voltage from the cut-off
PAST_CUTOFF_V = 2e-3  # aimed at by the last step, before the cut-off is located
LARGEST_ERROR = 5.0  # of an accepted step, in units of the tolerance
SAFETY = 0.85  # of the next step, also after a rejected one
ANTICIPATION = 1 / 3  # power of the growth of the error from step to step


@dataclass(frozen=True)
class ResolvedControl:
    """
    Accuracy in time.

    Attributes
    ----------
    voltage_V : float
        Local error of the voltage per step [V].
    salt_mol_m3 : float
        Local error of the salt concentration per step, by slice [mol/m³].
    first_step_s : float
        First step [s].
    growth : float
        Largest ratio of neighboring steps.
    newton : Tolerance
        When a step has converged.
    """

    voltage_V: float = 0.6e-3
    salt_mol_m3: float = 6.0
    first_step_s: float = 0.2
    growth: float = 1.6
    newton: Tolerance = Tolerance()

    def times(self, factor):
        """The same with local errors `factor` times as large."""
        return ResolvedControl(
            self.voltage_V * factor,
            self.salt_mol_m3 * factor,
            self.first_step_s * factor ** (1 / 3),
            self.growth,
            self.newton,
        )


Control = ResolvedControl  # the name in scripts of earlier versions


class Run:
    """A time integration: the cell, its fields at two earlier steps, and the record of all."""

    def __init__(self, cell, current_mA_cm2, cutoff, control, snapshots_s, end_s):
        self.cell, self.cutoff, self.control = cell, cutoff, control
        self.current_mA_cm2 = float(current_mA_cm2)
        self.current = 10.0 * self.current_mA_cm2  # A/m²
        self.scale = self.current  # against which balances are judged
        self.stops = sorted({float(t) for t in snapshots_s} | {float(end_s)})
        self.end = float(end_s)
        self.record = StepRecord(next_step=control.first_step_s)
        pool = cell.pool
        self.now = [pool.zeros(store.shape, float) for store in cell.stores]
        for store, last in zip(cell.stores, self.now, strict=True):
            pool.whole(fields.assign, store, last)
        self.potentials = time_differences.PastPotentials(cell.psi, cell.phi, cell.voltage, pool)
        self.change, self.earlier = (  # of the last two steps
            [pool.zeros(store.shape) for store in cell.stores] for _ in range(2)
        )
        self.salt_start = cell.run(_cell.weighted_sum, cell.storage, cell.salt)
        self.lithium_start = cell.run_lithium(_cell.weighted_sum, cell.active, cell.lithium)

    def advance(self):
        """
        One accepted step; returns why the run is over, or an empty string.

        Raises
        ------
        ValueError
            If not even the first step ends above the cut-off.
        """
        record, control = self.record, self.control
        step = record.next_step
        while True:
            target = next(stop for stop in self.stops if stop > record.time * (1 + 1e-12))
            if record.time + step >= target * (1 - 1e-9):
                step = target - record.time
            elif record.time + 1.5 * step > target:
                step = 0.5 * (target - record.time)
            step = min(step, self.step_to_limit(step))
            outcome, weight = self._attempt(step)
            fallen = outcome.converged and not record.steps and self.measure() < self.cutoff
            if outcome.converged and not fallen:
                error = self.local_error(step)
                if error <= LARGEST_ERROR or step <= SMALLEST_STEP_S:
                    break
                factor = max(0.25, SAFETY * error ** (-1 / 3))
            else:
                record.unconverged += not fallen
                error, factor = np.inf, 0.4
            record.rejected += 1
            step *= factor
            if step < SMALLEST_STEP_S:
                if not record.steps:
                    raise self.refused(fallen, outcome)
                return (
                    f"the time step collapsed at {record.time:.1f} s, {self._voltage():.4f} V: "
                    f"{outcome.reason or 'time error'}, largest changes {outcome.changes}"
                )
        if self.measure() < self.cutoff:
            step, weight = self._locate(step)
        self._accept(step, weight)
        trend = min(1.0, record.error / error) if error > 0 and record.error > 0 else 1.0
        factor = SAFETY * max(error, 1e-6) ** (-1 / 3) * trend**ANTICIPATION
        record.error = error
        record.next_step = step * min(control.growth, max(0.3, factor))
        if record.steps < 4:
            record.next_step = step * control.growth
        if self.measure() <= self.cutoff + NEAR_CUTOFF_V:
            return "cut-off"
        if record.time >= self.end * (1 - 1e-12):
            return "end time"
        return ""

    def measure(self):
        """What falls to the cut-off, at the end of the step that was solved last."""
        return self.cell.voltage

    def step_to_limit(self, step):
        """The step that ends a little past the cut-off, if `step` would go farther."""
        return self.record.step_to(self.cutoff - PAST_CUTOFF_V, step)

    def local_error(self, step):
        """Local error of the step that was solved last, in units of the tolerance."""
        return self.record.local_error(step, self.cell.voltage, self.new_profiles[0], self.control)

    def refused(self, fallen, outcome):
        """The error of a current that has no first step."""
        return not_carried(self.current_mA_cm2, self.why_no_start(fallen, outcome))

    def why_no_start(self, fallen, outcome):
        """Why there is no first step."""
        if fallen:
            return (
                f"the voltage drops to {self.cell.voltage:.3f} V at once, below the cut-off of "
                f"{self.cutoff:g} V"
            )
        return (
            f"no first step of {SMALLEST_STEP_S:g} s or more has a solution "
            f"({outcome.reason}, largest changes {outcome.changes})"
        )

    def _attempt(self, step):
        """Predict and solve; returns the outcome and the weight of the time difference."""
        cell, record = self.cell, self.record
        now, change = self.now, self.change
        if not record.steps:
            weight = 1 / step
            for store, history, last in zip(cell.stores, cell.histories, now, strict=True):
                cell.pool.whole(fields.scaled, weight, last, history)
                cell.pool.whole(fields.assign, last, store)
        else:
            r = step / record.step
            factors = time_differences.parabola(
                step, record.step, record.step_before * (record.steps > 1)
            )
            weight = (1 + 2 * r) / (1 + r) / step
            u, v = weight, r**2 / (1 + r) / step  # of the last values and their last change
            excess = cell.run(
                time_differences.positive_history,
                *(u, now[0], v, change[0], cell.storage, 0.1 * weight, cell.histories[0]),
            )
            if excess > 0:  # give back what the bound added, so that no salt is made
                salt = cell.run(_cell.weighted_sum, cell.storage, cell.histories[0])
                cell.run(_cell.scale_salt, 1 - excess / salt, cell.storage, cell.histories[0])
            if len(now) > 1:
                cell.run_lithium(
                    time_differences.combine, u, now[1], v, change[1], cell.histories[1]
                )
                cell.run(
                    time_differences.extrapolate_salt,
                    *(now[0], change[0], self.earlier[0], factors, cell.salt),
                )
            cell.run_lithium(
                time_differences.extrapolate,
                *(now[-1], change[-1], self.earlier[-1], factors),
                *(cell.active, *cell.bounds, cell.lithium),
            )
        if record.steps < 3:
            factors = time_differences.NO_CHANGE  # the first changes are those of the start
        self.potentials.predict(cell.run, factors, (cell.psi, cell.phi))
        outcome = self.solve(weight)
        record.iterations += outcome.iterations
        record.cycles += outcome.cycles
        if outcome.converged:
            self.new_profiles = solution.profiles(cell)
        return outcome, weight

    def solve(self, weight):
        """Newton iterations from the predicted fields; `weight` as :func:`solve_step` takes it."""
        return solve_step(self.cell, self.current, weight, self.control.newton, self.scale)

    def _locate(self, step):
        """Solve for the step that ends at the cut-off."""
        times, volts = [0.0, step], [self.last_measure(), self.measure()]
        for _ in range(6):
            order = np.argsort(volts)
            guess = float(np.interp(self.cutoff, np.array(volts)[order], np.array(times)[order]))
            outcome, weight = self._attempt(guess)
            if not outcome.converged:
                good = times[-1]
                outcome, weight = self._attempt(good)
                return good, weight
            moved = abs(guess - times[-1])
            times.append(guess)
            volts.append(self.measure())
            if abs(volts[-1] - self.cutoff) < NEAR_CUTOFF_V or moved < 1e-7 * self.record.time:
                break
        return times[-1], weight

    def last_measure(self):
        """What :meth:`measure` gave at the end of the last accepted step."""
        return self._voltage()

    def _voltage(self):
        return self.record.rows[-1][1] if self.record.rows else np.inf

    def _accept(self, step, weight):
        cell, record = self.cell, self.record
        record.time += step
        record.step_before, record.step = record.step, step
        salt = cell.run(_cell.weighted_sum, cell.storage, cell.salt) / self.salt_start - 1
        gained = (
            cell.run_lithium(_cell.weighted_sum, cell.active, cell.lithium) - self.lithium_start
        )
        lithium = self.lithium_drift(gained * FARADAY_C_MOL * cell.voxel_thickness, step, weight)
        correction = max(abs(cell.shifts[0]), abs(cell.shifts[1]))
        record.rows.append((record.time, cell.voltage, salt, lithium, cell.kirchhoff, correction))
        record.profiles.append(self.new_profiles)
        self.change, self.earlier = self.earlier, self.change
        runs = (cell.run, cell.run_lithium)[-len(self.now) :]
        for run, *three in zip(runs, cell.stores, self.now, self.change, strict=True):
            run(time_differences.difference, *three)
        self.now, cell.stores = cell.stores, self.now
        self.potentials.remember(cell.run, cell.voltage, (cell.psi, cell.phi))
        if any(abs(record.time - stop) < 1e-6 * stop for stop in self.stops if stop < self.end):
            record.snapshots.append(solution.snapshot(cell, self.now, record.time))

    def lithium_drift(self, gained, step, weight):
        """
        Relative difference of the lithium gained [C] from the charge of an accepted step.

        `step` and `weight` are those of the step, whose end is the record's time.
        """
        charge = self.current * self.cell.columns * self.record.time
        return gained / charge - 1

    def describe(self, wall_start):
        """One line on where the run stands."""
        record = self.record
        time_s, volts = record.rows[-1][:2]
        cell = self.cell
        room = cell.bounds[1] - self.lithium_start / cell.active_voxels
        charge = room * cell.active_voxels * FARADAY_C_MOL * cell.voxel_thickness
        full_s = charge / (self.current * cell.columns)
        gone = time.perf_counter() - wall_start
        left = gone * max(min(full_s, self.end) / time_s - 1, 0)
        return (
            f"step {len(record.rows):3d}  t {time_s:8.1f} s  {volts:.4f} V  "
            f"{time_s / full_s:5.1%} of the lithium  {record.iterations} it  "
            f"{record.rejected} rejected  {gone:.0f} s gone, at most {left:.0f} s left"
        )

    def state(self):
        """Everything that the next step depends on, as named arrays."""
        parts = {"now": self.now, "change": self.change, "earlier": self.earlier}
        get = self.cell.pool.get
        return dict(
            **self.record.arrays(),
            **{f"{name}{n}": get(one) for name, of in parts.items() for n, one in enumerate(of)},
            **self.potentials.arrays(),
            response=get(self.cell.response),
            current=get(self.cell.rates.current),
            newton=np.array([self.cell.slow, self.cell.first_change]),
            starts=np.array([self.salt_start, self.lithium_start]),
        )

    def restore(self, stored):
        """Go on from what :meth:`state` gave in a run of the same case."""
        self.record.restore(stored)
        kept = {"response": self.cell.response, "current": self.cell.rates.current}
        for name in ("now", "change", "earlier"):
            kept |= {f"{name}{n}": part for n, part in enumerate(getattr(self, name))}
        for name, part in kept.items():
            self.cell.pool.whole(fields.assign, self.cell.pool.put(stored[name]), part)
        self.potentials.restore(stored)
        self.cell.slow, self.cell.first_change = bool(stored["newton"][0]), stored["newton"][1]
        self.salt_start, self.lithium_start = (float(value) for value in stored["starts"])

    def result(self, reason, cpu_s, wall_s):
        """The solution so far, with why the run ended and what it cost."""
        record, cell = self.record, self.cell
        rows = np.array(record.rows).reshape(-1, 6)
        geometry = cell.geometry
        return ResolvedLithiation(
            current_mA_cm2=self.current_mA_cm2,
            time_s=rows[:, 0],
            voltage_V=rows[:, 1],
            capacity_mAh_cm2=rows[:, 0] * self.current_mA_cm2 / 3600,
            depth_um=geometry.depth_um[:-1],
            salt_mol_m3=np.array([p[0][:-1] for p in record.profiles]),
            content=np.array([p[1][:-1] for p in record.profiles]),
            salt_drift=rows[:, 2],
            lithium_drift=rows[:, 3],
            kirchhoff=rows[:, 4],
            correction=rows[:, 5],
            reached_cutoff=reason == "cut-off",
            reason=reason,
            steps=len(rows),
            rejected=record.rejected,
            unconverged=record.unconverged,
            iterations=record.iterations,
            cycles=record.cycles,
            cells=cell.size,
            inert=dict(
                ionic=geometry.inert_ionic,
                electronic=geometry.inert_electronic,
                active=geometry.inert_active,
            ),
            cpu_s=cpu_s,
            wall_s=wall_s,
            snapshots=tuple(record.snapshots),
        )
