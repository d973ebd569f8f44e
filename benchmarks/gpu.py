"""Transport and half cell on a graphics card: seconds, share of the card's bandwidth, TauFactor.

Usage: python benchmarks/gpu.py [--rows conduction spectrum cell agreement] [--sizes 128 256]
           [--repeats 3] [--record FILE]

Prints the card, its driver, its memory and the bandwidth that a copy of 1 GB on it reaches. Then
come the rows that were asked for, by default all. `cell`, `spectrum` and `agreement`: see
gpu_cell.py. `conduction`: for each cube, three phases and binary, to 1e-6 (aim at 256: 0.2 s):
ours on the card (the whole call, and the solver alone, for clusters are found on the CPU), ours on
one thread of the CPU in the same process with the difference of the values, and TauFactor on the
same card with its default criterion and with one of 1e-6, each with its error against our solution
at 1e-8. The least of the repeats counts.

The bandwidth used is what the kernels must read and write at least, over the time of the
solver: an array that several threads read counts once. Without a card the reason is printed and
the tables stay empty. In CUDA's simulator (NUMBA_ENABLE_CUDASIM=1) tiny sizes show that the script
works: --sizes 5 --shape 5 4 4 --end-s 0.5.
"""

# ruff: noqa: E402 (threads must be limited before numpy is imported)

import argparse
import contextlib
import os
import subprocess
import time

for name in ("OMP_NUM_THREADS", "OPENBLAS_NUM_THREADS", "MKL_NUM_THREADS"):
    os.environ.setdefault(name, "1")

import gpu_cell
import numpy as np
from record import recording
from transport import GAMMA, electrode

from analysis.electrochemistry.transport import effective, multigrid
from analysis.electrochemistry.transport.cuda import card
from analysis.phases import Phase

COPIED = 2**30  # bytes
# Least traffic per cell and cycle, in numbers of four bytes: what is read and written once
CYCLE = {"smooth": 6, "residual_restricted": 5, "prolong": 2, "residual": 6, "smooth again": 7}
GRADIENTS = {"dot": 2, "aypx": 3, "apply": 5, "update_solution": 5, "axpy_dot": 3}
COLUMNS = (
    f"{'cells':>6s} {'volume':13s} {'solver':28s} {'k_eff':>10s} {'error':>9s} {'cycles':>7s} "
    f"{'call s':>8s} {'solver s':>8s} {'GB/s':>6s} {'of copy':>8s}"
)
ROWS = ("conduction", "spectrum", "cell", "agreement")
NOT_MEASURED = "No card was at hand when this was recorded, so the tables are empty: {}"


def bytes_per_cycle(shape):
    """Least memory traffic of one cycle of the conjugate gradients."""
    plan = multigrid.plan_coarsening(shape, np.ones(shape[0]))
    total = np.prod(shape) * (sum(CYCLE.values()) + sum(GRADIENTS.values()))
    visits = 1
    for step in plan[:-1]:
        cells = np.prod(step.shape)
        visits *= 2 if cells >= effective.REVISIT else 1
        total += visits * cells * sum(CYCLE.values())
    return 4 * int(total)


def describe():
    """Print card, driver and memory; return the bandwidth of a copy [B/s], None if simulated."""
    from numba import cuda

    state = card.look()
    version = ".".join(map(str, state.driver))
    if state.simulated:
        print(f"card: {state.card}; times of the simulator say nothing")
        return None
    with contextlib.suppress(OSError):  # the number that people know the driver by
        query = ["nvidia-smi", "--query-gpu=driver_version", "--format=csv,noheader"]
        version += f", {subprocess.run(query, capture_output=True, text=True).stdout.strip()}"
    free, total = cuda.current_context().get_memory_info()
    print(
        f"card: {state.card}, driver: CUDA {version}, {total / 1e9:.1f} GB, {free / 1e9:.1f} free"
    )
    source, target = (cuda.device_array(COPIED, np.uint8) for _ in range(2))
    least = min(timed(lambda: target.copy_to_device(source), 5))
    bandwidth = 2 * COPIED / least
    print(f"bandwidth of a copy on the card: {bandwidth / 1e9:.0f} GB/s (read and written)")
    return bandwidth


def timed(work, repeats):
    """Wall seconds of each call, until the card has done it; the first call is not counted."""
    from numba import cuda

    seconds = []
    for _ in range(repeats + 1):
        cuda.synchronize()
        start = time.perf_counter()
        work()
        cuda.synchronize()
        seconds.append(time.perf_counter() - start)
    return seconds[1:]


class Ours:
    """Calls of ours, with the seconds of the solver alone."""

    def __init__(self, volume, device):
        self.volume, self.device = volume, device
        self.result, self.solver_s = None, []

    def __call__(self):
        from numba import cuda

        solve = multigrid.solve

        def clocked(*args, **options):
            start = time.perf_counter()
            found = solve(*args, **options)
            cuda.synchronize()
            self.solver_s.append(time.perf_counter() - start)
            return found

        multigrid.solve = clocked
        try:
            self.result = effective.effective_conductivity(self.volume, device=self.device)
        finally:
            multigrid.solve = solve


def row(n, kind, title, value, exact, cycles, call_s, solver_s=None, bandwidth=None):
    """One line of the table."""
    parts = f"{n:6d} {kind:13s} {title:28s} {value:10.7f} {value / exact - 1:+9.1e} {cycles:7d} "
    parts += f"{call_s:8.3f}"
    if solver_s:
        used = bytes_per_cycle((n,) * 3) * cycles / solver_s
        share = f"{used / bandwidth:8.0%}" if bandwidth else ""
        parts += f" {solver_s:8.3f} {used / 1e9:6.0f} {share}"
    print(parts, flush=True)


def taufactor(kind, labels, criterion):
    """Effective diffusivity of TauFactor on the card, as a function to time, and its solver."""
    import taufactor as tau

    made = {}

    def work():
        if kind == "binary":
            solver = tau.Solver((labels != Phase.AM).astype(np.float32), device="cuda")
        else:
            phases = np.select([labels == Phase.PORE, labels == Phase.CBD], [1, 2], 0)
            solver = tau.MultiPhaseSolver(phases, cond={1: 1.0, 2: GAMMA}, device="cuda")
        solver.solve(verbose=False, iter_limit=100_000, conv_crit=criterion)
        made["solver"] = solver

    return work, made


def compare(n, repeats, bandwidth, simulated):
    """All solvers on the cube of `n` voxels along each edge."""
    labels = electrode(n)
    for kind in ("three phases", "binary"):
        ionic = effective.ionic_conductivity(labels, GAMMA)
        volume = ionic if kind == "three phases" else (labels != Phase.AM).astype(np.float32)
        exact = effective.effective_conductivity(volume, rtol=1e-8).value
        seconds = {}
        for device in ("cuda", "cpu"):
            ours = Ours(volume, device)
            calls = timed(ours, repeats)
            seconds[device] = min(calls)
            row(
                *(n, kind, f"ours, {device}", ours.result.value, exact, ours.result.iterations),
                *(min(calls), min(ours.solver_s[1:]), bandwidth if device == "cuda" else None),
            )
        print(
            f"{n:6d} {kind:13s} one thread of the CPU over the card: "
            f"{seconds['cpu'] / seconds['cuda']:.1f}"
        )
        if simulated:
            continue
        for criterion in (1e-2, 1e-6):
            work, made = taufactor(kind, labels, criterion)
            try:
                calls = timed(work, repeats)
            except ImportError as error:
                print(f"{n:6d} {kind:13s} TauFactor skipped: {error}")
                break
            solver = made["solver"]
            value, steps = float(np.ravel(solver.D_eff)[0]), int(solver.iter)
            row(n, kind, f"TauFactor, {criterion:g}", value, exact, steps, min(calls))
            print(f"{n:6d} {kind:13s} TauFactor over ours: {min(calls) / seconds['cuda']:.1f}")


def main():
    parser = argparse.ArgumentParser(description=__doc__.splitlines()[0])
    parser.add_argument("--rows", nargs="+", choices=ROWS, default=ROWS)
    parser.add_argument("--sizes", type=int, nargs="+", default=[128, 256])
    parser.add_argument("--shape", type=int, nargs=3, help="of all cells, instead of the paper's")
    parser.add_argument("--end-s", type=float, default=np.inf, help="end time of the lithiations")
    parser.add_argument("--repeats", type=int, default=3)
    parser.add_argument("--record", help="file for what is printed")
    options = parser.parse_args()
    with recording(options.record):
        state = card.look()
        fault = card.fault_of(state)
        if fault:
            print(NOT_MEASURED.format(fault))
            print(COLUMNS)
            print(gpu_cell.COLUMNS)
            return
        bandwidth = describe()
        if "conduction" in options.rows:
            print(COLUMNS)
            for n in options.sizes:
                compare(n, options.repeats, bandwidth, state.simulated)
        shape, repeats = options.shape, options.repeats
        if "spectrum" in options.rows:
            gpu_cell.spectrum(shape or gpu_cell.SPECTRUM[0], gpu_cell.SPECTRUM[1], repeats, timed)
        if "cell" in options.rows:
            cases = gpu_cell.CELLS
            if shape:
                cases = [(title, tuple(shape), n, aim) for title, _, n, aim in cases]
            gpu_cell.lithiations(cases, timed, bandwidth, options.end_s)
        if "agreement" in options.rows:
            if not gpu_cell.agreement(shape or gpu_cell.AGREEMENT, options.end_s):
                raise SystemExit("the curves of the card are not those of the CPU")


if __name__ == "__main__":
    main()
