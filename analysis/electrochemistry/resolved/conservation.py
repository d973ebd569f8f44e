"""The sums of all rows of a time step, solved exactly: lithium, salt and both currents."""

from analysis.electrochemistry.resolved import field_sums as _cell
from analysis.electrochemistry.transport.stencil import kernel

ABRUPT = 0.1  # mismatch of the current of the metal at which one sets in
START_V = 0.05  # largest shift of a potential at a time, where a current sets in
LAST_SHIFT_V = 1e-7  # of a potential; the error left is its square by RT / F
# What is farther off is off somewhere, not everywhere: the same shift for all would do damage that
# the next iteration has to undo.
LARGEST_SHIFT_V = 1e-3


def carry(run, mismatch, potential, scale):
    """
    Shift a potential until an electrode about carries the current, where that is a new one.

    Where a current sets in, all its residual is at the collector, whose rows count little in the
    linear solver: from there it would take many cycles to reach the faces. The parameters are
    those of :func:`close_current`; returns whether the potential was shifted.
    """
    for shifts in range(20):
        off, slope = mismatch()
        if abs(off) < ABRUPT:
            return shifts > 0
        run(_cell.shift, min(max(off * scale / slope, -START_V), START_V), potential)
    return True


def close_salt(run, storage, salt, history, weight):
    """
    Multiply the salt by what closes its balance; returns the relative change.

    Newton stops when no voxel changes any more by its tolerance; the sums of the rows are then
    small, not zero. Four constants remove them: this factor, a shift of the lithium
    (:func:`close_lithium`), one of psi and one of phi_s (:func:`close_current`).

    Parameters
    ----------
    run : callable
        Calls a kernel over the slices of cells.
    storage, salt, history : padded ndarray
        What cells hold per concentration, the concentration, the other terms of its time
        difference.
    weight : float
        Leading coefficient of the time difference [1/s].

    Returns
    -------
    change : float
    """
    have = run(_cell.weighted_sum, storage, salt)
    target = run(_cell.weighted_sum, storage, history) / weight
    factor = target / have
    run(_cell.scale_salt, factor, storage, salt)
    return factor - 1


def close_lithium(whole, lithium, history, active, bounds, weight, gain):
    """
    Shift the lithium so that it grows by what the current brings; returns the sum of the shifts.

    Parameters
    ----------
    whole : callable
        Calls a kernel on whole fields.
    lithium, history, active : padded ndarray
        Concentration [mol/m³], the other terms of its time difference, share of active material.
    bounds : tuple of float
        Lowest and highest concentration; the shift goes with s (1 - s) between them.
    weight : float
        As in :func:`close_salt`.
    gain : float
        Sum by which the step raises the concentration, over all voxels [mol/m³].

    Returns
    -------
    change : float
    """
    free, have = whole(lithium_room, lithium, history, active, *bounds, weight)
    shift = (gain - have) / free
    whole(shift_lithium, lithium, active, *bounds, shift)
    return shift * free


def close_current(run, mismatch, potential, scale):
    """
    Shift a potential until an electrode carries the current.

    Parameters
    ----------
    run : callable
        Calls a kernel over the slices of cells.
    mismatch : callable
        ``mismatch()`` returns how much the current is off, over `scale`, and the slope by which a
        rise of the potential takes it away [A/m per V].
    potential : padded ndarray
        Changed.
    scale : float
        Current that counts as one.

    Returns
    -------
    shift : float
        [V]
    off : float
        The mismatch before the last shift.
    """
    moved = 0.0
    for _ in range(8):
        off, slope = mismatch()
        step = off * scale / slope
        if abs(step) > LARGEST_SHIFT_V:
            break
        run(_cell.shift, step, potential)
        moved += step
        if abs(step) < LAST_SHIFT_V:
            break
    return moved, abs(off)


@kernel
def lithium_room(c, history, active, low, high, weight):
    """Sum of s (1 - s) over the AM, and of c - history / weight."""
    free, have = 0.0, 0.0
    for k in range(1, c.shape[0] - 1):
        for j in range(1, c.shape[1] - 1):
            for i in range(1, c.shape[2] - 1):
                if active[k, j, i] > 0:
                    s = (c[k, j, i] - low) / (high - low)
                    free += max(s * (1 - s), 0.0)
                    have += c[k, j, i] - history[k, j, i] / weight
    return free, have


@kernel
def shift_lithium(c, active, low, high, shift):
    """Shift the lithium by ``shift s (1 - s)``."""
    for k in range(1, c.shape[0] - 1):
        for j in range(1, c.shape[1] - 1):
            for i in range(1, c.shape[2] - 1):
                if active[k, j, i] > 0:
                    s = (c[k, j, i] - low) / (high - low)
                    c[k, j, i] += shift * max(s * (1 - s), 0.0)
