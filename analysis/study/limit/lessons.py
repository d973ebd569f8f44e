"""Blocks of tomograms that the residual U-Net learns from.

Their seeds come from a root of their own, so that no specimen of the study is among them. A
stock of whole tomograms, each with a noise and a distance of its own, is shown again and again in
blocks; new ones take the place of the oldest. To image anew for each step costs more time than it
teaches: a network that saw one noise field of each specimen was worse by less than .01.
"""

import zlib
from dataclasses import dataclass
from functools import lru_cache

import numpy as np

from analysis.instruments import transfer
from analysis.phases import VOXEL_SIZE_UM
from analysis.segmentation.boosting import voxel_features
from analysis.segmentation.residual_unet import conditions
from analysis.segmentation.residual_unet.network_training import Block, mirrored
from analysis.specimen import electrode
from analysis.study.limit.posterior import (
    DISTANCE_MM,
    DISTANCES_MM,
    NAMES,
    NOISES,
    SCENARIOS,
    nominal_profile,
)

ROOT = "limit network"  # of all seeds
LATERAL = 48  # voxels of a specimen along y and x
DEPTH = 48  # slices of a block
STOCK = 32  # tomograms that blocks are taken from
AT_FIRST, PER_TOMOGRAM = 16, 20  # tomograms at the first step; steps after which one more is made
IMAGED = 2  # tomograms of each specimen
WITHOUT_PROFILE = 0.4  # share of the blocks that are shown without the CBD profile


def seed_for(*key):
    """Seed that depends on what it is for, apart from all seeds of the study."""
    return zlib.crc32("/".join(map(str, (ROOT, *key))).encode())


@dataclass(frozen=True)
class Drawn:
    """A specimen of the training."""

    composition: np.ndarray
    labels: np.ndarray
    cbd_profile: np.ndarray


@dataclass(frozen=True)
class Shown:
    """
    A whole tomogram of the training.

    Attributes
    ----------
    gray : (Z, Y, X) ndarray of float32
        Scaled gray values.
    told : list of (Z, COUNT) ndarray
        What is told of its slices with, and without profile.
    labels : (Z, Y, X) ndarray of uint8
    image : analysis.segmentation.boosting.voxel_features.Image
    """

    gray: np.ndarray
    told: list
    labels: np.ndarray
    image: voxel_features.Image


@dataclass(frozen=True)
class Lesson:
    """
    What a network learns from.

    Attributes
    ----------
    specimens : int
        How many; electrodes and scenarios take turns.
    scenarios : tuple of str
    """

    specimens: int = 256
    scenarios: tuple = SCENARIOS

    def place(self, number):
        """Electrode, scenario and seed of the specimen of that number."""
        name = NAMES[number % len(NAMES)]
        scenario = self.scenarios[number // len(NAMES) % len(self.scenarios)]
        return name, scenario, seed_for("specimen", scenario, number)

    def stock(self, step):
        """Numbers of the tomograms that a step takes its blocks from."""
        made = AT_FIRST + step // PER_TOMOGRAM
        return range(max(0, made - STOCK), made)

    def block(self, step, number):
        """
        A block of a tomogram that was measured as a whole, as for a prediction.

        Parameters
        ----------
        step, number : int
            Step of the training, and place in its batch.

        Returns
        -------
        block : analysis.segmentation.residual_unet.network_training.Block
        """
        rng = np.random.default_rng(seed_for("block", step, number))
        shown = int(rng.choice(self.stock(step)))
        one = self.tomogram(shown)
        start = int(rng.integers(one.labels.shape[0] - DEPTH + 1))
        part = slice(start, start + DEPTH)
        shift = tuple(int(n) for n in rng.integers(LATERAL, size=2))
        block = Block(
            np.roll(one.gray[part], shift, axis=(1, 2)),
            one.told[int(rng.random() < WITHOUT_PROFILE)][part],
            np.roll(one.labels[part], shift, axis=(1, 2)),
        )
        return mirrored(block, int(rng.integers(16)))

    def tomogram(self, number):
        """The tomogram of that number, a :class:`Shown`."""
        return _tomogram(self.place(number // IMAGED % self.specimens), number)


@lru_cache(maxsize=STOCK + 2)
def _tomogram(place, number):
    drawn = drawn_of(*place)
    rng = np.random.default_rng(seed_for("image", number))
    noise = float(np.exp(rng.uniform(*np.log(NOISES))))
    distance = float(np.exp(rng.uniform(*np.log(DISTANCES_MM))))
    gray = transfer.image(
        drawn.composition,
        VOXEL_SIZE_UM,
        seed=rng.integers(2**32, size=2),
        noise=noise,
        distance_mm=DISTANCE_MM if rng.random() < 0.5 else distance,
    )
    image = voxel_features.measure(gray)
    told = [
        conditions.of_slices(image, profile, scenario=place[1])
        for profile in (drawn.cbd_profile, None)
    ]
    return Shown(conditions.scaled(gray, image), told, drawn.labels, image)


@lru_cache(maxsize=4)
def drawn_of(name, scenario, seed):
    """A specimen, drawn once for the tomograms that are made of it one after the other."""
    made = electrode.make(name, LATERAL, seed=seed, scenario=scenario)
    profile = nominal_profile(name, made.labels.shape[0], made.targets)
    return Drawn(made.composition, made.labels, profile)
