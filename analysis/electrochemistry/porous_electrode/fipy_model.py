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

import numpy as np

from analysis.electrochemistry.materials import FARADAY_C_MOL
from analysis.electrochemistry.porous_electrode.butler_volmer import react
from analysis.electrochemistry.porous_electrode.mesh import BACKGROUND_S_M, exponential_fitting
from analysis.electrochemistry.porous_electrode.time_integration import StepFailed, damped_salt

F = FARADAY_C_MOL


def _coupled_source():
    """
    FiPy's implicit source, kept implicit whatever its sign.

    FiPy moves a source to the right-hand side when its sign weakens the diagonal. Between two
    variables there is no such diagonal, and the move would turn Newton's method in the reaction
    into a slow fixed-point iteration.
    """
    import fipy

    class CoupledSource(fipy.ImplicitSourceTerm):
        def _getWeight(self, var, transientGeomCoeff=None, diffusionGeomCoeff=None):
            zero = np.zeros(var.shape)
            return {
                "diagonal": np.ones(var.shape),
                "old value": zero,
                "b vector": zero,
                "new value": zero,
            }

    return CoupledSource


class PorousElectrode:
    """
    FiPy backend of the half cell: three coupled equations, swept to convergence.

    Parameters
    ----------
    layers : Layers
        The discretized half cell.
    tolerance : float
        Largest last change of a potential [V] and of c_e relative to its initial value.
    max_sweeps : int
        Sweeps before the step is given up.
    """

    def __init__(self, layers, tolerance=1e-8, max_sweeps=60):
        os.environ.setdefault("FIPY_SOLVERS", "scipy")
        import fipy

        self.layers = layers
        self.tolerance = tolerance
        self.max_sweeps = max_sweeps
        mesh = fipy.Grid1D(dx=layers.width)

        def cell(value=0.0, **options):
            return fipy.CellVariable(mesh=mesh, value=value, **options)

        def face():
            return fipy.FaceVariable(mesh=mesh, value=0.0)

        psi, c_e, phi_s = cell(), cell(1.0, hasOld=True), cell()
        epsilon, S = cell(layers.porosity), cell(layers.surface)
        kappa, D, t_plus, sigma = face(), face(), face(), face()  # effective values at the faces
        background, c_middle, anions_by_psi = face(), face(), face()
        i, i_phi, i_c = cell(), cell(), cell()  # reaction, d/d(phi_s - psi), d/d(c_e)
        i_left, i_right = cell(), cell()  # applied current through the outer faces [A/m³]
        charge_by_c = fipy.FaceVariable(mesh=mesh, rank=1, value=0.0)
        anions_by_c = fipy.FaceVariable(mesh=mesh, rank=1, value=0.0)
        separator, first_cell = cell(), cell()  # where a potential is held at zero

        Diffusion, Source = fipy.DiffusionTerm, _coupled_source()

        # S i, linearized about the last sweep so that sweeping is Newton's method in the reaction
        Si = (
            Source(S * i_phi, var=phi_s)
            - Source(S * i_phi, var=psi)
            + Source(S * i_c, var=c_e)
            + S * (i - i_phi * (phi_s - psi) - i_c * c_e)
        )
        minus_Si = (
            Source(-S * i_phi, var=phi_s)
            + Source(S * i_phi, var=psi)
            - Source(S * i_c, var=c_e)
            - S * (i - i_phi * (phi_s - psi) - i_c * c_e)
        )

        # what a flux gains from c_e in its coefficients, per change since the last sweep:
        # speeds up the sweeps and is zero once they have converged
        def newton(slope):
            return (
                fipy.CentralDifferenceConvectionTerm(slope, var=c_e) - (slope * c_middle).divergence
            )

        # charge in the electrolyte
        charge = (
            Diffusion(kappa + background, var=psi)
            + Si
            + i_left
            + newton(charge_by_c)
            - Source(first_cell, var=psi)
            == 0
        )

        # anions, and with them the salt
        anions = fipy.TransientTerm(epsilon, var=c_e) == (
            Diffusion(D, var=c_e)
            - Diffusion((1 - t_plus) * kappa / F, var=psi)
            + newton(anions_by_c)
            + Diffusion(anions_by_psi, var=psi)
            - (anions_by_psi * psi.faceGrad).divergence
        )

        # electrons in active material and CBD
        electrons = (
            Diffusion(sigma, var=phi_s) + minus_Si - i_right - Source(separator, var=phi_s) == 0
        )

        self.equations = charge & anions & electrons
        self.unknowns = psi, c_e, phi_s
        self._coefficients = kappa, D, t_plus
        self._slopes = charge_by_c, anions_by_c, anions_by_psi, c_middle
        self._reaction = i, i_phi, i_c
        self._applied = i_left, i_right
        self._solver = fipy.LinearLUSolver(tolerance=1e-13, iterations=3)

        n, first = layers.n_cells, layers.first
        self._distance = 0.5 * (layers.width[:-1] + layers.width[1:])
        background[1:n] = BACKGROUND_S_M * layers.conductance * self._distance
        sigma[1:n] = layers.electronic_conductance * self._distance
        separator[:first] = 1.0
        first_cell[0] = 1e4 / layers.width[0]

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
        self._applied[0][0] = current_A_m2 / layers.width[0]
        self._applied[1][-1] = current_A_m2 / layers.width[-1]
        surface_V = guess.surface_V
        for sweep in range(1, self.max_sweeps + 1):
            before = [unknown.value.copy() for unknown in self.unknowns]
            reaction = self._update(base, response, surface_V)
            surface_V = reaction.equilibrium_V
            self.equations.sweep(dt=step_s, solver=self._solver)
            change = [
                unknown.value - old for unknown, old in zip(self.unknowns, before, strict=True)
            ]
            if not all(np.all(np.isfinite(part)) for part in change):
                raise StepFailed("FiPy gave values that are not finite")
            largest = max(np.max(np.abs(change[0])), np.max(np.abs(change[2])))
            damping = min(1.0, 0.5 / largest) if largest > 0 else 1.0
            psi.setValue(before[0] + damping * change[0])
            phi_s.setValue(before[2] + damping * change[2])
            c_e.setValue(damped_salt(before[1], damping * change[1]))
            salt_change = np.max(np.abs(change[1])) / electrolyte.initial_mol_m3
            if max(largest, salt_change) < self.tolerance:
                return psi.value.copy(), c_e.value.copy(), phi_s.value[first:], reaction, sweep
        raise StepFailed(f"no convergence in {self.max_sweeps} sweeps")

    def _update(self, base, response, surface_V):
        """Bring coefficients and reaction to the present values of the unknowns."""
        layers, materials = self.layers, self.layers.materials
        electrolyte, first, n = materials.electrolyte, layers.first, layers.n_cells
        psi, c_e, phi_s = (unknown.value for unknown in self.unknowns)
        at_faces = layers.salt_at_faces(c_e)
        geometry = layers.conductance * self._distance
        kappa, D, t_plus = self._coefficients
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

        charge_by_c, anions_by_c, anions_by_psi, c_middle = self._slopes
        anions_by_psi[1:n] = geometry * D_bulk * factor_slope * per_volt * np.diff(c_e)
        c_middle[1:n] = 0.5 * (c_e[:-1] + c_e[1:])
        charge_by_c[0, 1:n] = flux_slope(charge)
        anions_by_c[0, 1:n] = flux_slope(anions)

        salt = c_e[first:]
        phi_e = psi[first:] + electrolyte.diffusion_potential_V(salt)
        reaction = react(phi_s[first:] - phi_e, salt, base, response, materials, surface_V)
        i, i_phi, i_c = self._reaction
        i[first:] = reaction.current
        i_phi[first:] = reaction.by_potential
        slope = electrolyte.diffusion_potential_slope(salt)
        i_c[first:] = reaction.by_salt - reaction.by_potential * slope
        return reaction
