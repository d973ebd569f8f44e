"""Surfaces, phase sizes, intrusion and constrictivity of every trinarization; Table 2."""

import numpy as np
import pandas as pd
import xarray as xr

from analysis import paper
from analysis.descriptors import size, surface
from analysis.descriptors.connectivity import connected_fractions
from analysis.phases import VOXEL_SIZE_UM, Phase, volume_fractions
from analysis.study.catalogue import TRUTH
from analysis.study.morphology import descriptors
from analysis.study.morphology.descriptors import PHASES, PRINTED

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

CALIBRATED = "thresholding"  # the column that the imaging was tuned to

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
# How the largest radii are written in a figure
TITLES = {
    "r_max_AM": r"$r_\mathrm{max}$ of the AM",
    "r_max_CBD": r"$r_\mathrm{max}$ of the CBD",
    "r_max_P": r"$r_\mathrm{max}$ of the pores",
}
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

    def table(described):
        return descriptors.tidy(described, QUANTITIES)

    return descriptors.run(profile, describe, "descriptors-size", table)


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


def worst_first(compared):
    """
    A comparison with what differs most on top, and the role of each entry.

    Parameters
    ----------
    compared : pandas.DataFrame
        From :func:`comparison`.

    Returns
    -------
    table : pandas.DataFrame
        With the further columns `role` ("calibration" or "validation", see :func:`role`); what
        differs comes first, by the size of the deviation.
    """
    deviation = (compared.ours - compared.paper).abs() / compared.paper.abs().clip(lower=1e-9)
    roles = [role(q, m) for q, m in zip(compared.quantity, compared.method, strict=True)]
    table = compared.assign(role=roles, _far=deviation.where(~compared.agrees, -1.0))
    table = table.sort_values("_far", ascending=False, kind="stable")
    return table.drop(columns="_far").reset_index(drop=True)


def role(quantity, method):
    """
    Whether an entry of Table 2 was used to tune the study, or is a test of it.

    The imaging was tuned to r_max of AM and pores in the column Thresholding, so the whole column
    counts as calibration. Activation and binning of the network were chosen by the r_max of the
    pores in its columns. Nothing else of Table 2 was looked at.

    Examples
    --------
    >>> role("r_max_P", "nn-p-cond"), role("r_max_AM", "nn-p-cond"), role("r_max_AM", "kmeans")
    ('calibration', 'validation', 'validation')
    """
    pores = quantity == "r_max_P" and method.startswith("nn-")
    return "calibration" if pores or method == CALIBRATED else "validation"


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
