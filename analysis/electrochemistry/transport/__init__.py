"""Transport through a voxel volume: what conducts, how well, and at which frequency.

Read in this order:

1. ``percolation``: which voxels take part, because a path joins them to the ends.
2. ``effective``: effective conductivity and tortuosity from div(k grad u) = 0. Start here.
   ``depth_profile`` gives it slice by slice.
3. ``multigrid``: the solver, conjugate gradients with one V-cycle as preconditioner;
   ``coarsening``: its aggregates; ``hierarchy``: its levels and the cycle.
4. ``stencil``: the compiled seven-point kernels on padded arrays; ``grid_transfer``: those between
   two grids; ``vectors``: sums and products; ``fields``: what numpy does to whole fields.
5. ``impedance``: the same volume under an alternating voltage, and the transmission line;
   ``step_response`` goes the way of the paper, by a current step.
6. ``reactive_surface``: where lithium enters the active material, alike for both half cells.
7. ``devices`` chooses where all this runs: ``threads``, a pool that works on slabs of slices, or
   a graphics card, whose kernels are in ``cuda``.
"""

from analysis._names import lazily

__getattr__, __dir__, __all__ = lazily(
    __name__,
    {
        "effective": "effective_conductivity ionic_conductivity Transport",
        "depth_profile": "DepthProfile",
        "impedance": "spectrum transmission_line",
        "percolation": "connectivity Connectivity",
    },
)
