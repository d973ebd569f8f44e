"""The electrolyte: conductivity, diffusion and potential as functions of the salt."""

from dataclasses import dataclass

import numpy as np

from analysis.electrochemistry.constants import (
    FARADAY_C_MOL,
    GAS_J_MOL_K,
    REFERENCE_K,
    SOFT_LOGARITHM_MOL_M3,
)
from analysis.electrochemistry.parameter import parameter


@dataclass(frozen=True)
class Electrolyte:
    """
    1 M LiPF6 in EC:EMC (3:7 by weight) as a function of the salt concentration.

    Conductivity and diffusivity have the published form [1]_; transference number and
    thermodynamic factor are its polynomials in c [mol/l] at the temperature of the cell, which
    :class:`~analysis.electrochemistry.materials.HalfCell` hands on.
    Concentrations go in as mol/m³. Below 0.1 mol/l and above 3 mol/l all four are
    extrapolations, as in every use of them.

    References
    ----------
    .. [1] Landesfeind & Gasteiger, J. Electrochem. Soc. 2019, 166, A3079.
    """

    conductivity_p: tuple = parameter(
        (0.521, 228.0, -1.06, 0.353, -0.00359, 0.00148),
        "p(κ_e)",
        "-",
        "coefficients of the conductivity",
        "Landesfeind & Gasteiger 2019",
        "H",
    )
    diffusivity_p: tuple = parameter(
        (1010.0, 1.01, -1560.0, -487.0),
        "p(D_e)",
        "-",
        "coefficients of the salt diffusivity",
        "Landesfeind & Gasteiger 2019",
        "H",
    )
    transference_p: tuple = parameter(
        (-12.8, -6.12, 0.0821, 0.904, 0.0318, -1.27e-4, 0.0175, -0.00312, -3.96e-5),
        "p(t₊)",
        "-",
        "coefficients of the transference number",
        "Landesfeind & Gasteiger 2019",
        "H",
    )
    thermodynamic_p: tuple = parameter(
        (25.7, -45.1, -0.177, 1.94, 0.295, 3.08e-4, 0.259, -0.00946, -4.54e-4),
        "p(TDF)",
        "-",
        "coefficients of the thermodynamic factor",
        "Landesfeind & Gasteiger 2019",
        "H",
    )
    initial_mol_m3: float = parameter(
        1000.0, "c_0", "mol/m³", "salt concentration at rest", "usual electrolyte", "M"
    )
    constant_transference: float | None = None
    temperature_K: float = REFERENCE_K

    def conductivity_S_m(self, c_e):
        """Ionic conductivity κ_e [S/m] at `c_e` [mol/m³]."""
        c = np.asarray(c_e) / 1000
        p1, p2, p3, p4, p5, p6 = self.conductivity_p
        heat = np.exp(1000 / self.temperature_K)
        rise = 1 + p3 * np.sqrt(c) + p4 * (1 + p5 * heat) * c
        return 0.1 * p1 * (1 + self.temperature_K - p2) * c * rise / (1 + p6 * heat * c**4)

    def diffusivity_m2_s(self, c_e):
        """Salt diffusivity D_e [m²/s] at `c_e` [mol/m³]; holds the thermodynamic factor."""
        c = np.asarray(c_e) / 1000
        p1, p2, p3, p4 = self.diffusivity_p
        T = self.temperature_K
        return 1e-10 * p1 * np.exp(p3 / T) * np.exp((p2 + p4 / T) * c)

    def transference(self, c_e):
        """Transference number t₊ [-] of lithium at `c_e` [mol/m³]."""
        return np.polynomial.polynomial.polyval(np.asarray(c_e) / 1000, self.transference_cubic)

    def thermodynamic_factor(self, c_e):
        """Thermodynamic factor TDF [-] at `c_e` [mol/m³]."""
        return np.polynomial.polynomial.polyval(np.asarray(c_e) / 1000, self.thermodynamic_cubic)

    @property
    def transference_cubic(self):
        """Coefficients of t₊, lowest power of c [mol/l] first."""
        if self.constant_transference is not None:
            return (self.constant_transference, 0.0, 0.0, 0.0)
        return _cubic(self.transference_p, self.temperature_K)

    @property
    def thermodynamic_cubic(self):
        """Coefficients of the thermodynamic factor, lowest power of c [mol/l] first."""
        return _cubic(self.thermodynamic_p, self.temperature_K)

    def diffusion_slope_V(self, c_e):
        """beta = 2RT/F (1 - t₊) TDF [V]: potential difference per unit of ln c at zero current."""
        c = np.asarray(c_e) / 1000
        return np.polynomial.polynomial.polyval(c, self._beta_polynomial)

    def diffusion_potential_V(self, c_e):
        """
        B(c) = integral of beta d(ln c) from the initial concentration to `c_e` [V].

        Exact, because (1 - t₊) TDF is a polynomial in c, but for the pole of the logarithm, which
        is moved by c* (:mod:`.constants`) so that an empty electrolyte has a finite potential. With
        psi = phi_e - B(c_e) the current density is simply -kappa grad psi, whatever t₊ and TDF do.
        """
        beta = self._beta_polynomial
        primitive = np.concatenate([[0.0], beta[1:] / np.arange(1, beta.size)])
        c, c0 = np.asarray(c_e) / 1000, self.initial_mol_m3 / 1000
        value = np.polynomial.polynomial.polyval
        soft = SOFT_LOGARITHM_MOL_M3 / 1000
        logarithm = np.log((c + soft) / (c0 + soft))
        return beta[0] * logarithm + value(c, primitive) - value(c0, primitive)

    def diffusion_potential_slope(self, c_e):
        """Derivative dB/dc [V m³/mol] of the diffusion potential, beta / c_e but at c_e = 0."""
        beta = self._beta_polynomial
        c, soft = np.asarray(c_e) / 1000, SOFT_LOGARITHM_MOL_M3 / 1000
        return (beta[0] / (c + soft) + np.polynomial.polynomial.polyval(c, beta[1:])) / 1000

    @property
    def _beta_polynomial(self):
        one_minus_t = -np.asarray(self.transference_cubic)
        one_minus_t[0] += 1
        product = np.polynomial.polynomial.polymul(one_minus_t, self.thermodynamic_cubic)
        return 2 * GAS_J_MOL_K * self.temperature_K / FARADAY_C_MOL * product


def _cubic(p, T):
    """Landesfeind's polynomial in c and T, collected in powers of c at temperature `T`."""
    p1, p2, p3, p4, p5, p6, p7, p8, p9 = p
    return (
        p1 + p3 * T + p6 * T**2,
        p2 + p5 * T + p9 * T**2,
        p4 + p8 * T,
        p7,
    )
