"""Training of the residual U-Net, as it is stored: ``python -m analysis.study.limit.network``."""

import argparse
import hashlib
import json
import os
import time
from dataclasses import asdict, replace
from functools import lru_cache
from importlib.metadata import version
from importlib.util import find_spec
from pathlib import Path

from analysis import storage
from analysis.instruments import transfer
from analysis.phases import VOXEL_SIZE_UM, volume_fractions
from analysis.segmentation import agreement, posterior
from analysis.segmentation.boosting import voxel_features
from analysis.segmentation.networks.network import keras_module
from analysis.segmentation.residual_unet import architecture, conditions, network_file
from analysis.segmentation.residual_unet.network_training import Block, Course, train
from analysis.study.limit import lessons
from analysis.study.limit.lessons import Lesson, seed_for
from analysis.study.limit.posterior import DISTANCE_MM, DISTANCES_MM, NAMES, NOISES, SCENARIOS

# Steps of the optimizer at the end of each part of the training. A second part, where one is asked
# for, measures tomograms as a whole, as a prediction does, and its rate falls all the way.
STEPS = (1500,)


@lru_cache(maxsize=1)
def judges(depth=96):
    """Blocks of every electrode in every scenario at the reference setting, with fractions."""
    found = {}
    for scenario in SCENARIOS:
        for name in NAMES:
            drawn = lessons.drawn_of(name, scenario, seed_for("judge", scenario, name))
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


def parts(lesson, steps):
    """
    The parts of a training: what is shown, and how the rate falls.

    Parameters
    ----------
    lesson : Lesson
    steps : sequence of int
        At which the first part ends, and the second.

    Returns
    -------
    parts : list of (Lesson, Course)
    """
    found = [(lesson, Course(steps[0]))]
    for end in steps[1:]:
        fall = (end - steps[0]) / end
        found.append((replace(lesson, whole=True), Course(end, fall=fall)))
    return found


def course(size, lesson, steps, *, folder, progress=print):
    """
    One training, with its learning curve.

    Parameters
    ----------
    size : analysis.segmentation.residual_unet.architecture.Size
    lesson : Lesson
    steps : sequence of int
        See :func:`parts`.
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
    about = asdict(lesson) | {"steps": list(steps), "batch": Course(1).batch}
    about |= {"size": asdict(size), "parameters": architecture.parameters(size)}
    about |= {"voxels of a block": lessons.DEPTH * lessons.LATERAL**2}
    (folder / "about.json").write_text(json.dumps(about) + "\n", encoding="utf-8")
    started = time.time()

    def watch(step, loss, weights, seconds):
        row = {"step": step, "loss": loss, "processor s": seconds, "s": time.time() - started}
        row |= {"kappa": judged(weights, size)}
        with (folder / "curve.jsonl").open("a", encoding="utf-8") as curve:
            curve.write(json.dumps(row) + "\n")
        progress(json.dumps(row))

    for seen, length in parts(lesson, steps):
        file = folder / "checkpoint.npz"
        weights = train(seen.block, size, length, checkpoint=file, watch=watch)
    return weights


def trained(weights, size, lesson, *, blocks=60):
    """The network with the range of images that it has seen, from some blocks of its training."""
    seen = [voxel_features.measure(lesson.block(step, 0).gray) for step in range(blocks)]

    def span(name):
        values = [getattr(image, name) for image in seen]
        return float(min(values)), float(max(values))

    return network_file.LimitNetwork(
        weights,
        size,
        noise=span("noise"),
        dark_spread=span("dark_spread"),
        edge_width=span("edge_width"),
        voxel_size_um=VOXEL_SIZE_UM,
    )


def recipe(file, size, lesson, steps):
    """What somebody needs to train such weights again, as a dict for JSON."""
    packages = ("numpy", "scipy", "numba", "keras", "torch")
    return {
        "sha256": hashlib.sha256(Path(file).read_bytes()).hexdigest(),
        "what": "residual U-Net for analysis.segmentation.limit_network",
        "train again": "make limit",
        "licence": "CC BY 4.0",
        "seeds": f"crc32 of '{lessons.ROOT}/...', see analysis.study.limit.lessons.seed_for",
        "the same bytes": "with the same versions and number of threads only",
        "size": asdict(size),
        "parameters": architecture.parameters(size),
        "parts": [
            {"tomograms measured as a whole": seen.whole} | asdict(length)
            for seen, length in parts(lesson, steps)
        ],
        "specimens": [lesson.place(number) for number in range(lesson.specimens)],
        "lateral, depth of a block [voxel]": [lessons.LATERAL, lessons.DEPTH],
        "noises": NOISES,
        "distances [mm], the first for half of the blocks": [DISTANCE_MM, *DISTANCES_MM],
        "without profile": lessons.WITHOUT_PROFILE,
        "versions": {name: version(name) for name in packages if find_spec(name)},
    }


def store(weights, size, lesson, steps, *, file=network_file.WEIGHTS):
    """Write weights, their hash and their recipe."""
    network_file.save(file, trained(weights, size, lesson))
    with storage.atomic(Path(file).with_suffix(".json")) as temporary:
        text = json.dumps(recipe(file, size, lesson, steps), indent=1)
        temporary.write_text(text + "\n", encoding="utf-8")


def main(arguments=None):
    """Train anew: ``python -m analysis.study.limit.network``."""
    parser = argparse.ArgumentParser(description=__doc__.splitlines()[0])
    parser.add_argument(
        "--steps", type=int, nargs="+", default=STEPS, help="at the end of each part"
    )
    parser.add_argument("--specimens", type=int, default=Lesson.specimens)
    parser.add_argument("--fine", type=int, default=architecture.Size.fine, help="channels")
    parser.add_argument("--coarse", type=int, default=architecture.Size.coarse, help="channels")
    parser.add_argument("--scenarios", nargs="+", default=SCENARIOS, choices=SCENARIOS)
    parser.add_argument("--folder", default="_build/limit_network", help="of the checkpoint")
    parser.add_argument("--keep", action="store_true", help="do not replace the stored weights")
    asked = parser.parse_args(arguments)
    if min(asked.steps) < 1 or list(asked.steps) != sorted(set(asked.steps)):
        parser.error(f"--steps are {asked.steps}; expected numbers that rise from at least one")
    for name in ("specimens", "fine", "coarse"):
        if getattr(asked, name) < 1:
            parser.error(f"--{name} is {getattr(asked, name)}; expected at least one")
    check_backend()
    size = architecture.Size(asked.fine, asked.coarse)
    lesson = Lesson(asked.specimens, tuple(asked.scenarios))
    weights = course(size, lesson, asked.steps, folder=asked.folder)
    if not asked.keep:
        store(weights, size, lesson, asked.steps)
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
