"""The sums of all rows of a time step, solved exactly: lithium, salt and both currents.

Newton stops when no voxel changes any more by its tolerance; the sums of the rows are then small,
not zero. Four constants remove them: a factor of the salt (:func:`close_salt`), a shift of the
lithium (:func:`close_lithium`), one of both potentials, which closes the current of the metal, and
one of phi_s alone, which closes that of the cathode.
"""

import numpy as np

from analysis.electrochemistry.resolved import field_sums as _cell
from analysis.electrochemistry.resolved.linear_solver.coarse_levels import PHI, PSI
from analysis.electrochemistry.transport import fields
from analysis.electrochemistry.transport.stencil import kernel

ABRUPT = 0.1  # mismatch of the current of the metal at which one sets in
START_V = 0.05  # largest shift of a potential at a time, where a current sets in
# What is farther off is off somewhere, not everywhere: the same shift for all would do damage that
# the next iteration has to undo.
LARGEST_SHIFT_V = 1e-3


class Balances:
    """
    The balances of one time step of a cell.

    Parameters
    ----------
    cell : state.ResolvedCell
        Its fields are changed.
    current_A_m2 : float
        Current per area, positive for lithiation.
    scale_A_m2 : float, optional
        Current against which they are judged; by default the current. If it is zero, nothing is
        judged and nothing closed.
    """

    def __init__(self, cell, current_A_m2, scale_A_m2=None):
        self.cell = cell
        self.scale_A_m2 = abs(current_A_m2 if scale_A_m2 is None else scale_A_m2)
        area = cell.edge * cell.columns
        self.total, self.scale = area * current_A_m2, area * self.scale_A_m2
        self.metal_off = 0.0

    def carry(self):
        """
        Shift potentials until both electrodes about carry the current, where that is a new one.

        Where a current sets in, all its residual is at the collector, whose rows count little in
        the linear solver: from there it would take many cycles to reach the faces.
        """
        cell = self.cell
        if self.scale > 0 and carry(cell.run, self._metal, cell.psi, self.scale):
            carry(cell.run, self._cathode, cell.phi, self.scale)

    def _metal(self):
        """How much the current is off, over the scale, and the slope by which psi changes it."""
        current, slope = self.cell.lithium_electrode()
        return (current - self.total) / self.scale, slope

    def _cathode(self):
        """The same for the cathode and phi_s."""
        current = self.cell.evaluate_reaction()
        return -(current + self.total) / self.scale, self.cell.exchange_slope

    def close_sums(self, weight):
        """
        Close the balances of salt and lithium, and the current of the metal.

        The currents of the cathode must be evaluated after it, before :meth:`close_cathode`.
        Returns the relative changes of the salt and of the step's lithium, and the shift of both
        potentials [V].
        """
        if self.scale == 0:
            return 0.0, 0.0, 0.0
        cell = self.cell
        brought = cell.inverse_f / (cell.voxel_edge**2 * weight)
        salt = close_salt(cell.run, cell.storage, cell.salt, cell.histories[0], weight)
        lithium = close_lithium(
            *(cell.pool.whole, cell.lithium, cell.histories[-1], cell.active, cell.bounds),
            *(weight, self.total * brought),
        )
        return salt, lithium / max(self.scale * brought, 1e-300), self._close_metal()

    def _close_metal(self):
        """
        Shift both potentials until the metal carries the current; returns the shift [V].

        What drives the faces of the cathode stays as it is.
        """
        cell, moved = self.cell, 0.0
        for _ in range(8):
            current, slope = cell.lithium_electrode(moved)
            off = (current - self.total) / self.scale
            step = off * self.scale / slope
            self.metal_off = abs(off)
            if abs(moved + step) > LARGEST_SHIFT_V or self.metal_off < 1e-9:
                break
            moved += step
        for field in (cell.psi, cell.phi):
            cell.run(_cell.shift, moved, field)
        return moved

    def close_cathode(self, limit):
        """
        Shift phi_s until the cathode carries the current, from its currents as last evaluated.

        Parameters
        ----------
        limit : float
            Relative mismatch that may be left. Over a shift d the current of a face leaves its
            tangent by at most F d / 4RT of its change, as a sinh does; four times that is taken for
            the resistances in series. If it is more, the currents are evaluated anew.

        Returns
        -------
        off : float
            Largest relative mismatch of the current of an electrode that may be left; not below
            `limit` if the shift would be too large.
        """
        if self.scale == 0:
            return 0.0
        cell = self.cell
        current, slope = cell.cathode
        for _ in range(6):
            off = -(current + self.total) / self.scale
            shift = off * self.scale / slope
            if abs(shift) > LARGEST_SHIFT_V:
                break
            cell.run(_cell.shift, shift, cell.phi)
            cell.kirchhoff = max(self.metal_off, abs(off * shift) * 2 * cell.kinetics.thermal)
            if cell.kirchhoff < limit:
                return cell.kirchhoff
            current, slope = cell.evaluate_reaction(), cell.exchange_slope
        return max(abs(off), limit)


def carry(run, mismatch, potential, scale):
    """Shift a potential until an electrode about carries the current; whether it was shifted."""
    for shifts in range(20):
        off, slope = mismatch()
        if abs(off) < ABRUPT:
            return shifts > 0
        run(_cell.shift, min(max(off * scale / slope, -START_V), START_V), potential)
    return True


def shift_potentials(cell):
    """
    Solve the sums of the rows of charge and of electrons exactly, by a shift of each potential.

    Two constants hardly show in the residual of single cells, but move all currents.
    """
    work = cell.work
    charge, electrons = (cell.run(_cell.total, work.r[field]) for field in (PSI, PHI))
    psi = (charge + electrons) / cell.pool.whole(fields.sum_of, cell.metal.rise)
    phi = psi + electrons / cell.exchange_slope
    if np.isfinite(psi + phi):
        cell.run(_cell.shift, np.float32(psi), work.x[PSI])
        cell.run(_cell.shift, np.float32(phi), work.x[PHI])


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
