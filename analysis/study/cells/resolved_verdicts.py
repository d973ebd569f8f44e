"""What the resolved runs say about front and conduction, in words that follow their numbers."""

import numpy as np

from analysis.simulation import cases, control_variate


def front(depth_um, content):
    """
    Depth of the lithiation front: where the content has fallen to the middle of its range.

    Parameters
    ----------
    depth_um : (Z,) ndarray
        Distance from the separator [µm].
    content : (Z,) ndarray
        Mean lithium content of the slices [-]; NaN where a slice holds no active material.

    Returns
    -------
    depth_um : float
        First crossing from above, seen from the separator, interpolated [µm]; NaN if the content
        is level.

    Examples
    --------
    >>> front(np.array([0.0, 10.0, 20.0, 30.0]), np.array([0.9, 0.9, 0.3, 0.3]))
    15.0
    """
    known = np.isfinite(content)
    depth, content = np.asarray(depth_um)[known], np.asarray(content)[known]
    middle = (content.max() + content.min()) / 2
    below = np.flatnonzero((content[1:] <= middle) & (content[:-1] > middle))
    if not below.size:
        return float("nan")
    k = below[0]
    share = (content[k] - middle) / (content[k] - content[k + 1])
    return float(depth[k] + share * (depth[k + 1] - depth[k]))


def fills_from(content):
    """
    Which half of the electrode fills first, in words.

    Parameters
    ----------
    content : xarray.DataArray
        Lithium content with dimensions ``moment, z``, the separator first.
    """
    half = content.sizes["z"] // 2
    first, second = content.isel(z=slice(None, half)), content.isel(z=slice(half, None))
    ahead = first.mean("z") - second.mean("z")
    if bool((ahead > 0).all()):
        return (
            "The half at the separator is ahead at every moment kept: ions reach it on the "
            "shorter way"
        )
    if bool((ahead < 0).all()):
        return "The half at the collector is ahead at every moment kept"
    return "Neither half is ahead at all moments kept: the lead changes during the run"


def conduction(capacity, conducting, noticeable=0.01):
    """
    What the poor conduction of full active material costs, in words.

    Parameters
    ----------
    capacity, conducting : float
        Capacity [mAh/cm²] as it is, and with active material that conducts when full as well as
        when empty.
    noticeable : float
        Share of the capacity [-] from which on we say that it costs something.

    Returns
    -------
    text : str
    """
    gain = 100 * (conducting / capacity - 1)
    if gain > 100 * noticeable:
        return (
            f"with well conducting active material {gain:.1f} % of the capacity comes back, so "
            "that much was out of reach of the electrons, not of the ions"
        )
    if gain < -100 * noticeable:
        return (
            f"with well conducting active material the capacity falls by {-gain:.1f} %: current "
            "that the poor conduction kept near the binder goes elsewhere"
        )
    return (
        f"with well conducting active material the capacity changes by {gain:+.1f} %, which is "
        "next to nothing: in this cell the ions set the limit, not the electrons"
    )


def scan_text(profile):
    """How resolved runs become a gamma in a profile: a sentence without its full stop."""
    if not profile.resolved_control_variate:
        return (
            f"Each trinarization runs at {len(profile.resolved_gammas)} values of gamma at the "
            "current of the fit; between them the curves are interpolated"
        )
    return (
        f"Each trinarization runs at gamma = {cases.first_gamma(profile):g} first, at the current "
        "of the fit. The homogenized model, corrected by that run, says at which gamma the next "
        "one is worth most, and so on until the fit lies beside a run; between the runs only the "
        "difference of the two models is interpolated"
    )


def accuracy_text():
    """How far a gamma from few runs is off, from the benchmark that is kept; no full stop."""
    found = control_variate.measured()
    if not found["maps"]:
        return "How far a gamma from two or three resolved runs is off has not been measured"
    places = len(found["places"])
    return (
        "At the paper's size a gamma rests on few resolved runs, with the homogenized model as "
        f"control variate. On {found['maps']} maps of {places} small corner"
        f"{'s' if places != 1 else ''} of cutouts it took {found['runs_per_map']:.1f} runs a map "
        "and differed from a fit to a dozen by at most "
        f"{np.ceil(10 * found['largest_difference_percent']) / 10:.1f} %"
    )
