"""What the criterion decides, in sentences and findings that are made from the numbers."""

import numpy as np
import pandas as pd

from analysis import profiles, storage
from analysis.figures import style
from analysis.study.consistency import measured, pieces
from analysis.study.consistency.criterion import OPEN, PASSED, REJECTED
from analysis.study.consistency.specimens import TRUTH
from analysis.study.consistency.sweep import RIGHT
from analysis.study.finding import PAPER, STAND_INS, Bound, check

WORDS = {REJECTED: "are rejected", PASSED: "are not rejected", OPEN: "stay open"}


def rejections(table, limit):
    """
    Which maps the lithiations of SL and TL reject, in words, without the truth.

    Parameters
    ----------
    table : pandas.DataFrame
        From :func:`analysis.study.consistency.measured.table`.
    limit : float
        Of the ratio of the two gammas [-].

    Returns
    -------
    text : str
    """
    maps = table[table.method != TRUTH]
    if maps.empty:
        return "This run has no map to judge"
    said = []
    for verdict, words in WORDS.items():
        rows = maps[maps.verdict == verdict]
        if len(rows):
            words = words.replace("are", "is").replace("stay", "stays") if len(rows) == 1 else words
            said.append(f"{len(rows)} of {len(maps)} maps {words} ({_ratios(rows)})")
    return f"With a limit of {limit:.2f} for the ratio, either way, {_and(said)}"


def beside_truth(table, right=RIGHT):
    """
    What is true of the maps that were not rejected, in words.

    Parameters
    ----------
    table : pandas.DataFrame
        As for :func:`rejections`.
    right : float
        Largest bias of gamma that counts as right [%].

    Returns
    -------
    text : str
    """
    maps = table[table.method != TRUTH]
    worst = maps[["bias_SL", "bias_TL"]].abs().max(axis=1)
    passed, rejected = maps.verdict == PASSED, maps.verdict == REJECTED
    said = []
    if not passed.any():
        said.append("No map of this run passed")
    elif (worst[passed] > right).any():
        wrong = maps[passed & (worst > right)]
        names = _and([f"{style.label(one.method)} ({_biases(one)})" for one in wrong.itertuples()])
        said.append(f"Not rejected is not right: the gamma of {names} is wrong all the same")
    else:
        said.append(f"What was not rejected is right within {right:g} %")
    lost = maps[rejected & (worst <= right)]
    if len(lost):
        names = _and([f"{style.label(one.method)} ({_biases(one)})" for one in lost.itertuples()])
        said.append(f"rejected although its gamma is right within {right:g} %: {names}")
    elif rejected.any():
        said.append(f"every rejected map has a gamma that is off by more than {right:g} %")
    return "; ".join(said)


def impedance_text(table):
    """
    What the impedance adds on the same electrodes, in words.

    Parameters
    ----------
    table : pandas.DataFrame
        As for :func:`rejections`.

    Returns
    -------
    text : str
    """
    maps = table[table.method != TRUTH]
    more = maps[(maps.verdict != REJECTED) & (maps.verdict_impedance == REJECTED)]
    apart = maps[["by_impedance_SL", "by_impedance_TL"]]
    factor = np.exp(np.abs(np.log(apart)).to_numpy())
    head = (
        "Gamma from lithiation over gamma from impedance runs from "
        f"{apart.min().min():.2f} to {apart.max().max():.2f}, at most a factor of "
        f"{factor.max():.2f}"
    )
    if more.empty:
        return f"{head}; with the impedance as well, no further map is rejected"
    names = _and([f"{style.label(one.method)} ({one.decided_by})" for one in more.itertuples()])
    return f"{head}; with the impedance as well, {names} is rejected too"


def hits(rates, judged="SL and TL"):
    """
    How often the criterion names the right map, in words.

    Parameters
    ----------
    rates : pandas.DataFrame
        From :func:`analysis.study.consistency.sweep.rates`.
    judged : str
        Entry of its column ``judged``.

    Returns
    -------
    text : str
    """
    row = rates.set_index("judged").loc[judged]
    meaning = {
        1: "more often than naming a map at random would",
        -1: "less often than naming a map at random would",
        0: "no more often than naming a map at random would, given the scatter of so few",
    }[_beyond_chance(row)]
    return (
        f"in {int(row.hits)} of {int(row.combinations)} combinations the map whose gammas agree "
        f"best is the one whose gamma is nearest to the truth, {meaning} ({row.by_chance:.1f}); "
        f"{int(row.rejected)} of {int(row.wrong)} wrong maps are rejected, and {int(row.lost)} of "
        f"{int(row.others)} right ones"
    )


def ranking(rates, found, judged="SL and TL"):
    """
    Whether the criterion finds the truth, and whether it ranks what is wrong; in words.

    Parameters
    ----------
    rates, found : pandas.DataFrame
        From :func:`analysis.study.consistency.sweep.rates` and ``outcomes``.
    judged : str
        Entry of their columns ``judged``.

    Returns
    -------
    text : str
    """
    truth = found[found.judged == judged].truth
    finds = truth.mean() > 0.8
    ranks = _beyond_chance(rates.set_index("judged").loc[judged]) > 0
    said = (
        f"Were the truth among the maps, its gammas would agree best in {int(truth.sum())} of "
        f"{len(truth)} combinations"
    )
    if finds and not ranks:
        return f"{said}. So with it a right map stands out; it does not rank what is wrong"
    if finds:
        return f"{said}. So with it a right map stands out, and it ranks what is wrong as well"
    return f"{said}. So not even a right map can be told by its gammas alone"


def _beyond_chance(row):
    """1 or -1 if hits differ from guesses by twice the standard deviation of a count, else 0."""
    chance = row.by_chance / row.combinations
    clear = 2 * np.sqrt(row.combinations * chance * (1 - chance))
    return int(np.sign(row.hits - row.by_chance)) if abs(row.hits - row.by_chance) > clear else 0


def third(rates):
    """
    What a third electrode adds, in words.

    Parameters
    ----------
    rates : pandas.DataFrame
        As for :func:`hits`.

    Returns
    -------
    text : str
    """
    rows = rates.set_index("judged")
    two, three = rows.loc["SL and TL"], rows.loc["with a third electrode"]
    wrong = int(two.wrong)
    change = int(three.rejected) - int(two.rejected)
    said = f"{int(three.rejected)} of {wrong} wrong maps instead of {int(two.rejected)}"
    fewer = three.hits < two.hits
    if change > 0:
        head = f"A third electrode rejects more, {said}"
    elif change < 0:
        head = f"A third electrode rejects less, for its limits are wider: {said}"
    else:
        same = f"{int(three.rejected)} of {wrong} wrong maps are rejected either way"
        head = f"A third electrode adds nothing here: {same}"
    link = "but the right map is" if fewer and change > 0 else "and the right map is"
    beside = ", as without it," if three.hits == two.hits else f" instead of {int(two.hits)}"
    named = f"{link} named in {int(three.hits)}{beside} of {int(two.combinations)} combinations"
    return f"{head}, {named}"


def when(found, judged="SL and TL"):
    """
    Where the criterion rejects wrong maps and where it does not, in words.

    Parameters
    ----------
    found : pandas.DataFrame
        From :func:`analysis.study.consistency.sweep.outcomes`.
    judged : str
        Entry of its column ``judged``.

    Returns
    -------
    text : str
    """
    chosen = found[found.judged == judged]

    def shares(by, unit):
        counts = chosen.groupby(by)[["rejected", "wrong"]].sum()
        return _and([f"{row.rejected} of {row.wrong} at {unit} {value:g}" if unit else
                     f"{row.rejected} of {row.wrong} in “{value}”"
                     for value, row in counts.iterrows()])  # fmt: skip

    return (
        f"Wrong maps rejected by true gamma: {shares('gamma_true', 'γ =')}; by the contrast of the "
        f"layers: {shares('layer_contrast', 'a contrast of')}; by scenario: "
        f"{shares('scenario', '')}"
    )


def false_alarm(rejected, pairs):
    """Sentence for :func:`analysis.study.consistency.pieces.false_alarms`."""
    share = (
        f"The truth itself, of one piece of SL and one of TL, is rejected in {rejected} of {pairs}"
    )
    if not pairs:
        return "No pieces were drawn, so nothing is known of false alarms"
    # the limit is meant for 90 %
    fine = rejected <= 0.1 * pairs + 2 * np.sqrt(0.09 * pairs)
    return f"{share} pairs; " + (
        "the limit is not too tight" if fine else "the limit is too tight for such pieces"
    )


def printed_text(table, limit):
    """
    The paper's Table 3 by the same criterion, in words.

    Parameters
    ----------
    table : pandas.DataFrame
        From :func:`analysis.study.consistency.measured.printed`.
    limit : float
        Of the ratio.

    Returns
    -------
    text : str
    """
    rejected = table[table.verdict == REJECTED]
    rest = table[table.verdict != REJECTED]
    verb = "is" if len(rejected) == 1 else "are"
    head = f"{len(rejected)} of the paper's {len(table)} pairs {verb} rejected"
    if len(rejected):
        head += f" ({_ratios(rejected, digits=1)})"
    if rest.empty:
        return f"{head}, so none is left"
    verb = "is" if len(rest) == 1 else "are"
    return f"{head}, {len(rest)} {verb} not ({_ratios(rest, digits=1)}); the limit is {limit:.2f}"


def findings(table, printed, limit, papers_limit):
    """
    The paper's conclusion that no best map can be named, held against one binder and one gamma.

    Parameters
    ----------
    table : pandas.DataFrame
        As for :func:`rejections`.
    printed : pandas.DataFrame
        As for :func:`printed_text`.
    limit, papers_limit : float
        Of the ratio, for maps of the study's area and of the paper's.

    Returns
    -------
    findings : list of Finding
    """
    maps = table[table.method != TRUTH]
    statement = "Every trinarization fits with a gamma of its own, so the best one stays open"

    def bound(rows, kindest, limit):
        apart = np.exp(np.abs(np.log(kindest)))
        worst = apart.idxmax()
        text = f"farthest from one: {rows.ratio[worst]:.2f} ({style.label(rows.method[worst])})"
        return text, Bound(float(apart[worst]), float(limit))

    kindest = np.where(
        (printed.lowest < 1) & (printed.highest > 1),
        1.0,
        np.where(printed.lowest >= 1, printed.lowest, printed.highest),
    )
    kindest = pd.Series(kindest, index=printed.index)
    test = "one binder: gamma of TL over that of SL within the limit for every map"
    known = maps[maps.ratio.notna()]
    return [
        check(list(printed.method), (), f"{statement} (its own Table 3).", test,
              lambda: bound(printed, kindest, papers_limit), PAPER),
        check(list(known.method), () if len(known) else ("a fitted map",),
              f"{statement} (our maps).", test,
              lambda: bound(known, known.ratio, limit), STAND_INS),
    ]  # fmt: skip


def collected(profile):
    """
    The findings of a run from what its chapter left on disk.

    Parameters
    ----------
    profile : analysis.profiles.Profile

    Returns
    -------
    findings : list of Finding
        As from :func:`findings`.
    """
    table = storage.load_table(measured.NAME, profile=profile)
    limits = measured.limits(profile)
    theirs = pieces.papers(limits, profile)
    names = profiles.ELECTRODES
    return findings(table, measured.printed(theirs), limits(*names), theirs(*names))


def _ratios(rows, digits=2):
    return ", ".join(
        f"{style.label(one.method)} {one.ratio:.{digits}f}" for one in rows.itertuples()
    )


def _biases(one):
    return f"{one.bias_SL:+.0f} % on SL, {one.bias_TL:+.0f} % on TL"


def _and(parts):
    return parts[0] if len(parts) == 1 else f"{', '.join(parts[:-1])} and {parts[-1]}"
