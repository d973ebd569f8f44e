"""Effective transport through a voxel volume: div(k grad u) = 0, its profile and tortuosity.

Finite volumes on the voxels with harmonic means on the faces, fixed values on the two outer
faces of the transport axis (half a voxel from the first and last center) and no flux through
the sides. Everything is relative to the bulk, so lengths drop out.
"""

from dataclasses import dataclass

import numpy as np

from analysis.electrochemistry.transport import fields, multigrid
from analysis.electrochemistry.transport import percolation as grid
from analysis.electrochemistry.transport import stencil as _stencil
from analysis.electrochemistry.transport.devices import open_device
from analysis.phases import CBD_POROSITY

REVISIT = 4096  # cells of the smallest coarse level that is visited twice in each cycle
MOST_CONTRAST = 1e15


@dataclass(frozen=True)
class Transport:
    """
    Result of :func:`effective_conductivity`.

    Attributes
    ----------
    value : float
        Effective conductivity relative to bulk [-].
    tortuosity : float
        Mean of the conductivity over its effective value [-]. For one conducting phase this is
        the tortuosity factor, volume fraction / value.
    flux_per_slice : (Z + 1,) ndarray of float
        Flux through each plane between slices, both ends included, scaled so that it would
        equal `value` everywhere if the equations were solved exactly.
    resistance_per_slice : (Z,) ndarray of float
        Resistance of each slice relative to a slice of bulk, from the dissipated power. Its
        mean is 1 / `value`.
    iterations : int
        Multigrid cycles.
    residual : float
        Relative residual reached.
    error : float
        Estimated relative error of `value`, with a factor of safety; no strict bound.
    converged : bool
        Whether the error is below what was asked for; always true of a strict solve.
    inert : float
        Share of the conducting voxels that no path joins to both ends [-].
    potential : (Z, Y, X) ndarray of float32
        Solution between 1 at slice 0 and 0 at the last slice; a start for the next solve.
    """

    value: float
    tortuosity: float
    flux_per_slice: np.ndarray
    resistance_per_slice: np.ndarray
    iterations: int
    residual: float
    error: float
    converged: bool
    inert: float
    potential: np.ndarray

    @property
    def imbalance(self):
        """Flux in over flux out, minus one [-]."""
        return float(self.flux_per_slice[0] / self.flux_per_slice[-1] - 1)


def effective_conductivity(
    conductivity, axis=0, *, start=None, rtol=1e-6, threads=1, strict=True, device="cpu"
):
    """
    Effective conductivity of a volume along one axis.

    Parameters
    ----------
    conductivity : (Z, Y, X) ndarray of float
        Conductivity of each voxel relative to bulk [-]; zero where nothing conducts. Any scale
        is allowed. Clusters that do not join both ends are left out.
    axis : int
        Direction of transport.
    start : Transport, optional
        Result for similar values on the same structure, for a shorter way.
    rtol : float
        Largest relative error of `value`, as estimated; the residual relative to that of a zero
        potential is smaller as well. In ordinary volumes the error is smaller by far.
    threads : int
        Threads to use.
    strict : bool
        Whether a solution that misses `rtol` is an error. Pass False to look at ``converged``.
    device : {"cpu", "cuda"}
        Where to solve: on `threads` of the CPU, or on a graphics card (optional extra ``[gpu]``).
        The result is the same but for rounding. Clusters are found on the CPU in any case.

    Returns
    -------
    transport : Transport
        Value, tortuosity, fluxes and resistance by slice.

    Raises
    ------
    ValueError
        If a conductivity is negative or not finite, if conductivities differ by more than a factor
        of `MOST_CONTRAST`, or if no path joins both ends; the message names the slice where it
        closes.
    multigrid.ConvergenceError
        If `rtol` was not reached.
    cuda.card.CudaError
        If the card cannot be used, or has not enough memory.

    Notes
    -----
    Conjugate gradients with a multigrid preconditioner: about 0.4 µs of one core per voxel at
    a contrast of ten, and about 55 bytes of memory per voxel. At the end each slice is shifted by
    a constant such that the same current flows through every plane. This is the projection on
    potentials constant in a slice, which brings the solution nearer to the exact one, and
    makes flux in equal flux out long before the residual alone would.

    Examples
    --------
    >>> slab = np.ones((4, 8, 8))
    >>> slab[2:] = 0.5
    >>> round(effective_conductivity(slab).value, 6)
    0.666667
    """
    k3, unit = checked_conductivity(conductivity, axis)
    shape = nz, ny, nx = k3.shape
    if start is not None and start.potential.shape != shape:
        raise ValueError(
            f"The start value has shape {start.potential.shape}; the volume has {shape}. "
            "Start from a result of the same volume."
        )
    pool = open_device(device, threads)
    pool.check_memory("conduction", shape)
    conducting = k3 > 0
    path = grid.check_path(conducting, "conducting")
    count = np.count_nonzero(conducting)
    inert = 1 - np.count_nonzero(path) / count
    del conducting, conductivity  # of many voxels, a byte each counts
    mean = float(k3.mean(dtype=float)) * unit
    cells = multigrid.padded(shape)
    np.multiply(k3, path, out=cells[1:-1, 1:-1, 1:-1])
    del k3, path
    cells = pool.put(cells)
    cz, cy, cx = faces(cells, pool)
    pool.whole(fields.open_first, cells, cz)
    pool.whole(fields.open_last, cells, cz)
    hierarchy = multigrid.build(cz, cy, cx, pool=pool, revisit=REVISIT)

    b = pool.zeros(cells.shape)
    pool.whole(fields.enter, cz, b)
    x = pool.zeros(cells.shape, float)
    conductance = pool.zeros(nz + 1, float)
    pool.whole(fields.conductance_of_planes, cz, conductance)
    conductance = pool.get(conductance)
    if start is not None:
        pool.whole(fields.start_from, pool.put(start.potential), cells, x)
    else:
        pool.whole(fields.fill_slices, pool.put(_column_guess(conductance)), cells, x)

    power = pool.zeros(nz, float)

    def power_of(potential):
        pool.whole(fields.set_beyond, 1.0, potential)  # the fixed value beyond the first face
        pool.run(_stencil.dissipation, cells.size, nz, potential, cells, cz, cy, cx, power)
        pool.whole(fields.set_beyond, 0.0, potential)
        return pool.get(power).sum()

    def current_of(potential):
        """Current through each plane."""
        pool.whole(fields.set_beyond, 1.0, potential)
        current = pool.zeros(nz + 1, float)
        pool.run(_stencil.slice_flux, 0, nz + 1, potential, cz, current)
        return pool.get(current)

    solution = multigrid.solve(hierarchy, b, x, rtol=rtol, energy=power_of, strict=strict)
    shift = _balancing_shift(current_of(x), conductance)
    pool.whole(fields.shift_slices, pool.put(shift), cells, x)
    flux = current_of(x) * (nz / (ny * nx) * unit)
    pool.run(_stencil.dissipation, cells.size, nz, x, cells, cz, cy, cx, power)
    power = pool.get(power)
    # The power of unit potential is the conductance: a value without first-order error.
    value = float(power.sum()) * nz / (ny * nx) * unit
    potential = pool.zeros(shape)
    pool.whole(fields.rounded, x, potential)
    return Transport(
        value=value,
        tortuosity=mean / value,
        flux_per_slice=flux,
        resistance_per_slice=power / power.sum() * nz / value,
        iterations=solution.iterations,
        residual=solution.residual,
        error=solution.energy_error,
        converged=solution.converged,
        inert=inert,
        potential=pool.get(potential),
    )


def ionic_conductivity(labels, gamma):
    """Conductivity relative to bulk electrolyte: 1 in pore, `gamma` in CBD, 0 in AM."""
    return np.array([1.0, gamma, 0.0], np.float32)[labels]


def check_gamma(gamma):
    """
    Return gamma as a float.

    Raises
    ------
    ValueError
        If it is outside (0, 0.5].
    """
    value = float(gamma)
    if not 0 < value <= CBD_POROSITY:
        raise ValueError(
            f"gamma is {value}; expected a value in (0, {CBD_POROSITY}], the porosity of the CBD "
            "over a tortuosity of at least one. A value of 1/tau must be multiplied by 0.5."
        )
    return value


def faces(cells, pool):
    """Inner face conductances of padded cell conductivities, as three padded arrays."""
    cz, cy, cx = (pool.zeros(cells.shape) for _ in range(3))
    nz = cells.shape[0] - 2
    pool.run(_stencil.harmonic_faces, cells.size, nz, cells, cz, cy, cx)
    return cz, cy, cx


def checked_conductivity(conductivity, axis):
    """Conductivities along axis 0 as float32, the largest from 1 to 2, and the unit they are in."""
    k3 = np.asarray(conductivity)
    if k3.ndim != 3 or k3.size == 0:
        raise ValueError(
            f"The conductivity has shape {k3.shape}; expected a volume (Z, Y, X), one value per "
            "voxel."
        )
    if k3.dtype.kind not in "biuf":
        raise ValueError(f"Conductivities are of type {k3.dtype}; expected real numbers.")
    if axis not in (-3, -2, -1, 0, 1, 2):
        raise ValueError(f"There is no axis {axis} in a volume; expected 0, 1 or 2.")
    k3 = np.moveaxis(k3, axis, 0)
    low, high = float(k3.min()), float(k3.max())
    if not (np.isfinite(low) and np.isfinite(high)) or low < 0:
        raise ValueError(
            f"Conductivities run from {low:g} to {high:g}; expected finite values of zero or "
            "more, relative to bulk."
        )
    if low == 0 and high > 0:
        low = float(np.where(k3 > 0, k3, high).min())  # a third of the time of where= in min
    if low < high / MOST_CONTRAST:
        raise ValueError(
            f"Conductivities run from {low:g} to {high:g}, beyond a contrast of "
            f"{MOST_CONTRAST:.0e} that floating-point potentials resolve. Set to zero what does "
            "not conduct."
        )
    # A power of two changes no digit, so the result does not depend on the unit.
    exponent = int(np.frexp(high)[1]) - 1 if high > 0 else 0
    if exponent:
        k3 = np.ldexp(k3.astype(float), -exponent)
    return np.ascontiguousarray(k3, dtype=np.float32), 2.0**exponent


def _column_guess(planes):
    """Potential of each slice that falls as the conductance of the planes asks for."""
    drop = 1 / np.maximum(planes, 1e-3 * planes.max())
    fall = np.cumsum(drop)
    return 1 - fall[:-1] / fall[-1]


def _balancing_shift(current, conductance):
    """Constants to add to the slices such that all planes carry the same current."""
    # A shift s changes the current by conductance * (s[k - 1] - s[k]); s is 0 beyond both ends.
    common = np.sum(current / conductance) / np.sum(1 / conductance)
    return np.cumsum((current - common) / conductance)[:-1]
