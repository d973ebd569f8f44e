"""What values give away: fields of view, slices that repeat, labels, dark particles."""

import numpy as np
import pytest
from scipy import ndimage

from analysis.phases import Phase, check_gray
from analysis.segmentation import thresholding
from analysis.tomogram import describe, polarity_doubt, read_gray

TARGETS = {Phase.AM: 0.595, Phase.CBD: 0.231, Phase.PORE: 0.174}


@pytest.fixture(scope="module")
def scan():
    """Blobs of three phases with noise, as a scan of an electrode shows them."""
    random = np.random.default_rng(3)
    field = ndimage.gaussian_filter(random.normal(size=(40, 64, 60)), 2.5)
    low, high = np.quantile(field, [TARGETS[Phase.PORE], 1 - TARGETS[Phase.AM]])
    clean = 4000.0 + 3000 * (field > low) + 20000 * (field > high)
    return (clean + random.normal(0, 1500, field.shape)).clip(0, 65535).astype("u2")


def disc(shape, axis, radius=0.98):
    """Mask of a cylinder along an axis."""
    grid = np.meshgrid(*(np.linspace(-1, 1, n) for n in np.delete(shape, axis)), indexing="ij")
    return np.broadcast_to(np.expand_dims(np.hypot(*grid) <= radius, axis), shape)


def save(tmp_path, values):
    np.save(tmp_path / "v.npy", values)
    return tmp_path / "v.npy"


def refused(tmp_path, values, words, **options):
    with pytest.raises(ValueError, match=words) as caught:
        read_gray(save(tmp_path, values), **options)
    return str(caught.value)


def crop_in(words):
    return words.rstrip(".").split("CROP=")[1]


def test_a_sound_scan_passes(tmp_path, scan):
    np.testing.assert_array_equal(read_gray(save(tmp_path, scan)), scan)


@pytest.mark.parametrize("axis", [0, 1, 2])
@pytest.mark.parametrize("outside", ["noise", "gradient", "NaN", "inf", "zero"])
def test_outside_of_a_round_field_of_view(tmp_path, scan, outside, axis):
    random = np.random.default_rng(axis)
    fill = {
        "noise": 9000 + random.normal(0, 300, scan.shape),
        "gradient": random.normal(0, 200, scan.shape) + np.linspace(0, 900, scan.shape[2]),
        "NaN": np.nan,
        "inf": np.inf,
        "zero": 0,
    }[outside]
    inside = disc(scan.shape, axis)
    values = np.where(inside, scan, fill).astype("f4")
    crop = crop_in(refused(tmp_path, values, "field of view"))
    cut = read_gray(tmp_path / "v.npy", crop=crop)
    assert cut.size > 0.35 * scan.size  # the square in a disc has 0.64 of its area
    kept = inside[tuple(slice(*map(int, part.split(":"))) for part in crop.split(","))]
    assert kept.mean() > 0.99


def test_the_crop_counts_from_the_whole_volume(tmp_path, scan):
    values = np.where(disc(scan.shape, 0), scan, 0)
    crop = crop_in(refused(tmp_path, values, "field of view", crop="4:40,:,:"))
    assert crop.startswith("4:40,")
    read_gray(tmp_path / "v.npy", crop=crop)


def test_scattered_gaps_are_no_field_of_view(tmp_path, scan):
    values = scan.astype("f4")
    values[np.random.default_rng(0).random(scan.shape) < 0.05] = np.nan
    assert "CROP" not in refused(tmp_path, values, "NaN or infinite.*Repair")


@pytest.mark.parametrize("axis", [0, 1, 2])
def test_slices_that_repeat(tmp_path, scan, axis):
    """An acquisition that got stuck writes one slice again and again."""
    stuck = np.moveaxis(scan.copy(), axis, 0)
    stuck[30:34] = stuck[29]
    stuck = np.moveaxis(stuck, 0, axis)
    words = refused(tmp_path, stuck, rf"4 of {scan.shape[axis]} slices along {'zyx'[axis]} repeat")
    assert "30-33" in words
    read_gray(tmp_path / "v.npy", crop=crop_in(words))


def test_volumes_enlarged_by_doubling(tmp_path, scan):
    refused(tmp_path, scan[:20].repeat(2, axis=0), "20 of 40 slices along z repeat.*doubling")
    words = refused(tmp_path, scan[:, :, :30].repeat(2, axis=2), "slices along x repeat")
    assert "CROP" not in words


def test_constant_slices_anywhere(tmp_path, scan):
    for axis, name in enumerate("zyx"):
        values = np.moveaxis(scan.copy(), axis, 0)
        values[[0, 1, 12, 13]] = 700
        words = refused(tmp_path, np.moveaxis(values, 0, axis), f"4 of .* along {name}.*0-1, 12-13")
        assert read_gray(tmp_path / "v.npy", crop=crop_in(words)).shape[axis] == len(values) - 14


def test_slices_alike_but_for_noise_pass(tmp_path, scan):
    values = scan.copy()
    values[21] = values[20]
    values[21, 5, 5] += 1
    read_gray(save(tmp_path, values))


@pytest.mark.parametrize("dtype", ["f4", "f8", "f2", "u1", "i4"])
def test_labels_are_no_gray_values(dtype):
    labels = np.random.default_rng(0).integers(0, 3, (8, 8, 8)).astype(dtype)
    with pytest.raises(ValueError, match="looks like labels"):
        check_gray(labels)


@pytest.mark.parametrize("dtype", ["u1", "u2", "i2", "f4"])
def test_dark_particles(tmp_path, scan, dtype):
    values = (scan / {"u1": 256, "i2": 2}.get(dtype, 1)).astype(dtype)
    low, high = values.min(), values.max()
    dark = (high.astype(int) - values.astype(int) + low.astype(int)).astype(dtype)
    assert polarity_doubt(values, TARGETS) == ""
    said = describe(save(tmp_path, dark), targets=TARGETS)
    assert "POLARITY=dark" in said.doubt
    turned = read_gray(tmp_path / "v.npy", polarity="dark")
    assert turned.dtype == values.dtype
    np.testing.assert_array_equal(turned, values)
    said = describe(tmp_path / "v.npy", polarity="dark", targets=TARGETS)
    assert said.doubt == "" and "turned round" in said.polarity
    am = thresholding.trinarize(turned, TARGETS) == Phase.AM
    assert (am == (thresholding.trinarize(values, TARGETS) == Phase.AM)).all()


def test_signed_values_over_their_whole_range_are_turned(tmp_path):
    values = np.random.default_rng(0).integers(-(2**15), 2**15, (16, 16, 16)).astype("i2")
    values.flat[:2] = -(2**15), 2**15 - 1
    turned = read_gray(save(tmp_path, values), polarity="dark")
    np.testing.assert_array_equal(turned, -1 - values)


def test_no_doubt_where_both_readings_fit(scan):
    half = {Phase.AM: 0.5, Phase.CBD: 0.3, Phase.PORE: 0.2}
    for values in (scan, scan.max() - scan):
        assert polarity_doubt(values, half) == ""


def test_words_for_polarity(tmp_path, scan):
    refused(tmp_path, scan, "expected bright.*or dark", polarity="white")
    assert describe(save(tmp_path, scan), polarity="").polarity == "0 is black"


def test_commonest_share(tmp_path, scan):
    values = scan.copy()
    values[np.random.default_rng(0).random(values.shape) < 0.25] = 12345
    said = describe(save(tmp_path, values)).commonest_share
    assert said == (values == 12345).mean()
