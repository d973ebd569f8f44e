"""Results at the paper's size, from the record that comes with the book, beside those of this run.

The record is made in pieces, so it may hold all, some or none of the planned cases; what is shown
says how many.
"""

import pandas as pd

from analysis import storage
from analysis.storage import published

SIZE = "paper"  # the profile whose record is shown


def text(profile=SIZE):
    """
    How much of the planned cases the record holds, in words.

    Parameters
    ----------
    profile : Profile or str
        Whose record.

    Returns
    -------
    sentence : str
    """
    manifest = published.manifest(profile)
    held = sum("case" in entry for entry in manifest["files"].values())
    planned = sum(manifest["planned"].values())
    if not held:
        return (
            "No case at the paper's size has been run and recorded yet, so all numbers of this "
            "book are those of its own, smaller cutouts"
        )
    if held < planned:
        return f"The record holds {held} of the {planned} planned cases; the others are to come"
    return f"The record is complete: {planned} cases"


def gammas(profile=SIZE):
    """
    Fitted gammas of a record.

    Returns
    -------
    table : pandas.DataFrame
        Columns specimen, method, ``voxels`` and ``homogenized`` (gamma, mean of the cutouts, by
        resolved runs and by the homogenized model [-]), ``spread`` of the first over the cutouts
        (NaN for a single one), ``cutouts`` that were fitted, and ``at_bound``, the number of
        resolved fits among them without a gamma, for the misfit is least at a bound of the search:
        mean and spread are without them. Empty if the record holds no fit.
    """
    import xarray as xr

    rows = []
    for name, entry in published.manifest(profile)["files"].items():
        case = entry.get("case")
        if not case or case["kind"] != "fit" or published.trouble(profile, name, entry):
            continue
        with xr.open_dataset(published.folder(profile) / name, engine="h5netcdf") as data:
            gamma = float(data.fitted_gamma)
        model = "voxels" if case["fidelity"] == "resolved" else "homogenized"
        place = {key: case[key] for key in ("specimen", "method", "cutout")}
        rows.append(place | {"model": model, "gamma": gamma})
    columns = ["specimen", "method", "voxels", "spread", "homogenized", "cutouts", "at_bound"]
    if not rows:
        return pd.DataFrame(columns=columns)
    found = pd.DataFrame(rows)
    table = []
    for (specimen, method), part in found.groupby(["specimen", "method"], sort=False):
        by_model = {name: one.gamma for name, one in part.groupby("model")}
        voxels, simple = (by_model.get(name) for name in ("voxels", "homogenized"))
        at_bound = 0 if voxels is None else int(voxels.isna().sum())
        voxels = None if voxels is None else voxels.dropna()
        several = voxels is not None and len(voxels) > 1
        table.append(
            {
                "specimen": specimen,
                "method": method,
                "voxels": float("nan") if voxels is None else float(voxels.mean()),
                "spread": float(voxels.max() - voxels.min()) if several else float("nan"),
                "homogenized": float("nan") if simple is None else float(simple.mean()),
                "cutouts": part.cutout.nunique(),
                "at_bound": at_bound,
            }
        )
    return pd.DataFrame(table, columns=columns)


def beside(own, profile=SIZE):
    """
    Gammas of the record first, those of this run beside them.

    Parameters
    ----------
    own : analysis.profiles.Profile
        Profile of this run, whose table ``gamma`` is read if it is there.
    profile : Profile or str
        Whose record comes first.

    Returns
    -------
    table : pandas.DataFrame
        As :func:`gammas`, with a column ``this run (<its profile>)``: gamma of the homogenized
        model, mean of its cutouts [-].
    """
    table = gammas(profile)
    name = f"this run ({own.name})"
    if not storage.exists("tables", "gamma", profile=own):
        return table.assign(**{name: float("nan")})
    fitted = storage.load_table("gamma", profile=own)
    mine = fitted.groupby(["specimen", "method"]).gamma.mean() if "gamma" in fitted else {}
    keys = zip(table.specimen, table.method, strict=True)
    return table.assign(**{name: [mine.get(key, float("nan")) for key in keys]})
