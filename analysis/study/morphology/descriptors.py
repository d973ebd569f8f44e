"""What the chapters on morphology share: every labelled volume, described and gathered."""

import pandas as pd
import xarray as xr

from analysis import profiles, storage
from analysis.phases import Phase
from analysis.study.catalogue import methods_on_disk

NEURAL = ("nn-am-cond", "nn-cbd-cond", "nn-p-cond")  # the three that the paper's figures show
OTHERS = ("thresholding", "kmeans", "edx-closing")
PRINTED = (*NEURAL, *OTHERS)  # columns of Table 2
PHASES = [phase.title for phase in (Phase.AM, Phase.CBD, Phase.PORE)]  # the paper's order


def run(profile, describe, name, table):
    """
    Describe every labelled volume; write the curves and the table of that name.

    Parameters
    ----------
    profile : analysis.profiles.Profile
    describe : callable
        As for :func:`describe_all`.
    name : str
        Of both results.
    table : callable
        Makes the table of what was described.

    Returns
    -------
    described : xarray.Dataset
        As from :func:`describe_all`.
    """
    described = describe_all(profile, describe)
    storage.save_curves(name, described, profile=profile)
    storage.save_table(name, table(described), profile=profile)
    return described


def methods_of(described):
    """All methods that were described, and those among them that Table 2 prints, in its order."""
    methods = [str(method) for method in described.method.values]
    return methods, [method for method in PRINTED if method in methods]


def describe_all(profile, describe, methods=None):
    """
    Describe every labelled volume of SL and TL: all cutouts, all methods on disk, the truth.

    Parameters
    ----------
    profile : analysis.profiles.Profile
    describe : callable
        Takes labels (Z, Y, X) and the voxel size [µm], gives an xarray Dataset.
    methods : sequence of str, optional
        Whose labels; by default the paper's methods that are on disk, and the truth.

    Returns
    -------
    described : xarray.Dataset
        The Datasets with the further dimensions ``specimen, cutout, method``. Where they differ in
        length, as the depths of SL and TL do, the rest is NaN.

    Raises
    ------
    FileNotFoundError
        If no trinarization, or no truth, is on disk.
    """
    methods = methods_on_disk(profile) if methods is None else list(methods)
    by_specimen = []
    for specimen in profiles.ELECTRODES:
        by_cutout = []
        for cutout in profile.cutout_numbers:
            by_method = []
            for method in methods:
                volume = storage.load_volume(
                    f"labels/{specimen}-{cutout}-{method}", profile=profile
                )
                by_method.append(describe(volume.values, volume.attrs["voxel_size_um"]))
            by_cutout.append(xr.concat(by_method, pd.Index(methods, name="method")))
        cutouts = pd.Index(list(profile.cutout_numbers), name="cutout")
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
