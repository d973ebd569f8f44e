"""Fractions and ionic transport of a labelled volume, slice by slice."""

from dataclasses import dataclass

import numpy as np

from analysis.electrochemistry.transport.effective import (
    Transport,
    check_gamma,
    effective_conductivity,
    ionic_conductivity,
)
from analysis.phases import CBD_POROSITY, Phase, check_labels, check_voxel_size


@dataclass(frozen=True)
class DepthProfile:
    """
    What the 1D porous electrode needs to know of a labelled volume, slice by slice.

    Attributes
    ----------
    pore, cbd, active : (Z,) ndarray of float
        Volume fractions [-].
    porosity : (Z,) ndarray of float
        Electrolyte volume: pore plus the inner pores of the CBD [-].
    ionic : (Z,) ndarray of float
        Effective ionic transport coefficient relative to bulk electrolyte [-]; its harmonic
        mean is that of the whole volume.
    ionic_value : float
        Coefficient of the whole volume [-].
    voxel_size_um : float
        Height of a slice [µm].
    transport : Transport
        The solution behind `ionic`.
    """

    pore: np.ndarray
    cbd: np.ndarray
    active: np.ndarray
    porosity: np.ndarray
    ionic: np.ndarray
    ionic_value: float
    voxel_size_um: float
    transport: Transport


def depth_profile(labels, gamma, *, voxel_size_um, start=None, threads=1, device="cpu"):
    """
    Fractions and ionic transport of a labelled volume against depth.

    Parameters
    ----------
    labels : (Z, Y, X) ndarray of uint8
        Phase of each voxel; slice 0 touches the separator.
    gamma : float
        Effective transport parameter of the electrolyte in the CBD [-], in (0, 0.5].
    voxel_size_um : float
        Voxel edge [µm].
    start : Transport, optional
        Solution at a neighboring gamma.
    threads : int
        Threads to use.
    device : {"cpu", "cuda"}
        Where to solve; see :func:`effective_conductivity`.

    Returns
    -------
    profile : DepthProfile
        Arrays by slice.

    Raises
    ------
    ValueError
        If gamma or the voxel size is out of range or no ionic path reaches the collector side.
    """
    labels = check_labels(labels)
    voxel_size_um = check_voxel_size(voxel_size_um)
    gamma = check_gamma(gamma)
    # Not bound to a name, so that the solver can let go of it.
    transport = effective_conductivity(
        ionic_conductivity(labels, gamma), start=start, threads=threads, device=device
    )
    per_slice = labels[0].size
    pore, cbd, active = (
        np.count_nonzero(labels == phase, axis=(1, 2)) / per_slice for phase in Phase
    )
    return DepthProfile(
        pore=pore,
        cbd=cbd,
        active=active,
        porosity=pore + CBD_POROSITY * cbd,
        ionic=1 / transport.resistance_per_slice,
        ionic_value=transport.value,
        voxel_size_um=float(voxel_size_um),
        transport=transport,
    )
