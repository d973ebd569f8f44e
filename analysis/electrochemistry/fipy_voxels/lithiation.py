"""Lithiation of a plane of voxels in FiPy over given times, second order as everywhere."""

from dataclasses import dataclass

import numpy as np

from analysis import progress
from analysis.electrochemistry.fipy_voxels.plane import Plane
from analysis.electrochemistry.materials import DEFAULT, FARADAY_C_MOL
from analysis.electrochemistry.resolved import grid
from analysis.phases import check_voxel_size


@dataclass(frozen=True)
class PlaneLithiation:
    """
    Lithiation of a plane of voxels.

    Parameters
    ----------
    time_s, voltage_V : (T,) ndarray
        The curve.
    salt_mol_m3, content : (Z, X) ndarray
        Salt and lithium content at the end, NaN where there is none; separator and collector
        included.
    salt_drift, lithium_drift : float
        Relative loss of salt, and of the lithium put in against the charge.
    sweeps : int
        Work done.
    """

    time_s: np.ndarray
    voltage_V: np.ndarray
    salt_mol_m3: np.ndarray
    content: np.ndarray
    salt_drift: float
    lithium_drift: float
    sweeps: int


def lithiate(labels, gamma, current_mA_cm2, times_s, *, voxel_size_um, materials=DEFAULT):
    """
    Lithiate a plane of voxels in FiPy over given times.

    Parameters
    ----------
    labels : (Z, 1, X) ndarray of uint8
        Phase of each voxel of a volume one voxel thick; slice 0 touches the separator.
    gamma : float
        Effective transport parameter of the CBD [-].
    current_mA_cm2 : float
        Current density.
    times_s : (T,) ndarray
        Ends of the steps, rising from above zero; those of a resolved run for a comparison.
    voxel_size_um : float
        Voxel edge [µm].
    materials : HalfCell
        Parameters.

    Returns
    -------
    PlaneLithiation

    Raises
    ------
    ValueError
        If the labels are no plane, make no cell, or the times do not rise.
    StepFailed
        If the sweeps of a step do not converge.
    """
    voxel_size_um = check_voxel_size(voxel_size_um)
    labels, times = np.asarray(labels), np.asarray(times_s, dtype=float)
    if labels.ndim != 3 or labels.shape[1] != 1:
        raise ValueError(
            f"The labels have shape {labels.shape}; expected (Z, 1, X), a volume one voxel thick, "
            "as labels[:, :1] is."
        )
    if times.ndim != 1 or not times.size or times[0] <= 0 or np.any(np.diff(times) <= 0):
        raise ValueError("The times do not rise from above zero; expected the ends of the steps.")
    geometry = grid.build(labels, gamma, voxel_size_um=voxel_size_um, cell=materials)
    plane = Plane(geometry, materials)
    active, current = materials.active, 10 * current_mA_cm2
    start = [
        np.zeros(plane.wet.size),
        np.full(plane.wet.size, float(materials.electrolyte.initial_mol_m3)),
        np.where(plane.solid, float(active.ocp.potential(active.initial_content)), 0.0),
        np.where(plane.am, active.initial_content * active.max_concentration_mol_m3, 0.0),
    ]
    states, clock, sweeps, voltage = [start], [0.0], 0, []
    for time in progress.through(times, "steps of a plane in FiPy", "{:.0f} s".format):
        last, step = states[-1], time - clock[-1]
        guess, old, implicit = last, (last[1], last[3]), step
        if len(states) > 1:
            ratio = step / (clock[-1] - clock[-2])
            a, b = (1 + ratio) ** 2 / (1 + 2 * ratio), -(ratio**2) / (1 + 2 * ratio)
            old = tuple(a * last[k] + b * states[-2][k] for k in (1, 3))
            implicit = step * (1 + ratio) / (1 + 2 * ratio)
            guess = [new + ratio * (new - before) for new, before in
                     zip(last, states[-2], strict=True)]  # fmt: skip
            guess[1] = np.maximum(guess[1], 0.3 * last[1])
            guess[3] = last[3]
        state, taken = plane.step(guess, old, implicit, current)
        sweeps += taken
        states, clock = [last, state], [clock[-1], time]
        voltage.append(state[2][plane.collector].mean())
    return _gathered(plane, start, state, times, voltage, current, sweeps)


def _gathered(plane, start, state, times, voltage, current_A_m2, sweeps):
    volumes = np.asarray(plane.mesh.cellVolumes)
    store = plane.epsilon.value * volumes
    full = plane.materials.active.max_concentration_mol_m3
    put_in = np.sum((state[3] - start[3]) * volumes) * FARADAY_C_MOL
    charge = current_A_m2 * plane.shape[1] * plane.edge * times[-1]
    return PlaneLithiation(
        time_s=times,
        voltage_V=np.array(voltage),
        salt_mol_m3=np.where(plane.wet, state[1], np.nan).reshape(plane.shape),
        content=np.where(plane.am, state[3] / full, np.nan).reshape(plane.shape),
        salt_drift=float(store @ state[1] / (store @ start[1]) - 1),
        lithium_drift=float(put_in / charge - 1),
        sweeps=sweeps,
    )
