"""Physical constants, and what both models of the half cell must have in common."""

FARADAY_C_MOL = 96485.33212
GAS_J_MOL_K = 8.31446261815324
REFERENCE_MOL_M3 = 1000.0  # salt at which exchange currents are given, of both electrodes
REFERENCE_K = 298.15  # temperature at which diffusivity and exchange currents are given

# The diffusion potential of the electrolyte goes with ln c, which has no value without salt: both
# models take ln (c + c*), and sqrt(c) in the kinetics becomes c / sqrt(c + c*). A larger c* shifts
# potentials where there is little salt (by beta c* / c, less than 0.1 mV above 30 mol/m³); a
# smaller one makes Newton's method on voxels, in float32, slow where salt is used up.
SOFT_LOGARITHM_MOL_M3 = 0.1
