"""The sums of all rows of a time step, solved exactly: lithium, salt and both currents."""

from analysis.electrochemistry.resolved import field_sums as _cell
from analysis.electrochemistry.transport.stencil import kernel

ABRUPT = 0.1  # relative mismatch of the current of the metal at which a step starts anew
LARGEST_START_V = 0.05  # of a shift of a potential at such a start
LAST_SHIFT_V = 1e-7  # of a potential; the error left is its square by RT / F
# What is farther off is off somewhere, not everywhere: the same shift for all would do damage that
# the next iteration has to undo.
LARGEST_SHIFT_V = 1e-3


def carry(cell, current_A_m2):
    """
    Shift both potentials until either electrode carries the current, where that is a new one.

    Where a current sets in, all its residual is at the collector, whose rows count little in the
    linear solver: from there it would take many cycles to reach the faces.

    Parameters
    ----------
    cell : cell.ResolvedCell
        Predicted state; its potentials are changed.
    current_A_m2 : float
        Lithiation current per area.
    """
    total = current_A_m2 * cell.edge * cell.columns
    if total <= 0 or abs(cell.lithium_electrode()[0].sum() - total) < ABRUPT * total:
        return
    for potential, mismatch in (
        (cell.psi, lambda: _metal_mismatch(cell, total)),
        (cell.phi, lambda: _reaction_mismatch(cell, total)),
    ):
        for _ in range(20):
            lack, slope = mismatch()
            if abs(lack) < ABRUPT**2 * total:
                break
            step = min(max(lack / slope, -LARGEST_START_V), LARGEST_START_V)
            potential[1:-1, 1:-1, 1:-1] += step


def _metal_mismatch(cell, total):
    """Current of the metal beyond the applied one, and its slope with -psi."""
    current, slope, _ = cell.lithium_electrode()
    return float(current.sum()) - total, float(slope.sum())


def _reaction_mismatch(cell, total):
    """Current that the reaction lacks, and its slope with phi_s."""
    lack = -cell.evaluate_reaction() - total
    return lack, float(cell.rates.slope_phi.sum(dtype=float))


def correct(cell, current_A_m2, weight):
    """
    Solve the global balances, the sums of all rows, exactly.

    Newton stops when no voxel changes any more by its tolerance; the sums of the rows are
    then small, not zero. Four constants remove them: a shift of the lithium weighted with
    s (1 - s), a factor on the salt, a shift of psi and one of phi_s.

    Parameters
    ----------
    cell : cell.ResolvedCell
        State at the end of a step; changed.
    current_A_m2 : float
        Lithiation current per area.
    weight : float
        Leading coefficient of the time difference [1/s].

    Returns
    -------
    shifts : tuple of float
        Relative change of salt and lithium, shift of psi and phi_s [V].
    mismatch : float
        Largest relative mismatch of the currents of both electrodes, before the last shifts,
        which leave far less; large if one was too large to be made.
    """
    total = current_A_m2 * cell.edge * cell.columns
    storage = cell.storage
    have = cell.run(_cell.weighted_sum, storage, cell.salt)
    target = cell.run(_cell.weighted_sum, storage, cell.histories[0]) / weight
    factor = target / have
    low, high = cell.bounds
    free, lack = lithium_room(cell.lithium, cell.histories[-1], cell.active, low, high, weight)
    gain = total * cell.inverse_f / (cell.voxel_edge**2 * weight)
    shift = (gain - lack) / free
    shift_lithium(cell.lithium, cell.active, low, high, shift)
    cell.run(_cell.scale_salt, factor, storage, cell.salt)
    psi_shift, phi_shift = 0.0, 0.0
    for _ in range(8):
        lack, slope = _metal_mismatch(cell, total)
        metal, step = lack / total, lack / slope
        if abs(step) > LARGEST_SHIFT_V:
            break
        cell.psi[1:-1, 1:-1, 1:-1] += step
        psi_shift += step
        if abs(step) < LAST_SHIFT_V:
            break
    for _ in range(8):
        lack, slope = _reaction_mismatch(cell, total)
        cathode, step = -lack / total, lack / slope
        if abs(step) > LARGEST_SHIFT_V:
            break
        cell.phi[1:-1, 1:-1, 1:-1] += step
        phi_shift += step
        if abs(step) < LAST_SHIFT_V:
            break
    shifts = (factor - 1, shift * free / max(gain, 1e-300), psi_shift, phi_shift)
    return shifts, max(abs(metal), abs(cathode))


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
