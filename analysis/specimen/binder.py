"""Where the CBD sits: one score, one threshold.

Binder solution dries into necks, onto surfaces and into clumps. The score is low where CBD is
likely; its weights are the *truth scenario*. With the necks alone the model would be a
closing of the active material, the assumption behind EDX-Closing; with the random fields
alone it would be clusters that know nothing of the particles. The scenarios lie between.
"""

from dataclasses import dataclass

import numpy as np
from numba import njit
from scipy import ndimage

from analysis.descriptors import size
from analysis.phases import check_voxel_size
from analysis.specimen import fields

FINE_WIDTH_UM = 0.9  # of the two random fields
COARSE_WIDTH_UM = 2.5
FILM_REACH_UM = 2.5  # beyond, the distance to the active material does not matter
_SMOOTHING_VOXELS = 0.7
_WRAP = 16  # voxels repeated around the lateral faces before the opening


@dataclass(frozen=True)
class Scenario:
    """
    Weights [-] of what attracts CBD.

    Attributes
    ----------
    necks : float
        Of the logarithm of the local pore size.
    film_per_um : float
        Of the distance [1/µm] to the active material.
    fine, coarse : float
        Of the random fields of 0.9 and 2.5 µm.
    """

    name: str
    necks: float
    film_per_um: float
    fine: float
    coarse: float


SCENARIOS = {
    "bridging": Scenario("bridging", necks=1.0, film_per_um=0.08, fine=0.7, coarse=0.3),
    "cluster": Scenario("cluster", necks=0.3, film_per_um=0.02, fine=0.6, coarse=0.9),
}


def scenario(name):
    """
    Truth scenario of that name; a :class:`Scenario` is passed through.

    Raises
    ------
    ValueError
        If there is none of that name.
    """
    if isinstance(name, Scenario):
        return name
    if name not in SCENARIOS:
        raise ValueError(
            f"Unknown truth scenario {name!r}; expected one of {', '.join(SCENARIOS)}, or a "
            "Scenario."
        )
    return SCENARIOS[name]


def pore_size_field(am, voxel_size_um):
    """
    Coefficients of the logarithm of the local pore size.

    The local pore size is the radius of the largest ball that covers a point without touching
    the active material, measured to the voxel face. Where there is no pore the values of the
    neighborhood are continued.

    Parameters
    ----------
    am : (Z, Y, X) ndarray of bool
        Active material.
    voxel_size_um : float

    Returns
    -------
    coefficients : (Z + 4, Y, X) ndarray of float32
        See :mod:`analysis.specimen.fields`.
    """
    check_voxel_size(voxel_size_um)
    wrap = [(0, 0)] + [(min(_WRAP, n), min(_WRAP, n)) for n in am.shape[1:]]
    free = np.pad(~am, wrap, mode="wrap")
    squared = size.opening_map(free)
    inner = tuple(slice(low, low + n) for (low, _), n in zip(wrap, am.shape, strict=True))
    radius = np.sqrt(squared[inner].astype(np.float32))
    smallest = np.float32(np.log(0.5 * voxel_size_um))
    logarithm = np.log(np.maximum((radius - 0.5) * voxel_size_um, np.float32(1e-6)))
    weight = (squared[inner] > 0).astype(np.float32)
    del free, squared, radius
    modes = ("nearest", "wrap", "wrap")
    value = np.where(weight > 0, np.maximum(logarithm, smallest), np.float32(0))
    value = ndimage.gaussian_filter(value, _SMOOTHING_VOXELS, mode=modes)
    weight = ndimage.gaussian_filter(weight, _SMOOTHING_VOXELS, mode=modes)
    # Deep inside the particles nothing is known, and nothing is asked.
    known = weight > 1e-3
    value = np.where(known, value / np.maximum(weight, np.float32(1e-3)), smallest)
    margin = fields.MARGIN
    return np.pad(value, [(margin, margin), (0, 0), (0, 0)], mode="edge").astype(np.float32)


@njit(cache=True)
def score(pore_size, outside_um, fine, coarse, necks, film, weight_fine, weight_coarse, out):
    """
    Combine the four contributions; low values attract CBD.

    Parameters
    ----------
    pore_size, outside_um, fine, coarse : (K, J, I) ndarray of float32
        Logarithm of the local pore size, distance to the active material [µm], random fields.
    necks, film, weight_fine, weight_coarse : float
        Weights of the scenario.
    out : (K, J, I) ndarray of float32
        Result; may be one of the inputs.
    """
    reach = np.float32(FILM_REACH_UM)
    n, f = np.float32(necks), np.float32(film)
    a, b = np.float32(weight_fine), np.float32(weight_coarse)
    for k in range(out.shape[0]):
        for j in range(out.shape[1]):
            for i in range(out.shape[2]):
                d = min(max(outside_um[k, j, i], np.float32(0)), reach)
                out[k, j, i] = (
                    n * pore_size[k, j, i] + f * d + a * fine[k, j, i] + b * coarse[k, j, i]
                )
