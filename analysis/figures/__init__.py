"""Figures: one look for the whole book. Functions take data and an axes, and return the axes.

``style``   colors, names and sizes that every figure shares; begin with ``style.axes()``
``plots``   one function per kind of figure, gathered from ``images``, ``curves`` and ``counts``
``images``  slices side by side, agreement matrices, maps
``curves``  distributions, profiles, voltage, spectra, training, convergence
``counts``  histograms, parity, dots by method, stacked shares
``scores``  all scores of several methods, between floor and truth
``render``  labelled volumes as lit surfaces, drawn without a screen
``narrow``  the same figures for phones, panels below each other
``play``    thresholds and gamma that the reader moves, in plain HTML
``slider``  slices to leaf through, in plain HTML
``tables``  tables for the page with a verdict in words, and a CSV to download
"""
