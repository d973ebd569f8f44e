"""One function per kind of figure, gathered: ``from analysis.figures import plots, style``."""

from analysis.figures.counts import dots, histogram, parity, shares
from analysis.figures.curves import (
    by_method,
    convergence,
    learning,
    lines,
    profile,
    spectra,
    voltage,
)
from analysis.figures.images import color_map, confusion, image, matrix, scale_bar, slices

__all__ = [
    "by_method",
    "color_map",
    "confusion",
    "convergence",
    "dots",
    "histogram",
    "image",
    "learning",
    "lines",
    "matrix",
    "parity",
    "profile",
    "scale_bar",
    "shares",
    "slices",
    "spectra",
    "voltage",
]
