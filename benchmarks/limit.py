"""How much a tomogram knows, in figures that cost too much for the book to make.

Usage: python benchmarks/limit.py [evidence] [sweep] [shift] [learning] [gamma] [cost]
                                  [--numbers 3] [--rows FOLDER]
                                  [--network RESULTS] [--curves NAME=FOLDER ...]
                                  [--measured FILE] [--groups plain trees unet ...] [--kept]
                                  [--record benchmarks/results/limit.json]

evidence  kappa and calibration error of the posterior and of the U-Net, without and with the depth
          profile, and of the twelve, on whole fresh electrodes, both scenarios, --noises
sweep     the same, the twelve methods and the floor, over noises and distances
shift     both posteriors and thresholding where their prior is wrong (and on the measured AM,
          with --measured FILE)
learning  posteriors from few specimens, and from one scenario
gamma     gamma of the most probable map and of draws, from a lithiation of the truth (demo's sizes)
cost      the U-Net beside Keras' own predict on JAX and PyTorch

Rows are kept in the folder as they come, so that a run that was stopped goes on where it was.
Without names all run. --network names a results folder with a trained composition network
(results/demo); without it nine of the twelve are left out. --curves adds the learning curves of
trainings (make limit leaves them beside its checkpoint).
"""

import argparse
import datetime
import hashlib
import itertools
import json
import os
import subprocess
import sys
import time
import zlib
from pathlib import Path

import numpy as np
import pandas as pd
from record import PACKAGES, commit, peak_gb, processor

from analysis import profiles
from analysis.phases import VOXEL_SIZE_UM
from analysis.segmentation import limit_network, methods, posterior
from analysis.segmentation.boosting import posterior_model, voxel_features
from analysis.segmentation.residual_unet import network_file
from analysis.study.limit import kept as kept_figures
from analysis.study.limit import learning, limit, limit_runs, network_runs, shift
from analysis.study.own_data import measured
from analysis.study.trinarization import standing

NAMES, SCENARIOS = ("SL", "TL"), ("bridging", "cluster")
NOISES, DISTANCES_MM = (0.04, 0.08, 0.12, 0.18, 0.24), (0.5, 1.0, 3.0, 10.0)
KEYS = ("kappa", "Jaccard AM", "Jaccard CBD", "chance CBD", "Jaccard pore", "chance pore",
        "calibration error")  # fmt: skip
SHIFTED = 48, 96  # voxels along y and x, and along z


def seed_for(*key):
    """Seeds that neither the study nor a training uses."""
    return zlib.crc32("/".join(map(str, ("evidence", *key))).encode())


def plain(one, args):
    """Labels by thresholding."""
    inputs = methods.Inputs(targets=one.targets, gray=one.gray)
    return {"thresholding": methods.trinarize("thresholding", inputs)}, {}, None


def untrained(one, args):
    """Labels by the three methods of the paper that need no training."""
    return limit.rivals(one), {}, None


def trees(one, args):
    return {}, limit.posteriors(one), posterior_model.stored()


def unet(one, args):
    """The U-Net without and with profile, and where it is told the scenario, too."""
    network = network_file.stored()
    found = network_runs.by_scenario(one, network=network)
    said = {name: limit_network.mixture(each) for name, each in found.items()}
    told = found[network_runs.U_NET_WITH_PROFILE]
    if one.place.get("scenario") in told:
        said[kept_figures.INFORMED] = told[one.place["scenario"]]
    return {}, said, network


def conversions(one, args):
    """Labels by the nine methods of the paper's network."""
    from analysis import storage
    from analysis.segmentation.networks import neural

    folder = Path(args.network)
    os.environ[storage.ROOT_VARIABLE] = str(folder.parent)
    model = neural.load_model(folder / "models" / "mlp-all-bin2.keras")
    reference = storage.load_volume("gray/D-1", profile=folder.name).values
    scale = neural.align_gray(one.gray, reference)
    found = neural.predict_composition(model, one.gray, scale=scale)
    inputs = methods.Inputs(targets=one.targets, composition=found)
    return {m: methods.trinarize(m, inputs) for m in methods.available(inputs)}, {}, None


GROUPS = {
    "plain": plain, "untrained": untrained, "trees": trees, "unet": unet,
    "conversions": conversions,
}  # fmt: skip
SCORES = set(standing.score(np.eye(3, dtype=int)))


def scored(one, group, args, voxel_size_um):
    """Rows of the methods of a group, with as many digits as they are worth."""
    labels, found, model = GROUPS[group](one, args)
    warned = None
    if model is not None:
        image = voxel_features.measure(one.gray)
        warned = bool(posterior.doubts(image, model, voxel_size_um))
    return [
        {k: round(v, 4) if k in KEYS else v for k, v in row.items() if k in KEYS or k not in SCORES}
        | ({} if warned is None else {"warned": warned})
        for row in limit.scores(one, labels, found)
    ]


def kept(args, kind, place, make):
    """Rows from the folder, or made and put there."""
    file = row_file(args, kind, place)
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


WEIGHTS = {"trees": posterior_model.WEIGHTS, "unet": network_file.WEIGHTS}
USED = {group: set() for group in WEIGHTS}  # hashes of the weights that rows are from


def version_of(args, kind, place, group):
    """
    Hash of the weights that the rows of a group are from: other weights, other rows.

    Of kept rows those of older weights count where there are none of the newest.
    """
    if group not in WEIGHTS:
        return ""
    version = hashlib.sha256(WEIGHTS[group].read_bytes()).hexdigest()[:8]
    if args.kept and not row_file(args, kind, (*place, f"{group}{version}")).is_file():
        start = row_file(args, kind, (*place, group)).stem
        old = sorted(Path(args.rows).glob(f"{start}*.json"), key=lambda file: file.stat().st_mtime)
        if not old:
            return version
        version = old[-1].stem.removeprefix(start)
    USED[group].add(version)
    return version


def row_file(args, kind, place):
    """Where rows are kept."""
    name = "-".join(str(part).replace("/", "_").replace(" ", "_") for part in place)
    return Path(args.rows) / f"{kind}-{name}.json"


def rows_of(args, kind, groups, places):
    """
    Rows of groups of methods on tomograms.

    `places` gives for each what tells it in file names, what its rows are told, a function that
    makes the tomogram, and its voxel size.
    """
    rows = []
    if not args.kept:
        groups = [group for group in groups if group in args.groups]
    for group, (place, told, tomogram, size) in itertools.product(groups, places):
        version = version_of(args, kind, place, group)

        def make(group=group, tomogram=tomogram, size=size):
            return scored(tomogram(), group, args, size)

        found = kept(args, kind, (*place, f"{group}{version}"), make)
        rows += [told | row for row in found]
    return rows


def evidence(args):
    def fresh(place, noise):
        return lambda: next(
            limit.known(*place, seed=seed_for(*place), lateral=args.lateral, noises=(noise,))
        )

    places = []
    for noise in args.noises:
        told = () if noise == kept_figures.REFERENCE_NOISE else (noise,)
        for place in itertools.product(SCENARIOS, range(args.numbers), NAMES):
            place = (place[2], *place[:2])
            where = (*place, args.lateral, *told)
            places.append((where, {"lateral": args.lateral}, fresh(place, noise), VOXEL_SIZE_UM))
    groups = ("untrained", "conversions", "trees", "unet")
    return rows_of(args, "evidence", groups, places)


def sweep(args):
    def fresh(name, noise, **imaging):
        return lambda: next(
            limit.known(
                name, "bridging", 0, seed=seed_for(name, "sweep"), lateral=48, thickness=128,
                noises=(noise,), **imaging,
            )
        )  # fmt: skip

    places = []
    for name in NAMES:
        for noise in NOISES:
            told = {"varied": "noise", "value": noise}
            places.append((("noise", noise, name), told, fresh(name, noise), VOXEL_SIZE_UM))
        for distance in DISTANCES_MM:
            told = {"varied": "distance_mm", "value": distance}
            tomogram = fresh(name, 0.12, distance_mm=distance)
            places.append((("distance", distance, name), told, tomogram, VOXEL_SIZE_UM))
    groups = ("conversions", "untrained", "trees", "unet")
    return rows_of(args, "sweep", groups, places)


def shifts(args):
    lateral, thickness = SHIFTED

    def fresh(setting, name):
        seed = seed_for(name, "shift")
        return lambda: shift.known(setting, name, seed=seed, lateral=lateral, thickness=thickness)

    def of_am(resampled):
        def tomogram():
            labels = measured.load(args.measured).labels[80:176, 80:176, 80:176]
            return shift.measured(
                labels, measured.VOXEL_SIZE_UM, resampled=resampled, seed=seed_for("measured")
            )

        return tomogram

    places = [
        ((setting.title, name), {}, fresh(setting, name), setting.voxel_size_um)
        for setting in shift.SHIFTS
        for name in NAMES
    ]
    if args.measured or args.kept:
        places += [
            (("measured", size), {}, of_am(size == VOXEL_SIZE_UM), size)
            for size in (VOXEL_SIZE_UM, measured.VOXEL_SIZE_UM)
        ]
    return rows_of(args, "shift", ("plain", "trees", "unet"), places)


def few(args):
    version = version_of(args, "learning", (), "trees")

    def make():
        table = learning.curve(profiles.get("demo").seed_for)
        return json.loads(table.round({"kappa": 4}).to_json(orient="records"))

    return kept(args, "learning", (f"trees{version}",), make)


def gamma(args):
    version = version_of(args, "gamma", (), "trees")

    def make():
        return json.loads(limit_runs.gammas(profiles.get("demo")).to_json(orient="records"))

    return kept(args, "gamma", (f"trees{version}",), make)


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
        rows, before, last = [], 0.0, 0.0
        for row in map(json.loads, lines):
            if row["processor s"] < last:  # a training that went on in another process
                before += last
            last = row["processor s"]
            rows.append(
                {"step": row["step"], "loss": round(row["loss"], 4),
                 "processor s": round(before + last),
                 "kappa": {place: round(v, 4) for place, v in row["kappa"].items()}}
            )  # fmt: skip
        found[name] = {"about": about, "rows": rows}
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
        "weights": {group: sorted(versions) for group, versions in USED.items()},
    }


def main():
    parser = argparse.ArgumentParser(description=__doc__.splitlines()[0])
    kinds = {
        "evidence": evidence, "sweep": sweep, "shift": shifts, "learning": few, "gamma": gamma,
        "cost": cost,
    }  # fmt: skip
    parser.add_argument("kinds", nargs="*", help=f"of {', '.join(kinds)}; default all")
    parser.add_argument("--numbers", type=int, default=3, help="specimens of each kind")
    parser.add_argument("--lateral", type=int, default=96, help="voxels, of evidence")
    parser.add_argument(
        "--noises", type=float, nargs="+", default=[0.04, kept_figures.REFERENCE_NOISE, 0.24],
        help="of the tomograms of evidence",
    )  # fmt: skip
    parser.add_argument("--rows", default="_build/limit-rows")
    parser.add_argument("--network", help="results of a profile, for the composition network")
    parser.add_argument("--groups", nargs="*", default=list(GROUPS), help="of methods")
    parser.add_argument("--measured", default="", help="TIFF of the measured electrode")
    parser.add_argument("--curves", nargs="*", default=[])
    parser.add_argument("--kept", action="store_true", help="only rows that are in the folder")
    parser.add_argument("--record", type=Path)
    args = parser.parse_args()
    unknown = set(args.kinds) - set(kinds)
    if unknown:
        parser.error(f"unknown: {', '.join(sorted(unknown))}; expected {', '.join(kinds)}")
    args.groups = [g for g in args.groups if g != "conversions" or args.network]
    found = {name: kinds[name](args) for name in args.kinds or kinds}
    for name, rows in found.items():
        print(f"\n{name}\n{pd.DataFrame(rows).round(3).to_string()}")
    if args.record:
        old = json.loads(args.record.read_text()) if args.record.is_file() else {}
        trained = old.get("curves", {}) | curves(args)
        made = machine()
        if old.keys() - found.keys() & set(kinds):  # rows of another day stay, with their weights
            for name, weights in old.get("made on", {}).get("weights", {}).items():
                made["weights"][name] = sorted({*weights, *made["weights"].get(name, [])})
        text = json.dumps(old | found | {"curves": trained, "made on": made}, indent=0)
        part = args.record.with_suffix(".part")
        part.write_text(text + "\n")
        part.rename(args.record)


if __name__ == "__main__":
    main()
