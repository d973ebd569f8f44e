"""What a lithiation of the resolved cell leaves behind."""

from dataclasses import dataclass

import numpy as np

from analysis.electrochemistry.resolved import time_differences
from analysis.electrochemistry.transport import percolation as grid


@dataclass(frozen=True)
class Snapshot:
    """Fields of the electrode at one time, float32; NaN outside their phases."""

    time_s: float
    salt_mol_m3: np.ndarray
    content: np.ndarray
    electrolyte_V: np.ndarray
    solid_V: np.ndarray


@dataclass(frozen=True)
class ResolvedLithiation:
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


def profiles(cell):
    """Mean salt of the electrolyte and mean content of the AM by slice of cells."""
    salt, amount = _slice_sums(cell.pool, cell.salt, cell.storage)
    lithium, count = _slice_sums(cell.pool, cell.lithium, cell.active)
    n = cell.geometry.voxels_per_cell
    if n > 1:
        lithium, count = (
            np.concatenate(
                [
                    np.zeros(cell.geometry.n_separator),
                    part.reshape(-1, n).sum(axis=1),
                    np.zeros(1),
                ]
            )
            for part in (lithium, count)
        )
    with np.errstate(invalid="ignore"):
        return salt / amount, lithium / count / cell.kinetics.full


def _slice_sums(pool, x, weight):
    """Weighted sum of each slice, and the sum of the weights."""
    sums = [pool.zeros(x.shape[0] - 2, float) for _ in range(2)]
    pool.whole(time_differences.slice_sums, x, weight, *sums)
    return map(pool.get, sums)


def snapshot(cell, stores, time_s):
    """
    Fields of the electrode, by cells.

    Parameters
    ----------
    cell : state.ResolvedCell
        For the potentials, and what its cells hold.
    stores : sequence of padded ndarray
        Concentrations: of salt first, of lithium last.
    time_s : float
        Time of the fields.

    Returns
    -------
    snapshot : Snapshot
    """
    part = (cell.geometry.electrode, slice(1, -1), slice(1, -1))
    get = cell.pool.get
    share = get(cell.active)[1:-1, 1:-1, 1:-1]
    lithium = get(stores[-1])[1:-1, 1:-1, 1:-1] * (share > 0)
    if cell.geometry.voxels_per_cell > 1:
        lithium, share = (
            grid.block_means(values, cell.geometry.voxels_per_cell) for values in (lithium, share)
        )
    else:
        n = cell.geometry.n_separator
        lithium, share = lithium[n:-1], share[n:-1]
    c, electrolyte = get(stores[0])[part], get(cell.storage)[part] > 0
    shift = np.zeros(c.shape)
    law = cell.materials.electrolyte.diffusion_potential_V
    shift[electrolyte] = law(np.maximum(c[electrolyte], 1e-12))
    with np.errstate(invalid="ignore"):
        content = lithium / share / cell.kinetics.full
    return Snapshot(
        time_s,
        np.where(electrolyte, c, np.nan).astype("f4"),
        content.astype("f4"),
        np.where(electrolyte, get(cell.psi)[part] + shift, np.nan).astype("f4"),
        np.where(cell.solid[part], get(cell.phi)[part], np.nan).astype("f4"),
    )
