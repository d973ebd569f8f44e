"""Electrodes from which the posterior is learned, and the training that is stored.

Their seeds come from a root of their own, so that no specimen of the study is among them:
``python -m analysis.study.posterior`` trains anew and writes the weights with their recipe.
"""

import zlib
from dataclasses import dataclass

import numpy as np

from analysis.instruments import transfer
from analysis.phases import VOXEL_SIZE_UM, Phase
from analysis.specimen import electrode

ROOT = "posterior"  # of all seeds; the study's begin with a number, the seed of its profile
LATERAL = 64
SPECIMENS = 64
TOMOGRAMS = 3  # of each specimen
NOISES = (0.03, 0.3)  # over the step from pore to AM
DISTANCES_MM = (0.5, 10.0)
DISTANCE_MM = 3.0  # of half of the tomograms, as in the study
NAMES = ("SL", "TL")
SCENARIOS = ("bridging", "cluster")


@dataclass(frozen=True)
class Setting:
    """
    A specimen of the training and how it is imaged.

    Attributes
    ----------
    name, scenario : str
        Electrode, and where its CBD sits.
    seed : int
        Of the specimen.
    noises, distances_mm : tuple of float
        Of its tomograms.
    """

    name: str
    scenario: str
    seed: int
    noises: tuple
    distances_mm: tuple


def seed_for(*key):
    """Seed that depends on what it is for, apart from all seeds of the study."""
    return zlib.crc32("/".join(map(str, (ROOT, *key))).encode())


def setting(number, *, scenarios=SCENARIOS, tomograms=TOMOGRAMS):
    """
    The specimen of that number: electrodes and scenarios take turns.

    Parameters
    ----------
    number : int
        From 0.
    scenarios : tuple of str
        Among which to take turns.
    tomograms : int
        How often it is imaged; noise log-uniform in :data:`NOISES`, distance
        :data:`DISTANCE_MM` every other time and else log-uniform in :data:`DISTANCES_MM`.

    Returns
    -------
    Setting
    """
    rng = np.random.default_rng(seed_for("imaging", number))
    noises = np.exp(rng.uniform(*np.log(NOISES), tomograms))
    distances = np.exp(rng.uniform(*np.log(DISTANCES_MM), tomograms))
    usual = (np.arange(tomograms) + number) % 2 == 0
    return Setting(
        name=NAMES[number % len(NAMES)],
        scenario=scenarios[number // len(NAMES) % len(scenarios)],
        seed=seed_for("specimen", number),
        noises=tuple(float(v) for v in noises),
        distances_mm=tuple(float(v) for v in np.where(usual, DISTANCE_MM, distances)),
    )


def nominal_profile(name, depth, targets, *, voxel_size_um=VOXEL_SIZE_UM):
    """
    CBD fraction [-] that the recipe of an electrode gives to each slice.

    What an EDX line scan would tell: the course of the CBD with depth, without its scatter.
    """
    z_um = (np.arange(depth) + 0.5) * voxel_size_um
    return electrode.depth_targets(name, z_um, depth * voxel_size_um, targets)[1]


def images(one, *, lateral=LATERAL):
    """
    Draw a specimen and image it.

    Parameters
    ----------
    one : Setting
    lateral : int
        Voxels along y and x.

    Yields
    ------
    gray, labels, cbd_profile : ndarray
        Of each tomogram.
    """
    drawn = electrode.make(one.name, lateral, seed=one.seed, scenario=one.scenario)
    profile = nominal_profile(one.name, drawn.labels.shape[0], drawn.targets)
    for count, (noise, distance) in enumerate(zip(one.noises, one.distances_mm, strict=True)):
        seed = seed_for("tomogram", one.seed, count)
        gray = transfer.image(
            drawn.composition, VOXEL_SIZE_UM, seed=seed, noise=noise, distance_mm=distance
        )
        yield gray, drawn.labels, profile
