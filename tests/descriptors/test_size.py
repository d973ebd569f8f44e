import edt
import numpy as np
import pytest
from scipy import ndimage

from analysis.descriptors.kernels.balls import paint
from analysis.descriptors.size import (
    constrictivity,
    intrusion_distribution,
    intrusion_distributions,
    opening_map,
    opening_maps,
    phase_size_distribution,
    phase_size_distributions,
)
from analysis.phases import Phase

SHAPES = [(64, 64, 64), (20, 37, 70), (5, 6, 130)]


def squared_radii(mask):
    """Squared distances by an independent library."""
    return np.rint(edt.edtsq(mask)).astype(np.int64)


def openings_by_brute_force(mask):
    """One opening for each squared distance that occurs."""
    d2 = squared_radii(mask)
    result = np.zeros(mask.shape, np.int32)
    for t in np.unique(d2[mask]):
        result[edt.edtsq(d2 < t) < t] = t
    return result


def intrusion_by_brute_force(mask, plane, connectivity):
    """One labelling and one dilation for each squared distance that occurs."""
    d2 = squared_radii(mask)
    neighbors = ndimage.generate_binary_structure(3, {6: 1, 26: 3}[connectivity])
    result = np.zeros(mask.shape, np.int32)
    for t in np.unique(d2[mask]):
        components, _ = ndimage.label(d2 >= t, neighbors)
        entered = np.unique(components[plane])
        centers = np.isin(components, entered[entered > 0])
        if centers.any():
            result[edt.edtsq(~centers) < t] = t
    return result


@pytest.mark.parametrize("shape", SHAPES)
@pytest.mark.parametrize("threads", [1, 2])
def test_opening_map_equals_brute_force(electrode, shape, threads):
    mask = electrode(shape) == Phase.AM
    np.testing.assert_array_equal(opening_map(mask, threads=threads), openings_by_brute_force(mask))


def test_opening_map_of_noise_equals_brute_force(random_labels):
    mask = random_labels((30, 31, 67), fractions=(0.02, 0.03, 0.95)) == Phase.AM
    np.testing.assert_array_equal(opening_map(mask), openings_by_brute_force(mask))


def test_all_phases_in_one_pass_equal_brute_force(electrode):
    labels = electrode((40, 50, 66))
    together = opening_maps(labels)
    for phase in Phase:
        mask = labels == phase
        np.testing.assert_array_equal(together[mask], openings_by_brute_force(mask)[mask])


def painted_by_brute_force(squared):
    """Every voxel gets the largest of the balls that cover it, one ball after another."""
    result = squared.copy()
    grid = np.indices(squared.shape)
    for center in np.ndindex(squared.shape):
        t = squared[center]
        distance = sum((g - c) ** 2 for g, c in zip(grid, center, strict=True))
        result[(distance < t) & (result < t)] = t
    return result


@pytest.mark.parametrize(
    ("shape", "smoothing", "largest"),
    [
        ((12, 13, 70), 0.0, 60),  # noise: every neighbor another radius
        ((12, 13, 70), 1.5, 60),
        ((12, 13, 70), 3.0, 12),  # plateaus of equal radii, which leave their rows to each other
        ((1, 1, 700), 8.0, 250**2),  # neighbors whose squared radii differ by hundreds
        ((1, 40, 41), 4.0, 200**2),
    ],
)
def test_painting_of_any_radii_equals_brute_force(shape, smoothing, largest):
    rng = np.random.default_rng(7)
    field = ndimage.gaussian_filter(rng.normal(size=shape), smoothing)
    field = (field - field.min()) / np.ptp(field)
    squared = (1 + field**4 * (largest - 1)).astype(np.int32)
    expected = painted_by_brute_force(squared)
    for threads in (1, 2):
        np.testing.assert_array_equal(paint(squared.copy(), threads), expected)


@pytest.mark.parametrize("axes", [(1, 0, 2), (2, 1, 0), (1, 2, 0)])
def test_opening_map_turns_with_the_volume(electrode, axes):
    labels = electrode((24, 30, 36))
    turned = opening_maps(np.ascontiguousarray(labels.transpose(axes)[:, ::-1]))
    np.testing.assert_array_equal(turned, opening_maps(labels).transpose(axes)[:, ::-1])


def test_masks_without_bound_or_without_voxels():
    assert np.all(opening_map(np.ones((3, 4, 5), bool)) == 9 + 16 + 25)
    assert not opening_map(np.zeros((3, 4, 5), bool)).any()
    lone = np.ones((3, 40, 5), bool)
    lone[1, 0, 2] = False
    np.testing.assert_array_equal(opening_map(lone), openings_by_brute_force(lone))


@pytest.mark.parametrize("thickness", [1, 2, 3, 4, 7, 8])
def test_slab(thickness):
    labels = np.zeros((24, 20, 20), np.uint8)
    labels[8 : 8 + thickness] = Phase.AM
    layers = (thickness + 1) // 2  # distance of the middle layer to the nearest pore center
    face = phase_size_distribution(labels, Phase.AM, 1.0)
    center = phase_size_distribution(labels, Phase.AM, 1.0, distance="center")
    assert face.median_radius_um == layers - 0.5
    assert center.median_radius_um == layers
    np.testing.assert_allclose(face.phase_share, 1)


@pytest.mark.parametrize("radius", [5, 10, 15])
def test_ball(radius):
    n = 2 * radius + 9
    grid = np.indices((n, n, n)) - np.array([0.2, -0.4, 0.3])[:, None, None, None] - n // 2
    labels = np.where((grid**2).sum(0) < radius**2, Phase.AM, Phase.PORE).astype(np.uint8)
    distribution = phase_size_distribution(labels, Phase.AM, 0.642, distance="center")
    assert distribution.median_radius_um == pytest.approx(0.642 * (radius - 0.5), abs=0.642 * 0.5)
    # No ball is larger than the body, and the largest one fills most of it.
    assert distribution.radii_um[-1] <= 0.642 * (radius + 0.5)
    assert distribution.phase_share[-1] > 0.7


@pytest.mark.parametrize("side", [3, 5, 9])
def test_channel_of_square_section(side):
    """The inscribed ball reaches the corners only with its smaller kin."""
    labels = np.full((30, 15, 15), Phase.AM, np.uint8)
    begin = (15 - side) // 2
    labels[:, begin : begin + side, begin : begin + side] = Phase.PORE
    size = phase_size_distribution(labels, Phase.PORE, 1.0)
    intrusion = intrusion_distribution(labels, Phase.PORE, 1.0)
    assert size.radii_um[-1] == side / 2
    assert size.median_radius_um == side / 2
    np.testing.assert_array_equal(size.volume_fraction, intrusion.volume_fraction)
    assert constrictivity(size, intrusion) == 1


@pytest.mark.parametrize("connectivity", [6, 26])
@pytest.mark.parametrize("inlet", ["separator", "collector"])
@pytest.mark.parametrize("phase", Phase)
def test_intrusion_equals_brute_force(electrode, phase, inlet, connectivity):
    labels = electrode((64, 64, 64), seed=2)
    mask = labels == phase
    distribution = intrusion_distribution(
        labels, phase, 1.0, inlet, connectivity=connectivity, distance="center", keep_level=True
    )
    plane = 0 if inlet == "separator" else -1
    expected = intrusion_by_brute_force(mask, plane, connectivity)
    radii_um = distribution.radii_um[distribution.level]
    np.testing.assert_array_equal(np.rint(radii_um**2).astype(int), expected)
    for radius_um, fraction in zip(
        distribution.radii_um[1:], distribution.volume_fraction[1:], strict=True
    ):
        assert fraction == np.count_nonzero(expected >= round(radius_um**2)) / labels.size


@pytest.mark.parametrize("smoothing", [0.5, 1.0])
def test_all_phases_intruded_at_once_equal_one_by_one(electrode, smoothing):
    labels = electrode((40, 41, 66), seed=4, smoothing=smoothing)
    together = intrusion_distributions(labels, 0.642)
    for phase in Phase:
        alone = intrusion_distribution(labels, phase, 0.642)
        np.testing.assert_array_equal(together[phase].radii_um, alone.radii_um)
        np.testing.assert_array_equal(together[phase].volume_fraction, alone.volume_fraction)


def test_volume_at_radius_zero_is_what_a_point_reaches(electrode):
    labels = electrode((30, 30, 30), smoothing=0.5)
    for phase in Phase:
        components, _ = ndimage.label(labels == phase, np.ones((3, 3, 3)))
        entered = np.unique(components[0])
        reached = np.isin(components, entered[entered > 0]).sum() / labels.size
        distribution = intrusion_distribution(labels, phase, 1.0)
        assert distribution.volume_fraction[0] == reached
        assert distribution.volume_fraction[1] < reached


def test_neck_limits_the_chamber():
    labels = np.full((20, 15, 15), Phase.AM, np.uint8)
    labels[:6, 6:9, 6:9] = Phase.PORE  # neck, radius 1.5
    labels[6:, 3:12, 3:12] = Phase.PORE  # chamber, radius 4.5
    size = phase_size_distribution(labels, Phase.PORE, 1.0)
    from_neck = intrusion_distribution(labels, Phase.PORE, 1.0)
    from_chamber = intrusion_distribution(labels, Phase.PORE, 1.0, inlet="collector")
    assert size.median_radius_um == pytest.approx(4.5)
    assert from_neck.median_radius_um == pytest.approx(1.5)
    assert from_chamber.median_radius_um == pytest.approx(4.5)
    assert constrictivity(size, from_neck) == pytest.approx(1 / 9)


def test_less_than_half_connected_has_radius_zero():
    labels = np.zeros((20, 9, 9), np.uint8)
    labels[:4] = Phase.AM
    labels[8:] = Phase.AM
    assert intrusion_distribution(labels, Phase.AM, 1.0).median_radius_um == 0
    assert intrusion_distribution(labels, Phase.AM, 1.0).phase_share[0] == 0.25


def test_distribution_starts_at_the_phase_and_falls(electrode):
    labels = electrode((32, 40, 48))
    fractions = np.bincount(labels.ravel()) / labels.size
    sizes = phase_size_distributions(labels, 0.642)
    intrusions = intrusion_distributions(labels, 0.642)
    for phase in Phase:
        size, intrusion = sizes[phase], intrusions[phase]
        assert size.radii_um[0] == 0
        assert size.volume_fraction[0] == size.volume_fraction[1] == fractions[phase]
        assert np.all(np.diff(size.radii_um) > 0)
        assert np.all(np.diff(size.volume_fraction) <= 0)
        assert np.all(np.diff(intrusion.volume_fraction) <= 0)
        assert intrusion.median_radius_um <= size.median_radius_um
        assert 0 <= constrictivity(size, intrusion) <= 1


def test_quantile_interpolates_or_steps():
    labels = np.zeros((12, 10, 10), np.uint8)
    labels[2:5, :, :5] = Phase.AM
    labels[6, :, :5] = Phase.AM
    smooth = phase_size_distribution(labels, Phase.AM, 1.0)
    step = phase_size_distribution(labels, Phase.AM, 1.0, quantile="step")
    assert step.median_radius_um in smooth.radii_um
    k = np.flatnonzero(smooth.phase_share >= 0.5)[-1]
    assert step.median_radius_um == smooth.radii_um[k]
    assert smooth.radii_um[k] <= smooth.median_radius_um
    shares = [smooth.radius_um(share) for share in (0.9, 0.75, 0.5, 0.1)]
    assert shares == sorted(shares)


def test_level_map_is_compact_and_holds_the_radii(electrode):
    labels = electrode((20, 20, 40))
    distribution = phase_size_distribution(labels, Phase.AM, 0.642, keep_level=True)
    assert distribution.level.dtype.itemsize <= 2
    assert np.all((distribution.level > 0) == (labels == Phase.AM))
    radii_um = distribution.radii_um[distribution.level]
    expected = (np.sqrt(opening_map(labels == Phase.AM)) - 0.5) * 0.642
    np.testing.assert_allclose(radii_um[labels == Phase.AM], expected[labels == Phase.AM])
    assert phase_size_distribution(labels, Phase.AM, 0.642).level is None


def test_errors_say_what_to_do(electrode):
    labels = electrode((12, 12, 12))
    without_cbd = np.where(labels == Phase.CBD, Phase.PORE, labels).astype(np.uint8)
    with pytest.raises(ValueError, match="no voxel of the phase CBD"):
        phase_size_distribution(without_cbd, Phase.CBD, 1.0)
    with pytest.raises(ValueError, match="fills the window"):
        phase_size_distribution(np.zeros((4, 4, 4), np.uint8), Phase.PORE, 1.0)
    with pytest.raises(ValueError, match="does not touch the inlet at the collector"):
        cut = labels.copy()
        cut[-1] = Phase.PORE
        intrusion_distribution(cut, Phase.AM, 1.0, inlet="collector")
    with pytest.raises(ValueError, match="inlet is 'top'"):
        intrusion_distribution(labels, Phase.AM, 1.0, inlet="top")
    with pytest.raises(ValueError, match="positive"):
        phase_size_distribution(labels, Phase.AM, -0.642)
    with pytest.raises(ValueError, match="distance is 'edge'"):
        phase_size_distribution(labels, Phase.AM, 1.0, distance="edge")
    with pytest.raises(ValueError, match="quantile is"):
        phase_size_distribution(labels, Phase.AM, 1.0, quantile="linear")
    with pytest.raises(ValueError, match="boolean volume"):
        opening_map(labels)
    with pytest.raises(ValueError, match="expected the same phase"):
        sizes = phase_size_distributions(labels, 1.0)
        constrictivity(sizes[Phase.AM], sizes[Phase.PORE])
