"""Label volumes that the benchmarks of the cell run on; all but `measured` are synthetic."""

import os
from pathlib import Path

import numpy as np
from scipy import ndimage

from analysis import electrodes
from analysis.instruments import transfer
from analysis.phases import VOXEL_SIZE_UM, Phase
from analysis.segmentation import closing, clustering, thresholding
from analysis.specimen import electrode
from analysis.study.own_data import measured

KINDS = ("truth", "thresholding", "kmeans", "edx-closing", "measured")
SEED = 3
DATA = Path(os.environ.get("CBD_DATA", Path(__file__).parents[2] / "shared" / "data"))


def blobs(shape, seed=SEED):
    """A Gaussian random field with the paper's voxel fractions, 59.5 % AM and 23.1 % CBD."""
    rng = np.random.default_rng(seed)
    field = ndimage.gaussian_filter(rng.standard_normal(shape, dtype=np.float32), 1.5)
    active = field > np.quantile(field, 0.405)
    near = ndimage.gaussian_filter(rng.standard_normal(shape, dtype=np.float32), 1.5)
    near += 0.5 * ndimage.gaussian_filter(active.astype(np.float32), 2)
    binder = ~active & (near > np.quantile(near[~active], 1 - 0.231 / 0.405))
    labels = np.where(active, Phase.AM, np.where(binder, Phase.CBD, Phase.PORE))
    return labels.astype(np.uint8)


def cutout(kind, lateral):
    """
    Labels of a cutout over the full thickness of an electrode, and its voxel size [µm].

    `truth` is a virtual TL electrode, `thresholding`, `kmeans` and `edx-closing` are trinarizations
    of its tomogram, the last along the line through its true CBD; `measured` is the NREL electrode
    (its CBD is a model).
    """
    if kind == "measured":
        labels = measured.load(DATA / "nmc-matbox-bridge" / measured.NAME).labels
        start = [(length - lateral) // 2 for length in labels.shape[1:]]
        if min(start) < 0:
            raise ValueError(f"The measured volume is {labels.shape}; ask for fewer voxels.")
        part = labels[:, start[0] : start[0] + lateral, start[1] : start[1] + lateral]
        return np.ascontiguousarray(part), measured.VOXEL_SIZE_UM
    made = electrode.make("TL", lateral, seed=SEED)
    if kind == "truth":
        return made.labels, VOXEL_SIZE_UM
    gray = transfer.image(made.composition, VOXEL_SIZE_UM, seed=SEED)
    targets = electrodes.electrode("TL").targets()
    if kind == "thresholding":
        return thresholding.trinarize(gray, targets), VOXEL_SIZE_UM
    labels = clustering.trinarize(gray, targets, seed=SEED, n_sample=40_000)
    if kind == "edx-closing":
        depth = np.arange(labels.shape[0])
        binder = np.mean(made.labels == Phase.CBD, axis=(1, 2))
        line = np.polyval(np.polyfit(depth, binder, 1), depth)
        labels = closing.trinarize(labels == Phase.AM, line, targets, crowded="fill")
    return labels, VOXEL_SIZE_UM
