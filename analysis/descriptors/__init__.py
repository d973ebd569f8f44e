"""Descriptors of the morphology of a labelled electrode (Prifling et al. 2022, Section 5.1).

Every function takes an array ``(Z, Y, X)`` and the voxel size in µm, and is exact on the grid:
what it returns equals the definition evaluated by brute force. Import the module you need:

``surface``       surface area per volume of phases and interfaces
``size``          phase size distribution, simulated intrusion, constrictivity; both rest on
                  ``opening``, the largest ball that covers a voxel, and give a ``distribution``
``paths``         geodesic tortuosity
``covariance``    centered two-point coverage probability
``profile``       volume fractions against the depth
``connectivity``  through, dead-end and isolated parts of a phase

``kernels`` holds what is compiled; ``_volume`` the checks, and slabs of volumes that may be larger
than memory.
"""
