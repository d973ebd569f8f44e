"""The record of a time integration: step sizes, the rows of the curve, profiles and counts."""

from dataclasses import dataclass, field

import numpy as np

from analysis.electrochemistry.resolved.solution import Snapshot

REALS = ("time", "step", "next_step", "error")
COUNTS = ("rejected", "unconverged", "iterations", "cycles")


@dataclass
class StepRecord:
    """What a step needs from the steps before it, fields excepted, and what they gave."""

    time: float = 0.0
    step: float = 0.0  # the last accepted one
    next_step: float = 0.0
    error: float = 0.0  # of the last step, in units of the tolerance
    rows: list = field(default_factory=list)  # one tuple per accepted step
    profiles: list = field(default_factory=list)
    rejected: int = 0
    unconverged: int = 0
    iterations: int = 0
    cycles: int = 0
    snapshots: list = field(default_factory=list)

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
