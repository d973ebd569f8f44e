"""The voltage curve that gamma is fitted to: what it must be, alone and beside an electrode."""

import warnings

import numpy as np

from analysis.electrochemistry.conditions import LOWEST_CUTOFF_V
from analysis.electrochemistry.constants import FARADAY_C_MOL
from analysis.electrochemistry.half_cycle import RISE_V, largest_rise


def check_curve(capacity_mAh_cm2, voltage_V):
    """
    Return a target curve as arrays, or say what is wrong with it.

    Raises
    ------
    ValueError
        If the two differ in length, hold values that are not finite, the capacity decreases, or
        the voltages cannot be volts against lithium.
    """
    capacity = np.array(capacity_mAh_cm2, dtype=float)
    voltage = np.asarray(voltage_V, dtype=float)
    if capacity.ndim != 1 or capacity.shape != voltage.shape or capacity.size < 5:
        raise ValueError(
            f"Capacity and voltage have shapes {capacity.shape} and {voltage.shape}; expected two "
            "columns of equal length with at least 5 points."
        )
    if not (np.all(np.isfinite(capacity)) and np.all(np.isfinite(voltage))):
        raise ValueError("The curve holds values that are not finite; remove these rows.")
    back = np.flatnonzero(np.diff(capacity) < 0)
    if back.size:
        raise ValueError(
            f"Capacity (or time) decreases after point {back[0] + 1}; expected one lithiation "
            "with increasing time. Cut the file to one half cycle."
        )
    if voltage.min() < 1.5 or voltage.max() > 5.0:
        raise ValueError(
            f"Voltages run from {voltage.min():g} to {voltage.max():g}; expected 1.5 to 5 V "
            "against lithium. Name the column voltage_mV if they are millivolts."
        )
    if abs(capacity[0]) > 1e-3 * np.ptp(capacity):
        warnings.warn(
            f"The capacity starts at {capacity[0]:g} mAh/cm²; shifted to start at zero.",
            stacklevel=2,
        )
    capacity -= capacity[0]
    if capacity[-1] <= 0:
        raise ValueError("The capacity does not grow; expected one lithiation with a current.")
    tail = max(1, voltage.size // 10)
    if voltage[-tail:].mean() >= voltage[:tail].mean():
        raise ValueError(
            "The voltage rises along the curve; expected a lithiation of the cathode, in which "
            "it falls. Give the discharge half cycle."
        )
    rise, at = largest_rise(voltage)
    if rise > RISE_V:
        raise ValueError(
            f"The voltage rises by {1e3 * rise:.0f} mV up to point {at + 1}; expected one "
            "lithiation at constant current. Cut away what comes before or after it: "
            "measured_curve.one_lithiation does, and says what."
        )
    return capacity, voltage


def check_range(structure, capacity_mAh_cm2, voltage_V, materials):
    """
    Check that a curve can belong to an electrode, and say so if it ends early.

    Raises
    ------
    ValueError
        If the capacity is more than 1.5 times what the active material can take up, or the curve
        ends below the end of the open-circuit potential.
    """
    active = materials.active
    room = (1 - active.initial_content) * active.max_concentration_mol_m3 * FARADAY_C_MOL
    most = room * float(np.mean(structure.active)) * structure.thickness_m / 36000
    if capacity_mAh_cm2[-1] > 1.5 * most:
        raise ValueError(
            f"The curve ends at {capacity_mAh_cm2[-1]:.3g} mAh/cm²; the active material of this "
            f"electrode can take up {most:.3g}. Check units, area and current."
        )
    if voltage_V[-1] < LOWEST_CUTOFF_V:
        raise ValueError(
            f"The curve ends at {voltage_V[-1]:.2f} V, below the end of the open-circuit potential "
            f"at {LOWEST_CUTOFF_V:g} V. Leave out the points below it."
        )
    if voltage_V[-1] > materials.cutoff_V + 0.1:
        warnings.warn(
            f"The curve ends at {voltage_V[-1]:.2f} V, above the cut-off of "
            f"{materials.cutoff_V:g} V: gamma rests on part of the lithiation.",
            stacklevel=3,
        )
