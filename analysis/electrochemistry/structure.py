"""The name of :mod:`analysis.electrochemistry.porous_electrode.homogenization` in scripts."""

from analysis.electrochemistry.porous_electrode.homogenization import *  # noqa: F403
