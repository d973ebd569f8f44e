"""The name of :mod:`analysis.electrochemistry.gamma_fit` in scripts."""

from analysis.electrochemistry.gamma_fit import *  # noqa: F403
