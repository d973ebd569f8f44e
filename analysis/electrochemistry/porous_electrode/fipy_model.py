r"""The 1D porous-electrode half cell in FiPy, written to be read beside chapter 08.

The unknowns are the reduced electrolyte potential :math:`\psi = \varphi_e - B(c_e)`, the salt
concentration :math:`c_e` and the solid potential :math:`\varphi_s`. With
:math:`B' = \beta / c_e` the diffusion potential is absorbed exactly, so that

.. math::

    \nabla \cdot (\gamma \kappa_e \nabla \psi) + S i &= 0 \\
    \frac{\partial (\varepsilon_e c_e)}{\partial t} &= \nabla \cdot (\gamma D_e \nabla c_e)
        - \nabla \cdot \left( \frac{1 - t_+}{F} \gamma \kappa_e \nabla \psi \right) \\
    \nabla \cdot (\sigma \nabla \varphi_s) - S i &= 0

The second line is the balance of the anions, which no electrode touches: it has no source, and
whatever :math:`t_+(c_e)` does, no salt is lost.
"""

import os
from dataclasses import replace

import numpy as np

from analysis.electrochemistry.materials import FARADAY_C_MOL
from analysis.electrochemistry.porous_electrode.butler_volmer import react
from analysis.electrochemistry.porous_electrode.equation_changes import Changes
from analysis.electrochemistry.porous_electrode.fipy_assembly import Assembly
from analysis.electrochemistry.porous_electrode.implicit_step import StepFailed, damped_salt
from analysis.electrochemistry.porous_electrode.mesh import BACKGROUND_S_M, exponential_fitting

F = FARADAY_C_MOL
NOTHING = Changes()


class PorousElectrode:
    """
    FiPy backend of the half cell: three coupled equations, swept to convergence.

    Attributes for those who add terms (see ``equation_changes``): the unknowns `psi`, `c_e`,
    `phi_s`; `phi_e` and the reaction current density `i` of the last sweep; `S`, `epsilon` and
    `electrode`, one in the electrode and zero in the separator; `mesh` and `layers`.

    Parameters
    ----------
    layers : Layers
        The discretized half cell.
    changes : Changes, optional
        Terms to add to the equations.
    tolerance : float
        Largest error left of a potential [V] and of c_e relative to its initial value, as the
        last two sweeps let it be estimated.
    max_sweeps : int
        Sweeps before the step is given up.
    """

    def __init__(self, layers, changes=NOTHING, tolerance=1e-8, max_sweeps=60):
        os.environ.setdefault("FIPY_SOLVERS", "scipy")
        import fipy

        self.layers = layers
        self.tolerance = tolerance
        self.max_sweeps = max_sweeps
        self.mesh = mesh = fipy.Grid1D(dx=layers.width)

        def cell(value=0.0, **options):
            return fipy.CellVariable(mesh=mesh, value=value, **options)

        def face(**options):
            return fipy.FaceVariable(mesh=mesh, value=0.0, **options)

        self.psi, self.c_e, self.phi_s = self.unknowns = (
            cell(name="psi"),
            cell(layers.materials.electrolyte.initial_mol_m3, name="c_e", hasOld=True),
            cell(name="phi_s"),
        )
        self.epsilon, self.S = cell(layers.porosity), cell(layers.surface)
        self.kappa, self.D, self.t_plus = face(), face(), face()  # effective, at the faces
        self.sigma, self._background = face(), face()
        # reaction of the last sweep, d/d(phi_s - psi), d/d(c_e); phi_e that belongs to it
        self.i, self.i_phi, self.i_c, self.phi_e = cell(), cell(), cell(), cell()
        self._i_left, self._i_right = cell(), cell()  # current through the outer faces [A/m³]
        self._charge_by_c, self._anions_by_c = face(rank=1), face(rank=1)
        self._anions_by_psi, self._c_middle = face(), face()
        # where a potential is held at zero: the solid's in the separator, psi in the first cell
        self._separator, self._first_cell, self.electrode = cell(), cell(), cell()

        n, first = layers.n_cells, layers.first
        self._distance = 0.5 * (layers.width[:-1] + layers.width[1:])
        self._background[1:n] = BACKGROUND_S_M * layers.conductance * self._distance
        self.sigma[1:n] = layers.electronic_conductance * self._distance
        self._separator[:first] = 1.0
        self.electrode[first:] = 1.0
        self._first_cell[0] = 1e4 / layers.width[0]

        self.equations = changes.of_equations(self, self._equations())
        self._assembly = Assembly(list(self.equations.values()), self.unknowns, fixed=[self.sigma])

    def _equations(self):
        """Charge in the electrolyte, anions, electrons: FiPy's terms, added up."""
        from fipy import CentralDifferenceConvectionTerm as Convection
        from fipy import DiffusionTerm as Diffusion
        from fipy import ImplicitSourceTerm as Source
        from fipy import TransientTerm as Transient

        psi, c_e, phi_s, epsilon = *self.unknowns, self.epsilon
        kappa, D, sigma, t_plus = self.kappa, self.D, self.sigma, self.t_plus
        S, i, i_phi, i_c = self.S, self.i, self.i_phi, self.i_c

        # S i, linearized about the last sweep so that sweeping is Newton's method in the reaction
        by_phi, by_c, last = S * i_phi, S * i_c, S * (i - i_phi * (phi_s - psi) - i_c * c_e)
        Si = Source(by_phi, var=phi_s) - Source(by_phi, var=psi) + Source(by_c, var=c_e) + last

        # what a flux gains from c_e in its coefficients, per change since the last sweep:
        # speeds up the sweeps and is zero once they have converged
        def newton(slope):
            return Convection(slope, var=c_e) - (slope * self._c_middle).divergence

        more_psi = self._anions_by_psi  # the same for psi

        # charge in the electrolyte
        charge = (
            Diffusion(kappa + self._background, var=psi)
            + Si
            + self._i_left
            + newton(self._charge_by_c)
            - Source(self._first_cell, var=psi)
        ) == 0

        # anions, and with them the salt
        anions = Transient(epsilon, var=c_e) == (
            Diffusion(D, var=c_e)
            - Diffusion((1 - t_plus) * kappa / F, var=psi)
            + newton(self._anions_by_c)
            + Diffusion(more_psi, var=psi)
            - (more_psi * psi.faceGrad).divergence
        )

        # electrons in active material and CBD
        electrons = (
            Diffusion(sigma, var=phi_s) - Si - self._i_right - Source(self._separator, var=phi_s)
        ) == 0
        return {"charge": charge, "anions": anions, "electrons": electrons}

    def solve(self, guess, salt_old, base, response, step_s, current_A_m2, time_s):
        """Return psi, salt, solid, reaction and the number of sweeps of one step."""
        layers, materials = self.layers, self.layers.materials
        electrolyte, first = materials.electrolyte, layers.first
        psi, c_e, phi_s = self.unknowns
        c_e.setValue(salt_old)
        c_e.updateOld()
        psi.setValue(guess.psi)
        c_e.setValue(guess.salt)
        phi_s[first:] = guess.solid
        self._i_left[0] = current_A_m2 / layers.width[0]
        self._i_right[-1] = current_A_m2 / layers.width[-1]
        surface_V, previous = guess.surface_V, np.inf
        for sweep in range(1, self.max_sweeps + 1):
            before = [unknown.value.copy() for unknown in self.unknowns]
            reaction = self._update(base, response, surface_V)
            surface_V = reaction.equilibrium_V
            solution = self._assembly.solve(step_s)
            change = [new - old for new, old in zip(solution, before, strict=True)]
            if not all(np.all(np.isfinite(part)) for part in change):
                raise StepFailed(self._why_not("gave values that are not finite", time_s, step_s))
            volts = max(np.max(np.abs(change[0])), np.max(np.abs(change[2])))
            damping = min(1.0, 0.5 / volts) if volts > 0 else 1.0
            psi.setValue(before[0] + damping * change[0])
            phi_s.setValue(before[2] + damping * change[2])
            c_e.setValue(damped_salt(before[1], damping * change[1]))
            largest = max(volts, np.max(np.abs(change[1])) / electrolyte.initial_mol_m3)
            if _error_left(largest, previous) < self.tolerance and np.all(
                c_e.value == before[1] + change[1]
            ):
                self._check_charge(current_A_m2)
                reaction = self._after(reaction, change)
                return psi.value.copy(), c_e.value.copy(), phi_s.value[first:], reaction, sweep
            previous = largest
        note = f"did not converge in {self.max_sweeps} sweeps (last change {largest:.1e})"
        raise StepFailed(self._why_not(note, time_s, step_s))

    def _after(self, reaction, change):
        """The reaction at the end of the last sweep: its linearization, whose charge closes."""
        first = self.layers.first
        electrons = change[2][first:] - change[0][first:]
        more = self.i_phi.value[first:] * electrons + self.i_c.value[first:] * change[1][first:]
        return replace(reaction, current=reaction.current + more)

    def _check_charge(self, current_A_m2):
        """Charge that an added term creates would leave where psi is held at zero."""
        left = 1e4 * self.psi.value[0]
        if abs(left) > 1e-6 * max(abs(current_A_m2), 1.0):
            raise ValueError(
                f"The equations of charge and electrons do not close: {left:.3g} A/m² are left "
                "over. A source added to 'charge' needs the opposite one in 'electrons'."
            )

    def _why_not(self, what, time_s, step_s):
        salt, layers = self.c_e.value, self.layers
        solid = self.phi_s.value[layers.first :]
        depth = 1e6 * (layers.centers - np.sum(layers.width[: layers.first]))
        lowest = int(np.argmin(salt))
        return (
            f"FiPy {what} at {time_s:.4g} s with a step of {step_s:.3g} s. Salt runs from "
            f"{salt.min():.3g} mol/m³ ({depth[lowest]:.0f} µm behind the separator) to "
            f"{salt.max():.3g}, the solid's potential from {solid.min():.3f} to {solid.max():.3f} "
            "V. Try a shorter Control.first_step_s or a smaller Control.voltage_error_V, more "
            "cells where the salt is steep, a lower current; if a term was added, make it "
            "implicit in its unknown."
        )

    def _update(self, base, response, surface_V):
        """Bring coefficients and reaction to the present values of the unknowns."""
        layers, materials = self.layers, self.layers.materials
        electrolyte, first, n = materials.electrolyte, layers.first, layers.n_cells
        psi, c_e, phi_s = (unknown.value for unknown in self.unknowns)
        at_faces = layers.salt_at_faces(c_e)
        geometry = layers.conductance * self._distance
        kappa, D, t_plus = self.kappa, self.D, self.t_plus
        kappa[1:n] = geometry * electrolyte.conductivity_S_m(at_faces)
        t_plus[1:n] = electrolyte.transference(at_faces)
        D_bulk = electrolyte.diffusivity_m2_s(at_faces)
        bulk = electrolyte.conductivity_S_m(at_faces)
        per_volt = (1 - t_plus.value[1:n]) * bulk / (F * D_bulk * at_faces)
        factor, factor_slope = exponential_fitting(per_volt * np.diff(psi))
        D[1:n] = geometry * D_bulk * factor

        slope_psi, slope_c = np.diff(psi) / self._distance, np.diff(c_e) / self._distance
        more = at_faces * (1 + 1e-6)

        def flux_slope(flux):
            return geometry * (flux(more) - flux(at_faces)) / (1e-6 * at_faces)

        def charge(c):
            return electrolyte.conductivity_S_m(c) * slope_psi

        def anions(c):
            drift = (1 - electrolyte.transference(c)) / F * charge(c)
            return electrolyte.diffusivity_m2_s(c) * factor * slope_c - drift

        self._anions_by_psi[1:n] = geometry * D_bulk * factor_slope * per_volt * np.diff(c_e)
        self._c_middle[1:n] = 0.5 * (c_e[:-1] + c_e[1:])
        self._charge_by_c[0, 1:n] = flux_slope(charge)
        self._anions_by_c[0, 1:n] = flux_slope(anions)

        salt = c_e[first:]
        phi_e = psi[first:] + electrolyte.diffusion_potential_V(salt)
        reaction = react(phi_s[first:] - phi_e, salt, base, response, materials, surface_V)
        self.phi_e.setValue(psi + electrolyte.diffusion_potential_V(c_e))
        self.i[first:] = reaction.current
        self.i_phi[first:] = reaction.by_potential
        slope = electrolyte.diffusion_potential_slope(salt)
        self.i_c[first:] = reaction.by_salt - reaction.by_potential * slope
        return reaction


def _error_left(largest, previous):
    """
    Error left after a sweep that changed the unknowns by `largest`, the one before by `previous`.

    The rest of a geometric series once the sweeps contract; an upper bound for Newton's method.
    """
    ratio = largest / previous
    return largest * min(1.0, ratio / (1 - ratio)) if 0 < ratio < 0.5 else largest
