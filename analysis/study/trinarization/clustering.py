"""k-means of every cutout: five free weights as in the paper, and two beside them."""

import numpy as np
import pandas as pd

from analysis import electrodes, profiles, storage
from analysis.phases import Phase
from analysis.segmentation import agreement, clustering

METHOD = "kmeans"
WEIGHTS = ("w_P", "w_CBD", "w_AM", "x_1", "x_6", "x_12", "x_8")


def run(profile):
    """
    Trinarize every cutout of SL and TL by k-means and compare the two variants.

    Writes the labels ``{specimen}-{cutout}-kmeans`` (five weights), the table ``kmeans`` and the
    curves ``kmeans-centroids``.

    Returns
    -------
    table : pandas.DataFrame
        One row per specimen, cutout and variant: weights, evaluations, fractions and largest miss
        of the volume, agreement with the truth and with the other variant.
    """
    rows, centroids = [], {}
    for specimen in profiles.ELECTRODES:
        for cutout in profile.cutout_numbers:
            name = f"{specimen}-{cutout}"
            truth = storage.load_volume(f"labels/{name}-truth", profile=profile).values
            found = {free: trinarize(profile, specimen, cutout, free) for free in ("five", "two")}
            labels, fit = found["five"]
            storage.save_volume(
                f"labels/{name}-{METHOD}",
                labels,
                profile=profile,
                voxel_size_um=storage.load_volume(f"gray/{name}", profile=profile).attrs[
                    "voxel_size_um"
                ],
                specimen=specimen,
                cutout=cutout,
                method=METHOD,
                seed=fit.seed,
            )
            centroids[name] = fit.centroids
            both = agreement.equally_assigned(found["five"][0], found["two"][0])
            rows += [_row(specimen, cutout, *found[free], truth, both) for free in ("five", "two")]
    table = pd.DataFrame(rows)
    storage.save_table("kmeans", table, profile=profile)
    _save_centroids(centroids, profile)
    return table


def trinarize(profile, specimen, cutout, free="five", *, seed=None, **options):
    """
    Labels and fit of one cutout.

    Parameters
    ----------
    profile : analysis.profiles.Profile
    specimen : str
    cutout : int
    free : {"five", "two"}
        Free weights.
    seed : int, optional
        Of the sample; that of the profile by default.
    **options
        Passed to :func:`analysis.segmentation.clustering.fit`.

    Returns
    -------
    labels : (Z, Y, X) ndarray of uint8
    fit : analysis.segmentation.clustering.Fit

    Notes
    -----
    The fractions jump where k-means changes its fixed point. Five weights lead around a jump; two
    are determined by the two conditions, so where a target lies in a jump no sample meets it. The
    best two weights are taken then; on the whole cutout the fractions are met all the same.
    """
    gray = storage.load_volume(f"gray/{specimen}-{cutout}", profile=profile).values
    fit = clustering.fit(
        gray,
        electrodes.electrode(specimen).targets(),
        seed=profile.seed_for("kmeans", specimen, cutout) if seed is None else seed,
        free=free,
        n_sample=profile.kmeans_sample,
        **{"max_evaluations": 1200, "accept_best": free == "two"} | options,
    )
    return clustering.assign(gray, fit)


def seeds(profile, *, specimen="SL", cutout=1, count=5):
    """
    What another sample of voxels does to the result, with five weights and with two.

    Writes the table ``kmeans-seeds``.

    Returns
    -------
    table : pandas.DataFrame
        One row per variant and seed: shell weights, share of voxels that differ from the first
        seed's labels, accuracy and Jaccard index of the CBD [-].
    """
    truth = storage.load_volume(f"labels/{specimen}-{cutout}-truth", profile=profile).values
    rows = []
    for free in ("five", "two"):
        first = None
        for seed in range(1, count + 1):
            labels, fit = trinarize(profile, specimen, cutout, free, seed=seed)
            first = labels if first is None else first
            rows.append(
                {"free weights": free, "seed": seed}
                | dict(zip(WEIGHTS[4:], fit.shell_weights[1:], strict=True))
                | {
                    "changed": float(np.mean(labels != first)),
                    "accuracy": agreement.equally_assigned(labels, truth),
                    "Jaccard CBD": agreement.jaccard(labels, truth, Phase.CBD),
                }
            )
    table = pd.DataFrame(rows)
    storage.save_table("kmeans-seeds", table, profile=profile)
    return table


def plane(profile, specimen, cutout, *, points=3000):
    """
    A sample of voxels in the plane of two features, for the sketch of the clusters.

    Parameters
    ----------
    profile : analysis.profiles.Profile
    specimen : str
    cutout : int
    points : int
        Voxels to show.

    Returns
    -------
    table : pandas.DataFrame
        Columns own (gray value of the voxel), around (mean of its 26 neighbors) and phase
        (assigned).
    means : pandas.DataFrame
        The same two columns for the three centroids, index phase.
    """
    name = f"{specimen}-{cutout}"
    gray = storage.load_volume(f"gray/{name}", profile=profile).values
    labels = storage.load_volume(f"labels/{name}-{METHOD}", profile=profile).values
    centroids = storage.load_curves("kmeans-centroids", profile=profile)["centroid"].sel(
        cutout=name
    )
    rng = np.random.default_rng(profile.seed_for("kmeans plane"))
    at = [rng.integers(1, n - 1, points) for n in gray.shape]
    around = sum(
        gray[at[0] + i, at[1] + j, at[2] + k]
        for i in (-1, 0, 1)
        for j in (-1, 0, 1)
        for k in (-1, 0, 1)
    )
    own = gray[tuple(at)]
    table = pd.DataFrame(
        {"own": own, "around": (around - own) / 26, "phase": labels[tuple(at)].astype(int)}
    )
    means = pd.DataFrame(
        {"own": centroids[:, 0], "around": centroids[:, 1:].mean("feature")},
        index=[phase.title for phase in Phase],
    )
    return table, means


def _row(specimen, cutout, labels, fit, truth, both):
    scores = {phase.title: agreement.jaccard(labels, truth, phase) for phase in reversed(Phase)}
    weights = dict(zip(WEIGHTS, (*fit.phase_weights, *fit.shell_weights), strict=True))
    at_bound = np.isclose(fit.shell_weights, fit.lower) | np.isclose(fit.shell_weights, fit.upper)
    return (
        {"specimen": specimen, "cutout": cutout, "free weights": fit.free}
        | weights
        | {
            "at a bound": int(at_bound.sum()),
            "evaluations": fit.evaluations,
            "passes": fit.passes,
            "sample": fit.n_sample,
            "seed": fit.seed,
            "sample miss": float(np.sqrt(fit.cost)),
            "largest miss": fit.miss,
            "drift": fit.drift,
            "accuracy": agreement.equally_assigned(labels, truth),
        }
        | {f"Jaccard {phase}": value for phase, value in scores.items()}
        | {"equal in both": both}
    )


def _save_centroids(centroids, profile):
    import xarray as xr

    data = xr.DataArray(
        np.stack(list(centroids.values())),
        dims=("cutout", "phase", "feature"),
        coords={
            "cutout": list(centroids),
            "phase": [phase.title for phase in Phase],
            "feature": np.arange(1, 28),
        },
    )
    storage.save_curves("kmeans-centroids", data.to_dataset(name="centroid"), profile=profile)
