"""The name of :mod:`analysis.electrochemistry.porous_electrode.half_cell` in scripts."""

from analysis.electrochemistry.porous_electrode.current_profiles.following import follow  # noqa: F401
from analysis.electrochemistry.porous_electrode.half_cell import *  # noqa: F403
