"""From recipe to electrode: suspensions, volume fractions, thickness, capacity, C-rates.

Everything follows from Table 1, the mass loading and the density of the calendered
composite (Prifling et al. 2022, Section 2.1). The component densities are not stated there;
:data:`PAPER_DENSITIES` is the pair that reproduces the printed volume fractions.
"""

from dataclasses import dataclass

from analysis.phases import CBD_POROSITY, VOXEL_SIZE_UM, Phase

SPECIFIC_CAPACITY_MAH_G = 171.0  # NMC622; "50 mg/cm2, about 8 mAh/cm2" (ECS 236)

INTERFACE_UM = 80.0  # distance of the layer interface of TL from the separator, Section 5.1


@dataclass(frozen=True)
class Suspension:
    """
    Solids of a slurry in weight percent, one column of Table 1.

    Raises
    ------
    ValueError
        If a weight is negative or the weights do not sum to 100.
    """

    name: str
    nmc: float
    carbon_black: float
    graphite: float
    pvdf: float
    mixer: str = ""

    def __post_init__(self):
        weights = self.weights
        if any(weight < 0 for weight in weights.values()):
            raise ValueError(
                f"Suspension {self.name!r} has a negative weight: {weights}. "
                "Give weight percent of the dry solids, each at least 0."
            )
        total = sum(weights.values())
        if abs(total - 100) > 1e-6:
            raise ValueError(
                f"The weights of suspension {self.name!r} sum to {total:g}, not 100 wt%: "
                f"{weights}. Count the dry solids only, without the solvent NMP."
            )

    @property
    def weights(self):
        """Weight percent of each component, as a dict."""
        return {
            "nmc": self.nmc,
            "carbon_black": self.carbon_black,
            "graphite": self.graphite,
            "pvdf": self.pvdf,
        }

    @property
    def additives(self):
        """Weight percent of everything that ends up in the CBD."""
        return self.carbon_black + self.graphite + self.pvdf

    @property
    def pvdf_share(self):
        """Mass fraction [-] of PVdF in the CBD; fluorine marks nothing else."""
        return self.pvdf / self.additives


SUSPENSIONS = {
    "A": Suspension("A", 93.5, 2.0, 1.0, 3.5, "Grieser (1.6 dm3)"),
    "B": Suspension("B", 91.5, 2.0, 1.0, 5.5, "Netzsch (10 dm3)"),
    "C": Suspension("C", 95.5, 2.0, 1.0, 1.5, "Grieser (1.6 dm3)"),
    "D": Suspension("D", 93.0, 2.0, 1.0, 4.0, "Netzsch (10 dm3)"),
}


@dataclass(frozen=True)
class Densities:
    """
    Densities of the solids [g/cm³]: NMC crystal, and the mean over the CBD solids.

    Raises
    ------
    ValueError
        If a density is not positive.
    """

    nmc_g_cm3: float
    cbd_solid_g_cm3: float

    def __post_init__(self):
        for name, value in (("NMC", self.nmc_g_cm3), ("CBD solids", self.cbd_solid_g_cm3)):
            if not value > 0:
                raise ValueError(
                    f"The density of {name} is {value} g/cm3; expected a positive number."
                )


PAPER_DENSITIES = Densities(nmc_g_cm3=4.868, cbd_solid_g_cm3=1.746)


def mean_density(suspension, *, carbon_black, graphite, pvdf):
    """
    Density [g/cm³] of the CBD solids of a suspension, from the densities of its components.

    Parameters
    ----------
    suspension : Suspension
        Recipe.
    carbon_black, graphite, pvdf : float
        Densities [g/cm³].

    Examples
    --------
    >>> round(mean_density(SUSPENSIONS["A"], carbon_black=1.9, graphite=2.26, pvdf=1.78), 2)
    1.88
    """
    volume = (
        suspension.carbon_black / carbon_black
        + suspension.graphite / graphite
        + suspension.pvdf / pvdf
    )
    return suspension.additives / volume


@dataclass(frozen=True)
class SolidFractions:
    """Volume fractions [-] by material: the CBD counts its solids only."""

    am: float
    cbd_solid: float
    porosity: float


def solid_fractions(suspension, density_g_cm3, densities=PAPER_DENSITIES):
    """
    Volume fractions of the solids and the total porosity of a calendered layer.

    Parameters
    ----------
    suspension : Suspension
        Recipe of the dry solids.
    density_g_cm3 : float
        Density [g/cm³] of the composite, pores included.
    densities : Densities
        Densities of the solids.

    Returns
    -------
    SolidFractions

    Raises
    ------
    ValueError
        If the composite is so dense that no pore space is left.

    Examples
    --------
    >>> solid_fractions(SUSPENSIONS["A"], 3.1).am.__round__(4)
    0.5954
    """
    if not density_g_cm3 > 0:
        raise ValueError(f"The composite density is {density_g_cm3} g/cm3; expected above 0.")
    am = density_g_cm3 * suspension.nmc / 100 / densities.nmc_g_cm3
    cbd = density_g_cm3 * suspension.additives / 100 / densities.cbd_solid_g_cm3
    porosity = 1 - am - cbd
    if porosity < 0:
        limit = density_g_cm3 / (am + cbd)
        raise ValueError(
            f"A composite of {density_g_cm3:g} g/cm3 from suspension {suspension.name!r} would "
            f"have a porosity of {porosity:.3f}; its solids alone have {limit:.2f} g/cm3. Give a "
            "density below that, or check the densities of the components."
        )
    return SolidFractions(am, cbd, porosity)


def voxel_targets(fractions, cbd_porosity=CBD_POROSITY):
    """
    Fractions that the *labels* must reach: the CBD with its nanopores, macropores only.

    Nanopores of the CBD are far below the voxel size, so a voxel labelled CBD holds
    solid and pore. At 50 % nanoporosity the CBD occupies twice its solid volume.

    Parameters
    ----------
    fractions : SolidFractions
        Of the materials.
    cbd_porosity : float
        Share [-] of nanopores in the CBD.

    Returns
    -------
    targets : dict of Phase to float

    Raises
    ------
    ValueError
        If the CBD needs more nanopores than there is porosity.

    Examples
    --------
    >>> targets = voxel_targets(SolidFractions(0.5954, 0.1154, 0.2892))
    >>> [round(targets[phase], 4) for phase in (Phase.AM, Phase.CBD, Phase.PORE)]
    [0.5954, 0.2308, 0.1738]
    """
    if not 0 <= cbd_porosity < 1:
        raise ValueError(f"The CBD's inner porosity is {cbd_porosity}; expected 0 <= value < 1.")
    cbd = fractions.cbd_solid / (1 - cbd_porosity)
    pore = 1 - fractions.am - cbd
    if pore < 0:
        raise ValueError(
            f"With an inner porosity of {cbd_porosity:g} the CBD would fill {cbd:.3f} of the "
            f"volume, but only {1 - fractions.am:.3f} is free of active material. Lower the inner "
            "porosity or the composite density."
        )
    return {Phase.AM: fractions.am, Phase.CBD: cbd, Phase.PORE: pore}


@dataclass(frozen=True)
class Electrode:
    """
    A manufactured cathode.

    Attributes
    ----------
    layers : tuple of Suspension
        From separator to collector, equal masses.
    loading_mg_cm2 : float
        Mass of the dry composite per area.
    density_g_cm3 : float
        Of the calendered composite.
    """

    name: str
    title: str
    layers: tuple
    loading_mg_cm2: float
    density_g_cm3: float

    @property
    def recipe(self):
        """Suspension that has the mean composition of the layers."""
        names = ("nmc", "carbon_black", "graphite", "pvdf")
        mean = [sum(getattr(s, n) for s in self.layers) / len(self.layers) for n in names]
        return Suspension("+".join(s.name for s in self.layers), *mean)

    @property
    def thickness_um(self):
        """Thickness [µm] from loading and density."""
        return self.loading_mg_cm2 / self.density_g_cm3 * 10

    def thickness_voxels(self, voxel_size_um=VOXEL_SIZE_UM):
        """Thickness in whole voxels."""
        return round(self.thickness_um / voxel_size_um)

    def solid_fractions(self, densities=PAPER_DENSITIES):
        """Volume fractions of the materials, mean over the thickness."""
        return solid_fractions(self.recipe, self.density_g_cm3, densities)

    def targets(self, densities=PAPER_DENSITIES, cbd_porosity=CBD_POROSITY):
        """Target fractions of the labels, a dict of Phase to float."""
        return voxel_targets(self.solid_fractions(densities), cbd_porosity)

    @property
    def am_loading_mg_cm2(self):
        """Active mass per area [mg/cm²]."""
        return self.loading_mg_cm2 * self.recipe.nmc / 100

    def areal_capacity_mAh_cm2(self, specific_capacity_mAh_g=SPECIFIC_CAPACITY_MAH_G):
        """Capacity per area [mAh/cm²]."""
        return self.am_loading_mg_cm2 * specific_capacity_mAh_g / 1000

    def c_rate(self, current_mA_cm2, specific_capacity_mAh_g=SPECIFIC_CAPACITY_MAH_G):
        """Rate [1/h] at which a current density [mA/cm²] uses the areal capacity."""
        return current_mA_cm2 / self.areal_capacity_mAh_cm2(specific_capacity_mAh_g)


ELECTRODES = {
    "SL": Electrode("SL", "single layer", (SUSPENSIONS["A"],), 51.0, 3.1),
    "TL": Electrode("TL", "two layers", (SUSPENSIONS["C"], SUSPENSIONS["B"]), 53.0, 3.1),
    # The density of the third sample is not stated; that of the others is assumed.
    "D": Electrode("D", "correlative sample", (SUSPENSIONS["D"],), 49.1, 3.1),
}


def electrode(name):
    """
    Look an electrode up by its name.

    Raises
    ------
    ValueError
        If there is none of that name.
    """
    if name not in ELECTRODES:
        raise ValueError(f"Unknown specimen {name!r}; expected one of {', '.join(ELECTRODES)}.")
    return ELECTRODES[name]
