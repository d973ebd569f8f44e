"""How much of a card's memory a volume takes, and what fits, from the arrays of the solver."""

import numpy as np

from analysis.electrochemistry.transport.coarsening import plan_coarsening
from analysis.electrochemistry.transport.cuda.card import CudaError

REVISIT = 4096  # as in effective
RESERVE = 0.03  # share of the card that its own machine code and the driver may take


def needed(problem, shape, vectors=0):
    """
    Bytes that a run takes on the card.

    Parameters
    ----------
    problem : {"conduction", "impedance"}
        What is solved.
    shape : tuple of int
        Cells ``(Z, Y, X)``.
    vectors : int
        Solutions that are kept besides, as float32: those of the reduced model of an impedance.

    Returns
    -------
    size : int
        Largest sum of the arrays that are there at one time.
    """
    singles, doubles = _ARRAYS[problem]
    plan = plan_coarsening(shape, np.ones(shape[0]))
    total = _padded(shape) * (singles * 4 + doubles * 8 + max(0, vectors - 1) * 4)
    for level, step in enumerate(plan, 1):
        total += _padded(step.shape) * (7 if problem == "impedance" else 6) * 4
        total += sum(one.nbytes for one in (step.first, step.parent, *step.ratios))
        if level < len(plan):
            again = problem == "conduction" and np.prod(step.shape) >= REVISIT
            total += _padded(step.shape) * (3 if again else 1) * 4
    coarsest = plan[-1].shape if plan else shape
    total += int(np.prod(coarsest)) ** 2 * 4
    return int(total)


# Fields of the finest grid while it is solved, of float32 and of float64. Conduction: faces (3),
# inverse diagonal, cells, load, and r, z, p, A p; the solution and, at the start, a zero to
# compare with. Impedance: capacity and storage for cells and load, and a start value. Coarse
# levels have faces, inverse diagonal, x, b, storage if any, and scratch.
_ARRAYS = {"conduction": (10, 2), "impedance": (10, 3)}


def _padded(shape):
    return int(np.prod([n + 2 for n in shape]))


def largest_cube(problem, free, vectors=0):
    """Edge of the largest cube, in cells, that fits into `free` bytes."""
    low, high = 0, 4096
    while high - low > 1:
        middle = (low + high) // 2
        low, high = (
            (middle, high) if needed(problem, (middle,) * 3, vectors) <= free else (low, middle)
        )
    return low


def check(problem, shape, free, total, vectors=0):
    """
    Compare what a run needs with what is free.

    Parameters
    ----------
    problem, shape, vectors
        See :func:`needed`.
    free, total : float
        Bytes of the card that are free, and of the whole card.

    Raises
    ------
    CudaError
        If the run does not fit.
    """
    size = needed(problem, shape, vectors)
    usable = free - RESERVE * total if np.isfinite(total) else free
    if size <= usable:
        return
    edge = largest_cube(problem, max(usable, 0), vectors)
    cells = " x ".join(str(n) for n in shape)
    fits = (
        f"A cube of {edge} cells along each edge fits"
        if edge
        else "Nothing fits: other programs hold the card"
    )
    raise CudaError(
        f"{cells} cells need {size / 1e9:.2f} GB on the card; {free / 1e9:.2f} of "
        f"{total / 1e9:.2f} GB are free. {fits}. Take a smaller cutout or voxels of "
        "twice the edge, free the card, or run with device='cpu'."
    )
