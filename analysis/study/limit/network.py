"""Training of the residual U-Net, as it is stored: ``python -m analysis.study.limit.network``."""

import argparse
import hashlib
import json
import os
import time
from dataclasses import asdict
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

STEPS = 6000  # of the optimizer


@lru_cache(maxsize=1)
def judges(depth=96):
    """Blocks of every electrode in every scenario at the reference setting, with fractions."""
    found = {}
    for scenario in SCENARIOS:
        for name in NAMES:
            drawn = lessons.drawn_of(name, scenario, seed_for("judge", scenario, name))
            part = slice((drawn.labels.shape[0] - depth) // 2, (drawn.labels.shape[0] + depth) // 2)
            gray = transfer.image(drawn.composition, VOXEL_SIZE_UM, seed=1)
            image = voxel_features.measure(gray)
            told = conditions.of_slices(image, drawn.cbd_profile, scenario=scenario)
            found[f"{name} {scenario}"] = Block(
                conditions.scaled(gray, image)[part], told[part], drawn.labels[part]
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


def taught(size, lesson, course, *, folder, progress=print):
    """
    One training, with its learning curve.

    Parameters
    ----------
    size : analysis.segmentation.residual_unet.architecture.Size
    lesson : Lesson
    course : analysis.segmentation.residual_unet.network_training.Course
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
    about = asdict(lesson) | asdict(course)
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

    return train(lesson.block, size, course, checkpoint=folder / "checkpoint.npz", watch=watch)


def trained(weights, size, lesson, *, tomograms=24):
    """The network with the range of images that it has seen, from some of its tomograms."""
    seen = [lesson.tomogram(number).image for number in range(tomograms)]

    def span(name):
        values = [getattr(image, name) for image in seen]
        return float(min(values)), float(max(values))

    return network_file.LimitNetwork(
        weights,
        size,
        noise=span("noise"),
        dark_spread=span("dark_spread"),
        edge_width=span("edge_width"),
        dark_chord=span("dark_chord"),
        voxel_size_um=VOXEL_SIZE_UM,
    )


def recipe(file, size, lesson, course):
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
        "course": asdict(course),
        "tomograms at a time, steps between new ones": [lessons.STOCK, lessons.PER_TOMOGRAM],
        "specimens": [lesson.place(number) for number in range(lesson.specimens)],
        "lateral, depth of a block [voxel]": [lessons.LATERAL, lessons.DEPTH],
        "noises": NOISES,
        "distances [mm], the first for half of the blocks": [DISTANCE_MM, *DISTANCES_MM],
        "without profile": lessons.WITHOUT_PROFILE,
        "versions": {name: version(name) for name in packages if find_spec(name)},
    }


def store(weights, size, lesson, course, *, file=network_file.WEIGHTS):
    """Write weights, their hash and their recipe."""
    network_file.save(file, trained(weights, size, lesson))
    with storage.atomic(Path(file).with_suffix(".json")) as temporary:
        text = json.dumps(recipe(file, size, lesson, course), indent=1)
        temporary.write_text(text + "\n", encoding="utf-8")


def main(arguments=None):
    """Train anew: ``python -m analysis.study.limit.network``."""
    parser = argparse.ArgumentParser(description=__doc__.splitlines()[0])
    parser.add_argument("--steps", type=int, default=STEPS)
    parser.add_argument("--fall", type=float, default=Course.fall, help="share of the steps")
    parser.add_argument("--specimens", type=int, default=Lesson.specimens)
    parser.add_argument("--fine", type=int, default=architecture.Size.fine, help="channels")
    parser.add_argument("--coarse", type=int, default=architecture.Size.coarse, help="channels")
    parser.add_argument("--middle", type=int, default=architecture.Size.middle, help="blocks")
    parser.add_argument("--scenarios", nargs="+", default=SCENARIOS, choices=SCENARIOS)
    parser.add_argument("--folder", default="_build/limit_network", help="of the checkpoint")
    parser.add_argument("--keep", action="store_true", help="do not replace the stored weights")
    asked = parser.parse_args(arguments)
    if not 0 <= asked.fall <= 1:
        parser.error(f"--fall is {asked.fall}; expected a share from 0 to 1")
    for name in ("steps", "specimens", "fine", "coarse", "middle"):
        if getattr(asked, name) < 1:
            parser.error(f"--{name} is {getattr(asked, name)}; expected at least one")
    check_backend()
    size = architecture.Size(asked.fine, asked.coarse, middle=asked.middle)
    course = Course(asked.steps, fall=asked.fall)
    lesson = Lesson(asked.specimens, tuple(asked.scenarios))
    weights = taught(size, lesson, course, folder=asked.folder)
    if not asked.keep:
        store(weights, size, lesson, course)
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
