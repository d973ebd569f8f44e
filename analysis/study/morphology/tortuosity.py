"""Geodesic tortuosity of every trinarization: Figure 8."""

import numpy as np
import xarray as xr

from analysis import storage
from analysis.descriptors import paths
from analysis.phases import Phase
from analysis.study.finding import check_all, finding
from analysis.study.morphology import descriptors
from analysis.study.morphology.descriptors import NEURAL, OTHERS, PHASES, PRINTED

TAU = np.round(np.arange(1.0, 2.0001, 0.01), 2)  # abscissa of the figure

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
    described = descriptors.describe_all(profile, describe)
    storage.save_curves("descriptors-paths", described, profile=profile)
    table = descriptors.tidy(described, QUANTITIES)
    storage.save_table("descriptors-paths", table, profile=profile)
    return described


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
    methods = [str(method) for method in described.method.values]
    present = [method for method in PRINTED if method in methods]
    mean = means(described)["mean"].sel({"method": present})

    @finding(
        "Paths through the AM depend neither on the method nor on the electrode.",
        test="means of all methods and both electrodes within 0.02",
        needs=("thresholding", "kmeans"),
    )
    def am_alike():
        values = mean.sel(phase="AM")
        spread = float(values.max() - values.min())
        return f"{float(values.min()):.3f} to {float(values.max()):.3f}", spread < 0.02

    @finding(
        "Paths through CBD and pores are longer in the network's trinarizations.",
        test="least mean of the network above the largest of the others",
        needs=PRINTED,
    )
    def neural_longer():
        texts, holds = [], True
        for phase in ("CBD", "pore"):
            values = mean.sel(phase=phase).mean("specimen")
            neural = float(values.sel({"method": list(NEURAL)}).min())
            others = float(values.sel({"method": list(OTHERS)}).max())
            texts.append(f"{phase} {neural:.3f} against {others:.3f}")
            holds = holds and neural > others
        return ", ".join(texts), holds

    @finding(
        "The methods differ more than the electrodes.",
        test="mean range between methods above the mean difference of SL and TL",
        needs=("thresholding", "kmeans"),
    )
    def methods_over_specimens():
        values = mean.sel(phase=["CBD", "pore"])
        across = float((values.max("method") - values.min("method")).mean())
        between = float(abs(values.sel(specimen="SL") - values.sel(specimen="TL")).mean())
        return f"between methods {across:.3f}, between SL and TL {between:.3f}", between < across

    checks = (am_alike, neural_longer, methods_over_specimens)
    return check_all(checks, methods)
