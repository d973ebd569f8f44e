"""Gamma of a map from a lithiation and from a blocking impedance, for any list of maps.

Each electrode of each map is lithiated once at a few values of gamma. Every virtual experiment is
then fitted between these curves, so that a sweep over the true gamma costs no further lithiation.
"""

from dataclasses import dataclass, replace

import numpy as np
import pandas as pd

from analysis.electrochemistry import gamma_fit
from analysis.electrochemistry.porous_electrode import homogenization
from analysis.electrochemistry.porous_electrode.time_integration import StepFailed
from analysis.phases import check_voxel_size
from analysis.study.consistency.blocking import blocking_resistance, gamma_of_resistance
from analysis.study.consistency.criterion import Estimate

NODES = 9  # lithiations of a map, evenly in log gamma; the tests say what they miss
POINTS = 300  # of a measured voltage curve
TURNED = "LT"  # the two-layer electrode with its layers in the other order


@dataclass(frozen=True)
class CellData:
    """
    What is measured on cells with one electrode.

    Attributes
    ----------
    current_mA_cm2 : float
        Current of the lithiation.
    capacity_mAh_cm2, voltage_V : (N,) ndarray
        Its curve.
    resistance_ohm_m2 : float
        Ionic resistance from the blocking impedance.
    """

    current_mA_cm2: float
    capacity_mAh_cm2: np.ndarray
    voltage_V: np.ndarray
    resistance_ohm_m2: float


@dataclass(frozen=True)
class GammaScan:
    """
    One electrode of one map at several values of gamma.

    Attributes
    ----------
    structure : Structure
        The homogenized electrode.
    curves : dict of float to (capacity, voltage)
        Lithiations [mAh/cm², V], keyed by gamma; values at which the current cannot be carried are
        left out.
    current_mA_cm2 : float
        Their current.
    """

    structure: homogenization.Structure
    curves: dict
    current_mA_cm2: float


def structures(maps, voxel_size_um, *, threads=1):
    """
    Homogenize any list of maps.

    Parameters
    ----------
    maps : dict of str to dict of str to (Z, Y, X) ndarray of uint8
        Labels keyed by map, then by electrode: ``{"kmeans": {"SL": labels, "TL": labels}}``.
    voxel_size_um : float
        Voxel edge [µm].
    threads : int
        Threads of the voxel solver.

    Returns
    -------
    structures : dict of str to dict of str to Structure
    failed : dict of (str, str) to str
        Reason for every map and electrode that cannot be homogenized, such as a closed path.
    """
    voxel_size_um, found, failed = check_voxel_size(voxel_size_um), {}, {}
    for name, electrodes in maps.items():
        found[name] = {}
        for electrode, labels in electrodes.items():
            try:
                found[name][electrode] = homogenization.from_labels(
                    labels, voxel_size_um, threads=threads
                )
            except ValueError as error:
                failed[name, electrode] = str(error)
    return found, failed


def turned_round(structure):
    """
    The same electrode with its collector side at the separator, a third electrode for free.

    A two-layer electrode whose layers were coated in the other order. Its steady problem on the
    voxels is the same one, so nothing is solved again. As much of the active material is taken to
    look at the separator as before.
    """
    over_depth = ("active", "electrolyte", "electronic_S_m")
    turned = {name: getattr(structure, name)[::-1].copy() for name in over_depth}
    surface = structure.surface_1_m.copy()
    at_separator = surface[0] - surface[1]  # slices of a slab have one value inside
    surface[0] -= at_separator
    turned["surface_1_m"] = surface[::-1].copy()
    turned["surface_1_m"][0] += at_separator
    return replace(structure, **turned, transport=structure.transport[:, ::-1].copy())


def measure(structure, gamma, current_mA_cm2, *, noise_V=0.0, seed=None, fidelity="fine"):
    """
    A virtual experiment: a lithiation with noise, and a blocking impedance.

    Parameters
    ----------
    structure : Structure
        The truth.
    gamma : float
        The true gamma [-].
    current_mA_cm2 : float
        Current of the lithiation.
    noise_V : float
        Standard deviation of one voltage.
    seed : int, optional
        Of the noise.
    fidelity : {"coarse", "fine"}
        Discretization; finer than that of the scans, so that no fit can be exact.

    Returns
    -------
    measured : CellData

    Raises
    ------
    ValueError
        If the current cannot be carried at this gamma.
    """
    depth = structure.at(gamma)
    run = gamma_fit.simulate(depth, current_mA_cm2, fidelity=fidelity)
    time = np.linspace(0, run.time_s[-1], POINTS)
    voltage = np.interp(time, run.time_s, run.voltage_V)
    if noise_V:
        voltage = voltage + np.random.default_rng(seed).normal(0, noise_V, POINTS)
    capacity = current_mA_cm2 * time / 3600
    return CellData(float(current_mA_cm2), capacity, voltage, blocking_resistance(depth))


def scan(structure, current_mA_cm2, nodes=NODES):
    """
    Lithiate one electrode of one map at several values of gamma.

    Parameters
    ----------
    structure : Structure
    current_mA_cm2 : float
    nodes : int
        Values of gamma, evenly in its logarithm over the range of the structure.

    Returns
    -------
    scan : GammaScan

    Raises
    ------
    ValueError
        If the current is carried at fewer than two of them.
    """
    curves, reason = {}, ""
    for gamma in np.geomspace(structure.gammas[0], structure.gammas[-1], nodes):
        gamma = float(np.clip(gamma, structure.gammas[0], structure.gammas[-1]))
        depth = structure.at(gamma)
        try:
            run = gamma_fit.simulate(depth, current_mA_cm2)
        except (ValueError, StepFailed) as error:
            reason = str(error)
            continue
        curves[gamma] = run.capacity_mAh_cm2, run.voltage_V
    if len(curves) < 2:
        raise ValueError(
            f"{current_mA_cm2:g} mA/cm² is carried at {len(curves)} of {nodes} values of gamma; "
            f"expected at least two: {reason}"
        )
    return GammaScan(structure, curves, float(current_mA_cm2))


def scans_of(electrodes, current_mA_cm2, nodes=NODES):
    """
    Scans of all electrodes of one map, and of the third one: the two-layer electrode turned round.

    Parameters
    ----------
    electrodes : dict of str to Structure
        Keyed by electrode.
    current_mA_cm2 : float
    nodes : int
        As for :func:`scan`.

    Returns
    -------
    scans : dict of str to GammaScan
        Keyed by electrode; :data:`TURNED` is added if TL is there.
    """
    found = {name: scan(made, current_mA_cm2, nodes) for name, made in electrodes.items()}
    if "TL" in electrodes:
        found[TURNED] = scan(turned_round(electrodes["TL"]), current_mA_cm2, nodes)
    return found


def from_lithiation(scanned, measured):
    """
    Gamma of a map from a voltage curve.

    Parameters
    ----------
    scanned : GammaScan
        The map.
    measured : CellData
        The experiment, at the current of the scan.

    Returns
    -------
    estimate : Estimate
        At the upper bound if no gamma carries what was measured.
    misfit_mV : float
        Rms difference of the voltages; NaN in that case.

    Raises
    ------
    ValueError
        If the experiment has another current.
    """
    if measured.current_mA_cm2 != scanned.current_mA_cm2:
        raise ValueError(
            f"The experiment was made at {measured.current_mA_cm2:g} mA/cm², the map was scanned "
            f"at {scanned.current_mA_cm2:g}. Scan it at the current of the experiment."
        )
    low, high = min(scanned.curves), max(scanned.curves)
    capacity, voltage = measured.capacity_mAh_cm2, measured.voltage_V
    if capacity[-1] > 1.5 * scanned.curves[high][0][-1]:
        return Estimate(high, 1), float("nan")
    fit = gamma_fit.fit_scan(scanned.curves, capacity, voltage)
    bound = 0 if not fit.at_bound else (1 if high / fit.gamma < fit.gamma / low else -1)
    return Estimate(fit.gamma, bound), 1e3 * fit.misfit_V


def from_impedance(scanned, resistance_ohm_m2):
    """
    Gamma that gives a map this ionic resistance.

    Parameters
    ----------
    scanned : GammaScan
        The map.
    resistance_ohm_m2 : float
        CellData ionic resistance.

    Returns
    -------
    estimate : Estimate
        At a bound if no gamma of the range gives it.
    """
    return gamma_of_resistance(scanned.structure, resistance_ohm_m2)


def table(scans, experiments):
    """
    Gammas of a list of maps.

    Parameters
    ----------
    scans : dict of str to dict of str to GammaScan
        Keyed by map, then by electrode.
    experiments : dict of str to CellData
        Keyed by electrode.

    Returns
    -------
    table : pandas.DataFrame
        One row per map and electrode: ``method``, ``electrode``, ``gamma`` and ``bound`` from the
        lithiation, ``gamma_impedance`` and ``bound_impedance``, ``misfit_mV``.
    """
    rows = []
    for name, electrodes in scans.items():
        for electrode, scanned in electrodes.items():
            measured = experiments[electrode]
            lithiation, misfit = from_lithiation(scanned, measured)
            impedance = from_impedance(scanned, measured.resistance_ohm_m2)
            rows.append(
                {
                    "method": name,
                    "electrode": electrode,
                    "gamma": lithiation.value,
                    "bound": lithiation.bound,
                    "gamma_impedance": impedance.value,
                    "bound_impedance": impedance.bound,
                    "misfit_mV": misfit,
                }
            )
    return pd.DataFrame(rows)


def estimates(rows, electrodes, *, impedance=False):
    """
    Gammas of one map, keyed by experiment, as the criterion takes them.

    Parameters
    ----------
    rows : pandas.DataFrame
        Rows of :func:`table` for one map.
    electrodes : sequence of str
        Which electrodes.
    impedance : bool
        Whether to take the gammas from impedance as well.

    Returns
    -------
    estimates : dict of str to Estimate
        ``"SL"`` for the lithiation of SL, ``"SL impedance"`` for its impedance. An electrode
        without a row has NaN.
    """
    found = {}
    by_electrode = rows.set_index("electrode")
    for electrode in electrodes:
        row = by_electrode.loc[electrode] if electrode in by_electrode.index else None
        for kind in ("", "_impedance") if impedance else ("",):
            name = electrode + kind.replace("_", " ")
            missing = row is None
            value = float("nan") if missing else float(row["gamma" + kind])
            found[name] = Estimate(value, 0 if missing else int(row["bound" + kind]))
    return found
