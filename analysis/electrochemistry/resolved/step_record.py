"""The record of a time integration: step sizes, the rows of the curve, profiles and counts."""

from dataclasses import dataclass, field

import numpy as np

from analysis.electrochemistry.resolved.solution import Snapshot

SMALLEST_STEP_S = 1e-3
REALS = ("time", "step", "step_before", "next_step", "error")
COUNTS = ("rejected", "unconverged", "iterations", "cycles")


@dataclass
class StepRecord:
    """What a step needs from the steps before it, fields excepted, and what they gave."""

    time: float = 0.0
    step: float = 0.0  # the last accepted one
    step_before: float = 0.0
    next_step: float = 0.0
    error: float = 0.0  # of the last step, in units of the tolerance
    rows: list = field(default_factory=list)  # one tuple per accepted step
    profiles: list = field(default_factory=list)
    rejected: int = 0
    unconverged: int = 0
    iterations: int = 0
    cycles: int = 0
    snapshots: list = field(default_factory=list)
    first: int = 0  # row with which the present current began

    @property
    def steps(self):
        """Accepted steps at the present current; what lies before it predicts nothing."""
        return len(self.rows) - self.first

    def arrays(self):
        """The record as named arrays, for a checkpoint."""
        out = dict(
            scalars=np.array([getattr(self, name) for name in REALS + COUNTS], float),
            rows=np.array(self.rows, float),
            salt=np.array([p[0] for p in self.profiles]),
            content=np.array([p[1] for p in self.profiles]),
        )
        for n, snapshot in enumerate(self.snapshots):
            out[f"snapshot{n}"] = np.stack(
                [snapshot.salt_mol_m3, snapshot.content, snapshot.electrolyte_V, snapshot.solid_V]
            )
            out[f"snapshot{n}_time"] = np.array(snapshot.time_s)
        return out

    def restore(self, stored):
        """Take over what :meth:`arrays` gave."""
        for name, value in zip(REALS + COUNTS, stored["scalars"], strict=True):
            setattr(self, name, float(value) if name in REALS else int(value))
        self.rows = [tuple(row) for row in stored["rows"]]
        self.profiles = list(zip(stored["salt"], stored["content"], strict=True))
        self.snapshots = []
        while f"snapshot{len(self.snapshots)}" in stored:
            n = len(self.snapshots)
            self.snapshots.append(
                Snapshot(float(stored[f"snapshot{n}_time"]), *stored[f"snapshot{n}"])
            )

    def step_to(self, voltage_V, step, way=1):
        """
        The step after which a parabola through the last voltages has fallen to another one.

        Infinite if it is still above after `step`, or there are too few voltages. With a `way` of
        -1 voltages rise: they and `voltage_V` are taken with the opposite sign.
        """
        if self.steps < 4:
            return np.inf
        t, volts = (
            np.array(part) for part in zip(*(row[:2] for row in self.rows[-3:]), strict=True)
        )
        volts = way * volts

        def voltage(part):
            return _extrapolate(np.append(t, t[-1] + part), volts)

        if voltage(step) >= voltage_V:
            return np.inf
        low, high = 0.0, step
        for _ in range(40):
            middle = 0.5 * (low + high)
            low, high = (middle, high) if voltage(middle) >= voltage_V else (low, middle)
        return max(high, SMALLEST_STEP_S)

    def local_error(self, step, voltage_V, salt_mol_m3, control):
        """
        Local error of a step in units of the tolerance, from the third differences.

        Parameters
        ----------
        step : float
            Its length [s].
        voltage_V : float
            Voltage at its end.
        salt_mol_m3 : (Z,) ndarray
            Mean salt of each slice at its end.
        control : time_integration.ResolvedControl
            Tolerances.

        Returns
        -------
        error : float
            Zero while there are too few steps to tell.
        """
        if self.steps < 3:
            return 0.0
        t = np.array([row[0] for row in self.rows[-3:]] + [self.time + step])
        h = np.diff(t)
        share = h[2] / (h.sum() * (1 + 2 * h[2] / h[1]) * h[1] / (h[1] + h[2]))
        old = [row[1] for row in self.rows[-3:]]
        volts = abs(voltage_V - _extrapolate(t, old))
        salt = np.abs(salt_mol_m3 - _extrapolate(t, [p[0] for p in self.profiles[-3:]]))
        return share * max(volts / control.voltage_V, np.nanmax(salt) / control.salt_mol_m3)


def _extrapolate(t, values):
    """Parabola through three points, at the fourth time."""
    out = 0.0
    for a in range(3):
        weight = 1.0
        for b in range(3):
            if a != b:
                weight *= (t[3] - t[b]) / (t[a] - t[b])
        out = out + weight * values[a]
    return out
