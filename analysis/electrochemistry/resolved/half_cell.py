"""Lithiation of the resolved half cell: labels and a current in, voltage against time out.

A run that was killed goes on from its last checkpoint, see
:mod:`analysis.electrochemistry.resolved.checkpoint`.
"""

import hashlib
import os
import time

import numpy as np
import psutil

from analysis.electrochemistry.materials import DEFAULT
from analysis.electrochemistry.resolved import checkpoint
from analysis.electrochemistry.resolved import grid as domain
from analysis.electrochemistry.resolved.state import ResolvedCell
from analysis.electrochemistry.resolved.time_integration import ResolvedControl, Run
from analysis.electrochemistry.transport.threads import Team

BYTES_PER_CELL = 320
BYTES_PER_VOXEL = 90  # of the lithium, where voxels are joined
MOST_JOINED = 4  # voxels along the edge of a cell that are proposed


def lithiate(
    labels,
    gamma,
    current_mA_cm2,
    *,
    voxel_size_um,
    materials=DEFAULT,
    cutoff_V=None,
    control=None,
    threads=None,
    snapshots_s=(),
    end_s=np.inf,
    largest_inert=0.2,
    joined=1,
    checkpoint_path=None,
    checkpoint_every_s=300.0,
    progress=None,
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
    control : ResolvedControl, optional
        Accuracy.
    threads : int, optional
        Threads; by default as many as cores, at most four.
    snapshots_s : sequence of float
        Times at which to keep all fields.
    end_s : float
        End time.
    largest_inert : float
        Largest share of electrolyte or solid that may be cut off.
    joined : int
        Voxels along the edge of the cells on which potentials and salt are solved; the lithium and
        the reaction stay on the voxels (:mod:`.cell_properties.properties`).
    checkpoint_path : path, optional
        File to resume from if it exists, and to write to during the run; removed at the end.
    checkpoint_every_s : float
        Wall time between checkpoints.
    progress : callable, optional
        Receives one line of text per step.

    Returns
    -------
    lithiation : ResolvedLithiation
        Curve, profiles, balances and cost. A run whose time step collapses ends early and says
        so in ``reason``.

    Raises
    ------
    ValueError
        For labels, gamma, separator or current that make no cell; for a cut-off above the
        open-circuit voltage; for a checkpoint of another case.
    MemoryError
        If the volume needs more memory than is available.
    """
    control = control or ResolvedControl()
    cutoff = materials.cutoff_V if cutoff_V is None else float(cutoff_V)
    check_arguments(current_mA_cm2, end_s, joined, snapshots_s)
    rest = float(materials.active.ocp.potential(materials.active.initial_content))
    if not cutoff < rest:
        raise ValueError(
            f"The cut-off {cutoff:g} V is not below the open-circuit voltage {rest:.3f} V of the "
            "charged cell; expected a lower cut-off, or a lower initial lithium content."
        )
    geometry = domain.build(
        labels,
        gamma,
        voxel_size_um=voxel_size_um,
        cell=materials,
        largest_inert=largest_inert,
        joined=joined,
    )
    check_memory(geometry.shape, geometry.voxels if joined > 1 else None)
    start = time.perf_counter(), time.process_time()
    cell = ResolvedCell(geometry, materials, Team(threads))
    cell.set_rest(materials.active.initial_content)
    run = Run(cell, current_mA_cm2, cutoff, control, snapshots_s, end_s)
    case = (gamma, current_mA_cm2, voxel_size_um, materials, control, cutoff, joined)
    mark = _fingerprint(labels, *case)
    if checkpoint_path is not None and os.path.exists(checkpoint_path):
        run.restore(checkpoint.load(checkpoint_path, mark))
    saved = time.perf_counter()
    reason = ""
    while not reason:
        reason = run.advance()
        if progress is not None and run.record.rows:
            progress(run.describe(start[0]))
        if checkpoint_path is not None and not reason:
            if time.perf_counter() - saved >= checkpoint_every_s:
                checkpoint.save(checkpoint_path, run.state(), mark)
                saved = time.perf_counter()
    if checkpoint_path is not None and os.path.exists(checkpoint_path):
        os.remove(checkpoint_path)
    return run.result(reason, time.process_time() - start[1], time.perf_counter() - start[0])


def check_arguments(current_mA_cm2, end_s, joined, snapshots_s=()):
    """
    Check the numbers of a run before any work.

    Raises
    ------
    ValueError
        If the current or the end time is not positive, `joined` is no whole number, or a snapshot
        is at no time.
    """
    check_current(current_mA_cm2)
    if np.isnan(end_s) or end_s <= 0:
        raise ValueError(f"end_s is {end_s}; expected a positive time in s.")
    if isinstance(joined, bool) or not isinstance(joined, (int, np.integer)) or joined < 1:
        raise ValueError(
            f"joined is {joined!r}; expected a number from 1 to the lateral width, and a whole one."
        )
    times = np.asarray(snapshots_s, dtype=float)
    if not np.all(np.isfinite(times) & (times >= 0)):
        raise ValueError(f"snapshots_s is {snapshots_s}; expected times in s, none negative.")


def check_current(current_mA_cm2):
    """
    Check that the current is a positive number.

    Raises
    ------
    ValueError
        If it is not.
    """
    value = float(current_mA_cm2)
    if not (np.isfinite(value) and value > 0):
        raise ValueError(
            f"The current is {current_mA_cm2} mA/cm²; expected a positive lithiation current."
        )


def check_memory(shape, voxels=None, available=None):
    """
    Compare what a grid of cells, and one of voxels if they are joined, needs with what there is.

    Raises
    ------
    MemoryError
        If it does not fit; says how much, and how many voxels to join to a cell.
    """
    need = _bytes(shape, voxels)
    have = psutil.virtual_memory().available if available is None else available
    if need <= have:
        return
    before = 1 if voxels is None else round(voxels[1] / shape[1])
    voxels = shape if voxels is None else voxels
    advice = "Take a smaller cutout."
    for joined in range(before + 1, MOST_JOINED + 1):
        less = _bytes([-(-n // joined) for n in voxels], voxels)
        if less < 0.9 * have:
            advice = f"Pass joined={joined}, which needs {less / 1e9:.1f} GB, or t{advice[1:]}"
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
    digest.update(repr((np.shape(labels), numbers)).encode())
    return digest.hexdigest()
