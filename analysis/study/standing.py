"""How the methods stand: scores beside chance, and ranks that admit ties.

A score alone misleads twice. Half of the space beside the AM is CBD, so dealing at random is right
half of the time: the score of chance stands beside each. And a few cutouts scatter: methods that
differ by less than a cutout from the next are tied, whoever has the larger mean.
"""

import numpy as np
import pandas as pd

from analysis.figures import style
from analysis.phases import Phase
from analysis.segmentation import agreement

SCORE = "kappa"  # by which methods are ranked
SHARED = (Phase.CBD, Phase.PORE)  # the phases that share what the AM leaves


def score(counts):
    """
    Scores of one trinarization from its confusion matrix.

    Parameters
    ----------
    counts : (3, 3) ndarray of int
        Rows are the truth's phases, columns the method's.

    Returns
    -------
    scores : dict of str to float
        ``accuracy``, ``Jaccard AM``, ``Jaccard CBD``, ``Jaccard pore``; ``chance CBD`` and
        ``chance pore``, the Jaccard indices that dealing at random beside the same AM gives;
        ``kappa`` of CBD against pore; ``recall CBD``, the share of the true CBD that is found, and
        ``chance recall``, what dealing finds. All [-].
    """
    counts = np.asarray(counts)
    found = {"accuracy": float(np.trace(counts) / counts.sum())}
    found |= {f"Jaccard {p.title}": agreement.jaccard_of(counts, p) for p in reversed(Phase)}
    found |= {f"chance {p.title}": agreement.chance_of(counts, p) for p in SHARED}
    true, given = counts[Phase.CBD].sum(), counts[:, Phase.CBD].sum()
    dealt = counts[:, list(SHARED)].sum()
    reachable = counts[Phase.CBD, list(SHARED)].sum()
    return found | {
        "kappa": agreement.kappa_of(counts),
        "recall CBD": float(counts[Phase.CBD, Phase.CBD] / true) if true else float("nan"),
        "chance recall": float(reachable / true * given / dealt) if true * dealt else float("nan"),
    }


def ranks(scores, by=SCORE):
    """
    Ranks of the methods on each electrode, with ties.

    Parameters
    ----------
    scores : pandas.DataFrame
        Columns specimen, cutout, method and those of :func:`score`.
    by : str
        Score to rank by; larger is better.

    Returns
    -------
    ranks : pandas.DataFrame
        One row per specimen and method, best first: mean score over the cutouts, ``chance`` for
        the same score where it has one (0 for kappa), ``behind`` the best [-], ``spread`` of the
        electrode (the largest range of any method over its cutouts [-]; NaN with one cutout),
        rank, and ``tied`` with the best: True if it is behind by no more than the spread, None if
        one cutout does not say.
    """
    by_chance = by.replace("Jaccard", "chance").replace("recall CBD", "chance recall")
    parts = []
    for specimen, rows in scores.groupby("specimen", sort=False):
        values = rows.groupby("method", sort=False)[by]
        mean = values.mean().sort_values(ascending=False, kind="stable")
        several = rows.cutout.nunique() > 1
        spread = float((values.max() - values.min()).max()) if several else float("nan")
        behind = mean.iloc[0] - mean
        dealt = rows.groupby("method")[by_chance].mean() if by_chance != by else 0.0 * mean
        parts.append(
            pd.DataFrame(
                {
                    "specimen": specimen,
                    "method": mean.index,
                    "score": mean.values,
                    "chance": dealt.reindex(mean.index).values,
                    "behind": behind.values,
                    "spread": spread,
                    "rank": range(1, len(mean) + 1),
                    "tied": [bool(b <= spread) if several else None for b in behind],
                }
            )
        )
    return pd.concat(parts, ignore_index=True)


def leaders(ranked):
    """
    Who is ahead on each electrode, in words.

    Parameters
    ----------
    ranked : pandas.DataFrame
        From :func:`ranks`.

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
        From :func:`ranks`.

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


def beyond_chance(scores):
    """
    How much of the true CBD the methods find, beside what dealing at random finds.

    Parameters
    ----------
    scores : pandas.DataFrame
        As for :func:`ranks`.

    Returns
    -------
    numbers : dict
        ``lowest``, ``highest`` mean recall of a method, ``chance_lowest``, ``chance_highest`` of
        dealing beside the same AM [-], and ``all_beyond``: whether every method finds more than
        dealing does on each cutout.
    """
    mean = scores.groupby("method")[["recall CBD", "chance recall"]].mean()
    return {
        "lowest": float(mean["recall CBD"].min()),
        "highest": float(mean["recall CBD"].max()),
        "chance_lowest": float(mean["chance recall"].min()),
        "chance_highest": float(mean["chance recall"].max()),
        "all_beyond": bool((scores["recall CBD"] > scores["chance recall"]).all()),
    }


def beyond_chance_text(scores):
    """The sentence for :func:`beyond_chance`."""
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
        From :func:`analysis.study.descriptors_profile.layers`.
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
        verdict = f"it sees {max(kept, 0):.0%} of the step between the layers and misses the rest"
    elif kept <= 1.5:
        verdict = f"it sees the step between the layers, {kept:.0%} of it"
    else:
        verdict = f"it overstates the step between the layers, {kept:.0%} of the true one"
    return (
        f"In the two-layer electrode the true CBD takes {true.separator:.0%} of the layer at the "
        f"separator and {true.collector:.0%} of the layer at the collector; {style.label(method)} "
        f"gives {ours.separator:.0%} and {ours.collector:.0%}: {verdict}."
    )


def _span(low, high):
    low, high = f"{100 * low:.0f}", f"{100 * high:.0f}"
    return f"{low} %" if low == high else f"{low} to {high} %"
