"""The table of all methods on a set: made once, kept with the results, read by every report."""

from functools import lru_cache

import pandas as pd

from analysis import storage
from analysis.challenge import attempt, ranking, rivals, score, sets, submissions
from analysis.challenge.quantities import FLOOR, TRUTH
from analysis.figures import style
from analysis.simulation.cases import MODEL_VERSION
from analysis.study import kept_tables


def build(profile, *, which="open", progress=lambda line: None):
    """
    Score the methods of the book on a set. Writes the table ``challenge-<set>``.

    Parameters
    ----------
    profile : analysis.profiles.Profile
    which : {"open", "sealed", "study"}
        Of the sealed set the table tells scores, and neither the truth nor the secret.
    progress : callable
        Receives a line for each volume.

    Returns
    -------
    table : pandas.DataFrame
        As :func:`analysis.challenge.score.table`, and the column ``version``.
    """
    table = of_rivals(sets.get(which, profile), profile, progress=progress)
    table["version"] = version(which, profile)
    storage.save_table(f"challenge-{which}", table, profile=profile)
    return table


def stored(profile, *, which="open"):
    """
    The table that :func:`build` has left, or None.

    Parameters
    ----------
    profile : analysis.profiles.Profile
    which : str

    Returns
    -------
    table : pandas.DataFrame or None
        None if it is not there, is not as it was written, or is of another set, score or model.
    """
    name = f"challenge-{which}"
    if not storage.exists("tables", name, profile=profile):
        return None
    try:
        table = storage.load_table(name, profile=profile)
    except storage.Damaged:
        return None
    if set(table.get("version", ())) != {version(which, profile)}:
        return None
    return _with_notes(table)


def kept_or_built(profile, *, which="open", progress=lambda line: None, **where):
    """
    The table of a kept run where the profile takes one that fits, else one that is built now.

    Either way the table ``challenge-<set>`` is left with the results.

    Parameters
    ----------
    profile : analysis.profiles.Profile
    which : str
    progress : callable
    **where
        For :func:`analysis.study.kept_tables.load`.

    Returns
    -------
    table : pandas.DataFrame
    made_on : str
        When and where a kept one was made; empty if it was built now.
    """
    name = f"challenge-{which}"
    table, made_on = kept_tables.load(name, profile, version(which, profile), **where)
    if table is None:
        return build(profile, which=which, progress=progress), ""
    storage.save_table(name, table, profile=profile)
    return _with_notes(table), made_on


def version(which, profile):
    """What a table depends on: the set, the score, the models, and the methods of the book."""
    fingerprint = sets.get(which, profile).fingerprint
    text = f"set {fingerprint}, score {score.VERSION}, models {MODEL_VERSION}"
    return f"{text}, methods {rivals.fingerprint(profile)}"


@lru_cache(maxsize=2)
def judges(challenge_set, profile):
    """A :class:`analysis.challenge.score.Judge` for each volume of a set."""
    return tuple(
        score.Judge(challenge_set.name, volume, profile) for volume in sets.volumes(challenge_set)
    )


def of_rivals(challenge_set, profile, *, progress=lambda line: None):
    """
    Scores of truth, floor and the methods of the book on a set; nothing is written.

    Parameters
    ----------
    challenge_set : analysis.challenge.sets.ChallengeSet
    profile : analysis.profiles.Profile
    progress : callable

    Returns
    -------
    table : pandas.DataFrame
    """
    rows = []
    for judge in judges(challenge_set, profile):
        volume = judge.volume
        of_book = rivals.on_disk if challenge_set.name == "study" else rivals.maps
        names = []
        for name, labels in of_book(volume, profile):
            rows += judge.rows(name, labels)
            names.append(name)
        progress(f"{volume.name}: {len(names) - 2} methods of the book, floor and truth")
    return score.table(rows)


def of_attempt(tried, challenge_set, profile):
    """
    Scores of an entry.

    Parameters
    ----------
    tried : analysis.challenge.attempt.Attempt
    challenge_set : analysis.challenge.sets.ChallengeSet
    profile : analysis.profiles.Profile

    Returns
    -------
    table : pandas.DataFrame
        Rows of the volumes that it has answered; none if it touched files of the study.
    """
    rows = []
    if not tried.touched:
        for judge, answer in zip(judges(challenge_set, profile), tried.answers, strict=True):
            if answer.labels is not None:
                rows += judge.rows(tried.name, answer.labels)
    return score.table(rows)


def with_submissions(table, profile, *, folder=submissions.FOLDER, limits=None):
    """
    A table of the open set with the entries that others have sent in.

    Writes the table ``challenge-entries``.

    Parameters
    ----------
    table : pandas.DataFrame
        From :func:`build`.
    profile : analysis.profiles.Profile
    folder : path-like
    limits : analysis.challenge.confined.Limits, optional

    Returns
    -------
    table : pandas.DataFrame
        All rows.
    tried : list of (Submission, Attempt)
    """
    challenge_set = sets.get("open", profile)
    parts, tried = [], []
    for one in submissions.everything(folder):
        storage.record_read(one.script)
        found = attempt.run(one.script, sets.volumes(challenge_set), name=one.name, limits=limits)
        tried.append((one, found))
        parts.append(of_attempt(found, challenge_set, profile))
    entries = pd.concat(parts, ignore_index=True) if parts else score.table([])
    storage.save_table("challenge-entries", entries, profile=profile)
    both = pd.concat([table.drop(columns="version", errors="ignore"), entries], ignore_index=True)
    return both, tried


def _with_notes(table):
    return table.assign(note=table.note.astype(object).where(table.note.notna(), ""))


def methods_in(table):
    """Names of the methods of a table, without floor and truth."""
    return [name for name in dict.fromkeys(table.method) if name not in (FLOOR, TRUTH)]


def overview(table, quantities, among):
    """
    One row for each method with the figures of some quantities in words.

    Parameters
    ----------
    table : pandas.DataFrame
    quantities : sequence of str
        Keys.
    among : sequence of str
        Methods to show.

    Returns
    -------
    overview : pandas.DataFrame
        Column method and one for each quantity: mean and range over the specimens. The largest
        kappa comes first.
    """
    found = ranking.summary(table)
    found = found[found.method.isin(among)]
    kappa = found[found.quantity == "kappa"].sort_values("error", kind="stable")
    found = found[found.quantity.isin(quantities)]
    found = found.assign(text=[ranking.in_words(row) for _, row in found.iterrows()])
    wide = found.pivot(index="method", columns="quantity", values="text")
    wide = wide.loc[kappa.method]
    wide = wide[list(dict.fromkeys(found.quantity))].reset_index()
    wide.columns.name = None
    return wide


def limit_of(table):
    """Of what was learned on other electrodes the one with the larger mean kappa, or None."""
    learned = table[table.method.isin(rivals.LEARNED) & (table.quantity == "kappa")]
    mean = learned.groupby("method", sort=False).value.mean().dropna()
    return None if mean.empty else str(mean.idxmax())


def limit_text(table):
    """What is known of the limit, and how near the others come to it, in words."""
    best = limit_of(table)
    if best is None:
        return (
            "The limit of what a tomogram knows is not in these tables: nothing that was learned "
            "on other electrodes is among the methods."
        )
    found = ranking.summary(table)
    kappa = 1 - found[found.quantity == "kappa"].set_index("method")["error"]
    rest = kappa.drop([*rivals.LEARNED, FLOOR, TRUTH], errors="ignore").dropna()
    text = (
        "The limit of what a tomogram knows is not known from above. From below it is bounded by "
        f"what was learned on electrodes of other seeds, here {style.label(best)} with a mean "
        f"kappa of {kappa[best]:.3f}"
    )
    if rest.empty:
        return f"{text}."
    first = rest.idxmax()
    if rest[first] > kappa[best]:
        return f"{text}. {style.label(first)} is above it, with {rest[first]:.3f}."
    return f"{text}; the nearest of the others, {style.label(first)}, has {rest[first]:.3f}."
