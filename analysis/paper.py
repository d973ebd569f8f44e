"""What the paper printed, as data, and how close ours comes.

Values of Prifling et al., *Energy Technology* 2022, doi:10.1002/ente.202200784. The tables lie
as tidy CSV in ``analysis/paper_values``; single numbers stand below, each with its section.
"""

from dataclasses import dataclass
from functools import lru_cache
from pathlib import Path

import numpy as np

DOI = "10.1002/ente.202200784"

MASS_LOADING_MG_CM2 = {"SL": 51.0, "TL": 53.0, "D": 49.1}  # Section 2.1
COMPOSITE_DENSITY_G_CM3 = 3.1  # Section 2.1, calendered SL and TL
PRINTED_FRACTIONS = {"AM": 0.5954, "CBD": 0.1154, "pore": 0.2892}  # Section 2.1
CURRENTS_MA_CM2 = (1.0, 3.0, 6.0, 8.0, 10.0, 12.0)  # Section 5.2
LAYER_INTERFACE_UM = 80.0  # Section 5.1 on Figure 10
COVARIANCE_PEAK_UM = 2.0  # Section 5.1 on Figure 9
CUTOUTS, CUTOUT_VOXELS = 3, 200  # lithiated per electrode; voxels along y and x: Section 5.2
VOXEL_SIZE_UM = 0.642  # Section 2.2
N_TRAINING_VOXELS = 2541  # Section 3.3
N_NETWORK_PARAMETERS = 32_478  # 125 inputs, five layers of 75, three outputs: Section 3.3


@dataclass(frozen=True)
class Verdict:
    """
    How our number stands to the paper's.

    Attributes
    ----------
    ours, paper : float
        The two values, in the same unit.
    tolerance : float
        Relative deviation up to which we say that the two agree.
    """

    ours: float
    paper: float
    tolerance: float

    @property
    def deviation(self):
        """Relative deviation of ours from the paper's; absolute where the paper has 0."""
        if self.paper == 0:
            return float(self.ours)
        return float((self.ours - self.paper) / abs(self.paper))

    @property
    def agrees(self):
        """Whether the deviation lies within the tolerance."""
        return bool(abs(self.deviation) <= self.tolerance)

    def __str__(self):
        if not np.isfinite(self.ours):
            return "no value"
        if self.agrees:
            return f"agrees (within {self.tolerance:.0%})"
        if self.paper == 0:
            return f"differs (by {self.ours:+.3g})"
        # "+1%" beside a tolerance of 1% would read like a contradiction
        digits = 1 if abs(round(self.deviation, 2)) <= self.tolerance else 0
        return f"differs ({self.deviation:+.{digits}%})"


def verdict(ours, paper, tolerance=0.1):
    """
    Hold our value against the paper's.

    Parameters
    ----------
    ours, paper : float
        The two values, in the same unit.
    tolerance : float
        Relative deviation [-] that counts as agreement.

    Examples
    --------
    >>> str(verdict(3.5, 3.63))
    'agrees (within 10%)'
    >>> str(verdict(2.0, 4.0))
    'differs (-50%)'
    """
    return Verdict(float(ours), float(paper), float(tolerance))


def holds(statement):
    """
    Word for a qualitative finding of the paper that was checked by code.

    Examples
    --------
    >>> holds(3 > 2)
    'holds here'
    """
    return "holds here" if statement else "does not hold here"


def table(number):
    """
    Table 1, 2 or 3 of the paper as a pandas DataFrame.

    Table 1 has one row per suspension [wt%]; Table 2 is tidy (specimen, method, quantity, value,
    unit) with quantities ``surface_*`` [1/µm], ``r_min_*`` and ``r_max_*`` [µm]; Table 3 holds the
    printed column 1/tau [-] and, derived, ``tau`` and ``gamma`` = 0.5/tau.

    Raises
    ------
    ValueError
        If the paper has no such table.
    """
    if number not in (1, 2, 3):
        raise ValueError(f"The paper has Tables 1, 2 and 3; there is no Table {number}.")
    return _read(number).copy()


@lru_cache
def _read(number):
    import pandas as pd

    frame = pd.read_csv(Path(__file__).with_name("paper_values") / f"table_{number}.csv")
    if number == 3:
        frame["tau"] = 1 / frame["inverse_tau"]
        frame["gamma"] = 0.5 * frame["inverse_tau"]
    return frame


def table_2_value(quantity, specimen, method):
    """
    One entry of Table 2, or NaN if the paper printed none for this method.

    Examples
    --------
    >>> table_2_value("r_max_AM", "TL", "thresholding")
    3.63
    """
    return _entries_of_table_2().get((quantity, specimen, method), float("nan"))


@lru_cache
def _entries_of_table_2():
    keyed = table(2).set_index(["quantity", "specimen", "method"])
    return {key: float(value) for key, value in keyed["value"].items()}
