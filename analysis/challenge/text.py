"""What the chapter on the challenge says about its run, in sentences made from the numbers."""

import numpy as np
import pandas as pd

from analysis import storage
from analysis.challenge import attempt, ranking, score, sets
from analysis.challenge.quantities import BY_KEY, FLOOR, GROUPS, QUANTITIES, TRUTH
from analysis.figures import style
from analysis.segmentation import thresholding

EXACT = 1e-9  # relative difference up to which figures are the same; tables keep twelve digits


def specimens(challenge_set):
    """
    What the volumes of a set are, one row for each.

    Returns
    -------
    table : pandas.DataFrame
        Columns specimen, electrode, pair, scenario, noise, layer contrast, voxels.
    """
    return pd.DataFrame(
        [
            {
                "specimen": one.name,
                "electrode": one.electrode,
                "pair": one.pair.name,
                "scenario": one.pair.scenario_name,
                "noise": one.pair.noise,
                "layer contrast": one.pair.layer_contrast,
                "voxels": " × ".join(map(str, one.gray.shape)),
            }
            for one in sets.volumes(challenge_set)
        ]
    )


def leaders(table):
    """
    Which methods are best in how many quantities, and whether one is best in all.

    Parameters
    ----------
    table : pandas.DataFrame
        From :func:`analysis.challenge.score.table`.

    Returns
    -------
    text : str
    """
    found = ranking.summary(table)
    found = found[~found.method.isin((FLOOR, TRUTH))].dropna(subset=["size"])
    sentences = []
    for group in GROUPS:
        keys = [quantity.key for quantity in QUANTITIES if quantity.group == group]
        part = found[found.quantity.isin(keys)]
        first = part.loc[part.groupby("quantity")["size"].idxmin()].method.value_counts()
        named = [f"{style.label(name)} ({count})" for name, count in first.items()]
        sentences.append(f"{group}: {', '.join(named)}")
    best = found.loc[found.groupby("quantity")["size"].idxmin()].method
    head = (
        f"{style.label(best.iloc[0])} is the best of all in every quantity of this run"
        if best.nunique() == 1
        else "No method is the best in every quantity"
    )
    return f"{head}. How often each is the best: {'; '.join(sentences)}."


def below_floor(table):
    """
    Which methods are worse than dealing CBD and pore at random, in words.

    Parameters
    ----------
    table : pandas.DataFrame

    Returns
    -------
    text : str
    """
    found = ranking.summary(table)
    found = found[~found.method.isin((FLOOR, TRUTH))].dropna(subset=["scale"])
    below = found[found.scale < 0]
    if below.empty:
        return "No method is worse than the floor in any quantity."
    asked = below.groupby("method").size().sort_values(ascending=False)
    never = [name for name in dict.fromkeys(found.method) if name not in asked.index]
    text = "Worse than dealing at random in at least one quantity: "
    text += ", ".join(f"{style.label(name)} ({count})" for name, count in asked.items()) + "."
    if never:
        text += f" In none: {', '.join(style.label(name) for name in never)}."
    return text


def kappa_and_cell(table):
    """
    Whether the order by kappa is the order by what the cell feels, in words.

    Parameters
    ----------
    table : pandas.DataFrame

    Returns
    -------
    text : str
    """
    found = ranking.summary(table)
    found = found[~found.method.isin((FLOOR, TRUTH))]
    wide = found.pivot(index="method", columns="quantity", values="size")
    cell = [key for key in wide if BY_KEY[key].group == "cell"]
    if len(wide) < 3:
        return "Too few methods are in this run to compare the orders."
    agrees = wide[cell].corrwith(wide["kappa"], method="spearman").dropna()
    listed = ", ".join(f"{BY_KEY[key].title} {value:+.2f}" for key, value in agrees.items())
    return (
        "Rank correlation of the methods between the error of kappa and that of each quantity of "
        f"the cell (+1: the same order, 0: kappa tells nothing): {listed}."
    )


def beside_book(profile):
    """
    The book's thresholding sent in as an entry, held against the figures of the chapters.

    Parameters
    ----------
    profile : analysis.profiles.Profile
        Chapters 7, 10 and, for gamma, 14 must have run.

    Returns
    -------
    table : pandas.DataFrame
        Columns specimen, quantity, as entry, in the book, and where the latter stands. What a
        chapter has not computed for this method is not in it.
    """
    challenge_set = sets.get("study", profile)

    def trinarize(gray, voxel_size_um, fractions, fluorine=None):
        return thresholding.trinarize(gray, fractions)

    volumes = sets.volumes(challenge_set)
    tried = attempt.call(trinarize, volumes, name="entry")
    overlap, described, gammas = (
        storage.load_table(name, profile=profile)
        for name in ("agreement", "descriptors-size", "gamma")
    )
    rows = []
    for volume, answer in zip(volumes, tried.answers, strict=True):
        judge = score.Judge("study", volume, profile)
        values = {key: value for key, (value, _) in judge.values(answer.labels).items()}

        def mine(table, volume=volume):
            return table[
                (table.method == "thresholding")
                & (table.specimen == volume.electrode)
                & (table.cutout == volume.cutout)
            ]

        in_book = {}
        for _, row in mine(overlap).iterrows():
            for key in ("kappa", "Jaccard AM", "Jaccard CBD", "Jaccard pore"):
                in_book[key] = (row[key], "chapter on agreement")
        for _, row in mine(described).iterrows():
            if row.quantity in ("r_max", "through"):
                key = f"{row.quantity} {row.phase}"
                if key in BY_KEY:
                    in_book[key] = (row.value, "chapter on sizes")
        for _, row in mine(gammas).dropna(subset=["gamma"]).iterrows():
            in_book["gamma"] = (row.gamma, "chapter on lithiation")
        rows += [
            {"specimen": volume.name, "quantity": key, "as entry": values[key]}
            | {"in the book": value, "where": where}
            for key, (value, where) in in_book.items()
        ]
    return pd.DataFrame(rows)


def same(table):
    """
    Whether the figures of :func:`beside_book` are the same, in words.

    Parameters
    ----------
    table : pandas.DataFrame

    Returns
    -------
    text : str
    """
    apart = np.abs(table["as entry"] - table["in the book"])
    apart = apart / np.maximum(np.abs(table["in the book"]), 1e-3)
    worst = float(apart.max())
    where = ", ".join(dict.fromkeys(table["where"]))
    if worst <= EXACT:
        return f"All {len(table)} figures are the same ({where})."
    row = table.loc[apart.idxmax()]
    return (
        f"{int((apart > EXACT).sum())} of {len(table)} figures differ ({where}); the most, by "
        f"{100 * worst:.2g} %, {BY_KEY[row.quantity].title} on {row.specimen}."
    )


def beside(table, name, other, key="kappa"):
    """
    How an entry stands to one other method in one quantity, in words.

    Parameters
    ----------
    table : pandas.DataFrame
    name, other : str
    key : str
        Of an overlap.

    Returns
    -------
    text : str
    """
    found = ranking.summary(table)
    mean = 1 - found[found.quantity == key].set_index("method")["error"]
    if not {name, other} <= set(mean.dropna().index):
        return f"{style.label(other)} is not in this run to compare it with."
    word = "above" if mean[name] > mean[other] else "below" if mean[name] < mean[other] else "at"
    return (
        f"Its {BY_KEY[key].title}, {mean[name]:.3f}, lies {word} that of {style.label(other)}, "
        f"{mean[other]:.3f}."
    )


def listing(submission):
    """The script of a submission as a block of code in Markdown."""
    source = submission.script.read_text(encoding="utf-8").rstrip()
    fence = "`" * (1 + max(3, source.count("`")))  # longer than any that the script holds
    return f"{fence}python\n{source}\n{fence}"


def entry(table, name):
    """
    How an entry stands, in words.

    Parameters
    ----------
    table : pandas.DataFrame
    name : str
        Of the entry.

    Returns
    -------
    text : str
    """
    ranks = ranking.ranks(table, name).dropna(subset=["rank"]).set_index("quantity")
    if ranks.empty:
        return f"{name} has no figure on every specimen and is not ranked."
    of = int(ranks["of"].max())
    best, worst = ranks["rank"].min(), ranks["rank"].max()

    def listed(rank):
        titles = [BY_KEY[key].title for key in ranks.index[ranks["rank"] == rank]]
        more = len(titles) - 3
        return ", ".join(titles[:3]) + (f" and {more} more" if more > 0 else "")

    return (
        f"{name} ranks between {best:.0f} ({listed(best)}) and {worst:.0f} ({listed(worst)}) "
        f"of {of}."
    )
