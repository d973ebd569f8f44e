"""The half cell on a plane of voxels in FiPy: a check of ``resolved`` that can be read.

Read in this order:

1. ``lithiation``: labels, a current and times to voltage. Start here.
2. ``plane``: the equations, as terms of FiPy.
3. ``faces``: the reaction on the faces between voxels.
4. ``conduction``: steady conduction, which the solver of ``transport`` has to match.
"""

from analysis._names import lazily

__getattr__, __dir__, __all__ = lazily(
    __name__,
    {
        "lithiation": "lithiate PlaneLithiation",
        "plane": "Plane",
        "conduction": "effective_conductivity",
    },
)
