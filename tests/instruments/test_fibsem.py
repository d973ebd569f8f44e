import numpy as np
import pytest

from analysis.instruments import fibsem
from analysis.phases import VOXEL_SIZE_UM, Phase
from analysis.specimen import electrode

FINE = VOXEL_SIZE_UM / 8
QUIET = {"texture": 0.0, "curtains": 0.0, "noise": 0.0}


@pytest.mark.slow
def test_composition_from_the_stack_is_that_of_the_specimen():
    specimen = electrode.make("D", 48, seed=3)
    shape = fibsem.cutout_shape()
    position = fibsem.suitable_position(specimen.labels, tuple(-(-n // 8) for n in shape))
    origin = tuple(index * VOXEL_SIZE_UM for index in position)
    stack = electrode.sample(specimen, origin, shape, FINE)
    for binning, count in ((1, 42 * 22 * 23), (2, 2541)):
        found, first = fibsem.compositions(stack, origin, FINE, VOXEL_SIZE_UM, binning=binning)
        assert found[0].size == count
        assert first == tuple(index // binning for index in position)
        inside = specimen.composition[
            (
                slice(None),
                *(
                    slice(binning * f, binning * (f + n))
                    for f, n in zip(first, found.shape[1:], strict=True)
                ),
            )
        ]
        binned = inside.reshape(3, *(m for n in found.shape[1:] for m in (n, binning))).mean(
            axis=(2, 4, 6)
        )
        rms = np.sqrt(np.mean((found - binned) ** 2, axis=(1, 2, 3)))
        assert np.all(rms <= 0.03)


def test_counts_are_exact_for_a_stack_that_is_not_aligned():
    rng = np.random.default_rng(0)
    labels = rng.integers(0, 3, (20, 22, 24)).astype(np.uint8)
    origin, spacing, edge = (0.35, 1.1, 2.0), 0.13, 0.6
    found, first = fibsem.compositions(labels, origin, spacing, edge)
    assert first == (1, 2, 4)
    for index in np.ndindex(found.shape[1:]):
        masks = []
        for axis in range(3):
            centers = origin[axis] + (np.arange(labels.shape[axis]) + 0.5) * spacing
            masks.append(np.floor(centers / edge) == first[axis] + index[axis])
        inside = labels[np.ix_(*masks)]
        for phase in Phase:
            assert found[(phase, *index)] == pytest.approx(np.mean(inside == phase))


def test_only_covered_voxels_are_returned():
    labels = np.zeros((24, 24, 24), np.uint8)
    found, first = fibsem.compositions(labels, (0.1, 0.1, 0.1), 0.1, 0.8)
    assert first == (1, 1, 1)
    assert found.shape == (3, 2, 2, 2)


def test_gray_values_of_pure_phases():
    for phase, gray in ((Phase.AM, 0.75), (Phase.CBD, 0.42), (Phase.PORE, 0.06)):
        labels = np.full((6, 7, 8), phase, np.uint8)
        assert np.all(fibsem.image(labels, FINE, seed=0, **QUIET) == round(gray * 255))


def test_the_solid_behind_a_pore_shines_through():
    labels = np.zeros((4, 20, 4), np.uint8)
    labels[:, 12:] = Phase.AM
    gray = fibsem.image(labels, 0.1, seed=0, **QUIET)[0, :, 0]
    depth = 12 - np.arange(12)
    expected = 0.06 + 0.8 * 0.75 * np.exp(-depth * 0.1 / 0.6)
    np.testing.assert_allclose(gray[:12] / 255, expected, atol=0.003)
    # Nothing lies behind the last solid.
    assert np.all(gray[12:] == round(0.75 * 255))


def test_curtains_run_along_the_ion_beam():
    labels = np.full((30, 20, 40), Phase.AM, np.uint8)
    gray = fibsem.image(labels, FINE, seed=1, texture=0.0, noise=0.0).astype(float)
    assert np.ptp(gray, axis=0).max() == 0
    assert gray[0].std() == pytest.approx(0.05 * 0.75 * 255, rel=0.1)


def test_texture_is_in_the_cbd_only():
    labels = np.zeros((12, 12, 24), np.uint8)
    labels[:, :, :12], labels[:, :, 12:] = Phase.AM, Phase.CBD
    gray = fibsem.image(labels, FINE, seed=1, curtains=0.0, noise=0.0).astype(float)
    assert gray[:, :, :12].std() == 0
    assert gray[:, :, 12:].std() == pytest.approx(0.07 * 255, rel=0.15)


def test_same_seed_same_stack():
    labels = np.random.default_rng(0).integers(0, 3, (10, 11, 12)).astype(np.uint8)
    first, again, other = (fibsem.image(labels, FINE, seed=s) for s in (1, 1, 2))
    np.testing.assert_array_equal(first, again)
    assert np.any(first != other)


def test_a_suitable_cutout_has_nearly_the_mean_composition():
    labels = np.zeros((40, 40, 40), np.uint8)
    labels[:20] = Phase.AM
    assert fibsem.suitable_position(labels, (20, 10, 10)) == (10, 0, 0)


def test_a_cutout_larger_than_the_specimen_is_refused():
    with pytest.raises(ValueError, match="22 voxels long along y, but the specimen only 20"):
        fibsem.suitable_position(np.zeros((50, 20, 50), np.uint8), (42, 22, 23))


@pytest.mark.parametrize(
    ("spacing", "edge", "message"),
    [(0.4, 0.642, "too coarse"), (0.08, 5.0, "holds no whole voxel")],
)
def test_unsuitable_spacings_are_refused(spacing, edge, message):
    with pytest.raises(ValueError, match=message):
        fibsem.compositions(np.zeros((20, 20, 20), np.uint8), (0, 0, 0), spacing, edge)
