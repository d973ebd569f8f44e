import numpy as np
import pytest
from scipy.interpolate import BSpline

from analysis.specimen import fields

H = 0.642


def test_evaluation_equals_the_spline_of_scipy():
    rng = np.random.default_rng(0)
    coefficients = rng.standard_normal((12, 9, 8)).astype(np.float32)  # 8 voxels along z
    z, y, x = np.array([0.05, 1.0, 2.7, 5.1]), np.array([0.2, 3.3, 7.9]), np.array([-1.0, 4.4])
    found = fields.evaluate(coefficients, H, z, y, x)
    hat = BSpline.basis_element(np.arange(-2, 3), extrapolate=False)

    def weights(positions, n, periodic, offset):
        u = positions[:, None] / H - 0.5 - (np.arange(n)[None] - offset)
        total = sum(
            np.nan_to_num(hat(u + shift * n)) for shift in ((-2, -1, 0, 1, 2) if periodic else (0,))
        )
        return total

    expected = np.einsum(
        "ai,bj,ck,ijk->abc",
        weights(z, 12, False, fields.MARGIN),
        weights(y, 9, True, 0),
        weights(x, 8, True, 0),
        coefficients,
    )
    np.testing.assert_allclose(found, expected, atol=1e-5)


@pytest.mark.parametrize("width", [1.4, 3.9])
def test_random_fields_have_unit_variance_and_the_right_correlation(width):
    field = fields.gaussian_field((96, 96, 96), width, np.random.default_rng(1))
    grid = (np.arange(96) + 0.5) * H
    values = fields.evaluate(field, H, grid, grid, grid)
    assert values.std() == pytest.approx(1, abs=0.1)
    lag = round(2 * width)
    correlation = np.mean(values * np.roll(values, lag, axis=2)) / np.mean(values**2)
    # Two smoothings, by the kernel and by the spline (variance 1/3).
    expected = np.exp(-(lag**2) / (4 * (width**2 + 1 / 3)))
    assert correlation == pytest.approx(expected, abs=0.08)


def test_fields_repeat_across_the_lateral_faces():
    field = fields.gaussian_field((32, 32, 32), 2.0, np.random.default_rng(2))
    here = np.array([3.1, 9.7])
    first = fields.evaluate(field, H, here, here, here)
    second = fields.evaluate(field, H, here, here + 32 * H, here - 32 * H)
    np.testing.assert_allclose(first, second, atol=1e-5)
