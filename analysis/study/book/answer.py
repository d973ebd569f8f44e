"""The answer of the book in five sentences, each made from the numbers of the run.

How much of the CBD is found, beside chance and limit; what is missed in depth; what it costs the
cell; which gammas can be believed; what to use. The landing page and the conclusion show the same.
"""

import pandas as pd

from analysis import profiles, storage
from analysis.figures import style
from analysis.phases import VOXEL_SIZE_UM
from analysis.study import catalogue
from analysis.study.book import gammas, overview
from analysis.study.cells import calibration, cost
from analysis.study.limit import limit, limit_runs, network_runs
from analysis.study.morphology import depth_profiles
from analysis.study.trinarization import standing_text

TOLD = (limit.WITH_PROFILE, network_runs.U_NET_WITH_PROFILE)  # posteriors that know the profile
KINDS = {
    "draw": "draws from a posterior of boosted trees",
    "informed draw": "draws from a posterior of boosted trees with the kind of binder known, from "
    "a FIB-SEM stack for instance",
    "independent draw": "an independent draw from a posterior of boosted trees",
    "most probable": "the most probable map of boosted trees",
    "U-Net, draw": "draws from the posterior of a U-Net",
    "U-Net, most probable": "the most probable map of a U-Net",
}
_POSTERIOR = "a trained posterior that is told the depth profile"
STRONG = 0.7  # rank correlation from which on one number predicts another
FEWEST = 6  # maps below which luck alone gives a rank correlation of that size too often
KEPT = 0.5  # share of the step between the layers from which on a map shows it


def maps(profile):
    """
    Every map with its score, what its gamma is off by, and what it costs the cell.

    Parameters
    ----------
    profile : analysis.profiles.Profile

    Returns
    -------
    table : pandas.DataFrame
        One row for each specimen and method that was fitted, means of the cutouts: kappa [-],
        ``bias`` of the fitted gamma [%], ``ratio`` of the gammas of TL and SL [-], and ``error`` of
        the capacity with the true gamma [%].

    Raises
    ------
    FileNotFoundError
        If a chapter that this is made of has not run; it names the results that are missing.
    """
    storage.require("tables", "gamma", cost.TABLE, profile=profile)
    fitted = storage.load_table("gamma", profile=profile)
    summary = calibration.beside_the_paper(
        fitted.astype({"note": object}).fillna({"note": ""}), profile.gamma_true
    )
    gamma = summary.pivot(index="method", columns="specimen", values="gamma")
    first, second = profiles.ELECTRODES
    ratio = gamma.reindex(columns=[first, second])[second] / gamma[first]
    keys = ["specimen", "method"]
    kappa = overview.scores(profile).groupby(keys).kappa.mean()
    error = storage.load_table(cost.TABLE, profile=profile).groupby(keys).error.mean()
    table = summary[[*keys, "bias"]].assign(ratio=summary.method.map(ratio))
    table = table.merge(kappa.reset_index(), on=keys).merge(error.reset_index(), on=keys)
    return table[table.method != "truth"].reset_index(drop=True)


def ceiling(profile):
    """
    Kappa of the best trained posterior with depth profile in the setting of the study.

    It was measured on specimens of other seeds, of the same make, and is a lower end of the limit.

    Returns
    -------
    kappa : dict of str to float
        Keyed by specimen.
    """
    storage.require("tables", "limit-overlap", profile=profile)
    table = storage.load_table("limit-overlap", profile=profile)
    rows = table[
        (table.scenario == profile.scenarios[0])
        & (table.noise == limit_runs.NOISE)
        & table.method.isin(TOLD)
    ]
    best = rows.groupby("method").kappa.mean().idxmax()
    return rows[rows.method == best].groupby("specimen", sort=False).kappa.mean().to_dict()


def sentences(profile):
    """
    The five sentences.

    Parameters
    ----------
    profile : analysis.profiles.Profile

    Returns
    -------
    sentences : dict of str to str
        Keyed by ``found``, ``depth``, ``cost``, ``gamma`` and ``use``.
    """
    table = maps(profile)
    storage.require("tables", "limit-physics", profile=profile)
    storage.require("curves", "profile", profile=profile)
    layers = depth_profiles.layers(storage.load_curves("profile", profile=profile))
    physics = limit_runs.deviations(storage.load_table("limit-physics", profile=profile))
    capacities = storage.load_table(cost.TABLE, profile=profile)
    storage.require("tables", "limit-gamma", profile=profile)
    drawn_gammas = storage.load_table("limit-gamma", profile=profile)
    scores = overview.scores(profile)
    everyone = catalogue.with_ours(scores, profile)
    same = everyone[everyone.method == catalogue.OURS[0]].groupby("specimen").kappa.mean()
    return {
        "found": found(scores, ceiling(profile), same.to_dict()),
        "depth": depth(layers),
        "cost": f"With the true gamma the maps miss the capacity at {profile.fit_current:g} mA/cm² "
        f"{cost.text(capacities)}. {prediction(table)}.",
        "gamma": f"{gammas.believed(table)} {gammas.drawn(drawn_gammas, profile.gamma_true)}",
        "use": use(physics, storage.load_table("limit-overlap", profile=profile)),
    }


def sizes(profile):
    """How many cutouts of which size the numbers come from, in words."""
    one = "one cutout" if profile.cutouts == 1 else f"{profile.cutouts} cutouts"
    edge_um = f"{profile.lateral * VOXEL_SIZE_UM:.0f}"
    return (
        f"{one} of {profile.lateral} × {profile.lateral} voxels ({edge_um} × {edge_um} µm²) over "
        f"the full thickness of each of {len(profiles.ELECTRODES)} virtual electrodes"
    )


def found(scores, best, same=None):
    """
    How much of the CBD the maps find beside chance and limit, in words.

    Parameters
    ----------
    scores : pandas.DataFrame
        From :func:`analysis.study.book.overview.scores`.
    best : dict of str to float
        From :func:`ceiling`.
    same : dict of str to float, optional
        Kappa of the posterior without profile on the cutouts of `scores`, keyed by specimen. The
        ceiling is of other electrodes, so that it may well be exceeded.
    """
    mean = scores.groupby(["specimen", "method"], sort=False).kappa.mean()
    span = mean.groupby(level="specimen", sort=False).agg(["min", "max"])
    kappas = " and ".join(
        f"{row['min']:.2f} to {row['max']:.2f} on {specimen}" for specimen, row in span.iterrows()
    )
    text = (
        f"{standing_text.beyond_chance_text(scores)}. Kappa, 0 for chance and 1 for the truth, "
        f"runs from {kappas}"
    )
    known = [specimen for specimen in span.index if specimen in best]
    if not known:
        return f"{text}.".replace("-", "−")
    reached = " and ".join(f"{best[specimen]:.2f} on {specimen}" for specimen in known)
    reached += " on electrodes of other seeds"
    highest = dict(best)
    if same and all(specimen in same for specimen in known):
        here = " and ".join(f"{same[specimen]:.2f} on {specimen}" for specimen in known)
        reached += f", and one without the profile {here} on these cutouts"
        highest = {specimen: max(best[specimen], same[specimen]) for specimen in known}
    if all(span.loc[specimen, "max"] < highest[specimen] for specimen in known):
        verdict = "so a part of the miss is the methods'; the rest may not be in the image"
    else:
        verdict = "which is not above all of them: what is missing may not be in the image"
    return f"{text}; {_POSTERIOR} reaches {reached}, {verdict}.".replace("-", "−")


def depth(layers):
    """
    Which maps show the step of the CBD between the layers of TL, in words.

    Parameters
    ----------
    layers : pandas.DataFrame
        From :func:`analysis.study.morphology.depth_profiles.layers`.
    """
    step = layers.collector - layers.separator
    kept = (step / step["truth"]).drop("truth")
    seeing = kept[kept >= KEPT]
    true = layers.loc["truth"]
    text = (
        f"In depth, the true CBD of TL takes {100 * true.separator:.0f} % of the layer at the "
        f"separator and {100 * true.collector:.0f} % of the one at the collector; "
    )
    if len(seeing) == len(kept):
        return f"{text}all {len(kept)} maps show at least half of that step."
    named = ", ".join(
        style.label(method) + ", which is given it" * (method == "edx-closing")
        for method in style.ordered(seeing.index)
    )
    count = f"{len(seeing)} of {len(kept)} maps" if len(seeing) else f"none of {len(kept)} maps"
    count += f" ({named})" if 0 < len(seeing) <= 4 else ""
    most = max(100 * float(kept[kept < KEPT].max()), 0.0)
    others = "any" if not len(seeing) else "the others"
    verb = "shows" if len(seeing) == 1 else "show"
    return (
        f"{text}{count} {verb} at least half of that step, and {others} at most {most:.0f} % of it."
    )


def prediction(table, fewest=FEWEST):
    """
    Whether the score predicts the size of the capacity error, in words.

    Parameters
    ----------
    table : pandas.DataFrame
        From :func:`maps`.
    fewest : int
        Maps of an electrode that a verdict needs. Of three maps in random order every sixth is
        perfectly ranked, so fewer maps say nothing.
    """
    correlations = {
        specimen: rows.kappa.corr(rows.error.abs(), method="spearman")
        for specimen, rows in table.groupby("specimen", sort=False)
        if len(rows) >= fewest
    }
    if not correlations:
        most = table.groupby("specimen").size().max()
        return (
            f"Whether kappa predicts that, the {most} maps of this run are too few to tell; "
            f"it takes at least {fewest}"
        )
    counts = table[table.specimen.isin(list(correlations))].groupby("specimen").size()
    shown = " and ".join(
        f"{value:+.2f} on {specimen}".replace("-", "−") for specimen, value in correlations.items()
    )
    strong = [specimen for specimen, value in correlations.items() if value < -STRONG]
    weak = [specimen for specimen in correlations if specimen not in strong]
    if strong and weak:
        verdict = f"predicts that on {' and '.join(strong)} but not on {' and '.join(weak)}"
    else:
        verdict = "predicts that" if strong else "does not predict that"
    return (
        f"Kappa {verdict}: over {counts.min()} maps its rank correlation with the size "
        f"of the error is {shown}, where −1 would be a perfect predictor"
    )


def use(deviations, overlap):
    """
    What to use, in words.

    Parameters
    ----------
    deviations : pandas.DataFrame
        From :func:`analysis.study.limit.limit_runs.deviations`.
    overlap : pandas.DataFrame
        From :func:`analysis.study.limit.limit_runs.overlap`.
    """
    rows = deviations.set_index("kind")
    mean = rows.drop(columns="kappa").mean(axis=1)
    rival = mean[[kind for kind in mean.index if kind in limit.RIVALS]]
    best = mean.idxmin()
    advice = KINDS.get(best, style.label(best))
    if best.endswith("draw"):
        advice += ": several of them, with their scatter as the error bar"
    beside = ""
    if best not in limit.RIVALS:
        beside = (
            ", where the best of the methods without training "
            f"({style.label(rival.idxmin())}) is off by {rival.min():.0f} %"
        )
    picture = rows.kappa.idxmax()
    kappa = overlap.groupby("method").kappa.mean()
    told = kappa[[name for name in TOLD if name in kappa]].idxmax()
    without = kappa[told.removesuffix(" with profile")]
    gain = "lifts" if kappa[told] > without else "does not lift"
    return (
        f"For the cell use {advice}. Sizes, surfaces and conductivity are then off by "
        f"{mean[best]:.0f} % on average{beside}. To say what a voxel is, "
        f"{KINDS.get(picture, style.label(picture))} has the largest kappa "
        f"({rows.kappa.max():.2f}). A measured depth profile {gain} the kappa of a posterior, "
        f"{without:.2f} without and {kappa[told]:.2f} with it."
    )


def table(profile):
    """
    The maps as a table for the page: score, ratio of the gammas, bias and cost on each electrode.

    Returns
    -------
    table : pandas.DataFrame
        Indexed by nothing; columns method, ``ratio``, and ``bias`` and ``error`` for SL and TL.
    """
    wide = maps(profile).pivot(index="method", columns="specimen", values=["bias", "error"])
    shown = pd.DataFrame(
        {
            f"{what} {name}": wide[what, name]
            for what in ("bias", "error")
            for name in profiles.ELECTRODES
        }
    )
    ratio = maps(profile).groupby("method").ratio.first()
    shown.insert(0, "ratio", ratio)
    return shown.loc[style.ordered(shown.index)].reset_index()
