"""Half cells: transport through voxels, the porous electrode in 1D, the resolved cell in 3D.

Read in this order:

1. ``materials``: parameters of active material, binder, separator and lithium, with unit, source
   and confidence; ``electrolyte`` and ``open_circuit`` have those that are functions of the state.
   ``constants`` are those of physics, and the cut-off of the logarithm of the salt of both models;
   ``parameter`` is how a number knows its source. ``conditions``: what current, cut-off and end of
   a lithiation may be, in both models; ``current_profile``: charge, rest, pulses and held voltages,
   segment by segment, for both.
2. ``transport``: div(k grad u) = 0 on voxels, its multigrid solver, impedance.
3. ``porous_electrode``: the homogenized half cell. Labels become depth profiles, and the profiles
   are lithiated by one of two backends.
4. ``resolved``: the half cell on the voxels themselves, with its own linear solver.
5. ``gamma_fit``: the transport parameter of the CBD from a voltage curve; ``target_curve``: what
   such a curve must be; ``measured_curve`` reads one from a file; ``half_cycle`` finds the one
   lithiation in it.
   ``uncertainty``: what a fitted gamma is worth when other parameters are doubtful.
6. ``spectrum``: the ionic resistance of a measured blocking spectrum. ``spectrum_file`` reads one,
   ``transmission_line`` is its model and robust fit, ``kramers_kronig`` tests if the cell was
   stable. They need no other room.
7. ``fipy_voxels``: a plane of voxels in FiPy, a check of ``resolved`` that can be read.
8. ``pybamm_reference``: curves of an independent solver, stored with their parameters.

Imports go down this list; the porous electrode and the resolved cell know nothing of each other.

The names ``structure``, ``calibration`` and ``halfcell`` are kept for scripts: they hand on
``porous_electrode.homogenization``, ``gamma_fit`` and ``porous_electrode.half_cell``.
"""
