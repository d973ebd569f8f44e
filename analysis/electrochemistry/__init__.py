"""Lithiation of the half cell: transport on voxels, the 1D porous electrode, calibration."""
