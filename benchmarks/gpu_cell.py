"""The resolved half cell and a spectrum on a graphics card: rows of ``gpu.py``.

Usage: see gpu.py. Rows have what was aimed at beside what was measured: on one H100-class card
266 x 200 x 200 voxels at 6 mA/cm2 within 15 s on full voxels and 5 s on cells of two, 400 x 400 x
266 on full voxels within 75 s and 80 GB, a spectrum of the paper's size within 5 s. Lithiations
are run twice: the first time, which compiles, does not count.

`agreement` lithiates a small volume on the card and on the CPU in the same process and prints how
far the curves are apart: rms over the capacity that both reach, which must be within 0.1 mV, and
the last capacity, which must be within 0.01 %.
"""

import time

import numpy as np
import structures
from transport import GAMMA

from analysis.electrochemistry.resolved import half_cell
from analysis.electrochemistry.resolved.linear_solver import preconditioner
from analysis.electrochemistry.transport import impedance, multigrid

CURRENT = 6.0  # mA/cm2
VOXEL_UM = 0.642
SEPARATOR = 20  # slices, about
# Title, electrode, voxels per cell, seconds aimed at
CELLS = (
    ("full voxels", (266, 200, 200), 1, 15.0),
    ("cells of two", (266, 200, 200), 2, 5.0),
    ("400 x 400 x 266", (266, 400, 400), 1, 75.0),
)
SPECTRUM = ((266, 200, 200), 5.0)
AGREEMENT = (100, 48, 48)
APART_MV, APART_PERCENT = 0.1, 0.01
# Least traffic per cell and cycle, in numbers of four bytes: what is read and written once. On the
# finest grid the blocks of psi and salt, and one field of solid; below, three fields.
FINE = {"blocks": 8 + 14 + 8 + 16, "smooth": 6 + 7, "residual_restricted": 16, "prolong": 6}
FINE |= {"residual": 19, "exchange": 6, "jacobian": 16 + 5 + 2, "products": 13, "step": 36}
COARSE = {"smooth": 3 * (6 + 7), "residual_restricted": 16, "prolong": 6, "residual": 19}
COARSE |= {"cell_exchange": 16}
COLUMNS = (
    f"{'case':18s} {'cells':>10s} {'end':>9s} {'steps':>6s} {'it':>5s} {'cycles':>7s} "
    f"{'call s':>8s} {'solver s':>8s} {'aim s':>6s} {'GB':>6s} {'GB/s':>6s} {'of copy':>8s}"
)


def bytes_per_cycle(shape):
    """Least memory traffic of one cycle of the three fields with its search direction."""
    plan = multigrid.plan_coarsening(shape, np.ones(shape[0]))
    total, visits = np.prod(shape) * sum(FINE.values()), 1
    for step in plan[:-1]:
        cells = np.prod(step.shape)
        visits *= 2 if cells >= preconditioner.REVISIT else 1
        total += visits * cells * sum(COARSE.values())
    return 4 * int(total)


class Lithiation:
    """A call of ours on a device, with the seconds after the cell was set up and its memory."""

    def __init__(self, labels, voxels_per_cell, device, end_s):
        self.labels, self.device = labels, device
        self.options = dict(voxels_per_cell=voxels_per_cell, end_s=end_s, device=device, threads=2)
        self.options |= dict(voxel_size_um=VOXEL_UM, largest_inert=0.95)
        self.result, self.solver_s, self.pool = None, [], None

    def __call__(self):
        to_the_end, open_device = half_cell._to_the_end, half_cell.open_device

        def clocked(*args):
            start = time.perf_counter()
            reason = to_the_end(*args)
            self.solver_s.append(time.perf_counter() - start)
            return reason

        def opened(*args):
            self.pool = open_device(*args)
            return self.pool

        half_cell._to_the_end, half_cell.open_device = clocked, opened
        try:
            self.result = half_cell.lithiate(self.labels, GAMMA, CURRENT, **self.options)
        finally:
            half_cell._to_the_end, half_cell.open_device = to_the_end, open_device


def row(title, shape, ours, call_s, aim_s, bandwidth):
    """One line of the table."""
    run, solver_s = ours.result, min(ours.solver_s)
    n = ours.options["voxels_per_cell"]
    cells = (shape[0] // n + SEPARATOR, shape[1] // n, shape[2] // n)
    used = bytes_per_cycle(cells) * run.cycles / solver_s
    memory = ours.pool.memory.most / 1e9
    print(
        f"{title:18s} {run.cells:10d} {run.reason:>9s} {run.steps:6d} {run.iterations:5d} "
        f"{run.cycles:7d} {call_s:8.2f} {solver_s:8.2f} {aim_s:6g} {memory:6.2f} {used / 1e9:6.0f} "
        + (f"{used / bandwidth:8.0%}" if bandwidth else ""),
        flush=True,
    )


def lithiations(cases, timed, bandwidth, end_s=np.inf):
    """Complete lithiations on the card; the first call, which compiles, is not counted."""
    print(COLUMNS)
    for title, shape, n, aim_s in cases:
        ours = Lithiation(structures.blobs(shape), n, "cuda", end_s)
        call_s = min(timed(ours, 1))
        row(title, shape, ours, call_s, aim_s, bandwidth)


def agreement(shape, end_s=np.inf):
    """Curves of the card and of the CPU, in one process; returns whether they agree."""
    agree = True
    for n in (1, 2):
        curves = []
        for device in ("cpu", "cuda"):
            ours = Lithiation(structures.blobs(shape), n, device, end_s)
            ours()
            curves.append(ours.result)
        apart_mV, apart_percent = difference(*curves)
        within = apart_mV <= APART_MV and apart_percent <= APART_PERCENT
        agree &= within
        print(
            f"agreement of {shape[0]} x {shape[1]} x {shape[2]} voxels, {n} to a cell: "
            f"{apart_mV:.2g} mV rms, last capacity {apart_percent:.2g} % "
            f"({'within' if within else 'NOT within'} {APART_MV:g} mV and {APART_PERCENT:g} %)",
            flush=True,
        )
    return agree


def difference(one, other):
    """How far two curves are apart: rms [mV], and the last capacity [%]."""
    ends = [run.capacity_mAh_cm2[-1] for run in (one, other)]
    at = np.linspace(0.002, 0.999, 1000) * min(ends)
    a, b = (np.interp(at, run.capacity_mAh_cm2, run.voltage_V) for run in (one, other))
    return float(1e3 * np.sqrt(np.mean((a - b) ** 2))), float(100 * abs(ends[1] / ends[0] - 1))


def spectrum(shape, aim_s, repeats, timed):
    """Spectrum of 61 frequencies; the first call is not counted."""
    labels, found = structures.blobs(shape), []

    def work():
        options = dict(voxel_size_um=VOXEL_UM, frequency_Hz=np.geomspace(1e-3, 1e5, 61))
        found.append(impedance.spectrum(labels, GAMMA, **options, device="cuda"))

    call_s = min(timed(work, repeats))
    print(
        f"spectrum of {shape[0]} x {shape[1]} x {shape[2]} voxels: {call_s:.2f} s (aim {aim_s:g}), "
        f"{found[-1].iterations} cycles, tortuosity {found[-1].tortuosity:.4f}",
        flush=True,
    )
