"""Effective transport: our multigrid beside pyamg, PoreSpy and taufactor, in CPU seconds.

Usage: python benchmarks/transport.py [--sizes 128 256] [--threads] [--csv FILE]

Every solver gets the same volume in the same process on one thread, and is timed in process CPU
seconds, set-up included, so that a busy machine does not matter much. Peers that are not
installed are skipped. `--threads` adds the wall time of two threads; run it on an idle machine.
The reference value is our own solution at a residual of 1e-8.
"""

# ruff: noqa: E402 (threads must be limited before numpy is imported)

import argparse
import os

for name in ("OMP_NUM_THREADS", "OPENBLAS_NUM_THREADS", "MKL_NUM_THREADS", "NUMBA_NUM_THREADS"):
    os.environ.setdefault(name, "1")

import csv
import importlib.util
import resource
import time

import numpy as np
from scipy import ndimage, sparse

from analysis.electrochemistry import transport
from analysis.phases import Phase

GAMMA = 0.1


def electrode(n, seed=0):
    """A synthetic electrode: 59.5 % AM, 11.5 % CBD near it, 29 % pore; length 3 voxels."""
    rng = np.random.default_rng(seed)
    field = ndimage.gaussian_filter(rng.standard_normal((n, n, n), dtype=np.float32), 3)
    active = field > np.quantile(field, 0.405)
    near = ndimage.gaussian_filter(rng.standard_normal((n, n, n), dtype=np.float32), 2)
    near += 0.5 * ndimage.gaussian_filter(active.astype(np.float32), 2)
    binder = ~active & (near > np.quantile(near[~active], 1 - 0.115 / 0.405))
    labels = np.where(active, Phase.AM, np.where(binder, Phase.CBD, Phase.PORE))
    return labels.astype(np.uint8)


def ours(volume):
    result = transport.effective_conductivity(volume)
    return result.value, result.iterations


def pyamg_cg(volume):
    import pyamg
    from scipy.sparse.linalg import cg

    matrix, load, outlet = assemble(volume)
    hierarchy = pyamg.smoothed_aggregation_solver(matrix)
    steps = []
    u, _ = cg(
        matrix, load, rtol=1e-6, M=hierarchy.aspreconditioner(), callback=lambda _: steps.append(1)
    )
    n = volume.shape[0]
    return float((outlet * u).sum() * n / volume[0].size), len(steps)


def assemble(volume):
    """Sparse matrix of the joined conducting voxels."""
    from analysis.electrochemistry import grid

    mask = grid.check_path(volume > 0, "conducting")
    index = np.full(volume.shape, -1, np.int32)
    n = np.count_nonzero(mask)
    index[mask] = np.arange(n, dtype=np.int32)
    rows, columns, weights = [], [], []
    for axis in range(3):
        a, b = np.delete(index, -1, axis).ravel(), np.delete(index, 0, axis).ravel()
        ka, kb = np.delete(volume, -1, axis).ravel(), np.delete(volume, 0, axis).ravel()
        joined = (a >= 0) & (b >= 0)
        ka, kb = ka[joined], kb[joined]
        rows.append(a[joined])
        columns.append(b[joined])
        weights.append(2.0 * ka * kb / (ka + kb))
    a, b, w = (np.concatenate(part) for part in (rows, columns, weights))
    matrix = sparse.coo_matrix((-w, (a, b)), (n, n)).tocsr()
    matrix = matrix + matrix.T
    diagonal, load, outlet = -np.asarray(matrix.sum(axis=1)).ravel(), np.zeros(n), np.zeros(n)
    for k in (0, -1):
        ids = index[k][mask[k]]
        diagonal[ids] += 2 * volume[k][mask[k]]
    load[index[0][mask[0]]] = 2 * volume[0][mask[0]]
    outlet[index[-1][mask[-1]]] = 2 * volume[-1][mask[-1]]
    return (matrix + sparse.diags(diagonal)).astype(float).tocsr(), load, outlet


def porespy_fd(volume):
    import porespy

    result = porespy.simulations.tortuosity_fd(im=volume > 0, axis=0)
    return float(result.effective_porosity / result.tortuosity), None


def taufactor_binary(volume):
    import taufactor

    solver = taufactor.Solver(volume, device="cpu")
    solver.solve(verbose=False)
    return float(np.ravel(solver.D_eff)[0]), int(solver.iter)


def taufactor_multi(volume):
    import taufactor

    labels = np.select([volume == 1, volume > 0], [1, 2], 0)
    solver = taufactor.MultiPhaseSolver(labels, cond={1: 1.0, 2: GAMMA}, device="cpu")
    solver.solve(verbose=False)
    return float(np.ravel(solver.D_eff)[0]), int(solver.iter)


def timed(function, volume):
    """Value, iterations, CPU seconds and growth of the peak memory [MB] of one call."""
    before = resource.getrusage(resource.RUSAGE_SELF).ru_maxrss
    start = time.process_time()
    value, iterations = function(volume)
    seconds = time.process_time() - start
    peak = resource.getrusage(resource.RUSAGE_SELF).ru_maxrss
    return value, iterations, seconds, before / 1e3, peak / 1e3


def main():
    parser = argparse.ArgumentParser(description=__doc__.splitlines()[0])
    parser.add_argument("--sizes", type=int, nargs="+", default=[128, 256])
    parser.add_argument("--threads", action="store_true")
    parser.add_argument("--csv")
    parser.add_argument("--only", nargs="+", help="names of peers to run")
    options = parser.parse_args()
    if importlib.util.find_spec("torch"):
        import torch

        torch.set_num_threads(1)
    ours(electrode(32) != Phase.AM)  # compile
    peers = (
        ("three phases", "pyamg", "pyamg", pyamg_cg),
        ("three phases", "taufactor", "taufactor multi-phase", taufactor_multi),
        ("binary", "porespy", "PoreSpy tortuosity_fd", porespy_fd),
        ("binary", "taufactor", "taufactor binary", taufactor_binary),
    )
    rows = []
    for n in options.sizes:
        labels = electrode(n)
        volumes = {
            "three phases": transport.ionic_conductivity(labels, GAMMA),
            "binary": (labels != Phase.AM).astype(np.float32),
        }
        base = {}
        for kind, volume in volumes.items():
            value, steps, seconds, _, peak = timed(ours, volume)
            base[kind] = seconds
            exact = transport.effective_conductivity(volume, rtol=1e-8).value
            rows.append((n, kind, "ours", value, value / exact - 1, steps, seconds, 1.0, peak))
            show(rows[-1])
            for group, module, title, function in peers:
                if group != kind or (options.only and module not in options.only):
                    continue
                if importlib.util.find_spec(module) is None:
                    print(f"{n:4d} {kind:13s} {title:24s} skipped: {module} is not installed")
                    continue
                value, steps, seconds, _, peak = timed(function, volume)
                row = (n, kind, title, value, value / exact - 1, steps, seconds)
                rows.append((*row, seconds / base[kind], peak))
                show(rows[-1])
        if options.threads:
            walls = []
            for threads in (1, 2):
                start = time.perf_counter()
                transport.effective_conductivity(volumes["three phases"], threads=threads)
                walls.append(time.perf_counter() - start)
            print(
                f"{n:4d} wall seconds on 1 and 2 threads: {walls[0]:.2f} {walls[1]:.2f}, "
                f"ratio {walls[0] / walls[1]:.2f}; load {os.getloadavg()[0]:.1f}"
            )
    if options.csv:
        names = "n volume solver value relative_error iterations cpu_s ratio peak_mb".split()
        with open(options.csv, "w", newline="") as file:
            writer = csv.writer(file)
            writer.writerow(names)
            writer.writerows(rows)


def show(row):
    n, kind, title, value, error, steps, seconds, ratio, peak = row
    print(
        f"{n:4d} {kind:13s} {title:24s} k_eff {value:.6f} ({error:+.1e})  "
        f"{steps or '-':>5} it  {seconds:8.2f} CPU-s  {ratio:6.1f}x  peak {peak:6.0f} MB",
        flush=True,
    )


if __name__ == "__main__":
    main()
