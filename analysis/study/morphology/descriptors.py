"""What the chapters on morphology share: the labels on disk, and findings checked by code."""

from dataclasses import dataclass

import pandas as pd
import xarray as xr

from analysis import paper, profiles, storage
from analysis.figures import style
from analysis.phases import Phase

TRUTH = "truth"
NEURAL = ("nn-am-cond", "nn-cbd-cond", "nn-p-cond")  # the three that the paper's figures show
OTHERS = ("thresholding", "kmeans", "edx-closing")
PRINTED = (*NEURAL, *OTHERS)  # columns of Table 2
PHASES = [phase.title for phase in (Phase.AM, Phase.CBD, Phase.PORE)]  # the paper's order


def methods_on_disk(profile):
    """Methods whose labels are on disk for every cutout, in the paper's order, the truth last."""
    settings = profiles.get(profile)
    names = [f"{s}-{c}" for s in profiles.ELECTRODES for c in settings.cutout_numbers]
    return [
        method
        for method in style.METHODS
        if all(storage.exists("volumes", f"labels/{n}-{method}", profile=profile) for n in names)
    ]


def describe_all(profile, describe):
    """
    Describe every labelled volume of SL and TL: all cutouts, all methods on disk, the truth.

    Parameters
    ----------
    profile : str
        Name of the profile.
    describe : callable
        Takes labels (Z, Y, X) and the voxel size [µm], gives an xarray Dataset.

    Returns
    -------
    described : xarray.Dataset
        The Datasets with the further dimensions ``specimen, cutout, method``. Where they differ in
        length, as the depths of SL and TL do, the rest is NaN.
    """
    settings = profiles.get(profile)
    methods = methods_on_disk(profile)
    by_specimen = []
    for specimen in profiles.ELECTRODES:
        by_cutout = []
        for cutout in settings.cutout_numbers:
            by_method = []
            for method in methods:
                volume = storage.load_volume(
                    f"labels/{specimen}-{cutout}-{method}", profile=profile
                )
                by_method.append(describe(volume.values, volume.attrs["voxel_size_um"]))
            by_cutout.append(xr.concat(by_method, pd.Index(methods, name="method")))
        cutouts = pd.Index(list(settings.cutout_numbers), name="cutout")
        by_specimen.append(xr.concat(by_cutout, cutouts))
    specimens = pd.Index(list(profiles.ELECTRODES), name="specimen")
    return xr.concat(by_specimen, specimens, join="outer")


def tidy(described, quantities):
    """
    Scalars as a tidy table: specimen, cutout, method, phase, quantity, value, unit.

    Parameters
    ----------
    described : xarray.Dataset
        From :func:`describe_all`.
    quantities : dict of str to str
        Variables to take, with dimensions ``specimen, cutout, method, phase``, and their units.
    """
    tables = []
    for quantity, unit in quantities.items():
        order = ("specimen", "cutout", "method", "phase")
        rows = described[quantity].transpose(*order).to_series().rename("value").reset_index()
        tables.append(rows.assign(quantity=quantity, unit=unit))
    columns = ["specimen", "cutout", "method", "phase", "quantity", "value", "unit"]
    return pd.concat(tables, ignore_index=True)[columns]


def mean_range(values):
    """Mean, lowest and highest over the cutouts, as DataArrays."""
    return values.mean("cutout"), values.min("cutout"), values.max("cutout")


def between(values, digits):
    """
    Lowest and highest place [µm] in words.

    Examples
    --------
    >>> between(pd.Series([79.6, 80.2]), 0), between(pd.Series([1.9, 2.6]), 1)
    ('at 80 µm', 'at 1.9 to 2.6 µm')
    """
    low, high = (f"{value:.{digits}f}" for value in (values.min(), values.max()))
    return f"at {low} µm" if low == high else f"at {low} to {high} µm"


def same(first, second):
    """Largest vertical distance between two curves on the same abscissa [-]."""
    return float(abs(first - second).max())


@dataclass(frozen=True)
class Finding:
    """
    A statement of Section 5.1, what was measured for it, and whether it holds.

    Attributes
    ----------
    statement : str
        As the paper has it.
    test : str
        What is measured here.
    measured : str
        The numbers.
    holds : bool or None
        None if the methods it speaks of are not in this build.
    """

    statement: str
    test: str
    measured: str
    holds: bool | None

    @property
    def verdict(self):
        """The verdict in words."""
        return "not in this build" if self.holds is None else paper.holds(self.holds)


def check(methods, needed, statement, test, measure):
    """
    Check a finding if all methods that it needs are there.

    Parameters
    ----------
    methods : sequence of str
        Methods on disk.
    needed : sequence of str
        Methods that the finding speaks of.
    statement, test : str
        See :class:`Finding`.
    measure : callable
        Returns what was measured, in words, and whether the finding holds.
    """
    absent = [style.label(name) for name in needed if name not in methods]
    if absent:
        return Finding(statement, test, f"without {', '.join(absent)}", None)
    measured, holds = measure()
    return Finding(statement, test, measured, bool(holds))


def findings_table(findings):
    """Findings as a table for the page."""
    return pd.DataFrame(
        [
            {
                "the paper says": finding.statement,
                "tested here": finding.test,
                "measured": finding.measured,
                "verdict": finding.verdict,
            }
            for finding in findings
        ]
    )
