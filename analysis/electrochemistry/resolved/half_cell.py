"""Lithiation of the resolved half cell: labels and a current in, voltage against time out.

A run that was killed goes on from its last checkpoint, see
:mod:`analysis.electrochemistry.resolved.checkpoint`.
"""

import hashlib
import os
import time
from dataclasses import dataclass, fields

import numpy as np
import psutil

from analysis.electrochemistry.conditions import check_current, check_cutoff, check_end
from analysis.electrochemistry.materials import DEFAULT
from analysis.electrochemistry.resolved import checkpoint
from analysis.electrochemistry.resolved import grid as domain
from analysis.electrochemistry.resolved.state import ResolvedCell
from analysis.electrochemistry.resolved.time_integration import ResolvedControl, Run
from analysis.electrochemistry.transport.devices import open_device
from analysis.electrochemistry.transport.threads import ThreadPool
from analysis.phases import check_voxel_size

BYTES_PER_CELL = 320
BYTES_PER_VOXEL = 90  # of the lithium, where cells have several
MOST_PER_CELL = 4  # voxels along the edge of a cell that are proposed
CHECKPOINT_FORMAT = 3  # of what a run stores, see time_integration.Run.state


@dataclass(frozen=True)
class RunOptions:
    """
    How a run goes: none of them is a property of the cell.

    Attributes
    ----------
    control : ResolvedControl, optional
        Accuracy. Ask for more where small differences between curves count.
    threads : int, optional
        Threads; by default as many as cores, at most four.
    device : {"cpu", "cuda"}
        Where the cell is solved: on threads of the CPU, or on a graphics card (optional extra
        ``[gpu]``), on which all fields stay. Curves and checkpoints are those of the CPU but for
        rounding; a run that was begun on one goes on on the other.
    largest_inert : float
        Largest share of electrolyte or solid that may be cut off; more than the default is a sign
        of labels that are upside down or too small a cutout.
    checkpoint_path : path, optional
        File to resume from if it exists, and to write to during the run; removed at the end.
    checkpoint_every_s : float
        Wall time between checkpoints.
    progress : callable, optional
        Receives one line of text per step.
    """

    control: ResolvedControl | None = None
    threads: int | None = None
    device: str = "cpu"
    largest_inert: float = 0.2
    checkpoint_path: object = None
    checkpoint_every_s: float = 300.0
    progress: object = None


def lithiate(
    labels,
    gamma,
    current_mA_cm2,
    *,
    voxel_size_um,
    materials=DEFAULT,
    cutoff_V=None,
    end_s=np.inf,
    snapshots_s=(),
    voxels_per_cell=1,
    **options,
):
    """
    Lithiate a resolved half cell at constant current down to the cut-off.

    Parameters
    ----------
    labels : (Z, Y, X) ndarray of uint8
        Phase of each voxel; slice 0 touches the separator.
    gamma : float
        Effective transport parameter of the electrolyte in the CBD [-].
    current_mA_cm2 : float
        Lithiation current density, positive.
    voxel_size_um : float
        Voxel edge [µm].
    materials : materials.HalfCell
        Parameters.
    cutoff_V : float, optional
        Lower cut-off; by default that of `materials`.
    end_s : float
        End time.
    snapshots_s : sequence of float
        Times at which to keep all fields.
    voxels_per_cell : int
        Voxels along the edge of the cells on which potentials and salt are solved; the lithium and
        the reaction stay on the voxels (:mod:`.cell_properties.properties`). Two take an eighth of
        the cells and hardly change the curve; one is the reference. Scripts of earlier versions
        call it `joined`.
    **options
        Fields of :class:`RunOptions`: accuracy, threads, checkpoints.

    Returns
    -------
    lithiation : ResolvedLithiation
        Curve, profiles, balances and cost. A run whose time step collapses ends early and says
        so in ``reason``.

    Raises
    ------
    ValueError
        For labels, gamma, separator or current that make no cell; for a current that cannot be
        carried even at the start; for a cut-off not between 2.5 V and the open-circuit voltage;
        for a checkpoint of another case.
    TypeError
        For an option that there is not.
    MemoryError
        If the volume needs more memory than is available.
    transport.cuda.card.CudaError
        If the card cannot be used, or has not enough memory. Nothing runs on the CPU instead.
    """
    options, voxels_per_cell = options_of(options, voxels_per_cell)
    pool = open_device(options.device, options.threads)
    check_voxel_size(voxel_size_um)
    control = options.control or ResolvedControl()
    check_arguments(current_mA_cm2, end_s, voxels_per_cell, snapshots_s)
    cutoff = check_cutoff(cutoff_V, materials)
    geometry = domain.build(
        labels,
        gamma,
        voxel_size_um=voxel_size_um,
        cell=materials,
        largest_inert=options.largest_inert,
        voxels_per_cell=voxels_per_cell,
    )
    check_memory_on(pool, geometry)
    start = time.perf_counter(), time.process_time()
    cell = ResolvedCell(geometry, materials, pool)
    cell.set_rest(materials.active.initial_content)
    run = Run(cell, current_mA_cm2, cutoff, control, snapshots_s, end_s)
    case = (gamma, current_mA_cm2, voxel_size_um, materials, control, cutoff, voxels_per_cell)
    reason = _to_the_end(run, _fingerprint(labels, *case), options, start[0])
    return run.result(reason, time.process_time() - start[1], time.perf_counter() - start[0])


def options_of(options, voxels_per_cell):
    """The options by name, and voxels per cell by whichever of its two names."""
    if "joined" in options:
        voxels_per_cell = options.pop("joined")
    known = {one.name for one in fields(RunOptions)}
    if options.keys() - known:
        raise TypeError(
            f"resolved.lithiate has no option {sorted(options.keys() - known)}; expected some of "
            f"{sorted(known)}."
        )
    return RunOptions(**options), voxels_per_cell


def _to_the_end(run, mark, options, wall_start):
    """Advance a run from its checkpoint, if there is one; returns why it is over."""
    path = options.checkpoint_path
    if path is not None and os.path.exists(path):
        run.restore(checkpoint.load(path, mark))
    saved = time.perf_counter()
    reason = ""
    while not reason:
        reason = run.advance()
        if options.progress is not None and run.record.rows:
            options.progress(run.describe(wall_start))
        if path is not None and not reason:
            if time.perf_counter() - saved >= options.checkpoint_every_s:
                checkpoint.save(path, run.state(), mark)
                saved = time.perf_counter()
    if path is not None and os.path.exists(path):
        os.remove(path)
    return reason


def check_arguments(current_mA_cm2, end_s, voxels_per_cell, snapshots_s=()):
    """
    Check the numbers of a run before any work.

    Raises
    ------
    ValueError
        If the current or the end time is not positive, `voxels_per_cell` is no whole number, or a
        snapshot is at no time.
    """
    check_current(current_mA_cm2)
    check_end(end_s)
    check_voxels_per_cell(voxels_per_cell)
    times = np.asarray(snapshots_s, dtype=float)
    if not np.all(np.isfinite(times) & (times >= 0)):
        raise ValueError(f"snapshots_s is {snapshots_s}; expected times in s, none negative.")


def check_voxels_per_cell(voxels_per_cell):
    """
    Check the coarsening factor.

    Raises
    ------
    ValueError
        If it is no whole number from one on.
    """
    n = voxels_per_cell
    if isinstance(n, bool) or not isinstance(n, (int, np.integer)) or n < 1:
        raise ValueError(
            f"voxels_per_cell or joined is {n!r}; expected a whole number from 1 to the lateral "
            "width."
        )


def check_memory_on(pool, geometry):
    """
    Compare what the cell of a domain needs with what there is where it is to be solved.

    Raises
    ------
    MemoryError
        If the memory of this machine is too small; some of it a card takes, too.
    transport.cuda.card.CudaError
        If that of the card is.
    """
    voxels = geometry.voxels if geometry.voxels_per_cell > 1 else None
    if isinstance(pool, ThreadPool):
        check_memory(geometry.shape, voxels)
        return
    from analysis.electrochemistry.resolved.cuda import memory

    memory.check_host(geometry.voxels)
    memory.check(geometry.shape, voxels, memory.count_faces(geometry), *pool.free_memory())


def check_memory(shape, voxels=None, available=None):
    """
    Compare what a grid of cells, and one of voxels if a cell has several, needs with what there is.

    Raises
    ------
    MemoryError
        If it does not fit; says how much, and how many voxels a cell should have.
    """
    need = _bytes(shape, voxels)
    have = psutil.virtual_memory().available if available is None else available
    if need <= have:
        return
    before = 1 if voxels is None else round(voxels[1] / shape[1])
    voxels = shape if voxels is None else voxels
    advice = "Take a smaller cutout."
    for n in range(before + 1, MOST_PER_CELL + 1):
        less = _bytes([-(-length // n) for length in voxels], voxels)
        if less < 0.9 * have:
            advice = f"Pass voxels_per_cell={n}, which needs {less / 1e9:.1f} GB, or t{advice[1:]}"
            break
    raise MemoryError(
        f"A grid of {shape[0]} x {shape[1]} x {shape[2]} cells needs about {need / 1e9:.1f} GB; "
        f"{have / 1e9:.1f} GB are available. {advice}"
    )


def _bytes(shape, voxels):
    need = BYTES_PER_CELL * float(np.prod([n + 2 for n in shape])) + 3e8
    if voxels is not None:
        need += BYTES_PER_VOXEL * float(np.prod([n + 2 for n in voxels]))
    return need


def _fingerprint(labels, *numbers):
    digest = hashlib.sha256(np.ascontiguousarray(labels, np.uint8).tobytes())
    digest.update(repr((CHECKPOINT_FORMAT, np.shape(labels), numbers)).encode())
    return digest.hexdigest()
