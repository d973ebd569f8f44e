"""Material parameters of the half cell, each with its unit, source and confidence.

The paper's Table S5 is not public, so every value here is a literature value or a stated
assumption. Confidence is H (a published parameterization of this very quantity), M (a typical
value with a citable origin) or L (an assumption: look at its sweep). All values are SI.
"""

from dataclasses import dataclass

import numpy as np

from analysis.electrochemistry.constants import (
    FARADAY_C_MOL,
    GAS_J_MOL_K,
    REFERENCE_MOL_M3,
    SOFT_LOGARITHM_MOL_M3,
)
from analysis.electrochemistry.electrolyte import Electrolyte
from analysis.electrochemistry.open_circuit import OpenCircuitPotential
from analysis.electrochemistry.parameter import parameter, rows_of

__all__ = [
    "DEFAULT",
    "FARADAY_C_MOL",
    "GAS_J_MOL_K",
    "SOFT_LOGARITHM_MOL_M3",
    "ActiveMaterial",
    "Binder",
    "Electrolyte",
    "HalfCell",
    "LithiumMetal",
    "OpenCircuitPotential",
    "Separator",
    "parameter_rows",
]


@dataclass(frozen=True)
class ActiveMaterial:
    """NMC622: capacity, diffusion, kinetics, electronic conductivity."""

    ocp: OpenCircuitPotential = OpenCircuitPotential()
    max_concentration_mol_m3: float = parameter(
        50222.0,
        "c_max",
        "mol/m³",
        "lithium at x = 1",
        "4.868 g/cm³ and 96.93 g/mol; the density agrees with the paper's fractions",
        "H",
    )
    diffusivity_m2_s: float = parameter(
        5e-15,
        "D_s",
        "m²/s",
        "diffusivity of lithium",
        "range of Amin & Chiang 2016, Chen et al. 2020, Xu et al. 2019",
        "L",
        sweep=(1e-15, 5e-15, 2e-14),
    )
    exchange_current_A_m2: float = parameter(
        2.0,
        "i_ref",
        "A/m²",
        "exchange current density at x = 0.5 and 1 mol/l, per true interface",
        "5 A/m² in Chen et al. 2020 for NMC811",
        "L",
        sweep=(0.5, 2.0, 5.0),
    )
    initial_content: float = parameter(
        0.252,
        "x_init",
        "-",
        "lithium content when charged to 4.3 V",
        "open-circuit potential above",
        "M",
    )
    conductivity_empty_S_m: float = parameter(
        1.0,
        "σ_AM(0.25)",
        "S/m",
        "electronic conductivity at x = 0.25",
        "Amin & Chiang 2016, NMC523",
        "M",
    )
    conductivity_full_S_m: float = parameter(
        1e-5,
        "σ_AM(1)",
        "S/m",
        "electronic conductivity at x = 1",
        "Amin & Chiang 2016, NMC523",
        "M",
    )
    double_layer_F_m2: float = parameter(
        0.2, "C_dl", "F/m²", "double-layer capacity per interface", "Xu et al. 2019", "M"
    )

    def conductivity_S_m(self, x):
        """Electronic conductivity [S/m] at lithium content `x`, log-linear."""
        span = np.log(self.conductivity_full_S_m / self.conductivity_empty_S_m)
        return self.conductivity_empty_S_m * np.exp(span * (np.asarray(x) - 0.25) / 0.75)

    def exchange_current_density_A_m2(self, c_e, x, reference_mol_m3=REFERENCE_MOL_M3):
        """i0 = 2 i_ref sqrt(c_e / c_ref) sqrt(x (1 - x)) in A/m²."""
        return (
            2 * self.exchange_current_A_m2 * np.sqrt(c_e / reference_mol_m3) * np.sqrt(x * (1 - x))
        )


@dataclass(frozen=True)
class Binder:
    """Carbon-binder domain (CBD): a porous mixed conductor."""

    porosity: float = parameter(
        0.5, "ε_e", "-", "electrolyte share of the CBD", "paper, Section 3", "H"
    )
    conductivity_S_m: float = parameter(
        50.0,
        "γ_s σ_CBD",
        "S/m",
        "effective electronic conductivity of the CBD",
        "assumed; only the product matters",
        "L",
        sweep=(5.0, 50.0, 500.0),
    )


@dataclass(frozen=True)
class Separator:
    """Glass-fiber separator, homogenized."""

    thickness_m: float = parameter(
        260e-6,
        "L_sep",
        "m",
        "thickness",
        "glass fiber of the GF/A class, assumed",
        "L",
        sweep=(180e-6, 260e-6),
    )
    porosity: float = parameter(0.90, "ε_sep", "-", "porosity", "glass fiber, assumed", "L")
    gamma: float = parameter(
        0.81, "γ_sep", "-", "effective transport parameter", "porosity 0.90, tau 1.1", "L"
    )


@dataclass(frozen=True)
class LithiumMetal:
    """Lithium counter electrode at potential zero."""

    exchange_current_A_m2: float = parameter(
        10.0,
        "i_Li",
        "A/m²",
        "exchange current density at 1 mol/l",
        "published fit for plating; 71 A/m² in Xu et al. 2019",
        "M",
        sweep=(5.0, 10.0, 71.0),
    )


@dataclass(frozen=True)
class HalfCell:
    """All materials of the half cell and the voltage window."""

    active: ActiveMaterial = ActiveMaterial()
    binder: Binder = Binder()
    electrolyte: Electrolyte = Electrolyte()
    separator: Separator = Separator()
    lithium: LithiumMetal = LithiumMetal()
    temperature_K: float = parameter(
        298.15, "T", "K", "temperature", "the paper's text gives none", "M"
    )
    cutoff_V: float = parameter(3.0, "V_min", "V", "lower cut-off", "usual for NMC622", "M")


DEFAULT = HalfCell()


def parameter_rows(cell=DEFAULT):
    """
    Every parameter of `cell` as a list of rows, the stand-in for the paper's Table S5.

    Returns
    -------
    rows : list of dict
        Keys ``material``, ``symbol``, ``meaning``, ``value``, ``unit``, ``source``,
        ``confidence`` and ``sweep``.
    """
    return list(rows_of(cell, "cell"))
