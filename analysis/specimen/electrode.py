"""A virtual electrode whose phases are known everywhere.

:func:`make` draws one realization of SL, TL or D: particles, their roughness, the CBD. All of it is
kept as functions of position, so the tomogram's truth (0.642 µm) and the truth of a FIB-SEM
stack (:func:`sample`, 80 nm) are two views of the same electrode.
"""

from dataclasses import dataclass

import numpy as np
from scipy import ndimage

from analysis import electrodes
from analysis.phases import VOXEL_SIZE_UM, Phase, check_targets, check_voxel_size
from analysis.specimen import binder, fields, levels, particles
from analysis.specimen.depth import depth_targets

ROUGHNESS_UM = 0.35  # amplitude of the field that makes spheres into particles
ROUGHNESS_WIDTH_UM = 1.2

_SLAB = 32  # fine slices treated at a time
_MIN_LATERAL = 32


@dataclass(frozen=True)
class Continuum:
    """Everything needed to say which phase is at a point; see :func:`sample`."""

    spheres: particles.Packing
    roughness: np.ndarray
    pore_size: np.ndarray
    fine: np.ndarray
    coarse: np.ndarray
    z_um: np.ndarray
    am_level_um: np.ndarray
    cbd_level: np.ndarray


@dataclass(frozen=True)
class Specimen:
    """
    One realization of an electrode, periodic in y and x.

    Attributes
    ----------
    labels : (Z, Y, X) ndarray of uint8
        Phase that fills most of each voxel, ranked so that the targets are met exactly.
    composition : (3, Z, Y, X) ndarray of float32
        Share [-] of each phase in each voxel.
    targets : dict of Phase to float
        Fractions aimed at.
    continuum : Continuum
        The electrode as a function of position.
    """

    name: str
    seed: int
    scenario: binder.Scenario
    layer_contrast: float
    voxel_size_um: float
    targets: dict
    labels: np.ndarray
    composition: np.ndarray
    continuum: Continuum

    @property
    def thickness_um(self):
        """Thickness [µm]."""
        return self.labels.shape[0] * self.voxel_size_um


def make(
    name,
    lateral,
    *,
    seed,
    scenario="bridging",
    layer_contrast=1.0,
    thickness=None,
    targets=None,
    voxel_size_um=VOXEL_SIZE_UM,
    median_radius_um=particles.MEDIAN_RADIUS_UM,
    hard_core=particles.HARD_CORE,
):
    """
    Draw one realization of an electrode.

    Parameters
    ----------
    name : {"SL", "TL", "D"}
        Electrode of :data:`analysis.electrodes.ELECTRODES`.
    lateral : int
        Voxels along y and x.
    seed : int
        Same seed, same bytes.
    scenario : str or analysis.specimen.binder.Scenario
        Where the CBD prefers to sit.
    layer_contrast : float
        Share, 0 to 1, of the nominal step in CBD between the layers of TL.
    thickness : int, optional
        Voxels along z; by default from loading and density.
    targets : dict of Phase to float, optional
        Fractions; by default from the recipe.
    voxel_size_um : float
        Voxel edge [µm].
    median_radius_um, hard_core : float
        Particle radius and necks, see :mod:`analysis.specimen.particles`.

    Returns
    -------
    Specimen

    Raises
    ------
    ValueError
        If the name or scenario is unknown, the specimen is too small, or the fractions cannot
        be reached.
    """
    check_voxel_size(voxel_size_um)
    recipe = electrodes.electrode(name)
    weights = binder.scenario(scenario)
    targets = check_targets(recipe.targets() if targets is None else targets)
    thickness = recipe.thickness_voxels(voxel_size_um) if thickness is None else int(thickness)
    _check(lateral, thickness, layer_contrast, targets)

    h = float(voxel_size_um)
    shape = (thickness, lateral, lateral)
    z, lateral_um = _fine_axis(thickness, h), _fine_axis(lateral, h)
    am_target, cbd_target = depth_targets(name, z, thickness * h, targets, layer_contrast)
    rngs = [np.random.default_rng([seed, stream]) for stream in range(4)]

    spheres = _equalized(shape, h, am_target, rngs[0], median_radius_um, hard_core)
    roughness = fields.gaussian_field(shape, ROUGHNESS_WIDTH_UM / h, rngs[1])
    surface = np.empty(tuple(2 * n for n in shape), np.float32)
    for slab in _slabs(z.size):
        surface[slab] = _surface(spheres, roughness, h, z[slab], lateral_um, lateral_um)
    am_level, am = _am(surface, am_target, h)

    pore_size = binder.pore_size_field(am > 0.5, h)
    fine = fields.gaussian_field(shape, binder.FINE_WIDTH_UM / h, rngs[2])
    coarse = fields.gaussian_field(shape, binder.COARSE_WIDTH_UM / h, rngs[3])
    score = np.empty_like(surface)
    for slab in _slabs(z.size):
        outside = surface[slab] - am_level[slab, None, None].astype(np.float32)
        grid = (z[slab], lateral_um, lateral_um)
        _score(pore_size, fine, coarse, weights, h, grid, outside, score[slab])
    cbd_level, cbd = _cbd(surface, am_level, score, cbd_target, h)

    composition = np.stack([np.maximum(1 - am - cbd, 0), cbd, am])
    return Specimen(
        name=name,
        seed=seed,
        scenario=weights,
        layer_contrast=float(layer_contrast),
        voxel_size_um=h,
        targets=targets,
        labels=_labels(composition, targets),
        composition=composition,
        continuum=Continuum(spheres, roughness, pore_size, fine, coarse, z, am_level, cbd_level),
    )


def sample(specimen, origin_um, shape, spacing_um):
    """
    Labels of any box inside a specimen at any spacing.

    Parameters
    ----------
    specimen : Specimen
    origin_um : tuple of float
        Corner (z, y, x) of the box [µm], measured from the specimen's corner.
    shape : tuple of int
        Voxels (Z, Y, X) of the box.
    spacing_um : float
        Their edge [µm].

    Returns
    -------
    labels : (Z, Y, X) ndarray of uint8
        Phase at each voxel's center.

    Raises
    ------
    ValueError
        If the box does not fit into the specimen.
    """
    h = specimen.voxel_size_um
    for axis, edge, start, n in zip("zyx", specimen.labels.shape, origin_um, shape, strict=True):
        end = start + n * spacing_um
        if start < -1e-6 or end > edge * h + 1e-6:
            raise ValueError(
                f"The cutout spans {start:.2f} to {end:.2f} µm along {axis}, but the specimen only "
                f"0 to {edge * h:.2f} µm. Move the cutout, or make the specimen larger."
            )
    c = specimen.continuum
    z, y, x = (o + (np.arange(n) + 0.5) * spacing_um for o, n in zip(origin_um, shape, strict=True))
    am_level = np.interp(z, c.z_um, c.am_level_um).astype(np.float32)[:, None, None]
    cbd_level = np.interp(z, c.z_um, c.cbd_level).astype(np.float32)[:, None, None]
    labels = np.empty(shape, np.uint8)
    for slab in _slabs(len(z)):
        surface = _surface(c.spheres, c.roughness, h, z[slab], y, x)
        outside = surface - am_level[slab]
        score = np.empty_like(surface)
        grid = (z[slab], y, x)
        _score(c.pore_size, c.fine, c.coarse, specimen.scenario, h, grid, outside, score)
        labels[slab] = np.where(score < cbd_level[slab], Phase.CBD, Phase.PORE)
        labels[slab][outside < 0] = Phase.AM
    return labels


def _check(lateral, thickness, layer_contrast, targets):
    if lateral < _MIN_LATERAL or thickness < _MIN_LATERAL:
        raise ValueError(
            f"A specimen of {thickness} x {lateral} x {lateral} voxels is smaller than a few "
            f"particles; expected at least {_MIN_LATERAL} voxels along every axis."
        )
    if not 0 <= layer_contrast <= 1:
        raise ValueError(f"The layer contrast is {layer_contrast}; expected 0 to 1.")
    if not 0.3 <= targets[Phase.AM] <= 0.75:
        raise ValueError(
            f"An AM fraction of {targets[Phase.AM]:.3f} cannot be reached by the particle packing; "
            "expected 0.30 to 0.75. Change the recipe or the density."
        )


def _fine_axis(n_voxels, h):
    """Positions [µm] of the points of a grid twice as fine as the voxels."""
    return (np.arange(2 * n_voxels) + 0.5) * (h / 2)


def _slabs(n):
    return [slice(start, min(start + _SLAB, n)) for start in range(0, n, _SLAB)]


def _equalized(shape, h, am_target, rng, median_radius_um, hard_core):
    """Pack, then stretch until the coarse AM profile follows its target."""
    box = tuple(n * h for n in shape)
    spheres = particles.pack(box, rng, median_um=median_radius_um, hard_core=hard_core)
    z = (np.arange(shape[0]) + 0.5) * h
    lateral = (np.arange(shape[1] // 2) + 0.5) * 2 * h
    target = am_target.reshape(-1, 2).mean(axis=1)
    for _ in range(3):
        inside = particles.signed_distance(spheres, z, lateral, lateral) < 0
        measured = ndimage.gaussian_filter1d(inside.mean(axis=(1, 2)), 2.0 / h, mode="nearest")
        spheres = particles.stretch(spheres, np.maximum(measured, 0.1), target)
    return spheres


def _surface(spheres, roughness, h, z, y, x):
    """Distance to the spheres plus roughness; AM is where it lies below the AM level."""
    distance = particles.signed_distance(spheres, z, y, x)
    distance += np.float32(ROUGHNESS_UM) * fields.evaluate(roughness, h, z, y, x)
    return distance


def _score(pore_size, fine, coarse, weights, h, grid, outside, out):
    binder.score(
        fields.evaluate(pore_size, h, *grid),
        outside,
        fields.evaluate(fine, h, *grid),
        fields.evaluate(coarse, h, *grid),
        weights.necks,
        weights.film_per_um,
        weights.fine,
        weights.coarse,
        out,
    )


def _am(surface, target, h):
    """Level of the AM surface per slice, and the AM share of each voxel."""
    slope = 2 * h / 2
    level = levels.fit(
        surface,
        np.broadcast_to(np.float32(1), surface.shape),
        target,
        low=-2.0,
        high=2.0,
        smoothing=1.5 / (h / 2),
        clip=0.6,
    )
    share = np.empty(tuple(n // 2 for n in surface.shape), np.float32)

    def fill(shifted):
        levels.fractions(surface, shifted.astype(np.float32), slope, share)
        return float(share.mean(dtype=np.float64))

    return _settle(level, fill, float(target.mean()), step=0.01), share


def _cbd(surface, am_level, score, target, h):
    """Level of the score per slice, and the CBD share of each voxel."""
    outside = surface - am_level[:, None, None].astype(np.float32)
    level = levels.fit(score, outside, target, low=-8.0, high=6.0, smoothing=2.0 / (h / 2))
    del outside
    share = np.empty(tuple(n // 2 for n in surface.shape), np.float32)
    am_level = am_level.astype(np.float32)

    def fill(shifted):
        levels.nested_fractions(surface, am_level, h, score, shifted.astype(np.float32), 1.0, share)
        return float(share.mean(dtype=np.float64))

    return _settle(level, fill, float(target.mean()), step=0.01), share


def _settle(level, fill, target, *, step, tolerance=1e-4):
    """Shift all levels until the voxels' mean share is the target (secant)."""
    shift, have = 0.0, fill(level)
    previous, seen = shift, have
    shift += step if have < target else -step
    for _ in range(8):
        if abs(have - target) <= tolerance:
            return level + previous
        have = fill(level + shift)
        if abs(have - target) <= tolerance or have == seen:
            return level + shift
        slope = (have - seen) / (shift - previous)
        previous, seen = shift, have
        shift += (target - have) / slope
    return level + previous


def _labels(composition, targets):
    """Most of each voxel, ranked so that the fractions are exact."""
    pore, cbd, am = composition
    n_am = round(targets[Phase.AM] * am.size)
    n_cbd = round(targets[Phase.CBD] * am.size)
    labels = np.zeros(am.shape, np.uint8)
    chosen = _largest(am, n_am)
    labels[chosen] = Phase.AM
    share = cbd / np.maximum(cbd + pore, np.float32(1e-9))
    share[chosen] = -1
    labels[_largest(share, n_cbd)] = Phase.CBD
    return labels


def _largest(values, count):
    """Mask of the `count` largest values; ties go to the first in memory."""
    flat = values.ravel()
    if count == 0:
        return np.zeros(values.shape, bool)
    limit = np.partition(flat, flat.size - count)[flat.size - count]
    mask = flat > limit
    missing = count - int(np.count_nonzero(mask))
    mask[np.flatnonzero(flat == limit)[:missing]] = True
    return mask.reshape(values.shape)
