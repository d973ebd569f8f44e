"""The real chain: a parallel-beam scan, projection by projection, and its reconstruction.

A pillar of the specimen turns about z. Each projection absorbs and refracts, propagates to the
scintillator (transport of intensity), is blurred, counted and divided by a flat field; the
projections are denoised by total variation, as in the paper, and reconstructed by filtered
back-projection. It costs minutes where :mod:`analysis.instruments.transfer` costs seconds and is
here to show that the fast route may be trusted.
"""

import math
from dataclasses import dataclass

import numpy as np
import scipy.fft
from numba import njit

from analysis.instruments import denoising, optics
from analysis.phases import Phase, check_voxel_size


@dataclass(frozen=True)
class Scan:
    """
    Settings of a scan.

    Attributes
    ----------
    energy_keV : int
    distance_mm : float
        From specimen to scintillator.
    blur_um : float
        Standard deviation of the detector's point spread [µm].
    angles : int
        Projections over 180 degrees.
    counts : float
        Photons per pixel in the open beam; 0 switches noise off.
    flats : int
        Images of the open beam that are averaged into the flat field.
    tv_weight : float
        Total-variation weight on the normalized projections, in transmission; 0 for none.
    retrieval : bool
        Whether to retrieve the phase from each projection.
    rings : float
        Relative standard deviation of pixel gains that the flat field misses.
    """

    energy_keV: int = 28
    distance_mm: float = 3.0
    blur_um: float = 0.25
    angles: int = 300
    counts: float = 2e4
    flats: int = 400
    tv_weight: float = 0.0
    retrieval: bool = True
    rings: float = 0.0


def scan(composition, voxel_size_um, settings, *, seed):
    """
    Normalized projections of a pillar of the specimen.

    Parameters
    ----------
    composition : (3, Z, N, N) ndarray of float
        Share [-] of each phase. Only the inscribed cylinder is scanned; it stands in air.
    voxel_size_um : float
    settings : Scan
    seed : int
        Of photon noise, beam profile and pixel gains.

    Returns
    -------
    transmission : (angles, Z, U) ndarray of float32
        Intensity over open beam.

    Raises
    ------
    ValueError
        If the composition is not square, or a setting is out of range.
    """
    voxel_size_um = check_voxel_size(voxel_size_um)
    composition = np.asarray(composition)
    if composition.ndim != 4 or composition.shape[0] != len(Phase):
        raise ValueError(
            f"The composition has shape {composition.shape}; expected (3, Z, N, N), one row for "
            "each phase."
        )
    if composition.shape[2] != composition.shape[3]:
        raise ValueError(
            f"The specimen is {composition.shape[2]} x {composition.shape[3]} voxels wide; "
            "expected a square, for it turns about z. Crop the longer edge."
        )
    if settings.angles < 2 or settings.counts < 0 or settings.rings < 0:
        raise ValueError(
            f"{settings.angles} angles, {settings.counts} counts, rings {settings.rings}; expected "
            "at least two angles, and no negative numbers."
        )
    attenuation, decrement = optics.maps(composition, settings.energy_keV)
    inside = _cylinder(composition.shape[-1])
    absorbed = _project(attenuation * inside, settings.angles) * np.float32(voxel_size_um)
    refracted = _project(decrement * inside, settings.angles) * np.float32(voxel_size_um)
    rng = np.random.default_rng(seed)
    beam, flat, gain = _open_beam(absorbed.shape[1:], settings, rng)
    transmission = np.empty_like(absorbed)
    for n in range(settings.angles):
        intensity = _propagate(absorbed[n], refracted[n], voxel_size_um, settings)
        if settings.counts > 0:
            expected = settings.counts * beam * gain * np.maximum(intensity, 0)
            intensity = np.maximum(rng.poisson(expected), 1) / flat
        else:
            intensity = intensity * gain
        transmission[n] = intensity
    return transmission


def reconstruct(transmission, voxel_size_um, settings):
    """
    Gray values from normalized projections.

    Parameters
    ----------
    transmission : (angles, Z, U) ndarray of float32
    voxel_size_um : float
    settings : Scan

    Returns
    -------
    gray : (Z, N, N) ndarray of float32
        Scaled so that the attenuation of air is 0 and that of AM is 1.
    """
    check_voxel_size(voxel_size_um)
    beam = optics.beam(settings.energy_keV)
    n_angles, depth, width = transmission.shape
    n = _width_inside(width)
    projections = np.empty((n_angles, width, depth), np.float32)
    response = _ramp(width, voxel_size_um)
    for index in range(n_angles):
        image = transmission[index]
        if settings.tv_weight > 0:
            image = denoising.total_variation(image, settings.tv_weight)
        if settings.retrieval:
            image = _retrieve(image, voxel_size_um, settings, beam.ratio_um)
        absorbance = -np.log(np.maximum(image, np.float32(1e-6)))
        spectrum = scipy.fft.rfft(absorbance, n=2 * (response.size - 1), axis=1) * response
        filtered = scipy.fft.irfft(spectrum, axis=1)[:, :width]
        projections[index] = filtered.T
    gray = _back_project(projections, n)
    return np.ascontiguousarray(gray.transpose(2, 0, 1)) / np.float32(
        beam.attenuation_per_um[Phase.AM]
    )


def image(composition, voxel_size_um, settings, *, seed):
    """Scan and reconstruct; see :func:`scan` and :func:`reconstruct`."""
    return reconstruct(
        scan(composition, voxel_size_um, settings, seed=seed), voxel_size_um, settings
    )


def _cylinder(n):
    """Inscribed cylinder, with a soft rim of one voxel."""
    at = np.arange(n) - (n - 1) / 2
    return np.clip(n / 2 - 1 - np.hypot(at[:, None], at[None, :]), 0, 1).astype(np.float32)


def _detector_width(n):
    return n + 2 * (n // 10)


def _width_inside(width):
    """Inverse of :func:`_detector_width`."""
    n = round(width / 1.2)
    return next(m for m in range(n - 8, n + 9) if _detector_width(m) == width)


def _project(volume, n_angles):
    """Line integrals in voxels, (angles, Z, U), of a volume (Z, N, N)."""
    columns = np.ascontiguousarray(volume.transpose(1, 2, 0))
    out = np.zeros((n_angles, _detector_width(volume.shape[1]), volume.shape[0]), np.float32)
    _cast_rays(columns, out)
    return np.ascontiguousarray(out.transpose(0, 2, 1))


def _open_beam(shape, settings, rng):
    """Beam profile, measured flat field, and the pixel gains that the flat field misses."""
    v = np.linspace(-1, 1, shape[0])[:, None]
    u = np.linspace(-1, 1, shape[1])[None, :]
    beam = np.exp(-0.3 * v**2 - 0.1 * u**2)
    gain = 1 + settings.rings * rng.standard_normal(shape)
    flat = settings.counts * beam
    if settings.counts > 0 and settings.flats > 0:
        flat = rng.poisson(settings.flats * flat) / settings.flats
    return beam, np.maximum(flat, 1), gain


def _propagate(absorbed, refracted, voxel_size_um, settings):
    """
    Intensity at the scintillator, from the transport-of-intensity equation, then blurred.

    ``I = exp(-a) + d div(exp(-a) grad r)`` with the line integrals a of the attenuation and r of
    the decrement. The gradients are spectral, over mirrored images.
    """
    distance_um = settings.distance_mm * 1e3
    padded = [(n // 2, n - n // 2) for n in absorbed.shape]
    contact = np.exp(-np.pad(absorbed, padded, mode="symmetric").astype(np.float64))
    phase = np.pad(refracted, padded, mode="symmetric").astype(np.float64)
    kv = 2 * np.pi * np.fft.fftfreq(contact.shape[0], voxel_size_um)[:, None]
    ku = 2 * np.pi * np.fft.rfftfreq(contact.shape[1], voxel_size_um)[None, :]
    spectrum = scipy.fft.rfft2(phase)
    total = scipy.fft.rfft2(contact)
    for k in (kv, ku):
        slope = scipy.fft.irfft2(1j * k * spectrum, s=contact.shape)
        total += distance_um * 1j * k * scipy.fft.rfft2(contact * slope)
    total *= optics.blur(kv**2 + ku**2, settings.blur_um)
    image = scipy.fft.irfft2(total, s=contact.shape)
    return image[
        tuple(slice(low, low + n) for (low, _), n in zip(padded, absorbed.shape, strict=True))
    ]


def _retrieve(image, voxel_size_um, settings, ratio_um):
    """Paganin's filter on one normalized projection."""
    padded = [(n // 2, n - n // 2) for n in image.shape]
    wide = np.pad(image, padded, mode="symmetric")
    kv = 2 * np.pi * np.fft.fftfreq(wide.shape[0], voxel_size_um)[:, None]
    ku = 2 * np.pi * np.fft.rfftfreq(wide.shape[1], voxel_size_um)[None, :]
    factor = optics.retrieval(kv**2 + ku**2, settings.distance_mm * 1e3, ratio_um)
    wide = scipy.fft.irfft2(scipy.fft.rfft2(wide) * factor.astype(np.float32), s=wide.shape)
    return wide[tuple(slice(low, low + n) for (low, _), n in zip(padded, image.shape, strict=True))]


def _ramp(width, voxel_size_um):
    """Ramp filter with Hann window for zero-padded rows, (padded / 2 + 1,)."""
    padded = scipy.fft.next_fast_len(2 * width, real=True)
    padded += padded % 2
    # Sampled in space, so that the mean is right (Kak and Slaney 1988, Section 3.3).
    lag = np.arange(padded)
    lag = np.minimum(lag, padded - lag)
    kernel = np.zeros(padded)
    kernel[0] = 0.25
    odd = lag % 2 == 1
    kernel[odd] = -1 / (np.pi * lag[odd]) ** 2
    k = 2 * np.pi * np.fft.rfftfreq(padded, voxel_size_um)
    response = np.real(np.fft.rfft(kernel)) / voxel_size_um * optics.hann(k, voxel_size_um)
    return response.astype(np.float32)


@njit(cache=True)
def _cast_rays(columns, out):
    """
    Joseph's projector: one step per row along the steeper axis, cubic across it.

    Linear interpolation would blur the object a second time. All slices share the geometry, so the
    innermost loop runs over z.
    """
    n = columns.shape[0]
    depth = columns.shape[2]
    n_angles, width = out.shape[:2]
    middle, center = (n - 1) / 2, (width - 1) / 2
    weights = np.empty(4, np.float32)
    for a in range(n_angles):
        angle = math.pi * a / n_angles
        c, s = math.cos(angle), math.sin(angle)
        # A ray is the set x cos + y sin = u.
        steep = abs(c) >= abs(s)
        major = c if steep else s
        minor = s if steep else c
        length = 1 / abs(major)
        for i in range(width):
            u = i - center
            line = out[a, i]
            for j in range(n):
                position = (u - (j - middle) * minor) / major + middle
                base = int(math.floor(position))
                if base < -2 or base > n:
                    continue
                t = position - base
                # Catmull and Rom's cubic.
                weights[0] = length * 0.5 * t * (t * (2 - t) - 1)
                weights[1] = length * 0.5 * (t * t * (3 * t - 5) + 2)
                weights[2] = length * 0.5 * t * (t * (4 - 3 * t) + 1)
                weights[3] = length * 0.5 * t * t * (t - 1)
                for m in range(4):
                    at = base - 1 + m
                    if 0 <= at < n:
                        column = columns[j, at] if steep else columns[at, j]
                        weight = weights[m]
                        for k in range(depth):
                            line[k] += weight * column[k]


@njit(cache=True)
def _back_project(projections, n):
    """Sum of the filtered projections along their rays, (N, N, Z)."""
    n_angles, width, depth = projections.shape
    out = np.zeros((n, n, depth), np.float32)
    middle, center = (n - 1) / 2, (width - 1) / 2
    scale = np.float32(math.pi / n_angles)
    for a in range(n_angles):
        angle = math.pi * a / n_angles
        c, s = math.cos(angle), math.sin(angle)
        for j in range(n):
            for i in range(n):
                u = (i - middle) * c + (j - middle) * s + center
                base = int(math.floor(u))
                if base < 0 or base + 1 >= width:
                    continue
                t = np.float32(u - base)
                near, far = (np.float32(1) - t) * scale, t * scale
                first, second = projections[a, base], projections[a, base + 1]
                line = out[j, i]
                for k in range(depth):
                    line[k] += near * first[k] + far * second[k]
    return out
