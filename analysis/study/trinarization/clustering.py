"""k-means of every cutout: five weights nearest to one, two beside them, and the paper's search."""

import time

import numpy as np
import pandas as pd

from analysis import electrodes, profiles, storage
from analysis.phases import Phase
from analysis.segmentation import agreement, cluster_sample, clustering
from analysis.segmentation.cluster_weights import Bobyqa

METHOD = "kmeans"
NOISE = 1e-6  # of the gray range: what another machine or library does to a gray value
PAPER = Bobyqa(max_evaluations=1200)
VARIANTS = {  # options of the fit
    "five": {"free": "five"},
    "two": {"free": "two"},
    "five, BOBYQA": {"free": "five", "search": PAPER, "accept_best": True},
}
WEIGHTS = ("w_P", "w_CBD", "w_AM", "x_1", "x_6", "x_12", "x_8")


def run(profile):
    """
    Trinarize every cutout of SL and TL by k-means and compare the variants.

    Writes the labels ``{specimen}-{cutout}-kmeans`` (five weights nearest to one), the table
    ``kmeans`` and the curves ``kmeans-centroids``.

    Returns
    -------
    table : pandas.DataFrame
        One row per specimen, cutout and variant: weights, evaluations, fractions and largest miss
        of the volume, agreement with the truth and with the first variant.
    """
    rows, centroids = [], {}
    for specimen in profiles.ELECTRODES:
        for cutout in profile.cutout_numbers:
            name = f"{specimen}-{cutout}"
            truth = storage.load_volume(f"labels/{name}-truth", profile=profile).values
            found = {name: trinarize(profile, specimen, cutout, name) for name in VARIANTS}
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
            rows += [
                _row(specimen, cutout, variant, *found[variant], truth, labels)
                for variant in VARIANTS
            ]
    table = pd.DataFrame(rows)
    storage.save_table("kmeans", table, profile=profile)
    _save_centroids(centroids, profile)
    return table


def trinarize(profile, specimen, cutout, variant="five", *, seed=None, noise_seed=None, **options):
    """
    Labels and fit of one cutout.

    Parameters
    ----------
    profile : analysis.profiles.Profile
    specimen : str
    cutout : int
    variant : {"five", "two", "five, BOBYQA"}
        Which weights are free, and how they are sought.
    seed : int, optional
        Of the sample; that of the profile by default.
    noise_seed : int, optional
        Adds noise of :data:`NOISE` to the gray values.
    **options
        Passed to :func:`analysis.segmentation.clustering.fit`.

    Returns
    -------
    labels : (Z, Y, X) ndarray of uint8
    fit : analysis.segmentation.clustering.FittedClusters
    """
    gray = storage.load_volume(f"gray/{specimen}-{cutout}", profile=profile).values
    if noise_seed is not None:
        noise = np.random.default_rng(noise_seed).standard_normal(gray.shape, dtype=np.float32)
        gray = gray + np.float32(NOISE * np.ptp(gray)) * noise
    fit = clustering.fit(
        gray,
        electrodes.electrode(specimen).targets(),
        seed=profile.seed_for("kmeans", specimen, cutout) if seed is None else seed,
        n_sample=profile.kmeans_sample,
        **{"start": "extremes"} | VARIANTS[variant] | options,
    )
    return clustering.assign(gray, fit)


def beside_scikit_learn(profile, *, specimen="SL", cutout=1):
    """
    k-means with all weights one by our kernels and by scikit-learn, from the same start.

    Parameters
    ----------
    profile : analysis.profiles.Profile
    specimen : str
    cutout : int

    Returns
    -------
    table : pandas.DataFrame
        One row per phase: target fraction, fraction by ours and by scikit-learn [-], and the
        largest difference of the centroids over the range of the gray values [-].
    seconds : tuple of float
        CPU seconds of ours and of scikit-learn.
    """
    from sklearn.cluster import KMeans

    gray = storage.load_volume(f"gray/{specimen}-{cutout}", profile=profile).values
    padded, _ = cluster_sample.whole_numbers(gray)
    seed = profile.seed_for("kmeans", specimen, cutout)
    sample = cluster_sample.draw(padded, profile.kmeans_sample, seed=seed)
    cluster_sample.unit_clusters(sample, 1)  # compiles
    begin = time.process_time()
    means, shares, _ = cluster_sample.unit_clusters(sample)
    between = time.process_time()
    columns = cluster_sample.columns_of(sample).astype(float)
    theirs = KMeans(3, init=sample.centroids, n_init=1, tol=0, max_iter=500).fit(columns)
    seconds = between - begin, time.process_time() - between
    targets = electrodes.electrode(specimen).targets()
    apart = np.abs(means - theirs.cluster_centers_).max(axis=1) / np.ptp(columns)
    counts = np.bincount(theirs.labels_, minlength=3) / sample.size
    rows = [
        {
            "phase": phase.title,
            "target": targets[phase],
            "ours": shares[phase],
            "scikit-learn": counts[phase],
            "centroids": float(apart[phase]),
        }
        for phase in Phase
    ]
    return pd.DataFrame(rows), seconds


def peer_text(table):
    """Whether both agree, and how far unit weights miss the targets, in words."""
    apart = max(
        float(table.centroids.max()), float((table.ours - table["scikit-learn"]).abs().max())
    )
    miss = (table.ours - table.target).abs()
    worst = table.loc[miss.idxmax()]
    agree = (
        f"Both agree to {apart:.0e}, rounding" if apart < 1e-5 else f"They differ by {apart:.0e}"
    )
    return (
        f"{agree}. With unit weights the fraction of {worst.phase} is {100 * worst.ours:.1f} % "
        f"instead of {100 * worst.target:.1f} %"
    )


def spread(profile, *, specimen="SL", cutout=1, count=3):
    """
    What noise in the last bits, and another sample of voxels, do to the result of each variant.

    Writes the table ``kmeans-spread``.

    Parameters
    ----------
    profile : analysis.profiles.Profile
    specimen : str
    cutout : int
    count : int
        Draws of the noise, and samples.

    Returns
    -------
    table : pandas.DataFrame
        One row per variant and draw: what was drawn (``as is``, ``noise`` or ``sample``), shell
        weights, share of voxels that differ from the labels as they are, accuracy and Jaccard
        index of the CBD [-].
    """
    truth = storage.load_volume(f"labels/{specimen}-{cutout}-truth", profile=profile).values
    rows = []
    for variant in VARIANTS:
        first = trinarize(profile, specimen, cutout, variant)
        draws = [("as is", 0, None)]
        draws += [("noise", n, {"noise_seed": n}) for n in range(1, count + 1)]
        draws += [("sample", n, {"seed": n}) for n in range(1, count + 1)]
        for drawn, number, options in draws:
            as_is = options is None
            labels, fit = (
                first if as_is else trinarize(profile, specimen, cutout, variant, **options)
            )
            rows.append(
                {"weights": variant, "drawn": drawn, "number": number}
                | dict(zip(WEIGHTS[4:], fit.shell_weights[1:], strict=True))
                | {
                    "changed": float(np.mean(labels != first[0])),
                    "accuracy": agreement.equally_assigned(labels, truth),
                    "Jaccard CBD": agreement.jaccard(labels, truth, Phase.CBD),
                }
            )
    table = pd.DataFrame(rows)
    storage.save_table("kmeans-spread", table, profile=profile)
    return table


def spread_summary(table):
    """
    Largest change of labels and span of the Jaccard index, by variant and what was drawn.

    Parameters
    ----------
    table : pandas.DataFrame
        From :func:`spread`.

    Returns
    -------
    summary : pandas.DataFrame
        weights, drawn, changed (largest share of voxels), lowest and highest Jaccard index of the
        CBD with the labels as they are among them, and their span [-].
    """
    rows = []
    for variant, part in table.groupby("weights", sort=False):
        here = part[part["drawn"] == "as is"]["Jaccard CBD"].iloc[0]
        for drawn in ("noise", "sample"):
            chosen = part[part["drawn"] == drawn]
            low = min(here, chosen["Jaccard CBD"].min())
            high = max(here, chosen["Jaccard CBD"].max())
            rows.append(
                {"weights": variant, "drawn": drawn, "changed": chosen["changed"].max()}
                | {"lowest": low, "highest": high, "span": high - low}
            )
    return pd.DataFrame(rows)


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


def _row(specimen, cutout, variant, labels, fit, truth, first):
    scores = {phase.title: agreement.jaccard(labels, truth, phase) for phase in reversed(Phase)}
    weights = dict(zip(WEIGHTS, (*fit.phase_weights, *fit.shell_weights), strict=True))
    at_bound = np.isclose(fit.shell_weights[:, None], PAPER.bounds).any(axis=1)
    return (
        {"specimen": specimen, "cutout": cutout, "weights": variant}
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
        | {"equal to the first": agreement.equally_assigned(labels, first)}
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
