"""The linear system of a Newton step: two potentials and the salt that exchange current.

Read in this order:

1. ``bicgstab``: the Krylov method, BiCGStab(2) in float32 vectors.
2. ``preconditioner``: one V-cycle for the three fields together.
3. ``interface_coarsening``: to which coarse cells the reacting faces belong.
4. ``block_smoother``: 2 x 2 blocks of potential and salt of the electrolyte on the finest grid.
5. ``floating_clusters``: binder that only active material joins to the collector, whose potential
   no smoother finds; solved for beside the V-cycle.
"""
