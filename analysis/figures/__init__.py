"""Figures: one look for the whole book. Functions take data and an axes, and return the axes."""
