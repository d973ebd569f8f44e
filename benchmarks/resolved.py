"""Resolved half cell: cost and memory per cell over several sizes, and one complete lithiation.

Usage: python benchmarks/resolved.py [--json FILE]
       python benchmarks/resolved.py --full 266 200 200 --edge 0.642 --threads 2 --name paper-size

The scaling part runs the first 60 s of a lithiation on four sizes and prints CPU time and memory
per cell, and the traffic that the time per cell and V-cycle amounts to at the memory bandwidth
measured in the same run. `--full` instead runs one complete lithiation of a synthetic electrode;
its log and curve go to benchmarks/results/resolved-NAME.{log,json}. It writes a checkpoint every
five minutes beside them and goes on from there when it is started again.
"""

# ruff: noqa: E402 (threads must be limited before numpy is imported)

import argparse
import os

for name in ("OMP_NUM_THREADS", "OPENBLAS_NUM_THREADS", "MKL_NUM_THREADS"):
    os.environ.setdefault(name, "1")

import json
import platform
import resource
import subprocess
import time
from pathlib import Path

import numpy as np
from scipy import ndimage

from analysis import storage
from analysis.electrochemistry import domain, materials, newton, resolved
from analysis.electrochemistry._team import Team
from analysis.phases import Phase

GAMMA = 0.12
RESULTS = Path(__file__).parent / "results"


def electrode(shape, seed=3):
    """A synthetic electrode with the paper's voxel fractions, 59.5 % AM and 23.1 % CBD."""
    rng = np.random.default_rng(seed)
    field = ndimage.gaussian_filter(rng.standard_normal(shape, dtype=np.float32), 1.5)
    active = field > np.quantile(field, 0.405)
    near = ndimage.gaussian_filter(rng.standard_normal(shape, dtype=np.float32), 1.5)
    near += 0.5 * ndimage.gaussian_filter(active.astype(np.float32), 2)
    binder = ~active & (near > np.quantile(near[~active], 1 - 0.231 / 0.405))
    labels = np.where(active, Phase.AM, np.where(binder, Phase.CBD, Phase.PORE))
    return labels.astype(np.uint8)


def bandwidth_gb_s():
    """Memory bandwidth of one thread, from the best of three sums of two vectors."""
    a, b = np.ones(8_000_000), np.ones(8_000_000)
    best = np.inf
    for _ in range(3):
        start = time.process_time()
        np.add(a, b, out=a)
        best = min(best, time.process_time() - start)
    return 24 * a.size / best / 1e9


def memory_bytes(cell):
    """Bytes of all distinct arrays that a cell holds."""
    seen, total, todo = set(), 0, [cell]
    while todo:
        item = todo.pop()
        if id(item) in seen:
            continue
        seen.add(id(item))
        if isinstance(item, np.ndarray):
            total += item.nbytes if item.base is None else 0
        elif isinstance(item, (list, tuple)):
            todo += item
        elif isinstance(item, dict):
            todo += item.values()
        elif type(item).__module__.startswith("analysis."):
            todo += vars(item).values()
    return total


def scaling(threads, bandwidth):
    """Cost and memory of the first minute of a lithiation on four sizes."""
    common = dict(voxel_size_um=1.284, threads=threads, largest_inert=0.6)
    resolved.lithiate(electrode((24, 16, 16)), GAMMA, 1.0, end_s=2.0, **common)  # compiles
    rows = []
    for shape in ((64, 16, 16), (64, 32, 32), (128, 32, 32), (128, 64, 64)):
        labels = electrode(shape)
        run = resolved.lithiate(labels, GAMMA, 2.0, end_s=60.0, **common)
        geometry = domain.build(
            labels, GAMMA, voxel_size_um=1.284, cell=materials.DEFAULT, largest_inert=0.6
        )
        cell = newton.ResolvedCell(geometry, materials.DEFAULT, Team(1))
        march = resolved._Run(cell, 2.0, 3.0, resolved.Control(), (), np.inf)
        ns = 1e9 * run.cpu_s / run.cells / run.cycles
        row = {
            "cells": run.cells,
            "cpu_s": run.cpu_s,
            "iterations": run.iterations,
            "cycles": run.cycles,
            "us_per_cell_and_iteration": 1e6 * run.cpu_s / run.cells / run.iterations,
            "ns_per_cell_and_cycle": ns,
            "bytes_per_cell_and_cycle_at_bandwidth": ns * bandwidth,
            "bytes_per_cell": memory_bytes(march) / run.cells,
        }
        rows.append(row)
        print({key: round(value, 3) for key, value in row.items()}, flush=True)
    cells = np.log([row["cells"] for row in rows])
    cost = np.log([row["cpu_s"] / row["iterations"] for row in rows])
    return rows, float(np.polyfit(cells, cost, 1)[0])


def full(options):
    """One complete lithiation with log and checkpoint."""
    RESULTS.mkdir(exist_ok=True)
    with open(RESULTS / f"resolved-{options.name}.log", "a") as log:

        def say(line):
            print(line, flush=True)
            print(line, file=log, flush=True)

        run = resolved.lithiate(
            electrode(tuple(options.full)),
            GAMMA,
            options.current,
            voxel_size_um=options.edge,
            threads=options.threads,
            progress=say,
            checkpoint_path=RESULTS / f"resolved-{options.name}.npz",
        )
    names = ("reason", "cells", "steps", "rejected", "unconverged", "iterations", "cycles")
    return {name: getattr(run, name) for name in (*names, "cpu_s", "wall_s")} | {
        "shape": options.full,
        "edge_um": options.edge,
        "current_mA_cm2": options.current,
        "peak_GB": resource.getrusage(resource.RUSAGE_SELF).ru_maxrss / 1e6,
        "salt_drift": float(np.abs(run.salt_drift).max()),
        "lithium_drift": float(np.abs(run.lithium_drift).max()),
        "kirchhoff": float(run.kirchhoff.max()),
        "time_s": run.time_s.tolist(),
        "voltage_V": run.voltage_V.tolist(),
    }


def main():
    parser = argparse.ArgumentParser(description=__doc__.splitlines()[0])
    parser.add_argument("--full", type=int, nargs=3, metavar=("Z", "Y", "X"))
    parser.add_argument("--edge", type=float, default=0.642, help="voxel edge [µm] of --full")
    parser.add_argument("--current", type=float, default=6.0)
    parser.add_argument("--threads", type=int, default=1)
    parser.add_argument("--name", default="full")
    parser.add_argument("--json")
    options = parser.parse_args()
    bandwidth = bandwidth_gb_s()
    report = {
        "machine": platform.processor() or platform.machine(),
        "commit": subprocess.run(
            ["git", "rev-parse", "--short", "HEAD"], capture_output=True, text=True
        ).stdout.strip(),
        "threads": options.threads,
        "bandwidth_GB_s": bandwidth,
    }
    print(f"one thread moves {bandwidth:.1f} GB/s")
    if options.full:
        report["full"] = full(options)
        target = RESULTS / f"resolved-{options.name}.json"
    else:
        report["scaling"], report["exponent"] = scaling(options.threads, bandwidth)
        print(f"cost of an iteration grows as N^{report['exponent']:.2f}")
        target = options.json
    if target:
        with storage.atomic(target) as temporary, open(temporary, "w") as file:
            json.dump(report, file, indent=1)


if __name__ == "__main__":
    main()
