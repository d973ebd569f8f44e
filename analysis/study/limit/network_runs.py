"""The U-Net beside the posterior, on the specimens of the chapter."""

from functools import lru_cache

import numpy as np
import pandas as pd

from analysis import profiles, storage
from analysis.figures import style
from analysis.segmentation import agreement, draws, limit_network, posterior
from analysis.segmentation.boosting import voxel_features
from analysis.segmentation.residual_unet import network_file
from analysis.study.limit import limit, limit_runs, rivals

U_NET, U_NET_WITH_PROFILE = "U-Net", "U-Net with profile"
NETWORKS = (U_NET, U_NET_WITH_PROFILE)
SLICES = 96  # of a specimen on which the rivals are tried
TITLES = {
    "most probable": "most probable map of the trees",
    "draw": "draw from the trees",
    "informed draw": "draw that knows the scenario",
    "independent draw": "draw without correlation",
    "U-Net, most probable": "most probable map of the U-Net",
    "U-Net, draw": "draw from the U-Net",
}
DRAWS = 2  # from the U-Net's posterior; those from the trees have intervals


def posteriors(one, *, network=None):
    """
    Probabilities of the U-Net without and with the depth profile.

    Parameters
    ----------
    one : analysis.study.limit.limit.Known
    network : analysis.segmentation.residual_unet.network_file.LimitNetwork, optional

    Returns
    -------
    probabilities : dict of str to (Z, Y, X, 3) ndarray of float32
        Keyed ``U-Net`` and ``U-Net with profile``.
    """
    found = by_scenario(one, network=network)
    return {name: limit_network.mixture(each) for name, each in found.items()}


def by_scenario(one, *, network=None):
    """What :func:`posteriors` are the mixtures of: for each of them a dict keyed by scenario."""
    network = network_file.stored() if network is None else network
    image = voxel_features.measure(one.gray)
    return {
        name: limit_network.by_scenario(network, one.gray, image, profile)
        for name, profile in zip(NETWORKS, (None, one.cbd_profile), strict=True)
    }


@lru_cache(maxsize=2)  # both electrodes; the chapter comes back to them
def _reference(profile, name):
    return by_scenario(limit_runs.reference(profile, name)[0])


def reference(profile, name):
    """Probabilities of the U-Net on the specimen of :func:`limit_runs.reference`."""
    return {kind: limit_network.mixture(each) for kind, each in _reference(profile, name).items()}


def overlap(profile):
    """:func:`analysis.study.limit.limit_runs.overlap` with the U-Net among the methods."""

    def also(one):
        known, _ = limit_runs.reference(profile, one.place["specimen"])
        if one is known:
            return reference(profile, one.place["specimen"])
        return posteriors(one)

    return limit_runs.overlap(profile, also=also)


def rivals_table(profile):
    """
    One rival of each kind on slabs of the reference specimens, beside both posteriors.

    Writes the table ``limit-rivals``.

    Returns
    -------
    table : pandas.DataFrame
        From :func:`analysis.study.limit.rivals.table`, and a row for each posterior without
        profile, which knows no more than a rival does.
    """
    slabs, ours = [], {"posterior": {}, U_NET: {}}
    for name in profiles.ELECTRODES:
        one, found = limit_runs.reference(profile, name)
        depth = one.gray.shape[0]
        start = max(0, (depth - SLICES) // 2)
        part = slice(start, min(depth, start + SLICES))
        slab = limit.Known(
            one.place, one.gray[part], one.labels[part], one.cbd_profile[part], one.seed
        )
        slabs.append(slab)
        for method, said in (found | reference(profile, name)).items():
            if method in ours:
                labels = posterior.ranked(said[part], slab.targets)
                ours[method][f"kappa {name}"] = agreement.kappa(labels, slab.labels)
    table = rivals.table(slabs)
    rows = [
        {"method": method, "kind": "learned", "strength": None}
        | kappas
        | {"kappa": float(np.mean(list(kappas.values())))}
        for method, kappas in ours.items()
    ]
    table = pd.concat([table, pd.DataFrame(rows)], ignore_index=True)
    storage.save_table("limit-rivals", table, profile=profile)
    return table


def rivals_text(table):
    """What the best rival gains over thresholding, and what the posteriors do, in words."""
    rows = table.set_index("method")
    learned = rows[rows.kind == "learned"]
    tried = rows[(rows.kind != "learned") & (rows.index != "Thresholding")]
    best, first = tried.kappa.idxmax(), rows.kappa["Thresholding"]
    ahead = learned.kappa.min() > tried.kappa.max()
    verdict = "more than any of them" if ahead else "not more than all of them"
    return (
        f"The best of {len(tried)} rivals is the {best[0].lower()}{best[1:]} with a kappa of "
        f"{tried.kappa[best]:.2f}, where plain thresholding has {first:.2f}. What was learned "
        f"reaches {learned.kappa.min():.2f} and {learned.kappa.max():.2f} without depth profile, "
        f"{verdict}."
    )


def physics(profile, table):
    """
    What the cell feels of the U-Net's most probable map and of draws from it.

    Parameters
    ----------
    profile : analysis.profiles.Profile
    table : pandas.DataFrame
        From :func:`analysis.study.limit.limit_runs.physics`.

    Returns
    -------
    table : pandas.DataFrame
        With rows of the kinds ``U-Net, most probable`` and ``U-Net, draw`` more. Also written as
        ``limit-physics``.
    """
    rows = []
    for name in profiles.ELECTRODES:
        one, _ = limit_runs.reference(profile, name)
        said = reference(profile, name)[U_NET_WITH_PROFILE]
        found = [("U-Net, most probable", posterior.ranked(said, one.targets))]
        among = _reference(profile, name)[U_NET_WITH_PROFILE]
        for labels in draws.several(among, one.targets, count=DRAWS, seed=one.seed):
            found.append(("U-Net, draw", labels))
        for kind, labels in found:
            row = one.place | {"kind": kind, "kappa": agreement.kappa(labels, one.labels)}
            rows.append(row | limit.physics(labels))
    table = pd.concat([table, pd.DataFrame(rows)], ignore_index=True)
    storage.save_table("limit-physics", table, profile=profile)
    return table


def smooth_text(deviations):
    """Whether the map with the largest kappa is also the nearest in what the cell feels."""
    rows = deviations.set_index("kind")
    quantities = [name for name in rows.columns if name != "kappa"]
    mean = rows[quantities].mean(axis=1)
    best, nearest = rows.kappa.idxmax(), mean.idxmin()
    titles = {kind: TITLES.get(kind) or f"map of {style.label(kind)}" for kind in rows.index}
    if best == nearest:
        return (
            f"Here the {titles[best]} has both the largest kappa, {rows.kappa[best]:.2f}, and the "
            f"smallest mean deviation, {mean[best]:.0f} %."
        )
    return (
        f"The largest kappa, {rows.kappa[best]:.2f}, belongs to the {titles[best]}; its mean "
        f"deviation is {mean[best]:.0f} %. The smallest, {mean[nearest]:.0f} %, belongs to the "
        f"{titles[nearest]} with a kappa of {rows.kappa[nearest]:.2f}: agreement voxel by voxel "
        "and a right cell are two aims."
    )
