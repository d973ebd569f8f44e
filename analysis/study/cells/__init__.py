"""What the labels do to the cell (part 4 of the book, Section 5.2 of the paper). In reading order:

``halfcell``     the homogenized model: parameters, sweeps, convergence, PyBaMM (chapters 8 and 9)
``relaxation``   rests and pulses: solid and liquid diffusion told apart (chapter 9b)
``fipy_model``   whole lithiations in FiPy beside the compiled backend (chapters 8 and 14)
``homogenized``  half cells of several trinarizations of one electrode, with the same gamma
``calibration``  gamma fitted to every trinarization; Table 3, Figure 11 (chapter 14)
``by_hand``      curves of many gammas, for fitting in the page (chapter 14)
``gamma_worth``  what a fitted gamma is worth when other parameters are doubtful (chapter 14)
``cost``         what a map costs the cell with the true gamma (chapter 14)
``plane``        a plane of voxels in FiPy beside the resolved solver (chapter 14b)
``resolved``     the voxels themselves lithiated, beside the homogenized model (chapter 14b)
``impedance``    blocking impedance: can a spectrum tell trinarizations apart? (chapter 15)
``step_excitation``  the paper's way to a spectrum beside ours (chapter 15)
``blocking_cell``  a synthetic measurement of a blocking cell and its fit (chapter 15)

``resolved_verdicts`` makes sentences of the resolved runs.

The models are in :mod:`analysis.electrochemistry`.
"""
