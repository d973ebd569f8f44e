"""What the paper says about surfaces, Table 2, and Figures 6 and 7, checked on our labels."""

from analysis.phases import VOXEL_SIZE_UM
from analysis.study.finding import BUILT_IN, STAND_INS, Bound, check
from analysis.study.morphology.descriptors import NEURAL, OTHERS, PHASES, PRINTED, methods_of, same

CLEAR = 0.5  # share of EDX-Closing's difference below which another method shows no clear one


def findings(described):
    """
    Check what Section 5.1 says about surfaces, Table 2, and Figures 6 and 7.

    Parameters
    ----------
    described : xarray.Dataset
        From :func:`analysis.study.morphology.sizes.run`.

    Returns
    -------
    findings : list of Finding
    """
    methods, present = methods_of(described)
    mean = described.mean("cutout")
    both = mean.mean("specimen")

    def r_max(phase, method):
        return float(both["r_max"].sel({"phase": phase, "method": method}))

    def curve(name, phase, method):
        return both[name].sel({"phase": phase, "method": method})

    def surface_spread():
        values = both["surface"].sel({"method": present})
        spread = (values.max("method") / values.min("method") - 1).values
        text = ", ".join(f"{p} {100 * s:.0f} %" for p, s in zip(PHASES, spread, strict=True))
        return f"largest over smallest, less one: {text}", Bound(float(spread.max()), 0.05)

    def edx_pores():
        pores = {method: r_max("pore", method) for method in present}
        edx = pores.pop("edx-closing")
        widest = max(pores.values())
        return f"{edx:.3f} µm, the next {widest:.3f} µm", Bound(edx, widest, above=True)

    def nearly_identical():
        pair = {
            p: same(curve("size", p, "kmeans"), curve("size", p, "thresholding")) for p in PHASES
        }
        text = ", ".join(f"{phase} {value:.3f}" for phase, value in pair.items())
        return text, Bound(max(pair.values()), 0.1)

    def neural_differ():
        apart = {
            phase: max(
                same(curve("size", phase, a), curve("size", phase, b))
                for a in NEURAL
                for b in NEURAL
            )
            for phase in ("CBD", "pore")
        }
        text = ", ".join(f"{phase} {value:.3f}" for phase, value in apart.items())
        return text, Bound(min(apart.values()), 0.1, above=True)

    def conditioning_coarsens():
        texts, bounds = [], []
        for phase, own in (("CBD", "nn-cbd-cond"), ("pore", "nn-p-cond")):
            radii = {method: r_max(phase, method) for method in NEURAL}
            texts.append(f"{phase} " + " / ".join(f"{value:.3f}" for value in radii.values()))
            others = max(value for method, value in radii.items() if method != own)
            bounds.append(Bound(radii[own], others, above=True))
        return ", ".join(texts) + " µm for NN-AM-, NN-CBD-, NN-P-Cond", *bounds

    def neural_left():
        neural = max(r_max("pore", method) for method in NEURAL)
        others = min(r_max("pore", method) for method in OTHERS)
        text = f"largest of the network {neural:.3f} µm, smallest of the others {others:.3f} µm"
        return text, Bound(neural, others)

    def few_voxels():
        values = both["r_min"].sel({"method": present}) / VOXEL_SIZE_UM
        low, high = values.min("method"), values.max("method")
        ends = zip(PHASES, low.values, high.values, strict=True)
        text = ", ".join(f"{phase} {a:.2f} to {b:.2f}" for phase, a, b in ends)
        narrow = float(high.sel(phase=["CBD", "pore"]).max())
        wide = float(low.sel(phase="AM"))
        return f"r_min in voxels: {text}", Bound(narrow, 1.5), Bound(wide, 1.5, above=True)

    def am_bottlenecks():
        values = both["r_min"].sel({"method": present, "phase": "AM"})
        spread = float((values.max() - values.min()) / values.mean())
        return f"{100 * spread:.1f} %", Bound(spread, 0.25)

    def only_edx():
        apart = {}
        for method in present:
            pores = mean["intrusion"].sel({"phase": "pore", "method": method})
            apart[method] = same(pores.sel(specimen="SL"), pores.sel(specimen="TL"))
        edx = apart.pop("edx-closing")
        most = max(apart.values())
        return f"EDX-Closing {edx:.3f}, the next {most:.3f}", Bound(most, CLEAR * edx)

    def methods_over_specimens():
        values = mean["r_max"].sel({"method": present})
        across = float((values.max("method") - values.min("method")).mean())
        between = float(abs(values.sel(specimen="SL") - values.sel(specimen="TL")).mean())
        text = f"between methods {across:.3f} µm, between SL and TL {between:.3f} µm"
        return text, Bound(between, 0.25 * across)

    return [
        check(
            methods, ("thresholding", "kmeans"),
            "The surface area of each phase does not depend on the trinarization.",
            "true surfaces of all methods within 5 %", surface_spread,
        ),
        check(
            methods, OTHERS, "EDX-Closing leads to significantly larger pores.",
            "largest r_max of the pores", edx_pores,
        ),
        check(
            methods, ("thresholding", "kmeans"),
            "k-means and Thresholding have nearly identical size distributions of all phases.",
            "largest distance of the curves below 0.1", nearly_identical,
        ),
        check(
            methods, NEURAL,
            "The network's trinarizations differ from each other in CBD and pores.",
            "largest distance of two curves above 0.1", neural_differ,
        ),
        check(
            methods, NEURAL,
            "Conditioning the network on a phase gives larger clusters of that phase.",
            "r_max of CBD largest for NN-CBD-Cond, of pores for NN-P-Cond", conditioning_coarsens,
        ),
        check(
            methods, PRINTED,
            "The network's pore curves are shifted to smaller radii.",
            "every r_max of the pores below those of the other methods", neural_left, BUILT_IN,
        ),
        check(
            methods, ("thresholding", "kmeans"),
            "Intrusion curves of CBD and pores are prone to discretization errors.",
            "their r_min below one and a half voxels, that of AM above", few_voxels, STAND_INS,
        ),
        check(
            methods, ("thresholding", "kmeans"),
            "The AM differs only slightly between methods, so r_min is similar.",
            "range of r_min over its mean below 25 %", am_bottlenecks,
        ),
        check(
            methods, ("thresholding", "kmeans", "edx-closing"),
            "Only EDX-Closing shows a clear difference of SL and TL, in the intrusion of pores.",
            "every other method's distance of SL and TL below half of that of EDX-Closing",
            only_edx, STAND_INS,
        ),
        check(
            methods, ("thresholding", "kmeans"),
            "Methods differ clearly, SL and TL do not.",
            "mean difference of r_max between SL and TL below a quarter of the methods' range",
            methods_over_specimens, STAND_INS,
        ),
    ]  # fmt: skip
