"""Lithiation of the resolved half cell: labels and a current in, voltage against time out.

Second-order backward differences with steps chosen by the local error of voltage and salt;
the cut-off is located, and a run that was killed goes on from its last checkpoint.
"""

import hashlib
import os
import time
from dataclasses import dataclass, field

import numpy as np
import psutil

from analysis.electrochemistry import checkpoint, domain, grid
from analysis.electrochemistry._stencil import kernel
from analysis.electrochemistry._team import Team
from analysis.electrochemistry.materials import DEFAULT
from analysis.electrochemistry.newton import FARADAY, ResolvedCell, Tolerance

BYTES_PER_CELL = 320
BYTES_PER_VOXEL = 90  # of the lithium, where voxels are joined
SMALLEST_STEP_S = 1e-3
NEAR_CUTOFF_V = 1e-4  # of the last voltage from the cut-off
LARGEST_ERROR = 5.0  # of an accepted step, in units of the tolerance
SAFETY = 0.85  # of the next step
ANTICIPATION = 1 / 3  # power of the growth of the error from step to step


@dataclass(frozen=True)
class Control:
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
        return Control(
            self.voltage_V * factor,
            self.salt_mol_m3 * factor,
            self.first_step_s * factor ** (1 / 3),
            self.growth,
            self.newton,
        )


@dataclass(frozen=True)
class Lithiation:
    """
    One lithiation of a resolved cell.

    Attributes
    ----------
    current_mA_cm2 : float
        Current density.
    time_s, voltage_V, capacity_mAh_cm2 : (T,) ndarray
        The curve, from the first step on.
    depth_um : (Z,) ndarray
        Depth of the slices from the separator side of the electrode; negative in the separator.
    salt_mol_m3, content : (T, Z) ndarray
        Mean salt concentration of the electrolyte and mean lithium content of the AM by slice;
        NaN where a slice has none.
    salt_drift, lithium_drift, kirchhoff : (T,) ndarray
        Salt against its start, lithium in the AM against the charge, and the larger mismatch of
        the currents of both electrodes against the current, all relative.
    correction : (T,) ndarray
        Largest relative change of salt or lithium made by the global balance of the step.
    reached_cutoff : bool
        Whether the voltage came down to the cut-off.
    reason : str
        Why the run ended.
    steps, rejected, unconverged, iterations, cycles : int
        Accepted steps, rejected ones, those among them without convergence, Newton iterations,
        V-cycles.
    cells : int
        Cells of the grid.
    inert : dict
        Shares cut off, by name.
    cpu_s, wall_s : float
        Cost of the run, without what was done before a resume.
    snapshots : tuple of Snapshot
        Fields at the times that were asked for.
    """

    current_mA_cm2: float
    time_s: np.ndarray
    voltage_V: np.ndarray
    capacity_mAh_cm2: np.ndarray
    depth_um: np.ndarray
    salt_mol_m3: np.ndarray
    content: np.ndarray
    salt_drift: np.ndarray
    lithium_drift: np.ndarray
    kirchhoff: np.ndarray
    correction: np.ndarray
    reached_cutoff: bool
    reason: str
    steps: int
    rejected: int
    unconverged: int
    iterations: int
    cycles: int
    cells: int
    inert: dict
    cpu_s: float
    wall_s: float
    snapshots: tuple = ()


@dataclass(frozen=True)
class Snapshot:
    """Fields of the electrode at one time, float32; NaN outside their phases."""

    time_s: float
    salt_mol_m3: np.ndarray
    content: np.ndarray
    electrolyte_V: np.ndarray
    solid_V: np.ndarray


@dataclass
class March:
    """Everything that a step needs from the steps before it."""

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


def lithiate(
    labels,
    gamma,
    current_mA_cm2,
    *,
    voxel_size_um,
    materials=DEFAULT,
    cutoff_V=None,
    control=None,
    threads=None,
    snapshots_s=(),
    end_s=np.inf,
    largest_inert=0.2,
    joined=1,
    checkpoint_path=None,
    checkpoint_every_s=300.0,
    progress=None,
):
    """
    Lithiate a resolved half cell at constant current down to the cut-off.

    Parameters
    ----------
    labels : (Z, Y, X) ndarray of uint8
        Phase of each voxel; slice 0 touches the separator.
    gamma : float
        Effective transport parameter of the electrolyte in the CBD [-].
    current_mA_cm2 : float
        Lithiation current density, positive.
    voxel_size_um : float
        Voxel edge [µm].
    materials : materials.HalfCell
        Parameters.
    cutoff_V : float, optional
        Lower cut-off; by default that of `materials`.
    control : Control, optional
        Accuracy.
    threads : int, optional
        Threads; by default as many as cores, at most four.
    snapshots_s : sequence of float
        Times at which to keep all fields.
    end_s : float
        End time.
    largest_inert : float
        Largest share of electrolyte or solid that may be cut off.
    joined : int
        Voxels along the edge of the cells on which potentials and salt are solved; the lithium and
        the reaction stay on the voxels (:mod:`analysis.electrochemistry.parts`).
    checkpoint_path : path, optional
        File to resume from if it exists, and to write to during the run; removed at the end.
    checkpoint_every_s : float
        Wall time between checkpoints.
    progress : callable, optional
        Receives one line of text per step.

    Returns
    -------
    lithiation : Lithiation
        Curve, profiles, balances and cost. A run whose time step collapses ends early and says
        so in ``reason``.

    Raises
    ------
    ValueError
        For labels, gamma, separator or current that make no cell; for a cut-off above the
        open-circuit voltage; for a checkpoint of another case.
    MemoryError
        If the volume needs more memory than is available.
    """
    control = control or Control()
    cutoff = materials.cutoff_V if cutoff_V is None else float(cutoff_V)
    check_current(current_mA_cm2)
    rest = float(materials.active.ocp.potential(materials.active.initial_content))
    if not cutoff < rest:
        raise ValueError(
            f"The cut-off {cutoff:g} V is not below the open-circuit voltage {rest:.3f} V of the "
            "charged cell; expected a lower cut-off, or a lower initial lithium content."
        )
    geometry = domain.build(
        labels,
        gamma,
        voxel_size_um=voxel_size_um,
        cell=materials,
        largest_inert=largest_inert,
        joined=joined,
    )
    check_memory(geometry.shape, geometry.voxels if joined > 1 else None)
    start = time.perf_counter(), time.process_time()
    cell = ResolvedCell(geometry, materials, Team(threads))
    cell.set_rest(materials.active.initial_content)
    run = _Run(cell, current_mA_cm2, cutoff, control, snapshots_s, end_s)
    case = (gamma, current_mA_cm2, voxel_size_um, materials, control, cutoff, joined)
    mark = _fingerprint(labels, *case)
    if checkpoint_path is not None and os.path.exists(checkpoint_path):
        checkpoint.load(checkpoint_path, run, mark)
    saved = time.perf_counter()
    reason = ""
    while not reason:
        reason = run.advance()
        if progress is not None and run.march.rows:
            progress(run.describe(start[0]))
        if checkpoint_path is not None and not reason:
            if time.perf_counter() - saved >= checkpoint_every_s:
                checkpoint.save(checkpoint_path, run, mark)
                saved = time.perf_counter()
    if checkpoint_path is not None and os.path.exists(checkpoint_path):
        os.remove(checkpoint_path)
    return run.result(reason, time.process_time() - start[1], time.perf_counter() - start[0])


class _Run:
    """A march through time: fields of two earlier steps, and the rows of the curve."""

    def __init__(self, cell, current_mA_cm2, cutoff, control, snapshots_s, end_s):
        self.cell, self.cutoff, self.control = cell, cutoff, control
        self.current_mA_cm2 = float(current_mA_cm2)
        self.current = 10.0 * self.current_mA_cm2  # A/m²
        self.stops = sorted({float(t) for t in snapshots_s} | {float(end_s)})
        self.end = float(end_s)
        self.march = March(next_step=control.first_step_s)
        self.now = [store.copy() for store in cell.stores]
        self.before = [store.copy() for store in cell.stores]
        self.old = [cell.psi.astype("f4"), cell.phi.astype("f4")]
        self.trend = [np.zeros_like(part) for part in self.old]
        self.salt_start = cell._run(weighted, cell.storage, cell.salt)
        self.lithium_start = cell._run_lithium(weighted, cell.active, cell.lithium)
        self.profile_start = self._profiles()

    def advance(self):
        """One accepted step; returns why the run is over, or an empty string."""
        march, control = self.march, self.control
        step = march.next_step
        while True:
            target = next(stop for stop in self.stops if stop > march.time * (1 + 1e-12))
            if march.time + step >= target * (1 - 1e-9):
                step = target - march.time
            elif march.time + 1.5 * step > target:
                step = 0.5 * (target - march.time)
            outcome, weight = self._attempt(step)
            if outcome.converged:
                error = self._error(step)
                if error <= LARGEST_ERROR or step <= SMALLEST_STEP_S:
                    break
                factor = max(0.25, 0.85 * error ** (-1 / 3))
            else:
                march.unconverged += 1
                error, factor = np.inf, 0.4
            march.rejected += 1
            step *= factor
            if step < SMALLEST_STEP_S:
                return (
                    f"the time step collapsed at {march.time:.1f} s, {self._voltage():.4f} V: "
                    f"{outcome.reason or 'time error'}, largest changes {outcome.changes}"
                )
        if self.cell.voltage < self.cutoff:
            step, weight = self._locate(step)
        self._accept(step, weight)
        trend = min(1.0, march.error / error) if error > 0 and march.error > 0 else 1.0
        factor = SAFETY * max(error, 1e-6) ** (-1 / 3) * trend**ANTICIPATION
        march.error = error
        march.next_step = step * min(control.growth, max(0.3, factor))
        if len(march.rows) < 4:
            march.next_step = step * control.growth
        if self.cell.voltage <= self.cutoff + NEAR_CUTOFF_V:
            return "cut-off"
        if march.time >= self.end * (1 - 1e-12):
            return "end time"
        return ""

    def _attempt(self, step):
        """Predict and solve; returns the outcome and the weight of the time difference."""
        cell, march = self.cell, self.march
        now, before = self.now, self.before
        if not march.rows:
            weight = 1 / step
            for store, history, last in zip(cell.stores, cell.histories, now, strict=True):
                np.multiply(last, weight, out=history)
                np.copyto(store, last)
            ratio = 0.0
        else:
            r = step / march.step
            weight = (1 + 2 * r) / (1 + r) / step
            u, v = (1 + r) / step, -(r**2) / (1 + r) / step
            excess = cell._run(
                positive_history,
                *(u, now[0], v, before[0], cell.storage, 0.1 * weight, cell.histories[0]),
            )
            if excess > 0:  # give back what the bound added, so that no salt is made
                salt = cell._run(weighted, cell.storage, cell.histories[0])
                cell._run(scale_wet, 1 - excess / salt, cell.storage, cell.histories[0])
            if len(now) > 1:
                cell._run_lithium(combine, u, now[1], v, before[1], cell.histories[1])
                cell._run(extrapolate_salt, now[0], before[0], r, cell.salt)
            cell._run_lithium(
                extrapolate, now[-1], before[-1], r, cell.active, *cell.bounds, cell.lithium
            )
            ratio = r if len(march.rows) > 2 else 0.0
        for potential, old, trend in zip((cell.psi, cell.phi), self.old, self.trend, strict=True):
            cell._run(combine, 1.0, old, ratio, trend, potential)
        outcome = cell.solve_step(self.current, weight, self.control.newton)
        march.iterations += outcome.iterations
        march.cycles += outcome.cycles
        if outcome.converged:
            self.new_profiles = self._profiles()
        return outcome, weight

    def _locate(self, step):
        """Solve for the step that ends at the cut-off."""
        times, volts = [0.0, step], [self._voltage(), self.cell.voltage]
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
            volts.append(self.cell.voltage)
            if abs(volts[-1] - self.cutoff) < NEAR_CUTOFF_V or moved < 1e-7 * self.march.time:
                break
        return times[-1], weight

    def _voltage(self):
        return self.march.rows[-1][1] if self.march.rows else np.inf

    def _error(self, step):
        """Local error of the step in units of the tolerance, from the third differences."""
        march, control = self.march, self.control
        if len(march.rows) < 3:
            return 0.0
        t = np.array([row[0] for row in march.rows[-3:]] + [march.time + step])
        h = np.diff(t)
        share = h[2] / (h.sum() * (1 + 2 * h[2] / h[1]) * h[1] / (h[1] + h[2]))
        old = [row[1] for row in march.rows[-3:]]
        volts = abs(self.cell.voltage - _extrapolate(t, old))
        salt = np.abs(self.new_profiles[0] - _extrapolate(t, [p[0] for p in march.profiles[-3:]]))
        return share * max(volts / control.voltage_V, np.nanmax(salt) / control.salt_mol_m3)

    def _accept(self, step, weight):
        cell, march = self.cell, self.march
        march.time += step
        march.step = step
        salt = cell._run(weighted, cell.storage, cell.salt) / self.salt_start - 1
        gained = cell._run_lithium(weighted, cell.active, cell.lithium) - self.lithium_start
        charge = self.current * cell.columns * march.time
        lithium = gained * FARADAY * cell.voxel_thickness / charge - 1
        correction = max(abs(cell.shifts[0]), abs(cell.shifts[1]))
        march.rows.append((march.time, cell.voltage, salt, lithium, cell.kirchhoff, correction))
        march.profiles.append(self.new_profiles)
        self.before, self.now, cell.stores = self.now, cell.stores, self.before
        for part, old, trend in zip((cell.psi, cell.phi), self.old, self.trend, strict=True):
            cell._run(combine, 1.0, part, -1.0, old, trend)
            cell._run(combine, 1.0, part, 0.0, part, old)
        if any(abs(march.time - stop) < 1e-6 * stop for stop in self.stops if stop < self.end):
            march.snapshots.append(self._snapshot())

    def _profiles(self):
        """Mean salt of the electrolyte and mean content of the AM by slice of cells."""
        cell = self.cell
        salt, amount = np.zeros((2, cell.nz))
        slice_sums(cell.salt, cell.storage, salt, amount)
        lithium, count = np.zeros((2, cell.voxel_nz))
        slice_sums(cell.lithium, cell.active, lithium, count)
        joined = cell.geometry.joined
        if joined > 1:
            lithium, count = (
                np.concatenate(
                    [
                        np.zeros(cell.geometry.n_separator),
                        part.reshape(-1, joined).sum(axis=1),
                        np.zeros(1),
                    ]
                )
                for part in (lithium, count)
            )
        with np.errstate(invalid="ignore"):
            return salt / amount, lithium / count / cell.kinetics.full

    def _snapshot(self):
        cell = self.cell
        part = (cell.geometry.electrode, slice(1, -1), slice(1, -1))
        lithium = self.now[-1][1:-1, 1:-1, 1:-1] * (cell.active[1:-1, 1:-1, 1:-1] > 0)
        share = cell.active[1:-1, 1:-1, 1:-1]
        if cell.geometry.joined > 1:
            lithium, share = (
                grid.block_means(values, cell.geometry.joined) for values in (lithium, share)
            )
        else:
            n = cell.geometry.n_separator
            lithium, share = lithium[n:-1], share[n:-1]
        c, wet = self.now[0][part], cell.storage[part] > 0
        shift = np.zeros(c.shape)
        shift[wet] = cell.materials.electrolyte.diffusion_potential_V(np.maximum(c[wet], 1e-12))
        with np.errstate(invalid="ignore"):
            content = lithium / share / cell.kinetics.full
        return Snapshot(
            self.march.time,
            np.where(wet, c, np.nan).astype("f4"),
            content.astype("f4"),
            np.where(wet, cell.psi[part] + shift, np.nan).astype("f4"),
            np.where(cell.solid[part], cell.phi[part], np.nan).astype("f4"),
        )

    def describe(self, wall_start):
        """One line on where the run stands."""
        march = self.march
        time_s, volts = march.rows[-1][:2]
        limit = self.cell.bounds[1] - self.lithium_start / self.cell.active.sum(dtype=float)
        full_s = (
            limit
            * self.cell.active.sum(dtype=float)
            * FARADAY
            * self.cell.voxel_thickness
            / (self.current * self.cell.columns)
        )
        gone = time.perf_counter() - wall_start
        left = gone * max(min(full_s, self.end) / time_s - 1, 0)
        return (
            f"step {len(march.rows):3d}  t {time_s:8.1f} s  {volts:.4f} V  "
            f"{time_s / full_s:5.1%} of the lithium  {march.iterations} it  "
            f"{march.rejected} rejected  {gone:.0f} s gone, at most {left:.0f} s left"
        )

    def result(self, reason, cpu_s, wall_s):
        march, cell = self.march, self.cell
        rows = np.array(march.rows).reshape(-1, 6)
        geometry = cell.geometry
        return Lithiation(
            current_mA_cm2=self.current_mA_cm2,
            time_s=rows[:, 0],
            voltage_V=rows[:, 1],
            capacity_mAh_cm2=rows[:, 0] * self.current_mA_cm2 / 3600,
            depth_um=geometry.depth_um[:-1],
            salt_mol_m3=np.array([p[0][:-1] for p in march.profiles]),
            content=np.array([p[1][:-1] for p in march.profiles]),
            salt_drift=rows[:, 2],
            lithium_drift=rows[:, 3],
            kirchhoff=rows[:, 4],
            correction=rows[:, 5],
            reached_cutoff=reason == "cut-off",
            reason=reason,
            steps=len(rows),
            rejected=march.rejected,
            unconverged=march.unconverged,
            iterations=march.iterations,
            cycles=march.cycles,
            cells=cell.size,
            inert=dict(
                ionic=geometry.inert_ionic,
                electronic=geometry.inert_electronic,
                active=geometry.inert_active,
            ),
            cpu_s=cpu_s,
            wall_s=wall_s,
            snapshots=tuple(march.snapshots),
        )


def check_current(current_mA_cm2):
    """
    Check that the current is a positive number.

    Raises
    ------
    ValueError
        If it is not.
    """
    value = float(current_mA_cm2)
    if not (np.isfinite(value) and value > 0):
        raise ValueError(
            f"The current is {current_mA_cm2} mA/cm²; expected a positive lithiation current."
        )


def check_memory(shape, voxels=None, available=None):
    """
    Compare what a grid of cells, and one of voxels if they are joined, needs with what there is.

    Raises
    ------
    MemoryError
        If it does not fit; says how much, and how far to coarsen.
    """
    need = BYTES_PER_CELL * float(np.prod([n + 2 for n in shape])) + 3e8
    if voxels is not None:
        need += BYTES_PER_VOXEL * float(np.prod([n + 2 for n in voxels]))
    have = psutil.virtual_memory().available if available is None else available
    if need > have:
        factor = 2
        while need / factor**3 > 0.8 * have:
            factor += 1
        raise MemoryError(
            f"A grid of {shape[0]} x {shape[1]} x {shape[2]} cells needs about "
            f"{need / 1e9:.1f} GB; {have / 1e9:.1f} GB are available. Join voxels with "
            f"grid.coarsen(labels, {factor}), or take a smaller cutout."
        )


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


def _fingerprint(labels, *numbers):
    digest = hashlib.sha256(np.ascontiguousarray(labels, np.uint8).tobytes())
    digest.update(repr((np.shape(labels), numbers)).encode())
    return digest.hexdigest()


@kernel
def combine(start, stop, u, now, v, before, out):
    """Write ``out = u now + v before``."""
    for k in range(start + 1, stop + 1):
        for j in range(1, now.shape[1] - 1):
            a, b, o = now[k, j], before[k, j], out[k, j]
            for i in range(1, now.shape[2] - 1):
                o[i] = u * a[i] + v * b[i]


@kernel
def positive_history(start, stop, u, now, v, before, storage, least, out):
    """
    Write ``out = u now + v before``, in the electrolyte at least ``least now``.

    Where salt has just been used up, the second-order difference would ask for a negative
    concentration. Returns the storage that the bound added.
    """
    added = 0.0
    for k in range(start + 1, stop + 1):
        for j in range(1, now.shape[1] - 1):
            a, b, m, o = now[k, j], before[k, j], storage[k, j], out[k, j]
            for i in range(1, now.shape[2] - 1):
                value = u * a[i] + v * b[i]
                if m[i] > 0 and value < least * a[i]:
                    added += m[i] * (least * a[i] - value)
                    value = least * a[i]
                o[i] = value
    return added


@kernel
def scale_wet(start, stop, factor, storage, x):
    """Multiply a field in the electrolyte."""
    for k in range(start + 1, stop + 1):
        for j in range(1, x.shape[1] - 1):
            m, o = storage[k, j], x[k, j]
            for i in range(1, x.shape[2] - 1):
                if m[i] > 0:
                    o[i] *= factor


@kernel
def extrapolate(start, stop, now, before, ratio, active, low, high, out):
    """
    Predict concentrations by a line through two steps, kept well inside their bounds.

    Lithium goes at most half of the way to a bound, salt at most 70 % down.
    """
    for k in range(start + 1, stop + 1):
        for j in range(1, now.shape[1] - 1):
            a, b, m, o = now[k, j], before[k, j], active[k, j], out[k, j]
            for i in range(1, now.shape[2] - 1):
                change = ratio * (a[i] - b[i])
                if m[i] > 0:
                    change = min(max(change, 0.5 * (low - a[i])), 0.5 * (high - a[i]))
                else:
                    change = max(change, -0.7 * a[i])
                o[i] = a[i] + change


@kernel
def extrapolate_salt(start, stop, now, before, ratio, out):
    """The same for a field that holds salt alone."""
    for k in range(start + 1, stop + 1):
        for j in range(1, now.shape[1] - 1):
            a, b, o = now[k, j], before[k, j], out[k, j]
            for i in range(1, now.shape[2] - 1):
                o[i] = a[i] + max(ratio * (a[i] - b[i]), -0.7 * a[i])


@kernel
def weighted(start, stop, weight, x):
    """Sum of products with a float64 field."""
    total = 0.0
    for k in range(start + 1, stop + 1):
        for j in range(1, x.shape[1] - 1):
            u, v = weight[k, j], x[k, j]
            for i in range(1, x.shape[2] - 1):
                total += u[i] * v[i]
    return total


@kernel
def slice_sums(x, weight, out, norm):
    """Weighted sum of each slice, and the sum of the weights."""
    for k in range(1, x.shape[0] - 1):
        for j in range(1, x.shape[1] - 1):
            for i in range(1, x.shape[2] - 1):
                out[k - 1] += weight[k, j, i] * x[k, j, i]
                norm[k - 1] += weight[k, j, i]
