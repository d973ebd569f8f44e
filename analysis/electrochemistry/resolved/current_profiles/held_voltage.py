"""Which current holds the voltage of a resolved cell at the end of a time step."""

import numpy as np

HELD_TO_V = 5e-5  # a potential is solved to 1e-4 V per Newton iteration, the rest is less
FIRST_CHANGE = 0.05  # of the current, where nothing is known of the resistance yet
MOST_TRIALS = 8


class CurrentSearch:
    """
    The search for the current, step after step; it remembers the resistance.

    Parameters
    ----------
    voltage_V : float
        To hold.
    scale_A_m2 : float
        Current that counts: the first change is a share of it.
    """

    def __init__(self, voltage_V, scale_A_m2):
        self.voltage_V, self.scale = voltage_V, scale_A_m2
        self.resistance = 0.0  # fall of the voltage per current [ohm m²]

    def solve(self, current_A_m2, attempt, voltage):
        """
        Solve a step again and again until its voltage is the held one.

        Each solution starts from the fields of the one before, so that all but the first take
        an iteration or two.

        Parameters
        ----------
        current_A_m2 : float
            First guess.
        attempt : callable
            ``attempt(current_A_m2)`` solves the step and returns its outcome.
        voltage : callable
            ``voltage()`` is that of the last solution.

        Returns
        -------
        outcome : newton.NewtonResult
            Of the last solution.
        current_A_m2 : float
            That belongs to it.
        held : bool
            Whether it holds the voltage.
        """
        outcome, current = attempt(current_A_m2), current_A_m2
        for _ in range(MOST_TRIALS):
            if not outcome.converged:
                return outcome, current, False
            excess = voltage() - self.voltage_V
            if abs(excess) < HELD_TO_V:
                return outcome, current, True
            change = np.copysign(FIRST_CHANGE * self.scale, excess)
            if self.resistance > 0:
                change = excess / self.resistance
            outcome = attempt(current + change)
            if outcome.converged and abs(excess) > 10 * HELD_TO_V:
                fall = excess - (voltage() - self.voltage_V)
                self.resistance = max(fall / change, 0.0) or self.resistance
            current += change
        return outcome, current, False
