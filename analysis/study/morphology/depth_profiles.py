"""Volume fractions against the depth for every trinarization: Figure 10."""

import numpy as np
import pandas as pd
import xarray as xr

from analysis import paper
from analysis.descriptors import profile as profiles_of
from analysis.figures import style
from analysis.phases import Phase
from analysis.study.finding import BUILT_IN, STAND_INS, Bound, check
from analysis.study.morphology import descriptors
from analysis.study.morphology.descriptors import PHASES, PRINTED

WINDOW_UM = 6.0  # the particles are some ten micrometers large: single slices scatter
NEAR_UM = 8.0  # how far from the printed depth an extremum may lie
LAYER_GAP_UM = 10.0  # from the interface to what counts as one layer
EDGE_UM = 12.0  # the ends of the electrode are rough and stand apart


def run(profile):
    """
    Depth profiles of every labelled volume; writes the curves and the table ``profile``.

    Returns
    -------
    described : xarray.Dataset
        ``fraction`` [-] by ``specimen, cutout, method, phase`` against ``z_um``; NaN beyond the
        thickness of the thinner electrode.
    """
    return descriptors.run(profile, describe, "profile", interface_table)


def describe(labels, voxel_size_um):
    """
    Depth profile of the three phases of one labelled volume.

    Returns
    -------
    described : xarray.Dataset
    """
    fractions = profiles_of.volume_fractions(labels)
    rows = [fractions[phase] for phase in (Phase.AM, Phase.CBD, Phase.PORE)]
    depths = profiles_of.depths_um(labels.shape[0], voxel_size_um)
    return xr.Dataset(
        {"fraction": (("phase", "z_um"), rows)},
        coords={"phase": PHASES, "z_um": ("z_um", np.round(depths, 6), {"units": "µm"})},
    )


def smoothed(described, window_um=WINDOW_UM):
    """
    Mean of the cutouts, averaged over a sliding window of depths.

    Parameters
    ----------
    described : xarray.Dataset
        From :func:`run`.
    window_um : float
        Width of the window [µm].

    Returns
    -------
    fraction : xarray.DataArray
        Dimensions ``specimen, method, phase, z_um`` [-].
    """
    fraction = described["fraction"].mean("cutout")
    step_um = float(fraction["z_um"][1] - fraction["z_um"][0])
    n = max(1, round(window_um / step_um))
    return fraction.rolling(z_um=n, center=True, min_periods=max(1, n // 2)).mean()


def layers(described, specimen="TL"):
    """
    CBD fraction of the two layers, well away from the interface, by method.

    Parameters
    ----------
    described : xarray.Dataset
        From :func:`run`.
    specimen : str
        Electrode.

    Returns
    -------
    table : pandas.DataFrame
        Indexed by method: ``separator`` and ``collector``, CBD fraction [-] at least
        :data:`LAYER_GAP_UM` away from the printed interface on that side, mean of the cutouts, and
        ``contrast``, the second over the first [-].
    """
    cbd = described["fraction"].sel({"specimen": specimen, "phase": "CBD"}).mean("cutout")
    from_interface = cbd["z_um"] - paper.LAYER_INTERFACE_UM
    table = pd.DataFrame(
        {
            "separator": cbd.where(from_interface < -LAYER_GAP_UM).mean("z_um"),
            "collector": cbd.where(from_interface > LAYER_GAP_UM).mean("z_um"),
        },
        index=pd.Index([str(method) for method in cbd["method"].values], name="method"),
    )
    return table.assign(contrast=table.collector / table.separator)


def interface_table(described):
    """
    Dip of the AM and peak of the CBD of TL, sought away from the ends.

    Returns
    -------
    table : pandas.DataFrame
        Per method: depth of the lowest AM and of the highest CBD fraction [µm], and how far they
        lie from the mean of the electrode, in standard deviations of the profile elsewhere [-].
    """
    fraction = smoothed(described).sel(specimen="TL").dropna("z_um", how="all")
    z_um = fraction["z_um"]
    inner = fraction.sel(z_um=slice(EDGE_UM, float(z_um.max()) - EDGE_UM))
    rows = []
    for method in fraction["method"].values:
        row = {"method": str(method)}
        for phase, sign in (("AM", -1), ("CBD", 1)):
            curve = sign * inner.sel({"method": method, "phase": phase})
            depth_um = float(curve.idxmax("z_um"))
            elsewhere = curve.where(abs(curve["z_um"] - depth_um) > 2 * NEAR_UM)
            height = float((curve.max() - elsewhere.mean()) / elsewhere.std())
            word = "dip" if sign < 0 else "peak"
            row |= {f"{phase} {word} at": depth_um, f"{phase} {word} strength": height}
        rows.append(row)
    return pd.DataFrame(rows)


def findings(described):
    """
    Check what Section 5.1 says about Figure 10.

    Parameters
    ----------
    described : xarray.Dataset
        From :func:`run`.

    Returns
    -------
    findings : list of Finding
    """
    methods, present = descriptors.methods_of(described)
    table = interface_table(described).set_index("method")
    where = paper.LAYER_INTERFACE_UM
    with_peak = [method for method in present if method != "edx-closing"]
    fraction = smoothed(described)

    def am_drop():
        depths = table.loc[present, "AM dip at"]
        return descriptors.between(depths, 0), Bound(float(abs(depths - where).max()), NEAR_UM)

    def sl_without_drop():
        strength = _strength(fraction, "SL", "AM", present, where)
        other = _strength(fraction, "TL", "AM", present, where)
        text = f"SL {strength:.3f}, TL {other:.3f} below the neighborhood"
        return text, Bound(strength, other / 2)

    def cbd_peak():
        depths = table.loc[with_peak, "CBD peak at"]
        return descriptors.between(depths, 0), Bound(float(abs(depths - where).max()), NEAR_UM)

    def strongest_peak():
        heights = {
            method: -_strength(fraction, "TL", "CBD", [method], where) for method in with_peak
        }
        text = ", ".join(f"{style.label(name)} {height:.3f}" for name, height in heights.items())
        two = ("kmeans", "thresholding")
        rest = max(height for name, height in heights.items() if name not in two)
        return text, Bound(min(heights[name] for name in two), rest, above=True)

    def edx_linear():
        curves = fraction.sel({"specimen": "TL", "method": "edx-closing"}).dropna("z_um", how="all")
        rest = {phase: float(_residual(curves.sel(phase=phase))) for phase in ("CBD", "pore")}
        text = f"rms about the line: CBD {rest['CBD']:.4f}, pore {rest['pore']:.4f}"
        return text, Bound(rest["CBD"], 0.005), Bound(rest["pore"], 0.01, above=True)

    def pores_similar():
        pores = fraction.sel({"phase": "pore", "method": present}).dropna("z_um", how="any")
        apart = float(abs(pores.sel(specimen="SL") - pores.sel(specimen="TL")).mean())
        cutouts = described["fraction"].sel({"phase": "pore", "method": present})
        scatter = float((cutouts.max("cutout") - cutouts.min("cutout")).mean())
        text = f"mean |SL - TL| {apart:.3f}, mean range of cutouts {scatter:.3f}"
        return text, Bound(apart, 0.05)

    return [
        check(
            methods, ("thresholding", "kmeans"),
            "The AM fraction of TL drops at 80 µm, whatever the method.",
            f"lowest value within {NEAR_UM:.0f} µm of 80 µm", am_drop, BUILT_IN,
        ),
        check(
            methods, ("thresholding", "kmeans"),
            "SL has no such drop.",
            "depth of the drop at 80 µm less than half of that of TL", sl_without_drop, BUILT_IN,
        ),
        check(
            methods, ("thresholding", "kmeans"),
            "The CBD of TL peaks there for all methods but EDX-Closing.",
            f"highest value within {NEAR_UM:.0f} µm of 80 µm", cbd_peak, STAND_INS,
        ),
        check(
            methods, PRINTED,
            "The peak is strongest for k-means and Thresholding.",
            "the two largest peaks", strongest_peak, STAND_INS,
        ),
        check(
            methods, ("edx-closing",),
            "EDX-Closing has a linear CBD profile, but its porosity is not linear.",
            "rms about a straight line below 0.005 for CBD, above 0.01 for pores", edx_linear,
        ),
        check(
            methods, ("thresholding", "kmeans"),
            "The pore profiles of SL and TL are otherwise similar.",
            "mean difference below 0.05", pores_similar, STAND_INS,
        ),
    ]  # fmt: skip


def _strength(fraction, specimen, phase, methods, where_um):
    """By how much the profile lies below its neighborhood at a depth, mean of methods [-]."""
    curves = fraction.sel({"specimen": specimen, "phase": phase, "method": list(methods)})
    distance = abs(curves["z_um"] - where_um)
    at_depth = curves.where(distance < 2.0).mean("z_um")
    around = curves.where((distance > 10) & (distance < 30)).mean("z_um")
    return float((around - at_depth).mean())


def _residual(curve):
    """Root mean square deviation of a profile from its straight line."""
    z_um = curve["z_um"].values
    line = np.polynomial.Polynomial.fit(z_um, curve.values, 1)
    return np.sqrt(np.mean((curve.values - line(z_um)) ** 2))
