"""Fast virtual tomograph: the whole imaging chain as one transfer function.

Every linear step of a parallel-beam scan (propagation fringe, detector blur, filtered
back-projection, phase retrieval) multiplies the spatial frequencies of the object: the
central-slice theorem. So a volume is imaged by one Fourier transform, and its noise drawn with the
matching spectrum. The transforms are in double precision, so that single-precision gray values come
out the same on any machine but for a few.
:mod:`analysis.instruments.tomograph` does the same by projections; the book compares the two.
"""

from dataclasses import dataclass, replace

import numpy as np
import scipy.fft

from analysis.instruments import denoising, optics
from analysis.phases import Phase, check_voxel_size

_PADDING = 16  # slices mirrored beyond each end of z


@dataclass(frozen=True)
class Imaging:
    """
    Settings of a tomography measurement.

    Blur, noise and total-variation weight of the default were chosen so that thresholding yields
    the particle and pore radii in the Thresholding column of Table 2; no other column was used.

    Attributes
    ----------
    energy_keV : int
        Photon energy.
    distance_mm : float
        Propagation distance from specimen to scintillator. It stands for the combined effect of
        distance, residual coherence and processing.
    retrieval : bool
        Whether phase retrieval is applied.
    blur_um : float
        Standard deviation of the detector's point spread [µm].
    noise : float
        Standard deviation before denoising, in units of the step from pore to AM.
    tv_weight : float
        Total-variation weight, in the same units; 0 for none.
    non_local_means : bool
        Whether the volume is denoised by non-local means.
    """

    name: str
    energy_keV: int = 28
    distance_mm: float = 3.0
    retrieval: bool = True
    blur_um: float = 0.25
    noise: float = 0.12
    tv_weight: float = 0.06
    non_local_means: bool = False


SCENARIOS = {
    "phase-retrieved": Imaging("phase-retrieved"),
    "edge-enhanced": Imaging("edge-enhanced", distance_mm=2.0, retrieval=False),
    # Sample D of the paper: 25 keV, 15 mm, non-local means.
    "correlative": Imaging(
        "correlative", energy_keV=25, distance_mm=15.0, tv_weight=0.0, non_local_means=True
    ),
}


def imaging(scenario, **changes):
    """
    Settings of an imaging scenario, with some of them changed.

    Parameters
    ----------
    scenario : str or Imaging
        ``phase-retrieved``, ``edge-enhanced`` or ``correlative``.
    **changes
        Fields of :class:`Imaging`.

    Raises
    ------
    ValueError
        If the scenario is unknown or a length, noise or weight is negative.
    """
    if not isinstance(scenario, Imaging):
        if scenario not in SCENARIOS:
            raise ValueError(
                f"Unknown imaging scenario {scenario!r}; expected one of {', '.join(SCENARIOS)}."
            )
        scenario = SCENARIOS[scenario]
    settings = replace(scenario, **changes)
    for name in ("distance_mm", "blur_um", "noise", "tv_weight"):
        if not getattr(settings, name) >= 0:
            raise ValueError(f"{name} is {getattr(settings, name)}; expected 0 or more.")
    return settings


def image(composition, voxel_size_um, *, scenario="phase-retrieved", seed, **changes):
    """
    Tomogram of a specimen.

    Parameters
    ----------
    composition : (3, Z, Y, X) ndarray of float
        Share [-] of each phase in each voxel, periodic in y and x.
    voxel_size_um : float
        Voxel edge [µm].
    scenario : str or Imaging
        See :data:`SCENARIOS`.
    seed : int or sequence of int
        Of the noise.
    **changes
        Fields of :class:`Imaging` to override, such as ``noise=0.05``.

    Returns
    -------
    gray : (Z, Y, X) ndarray of float32
        Gray values, scaled so that the attenuation of air is 0 and that of AM is 1.

    Raises
    ------
    ValueError
        If the composition has another shape, or a setting is out of range.
    """
    settings = imaging(scenario, **changes)
    voxel_size_um = check_voxel_size(voxel_size_um)
    composition = _check_composition(composition)
    gray = _filtered(composition, voxel_size_um, settings)
    if settings.noise > 0:
        noise = noise_field(gray.shape, voxel_size_um, settings, np.random.default_rng(seed))
        gray += settings.noise * noise
    gray = gray.astype(np.float32)
    if settings.tv_weight > 0:
        gray = denoising.total_variation(gray, settings.tv_weight)
    if settings.non_local_means:
        gray = denoising.non_local_means(gray, settings.noise)
    return gray


def noise_field(shape, voxel_size_um, settings, rng):
    """
    Noise of unit variance with the spectrum of a filtered back-projection.

    White noise on the projections becomes, after ramp and Hann window, noise whose power grows
    in proportion to the in-plane frequency and is cut at the Nyquist frequency; retrieval and
    interpolation damp it further. Along z it is white but for the retrieval.

    Parameters
    ----------
    shape : tuple of int
        (Z, Y, X).
    voxel_size_um : float
    settings : Imaging
    rng : numpy.random.Generator

    Returns
    -------
    noise : (Z, Y, X) ndarray of float64
    """
    check_voxel_size(voxel_size_um)
    k_plane, kz = _frequencies(shape, voxel_size_um)
    amplitude = np.sqrt(k_plane)
    amplitude *= optics.hann(k_plane, voxel_size_um) * optics.interpolation(k_plane, voxel_size_um)
    spectrum = scipy.fft.rfftn(rng.standard_normal(shape, dtype=np.float32).astype(np.float64))
    weights = np.ones(spectrum.shape[-1])
    weights[1 : (shape[2] + 1) // 2] = 2  # the half spectrum stands for both halves
    power = 0.0
    ratio = optics.beam(settings.energy_keV).ratio_um
    for n, k in enumerate(kz):
        factor = amplitude
        if settings.retrieval:
            distance_um = settings.distance_mm * 1e3
            factor = amplitude * optics.retrieval(k**2 + k_plane**2, distance_um, ratio)
        spectrum[n] *= factor
        power += float(np.sum(weights * factor**2))
    noise = scipy.fft.irfftn(spectrum, s=shape)
    noise /= np.sqrt(power / np.prod(shape))
    return noise


def _filtered(composition, voxel_size_um, settings):
    """Noise-free reconstruction, scaled by the attenuation of AM."""
    attenuation, decrement = optics.maps(composition, settings.energy_keV)
    constants = optics.beam(settings.energy_keV)
    depth = attenuation.shape[0]
    # Mirrored ends: a window inside the electrode, without the fringe of its outer faces.
    padding = min(_PADDING, depth - 1)
    total = scipy.fft.next_fast_len(depth + 2 * padding)
    extend = [(padding, total - depth - padding), (0, 0), (0, 0)]
    mirrored = np.pad(attenuation.astype(np.float64), extend, mode="symmetric")
    absorbed = scipy.fft.rfftn(mirrored)
    mirrored = np.pad(decrement.astype(np.float64), extend, mode="symmetric")
    refracted = scipy.fft.rfftn(mirrored)
    k_plane, kz = _frequencies(mirrored.shape, voxel_size_um)
    distance_um = settings.distance_mm * 1e3
    window = optics.hann(k_plane, voxel_size_um) * optics.interpolation(k_plane, voxel_size_um)
    for n, k in enumerate(kz):
        k2 = k**2 + k_plane**2
        factor = window * optics.blur(k2, settings.blur_um)
        if settings.retrieval:
            factor = factor * optics.retrieval(k2, distance_um, constants.ratio_um)
        refracted[n] *= distance_um * k2
        absorbed[n] += refracted[n]
        absorbed[n] *= factor
    gray = scipy.fft.irfftn(absorbed, s=mirrored.shape)[padding : padding + depth]
    return gray / constants.attenuation_per_um[Phase.AM]


def _frequencies(shape, voxel_size_um):
    """In-plane angular frequency (Y, X // 2 + 1) and that along z (Z,) [1/µm]."""
    step = 2 * np.pi / voxel_size_um
    kz, ky = (step * np.fft.fftfreq(n) for n in shape[:2])
    kx = step * np.fft.rfftfreq(shape[2])
    return np.hypot(ky[:, None], kx[None, :]), kz


def _check_composition(composition):
    composition = np.asarray(composition)
    if composition.ndim != 4 or composition.shape[0] != len(Phase):
        raise ValueError(
            f"The composition has shape {composition.shape}; expected (3, Z, Y, X), one row for "
            "each phase. For labels: numpy.stack([labels == phase for phase in Phase])."
        )
    return composition
