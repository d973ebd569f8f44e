"""Open-circuit potential of NMC622 against lithium, and its inverse."""

from dataclasses import dataclass

import numpy as np
from scipy.special import expit

from analysis.electrochemistry.constants import FARADAY_C_MOL, GAS_J_MOL_K
from analysis.electrochemistry.parameter import parameter


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
