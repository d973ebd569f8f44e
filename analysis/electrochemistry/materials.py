"""Material parameters of the half cell, each with its unit, source and confidence.

The paper's Table S5 is not public, so every value here is a literature value or a stated
assumption. Confidence is H (a published parameterization of this very quantity), M (a typical
value with a citable origin) or L (an assumption: look at its sweep). All values are SI.
"""

from dataclasses import dataclass, field, fields

import numpy as np
from scipy.special import expit

FARADAY_C_MOL = 96485.33212
GAS_J_MOL_K = 8.31446261815324
SOFT_LOGARITHM_MOL_M3 = 1e-3


def _value(default, symbol, unit, meaning, source, confidence, sweep=()):
    """A dataclass field that knows its unit, source and confidence."""
    note = dict(
        symbol=symbol,
        unit=unit,
        meaning=meaning,
        source=source,
        confidence=confidence,
        sweep=tuple(sweep),
    )
    return field(default=default, metadata=note)


@dataclass(frozen=True)
class OpenCircuitPotential:
    """
    Open-circuit potential of NMC622 against lithium.

    A sum of four site reactions [1]_ gives the site occupancy as an explicit, monotone
    function of the potential. A linear map takes the occupancy to the lithium content x of
    LiMO2; it is fitted to ten published points [2]_ (rms 0.006 in x).

    References
    ----------
    .. [1] Verbrugge et al., J. Electrochem. Soc. 2017, 164, E3243.
    .. [2] Chaouachi et al., Electrochim. Acta 2021, 366, 137428.
    """

    potentials_V: tuple = _value(
        (3.62274, 3.72645, 3.90575, 4.22955),
        "U_j",
        "V",
        "standard potential of site reaction j",
        "Verbrugge et al. 2017",
        "H",
    )
    shares: tuple = _value(
        (0.13442, 0.32460, 0.21118, 0.32980),
        "X_j",
        "-",
        "share of site j",
        "Verbrugge et al. 2017",
        "H",
    )
    widths: tuple = _value(
        (0.96710, 1.39712, 3.50500, 5.52757),
        "ω_j",
        "-",
        "width of site reaction j",
        "Verbrugge et al. 2017",
        "H",
    )
    offset: float = _value(
        0.147,
        "x_0",
        "-",
        "lithium content at empty sites",
        "fit to Chaouachi et al. 2021",
        "H",
    )
    scale: float = _value(
        0.820,
        "x_1",
        "-",
        "lithium content per site",
        "fit to Chaouachi et al. 2021",
        "H",
    )
    temperature_K: float = 298.15

    def stoichiometry(self, potential_V):
        """Lithium content x [-] at the potential `potential_V` [V]."""
        return self.stoichiometry_and_slope(potential_V)[0]

    def stoichiometry_and_slope(self, potential_V):
        """Lithium content x [-] and its derivative dx/dU [1/V]; the derivative is negative."""
        potential_V = np.asarray(potential_V, dtype=float)
        x = np.full(potential_V.shape, self.offset)
        slope = np.zeros(potential_V.shape)
        for standard, share, width in zip(self.potentials_V, self.shares, self.widths, strict=True):
            factor = FARADAY_C_MOL / (GAS_J_MOL_K * self.temperature_K * width)
            occupied = expit(-factor * (potential_V - standard))
            x += self.scale * share * occupied
            slope -= self.scale * share * factor * occupied * (1 - occupied)
        return x, slope

    @property
    def bounds(self):
        """Open interval of lithium contents that a potential can be given for."""
        return self.offset, self.offset + self.scale * sum(self.shares)

    def potential(self, x):
        """
        Potential U [V] at the lithium content `x` [-].

        Found by bisection and Newton steps on the explicit inverse, to 1e-12 in x or to the
        rounding of x, whichever is larger.

        Raises
        ------
        ValueError
            If a content lies outside the range of the parameterization.
        """
        x = np.asarray(x, dtype=float)
        low, high = self.bounds
        if np.any(~((x > low) & (x < high))):
            seen = float(np.min(x)), float(np.max(x))
            raise ValueError(
                f"Lithium contents run from {seen[0]:.4f} to {seen[1]:.4f}; the open-circuit "
                f"potential is defined between {low:.3f} and {high:.3f}. Check the initial "
                "content and the capacity."
            )
        lower, upper = np.full(x.shape, 1.0), np.full(x.shape, 8.0)
        U = np.full(x.shape, 3.8)
        for _ in range(60):
            content, slope = self.stoichiometry_and_slope(U)
            too_full = content > x
            lower = np.where(too_full, U, lower)
            upper = np.where(too_full, upper, U)
            with np.errstate(divide="ignore", invalid="ignore"):
                step = U - (content - x) / slope
            inside = np.isfinite(step) & (step > lower) & (step < upper)
            new = np.where(inside, step, 0.5 * (lower + upper))
            done = np.max(np.abs(new - U), initial=0.0) < 1e-13
            U = new
            if done:
                break
        return U


@dataclass(frozen=True)
class ActiveMaterial:
    """NMC622: capacity, diffusion, kinetics, electronic conductivity."""

    ocp: OpenCircuitPotential = OpenCircuitPotential()
    max_concentration_mol_m3: float = _value(
        50222.0,
        "c_max",
        "mol/m³",
        "lithium at x = 1",
        "4.868 g/cm³ and 96.93 g/mol; the density agrees with the paper's fractions",
        "H",
    )
    diffusivity_m2_s: float = _value(
        5e-15,
        "D_s",
        "m²/s",
        "diffusivity of lithium",
        "range of Amin & Chiang 2016, Chen et al. 2020, Xu et al. 2019",
        "L",
        sweep=(1e-15, 5e-15, 2e-14),
    )
    exchange_current_A_m2: float = _value(
        2.0,
        "i_ref",
        "A/m²",
        "exchange current density at x = 0.5 and 1 mol/l, per true interface",
        "5 A/m² in Chen et al. 2020 for NMC811",
        "L",
        sweep=(0.5, 2.0, 5.0),
    )
    initial_content: float = _value(
        0.252,
        "x_init",
        "-",
        "lithium content when charged to 4.3 V",
        "open-circuit potential above",
        "M",
    )
    conductivity_empty_S_m: float = _value(
        1.0,
        "σ_AM(0.25)",
        "S/m",
        "electronic conductivity at x = 0.25",
        "Amin & Chiang 2016, NMC523",
        "M",
    )
    conductivity_full_S_m: float = _value(
        1e-5,
        "σ_AM(1)",
        "S/m",
        "electronic conductivity at x = 1",
        "Amin & Chiang 2016, NMC523",
        "M",
    )
    double_layer_F_m2: float = _value(
        0.2, "C_dl", "F/m²", "double-layer capacity per interface", "Xu et al. 2019", "M"
    )

    def conductivity_S_m(self, x):
        """Electronic conductivity [S/m] at lithium content `x`, log-linear."""
        span = np.log(self.conductivity_full_S_m / self.conductivity_empty_S_m)
        return self.conductivity_empty_S_m * np.exp(span * (np.asarray(x) - 0.25) / 0.75)

    def exchange_current_density_A_m2(self, c_e, x, reference_mol_m3=1000.0):
        """i0 = 2 i_ref sqrt(c_e / c_ref) sqrt(x (1 - x)) in A/m²."""
        return (
            2 * self.exchange_current_A_m2 * np.sqrt(c_e / reference_mol_m3) * np.sqrt(x * (1 - x))
        )


@dataclass(frozen=True)
class Binder:
    """Carbon-binder domain (CBD): a porous mixed conductor."""

    porosity: float = _value(
        0.5, "ε_e", "-", "electrolyte share of the CBD", "paper, Section 3", "H"
    )
    conductivity_S_m: float = _value(
        50.0,
        "γ_s σ_CBD",
        "S/m",
        "effective electronic conductivity of the CBD",
        "assumed; only the product matters",
        "L",
        sweep=(5.0, 50.0, 500.0),
    )


@dataclass(frozen=True)
class Electrolyte:
    """
    1 M LiPF6 in EC:EMC (3:7 by weight) as a function of the salt concentration.

    Conductivity and diffusivity have the published form [1]_; transference number and
    thermodynamic factor are its polynomials in c [mol/l] at the temperature of the cell.
    Concentrations go in as mol/m³. Below 0.1 mol/l and above 3 mol/l all four are
    extrapolations, as in every use of them.

    References
    ----------
    .. [1] Landesfeind & Gasteiger, J. Electrochem. Soc. 2019, 166, A3079.
    """

    conductivity_p: tuple = _value(
        (0.521, 228.0, -1.06, 0.353, -0.00359, 0.00148),
        "p(κ_e)",
        "-",
        "coefficients of the conductivity",
        "Landesfeind & Gasteiger 2019",
        "H",
    )
    diffusivity_p: tuple = _value(
        (1010.0, 1.01, -1560.0, -487.0),
        "p(D_e)",
        "-",
        "coefficients of the salt diffusivity",
        "Landesfeind & Gasteiger 2019",
        "H",
    )
    transference_p: tuple = _value(
        (-12.8, -6.12, 0.0821, 0.904, 0.0318, -1.27e-4, 0.0175, -0.00312, -3.96e-5),
        "p(t₊)",
        "-",
        "coefficients of the transference number",
        "Landesfeind & Gasteiger 2019",
        "H",
    )
    thermodynamic_p: tuple = _value(
        (25.7, -45.1, -0.177, 1.94, 0.295, 3.08e-4, 0.259, -0.00946, -4.54e-4),
        "p(TDF)",
        "-",
        "coefficients of the thermodynamic factor",
        "Landesfeind & Gasteiger 2019",
        "H",
    )
    initial_mol_m3: float = _value(
        1000.0, "c_0", "mol/m³", "salt concentration at rest", "usual electrolyte", "M"
    )
    constant_transference: float | None = None
    temperature_K: float = 298.15

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
        is moved by 0.001 mol/m³ so that an empty electrolyte has a finite potential. With
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


@dataclass(frozen=True)
class Separator:
    """Glass-fiber separator, homogenized."""

    thickness_m: float = _value(
        260e-6,
        "L_sep",
        "m",
        "thickness",
        "glass fiber of the GF/A class, assumed",
        "L",
        sweep=(180e-6, 260e-6),
    )
    porosity: float = _value(0.90, "ε_sep", "-", "porosity", "glass fiber, assumed", "L")
    gamma: float = _value(
        0.81, "γ_sep", "-", "effective transport parameter", "porosity 0.90, tau 1.1", "L"
    )


@dataclass(frozen=True)
class LithiumMetal:
    """Lithium counter electrode at potential zero."""

    exchange_current_A_m2: float = _value(
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
    temperature_K: float = _value(
        298.15, "T", "K", "temperature", "the paper's text gives none", "M"
    )
    cutoff_V: float = _value(3.0, "V_min", "V", "lower cut-off", "usual for NMC622", "M")


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
    return list(_rows(cell, "cell"))


def _rows(group, title):
    for item in fields(group):
        value = getattr(group, item.name)
        if hasattr(value, "__dataclass_fields__"):
            yield from _rows(value, item.name)
        elif item.metadata:
            note = dict(item.metadata)
            yield dict(material=title, value=value, **note)


def _cubic(p, T):
    """Landesfeind's polynomial in c and T, collected in powers of c at temperature `T`."""
    p1, p2, p3, p4, p5, p6, p7, p8, p9 = p
    return (
        p1 + p3 * T + p6 * T**2,
        p2 + p5 * T + p9 * T**2,
        p4 + p8 * T,
        p7,
    )
