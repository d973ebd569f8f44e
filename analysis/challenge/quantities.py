"""What the score of the challenge is made of: every quantity, its unit, and what counts as wrong.

No quantity stands for the others. Each has an error that is 0 for the truth, and a floor, the error
of a map that knows the AM and deals CBD and pore at random.
"""

from dataclasses import dataclass

from analysis.study.limit.limit import GAMMAS

CURRENTS_MA_CM2 = (6.0, 12.0)
FLOOR, TRUTH = "floor", "truth"


@dataclass(frozen=True)
class Quantity:
    """
    One figure of the score.

    Attributes
    ----------
    key : str
        As in ``score.csv``.
    title : str
        As in figures, short.
    unit : str
        Of the value.
    kind : {"share", "relative", "difference"}
        How the error is formed: the share that is missing to 1; the deviation from the truth's
        value as a share of it; or the difference from it.
    group : str
        What it tells: overlap, morphology or cell.
    finest : float
        Smallest floor that errors are divided by in the figure of all scores [-]: less is luck.
    per_pair : bool
        Whether it needs SL and TL of one pair.
    """

    key: str
    title: str
    unit: str
    kind: str
    group: str
    finest: float = 0.02
    per_pair: bool = False

    def error(self, value, truth):
        """
        Signed error of a value, 0 for the truth; NaN where there is no value.

        Examples
        --------
        >>> BY_KEY["kappa"].error(0.4, 1.0), round(BY_KEY["k_eff 0.08"].error(0.03, 0.04), 12)
        (0.6, -0.25)
        """
        if self.kind == "share":
            return 1.0 - value
        if self.kind == "relative":
            return value / truth - 1 if truth else float("nan")
        return value - truth


QUANTITIES = (
    Quantity("kappa", "kappa", "-", "share", "overlap"),
    Quantity("Jaccard AM", "Jaccard AM", "-", "share", "overlap"),
    Quantity("Jaccard CBD", "Jaccard CBD", "-", "share", "overlap"),
    Quantity("Jaccard pore", "Jaccard pore", "-", "share", "overlap"),
    Quantity("AM-CBD", "area AM–CBD", "1/µm", "relative", "morphology"),
    Quantity("AM-pore", "area AM–pore", "1/µm", "relative", "morphology"),
    Quantity("CBD-pore", "area CBD–pore", "1/µm", "relative", "morphology"),
    Quantity("r_max CBD", "median radius of the CBD", "µm", "relative", "morphology"),
    Quantity("r_max pore", "median radius of the pores", "µm", "relative", "morphology"),
    Quantity("through pore", "pores that lead through", "-", "difference", "morphology", 0.1),
    Quantity("through CBD", "CBD that leads through", "-", "difference", "morphology", 0.1),
    Quantity("depth profile", "CBD over depth (rms)", "-", "difference", "morphology", 0.002),
    *(
        Quantity(f"k_eff {gamma:g}", f"conductance, gamma {gamma:g}", "-", "relative", "cell")
        for gamma in GAMMAS
    ),
    Quantity("gamma", "fitted gamma", "-", "relative", "cell"),
    Quantity("gamma TL/SL", "gamma of TL over SL", "-", "relative", "cell", per_pair=True),
    *(
        Quantity(
            f"capacity {current:g}",
            f"capacity at {current:g} mA/cm²",
            "mAh/cm²",
            "relative",
            "cell",
        )
        for current in CURRENTS_MA_CM2
    ),
)
BY_KEY = {quantity.key: quantity for quantity in QUANTITIES}
GROUPS = ("overlap", "morphology", "cell")
