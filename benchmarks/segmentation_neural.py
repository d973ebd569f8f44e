"""Composition of whole volumes: our forward pass beside ``keras.Model.predict``, in CPU seconds.

Usage: python benchmarks/segmentation_neural.py [--edge 64] [--repeat 3] [--csv FILE]
                                                [--record FILE]

One process, one thread, the same network and the same gray values for all. Ours starts from the
gray values. Keras is timed twice: with ready-made patches, and from the gray values, too.
Ratios are taken from rounds that alternate, so that a busy machine matters little. Also
the memory beyond input and output at 256 x 256 x 128 voxels, and the wall time with one and two
threads.
"""

# ruff: noqa: E402 (threads must be limited before numpy is imported)

import argparse
import os

for name in ("OMP_NUM_THREADS", "OPENBLAS_NUM_THREADS", "MKL_NUM_THREADS", "NUMBA_NUM_THREADS"):
    os.environ.setdefault(name, "1")
os.environ.setdefault(
    "XLA_FLAGS", "--xla_cpu_multi_thread_eigen=false intra_op_parallelism_threads=1"
)

import threading
import time
from pathlib import Path

import numpy as np
import pandas as pd
from record import recording

from analysis.segmentation.networks import neural

LIMITS = {"ours per Mvoxel": 1.2, "batch 4096": 1.3, "batch 32": 6.0, "memory": 0.5}


def main():
    parser = argparse.ArgumentParser(description=__doc__.split("\n")[0])
    parser.add_argument("--edge", type=int, default=64, help="edge of the volume [voxel]")
    parser.add_argument("--repeat", type=int, default=3, help="rounds")
    parser.add_argument("--csv", type=Path, help="file for the table")
    parser.add_argument("--record", help="file for what is printed")
    options = parser.parse_args()
    with recording(options.record):
        rows = measure(options.edge, options.repeat)
        show(rows)
    if options.csv:
        pd.DataFrame(rows).to_csv(options.csv, index=False)


def measure(edge=64, repeat=3):
    """Rows of the table: memory, speed, threads."""
    rng = np.random.default_rng(1)
    model = neural.build_model(120.0, 45.0, seed=1)
    gray = rng.integers(0, 256, (edge,) * 3, dtype=np.uint8)
    neural.predict_composition(model, gray)  # compiles
    # memory first: what a later part has freed would be taken again without being counted
    rows = [memory(model, rng.integers(0, 256, (128, 256, 256), dtype=np.uint8))]
    rows += speed(model, gray, repeat)
    squashing = neural.build_model(120.0, 45.0, seed=1, activation="tanh")
    neural.predict_composition(squashing, gray[:8])
    begin = time.process_time()
    neural.predict_composition(squashing, gray)
    seconds = (time.process_time() - begin) / gray.size * 1e6
    rows.append({"what": "ours with tanh for relu", "value": seconds, "unit": "CPU s / Mvoxel"})
    return rows + threads(model, rng.integers(0, 256, (128, 128, 128), dtype=np.uint8))


def show(rows):
    """Print the table."""
    print(pd.DataFrame(rows).to_string(index=False, float_format="{:.3g}".format, na_rep=""))


def speed(model, gray, rounds):
    """CPU seconds per Mvoxel of each route, the ratios to ours and the largest difference."""
    voxels = np.stack(np.unravel_index(np.arange(gray.size), gray.shape), axis=1)
    patches = neural.extract_patches(gray, voxels)
    routes = {
        "ours": lambda: neural.predict_composition(model, gray),
        "patches and keras predict, batch 4096": lambda: model.predict(
            neural.extract_patches(gray, voxels), batch_size=4096, verbose=0
        ),
        "keras predict, batch 4096": lambda: model.predict(patches, batch_size=4096, verbose=0),
        "keras predict, batch 32": lambda: model.predict(patches, batch_size=32, verbose=0),
    }
    results = {name: route() for name, route in routes.items()}  # compiles, too
    seconds = {name: [] for name in routes}
    for _ in range(rounds):
        for name, route in routes.items():
            begin = time.process_time()
            route()
            seconds[name].append((time.process_time() - begin) / gray.size * 1e6)
    ours = results["ours"].reshape(3, -1).T
    rows = []
    for name, each in seconds.items():
        ratio = np.median(np.array(each) / np.array(seconds["ours"]))
        limit = next((v for k, v in LIMITS.items() if name.endswith(k)), None)
        rows.append(
            {
                "what": name,
                "value": min(each),
                "unit": "CPU s / Mvoxel",
                "ratio to ours": ratio,
                "largest difference": 0.0 if name == "ours" else np.abs(results[name] - ours).max(),
                "wanted": f"<= {LIMITS['ours per Mvoxel']}" if name == "ours" else f">= {limit}x",
                "met": min(each) <= LIMITS["ours per Mvoxel"] if name == "ours" else ratio >= limit,
            }
        )
    return rows


def memory(model, gray):
    """Peak of resident memory during a prediction, less input and output."""
    import psutil

    process, peak, done = psutil.Process(), [0], threading.Event()

    def watch():
        while not done.wait(0.005):
            peak[0] = max(peak[0], process.memory_info().rss)

    before = process.memory_info().rss
    watcher = threading.Thread(target=watch)
    watcher.start()
    composition = neural.predict_composition(model, gray)
    done.set()
    watcher.join()
    extra = max(0, peak[0] - before - composition.nbytes) / 1e9
    shape = " x ".join(map(str, gray.shape))
    return {
        "what": f"memory beyond input and output, {shape}",
        "value": extra,
        "unit": "GB",
        "wanted": f"< {LIMITS['memory']}",
        "met": extra < LIMITS["memory"],
    }


def threads(model, gray):
    """Wall time and CPU time with one and two threads; the results are equal."""
    rows, results = [], []
    for count in (1, 2):
        wall, cpu = time.perf_counter(), time.process_time()
        results.append(neural.predict_composition(model, gray, threads=count))
        for unit, taken in (
            ("wall s / Mvoxel", time.perf_counter() - wall),
            ("CPU s / Mvoxel", time.process_time() - cpu),
        ):
            rows.append(
                {
                    "what": f"{count} thread{'s' * (count > 1)}",
                    "value": taken / gray.size * 1e6,
                    "unit": unit,
                    "largest difference": float(np.abs(results[-1] - results[0]).max()),
                }
            )
    return rows


if __name__ == "__main__":
    main()
