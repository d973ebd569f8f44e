"""Slices one can leaf through: plain HTML, one PNG per volume, no library, no network.

All slices of a volume stand below each other in one picture, a sprite, and the slider moves it
behind a window. The slider is the browser's own, so that arrow keys, Home and End work and a
screen reader announces the depth. Paper and e-readers get a still picture.
"""

import base64
import hashlib
import html
import io
import json

import numpy as np

from analysis.figures import images, style
from analysis.figures.tables import Page
from analysis.phases import Phase, check_voxel_size

MAX_SLICES = 32
MAX_EDGE = 288  # pixel; larger slices are thinned
GRAY_LEVELS = 48  # enough for the eye, half the bytes


def slices(volumes, *, voxel_size_um, name, axis=1, max_slices=MAX_SLICES, start=None):
    """
    The same slice of several volumes, moved by one slider.

    Parameters
    ----------
    volumes : dict of str to (Z, Y, X) ndarray
        Title, or name of a method, of each volume; all of one shape. Integers 0, 1, 2 count as
        labels and get the colors of the phases, anything else is drawn in gray.
    voxel_size_um : float
        Edge of a voxel [µm].
    name : str
        Name of the figure, unique on its page.
    axis : int
        Axis that the slider moves along: 1 or 2 show the thickness, 0 goes from the separator
        to the collector.
    max_slices : int
        At most so many slices, evenly picked.
    start : int, optional
        Slice shown first, the middle one by default.

    Returns
    -------
    page : analysis.figures.tables.Page
        Shows itself as the last expression of a cell.

    Examples
    --------
    >>> labels = np.arange(27, dtype=np.uint8).reshape(3, 3, 3) % 3
    >>> page = slices({"kmeans": labels, "truth": labels}, voxel_size_um=0.642, name="demo")
    >>> page.html.count('role="img"')
    2
    """
    check_voxel_size(voxel_size_um)
    bar = _scale_bar(volumes, axis, voxel_size_um)
    volumes, picked = _picked(volumes, axis, max_slices)
    start = len(picked) // 2 if start is None else min(start, len(picked) - 1)
    panels = "".join(
        f'<figure class="cbd-panel">'
        f"{_window([(title, volume)], len(picked), start, bar if place == 0 else '')}"
        f"<figcaption>{html.escape(style.label(title))}</figcaption></figure>"
        for place, (title, volume) in enumerate(volumes.items())
    )
    identity = _identity(name, volumes)
    places = [round(float(index * voxel_size_um), 1) for index in picked]
    page = (
        f'<div class="cbd-slider" id="{identity}">{_STYLE}'
        f'<div class="cbd-panels">{panels}</div>'
        f"{_control(identity, places, start, axis)}{_key(volumes)}"
        f"<script>{_script(identity, places)}</script></div>"
    )
    still = _still({title: volume[start] for title, volume in volumes.items()}, voxel_size_um)
    return Page(page, png=still, text=f"Slices of {', '.join(map(str, volumes))}")


def blink(before, after, *, names, voxel_size_um, name, axis=1, max_slices=MAX_SLICES):
    """
    Two volumes on the same spot: a button swaps them, a box lets them take turns.

    The eye finds what changed between two trinarizations at once, where side by side it must
    search. Blinking is off until asked for, once a second, and stays off for readers who ask
    their system for less motion.

    Parameters
    ----------
    before, after : (Z, Y, X) ndarray
        The two volumes, labels or gray values, of one shape.
    names : (str, str)
        Title, or name of a method, of each.
    voxel_size_um, name, axis, max_slices
        As in :func:`slices`.

    Returns
    -------
    page : analysis.figures.tables.Page

    Examples
    --------
    >>> labels = np.arange(27, dtype=np.uint8).reshape(3, 3, 3) % 3
    >>> page = blink(labels, labels[::-1], names=("kmeans", "truth"), voxel_size_um=1, name="b")
    >>> "aria-pressed" in page.html
    True
    """
    check_voxel_size(voxel_size_um)
    volumes = {names[0]: before, names[1]: after}
    bar = _scale_bar(volumes, axis, voxel_size_um)
    volumes, picked = _picked(volumes, axis, max_slices)
    start = len(picked) // 2
    identity = _identity(name, volumes)
    height, width = next(iter(volumes.values())).shape[1:]
    widest = f"min(22rem, {30 * width / height:.1f}rem)"  # a tall slice still fits the screen
    first, second = (html.escape(style.label(title)) for title in names)
    places = [round(float(index * voxel_size_um), 1) for index in picked]
    page = (
        f'<div class="cbd-slider cbd-blink" id="{identity}">{_STYLE}'
        f'<div class="cbd-panels"><figure class="cbd-panel" style="max-width:{widest}">'
        f"{_window(list(volumes.items()), len(picked), start, bar)}"
        f'<figcaption aria-live="polite">{first}</figcaption></figure></div>'
        f'<p class="cbd-control"><button type="button" class="cbd-swap" aria-pressed="false">'
        f"Show {second}</button> "
        f'<label><input type="checkbox" class="cbd-turns"> take turns</label></p>'
        f"{_control(identity, places, start, axis)}{_key(volumes)}"
        f"<script>{_script(identity, places, [style.label(title) for title in names])}"
        f"</script></div>"
    )
    still = _still({title: volume[start] for title, volume in volumes.items()}, voxel_size_um)
    return Page(page, png=still, text=f"{names[0]} and {names[1]} on the same spot")


def sprite(volume):
    """
    All slices of a volume below each other in one PNG.

    Parameters
    ----------
    volume : (N, H, W) ndarray
        Slices; integers 0, 1, 2 become an indexed picture in the colors of the phases.

    Returns
    -------
    png : bytes
    """
    from PIL import Image

    volume = np.asarray(volume)
    flat = volume.reshape(-1, volume.shape[-1])
    if images._holds_labels(volume):
        picture = Image.fromarray(np.ascontiguousarray(flat, dtype=np.uint8)).convert("L")
        picture = Image.frombytes("P", picture.size, picture.tobytes())
        picture.putpalette(b"".join(bytes.fromhex(style.PHASE_COLORS[p][1:]) for p in Phase))
        options = {"bits": 2}
    else:
        low, high = np.quantile(volume, (0.005, 0.995))
        scaled = np.clip((flat - low) / max(high - low, np.finfo(float).tiny), 0, 1)
        steps = np.rint(scaled * (GRAY_LEVELS - 1)) * (255 / (GRAY_LEVELS - 1))
        picture, options = Image.fromarray(np.rint(steps).astype(np.uint8)), {}
    buffer = io.BytesIO()
    picture.save(buffer, "PNG", optimize=True, **options)
    return buffer.getvalue()


def _picked(volumes, axis, max_slices):
    """Volumes with the sliding axis first and thinned, and the indices that were kept."""
    volumes = {name: np.asarray(volume) for name, volume in volumes.items()}
    shapes = {name: volume.shape for name, volume in volumes.items()}
    if len(set(shapes.values())) != 1 or len(next(iter(shapes.values()))) != 3:
        raise ValueError(
            f"Volumes have the shapes {shapes}; expected volumes (Z, Y, X) of one shape, so that "
            "one slider can move all of them. Crop them to the same window."
        )
    size = next(iter(shapes.values()))[axis]
    picked = np.unique(np.linspace(0, size - 1, min(size, max_slices)).round().astype(int))
    thinned = {}
    for name, volume in volumes.items():
        moved = np.moveaxis(volume, axis, 0)[picked]
        step = -(-max(moved.shape[1:]) // MAX_EDGE)
        thinned[name] = moved[:, ::step, ::step]
    return thinned, picked


def _scale_bar(volumes, axis, voxel_size_um):
    """
    A bar of a round length in the corner of a slice, empty if the volumes cannot be shown at all.

    Examples
    --------
    >>> "20 µm" in _scale_bar({"truth": np.zeros((4, 4, 100))}, 1, 0.642)
    True
    """
    shape = np.shape(next(iter(volumes.values()), 0))
    if len(shape) != 3:
        return ""
    width_um = [size for place, size in enumerate(shape) if place != axis][1] * voxel_size_um
    power = 10.0 ** np.floor(np.log10(0.5 * width_um))
    length_um = max(step * power for step in (1, 2, 5) if step * power <= 0.5 * width_um)
    return (
        f'<span class="cbd-bar" aria-hidden="true" style="width:{100 * length_um / width_um:.2f}%">'
        f"{length_um:g} µm</span>"
    )


def _window(layers, count, start, bar=""):
    """A window onto one sprite, or onto several on the same spot, with a scale bar."""
    height, width = layers[0][1].shape[1:]
    parts = []
    for number, (title, volume) in enumerate(layers):
        data = base64.b64encode(sprite(volume)).decode("ascii")
        label = html.escape(f"Slice of {style.label(title)}", quote=True)
        hidden = " hidden" if number else ""
        place = 100 * start / max(count - 1, 1)
        parts.append(
            f'<div class="cbd-sprite" role="img" aria-label="{label}" data-label="{label}"{hidden} '
            f'style="aspect-ratio:{width}/{height};background-size:100% {100 * count}%;'
            f"background-position:0 {place:.4f}%;"
            f'background-image:url(data:image/png;base64,{data})">{bar}</div>'
        )
    return "".join(parts)


def _control(identity, places, start, axis):
    what = "depth" if axis == 0 else "position"
    return (
        f'<p class="cbd-control"><label for="{identity}-range">{what.capitalize()}</label> '
        f'<input type="range" id="{identity}-range" min="0" max="{len(places) - 1}" step="1" '
        f'value="{start}" aria-valuetext="{places[start]:g} µm"> '
        f'<output for="{identity}-range">{places[start]:g} µm</output></p>'
    )


def _key(volumes):
    """What the colors mean, if any volume holds labels."""
    if not any(images._holds_labels(volume) for volume in volumes.values()):
        return ""
    entries = "".join(
        f'<span class="cbd-swatch" style="background:{style.PHASE_COLORS[phase]}"></span>'
        f"{phase.title} "
        for phase in reversed(Phase)
    )
    return f'<p class="cbd-key">{entries}</p>'


def _identity(name, volumes):
    """Identifier that is the same in every run with the same slices."""
    digest = hashlib.sha256(name.encode())
    for title, volume in volumes.items():
        digest.update(str(title).encode())
        digest.update(np.ascontiguousarray(volume).tobytes())
    return f"cbd-{name}-{digest.hexdigest()[:8]}"


def _still(pictures, voxel_size_um):
    import matplotlib.pyplot as plt

    panels = images.slices(pictures, voxel_size_um=voxel_size_um, columns=7)
    buffer = io.BytesIO()
    panels[0].figure.savefig(buffer, format="png")
    plt.close(panels[0].figure)
    return buffer.getvalue()


def _script(identity, places, names=None):
    settings = json.dumps({"places": places, "names": names}, ensure_ascii=False)
    settings = settings.replace("</", "<\\/")
    return f'({_JAVASCRIPT})(document.getElementById("{identity}"), {settings});'


# The page's style sheet repeats nothing of this: a report of one file must work alone.
_STYLE = (
    "<style>"
    ".cbd-slider{max-width:100%;margin:0 0 .5rem}"
    ".cbd-panels{display:flex;flex-wrap:wrap;gap:.5rem;background:#fff;color:#1b1f27;"
    "padding:.5rem;border-radius:6px;justify-content:center}"
    ".cbd-slider figure.cbd-panel{margin:0;flex:1 1 clamp(5.5rem,17%,9rem);max-width:9rem;"
    "text-align:center}"
    ".cbd-blink figure.cbd-panel{flex-basis:12rem}"
    ".cbd-slider figcaption{font-size:.75rem;line-height:1.3;color:#1b1f27}"
    ".cbd-blink figcaption{white-space:nowrap}"
    ".cbd-sprite{position:relative;width:100%;background-repeat:no-repeat;image-rendering:pixelated;"
    "-webkit-print-color-adjust:exact;print-color-adjust:exact}"
    ".cbd-sprite[hidden]{display:none}"
    ".cbd-bar{position:absolute;left:4%;bottom:3%;border-bottom:3px solid #fff;color:#fff;"
    "background:rgba(0,0,0,.75);font-size:.7rem;line-height:1.2;white-space:nowrap}"
    ".cbd-control{display:flex;flex-wrap:wrap;gap:.6rem;align-items:center;margin:.5rem 0 0}"
    ".cbd-control input[type=range]{flex:1 1 8rem;min-width:0;min-height:24px}"
    ".cbd-control output{min-width:4.5rem;font-variant-numeric:tabular-nums}"
    ".cbd-control button{font:inherit;padding:.25rem .7rem;min-height:28px;cursor:pointer}"
    ".cbd-key{font-size:.85rem;margin:.3rem 0 0}"
    ".cbd-swatch{display:inline-block;width:.9em;height:.9em;border:1px solid #767676;"
    "margin:0 .3em -.1em .8em}"
    "@media print{.cbd-control{display:none}}"
    "</style>"
)

_JAVASCRIPT = """function (root, settings) {
  const range = root.querySelector("input[type=range]");
  const output = root.querySelector("output");
  const sprites = Array.from(root.querySelectorAll(".cbd-sprite"));
  const last = Math.max(settings.places.length - 1, 1);
  function move() {
    const place = settings.places[range.value] + " µm";
    sprites.forEach(s => { s.style.backgroundPosition = "0 " + 100 * range.value / last + "%"; });
    sprites.forEach(s => { s.setAttribute("aria-label", s.dataset.label + " at " + place); });
    output.textContent = place;
    range.setAttribute("aria-valuetext", place);
  }
  range.addEventListener("input", move);
  range.addEventListener("keydown", event => event.stopPropagation());
  move();
  if (!settings.names) return;
  const button = root.querySelector(".cbd-swap");
  const turns = root.querySelector(".cbd-turns");
  const caption = root.querySelector("figcaption");
  let shown = 0, timer = null;
  function swap() {
    shown = 1 - shown;
    sprites.forEach((s, number) => { s.hidden = number !== shown; });
    caption.textContent = settings.names[shown];
    button.textContent = "Show " + settings.names[1 - shown];
    button.setAttribute("aria-pressed", String(shown === 1));
  }
  button.addEventListener("click", swap);
  turns.addEventListener("change", () => {
    clearInterval(timer);
    caption.setAttribute("aria-live", turns.checked ? "off" : "polite");
    if (turns.checked) timer = setInterval(swap, 1000);
  });
  if (window.matchMedia("(prefers-reduced-motion: reduce)").matches) turns.disabled = true;
}"""
