"""Follow a current profile on voxels, segment by segment."""

import time

import numpy as np

from analysis.electrochemistry.current_profile import CurrentProfile
from analysis.electrochemistry.materials import DEFAULT
from analysis.electrochemistry.resolved import grid as domain
from analysis.electrochemistry.resolved.current_profiles.profile_run import (
    ResolvedProfileRun,
    ResolvedSegmentEnd,
    gather,
)
from analysis.electrochemistry.resolved.current_profiles.segment_steps import SegmentSteps
from analysis.electrochemistry.resolved.half_cell import (
    check_memory_on,
    check_voxels_per_cell,
    options_of,
)
from analysis.electrochemistry.resolved.state import ResolvedCell
from analysis.electrochemistry.resolved.time_integration import ResolvedControl
from analysis.electrochemistry.transport.devices import open_device
from analysis.phases import check_voxel_size

__all__ = ["ResolvedProfileRun", "follow"]


def follow(
    labels,
    gamma,
    profile,
    *,
    voxel_size_um,
    materials=DEFAULT,
    voxels_per_cell=1,
    **options,
):
    """
    Take a resolved half cell through the segments of a current profile.

    Parameters
    ----------
    labels : (Z, Y, X) ndarray of uint8
        Phase of each voxel; slice 0 touches the separator.
    gamma : float
        Effective transport parameter of the electrolyte in the CBD [-].
    profile : CurrentProfile or sequence of Segment
        What is applied, see :mod:`analysis.electrochemistry.current_profile`.
    voxel_size_um : float
        Voxel edge [µm].
    materials : materials.HalfCell
        Parameters; ``materials.active.initial_content`` is where the cell begins.
    voxels_per_cell : int
        As in :func:`analysis.electrochemistry.resolved.lithiate`.
    **options
        `control`, `threads`, `device`, `largest_inert` and `progress` of
        :class:`analysis.electrochemistry.resolved.half_cell.RunOptions`. Such a run is not resumed:
        checkpoints are refused.

    Returns
    -------
    ResolvedProfileRun
        A run whose time step collapses ends early; the last of its ``ends`` says why.

    Raises
    ------
    ValueError
        Before the run, if labels, gamma or a segment make no run; during it, if the first segment
        cannot begin.
    TypeError
        For an option that there is not.
    MemoryError
        If the volume needs more memory than is available.
    """
    check_voxel_size(voxel_size_um)
    if not isinstance(profile, CurrentProfile):
        profile = CurrentProfile(profile)
    profile.check(materials)
    options, voxels_per_cell = options_of(options, voxels_per_cell)
    if options.checkpoint_path is not None:
        raise ValueError(
            "A run through a current profile writes no checkpoints; expected no checkpoint_path. "
            "Run its segments as profiles of their own if one run takes too long."
        )
    check_voxels_per_cell(voxels_per_cell)
    pool = open_device(options.device, options.threads)
    geometry = domain.build(
        labels,
        gamma,
        voxel_size_um=voxel_size_um,
        cell=materials,
        largest_inert=options.largest_inert,
        voxels_per_cell=voxels_per_cell,
    )
    check_memory_on(pool, geometry)
    wall, cpu = time.perf_counter(), time.process_time()
    cell = ResolvedCell(geometry, materials, pool)
    cell.set_rest(materials.active.initial_content)
    run = SegmentSteps(cell, options.control or ResolvedControl(), _scale(profile))
    window, ends = profile.window_V(materials), []
    for n, segment in enumerate(profile.segments):
        try:
            ends.append(_segment(run, n, segment, window, options.progress, wall))
        except ValueError as error:
            raise ValueError(f"{profile.name_of(n)}: {error}") from error
        if ends[-1].reason not in ("duration", "voltage", "current"):
            break
    return gather(run, ends, time.process_time() - cpu, time.perf_counter() - wall)


def _scale(profile):
    """Largest given current of the profile [A/m²], or a usual one; balances are judged by it."""
    given = [abs(one.current_mA_cm2) for one in profile.segments if not one.is_hold]
    return 10 * (max(given, default=0.0) or 1.0)


def _segment(run, n, segment, window, progress, wall):
    """Run one segment; how it ended."""
    limit, name = np.nan, "duration"
    if segment.is_hold:
        if segment.until_mA_cm2 is not None:
            limit, name = 10 * segment.until_mA_cm2, "current"
    elif segment.direction:
        limit, name = window[0] if segment.direction > 0 else window[1], "window"
        if segment.until_V is not None:
            limit, name = segment.until_V, "voltage"
    run.start(n, segment, limit)
    reason, record = "", run.record
    try:
        while not reason:
            reason = run.advance()
            if progress is not None:
                progress(run.describe(wall))
    except ValueError:
        if not (run.passed_at_once and record.rows):
            raise
        return ResolvedSegmentEnd(n, name, True, record.time, np.nan, np.nan, run.charge / 36000)
    reason = {"cut-off": name, "end time": "duration"}.get(reason, reason)
    return ResolvedSegmentEnd(
        n, reason, False, record.time, record.rows[-1][1], run.current / 10, run.charge / 36000
    )
