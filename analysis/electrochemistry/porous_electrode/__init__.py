"""The homogenized half cell in one dimension: lithium, separator and electrode cut into layers.

Read in this order:

1. ``homogenization``: labels to profiles over the depth, as functions of gamma.
2. ``half_cell``: profiles and a current to voltage against time. Start here.
3. ``mesh``: finite volumes of separator and electrode, the profiles on them.
4. ``particle_diffusion``: lithium in spheres; ``butler_volmer``: the reaction on their surface.
5. ``fipy_model``: charge, salt and electrons as FiPy equations, beside those of the book;
   ``equation_changes``: added terms, other boundary conditions and properties;
   ``own_electrolyte``: an electrolyte of one's own; ``fipy_assembly``: its linear system.
6. ``newton_model`` and ``newton_kernels``: the same equations by Newton's method, compiled; the
   default for scans and fits, since it is much the faster. ``block_elimination`` solves its
   linear systems.
7. ``implicit_step``: one step of either backend and the voltage after it; ``time_integration``:
   the steps' error and the search for the cut-off.
8. ``current_profiles``: charge, rest, pulses and held voltages instead of one lithiation.
9. ``manufactured``: an exact solution that measures the orders of convergence.
"""

from analysis._names import lazily

__getattr__, __dir__, __all__ = lazily(
    __name__,
    {
        "half_cell": "lithiate Lithiation",
        "homogenization": "from_labels Structure",
        "mesh": "ElectrodeProfile",
        "implicit_step": "StepFailed",
        "time_integration": "Control",
    },
)
