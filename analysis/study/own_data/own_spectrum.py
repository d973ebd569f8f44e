"""A reader's own blocking spectrum: ionic resistance, tortuosity and the gamma that it asks for."""

from pathlib import Path

import numpy as np
import pandas as pd
from scipy.optimize import brentq

from analysis import storage
from analysis.electrochemistry import spectrum
from analysis.electrochemistry.materials import DEFAULT
from analysis.electrochemistry.spectrum_file import read_spectrum
from analysis.electrochemistry.transport import impedance
from analysis.phases import CBD_POROSITY, Phase, check_voxel_size
from analysis.tomogram import read_labels

GAMMAS = (0.004, 0.5)  # range in which a gamma is looked for
COATED = 2  # electrodes of a symmetric cell


def run(
    file, *, area_cm2="", thickness_um="", conductivity_S_m="", porosity="", labels="",
    voxel_size_um="", out="", progress=print,
):  # fmt: skip
    """
    Fit a spectrum and say what it means for the electrode; write a table if `out` is given.

    Parameters
    ----------
    file : str or Path
        CSV file of a symmetric cell, see :func:`~.spectrum_file.read_spectrum`.
    area_cm2, thickness_um : str or float
        Cross section of the cell and thickness of *one* of its two electrodes; both or neither.
    conductivity_S_m : str or float
        Of the electrolyte in the cell; by default that of the book's electrolyte, which is
        rarely the one of a blocking experiment.
    porosity : str or float
        Electrolyte share of the electrode [-]; taken from `labels` if they are given.
    labels : str or Path
        Labelled volume (0 pore, 1 CBD, 2 AM), slice 0 at the separator.
    voxel_size_um : str or float
        Its voxel edge.
    out : str or Path
        CSV file for the results; an existing file is not replaced.
    progress : callable
        Receives the lines.

    Returns
    -------
    table : pandas.DataFrame
        Columns quantity, value, low, high, unit: R_ion and what could be derived from it, with
        the ends of the 90 % interval.

    Raises
    ------
    FileNotFoundError, FileExistsError, ValueError
        If an input is missing, not readable or out of range, or `out` exists.
    """
    if not str(file).strip():
        raise ValueError(
            "No spectrum given. Call: make spectrum FILE=cell.csv [AREA_CM2=1.13 THICKNESS_UM=80 "
            "CONDUCTIVITY_S_M=0.2 POROSITY=0.4 | LABELS=labels.tif VOXEL_SIZE_UM=0.642]"
        )
    if out and Path(out).exists():
        raise FileExistsError(f"OUT={out} exists and is not replaced; name another file.")
    area = _number("AREA_CM2", area_cm2, "cross section in cm²")
    thickness = _number("THICKNESS_UM", thickness_um, "thickness of one electrode in µm")
    kappa = _number("CONDUCTIVITY_S_M", conductivity_S_m, "conductivity in S/m")
    share = _number("POROSITY", porosity, "electrolyte share between 0 and 1", top=1.0)
    if (area is None) != (thickness is None) or (labels and area is None):
        raise ValueError(
            "AREA_CM2 and THICKNESS_UM are needed together, and both for LABELS: a resistance in "
            "ohm says nothing about an electrode without its size."
        )
    volume = None
    if labels:
        edge = check_voxel_size(_number("VOXEL_SIZE_UM", voxel_size_um, "voxel edge in µm"))
        volume = read_labels(labels)
        if share is None:
            share = float((np.array([1.0, CBD_POROSITY, 0.0])[volume]).mean())
    found = spectrum.fit(*read_spectrum(file))
    rows = [("R_ion, both electrodes", found.ionic_resistance_ohm, *found.interval_ohm, "ohm")]
    if area is not None:
        if kappa is None:
            kappa = _book_conductivity()
            progress(
                f"The conductivity of the book's electrolyte is used, {kappa:.3g} S/m; give "
                "CONDUCTIVITY_S_M of yours."
            )
        rows += _electrode(found, area * 1e-4, thickness * 1e-6, kappa, share)
    if volume is not None:
        rows.append(_gamma(volume, edge, rows[1][1:4]))
    table = pd.DataFrame(rows, columns=["quantity", "value", "low", "high", "unit"])
    _tell(found, table, progress)
    if out:
        with storage.atomic(Path(out)) as temporary:
            table.to_csv(temporary, index=False, float_format="%.6g", lineterminator="\n")
        progress(f"wrote {out}")
    return table


def _number(name, text, what, top=np.inf):
    if str(text).strip() in ("", "None"):
        return None
    try:
        value = float(text)
    except ValueError:
        value = np.nan
    if not 0 < value < top or not np.isfinite(value):
        raise ValueError(f"{name}={text}: expected a positive number, the {what}.")
    return value


def _book_conductivity():
    electrolyte = DEFAULT.electrolyte
    return float(electrolyte.conductivity_S_m(electrolyte.initial_mol_m3))


def _electrode(found, area_m2, thickness_m, kappa, porosity):
    """MacMullin number R A κ / d of one electrode, and its tortuosity if the porosity is known."""
    ends = np.array([found.ionic_resistance_ohm, *found.interval_ohm])
    macmullin = ends / COATED * area_m2 * kappa / thickness_m
    rows = [("MacMullin number", *macmullin, "-")]
    if porosity is not None:
        rows.append(("tau", *(macmullin * porosity), "-"))
    return rows


def _gamma(labels, edge, macmullin):
    """
    The gamma that gives the structure these MacMullin numbers.

    They are compared instead of resistances, so that neither the thickness of the volume nor the
    conductivity need be those of the cell.
    """
    if not np.any(labels == Phase.CBD):
        raise ValueError("The labels hold no CBD (label 1), so no gamma changes the resistance.")
    known = {}

    def logarithm(log_gamma):
        if log_gamma not in known:
            network = impedance.Network(labels, float(np.exp(log_gamma)), voxel_size_um=edge)
            resistance = 3 * impedance.reduce(network, [], rtol=1e-5).resistance
            known[log_gamma] = np.log(resistance * network.kappa / network.thickness)
        return known[log_gamma]

    low, high = np.log(GAMMAS)

    def matching(number):
        if not logarithm(high) <= np.log(number) <= logarithm(low):
            return np.nan
        return float(np.exp(brentq(lambda x: logarithm(x) - np.log(number), low, high, xtol=5e-3)))

    value, more, less = (matching(number) for number in macmullin)
    return ("gamma", value, less, more, "-")


def _tell(found, table, progress):
    progress(f"{len(found.frequency_Hz)} points fitted, {found.model}; 90 % intervals")
    for row in table.itertuples():
        ends = [f"{v:.4g}" if np.isfinite(v) else "outside" for v in (row.value, row.low, row.high)]
        unit = "" if row.unit == "-" else f" {row.unit}"
        progress(f"  {row.quantity}: {ends[0]}{unit} ({ends[1]} to {ends[2]})")
        if row.quantity == "gamma" and "outside" in ends:
            progress(f"    outside: no gamma between {GAMMAS[0]:g} and {GAMMAS[1]:g} gives this")
    progress(
        f"  R_separator: {found.separator_resistance_ohm:.4g} ohm; exponent {found.exponent:.3f}"
    )
    if found.leak_ohm is not None:
        progress(f"  leak: {found.leak_ohm:.4g} ohm")
    for remark in found.remarks:
        progress(f"  note: {remark}")
    for doubt in found.doubts:
        progress(f"  POOR: {doubt}")
