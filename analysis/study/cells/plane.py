"""A plane of voxels lithiated in FiPy and by the resolved solver, the bridge to chapter 14b."""

import time
from dataclasses import dataclass

import numpy as np
import pandas as pd

from analysis.electrochemistry import fipy_voxels
from analysis.electrochemistry.resolved.half_cell import lithiate as lithiate_volume
from analysis.electrochemistry.resolved.time_integration import ResolvedControl
from analysis.electrochemistry.transport.effective import (
    effective_conductivity,
    ionic_conductivity,
)
from analysis.phases import Phase

VOXEL_UM = 1.284
CURRENT_MA_CM2 = 6.0
END_V = 3.3  # below, the last salt decides, and both take many small steps


@dataclass(frozen=True)
class Pair:
    """One plane in FiPy and in the resolved solver, on the same steps, with CPU seconds."""

    labels: np.ndarray
    fipy: fipy_voxels.PlaneLithiation
    resolved: object
    fipy_s: float
    resolved_s: float

    @property
    def miss_mV(self):
        """Difference of the voltages at the ends of the steps [mV]."""
        return 1e3 * (self.fipy.voltage_V - self.resolved.voltage_V[-self.fipy.time_s.size :])

    @property
    def rms_mV(self):
        """Root mean square of :attr:`miss_mV`."""
        return float(np.sqrt(np.mean(self.miss_mV**2)))


def section(shape, seed, *, radii=(2.0, 4.5)):
    """
    Draw a plane of round grains in a net of binder.

    A plane cut out of an electrode does not do: its pores and its binder join in the third
    dimension, and almost nothing of it would take part. Here each grain has a rim of binder, and
    rims touch.

    Parameters
    ----------
    shape : (int, int)
        Voxels along z and x.
    seed : int
        Of the random grains.
    radii : (float, float)
        Smallest and largest radius of a grain [voxels].

    Returns
    -------
    labels : (Z, 1, X) ndarray of uint8
    """
    rng = np.random.default_rng(seed)
    z, x = np.indices(shape) + 0.5
    grains, taken = np.zeros(shape, bool), np.zeros(shape, bool)
    nearest = np.full(shape, np.inf)
    for radius in np.linspace(radii[1], radii[0], 12):  # small grains fill what is left
        for _ in range(200):
            middle = rng.uniform((0, 0), shape)
            distance = np.hypot(z - middle[0], x - middle[1])
            if not taken[distance < radius + 1.0].any():
                grains |= distance < radius
                taken |= distance < radius + 1.0
                nearest = np.minimum(nearest, distance - radius)
    labels = np.full(shape, Phase.PORE, np.uint8)
    labels[nearest < 1.5] = Phase.CBD
    labels[grains] = Phase.AM
    return labels[:, None, :]


def lithiate(labels, gamma, *, voxel_size_um=VOXEL_UM, end_s=np.inf, cutoff_V=END_V, tolerance=2.0):
    """
    Lithiate a plane by the resolved solver, and in FiPy on its steps.

    Parameters
    ----------
    labels : (Z, 1, X) ndarray of uint8
        The plane.
    gamma : float
        Of the CBD.
    voxel_size_um, end_s, cutoff_V : float
        Voxel edge [µm], latest time [s], voltage at the end.
    tolerance : float
        Factor on the tolerance of the time steps.

    Returns
    -------
    Pair
    """
    begin = time.process_time()
    resolved = lithiate_volume(
        labels,
        gamma,
        CURRENT_MA_CM2,
        voxel_size_um=voxel_size_um,
        cutoff_V=cutoff_V,
        end_s=end_s,
        control=ResolvedControl().times(tolerance),
        threads=1,
    )
    middle = time.process_time()
    times = resolved.time_s[resolved.time_s > 0]
    ours = fipy_voxels.lithiate(labels, gamma, CURRENT_MA_CM2, times, voxel_size_um=voxel_size_um)
    return Pair(labels, ours, resolved, time.process_time() - middle, middle - begin)


def run(profile):
    """The plane of a profile, drawn with its seed; returns a :class:`Pair`."""
    labels = section(profile.plane_shape, profile.seed_for("plane"))
    return lithiate(labels, profile.gamma_true)


def steady(labels, gamma):
    """
    Effective ionic conductivity of a plane in FiPy and by the multigrid solver.

    Returns
    -------
    fipy, ours : float
        Relative to the bulk [-].
    """
    kappa = ionic_conductivity(labels, gamma)
    return fipy_voxels.effective_conductivity(kappa), effective_conductivity(kappa).value


def refined(profile, shape=(12, 8), end_s=60.0, factors=(1, 2, 4)):
    """
    One small plane on voxels of its edge, a half and a quarter of it.

    Parameters
    ----------
    profile : str
        Name of the profile, for the seed.
    shape : (int, int)
        Coarse voxels.
    end_s : float
        Time at which the voltage is compared [s].
    factors : sequence of int
        Voxels along the edge of a coarse one.

    Returns
    -------
    table : pandas.DataFrame
        Voxel edge h [µm], voltage at `end_s` in FiPy and of the resolved solver [V], effective
        conductivity in FiPy [-].
    """
    coarse = section(shape, profile.seed_for("plane", "refined"), radii=(1.2, 2.2))
    rows = []
    for factor in factors:
        labels = coarse.repeat(factor, 0).repeat(factor, 2)
        pair = lithiate(
            labels,
            profile.gamma_true,
            voxel_size_um=2 * VOXEL_UM / factor,
            end_s=end_s,
            tolerance=4.0,
        )
        rows.append(
            {
                "h_um": 2 * VOXEL_UM / factor,
                "fipy_V": pair.fipy.voltage_V[-1],
                "resolved_V": pair.resolved.voltage_V[-1],
                "rms_mV": pair.rms_mV,
                "conductivity": steady(labels, profile.gamma_true)[0],
            }
        )
    return pd.DataFrame(rows)


def order(values):
    """Order in h from three values on edges halved twice; NaN if they do not converge."""
    first, second = np.diff(np.asarray(values, dtype=float))[:2]
    return float(np.log2(abs(first / second))) if second else np.nan


def orders_text(table):
    """
    Orders in h of voltage and conductivity, and what they say, in words.

    Parameters
    ----------
    table : pandas.DataFrame
        From :func:`refined`, on three edges.
    """
    orders = {"voltage": order(table.fipy_V), "conductivity": order(table.conductivity)}
    parts = [
        f"the {name} converges with order {value:.1f} in h"
        if np.isfinite(value)
        else f"the {name} has no order"
        for name, value in orders.items()
    ]
    text = " and ".join(parts)
    low = " and the ".join(name for name, value in orders.items() if value < 1.8)
    high = " and the ".join(name for name, value in orders.items() if value > 2.2)
    if low:
        text += (
            f". Smooth fields have order 2; less, as for the {low}, comes of the corners of the "
            "voxels, at which currents crowd"
        )
    if high:
        text += f". More than 2, for the {high}, says that the coarsest edge is too coarse for one"
    return text


def agreement_text(pair, limit_mV=1.0):
    """Whether FiPy and the resolved solver agree on a plane, in words."""
    same = "agree" if pair.rms_mV <= limit_mV else "do not agree"
    return (
        f"The two {same}: {pair.rms_mV:.2g} mV rms and {np.max(np.abs(pair.miss_mV)):.2g} mV at "
        f"most over {pair.fipy.time_s.size} steps"
    )
