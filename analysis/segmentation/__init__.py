"""Trinarization: gray values in, labels out, with the volume fractions of the experiment."""
