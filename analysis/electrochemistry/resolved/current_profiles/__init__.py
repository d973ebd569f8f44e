"""Charge, rest, pulses and held voltages of the resolved half cell.

Read in this order:

1. ``following``: labels and a :class:`~analysis.electrochemistry.current_profile.CurrentProfile`
   to voltage and current against time. Start here.
2. ``segment_steps``: the time integration, which begins anew with every segment.
3. ``held_voltage``: which current holds a voltage in a step.
4. ``profile_run``: what such a run leaves behind.
"""

from analysis._names import lazily

__getattr__, __dir__, __all__ = lazily(
    __name__, {"following": "follow", "profile_run": "ResolvedProfileRun"}
)
