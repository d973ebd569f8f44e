"""Active-material particles: a relaxed packing of spheres, equalised over the depth.

The spheres are the skeleton of the particles; a random field roughens them later
(:mod:`analysis.specimen.electrode`). Positions are (z, y, x) in µm, periodic in y and x,
between two walls in z.
"""

import math
from dataclasses import dataclass

import numpy as np
from numba import njit

MEDIAN_RADIUS_UM = 5.1  # by volume; with HARD_CORE calibrated on one column of Table 2
LOG_SPREAD = 0.35
MIN_RADIUS_UM = 0.9
HARD_CORE = 0.91  # centers keep at least this share of the sum of radii; sets the necks
SPHERE_VOLUME = 0.68  # summed over spheres, overlaps counted twice, per volume
REACH_UM = 3.0  # distances to the spheres are exact up to here, and cut off beyond

_SWEEPS = 150
_REBUILD = 10  # sweeps between two neighbor lists
_WALL = 0.75  # centers stay this share of the radius inside the walls


@dataclass(frozen=True)
class Packing:
    """Centers (N, 3) [µm], radii (N,) [µm] and the box (z, y, x) [µm] that holds them."""

    centers_um: np.ndarray
    radii_um: np.ndarray
    box_um: tuple


def draw_radii(volume_um3, rng, *, median_um=MEDIAN_RADIUS_UM, largest_um=math.inf):
    """
    Radii of spheres, lognormal by volume, that add up to the sphere volume of a box.

    Parameters
    ----------
    volume_um3 : float
        Volume of the box [µm³].
    rng : numpy.random.Generator
    median_um : float
        Volume-weighted median radius [µm].
    largest_um : float
        Upper limit [µm], besides three medians.

    Returns
    -------
    radii_um : (N,) ndarray
        In descending order.
    """
    # A lognormal by volume is lognormal by number with the median shifted by -3 sigma².
    by_number = math.log(median_um) - 3 * LOG_SPREAD**2
    wanted = SPHERE_VOLUME * volume_um3 * 3 / (4 * math.pi)
    expected = math.exp(3 * by_number + 4.5 * LOG_SPREAD**2)
    n_drawn = int(2 * wanted / expected) + 100
    radii = rng.lognormal(by_number, LOG_SPREAD, n_drawn)
    radii = np.clip(radii, MIN_RADIUS_UM, min(3 * median_um, largest_um))
    n_used = 1 + int(np.searchsorted(np.cumsum(radii**3), wanted))
    return np.sort(radii[:n_used])[::-1].copy()


def pack(box_um, rng, *, median_um=MEDIAN_RADIUS_UM, hard_core=HARD_CORE):
    """
    Random packing of polydisperse spheres, relaxed until overlaps are shallow.

    Parameters
    ----------
    box_um : tuple of float
        Edges (z, y, x) [µm]; periodic in y and x.
    rng : numpy.random.Generator
    median_um : float
        Volume-weighted median radius [µm].
    hard_core : float
        Smallest center distance aimed at, as a share of the sum of radii.

    Returns
    -------
    Packing
    """
    # A sphere must not meet its own periodic image.
    radii = draw_radii(
        math.prod(box_um), rng, median_um=median_um, largest_um=0.4 * min(box_um[1:])
    )
    centers = rng.random((radii.size, 3)) * np.asarray(box_um)
    _confine(centers, radii, box_um[0])
    for _ in range(_SWEEPS // _REBUILD):
        first, second = _neighbors(centers, radii, np.asarray(box_um), hard_core, 0.5)
        _relax(centers, radii, np.asarray(box_um), hard_core, first, second, _REBUILD)
        _confine(centers, radii, box_um[0])
    return Packing(centers, radii, tuple(float(edge) for edge in box_um))


def stretch(spheres, measured, target):
    """
    Move the centers along z so that a measured depth profile becomes the target.

    The displacement maps the cumulated measured profile onto the cumulated target; it is
    monotone, and leaves the walls in place.

    Parameters
    ----------
    spheres : Packing
    measured, target : (M,) ndarray
        Volume fraction [-] of AM in M equal slabs from separator to collector.

    Returns
    -------
    Packing
    """
    edges = np.linspace(0, spheres.box_um[0], len(measured) + 1)
    have = np.concatenate([[0], np.cumsum(measured)])
    want = np.concatenate([[0], np.cumsum(target)])
    share = np.interp(spheres.centers_um[:, 0], edges, have / have[-1])
    centers = spheres.centers_um.copy()
    centers[:, 0] = np.interp(share, want / want[-1], edges)
    _confine(centers, spheres.radii_um, spheres.box_um[0])
    return Packing(centers, spheres.radii_um, spheres.box_um)


def signed_distance(spheres, z_um, y_um, x_um, out=None):
    """
    Distance [µm] to the nearest sphere surface on a grid, negative inside.

    Parameters
    ----------
    spheres : Packing
    z_um, y_um, x_um : 1D ndarray
        Evenly spaced, ascending positions of the grid planes [µm]. Lateral positions may
        lie outside the box: it repeats.
    out : (Z, Y, X) ndarray of float32, optional
        Where to write.

    Returns
    -------
    distance : (Z, Y, X) ndarray of float32
        Cut off at :data:`REACH_UM`.
    """
    if out is None:
        out = np.empty((len(z_um), len(y_um), len(x_um)), np.float32)
    out.fill(REACH_UM)
    axes = [np.ascontiguousarray(axis, dtype=np.float64) for axis in (z_um, y_um, x_um)]
    _rasterize(spheres.centers_um, spheres.radii_um, np.asarray(spheres.box_um), *axes, out)
    return out


def _confine(centers, radii, height):
    """Push centers inside the walls, in place."""
    inset = np.minimum(_WALL * radii, height / 2)
    np.clip(centers[:, 0], inset, height - inset, out=centers[:, 0])


@njit(cache=True)
def _neighbors(centers, radii, box, hard_core, skin):
    """
    Pairs (i, j), j not larger than i, closer than `hard_core` radii plus `skin`.

    Cells are small; each sphere searches as far as its own radius asks for. Searching
    from the larger partner keeps the many small spheres cheap.
    """
    n = radii.size
    edge = 4.0
    nz = max(1, int(box[0] / edge))
    ny = max(1, int(box[1] / edge))
    nx = max(1, int(box[2] / edge))
    cell = np.empty((n, 3), np.int64)
    head = np.full(nz * ny * nx, -1, np.int64)
    following = np.full(n, -1, np.int64)
    for i in range(n):
        cell[i, 0] = min(nz - 1, int(centers[i, 0] / box[0] * nz))
        cell[i, 1] = min(ny - 1, int(centers[i, 1] / box[1] * ny))
        cell[i, 2] = min(nx - 1, int(centers[i, 2] / box[2] * nx))
        c = (cell[i, 0] * ny + cell[i, 1]) * nx + cell[i, 2]
        following[i] = head[c]
        head[c] = i
    first = np.empty(64 * n, np.int64)
    second = np.empty(64 * n, np.int64)
    count = 0
    for i in range(n):
        reach = hard_core * 2 * radii[i] + skin
        kz = int(reach / (box[0] / nz)) + 1
        ky = min(int(reach / (box[1] / ny)) + 1, (ny - 1) // 2 + 1)
        kx = min(int(reach / (box[2] / nx)) + 1, (nx - 1) // 2 + 1)
        # Windows wider than the period would visit a cell twice.
        ylow, yhigh = cell[i, 1] - ky, min(cell[i, 1] + ky, cell[i, 1] - ky + ny - 1)
        xlow, xhigh = cell[i, 2] - kx, min(cell[i, 2] + kx, cell[i, 2] - kx + nx - 1)
        for cz in range(max(0, cell[i, 0] - kz), min(nz, cell[i, 0] + kz + 1)):
            for cy in range(ylow, yhigh + 1):
                for cx in range(xlow, xhigh + 1):
                    j = head[(cz * ny + cy % ny) * nx + cx % nx]
                    while j >= 0:
                        # Equal radii: the index decides, so that a pair is listed once.
                        smaller = radii[j] < radii[i] or (radii[j] == radii[i] and j > i)
                        if smaller:
                            dz = centers[i, 0] - centers[j, 0]
                            dy = centers[i, 1] - centers[j, 1]
                            dx = centers[i, 2] - centers[j, 2]
                            dy -= box[1] * round(dy / box[1])
                            dx -= box[2] * round(dx / box[2])
                            near = hard_core * (radii[i] + radii[j]) + skin
                            if dz * dz + dy * dy + dx * dx < near * near and count < first.size:
                                first[count] = i
                                second[count] = j
                                count += 1
                        j = following[j]
    return first[:count], second[:count]


@njit(cache=True)
def _relax(centers, radii, box, hard_core, first, second, sweeps):
    """Jacobi sweeps that push overlapping pairs apart, the lighter one further; in place."""
    shift = np.empty_like(centers)
    for _ in range(sweeps):
        shift[:] = 0
        for pair in range(first.size):
            i, j = first[pair], second[pair]
            dz = centers[i, 0] - centers[j, 0]
            dy = centers[i, 1] - centers[j, 1]
            dx = centers[i, 2] - centers[j, 2]
            dy -= box[1] * round(dy / box[1])
            dx -= box[2] * round(dx / box[2])
            distance = math.sqrt(dz * dz + dy * dy + dx * dx) + 1e-12
            overlap = hard_core * (radii[i] + radii[j]) - distance
            if overlap > 0:
                heavy, light = radii[i] ** 3, radii[j] ** 3
                push = 0.5 * overlap / distance / (heavy + light)
                for axis, d in ((0, dz), (1, dy), (2, dx)):
                    shift[i, axis] += push * light * d
                    shift[j, axis] -= push * heavy * d
        for i in range(radii.size):
            inset = min(0.75 * radii[i], box[0] / 2)
            centers[i, 0] = min(max(centers[i, 0] + shift[i, 0], inset), box[0] - inset)
            centers[i, 1] = (centers[i, 1] + shift[i, 1]) % box[1]
            centers[i, 2] = (centers[i, 2] + shift[i, 2]) % box[2]


@njit(cache=True)
def _rasterize(centers, radii, box, z, y, x, out):
    """Minimum over spheres of the distance to their surfaces, into `out`."""
    reach = REACH_UM
    dz = z[1] - z[0] if z.size > 1 else 1.0
    dy = y[1] - y[0] if y.size > 1 else 1.0
    dx = x[1] - x[0] if x.size > 1 else 1.0
    for n in range(radii.size):
        radius = radii[n]
        extent = radius + reach
        cz = centers[n, 0]
        k0 = max(0, int(math.ceil((cz - extent - z[0]) / dz)))
        k1 = min(z.size - 1, int(math.floor((cz + extent - z[0]) / dz)))
        if k1 < k0:
            continue
        y_first = math.ceil((y[0] - extent - centers[n, 1]) / box[1])
        y_last = math.floor((y[-1] + extent - centers[n, 1]) / box[1])
        x_first = math.ceil((x[0] - extent - centers[n, 2]) / box[2])
        x_last = math.floor((x[-1] + extent - centers[n, 2]) / box[2])
        for py in range(int(y_first), int(y_last) + 1):
            cy = centers[n, 1] + py * box[1]
            j0 = max(0, int(math.ceil((cy - extent - y[0]) / dy)))
            j1 = min(y.size - 1, int(math.floor((cy + extent - y[0]) / dy)))
            for px in range(int(x_first), int(x_last) + 1):
                cx = centers[n, 2] + px * box[2]
                for k in range(k0, k1 + 1):
                    z2 = (z[k] - cz) ** 2
                    for j in range(j0, j1 + 1):
                        rest = z2 + (y[j] - cy) ** 2
                        chord2 = extent * extent - rest
                        if chord2 <= 0:
                            continue
                        chord = math.sqrt(chord2)
                        i0 = max(0, int(math.ceil((cx - chord - x[0]) / dx)))
                        i1 = min(x.size - 1, int(math.floor((cx + chord - x[0]) / dx)))
                        row = out[k, j]
                        rest32 = np.float32(rest)
                        radius32 = np.float32(radius)
                        offset = np.float32(x[0] - cx)
                        step = np.float32(dx)
                        for i in range(i0, i1 + 1):
                            along = offset + step * np.float32(i)
                            d = np.sqrt(rest32 + along * along) - radius32
                            row[i] = min(row[i], d)
