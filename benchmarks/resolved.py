"""Resolved half cell: cost and memory per cell over several sizes, and complete lithiations.

Usage: python benchmarks/resolved.py scaling [--json FILE]
       python benchmarks/resolved.py full --kind kmeans --lateral 200 --threads 2
       python benchmarks/resolved.py currents --lateral 64
       python benchmarks/resolved.py impedance --kind kmeans --lateral 200 --threads 2
       python benchmarks/resolved.py refine

`scaling` runs the first 60 s of a lithiation on four sizes and prints CPU time and memory per
cell, and the traffic that the time per cell and V-cycle amounts to at the memory bandwidth
measured in the same run. `full` runs one complete lithiation of a cutout (see structures.py), with
a checkpoint every five minutes from which it goes on when it is started again; its log and curve
go to benchmarks/results/. With --voxels-per-cell 2, potentials and salt live on cells of two
voxels along each edge.
`currents` runs the paper's six currents on two trinarizations and on the measured electrode: on
their voxels, on cells of two voxels (resolved.lithiate, voxels_per_cell), on labels coarsened by
majority (grid.coarsen); finished cases are not repeated.
`impedance` computes one spectrum of a cutout. `refine` lithiates one structure on voxels, halved
voxels and quartered voxels, for several shares of the half voxel that lithium has to cross
(reaction.LITHIUM_SHARE).
"""

# ruff: noqa: E402 (threads must be limited before numpy is imported)

import argparse
import os

for name in ("OMP_NUM_THREADS", "OPENBLAS_NUM_THREADS", "MKL_NUM_THREADS"):
    os.environ.setdefault(name, "1")

import json
import resource
import time
from concurrent.futures import as_completed
from pathlib import Path

import numpy as np
import record
import structures

from analysis import processes, storage
from analysis.electrochemistry import materials
from analysis.electrochemistry.resolved import butler_volmer as reaction
from analysis.electrochemistry.resolved import grid as domain
from analysis.electrochemistry.resolved import half_cell as resolved
from analysis.electrochemistry.resolved import time_integration
from analysis.electrochemistry.resolved.state import ResolvedCell
from analysis.electrochemistry.transport import impedance
from analysis.electrochemistry.transport import percolation as grid
from analysis.electrochemistry.transport.threads import ThreadPool
from analysis.paper import CURRENTS_MA_CM2

GAMMA = 0.12
RESULTS = Path(__file__).parent / "results"


def bandwidth_gb_s():
    """Memory bandwidth of one thread, from the best of three sums of two vectors."""
    a, b = np.ones(8_000_000), np.ones(8_000_000)
    best = np.inf
    for _ in range(3):
        start = time.process_time()
        np.add(a, b, out=a)
        best = min(best, time.process_time() - start)
    return 24 * a.size / best / 1e9


def peak_gb():
    """Largest memory of this process so far [GB]."""
    return 1024e-9 * resource.getrusage(resource.RUSAGE_SELF).ru_maxrss


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
    resolved.lithiate(structures.blobs((24, 16, 16)), GAMMA, 1.0, end_s=2.0, **common)  # compiles
    rows = []
    for shape in ((64, 16, 16), (64, 32, 32), (128, 32, 32), (128, 64, 64)):
        labels = structures.blobs(shape)
        run = resolved.lithiate(labels, GAMMA, 2.0, end_s=60.0, **common)
        geometry = domain.build(
            labels, GAMMA, voxel_size_um=1.284, cell=materials.DEFAULT, largest_inert=0.6
        )
        cell = ResolvedCell(geometry, materials.DEFAULT, ThreadPool(1))
        steps = time_integration.Run(cell, 2.0, 3.0, resolved.ResolvedControl(), (), np.inf)
        ns = 1e9 * run.cpu_s / run.cells / run.cycles
        row = {
            "cells": run.cells,
            "cpu_s": run.cpu_s,
            "iterations": run.iterations,
            "cycles": run.cycles,
            "us_per_cell_and_iteration": 1e6 * run.cpu_s / run.cells / run.iterations,
            "ns_per_cell_and_cycle": ns,
            "bytes_per_cell_and_cycle_at_bandwidth": ns * bandwidth,
            "bytes_per_cell": memory_bytes(steps) / run.cells,
        }
        rows.append(row)
        print({key: round(value, 3) for key, value in row.items()}, flush=True)
    cells = np.log([row["cells"] for row in rows])
    cost = np.log([row["cpu_s"] / row["iterations"] for row in rows])
    return rows, float(np.polyfit(cells, cost, 1)[0])


def full(kind, lateral, current, threads, voxels_per_cell):
    """One complete lithiation with log and checkpoint."""
    with processes.pool(1) as pool:  # its memory is not the cell's
        labels, edge = pool.submit(structures.cutout, kind, lateral).result()
    name = f"resolved-{kind}-{lateral}-{current:g}mA" + (
        f"-cells-of-{voxels_per_cell}" if voxels_per_cell > 1 else ""
    )
    with open(RESULTS / f"{name}.log", "a") as log:

        def progress(line):
            print(line, flush=True)
            print(line, file=log, flush=True)

        run = resolved.lithiate(
            labels,
            GAMMA,
            current,
            voxel_size_um=edge,
            threads=threads,
            voxels_per_cell=voxels_per_cell,
            progress=progress,
            checkpoint_path=RESULTS / f"{name}.npz",
        )
    return name, {"kind": kind, "shape": labels.shape, "edge_um": edge} | described(run)


def described(run):
    """Cost, balances and curve of a run."""
    names = ("reason", "cells", "steps", "rejected", "unconverged", "iterations", "cycles")
    return {name: getattr(run, name) for name in (*names, "cpu_s", "wall_s", "inert")} | {
        "current_mA_cm2": run.current_mA_cm2,
        "us_per_cell_and_iteration": 1e6 * run.cpu_s / run.cells / run.iterations,
        "peak_GB": peak_gb(),
        "salt_drift": float(np.abs(run.salt_drift).max()),
        "lithium_drift": float(np.abs(run.lithium_drift).max()),
        "kirchhoff": float(run.kirchhoff.max()),
        "time_s": np.round(run.time_s, 3).tolist(),
        "voltage_V": np.round(run.voltage_V, 6).tolist(),
    }


WAYS = {
    "voxels": {},
    "cells of 2 voxels": {"voxels_per_cell": 2},
    "labels coarsened by 2": {"labels_coarsened": 2},
}


def one_current(kind, lateral, way, current):
    """Cost, balances and curve of one of the lithiations of :func:`currents`."""
    labels, edge = structures.cutout(kind, lateral)
    options = dict(WAYS[way])
    factor = options.pop("labels_coarsened", 1)
    run = resolved.lithiate(
        grid.coarsen(labels, factor),
        GAMMA,
        current,
        voxel_size_um=factor * edge,
        threads=1,
        largest_inert=0.3,
        **options,
    )
    return described(run)


def currents(lateral, workers, target):
    """
    Six currents on three structures: voxels, cells of two voxels, labels coarsened by majority.

    Prints a table of them; `workers` cases run at once, each on one thread.
    """
    cases = json.loads(target.read_text())["cases"] if target.exists() else {}
    wanted = {
        f"{kind}, {current:g} mA/cm2, {way}": (kind, lateral, way, current)
        for kind in ("thresholding", "kmeans", "measured")
        for current in CURRENTS_MA_CM2
        for way in WAYS
    }
    with processes.pool(workers) as pool:
        runs = {pool.submit(one_current, *wanted[key]): key for key in wanted if key not in cases}
        for done in as_completed(runs):
            cases[runs[done]] = done.result()
            print(f"{len(cases)}/{len(wanted)}  {runs[done]}", flush=True)
            write(target, {"gamma": GAMMA, "lateral": lateral, "cases": cases})
    for key in wanted:
        found, fine = cases[key], cases[f"{', '.join(key.split(', ')[:2])}, voxels"]
        print(
            f"{key:44s} {found['reason']:8s} {found['steps']:3d} steps "
            f"{found['rejected']} rejected ({found['unconverged']} unconverged) "
            f"{found['iterations']:4d} it {found['cpu_s']:6.0f} CPU-s  Li "
            f"{found['lithium_drift']:.0e} salt {found['salt_drift']:.0e} current "
            f"{found['kirchhoff']:.0e}  end {found['time_s'][-1]:8.0f} s  "
            f"rms to the voxels {apart_mV(found, fine):.1f} mV"
        )
    return cases


def apart_mV(one, other):
    """Rms difference [mV] of two curves over the time that both cover."""
    at = np.linspace(0.002, 0.98, 400) * min(one["time_s"][-1], other["time_s"][-1])
    a, b = (np.interp(at, run["time_s"], run["voltage_V"]) for run in (one, other))
    return float(1e3 * np.sqrt(np.mean((a - b) ** 2)))


def refine(threads):
    """Voltage of one structure on smaller and smaller voxels, by share of the half voxel."""
    labels, edge = structures.cutout("thresholding", 64)
    labels = grid.coarsen(labels, 2)[-40:, :12, :12]
    at, rows, usual = (20, 100, 200, 400, 800, 1200), [], reaction.LITHIUM_SHARE
    for share in (1e-3, 0.5, 2 / 3, 1.0):
        reaction.LITHIUM_SHARE = share
        for halved in (1, 2, 4):
            finer = labels.repeat(halved, axis=0).repeat(halved, axis=1).repeat(halved, axis=2)
            run = resolved.lithiate(
                finer,
                GAMMA,
                3.0,
                voxel_size_um=2 * edge / halved,
                threads=threads,
                largest_inert=0.3,
                end_s=1300.0,
            )
            volts = np.interp(at, run.time_s, run.voltage_V)
            rows.append({"share": share, "edge_um": 2 * edge / halved, "voltage_V": volts.tolist()})
    reaction.LITHIUM_SHARE = usual
    # where two thirds leads to, with the order that its three voxel sizes show
    best = [np.array(row["voltage_V"]) for row in rows if row["share"] == 2 / 3]
    limit = best[2] + (best[2] - best[1]) ** 2 / ((best[1] - best[0]) - (best[2] - best[1]))
    print("extrapolated, V:", np.round(limit, 4))
    for row in rows:
        off = 1e3 * (np.array(row["voltage_V"]) - limit)
        print(f"share {row['share']:5.3f}  {row['edge_um']:.3f} um  off by mV", np.round(off, 1))
    return {"time_s": at, "rows": rows, "extrapolated_V": limit.tolist()}


def spectrum(kind, lateral, threads):
    """Blocking impedance of a cutout, 61 frequencies from 1 mHz to 100 kHz."""
    labels, edge = structures.cutout(kind, lateral)
    common = dict(voxel_size_um=edge, frequency_Hz=np.geomspace(1e-3, 1e5, 61))
    impedance.spectrum(structures.blobs((24, 16, 16)), GAMMA, **common)  # compiles
    start = time.process_time(), time.perf_counter()
    found = impedance.spectrum(labels, GAMMA, threads=threads, **common)
    cpu_s, wall_s = time.process_time() - start[0], time.perf_counter() - start[1]
    print(f"{labels.shape}: spectrum in {cpu_s:.0f} CPU-s, {wall_s:.0f} s on {threads} threads")
    return {
        "kind": kind,
        "shape": labels.shape,
        "cpu_s": cpu_s,
        "wall_s": wall_s,
        "cycles": found.iterations,
        "peak_GB": peak_gb(),
        "tortuosity": found.tortuosity,
        "frequency_Hz": found.frequency_Hz.tolist(),
        "real_ohm_m2": found.impedance_ohm_m2.real.tolist(),
        "imaginary_ohm_m2": found.impedance_ohm_m2.imag.tolist(),
    }


def write(target, report):
    """Write a report with machine and commit, whole or not at all."""
    report = {"machine": record.processor(), "commit": record.commit()} | report
    with storage.atomic(target) as temporary, open(temporary, "w") as file:
        json.dump(report, file, indent=1)


def main():
    parser = argparse.ArgumentParser(description=__doc__.splitlines()[0])
    parser.add_argument("what", choices=("scaling", "full", "currents", "impedance", "refine"))
    parser.add_argument("--kind", choices=structures.KINDS, default="kmeans")
    parser.add_argument("--lateral", type=int, default=64)
    parser.add_argument("--current", type=float, default=6.0)
    parser.add_argument("--threads", type=int, default=1)
    parser.add_argument(
        "--voxels-per-cell", type=int, default=1, help="voxels along a cell's edge (full)"
    )
    parser.add_argument("--json", type=Path, help="file for the report")
    options = parser.parse_args()
    RESULTS.mkdir(exist_ok=True)
    bandwidth = bandwidth_gb_s()
    print(f"one thread moves {bandwidth:.1f} GB/s")
    report = {"threads": options.threads, "bandwidth_GB_s": bandwidth}
    name = f"resolved-{options.what}"
    if options.what == "full":
        case = (options.kind, options.lateral, options.current, options.threads)
        name, report["full"] = full(*case, options.voxels_per_cell)
    elif options.what == "currents":
        target = options.json or RESULTS / f"{name}.json"
        currents(options.lateral, options.threads, target)
        return
    elif options.what == "impedance":
        report["impedance"] = spectrum(options.kind, options.lateral, options.threads)
    elif options.what == "refine":
        report["refine"] = refine(options.threads)
    else:
        report["scaling"], report["exponent"] = scaling(options.threads, bandwidth)
        print(f"cost of an iteration grows as N^{report['exponent']:.2f}")
    write(options.json or RESULTS / f"{name}.json", report)


if __name__ == "__main__":
    main()
