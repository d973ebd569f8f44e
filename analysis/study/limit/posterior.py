"""Electrodes from which the posterior is learned, and the training that is stored.

Their seeds come from a root of their own, so that no specimen of the study is among them:
``python -m analysis.study.limit.posterior`` trains anew and writes the weights with
their recipe.
"""

import argparse
import hashlib
import json
import time
import zlib
from dataclasses import asdict, dataclass, replace
from importlib.metadata import version
from pathlib import Path

import numpy as np

from analysis import storage
from analysis.electrochemistry.transport.effective import (
    effective_conductivity,
    ionic_conductivity,
)
from analysis.instruments import transfer
from analysis.phases import VOXEL_SIZE_UM, check_voxel_size, volume_fractions
from analysis.segmentation import draws, posterior
from analysis.segmentation.boosting import (
    posterior_model,
    posterior_training,
    voxel_features,
)
from analysis.specimen import electrode
from analysis.study.limit import luck

ROOT = "posterior"  # of all seeds; the study's begin with a number, the seed of its profile
LATERAL = 64
SPECIMENS = 48
TOMOGRAMS = 2  # of each specimen; more specimens tell more than more noises of the same
SLICES = 128  # of a tomogram, from a random depth: the features see no farther
NOISES = (0.03, 0.3)  # over the step from pore to AM
DISTANCES_MM = (0.5, 10.0)
DISTANCE_MM = 3.0  # of half of the tomograms, as in the study
NAMES = ("SL", "TL")
SCENARIOS = voxel_features.SCENARIOS
LUCK_KEY = "luck of the draws by scenario, AM and CBD: shares, widths [voxel]"
SCATTER_KEY = "scatter of the true conductivity about draws, of its logarithm"


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


def setting(number, *, tomograms=TOMOGRAMS):
    """
    The specimen of that number: electrodes and scenarios take turns.

    Parameters
    ----------
    number : int
        From 0.
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
        scenario=SCENARIOS[number // len(NAMES) % len(SCENARIOS)],
        seed=seed_for("specimen", number),
        noises=tuple(float(v) for v in noises),
        distances_mm=tuple(float(v) for v in np.where(usual, DISTANCE_MM, distances)),
    )


def nominal_profile(name, depth, targets, *, voxel_size_um=VOXEL_SIZE_UM):
    """
    CBD fraction [-] that the recipe of an electrode gives to each slice.

    What an EDX line scan would tell: the course of the CBD with depth, without its scatter.
    """
    voxel_size_um = check_voxel_size(voxel_size_um)
    z_um = (np.arange(depth) + 0.5) * voxel_size_um
    return electrode.depth_targets(name, z_um, depth * voxel_size_um, targets)[1]


def images(one, *, lateral=LATERAL, thickness=None, slices=None):
    """
    Draw a specimen and image it.

    Parameters
    ----------
    one : Setting
    lateral : int
        Voxels along y and x.
    thickness : int, optional
        Voxels along z; by default the whole electrode.
    slices : int, optional
        How many of them are kept of each tomogram, from a random depth on; by default all.

    Yields
    ------
    gray, labels, cbd_profile : ndarray
        Of each tomogram.
    """
    drawn = electrode.make(
        one.name, lateral, seed=one.seed, scenario=one.scenario, thickness=thickness
    )
    profile = nominal_profile(one.name, drawn.labels.shape[0], drawn.targets)
    for count, (noise, distance) in enumerate(zip(one.noises, one.distances_mm, strict=True)):
        seed = seed_for("tomogram", one.seed, count)
        gray = transfer.image(
            drawn.composition, VOXEL_SIZE_UM, seed=seed, noise=noise, distance_mm=distance
        )
        spare = max(0, gray.shape[0] - (slices or gray.shape[0]))
        first = np.random.default_rng(seed_for("depth", one.seed, count)).integers(spare + 1)
        part = slice(first, first + gray.shape[0] - spare)
        yield gray[part], drawn.labels[part], profile[part]


def examples(number, *, lateral=LATERAL, thickness=None, tomograms=TOMOGRAMS):
    """
    What the trees see of the specimen of that number.

    Parameters
    ----------
    number : int
    lateral, thickness : int
        Voxels along y and x, and along z.
    tomograms : int
        Of the specimen.

    Returns
    -------
    examples : list of analysis.segmentation.boosting.posterior_training.Examples
        One for each tomogram.
    """
    one = setting(number, tomograms=tomograms)
    return [
        posterior_training.examples(
            gray,
            labels,
            profile,
            seed=seed_for("voxels", one.seed, count),
            scenario=one.scenario,
        )
        for count, (gray, labels, profile) in enumerate(
            images(one, lateral=lateral, thickness=thickness, slices=SLICES)
        )
    ]


def kept_back(model, specimens, *, lateral=LATERAL):
    """
    Posteriors of specimens that the trees have not seen: each electrode in each scenario.

    Parameters
    ----------
    model : analysis.segmentation.boosting.posterior_model.Model
    specimens : int
        How many the trees were learned from; the next ones are taken.
    lateral : int
        Voxels along y and x.

    Returns
    -------
    seen : list of (Setting, dict of str to (Z, Y, X, 3) ndarray, (Z, Y, X) ndarray)
        The specimen, its probabilities by scenario and its true labels.
    """
    seen = []
    for number in range(specimens, specimens + len(NAMES) * len(SCENARIOS)):
        one = replace(setting(number), noises=(0.12,), distances_mm=(DISTANCE_MM,))
        gray, labels, profile = next(images(one, lateral=lateral, slices=SLICES))
        seen.append((one, posterior.by_scenario(gray, profile, model=model), labels))
    return seen


def fit_luck(seen):
    """
    Correlation of the errors in each scenario, from what :func:`kept_back` gives.

    Returns
    -------
    luck : dict of str to (active, binder)
        As in :data:`analysis.segmentation.draws.LUCK`.
    """
    return {
        scenario: luck.fit(
            [(found[scenario], labels) for one, found, labels in seen if one.scenario == scenario]
        )
        for scenario in SCENARIOS
    }


def fit_scatter(seen, *, count=4, gamma=0.08):
    """
    How far the true conductivity lies from the median of draws, root mean square of logarithms.

    The spread of draws is what one image leaves open under one prior. That the posterior is a
    little wrong on each specimen is not in it; this is.

    Parameters
    ----------
    seen : list
        From :func:`kept_back`.
    count : int
        Draws of each specimen.
    gamma : float

    Returns
    -------
    scatter : float
        As :data:`analysis.study.limit.intervals.SCATTER`.
    """

    def conductance(labels):
        conductivity = ionic_conductivity(labels, gamma)
        return effective_conductivity(conductivity, threads=1, rtol=1e-4).value

    apart = []
    for number, (_, found, labels) in enumerate(seen):
        drawn = draws.several(found, volume_fractions(labels), count=count, seed=number)
        middle = np.median([conductance(one) for one in drawn])
        apart.append(np.log(conductance(labels) / middle))
    return round(float(np.sqrt(np.mean(np.square(apart)))), 3)


def recipe(file, specimens, model, fitted, scatter):
    """What somebody needs to train the same weights again, as a dict for JSON."""
    return {
        "sha256": hashlib.sha256(Path(file).read_bytes()).hexdigest(),
        "what": "boosted trees for analysis.segmentation.posterior",
        "train again": f"python -m analysis.study.limit.posterior --specimens {specimens}",
        "licence": "CC BY 4.0",
        "seeds": f"crc32 of '{ROOT}/...', see analysis.study.limit.posterior.seed_for",
        "lateral": LATERAL,
        "slices": SLICES,
        "voxels of a tomogram": posterior_training.VOXELS,
        "trees": [model.active.roots.size, model.binder.roots.size],
        LUCK_KEY: fitted,
        SCATTER_KEY: scatter,
        "versions": {name: version(name) for name in ("numpy", "scipy", "scikit-learn", "numba")},
        "specimens": [asdict(setting(number)) for number in range(specimens)],
    }


def store(tomograms, specimens, *, file=posterior_model.WEIGHTS, progress=print):
    """
    Train on examples, fit the luck of the draws, and write weights, hash and recipe.

    Parameters
    ----------
    tomograms : list of analysis.segmentation.boosting.posterior_training.Examples
    specimens : int
        How many they are from.
    file : path-like
        Where the weights go; hash and recipe lie beside them.
    progress : callable
        Receives lines on the progress.
    """
    started = time.perf_counter()
    model = posterior_training.learn(tomograms, seed=seed_for("trees"))
    progress(f"trees: {time.perf_counter() - started:.0f} s")
    posterior_model.save(file, model)
    seen = kept_back(model, specimens)
    fitted, scatter = fit_luck(seen), fit_scatter(seen)
    with storage.atomic(file.with_suffix(".json")) as temporary:
        text = json.dumps(recipe(file, specimens, model, fitted, scatter), indent=1)
        temporary.write_text(text + "\n", encoding="utf-8")
    progress(f"{file}: {file.stat().st_size / 1e3:.0f} kB")


def main(arguments=None):
    """Train anew: ``python -m analysis.study.limit.posterior``."""
    parser = argparse.ArgumentParser(description=__doc__.splitlines()[0])
    parser.add_argument("--specimens", type=int, default=SPECIMENS)
    specimens = parser.parse_args(arguments).specimens
    if specimens < 1:
        parser.error(f"--specimens is {specimens}; expected at least one")
    tomograms = []
    for number in range(specimens):
        started = time.perf_counter()
        tomograms += examples(number)
        print(f"specimen {number + 1}/{specimens}: {time.perf_counter() - started:.0f} s")
    store(tomograms, specimens)


if __name__ == "__main__":
    main()
