"""From single errors to how methods stand: mean, spread, rank in every quantity, and the scale.

The scale of the figure of all scores runs from the floor, 0, to the truth, 1. For overlaps the
floor is what chance gives, as everywhere in the book; for all else it is the error of a map that
knows the AM and deals CBD and pore at random. The scale makes quantities of all units comparable at
a glance; it is not added up to one number.
"""

import numpy as np
import pandas as pd

from analysis.challenge.quantities import BY_KEY, FLOOR, QUANTITIES, TRUTH


def summary(table):
    """
    Mean and spread of each error over the specimens, and the place on the scale.

    Parameters
    ----------
    table : pandas.DataFrame
        From :func:`analysis.challenge.score.table`, with the rows of the floor.

    Returns
    -------
    summary : pandas.DataFrame
        One row for each method and quantity: ``error``, mean of the signed errors; ``size``, mean
        of their sizes; ``lowest`` and ``highest`` error; ``scale``, 1 for the truth and 0 for the
        floor, below 0 if worse than the floor; ``scale_low`` and ``scale_high``, that of the worst
        and of the best specimen; ``scored`` and ``asked``, specimens (pairs) with a
        value and in the set. What is not there for every specimen has neither size nor scale.

    Raises
    ------
    ValueError
        If the table holds no floor.
    """
    if FLOOR not in set(table.method):
        raise ValueError(
            f"The table holds no rows of the method {FLOOR!r}; expected them beside those of the "
            "methods, for the scale begins there. See analysis.challenge.rivals.floor."
        )
    asked = table.groupby("quantity").volume.nunique()
    rows = []
    for (method, key), part in table.groupby(["method", "quantity"], sort=False):
        errors, chance = part.error.to_numpy(float), part.chance.to_numpy(float)
        whole = np.isfinite(errors).sum() == asked[key]
        there = errors[np.isfinite(errors)]
        rows.append(
            {
                "method": method,
                "quantity": key,
                "error": there.mean() if whole else np.nan,
                "size": np.abs(there).mean() if whole else np.nan,
                "smallest": np.abs(there).min() if whole else np.nan,
                "largest": np.abs(there).max() if whole else np.nan,
                "lowest": there.min() if there.size else np.nan,
                "highest": there.max() if there.size else np.nan,
                "by chance": 1 - chance.mean() if whole else np.nan,
                "scored": there.size,
                "asked": int(asked[key]),
            }
        )
    found = pd.DataFrame(rows)
    floors = found[found.method == FLOOR].set_index("quantity")["size"]
    finest = pd.Series({quantity.key: quantity.finest for quantity in QUANTITIES})
    by_floor = np.maximum(floors.reindex(found.quantity), finest[found.quantity].to_numpy())
    chance = found.pop("by chance")
    unit = chance.where(chance.notna(), by_floor.to_numpy())
    found["scale"] = 1 - found["size"] / unit
    found["scale_low"], found["scale_high"] = (
        1 - found.pop("largest") / unit,
        1 - found.pop("smallest") / unit,
    )
    order = {quantity.key: n for n, quantity in enumerate(QUANTITIES)}
    found["order"] = found.quantity.map(order)
    return found.sort_values("order", kind="stable").drop(columns="order").reset_index(drop=True)


def ranks(table, entry, *, among=None):
    """
    Rank of an entry in every quantity, over all specimens and on single ones.

    Parameters
    ----------
    table : pandas.DataFrame
        From :func:`analysis.challenge.score.table`.
    entry : str
        Method to rank.
    among : sequence of str, optional
        Methods to rank it with; by default all but floor and truth.

    Returns
    -------
    ranks : pandas.DataFrame
        One row for each quantity: ``rank`` by the mean size of the error, ``of`` (how many methods
        have a value on all specimens, the entry among them), ``best`` and ``worst`` rank on a
        single specimen. NaN where the entry has no value on some specimen.
    """
    if among is None:
        among = [name for name in dict.fromkeys(table.method) if name not in (FLOOR, TRUTH)]
    among = list(dict.fromkeys([*among, entry]))
    rows = []
    for quantity in QUANTITIES:
        part = table[(table.quantity == quantity.key) & table.method.isin(among)]
        sizes = part.assign(size=part.error.abs()).pivot(
            index="method", columns="volume", values="size"
        )
        sizes = sizes.dropna()
        row = {"quantity": quantity.key, "rank": np.nan, "of": len(sizes)}
        if entry in sizes.index:
            mean = sizes.mean(axis=1)
            single = sizes.rank(method="min").loc[entry]
            row["rank"] = float((mean < mean[entry]).sum() + 1)
            row |= {"best": single.min(), "worst": single.max()}
        rows.append(row)
    return pd.DataFrame(rows, columns=["quantity", "rank", "of", "best", "worst"])


def in_words(row):
    """
    An error with its spread as it stands in a table.

    Parameters
    ----------
    row : pandas.Series
        Of :func:`summary`.

    Returns
    -------
    text : str
        ``+4.1 % (−2.0 to +9.3)``; for overlaps the value itself.
    """
    quantity = BY_KEY[row["quantity"]]
    if not np.isfinite(row["size"]):
        return f"{row['scored']} of {row['asked']} specimens"
    if quantity.kind == "share":
        low, high = 1 - row["highest"], 1 - row["lowest"]
        return f"{1 - row['error']:.3f} ({low:.3f} to {high:.3f})"
    if quantity.kind == "relative":
        mean, low, high = (100 * row[name] for name in ("error", "lowest", "highest"))
        return f"{mean:+.1f} % ({low:+.1f} to {high:+.1f})"
    return f"{row['error']:+.3f} ({row['lowest']:+.3f} to {row['highest']:+.3f})"
