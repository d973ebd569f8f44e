"""Lithiation of a half cell in one dimension, by either of two backends.

An electrode comes in as plain arrays over its depth (:class:`ElectrodeProfile`), a current as
mA/cm²; voltage and capacity against time go out.
"""

from dataclasses import dataclass

import numpy as np

from analysis.electrochemistry.conditions import check_current, check_cutoff, check_end
from analysis.electrochemistry.constants import FARADAY_C_MOL
from analysis.electrochemistry.materials import DEFAULT
from analysis.electrochemistry.porous_electrode.equation_changes import Changes
from analysis.electrochemistry.porous_electrode.mesh import ElectrodeProfile, layers
from analysis.electrochemistry.porous_electrode.particle_diffusion import spheres
from analysis.electrochemistry.porous_electrode.time_integration import Control, integrate

__all__ = ["Control", "ElectrodeProfile", "Lithiation", "lithiate"]

BACKENDS = ("banded", "fipy")


@dataclass(frozen=True)
class Lithiation:
    """
    One lithiation at constant current.

    Parameters
    ----------
    current_mA_cm2 : float
        Current density.
    time_s, voltage_V, capacity_mAh_cm2 : (T,) ndarray
        The curve; the first point is the loaded cell at the start.
    depth_um : (N,) ndarray
        Cell centers, measured from the separator side of the electrode; negative in the separator.
    salt_mol_m3 : (T, N) ndarray
        Salt concentration.
    content : (T, E) ndarray
        Mean lithium content [-] of the electrode cells, the last E of the N cells.
    reaction_A_m2 : (T, E) ndarray
        Current density on the true interface, negative for lithiation.
    salt_drift, lithium_drift : float
        Relative loss of salt, and of lithium put into the active material against the charge.
    reached_cutoff : bool
        Whether the cut-off ended the lithiation (and not a given end time).
    steps, iterations, rejected : int
        Work done.
    """

    current_mA_cm2: float
    time_s: np.ndarray
    voltage_V: np.ndarray
    capacity_mAh_cm2: np.ndarray
    depth_um: np.ndarray
    salt_mol_m3: np.ndarray
    content: np.ndarray
    reaction_A_m2: np.ndarray
    salt_drift: float
    lithium_drift: float
    reached_cutoff: bool
    steps: int
    iterations: int
    rejected: int


def lithiate(
    depth,
    current_mA_cm2,
    *,
    materials=DEFAULT,
    cutoff_V=None,
    backend="banded",
    n_electrode=50,
    n_separator=20,
    control=None,
    end_s=np.inf,
    times_s=None,
):
    """
    Lithiate a half cell at constant current down to the cut-off voltage.

    Parameters
    ----------
    depth : ElectrodeProfile
        The electrode, homogenized slab by slab.
    current_mA_cm2 : float
        Current density [mA/cm²], positive.
    materials : HalfCell
        Material parameters.
    cutoff_V : float, optional
        Lower cut-off [V]; by default that of `materials`.
    backend : {"banded", "fipy"} or Changes
        The compiled one, FiPy, or FiPy with other equations: added terms, boundary conditions or
        properties; see :mod:`analysis.electrochemistry.porous_electrode.equation_changes`.
    n_electrode, n_separator : int
        Number of cells.
    control : Control, optional
        Accuracy of the time integration.
    end_s : float
        Stop here if the cut-off is not reached before.
    times_s : sequence of float, optional
        Use exactly these times, the first of which is zero, and no cut-off.

    Returns
    -------
    Lithiation

    Raises
    ------
    ValueError
        If the current is not positive, the cut-off not between 2.5 V and the starting voltage, the
        current cannot be carried even at the start, or a change does not fit the equations.
    """
    control = control or Control()
    current = check_current(current_mA_cm2)
    cutoff_V = check_cutoff(cutoff_V, materials) if times_s is None else -np.inf
    _check_times(end_s, times_s)
    mesh = layers(depth, materials, n_electrode, n_separator)
    changes = backend if isinstance(backend, Changes) else Changes()
    mesh = changes.of_cells(mesh)
    out = integrate(
        backend_of(backend, mesh),
        mesh,
        10 * current,
        cutoff_V=cutoff_V,
        control=control,
        end_s=end_s,
        times=times_s,
    )
    return gather(out, mesh, current)


def _check_times(end_s, times_s):
    check_end(end_s)
    if times_s is None:
        return
    times = np.asarray(times_s, dtype=float)
    if times.ndim != 1 or times.size < 2 or times[0] != 0 or not np.all(np.diff(times) > 0):
        raise ValueError("times_s must be increasing times in s, of which the first is zero.")
    if not np.isfinite(times[-1]) or times[-1] > end_s:
        raise ValueError(
            f"times_s ends at {times[-1]:g} s; expected no time past end_s, {end_s:g}."
        )


def backend_of(name, mesh):
    """
    The backend of a name.

    Parameters
    ----------
    name : {"banded", "fipy"} or Changes
        As in :func:`lithiate`.
    mesh : Layers
        The discretized half cell, with the changes of its cells.

    Returns
    -------
    backend : object
        Has ``solve``, one implicit step.
    """
    if name == "banded":
        from analysis.electrochemistry.porous_electrode.newton_model import BandedNewton

        return BandedNewton(mesh)
    if name == "fipy" or isinstance(name, Changes):
        from analysis.electrochemistry.porous_electrode.fipy_model import PorousElectrode

        return PorousElectrode(mesh, name if isinstance(name, Changes) else Changes())
    raise ValueError(
        f"Backend {name!r} is unknown; expected one of {BACKENDS}, or Changes for FiPy."
    )


def gather(out, mesh, current):
    """
    A :class:`Lithiation` of what the time integration gave.

    Parameters
    ----------
    out : Integration
        From :func:`analysis.electrochemistry.porous_electrode.time_integration.integrate`.
    mesh : Layers
        The discretized half cell.
    current : float
        Current density [mA/cm²].

    Returns
    -------
    Lithiation
    """
    states, materials = out.states, mesh.materials
    time = np.array([state.time_s for state in states])
    salt = np.array([state.salt for state in states])
    mean = spheres(states[0].modes.shape[1]).mean
    content = np.array([state.modes @ mean for state in states])
    store = mesh.width * mesh.porosity
    put_in = np.sum(
        (content[-1] - materials.active.initial_content) * mesh.active * mesh.width[mesh.first :]
    )
    charge = 10 * current * (time[-1] + 1e-6)  # the start is the state after one microsecond
    lithium = put_in * materials.active.max_concentration_mol_m3 * FARADAY_C_MOL
    return Lithiation(
        current_mA_cm2=current,
        time_s=time,
        voltage_V=np.array([state.voltage_V for state in states]),
        capacity_mAh_cm2=current * time / 3600,
        depth_um=1e6 * (mesh.centers - np.sum(mesh.width[: mesh.first])),
        salt_mol_m3=salt,
        content=content,
        reaction_A_m2=np.array([state.current for state in states]),
        salt_drift=float(salt[-1] @ store / (salt[0] @ store) - 1),
        lithium_drift=float(lithium / charge - 1),
        reached_cutoff=out.reached_cutoff,
        steps=len(states) - 1,
        iterations=out.iterations,
        rejected=out.rejected,
    )
