"""Gamma from two or three resolved runs and the homogenized model, beside a fit to many runs.

``python benchmarks/control_variate.py run [--lateral 28] [--maps kmeans,edx-closing]``
``python benchmarks/control_variate.py compare --record FILE``

`run` lithiates the corner of a cutout of a finished run of the study (its labels must be there) on
cells of two voxels: the truth at the true gamma, and each map at nine gammas from 0.01 to 0.5.
Finished lithiations are not repeated, so that it can be run in pieces. `compare` fits gamma to the
lithiation of the truth: by all nine (the full fit), and by two or three of them with the
homogenized model as control variate; and by the same few without it. Gamma of the full fit is what
the others are held against.
"""

import argparse
import os

os.environ |= {name: "1" for name in ("OMP_NUM_THREADS", "OPENBLAS_NUM_THREADS")}

import json
import tempfile
import time
from pathlib import Path

import numpy as np
from record import recording

from analysis import profiles, storage
from analysis.electrochemistry import gamma_fit, resolved
from analysis.electrochemistry.materials import DEFAULT
from analysis.electrochemistry.porous_electrode import homogenization
from analysis.simulation import control_variate

CURRENT, GAMMA_TRUE, NOISE_V, LIMIT = 6.0, 0.08, 2e-3, 2.0
NODES = [round(float(g), 4) for g in np.geomspace(0.01, 0.5, 9)]
FEW = tuple(tuple(NODES[k] for k in at) for at in ((4, 8), (4, 6), (2, 4, 8)))
MAPS = ("kmeans", "thresholding", "edx-closing", "nn-am-cond")


def labels_of(options, name):
    volume = storage.load_volume(
        f"labels/{options.specimen}-{options.cutout}-{name}", profile=profiles.get(options.profile)
    )
    edge = options.lateral
    part = np.ascontiguousarray(volume.values[:, -edge:, -edge:])
    return part, float(volume.attrs["voxel_size_um"])


def file_of(options, name, gamma):
    folder = Path(options.folder or Path(tempfile.gettempdir()) / "control-variate")
    place = f"{options.specimen}-{options.cutout}-{options.lateral}"
    return folder / f"{place}-{name}-{gamma:g}.json"


def lithiate(options, name, gamma):
    file = file_of(options, name, gamma)
    if file.exists():
        return
    labels, edge = labels_of(options, name)
    begin = time.process_time()
    try:
        done = resolved.lithiate(
            labels, gamma, CURRENT, voxel_size_um=edge, voxels_per_cell=2, threads=1
        )
        found = {
            "capacity": list(map(float, done.capacity_mAh_cm2)),
            "voltage": list(map(float, done.voltage_V)),
            "time": list(map(float, done.time_s)),
        }
    except ValueError as error:
        found = {"failed": str(error)}
    found["cpu_s"] = time.process_time() - begin
    file.parent.mkdir(parents=True, exist_ok=True)
    file.write_text(json.dumps(found))
    why = found.get("failed", "")
    print(f"{name} gamma {gamma:g}: {found['cpu_s']:.1f} CPU-s {why}", flush=True)


def run(options):
    lithiate(options, "truth", GAMMA_TRUE)
    for gamma in NODES:
        for name in options.maps:
            lithiate(options, name, gamma)


def load(options, name, gamma):
    return json.loads(file_of(options, name, gamma).read_text())


def compare(options):
    truth = load(options, "truth", GAMMA_TRUE)
    at = np.linspace(0, truth["time"][-1], 300)
    noise = np.random.default_rng(1).normal(0, NOISE_V, at.size)
    target = CURRENT * at / 3600, np.interp(at, truth["time"], truth["voltage"]) + noise
    print(
        f"{options.specimen}-1 of {options.profile}, {options.lateral} x {options.lateral} voxels, "
        f"cells of two, {CURRENT:g} mA/cm2; differences of gamma from the full fit [%]"
    )
    heads = ["  ".join(f"{g:g}" for g in few) for few in FEW]
    print(f"{'map':14s} {'full fit':>14s}  " + "".join(f"{head:>34s}" for head in heads))
    print(f"{'':14s} {'':14s}  " + "".join(f"{'with':>17s}{'without':>17s}" for _ in heads))
    worst, at_a_bound = np.zeros((len(FEW), 2)), np.zeros(len(FEW), int)
    for name in options.maps:
        labels, edge = labels_of(options, name)
        structure = homogenization.from_labels(labels, edge)
        there = [gamma for gamma in NODES if file_of(options, name, gamma).exists()]
        found = {gamma: load(options, name, gamma) for gamma in there}
        runs = {
            gamma: (np.array(one["capacity"]), np.array(one["voltage"]))
            for gamma, one in found.items()
            if "failed" not in one
        }
        full = gamma_fit.fit_scan(runs, *target, noise_V=NOISE_V)
        line = f"{name:14s} {len(runs)} runs {full.gamma:7.4f}{'*' if full.at_bound else ' '} "
        for k, few in enumerate(FEW):
            some = {gamma: runs[gamma] for gamma in few if gamma in runs}
            if len(some) < len(few):
                line += f"{'not carried':>34s}"
                at_a_bound[k] += 1
                continue
            ours = control_variate.fit(
                some, structure, *target, current_mA_cm2=CURRENT, noise_V=NOISE_V, materials=DEFAULT
            )
            plain = gamma_fit.fit_scan(some, *target, noise_V=NOISE_V)
            at_a_bound[k] += ours.at_bound
            for m, fit in enumerate((ours, plain)):
                off = 100 * (fit.gamma / full.gamma - 1)
                line += f"{off:+16.2f}{'*' if fit.at_bound else ' '}"
                if not (full.at_bound or fit.at_bound):
                    worst[k, m] = max(worst[k, m], abs(off))
        print(line, flush=True)
    print("* at a bound. Largest difference of those within their bounds:")
    for few, (ours, plain), without in zip(FEW, worst, at_a_bound, strict=True):
        verdict = "met" if ours <= LIMIT and not without else "missed"
        verdict += f", {without} of {len(options.maps)} maps without a gamma" if without else ""
        print(f"  {few}: {ours:.2f} % with, {plain:.2f} % without; <= {LIMIT:g} % {verdict}")
    cpu = [one["cpu_s"] for one in found.values()]
    print(f"CPU seconds of a run of {options.maps[-1]}: {np.mean(cpu):.1f}")


def main():
    parser = argparse.ArgumentParser(description=__doc__.splitlines()[0])
    parser.add_argument("what", choices=("run", "compare"))
    parser.add_argument("--profile", default="demo", help="whose labels are lithiated")
    parser.add_argument("--specimen", default="TL")
    parser.add_argument("--cutout", type=int, default=1)
    parser.add_argument("--lateral", type=int, default=28)
    parser.add_argument("--maps", default=",".join(MAPS), type=lambda text: text.split(","))
    parser.add_argument("--folder", help="for the lithiations; by default in the temporary one")
    parser.add_argument("--record", help="keep what is printed in this file as well")
    options = parser.parse_args()
    with recording(options.record):
        {"run": run, "compare": compare}[options.what](options)


if __name__ == "__main__":
    main()
