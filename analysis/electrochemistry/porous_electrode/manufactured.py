"""A manufactured solution of the 1D half cell, to measure its orders of convergence.

Fields are chosen, sources are computed that make them the exact solution of all equations at
once (charge, salt with t₊(c), electrons, kinetics, spheres), and the solver has to find them.
"""

import numpy as np

from analysis.electrochemistry.constants import FARADAY_C_MOL, GAS_J_MOL_K, REFERENCE_MOL_M3
from analysis.electrochemistry.materials import DEFAULT
from analysis.electrochemistry.porous_electrode.butler_volmer import SOFT_MOL_M3
from analysis.electrochemistry.porous_electrode.mesh import BACKGROUND_S_M, ElectrodeProfile, layers
from analysis.electrochemistry.porous_electrode.newton_model import BandedNewton
from analysis.electrochemistry.porous_electrode.particle_diffusion import spheres
from analysis.electrochemistry.porous_electrode.time_integration import Control, integrate

END_S = 600.0
ELECTRODE = ElectrodeProfile(171e-6, 0.5954, 0.2892, 3e5, 0.1, 2.0, 6e-6)


class Manufactured:
    """Exact fields at depth z [m] and time t [s]; all grow like t² from rest."""

    def __init__(self, electrode=ELECTRODE, materials=DEFAULT, n_modes=20):
        self.electrode, self.materials, self.n_modes = electrode, materials, n_modes

    def _wave(self, z):
        return np.cos(np.pi * np.asarray(z) / self.electrode.thickness_m)

    def current(self, z, t):
        """Reaction current density [A/m²]."""
        return -1.2 * (1 + 0.5 * self._wave(z)) * (t / END_S) ** 2

    def salt(self, z, t):
        """Salt concentration [mol/m³]."""
        return 1000 * (1 + 0.4 * self._wave(z) * (t / END_S) ** 2)

    def salt_rate(self, z, t):
        """Time derivative of :meth:`salt`."""
        return 800 * self._wave(z) * t / END_S**2

    def psi(self, z, t):
        """Reduced electrolyte potential [V]."""
        return 0.05 * self._wave(z) * (t / END_S) ** 2

    def content(self, z, t):
        """Lithium content at the surface: the modes' exact response to :meth:`current`."""
        active, sphere = self.materials.active, spheres(self.n_modes)
        rate = sphere.rate[1:] * active.diffusion_m2_s / self.electrode.radius_m**2
        response = t**3 / 3 * sphere.surface[0] ** 2
        memory = t**2 / rate - 2 * t / rate**2 - 2 * np.expm1(-rate * t) / rate**3
        response = response + np.sum(sphere.surface[1:] ** 2 * memory)
        amplitude = self.current(z, END_S) / END_S**2
        per_current = self.electrode.surface_1_m[0] / (
            3 * self.electrode.active[0] * FARADAY_C_MOL * active.max_concentration_mol_m3
        )
        return active.initial_content - per_current * amplitude * response

    def solid(self, z, t):
        """Solid potential [V] that drives this current through this electrolyte."""
        active, electrolyte = self.materials.active, self.materials.electrolyte
        c, x = self.salt(z, t), self.content(z, t)
        soft = c / np.sqrt(c + SOFT_MOL_M3) / np.sqrt(REFERENCE_MOL_M3)
        i0 = 2 * active.reference_current_A_m2 * soft * np.sqrt(x * (1 - x))
        thermal = 2 * GAS_J_MOL_K * self.materials.temperature_K / FARADAY_C_MOL
        overpotential = thermal * np.arcsinh(self.current(z, t) / (2 * i0))
        phi_e = self.psi(z, t) + electrolyte.diffusion_potential_V(c)
        return phi_e + active.ocp.potential(x) + overpotential

    def source(self, mesh):
        """Function of time that gives the (3, N) sources [A/m²] for the cells of `mesh`."""
        electrode, electrolyte = self.electrode, self.materials.electrolyte
        faces = np.concatenate([[0.0], np.cumsum(mesh.width)])
        transport, sigma = electrode.transport[0], electrode.electronic_S_m[0]
        tiny = 1e-4 * electrode.thickness_m

        def slope(field, t):
            rise = field(faces[1:-1] + tiny, t) - field(faces[1:-1] - tiny, t)
            return np.concatenate([[0.0], rise / (2 * tiny), [0.0]])

        def sources(t):
            c = self.salt(faces, t)
            kappa = transport * electrolyte.conductivity_S_m(c)
            i_e = -kappa * slope(self.psi, t)
            i_charge = i_e - transport * BACKGROUND_S_M * slope(self.psi, t)
            diffusion = transport * electrolyte.diffusivity_m2_s(c) * slope(self.salt, t)
            anions = -FARADAY_C_MOL * diffusion - (1 - electrolyte.transference(c)) * i_e
            i_s = -sigma * slope(self.solid, t)
            reaction = mesh.width * mesh.surface * self.current(mesh.centers, t)
            store = FARADAY_C_MOL * mesh.width * mesh.porosity * self.salt_rate(mesh.centers, t)
            return np.array(
                [
                    np.diff(i_charge) - reaction,
                    np.diff(anions) + store,
                    np.diff(i_s) + reaction,
                ]
            )

        return sources


def solve(n_cells, n_steps, case=None):
    """
    Solve the manufactured problem on `n_cells` cells in `n_steps` equal steps.

    Returns
    -------
    fields : dict of str to (n_cells,) ndarray
        ``salt`` [mol/m³], ``psi`` and ``solid`` [V] at the end; potentials against psi of the
        first cell, where the solver has its zero.
    errors : dict of str to float
        Largest difference from the exact fields; salt relative to its initial value.
    """
    case = case or Manufactured()
    mesh = layers(case.electrode, case.materials, n_cells, 0)
    backend = BandedNewton(mesh, source=case.source(mesh))
    times = np.linspace(0, END_S, n_steps + 1)
    control = Control(max_steps=n_steps + 2, n_modes=case.n_modes)
    end = integrate(backend, mesh, 0.0, cutoff_V=-np.inf, control=control, times=times).states[-1]
    z = mesh.centers
    zero = case.psi(z[0], END_S)
    exact = {
        "salt": case.salt(z, END_S),
        "psi": case.psi(z, END_S) - zero,
        "solid": case.solid(z, END_S) - zero,
    }
    fields = {"salt": end.salt, "psi": end.psi, "solid": end.solid}
    scale = {"salt": case.materials.electrolyte.initial_mol_m3, "psi": 1.0, "solid": 1.0}
    errors = {
        name: float(np.max(np.abs(fields[name] - exact[name])) / scale[name]) for name in exact
    }
    return fields, errors


def space_convergence(sizes=(8, 16, 32), n_steps=200):
    """Errors for a series of cell numbers, as a dict of lists with key ``h_um``."""
    out = {"h_um": [1e6 * ELECTRODE.thickness_m / n for n in sizes]}
    for n in sizes:
        for name, error in solve(n, n_steps)[1].items():
            out.setdefault(name, []).append(error)
    return out


def time_convergence(steps=(10, 20, 40), n_cells=16, reference=320):
    """Differences from a run with `reference` steps on the same cells, with key ``dt_s``."""
    exact, _ = solve(n_cells, reference)
    out = {"dt_s": [END_S / n for n in steps]}
    for n in steps:
        fields, _ = solve(n_cells, n)
        for name, values in fields.items():
            scale = 1000.0 if name == "salt" else 1.0
            out.setdefault(name, []).append(float(np.max(np.abs(values - exact[name]))) / scale)
    return out


def order(sizes, errors):
    """Slope of log(error) against log(size) by least squares."""
    return float(np.polyfit(np.log(sizes), np.log(errors), 1)[0])
