"""Descriptors do not depend on how a volume lies in memory; a flat median is said."""

from dataclasses import astuple

import numpy as np
import pytest

from analysis.descriptors import connectivity, covariance, opening, paths, profile, size, surface
from analysis.descriptors.distribution import SizeDistribution
from analysis.phases import Phase

LAYOUTS = {
    "transposed": lambda a: a.transpose(2, 1, 0),
    "Fortran": np.asfortranarray,
    "reversed": lambda a: a[::-1, :, ::-1],
    "strided": lambda a: a.repeat(2, axis=2)[:, :, ::2],
}
CALLS = {
    "surfaces": lambda a: surface.specific_surfaces(a, 1.0).am,
    "short chords": lambda a: surface.specific_surfaces(a, 1.0, short_chords="estimated").cbd,
    "pairs": surface.discordant_pairs,
    "fractions": profile.volume_fractions,
    "sizes": lambda a: size.phase_size_distribution(a, Phase.PORE, 1.0).volume_fraction,
    "intrusion": lambda a: size.intrusion_distribution(a, Phase.PORE, 1.0).volume_fraction,
    "opening": opening.opening_maps,
    "connectivity": lambda a: astuple(connectivity.connected_fractions(a, Phase.AM)),
    "edges": lambda a: astuple(connectivity.connected_fractions(a, Phase.PORE, connectivity=26)),
    "coverage": lambda a: covariance.two_point_coverage(a, 1.0, 4.0).values,
    "paths": lambda a: paths.geodesic_tortuosity(a, Phase.AM, 1.0).values,
}


@pytest.mark.parametrize("layout", LAYOUTS)
@pytest.mark.parametrize("call", CALLS)
def test_the_memory_order_does_not_matter(call, layout):
    labels = np.random.default_rng(0).integers(0, 3, (64, 9, 57)).astype(np.uint8)
    view = LAYOUTS[layout](labels)
    expected = CALLS[call](np.ascontiguousarray(view))
    np.testing.assert_array_equal(CALLS[call](view), expected)


@pytest.mark.parametrize("voxel_size", [-0.5, 0, np.nan, np.inf, True, "1"])
def test_voxel_sizes_are_checked(voxel_size):
    labels = np.random.default_rng(0).integers(0, 3, (5, 5, 5)).astype(np.uint8)
    for call in (
        lambda: surface.specific_surfaces(labels, voxel_size),
        lambda: size.phase_size_distribution(labels, Phase.AM, voxel_size),
        lambda: profile.depths_um(5, voxel_size),
    ):
        with pytest.raises(ValueError, match="voxel size"):
            call()


def test_a_median_on_a_flat_stretch_has_a_wide_interval():
    radii = np.array([0.0, 1.0, 2.0, 3.0, 4.0])
    flat = SizeDistribution(Phase.PORE, radii, 0.4 * np.array([1, 0.9, 0.51, 0.495, 0.1]), 0.4)
    low, high = flat.median_interval_um()
    assert low < 2.0 and high > 3.0 and low <= flat.median_radius_um <= high
    sharp = SizeDistribution(Phase.PORE, radii, 0.4 * np.array([1, 0.9, 0.6, 0.1, 0.0]), 0.4)
    assert np.diff(sharp.median_interval_um())[0] < 0.1
