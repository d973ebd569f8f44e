"""Follow a current profile in one dimension, segment by segment, by either backend."""

from dataclasses import replace

import numpy as np

from analysis.electrochemistry.current_profile import CurrentProfile
from analysis.electrochemistry.materials import DEFAULT
from analysis.electrochemistry.porous_electrode.current_profiles.held_voltage import HeldVoltage
from analysis.electrochemistry.porous_electrode.current_profiles.profile_run import (
    ProfileRun,
    SegmentEnd,
    gather,
)
from analysis.electrochemistry.porous_electrode.equation_changes import Changes
from analysis.electrochemistry.porous_electrode.half_cell import backend_of
from analysis.electrochemistry.porous_electrode.implicit_step import StepFailed
from analysis.electrochemistry.porous_electrode.mesh import layers
from analysis.electrochemistry.porous_electrode.time_integration import (
    ConstantCurrent,
    Control,
    Integration,
    first_moment,
    go_on,
    rest,
)

LATEST_START_S = 0.1  # of the first point of a segment, where the salt is used up

__all__ = ["ProfileRun", "follow"]


def follow(
    depth,
    profile,
    *,
    materials=DEFAULT,
    backend="banded",
    n_electrode=50,
    n_separator=20,
    control=None,
):
    """
    Take a half cell through the segments of a current profile.

    Parameters
    ----------
    depth : ElectrodeProfile
        The electrode, homogenized slab by slab.
    profile : CurrentProfile or sequence of Segment
        What is applied, see :mod:`analysis.electrochemistry.current_profile`.
    materials : HalfCell
        Material parameters; ``materials.active.initial_content`` is where the cell begins.
    backend : {"banded", "fipy"} or Changes
        As in :func:`analysis.electrochemistry.porous_electrode.half_cell.lithiate`.
    n_electrode, n_separator : int
        Number of cells.
    control : Control, optional
        Accuracy of the time integration. Its ``first_step_s`` holds for every segment: give a
        shorter one where the first moments of a rest or a pulse matter.

    Returns
    -------
    ProfileRun

    Raises
    ------
    ValueError
        Before the run, if the limits of a segment cannot be reached or are passed already; during
        it, if a current cannot be carried, with the number of the segment.

    Examples
    --------
    >>> from analysis.electrochemistry.current_profile import lithiation, rest
    >>> from analysis.electrochemistry.porous_electrode import ElectrodeProfile
    >>> from analysis.electrochemistry.porous_electrode.current_profiles import follow
    >>> electrode = ElectrodeProfile(171e-6, 0.5954, 0.2892, 2.3e5, 0.06, 5.0, 6e-6)
    >>> run = follow(electrode, (lithiation(6, duration_s=600), rest(600)), n_electrode=12)
    >>> [end.reason for end in run.ends]
    ['duration', 'duration']
    """
    if not isinstance(profile, CurrentProfile):
        profile = CurrentProfile(profile)
    profile.check(materials)
    control = control or Control()
    changes = backend if isinstance(backend, Changes) else Changes()
    mesh = changes.of_cells(layers(depth, materials, n_electrode, n_separator))
    model = backend_of(backend, mesh)
    window = profile.window_V(materials)
    states, numbers, ends, work = [rest(mesh, control)], [-1], [], [0, 0]
    for n, segment in enumerate(profile.segments):
        try:
            out, end = _segment(model, mesh, states[-1], segment, window, control)
        except (ValueError, StepFailed) as error:
            at = f"{profile.name_of(n)}, begun at {states[-1].time_s:.4g} s: "
            raise type(error)(at + str(error)) from error
        states += out.states
        numbers += [n] * len(out.states)
        work[0] += out.iterations
        work[1] += out.rejected
        ends.append(replace(end, segment=n))
        if end.reason == "window":
            break
    return gather(states, numbers, ends, mesh, work)


def _segment(model, mesh, last, segment, window, control):
    """Run one segment from the state `last`; what came out, and how it ended."""
    if segment.is_hold:
        drive = HeldVoltage(segment.voltage_V)
    else:
        drive = ConstantCurrent(10 * segment.current_mA_cm2)
    limits = _limits(segment, window)

    def gap(state):
        return min((limit(state) for limit in limits.values()), default=np.inf)

    longest = min(LATEST_START_S, 0.1 * segment.duration_s)
    loaded, iterations = first_moment(model, mesh, last, drive, longest)
    if np.isnan(loaded.voltage_V):
        raise drive.refused("the voltage is no number at once")
    out = Integration([loaded], iterations)
    passed = gap(loaded) <= 0
    if passed and last.time_s == 0:
        raise drive.refused(_at_once(segment, loaded, window))
    if not passed:
        end_s = last.time_s + segment.duration_s
        go_on(model, mesh, out, drive, gap, control, end_s=end_s)
    state = out.states[-1]
    reason = "duration"
    if passed or out.reached_cutoff:
        reason = min(limits, key=lambda name: limits[name](state))
    return out, SegmentEnd(
        0, reason, passed, state.time_s, state.voltage_V, state.applied_A_m2 / 10,
        state.charge_C_m2 / 36000,
    )  # fmt: skip


def _limits(segment, window):
    """Distances to what ends a segment: positive before, negative past it."""
    if segment.is_hold:
        if segment.until_mA_cm2 is None:
            return {}
        least = 10 * segment.until_mA_cm2
        return {"current": lambda state: abs(state.applied_A_m2) / least - 1}
    limits, way = {}, segment.direction
    if way:  # a rest comes back from its last voltage by itself
        if segment.until_V is not None:
            limits["voltage"] = lambda state: way * (state.voltage_V - segment.until_V)
        edge = window[0] if way > 0 else window[1]
        limits["window"] = lambda state: way * (state.voltage_V - edge)
    return limits


def _at_once(segment, loaded, window):
    if segment.is_hold:
        return (
            f"it draws {abs(loaded.applied_A_m2) / 10:.3g} mA/cm², not more than the limit of "
            f"{segment.until_mA_cm2:g} mA/cm² at which it ends"
        )
    edge = window[0] if segment.direction > 0 else window[1]
    edge = edge if segment.until_V is None else segment.until_V
    beyond = "drops" if segment.direction > 0 else "rises"
    return f"the voltage {beyond} to {loaded.voltage_V:.3f} V at once, past {edge:g} V"
