"""Charge, rest, pulses and held voltages of the 1D half cell, by either backend.

Read in this order:

1. ``following``: a :class:`~analysis.electrochemistry.current_profile.CurrentProfile` to voltage
   and current against time. Start here.
2. ``held_voltage``: which current holds a voltage in a step.
3. ``profile_run``: what such a run leaves behind.
4. ``voltage_parts``: what electrolyte, particles and layers each add to the voltage of a rest.
"""

from analysis._names import lazily

__getattr__, __dir__, __all__ = lazily(
    __name__, {"following": "follow", "profile_run": "ProfileRun", "voltage_parts": "parts_at_rest"}
)
