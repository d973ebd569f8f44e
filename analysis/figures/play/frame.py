"""What figures that answer a hand share: a frame, a slider with its name, data for a script."""

import hashlib
import html
import json


def identity(name, *contents):
    """
    Identifier of a figure that is the same in every run with the same data.

    Examples
    --------
    >>> identity("fig-a", [1, 2]) == identity("fig-a", [1, 2]) != identity("fig-a", [1, 3])
    True
    """
    digest = hashlib.sha256(name.encode())
    for content in contents:
        digest.update(json.dumps(content, sort_keys=True).encode())
    return f"cbd-{name}-{digest.hexdigest()[:8]}"


def range_input(root, key, text, value, last):
    """A slider over the whole numbers from 0 to `last`, with its name and its value in words."""
    return (
        f'<p class="cbd-control"><label for="{root}-{key}">{html.escape(text)}</label> '
        f'<input type="range" id="{root}-{key}" data-key="{key}" min="0" max="{last}" step="1" '
        f'value="{value}"> <output for="{root}-{key}" data-key="{key}"></output></p>'
    )


def select(root, key, text, options):
    """A list to choose from: pairs of value and text."""
    entries = "".join(
        f'<option value="{html.escape(value, quote=True)}">{html.escape(shown)}</option>'
        for value, shown in options
    )
    return (
        f'<label for="{root}-{key}">{html.escape(text)}</label> '
        f'<select id="{root}-{key}" data-key="{key}">{entries}</select>'
    )


def whole(root, inner, script, settings):
    """The figure: style, parts, and the script that is called with its root and its data."""
    data = json.dumps(settings, ensure_ascii=False, separators=(",", ":")).replace("</", "<\\/")
    return (
        f'<div class="cbd-play" id="{root}">{_STYLE}{inner}'
        f'<script>({script})(document.getElementById("{root}"), {data});</script></div>'
    )


# A figure of its own must look right in a page that has no style sheet of the book.
_STYLE = (
    "<style>"
    ".cbd-play{background:#fff;color:#1b1f27;padding:.7rem;border-radius:6px;margin:.4rem 0}"
    ".cbd-play svg{width:100%;height:auto;display:block}"
    ".cbd-play .cbd-control{display:flex;flex-wrap:wrap;gap:.6rem;align-items:center;"
    "margin:.4rem 0;color:#1b1f27}"
    ".cbd-play .cbd-control label{min-width:6.5rem;color:#1b1f27}"
    ".cbd-play input[type=range]{flex:1 1 8rem;min-width:0;min-height:24px}"
    ".cbd-play output{min-width:5rem;font-variant-numeric:tabular-nums}"
    ".cbd-play button,.cbd-play select{font:inherit;min-height:28px;padding:.2rem .6rem;"
    "color:#1b1f27;background:#f1f3f5;border:1px solid #767676;border-radius:4px}"
    ".cbd-play :focus-visible{outline:3px solid #0a58ca;outline-offset:2px}"
    ".cbd-play-panels{display:flex;flex-wrap:wrap;gap:.6rem;justify-content:center}"
    ".cbd-play-panels figure{margin:0;flex:1 1 5rem;max-width:9rem;text-align:center}"
    ".cbd-play-panels canvas{width:100%;max-height:24rem;image-rendering:pixelated}"
    ".cbd-play-panels figcaption{font-size:.8rem;color:#1b1f27}"
    ".cbd-play-said{margin:.5rem 0 0;text-align:left;color:#1b1f27;"
    "font-variant-numeric:tabular-nums}"
    "@media print{.cbd-play .cbd-control{display:none}}"
    "</style>"
)
