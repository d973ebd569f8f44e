"""What follows from Table 1 alone: fractions, thickness, capacity, rates."""

import pandas as pd

from analysis import electrodes, paper, profiles
from analysis.electrodes import ELECTRODES, PAPER_DENSITIES, SUSPENSIONS, Densities
from analysis.phases import Phase

PRINTED = {"AM": 59.54, "CBD solids": 11.54, "pores": 28.92}  # Section 2.1, volume percent

# Densities of carbon black, graphite and PVdF [g/cm3], with that of NMC622.
COMPONENTS = {
    "usual, high": (4.77, 2.0, 2.26, 1.78),
    "usual, low": (4.75, 1.8, 2.26, 1.78),
    "fitted by hand": (4.868, 1.57, 2.20, 1.76),
}


def suspensions():
    """Weight percent of each suspension, and the share of PVdF in its CBD."""
    return pd.DataFrame(
        [
            {
                "suspension": s.name,
                "NMC622": s.nmc,
                "carbon black": s.carbon_black,
                "graphite": s.graphite,
                "PVdF": s.pvdf,
                "PVdF in CBD [%]": 100 * s.pvdf_share,
                "mixer": s.mixer,
            }
            for s in SUSPENSIONS.values()
        ]
    )


def printed_fractions():
    """Volume fractions [%] of SL and TL beside the printed ones, as verdicts."""
    verdicts = {}
    for name in profiles.ELECTRODES:
        fractions = ELECTRODES[name].solid_fractions()
        ours = (fractions.am, fractions.cbd_solid, fractions.porosity)
        for (material, printed), value in zip(PRINTED.items(), ours, strict=True):
            verdicts[f"{name}, {material}"] = paper.verdict(100 * value, printed, 0.01)
    return verdicts


def implied_densities():
    """Densities [g/cm³] of NMC622 and of the CBD solids that the printed fractions imply."""
    sl = ELECTRODES["SL"]
    am = sl.density_g_cm3 * sl.recipe.nmc / PRINTED["AM"]
    cbd = sl.density_g_cm3 * sl.recipe.additives / PRINTED["CBD solids"]
    return {"NMC622": am, "CBD solids": cbd}


def densities():
    """Volume fractions [%] of SL for several sets of densities."""
    sets = {"implied by the paper": PAPER_DENSITIES}
    for name, (nmc, *additives) in COMPONENTS.items():
        keys = ("carbon_black", "graphite", "pvdf")
        mean = electrodes.mean_density(SUSPENSIONS["A"], **dict(zip(keys, additives, strict=True)))
        sets[name] = Densities(nmc, mean)
    rows = []
    for name, chosen in sets.items():
        fractions = ELECTRODES["SL"].solid_fractions(chosen)
        rows.append(
            {
                "densities": name,
                "NMC622": chosen.nmc_g_cm3,
                "CBD solids": chosen.cbd_solid_g_cm3,
                "AM": 100 * fractions.am,
                "CBD (solids)": 100 * fractions.cbd_solid,
                "pores": 100 * fractions.porosity,
            }
        )
    return pd.DataFrame(rows)


def layers():
    """Fractions [%] of materials and of labels: whole electrodes, and the layers of TL."""
    tl = ELECTRODES["TL"]
    recipes = {name: (e.recipe, e.density_g_cm3) for name, e in ELECTRODES.items()}
    for place, layer in zip(("separator side", "collector side"), tl.layers, strict=True):
        recipes[f"TL, {place} ({layer.name})"] = (layer, tl.density_g_cm3)
    rows = []
    for name, (recipe, density) in recipes.items():
        fractions = electrodes.solid_fractions(recipe, density)
        targets = electrodes.voxel_targets(fractions)
        rows.append(
            {
                "electrode": name,
                "AM": 100 * fractions.am,
                "CBD solids": 100 * fractions.cbd_solid,
                "pores": 100 * fractions.porosity,
                "CBD voxels": 100 * targets[Phase.CBD],
                "macropores": 100 * targets[Phase.PORE],
            }
        )
    return pd.DataFrame(rows)


def dimensions():
    """Loading, thickness and capacity of the three electrodes."""
    return pd.DataFrame(
        [
            {
                "electrode": e.name,
                "suspensions": e.recipe.name,
                "loading [mg/cm²]": e.loading_mg_cm2,
                "thickness [µm]": e.thickness_um,
                "thickness [voxel]": e.thickness_voxels(),
                "AM loading [mg/cm²]": e.am_loading_mg_cm2,
                "capacity [mAh/cm²]": e.areal_capacity_mAh_cm2(),
            }
            for e in ELECTRODES.values()
        ]
    )


def rates():
    """C-rates [1/h] of the six currents."""
    columns = {"current [mA/cm²]": paper.CURRENTS_MA_CM2}
    for name in profiles.ELECTRODES:
        columns[name] = [ELECTRODES[name].c_rate(i) for i in paper.CURRENTS_MA_CM2]
    return pd.DataFrame(columns)
