"""Virtual instruments: arrays of known composition in, what a microscope would show out."""
