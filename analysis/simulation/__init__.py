"""Simulations of a study: what is to be run, how one is run, how all are run.

Read in this order:

1. ``cases``: one unit of work and the file of its result, named after all it depends on.
2. ``run``: what a case runs: a voxel problem, a lithiation, a fit.
3. ``control_variate``: gamma from few resolved runs and the homogenized model; ``datasets``: what
   is kept of a run; ``costs``: what it has cost.
4. ``case_lists``: which cases the study needs.
5. ``campaign``: runs those that are missing, by processes of this machine (``local``) or on a Dask
   cluster (``cluster``).
"""
