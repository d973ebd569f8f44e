"""Segmentation of the FIB-SEM stack of sample D: Otsu, forest and U-Net on held-out slices."""

from dataclasses import asdict

import numpy as np
import pandas as pd

from analysis import storage
from analysis.instruments import fibsem
from analysis.phases import Phase
from analysis.segmentation.networks import fib, forest, unet
from analysis.study.imaging import correlative
from analysis.study.trinarization import cached

N_LABELED = 4  # slices whose truth a training sees
TEST_SHARE = (0.7, 0.98)  # part of the stack that no training sees
N_TEST = 5
METHODS = ("3-class Otsu", "random forest", "random forest, slice alone", "U-Net")


def labeled_slices(n_slices):
    """Slices that are labelled by hand, in the paper; here the truth steps in."""
    return np.rint(np.linspace(0.025, 0.61, N_LABELED) * (n_slices - 1)).astype(int)


def held_out_slices(n_slices):
    """Slices that judge the segmentations."""
    return np.rint(np.linspace(*TEST_SHARE, N_TEST) * (n_slices - 1)).astype(int)


def in_milling_order(volume):
    """A volume (Z, Y, X) as slices (Y, Z, X): the beam mills along y."""
    return np.ascontiguousarray(np.moveaxis(volume, 1, 0))


def settings(profile, seed):
    """U-Net of a profile."""
    return unet.UNetSettings(
        filters=profile.unet_filters,
        steps=profile.unet_steps,
        seed=profile.seed_for("unet", seed),
    )


def run(profile):
    """
    Compare the segmentations on held-out slices, then segment the whole stack with the U-Net.

    Needs :func:`analysis.study.imaging.correlative.build`. Writes the labels
    ``D-1-fibsem-unet``, the tables ``fib-segmentation`` and ``fib-active-material``, and the
    models ``unet-0``... with their histories.

    Returns
    -------
    table : pandas.DataFrame
        Jaccard index on the held-out slices: method, seed, phase, jaccard.
    """
    found = correlative.load(profile)
    stack, truth = in_milling_order(found.stack.gray), in_milling_order(found.labels)
    active = fib.segment_active_material(stack)
    storage.save_table("fib-active-material", active_material(stack, truth), profile=profile)
    rows = compare(profile, stack, truth, active)
    labels = unet.segment(*_unet(profile, stack, truth, active, 0), stack, active)
    storage.save_volume(
        f"labels/{correlative.NAME}-unet",
        np.moveaxis(labels, 0, 1),
        profile=profile,
        voxel_size_um=found.stack.spacing_um,
        origin_um=found.stack.origin_um,
        specimen=correlative.SPECIMEN,
        cutout=correlative.CUTOUT,
        method="unet",
    )
    table = pd.DataFrame(rows)
    storage.save_table("fib-segmentation", table, profile=profile)
    return table


def compare(profile, stack, truth, active):
    """
    Score each method on the held-out slices.

    Parameters
    ----------
    profile : analysis.profiles.Profile
    stack : (S, R, C) ndarray
        Gray values in milling order.
    truth : (S, R, C) ndarray of uint8
        Its phases. Training sees :func:`labeled_slices` only.
    active : (S, R, C) ndarray of bool
        Active material by threshold.

    Returns
    -------
    rows : list of dict
        method, seed, phase, jaccard.
    """
    labeled, test = labeled_slices(len(stack)), held_out_slices(len(stack))
    rows = _rows("3-class Otsu", 0, fib.segment_by_otsu(stack)[test], truth[test])
    for seed in range(profile.unet_seeds):
        for method, context in (
            ("random forest", forest.CONTEXT),
            ("random forest, slice alone", ()),
        ):
            grown = forest.train(
                stack,
                labeled,
                truth[labeled],
                active,
                seed=profile.seed_for("forest", seed),
                context=context,
                n_pixels=profile.forest_pixels,
            )
            labels = forest.segment(grown, stack, active, test, context=context)
            rows += _rows(method, seed, labels, truth[test])
        model, options = _unet(profile, stack, truth, active, seed)
        labels = unet.segment(model, options, stack, active, test)
        rows += _rows("U-Net", seed, labels, truth[test])
    return rows


def hard(profile, *, seed=0):
    """
    The same comparison on a stack of a worse microscope: texture, noise, deep shine-through.

    Returns
    -------
    table : pandas.DataFrame
        method, phase, jaccard.
    """
    found = correlative.load(profile)
    gray = fibsem.image(
        found.labels,
        found.stack.spacing_um,
        seed=profile.seed_for("fibsem", "hard"),
        detector=fibsem.HARD,
    )
    stack, truth = in_milling_order(gray), in_milling_order(found.labels)
    active = fib.segment_active_material(stack)
    labeled, test = labeled_slices(len(stack)), held_out_slices(len(stack))
    rows = _rows("3-class Otsu", seed, fib.segment_by_otsu(stack)[test], truth[test])
    grown = forest.train(
        stack, labeled, truth[labeled], active, seed=seed, n_pixels=profile.forest_pixels
    )
    rows += _rows("random forest", seed, forest.segment(grown, stack, active, test), truth[test])
    options = settings(profile, seed)
    model, _ = unet.train(stack, labeled, truth[labeled], active, options, progress=False)
    rows += _rows("U-Net", seed, unet.segment(model, options, stack, active, test), truth[test])
    return pd.DataFrame(rows).drop(columns="seed")


def active_material(stack, truth):
    """
    What Otsu's threshold and the flood fill make of the active material.

    Returns
    -------
    table : pandas.DataFrame
        step, jaccard: Jaccard index of AM over the whole stack.
    """
    three = fib.segment_active_material(stack)
    masks = {
        "Otsu, two classes": fib.segment_active_material(stack, classes=2),
        "upper threshold of three classes": three,
        "then flood fill, as in the paper": fib.fill_inclusions(three),
        "then flood fill up to 50 pixels": fib.fill_inclusions(three, max_area_px=50),
    }
    rows = [
        {
            "step": step,
            "jaccard": fib.jaccard(np.where(mask, np.uint8(Phase.AM), np.uint8(0)), truth)[
                Phase.AM
            ],
        }
        for step, mask in masks.items()
    ]
    return pd.DataFrame(rows)


def pictures(profile):
    """
    One held-out slice: gray values, segmentations and truth, each as a volume of one slice.

    Returns
    -------
    pictures : dict of str to (1, R, C) ndarray
    """
    found = correlative.load(profile)
    stack, truth = in_milling_order(found.stack.gray), in_milling_order(found.labels)
    test = held_out_slices(len(stack))[[N_TEST // 2]]
    segmented = storage.load_volume(f"labels/{correlative.NAME}-unet", profile=profile).values
    return {
        "SE2 image": stack[test],
        "3-class Otsu": fib.segment_by_otsu(stack)[test],
        "U-Net": in_milling_order(segmented)[test],
        "truth": truth[test],
    }


def summary(table):
    """
    Mean and spread over the seeds, phases side by side.

    Parameters
    ----------
    table : pandas.DataFrame
        From :func:`run`.

    Returns
    -------
    summary : pandas.DataFrame
        method, seeds, and for each phase the mean and the smallest value.
    """
    order = [method for method in METHODS if method in set(table["method"])]
    grouped = table.groupby(["method", "phase"])["jaccard"]
    means, worst = grouped.mean().unstack(), grouped.min().unstack()
    rows = [
        {
            "method": method,
            "seeds": int(table.loc[table["method"] == method, "seed"].nunique()),
            **{phase.title: means.loc[method, phase.title] for phase in reversed(Phase)},
            **{f"{p.title}, worst": worst.loc[method, p.title] for p in (Phase.CBD, Phase.PORE)},
        }
        for method in order
    ]
    return pd.DataFrame(rows)


def _unet(profile, stack, truth, active, seed):
    """U-Net of one seed, from disk if it was trained on the same data with the same settings."""
    options = settings(profile, seed)
    labeled = labeled_slices(len(stack))
    model, _ = cached.model(
        f"unet-{seed}",
        profile,
        inputs=(stack[labeled], truth[labeled], stack.mean(), asdict(options)),
        train=lambda: unet.train(stack, labeled, truth[labeled], active, options),
        load=unet.load_model,
    )
    return model, options


def _rows(method, seed, labels, truth):
    overlap = fib.jaccard(labels, truth)
    return [
        {"method": method, "seed": seed, "phase": phase.title, "jaccard": overlap[phase]}
        for phase in reversed(Phase)
    ]
