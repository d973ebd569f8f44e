"""The parameters that are known badly: their ranges, and where these come from.

A parameter is a number z between -1 and 1 here, the ends of its range. Within it nothing is more
likely than anything else.
"""

from collections.abc import Callable
from dataclasses import dataclass, replace

import numpy as np

from analysis.electrochemistry.materials import DEFAULT

GAMMAS = 0.01, 0.5  # what gamma itself can be; even in its logarithm


@dataclass(frozen=True)
class Uncertain:
    """
    One doubtful parameter.

    Attributes
    ----------
    symbol, unit, source : str
        As they stand in the table.
    default, low, high : float
        The value in use, and the range.
    logarithmic : bool
        Whether the logarithm is what is even within the range.
    put : callable
        ``put(materials, value)`` returns the materials with this value.
    """

    symbol: str
    unit: str
    default: float
    low: float
    high: float
    logarithmic: bool
    source: str
    put: Callable

    def value(self, z):
        """Value of the parameter at `z` between -1 and 1."""
        share = 0.5 * (1 + z)
        if self.logarithmic:
            return self.low * (self.high / self.low) ** share
        return self.low + share * (self.high - self.low)

    @property
    def usual(self):
        """Where the value in use lies, between -1 and 1."""
        low, high, at = self.low, self.high, self.default
        if self.logarithmic:
            low, high, at = np.log([low, high, at])
        return float(2 * (at - low) / (high - low) - 1)


def _in(part, **fields):
    def put(materials, value):
        changed = {name: change(value) for name, change in fields.items()}
        return replace(materials, **{part: replace(getattr(materials, part), **changed)})

    return put


def _scaled(name):
    """Multiply the first coefficient of an electrolyte's function, which scales all of it."""

    def put(materials, value):
        first, *others = getattr(materials.electrolyte, name)
        electrolyte = replace(materials.electrolyte, **{name: (first * value, *others)})
        return replace(materials, electrolyte=electrolyte)

    return put


def _shifted_transference(materials, value):
    first, *others = materials.electrolyte.transference_p
    moved = (first + value, *others)  # the first coefficient is the constant of the polynomial
    return replace(materials, electrolyte=replace(materials.electrolyte, transference_p=moved))


def _same(value):
    return value


_active = DEFAULT.active
UNCERTAIN = (
    Uncertain(
        "D_e", "of the default", 1.0, 0.61, 1.2, True,
        "1.77e-10 m²/s at 1 mol/l in Nyman et al. 2008 against 2.89e-10; some above",
        _scaled("diffusivity_p"),
    ),
    Uncertain(
        "κ_e", "of the default", 1.0, 0.9, 1.1, True,
        "0.949 S/m at 1 mol/l in Nyman et al. 2008 against 0.913; wetting and filling",
        _scaled("conductivity_p"),
    ),
    Uncertain(
        "t₊", "added", 0.0, -0.05, 0.16, False,
        "0.26 in Nyman et al. 2008, 0.38 in Valøen & Reimers 2005 against 0.22 at 1 mol/l",
        _shifted_transference,
    ),
    Uncertain(
        "D_s", "m²/s", _active.diffusivity_m2_s, 1e-15, 2e-14, True,
        "Amin & Chiang 2016, Chen et al. 2020, Xu et al. 2019",
        _in("active", diffusivity_m2_s=_same),
    ),
    Uncertain(
        "L_sep", "m", DEFAULT.separator.thickness_m, 180e-6, 260e-6, False,
        "no source: glass fiber, compressed or not",
        _in("separator", thickness_m=_same),
    ),
    Uncertain(
        "i_ref", "A/m²", _active.exchange_current_A_m2, 0.5, 5.0, True,
        "5 A/m² in Chen et al. 2020 for NMC811",
        _in("active", exchange_current_A_m2=_same),
    ),
    Uncertain(
        "c_max", "mol/m³", _active.max_concentration_mol_m3, 47664.0, 51300.0, False,
        "Chaouachi et al. 2021; as far above 50 222 as the density may be off (2 %)",
        _in("active", max_concentration_mol_m3=_same),
    ),
    Uncertain(
        "i_Li", "A/m²", DEFAULT.lithium.exchange_current_A_m2, 5.0, 71.0, True,
        "no source for this cell; 71 A/m² in Xu et al. 2019",
        _in("lithium", exchange_current_A_m2=_same),
    ),
)  # fmt: skip


def materials_at(z, materials=DEFAULT):
    """
    Materials with all doubtful parameters at a point of their ranges.

    Parameters
    ----------
    z : (P,) array
        In the order of :data:`UNCERTAIN`, each between -1 and 1.
    materials : HalfCell
        The others.

    Returns
    -------
    HalfCell
    """
    for one, at in zip(UNCERTAIN, np.asarray(z, float), strict=True):
        materials = one.put(materials, one.value(at))
    return materials


def usual():
    """The parameters in use, each between -1 and 1."""
    return np.array([one.usual for one in UNCERTAIN])


def points(number, seed):
    """
    Points that fill the ranges evenly: gamma first, then the parameters.

    Parameters
    ----------
    number : int
        Points; a power of two fills most evenly.
    seed : int
        Of the scrambling.

    Returns
    -------
    z : (number, 1 + P) ndarray
        Between -1 and 1.
    """
    from scipy.stats import qmc

    sampler = qmc.Sobol(1 + len(UNCERTAIN), scramble=True, seed=seed)
    return 2 * sampler.random_base2(int(np.ceil(np.log2(number))))[:number] - 1
