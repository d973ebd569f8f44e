"""The report on an entry of the challenge: one page in HTML that needs nothing beside it."""

import base64
import html
import io

import numpy as np
import pandas as pd

from analysis.challenge import ranking, standings
from analysis.challenge.quantities import BY_KEY, FLOOR, GROUPS, QUANTITIES, TRUTH
from analysis.descriptors import profile as depth
from analysis.figures import plots, scores, style, tables
from analysis.phases import Phase
from analysis.segmentation import agreement

THIS = "this entry"


def page(tried, challenge_set, volumes, table):
    """
    The report as HTML.

    Parameters
    ----------
    tried : analysis.challenge.attempt.Attempt
    challenge_set : analysis.challenge.sets.ChallengeSet
    volumes : sequence of analysis.challenge.sets.Volume
        Of the set.
    table : pandas.DataFrame
        Scores of floor, truth, the methods of the book and, as far as it has any, the entry.

    Returns
    -------
    page : str
    """
    parts = [
        f"<h1>{_text(tried.name)} in the CBD challenge</h1>",
        _what_was_done(tried, challenge_set, volumes),
        _troubles(tried),
    ]
    if (table.method == tried.name).any():
        parts += [
            _standing(tried, table),
            _all_scores(tried, table),
            _where_it_errs(tried, volumes),
            _depth(tried, volumes),
            _figures(tried, table),
        ]
    parts.append(_output(tried))
    return _HEAD.format(title=_text(tried.name), style=_STYLE) + "\n".join(parts) + "\n</html>\n"


def csv(tried, table):
    """
    What ``score.csv`` holds.

    Returns
    -------
    scores : pandas.DataFrame
        A row for each specimen (or pair) and quantity: value, truth, error, by chance, the value of
        the floor, the rank among the methods; then one for each quantity over ``all`` of them.
    """
    mine = table[table.method == tried.name]
    keys = ["volume", "quantity"]
    floor = table[table.method == FLOOR].set_index(keys).value
    ranks = {}
    others = table[~table.method.isin((FLOOR, TRUTH))]
    for place, part in others.assign(size=others.error.abs()).groupby(keys):
        sizes = part.dropna(subset=["size"]).set_index("method")["size"]
        if tried.name in sizes:
            ranks[place] = (int((sizes < sizes[tried.name]).sum()) + 1, len(sizes))
    rows = []
    for _, row in mine.iterrows():
        place = (row["volume"], row["quantity"])
        rank, of = ranks.get(place, (np.nan, np.nan))
        rows.append(
            {name: row[name] for name in ("set", "volume", "electrode", "pair", "quantity")}
            | {"unit": BY_KEY[row["quantity"]].unit}
            | {name: row[name] for name in ("value", "truth", "error", "chance")}
            | {"floor": floor.get(place, np.nan), "rank": rank, "of": of, "note": row["note"]}
        )
    if len(mine):
        over = ranking.summary(table)
        over = over[over.method == tried.name].set_index("quantity")
        for row in ranking.ranks(table, tried.name).itertuples():
            mean = over.loc[row.quantity] if row.quantity in over.index else None
            rows.append(
                {"set": mine["set"].iloc[0], "volume": "all", "electrode": "all", "pair": "all"}
                | {"quantity": row.quantity, "unit": BY_KEY[row.quantity].unit}
                | {"error": np.nan if mean is None else mean["error"]}
                | {"scale": np.nan if mean is None else mean["scale"], "rank": row.rank}
                | {"of": row.of, "note": ""}
            )
    columns = ["set", "volume", "electrode", "pair", "quantity", "unit", "value", "truth", "error",
               "chance", "floor", "scale", "rank", "of", "note"]  # fmt: skip
    return pd.DataFrame(rows, columns=columns)


def _what_was_done(tried, challenge_set, volumes):
    rows = [
        {
            "specimen": volume.name,
            "electrode": volume.electrode,
            "pair": volume.pair.name,
            "scenario": volume.pair.scenario_name,
            "noise": volume.pair.noise,
            "layer contrast": volume.pair.layer_contrast,
            "voxels": " x ".join(map(str, volume.gray.shape)),
            "seconds": answer.seconds,
            "memory [GB]": answer.memory_GB,
            "outcome": "not scored" if answer.labels is None or tried.touched else "scored",
        }
        for volume, answer in zip(volumes, tried.answers, strict=True)
    ]
    limits = (
        "Each specimen was trinarized in a process of its own, on copies, with "
        f"{tried.limits.seconds:g} s and {tried.limits.memory_GB:g} GB."
    )
    return (
        f"<h2>What was done</h2>\n<p>The {_text(challenge_set.name)} set: virtual (synthetic) "
        f"electrodes whose truth is known. {limits}</p>\n{_table(pd.DataFrame(rows), 'specimens')}"
    )


def _troubles(tried):
    lines = [f"<pre class='trouble'>{_text(one)}</pre>" for one in tried.troubles]
    if lines:
        lines.insert(0, "<h2>What went wrong</h2>")
        if not tried.touched and any(answer.labels is not None for answer in tried.answers):
            lines.append(
                "<p>The other specimens are scored below. Ranks and places on the scale need all "
                "of them, so there are none.</p>"
            )
    remarks = [f"<li>{_text(a.volume)}: {_text(a.remark)}</li>" for a in tried.answers if a.remark]
    if remarks:
        lines.append(f"<h2>To be said</h2>\n<ul>{''.join(remarks)}</ul>")
    return "\n".join(lines)


def _standing(tried, table):
    found = ranking.summary(table)
    found["text"] = [ranking.in_words(row) for _, row in found.iterrows()]
    words = found.pivot(index="quantity", columns="method", values="text")
    best = found[~found.method.isin((FLOOR, TRUTH, tried.name))].dropna(subset=["size"])
    limit = standings.limit_of(table)
    rows = []
    for row in ranking.ranks(table, tried.name).itertuples():
        ours = best[best.quantity == row.quantity].sort_values("size", kind="stable")
        first = ours.iloc[0] if len(ours) else None
        said = words.loc[row.quantity] if row.quantity in words.index else {}
        ranked = not np.isnan(row.rank)
        rows.append(
            {
                "quantity": BY_KEY[row.quantity].title,
                THIS: said.get(tried.name, "–"),
                "rank": f"{row.rank:.0f} of {row.of}" if ranked else "–",
                "on single specimens": f"{row.best:.0f}–{row.worst:.0f}" if ranked else "–",
                "best of the others": "–"
                if first is None
                else f"{style.label(first.method)}: {first.text}",
                "floor": said.get(FLOOR, "–"),
            }
            | ({"limit": said.get(limit, "–")} if limit else {})
        )
    among = [style.label(name) for name in standings.methods_in(table) if name != tried.name]
    return (
        f"<h2>Where it stands</h2>\n<p>Mean over the specimens, and the range of single ones. "
        "Overlaps (kappa, Jaccard) as they are; all else as the error against the truth. Ranked "
        f"with {_text(', '.join(among))}. Floor: the AM of thresholding, CBD and pore dealt at "
        f"random. {_text(standings.limit_text(table))}</p>\n"
        + _table(pd.DataFrame(rows), "standing")
    )


def _all_scores(tried, table):
    found = ranking.summary(table)
    found = found[~found.method.isin((FLOOR, TRUTH))]
    panel = figure(found, chosen=(tried.name,), limit=standings.limit_of(table))
    return (
        "<h2>All scores at a glance</h2>\n"
        + _figure(panel, "Scores of this entry and of the methods of the book, floor to truth")
        + "<p>Each row is a quantity, each mark a method: 0 is the floor, 1 the truth. Large: this "
        "entry, with the range over the specimens; upright strokes: the limit as far as it is "
        "known. What is worse than the floor lies left of it."
        "</p>"
    )


def figure(summary, chosen=(), limit=None):
    """The figure of all scores; the chapter shows the same."""
    titles = {quantity.key: quantity.title for quantity in QUANTITIES}
    groups = [(name, sum(one.group == name for one in QUANTITIES)) for name in GROUPS]
    panel = style.axes(1, 1, height=6.4)
    scores.between_floor_and_truth(
        summary, titles, ax=panel, chosen=chosen, groups=groups, limit=limit
    )
    style.legend(panel, columns=4)
    return panel


def _where_it_errs(tried, volumes):
    parts = ["<h2>Where it errs</h2>"]
    rows = []
    for volume, answer in zip(volumes, tried.answers, strict=True):
        if answer.labels is None:
            continue
        counts = agreement.confusion(volume.truth, answer.labels)
        shares = counts / np.maximum(counts.sum(axis=1, keepdims=True), 1)
        for true in reversed(Phase):
            called = {f"called {p.title} [%]": 100 * shares[true, p] for p in reversed(Phase)}
            rows.append({"specimen": volume.name, "truth": true.title} | called)
        pictures = {
            "tomogram": volume.gray,
            "truth": volume.truth,
            THIS: answer.labels,
            "wrong": -scores.errors(volume.truth, answer.labels),
        }
        panels = plots.slices(pictures, voxel_size_um=volume.voxel_size_um, columns=4)
        parts.append(f"<h3>{_text(volume.name)}</h3>")
        parts.append(_figure(panels[0], f"Slice of {volume.name}: tomogram, truth, entry, errors"))
    parts.append(
        "<p>Right is white; gray: CBD and pore are confused; black: the AM is wrong. The slices "
        "run from the separator (top) to the collector. What becomes of each true phase:</p>"
    )
    parts.append(_table(pd.DataFrame(rows), "confusion"))
    return "\n".join(parts)


def _depth(tried, volumes):
    there = [(v, a) for v, a in zip(volumes, tried.answers, strict=True) if a.labels is not None]
    columns = min(2, len(there))
    rows = -(-len(there) // columns)
    panels = np.ravel(style.axes(rows, columns, height=2.6 * rows, sharey=True))
    for panel, (volume, answer) in zip(panels, there, strict=False):
        z = depth.depths_um(volume.gray.shape[0], volume.voxel_size_um)
        for name, labels, line in (("truth", volume.truth, "-"), (THIS, answer.labels, "--")):
            fraction = _smooth(depth.volume_fractions(labels)[Phase.CBD])
            color = "#000000" if name == "truth" else "#d1492e"
            panel.plot(z, fraction, line, color=color, label=name)
        panel.set(title=volume.name, xlabel="distance to the separator [µm]")
        panel.set_ylabel("CBD fraction [-]")
        panel.set_ylim(bottom=0)
    for panel in panels[len(there) :]:
        panel.set_axis_off()
    style.legend(panels[0])
    return "<h2>CBD over the depth</h2>\n" + _figure(
        panels[0], "CBD fraction over the depth, truth and entry, mean of nine slices"
    )


def _smooth(values, width=9):
    return np.convolve(np.pad(values, width // 2, mode="edge"), np.ones(width) / width, "valid")


def _figures(tried, table):
    mine = table[table.method == tried.name]
    shown = pd.DataFrame(
        {
            "specimen": mine.volume,
            "quantity": [BY_KEY[key].title for key in mine.quantity],
            "unit": [BY_KEY[key].unit for key in mine.quantity],
            THIS: mine.value,
            "truth": mine.truth,
            "error": mine.error,
            "note": mine.note,
        }
    )
    if not mine.note.any():
        shown = shown.drop(columns="note")
    return f"<h2>All figures</h2>\n{_table(shown, 'all-figures')}"


def _output(tried):
    parts = [
        f"<h3>{_text(one.volume)}</h3><pre>{_text(one.output)}</pre>"
        for one in tried.answers
        if one.output.strip()
    ]
    return "\n".join(["<h2>What the script printed</h2>", *parts]) if parts else ""


def _table(frame, name):
    """A table with all its rows and columns: a report, unlike a page of the book, is looked up."""
    head = "".join(f'<th scope="col">{_text(column)}</th>' for column in frame.columns)
    lines = [
        "<tr>" + "".join(_cell(value, first=not n) for n, value in enumerate(row)) + "</tr>"
        for row in frame.itertuples(index=False)
    ]
    return (
        f'<div class="cbd-table" role="region" tabindex="0" aria-label="Table: {_text(name)}">'
        f"<table><thead><tr>{head}</tr></thead><tbody>{''.join(lines)}</tbody></table></div>"
    )


def _cell(value, *, first):
    """A cell; numbers as on the pages of the book, a dash where there is none."""
    tag = 'th scope="row"' if first else "td"
    if not isinstance(value, str) and hasattr(value, "__float__"):
        shown = "–" if np.isnan(float(value)) else tables.number(float(value))
        return f'<{tag} class="cbd-number">{_text(shown)}</{tag[:2]}>'
    return f"<{tag}>{_text(value)}</{tag[:2]}>"


def _figure(panel, alt):
    import matplotlib.pyplot as plt

    buffer = io.BytesIO()
    panel.figure.savefig(buffer, format="png", metadata={"Software": None})
    plt.close(panel.figure)
    data = base64.b64encode(buffer.getvalue()).decode("ascii")
    return f'<img alt="{html.escape(alt, quote=True)}" src="data:image/png;base64,{data}">'


def _text(value):
    """Text as HTML; control characters of names are spelled out."""
    shown = "".join(
        c if c.isprintable() or c == "\n" else c.encode("unicode_escape").decode()
        for c in str(value)
    )
    return html.escape(shown)


_HEAD = (
    '<!doctype html>\n<html lang="en"><meta charset="utf-8">\n'
    '<meta name="viewport" content="width=device-width">\n'
    "<title>{title} in the CBD challenge</title>\n<style>{style}</style>\n"
)
_STYLE = """
body { font: 16px/1.5 system-ui, sans-serif; max-width: 68rem; margin: 2rem auto; padding: 0 1rem; }
img { max-width: 100%; } .cbd-table { overflow-x: auto; }
table { border-collapse: collapse; font-size: 0.85rem; }
th, td { padding: 0.2rem 0.6rem; border-bottom: 1px solid #d5d9de; text-align: left; }
thead th { border-bottom: 2px solid #444; } .cbd-number { text-align: right; }
pre { background: #f3f4f6; padding: 0.8rem; overflow-x: auto; white-space: pre-wrap; }
.trouble { border-left: 4px solid #d1492e; }
""".strip()
