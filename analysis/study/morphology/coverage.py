"""Centered two-point coverage of every trinarization: Figure 9."""

import numpy as np
import xarray as xr

from analysis import paper, storage
from analysis.descriptors import covariance
from analysis.phases import Phase
from analysis.study.finding import check_all, finding
from analysis.study.morphology import descriptors
from analysis.study.morphology.descriptors import PRINTED, same

R_MAX_UM = 20.0

PAIRS = {
    "AM-AM": (Phase.AM, Phase.AM),
    "CBD-CBD": (Phase.CBD, Phase.CBD),
    "pore-pore": (Phase.PORE, Phase.PORE),
    "AM-CBD": (Phase.AM, Phase.CBD),
    "AM-pore": (Phase.AM, Phase.PORE),
    "CBD-pore": (Phase.CBD, Phase.PORE),
}
EQUAL = tuple(PAIRS)[:3]
UNEQUAL = tuple(PAIRS)[3:]


def run(profile):
    """
    Covariances of every labelled volume; writes the curves and the table ``covariance``.

    Returns
    -------
    described : xarray.Dataset
        ``covariance`` [-] by ``specimen, cutout, method, pair`` against ``r_um``; where the cutout
        is narrower than the paper's lag of 20 µm, up to a third of its edge.
    """
    described = descriptors.describe_all(profile, describe)
    storage.save_curves("covariance", described, profile=profile)
    storage.save_table("covariance", peaks(described), profile=profile)
    return described


def describe(labels, voxel_size_um):
    """
    The six covariances of one labelled volume.

    Returns
    -------
    described : xarray.Dataset
    """
    r_max_um = min(R_MAX_UM, min(labels.shape) * voxel_size_um / 3)
    found = covariance.two_point_coverage(labels, voxel_size_um, r_max_um)
    curves = [found.of(*phases) for phases in PAIRS.values()]
    return xr.Dataset(
        {"covariance": (("pair", "r_um"), curves)},
        coords={"pair": list(PAIRS), "r_um": ("r_um", found.r_um, {"units": "µm"})},
    )


def peaks(described):
    """
    Where C_CBD,P has its largest value, and how large it is.

    Parameters
    ----------
    described : xarray.Dataset
        From :func:`run`.

    Returns
    -------
    table : pandas.DataFrame
        Columns specimen, method, r_um [µm] and height [-] of the peak of the mean of the cutouts,
        and `at_end`: the curve still rises where it ends, so it has no peak.
    """
    mean = described["covariance"].sel(pair="CBD-pore").mean("cutout")
    place = mean.argmax("r_um")
    table = (
        xr.Dataset(
            {
                "r_um": mean["r_um"].isel(r_um=place).drop_vars("r_um", errors="ignore"),
                "height": mean.max("r_um"),
                "at_end": place == mean.sizes["r_um"] - 1,
            }
        )
        .to_dataframe()
        .reset_index()
    )
    return table[["specimen", "method", "r_um", "height", "at_end"]]


def findings(described, sizes):
    """
    Check what Section 5.1 says about Figure 9.

    Parameters
    ----------
    described : xarray.Dataset
        From :func:`run`.
    sizes : xarray.Dataset
        Curves ``descriptors-size`` of the chapter on surface and size.

    Returns
    -------
    findings : list of Finding
    """
    methods = [str(method) for method in described.method.values]
    present = [method for method in PRINTED if method in methods]
    mean = described["covariance"].mean("cutout").sel({"method": present})
    with_peak = [method for method in PRINTED if method != "edx-closing"]

    @finding(
        "There are no differences between the two electrodes.",
        test="largest difference of SL and TL below a quarter of that of the methods",
        needs=("thresholding", "kmeans"),
    )
    def specimens_alike():
        apart = same(mean.sel(specimen="SL"), mean.sel(specimen="TL"))
        methods_apart = float((mean.max("method") - mean.min("method")).max())
        text = f"between SL and TL {apart:.3f}, between methods {methods_apart:.3f}"
        return text, apart < 0.25 * methods_apart

    @finding(
        "For equal phases the curve falls to zero and is not negative.",
        test="no rise above 0.002, nothing below -5 % of the value at 0",
        needs=("thresholding",),
    )
    def falls_to_zero():
        curves = mean.sel(pair=list(EQUAL))
        rise = float(curves.diff("r_um").max())
        lowest = float((curves / curves.isel(r_um=0)).min())
        return f"largest rise {rise:.4f}, lowest value {round(lowest, 2) + 0.0:.2f} of that at 0", (
            rise < 2e-3 and lowest > -0.05
        )

    @finding(
        "For AM with another phase the curve approaches zero from below.",
        test="nearly all values below 0.002",
        needs=("thresholding",),
    )
    def rises_from_below():
        curves = mean.sel(pair=["AM-CBD", "AM-pore"])
        share = float((curves < 2e-3).mean())
        return f"at most 0.002 in {share:.0%} of the values", share > 0.95

    @finding(
        "C_CBD,P has a positive peak near 2 µm for all methods but EDX-Closing.",
        test="largest value positive and within 1 µm of 2 µm",
        needs=with_peak,
    )
    def network_peak():
        table = peaks(described)
        table = table[table["method"].isin(with_peak)]
        texts = descriptors.between(table.r_um, 1)
        texts += f", height {table.height.min():.4f} to {table.height.max():.4f}"
        near = np.abs(table.r_um - paper.COVARIANCE_PEAK_UM) < 1.0
        return texts, bool(near.all() and (table.height > 0).all())

    @finding(
        "C_CBD,P of EDX-Closing rises steadily.",
        test="no fall larger than 0.0005",
        needs=("edx-closing",),
    )
    def edx_monotone():
        curves = mean.sel({"pair": "CBD-pore", "method": "edx-closing"})
        fall = float(-curves.diff("r_um").min())
        height = float(curves.max())
        return f"largest fall {max(fall, 0.0):.4f}, largest value {height:.4f}", fall < 5e-4

    @finding(
        "The curves of equal phases behave like the size distributions.",
        test="rank correlation of r_max and the mean of the scaled curve above 0.5",
        needs=("thresholding", "kmeans"),
    )
    def like_sizes():
        """Where the size distribution is coarser, the covariance reaches farther."""
        sized = [method for method in present if method in sizes.method.values]
        r_max = sizes["r_max"].mean("cutout").sel({"method": sized})
        scaled = mean.sel({"pair": list(EQUAL), "method": sized})
        reach = (scaled / scaled.isel(r_um=0)).mean("r_um")
        texts, holds = [], True
        for pair, phase in zip(EQUAL, descriptors.PHASES, strict=True):
            order = ("specimen", "method")
            ranks = r_max.sel(phase=phase).transpose(*order).values.ravel().argsort().argsort()
            others = reach.sel(pair=pair).transpose(*order).values.ravel().argsort().argsort()
            correlation = float(np.corrcoef(ranks, others)[0, 1])
            texts.append(f"{phase} {correlation:.2f}")
            holds = holds and correlation > 0.5
        return ", ".join(texts), holds

    checks = (
        specimens_alike,
        falls_to_zero,
        rises_from_below,
        network_peak,
        edx_monotone,
        like_sizes,
    )
    return check_all(checks, methods)
