"""Material parameters of the half cell, each with its unit, source and confidence.

The paper's Table S5 is not public, so every value here is a literature value or a stated
assumption. Confidence is H (a published parameterization of this very quantity), M (a typical
value with a citable origin) or L (an assumption: look at its sweep). All values are SI.

The temperature is one number, that of the :class:`HalfCell`; it hands it on to the active material,
its open-circuit potential and the electrolyte. What has no published dependence on temperature does
not change with it, and says so in its meaning.
"""

from dataclasses import dataclass, replace

import numpy as np

from analysis.electrochemistry.constants import (
    FARADAY_C_MOL,
    GAS_J_MOL_K,
    REFERENCE_K,
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

# The electrolyte was measured between -10 and 50 °C; outside, its functions are no guide.
TEMPERATURES_K = 263.15, 323.15

# Capacity per gram of active material that a lithiation of eight hours should reach: 8 mAh/cm² in
# cathodes of 50 mg/cm², of which 93.5 % are active (Kremer et al., 236th ECS Meeting 2019).
LOW_RATE_MAH_G = 171.0
MOLAR_MASS_G_MOL = 96.93  # of LiNi0.6Mn0.2Co0.2O2


@dataclass(frozen=True)
class ActiveMaterial:
    """NMC622: capacity, diffusion, kinetics, electronic conductivity."""

    ocp: OpenCircuitPotential = OpenCircuitPotential()
    max_concentration_mol_m3: float = parameter(
        50222.0,
        "c_max",
        "mol/m³",
        "lithium at x = 1",
        "96.93 g/mol and 4.868 g/cm³, which is inferred from the paper's fractions and masses; "
        "47 664 in Chaouachi et al. 2021",
        "M",
        sweep=(47664.0, 50222.0),
    )
    diffusivity_m2_s: float = parameter(
        5e-15,
        "D_s",
        "m²/s",
        "diffusivity of lithium",
        "assumed within 1e-15 to 2e-14 of Amin & Chiang 2016, Chen et al. 2020, Xu et al. 2019; "
        "the most doubtful of all",
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
    diffusion_activation_J_mol: float = parameter(
        30e3, "E(D_s)", "J/mol", "activation energy of D_s", "NMC532 of BATMODS-lite (NREL)", "M"
    )
    exchange_activation_J_mol: float = parameter(
        30e3,
        "E(i_ref)",
        "J/mol",
        "activation energy of i_ref",
        "NMC532 of BATMODS-lite (NREL)",
        "M",
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
    temperature_K: float = REFERENCE_K

    def __post_init__(self):
        if self.ocp.temperature_K != self.temperature_K:
            ocp = replace(self.ocp, temperature_K=self.temperature_K)
            object.__setattr__(self, "ocp", ocp)

    @property
    def diffusion_m2_s(self):
        """D_s [m²/s] at the temperature of the cell."""
        return self.diffusivity_m2_s * self._arrhenius(self.diffusion_activation_J_mol)

    @property
    def reference_current_A_m2(self):
        """i_ref [A/m²] at the temperature of the cell."""
        return self.exchange_current_A_m2 * self._arrhenius(self.exchange_activation_J_mol)

    def _arrhenius(self, activation_J_mol):
        return float(
            np.exp(activation_J_mol / GAS_J_MOL_K * (1 / REFERENCE_K - 1 / self.temperature_K))
        )

    def conductivity_S_m(self, x):
        """Electronic conductivity [S/m] at lithium content `x`, log-linear."""
        span = np.log(self.conductivity_full_S_m / self.conductivity_empty_S_m)
        return self.conductivity_empty_S_m * np.exp(span * (np.asarray(x) - 0.25) / 0.75)

    def exchange_current_density_A_m2(self, c_e, x, reference_mol_m3=REFERENCE_MOL_M3):
        """i0 = 2 i_ref sqrt(c_e / c_ref) sqrt(x (1 - x)) in A/m²."""
        wet = np.sqrt(c_e / reference_mol_m3)
        return 2 * self.reference_current_A_m2 * wet * np.sqrt(x * (1 - x))


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
        "no source: as thick as glass fiber of the GF/A class, 180 µm when compressed",
        "L",
        sweep=(180e-6, 260e-6),
    )
    porosity: float = parameter(
        0.90, "ε_sep", "-", "porosity", "no source: glass fiber", "L", sweep=(0.85, 0.90, 0.93)
    )
    gamma: float = parameter(
        0.81,
        "γ_sep",
        "-",
        "effective transport parameter",
        "no source: porosity 0.90 over a tortuosity of 1.1",
        "L",
        sweep=(0.65, 0.81, 0.90),
    )


@dataclass(frozen=True)
class LithiumMetal:
    """Lithium counter electrode at potential zero."""

    exchange_current_A_m2: float = parameter(
        10.0,
        "i_Li",
        "A/m²",
        "exchange current density at 1 mol/l, at any temperature for want of a source",
        "no source for this cell: between a model's fit to plating on graphite and 71 A/m² in Xu "
        "et al. 2019",
        "L",
        sweep=(5.0, 10.0, 71.0),
    )


@dataclass(frozen=True)
class HalfCell:
    """
    All materials of the half cell, its temperature and the voltage window.

    The temperature is that of all parts: `active` and `electrolyte` are copied with it, whatever
    temperature they had before.

    Raises
    ------
    ValueError
        If the temperature is outside the range in which the electrolyte was measured.
    """

    active: ActiveMaterial = ActiveMaterial()
    binder: Binder = Binder()
    electrolyte: Electrolyte = Electrolyte()
    separator: Separator = Separator()
    lithium: LithiumMetal = LithiumMetal()
    temperature_K: float = parameter(
        REFERENCE_K, "T", "K", "temperature", "the paper's text gives none", "M"
    )
    cutoff_V: float = parameter(3.0, "V_min", "V", "lower cut-off", "usual for NMC622", "M")

    def __post_init__(self):
        low, high = TEMPERATURES_K
        if not low <= self.temperature_K <= high:
            raise ValueError(
                f"The temperature of the cell is {self.temperature_K!r} K; its electrolyte was "
                f"measured between {low:g} and {high:g} K. Temperatures are in K."
            )
        for name in ("active", "electrolyte"):
            part = getattr(self, name)
            if part.temperature_K != self.temperature_K:
                part = replace(part, temperature_K=self.temperature_K)
                object.__setattr__(self, name, part)


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
