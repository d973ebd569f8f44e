"""A labelled volume reduced to what the 1D half cell needs, for any gamma.

The steady problem on the voxels is solved at a few values of gamma; between them the transport
of every slab is interpolated. One volume then serves a whole fit.
"""

from dataclasses import dataclass

import numpy as np

from analysis.electrochemistry.materials import DEFAULT
from analysis.electrochemistry.porous_electrode.mesh import ElectrodeProfile
from analysis.electrochemistry.transport import effective as transport
from analysis.electrochemistry.transport import reactive_surface
from analysis.phases import CBD_POROSITY, Phase, check_labels, check_voxel_size

GAMMA_NODES = (0.005, 0.02, 0.06, 0.16, 0.5)
SLAB_VOXELS = 8


@dataclass(frozen=True)
class Structure:
    """
    Depth profiles of an electrode and their dependence on gamma.

    Parameters
    ----------
    thickness_m : float
        Thickness.
    active, electrolyte : (Z,) ndarray
        Volume fractions [-] of each slice, separator side first.
    surface_1_m : (Z,) ndarray
        Reactive surface per volume [1/m]; the first slice also holds the AM's surface against the
        separator.
    electronic_S_m : (Z,) ndarray
        Effective electronic conductivity [S/m]: that of the CBD by Bruggeman's exponent 1.5; the
        paper found electronic losses to be minor.
    radius_m : float
        Radius of spheres with the volume and surface of the active material.
    gammas : (G,) ndarray
        Values [-] at which the transport was computed, increasing.
    transport : (G, Z) ndarray
        Effective ionic conductivity relative to bulk [-].
    """

    thickness_m: float
    active: np.ndarray
    electrolyte: np.ndarray
    surface_1_m: np.ndarray
    electronic_S_m: np.ndarray
    radius_m: float
    gammas: np.ndarray
    transport: np.ndarray

    def at(self, gamma):
        """
        The electrode at one gamma.

        Raises
        ------
        ValueError
            If `gamma` is outside (0, 0.5] or outside the values that were computed.
        """
        gamma = transport.check_gamma(gamma)
        low, high = self.gammas[0], self.gammas[-1]
        if not low * (1 - 1e-9) <= gamma <= high * (1 + 1e-9):
            raise ValueError(
                f"gamma is {gamma:g}; transport was computed between {low:g} and {high:g}. "
                "Compute the structure with more values."
            )
        return ElectrodeProfile(
            thickness_m=self.thickness_m,
            active=self.active,
            electrolyte=self.electrolyte,
            surface_1_m=self.surface_1_m,
            transport=np.exp(self._spline()(np.log(gamma))),
            electronic_S_m=self.electronic_S_m,
            radius_m=self.radius_m,
        )

    def effective(self, gamma):
        """Effective transport coefficient of the whole electrode [-] at `gamma`."""
        return float(1 / np.mean(1 / self.at(gamma).transport))

    def _spline(self):
        from scipy.interpolate import CubicSpline, PchipInterpolator

        make = CubicSpline if self.gammas.size > 3 else PchipInterpolator
        if self.gammas.size == 1:
            return lambda _: np.log(self.transport[0])
        return make(np.log(self.gammas), np.log(self.transport))


def from_labels(
    labels,
    voxel_size_um,
    *,
    gammas=GAMMA_NODES,
    materials=DEFAULT,
    slab_voxels=SLAB_VOXELS,
    threads=1,
):
    """
    Reduce a labelled volume to a :class:`Structure`.

    Parameters
    ----------
    labels : (Z, Y, X) ndarray of uint8
        Phase of each voxel, slice 0 at the separator.
    voxel_size_um : float
        Voxel edge [µm].
    gammas : sequence of float
        Values of gamma [-] at which the voxel problem is solved.
    materials : HalfCell
        Gives the conductivity of the CBD and the porosity of the separator.
    slab_voxels : int
        Slices that share one value of the surface.
    threads : int
        Threads of the voxel solver.

    Returns
    -------
    Structure

    Raises
    ------
    ValueError
        If the labels are no volume, a gamma is out of range, or no path leads through the
        electrode; the message names the slice where it closes.
    """
    labels = check_labels(labels)
    voxel_size_um = check_voxel_size(voxel_size_um)
    gammas = np.sort([transport.check_gamma(gamma) for gamma in np.atleast_1d(gammas)])
    _check_electronic(labels)
    pore, cbd, active = (np.mean(labels == phase, axis=(1, 2)) for phase in Phase)
    by_gamma, start = [], None
    for gamma in gammas[::-1]:
        conductivity = transport.ionic_conductivity(labels, gamma)
        start = transport.effective_conductivity(conductivity, start=start, threads=threads)
        by_gamma.append(1 / start.resistance_per_slice)
    reactive, area_am = reactive_surface.profile(labels, voxel_size_um, slab_voxels)
    at_separator = reactive_surface.against_separator(labels, materials.separator.porosity)
    reactive[0] += at_separator / voxel_size_um
    return Structure(
        thickness_m=labels.shape[0] * voxel_size_um * 1e-6,
        active=active,
        electrolyte=pore + CBD_POROSITY * cbd,
        surface_1_m=1e6 * reactive,
        electronic_S_m=materials.binder.conductivity_S_m * np.maximum(cbd, 1e-3) ** 1.5,
        radius_m=3e-6 * float(np.mean(active)) / area_am,
        gammas=gammas,
        transport=np.array(by_gamma[::-1]),
    )


def _check_electronic(labels):
    from analysis.electrochemistry.transport import percolation as grid

    grid.check_path(labels != Phase.PORE, "electron-conducting")
