"""The stencil kernels of this tree beside those of an older one, in pairs in one process.

Usage: python benchmarks/kernels.py PATH/TO/_stencil.py [--size 128] [--rounds 60] [--record FILE]

The older file (electrochemistry/_stencil.py before the rooms) takes face conductances and
aggregates as single arguments; here they come as named tuples. Both run in turn, the first of a
pair alternating, on the same arrays and one thread; printed are the median of the ratios
new / old, its quartiles, the fastest time of each, and the largest difference of what they write.
Also NEW against NEW, which says what the machine alone makes of equal code.
"""

import argparse
import importlib.util
import sys
import time

import numpy as np
import record

from analysis.electrochemistry.transport import grid_transfer, stencil


def main():
    parser = argparse.ArgumentParser(description=__doc__.splitlines()[0])
    parser.add_argument("older")
    parser.add_argument("--size", type=int, default=128)
    parser.add_argument("--rounds", type=int, default=60)
    parser.add_argument("--record")
    options = parser.parse_args()
    older = _load(options.older)
    with record.recording(options.record):
        print(f"{options.size}^3 cells, {options.rounds} pairs, one thread")
        for name, new, old, written in _kernels(older, options.size):
            difference = _difference(new, old, written)
            ratio, fastest = _pairs(new, old, options.rounds)
            same, _ = _pairs(new, new, options.rounds)
            low, middle, high = np.percentile(ratio, (25, 50, 75))
            print(
                f"{name:34s} new/old {middle:.3f} ({low:.3f}-{high:.3f})  new/new "
                f"{np.median(same):.3f}  fastest {1e3 * fastest[0]:.3f} / {1e3 * fastest[1]:.3f} ms"
                f"  difference {difference:.1e}"
            )


def _load(path):
    spec = importlib.util.spec_from_file_location("older_stencil", path)
    module = sys.modules[spec.name] = importlib.util.module_from_spec(spec)
    spec.loader.exec_module(module)
    return module


def _kernels(older, size):
    rng = np.random.default_rng(1)

    def field(shape):
        made = np.zeros([n + 2 for n in shape], np.float32)
        made[1:-1, 1:-1, 1:-1] = rng.random(shape, np.float32)
        return made

    fine, coarse = (size,) * 3, (size // 2,) * 3
    x, b, e, inverse = field(fine), field(fine), field(fine), field(fine)
    faces = stencil.FaceConductances(field(fine), field(fine), field(fine))
    first = np.arange(0, size + 1, 2)
    parent = np.repeat(np.arange(size // 2), 2)
    groups = grid_transfer.Aggregates(first, parent, True, True)
    small, out = field(coarse), np.zeros_like(x)
    weights = np.float32(0.7), np.float32(0.5)
    span, half = (0, size), (0, size // 2)

    for add in (False, True):
        yield (
            f"smooth, add {add}",
            lambda add=add: stencil.smooth(*span, b, inverse, faces, weights, add, out),
            lambda add=add: older.smooth(*span, b, inverse, *faces, *weights, add, out),
            out,
        )
    for with_e in (False, True):
        yield (
            f"apply, with_e {with_e}",
            lambda w=with_e: stencil.apply(*span, x, faces, e, w, out),
            lambda w=with_e: older.apply(*span, x, *faces, e, w, out),
            out,
        )
        yield (
            f"residual, with_e {with_e}",
            lambda w=with_e: stencil.residual(*span, x, b, faces, e, w, out),
            lambda w=with_e: older.residual(*span, x, b, *faces, e, w, out),
            out,
        )
        yield (
            f"residual_restricted, with_e {with_e}",
            lambda w=with_e: grid_transfer.residual_restricted(
                *half, x, b, faces, e, w, groups, small
            ),
            lambda w=with_e: older.residual_restricted(
                *half, x, b, *faces, e, w, first, True, True, small
            ),
            small,
        )
    yield (
        "prolong",
        lambda: grid_transfer.prolong(*span, small, groups, out),
        lambda: older.prolong(*span, small, parent, True, True, out),
        out,
    )


def _difference(new, old, written):
    results = []
    for kernel in (new, old):
        written[1:-1, 1:-1, 1:-1] = 1
        kernel()
        results.append(written.copy())
    return float(np.abs(results[0] - results[1]).max())


def _pairs(new, old, rounds):
    times = np.empty((rounds, 2))
    for number in range(rounds):
        order = (0, 1) if number % 2 else (1, 0)
        for which in order:
            start = time.perf_counter()
            (new, old)[which]()
            times[number, which] = time.perf_counter() - start
    return times[:, 0] / times[:, 1], times.min(axis=0)


if __name__ == "__main__":
    main()
