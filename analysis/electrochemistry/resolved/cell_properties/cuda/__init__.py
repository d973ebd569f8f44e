"""Cells of several voxels on a graphics card: ``electron_conductance``, as in the room above."""
