"""Surfaces, phase sizes, intrusion and constrictivity of every trinarization; Table 2."""

import numpy as np
import pandas as pd
import xarray as xr

from analysis import paper, storage
from analysis.descriptors import size, surface
from analysis.descriptors.connectivity import connected_fractions
from analysis.phases import VOXEL_SIZE_UM, Phase, volume_fractions
from analysis.study.morphology import descriptors
from analysis.study.morphology.descriptors import OTHERS, PHASES, PRINTED, TRUTH, same

RADII_UM = np.round(np.arange(0, 8.001, 0.05), 3)  # abscissa of the figures

QUANTITIES = {
    "volume_fraction": "-",
    "surface": "1/µm",
    "fraction_over_edge": "1/µm",
    "r_max": "µm",
    "r_min": "µm",
    "r_min_collector": "µm",
    "beta": "-",
    "through": "-",
    "dead_end": "-",
    "isolated": "-",
}
INTERFACES = ("AM-CBD", "AM-pore", "CBD-pore", "intercalation")

# Printed radii scatter with specimen, imaging and grid; AM bodies are the least sensitive.
TOLERANCES = {
    "r_max_AM": 0.10,
    "r_max_CBD": 0.25,
    "r_max_P": 0.25,
    "r_min_AM": 0.25,
    "r_min_CBD": 0.25,
    "r_min_P": 0.25,
    "beta_AM": 0.25,
    "beta_CBD": 0.25,
    "beta_P": 0.25,
}
_PRINTED_PHASE = {"AM": "AM", "CBD": "CBD", "pore": "P"}
# How the rows of Table 2 are written on a page
SYMBOLS = {"surface_interface": "S_Int"} | {
    f"{name}_{phase}": f"{symbol}_{phase}"
    for name, symbol in (("surface", "S"), ("beta", "β"))
    for phase in _PRINTED_PHASE.values()
}


def run(profile):
    """
    Measure every labelled volume; write the curves and the table ``descriptors-size``.

    Returns
    -------
    described : xarray.Dataset
        Scalars by ``specimen, cutout, method, phase``, the interfaces, and the covered shares
        ``size`` and ``intrusion`` [-] against ``r_um``.
    """
    described = descriptors.describe_all(profile, describe)
    storage.save_curves("descriptors-size", described, profile=profile)
    table = descriptors.tidy(described, QUANTITIES)
    storage.save_table("descriptors-size", table, profile=profile)
    return described


def describe(labels, voxel_size_um):
    """
    Surfaces, sizes and connectivity of one labelled volume.

    Parameters
    ----------
    labels : (Z, Y, X) ndarray of uint8
        Phase of each voxel.
    voxel_size_um : float
        Edge length of a voxel [µm].

    Returns
    -------
    described : xarray.Dataset
    """
    surfaces = surface.specific_surfaces(labels, voxel_size_um)
    sizes = size.phase_size_distributions(labels, voxel_size_um)
    intrusions = size.intrusion_distributions(labels, voxel_size_um)
    from_collector = size.intrusion_distributions(labels, voxel_size_um, inlet="collector")
    fractions = volume_fractions(labels)
    phases = (Phase.AM, Phase.CBD, Phase.PORE)
    connected = {phase: connected_fractions(labels, phase) for phase in phases}

    def each(value):
        return ("phase", [value(phase) for phase in phases])

    def curves(distributions):
        shares = [
            np.interp(RADII_UM, d.radii_um, d.phase_share, right=0.0)
            for d in (distributions[phase] for phase in phases)
        ]
        return (("phase", "r_um"), shares)

    return xr.Dataset(
        {
            "volume_fraction": each(lambda phase: fractions[phase]),
            "surface": each(surfaces.of),
            "fraction_over_edge": each(lambda phase: fractions[phase] / voxel_size_um),
            "r_max": each(lambda phase: sizes[phase].median_radius_um),
            "r_min": each(lambda phase: intrusions[phase].median_radius_um),
            "r_min_collector": each(lambda phase: from_collector[phase].median_radius_um),
            "beta": each(lambda phase: size.constrictivity(sizes[phase], intrusions[phase])),
            "through": each(lambda phase: connected[phase].through),
            "dead_end": each(lambda phase: connected[phase].dead_end),
            "isolated": each(lambda phase: connected[phase].isolated),
            "interface": (
                "pair",
                [surfaces.am_cbd, surfaces.am_pore, surfaces.cbd_pore, surfaces.intercalation],
            ),
            "size": curves(sizes),
            "intrusion": curves(intrusions),
        },
        coords={
            "phase": PHASES,
            "pair": list(INTERFACES),
            "r_um": ("r_um", RADII_UM, {"units": "µm"}),
        },
    )


def comparison(described):
    """
    Our radii and constrictivities beside those of Table 2.

    Parameters
    ----------
    described : xarray.Dataset
        From :func:`run`.

    Returns
    -------
    table : pandas.DataFrame
        Columns quantity, specimen, method, ours (mean of cutouts), lowest, highest, paper,
        deviation, verdict; printed radii in µm, beta computed from them [-].
    """
    rows = []
    for quantity in ("r_max", "r_min", "beta"):
        mean, low, high = descriptors.mean_range(described[quantity])
        for phase in PHASES:
            for specimen in ("SL", "TL"):
                for method in (m for m in PRINTED if m in described.method.values):
                    at = {"phase": phase, "specimen": specimen, "method": method}
                    name = f"{quantity}_{_PRINTED_PHASE[phase]}"
                    printed = printed_value(name, specimen, method)
                    ours = float(mean.sel(at))
                    held = verdict(name, ours, printed)
                    rows.append(
                        {
                            "quantity": name,
                            "specimen": specimen,
                            "method": method,
                            "ours": ours,
                            "lowest": float(low.sel(at)),
                            "highest": float(high.sel(at)),
                            "paper": printed,
                            "agrees": held.startswith("agrees"),
                            "verdict": held,
                        }
                    )
    return pd.DataFrame(rows)


def printed_value(name, specimen, method):
    """Value of Table 2; the constrictivities follow from the printed radii."""
    if name.startswith("beta"):
        phase = name.removeprefix("beta_")
        narrow = paper.table_2_value(f"r_min_{phase}", specimen, method)
        return (narrow / paper.table_2_value(f"r_max_{phase}", specimen, method)) ** 2
    return paper.table_2_value(name, specimen, method)


def verdict(name, ours, printed):
    """Verdict in words; below half a voxel both numbers only say that less than half is reached."""
    if name.startswith("r_") and max(ours, printed) < VOXEL_SIZE_UM / 2:
        return "agrees (both below half a voxel)"
    return str(paper.verdict(ours, printed, TOLERANCES[name]))


def table_2(described):
    """
    Table 2 with our value above the printed one.

    Parameters
    ----------
    described : xarray.Dataset
        From :func:`run`.

    Returns
    -------
    table : pandas.DataFrame
        A row for each quantity, specimen and source (here or paper), a column for each method.
        The surface rows hold true surfaces [1/µm] beside what the paper printed.
    """
    methods = [method for method in described.method.values if method in (*PRINTED, TRUTH)]
    rows = []
    for name, values in _table_2_rows(described).items():
        for specimen in ("SL", "TL"):
            here = values.sel(specimen=specimen)
            ours = {method: float(here.sel({"method": method})) for method in methods}
            printed = {method: printed_value(name, specimen, method) for method in methods}
            head = {"quantity": name, "specimen": specimen}
            rows.append(head | {"source": "here"} | ours)
            rows.append(head | {"source": "paper"} | printed)
    return pd.DataFrame(rows)


def _table_2_rows(described):
    """Means of the cutouts by the names of Table 2."""
    mean = described.mean("cutout")
    rows = {
        f"surface_{_PRINTED_PHASE[phase]}": mean["surface"].sel(phase=phase) for phase in PHASES
    }
    rows["surface_interface"] = mean["interface"].sel(pair="intercalation")
    for quantity in ("r_min", "r_max", "beta"):
        for phase in PHASES:
            rows[f"{quantity}_{_PRINTED_PHASE[phase]}"] = mean[quantity].sel(phase=phase)
    return rows


def surface_table(described):
    """
    True surfaces beside what Table 2 holds, volume fraction over voxel edge.

    Returns
    -------
    table : pandas.DataFrame
        Per specimen and method, means of the cutouts [1/µm]: surfaces of the phases and their
        interfaces, our fraction over the edge, and the printed value of the same name.
    """
    mean = described.mean("cutout")
    rows = []
    for specimen in ("SL", "TL"):
        for method in described.method.values:
            at = {"specimen": specimen, "method": method}
            row = dict(at)
            for phase in PHASES:
                row[f"S_{phase}"] = float(mean["surface"].sel({"phase": phase, **at}))
            row["S_Int"] = float(mean["interface"].sel({"pair": "intercalation", **at}))
            row["S_CBD,P"] = float(mean["interface"].sel({"pair": "CBD-pore", **at}))
            for phase in PHASES:
                over_edge = float(mean["fraction_over_edge"].sel({"phase": phase, **at}))
                row[f"fraction/edge {phase}"] = over_edge
                name = f"surface_{_PRINTED_PHASE[phase]}"
                row[f"printed {phase}"] = paper.table_2_value(name, specimen, method)
            rows.append(row)
    return pd.DataFrame(rows)


def printed_surfaces():
    """
    What the printed surface rows of Table 2 imply.

    Returns
    -------
    table : pandas.DataFrame
        Per specimen and method: the three printed values, their sum times the voxel edge [-], and
        the interface of CBD and pore that they imply [1/µm]; a surface cannot be negative.
    """
    rows = []
    for specimen in ("SL", "TL"):
        for method in PRINTED:
            am, cbd, pore = (
                paper.table_2_value(f"surface_{name}", specimen, method)
                for name in ("AM", "CBD", "P")
            )
            rows.append(
                {
                    "specimen": specimen,
                    "method": method,
                    "S_AM": am,
                    "S_CBD": cbd,
                    "S_P": pore,
                    "sum": am + cbd + pore,
                    "sum times edge": (am + cbd + pore) * VOXEL_SIZE_UM,
                    "S_CBD,P": (cbd + pore - am) / 2,
                }
            )
    return pd.DataFrame(rows)


def findings(described):
    """
    Check what Section 5.1 says about surfaces, Table 2, and Figures 6 and 7.

    Parameters
    ----------
    described : xarray.Dataset
        From :func:`run`.

    Returns
    -------
    findings : list of Finding
    """
    methods = [str(method) for method in described.method.values]
    mean = described.mean("cutout")
    both = mean.mean("specimen")

    def r_max(phase, method):
        return float(both["r_max"].sel({"phase": phase, "method": method}))

    def curve(name, phase, method):
        return both[name].sel({"phase": phase, "method": method})

    def surface_spread():
        values = both["surface"].sel({"method": [m for m in PRINTED if m in methods]})
        spread = (values.max("method") / values.min("method") - 1).values
        text = ", ".join(f"{p} {s:.0%}" for p, s in zip(PHASES, spread, strict=True))
        return f"largest over smallest, less one: {text}", spread.max() < 0.05

    def edx_pores():
        pores = {method: r_max("pore", method) for method in PRINTED if method in methods}
        edx = pores.pop("edx-closing")
        return f"{edx:.2f} µm, the next {max(pores.values()):.2f} µm", edx > max(pores.values())

    def nearly_identical():
        pair = {
            p: same(curve("size", p, "kmeans"), curve("size", p, "thresholding")) for p in PHASES
        }
        text = ", ".join(f"{phase} {value:.3f}" for phase, value in pair.items())
        return text, max(pair.values()) < 0.1

    def neural_differ():
        apart = {
            phase: max(
                same(curve("size", phase, a), curve("size", phase, b))
                for a in descriptors.NEURAL
                for b in descriptors.NEURAL
            )
            for phase in ("CBD", "pore")
        }
        text = ", ".join(f"{phase} {value:.2f}" for phase, value in apart.items())
        return text, min(apart.values()) > 0.1

    def conditioning_coarsens():
        cbd = {method: r_max("CBD", method) for method in descriptors.NEURAL}
        pore = {method: r_max("pore", method) for method in descriptors.NEURAL}
        holds = max(cbd, key=cbd.get) == "nn-cbd-cond" and max(pore, key=pore.get) == "nn-p-cond"
        text = "CBD " + " / ".join(f"{value:.2f}" for value in cbd.values())
        text += ", pore " + " / ".join(f"{value:.2f}" for value in pore.values())
        return text + " µm for NN-AM-, NN-CBD-, NN-P-Cond", holds

    def neural_left():
        neural = max(r_max("pore", method) for method in descriptors.NEURAL)
        others = min(r_max("pore", method) for method in OTHERS)
        return f"largest of the network {neural:.2f} µm, smallest of the others {others:.2f} µm", (
            neural < others
        )

    def few_voxels():
        present = [m for m in PRINTED if m in methods]
        values = both["r_min"].sel({"method": present}) / VOXEL_SIZE_UM
        low, high = values.min("method"), values.max("method")
        ends = zip(PHASES, low.values, high.values, strict=True)
        text = ", ".join(f"{phase} {a:.1f} to {b:.1f}" for phase, a, b in ends)
        narrow = float(high.sel(phase=["CBD", "pore"]).max())
        return f"r_min in voxels: {text}", narrow < 1.5 < float(low.sel(phase="AM"))

    def am_bottlenecks():
        present = [m for m in PRINTED if m in methods]
        values = both["r_min"].sel({"method": present, "phase": "AM"})
        spread = float((values.max() - values.min()) / values.mean())
        return f"{spread:.0%}", spread < 0.25

    def edx_specimens():
        apart = {}
        for method in (m for m in PRINTED if m in methods):
            pores = mean["intrusion"].sel({"phase": "pore", "method": method})
            apart[method] = same(pores.sel(specimen="SL"), pores.sel(specimen="TL"))
        edx = apart.pop("edx-closing")
        return f"EDX-Closing {edx:.2f}, the next {max(apart.values()):.2f}", edx > max(
            apart.values()
        )

    def methods_over_specimens():
        present = [m for m in PRINTED if m in methods]
        values = mean["r_max"].sel({"method": present})
        across = float((values.max("method") - values.min("method")).mean())
        between = float(abs(values.sel(specimen="SL") - values.sel(specimen="TL")).mean())
        return f"between methods {across:.2f} µm, between SL and TL {between:.2f} µm", (
            between < 0.25 * across
        )

    check = descriptors.check
    return [
        check(
            methods, ("thresholding", "kmeans"),
            "The surface area of each phase does not depend on the trinarization.",
            "true surfaces of all methods within 5 %", surface_spread,
        ),
        check(
            methods, OTHERS, "EDX-Closing leads to significantly larger pores.",
            "largest r_max of the pores", edx_pores,
        ),
        check(
            methods, ("thresholding", "kmeans"),
            "k-means and Thresholding have nearly identical size distributions of all phases.",
            "largest distance of the curves below 0.1", nearly_identical,
        ),
        check(
            methods, descriptors.NEURAL,
            "The network's trinarizations differ from each other in CBD and pores.",
            "largest distance of two curves above 0.1", neural_differ,
        ),
        check(
            methods, descriptors.NEURAL,
            "Conditioning the network on a phase gives larger clusters of that phase.",
            "r_max of CBD largest for NN-CBD-Cond, of pores for NN-P-Cond", conditioning_coarsens,
        ),
        check(
            methods, PRINTED,
            "The network's pore curves are shifted to smaller radii.",
            "every r_max of the pores below those of the other methods", neural_left,
        ),
        check(
            methods, ("thresholding", "kmeans"),
            "Intrusion curves of CBD and pores are prone to discretization errors.",
            "their r_min below one and a half voxels, that of AM above", few_voxels,
        ),
        check(
            methods, ("thresholding", "kmeans"),
            "The AM differs only slightly between methods, so r_min is similar.",
            "range of r_min over its mean below 25 %", am_bottlenecks,
        ),
        check(
            methods, ("thresholding", "kmeans", "edx-closing"),
            "Only EDX-Closing shows a clear difference of SL and TL, in the intrusion of pores.",
            "largest distance of SL and TL among the methods", edx_specimens,
        ),
        check(
            methods, ("thresholding", "kmeans"),
            "Methods differ clearly, SL and TL do not.",
            "mean difference of r_max between SL and TL below a quarter of the methods' range",
            methods_over_specimens,
        ),
    ]  # fmt: skip
