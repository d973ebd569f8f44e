"""Nested lists work like arrays, or are refused with what was expected."""

import numpy as np
import pytest

from analysis.descriptors import connectivity, covariance, opening, paths, profile, size, surface
from analysis.phases import Phase
from analysis.segmentation import agreement, closing, clustering, ranking, thresholding
from analysis.segmentation.networks import conversion, samples

RNG = np.random.default_rng(0)
LABELS = RNG.integers(0, 3, (8, 7, 9)).astype(np.uint8)
OTHER = RNG.integers(0, 3, LABELS.shape).astype(np.uint8)
GRAY = RNG.random((8, 8, 8))
COMPOSITION = RNG.dirichlet((1, 1, 1), GRAY.shape).astype(np.float32)
TARGETS = {Phase.PORE: 0.25, Phase.CBD: 0.25, Phase.AM: 0.5}
COUNTS = agreement.confusion(LABELS, OTHER)
AM = LABELS == Phase.AM

CALLS = {
    "connected": (lambda a: connectivity.connected_fractions(a, Phase.AM), LABELS),
    "coverage": (lambda a: covariance.two_point_coverage(a, 1.0, 2.0), LABELS),
    "paths": (lambda a: paths.geodesic_tortuosity(a, Phase.AM, 1.0), LABELS),
    "fractions": (profile.volume_fractions, LABELS),
    "size": (lambda a: size.phase_size_distribution(a, Phase.AM, 1.0), LABELS),
    "sizes": (lambda a: size.phase_size_distributions(a, 1.0), LABELS),
    "intrusion": (lambda a: size.intrusion_distribution(a, Phase.AM, 1.0), LABELS),
    "intrusions": (lambda a: size.intrusion_distributions(a, 1.0), LABELS),
    "surfaces": (lambda a: surface.specific_surfaces(a, 1.0), LABELS),
    "pairs": (surface.discordant_pairs, LABELS),
    "opening": (opening.opening_map, AM),
    "openings": (opening.opening_maps, LABELS),
    "equal": (lambda a: agreement.equally_assigned(a, OTHER), LABELS),
    "jaccard": (lambda a: agreement.jaccard(a, OTHER, Phase.AM), LABELS),
    "kappa": (lambda a: agreement.kappa(a, OTHER), LABELS),
    "chance": (lambda a: agreement.chance(a, OTHER, Phase.AM), LABELS),
    "confusion": (lambda a: agreement.confusion(a, OTHER), LABELS),
    "jaccard of": (lambda a: agreement.jaccard_of(a, Phase.AM), COUNTS),
    "kappa of": (agreement.kappa_of, COUNTS),
    "closing": (lambda a: closing.trinarize(a, np.ones(8), _of(AM)), AM),
    "profile": (lambda a: closing.trinarize(AM, a, _of(AM)), np.ones(8)),
    "k-means": (lambda a: clustering.trinarize(a, TARGETS, seed=0), GRAY),
    "thresholds": (lambda a: thresholding.calibrate(a, TARGETS), GRAY),
    "thresholding": (lambda a: thresholding.trinarize(a, TARGETS), GRAY),
    "deviations": (lambda a: thresholding.deviations(a, TARGETS), LABELS),
    "highest": (lambda a: ranking.highest(a, 5), GRAY),
    "network": (lambda a: conversion.trinarize(a, TARGETS, "nn-am-cond"),
                np.ascontiguousarray(np.moveaxis(COMPOSITION, -1, 0))),
    "binning": (lambda a: samples.bin_volume(a, 2), GRAY),
    "composition": (samples.check_composition, np.moveaxis(COMPOSITION, -1, 0)),
}  # fmt: skip


def _of(am):
    share = 1 - am.mean()
    return {Phase.PORE: 0.7 * share, Phase.CBD: 0.3 * share, Phase.AM: 1 - share}


def parts(result):
    """The numbers of a result, whatever it is."""
    if isinstance(result, dict):
        return [part for value in result.values() for part in parts(value)]
    if isinstance(result, (tuple, list)):
        return [part for value in result for part in parts(value)]
    if hasattr(result, "__dataclass_fields__"):
        return [
            part for name in result.__dataclass_fields__ for part in parts(getattr(result, name))
        ]
    return [np.asarray(result)]


@pytest.mark.parametrize("name", CALLS)
def test_a_nested_list_is_an_array_or_refused(name):
    call, array = CALLS[name]
    expected = parts(call(array))
    try:
        found = parts(call(array.tolist()))
    except (TypeError, ValueError) as error:
        assert "expected" in str(error), f"{type(error).__name__} without advice: {error}"
    else:
        assert len(found) == len(expected) > 0
        for one, other in zip(found, expected, strict=True):
            np.testing.assert_array_equal(one, other)
