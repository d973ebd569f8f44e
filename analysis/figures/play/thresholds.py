"""Two thresholds to move: the labels, their fractions and what they know of the CBD follow.

The page holds, for each gray level, how many voxels of each true phase have it. So the confusion
matrix of any two thresholds is a few sums, and kappa, fractions and recall are those of the whole
volume, not of the slice that is drawn.
"""

import base64
import io

import numpy as np

from analysis.figures import images, style
from analysis.figures.play import frame
from analysis.figures.tables import Page
from analysis.phases import Phase, check_targets, check_voxel_size

LEVELS = 200  # gray levels between the extreme half percents; finer than the hand


def thresholds(gray, truth, *, targets, voxel_size_um, name):
    """
    A tomogram whose two thresholds can be moved.

    Parameters
    ----------
    gray : (Z, Y, X) ndarray
        Gray values.
    truth : (Z, Y, X) ndarray of uint8
        True labels of the same volume.
    targets : dict of Phase to float
        Volume fractions [-] that a button meets; the thresholds begin there.
    voxel_size_um : float
        Edge of a voxel [µm], for the scale bar of the still picture.
    name : str
        Name of the figure, unique on its page.

    Returns
    -------
    page : analysis.figures.tables.Page
        Shows itself as the last expression of a cell.

    Raises
    ------
    ValueError
        If the volumes differ in shape or `targets` are no volume fractions.
    """
    check_voxel_size(voxel_size_um)
    targets = check_targets(targets)
    gray, truth = np.asarray(gray), np.asarray(truth)
    if gray.shape != truth.shape or gray.ndim != 3:
        raise ValueError(
            f"Gray values have the shape {gray.shape}, the truth {truth.shape}; expected volumes "
            "(Z, Y, X) of one shape."
        )
    level, edges = levels_of(gray)
    counts = [np.bincount(level[truth == p], minlength=LEVELS).tolist() for p in Phase]
    middle = gray.shape[1] // 2
    settings = {
        "counts": counts,
        "edges": [float(f"{edge:.4g}") for edge in edges],
        "targets": [targets[phase] for phase in Phase],
        "colors": [_rgb(style.PHASE_COLORS[phase]) for phase in Phase],
        "shape": [gray.shape[0], gray.shape[2]],
        "slice": base64.b64encode(level[:, middle].astype(np.uint8).tobytes()).decode("ascii"),
        "true": base64.b64encode(truth[:, middle].astype(np.uint8).tobytes()).decode("ascii"),
    }
    root = frame.identity(name, counts)
    start = meeting(counts, settings["targets"])
    panels = "".join(
        f'<figure><canvas role="img" width="{gray.shape[2]}" height="{gray.shape[0]}" '
        f'data-part="{part}" aria-label="{label}"></canvas>'
        f"<figcaption>{title}</figcaption></figure>"
        for part, title, label in (
            ("gray", "tomogram", "Slice of the tomogram in gray"),
            ("labels", "your labels", "The same slice, split at the two thresholds"),
            ("true", "truth", "The same slice of the truth"),
        )
    )
    inner = (
        _histogram(counts)
        + frame.range_input(root, "cbd", "pore | CBD", start[0], LEVELS)
        + frame.range_input(root, "am", "CBD | AM", start[1], LEVELS)
        + '<p class="cbd-control"><button type="button">Meet the volume fractions</button></p>'
        + f'<div class="cbd-play-panels">{panels}</div>'
        + '<p class="cbd-play-said" role="status" aria-live="polite"></p>'
    )
    page = frame.whole(root, inner, _JAVASCRIPT, settings)
    still = _still(gray[:, middle], level[:, middle], truth[:, middle], start, voxel_size_um)
    return Page(page, png=still, text="Two thresholds to move")


def levels_of(gray):
    """
    Gray level of each voxel and the gray values between the levels.

    Returns
    -------
    level : ndarray of int
        0 to ``LEVELS - 1``, the shape of `gray`.
    edges : (LEVELS + 1,) ndarray of float
        A threshold at level ``t`` is the gray value ``edges[t]``.
    """
    low, high = np.quantile(gray, (0.005, 0.995))
    edges = np.linspace(low, high if high > low else low + 1, LEVELS + 1)
    level = np.floor((np.asarray(gray, float) - low) / (edges[-1] - low) * LEVELS)
    return np.clip(level, 0, LEVELS - 1).astype(int), edges


def meeting(counts, targets):
    """
    The two levels that meet the target fractions best.

    Parameters
    ----------
    counts : (3, LEVELS) sequence of int
        Voxels of each true phase at each level.
    targets : sequence of float
        Volume fractions [-] of pore, CBD and AM.

    Returns
    -------
    levels : (int, int)
        First level of the CBD and of the AM.

    Examples
    --------
    >>> meeting([[2, 0, 0], [0, 1, 0], [0, 0, 1]], [0.5, 0.25, 0.25])
    (1, 2)
    """
    below = np.concatenate([[0], np.cumsum(np.sum(counts, axis=0))]) / np.sum(counts)
    dark, bright = targets[Phase.PORE], targets[Phase.PORE] + targets[Phase.CBD]
    return int(np.argmin(np.abs(below - dark))), int(np.argmin(np.abs(below - bright)))


def _histogram(counts):
    """Stacked areas of the true phases over the gray level, with two lines for the thresholds."""
    stack = np.concatenate([np.zeros((1, LEVELS)), np.cumsum(counts, axis=0)])
    top = max(float(np.quantile(stack[-1], 0.99)), 1.0)  # voxels beyond the ends pile up there
    heights = 100 * np.minimum(stack / top, 1.0)
    x = 400 * (np.arange(LEVELS) + 0.5) / LEVELS
    areas = []
    for phase in Phase:
        upper = " ".join(
            f"{a:.1f},{104 - b:.1f}" for a, b in zip(x, heights[phase + 1], strict=True)
        )
        lower = " ".join(
            f"{a:.1f},{104 - b:.1f}" for a, b in zip(x[::-1], heights[phase][::-1], strict=True)
        )
        areas.append(
            f'<polygon points="{upper} {lower}" fill="{style.PHASE_COLORS[phase]}" '
            f'stroke="#555" stroke-width=".3"/>'
        )
    key = "".join(
        f'<rect x="{8 + 60 * n}" y="2" width="9" height="9" fill="{style.PHASE_COLORS[phase]}" '
        f'stroke="#555" stroke-width=".5"/><text x="{21 + 60 * n}" y="10" font-size="11" '
        f'fill="#1b1f27" stroke="#fff" stroke-width="3" paint-order="stroke">{phase.title}</text>'
        for n, phase in enumerate(Phase)
    )
    lines = "".join(
        f'<line data-line="{key_}" y1="0" y2="104" stroke="{color}" stroke-width="2.5" '
        f'stroke-dasharray="{dash}"/>'
        for key_, color, dash in (("cbd", "#0a58ca", "none"), ("am", "#0a58ca", "6 3"))
    )
    return (
        '<svg viewBox="0 0 400 122" role="img" aria-label="Histogram of the gray values, split by '
        f'true phase, with the two thresholds">{"".join(areas)}{lines}{key}'
        '<text x="200" y="118" font-size="11" text-anchor="middle" fill="#1b1f27">gray value; '
        "solid line pore | CBD, dashed line CBD | AM</text></svg>"
    )


def _rgb(color):
    return [int(color[place : place + 2], 16) for place in (1, 3, 5)]


def _still(gray, level, truth, start, voxel_size_um):
    """The figure at its first thresholds, for paper."""
    import matplotlib.pyplot as plt

    labels = np.select([level >= start[1], level >= start[0]], [Phase.AM, Phase.CBD], Phase.PORE)
    pictures = {"tomogram": gray, "two thresholds": labels.astype(np.uint8), "truth": truth}
    panels = images.slices(pictures, voxel_size_um=voxel_size_um, columns=3)
    buffer = io.BytesIO()
    panels[0].figure.savefig(buffer, format="png")
    plt.close(panels[0].figure)
    return buffer.getvalue()


_JAVASCRIPT = """function (root, data) {
  const inputs = {}, outputs = {}, lines = {};
  ["cbd", "am"].forEach(key => {
    inputs[key] = root.querySelector('input[data-key="' + key + '"]');
    outputs[key] = root.querySelector('output[data-key="' + key + '"]');
    lines[key] = root.querySelector('[data-line="' + key + '"]');
  });
  const said = root.querySelector(".cbd-play-said");
  const levels = data.counts[0].length, phases = ["pore", "CBD", "AM"];
  const bytes = text => Uint8Array.from(atob(text), letter => letter.charCodeAt(0));
  const gray = bytes(data.slice), truth = bytes(data.true);
  const below = data.counts.map(row => {  // voxels of each true phase below each level
    const sums = [0];
    row.forEach(count => sums.push(sums[sums.length - 1] + count));
    return sums;
  });
  const total = below.reduce((sum, row) => sum + row[levels], 0);
  function paint(part, color) {
    const canvas = root.querySelector('[data-part="' + part + '"]');
    const context = canvas.getContext("2d");
    const picture = context.createImageData(canvas.width, canvas.height);
    for (let n = 0; n < gray.length; n++) {
      const rgb = color(n);
      for (let k = 0; k < 3; k++) picture.data[4 * n + k] = rgb[k];
      picture.data[4 * n + 3] = 255;
    }
    context.putImageData(picture, 0, 0);
  }
  function move(changed) {
    let cbd = Number(inputs.cbd.value), am = Number(inputs.am.value);
    if (cbd > am) {  // one pushes the other
      if (changed === "am") cbd = inputs.cbd.value = am; else am = inputs.am.value = cbd;
    }
    const counts = below.map(row => [row[cbd], row[am] - row[cbd], row[levels] - row[am]]);
    const given = [0, 1, 2].map(p => counts.reduce((sum, row) => sum + row[p], 0));
    const n = counts[0][0] + counts[0][1] + counts[1][0] + counts[1][1];
    const agree = (counts[0][0] + counts[1][1]) / n;
    const rows = [counts[0][0] + counts[0][1], counts[1][0] + counts[1][1]];
    const columns = [counts[0][0] + counts[1][0], counts[0][1] + counts[1][1]];
    const chance = (rows[0] * columns[0] + rows[1] * columns[1]) / (n * n);
    const kappa = (agree - chance) / (1 - chance);
    const trueCbd = counts[1][0] + counts[1][1] + counts[1][2];
    const found = counts[1][1] / trueCbd;
    const dealt = rows[1] / trueCbd * given[1] / (given[0] + given[1]);
    const number = (value, digits) => Number.isFinite(value) ? value.toFixed(digits) : "undefined";
    const percent = value => Number.isFinite(value) ? (100 * value).toFixed(0) + " %" : "undefined";
    said.textContent = "Volume fractions: " + phases.map((name, p) => name + " " +
      (100 * given[p] / total).toFixed(1) + " % (target " + (100 * data.targets[p]).toFixed(1) +
      " %)").join(", ") + ". Kappa of CBD against pore " + number(kappa, 3) +
      " (dealt at random 0, the truth 1). Found of the true CBD: " + percent(found) +
      "; dealing the same number of CBD voxels beside the same AM finds " + percent(dealt) + ".";
    ["cbd", "am"].forEach((key, place) => {
      const level = place ? am : cbd, text = "gray " + data.edges[level];
      outputs[key].textContent = text;
      inputs[key].setAttribute("aria-valuetext", text);
      lines[key].setAttribute("x1", 400 * level / levels);
      lines[key].setAttribute("x2", 400 * level / levels);
    });
    paint("labels", n => data.colors[gray[n] >= am ? 2 : gray[n] >= cbd ? 1 : 0]);
  }
  function meet() {
    const nearest = wanted => {
      let best = 0, miss = Infinity;
      for (let t = 0; t <= levels; t++) {
        const here = Math.abs((below[0][t] + below[1][t] + below[2][t]) / total - wanted);
        if (here < miss) { miss = here; best = t; }
      }
      return best;
    };
    inputs.cbd.value = nearest(data.targets[0]);
    inputs.am.value = nearest(data.targets[0] + data.targets[1]);
    move();
  }
  Object.keys(inputs).forEach(key => {
    inputs[key].addEventListener("input", () => move(key));
    inputs[key].addEventListener("keydown", event => event.stopPropagation());
  });
  root.querySelector("button").addEventListener("click", meet);
  paint("gray", n => { const v = 255 * gray[n] / (levels - 1); return [v, v, v]; });
  paint("true", n => data.colors[truth[n]]);
  move();
}"""
