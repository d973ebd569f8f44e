"""Fast backend of the 1D half cell: Newton's method on a block-tridiagonal matrix.

The same finite-volume residual as in :mod:`~analysis.electrochemistry.porous_electrode.fipy_model`, with its exact
linearization, compiled. Three unknowns per cell (psi, c_e, phi_s) and coupling to neighbors
only: one elimination sweep solves the linear system.
"""

import numpy as np

from analysis.electrochemistry.constants import (
    FARADAY_C_MOL,
    GAS_J_MOL_K,
    REFERENCE_MOL_M3,
    SOFT_LOGARITHM_MOL_M3,
)
from analysis.electrochemistry.materials import ActiveMaterial, Electrolyte
from analysis.electrochemistry.porous_electrode import newton_kernels
from analysis.electrochemistry.porous_electrode.butler_volmer import Reaction
from analysis.electrochemistry.porous_electrode.implicit_step import SMALLEST_MOL_M3, StepFailed
from analysis.electrochemistry.porous_electrode.mesh import BACKGROUND_S_M


class BandedNewton:
    """
    Solve one implicit step by Newton's method.

    Parameters
    ----------
    layers : Layers
        The discretized half cell.
    source : callable, optional
        ``source(time_s)`` returns a (3, N) array added to charge, salt and solid balances per
        area [A/m²]; for manufactured solutions.
    tolerance : float
        Largest last change of a potential [V] and of c_e relative to its initial value.
    max_iterations : int
        Iterations before the step is given up.
    """

    def __init__(self, layers, source=None, tolerance=1e-9, max_iterations=40):
        self.layers = layers
        self.source = source
        self.tolerance = tolerance
        self.max_iterations = max_iterations
        self._cells = newton_kernels.Cells(
            width=np.ascontiguousarray(layers.width, float),
            porosity=np.ascontiguousarray(layers.porosity, float),
            area=layers.width * layers.surface,
            ease=layers.conductance,
            left=layers.left_weight,
            solid_ease=layers.electronic_conductance,
            first=layers.first,
        )
        self._parameters = _packed(layers.materials)

    def solve(self, guess, salt_old, base, response, step_s, current_A_m2, time_s):
        """Return psi, salt, solid, reaction and the number of iterations of one step."""
        first, n = self.layers.first, self.layers.n_cells
        psi, salt, U = guess.psi.copy(), guess.salt.copy(), guess.surface_V.copy()
        solid = np.concatenate([np.zeros(first), guess.solid])
        extra = np.zeros((3, n)) if self.source is None else self.source(time_s)
        step = newton_kernels.ImplicitStep(salt_old, base, response, step_s, current_A_m2, extra)
        iterations, out = newton_kernels.newton(
            newton_kernels.Fields(psi, salt, solid),
            U,
            step,
            self._cells,
            self._parameters,
            self.tolerance,
            self.max_iterations,
        )
        if not iterations:
            raise StepFailed(f"no convergence in {self.max_iterations} iterations")
        return psi, salt, solid[first:], Reaction(out[0], out[1], out[2], out[3], U), iterations


def _packed(materials):
    """Material parameters as the plain arrays that the kernels take."""
    electrolyte, active, ocp = materials.electrolyte, materials.active, materials.active.ocp
    for seen, known in ((electrolyte, Electrolyte), (active, ActiveMaterial)):
        if type(seen) is not known:  # its functions would be ignored
            raise ValueError(
                f"The compiled backend has the functions of {known.__name__} and no others, but "
                f"was given {type(seen).__name__}; use backend='fipy'."
            )
    T = materials.temperature_K
    p1, p2, p3, p4, p5, p6 = electrolyte.conductivity_p
    heat = np.exp(1000 / electrolyte.temperature_K)
    kap = np.array(
        [0.1 * p1 * (1 + electrolyte.temperature_K - p2), p3, p4 * (1 + p5 * heat), p6 * heat]
    )
    q1, q2, q3, q4 = electrolyte.diffusivity_p
    dif = np.array(
        [
            1e-10 * q1 * np.exp(q3 / electrolyte.temperature_K),
            q2 + q4 / electrolyte.temperature_K,
        ]
    )
    tra = np.array(electrolyte.transference_cubic, dtype=float)
    sites = np.array(ocp.sites)
    return newton_kernels.Parameters(
        kappa=kap,
        diffusivity=dif,
        transference=tra,
        beta=electrolyte._beta_polynomial,
        offset=float(ocp.offset),
        sites=sites,
        faraday=FARADAY_C_MOL,
        half_F_RT=FARADAY_C_MOL / (2 * GAS_J_MOL_K * T),
        c0=float(electrolyte.initial_mol_m3),
        soft_logarithm=SOFT_LOGARITHM_MOL_M3,
        rate0=4 * active.reference_current_A_m2 / np.sqrt(REFERENCE_MOL_M3),
        soft=SOFT_LOGARITHM_MOL_M3,
        background=BACKGROUND_S_M,
        smallest=SMALLEST_MOL_M3,
    )
