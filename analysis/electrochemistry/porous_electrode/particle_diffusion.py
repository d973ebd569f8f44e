"""Lithium in spherical particles of active material.

Diffusion in the sphere is linear, so a time step changes the surface content by a known amount
per unit of current: ``x = base - response * i``. What the current is follows from
:mod:`~analysis.electrochemistry.porous_electrode.butler_volmer`.
"""

from dataclasses import dataclass
from functools import lru_cache

import numpy as np


@dataclass(frozen=True)
class Spheres:
    """
    Eigenmodes of diffusion in the unit sphere, from a polynomial Galerkin method.

    Mode 0 is the mean content, so that lithium is conserved to rounding; the number of modes
    decides how thin a boundary layer at the surface is resolved.

    Parameters
    ----------
    rate : (K,) ndarray
        Decay rates in units of D_s / R²; the first is zero.
    surface : (K,) ndarray
        Value of each mode at the surface.
    mean : (K,) ndarray
        Volume average of each mode; zero but for the first.
    """

    rate: np.ndarray
    surface: np.ndarray
    mean: np.ndarray


@lru_cache
def spheres(n_modes=20):
    """
    Diffusion modes of the unit sphere in even polynomials of the radius.

    Parameters
    ----------
    n_modes : int
        Number of modes kept; the polynomials have degree ``2 (n_modes - 1)``.

    Returns
    -------
    Spheres
    """
    from scipy.linalg import eigh
    from scipy.special import eval_jacobi

    nodes, weights = np.polynomial.legendre.leggauss(4 * n_modes + 4)
    r, weights = 0.5 * (nodes + 1), 0.5 * weights
    order = np.arange(n_modes)[:, None]
    s = 2 * r**2 - 1
    norm = np.sqrt(4 * order + 3)  # makes P_n^(0,1/2)(2r²-1) orthonormal under r² dr
    slope = np.where(
        order > 0,
        0.5 * (order + 1.5) * eval_jacobi(np.maximum(order - 1, 0), 1, 1.5, s) * 4 * r,
        0.0,
    )
    slope = slope * norm
    stiffness = (slope * (weights * r**2)) @ slope.T
    rate, vectors = eigh(stiffness)
    rate[0] = 0.0
    vectors[:, 0] = 0.0
    vectors[0, 0] = 1.0
    at_surface = vectors.T @ norm[:, 0]
    mean = np.zeros(n_modes)
    mean[0] = 3 * norm[0, 0] / 3  # 3 ∫ sqrt(3) r² dr
    return Spheres(rate, at_surface, mean)
