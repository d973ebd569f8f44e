"""Whole lithiations in FiPy, the model, beside the compiled backend, its copy for scans."""

import time
from dataclasses import replace

import numpy as np
import pandas as pd

from analysis.electrochemistry.materials import DEFAULT
from analysis.electrochemistry.porous_electrode.half_cell import gather, lithiate
from analysis.electrochemistry.porous_electrode.mesh import layers
from analysis.electrochemistry.porous_electrode.newton_model import BandedNewton
from analysis.electrochemistry.porous_electrode.time_integration import integrate
from analysis.figures import style
from analysis.simulation import campaign, cases
from analysis.study.cells.halfcell import EXAMPLE, ROUGH


def whole(current_mA_cm2=6.0):
    """
    The example electrode lithiated to the cut-off in FiPy and in the compiled backend.

    Parameters
    ----------
    current_mA_cm2 : float
        Current density.

    Returns
    -------
    runs : dict of str to Lithiation
        Keys "fipy" and "banded".
    table : pandas.DataFrame
        One row; see :func:`difference`, and CPU seconds of both.
    """
    runs, seconds = {}, {}
    for backend in ("banded", "fipy"):
        lithiate(EXAMPLE, current_mA_cm2, backend=backend, control=ROUGH, end_s=1e-3)  # compiles
        begin = time.process_time()
        runs[backend] = lithiate(EXAMPLE, current_mA_cm2, backend=backend, control=ROUGH)
        seconds[backend] = time.process_time() - begin
    row = difference(_curve(runs["fipy"]), _curve(runs["banded"]))
    row |= {"fipy_s": seconds["fipy"], "compiled_s": seconds["banded"]}
    return runs, pd.DataFrame([{"current": current_mA_cm2} | row])


def checks(usual, changed, *, contact_ohm_m2, side_A_m3, **size):
    """
    Changed equations in FiPy, each beside a check that does not know of the change.

    Parameters
    ----------
    usual : Lithiation
        With the usual equations.
    changed : dict of str to Lithiation
        Keys "contact resistance", "side reaction" and "own electrolyte", the chapter's three.
    contact_ohm_m2 : float
        Resistance at the collector [Ω m²].
    side_A_m3 : float
        Side current per volume of the electrode [A/m³].
    **size
        Cells and control of all of them.

    Returns
    -------
    table : pandas.DataFrame
        Change, capacity [mAh/cm²], its gain on the usual equations [%], and :func:`difference`
        from the check.
    """
    current = usual.current_mA_cm2
    drop_V = 10 * current * contact_ohm_m2
    salt = DEFAULT.electrolyte
    other = replace(
        salt,
        conductivity_p=(1.2 * salt.conductivity_p[0], *salt.conductivity_p[1:]),
        constant_transference=0.4,
    )
    shifted = lithiate(EXAMPLE, current, cutoff_V=DEFAULT.cutoff_V + drop_V, **size)
    independent = {
        "contact resistance": (shifted.capacity_mAh_cm2, shifted.voltage_V - drop_V),
        "side reaction": _curve(_with_source(current, side_A_m3, **size)),
        "own electrolyte": _curve(
            lithiate(EXAMPLE, current, materials=replace(DEFAULT, electrolyte=other), **size)
        ),
    }
    base = usual.capacity_mAh_cm2[-1]
    rows = [
        {
            "change": name,
            "capacity": run.capacity_mAh_cm2[-1],
            "gain": 100 * (run.capacity_mAh_cm2[-1] / base - 1),
        }
        | difference(_curve(run), independent[name])
        for name, run in changed.items()
    ]
    return pd.DataFrame(rows)


def _with_source(current_mA_cm2, per_volume_A_m3, *, n_electrode, n_separator, control):
    """The compiled backend with a source in its balances of charge and electrons."""
    mesh = layers(EXAMPLE, DEFAULT, n_electrode, n_separator)
    on = per_volume_A_m3 * mesh.width * (np.arange(mesh.n_cells) >= mesh.first)
    source = np.array([on, 0 * on, -on])
    backend = BandedNewton(mesh, source=lambda time_s: source)
    out = integrate(backend, mesh, 10 * current_mA_cm2, cutoff_V=DEFAULT.cutoff_V, control=control)
    return gather(out, mesh, current_mA_cm2)


def run(profile, progress=print, **options):
    """
    Run the lithiations in FiPy of a profile, and gather them beside the compiled backend's.

    Parameters
    ----------
    profile : str
        Name of the profile.
    progress, **options
        As for :func:`analysis.simulation.campaign.run`.

    Returns
    -------
    table : pandas.DataFrame
        Specimen, method, gamma, current [mA/cm²], capacity [mAh/cm²], and :func:`difference`.
        Cases without a result carry a note.
    curves : dict of (specimen, method) to (dict, dict)
        Voltage curves by current, of FiPy and of the compiled backend.
    """
    pairs, summary = campaign.run_fipy(profile, progress=progress, **options)
    reasons = {str(case): reason for case, reason in summary.failed.items()}
    rows, curves = [], {}
    for ours, copy in pairs:
        row = {
            "specimen": ours.specimen,
            "method": ours.method,
            "gamma": ours.gamma,
            "current": ours.current_mA_cm2,
        }
        done = [cases.is_finished(case, profile) for case in (ours, copy)]
        if not all(done):
            missing = ours if not done[0] else copy
            rows.append(row | {"note": reasons.get(str(missing), "not run")})
            continue
        one, other = (cases.load(case, profile) for case in (ours, copy))
        row |= {"capacity": float(one.capacity_mAh_cm2[-1])}
        row |= difference(_values(one), _values(other))
        row |= {"salt": abs(float(one.salt_drift)), "lithium": abs(float(one.lithium_drift))}
        rows.append(row | {"note": ""})
        drawn = curves.setdefault((ours.specimen, ours.method), ({}, {}))
        drawn[0][ours.current_mA_cm2] = _values(one)
        drawn[1][ours.current_mA_cm2] = thinned(_values(other))
    return pd.DataFrame(rows), curves


def difference(fipy, compiled):
    """
    Rms difference of two voltage curves over their common capacity, and that of their ends.

    Parameters
    ----------
    fipy, compiled : (capacity, voltage)
        Capacity [mAh/cm²] and voltage [V].

    Returns
    -------
    row : dict
        ``rms_mV`` and ``capacity_percent``.
    """
    at = np.linspace(0, min(fipy[0][-1], compiled[0][-1]), 400)
    miss = np.interp(at, *fipy) - np.interp(at, *compiled)
    return {
        "rms_mV": 1e3 * float(np.sqrt(np.mean(miss**2))),
        "capacity_percent": 100 * float(fipy[0][-1] / compiled[0][-1] - 1),
    }


def agreement_text(table, volts_mV=0.05, percent=0.01, lost=1e-6):
    """
    Whether the backends agree and FiPy conserves, in words.

    Parameters
    ----------
    table : pandas.DataFrame
        From :func:`run`.
    volts_mV, percent, lost : float
        Largest rms difference [mV], difference of the capacities [%], relative loss of salt or
        lithium [-] that is asked for.

    Returns
    -------
    text : str
    """
    done = table[table.note == ""] if len(table) else table
    if not len(done):
        return "No lithiation in FiPy has a result in this run, so nothing can be compared"
    worst = done.loc[done.rms_mV.idxmax()]
    ends, loss = done.capacity_percent.abs().max(), done[["salt", "lithium"]].max().max()
    name = f"{style.label(worst.method)} on {worst.specimen} at {worst.current:g} mA/cm²"
    text = f"the largest rms difference of the {len(done)} pairs of curves is {worst.rms_mV:.1e} mV"
    text += f" ({name}), the largest difference of the capacities {ends:.1e} %"
    same = worst.rms_mV <= volts_mV and ends <= percent
    kept = "loses neither salt nor lithium" if loss <= lost else f"loses up to {loss:.0e} of them"
    opening = "The backends agree: " if same else "The backends do not agree: "
    return (
        f"{opening}{text}. FiPy {kept} (at most {loss:.0e} of the salt or the lithium is missing)"
    )


def thinned(curve, n=24):
    """About `n` points of a curve, for marks."""
    capacity, voltage = curve
    length = np.hypot(np.diff(capacity) / max(capacity[-1], 1e-30), np.diff(voltage))
    along = np.concatenate([[0.0], np.cumsum(length)])
    pick = np.unique(np.searchsorted(along, np.linspace(0, along[-1], n)).clip(max=along.size - 1))
    return capacity[pick], voltage[pick]


def _curve(run):
    return run.capacity_mAh_cm2, run.voltage_V


def _values(data):
    return data.capacity_mAh_cm2.values, data.voltage_V.values
