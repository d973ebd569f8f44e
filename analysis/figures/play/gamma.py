"""One gamma to move until the voltage of a cell meets the experiment.

The curves were simulated when the book was run, one for each step of the slider; the page only
draws them and measures how far they are from the experiment.
"""

import io

import numpy as np

from analysis.figures import curves as plots
from analysis.figures import style
from analysis.figures.play import frame
from analysis.figures.tables import Page

POINTS = 60  # of each curve in the page
_LEFT, _TOP, _WIDTH, _HEIGHT = 34, 8, 356, 170


def gamma(cells, *, gamma_true, name):
    """
    Voltage curves of some maps for many gammas, beside the experiment they should meet.

    Parameters
    ----------
    cells : dict of (str, str) to (dict of float to (capacity, voltage), (capacity, voltage))
        Keyed by specimen and method: simulated curves by gamma, and the experiment of the
        specimen [mAh/cm², V]. The same gammas everywhere.
    gamma_true : float
        Gamma of the experiment, shown on request.
    name : str
        Name of the figure, unique on its page.

    Returns
    -------
    page : analysis.figures.tables.Page
        Shows itself as the last expression of a cell.

    Raises
    ------
    ValueError
        If there is no cell, or the cells have different gammas.
    """
    steps = {tuple(sorted(simulated)) for simulated, _ in cells.values()}
    if len(steps) != 1:
        raise ValueError(
            f"Cells have {len(steps)} different lists of gammas; expected one, so that one slider "
            "can move all of them."
        )
    gammas = list(steps.pop())
    shown = {}
    for (specimen, method), (simulated, experiment) in cells.items():
        shown[f"{specimen}|{method}"] = {
            "curves": [_thinned(*simulated[value]) for value in gammas],
            "experiment": _thinned(*experiment),
        }
    every = [c for one in shown.values() for c in [*one["curves"], one["experiment"]]]
    axes = {
        "q": _round_up(max(max(curve[0]) for curve in every)),
        "low": np.floor(10 * min(min(curve[1]) for curve in every)) / 10,
        "high": np.ceil(10 * max(max(curve[1]) for curve in every)) / 10,
        "frame": [_LEFT, _TOP, _WIDTH, _HEIGHT],
    }
    settings = {"gammas": gammas, "true": gamma_true, "cells": shown, "axes": axes}
    root = frame.identity(name, settings)
    specimens = list(dict.fromkeys(specimen for specimen, _ in cells))
    methods = list(dict.fromkeys(method for _, method in cells))
    inner = (
        '<p class="cbd-control">'
        + frame.select(
            root, "specimen", "Electrode", [(s, style.SPECIMEN_LABELS.get(s, s)) for s in specimens]
        )
        + frame.select(root, "method", "Map", [(m, style.label(m)) for m in methods])
        + "</p>"
        + _axes(axes)
        + frame.range_input(root, "gamma", "gamma", len(gammas) // 2, len(gammas) - 1)
        + '<p class="cbd-control"><button type="button" aria-pressed="false">'
        "Show the true gamma</button></p>"
        '<p class="cbd-play-said" role="status" aria-live="polite"></p>'
    )
    page = frame.whole(root, inner, _JAVASCRIPT, settings)
    return Page(page, png=_still(cells, gammas), text="One gamma to move")


def misfit_V(curve, experiment):
    """
    Root mean square difference of a curve from the experiment, as the page computes it.

    Parameters
    ----------
    curve, experiment : (capacity, voltage)
        Capacities ascending [mAh/cm²], voltages [V]. A curve that ends early stays at its last
        voltage.

    Returns
    -------
    rms : float
        [V]

    Examples
    --------
    >>> misfit_V(([0, 1], [4.0, 3.0]), ([0, 1, 2], [4.0, 3.0, 3.0]))
    0.0
    """
    at = np.interp(experiment[0], *curve)
    return float(np.sqrt(np.mean((at - np.asarray(experiment[1])) ** 2)))


def _thinned(capacity, voltage):
    """A curve at even capacities, with as many digits as an eye sees."""
    even = np.linspace(0, float(np.max(capacity)), POINTS)
    at = np.interp(even, capacity, voltage)
    return [np.round(even, 4).tolist(), np.round(at, 4).tolist()]


def _round_up(value):
    """
    The next of 1, 2, 3, ... 10 times a power of ten.

    Examples
    --------
    >>> _round_up(5.2), _round_up(0.31)
    (6.0, 0.4)
    """
    power = 10.0 ** np.floor(np.log10(value))
    return float(np.round(np.ceil(value / power - 1e-9) * power, 12))


def _axes(axes):
    """Empty axes with ticks, a line for the curve and circles for the experiment."""
    parts = []
    for share in np.linspace(0, 1, 5):
        x, y = _LEFT + share * _WIDTH, _TOP + (1 - share) * _HEIGHT
        volt = axes["low"] + share * (axes["high"] - axes["low"])
        parts += [
            f'<line x1="{_LEFT}" x2="{_LEFT + _WIDTH}" y1="{y:.1f}" y2="{y:.1f}" '
            'stroke="#e3e6ea"/>',
            f'<text x="{_LEFT - 3}" y="{y + 3:.1f}" font-size="11" text-anchor="end" '
            f'fill="#1b1f27">{volt:.2f}</text>',
            f'<text x="{x:.1f}" y="{_TOP + _HEIGHT + 11}" font-size="11" text-anchor="middle" '
            f'fill="#1b1f27">{share * axes["q"]:.3g}</text>',
        ]
    middle, bottom = _LEFT + _WIDTH / 2, _TOP + _HEIGHT
    return (
        f'<svg viewBox="0 0 400 {bottom + 26}" role="img" aria-label="Cell voltage over capacity: '
        f'the simulated curve and the circles of the experiment">{"".join(parts)}'
        f'<path d="M{_LEFT},{_TOP}V{bottom}H{_LEFT + _WIDTH}" fill="none" stroke="#1b1f27"/>'
        f'<text x="{middle}" y="{bottom + 22}" font-size="11" text-anchor="middle" fill="#1b1f27">'
        "capacity [mAh/cm²]</text>"
        f'<text x="{_LEFT + _WIDTH - 4}" y="{_TOP + 12}" font-size="11" text-anchor="end" '
        'fill="#1b1f27">cell voltage [V]</text>'
        '<g data-part="experiment" fill="none" stroke="#1b1f27"></g>'
        '<polyline data-part="curve" fill="none" stroke="#c23b0a" stroke-width="2.2"/></svg>'
    )


def _still(cells, gammas):
    """Curves of the first cell for a few gammas, for paper."""
    import matplotlib.pyplot as plt

    (specimen, method), (simulated, experiment) = next(iter(cells.items()))
    few = {value: simulated[value] for value in gammas[:: max(1, len(gammas) // 5)]}
    panel = style.axes()
    plots.voltage(few, ax=panel, colorbar_label="γ [-]", title=f"{style.label(method)}, {specimen}")
    panel.plot(*experiment, "o", mfc="none", mec="#20242f", ms=3)
    buffer = io.BytesIO()
    panel.figure.savefig(buffer, format="png")
    plt.close(panel.figure)
    return buffer.getvalue()


_JAVASCRIPT = """function (root, data) {
  const slider = root.querySelector("input"), output = root.querySelector("output");
  const selects = ["specimen", "method"].map(
    key => root.querySelector('select[data-key="' + key + '"]'));
  const said = root.querySelector(".cbd-play-said"), button = root.querySelector("button");
  const line = root.querySelector('[data-part="curve"]');
  const circles = root.querySelector('[data-part="experiment"]');
  const [left, top, width, height] = data.axes.frame;
  const x = q => left + width * q / data.axes.q;
  const y = v => top + height * (data.axes.high - v) / (data.axes.high - data.axes.low);
  let best = {}, revealed = false;
  function interpolate(curve, q) {
    const [qs, vs] = curve, last = qs.length - 1;
    if (q >= qs[last]) return vs[last];
    let k = 1;
    while (qs[k] < q) k++;
    return vs[k - 1] + (vs[k] - vs[k - 1]) * (q - qs[k - 1]) / (qs[k] - qs[k - 1]);
  }
  function misfit(curve, experiment) {
    const squares = experiment[0].map((q, n) => (interpolate(curve, q) - experiment[1][n]) ** 2);
    return Math.sqrt(squares.reduce((a, b) => a + b, 0) / squares.length);
  }
  function move() {
    const key = selects.map(s => s.value).join("|"), cell = data.cells[key];
    const value = data.gammas[slider.value];
    const text = "γ = " + value.toFixed(3);
    output.textContent = text;
    slider.setAttribute("aria-valuetext", text);
    if (!cell) {
      line.setAttribute("points", "");
      circles.replaceChildren();
      said.textContent = "This map was not fitted in this run; choose another.";
      return;
    }
    const curve = cell.curves[slider.value], rms = 1000 * misfit(curve, cell.experiment);
    line.setAttribute("points", curve[0].map((q, n) => x(q) + "," + y(curve[1][n])).join(" "));
    circles.replaceChildren(...cell.experiment[0].filter((q, n) => n % 3 === 0).map((q, n) => {
      const circle = document.createElementNS("http://www.w3.org/2000/svg", "circle");
      circle.setAttribute("cx", x(q));
      circle.setAttribute("cy", y(cell.experiment[1][3 * n]));
      circle.setAttribute("r", 3);
      return circle;
    }));
    if (!best[key] || rms < best[key][1]) best[key] = [value, rms];
    said.textContent = "Rms difference from the experiment " + rms.toFixed(1) +
      " mV. Best so far: γ = " +
      best[key][0].toFixed(3) + " with " + best[key][1].toFixed(1) + " mV." + (revealed ?
      " The experiment was made with γ = " + data.true.toFixed(3) + ": your best is " +
      (best[key][0] / data.true).toFixed(2) + " times that." : "");
  }
  slider.addEventListener("input", move);
  selects.forEach(s => s.addEventListener("change", move));
  const stop = event => event.stopPropagation();
  [slider, ...selects].forEach(control => control.addEventListener("keydown", stop));
  button.addEventListener("click", () => {
    revealed = !revealed;
    button.setAttribute("aria-pressed", String(revealed));
    button.textContent = revealed ? "Hide the true gamma" : "Show the true gamma";
    move();
  });
  move();
}"""
