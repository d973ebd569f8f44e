"""What Section 5.1 says about surfaces, Table 2, and Figures 6 and 7, checked by code."""

from dataclasses import dataclass

import xarray as xr

from analysis.phases import VOXEL_SIZE_UM
from analysis.study.finding import check_all, finding
from analysis.study.morphology.descriptors import NEURAL, OTHERS, PHASES, PRINTED, same

BASELINE = ("thresholding", "kmeans")  # without these two a comparison of methods says nothing


@dataclass(frozen=True)
class Means:
    """
    What the checks look at.

    Attributes
    ----------
    present : tuple of str
        Methods of Table 2 in this build.
    mean : xarray.Dataset
        Means of the cutouts, by specimen.
    both : xarray.Dataset
        Means of SL and TL.
    """

    present: tuple[str, ...]
    mean: xr.Dataset
    both: xr.Dataset

    def r_max(self, phase, method):
        """Median radius of a phase [µm]."""
        return float(self.both["r_max"].sel({"phase": phase, "method": method}))

    def curve(self, name, phase, method):
        """Covered share against the radius [-]."""
        return self.both[name].sel({"phase": phase, "method": method})


def findings(described):
    """
    Check what Section 5.1 says about surfaces, Table 2, and Figures 6 and 7.

    Parameters
    ----------
    described : xarray.Dataset
        From :func:`analysis.study.morphology.sizes.run`.

    Returns
    -------
    findings : list of analysis.study.finding.Finding
    """
    methods = [str(method) for method in described.method.values]
    mean = described.mean("cutout")
    present = tuple(method for method in PRINTED if method in methods)
    return check_all(CHECKS, methods, Means(present, mean, mean.mean("specimen")))


@finding(
    "The surface area of each phase does not depend on the trinarization.",
    test="true surfaces of all methods within 5 %",
    needs=BASELINE,
)
def surface_spread(found):
    """Largest over smallest surface among the methods."""
    values = found.both["surface"].sel({"method": list(found.present)})
    spread = (values.max("method") / values.min("method") - 1).values
    text = ", ".join(f"{p} {s:.0%}" for p, s in zip(PHASES, spread, strict=True))
    return f"largest over smallest, less one: {text}", spread.max() < 0.05


@finding(
    "EDX-Closing leads to significantly larger pores.",
    test="largest r_max of the pores",
    needs=OTHERS,
)
def edx_pores(found):
    """Pores of EDX-Closing beside the next largest."""
    pores = {method: found.r_max("pore", method) for method in found.present}
    edx = pores.pop("edx-closing")
    return f"{edx:.2f} µm, the next {max(pores.values()):.2f} µm", edx > max(pores.values())


@finding(
    "k-means and Thresholding have nearly identical size distributions of all phases.",
    test="largest distance of the curves below 0.1",
    needs=BASELINE,
)
def nearly_identical(found):
    """Distance of the size distributions of the two methods, phase by phase."""
    pair = {
        phase: same(
            found.curve("size", phase, "kmeans"), found.curve("size", phase, "thresholding")
        )
        for phase in PHASES
    }
    text = ", ".join(f"{phase} {value:.3f}" for phase, value in pair.items())
    return text, max(pair.values()) < 0.1


@finding(
    "The network's trinarizations differ from each other in CBD and pores.",
    test="largest distance of two curves above 0.1",
    needs=NEURAL,
)
def neural_differ(found):
    """Largest distance of two of the network's size distributions."""
    apart = {
        phase: max(
            same(found.curve("size", phase, a), found.curve("size", phase, b))
            for a in NEURAL
            for b in NEURAL
        )
        for phase in ("CBD", "pore")
    }
    text = ", ".join(f"{phase} {value:.2f}" for phase, value in apart.items())
    return text, min(apart.values()) > 0.1


@finding(
    "Conditioning the network on a phase gives larger clusters of that phase.",
    test="r_max of CBD largest for NN-CBD-Cond, of pores for NN-P-Cond",
    needs=NEURAL,
)
def conditioning_coarsens(found):
    """Radii of CBD and pores of the network's three trinarizations."""
    cbd = {method: found.r_max("CBD", method) for method in NEURAL}
    pore = {method: found.r_max("pore", method) for method in NEURAL}
    holds = max(cbd, key=cbd.get) == "nn-cbd-cond" and max(pore, key=pore.get) == "nn-p-cond"
    text = "CBD " + " / ".join(f"{value:.2f}" for value in cbd.values())
    text += ", pore " + " / ".join(f"{value:.2f}" for value in pore.values())
    return text + " µm for NN-AM-, NN-CBD-, NN-P-Cond", holds


@finding(
    "The network's pore curves are shifted to smaller radii.",
    test="every r_max of the pores below those of the other methods",
    needs=PRINTED,
)
def neural_left(found):
    """Pores of the network beside those of the other methods."""
    neural = max(found.r_max("pore", method) for method in NEURAL)
    others = min(found.r_max("pore", method) for method in OTHERS)
    text = f"largest of the network {neural:.2f} µm, smallest of the others {others:.2f} µm"
    return text, neural < others


@finding(
    "Intrusion curves of CBD and pores are prone to discretization errors.",
    test="their r_min below one and a half voxels, that of AM above",
    needs=BASELINE,
)
def few_voxels(found):
    """Radii of the bottlenecks in voxels."""
    values = found.both["r_min"].sel({"method": list(found.present)}) / VOXEL_SIZE_UM
    low, high = values.min("method"), values.max("method")
    ends = zip(PHASES, low.values, high.values, strict=True)
    text = ", ".join(f"{phase} {a:.1f} to {b:.1f}" for phase, a, b in ends)
    narrow = float(high.sel(phase=["CBD", "pore"]).max())
    return f"r_min in voxels: {text}", narrow < 1.5 < float(low.sel(phase="AM"))


@finding(
    "The AM differs only slightly between methods, so r_min is similar.",
    test="range of r_min over its mean below 25 %",
    needs=BASELINE,
)
def am_bottlenecks(found):
    """Range of the AM's bottlenecks over the methods."""
    values = found.both["r_min"].sel({"method": list(found.present), "phase": "AM"})
    spread = float((values.max() - values.min()) / values.mean())
    return f"{spread:.0%}", spread < 0.25


@finding(
    "Only EDX-Closing shows a clear difference of SL and TL, in the intrusion of pores.",
    test="largest distance of SL and TL among the methods",
    needs=OTHERS,
)
def edx_specimens(found):
    """Distance of the intrusion curves of SL and TL, method by method."""
    apart = {}
    for method in found.present:
        pores = found.mean["intrusion"].sel({"phase": "pore", "method": method})
        apart[method] = same(pores.sel(specimen="SL"), pores.sel(specimen="TL"))
    edx = apart.pop("edx-closing")
    largest = max(apart.values())
    return f"EDX-Closing {edx:.2f}, the next {largest:.2f}", edx > largest


@finding(
    "Methods differ clearly, SL and TL do not.",
    test="mean difference of r_max between SL and TL below a quarter of the methods' range",
    needs=BASELINE,
)
def methods_over_specimens(found):
    """Range over the methods beside the difference of SL and TL."""
    values = found.mean["r_max"].sel({"method": list(found.present)})
    across = float((values.max("method") - values.min("method")).mean())
    between = float(abs(values.sel(specimen="SL") - values.sel(specimen="TL")).mean())
    text = f"between methods {across:.2f} µm, between SL and TL {between:.2f} µm"
    return text, between < 0.25 * across


CHECKS = (
    surface_spread,
    edx_pores,
    nearly_identical,
    neural_differ,
    conditioning_coarsens,
    neural_left,
    few_voxels,
    am_bottlenecks,
    edx_specimens,
    methods_over_specimens,
)
