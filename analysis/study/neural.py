"""The correlative network: trained on sample D, applied to every cutout of SL and TL."""

from dataclasses import asdict, replace
from functools import lru_cache

import numpy as np
import pandas as pd

from analysis import electrodes, paper, profiles, storage
from analysis.descriptors import size
from analysis.phases import VOXEL_SIZE_UM, Phase
from analysis.segmentation import agreement, neural, samples, training
from analysis.study import cached, correlative

BINNINGS = (1, 2)
METHOD = "nn"
N_WATCHED = 2000  # voxels of each set that is scored after every epoch
N_SCORED = 20_000  # voxels of each specimen on which a trained network is scored
ALIGNMENT = "moments"  # of the gray values of SL and TL onto those of D
ALIGNMENTS = ("modes", "moments", "none")
JUDGED = "nn-am-cond"  # conversion by which settings are compared
HERE, ELSEWHERE, OTHERS = "same stack", "same specimen", ("SL", "TL")


def run(profile):
    """
    Train on the segmented FIB-SEM stack, score, predict and trinarize every cutout.

    Needs the tomograms and :func:`analysis.study.fib_stack.run`. Writes ``composition/...-nn``,
    nine ``labels/...-nn-...`` per cutout, the models with their histories, and the tables
    ``network-scores`` and ``network-fractions``.

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


def labeled_samples(profile, binning=1, *, labels=None):
    """
    Tomogram voxels of D whose composition the segmented FIB-SEM stack gives.

    Parameters
    ----------
    profile : str
        Name of the profile.
    binning : int
        1, or the paper's 2.
    labels : (Z, Y, X) ndarray of uint8, optional
        A segmentation of the stack; that of the U-Net by default.

    Returns
    -------
    analysis.segmentation.samples.Samples
    """
    found = correlative.load(profile)
    if labels is None:
        name = f"labels/{correlative.NAME}-unet"
        labels = storage.load_volume(name, profile=profile).values
    composition, position = found.compositions(labels)
    return samples.collect_samples(gray_of(profile, "D"), composition, position, binning=binning)


def settings(profile, **changes):
    """Training settings of a profile."""
    sizes = profiles.get(profile)
    chosen = training.Settings(
        max_epochs=sizes.nn_epochs,
        samples_per_epoch=sizes.nn_samples_per_epoch,
        activation=sizes.nn_activation,
        seed=sizes.seed_for("mlp") % 100_000,
    )
    return replace(chosen, **changes)


def trained(profile, protocol, binning, labeled=None):
    """
    Network of one protocol and binning, trained now or read back.

    The training is watched on voxels it never sees: elsewhere in the same tomogram, and in another
    specimen.

    Parameters
    ----------
    profile : str
        Name of the profile.
    protocol : {"paper", "honest"}
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

    How many epochs is what the honest split has found.

    Returns
    -------
    model : keras.Model
    history : pandas.DataFrame
    """
    binning = study_binning(profile)
    labeled = labeled_samples(profile, binning)
    _, history = trained(profile, "honest", binning, labeled)
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
    return profiles.get(profile).train_binning


def best_epoch(history):
    """Epoch with the lowest validation error."""
    validation = history.query("samples == 'validation' and quantity == 'mse'")
    return int(validation.loc[validation["value"].idxmin(), "epoch"])


def gray_of(profile, specimen, cutout=1):
    """Gray values of a tomogram; not to be written to."""
    name = f"gray/{specimen}-{cutout}"
    file = storage.path("volumes", f"{name}.nc", profile=profile)
    written_ns = file.stat().st_mtime_ns if file.exists() else 0
    return _gray(name, profile, file, written_ns)


@lru_cache(maxsize=3)  # D and what is held against it, again and again
def _gray(name, profile, file, written_ns):
    return storage.load_volume(name, profile=profile).values


def gray_scale(profile, specimen, cutout=1, how=ALIGNMENT):
    """Map of a specimen's gray values onto those that the network has learned from."""
    if specimen == "D":
        return neural.GrayScale()
    return neural.align_gray(gray_of(profile, specimen, cutout), gray_of(profile, "D"), how)


def watched(profile, specimen, binning, *, n_voxels=N_WATCHED):
    """
    Voxels with their true composition, away from the stack.

    Parameters
    ----------
    profile : str
    specimen : {"D", "SL", "TL"}
        Of D, the FIB-SEM stack and a patch around it are left out.
    binning : int
    n_voxels : int
        Drawn at random.

    Returns
    -------
    patches : (N, 125) ndarray of float32
    targets : (N, 3) ndarray of float32
    """
    gray = gray_of(profile, specimen)
    truth = storage.load_volume(f"composition/{specimen}-1-truth", profile=profile).values
    allowed = np.ones(gray.shape, dtype=bool)
    if specimen == correlative.SPECIMEN:
        found = correlative.load(profile)
        start = np.rint(np.array(found.stack.origin_um) / VOXEL_SIZE_UM).astype(int)
        edge = np.ceil(np.array(found.labels.shape) * found.stack.spacing_um / VOXEL_SIZE_UM)
        margin = neural.PATCH * binning
        allowed[tuple(
            slice(max(0, a - margin), int(a + n + margin))
            for a, n in zip(start, edge, strict=True)
        )] = False  # fmt: skip
    if binning > 1:
        gray = samples.bin_volume(gray, binning)
        truth = np.stack([samples.bin_volume(rows, binning) for rows in truth])
        allowed = samples.bin_volume(allowed.astype(np.float32), binning) == 1
    places = np.argwhere(allowed)
    rng = np.random.default_rng(profiles.get(profile).seed_for("watched", specimen))
    places = places[np.sort(rng.permutation(len(places))[:n_voxels])]
    scale = gray_scale(profile, specimen)
    patches = neural.extract_patches(gray, places) * np.float32(scale.gain)
    return patches + np.float32(scale.offset), truth[:, *places.T].T


def score(profile, model, protocol, binning, labeled):
    """
    R² of a network on everything it has not learned from.

    Parameters
    ----------
    profile : str
    model : keras.Model
    protocol : {"paper", "honest", "all"}
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
    profile : str
    protocol : {"paper", "honest"}
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
        for cutout in profiles.get(profile).cutout_numbers:
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


def choices(profile):
    """
    What the paper leaves open, one or two settings changed at a time.

    Judged by the validation block of the honest split, by the truth of a part of SL, and by the
    sizes that Table 2 prints for the same conversion.

    Returns
    -------
    table : pandas.DataFrame
        setting, best epoch, validation (R² averaged over the phases), Jaccard CBD [-], r_max_P and
        r_max_AM [µm] of :data:`JUDGED`; the last row holds the printed sizes.
    """
    sizes = profiles.get(profile)
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
        if changes and name not in sizes.nn_choices:
            continue
        changes = dict(changes)
        labeled = labeled_samples(profile, changes.pop("binning", sizes.train_binning))
        split = samples.split_samples(labeled, "honest")
        options = settings(profile, max_epochs=sizes.nn_choice_epochs, **changes)

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
        quantity: paper.table_2_value(quantity, OTHERS[0], JUDGED)
        for quantity in ("r_max_P", "r_max_AM")
    }
    return pd.DataFrame([*rows, {"setting": "Table 2"} | printed])


def _consequences(profile, model):
    """Jaccard index of the CBD and sizes in the middle of SL, for one conversion."""
    specimen = OTHERS[0]
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
    specimen = OTHERS[0]
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


def segmentation_matters(profile):
    """
    Composition from the segmented stack against that from its truth.

    Returns
    -------
    r2 : dict of Phase to float
    """
    found = correlative.load(profile)
    ours = labeled_samples(profile).targets
    truth = labeled_samples(profile, labels=found.labels).targets
    return training.r2_scores(truth, ours)


def _save(name, array, profile, **notes):
    storage.save_volume(name, array, profile=profile, voxel_size_um=VOXEL_SIZE_UM, **notes)
