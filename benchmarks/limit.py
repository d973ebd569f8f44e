"""How much a tomogram knows, in figures that cost too much for the book to make.

Usage: python benchmarks/limit.py [evidence] [sweep] [shift] [cost] [--numbers 3] [--rows FOLDER]
                                  [--network RESULTS] [--curves NAME=FOLDER ...] [--kept]
                                  [--record benchmarks/results/limit.json]

evidence  kappa and calibration error of the posterior and of the U-Net, without and with the depth
          profile, on whole fresh electrodes at the reference setting, both scenarios
sweep     the same, the twelve methods and the floor, over noises and distances
shift     both posteriors and thresholding where their prior is wrong (and on the measured AM,
          with --measured FILE)
cost      the U-Net beside Keras' own predict on JAX and PyTorch

Rows are kept in the folder as they come, so that a run that was stopped goes on where it was.
Without names all run. --network names a results folder with a trained composition network
(results/demo); without it nine of the twelve are left out. --curves adds the learning curves of
trainings (make limit leaves them beside its checkpoint).
"""

import argparse
import datetime
import itertools
import json
import os
import subprocess
import sys
import time
import warnings
import zlib
from pathlib import Path

import numpy as np
import pandas as pd
from record import PACKAGES, commit, peak_gb, processor

from analysis.segmentation import limit_network, methods, posterior
from analysis.segmentation.boosting import voxel_features
from analysis.segmentation.residual_unet import network_file
from analysis.study.limit import limit, network_runs, shift
from analysis.study.trinarization import standing

NAMES, SCENARIOS = ("SL", "TL"), ("bridging", "cluster")
NOISES, DISTANCES_MM = (0.04, 0.08, 0.12, 0.18, 0.24), (0.5, 1.0, 3.0, 10.0)
KEYS = ("kappa", "Jaccard AM", "Jaccard CBD", "chance CBD", "Jaccard pore", "chance pore",
        "calibration error")  # fmt: skip
SHIFTED = 64, 128  # voxels along y and x, and along z


def seed_for(*key):
    """Seeds that neither the study nor a training uses."""
    return zlib.crc32("/".join(map(str, ("evidence", *key))).encode())


def probabilities(one):
    """Both posteriors without and with the profile, and what they warn of."""
    found = limit.posteriors(one) | network_runs.posteriors(one)
    return found, posterior.doubts(voxel_features.measure(one.gray), network_file.stored())


def scored(one, labels, found):
    """Rows of all methods, with as many digits as they are worth."""
    rows = limit.scores(one, labels, found)
    return [
        {k: round(v, 4) if k in KEYS else v for k, v in row.items() if k in KEYS or k not in SCORES}
        for row in rows
    ]


SCORES = set(standing.score(np.eye(3, dtype=int)))


def kept(args, kind, place, make):
    """Rows from the folder, or made and put there."""
    name = "-".join(str(part).replace("/", "_").replace(" ", "_") for part in place)
    file = Path(args.rows) / f"{kind}-{name}.json"
    if not file.is_file():
        if args.kept:
            return []
        started = time.process_time()
        rows = make()
        file.parent.mkdir(parents=True, exist_ok=True)
        part = file.with_suffix(".part")
        part.write_text(json.dumps(rows))
        part.rename(file)
        print(f"{kind} {place}: CPU {time.process_time() - started:.0f} s", flush=True)
    return json.loads(file.read_text())


def evidence(args):
    rows = []
    for number, scenario, name in itertools.product(range(args.numbers), SCENARIOS, NAMES):

        def make(place=(name, scenario, number)):
            (one,) = limit.known(
                *place, seed=seed_for(*place), lateral=args.lateral, noises=(0.12,)
            )
            found, _ = probabilities(one)
            inputs = methods.Inputs(targets=one.targets, gray=one.gray)
            labels = {"thresholding": methods.trinarize("thresholding", inputs)}
            return scored(one, labels, found)

        rows += kept(args, "evidence", (name, scenario, number, args.lateral), make)
    return rows


def composition(args, gray):
    """Composition by a trained network of the study, or None."""
    if not args.network:
        return None
    from analysis import storage
    from analysis.segmentation.networks import neural

    folder = Path(args.network)
    os.environ[storage.ROOT_VARIABLE] = str(folder.parent)
    model = neural.load_model(folder / "models" / "mlp-all-bin2.keras")
    reference = storage.load_volume("gray/D-1", profile=folder.name).values
    return neural.predict_composition(model, gray, scale=neural.align_gray(gray, reference))


def sweep(args):
    settings = [("noise", v, {"noise": v}) for v in NOISES]
    settings += [("distance_mm", v, {"noise": 0.12, "distance_mm": v}) for v in DISTANCES_MM]
    rows = []
    for (varied, value, imaging), name in itertools.product(settings, NAMES):

        def tomogram(name=name, imaging=imaging):
            changes = {k: v for k, v in imaging.items() if k != "noise"}
            (one,) = limit.known(
                name, "bridging", 0, seed=seed_for(name, "sweep"), lateral=48, thickness=128,
                noises=(imaging["noise"],), **changes,
            )  # fmt: skip
            return one

        def ours(tomogram=tomogram):
            one = tomogram()
            return scored(one, limit.rivals(one), probabilities(one)[0])

        def networks(tomogram=tomogram):
            one = tomogram()
            inputs = methods.Inputs(targets=one.targets, composition=composition(args, one.gray))
            labels = {m: methods.trinarize(m, inputs) for m in methods.available(inputs)}
            return scored(one, labels, {})

        place = (varied, value, name)
        found = kept(args, "sweep", place, ours)
        if args.network or args.kept:
            found = found + kept(args, "networks", place, networks)
        rows += [{"varied": varied, "value": value} | row for row in found]
    return rows


def shifts(args):
    lateral, thickness = SHIFTED
    rows = []

    def made(one):
        with warnings.catch_warnings():
            warnings.simplefilter("ignore")
            found, doubts = probabilities(one)
        inputs = methods.Inputs(targets=one.targets, gray=one.gray)
        labels = {"thresholding": methods.trinarize("thresholding", inputs)}
        return [row | {"warned": bool(doubts)} for row in scored(one, labels, found)]

    for setting, name in itertools.product(shift.SHIFTS, NAMES):

        def make(setting=setting, name=name):
            seed = seed_for(name, "shift")
            one = shift.known(setting, name, seed=seed, lateral=lateral, thickness=thickness)
            size = setting.voxel_size_um
            other = abs(size / network_file.stored().voxel_size_um - 1) > 0.05
            return [row | {"warned": row["warned"] or other} for row in made(one)]

        rows += kept(args, "shift", (setting.title, name), make)
    for resampled in (True, False):

        def make(resampled=resampled):
            from analysis.study.own_data import measured

            labels = measured.load(args.measured).labels[60:190, 60:190, 60:190]
            one = shift.measured(
                labels, measured.VOXEL_SIZE_UM, resampled=resampled, seed=seed_for("measured")
            )
            return [row | {"warned": row["warned"] or not resampled} for row in made(one)]

        if args.measured or args.kept:
            rows += kept(args, "measured", (resampled,), make)
    return rows


TIMED = """
import sys, time, numpy as np, keras
if keras.backend.backend() == "torch":
    import torch; torch.set_num_threads(2)
from analysis.segmentation.residual_unet import architecture, conditions, network_file
network = network_file.stored()
model = architecture.as_model(network.size, network.weights)
gray = np.random.default_rng(0).standard_normal((1, 96, 96, 96)).astype("f4")
told = np.zeros((1, 96, conditions.COUNT), "f4")
model.predict_on_batch([gray, told])
times = []
for _ in range(3):
    start = time.perf_counter(), time.process_time()
    out = model.predict_on_batch([gray, told])
    times.append((time.perf_counter() - start[0], time.process_time() - start[1]))
wall, cpu = np.median(times, axis=0) / (gray.size / 1e6)
print(keras.backend.backend(), wall, cpu, float(out.astype(float).sum()))
"""


def cost(args):
    def make():
        rows = []
        for backend in ("jax", "torch"):
            ran = subprocess.run(
                [sys.executable, "-c", TIMED], capture_output=True, text=True,
                env=os.environ | {"KERAS_BACKEND": backend},
            )  # fmt: skip
            if ran.returncode == 0:
                name, wall, cpu, check = ran.stdout.split()[-4:]
                rows.append(
                    {"what": f"Keras' predict, {name}", "wall s/Mvoxel": float(wall),
                     "CPU s/Mvoxel": float(cpu), "sum": float(check)}
                )  # fmt: skip
        one = next(limit.known("SL", "bridging", 0, seed=1, lateral=64, noises=(0.12,)))
        limit_network.predict(one.gray)
        start = time.perf_counter(), time.process_time()
        limit_network.predict(one.gray)
        million = one.gray.size / 1e6
        rows.append(
            {"what": "limit_network.predict, jax",
             "wall s/Mvoxel": (time.perf_counter() - start[0]) / million,
             "CPU s/Mvoxel": (time.process_time() - start[1]) / million,
             "peak GB": peak_gb()}
        )  # fmt: skip
        return rows

    return kept(args, "cost", ("all",), make)


def curves(args):
    """Learning curves of trainings: name, and a row for every hundred steps."""
    found = {}
    for pair in args.curves:
        name, _, folder = pair.partition("=")
        lines = (Path(folder) / "curve.jsonl").read_text().splitlines()
        about = json.loads((Path(folder) / "about.json").read_text())
        found[name] = {"about": about, "rows": [json.loads(line) for line in lines]}
    return found


def machine():
    """What the figures ran on."""
    from importlib import metadata

    versions = {}
    for name in PACKAGES.split():
        try:
            versions[name] = metadata.version(name)
        except metadata.PackageNotFoundError:
            continue
    return {
        "date": datetime.date.today().isoformat(),
        "commit": commit(),
        "machine": f"{processor()}, {os.cpu_count()} cores",
        "versions": versions,
        "weights": network_file._sha256(network_file.WEIGHTS),
    }


def main():
    parser = argparse.ArgumentParser(description=__doc__.splitlines()[0])
    kinds = {"evidence": evidence, "sweep": sweep, "shift": shifts, "cost": cost}
    parser.add_argument("kinds", nargs="*", help=f"of {', '.join(kinds)}; default all")
    parser.add_argument("--numbers", type=int, default=3, help="specimens of each kind")
    parser.add_argument("--lateral", type=int, default=64)
    parser.add_argument("--rows", default="_build/limit-rows")
    parser.add_argument("--network", help="results of a profile, for the composition network")
    parser.add_argument("--measured", default="", help="TIFF of the measured electrode")
    parser.add_argument("--curves", nargs="*", default=[])
    parser.add_argument("--kept", action="store_true", help="only rows that are in the folder")
    parser.add_argument("--record", type=Path)
    args = parser.parse_args()
    unknown = set(args.kinds) - set(kinds)
    if unknown:
        parser.error(f"unknown: {', '.join(sorted(unknown))}; expected {', '.join(kinds)}")
    found = {name: kinds[name](args) for name in args.kinds or kinds}
    for name, rows in found.items():
        print(f"\n{name}\n{pd.DataFrame(rows).round(3).to_string()}")
    if args.record:
        old = json.loads(args.record.read_text()) if args.record.is_file() else {}
        trained = old.get("curves", {}) | curves(args)
        text = json.dumps(old | found | {"curves": trained, "made on": machine()}, indent=0)
        part = args.record.with_suffix(".part")
        part.write_text(text + "\n")
        part.rename(args.record)


if __name__ == "__main__":
    main()
