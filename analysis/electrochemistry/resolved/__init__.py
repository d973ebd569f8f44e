"""The half cell on voxels: every voxel conducts, stores and reacts as its phase does.

Read in this order:

1. ``half_cell``: labels, gamma and a current to voltage against time. Start here.
2. ``grid``: lithium, separator, electrode and collector as one grid of cells.
3. ``cell_properties``: what each cell conducts and holds, also where it is of several voxels.
4. The equations: ``electrolyte_fluxes`` (charge and salt), ``interface`` (the faces that react),
   ``butler_volmer`` (the reaction at each of them), ``solid_diffusion`` (lithium in the active
   material).
5. ``state``: the fields of one moment; ``newton``: one implicit step; ``conservation``: the global
   correction that closes the balances of the step; ``linear_solver``: what Newton's method calls.
6. ``time_integration``: step sizes, prediction and the search for the cut-off, on the kernels
   of ``time_differences`` and ``field_sums``; ``step_record`` keeps what the steps gave.
7. ``current_profiles``: charge, rest, pulses and held voltages instead of one lithiation.
8. ``solution``: what a run leaves behind; ``checkpoint``: how a killed run goes on.
9. ``cuda``: the kernels on a graphics card.
"""

from analysis._names import lazily

__getattr__, __dir__, __all__ = lazily(
    __name__,
    {
        "half_cell": "lithiate",
        "solution": "ResolvedLithiation Snapshot",
        "time_integration": "ResolvedControl Control",
    },
)
