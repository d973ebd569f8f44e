"""Contrast, noise and blur are read off images of which they are known."""

import numpy as np
import pytest
from scipy import ndimage

from analysis.instruments import image_quality, transfer
from analysis.phases import VOXEL_SIZE_UM, Phase
from analysis.specimen import electrode


def balls(radii, edge=64, seed=0, count=40):
    """A volume of balls, and its fractions: the rest is mostly pore."""
    rng = np.random.default_rng(seed)
    place = np.mgrid[:edge, :edge, :edge]
    solid = np.zeros((edge,) * 3, bool)
    for center, radius in zip(
        rng.uniform(5, edge - 5, (count, 3)), rng.uniform(*radii, count), strict=True
    ):
        solid |= ((place - center[:, None, None, None]) ** 2).sum(0) < radius**2
    share = solid.mean()
    rest = {Phase.CBD: 0.2 * (1 - share), Phase.PORE: 0.8 * (1 - share)}
    return solid.astype(float), {Phase.AM: share, **rest}


@pytest.mark.parametrize("blur", [0.8, 1.5, 2.5])
@pytest.mark.parametrize("noise", [0.02, 0.1])
@pytest.mark.parametrize(("radii", "count"), [((6, 10), 40), ((15, 20), 6)])
def test_blur_is_found_whatever_the_noise(blur, noise, radii, count):
    solid, targets = balls(radii, count=count)
    gray = ndimage.gaussian_filter(solid, blur) + np.random.default_rng(1).normal(
        0, noise, solid.shape
    )
    found = image_quality.measure(gray, targets, 0.5)
    assert found.blur_voxels == pytest.approx(blur, rel=0.15)
    assert found.blur_um == pytest.approx(0.5 * found.blur_voxels)


@pytest.mark.parametrize("noise", [0.03, 0.1, 0.25])
def test_noise_is_that_of_the_plateau(noise):
    solid, targets = balls((10, 14), count=15)
    gray = ndimage.gaussian_filter(solid, 0.7) + np.random.default_rng(2).normal(
        0, noise, solid.shape
    )
    assert image_quality.measure(gray, targets, 0.5).noise == pytest.approx(noise, rel=0.15)


@pytest.mark.parametrize(("scale", "offset"), [(100.0, -7.0), (1e-3, 5.0), (2.0, 0.0)])
def test_unit_and_offset_of_gray_do_not_matter(scale, offset):
    solid, targets = balls((8, 12), count=20)
    gray = ndimage.gaussian_filter(solid, 1.2) + np.random.default_rng(3).normal(
        0, 0.05, solid.shape
    )
    usual = image_quality.measure(gray, targets, 0.5)
    other = image_quality.measure(scale * gray + offset, targets, 0.5)
    assert other.step == pytest.approx(scale * usual.step)
    assert other.noise == pytest.approx(usual.noise)
    assert other.blur_um == pytest.approx(usual.blur_um, rel=1e-3)


@pytest.mark.parametrize("name", ["SL", "TL"])
def test_virtual_tomograms_fall_into_the_branch_of_their_noise(name):
    from analysis.study.own_data import image_branch

    drawn = electrode.make(name, 40, seed=3, thickness=90)
    branches = []
    for noise in image_branch.NOMINAL:
        gray = transfer.image(drawn.composition, VOXEL_SIZE_UM, seed=[1, 2], noise=noise)
        found = image_quality.measure(gray, drawn.targets, VOXEL_SIZE_UM)
        branches.append(image_branch.branch(found.noise))
    assert branches == list(image_branch.BRANCHES)


def test_a_volume_without_contrast_is_refused():
    rng = np.random.default_rng(4)
    gray = np.where(rng.random((16, 16, 16)) < 0.02, rng.random((16, 16, 16)), 3.0)
    with pytest.raises(ValueError, match="are the same; expected particles"):
        image_quality.measure(gray, balls((8, 12))[1], 0.5)
