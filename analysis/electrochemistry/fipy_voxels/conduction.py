"""Steady conduction through voxels in FiPy, beside :mod:`analysis.electrochemistry.transport`."""

import os

import numpy as np

from analysis.electrochemistry.porous_electrode.fipy_assembly import Assembly


def effective_conductivity(conductivity):
    """
    Effective conductivity of voxels along the first axis: FiPy's steady diffusion equation.

    Parameters
    ----------
    conductivity : (Z, Y, X) or (Z, X) ndarray of float
        Relative to bulk [-], zero where nothing conducts; joined from end to end.

    Returns
    -------
    value : float
        Relative to bulk [-].
    """
    os.environ.setdefault("FIPY_SOLVERS", "scipy")
    import fipy

    k = np.asarray(conductivity, dtype=float)
    sizes = dict(zip(("nx", "ny", "nz"), k.shape[::-1], strict=False))
    mesh = (fipy.Grid3D if k.ndim == 3 else fipy.Grid2D)(**sizes)
    cells = fipy.CellVariable(mesh=mesh, value=k.ravel())
    u = fipy.CellVariable(mesh=mesh, value=0.0)
    low, high = (mesh.facesFront, mesh.facesBack) if k.ndim == 3 else (
        mesh.facesBottom, mesh.facesTop
    )  # fmt: skip
    u.constrain(1.0, where=low)
    u.constrain(0.0, where=high)
    still = fipy.ImplicitSourceTerm(1.0 * (cells == 0), var=u)
    equation = fipy.DiffusionTerm(cells.harmonicFaceValue, var=u) - still == 0
    (solution,) = Assembly([equation], [u]).solve(1.0)
    first = solution.reshape(k.shape)[0]
    flux = np.mean(2 * k[0] * (1 - first))  # half a voxel from the end to the first centers
    return float(flux * k.shape[0])
