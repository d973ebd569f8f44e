"""Which fitted gammas can be believed: of the maps, and of draws. A part of the answer."""

from analysis import profiles
from analysis.figures import style

CLOSE = 20.0  # [%], within which two gammas count as one


def believed(table, close=CLOSE):
    """
    Which fitted gammas can be believed, in words.

    Parameters
    ----------
    table : pandas.DataFrame
        From :func:`analysis.study.book.answer.maps`.
    close : float
        Within which two gammas count as one [%].
    """
    spans = []
    for specimen, rows in table.groupby("specimen", sort=False):
        low, high = (f"{v:+.0f}".replace("-", "−") for v in (rows.bias.min(), rows.bias.max()))
        spans.append(f"{low} to {high} % on {specimen}")
    each = table.groupby("method", sort=False).agg(
        ratio=("ratio", "first"), worst=("bias", lambda bias: bias.abs().max())
    )
    one = each[(100 * (each.ratio - 1)).abs() <= close]
    wrong = one[one.worst > close]
    named = ", ".join(style.label(method) for method in style.ordered(one.index)) or "none"
    text = (
        f"Fitted gammas are off by {' and '.join(spans)}; one binder must give one gamma, and the "
        f"maps whose two gammas agree within {close:.0f} % are: {named}"
    )
    if len(wrong):
        return (
            f"{text}. Of these {len(wrong)} of {len(one)} are wrong all the same, so agreement "
            "rejects a map and never confirms one."
        )
    if len(one):
        return f"{text}. In this run they are right, which agreement alone could not have told."
    return f"{text}. So no gamma of these maps can be believed."


def drawn(fitted, true):
    """
    How far a gamma fitted with draws is off, in words: good draws need not give a good gamma.

    Parameters
    ----------
    fitted : pandas.DataFrame
        From :func:`analysis.study.limit.limit_runs.gammas`.
    true : float
        Gamma of the virtual experiment [-].
    """
    row = fitted.set_index("map").loc["draw"]
    parts = []
    for name in profiles.ELECTRODES:
        bias = f"{100 * (row[f'gamma {name}'] / true - 1):+.0f}".replace("-", "−")
        holds = row[f"gamma {name} from"] <= true <= row[f"gamma {name} to"]
        parts.append(f"{bias} % on {name} (the interval {'holds' if holds else 'misses'} it)")
    return (
        "In a run that comes with the book, draws that are told the depth profile give a gamma "
        f"off by {' and '.join(parts)}."
    )
