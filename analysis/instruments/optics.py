"""How the phases attenuate and refract hard X-rays, and how a near-field image forms.

All lengths in µm, so attenuation is in 1/µm.
"""

from dataclasses import dataclass

import numpy as np

from analysis.phases import Phase, check_voxel_size

# Attenuation [1/m] and refractive index decrement [-] of the phases. NMC622 at 4.77 g/cm3; the CBD
# with half of its volume in nanopores; air as vacuum. From tabulated mass attenuation
# coefficients and electron densities, checked against the Elam tables of xraydb 4.5
# (https://xraypy.github.io/XrayDB): 3352 1/m and 1.210e-6 for NMC622, 30.8 1/m and 2.31e-7 for
# the CBD at 28 keV.
_CONSTANTS = {
    28: {Phase.AM: (3349.0, 1.20e-6), Phase.CBD: (31.5, 2.31e-7), Phase.PORE: (0.0, 0.0)},
    25: {Phase.AM: (4594.0, 1.51e-6), Phase.CBD: (38.5, 2.90e-7), Phase.PORE: (0.0, 0.0)},
}


@dataclass(frozen=True)
class Beam:
    """Attenuation [1/µm] and refractive index decrement [-], in the order of `Phase`."""

    energy_keV: int
    attenuation_per_um: tuple
    decrement: tuple

    @property
    def ratio_um(self):
        """Decrement over attenuation of the active material [µm]; sets the retrieval."""
        return self.decrement[Phase.AM] / self.attenuation_per_um[Phase.AM]


def beam(energy_keV):
    """
    Constants of the phases at a photon energy.

    Raises
    ------
    ValueError
        If there are no constants for that energy.
    """
    if energy_keV not in _CONSTANTS:
        known = ", ".join(f"{energy} keV" for energy in _CONSTANTS)
        raise ValueError(
            f"No optical constants for {energy_keV} keV; expected one of {known}. Add a row "
            "with its source to analysis/instruments/optics.py."
        )
    rows = _CONSTANTS[energy_keV]
    return Beam(
        energy_keV,
        tuple(rows[phase][0] * 1e-6 for phase in Phase),
        tuple(rows[phase][1] for phase in Phase),
    )


def maps(composition, energy_keV):
    """
    Attenuation and decrement of a composition.

    Parameters
    ----------
    composition : (3, ...) ndarray of float
        Share [-] of each phase.
    energy_keV : int

    Returns
    -------
    attenuation, decrement : (...) ndarray of float32
        Attenuation in 1/µm.
    """
    constants = beam(energy_keV)
    attenuation = np.zeros(composition.shape[1:], np.float32)
    decrement = np.zeros(composition.shape[1:], np.float32)
    for phase in Phase:
        share = np.asarray(composition[phase], dtype=np.float32)
        attenuation += np.float32(constants.attenuation_per_um[phase]) * share
        decrement += np.float32(constants.decrement[phase]) * share
    return attenuation, decrement


def retrieval(k2, distance_um, ratio_um):
    """
    Single-distance phase retrieval (Paganin) as a factor of squared spatial frequency.

    Exact for the active material: its fringe and its attenuation then have one shape.

    Parameters
    ----------
    k2 : ndarray
        Squared angular frequency [1/µm²].
    distance_um : float
        Propagation distance [µm].
    ratio_um : float
        Decrement over attenuation [µm].
    """
    return 1 / (1 + distance_um * ratio_um * k2)


def blur(k2, width_um):
    """Gaussian detector blur of standard deviation `width_um`, as a factor."""
    return np.exp(-0.5 * width_um**2 * k2)


def hann(k, voxel_size_um):
    """Hann window up to the Nyquist frequency of the detector, zero beyond."""
    check_voxel_size(voxel_size_um)
    nyquist = np.pi / voxel_size_um
    return np.where(np.abs(k) < nyquist, 0.5 * (1 + np.cos(np.pi * k / nyquist)), 0.0)


def interpolation(k, voxel_size_um):
    """Factor that linear interpolation between detector pixels puts on a frequency."""
    check_voxel_size(voxel_size_um)
    return np.sinc(k * voxel_size_um / (2 * np.pi)) ** 2
