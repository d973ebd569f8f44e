"""Current profiles of PyBaMM's DFN half cell, stored as they came from its experiments.

The electrode and the materials are those of the room. ``benchmarks/current_profiles.py``, which
needs PyBaMM, makes the curves; reading them does not.
"""

from typing import NamedTuple

import numpy as np

from analysis.electrochemistry.current_profile import (
    CurrentProfile,
    charge,
    hold,
    lithiation,
    pulses,
    rest,
)
from analysis.electrochemistry.pybamm_reference import file_of

EXPERIMENTS = {
    "pulses": CurrentProfile(pulses(6.0, 5, pulse_s=200, rest_s=1200)),
    "cycle": CurrentProfile(
        (lithiation(6, until_V=3.0), rest(1800), charge(3, until_V=4.2), rest(1200))
    ),
    "held": CurrentProfile(
        (lithiation(3, duration_s=4000), charge(4, until_V=4.2), hold(4.2, until_mA_cm2=0.4))
        + (rest(600),)
    ),
    "steps": CurrentProfile(
        (
            lithiation(2, duration_s=900),
            lithiation(9, duration_s=240),
            lithiation(4, duration_s=600),
        )
        + (charge(6, duration_s=300), lithiation(5, until_V=3.5), hold(3.5, duration_s=600))
    ),
}


class Curve(NamedTuple):
    """
    A stored run.

    Attributes
    ----------
    segment : (T,) ndarray of int
        Segment of the profile, from zero.
    time_s : (T,) ndarray
        Time since its begin; the last one of a segment is its end.
    voltage_V, current_mA_cm2 : (T,) ndarray
        Positive currents lithiate.
    """

    segment: np.ndarray
    time_s: np.ndarray
    voltage_V: np.ndarray
    current_mA_cm2: np.ndarray


def curve(name):
    """The stored run of ``EXPERIMENTS[name]``."""
    columns = np.loadtxt(file_of(f"profile_{name}"), delimiter=",", skiprows=1, unpack=True)
    return Curve(columns[0].astype(int), *columns[1:])


def compare(run, stored):
    """
    A run of ours beside a stored one, segment by segment.

    Parameters
    ----------
    run : ProfileRun
        Ours.
    stored : Curve
        PyBaMM's.

    Returns
    -------
    rows : list of dict
        For each segment ``rms_mV`` and ``largest_mV`` of the voltages at equal times since its
        begin, ``current_rms`` [mA/cm²], ``duration_s`` of PyBaMM and ``difference_percent`` of
        ours from it.
    """
    rows = []
    begin = 0.0
    for end in run.ends:
        part, here = run.part(end.segment), stored.segment == end.segment
        time_s, lasts = run.time_s[part] - begin, end.time_s - begin
        theirs = stored.time_s[here]
        at = theirs[(theirs >= time_s[0]) & (theirs <= 0.999 * min(lasts, theirs[-1]))]
        n = at.size
        first = int(np.searchsorted(theirs, at[0]))
        pick = slice(first, first + n)
        miss = np.interp(at, time_s, run.voltage_V[part]) - stored.voltage_V[here][pick]
        current = np.interp(at, time_s, run.current_mA_cm2[part])
        rows.append(
            {
                "segment": end.segment,
                "rms_mV": 1e3 * float(np.sqrt(np.mean(miss**2))),
                "largest_mV": 1e3 * float(np.max(np.abs(miss))),
                "current_rms": float(
                    np.sqrt(np.mean((current - stored.current_mA_cm2[here][pick]) ** 2))
                ),
                "duration_s": float(theirs[-1]),
                "difference_percent": 100 * (lasts / float(theirs[-1]) - 1),
            }
        )
        begin = end.time_s
    return rows
