"""What a classifier sees of a voxel: the same in every orientation and whatever the slabs."""

import numpy as np
import pytest
from scipy import ndimage

from analysis.segmentation.boosting import voxel_features
from analysis.segmentation.boosting.hessian import curvatures

ROW = {name: number for number, name in enumerate(voxel_features.NAMES)}
ALONG_Z = {"bright share of the slice", "CBD of the slice"}


@pytest.fixture(scope="module")
def gray():
    """Bright blobs in a noisy dark matrix, more of them towards one end."""
    rng = np.random.default_rng(3)
    field = ndimage.gaussian_filter(rng.normal(size=(40, 28, 24)), 3)
    field += np.linspace(-0.02, 0.02, 40)[:, None, None]
    bright = field > np.quantile(field, 0.45)
    noisy = np.where(bright, 1.0, 0.15 * rng.random(field.shape))
    return (ndimage.gaussian_filter(noisy, 0.6) + 0.05 * rng.normal(size=field.shape)).astype("f4")


def features(gray, *, profile=None, scenario=None, thickness=None):
    image = voxel_features.measure(gray)
    parts = voxel_features.slabs(
        gray, image, cbd_profile=profile, scenario=scenario, thickness=thickness
    )
    table = np.concatenate([values for _, values in parts], axis=1)
    return table.reshape(len(voxel_features.NAMES), *gray.shape)


def turned(volume, quarter, mirrored, upside_down):
    """Symmetries that keep z an axis of its own; works on (Z, Y, X) and (F, Z, Y, X)."""
    volume = np.rot90(volume, quarter, axes=(-2, -1))
    volume = volume[..., ::-1] if mirrored else volume
    return np.ascontiguousarray(volume[..., ::-1, :, :] if upside_down else volume)


@pytest.mark.parametrize("upside_down", [False, True])
@pytest.mark.parametrize("mirrored", [False, True])
@pytest.mark.parametrize("quarter", range(4))
def test_features_turn_with_the_volume(gray, quarter, mirrored, upside_down):
    profile = np.linspace(0.2, 0.3, gray.shape[0])
    how = (quarter, mirrored, upside_down)
    expected = turned(features(gray, profile=profile), *how)
    found = features(turned(gray, *how), profile=profile[::-1] if upside_down else profile)
    np.testing.assert_allclose(found, expected, rtol=0, atol=2e-5)


def test_features_of_the_neighborhood_do_not_know_which_axis_is_z(gray):
    expected = features(gray).transpose(0, 2, 3, 1)
    found = features(np.ascontiguousarray(gray.transpose(1, 2, 0)))
    for name, row in ROW.items():
        if name not in ALONG_Z:
            np.testing.assert_allclose(found[row], expected[row], atol=2e-5, err_msg=name)


@pytest.mark.parametrize("thickness", [9, 39, 64])
def test_the_same_bytes_whatever_the_slabs(gray, thickness):
    high = np.concatenate([gray, gray[::-1], gray])[:, :16, :12]  # higher than slab and halos
    np.testing.assert_array_equal(
        features(high, thickness=thickness), features(high, thickness=len(high))
    )


def test_the_halo_reaches_as_far_as_every_feature():
    """A change of one voxel is felt nowhere beyond the halo."""
    rng = np.random.default_rng(0)
    bright = np.zeros((2 * voxel_features.HALO + 20, 12, 12), np.float32)
    bright[:8] = 1
    gray = bright + 0.02 * rng.normal(size=bright.shape).astype("f4")
    image = voxel_features.measure(gray)
    changed = gray.copy()
    changed[-1] = 1
    before, after = (
        np.concatenate([v for _, v in voxel_features.slabs(g, image)], axis=1).reshape(
            len(voxel_features.NAMES), *gray.shape
        )
        for g in (gray, changed)
    )
    differs = np.any((before != after) & ~np.isnan(before), axis=(0, 2, 3))
    assert differs[-1]
    assert not differs[: -voxel_features.HALO - 1].any()


@pytest.mark.parametrize(("offset", "factor"), [(100.0, 1.0), (0.0, 250.0), (-3.0, 0.01)])
def test_offset_and_contrast_of_the_file_drop_out(gray, offset, factor):
    found = features(offset + factor * gray.astype(float))
    np.testing.assert_allclose(found, features(gray), atol=5e-5)


def test_curvatures_are_the_eigenvalues_of_the_hessian(gray):
    smooth = ndimage.gaussian_filter(gray, 1.5)
    found = np.stack(curvatures(smooth))
    first = [np.roll(np.roll(smooth, -1, a) - np.roll(smooth, 1, a), 0) / 2 for a in range(3)]
    hessian = np.empty((*gray.shape, 3, 3))
    for a in range(3):
        for b in range(3):
            hessian[..., a, b] = (np.roll(first[a], -1, b) - np.roll(first[a], 1, b)) / 2
        plus, minus = np.roll(smooth, -1, a), np.roll(smooth, 1, a)
        hessian[..., a, a] = plus + minus - 2 * smooth
    expected = np.linalg.eigvalsh(hessian)[..., ::-1]
    inner = (slice(2, -2),) * 3
    for number in range(3):
        np.testing.assert_allclose(found[number][inner], expected[..., number][inner], atol=1e-5)


def test_known_volume_gives_known_values():
    """Half bright, half dark: distances, extremes and shares can be counted."""
    gray = np.zeros((40, 12, 12), np.float32)
    gray[20:] = 2.0
    gray[0, 0, 0] = 0.25  # not constant within the dark part
    found = features(gray)
    at = found[:, :, 6, 6]
    assert at[ROW["distance to bright"], [19, 18, 10, 2]].tolist() == [1, 2, 10, 16]
    assert at[ROW["distance to dark"], [20, 25, 39]].tolist() == [1, 6, 16]
    assert at[ROW["max 9"], 19] == pytest.approx(1, abs=1e-3)
    assert at[ROW["min 9"], 10] == pytest.approx(0, abs=1e-3)
    assert at[ROW["bright share 2.2"], 39] == pytest.approx(1)
    assert np.isnan(at[ROW["CBD of the slice"]]).all()


def test_profile_is_given_to_every_voxel_of_its_slice(gray):
    profile = np.linspace(0.1, 0.4, gray.shape[0])
    row = features(gray, profile=profile)[ROW["CBD of the slice"]]
    assert np.all(row == profile.astype(np.float32)[:, None, None])


@pytest.mark.parametrize(("scenario", "value"), [("bridging", 0), ("cluster", 1), (None, np.nan)])
def test_scenario_is_given_to_every_voxel(gray, scenario, value):
    row = features(gray, scenario=scenario)[ROW["scenario"]]
    np.testing.assert_array_equal(row, np.full(gray.shape, value, "f4"))


@pytest.mark.parametrize("scenario", ["films", "Bridging", 0])
def test_unknown_scenario_is_refused(scenario):
    with pytest.raises(ValueError, match="bridging, cluster"):
        voxel_features.number_of(scenario)


@pytest.mark.parametrize("width", voxel_features.DARK)
def test_bright_voxels_do_not_spill_into_the_means_of_dark_ones(width):
    """Beside a bright wall the plain mean rises; that of the dark voxels stays theirs."""
    gray = np.zeros((48, 16, 16), np.float32)
    gray[:24] = 1.0
    gray[24:, 0, 0] = 0.02  # not of one value
    found = features(gray)
    dark = (slice(24, None), slice(4, None), slice(4, None))
    for which in ("dark gray", "clear gray"):
        row = found[ROW[f"{which} {width}"]][dark]
        assert np.abs(row).max() < 0.02
    assert found[ROW["smooth 3.2"]][24].mean() > 0.3


def test_clear_gray_leaves_out_the_blurred_rim():
    gray = np.zeros((48, 16, 16), np.float32)
    gray[:24] = 1.0
    gray[24] = 0.4  # as blur leaves it: dark, but brighter than what it is
    gray[30:, 0, 0] = 0.02
    found = features(gray)
    at = (26, 8, 8)
    bulk = found[ROW["gray"]][40, 8, 8]
    assert found[ROW["dark gray 1.5"]][at] - bulk > 0.03
    assert abs(found[ROW["clear gray 1.5"]][at] - bulk) < 0.005


@pytest.mark.parametrize("blur", [0.8, 1.5, 2.5])
def test_edges_are_as_wide_as_the_blur_makes_them(blur):
    """The slope of a step blurred to an error function is known, and so is its width."""
    rng = np.random.default_rng(1)
    step = np.zeros((40, 24, 24), np.float32)
    step[20:] = 1.0
    gray = ndimage.gaussian_filter(step, blur) + 0.002 * rng.normal(size=step.shape)
    image = voxel_features.measure(gray.astype("f4"))
    wide = np.hypot(blur, voxel_features.EDGE_SMOOTHING)
    steepest = (1 / wide) / np.sqrt(2 * np.pi)
    assert image.edge_width == pytest.approx(1 / steepest, rel=0.12)
    table = features(gray.astype("f4")).reshape(len(voxel_features.NAMES), -1).T
    assert voxel_features.edge_width_of(table) == pytest.approx(image.edge_width, rel=0.03)


@pytest.mark.parametrize(
    ("profile", "message"),
    [
        (np.full(39, 0.2), "one fraction for each of the 40 slices"),
        (np.full((40, 2), 0.2), "one fraction for each of the 40 slices"),
        (np.full(40, 22.0), "fractions between 0 and 1"),
        (np.r_[np.nan, np.full(39, 0.2)], "fractions between 0 and 1"),
    ],
)
def test_a_profile_that_does_not_fit_is_refused(profile, message):
    with pytest.raises(ValueError, match=message):
        voxel_features.check_profile(profile, 40)


def test_inverted_contrast_is_refused():
    rng = np.random.default_rng(0)
    wires = np.zeros((20, 20, 20))
    wires[:, 3::6, 3::6] = 1.0  # thin bright lines: nothing is two voxels deep
    with pytest.raises(ValueError, match="polarity"):
        voxel_features.measure(wires + 0.01 * rng.random(wires.shape))


@pytest.mark.parametrize("edge", [5, 8, 12])
def test_room_between_particles_is_its_chord(edge):
    """Boxes without walls between them: a chord is as long as the box, and ends at a particle."""
    inside = np.zeros((4 * edge, 4 * edge, 4 * edge), bool)
    for corner in ((0.5, 0.5, 0.5), (2.5, 0.5, 2), (0.5, 2.5, 2), (2.5, 2.5, 0.5)):
        inside[tuple(slice(int(c * edge), int(c * edge) + edge) for c in corner)] = True
    assert voxel_features._mean_chord(inside) == pytest.approx(edge)
    noise = 0.02 * np.random.default_rng(0).normal(size=inside.shape)
    gray = ndimage.gaussian_filter(np.where(inside, 0.0, 1.0), 0.5) + noise
    assert voxel_features.measure(gray).dark_chord == pytest.approx(edge, rel=0.12)
