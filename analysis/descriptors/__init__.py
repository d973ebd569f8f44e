"""Descriptors of the morphology of a labelled electrode (Prifling et al. 2022, Section 5.1).

Every function takes an array ``(Z, Y, X)`` and the voxel size in µm, and is exact on the grid:
what it returns equals the definition evaluated by brute force. Import the module you need.
"""
