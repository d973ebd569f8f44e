"""Resolved half cell: cost and memory per cell over several sizes, and one complete lithiation.

Usage: python benchmarks/resolved.py [--full Z Y X] [--current 6] [--threads 2] [--json FILE]

The scaling part runs the first 60 s of a lithiation on four sizes and prints CPU microseconds per
cell and V-cycle beside the memory bandwidth measured in the same run. `--full` adds a complete
lithiation of a synthetic electrode and keeps its curve.
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

import numpy as np
from scipy import ndimage

from analysis.electrochemistry import resolved
from analysis.phases import Phase

EDGE_UM = 1.284
GAMMA = 0.12


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


def main():
    parser = argparse.ArgumentParser(description=__doc__.splitlines()[0])
    parser.add_argument("--full", type=int, nargs=3)
    parser.add_argument("--current", type=float, default=6.0)
    parser.add_argument("--threads", type=int, default=1)
    parser.add_argument("--json")
    options = parser.parse_args()
    report = {
        "machine": platform.processor() or platform.machine(),
        "commit": subprocess.run(
            ["git", "rev-parse", "--short", "HEAD"], capture_output=True, text=True
        ).stdout.strip(),
        "bandwidth_GB_s": bandwidth_gb_s(),
        "scaling": [],
    }
    print(f"one thread moves {report['bandwidth_GB_s']:.1f} GB/s")
    common = dict(voxel_size_um=EDGE_UM, threads=options.threads)
    resolved.lithiate(electrode((24, 16, 16)), GAMMA, 1.0, end_s=2.0, largest_inert=0.6, **common)
    for shape in ((64, 16, 16), (64, 32, 32), (128, 32, 32), (128, 64, 64)):
        run = resolved.lithiate(
            electrode(shape), GAMMA, 2.0, end_s=60.0, largest_inert=0.6, **common
        )
        peak = resource.getrusage(resource.RUSAGE_SELF).ru_maxrss * 1e3
        row = {
            "cells": run.cells,
            "cpu_s": run.cpu_s,
            "iterations": run.iterations,
            "cycles": run.cycles,
            "us_per_cell_and_iteration": 1e6 * run.cpu_s / run.cells / run.iterations,
            "peak_bytes_per_cell": peak / run.cells,
        }
        report["scaling"].append(row)
        print({key: round(value, 3) for key, value in row.items()}, flush=True)
    cells = np.log([row["cells"] for row in report["scaling"]])
    cost = np.log([row["cpu_s"] for row in report["scaling"]])
    report["exponent"] = float(np.polyfit(cells, cost, 1)[0])
    print(f"cost grows as N^{report['exponent']:.2f}")
    if options.full:
        run = resolved.lithiate(
            electrode(tuple(options.full)), GAMMA, options.current, progress=print, **common
        )
        report["full"] = {
            "shape": options.full,
            "reason": run.reason,
            "steps": run.steps,
            "rejected": run.rejected,
            "iterations": run.iterations,
            "cpu_s": run.cpu_s,
            "wall_s": run.wall_s,
            "salt_drift": float(np.abs(run.salt_drift).max()),
            "lithium_drift": float(np.abs(run.lithium_drift).max()),
            "kirchhoff": float(run.kirchhoff.max()),
            "time_s": run.time_s.tolist(),
            "voltage_V": run.voltage_V.tolist(),
        }
    if options.json:
        with open(options.json, "w") as file:
            json.dump(report, file, indent=1)


if __name__ == "__main__":
    main()
