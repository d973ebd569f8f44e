"""How the methods stand, in sentences that are made from the numbers beside them."""

import numpy as np

from analysis.figures import style
from analysis.study.trinarization.standing import beyond_chance


def leaders(ranked):
    """
    Who is ahead on each electrode, in words.

    Parameters
    ----------
    ranked : pandas.DataFrame
        From :func:`analysis.study.trinarization.standing.ranks`.

    Returns
    -------
    text : str
        A sentence for each electrode, for instance "On SL Thresholding has the largest mean
        (0.35), and 4 of 11 others are within the spread of the cutouts (0.021) of it."
    """
    sentences = []
    for specimen, rows in ranked.groupby("specimen", sort=False):
        first, others = rows.iloc[0], rows.iloc[1:]
        lead = f"On {specimen} {style.label(first.method)} has the largest mean ({first.score:.2f})"
        if np.isnan(first.spread):
            rest = "but one cutout cannot tell a lead from a tie"
        elif not others.tied.astype(bool).any():
            rest = (
                f"and leads the next by more than the spread of the cutouts ({first.spread:.3f})"
                if len(others)
                else "being the only one"
            )
        else:
            tied = int(others.tied.astype(bool).sum())
            verb = "is" if tied == 1 else "are"
            rest = (
                f"and {tied} of the {len(others)} others {verb} within the spread of the cutouts "
                f"({first.spread:.3f}) of it"
            )
        sentences.append(f"{lead}, {rest}.")
    return " ".join(sentences)


def best_on_both(ranked):
    """
    Whether one method leads, or is tied with the leader, wherever it was tested; in words.

    Parameters
    ----------
    ranked : pandas.DataFrame
        From :func:`analysis.study.trinarization.standing.ranks`.

    Returns
    -------
    text : str
    """
    firsts = ranked[ranked["rank"] == 1].method
    several = not ranked["spread"].isna().any()
    if firsts.nunique() == 1:
        text = f"{style.label(firsts.iloc[0])} has the largest mean on both electrodes"
    else:
        text = "Which method has the largest mean depends on the electrode"
    if not several:
        return f"{text}; this run has too few cutouts to say which are tied."
    among = ranked[ranked.tied.astype(bool)].groupby("method").size()
    always = [method for method in style.METHODS if among.get(method, 0) == len(firsts)]
    named = ", ".join(style.label(method) for method in always)
    if not always:
        return f"{text}; none is among the best on both."
    if len(always) == 1:
        return f"{text}; only {named} is among the best on both."
    return f"{text}; among the best on both are {named}."


def beyond_chance_text(scores):
    """The sentence for :func:`analysis.study.trinarization.standing.beyond_chance`."""
    found = beyond_chance(scores)
    verdict = (
        "every method knows more than chance, on every cutout"
        if found["all_beyond"]
        else "not every method knows more than chance on every cutout"
    )
    return (
        f"The methods find {_span(found['lowest'], found['highest'])} of the true CBD; dealing CBD "
        f"and pore at random beside the same AM finds "
        f"{_span(found['chance_lowest'], found['chance_highest'])}. So {verdict}"
    )


def depth_text(layers, method):
    """
    What a method makes of the two layers of TL, beside the truth; in words.

    Parameters
    ----------
    layers : pandas.DataFrame
        From :func:`analysis.study.morphology.depth_profiles.layers`.
    method : str
        Whose.

    Returns
    -------
    text : str
    """
    true, ours = layers.loc["truth"], layers.loc[method]
    kept = (ours.collector - ours.separator) / (true.collector - true.separator)
    if kept < -0.1:
        verdict = "it turns the contrast of the layers round"
    elif kept < 0.5:
        share = _percent(max(kept, 0))
        verdict = f"it sees {share} of the step between the layers and misses the rest"
    elif kept <= 1.5:
        verdict = f"it sees the step between the layers, {_percent(kept)} of it"
    else:
        verdict = f"it overstates the step between the layers, {_percent(kept)} of the true one"
    return (
        f"In the two-layer electrode the true CBD takes {_percent(true.separator)} of the layer at "
        f"the separator and {_percent(true.collector)} of the layer at the collector; "
        f"{style.label(method)} gives {_percent(ours.separator)} and {_percent(ours.collector)}: "
        f"{verdict}."
    )


def order_text(means, first, second):
    """
    Whether two scores rank the methods alike, in words.

    Parameters
    ----------
    means : pandas.DataFrame
        Mean scores, indexed by method.
    first, second : str
        Columns to compare.

    Returns
    -------
    text : str
    """
    correlation = float(means[first].corr(means[second], method="spearman"))
    if correlation > 0.9:
        verdict = "nearly the same order"
    elif correlation > 0.3:
        verdict = "orders that are only loosely related"
    elif correlation > -0.3:
        verdict = "orders that have nothing to do with each other"
    else:
        verdict = "opposed orders"
    return f"{first} and {second} give {verdict} (rank correlation {correlation:+.2f})"


def story(agreement_table, easy=0.8, hard=0.5):
    """
    Whether the AM is easy and the CBD is not, in words.

    Parameters
    ----------
    agreement_table : pandas.DataFrame
        From :func:`analysis.study.trinarization.standing.table`, against a truth.
    easy : float
        Jaccard index of the AM [-] from which on every method finds it.
    hard : float
        Kappa [-] below which no method finds the CBD.

    Returns
    -------
    text : str
    """
    am, kappa = float(agreement_table["Jaccard AM"].min()), agreement_table.kappa
    best = agreement_table.loc[kappa.idxmax(), "method"]
    particles = "the particles are easy" if am >= easy else "not even the particles are easy"
    if kappa.min() <= 0:
        binder = "the binder is not: some method is no better than dealing at random"
    elif kappa.max() < hard:
        binder = "the binder is not"
    else:
        binder = "the binder is found by some"
    return (
        f"{particles[0].upper()}{particles[1:]}, {binder}; kappa runs from {kappa.min():.2f} to "
        f"{kappa.max():.2f}, the largest with {style.label(best)}"
    )


def beside_labels(agreement_table):
    """
    How well methods find the phases of given labels, beside chance, in words.

    Parameters
    ----------
    agreement_table : pandas.DataFrame
        From :func:`analysis.study.trinarization.standing.table`.

    Returns
    -------
    text : str
    """
    am, cbd, chance = (
        span(agreement_table[column]) for column in ("Jaccard AM", "Jaccard CBD", "chance CBD")
    )
    return (
        f"The AM is found with Jaccard indices of {am}, the CBD with {cbd}, where dealing at "
        f"random gives {chance}. {story(agreement_table)}"
    )


def span(values):
    """Lowest and highest of some indices in words; one number if they round to the same."""
    low, high = f"{values.min():.2f}", f"{values.max():.2f}"
    return low if low == high else f"{low} to {high}"


def _span(low, high):
    low, high = f"{100 * low:.0f}", f"{100 * high:.0f}"
    return f"{low} %" if low == high else f"{low} to {high} %"


def _percent(share):
    return f"{100 * share:.0f} %"
