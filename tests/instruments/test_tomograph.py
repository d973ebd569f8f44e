from dataclasses import replace

import numpy as np
import pytest

from analysis.instruments import optics, tomograph, transfer
from analysis.phases import Phase
from analysis.specimen import electrode

H = 0.642
IDEAL = tomograph.Scan(distance_mm=0.0, blur_um=0.0, counts=0, retrieval=False)


def _disk(n, radius, depth=8):
    at = np.arange(n) - (n - 1) / 2
    distance = np.hypot(at[:, None], at[None, :])
    composition = np.zeros((3, depth, n, n), np.float32)
    composition[Phase.AM] = np.clip(radius + 0.5 - distance, 0, 1)
    composition[Phase.PORE] = 1 - composition[Phase.AM]
    return composition


def test_projection_of_a_disk_is_its_chord():
    n, radius = 64, 22.0
    transmission = tomograph.scan(_disk(n, radius), H, replace(IDEAL, angles=12), seed=0)
    mu = optics.beam(28).attenuation_per_um[Phase.AM]
    chords = -np.log(transmission[:, 4]) / (mu * H)
    u = np.arange(chords.shape[1]) - (chords.shape[1] - 1) / 2
    expected = 2 * np.sqrt(np.maximum(radius**2 - u**2, 0))
    inner = np.abs(u) < radius - 2
    np.testing.assert_allclose(chords[:, inner], np.tile(expected[inner], (12, 1)), rtol=0.02)


def test_every_projection_holds_the_same_mass():
    composition = _disk(48, 15.0)
    transmission = tomograph.scan(composition, H, replace(IDEAL, angles=9), seed=0)
    mass = -np.log(transmission).sum(axis=(1, 2))
    total = composition[Phase.AM].sum() * optics.beam(28).attenuation_per_um[Phase.AM] * H
    np.testing.assert_allclose(mass, total, rtol=2e-3)


def test_a_disk_is_reconstructed_with_its_attenuation():
    gray = tomograph.image(_disk(64, 22.0), H, replace(IDEAL, angles=160), seed=0)
    at = np.arange(64) - 31.5
    distance = np.hypot(at[:, None], at[None, :])
    assert gray[4][distance < 18].mean() == pytest.approx(1, abs=0.01)
    assert np.abs(gray[4][(distance > 25) & (distance < 30)]).mean() < 0.02


@pytest.fixture(scope="module")
def composition():
    return electrode.make("SL", 160, seed=1, thickness=48).composition


def _spectrum(volume):
    """Power in eleven rings of the in-plane frequency, as shares."""
    window = np.hanning(volume.shape[1])[:, None] * np.hanning(volume.shape[2])[None, :]
    power = (np.abs(np.fft.fft2(volume * window)) ** 2).sum(axis=0)
    frequency = np.hypot(*np.meshgrid(*(np.fft.fftfreq(n) for n in volume.shape[1:])))
    ring = np.minimum((frequency / 0.7072 * 11).astype(int), 10)
    share = np.bincount(ring.ravel(), power.ravel(), 11)
    return share / share.sum()


@pytest.mark.slow
@pytest.mark.parametrize(("scenario", "retrieval"), [("phase-retrieved", 1), ("edge-enhanced", 0)])
def test_the_fast_route_equals_the_chain(composition, scenario, retrieval):
    settings = transfer.SCENARIOS[scenario]
    scan = tomograph.Scan(
        distance_mm=settings.distance_mm,
        blur_um=settings.blur_um,
        retrieval=bool(retrieval),
        counts=0,
    )
    inner = (slice(4, -4), slice(32, -32), slice(32, -32))  # inside the scanned pillar
    chain = tomograph.image(composition, H, scan, seed=0)
    fast = transfer.image(composition, H, scenario=scenario, seed=0, noise=0.0, tv_weight=0.0)
    x, y = fast[inner].ravel().astype(float), chain[inner].ravel().astype(float)
    assert np.corrcoef(x, y)[0, 1] >= 0.995
    assert np.polyfit(x, y, 1)[0] == pytest.approx(1, abs=0.03)

    noisy = tomograph.image(composition, H, replace(scan, counts=2e4), seed=0)
    model = transfer.noise_field(chain.shape, H, settings, np.random.default_rng(0))
    plane = (slice(None), *inner[1:])
    found, expected = _spectrum((noisy - chain)[plane]), _spectrum(model[plane])
    significant = found > 0.02
    np.testing.assert_allclose(expected[significant], found[significant], rtol=0.20)


def test_tv_on_projections_removes_noise():
    scan = replace(IDEAL, angles=60, counts=2000.0)
    disk = _disk(48, 15.0)
    clean = tomograph.image(disk, H, replace(scan, counts=0), seed=1)
    errors = [
        np.std(tomograph.image(disk, H, replace(scan, tv_weight=w), seed=1) - clean)
        for w in (0.0, 0.03)
    ]
    assert errors[1] < 0.6 * errors[0]


def test_pixel_gains_that_the_flat_field_misses_make_rings():
    scan = replace(IDEAL, angles=90)
    disk = _disk(64, 22.0)
    clean = tomograph.image(disk, H, scan, seed=1)
    error = tomograph.image(disk, H, replace(scan, rings=0.01), seed=1) - clean
    at = np.arange(64) - 31.5
    ring = np.rint(np.hypot(at[:, None], at[None, :])).astype(int)
    inside = (ring > 3) & (ring < 20)
    means = np.bincount(ring[inside], error[4][inside]) / np.maximum(np.bincount(ring[inside]), 1)
    assert np.var(means[ring[inside]]) > 0.3 * np.var(error[4][inside])


def test_photon_noise_falls_with_the_square_root_of_the_counts():
    disk, scan = _disk(48, 15.0), replace(IDEAL, angles=60)
    clean = tomograph.image(disk, H, scan, seed=0)
    noise = [
        np.std(tomograph.image(disk, H, replace(scan, counts=c), seed=2) - clean)
        for c in (1e4, 4e4)
    ]
    assert noise[0] / noise[1] == pytest.approx(2, rel=0.05)


@pytest.mark.parametrize(
    ("shape", "message"),
    [((3, 8, 16, 20), "expected a square"), ((8, 16, 16), r"expected \(3, Z, N, N\)")],
)
def test_bad_specimens_are_refused(shape, message):
    with pytest.raises(ValueError, match=message):
        tomograph.scan(np.zeros(shape, np.float32), H, IDEAL, seed=0)
