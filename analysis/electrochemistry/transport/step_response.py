"""Impedance by way of a current step: the voltage after it, and its Laplace transform.

The route that the paper takes. On the same network it gives what the reduced model of
:mod:`~analysis.electrochemistry.transport.impedance` gives at a fraction of the cost, which is how that is checked.
"""

import numpy as np


def step_response(network, times_s):
    """
    Voltage after a unit step of the current density, the paper's way to a spectrum.

    Parameters
    ----------
    network : impedance.Network
        Full model.
    times_s : (N,) ndarray of float
        Increasing times, the first above zero; a geometric grid from far below to far above
        the time constant.

    Returns
    -------
    voltage_ohm_m2 : (N,) ndarray of float
        Voltage per current density.

    Notes
    -----
    Two implicit stages of second order per step (L-stable, stiffly accurate).
    """
    stage = 1 - 1 / np.sqrt(2)
    C = network.capacity.astype(float)
    q = np.zeros_like(C)
    ones = network.capacity
    volts, before = [], 0.0

    def advance(base, h, response):
        back = network.solve(1 / h, (base / h), rtol=1e-6)
        # (K + C/h) phi_e = (C phi_s - base) / h, with the total current equal to one
        charge = h + base.sum() - np.vdot(C, back)
        phi = charge / (network.total - np.vdot(C, response) / h)
        stored = C * (phi - (phi / h * response - back))
        return phi, stored, (stored - base) / h

    for now in times_s:
        h = stage * (now - before)
        response = network.solve(1 / h, ones, rtol=1e-6)
        _, _, rate = advance(q, h, response)
        phi, q, _ = advance(q + (1 - stage) * (now - before) * rate, h, response)
        volts.append(phi)
        before = now
    return np.array(volts) * network.area / network.unit


def transform(times_s, voltage_ohm_m2, frequency_Hz):
    """
    Impedance from the response to a current step, by an exact integral of a linear spline.

    Parameters
    ----------
    times_s, voltage_ohm_m2 : (N,) ndarray of float
        Response; uneven grids are what it is made for.
    frequency_Hz : (M,) array_like of float
        Frequencies.

    Returns
    -------
    impedance_ohm_m2 : (M,) ndarray of complex
        ``Z = iω ∫ V exp(-iωt) dt``. Before the first time the voltage is taken as that of the
        first; beyond the last it goes on as the straight line through the last tenth of the
        points, as a blocking electrode does.
    """
    t = np.concatenate([[0.0], np.asarray(times_s, float)])
    v = np.concatenate([[voltage_ohm_m2[0]], np.asarray(voltage_ohm_m2, float)])
    tail = max(3, len(t) // 10)
    slope, offset = np.polyfit(t[-tail:], v[-tail:], 1)
    rise = np.diff(v) / np.diff(t)
    out = []
    for frequency in np.atleast_1d(frequency_Hz):
        s = 2j * np.pi * frequency
        decay = np.exp(-s * t)
        # integral by parts: s ∫ V e^(-st) dt = V(0) - V(T) e^(-sT) + ∫ V' e^(-st) dt
        inner = v[0] - v[-1] * decay[-1] + np.sum(rise * (decay[:-1] - decay[1:])) / s
        beyond = (offset + slope * t[-1]) * decay[-1] + slope * decay[-1] / s
        out.append(inner + beyond)
    return np.array(out)
