"""Effective transport: our multigrid beside pyamg, PoreSpy and taufactor, in CPU seconds.

Usage: python benchmarks/transport.py [--sizes 128 256] [--only pyamg ...] [--limit-gb 8]
                                      [--threads] [--csv FILE] [--record FILE]

Each peer runs in a process of its own, in which ours solves the same volume first; the ratio is
that of their CPU seconds, set-up included, on one thread, so that a busy machine does not matter
much. The peaks are those of the whole process, interpreter, labels and libraries included: of one
that runs only ours, and of one that runs ours and the peer. A peer may take `--limit-gb`; what
does not fit is reported as such. Peers that are not installed are skipped. `--threads` adds
the wall time of two threads; run it on an idle machine. The reference value is our own solution
at a residual of 1e-8.
"""

# ruff: noqa: E402 (threads must be limited before numpy is imported)

import argparse
import os

for name in ("OMP_NUM_THREADS", "OPENBLAS_NUM_THREADS", "MKL_NUM_THREADS", "NUMBA_NUM_THREADS"):
    os.environ.setdefault(name, "1")

import csv
import importlib.util
import multiprocessing
import resource
import tempfile
import time
from pathlib import Path

import numpy as np
from record import peak_gb, recording
from scipy import ndimage, sparse

from analysis.electrochemistry.transport import effective as transport
from analysis.phases import Phase

GAMMA = 0.1
BUDGET_S, BUDGET_GB, BUDGET_EDGE = 16.0, 1.5, 256  # what ours may take on 256^3 voxels


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


def ours_exactly(volume):
    result = transport.effective_conductivity(volume, rtol=1e-8)
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
    from analysis.electrochemistry.transport import percolation as grid

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


def limit_torch():
    import torch

    torch.set_num_threads(1)


def taufactor_binary(volume):
    import taufactor

    limit_torch()
    solver = taufactor.Solver(volume, device="cpu")
    solver.solve(verbose=False)
    return float(np.ravel(solver.D_eff)[0]), int(solver.iter)


def taufactor_multi(volume):
    import taufactor

    limit_torch()
    labels = np.select([volume == 1, volume > 0], [1, 2], 0)
    solver = taufactor.MultiPhaseSolver(labels, cond={1: 1.0, 2: GAMMA}, device="cpu")
    solver.solve(verbose=False)
    return float(np.ravel(solver.D_eff)[0]), int(solver.iter)


# volume, module, title, function, least ratio wanted
PEERS = (
    ("three phases", "pyamg", "pyamg", pyamg_cg, 6),
    ("three phases", "taufactor", "taufactor multi-phase", taufactor_multi, 8),
    ("binary", "porespy", "PoreSpy tortuosity_fd", porespy_fd, 6),
    ("binary", "taufactor", "taufactor binary", taufactor_binary, None),
)


def load(path, kind):
    """Conductivity of the labels in a file, with both porous phases or as one."""
    labels = np.load(path)
    if kind == "three phases":
        return transport.ionic_conductivity(labels, GAMMA)
    return (labels != Phase.AM).astype(np.float32)


def timed(function, volume):
    """Value, iterations, CPU seconds of one call, and the peak of the process [GB]."""
    start = time.process_time()
    value, iterations = function(volume)
    return value, iterations, time.process_time() - start, peak_gb()


def measure(connection, path, kind, functions, limit_gb):
    """In a process of its own: load, compile, then call one function after another."""
    if limit_gb:
        size = int(limit_gb * 1e9)
        resource.setrlimit(resource.RLIMIT_DATA, (size, size))
    transport.effective_conductivity(electrode(16) != Phase.AM)  # loads the compiled code
    volume = load(path, kind)
    try:
        connection.send([timed(function, volume) for function in functions])
    except MemoryError:
        connection.send(f"needs more than {limit_gb:g} GB")
    except Exception as error:  # torch and others have their own names for it
        connection.send(f"{type(error).__name__}: {str(error).splitlines()[0][:80]}")


def in_child(path, kind, functions, limit_gb=None):
    """What :func:`measure` sends, or a line that says why nothing came."""
    context = multiprocessing.get_context("spawn")
    receiver, sender = context.Pipe(duplex=False)
    child = context.Process(target=measure, args=(sender, path, kind, functions, limit_gb))
    child.start()
    sender.close()
    try:
        result = receiver.recv()
    except EOFError:
        result = None
    child.join()
    return result or f"ended with code {child.exitcode}, probably out of {limit_gb} GB"


def compare(n, options, rows):
    """Ours and every peer on the electrode with `n` voxels along each edge."""
    with tempfile.TemporaryDirectory() as folder:
        path = Path(folder) / "labels.npy"
        np.save(path, electrode(n))
        exact = {}
        for kind in ("three phases", "binary"):
            exact[kind] = in_child(path, kind, [ours_exactly])[0][0]
            value, steps, seconds, peak = in_child(path, kind, [ours])[0]
            error = value / exact[kind] - 1
            rows.append((n, kind, "ours", value, error, steps, seconds, seconds, 1.0, peak))
            show(rows[-1])
            if n == BUDGET_EDGE:
                print(
                    f"     within {BUDGET_S:g} CPU-s: {seconds <= BUDGET_S}, "
                    f"within {BUDGET_GB:g} GB: {peak <= BUDGET_GB}"
                )
        for kind, module, title, function, wanted in PEERS:
            if options.only and module not in options.only:
                continue
            if importlib.util.find_spec(module) is None:
                print(f"{n:4d} {kind:13s} {title:24s} skipped: {module} is not installed")
                continue
            result = in_child(path, kind, [ours, function], options.limit_gb)
            if isinstance(result, str):
                print(f"{n:4d} {kind:13s} {title:24s} {result}", flush=True)
                continue
            (_, _, our_seconds, _), (value, steps, seconds, peak) = result
            error, ratio = value / exact[kind] - 1, seconds / our_seconds
            rows.append((n, kind, title, value, error, steps, seconds, our_seconds, ratio, peak))
            show(rows[-1], wanted)
        if options.threads:
            volume, walls = load(path, "three phases"), []
            for threads in (1, 2):
                start = time.perf_counter()
                transport.effective_conductivity(volume, threads=threads)
                walls.append(time.perf_counter() - start)
            print(
                f"{n:4d} wall seconds on 1 and 2 threads: {walls[0]:.2f} {walls[1]:.2f}, "
                f"ratio {walls[0] / walls[1]:.2f}; load {os.getloadavg()[0]:.1f}"
            )


def show(row, wanted=None):
    n, kind, title, value, error, steps, seconds, our_seconds, ratio, peak = row
    verdict = f"at least {wanted}x: {ratio >= wanted}" if wanted else ""
    print(
        f"{n:4d} {kind:13s} {title:24s} k_eff {value:.6f} ({error:+.1e})  {steps or '-':>5} it  "
        f"{seconds:8.2f} CPU-s, ours {our_seconds:6.2f}  {ratio:6.1f}x  peak {peak:5.2f} GB  "
        f"{verdict}",
        flush=True,
    )


def main():
    parser = argparse.ArgumentParser(description=__doc__.splitlines()[0])
    parser.add_argument("--sizes", type=int, nargs="+", default=[128, 256])
    parser.add_argument("--threads", action="store_true")
    parser.add_argument("--limit-gb", type=float, default=8.0, help="memory a peer may take")
    parser.add_argument("--csv")
    parser.add_argument("--record", help="file for what is printed")
    modules = sorted({module for _, module, *_ in PEERS})
    parser.add_argument("--only", nargs="+", choices=modules, help="modules of the peers to run")
    options = parser.parse_args()
    rows = []
    with recording(options.record):
        transport.effective_conductivity(electrode(32) != Phase.AM)  # compile
        for n in options.sizes:
            compare(n, options, rows)
    if options.csv:
        names = "n volume solver value relative_error iterations cpu_s ours_cpu_s ratio peak_gb"
        with open(options.csv, "w", newline="", encoding="utf-8") as file:
            writer = csv.writer(file)
            writer.writerow(names.split())
            writer.writerows(rows)


if __name__ == "__main__":
    main()
