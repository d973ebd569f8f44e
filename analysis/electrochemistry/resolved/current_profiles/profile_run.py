"""What a run of the resolved cell through a current profile leaves behind."""

from dataclasses import dataclass

import numpy as np


@dataclass(frozen=True)
class ResolvedSegmentEnd:
    """
    How a segment ended.

    Attributes
    ----------
    segment : int
        Its number, from zero.
    reason : str
        ``"duration"``, ``"voltage"``, ``"current"``, or ``"window"``, the limit of the whole
        profile; else why the time step collapsed. After the last two nothing follows.
    at_once : bool
        Whether the limit was passed as soon as the segment began, so that it took no time.
    time_s, voltage_V, current_mA_cm2, charge_mAh_cm2 : float
        Where; NaN for the voltage of a segment that took no time.
    """

    segment: int
    reason: str
    at_once: bool
    time_s: float
    voltage_V: float
    current_mA_cm2: float
    charge_mAh_cm2: float


@dataclass(frozen=True)
class ResolvedProfileRun:
    """
    One run of a resolved cell through a current profile.

    Attributes
    ----------
    time_s, voltage_V, current_mA_cm2, charge_mAh_cm2 : (T,) ndarray
        The curve, from the first step on. The charge counts what was put in.
    segment : (T,) ndarray of int
        Segment of each step, from zero.
    ends : tuple of ResolvedSegmentEnd
        How each segment ended.
    depth_um : (Z,) ndarray
        Depth of the slices from the separator side of the electrode; negative in the separator.
    salt_mol_m3, content : (T, Z) ndarray
        Mean salt of the electrolyte and mean lithium content of the AM by slice.
    salt_drift, lithium_drift, kirchhoff, correction : (T,) ndarray
        Salt against its start; lithium in the AM against the charge, over all charge that passed
        in either direction; mismatch of the currents of both electrodes, over the largest current
        of the profile; largest relative correction of the step by the global balances.
    steps, rejected, unconverged, iterations, cycles, cells : int
        As in :class:`analysis.electrochemistry.resolved.ResolvedLithiation`.
    cpu_s, wall_s : float
        Cost of the run.
    """

    time_s: np.ndarray
    voltage_V: np.ndarray
    current_mA_cm2: np.ndarray
    charge_mAh_cm2: np.ndarray
    segment: np.ndarray
    ends: tuple
    depth_um: np.ndarray
    salt_mol_m3: np.ndarray
    content: np.ndarray
    salt_drift: np.ndarray
    lithium_drift: np.ndarray
    kirchhoff: np.ndarray
    correction: np.ndarray
    steps: int
    rejected: int
    unconverged: int
    iterations: int
    cycles: int
    cells: int
    cpu_s: float
    wall_s: float


def gather(run, ends, cpu_s, wall_s):
    """
    A :class:`ResolvedProfileRun` of a time integration that is over.

    Parameters
    ----------
    run : segment_steps.SegmentSteps
        The time integration.
    ends : sequence of ResolvedSegmentEnd
        How its segments ended.
    cpu_s, wall_s : float
        Cost.
    """
    record, geometry = run.record, run.cell.geometry
    rows = np.array(record.rows).reshape(-1, 6)
    passages = np.array(run.passages).reshape(-1, 3)
    return ResolvedProfileRun(
        time_s=rows[:, 0],
        voltage_V=rows[:, 1],
        current_mA_cm2=passages[:, 1] / 10,
        charge_mAh_cm2=passages[:, 2] / 36000,
        segment=passages[:, 0].astype(int),
        ends=tuple(ends),
        depth_um=geometry.depth_um[:-1],
        salt_mol_m3=np.array([p[0][:-1] for p in record.profiles]),
        content=np.array([p[1][:-1] for p in record.profiles]),
        salt_drift=rows[:, 2],
        lithium_drift=rows[:, 3],
        kirchhoff=rows[:, 4],
        correction=rows[:, 5],
        steps=len(rows),
        rejected=record.rejected,
        unconverged=record.unconverged,
        iterations=record.iterations,
        cycles=record.cycles,
        cells=run.cell.size,
        cpu_s=cpu_s,
        wall_s=wall_s,
    )
