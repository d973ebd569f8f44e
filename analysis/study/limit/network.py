"""Electrodes from which the residual U-Net learns, and the training that is stored.

Their seeds come from a root of their own, so that no specimen of the study is among them. Every
step images its blocks anew, with a noise and a distance of their own:
``python -m analysis.study.limit.network`` trains anew.
"""

import argparse
import hashlib
import json
import os
import time
import zlib
from dataclasses import asdict, dataclass
from functools import cache, lru_cache
from importlib.metadata import version
from importlib.util import find_spec
from pathlib import Path

import numpy as np

from analysis import storage
from analysis.instruments import transfer
from analysis.phases import VOXEL_SIZE_UM, volume_fractions
from analysis.segmentation import agreement, posterior
from analysis.segmentation.boosting import voxel_features
from analysis.segmentation.networks.network import keras_module
from analysis.segmentation.residual_unet import architecture, conditions, network_file
from analysis.segmentation.residual_unet.network_training import Block, Course, mirrored, train
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
STEPS = 1800
LATERAL = 48  # voxels of a specimen along y and x
DEPTH = 48  # slices of a block
AT_FIRST, PER_SPECIMEN = 8, 20  # specimens at the first step; steps after which one more is drawn
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
    """

    specimens: int = 64
    scenarios: tuple = SCENARIOS

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
        there = min(self.specimens, AT_FIRST + step // PER_SPECIMEN)
        drawn = _drawn(*self.place(int(rng.integers(there))))
        start = int(rng.integers(drawn.labels.shape[0] - DEPTH + 1))
        part = slice(start, start + DEPTH)
        shift = tuple(int(n) for n in rng.integers(LATERAL, size=2))
        noise = float(np.exp(rng.uniform(*np.log(NOISES))))
        distance = float(np.exp(rng.uniform(*np.log(DISTANCES_MM))))
        gray = transfer.image(
            np.roll(drawn.composition[:, part], shift, axis=(2, 3)),
            VOXEL_SIZE_UM,
            seed=rng.integers(2**32, size=2),
            noise=noise,
            distance_mm=DISTANCE_MM if rng.random() < 0.5 else distance,
        )
        image = voxel_features.measure(gray)
        profile = None if rng.random() < WITHOUT_PROFILE else drawn.cbd_profile[part]
        block = Block(
            conditions.scaled(gray, image),
            conditions.of_slices(image, profile),
            np.roll(drawn.labels[part], shift, axis=(1, 2)),
        )
        return mirrored(block, int(rng.integers(16)))


@cache
def _drawn(name, scenario, seed):
    made = electrode.make(name, LATERAL, seed=seed, scenario=scenario)
    profile = nominal_profile(name, made.labels.shape[0], made.targets)
    return Drawn(made.composition, made.labels, profile)


@lru_cache(maxsize=1)
def judges(depth=96):
    """Blocks of every electrode in every scenario at the reference setting, with fractions."""
    found = {}
    for scenario in SCENARIOS:
        for name in NAMES:
            drawn = _drawn(name, scenario, seed_for("judge", scenario, name))
            part = slice((drawn.labels.shape[0] - depth) // 2, (drawn.labels.shape[0] + depth) // 2)
            gray = transfer.image(drawn.composition[:, part], VOXEL_SIZE_UM, seed=1)
            image = voxel_features.measure(gray)
            told = conditions.of_slices(image, drawn.cbd_profile[part])
            found[f"{name} {scenario}"] = Block(
                conditions.scaled(gray, image), told, drawn.labels[part]
            )
    return found


def judged(weights, size):
    """Kappa of the most probable labels on each of :func:`judges`, with the depth profile."""
    ops = keras_module().ops
    held = {name: ops.convert_to_tensor(value) for name, value in weights.items()}
    found = {}
    for name, one in judges().items():
        told = ops.convert_to_tensor(one.told[None])
        raw = architecture.logits(held, ops.convert_to_tensor(one.gray[None]), told, size)
        said = ops.convert_to_numpy(ops.softmax(raw, axis=-1))[0]
        labels = posterior.ranked(said, volume_fractions(one.labels))
        found[name] = agreement.kappa(labels, one.labels)
    return found


def course(size, lesson, length, *, folder, progress=print):
    """
    One training, with its learning curve.

    Parameters
    ----------
    size : analysis.segmentation.residual_unet.architecture.Size
    lesson : Lesson
    length : analysis.segmentation.residual_unet.network_training.Course
    folder : path-like
        Receives the checkpoint, what is trained, and a line of JSON for every hundred steps.
    progress : callable
        Receives these lines.

    Returns
    -------
    weights : dict of str to ndarray
    """
    folder = Path(folder)
    folder.mkdir(parents=True, exist_ok=True)
    about = asdict(lesson) | asdict(length) | {"size": asdict(size)}
    about |= {"parameters": architecture.parameters(size)}
    about |= {"voxels of a block": DEPTH * LATERAL**2}
    (folder / "about.json").write_text(json.dumps(about) + "\n", encoding="utf-8")
    started = time.time()

    def watch(step, loss, weights, seconds):
        row = {"step": step, "loss": loss, "processor s": seconds, "s": time.time() - started}
        row |= {"kappa": judged(weights, size)}
        with (folder / "curve.jsonl").open("a", encoding="utf-8") as curve:
            curve.write(json.dumps(row) + "\n")
        progress(json.dumps(row))

    return train(lesson.block, size, length, checkpoint=folder / "checkpoint.npz", watch=watch)


def trained(weights, size, lesson, *, blocks=60):
    """The network with the range of images that it has seen, from some blocks of its training."""
    told = [lesson.block(step, 0).told[0] for step in range(blocks)]
    names = [name for name, _ in conditions.SCALES]
    scales = dict(conditions.SCALES)

    def span(name):
        values = [row[names.index(name)] / scales[name] for row in told]
        return float(min(values)), float(max(values))

    return network_file.LimitNetwork(
        weights, size, span("noise"), span("dark spread"), VOXEL_SIZE_UM
    )


def recipe(file, size, lesson, length):
    """What somebody needs to train such weights again, as a dict for JSON."""
    packages = ("numpy", "scipy", "numba", "keras", "torch")
    return {
        "sha256": hashlib.sha256(Path(file).read_bytes()).hexdigest(),
        "what": "residual U-Net for analysis.segmentation.limit_network",
        "train again": "make limit",
        "licence": "CC BY 4.0",
        "seeds": f"crc32 of '{ROOT}/...', see analysis.study.limit.network.seed_for",
        "the same bytes": "with the same versions and number of threads only",
        "size": asdict(size),
        "parameters": architecture.parameters(size),
        "course": asdict(length),
        "specimens": [lesson.place(number) for number in range(lesson.specimens)],
        "lateral, depth of a block [voxel]": [LATERAL, DEPTH],
        "noises": NOISES,
        "distances [mm], the first for half of the blocks": [DISTANCE_MM, *DISTANCES_MM],
        "without profile": WITHOUT_PROFILE,
        "versions": {name: version(name) for name in packages if find_spec(name)},
    }


def store(weights, size, lesson, length, *, file=network_file.WEIGHTS):
    """Write weights, their hash and their recipe."""
    network_file.save(file, trained(weights, size, lesson))
    with storage.atomic(Path(file).with_suffix(".json")) as temporary:
        text = json.dumps(recipe(file, size, lesson, length), indent=1)
        temporary.write_text(text + "\n", encoding="utf-8")


def main(arguments=None):
    """Train anew: ``python -m analysis.study.limit.network``."""
    parser = argparse.ArgumentParser(description=__doc__.splitlines()[0])
    parser.add_argument("--steps", type=int, default=STEPS)
    parser.add_argument("--specimens", type=int, default=Lesson.specimens)
    parser.add_argument("--fine", type=int, default=architecture.Size.fine, help="channels")
    parser.add_argument("--coarse", type=int, default=architecture.Size.coarse, help="channels")
    parser.add_argument("--scenarios", nargs="+", default=SCENARIOS, choices=SCENARIOS)
    parser.add_argument("--folder", default="_build/limit_network", help="of the checkpoint")
    parser.add_argument("--keep", action="store_true", help="do not replace the stored weights")
    asked = parser.parse_args(arguments)
    for name in ("steps", "specimens", "fine", "coarse"):
        if getattr(asked, name) < 1:
            parser.error(f"--{name} is {getattr(asked, name)}; expected at least one")
    check_backend()
    size = architecture.Size(asked.fine, asked.coarse)
    lesson = Lesson(asked.specimens, tuple(asked.scenarios))
    length = Course(asked.steps)
    weights = course(size, lesson, length, folder=asked.folder)
    if not asked.keep:
        store(weights, size, lesson, length)
        print(f"{network_file.WEIGHTS}: {network_file.WEIGHTS.stat().st_size / 1e6:.2f} MB")


def check_backend():
    """
    Choose PyTorch for Keras, unless something else was asked for.

    Raises
    ------
    SystemExit
        If PyTorch is asked for and not installed.
    """
    os.environ.setdefault("KERAS_BACKEND", "torch")
    if os.environ["KERAS_BACKEND"] == "torch" and not find_spec("torch"):
        raise SystemExit(
            "PyTorch is not installed; Keras trains the network with it some fifteen times faster "
            "than with JAX on a processor. Install it: pip install torch --index-url "
            "https://download.pytorch.org/whl/cpu, or train on JAX: KERAS_BACKEND=jax."
        )


if __name__ == "__main__":
    main()
