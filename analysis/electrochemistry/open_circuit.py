"""Open-circuit potential of NMC622 against lithium, and its inverse."""

from dataclasses import dataclass

import numpy as np
from scipy.special import expit

from analysis.electrochemistry.constants import FARADAY_C_MOL, GAS_J_MOL_K, REFERENCE_K
from analysis.electrochemistry.parameter import parameter


@dataclass(frozen=True)
class OpenCircuitPotential:
    """
    Open-circuit potential of NMC622 against lithium.

    A sum of four site reactions [1]_ gives the site occupancy as an explicit, monotone
    function of the potential. A linear map takes the occupancy to the lithium content x of
    LiMO2; it is fitted to ten published points [2]_ (rms 0.006 in x).

    At equilibrium the content reaches 0.967. In a lithiation of hours it does not: in layered
    oxides with nickel, lithium hardly moves above x = 0.86 to 0.88, and a galvanostatic lithiation
    ends there whatever the cut-off, until the potential is held for long [3]_. Both models of the
    half cell have one diffusivity, so this end is put into the potential: the site that fills
    last ends at `accessible`. Its potential and width are fitted to the equilibrium potential
    (rms 0.6 mV, at most 5.4 mV, between x = 0.25 and 0.84). With ``accessible=None`` the
    potential is that of equilibrium.

    Notes
    -----
    The potentials of the sites are those at 298.15 K, the temperature of their measurement; how
    they change with temperature is not known here. Only their widths do, with RT/F.

    References
    ----------
    .. [1] Verbrugge et al., J. Electrochem. Soc. 2017, 164, E3243.
    .. [2] Chaouachi et al., Electrochim. Acta 2021, 366, 137428.
    .. [3] Grenier et al., J. Am. Chem. Soc. 2020, 142, 7001.
    """

    potentials_V: tuple = parameter(
        (3.62274, 3.72645, 3.90575, 4.22955),
        "U_j",
        "V",
        "standard potential of site reaction j",
        "Verbrugge et al. 2017",
        "H",
    )
    shares: tuple = parameter(
        (0.13442, 0.32460, 0.21118, 0.32980),
        "X_j",
        "-",
        "share of site j",
        "Verbrugge et al. 2017",
        "H",
    )
    widths: tuple = parameter(
        (0.96710, 1.39712, 3.50500, 5.52757),
        "ω_j",
        "-",
        "width of site reaction j",
        "Verbrugge et al. 2017",
        "H",
    )
    offset: float = parameter(
        0.147,
        "x_0",
        "-",
        "lithium content at empty sites",
        "fit to Chaouachi et al. 2021",
        "H",
    )
    scale: float = parameter(
        0.820,
        "x_1",
        "-",
        "lithium content per site",
        "fit to Chaouachi et al. 2021",
        "H",
    )
    accessible: float | None = parameter(
        0.88,
        "x_top",
        "-",
        "lithium content up to which lithium moves within hours",
        "Grenier et al. 2020: kinetic limit of substituted layered oxides (NCA and others)",
        "M",
        sweep=(0.86, 0.88, 0.90),
    )
    last_site: tuple = parameter(
        (3.6796, 0.4323),
        "U_1, ω_1",
        "V, -",
        "potential and width of the last site, if it ends at x_top",
        "fit to the equilibrium potential between x = 0.25 and 0.84",
        "M",
    )
    temperature_K: float = REFERENCE_K

    def __post_init__(self):
        if self.accessible is None:
            return
        least = self.offset + self.scale * sum(self.shares[1:])
        most = self.offset + self.scale * sum(self.shares)
        if not least < self.accessible <= most:
            raise ValueError(
                f"The accessible content is {self.accessible:g}; expected more than {least:.3f}, "
                f"where the last site begins, and at most {most:.3f}, its end at equilibrium."
            )

    @property
    def sites(self):
        """
        The site reactions in use.

        Returns
        -------
        potentials_V, contents, steepness : tuple of float
            Standard potential [V], lithium content per site reaction [-], and F / (R T ω) [1/V].
        """
        potentials, widths = list(self.potentials_V), list(self.widths)
        contents = [self.scale * share for share in self.shares]
        if self.accessible is not None:
            potentials[0], widths[0] = self.last_site
            contents[0] = self.accessible - self.offset - sum(contents[1:])
        thermal = FARADAY_C_MOL / (GAS_J_MOL_K * self.temperature_K)
        return tuple(potentials), tuple(contents), tuple(thermal / width for width in widths)

    def stoichiometry(self, potential_V):
        """Lithium content x [-] at the potential `potential_V` [V]."""
        return self.stoichiometry_and_slope(potential_V)[0]

    def stoichiometry_and_slope(self, potential_V):
        """Lithium content x [-] and its derivative dx/dU [1/V]; the derivative is negative."""
        potential_V = np.asarray(potential_V, dtype=float)
        x = np.full(potential_V.shape, self.offset)
        slope = np.zeros(potential_V.shape)
        for standard, content, factor in zip(*self.sites, strict=True):
            occupied = expit(-factor * (potential_V - standard))
            x += content * occupied
            slope -= content * factor * occupied * (1 - occupied)
        return x, slope

    @property
    def bounds(self):
        """Open interval of lithium contents that a potential can be given for."""
        return self.offset, self.offset + sum(self.sites[1])

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
