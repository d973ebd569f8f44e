"""What the paper leaves open about the network: settings of the training, scales of gray values."""

from dataclasses import asdict

import numpy as np
import pandas as pd

from analysis import electrodes, paper, storage
from analysis.descriptors import size
from analysis.phases import VOXEL_SIZE_UM, Phase
from analysis.segmentation import agreement
from analysis.segmentation.networks import neural, samples, training
from analysis.study.trinarization import cached
from analysis.study.trinarization.network_data import gray_of, gray_scale, labeled_samples
from analysis.study.trinarization.neural import best_epoch, settings

ALIGNMENTS = ("modes", "moments", "none")
JUDGED = "nn-am-cond"  # conversion by which settings are compared
JUDGED_ON = "SL"


def choices(profile):
    """
    What the paper leaves open, one or two settings changed at a time.

    Judged by the validation block of the spatial block split, by the truth of a part of SL, and by
    the sizes that Table 2 prints for the same conversion.

    Returns
    -------
    table : pandas.DataFrame
        setting, best epoch, validation (R² averaged over the phases), Jaccard CBD [-], r_max_P and
        r_max_AM [µm] of :data:`JUDGED`; the last row holds the printed sizes.
    """
    variants = {
        "as in the study": {},
        "relu": {"activation": "relu"},
        "binning 1": {"binning": 1},
        "relu, binning 1": {"activation": "relu", "binning": 1},
        "he_normal": {"initializer": "he_normal"},
        "batch 32": {"batch_size": 32},
        "batch 512": {"batch_size": 512},
    }
    rows = []
    for name, changes in variants.items():
        if changes and name not in profile.nn_choices:
            continue
        changes = dict(changes)
        labeled = labeled_samples(profile, changes.pop("binning", profile.train_binning))
        split = samples.split_samples(labeled, "blocks")
        options = settings(profile, max_epochs=profile.nn_choice_epochs, **changes)

        def train(labeled=labeled, split=split, options=options):
            done = training.train(labeled, split, options)
            return done.model, done.history

        model, history = cached.model(
            f"mlp-choice-{name.replace(', ', '-').replace(' ', '-')}",
            profile,
            inputs=(labeled.patches, labeled.targets, asdict(options)),
            train=train,
            load=neural.load_model,
        )
        best = history.query(f"samples == 'validation' and epoch == {best_epoch(history)}")
        scores = best[best["quantity"].str.startswith("r2")]["value"]
        row = {"setting": name, "best epoch": best_epoch(history), "validation": scores.mean()}
        rows.append(row | _consequences(profile, model))
    printed = {
        quantity: paper.table_2_value(quantity, JUDGED_ON, JUDGED)
        for quantity in ("r_max_P", "r_max_AM")
    }
    return pd.DataFrame([*rows, {"setting": "Table 2"} | printed])


def _consequences(profile, model):
    """Jaccard index of the CBD and sizes in the middle of SL, for one conversion."""
    specimen = JUDGED_ON
    gray = gray_of(profile, specimen)
    middle = slice(gray.shape[0] // 2 - 48, gray.shape[0] // 2 + 48)
    composition = neural.predict_composition(
        model, gray[middle], scale=gray_scale(profile, specimen)
    )
    labels = neural.trinarize(composition, electrodes.electrode(specimen).targets(), JUDGED)
    truth = storage.load_volume(f"labels/{specimen}-1-truth", profile=profile).values[middle]
    radii = size.phase_size_distributions(labels, VOXEL_SIZE_UM)
    return {
        "Jaccard CBD": agreement.jaccard(labels, truth, Phase.CBD),
        "r_max_P": radii[Phase.PORE].median_radius_um,
        "r_max_AM": radii[Phase.AM].median_radius_um,
    }


def alignments(profile, model):
    """
    How the gray values of SL are brought onto the scale of D, judged by the known fractions.

    The truth is not needed for this choice: the mean of the predicted composition must come close
    to the target fractions, which are known from recipe and density. The R² shows that it is
    a good guide.

    Returns
    -------
    table : pandas.DataFrame
        alignment, gain, offset, miss (largest distance of mean and target), r2 (mean over phases).
    """
    specimen = JUDGED_ON
    gray = gray_of(profile, specimen)
    middle = slice(gray.shape[0] // 2 - 16, gray.shape[0] // 2 + 16)
    truth = storage.load_volume(f"composition/{specimen}-1-truth", profile=profile).values
    targets = electrodes.electrode(specimen).targets()
    rows = []
    for how in ALIGNMENTS:
        scale = gray_scale(profile, specimen, how=how)
        composition = neural.predict_composition(model, gray[middle], scale=scale)
        flat = composition.reshape(3, -1).T
        true = truth[:, middle].reshape(3, -1).T
        rows.append(
            {
                "alignment": how,
                "gain": scale.gain,
                "offset": scale.offset,
                "miss": max(abs(flat[:, p].mean() - targets[p]) for p in Phase),
                "r2": np.mean(list(training.r2_scores(true, flat).values())),
            }
        )
    return pd.DataFrame(rows)
