"""The linear system of a Newton step: two potentials and the salt that exchange current.

Read in this order:

1. ``conjugate_residuals``: the Krylov method, in float32 vectors, which it lends to others
   between searches (``loans``); ``bicgstab``: another one for where it does not get on.
2. ``preconditioner``: one V-cycle for the three fields together.
3. ``exchange``: the current between solid and electrolyte, by links and by coarse cells;
   ``exchange_links``: which faces are one link;
   ``coarse_levels``: which cell belongs to which, and the matrix of the coarsest grid.
4. ``interface_coarsening``: to which coarse cells the reacting faces belong.
   ``lithium_electrode``: the current that hangs on psi and salt of the first slice.
5. ``block_smoother``: 2 x 2 blocks of potential and salt of the electrolyte on the finest grid.
6. ``floating_clusters``: binder that only active material joins to the collector, whose potential
   no smoother finds; solved for beside the V-cycle.
7. ``cuda``: the same on a graphics card.
"""
