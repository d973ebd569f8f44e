"""Which cells form the aggregates of each coarse grid.

Pairs along each axis, but no slices thicker than wide until the cells are about cubic.
"""

from dataclasses import dataclass

import numpy as np

from analysis.electrochemistry.transport.grid_transfer import Aggregates

COARSEST = 100  # cells; below, a dense inverse


@dataclass(frozen=True)
class Coarsening:
    """How the cells of one level form those of the next."""

    first: np.ndarray  # (Zc + 1,) first fine slice of each coarse slice
    parent: np.ndarray  # (Z,) coarse slice of each fine slice
    fold_y: bool
    fold_x: bool
    ratio_z: np.ndarray  # (Zc + 1,) fine over coarse distance at each face, boundaries included
    ratio_y: np.ndarray  # (Yc + 2,)
    ratio_x: np.ndarray
    shape: tuple  # coarse cells
    heights: np.ndarray  # coarse slice heights
    width: float  # coarse lateral spacing

    @property
    def aggregates(self):
        """For the kernels of :mod:`~analysis.electrochemistry.transport.grid_transfer`."""
        return Aggregates(self.first, self.parent, self.fold_y, self.fold_x)

    @property
    def ratios(self):
        """The three ratios of distances."""
        return self.ratio_z, self.ratio_y, self.ratio_x


def plan_coarsening(shape, heights, boundary_ratio=(0.5, 0.5)):
    """
    Decide how the grid is coarsened down to about a hundred cells.

    Parameters
    ----------
    shape : tuple of int
        Cells ``(Z, Y, X)`` of the finest grid.
    heights : (Z,) ndarray of float
        Height of each slice in units of the lateral spacing.
    boundary_ratio : tuple of float
        Fine over coarse distance at the first and the last boundary face when slices are
        joined: 0.5 for a fixed value at the boundary, 1 for a resistance of the boundary itself.

    Returns
    -------
    plan : list of Coarsening
        From fine to coarse.
    """
    plan = []
    heights = np.asarray(heights, dtype=float)
    width = 1.0
    while np.prod(shape) > COARSEST:
        nz, ny, nx = shape
        fold_y, fold_x = ny > 1, nx > 1
        lateral = fold_y or fold_x
        first = [0]
        while first[-1] < nz:
            k = first[-1]
            pair = k + 1 < nz and (not lateral or max(heights[k], heights[k + 1]) < 1.5 * width)
            first.append(k + 2 if pair else k + 1)
        first = np.array(first)
        parent = np.repeat(np.arange(len(first) - 1), np.diff(first))
        coarse_heights = np.add.reduceat(heights, first[:-1])
        fine_gap = 0.5 * (heights[first[1:-1] - 1] + heights[first[1:-1]])
        coarse_gap = 0.5 * (coarse_heights[:-1] + coarse_heights[1:])
        ends = [
            boundary_ratio[0] if first[1] > 1 else 1.0,
            boundary_ratio[1] if nz - first[-2] > 1 else 1.0,
        ]
        ratio_z = np.concatenate([[ends[0]], fine_gap / coarse_gap, [ends[1]]])
        coarse_shape = (
            len(first) - 1,
            (ny + 1) // 2 if fold_y else ny,
            (nx + 1) // 2 if fold_x else nx,
        )
        plan.append(
            Coarsening(
                first,
                parent,
                fold_y,
                fold_x,
                ratio_z.astype(np.float32),
                _lateral_ratio(ny, fold_y),
                _lateral_ratio(nx, fold_x),
                coarse_shape,
                coarse_heights,
                2 * width,
            )
        )
        shape, heights = coarse_shape, coarse_heights
        width *= 2 if lateral else 1
    return plan


def _lateral_ratio(n, fold):
    """Fine over coarse distance at each inner face of one lateral direction."""
    if not fold:
        return np.ones(n + 2, np.float32)
    nc = (n + 1) // 2
    ratio = np.full(nc + 2, 0.5, np.float32)
    if n % 2:
        ratio[nc] = 2 / 3  # the last aggregate is a single cell
    return ratio
