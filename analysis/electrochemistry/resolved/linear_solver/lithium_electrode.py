"""The lithium electrode: what its current, which hangs on psi and salt, does to their rows.

It lies before the first slice. Its current enters the rows of charge and of salt alike; in the
levels of the preconditioner its slopes are the conductances of the boundary face ``cz[1]``, that
with psi in the level of psi, that with salt in the level of the salt.
"""

from typing import NamedTuple

import numpy as np

from analysis.electrochemistry.resolved import butler_volmer

FIRST = (1, slice(1, -1), slice(1, -1))  # slice of cells


class MetalRates(NamedTuple):
    """
    The current of each column of cells, multiplied by the cell edge, and its slopes.

    Attributes
    ----------
    current : (Y, X) ndarray of float64
        Into the electrolyte [A/m].
    rise, fall : (Y, X) ndarray of float32
        Slopes with -psi and with -salt per unit.
    """

    current: np.ndarray
    rise: np.ndarray
    fall: np.ndarray


def evaluate(psi, salt, kinetics, unit, shift, rates):
    """
    Write the currents and slopes of all columns; return the sums of the currents and of `rise`.

    `shift` is added to psi; `unit` is the concentration that counts as one volt.
    """
    found = butler_volmer.lithium_metal(psi[FIRST] + shift, salt[FIRST], kinetics, unit)
    for part, values in zip(rates, found, strict=True):
        part[:] = values
    return float(found[0].sum()), float(found[1].sum())


def set_boundary(slope, cz):
    """Make a slope the conductance of the boundary."""
    cz[FIRST] = slope


def add_boundary(cz, diagonal):
    """Add the conductances of the boundary to the first slice."""
    diagonal[1] += cz[1]


def add_current(rates, charge, salt):
    """Add the currents to the residuals of charge and salt."""
    for row in (charge, salt):
        row[FIRST] += rates.current


def add_change(rates, x, y):
    """Add their change in the direction x, of psi and salt, to the rows of the Jacobian."""
    change = rates.rise * x[0][FIRST] + rates.fall * x[1][FIRST]
    for row in y:
        row[FIRST] += change


def exchange(psi_cz, salt_cz, x, residuals):
    """Subtract the current that each of psi and salt brings into the other's row."""
    (psi, salt), (charge, other) = x, residuals
    charge[1] -= salt_cz[1] * salt[1]
    other[1] -= psi_cz[1] * psi[1]


def exchange_restricted(psi_cz, salt_cz, x, aggregates, residuals):
    """The same for the residuals of the next coarser grid."""
    for row, cz, field in ((0, salt_cz, x[1]), (1, psi_cz, x[0])):
        part = (cz[1] * field[1])[1:-1, 1:-1]
        if aggregates.fold_y:
            part = np.add.reduceat(part, np.arange(0, part.shape[0], 2), axis=0)
        if aggregates.fold_x:
            part = np.add.reduceat(part, np.arange(0, part.shape[1], 2), axis=1)
        residuals[row][FIRST] -= part
