"""How far a cell whose parameters are not known exactly moves gamma, electrode by electrode."""

from dataclasses import replace

import numpy as np
import pandas as pd

from analysis.electrochemistry import gamma_fit
from analysis.electrochemistry.materials import DEFAULT
from analysis.study.cells.impedance import REPEATABILITY
from analysis.study.consistency.blocking import blocking_resistance, gamma_of_resistance

CONDUCTIVITY = "κ_e, 10 % less"
NEAR = (0.3, 0.5, 0.75, 1.0, 1.35, 2.0, 3.3)  # of gamma, at which the changed cell is lithiated


def _electrolyte(name, factor):
    """The cell with the first coefficient of a property of the electrolyte scaled."""

    def change(cell):
        first, *rest = getattr(cell.electrolyte, name)
        return replace(
            cell, electrolyte=replace(cell.electrolyte, **{name: (factor * first, *rest)})
        )

    return change


def _scaled(part, name, factor):
    def change(cell):
        group = getattr(cell, part)
        return replace(cell, **{part: replace(group, **{name: factor * getattr(group, name)})})

    return change


# One standard uncertainty each, as far as the sources of the model chapter tell.
UNCERTAIN = {
    "D_e, 20 % less": _electrolyte("diffusivity_p", 0.8),
    CONDUCTIVITY: _electrolyte("conductivity_p", 0.9),
    "D_s, halved": _scaled("active", "diffusivity_m2_s", 0.5),
    "i_ref, halved": _scaled("active", "exchange_current_A_m2", 0.5),
    "c_max, 5 % less": _scaled("active", "max_concentration_mol_m3", 0.95),
    "L_sep, 180 µm": _scaled("separator", "thickness_m", 180 / 260),
}


def shifts(structure, gamma, current_mA_cm2, *, changes=None, materials=DEFAULT):
    """
    Change of the fitted gamma of one electrode when a parameter of the cell is another.

    Parameters
    ----------
    structure : Structure
        The electrode of any map.
    gamma : float
        Its fitted gamma [-]: the curve at this gamma, with the parameters of the book, is fitted
        with others.
    current_mA_cm2 : float
    changes : dict of str to callable, optional
        Keyed by parameter; each takes a HalfCell and gives another. By default
        :data:`UNCERTAIN`.
    materials : HalfCell
        The cell that is changed.

    Returns
    -------
    shifts : dict of str to float
        Change of ln gamma [-]. A fit that stops at the end of the range, or of :data:`NEAR`, gives
        that end: the shift is at least that.

    Raises
    ------
    ValueError
        If the cell cannot carry the current.
    """
    run = gamma_fit.simulate(structure.at(gamma), current_mA_cm2, materials=materials)
    low, high = structure.gammas[0], structure.gammas[-1]
    nodes = sorted({float(np.clip(gamma * factor, low, high)) for factor in NEAR})
    found = {}
    for name, change in (changes or UNCERTAIN).items():
        curves = {}
        for node in nodes:
            try:
                one = gamma_fit.simulate(
                    structure.at(node), current_mA_cm2, materials=change(materials)
                )
            except (ValueError, gamma_fit.StepFailed):
                continue
            curves[node] = one.capacity_mAh_cm2, one.voltage_V
        if len(curves) < 2 or run.capacity_mAh_cm2[-1] > 1.5 * curves[max(curves)][0][-1]:
            found[name] = float(np.log(nodes[-1] / gamma))
            continue
        fit = gamma_fit.fit_scan(curves, run.capacity_mAh_cm2, run.voltage_V)
        found[name] = float(np.log(fit.gamma / gamma))
    return found


def impedance_shifts(structure, gamma):
    """
    Change of the gamma of one electrode from impedance; of all parameters it feels one.

    Parameters
    ----------
    structure : Structure
    gamma : float
        Its gamma from impedance [-].

    Returns
    -------
    shifts : dict of str to float
        Change of ln gamma [-] if the electrolyte conducts 10 % less than was assumed.
    """
    resistance = blocking_resistance(structure.at(gamma))
    other = gamma_of_resistance(structure, 0.9 * resistance)
    return {CONDUCTIVITY: float(np.log(other.value / gamma))}


def table(electrodes, current_mA_cm2):
    """
    Shifts of all experiments on one map.

    Parameters
    ----------
    electrodes : dict of str to (Structure, float, float)
        The electrode, its gamma from lithiation and from impedance, keyed by electrode.
    current_mA_cm2 : float

    Returns
    -------
    table : pandas.DataFrame
        One row per parameter and one per blocking cell, a column per experiment (``SL``, ``SL
        impedance``): change of ln gamma [-].
    """
    found, cells = {}, []
    for name, (structure, lithiation, impedance) in electrodes.items():
        found[name] = shifts(structure, lithiation, current_mA_cm2)
        # what cells of one electrode scatter by is another error for each
        cell = f"cell of {name}, R {REPEATABILITY:g} % more"
        cells.append(cell)
        found[f"{name} impedance"] = impedance_shifts(structure, impedance) | {
            cell: repeated(structure, impedance)
        }
    made = pd.DataFrame(found).reindex([*UNCERTAIN, *cells]).fillna(0.0)
    return made.rename_axis("parameter").reset_index()


def repeated(structure, gamma, percent=REPEATABILITY):
    """
    Change of ln gamma from impedance if a cell shows a larger ionic resistance than it should.

    Parameters
    ----------
    structure : Structure
    gamma : float
        Its gamma from impedance [-].
    percent : float
        By how much nominally equal cells differ [%].

    Returns
    -------
    shift : float
    """
    resistance = blocking_resistance(structure.at(gamma))
    other = gamma_of_resistance(structure, (1 + percent / 100) * resistance)
    return float(np.log(other.value / gamma))


def of_table(made):
    """The table again as the limits take it: shift by experiment and parameter."""
    return made.set_index("parameter").to_dict()
