"""What the cells of the resolved half cell conduct, store and expose.

Read in this order:

1. ``properties``: conductivities, porosity and reacting faces of every cell. Start here.
2. ``upscaling``: ionic properties of cells of several voxels, and the faces that belong to them.
3. ``electron_conductance``: how electrons pass between cells of several voxels; ``cuda``: the same
   on a graphics card.
"""
