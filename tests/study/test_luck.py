"""Correlation of the errors: what was put into draws is found again."""

import numpy as np
import pytest
from scipy import ndimage
from scipy.special import ndtr

from analysis.phases import Phase
from analysis.segmentation import draws
from analysis.study.limit import luck


def posterior_of(seed, shape=(40, 44, 48)):
    field = ndimage.gaussian_filter(np.random.default_rng(seed).normal(size=shape), 2)
    return ndtr(0.2 + 0.8 * field / field.std())


@pytest.mark.parametrize(
    "parts",
    [
        ((1.0, 1.2),),
        ((0.8, (1.8, 1.0, 1.0)), (0.2, 4.0)),
        ((0.6, 1.0), (0.4, 3.5)),
    ],
)
def test_correlation_of_the_luck_is_found(parts):
    sums = np.zeros((2, len(luck.LAGS), 1 + luck.TERMS))
    for seed in range(6):
        p = posterior_of(seed)
        field = draws.gaussian_field(p.shape, parts, np.random.default_rng(100 + seed))
        true = field < draws._probit(p)
        everywhere = np.ones(p.shape, bool)
        for n, axis in enumerate((0, 2)):
            sums[n] += luck.products(p, true, everywhere, axis)
    for rows, axis in zip(sums, (0, 2), strict=True):
        expected = sum(
            share * np.exp(-((np.array(luck.LAGS) / (2 * np.broadcast_to(width, 3)[axis])) ** 2))
            for share, width in parts
        )
        np.testing.assert_allclose(luck.correlations(rows), expected, atol=0.08)


@pytest.mark.parametrize(
    ("z", "across", "share", "wide"),
    [(1.4, 0.9, 0.1, 4.5), (1.75, 1.7, 0.2, 5.0), (2.0, 2.0, 0.4, 4.0)],
)
def test_widths_of_a_known_correlation_are_found(z, across, share, wide):
    lags = np.array(luck.LAGS)

    def rho(width):
        return (1 - share) * np.exp(-((lags / (2 * width)) ** 2)) + share * np.exp(
            -((lags / (2 * wide)) ** 2)
        )

    (near, narrow), (far, broad) = luck.widths(rho(z), rho(across))
    assert narrow == pytest.approx((z, across, across), abs=0.05)
    assert broad == pytest.approx((wide,) * 3, abs=0.1)
    assert (near, far) == pytest.approx((1 - share, share), abs=0.02)
    assert near + far == pytest.approx(1)


def test_fit_takes_am_everywhere_and_cbd_beside_it():
    """Both fields of a draw are found from its labels, each with its own width."""
    seen = []
    for seed in range(6):
        active, binder = posterior_of(seed), posterior_of(50 + seed)
        p = np.stack([(1 - active) * (1 - binder), (1 - active) * binder, active], axis=-1)
        rng = np.random.default_rng(seed)
        labels = np.full(active.shape, Phase.PORE, np.uint8)
        first, second = (draws.gaussian_field(active.shape, w, rng) for w in (1.0, 2.2))
        labels[second < draws._probit(binder)] = Phase.CBD
        labels[first < draws._probit(active)] = Phase.AM
        seen.append((p.astype("f4"), labels))
    for parts, width in zip(luck.fit(seen), (1.0, 2.2), strict=True):
        lags = np.array(luck.LAGS)
        found = sum(share * np.exp(-((lags / (2 * w[0])) ** 2)) for share, w in parts)
        np.testing.assert_allclose(found, np.exp(-((lags / (2 * width)) ** 2)), atol=0.08)
