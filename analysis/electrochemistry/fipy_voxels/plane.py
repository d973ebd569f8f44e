r"""The half cell on a plane of voxels in FiPy: labels in, terms to be read, voltage out.

The equations of the porous electrode without homogenization: charge and salt live in pore, CBD and
separator, electrons in AM and CBD, lithium in AM, and a current :math:`i_f` crosses every face
between AM and electrolyte,

.. math::

    \nabla\cdot(\gamma\kappa\nabla\psi) + \textstyle\sum_f i_f\,\delta_f &= 0 &
    \partial_t(\varepsilon c_e) &= \nabla\cdot(\gamma D\nabla c_e)
        - \nabla\cdot\bigl(\tfrac{1-t_+}{F}\gamma\kappa\nabla\psi\bigr) \\
    \nabla\cdot(\sigma\nabla\varphi_s) - \textstyle\sum_f i_f\,\delta_f &= 0 &
    \partial_t c_s &= \nabla\cdot(D_s\nabla c_s) - \textstyle\sum_f i_f\,\delta_f/F .

It is written to be read and to check :mod:`analysis.electrochemistry.resolved`, which solves the
same on volumes; a plane of some thousand voxels takes a minute here.
"""

import os

import numpy as np

from analysis.electrochemistry.fipy_voxels.faces import (
    face_current,
    lithium_current,
    reacting_faces,
)
from analysis.electrochemistry.materials import FARADAY_C_MOL
from analysis.electrochemistry.porous_electrode.fipy_assembly import Assembly
from analysis.electrochemistry.porous_electrode.implicit_step import StepFailed, damped_salt
from analysis.electrochemistry.resolved import grid
from analysis.electrochemistry.resolved.cell_properties.properties import tables

F = FARADAY_C_MOL
LEAST_SALT = 1.0  # mol/m³; the conductivity is not less than at this concentration


def _changes():
    """FiPy's terms have no coupling of a cell with a neighbor in another unknown; this is one."""
    from fipy.terms.nonDiffusionTerm import _NonDiffusionTerm

    class Changes(_NonDiffusionTerm):
        """Slopes times what `var` has changed since the last sweep, in other cells as well."""

        def __init__(self, places, var, slopes=None, coeff=1.0):
            _NonDiffusionTerm.__init__(self, coeff=coeff, var=var)
            self.places = places
            self.slopes = {"values": 0.0} if slopes is None else slopes  # one for all signs

        def __neg__(self):
            return Changes(self.places, self.var, self.slopes, -self.coeff)

        def set(self, values):
            """Take the slopes of the last sweep."""
            self.slopes["values"] = values

        def _buildMatrix(self, var, SparseMatrix, dt=None, **unused):  # noqa: N803
            rows, columns = self.places
            values = self.coeff * np.broadcast_to(self.slopes["values"], rows.shape)
            matrix = SparseMatrix(mesh=var.mesh)
            matrix.addAt(values, rows, columns)
            known = np.bincount(rows, values * var.value[columns], var.value.size)
            return var, matrix, known

    return Changes


class Plane:
    """
    The equations on a plane of voxels, swept to convergence.

    Parameters
    ----------
    geometry : grid.Domain
        A half cell one voxel thick.
    materials : HalfCell
        Parameters.
    """

    def __init__(self, geometry, materials):
        os.environ.setdefault("FIPY_SOLVERS", "scipy")
        import fipy

        self.materials = materials
        kind = geometry.kind[1:-1, 1, 1:-1]
        self.shape, self.edge = kind.shape, geometry.edge_m
        heights = geometry.heights[1:-1].astype(float) * self.edge
        self.mesh = mesh = fipy.Grid2D(dx=np.full(kind.shape[1], self.edge), dy=heights)
        kind = kind.ravel()
        transport, porosity, electronic = (
            table.astype(float)[kind] for table in tables(geometry.gamma, materials)
        )
        self.wet, self.am = porosity > 0, kind == grid.AM
        self.solid, self.collector = (electronic > 0) | self.am, kind == grid.COLLECTOR
        self.transport, self.electronic = transport, electronic
        self.height = np.repeat(heights, self.shape[1])
        self.bottom = np.arange(kind.size) < self.shape[1]
        self.faces = reacting_faces(mesh, kind, porosity, materials, geometry.face_factor)

        def cell(value=0.0, **options):
            return fipy.CellVariable(mesh=mesh, value=value, **options)

        def face():
            return fipy.FaceVariable(mesh=mesh, value=0.0)

        self.epsilon = cell(porosity)
        self.psi, self.c_e = cell(name="psi"), cell(name="c_e", hasOld=True)
        self.phi_s, self.c_s = cell(name="phi_s"), cell(name="c_s", hasOld=True)
        self.unknowns = self.psi, self.c_e, self.phi_s, self.c_s
        self.kappa, self.D, self.drift = face(), face(), face()
        self.sigma, self.D_s = face(), face()
        self.into_wet, self.out_of_solid, self.out_of_am = cell(), cell(), cell()  # A/m³
        self.from_lithium, self.by_psi, self.by_c = cell(), cell(), cell()
        self.applied = cell()
        self._places()
        self._assembly = Assembly(list(self._equations().values()), self.unknowns)

    def _places(self):
        """Pairs of cells of all faces, their half widths, and the share that conducts."""
        first, second = (np.asarray(ids) for ids in self.mesh.faceCellIDs.filled(-1))
        self.inner = np.flatnonzero(second >= 0)
        self.pair = first[self.inner], second[self.inner]
        along_z = np.abs(np.asarray(self.mesh.faceNormals)[1, self.inner]) > 0.5
        self.half = [np.where(along_z, self.height[k], self.edge) / 2 for k in self.pair]
        self.area = np.asarray(self.mesh._faceAreas)[self.inner]
        a, b = self.pair
        self.links = np.concatenate([a, a, b, b]), np.concatenate([a, b, a, b])
        self.D_s[self.inner] = self.materials.active.diffusion_m2_s * (self.am[a] & self.am[b])

    def _series(self, relative):
        """Coefficient at faces of a property that is constant in each cell: halves in series."""
        (a, b), (ha, hb) = self.pair, self.half
        with np.errstate(divide="ignore"):
            return (ha + hb) / (ha / relative[a] + hb / relative[b])

    def _equations(self):
        """Charge, anions, electrons and lithium, as FiPy's terms."""
        from fipy import CellVariable
        from fipy import DiffusionTerm as Diffusion
        from fipy import ImplicitSourceTerm as Source
        from fipy import TransientTerm as Transient

        Changes = _changes()
        psi, c_e, phi_s, c_s = self.unknowns
        rest = self.materials.electrolyte.initial_mol_m3
        am, other, dry, gas = (
            CellVariable(mesh=self.mesh, value=1.0 * cells)
            for cells in (self.am, ~self.am, ~self.wet, ~self.solid)
        )
        e, s, a = self.faces.wet, self.faces.solid, self.faces.am

        def of_face(rows):  # what a face gives to these cells changes with four unknowns
            terms = {
                "psi": Changes((rows, e), psi),
                "c_e": Changes((rows, e), c_e),
                "phi_s": Changes((rows, s), phi_s),
                "c_s": Changes((rows, a), c_s),
            }
            return terms, sum(list(terms.values())[1:], terms["psi"])

        self._to_wet, wet_changes = of_face(e)
        self._to_solid, solid_changes = of_face(s)
        self._to_am, am_changes = of_face(a)
        self._charge_by_c, self._anions_by_c = Changes(self.links, c_e), Changes(self.links, c_e)
        charge = (
            Diffusion(self.kappa, var=psi)
            + self.into_wet
            + wet_changes
            + self._charge_by_c
            + self.from_lithium
            + Source(self.by_psi, var=psi)
            + Source(self.by_c, var=c_e)
            - Source(dry, var=psi)
        )
        anions = Transient(self.epsilon, var=c_e) == (
            Diffusion(self.D, var=c_e)
            - Diffusion(self.drift, var=psi)
            + self._anions_by_c
            - Source(dry, var=c_e)
            + dry * rest
        )
        electrons = (
            Diffusion(self.sigma, var=phi_s)
            - self.out_of_solid
            + solid_changes
            - self.applied
            - Source(gas, var=phi_s)
        )
        lithium = Transient(am, var=c_s) == (
            Diffusion(self.D_s, var=c_s) - self.out_of_am + am_changes - Source(other, var=c_s)
        )
        return {"charge": charge, "anions": anions, "electrons": electrons, "lithium": lithium}

    def step(self, guess, old, dt, current_A_m2, tolerance=1e-6, max_sweeps=40):
        """Values of the unknowns after an implicit step from `old` [(c_e, c_s)]; sweeps."""
        electrolyte, active = self.materials.electrolyte, self.materials.active
        for unknown, value in ((self.c_e, old[0]), (self.c_s, old[1])):
            unknown.setValue(value)
            unknown.updateOld()
        for unknown, value in zip(self.unknowns, guess, strict=True):
            unknown.setValue(value)
        self.applied.setValue(np.where(self.collector, current_A_m2 / self.height, 0.0))
        full, (low, high) = active.max_concentration_mol_m3, active.ocp.bounds
        for sweep in range(1, max_sweeps + 1):
            self._update()
            before = [unknown.value.copy() for unknown in self.unknowns]
            after = self._assembly.solve(dt)
            change = [new - last for new, last in zip(after, before, strict=True)]
            volts = max(np.max(np.abs(change[0])), np.max(np.abs(change[2])))
            if not np.isfinite(volts):
                break
            damping = min(1.0, 0.3 / max(volts, 1e-30))
            self.psi.setValue(before[0] + damping * change[0])
            self.c_e.setValue(damped_salt(before[1], damping * change[1]))
            self.phi_s.setValue(before[2] + damping * change[2])
            room = np.where(change[3] > 0, high * full - before[3], before[3] - low * full)
            limited = np.clip(damping * change[3], -0.7 * room, 0.7 * room)
            self.c_s.setValue(np.where(self.am, before[3] + limited, 0.0))
            largest = max(
                volts,
                np.max(np.abs(change[1][self.wet])) / electrolyte.initial_mol_m3,
                np.max(np.abs(change[3][self.am])) / full,
            )
            if largest < tolerance:
                return [unknown.value.copy() for unknown in self.unknowns], sweep
        raise StepFailed(
            f"FiPy did not converge in {sweep} sweeps with a step of {dt:.3g} s (last change "
            f"{volts:.2g} V). Lowest salt {self.c_e.value[self.wet].min():.3g} mol/m³. Try shorter "
            "steps, or end before the salt is used up."
        )

    def _update(self):
        """Bring coefficients and currents to the present values of the unknowns."""
        electrolyte, (a, b), inner = self.materials.electrolyte, self.pair, self.inner
        psi, c_e, phi_s, c_s = (unknown.value for unknown in self.unknowns)
        c = np.where(self.wet, c_e, electrolyte.initial_mol_m3)
        more = c * (1 + 1e-6)

        def mean(values):
            return 0.5 * (values[a] + values[b])

        def properties(c):
            kappa = electrolyte.conductivity_S_m(np.maximum(c, LEAST_SALT))
            return kappa, electrolyte.diffusivity_m2_s(c), electrolyte.transference(c)

        share = self._series(self.transport)
        (kappa, D, t), (kappa_m, D_m, t_m) = properties(c), properties(more)
        self.kappa[inner] = share * mean(kappa)
        self.D[inner] = share * mean(D)
        self.drift[inner] = share * (1 - mean(t)) / F * mean(kappa)
        distance = sum(self.half)
        rise_psi, rise_c = (self.area * (u[b] - u[a]) / distance for u in (psi, c_e))
        slope = [0.5 * (new - old) / (1e-6 * c) for new, old in
                 ((kappa_m, kappa), (D_m, D), (t_m, t))]  # fmt: skip

        def links(by_cell):  # what the flux into the first cell changes with c_e of both
            one, other = by_cell(a), by_cell(b)
            return np.concatenate([one, other, -one, -other])

        self._charge_by_c.set(links(lambda k: share * slope[0][k] * rise_psi))
        self._anions_by_c.set(links(
            lambda k: share * (
                slope[1][k] * rise_c
                - ((1 - mean(t)) * slope[0][k] - slope[2][k] * mean(kappa)) / F * rise_psi
            )
        ))  # fmt: skip
        sigma = np.where(
            self.am,
            self.materials.active.conductivity_S_m(
                c_s / self.materials.active.max_concentration_mol_m3
            ),
            self.electronic,
        )
        self.sigma[inner] = self._series(sigma)
        self._react(psi, c, phi_s, c_s)

    def _react(self, psi, c_e, phi_s, c_s):
        faces, volumes = self.faces, np.asarray(self.mesh.cellVolumes)
        rates = face_current(faces, psi, c_e, phi_s, c_s, self.materials, self.edge)
        current, by_phi, by_c, by_lithium = (faces.area * rate for rate in rates)
        slopes = {"psi": -by_phi, "c_e": by_c, "phi_s": by_phi, "c_s": by_lithium}
        for name, slope in slopes.items():
            self._to_wet[name].set(slope)
            self._to_solid[name].set(-slope)
            self._to_am[name].set(-slope / F)
        for target, rows, unit in (
            (self.into_wet, faces.wet, 1.0),
            (self.out_of_solid, faces.solid, 1.0),
            (self.out_of_am, faces.am, F),
        ):
            target.setValue(np.bincount(rows, current, volumes.size) / volumes / unit)
        at = self.bottom
        i, i_psi, i_c = lithium_current(psi[at], c_e[at], self.materials)
        for target, value in (
            (self.by_psi, i_psi),
            (self.by_c, i_c),
            (self.from_lithium, i - i_psi * psi[at] - i_c * c_e[at]),
        ):
            target[at] = value / self.height[at]
