import numpy as np
import pytest
from scipy import ndimage

from analysis.instruments import denoising


@pytest.fixture(scope="module")
def noisy():
    rng = np.random.default_rng(0)
    clean = ndimage.gaussian_filter(rng.standard_normal((14, 16, 15)), 1.5)
    clean /= clean.std()
    return (clean + 0.2 * rng.standard_normal(clean.shape)).astype(np.float32)


@pytest.mark.parametrize("shape", [(16, 15), (14, 16, 15)])
def test_total_variation_equals_scikit_image(noisy, shape):
    from skimage.restoration import denoise_tv_chambolle

    image = noisy if len(shape) == 3 else noisy[3]
    peer = denoise_tv_chambolle(image, weight=0.3, eps=0, max_num_iter=25)
    np.testing.assert_allclose(denoising.total_variation(image, 0.3, 25), peer, atol=2e-6)


def test_total_variation_keeps_the_mean_and_shrinks_the_variation(noisy):
    denoised = denoising.total_variation(noisy, 0.3)
    assert denoised.mean() == pytest.approx(noisy.mean(), abs=1e-5)
    variation = [np.abs(np.diff(v, axis=1)).sum() for v in (noisy, denoised)]
    assert variation[1] < 0.7 * variation[0]


def test_weight_zero_changes_nothing(noisy):
    np.testing.assert_array_equal(denoising.total_variation(noisy, 0), noisy)


def test_non_local_means_equals_brute_force(noisy):
    noise, strength, search = 0.2, 0.8, 2
    patches = np.lib.stride_tricks.sliding_window_view(
        np.pad(noisy, 1, mode="symmetric"), (3, 3, 3)
    )
    expected = np.empty_like(noisy)
    for index in np.ndindex(noisy.shape):
        near = tuple(
            slice(max(0, c - search), min(n, c + search + 1))
            for c, n in zip(index, noisy.shape, strict=True)
        )
        likeness = ((patches[near] - patches[index]) ** 2).mean(axis=(-1, -2, -3))
        excess = np.maximum(likeness - 2 * noise**2, 0) / (strength * noise) ** 2
        weights = np.where(excess < 6, np.exp(-excess), 0)
        expected[index] = np.sum(weights * noisy[near]) / weights.sum()
    found = denoising.non_local_means(noisy, noise, strength, search=search)
    np.testing.assert_allclose(found, expected, atol=3e-6)


def test_non_local_means_does_not_move_the_image(noisy):
    found = denoising.non_local_means(noisy, 0.2)
    mirrored = denoising.non_local_means(np.ascontiguousarray(noisy[::-1, :, ::-1]), 0.2)
    np.testing.assert_allclose(mirrored[::-1, :, ::-1], found, atol=3e-6)


@pytest.mark.parametrize(
    ("call", "message"),
    [
        (lambda v: denoising.total_variation(v, -1), "weight is -1"),
        (lambda v: denoising.total_variation(v[0, 0], 1), "two or three axes"),
        (lambda v: denoising.non_local_means(v[0], 0.1), "expected a volume"),
        (lambda v: denoising.non_local_means(v, 0.0), "must be positive"),
    ],
)
def test_bad_input_is_refused(noisy, call, message):
    with pytest.raises(ValueError, match=message):
        call(noisy)
