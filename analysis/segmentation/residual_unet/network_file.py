"""The weights of the residual U-Net in a file: half precision, checked by its hash."""

from dataclasses import dataclass
from functools import cached_property, lru_cache
from pathlib import Path

import numpy as np

from analysis.segmentation import stored_weights
from analysis.segmentation.residual_unet import architecture

WEIGHTS = Path(__file__).with_name("weights") / "limit_network.npz"
AGAIN = "Restore the file from the repository, or train anew: make limit"
VERSION = "residual U-Net 2"  # changes when the meaning of the weights does


@dataclass(frozen=True)
class LimitNetwork:
    """
    A trained network, and the images it was trained on.

    Attributes
    ----------
    weights : dict of str to ndarray of float32
        As :func:`analysis.segmentation.residual_unet.architecture.shapes` has them.
    size : analysis.segmentation.residual_unet.architecture.Size
    noise, dark_spread, edge_width, dark_chord : tuple of float
        Smallest and largest value of :class:`~analysis.segmentation.boosting.voxel_features.Image`
        among the tomograms of the training.
    voxel_size_um : float
        Of the tomograms of the training.
    """

    weights: dict
    size: architecture.Size
    noise: tuple
    dark_spread: tuple
    edge_width: tuple
    dark_chord: tuple
    voxel_size_um: float

    @cached_property
    def model(self):
        """Keras model in single precision, made once: it is compiled for each shape of tile."""
        return architecture.as_model(self.size, self.weights)


def save(file, network):
    """
    Write a network as compressed arrays of float16, and its SHA-256 beside it.

    Parameters
    ----------
    file : path-like
        Ends in ``.npz``.
    network : LimitNetwork
    """
    size = network.size
    stored_weights.save(
        file,
        version=VERSION,
        size=[size.fine, size.coarse, size.before, size.middle, size.after],
        noise=network.noise,
        dark_spread=network.dark_spread,
        edge_width=network.edge_width,
        dark_chord=network.dark_chord,
        voxel_size_um=network.voxel_size_um,
        **{f"weights {n}": np.asarray(w, np.float16) for n, w in network.weights.items()},
    )


def load(file):
    """
    Read a network that :func:`save` has written.

    Parameters
    ----------
    file : path-like

    Returns
    -------
    LimitNetwork

    Raises
    ------
    FileNotFoundError
        If the file, or its hash, is missing.
    ValueError
        If the file is not the one whose hash stands beside it, or holds another kind of network.
    """
    stored_weights.check(file, "the network", AGAIN)
    with np.load(file, allow_pickle=False) as held:
        if "version" not in held or str(held["version"]) != VERSION:
            raise ValueError(f"{file} holds no {VERSION}, which this version reads. {AGAIN}")
        size = architecture.Size(*(int(n) for n in held["size"]))
        wanted = architecture.shapes(size)
        weights = {
            name: held[f"weights {name}"].astype(np.float32)
            for name in wanted
            if f"weights {name}" in held
        }
        if {name: value.shape for name, value in weights.items()} != wanted:
            raise ValueError(f"{file} holds other weights than {size} has. {AGAIN}")
        return LimitNetwork(
            weights=weights,
            size=size,
            noise=tuple(float(v) for v in held["noise"]),
            dark_spread=tuple(float(v) for v in held["dark_spread"]),
            edge_width=tuple(float(v) for v in held["edge_width"]),
            dark_chord=tuple(float(v) for v in held["dark_chord"]),
            voxel_size_um=float(held["voxel_size_um"]),
        )


@lru_cache(maxsize=1)
def stored():
    """
    The network that comes with the package.

    Raises
    ------
    FileNotFoundError, ValueError
        As :func:`load`.
    """
    return load(WEIGHTS)
