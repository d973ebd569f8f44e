"""What a run through a current profile leaves behind."""

from dataclasses import dataclass

import numpy as np

from analysis.electrochemistry.constants import FARADAY_C_MOL
from analysis.electrochemistry.porous_electrode.implicit_step import metal_potential
from analysis.electrochemistry.porous_electrode.particle_diffusion import spheres


@dataclass(frozen=True)
class SegmentEnd:
    """
    How a segment of a profile ended.

    Attributes
    ----------
    segment : int
        Its number, from zero.
    reason : str
        ``"duration"``, ``"voltage"`` or ``"current"``: which of its limits; ``"window"``: the
        limit of the whole profile, after which nothing follows.
    at_once : bool
        Whether the limit was passed as soon as the segment began, so that it took no time.
    time_s, voltage_V, current_mA_cm2, charge_mAh_cm2 : float
        Where.
    """

    segment: int
    reason: str
    at_once: bool
    time_s: float
    voltage_V: float
    current_mA_cm2: float
    charge_mAh_cm2: float


@dataclass(frozen=True)
class ProfileRun:
    """
    One run of a half cell through a current profile.

    Attributes
    ----------
    time_s, voltage_V, current_mA_cm2, charge_mAh_cm2 : (T,) ndarray
        The curve, from the cell at rest on; times increase. Each segment begins with the loaded
        cell, a microsecond after the current was switched. The charge counts what was put in, and
        falls while the cell is charged.
    segment : (T,) ndarray of int
        Segment of each point, from zero; -1 for the cell at rest.
    ends : tuple of SegmentEnd
        How each segment ended; fewer than the profile has if its voltage limits ended it.
    depth_um : (N,) ndarray
        Cell centers, measured from the separator side of the electrode; negative in the separator.
    salt_mol_m3, electrolyte_V : (T, N) ndarray
        Salt concentration, and the electrolyte's potential against the lithium metal.
    content, surface_V, reaction_A_m2 : (T, E) ndarray
        Mean lithium content of the electrode cells, the last E of the N; open-circuit potential of
        the particles' surface; current density on it, negative for lithiation.
    active : (E,) ndarray
        Share of the active material in each cell; sums to one.
    salt_drift, lithium_drift : float
        Largest loss of salt relative to all salt, and of lithium relative to the charge that passed
        in either direction.
    steps, iterations, rejected : int
        Work done.
    """

    time_s: np.ndarray
    voltage_V: np.ndarray
    current_mA_cm2: np.ndarray
    charge_mAh_cm2: np.ndarray
    segment: np.ndarray
    ends: tuple
    depth_um: np.ndarray
    salt_mol_m3: np.ndarray
    electrolyte_V: np.ndarray
    content: np.ndarray
    surface_V: np.ndarray
    reaction_A_m2: np.ndarray
    active: np.ndarray
    salt_drift: float
    lithium_drift: float
    steps: int
    iterations: int
    rejected: int

    def part(self, segment):
        """The points of one segment, as a slice."""
        found = np.flatnonzero(self.segment == segment)
        if not found.size:
            raise ValueError(
                f"There is no segment {segment} in this run; expected 0 to {len(self.ends) - 1}."
            )
        return slice(int(found[0]), int(found[-1]) + 1)


def gather(states, numbers, ends, mesh, work):
    """
    A :class:`ProfileRun` of the states of all segments.

    Parameters
    ----------
    states : list of State
        The cell at rest first.
    numbers : list of int
        Segment of each.
    ends : list of SegmentEnd
        How they ended.
    mesh : Layers
        The discretized half cell.
    work : tuple of int
        Iterations, and rejected steps.

    Returns
    -------
    ProfileRun
    """
    materials, first = mesh.materials, mesh.first
    salt = np.array([state.salt for state in states])
    modes = np.array([state.modes for state in states])
    content = modes @ spheres(modes.shape[2]).mean
    volume = mesh.active * mesh.width[first:]
    full = materials.active.max_concentration_mol_m3 * FARADAY_C_MOL
    charge = np.array([state.charge_C_m2 for state in states])
    gained = (content - content[0]) @ volume * full
    passed = np.cumsum(np.abs(np.diff(charge, prepend=0.0)))
    store = mesh.width * mesh.porosity
    law = materials.electrolyte.diffusion_potential_V
    return ProfileRun(
        time_s=np.array([state.time_s for state in states]),
        voltage_V=np.array([state.voltage_V for state in states]),
        current_mA_cm2=np.array([state.applied_A_m2 for state in states]) / 10,
        charge_mAh_cm2=charge / 36000,
        segment=np.array(numbers),
        ends=tuple(ends),
        depth_um=1e6 * (mesh.centers - np.sum(mesh.width[:first])),
        salt_mol_m3=salt,
        electrolyte_V=np.array(
            [
                state.psi + law(state.salt) - metal_potential(mesh, state, state.applied_A_m2)
                for state in states
            ]
        ),
        content=content,
        surface_V=np.array([state.surface_V for state in states]),
        reaction_A_m2=np.array([state.current for state in states]),
        active=volume / volume.sum(),
        salt_drift=float(np.max(np.abs(salt @ store / (salt[0] @ store) - 1))),
        lithium_drift=float(np.max(np.abs(gained - charge)) / max(passed[-1], 1e-300)),
        steps=len(states) - 1,
        iterations=work[0],
        rejected=work[1],
    )
