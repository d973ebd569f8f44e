"""Physical constants, and where the logarithm of the salt is cut off in each model."""

FARADAY_C_MOL = 96485.33212
GAS_J_MOL_K = 8.31446261815324
REFERENCE_MOL_M3 = 1000.0  # salt at which exchange currents are given

# The diffusion potential of the electrolyte goes with ln c, which has no value without salt: each
# model takes ln (c + c*). Too large a c* shifts potentials where there is little salt (by
# beta c* / c, less than 0.1 mV above 30 mol/m³ with the larger one); too small a one makes Newton's
# method slow where salt is used up.
SOFT_LOGARITHM_MOL_M3 = 1e-3  # of the homogenized cell, in float64, solved by elimination
RESOLVED_SOFT_LOGARITHM_MOL_M3 = 0.1  # on voxels, in float32, solved by iteration
