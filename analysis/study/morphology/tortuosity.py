"""Geodesic tortuosity of every trinarization: Figure 8."""

import numpy as np
import xarray as xr

from analysis.descriptors import paths
from analysis.phases import Phase
from analysis.study.finding import STAND_INS, Bound, check
from analysis.study.morphology import descriptors
from analysis.study.morphology.descriptors import NEURAL, OTHERS, PHASES, PRINTED

TAU = np.round(np.arange(1.0, 2.0001, 0.01), 2)  # abscissa of the figure

SCATTER = 10.0  # percentage points between cutouts from which on a share is no property

QUANTITIES = {
    "mean": "-",
    "mean_collector": "-",
    "unreached": "-",
    "unreached_collector": "-",
}


def run(profile):
    """
    Shortest paths through every labelled volume; writes curves and table ``descriptors-paths``.

    Returns
    -------
    described : xarray.Dataset
        By ``specimen, cutout, method, phase``: mean geodesic tortuosity and unreached share of the
        start voxels from either side [-], and the distribution ``share`` against ``tau``.
    """

    def table(described):
        return descriptors.tidy(described, QUANTITIES)

    return descriptors.run(profile, describe, "descriptors-paths", table)


def describe(labels, voxel_size_um):
    """
    Geodesic tortuosity of the three phases of one labelled volume.

    Returns
    -------
    described : xarray.Dataset
        ``share`` is the share of all start voxels at the separator whose shortest path is at most
        ``tau`` times the thickness; it ends at the reached share.
    """
    phases = (Phase.AM, Phase.CBD, Phase.PORE)
    forward = [paths.geodesic_tortuosity(labels, p, voxel_size_um) for p in phases]
    backward = [paths.geodesic_tortuosity(labels, p, voxel_size_um, "collector") for p in phases]
    # A path of length tau exactly must count as at most tau: allow for rounding.
    shares = [np.searchsorted(f.values, TAU + 1e-9, side="right") / f.n_start for f in forward]
    return xr.Dataset(
        {
            "mean": ("phase", [f.mean for f in forward]),
            "mean_collector": ("phase", [b.mean for b in backward]),
            "unreached": ("phase", [f.unreached_fraction for f in forward]),
            "unreached_collector": ("phase", [b.unreached_fraction for b in backward]),
            "share": (("phase", "tau"), shares),
        },
        coords={"phase": PHASES, "tau": TAU},
    )


def means(described):
    """
    Means of the cutouts; a cutout without any path through a phase counts for `unreached` only.

    Parameters
    ----------
    described : xarray.Dataset
        From :func:`run`.

    Returns
    -------
    means : xarray.Dataset
        The scalars by ``specimen, method, phase``; NaN where no cutout has a path.
    """
    scalars = described[list(QUANTITIES)]
    return scalars.where(np.isfinite(scalars)).mean("cutout")


def table(described):
    """
    Mean geodesic tortuosity of each phase and share of start voxels without a path.

    Returns
    -------
    table : pandas.DataFrame
        A row per specimen and method; columns "mean AM", ..., "no path AM", ... [-].
    """
    mean = means(described)[["mean", "unreached"]].to_dataframe()
    wide = mean.unstack("phase")[[(q, p) for q in ("mean", "unreached") for p in PHASES]]
    wide.columns = [f"{'no path' if q == 'unreached' else 'mean'} {p}" for q, p in wide.columns]
    return wide.reset_index()


def means_text(described, method="truth"):
    """
    Mean geodesic tortuosity of each phase, mean of SL and TL, in words.

    Parameters
    ----------
    described : xarray.Dataset
        From :func:`run`.
    method : str
        Whose paths. A phase without a path through any cutout has no mean, and that is said.
    """
    mean = means(described)["mean"].sel({"method": method}).mean("specimen")
    values = {phase: float(mean.sel(phase=phase)) for phase in PHASES}
    found = [f"{value:.3f} in the {phase}" for phase, value in values.items() if value == value]
    cut = [f"the {phase}" for phase, value in values.items() if value != value]
    text = f"the mean is {' and '.join(found)}" if found else ""
    none = f"no path leads through {' or '.join(cut)} in any cutout" if cut else ""
    return "; ".join(part for part in (text, none) if part)


def without_a_path(described, method="truth", phase="pore"):
    """
    Share of the start voxels without a way through, cutout by cutout, in words.

    Parameters
    ----------
    described : xarray.Dataset
        From :func:`run`.
    method, phase : str
        Whose paths.

    Returns
    -------
    text : str
        It gives each cutout its number, for near the percolation threshold a mean over cutouts
        describes none of them, and says whether they scatter too much to be a property.
    """
    lost = described["unreached"].sel({"method": method, "phase": phase})
    parts, ranges = [], []
    for specimen in described.specimen.values:
        values = 100 * lost.sel(specimen=specimen).values.ravel()
        ranges.append(values.max() - values.min())
        listed = " and ".join(f"{value:.0f}" for value in values)
        parts.append(f"{listed} % in {specimen}")
    head = f"Of the {phase} voxels at the separator, these shares have no way through, cutout by "
    head += f"cutout: {', '.join(parts)}"
    if described.sizes["cutout"] < 2:
        return f"{head}. With one cutout each, it cannot be told whether that is a property"
    if max(ranges) > SCATTER:
        return (
            f"{head}. Cutouts of one electrode differ by up to {max(ranges):.0f} percentage "
            "points, so at this size the share is a matter of the cutout, not a property of the "
            "electrode: a few necks decide"
        )
    return f"{head}. Cutouts of one electrode agree to {max(ranges):.0f} percentage points"


def findings(described):
    """
    Check what Section 5.1 says about Figure 8.

    Parameters
    ----------
    described : xarray.Dataset
        From :func:`run`.

    Returns
    -------
    findings : list of Finding
    """
    methods, present = descriptors.methods_of(described)
    mean = means(described)["mean"].sel({"method": present})

    def am_alike():
        values = mean.sel(phase="AM")
        low, high = float(values.min()), float(values.max())
        return f"{low:.4f} to {high:.4f}", Bound(high - low, 0.02)

    def neural_longer():
        texts, bounds = [], []
        for phase in ("CBD", "pore"):
            values = mean.sel(phase=phase).mean("specimen")
            neural = float(values.sel({"method": list(NEURAL)}).min())
            others = float(values.sel({"method": list(OTHERS)}).max())
            texts.append(f"{phase} {neural:.3f} against {others:.3f}")
            bounds.append(Bound(neural, others, above=True))
        return ", ".join(texts), *bounds

    def methods_over_specimens():
        values = mean.sel(phase=["CBD", "pore"])
        across = float((values.max("method") - values.min("method")).mean())
        between = float(abs(values.sel(specimen="SL") - values.sel(specimen="TL")).mean())
        text = f"between methods {across:.3f}, between SL and TL {between:.3f}"
        return text, Bound(between, across)

    return [
        check(
            methods, ("thresholding", "kmeans"),
            "Paths through the AM depend neither on the method nor on the electrode.",
            "means of all methods and both electrodes within 0.02", am_alike, STAND_INS,
        ),
        check(
            methods, PRINTED,
            "Paths through CBD and pores are longer in the network's trinarizations.",
            "least mean of the network above the largest of the others", neural_longer,
        ),
        check(
            methods, ("thresholding", "kmeans"),
            "The methods differ more than the electrodes.",
            "mean range between methods above the mean difference of SL and TL",
            methods_over_specimens, STAND_INS,
        ),
    ]  # fmt: skip
