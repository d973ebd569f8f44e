"""What the voltage of a resting cell still lacks, by what has to even out: salt, particles, layers."""

from dataclasses import dataclass

import numpy as np


@dataclass(frozen=True)
class VoltageParts:
    """
    The voltage of a rest, in parts that add up to it.

    Attributes
    ----------
    time_s : (T,) ndarray
        Time since the current was switched off.
    voltage_V : (T,) ndarray
        Of the cell.
    salt_V : (T,) ndarray
        Mean diffusion potential of the electrode's salt against that at the lithium: gone when the
        salt is even, so by diffusion in the liquid.
    particles_V : (T,) ndarray
        Potential of the surface of the particles less that of their mean content: gone when they
        are even inside, so by diffusion in the solid.
    exchange_V : (T,) ndarray
        What the currents need with which layers of unequal content exchange lithium: in the
        electrolyte, at the interface and in the solid, and what the mean of the layers' potentials
        differs from that of their mean. Gone when all layers are alike.
    equilibrium_V : float
        Open-circuit potential of the mean content, which is what is left in the end.
    """

    time_s: np.ndarray
    voltage_V: np.ndarray
    salt_V: np.ndarray
    particles_V: np.ndarray
    exchange_V: np.ndarray
    equilibrium_V: float

    @property
    def remaining(self):
        """The three parts that go to zero [V], by name."""
        return {
            "salt": self.salt_V,
            "particles": self.particles_V,
            "exchange": self.exchange_V,
        }


def parts_at_rest(run, segment, materials):
    """
    Split the voltage of a rest.

    Every cell of the electrode has phi_s = psi + B(c_e) + U(surface) + overpotential, and without
    current phi_s is the voltage nearly everywhere. The mean of this over the active material is
    the voltage; the means of its terms are the parts.

    Parameters
    ----------
    run : ProfileRun
        A run through a profile.
    segment : int
        Its segment that is a rest, from zero.
    materials : HalfCell
        Open-circuit potential and diffusion potential.

    Returns
    -------
    VoltageParts

    Raises
    ------
    ValueError
        If a current flows in the segment.
    """
    part = run.part(segment)
    if np.any(run.current_mA_cm2[part] != 0):
        raise ValueError(
            f"Segment {segment} carries {run.current_mA_cm2[part][-1]:g} mA/cm²; expected a rest, "
            "in which the voltage has no ohmic part."
        )
    share, content = run.active, run.content[part]
    ocp = materials.active.ocp
    law = materials.electrolyte.diffusion_potential_V(run.salt_mol_m3[part])
    salt = law[:, -share.size :] @ share - law[:, 0]  # no flux, so the first cell is the metal's
    particles = (run.surface_V[part] - ocp.potential(content)) @ share
    equilibrium = float(ocp.potential(float(content[-1] @ share)))
    voltage = run.voltage_V[part]
    return VoltageParts(
        time_s=run.time_s[part] - run.time_s[part.start - 1],
        voltage_V=voltage,
        salt_V=salt,
        particles_V=particles,
        exchange_V=voltage - salt - particles - equilibrium,
        equilibrium_V=equilibrium,
    )
