"""Voltage curves of an independent solver (PyBaMM's DFN half cell), stored with their parameters.

Made by ``benchmarks/halfcell.py``, which needs PyBaMM; reading them does not.
"""

from dataclasses import dataclass, replace
from pathlib import Path

import numpy as np

from analysis.electrochemistry.materials import DEFAULT, HalfCell
from analysis.electrochemistry.porous_electrode.mesh import ElectrodeProfile

CURRENTS_MA_CM2 = (1.0, 6.0, 12.0)

# PyBaMM's half cell conserves salt with a constant transference number only.
MATERIALS = replace(DEFAULT, electrolyte=replace(DEFAULT.electrolyte, constant_transference=0.26))

RADIUS_M = 4e-6
ELECTRODE = ElectrodeProfile(
    thickness_m=171e-6,
    active=0.5954,
    electrolyte=0.2892,
    surface_1_m=3 * 0.5954 / RADIUS_M,
    transport=0.08,
    electronic_S_m=10.0,
    radius_m=RADIUS_M,
)


@dataclass(frozen=True)
class ReferenceSetting:
    """
    Another half cell with a stored curve.

    Attributes
    ----------
    current_mA_cm2 : float
        Current density.
    materials : HalfCell
        Parameters.
    electrode : ElectrodeProfile
        The electrode.
    """

    current_mA_cm2: float
    materials: HalfCell
    electrode: ElectrodeProfile


# What the usual curves do not tell: another temperature, salt away from its reference, a thin
# electrode of small particles.
SETTINGS = {
    "warm": ReferenceSetting(6.0, replace(MATERIALS, temperature_K=313.15), ELECTRODE),
    "dilute": ReferenceSetting(
        3.0,
        replace(MATERIALS, electrolyte=replace(MATERIALS.electrolyte, initial_mol_m3=600.0)),
        ELECTRODE,
    ),
    "thin": ReferenceSetting(
        10.0,
        MATERIALS,
        replace(
            ELECTRODE,
            thickness_m=80e-6,
            radius_m=2.5e-6,
            surface_1_m=3 * 0.5954 / 2.5e-6,
            transport=0.15,
        ),
    ),
}


def curve(current_mA_cm2):
    """
    Stored lithiation of :data:`ELECTRODE` with :data:`MATERIALS`.

    Returns
    -------
    time_s, voltage_V : ndarray
        The curve; its last point is the cut-off.
    """
    return read(f"{current_mA_cm2:g}")


def file_of(case):
    """Where the curve of a case lies, ``"6"`` or ``"cubes_6"``."""
    return Path(__file__).with_name(f"dfn_{case}.csv")


def read(case):
    """Time [s] and voltage [V] of the stored curve of a case, see :func:`file_of`."""
    time_s, voltage_V = np.loadtxt(file_of(case), delimiter=",", skiprows=1, unpack=True)
    return time_s, voltage_V
