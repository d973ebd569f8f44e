"""What the composition network learns from and is scored on: gray values with known composition."""

from functools import lru_cache

import numpy as np

from analysis import storage
from analysis.phases import VOXEL_SIZE_UM
from analysis.segmentation.networks import neural, samples, training
from analysis.study.imaging import correlative

N_WATCHED = 2000  # voxels of each set that is scored after every epoch
ALIGNMENT = "moments"  # of the gray values of SL and TL onto those of D


def labeled_samples(profile, binning=1, *, labels=None):
    """
    Tomogram voxels of D whose composition the segmented FIB-SEM stack gives.

    Parameters
    ----------
    profile : analysis.profiles.Profile
    binning : int
        1, or the paper's 2.
    labels : (Z, Y, X) ndarray of uint8, optional
        A segmentation of the stack; that of the U-Net by default.

    Returns
    -------
    analysis.segmentation.networks.samples.Samples
    """
    found = correlative.load(profile)
    if labels is None:
        name = f"labels/{correlative.NAME}-unet"
        labels = storage.load_volume(name, profile=profile).values
    composition, position = found.compositions(labels)
    return samples.collect_samples(gray_of(profile, "D"), composition, position, binning=binning)


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
    profile : analysis.profiles.Profile
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
    rng = np.random.default_rng(profile.seed_for("watched", specimen))
    places = places[np.sort(rng.permutation(len(places))[:n_voxels])]
    scale = gray_scale(profile, specimen)
    patches = neural.extract_patches(gray, places) * np.float32(scale.gain)
    return patches + np.float32(scale.offset), truth[:, *places.T].T


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
