"""Blocks of tomograms that the residual U-Net learns from.

Their seeds come from a root of their own, so that no specimen of the study is among them. Blocks
are imaged for the step that shows them, with a noise and a distance of their own.
"""

import zlib
from dataclasses import dataclass
from functools import cache, lru_cache

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
AT_FIRST, PER_SPECIMEN = 8, 20  # specimens at the first step; steps after which one more is drawn
APART = 7  # tomograms that are imaged between the two blocks of a step
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
class Lesson:
    """
    What a network learns from.

    Attributes
    ----------
    specimens : int
        How many; electrodes and scenarios take turns.
    scenarios : tuple of str
    whole : bool
        Whether contrast, noise and texture of a block are measured on the whole tomogram, as in
        :func:`analysis.segmentation.limit_network.predict`, or on the block alone.
    """

    specimens: int = 64
    scenarios: tuple = SCENARIOS
    whole: bool = False

    def place(self, number):
        """Electrode, scenario and seed of the specimen of that number."""
        name = NAMES[number % len(NAMES)]
        scenario = self.scenarios[number // len(NAMES) % len(self.scenarios)]
        return name, scenario, seed_for("specimen", scenario, number)

    def block(self, step, number):
        """
        A block of a specimen, imaged for this step.

        Parameters
        ----------
        step, number : int
            Step of the training, and place in its batch.

        Returns
        -------
        block : analysis.segmentation.residual_unet.network_training.Block
        """
        rng = np.random.default_rng(seed_for("block", step, number))
        if self.whole:
            # every tomogram serves four blocks of steps that are far apart
            shown = self._tomogram(step // 2 + APART * number)
            return _part(shown, rng)
        drawn = drawn_of(*self.place(int(rng.integers(self._there(step)))))
        start = int(rng.integers(drawn.labels.shape[0] - DEPTH + 1))
        part = slice(start, start + DEPTH)
        shift = tuple(int(n) for n in rng.integers(LATERAL, size=2))
        gray = _imaged(np.roll(drawn.composition[:, part], shift, axis=(2, 3)), rng)
        image = voxel_features.measure(gray)
        profile = None if rng.random() < WITHOUT_PROFILE else drawn.cbd_profile[part]
        block = Block(
            conditions.scaled(gray, image),
            conditions.of_slices(image, profile),
            np.roll(drawn.labels[part], shift, axis=(1, 2)),
        )
        return mirrored(block, int(rng.integers(16)))

    def _there(self, step):
        """Specimens that are drawn by some step."""
        return min(self.specimens, AT_FIRST + step // PER_SPECIMEN)

    def _tomogram(self, number):
        rng = np.random.default_rng(seed_for("tomogram", number))
        return _shown(self.place(int(rng.integers(self.specimens))), number)


def _imaged(composition, rng):
    """A tomogram with a noise and a distance of its own."""
    noise = float(np.exp(rng.uniform(*np.log(NOISES))))
    distance = float(np.exp(rng.uniform(*np.log(DISTANCES_MM))))
    return transfer.image(
        composition,
        VOXEL_SIZE_UM,
        seed=rng.integers(2**32, size=2),
        noise=noise,
        distance_mm=DISTANCE_MM if rng.random() < 0.5 else distance,
    )


@lru_cache(maxsize=2 * APART + 4)
def _shown(place, number):
    """A whole tomogram, with what is told of its slices with and without profile."""
    drawn = drawn_of(*place)
    gray = _imaged(drawn.composition, np.random.default_rng(seed_for("image", number)))
    image = voxel_features.measure(gray)
    told = [conditions.of_slices(image, profile) for profile in (drawn.cbd_profile, None)]
    return conditions.scaled(gray, image), told, drawn.labels


def _part(shown, rng):
    """A block of a tomogram that was measured as a whole."""
    gray, told, labels = shown
    start = int(rng.integers(labels.shape[0] - DEPTH + 1))
    part = slice(start, start + DEPTH)
    shift = tuple(int(n) for n in rng.integers(LATERAL, size=2))
    block = Block(
        np.roll(gray[part], shift, axis=(1, 2)),
        told[int(rng.random() < WITHOUT_PROFILE)][part],
        np.roll(labels[part], shift, axis=(1, 2)),
    )
    return mirrored(block, int(rng.integers(16)))


@cache
def drawn_of(name, scenario, seed):
    """A specimen, drawn once."""
    made = electrode.make(name, LATERAL, seed=seed, scenario=scenario)
    profile = nominal_profile(name, made.labels.shape[0], made.targets)
    return Drawn(made.composition, made.labels, profile)
