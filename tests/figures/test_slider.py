"""The slice slider: small, alone, and showing the right voxels."""

import base64
import io
import re

import numpy as np
import pytest
from PIL import Image

from analysis.figures import slider, style
from analysis.phases import Phase


@pytest.fixture
def labels():
    return np.random.default_rng(5).integers(0, 3, (24, 40, 16)).astype(np.uint8)


def sprites(page):
    found = re.findall(r"url\(data:image/png;base64,([^)]*)\)", page.html)
    return [Image.open(io.BytesIO(base64.b64decode(data))) for data in found]


def colors(labels):
    table = [[int(style.PHASE_COLORS[p][i : i + 2], 16) for i in (1, 3, 5)] for p in Phase]
    return np.array(table, np.uint8)[labels]


def test_sprite_holds_every_slice_in_the_colors_of_the_phases(labels):
    picture = Image.open(io.BytesIO(slider.sprite(labels))).convert("RGB")
    np.testing.assert_array_equal(np.asarray(picture), colors(labels.reshape(-1, 16)))


def test_slices_are_picked_evenly_from_first_to_last(labels):
    page = slider.slices({"truth": labels}, voxel_size_um=0.5, name="a", max_slices=5)
    shown = np.asarray(sprites(page)[0].convert("RGB")).reshape(5, 24, 16, 3)
    for place, index in enumerate([0, 10, 20, 29, 39]):
        np.testing.assert_array_equal(shown[place], colors(labels[:, index]))
    assert '"places": [0.0, 5.0, 10.0, 14.5, 19.5]' in page.html


def test_page_needs_no_network_and_no_library(labels):
    page = slider.slices({"truth": labels, "kmeans": labels}, voxel_size_um=1, name="a")
    assert not re.search(r"""(?:src|href)=["']|https?://(?!www\.w3)""", page.html)
    assert page.html.count("<script>") == 1


def test_weight_of_a_viewer(labels):
    from scipy.ndimage import gaussian_filter

    noise = gaussian_filter(np.random.default_rng(0).normal(size=(256, 96, 96)), 3)
    volume = np.digitize(noise, np.quantile(noise, [0.17, 0.4])).astype(np.uint8)
    assert len(slider.sprite(volume[:, ::3].swapaxes(0, 1))) < 110_000


def test_identifiers_are_unique_and_the_same_in_every_run(labels):
    first = slider.slices({"truth": labels}, voxel_size_um=1, name="a").html
    assert first == slider.slices({"truth": labels}, voxel_size_um=1, name="a").html
    other = slider.slices({"truth": labels}, voxel_size_um=1, name="b").html
    names = [re.search(r'class="cbd-slider" id="([^"]*)"', page)[1] for page in (first, other)]
    assert len(set(names)) == 2


def test_paper_gets_a_still_picture(labels):
    bundle = slider.slices({"truth": labels}, voxel_size_um=1, name="a")._repr_mimebundle_()
    picture = Image.open(io.BytesIO(base64.b64decode(bundle["image/png"])))
    assert min(picture.size) > 100


def test_gray_values_become_a_gray_sprite():
    gray = np.random.default_rng(1).normal(size=(4, 5, 6)).astype(np.float32)
    picture = Image.open(io.BytesIO(slider.sprite(gray)))
    assert picture.mode == "L" and picture.size == (6, 20)
    assert np.ptp(np.asarray(picture)) == 255


def test_blink_shows_two_volumes_on_one_spot(labels):
    page = slider.blink(labels, labels[::-1], names=("kmeans", "truth"), voxel_size_um=1, name="b")
    assert len(sprites(page)) == 2
    assert page.html.count('role="img"') == 2 and " hidden " in page.html
    assert "Show Truth" in page.html


def test_volumes_of_different_shape_are_refused(labels):
    with pytest.raises(ValueError, match="one shape"):
        slider.slices({"a": labels, "b": labels[1:]}, voxel_size_um=1, name="a")
    with pytest.raises(ValueError, match="Crop"):
        slider.slices({"a": labels[0]}, voxel_size_um=1, name="a")


def test_titles_cannot_break_the_page(labels):
    page = slider.slices({'<b>&"</script>': labels}, voxel_size_um=1, name="a")
    assert "<b>" not in page.html
    assert page.html.count("</script>") == 1
