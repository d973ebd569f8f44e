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
SHOWN = (  # columns of :func:`table` that a page has room for
    "method",
    "Jaccard AM",
    "Jaccard CBD",
    "chance CBD",
    "Jaccard pore",
    "chance pore",
    "kappa",
)
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


def distinct_pairs(scores, by=SCORE):
    """
    Pairs of methods that differ by more than the spread of the cutouts wherever they were tested.

    Parameters
    ----------
    scores : pandas.DataFrame
        As for :func:`ranks`.
    by : str
        Score; larger is better.

    Returns
    -------
    pairs : list of (str, str)
        The better one first; empty if there is one cutout per electrode.
    """
    ranked = ranks(scores, by)
    mean = ranked.pivot(index="specimen", columns="method", values="score")
    spread = ranked.groupby("specimen").spread.first().reindex(mean.index)
    methods = style.ordered(mean.columns)
    return [
        (a, b)
        for a in methods
        for b in methods
        if a != b and bool(((mean[a] - mean[b]) > spread).all())
    ]


def table(labels, reference):
    """
    How trinarizations of one volume stand to a reference, with chance beside it.

    Parameters
    ----------
    labels : dict of str to (Z, Y, X) ndarray of uint8
        Keyed by method.
    reference : (Z, Y, X) ndarray of uint8
        The truth, or another trinarization.

    Returns
    -------
    table : pandas.DataFrame
        Columns method, equally assigned, Jaccard AM, Jaccard CBD, chance CBD, Jaccard pore,
        chance pore, kappa [-].
    """
    rows = []
    for method, volume in labels.items():
        found = score(agreement.confusion(reference, volume))
        rows.append({"method": method, "equally assigned": found["accuracy"]} | found)
    columns = ["method", "equally assigned", "Jaccard AM", "Jaccard CBD", "chance CBD"]
    return pd.DataFrame(rows)[[*columns, "Jaccard pore", "chance pore", "kappa"]]
