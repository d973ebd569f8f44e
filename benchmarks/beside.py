"""This tree of the package beside another one: the same lithiation, old and new in one run.

Usage: python benchmarks/beside.py OTHER_TREE --lateral 64 --voxels-per-cell 2 --record FILE

Each tree lithiates the middle of the same cutout (see structures.py) in a process of its own, with
its own `analysis` and after one small run that compiles. The labels and the materials' defaults are
those of the trees: compare trees of the same physics. Prints CPU seconds, Newton iterations and
cycles, peak memory, balances, and how far the two curves are apart. With --only, one tree alone,
for runs that are cut in two; finished parts are kept in --folder and not repeated.
"""

import argparse
import json
import os
import subprocess
import sys
from pathlib import Path

import numpy as np
import record

ONE_RUN = """
import os, sys
for name in ("OMP_NUM_THREADS", "OPENBLAS_NUM_THREADS", "MKL_NUM_THREADS"):
    os.environ[name] = "1"
import json, resource, time
import numpy as np
from analysis.electrochemistry.resolved import half_cell
labels, edge, current, n, threads, checkpoint, target = json.loads(sys.argv[1])
labels = np.load(labels)
options = dict(voxel_size_um=edge, voxels_per_cell=n, threads=threads, largest_inert=0.5)
small = labels[-48:, :24, :24]
half_cell.lithiate(small, 0.12, 1.0, end_s=2.0, **options | {"largest_inert": 0.95})
start = time.process_time()
run = half_cell.lithiate(labels, 0.12, current, checkpoint_path=checkpoint,
                         progress=lambda line: print(line, flush=True), **options)
json.dump({
    "cpu_s": time.process_time() - start, "wall_s": run.wall_s, "reason": run.reason,
    "cells": run.cells, "steps": run.steps, "rejected": run.rejected,
    "iterations": run.iterations, "cycles": run.cycles,
    "peak_GB": 1024e-9 * resource.getrusage(resource.RUSAGE_SELF).ru_maxrss,
    "lithium_drift": float(abs(run.lithium_drift).max()),
    "salt_drift": float(abs(run.salt_drift).max()), "kirchhoff": float(run.kirchhoff.max()),
    "time_s": run.time_s.tolist(), "voltage_V": run.voltage_V.tolist(),
}, open(target, "w"))
"""


def labels_of(options):
    """File with the labels of the middle of a cutout, made once; and the voxel size."""
    import structures

    file = options.folder / f"labels-{options.kind}-{options.of}.npz"
    if not file.exists():
        labels, edge = structures.cutout(options.kind, options.of)
        np.savez(file, labels=labels, edge=edge)
    with np.load(file) as stored:
        labels, edge = stored["labels"], float(stored["edge"])
    start = (options.of - options.lateral) // 2
    middle = slice(start, start + options.lateral)
    part = options.folder / f"part-{options.kind}-{options.of}-{options.lateral}.npy"
    np.save(part, np.ascontiguousarray(labels[: options.slices, middle, middle]))
    return part, edge


def run(tree, name, options, labels, edge):
    """One lithiation with the package of a tree; kept in a file."""
    case = f"{options.kind}-{options.lateral}-{options.slices or 'all'}-{options.current:g}mA"
    case += f"-{options.voxels_per_cell}-{name}"
    target = options.folder / f"{case}.json"
    if not target.exists():
        case = [str(labels), edge, options.current, options.voxels_per_cell, options.threads]
        case += [None, str(target)]
        subprocess.run(
            [sys.executable, "-c", ONE_RUN, json.dumps(case)],
            cwd=tree,
            env=os.environ | {"PYTHONPATH": str(tree)},
            check=True,
        )
    return json.loads(target.read_text())


def apart(one, other):
    """Largest difference of two curves [mV] before the final drop, and of the end times."""
    until = 0.98 * min(one["time_s"][-1], other["time_s"][-1])
    at = np.array([t for t in one["time_s"] if t < until])
    volts = np.interp(at, other["time_s"], other["voltage_V"])
    here = np.interp(at, one["time_s"], one["voltage_V"])
    return (
        1e3 * float(np.abs(volts - here).max()),
        other["time_s"][-1] / one["time_s"][-1] - 1,
    )


def main():
    parser = argparse.ArgumentParser(description=__doc__.splitlines()[0])
    parser.add_argument("other", type=Path, help="another tree with a package `analysis`")
    parser.add_argument("--kind", default="edx-closing")
    parser.add_argument("--of", type=int, default=200, help="lateral voxels of the whole cutout")
    parser.add_argument("--lateral", type=int, default=64)
    parser.add_argument("--slices", type=int, help="of the cutout, from the separator")
    parser.add_argument("--current", type=float, default=6.0)
    parser.add_argument("--voxels-per-cell", type=int, default=1)
    parser.add_argument("--threads", type=int, default=1)
    parser.add_argument("--folder", type=Path, default=Path("results/beside"))
    parser.add_argument("--only", choices=("old", "new"))
    parser.add_argument("--record", type=Path, help="file for what is printed")
    options = parser.parse_args()
    options.folder = options.folder.resolve()
    options.folder.mkdir(parents=True, exist_ok=True)
    labels, edge = labels_of(options)
    trees = {"old": options.other.resolve(), "new": Path(__file__).resolve().parents[1]}
    if options.only:
        run(trees[options.only], options.only, options, labels, edge)
        return
    found = {name: run(tree, name, options, labels, edge) for name, tree in trees.items()}
    old, new = found["old"], found["new"]
    lines = [f"{record.processor()}, {record.commit()}, {options.threads} threads; {labels.name}"]
    for name in (
        "cells",
        "steps",
        "rejected",
        "iterations",
        "cycles",
        "cpu_s",
        "wall_s",
        "peak_GB",
    ):
        ratio = new[name] / max(old[name], 1e-9)
        lines.append(f"{name:14s} {old[name]:12.5g} {new[name]:12.5g}  {ratio:6.3f}")
    for name in ("lithium_drift", "salt_drift", "kirchhoff"):
        lines.append(f"{name:14s} {old[name]:12.1e} {new[name]:12.1e}")
    volts, end = apart(old, new)
    lines.append(f"curves apart by {volts:.3f} mV at most, end by {100 * end:.4f} %")
    print("\n".join(lines))
    if options.record:
        with open(options.record, "a") as file:
            file.write("\n".join(lines) + "\n\n")


if __name__ == "__main__":
    main()
