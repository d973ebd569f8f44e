"""The correlative network: trained on sample D, applied to every cutout of SL and TL."""

from dataclasses import asdict, replace

import numpy as np
import pandas as pd

from analysis import electrodes, profiles, storage
from analysis.phases import VOXEL_SIZE_UM, Phase
from analysis.segmentation.networks import neural, samples, training
from analysis.study.trinarization import cached
from analysis.study.trinarization.network_data import (
    gray_of,
    gray_scale,
    labeled_samples,
    watched,
)

BINNINGS = (1, 2)
METHOD = "nn"
N_SCORED = 20_000  # voxels of each specimen on which a trained network is scored
HERE, ELSEWHERE, OTHERS = "same stack", "same specimen", ("SL", "TL")


def run(profile):
    """
    Train on the segmented FIB-SEM stack, score, predict and trinarize every cutout.

    Needs the tomograms and :func:`analysis.study.trinarization.fib_stack.run`. Writes
    ``composition/...-nn``, nine ``labels/...-nn-...`` per cutout, the models with their
    histories, and the tables ``network-scores`` and ``network-fractions``.

    Returns
    -------
    scores : pandas.DataFrame
        R² of each phase: protocol, binning, samples (which set), phase, r2.
    """
    rows = []
    for binning in BINNINGS:
        labeled = labeled_samples(profile, binning)
        for protocol in samples.PROTOCOLS:
            model, history = trained(profile, protocol, binning, labeled)
            rows += score(profile, model, protocol, binning, labeled)
    final, _ = study_network(profile)
    rows += score(profile, final, "all", study_binning(profile), None)
    scores = pd.DataFrame(rows)
    storage.save_table("network-scores", scores, profile=profile)
    storage.save_table("network-fractions", apply(profile, final), profile=profile)
    return scores


def settings(profile, **changes):
    """Training settings of a profile."""
    chosen = training.Settings(
        max_epochs=profile.nn_epochs,
        samples_per_epoch=profile.nn_samples_per_epoch,
        activation=profile.nn_activation,
        seed=profile.seed_for("mlp") % 100_000,
    )
    return replace(chosen, **changes)


def trained(profile, protocol, binning, labeled=None):
    """
    Network of one protocol and binning, trained now or read back.

    The training is watched on voxels it never sees: elsewhere in the same tomogram, and in another
    specimen.

    Parameters
    ----------
    profile : analysis.profiles.Profile
    protocol : {"paper", "blocks"}
    binning : int
    labeled : Samples, optional

    Returns
    -------
    model : keras.Model
    history : pandas.DataFrame
        epoch, samples, quantity, value.
    """
    labeled = labeled_samples(profile, binning) if labeled is None else labeled
    options = settings(profile)
    split = samples.split_samples(labeled, protocol, seed=options.seed)
    watch = {
        name: watched(profile, specimen, binning)
        for name, specimen in ((ELSEWHERE, "D"), (OTHERS[0], OTHERS[0]))
    }

    def train():
        done = training.train(labeled, split, options, watch=watch)
        return done.model, done.history

    return cached.model(
        f"mlp-{protocol}-bin{binning}",
        profile,
        inputs=(labeled.patches, labeled.targets, protocol, asdict(options)),
        train=train,
        load=neural.load_model,
    )


def history(profile, protocol, binning):
    """
    How a training of :func:`run` went.

    Returns
    -------
    history : pandas.DataFrame
        epoch, samples, quantity, value.
    """
    return cached.history(f"mlp-{protocol}-bin{binning}", profile)


def study_network(profile):
    """
    Network that the rest of the study uses: trained on all labelled voxels.

    How many epochs is what the spatial block split has found.

    Returns
    -------
    model : keras.Model
    history : pandas.DataFrame
    """
    binning = study_binning(profile)
    labeled = labeled_samples(profile, binning)
    _, history = trained(profile, "blocks", binning, labeled)
    options = settings(profile, max_epochs=best_epoch(history), keep="last")
    split = samples.split_none(len(labeled))

    def train():
        done = training.train(labeled, split, options)
        return done.model, done.history

    return cached.model(
        f"mlp-all-bin{binning}",
        profile,
        inputs=(labeled.patches, labeled.targets, "all", asdict(options)),
        train=train,
        load=neural.load_model,
    )


def study_binning(profile):
    """Binning of the network that the rest of the study uses."""
    return profile.train_binning


def best_epoch(history):
    """Epoch with the lowest validation error."""
    validation = history.query("samples == 'validation' and quantity == 'mse'")
    return int(validation.loc[validation["value"].idxmin(), "epoch"])


def score(profile, model, protocol, binning, labeled):
    """
    R² of a network on everything it has not learned from.

    Parameters
    ----------
    profile : analysis.profiles.Profile
    model : keras.Model
    protocol : {"paper", "blocks", "all"}
    binning : int
    labeled : Samples or None
        For the test split of the protocol; "all" has none.

    Returns
    -------
    rows : list of dict
        protocol, binning, samples, phase, r2.
    """
    sets = {}
    if labeled is not None:
        sets[HERE] = tested(profile, labeled, protocol)
    sets[ELSEWHERE] = watched(profile, "D", binning, n_voxels=N_SCORED)
    for specimen in OTHERS:
        sets[specimen] = watched(profile, specimen, binning, n_voxels=N_SCORED)
    return [
        {
            "protocol": protocol,
            "binning": binning,
            "samples": name,
            "phase": phase.title,
            "r2": value,
        }
        for name, (patches, targets) in sets.items()
        for phase, value in training.r2_scores(
            targets, neural.predict_patches(model, patches)
        ).items()
    ]


def parity(profile, protocol, binning, where=HERE):
    """
    True and predicted composition, for a parity plot.

    Parameters
    ----------
    profile : analysis.profiles.Profile
    protocol : {"paper", "blocks"}
    binning : int
    where : str
        :data:`HERE` for the test split of the protocol, or the name of a specimen.

    Returns
    -------
    true, predicted : (N, 3) ndarray
    """
    labeled = labeled_samples(profile, binning)
    model, _ = trained(profile, protocol, binning, labeled)
    if where == HERE:
        patches, true = tested(profile, labeled, protocol)
    else:
        # the voxels of the table of scores, so that figure and table say the same
        patches, true = watched(profile, where, binning, n_voxels=N_SCORED)
    return true, neural.predict_patches(model, patches)


def tested(profile, labeled, protocol):
    """Patches and targets of the test split of a protocol; of a large one every n-th copy."""
    split = samples.split_samples(labeled, protocol, seed=settings(profile).seed)
    test = split.test[:: max(1, len(split.test) // training.MAX_SCORED)]
    return training.augment(labeled.patches, test), labeled.targets[test // 48]


def curves(history, quantity="r2"):
    """
    Mean R² over the phases, or the loss, of every set against the epoch.

    Parameters
    ----------
    history : pandas.DataFrame
        From :func:`trained`.
    quantity : {"r2", "mse"}

    Returns
    -------
    table : pandas.DataFrame
        Column epoch and one column per set.
    """
    chosen = history[history["quantity"].str.startswith(quantity)]
    table = chosen.groupby(["epoch", "samples"])["value"].mean().unstack()
    table.columns.name = None
    return table.reset_index()


def apply(profile, model):
    """
    Predict the composition of every cutout of SL and TL and make the nine trinarizations of it.

    Returns
    -------
    table : pandas.DataFrame
        specimen, cutout, method, phase, target, achieved, and `predicted`, the mean of the
        predicted composition.
    """
    rows = []
    for specimen in profiles.ELECTRODES:
        targets = electrodes.electrode(specimen).targets()
        for cutout in profile.cutout_numbers:
            name = f"{specimen}-{cutout}"
            notes = {"specimen": specimen, "cutout": cutout}
            gray = gray_of(profile, specimen, cutout)
            scale = gray_scale(profile, specimen, cutout)
            composition = neural.predict_composition(model, gray, scale=scale, threads=2)
            _save(f"composition/{name}-{METHOD}", composition, profile, method=METHOD, **notes)
            means = composition.mean(axis=(1, 2, 3), dtype=np.float64)
            for method in neural.CONVERSIONS:
                labels = neural.trinarize(composition, targets, method)
                _save(f"labels/{name}-{method}", labels, profile, method=method, **notes)
                counts = np.bincount(labels.ravel(), minlength=len(Phase))
                rows += [
                    {
                        **notes,
                        "method": method,
                        "phase": phase.title,
                        "target": targets[phase],
                        "achieved": counts[phase] / labels.size,
                        "miss_voxels": abs(counts[phase] - targets[phase] * labels.size),
                        "predicted": means[phase],
                    }
                    for phase in reversed(Phase)
                ]
    return pd.DataFrame(rows)


def _save(name, array, profile, **notes):
    storage.save_volume(name, array, profile=profile, voxel_size_um=VOXEL_SIZE_UM, **notes)
