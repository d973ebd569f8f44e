"""Ionic resistance of a homogenized electrode in a blocking cell, and the gamma that gives it."""

import numpy as np

from analysis.electrochemistry.materials import DEFAULT
from analysis.study.consistency.criterion import Estimate


def blocking_resistance(depth, materials=DEFAULT):
    """
    Ionic resistance that a blocking impedance shows of a homogenized electrode.

    Three times the real part at low frequency. The double layer takes up the current where the
    reactive surface is, so the region near the separator, through which most of it flows, counts
    most. What of the active material looks at the separator is part of that surface.

    Parameters
    ----------
    depth : ElectrodeProfile
        The electrode at one gamma.
    materials : HalfCell
        Gives the conductivity of the electrolyte.

    Returns
    -------
    resistance : float
        [ohm m²]; of a uniform electrode thickness / (conductivity x transport).
    """
    electrolyte = materials.electrolyte
    bulk = float(electrolyte.conductivity_S_m(electrolyte.initial_mol_m3))
    surface = depth.surface_1_m
    n = surface.size
    beyond = 1 - np.concatenate([[0], np.cumsum(surface)]) / surface.sum()
    left, right = beyond[:-1], beyond[1:]
    # the current falls linearly within a slab: the mean of its square is exact
    square = (left**2 + left * right + right**2) / 3
    return float(3 * np.sum(square / depth.transport) * depth.thickness_m / n / bulk)


def gamma_of_resistance(structure, resistance_ohm_m2):
    """
    Gamma that gives a homogenized electrode this blocking resistance.

    Parameters
    ----------
    structure : Structure
    resistance_ohm_m2 : float

    Returns
    -------
    estimate : Estimate
        At a bound if no gamma of the range gives it.
    """
    from scipy.optimize import brentq

    low, high = float(structure.gammas[0]), float(structure.gammas[-1])

    def miss(log_gamma):
        gamma = float(np.clip(np.exp(log_gamma), low, high))
        return np.log(blocking_resistance(structure.at(gamma)) / resistance_ohm_m2)

    # the resistance falls with gamma everywhere
    if miss(np.log(high)) >= 0:
        return Estimate(high, 1)
    if miss(np.log(low)) <= 0:
        return Estimate(low, -1)
    return Estimate(float(np.exp(brentq(miss, np.log(low), np.log(high), xtol=1e-5))))
