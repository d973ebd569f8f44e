"""Why the gammas of a map part, in sentences that are made from the numbers."""

import numpy as np

from analysis.figures import style
from analysis.study.consistency.specimens import TRUTH


def half_depth(middle_um, gains):
    """
    Depth above which half of a sensitivity lies [µm].

    Parameters
    ----------
    middle_um : (N,) ndarray
        Middles of equal parts.
    gains : (N,) ndarray
        Gain of each.

    Returns
    -------
    depth_um : float

    Examples
    --------
    >>> half_depth(np.array([1.0, 3.0, 5.0, 7.0]), np.ones(4))
    4.0
    """
    width = middle_um[1] - middle_um[0]
    edges = np.concatenate([middle_um - width / 2, middle_um[-1:] + width / 2])
    total = np.concatenate([[0], np.cumsum(np.clip(gains, 0, None))])
    return float(np.interp(0.5 * total[-1], total, edges))


def depth_text(middle_um, gains, current, layer_um=80.0):
    """
    Where capacity, impedance and steady conduction are decided, in words.

    Parameters
    ----------
    middle_um : (N,) ndarray
        From :func:`analysis.study.consistency.depth.sensitivities`.
    gains : dict of str to (N,) ndarray
        From there.
    current : str
        Key of the capacity at the current of the fit.
    layer_um : float
        Depth at which the layers meet.

    Returns
    -------
    text : str
    """
    half = {name: half_depth(middle_um, values) for name, values in gains.items()}
    upper = middle_um < layer_um
    share = 100 * gains[current][upper].sum() / gains[current].sum()
    order = "sooner" if half[current] < half["steady conduction"] else "no sooner"
    return (
        f"Half of what the capacity at the fitted current gains comes from the first "
        f"{half[current]:.0f} µm, half of the impedance from the first {half['impedance']:.0f} µm, "
        f"half of steady conduction from the first {half['steady conduction']:.0f} µm: the fit "
        f"feels the front, {order} than conduction does. The layer at the separator carries "
        f"{share:.0f} % of the capacity's gain"
    )


def gradient_text(bands, first, last):
    """
    Which maps see how conduction changes with depth, in words.

    Parameters
    ----------
    bands : pandas.DataFrame
        From :func:`analysis.study.consistency.depth.bands`, the truth among them.
    first, last : str
        Columns of the bands to compare.

    Returns
    -------
    text : str
    """
    ratio = (bands[first] / bands[last]).set_axis(bands.method)
    true = ratio[TRUTH]
    shares = np.log(ratio.drop(TRUTH)) / np.log(true)
    flat = [style.label(name) for name, share in shares.items() if share < 0.5]
    steep = [style.label(name) for name, share in shares.items() if share > 1.25]
    said = [f"In the truth {first} conducts {true:.1f} times as well as {last}"]
    if flat:
        said.append(f"less than half of this step, in its logarithm, is seen by {', '.join(flat)}")
    if steep:
        said.append(f"it is overstated by {', '.join(steep)}")
    if not flat and not steep:
        said.append("every map sees it about as it is")
    return "; ".join(said)


def budget_text(table):
    """
    Whether the particles or the binder spoil gamma, in words.

    Parameters
    ----------
    table : pandas.DataFrame
        From :func:`analysis.study.consistency.swap.budget`.

    Returns
    -------
    text : str
    """
    known = table.dropna(subset=["total", "particles", "binder"])
    if known.empty:
        return "No swapped map of this run conducts, so there is no budget"
    larger = known.binder.abs() > known.particles.abs()
    said = (
        f"In {int(larger.sum())} of {len(known)} cases the binder of the map moves gamma more than "
        f"its particles do"
    )
    worst = known.loc[known.particles.abs().idxmax()]
    said += (
        f"; its particles alone move gamma by up to a factor of {np.exp(abs(worst.particles)):.2f} "
        f"({style.label(worst.method)}, {worst.electrode})"
    )
    closing = known[known.method == "edx-closing"]
    if len(closing) == 2:
        share = [f"{np.exp(row.particles):.2f} on {row.electrode}" for row in closing.itertuples()]
        both = closing.particles.min() > 0 or closing.particles.max() < 0
        said += (
            f". The particles of EDX-Closing alone change gamma by factors of {' and '.join(share)}"
        )
        said += (
            ", on both electrodes in the same direction, which no ratio of electrodes can show"
            if both
            else ", which do not agree in direction"
        )
    return said


def closing_text(table):
    """
    What the fit of the fluorine profile does to the ratio of EDX-Closing, in words.

    Parameters
    ----------
    table : pandas.DataFrame
        From :func:`analysis.study.consistency.depth.closings`.

    Returns
    -------
    text : str
    """
    maps = table[(table.fit != TRUTH) & table.ratio.notna()]
    if maps.empty:
        return "No closing of this run conducts on both electrodes"
    apart = np.abs(np.log(maps.ratio))
    best, worst = maps.loc[apart.idxmin()], maps.loc[apart.idxmax()]
    true = table[table.fit == TRUTH].front_over_back.iloc[0]
    over = maps.loc[maps.front_over_back.idxmax()]
    steep = "overstates" if over.front_over_back > true else "does not overstate"
    return (
        f"The ratio of EDX-Closing is nearest to one with {_variant(best)} ({best.ratio:.2f}) and "
        f"farthest with {_variant(worst)} ({worst.ratio:.2f}). With {_variant(over)} it {steep} "
        f"how conduction falls with depth, {over.front_over_back:.1f} against {true:.1f} in the "
        f"truth"
    )


def capacity_text(worst, current):
    """
    Where the capacities part although gamma was fitted, in words.

    Parameters
    ----------
    worst : pandas.DataFrame
        From :func:`analysis.study.consistency.rate.worst`.
    current : float
        That of the fit [mA/cm²].

    Returns
    -------
    text : str
    """
    maps = worst[worst.method != TRUTH]
    if maps.empty:
        return "No map was fitted in this run"
    one = maps.loc[maps.error.abs().idxmax()]
    calm = maps.loc[maps.error.abs().idxmin()]
    above = int((maps.current > current).sum())
    return (
        f"{above} of {len(maps)} fits miss the truth most at a current above that of the fit. The "
        f"largest error of a capacity is {one.error:+.0f} % ({style.label(one.method)}, "
        f"{one.electrode}, {one.current:g} mA/cm²); {style.label(calm.method)} on {calm.electrode} "
        f"stays within {abs(calm.error):.1f} % at all currents"
    )


def orders_text(orders):
    """
    Which of the paper's orders of Table 3 depend on the true gamma, in words.

    Parameters
    ----------
    orders : dict of str to dict of float to bool or None
        Whether a statement holds, keyed by statement, then by true gamma; None if not testable.

    Returns
    -------
    text : str
    """
    tested = {key: [v for v in one.values() if v is not None] for key, one in orders.items()}
    tested = {key: values for key, values in tested.items() if values}
    if not tested:
        return "None of the paper's orders could be tested in this run"
    turning = [key for key, values in tested.items() if len(set(values)) > 1]
    always = [key for key, values in tested.items() if all(values)]
    holds = "holds" if len(always) == 1 else "hold"
    text = (
        f"Of {len(tested)} orders that could be tested, {len(always)} {holds} at every true gamma"
    )
    if turning:
        verb = "turns" if len(turning) == 1 else "turn"
        named = "; ".join(statement.rstrip(".") for statement in turning)
        return f"{text} and {len(turning)} {verb} with it ({named})"
    return f"{text} and none turns with it"


def _variant(row):
    what = "fluorine" if row["proportional to"] == "fluorine" else "CBD that the fluorine implies"
    return f"a {row.fit} through the {what}"
