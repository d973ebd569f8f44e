"""When does the ranking of the methods change? Contrast, noise and another truth.

Everything is imaged anew from the known composition and trinarized by the methods that need no
training, and by the network as it was trained on the reference setting, if this build has one.
"""

from functools import lru_cache

import numpy as np
import pandas as pd

from analysis import electrodes, profiles, storage
from analysis.figures import style
from analysis.instruments import transfer
from analysis.phases import VOXEL_SIZE_UM, Phase
from analysis.segmentation import agreement, methods
from analysis.study import catalogue
from analysis.study.imaging import edx, specimens
from analysis.study.trinarization import standing

REFERENCE = ("SL", 1)
NETWORK_METHODS = ("nn-am-cond",)


def sweep(profile):
    """
    Vary propagation distance and noise around the reference setting.

    Writes the table ``contrast``.

    Returns
    -------
    table : pandas.DataFrame
        One row per setting and method: varied, value, contrast (gray step from pore to CBD over
        the scatter of the two) and the scores [-] of
        :func:`analysis.study.trinarization.standing.score`.
    """
    specimen, cutout = REFERENCE
    name = f"{specimen}-{cutout}-truth"
    composition = storage.load_volume(f"composition/{name}", profile=profile).values
    truth = storage.load_volume(f"labels/{name}", profile=profile).values
    # Both sweeps hold the reference setting; it is imaged once.
    lists = {"distance_mm": profile.sweep_distances_mm, "noise": profile.sweep_noises}
    seed = profile.seed_for("tomogram", specimen, cutout)
    known, rows = {}, []
    for varied, values in lists.items():
        for value in values:
            imaging = transfer.imaging(specimens.IMAGING[specimen], **{varied: value})
            if imaging not in known:
                gray = transfer.image(composition, VOXEL_SIZE_UM, scenario=imaging, seed=seed)
                known[imaging] = _scores(profile, specimen, cutout, gray, truth, NETWORK_METHODS)
            rows += [{"varied": varied, "value": value} | row for row in known[imaging]]
    table = pd.DataFrame(rows)
    storage.save_table("contrast", table, profile=profile)
    return table


def scenarios(profile):
    """
    Score all methods against the truth in every truth scenario of the profile.

    The reference scenario is read from disk; the others are drawn, imaged and trinarized here.
    Writes the table ``scenarios``.

    Returns
    -------
    table : pandas.DataFrame
        Columns scenario, specimen, cutout, method and the scores of
        :func:`analysis.study.trinarization.standing.score` [-].

    Raises
    ------
    FileNotFoundError
        If no trinarization, or no truth, is on disk.
    """
    catalogue.methods_on_disk(profile)
    rows = []
    for scenario in profile.scenarios:
        for specimen in profiles.ELECTRODES:
            for cutout in profile.cutout_numbers:
                if scenario == profile.scenarios[0]:
                    found = _on_disk(profile, specimen, cutout)
                else:
                    drawn = specimens.truth(profile, specimen, cutout, scenario=scenario)
                    gray = specimens.tomogram(profile, drawn, cutout)
                    found = _scores(profile, specimen, cutout, gray, drawn.labels)
                place = {"scenario": scenario, "specimen": specimen, "cutout": cutout}
                rows += [place | row for row in found]
    table = pd.DataFrame(rows)
    storage.save_table("scenarios", table, profile=profile)
    return table


def ranking(table, by):
    """
    Methods by mean Jaccard index of the CBD, best first, for each value of a column.

    Parameters
    ----------
    table : pandas.DataFrame
        From :func:`sweep` or :func:`scenarios`.
    by : str or list of str
        Column that parts the settings.

    Returns
    -------
    ranking : dict
        List of methods keyed by setting.
    """
    means = table.groupby(by)["Jaccard CBD"]
    return {
        setting: list(
            table.loc[values.index].groupby("method")["Jaccard CBD"].mean()
            .sort_values(ascending=False).index
        )
        for setting, values in means
    }  # fmt: skip


def noise_text(table):
    """
    What noise does to the order of the methods, in words.

    Parameters
    ----------
    table : pandas.DataFrame
        From :func:`sweep`.

    Returns
    -------
    text : str
    """
    noise = table[table.varied == "noise"]
    order = ranking(noise, "value")
    low, high = min(order), max(order)
    first, last = order[low][0], order[high][0]
    if first == last:
        head = f"{style.label(first)} has the best CBD at the lowest noise, {low:.2f}, and at the "
        head += f"highest, {high:.2f}"
    else:
        head = f"With a noise of {low:.2f} {style.label(first)} has the best CBD, with {high:.2f} "
        head += f"{style.label(last)}"
    same = all(methods == order[low] for methods in order.values())
    rest = "the order of all methods stays" if same else "the order of the methods changes with it"
    return f"{head}; {rest}."


def _on_disk(profile, specimen, cutout):
    name = f"labels/{specimen}-{cutout}"
    truth = storage.load_volume(f"{name}-truth", profile=profile).values
    return [
        _row(method, storage.load_volume(f"{name}-{method}", profile=profile).values, truth)
        for method in methods.CATALOG
        if storage.exists("volumes", f"{name}-{method}", profile=profile)
    ]


def _scores(profile, specimen, cutout, gray, truth, network=None):
    inputs = methods.Inputs(
        targets=electrodes.electrode(specimen).targets(),
        gray=gray,
        seed=profile.seed_for("kmeans", specimen, cutout),
        composition=predicted_composition(profile, gray),
        cbd_profile=edx.cbd_targets(profile, specimen),
        n_sample=profile.kmeans_sample,
        kmeans_start="extremes",
        keep_going=True,
    )
    names = methods.available(inputs)
    if network is not None:
        names = [name for name in names if not name.startswith("nn-") or name in network]
    pore, cbd = (gray[truth == phase] for phase in (Phase.PORE, Phase.CBD))
    scatter = np.sqrt((pore.var(dtype=float) + cbd.var(dtype=float)) / 2)
    contrast = float((cbd.mean(dtype=float) - pore.mean(dtype=float)) / scatter)
    return [
        {"contrast": contrast} | _row(name, methods.trinarize(name, inputs), truth)
        for name in names
    ]


def predicted_composition(profile, gray):
    """
    Composition by the network that this build has trained on the reference setting.

    Parameters
    ----------
    profile : analysis.profiles.Profile
    gray : (Z, Y, X) ndarray
        Gray values of any tomogram of the study's kind; they are brought to the scale of the
        tomogram that the network learned from.

    Returns
    -------
    composition : (3, Z, Y, X) ndarray or None
        Share [-] of each phase; None if this build has trained no network.
    """
    name = f"mlp-all-bin{profile.train_binning}.keras"
    source = storage.path("models", name, profile=profile)
    if not source.exists():
        return None
    from analysis.segmentation.networks import neural

    storage.record_read(source)
    reference = storage.load_volume("gray/D-1", profile=profile).values
    scale = neural.align_gray(gray, reference)
    model = _network(source, source.stat().st_mtime_ns)
    return neural.predict_composition(model, gray, scale=scale)


@lru_cache(maxsize=1)
def _network(source, written_ns):
    # Reading a model takes longer than predicting a small volume with it; the time of writing is
    # part of the key, so that a model that has been trained anew is read anew.
    from analysis.segmentation.networks import neural

    return neural.load_model(source)


def _row(method, labels, truth):
    return {"method": method} | standing.score(agreement.confusion(truth, labels))
