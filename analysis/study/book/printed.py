"""What the paper's tables and texts hold when one computes with them.

Nothing here is simulated: every row follows from printed numbers and arithmetic. The chapter
``paper_tables`` shows the rows; the inconsistencies do not lessen the paper's findings, but
whoever calibrates to a table should know what it holds.
"""

import numpy as np
import pandas as pd

from analysis import electrodes, paper
from analysis.phases import CBD_POROSITY, VOXEL_SIZE_UM, Phase

_NAMES = {Phase.AM: "AM", Phase.CBD: "CBD", Phase.PORE: "P"}

# Section 2.2 and 3.3: the FIB-SEM cutout and its voxels
FIB_WINDOW_UM = (15.0, 14.0, 27.0)
FIB_VOXEL_NM = 10.0
FIB_VOXELS_PER_EDGE = 128

# Section 3.1: windows on which the thresholds were chosen, voxels through the thickness
THRESHOLD_WINDOW_VOXELS = {"SL": 220, "TL": 250}

FIGURE_1_THICKNESS_UM = 182.0  # caption of Figure 1, third sample


def table_2():
    """
    Table 2 with a column per quantity.

    Returns
    -------
    table : pandas.DataFrame
        Rows by specimen and method; columns ``surface_*`` [1/µm], ``r_min_*``, ``r_max_*`` [µm].
    """
    tidy = paper.table(2)
    wide = tidy.pivot(index=["specimen", "method"], columns="quantity", values="value")
    printed_order = list(dict.fromkeys(zip(tidy["specimen"], tidy["method"], strict=True)))
    return wide.loc[printed_order]


def surface_rows():
    """
    Test the surface rows of Table 2: times the voxel edge they are volume fractions.

    Returns
    -------
    table : pandas.DataFrame
        Per specimen and method: the printed sum of the three surfaces times the voxel edge [-]
        (1 if they are fractions), the fraction each phase would have [-], the interface of pore
        and CBD that the printed surfaces imply [1/µm] (negative is impossible), and the printed
        S_Int less ¾ S_AM + ¼ S_P − ¼ S_CBD [1/µm], to which S_AM,P + ½ S_AM,CBD reduces.

    Notes
    -----
    The surface of a phase is the sum of its two interfaces, so with three phases
    S_P,CBD = (S_P + S_CBD − S_AM) / 2 and so on around.
    """
    printed = table_2()
    am, cbd, pore = (printed[f"surface_{_NAMES[phase]}"] for phase in (Phase.AM, Phase.CBD, 0))
    return pd.DataFrame(
        {
            "sum_times_edge": (am + cbd + pore) * VOXEL_SIZE_UM,
            "fraction_AM": am * VOXEL_SIZE_UM,
            "fraction_CBD": cbd * VOXEL_SIZE_UM,
            "fraction_pore": pore * VOXEL_SIZE_UM,
            "interface_pore_CBD": (pore + cbd - am) / 2,
            "interface_residual": printed["surface_interface"] - (3 * am + pore - cbd) / 4,
        }
    ).reset_index()


def proved_targets():
    """
    Target fractions from the composition, beside those hidden in Table 2.

    Returns
    -------
    table : pandas.DataFrame
        Per phase: the fraction printed in Section 2.1, the voxel fraction if half of the CBD is
        nanopore, and the lowest, mean and highest value of Table 2's surface rows times the edge.
    """
    printed = paper.PRINTED_FRACTIONS
    solids = electrodes.SolidFractions(printed["AM"], printed["CBD"], printed["pore"])
    targets = electrodes.voxel_targets(solids, CBD_POROSITY)
    rows = surface_rows()
    names = {Phase.AM: "AM", Phase.CBD: "CBD", Phase.PORE: "pore"}
    return pd.DataFrame(
        [
            {
                "phase": name,
                "printed": printed[name],
                "voxel_target": targets[phase],
                "table_2_lowest": rows[f"fraction_{name}"].min(),
                "table_2_mean": rows[f"fraction_{name}"].mean(),
                "table_2_highest": rows[f"fraction_{name}"].max(),
            }
            for phase, name in names.items()
        ]
    )


def training_voxels():
    """
    How many tomogram voxels the FIB-SEM window holds, for two voxel sizes.

    Returns
    -------
    table : pandas.DataFrame
        Per voxel size: the fewest and the most whole voxels along the three edges and in the
        window, and FIB-SEM voxels per edge, beside what the paper prints.

    Notes
    -----
    The paper prints the window in whole µm, so each edge may be half a µm longer or shorter.
    """
    rows = []
    for binning in (1, 2):
        edge_um = binning * VOXEL_SIZE_UM
        fewest = [int((length - 0.5) // edge_um) for length in FIB_WINDOW_UM]
        most = [int((length + 0.5) // edge_um) for length in FIB_WINDOW_UM]
        rows.append(
            {
                "binning": binning,
                "edge_um": edge_um,
                "per_edge": ", ".join(f"{a}–{b}" for a, b in zip(fewest, most, strict=True)),
                "fewest": int(np.prod(fewest)),
                "most": int(np.prod(most)),
                "paper_training_voxels": paper.N_TRAINING_VOXELS,
                "fib_voxels_per_edge": edge_um * 1000 / FIB_VOXEL_NM,
                "paper_fib_voxels_per_edge": FIB_VOXELS_PER_EDGE,
            }
        )
    return pd.DataFrame(rows)


def implied_densities():
    """
    Densities [g/cm³] of NMC and of the CBD's solids that the printed fractions imply.

    Returns
    -------
    densities : dict of str to float
    """
    suspension = electrodes.SUSPENSIONS["A"]
    mass = paper.COMPOSITE_DENSITY_G_CM3
    return {
        "nmc": mass * suspension.nmc / 100 / paper.PRINTED_FRACTIONS["AM"],
        "cbd_solid": mass * suspension.additives / 100 / paper.PRINTED_FRACTIONS["CBD"],
    }


def thicknesses():
    """
    Thickness [µm] from loading and density, beside the windows and the picture of the paper.

    Returns
    -------
    table : pandas.DataFrame
    """
    windows = {name: n * VOXEL_SIZE_UM for name, n in THRESHOLD_WINDOW_VOXELS.items()}
    density = paper.COMPOSITE_DENSITY_G_CM3
    return pd.DataFrame(
        [
            {
                "specimen": name,
                "from_loading_um": loading / density * 10,  # mg/cm² over g/cm³ is 10 µm
                "threshold_window_um": windows.get(name, np.nan),
                "figure_1_um": FIGURE_1_THICKNESS_UM if name == "D" else np.nan,
            }
            for name, loading in paper.MASS_LOADING_MG_CM2.items()
        ]
    )


def transport_columns():
    """
    Table 3 with gamma: the printed column is 1/tau, and gamma is half of it.

    Returns
    -------
    table : pandas.DataFrame
        Per method: 1/tau, tau and gamma [-] of both electrodes, and by which factor the tau of SL
        exceeds that of TL although both hold the same kind of CBD.
    """
    tidy = paper.table(3).pivot(index="method", columns="specimen")
    table = pd.DataFrame(
        {
            f"{quantity}_{specimen}": tidy[quantity, specimen]
            for specimen in ("SL", "TL")
            for quantity in ("inverse_tau", "tau", "gamma")
        }
    )
    table["factor"] = table["tau_SL"] / table["tau_TL"]
    printed_order = paper.table(3)["method"].drop_duplicates()
    return table.loc[printed_order].reset_index()


def fluorine_contrast():
    """
    Contrast between the two layers of TL, in fluorine and in CBD.

    Returns
    -------
    contrast : dict of str to float
        Suspension B over suspension C, by weight: ``pvdf`` and ``cbd``.
    """
    lower, upper = electrodes.SUSPENSIONS["B"], electrodes.SUSPENSIONS["C"]
    return {"pvdf": lower.pvdf / upper.pvdf, "cbd": lower.additives / upper.additives}


def radii_below_half_a_voxel():
    """
    Radii of Table 2 that are smaller than half a voxel edge.

    Returns
    -------
    table : pandas.DataFrame
        Specimen, method, quantity and value [µm].
    """
    tidy = paper.table(2)
    small = tidy[tidy["quantity"].str.startswith("r_") & (tidy["value"] < VOXEL_SIZE_UM / 2)]
    return small[["specimen", "method", "quantity", "value"]].reset_index(drop=True)
