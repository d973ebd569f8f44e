"""An electrolyte of one's own: four functions of the salt concentration.

:class:`~analysis.electrochemistry.materials.Electrolyte` has the published form, whose diffusion
potential is a polynomial and a logarithm. For any other conductivity, diffusivity, transference
number and thermodynamic factor the diffusion potential is integrated here, so that psi, and with
it the conservation of salt, stays what it is.
"""

from collections.abc import Callable
from dataclasses import dataclass
from functools import cached_property

import numpy as np
from numpy.polynomial import Chebyshev

from analysis.electrochemistry.materials import (
    FARADAY_C_MOL,
    GAS_J_MOL_K,
    SOFT_LOGARITHM_MOL_M3,
    Electrolyte,
)

HIGHEST_MOL_M3 = 5000.0  # above, the diffusion potential goes on as a straight line


@dataclass(frozen=True)
class OwnElectrolyte(Electrolyte):
    """
    An electrolyte given by functions of the salt concentration [mol/m³], for the FiPy model.

    Parameters
    ----------
    conductivity, diffusivity : callable
        Ionic conductivity [S/m], zero without salt, and salt diffusivity [m²/s].
    transference_number : callable
        Transference number [-] of lithium.
    thermodynamic : callable
        Thermodynamic factor [-], 1 + d ln f / d ln c.

    Raises
    ------
    ValueError
        If a function gives another shape than it is given, or values that cannot be.
    """

    conductivity: Callable = None
    diffusivity: Callable = None
    transference_number: Callable = None
    thermodynamic: Callable = None

    def __post_init__(self):
        c = np.array([1e-6, 1.0, 100.0, 1000.0, 2000.0, 3000.0])
        bounds = {
            "conductivity": ("S/m", 0.0, 10.0),
            "diffusivity": ("m²/s", 1e-14, 1e-7),
            "transference_number": ("-", -1.0, 0.999),
            "thermodynamic": ("-", 1e-3, 100.0),
        }
        for name, (unit, low, high) in bounds.items():
            function = getattr(self, name)
            if not callable(function):
                raise ValueError(f"The electrolyte has no {name}; expected a function of c_e.")
            seen = np.asarray(function(c), dtype=float)
            if seen.shape not in ((), c.shape):
                raise ValueError(
                    f"{name} gives shape {seen.shape} for concentrations of shape {c.shape}; "
                    "expected the same shape, or one number."
                )
            if not np.all((seen >= low) & (seen <= high)):
                raise ValueError(
                    f"{name} runs from {seen.min():.3g} to {seen.max():.3g} between 0 and 3000 "
                    f"mol/m³; expected {low:g} to {high:g} {unit}. Concentrations are in mol/m³."
                )

    def conductivity_S_m(self, c_e):
        """Ionic conductivity [S/m] at `c_e` [mol/m³]."""
        return _like(self.conductivity(c_e), c_e)

    def diffusivity_m2_s(self, c_e):
        """Salt diffusivity [m²/s] at `c_e` [mol/m³]."""
        return _like(self.diffusivity(c_e), c_e)

    def transference(self, c_e):
        """Transference number t₊ [-] at `c_e` [mol/m³]."""
        return _like(self.transference_number(c_e), c_e)

    def thermodynamic_factor(self, c_e):
        """Thermodynamic factor [-] at `c_e` [mol/m³]."""
        return _like(self.thermodynamic(c_e), c_e)

    def diffusion_slope_V(self, c_e):
        """beta = 2RT/F (1 - t₊) TDF [V]."""
        factor = 2 * GAS_J_MOL_K * self.temperature_K / FARADAY_C_MOL
        return factor * (1 - self.transference(c_e)) * self.thermodynamic_factor(c_e)

    def diffusion_potential_V(self, c_e):
        """B(c), the integral of beta d(ln c) from the initial concentration [V]."""
        return self._primitive(c_e) - self._primitive(self.initial_mol_m3)

    def diffusion_potential_slope(self, c_e):
        """Derivative dB/dc [V m³/mol], beta / c_e but at c_e = 0."""
        start, smooth, _ = self._series
        c = np.asarray(c_e, dtype=float)
        return start / (c + SOFT_LOGARITHM_MOL_M3) + smooth(np.minimum(c, HIGHEST_MOL_M3))

    def _primitive(self, c_e):
        start, smooth, integral = self._series
        c = np.asarray(c_e, dtype=float)
        inside = np.minimum(c, HIGHEST_MOL_M3)
        beyond = smooth(HIGHEST_MOL_M3) * (c - inside)
        return start * np.log(c + SOFT_LOGARITHM_MOL_M3) + integral(inside) + beyond

    @cached_property
    def _series(self):
        """beta(0), the smooth rest (beta - beta(0)) / c as a Chebyshev series, its integral."""
        start = float(self.diffusion_slope_V(np.array([1e-6]))[0])

        def rest(c):
            return (self.diffusion_slope_V(c) - start) / c

        smooth = Chebyshev.interpolate(rest, 60, domain=[0, HIGHEST_MOL_M3])
        return start, smooth, smooth.integ()


def _like(values, c_e):
    return np.broadcast_to(np.asarray(values, dtype=float), np.shape(c_e))
