"""Half cells of several trinarizations of one electrode, all with the same gamma."""

import pandas as pd

from analysis.electrochemistry.porous_electrode import half_cell as halfcell
from analysis.electrochemistry.porous_electrode import homogenization as structure
from analysis.figures import style
from analysis.phases import check_voxel_size

FITTED = "6 mA/cm²"  # the paper's current of the fit, by which maps are compared


def lithiations(profile, currents_mA_cm2):
    """
    Lithiate at several currents; a current that cannot be carried is left out and named.

    Parameters
    ----------
    profile : analysis.electrochemistry.porous_electrode.mesh.ElectrodeProfile
        The electrode.
    currents_mA_cm2 : sequence of float
        Currents.

    Returns
    -------
    curves : dict of float to Lithiation
    failed : dict of float to str
        Reason for each current that gave no curve.
    """
    curves, failed = {}, {}
    for current in currents_mA_cm2:
        try:
            curves[current] = halfcell.lithiate(profile, current)
        except ValueError as reason:
            failed[current] = str(reason)
    return curves, failed


def compare(labels, voxel_size_um, gamma, currents_mA_cm2):
    """
    Lithiate several trinarizations of one electrode with the same gamma.

    Parameters
    ----------
    labels : dict of str to (Z, Y, X) ndarray of uint8
        Keyed by method.
    voxel_size_um : float
        Voxel edge [µm].
    gamma : float
        Effective transport parameter of the CBD [-].
    currents_mA_cm2 : sequence of float
        Currents.

    Returns
    -------
    curves : dict of str to dict of float to (capacity, voltage)
        [mAh/cm²] and [V].
    table : pandas.DataFrame
        Columns method, effective transport [-], capacity at each current [mAh/cm²], and a note
        where a method or a current failed.
    """
    check_voxel_size(voxel_size_um)
    curves, rows = {}, []
    for method, volume in labels.items():
        row = {"method": method}
        try:
            electrode = structure.from_labels(volume, voxel_size_um, gammas=(gamma,))
        except ValueError as reason:
            rows.append(row | {"note": str(reason)})
            continue
        runs, failed = lithiations(electrode.at(gamma), currents_mA_cm2)
        row["transport"] = electrode.effective(gamma)
        row |= {f"{current:g} mA/cm²": run.capacity_mAh_cm2[-1] for current, run in runs.items()}
        rows.append(row | {"note": "; ".join(failed.values())})
        curves[method] = {
            current: (run.capacity_mAh_cm2, run.voltage_V) for current, run in runs.items()
        }
    return curves, pd.DataFrame(rows)


def carried(table, reference="truth"):
    """
    How far the maps differ in transport, and whether the capacity follows it; in words.

    Parameters
    ----------
    table : pandas.DataFrame
        From :func:`compare`.
    reference : str
        The row that is named as the labels.

    Returns
    -------
    text : str
    """
    rows = table.dropna(subset="transport").set_index("method")
    full = [name for name in rows if name.endswith("mA/cm²") and rows[name].notna().all()]
    maps = rows.drop(index=reference, errors="ignore")
    if len(maps) < 2 or not full:
        return "Too few maps could be lithiated to compare them"
    current = FITTED if FITTED in full else full[-1]
    low, high = maps.transport.idxmin(), maps.transport.idxmax()
    text = (
        f"The transport runs from {maps.transport[low]:.3f} ({style.label(low)}) to "
        f"{maps.transport[high]:.3f} ({style.label(high)})"
    )
    if reference in rows.index:
        text += f", with the labels at {rows.transport[reference]:.3f}"
    best = maps[current].idxmax()
    verdict = (
        "has the largest capacity, too"
        if best == high
        else f"does not have the largest capacity; {style.label(best)} has"
    )
    return f"{text}. At {current} the map that conducts best {verdict}"
