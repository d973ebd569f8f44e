import numpy as np
import pytest

from analysis.descriptors import covariance
from analysis.electrodes import ELECTRODES
from analysis.phases import VOXEL_SIZE_UM, Phase, volume_fractions
from analysis.specimen import binder, depth, electrode

SLAB = 4  # voxels


@pytest.fixture(scope="module")
def sl():
    return electrode.make("SL", 64, seed=11)


@pytest.fixture(scope="module")
def tl():
    return electrode.make("TL", 64, seed=12)


def _slabs(labels, phase):
    n = labels.shape[0] // SLAB
    return (labels[: n * SLAB] == phase).reshape(n, -1).mean(axis=1)


def _depths(labels):
    return (np.arange(labels.shape[0] // SLAB) + 0.5) * SLAB * VOXEL_SIZE_UM


@pytest.mark.parametrize("name", ["SL", "TL", "D"])
@pytest.mark.parametrize("scenario", ["bridging", "cluster"])
def test_labels_and_composition_meet_every_fraction(name, scenario):
    made = electrode.make(name, 32, seed=1, scenario=scenario, thickness=96)
    targets = ELECTRODES[name].targets()
    fractions = volume_fractions(made.labels)
    for phase in Phase:
        assert fractions[phase] == pytest.approx(targets[phase], abs=1 / made.labels.size)
        assert made.composition[phase].mean() == pytest.approx(targets[phase], abs=5e-4)


def test_thickness_is_that_of_the_recipe(sl, tl):
    assert sl.labels.shape == (256, 64, 64)
    assert tl.labels.shape == (266, 64, 64)


def test_composition_is_one_share_per_phase(sl):
    np.testing.assert_allclose(sl.composition.sum(axis=0), 1, atol=1e-5)
    assert sl.composition.min() >= 0
    np.testing.assert_array_less(sl.composition, 1 + 1e-5)


def test_labels_are_what_fills_most_of_a_voxel(sl):
    most = sl.composition.argmax(axis=0)
    assert np.mean(most == sl.labels) > 0.99


def test_am_of_the_single_layer_is_flat(sl):
    assert _slabs(sl.labels, Phase.AM).std() <= 0.02


def test_two_layers_meet_in_a_dip_of_am_at_80_um(tl):
    am = _slabs(tl.labels, Phase.AM)
    depth = _depths(tl.labels)
    assert depth[am.argmin()] == pytest.approx(80, abs=3)
    assert am.min() < np.median(am) - 0.05


def test_two_layers_meet_in_a_peak_of_cbd_at_80_um(tl):
    cbd = _slabs(tl.labels, Phase.CBD)
    depth = _depths(tl.labels)
    near = np.abs(depth - 80) < 15
    assert depth[near][cbd[near].argmax()] == pytest.approx(80, abs=5)
    # What stands above the step between the layers peaks at the interface.
    step = np.where(depth < 80, cbd[depth < 65].mean(), cbd[depth > 95].mean())
    ramp = np.interp(depth, [70, 90], [cbd[depth < 65].mean(), cbd[depth > 95].mean()])
    assert depth[np.argmax(cbd - np.where(near, ramp, step))] == pytest.approx(80, abs=3)


def test_layer_contrast_scales_the_step_of_the_cbd():
    z = np.linspace(0, 171, 500)
    targets = ELECTRODES["TL"].targets()
    steps = []
    for contrast in (0.0, 0.5, 1.0):
        _, cbd = depth.depth_targets("TL", z, 171.0, targets, contrast)
        steps.append(cbd[z > 120].mean() - cbd[z < 50].mean())
    assert steps[0] == pytest.approx(0, abs=1e-12)
    assert steps[1] == pytest.approx(steps[2] / 2, rel=0.02)
    assert steps[2] == pytest.approx(0.142, abs=0.01)  # rescaled to the total


def test_binder_of_the_single_layer_leans_towards_the_separator(sl):
    cbd = _slabs(sl.labels, Phase.CBD)
    slope, _ = np.polyfit(_depths(sl.labels) / sl.thickness_um, cbd, 1)
    assert slope / cbd.mean() == pytest.approx(-0.30, abs=0.05)


def test_cbd_and_pore_are_most_likely_neighbors_at_2_um(sl):
    coverage = covariance.two_point_coverage(sl.labels, VOXEL_SIZE_UM, 8.0)
    curve = coverage.of(Phase.CBD, Phase.PORE)
    assert 1.5 <= coverage.r_um[curve.argmax()] <= 3.0
    assert curve.max() > 0 > curve[0]


def test_same_seed_same_bytes_and_another_seed_another_specimen():
    first, again, other = (electrode.make("SL", 32, seed=s, thickness=64) for s in (5, 5, 6))
    assert first.labels.tobytes() == again.labels.tobytes()
    assert first.composition.tobytes() == again.composition.tobytes()
    assert np.mean(first.labels == other.labels) < 0.7


def test_scenarios_share_the_particles_and_differ_in_the_cbd():
    bridging = electrode.make("SL", 32, seed=7, thickness=96)
    cluster = electrode.make("SL", 32, seed=7, thickness=96, scenario="cluster")
    am = bridging.composition[Phase.AM]
    np.testing.assert_array_equal(am, cluster.composition[Phase.AM])
    cbd = bridging.labels == Phase.CBD, cluster.labels == Phase.CBD
    assert np.sum(cbd[0] & cbd[1]) / np.sum(cbd[0] | cbd[1]) < 0.85


def test_specimen_is_periodic_across_the_lateral_faces(sl):
    def rate(a, b):
        return np.mean(a != b)

    inner = rate(sl.labels[:, :, 40], sl.labels[:, :, 41])
    seam = rate(sl.labels[:, :, -1], sl.labels[:, :, 0])
    assert seam == pytest.approx(inner, rel=0.25)


def test_sampling_at_the_fine_grid_gives_the_composition_back(sl):
    shape = (80, 64, 72)
    origin = tuple(n * VOXEL_SIZE_UM for n in (100, 20, 30))
    fine = electrode.sample(sl, origin, shape, VOXEL_SIZE_UM / 8)
    coarse = tuple(n // 8 for n in shape)
    blocks = fine.reshape(coarse[0], 8, coarse[1], 8, coarse[2], 8)
    inside = sl.composition[:, 100:110, 20:28, 30:39]
    for phase in Phase:
        share = (blocks == phase).mean(axis=(1, 3, 5))
        assert np.sqrt(np.mean((share - inside[phase]) ** 2)) <= 0.03
        assert share.mean() == pytest.approx(inside[phase].mean(), abs=0.005)


def test_a_cutout_that_does_not_fit_is_refused(sl):
    with pytest.raises(ValueError, match="cutout spans .* along y, but the specimen only"):
        electrode.sample(sl, (0.0, 30.0, 0.0), (100, 200, 100), 0.08)


def test_fractions_out_of_reach_are_refused():
    targets = {Phase.AM: 0.9, Phase.CBD: 0.05, Phase.PORE: 0.05}
    with pytest.raises(ValueError, match="cannot be reached by the particle packing"):
        electrode.make("SL", 32, seed=0, thickness=64, targets=targets)


def test_more_cbd_than_a_slice_has_room_for_is_refused():
    targets = {Phase.AM: 0.60, Phase.CBD: 0.3999, Phase.PORE: 0.0001}
    with pytest.raises(ValueError, match=r"target fraction .* of depth slice \d+ is more than"):
        electrode.make("SL", 32, seed=0, thickness=64, targets=targets)


@pytest.mark.parametrize(
    ("arguments", "message"),
    [
        ({"lateral": 8}, "smaller than a few particles"),
        ({"lateral": 32, "layer_contrast": 1.5}, "expected 0 to 1"),
        ({"lateral": 32, "scenario": "foam"}, "Unknown truth scenario 'foam'"),
    ],
)
def test_bad_arguments_are_refused(arguments, message):
    with pytest.raises(ValueError, match=message):
        electrode.make("SL", seed=0, **arguments)


def test_pore_size_field_is_the_radius_of_a_slit():
    am = np.ones((24, 24, 24), bool)
    am[:, 8:15] = False  # a slit of seven voxels: the largest ball has a radius of 3.5
    field = binder.pore_size_field(am, VOXEL_SIZE_UM)
    assert field.shape == (28, 24, 24)
    assert np.exp(field[14, 11, 12]) == pytest.approx(3.5 * VOXEL_SIZE_UM, rel=1e-3)
