"""Centered two-point coverage of every trinarization: Figure 9."""

import numpy as np
import xarray as xr

from analysis import paper
from analysis.descriptors import covariance
from analysis.figures import style
from analysis.phases import Phase, check_voxel_size
from analysis.study.finding import STAND_INS, Bound, check
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
    return descriptors.run(profile, describe, "covariance", peaks)


def describe(labels, voxel_size_um):
    """
    The six covariances of one labelled volume.

    Returns
    -------
    described : xarray.Dataset
    """
    check_voxel_size(voxel_size_um)
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


def peak_text(heights, method="thresholding", same=0.1):
    """
    Whether the peak of C_CBD,P is in the truth or made by the trinarization, in words.

    Parameters
    ----------
    heights : pandas.Series
        Largest value of the curve [-] by method, the truth among them.
    method : str
        Which trinarization.
    same : float
        Relative difference up to which the two count as equal.

    Returns
    -------
    text : str
    """
    true, ours = float(heights["truth"]), float(heights[method])
    numbers = f"The largest value is {true:.4f} in the truth and {ours:.4f} after "
    numbers += style.label(method)
    if true > 0 and abs(ours / true - 1) <= same:
        return f"{numbers}: the peak is in the electrode, not made by the method"
    if ours > true:
        return f"{numbers}, so at least a part of the peak is made by the trinarization"
    return f"{numbers}, so the trinarization rather hides the peak than makes it"


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
    methods, present = descriptors.methods_of(described)
    mean = described["covariance"].mean("cutout").sel({"method": present})
    with_peak = [method for method in PRINTED if method != "edx-closing"]

    def specimens_alike():
        apart = same(mean.sel(specimen="SL"), mean.sel(specimen="TL"))
        methods_apart = float((mean.max("method") - mean.min("method")).max())
        text = f"between SL and TL {apart:.4f}, between methods {methods_apart:.4f}"
        return text, Bound(apart, 0.25 * methods_apart)

    def falls_to_zero():
        curves = mean.sel(pair=list(EQUAL))
        rise = float(curves.diff("r_um").max())
        lowest = float((curves / curves.isel(r_um=0)).min())
        text = f"largest rise {rise:.4f}, lowest value {round(lowest, 2) + 0.0:.2f} of that at 0"
        return text, Bound(rise, 2e-3), Bound(lowest, -0.05, above=True)

    def rises_from_below():
        curves = mean.sel(pair=["AM-CBD", "AM-pore"])
        share = float((curves < 2e-3).mean())
        return f"at most 0.002 in {share:.0%} of the values", Bound(share, 0.95, above=True)

    def network_peak():
        table = peaks(described)
        table = table[table["method"].isin(with_peak)]
        text = descriptors.between(table.r_um, 1)
        text += f", height {table.height.min():.4f} to {table.height.max():.4f}"
        apart = float(np.abs(table.r_um - paper.COVARIANCE_PEAK_UM).max())
        return text, Bound(apart, 1.0), Bound(float(table.height.min()), 0.0, above=True)

    def edx_monotone():
        curves = mean.sel({"pair": "CBD-pore", "method": "edx-closing"})
        fall = float(-curves.diff("r_um").min())
        height = float(curves.max())
        text = f"largest fall {max(fall, 0.0):.4f}, largest value {height:.4f}"
        return text, Bound(max(fall, 0.0), 5e-4)

    def like_sizes():
        """Where the size distribution is coarser, the covariance reaches farther."""
        sized = [method for method in present if method in sizes.method.values]
        r_max = sizes["r_max"].mean("cutout").sel({"method": sized})
        scaled = mean.sel({"pair": list(EQUAL), "method": sized})
        reach = (scaled / scaled.isel(r_um=0)).mean("r_um")
        found = {}
        for pair, phase in zip(EQUAL, descriptors.PHASES, strict=True):
            order = ("specimen", "method")
            ranks = r_max.sel(phase=phase).transpose(*order).values.ravel().argsort().argsort()
            others = reach.sel(pair=pair).transpose(*order).values.ravel().argsort().argsort()
            found[phase] = float(np.corrcoef(ranks, others)[0, 1])
        text = ", ".join(f"{phase} {value:.2f}" for phase, value in found.items())
        return text, Bound(min(found.values()), 0.5, above=True)

    return [
        check(
            methods, ("thresholding", "kmeans"),
            "There are no differences between the two electrodes.",
            "largest difference of SL and TL below a quarter of that of the methods",
            specimens_alike, STAND_INS,
        ),
        check(
            methods, ("thresholding",),
            "For equal phases the curve falls to zero and is not negative.",
            "no rise above 0.002, nothing below -5 % of the value at 0", falls_to_zero, STAND_INS,
        ),
        check(
            methods, ("thresholding",),
            "For AM with another phase the curve approaches zero from below.",
            "nearly all values below 0.002", rises_from_below, STAND_INS,
        ),
        check(
            methods, with_peak,
            "C_CBD,P has a positive peak near 2 µm for all methods but EDX-Closing.",
            "largest value positive and within 1 µm of 2 µm", network_peak,
        ),
        check(
            methods, ("edx-closing",),
            "C_CBD,P of EDX-Closing rises steadily.",
            "no fall larger than 0.0005", edx_monotone,
        ),
        check(
            methods, ("thresholding", "kmeans"),
            "The curves of equal phases behave like the size distributions.",
            "rank correlation of r_max and the mean of the scaled curve above 0.5", like_sizes,
        ),
    ]  # fmt: skip
