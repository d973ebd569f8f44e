"""What the chapter on the limit says about its run, in sentences made from the numbers."""

import numpy as np

from analysis.figures import style
from analysis.study.limit import intervals, limit

CALIBRATED = 0.02  # mean distance of said and found up to which a posterior counts as calibrated
KINDS = {
    "draw": "draws are",
    "informed draw": "draws that know the scenario are",
    "most probable": "the most probable map is",
    "independent draw": "independent draws are",
}
LABELS = {"posterior": "the posterior", limit.WITH_PROFILE: "the posterior with the depth profile"}


def label(name):
    """A method, or one of the posteriors, as it is written in a sentence."""
    return LABELS.get(name) or style.label(name)


def ahead(table):
    """
    Where the posterior is above the methods that know as much, in words.

    Parameters
    ----------
    table : pandas.DataFrame
        From :func:`analysis.study.limit.limit_runs.overlap`.

    Returns
    -------
    text : str
    """
    wide = table.pivot_table(
        index=["scenario", "specimen", "noise"], columns="method", values="kappa"
    )
    sentences = []
    for name, rivals in (
        ("posterior", ("thresholding", "kmeans")),
        (limit.WITH_PROFILE, limit.RIVALS),
    ):
        best = wide[list(rivals)].max(axis=1)
        above = int((wide[name] > best).sum())
        named = " and ".join(style.label(rival) for rival in rivals[-2:])
        if len(rivals) > 2:
            named = f"{style.label(rivals[0])}, {named}"
        count = "each" if above == len(wide) else "none" if not above else str(above)
        sentences.append(
            f"In {count} of {len(wide)} settings {label(name)} has a larger kappa than {named}: "
            f"{wide[name].mean():.2f} on average, where the best of them has {best.mean():.2f}."
        )
    return " ".join(sentences)


def calibrated(table):
    """
    Whether what the posteriors say with some probability is true that often, in words.

    Parameters
    ----------
    table : pandas.DataFrame
        From :func:`analysis.study.limit.limit_runs.overlap`; the methods with a calibration error
        are judged.
    """
    rows = table[table["calibration error"].notna()]
    worst = rows.loc[rows["calibration error"].idxmax()]
    where = f"{worst.specimen}, {worst.scenario}, noise {worst.noise:g}"
    mean = rows["calibration error"].mean()
    largest = worst["calibration error"]
    if largest <= CALIBRATED:
        verdict = "so the probabilities can be taken at their word"
    elif mean <= CALIBRATED:
        verdict = "so the probabilities can be taken at their word on average, but not everywhere"
    else:
        verdict = "so the probabilities must not be taken at their word"
    return (
        f"What is said and what is found differ by {mean:.3f} on average and by {largest:.3f} at "
        f"most ({where}), {verdict}."
    )


def data(table):
    """What more specimens gain, in words; from the table of the learning curve."""
    both = table[table["trained on"] == "both"].groupby("specimens").kappa.mean()
    stored = table[table["trained on"] == "stored"].kappa.mean()
    gain = both.iloc[-1] - both.iloc[0]
    word = "gain" if gain > 0 else "lose"
    text = (
        f"From {both.index[0]:.0f} to {both.index[-1]:.0f} specimens kappa goes from "
        f"{both.iloc[0]:.2f} to {both.iloc[-1]:.2f}; the stored posterior, trained on more, reaches {stored:.2f}."
    )
    return text if gain > 0 else f"{text} More specimens {word} nothing here."


def shift(table):
    """What is left on a scenario that was not in the training, in words."""
    own, other = [], []
    for trained_on, rows in table.groupby("trained on", sort=False):
        if trained_on in ("both", "stored"):
            continue
        same = rows["judged on"] == trained_on
        own.append(rows[same].kappa.mean())
        other.append(rows[~same].kappa.mean())
    loss = np.mean(own) - np.mean(other)
    if loss > 0:
        verdict = "what it has learned is in part the scenario, not the image: a prior"
    else:
        verdict = "in this run the scenario of the training does not matter"
    return (
        f"Trained on one scenario, the posterior has a kappa of {np.mean(own):.2f} there and of "
        f"{np.mean(other):.2f} on the other; {verdict}."
    )


def cell(table):
    """
    Which kind of map is nearest to the truth in what the cell feels, in words.

    Parameters
    ----------
    table : pandas.DataFrame
        From :func:`analysis.study.limit.limit_runs.deviations`.
    """
    rows = table.set_index("kind")
    quantities = [name for name in rows.columns if name != "kappa"]
    draw, probable, alone = (
        rows.loc[kind] for kind in ("draw", "most probable", "independent draw")
    )
    nearer = sum(draw[name] < probable[name] for name in quantities)
    than_alone = sum(draw[name] < alone[name] for name in quantities)
    mean = {kind: rows.loc[kind, quantities].mean() for kind in rows.index}
    best = min(mean, key=mean.get)
    first = KINDS.get(best) or f"{style.label(best)} is"
    return (
        f"The most probable map has a kappa of {probable.kappa:.2f}, a draw {draw.kappa:.2f}. Yet "
        f"a draw is nearer to the truth in {nearer} of {len(quantities)} quantities, and nearer "
        f"than a draw without correlation in {than_alone}. The mean deviation is "
        f"{mean['draw']:.0f} % for draws, {mean['most probable']:.0f} % for the most probable map "
        f"and {mean['independent draw']:.0f} % for independent draws; of all maps {first} nearest."
    )


def held(table, quantity="k_eff 0.08"):
    """Whether the interval of the draws holds the truth, in words; from the table of physics."""
    parts = []
    for specimen, rows in table.groupby("specimen", sort=False):
        values = rows[rows.kind == "draw"][quantity]
        low, high = intervals.of_conductivity(values)
        true = float(rows[rows.kind == "truth"][quantity].iloc[0])
        verb = "holds" if low <= true <= high else "misses"
        parts.append(f"on {specimen} {low:.4f} to {high:.4f}, which {verb} the true {true:.4f}")
    count = len(table[(table.kind == "draw") & (table.specimen == table.specimen.iloc[0])])
    return f"{count} draws give a conductivity with a 90 % interval " + " and ".join(parts) + "."


def beside(table):
    """
    How posterior and draw stand to the methods of the paper on the study's cutouts, in words.

    Parameters
    ----------
    table : pandas.DataFrame
        From :func:`analysis.study.limit.beside.scores`.
    """
    kappa = table.groupby("method", sort=False).kappa.mean()
    theirs = kappa.drop(["posterior", "draw"])
    best = theirs.idxmax()
    ours = kappa["posterior"]
    word = "above" if ours > theirs.max() else "below"
    off = table.groupby("method")[list(limit.SURFACES)].mean().sub(1).abs().mean(axis=1)
    nearest = off.drop(["posterior", "draw"])
    nearer = (
        "nearer to those of the truth than" if off["draw"] < nearest.min() else "not nearer than"
    )
    return (
        f"The posterior has a kappa of {ours:.2f}, {word} the largest of the {len(theirs)} methods "
        f"({style.label(best)}, {theirs.max():.2f}). Surfaces of a draw miss those of the truth "
        f"by {100 * off['draw']:.0f} % on average, those of the most probable map by "
        f"{100 * off['posterior']:.0f} %; the draw is {nearer} the best of the methods "
        f"({style.label(nearest.idxmin())}, {100 * nearest.min():.0f} %)."
    )


def gamma(table, true):
    """
    Whether the interval of the draws holds the true gamma and a ratio of one, in words.

    Parameters
    ----------
    table : pandas.DataFrame
        From :func:`analysis.study.limit.limit_runs.gammas`.
    true : float
        Of the virtual experiment [-].
    """
    draw = table.set_index("map").loc["draw"]
    parts = []
    for name, value in (("gamma SL", true), ("gamma TL", true), ("ratio", 1.0)):
        low, high = draw[f"{name} from"], draw[f"{name} to"]
        if not low <= high:
            parts.append(f"{name} has no interval in this run")
            continue
        verb = "holds" if low <= value <= high else "misses"
        parts.append(f"{name} from {low:.3f} to {high:.3f}, which {verb} {value:g}")
    text = "Draws give " + "; ".join(parts) + "."
    if bool(draw.get("scatter of truths", True)):
        return text
    return text + (
        " This interval holds the spread of the draws alone, and not how far truths lie from them."
    )
