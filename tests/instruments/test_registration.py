import numpy as np
import pytest

from analysis.instruments import registration, transfer
from analysis.instruments.registration import Placement
from analysis.phases import VOXEL_SIZE_UM
from analysis.specimen import electrode

H = VOXEL_SIZE_UM
CORNERS = np.array([[60, 8], [87, 8], [60, 23], [87, 23.0]])  # of a milled cutout [µm]


@pytest.fixture(scope="module")
def surface():
    """Gray values of a section of sample D, and its phases four times as fine."""
    specimen = electrode.make("D", 64, seed=2)
    gray = transfer.image(specimen.composition, H, scenario="correlative", seed=2)
    row = 30
    shape = (4 * gray.shape[0], 1, 4 * gray.shape[2])
    labels = electrode.sample(specimen, (0.0, (row + 0.375) * H, 0.0), shape, H / 4)
    return gray[:, row], labels[:, 0]


def _draw(seed):
    rng = np.random.default_rng(seed)
    return Placement(rng.uniform(-10, 10), rng.uniform(0.95, 1.05), tuple(rng.uniform(-4, 4, 2)))


def _scan(labels, placement, seed, **options):
    shape = (labels.shape[0] // 2, labels.shape[1] // 2)
    return registration.surface_scan(labels, H / 4, placement, shape, H / 2, seed=seed, **options)


@pytest.mark.slow
def test_error_over_ten_seeds(surface):
    gray, labels = surface
    errors = []
    for seed in range(10):
        true = _draw(seed)
        scan = _scan(labels, true, seed)
        found = registration.register(gray, H, scan, H / 2, seed=seed)
        errors.append(registration.error_um(found.placement, true, CORNERS))
    assert np.median(errors) <= 0.15
    assert np.max(errors) <= 0.4


def test_key_points_alone_come_close_and_say_how_close(surface):
    gray, labels = surface
    true = _draw(1)
    found = registration.register(gray, H, _scan(labels, true, 1), H / 2, polish=False)
    assert registration.error_um(found.placement, true, CORNERS) < 0.4
    assert 0 < found.residual_um < 1.5 * H
    assert registration.MIN_INLIERS <= found.inliers <= found.matches <= min(found.keypoints)


def test_placements_invert_and_are_similarities():
    placement = Placement(7.0, 0.97, (3.0, -2.0))
    points = np.random.default_rng(0).random((5, 2)) * 100
    np.testing.assert_allclose(placement.to_scan(placement.to_slice(points)), points)
    moved = placement.to_slice(points)
    apart = np.linalg.norm(moved[1:] - moved[:-1], axis=1)
    np.testing.assert_allclose(apart, 0.97 * np.linalg.norm(points[1:] - points[:-1], axis=1))


def test_error_of_a_shift_is_the_shift():
    first, second = Placement(2.0, 1.0, (0.0, 0.0)), Placement(2.0, 1.0, (0.3, -0.4))
    assert registration.error_um(first, second, CORNERS) == pytest.approx(0.5)


def test_too_few_matches_say_how_many_and_what_to_change(surface):
    gray, labels = surface
    unrelated = np.random.default_rng(0).standard_normal((400, 100))
    with pytest.raises(
        ValueError, match=r"Only \d+ .*expected at least 10\. Scan a larger surface"
    ):
        registration.register(gray, H, unrelated, H / 2)


def test_an_image_without_structure_has_no_matches(surface):
    with pytest.raises(ValueError, match="Only 0 matches"):
        registration.register(surface[0], H, np.ones((200, 100)), H / 2)
