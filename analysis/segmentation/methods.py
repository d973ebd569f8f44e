"""The catalogue: the twelve trinarizations of the study by name, in one calling form.

In the paper's order (Figure 4): nine conversions of the network, then Thresholding, k-means and
EDX-Closing. A method takes from :class:`Inputs` what it needs and says so if that is missing, so
a tomogram without FIB data or EDX map can still go through the other methods.
"""

from collections.abc import Callable
from dataclasses import dataclass

import numpy as np

from analysis.phases import Phase


@dataclass
class Inputs:
    """
    What is known about a cutout.

    Attributes
    ----------
    targets : dict of Phase to float
        Volume fraction [-] that each phase must reach.
    gray : (Z, Y, X) ndarray, optional
        Gray values.
    seed : int, optional
        Fixes the sample of k-means.
    n_sample : int
        Size of that sample [voxel].
    kmeans_start : {"quantiles", "extremes"}
        Where the centroids of k-means start: robust for any file, or by the paper's rule.
    keep_going : bool
        Accept the best weights of k-means if they miss the targets, and fill slices that have less
        room than EDX-Closing needs, instead of stopping with an error.
    composition : (3, Z, Y, X) ndarray, optional
        Composition that the network predicts.
    cbd_profile : (Z,) ndarray, optional
        CBD of each slice, from an EDX map.
    kmeans : (Z, Y, X) ndarray of uint8, optional
        Labels of k-means; computed when needed, and kept.
    """

    targets: dict
    gray: np.ndarray | None = None
    seed: int | None = None
    n_sample: int = 100_000
    kmeans_start: str = "quantiles"
    keep_going: bool = False
    composition: np.ndarray | None = None
    cbd_profile: np.ndarray | None = None
    kmeans: np.ndarray | None = None


@dataclass(frozen=True)
class Method:
    """
    One trinarization.

    Attributes
    ----------
    name : str
        As in file names.
    needs : tuple of str
        Attributes of :class:`Inputs` that must be given.
    function : callable
        Takes :class:`Inputs`, gives labels.
    exact : bool
        Whether the fractions are met to one voxel; k-means meets them to 0.1 %.
    """

    name: str
    needs: tuple[str, ...]
    function: Callable
    exact: bool = True

    def available(self, inputs):
        """Whether `inputs` hold all that the method needs."""
        return not self.missing(inputs)

    def missing(self, inputs):
        """Names of what the method needs and `inputs` do not hold."""
        return [need for need in self.needs if getattr(inputs, need) is None]


def trinarize(name, inputs):
    """
    Labels of one cutout by the method of that name.

    Parameters
    ----------
    name : str
        A key of :data:`CATALOG`.
    inputs : Inputs
        What is known about the cutout.

    Returns
    -------
    labels : (Z, Y, X) ndarray of uint8
        Phase of each voxel.

    Raises
    ------
    ValueError
        If there is no such method, or something it needs is not given.
    """
    if name not in CATALOG:
        raise ValueError(f"There is no method {name!r}; expected one of {', '.join(CATALOG)}.")
    method = CATALOG[name]
    missing = method.missing(inputs)
    if missing:
        raise ValueError(
            f"{name} needs {', '.join(missing)}, which is not given. Give it, or choose one of "
            f"{', '.join(available(inputs)) or 'no method: not even gray values are given'}."
        )
    return method.function(inputs)


def available(inputs):
    """Names of the methods for which `inputs` hold all that is needed, in the paper's order."""
    return [name for name, method in CATALOG.items() if method.available(inputs)]


def _thresholding(inputs):
    from analysis.segmentation import thresholding

    return thresholding.trinarize(inputs.gray, inputs.targets)


def _kmeans(inputs):
    from analysis.segmentation import clustering

    if inputs.kmeans is None:
        inputs.kmeans = clustering.trinarize(
            inputs.gray,
            inputs.targets,
            seed=inputs.seed,
            n_sample=inputs.n_sample,
            start=inputs.kmeans_start,
            accept_best=inputs.keep_going,
        )
    return inputs.kmeans


def _edx_closing(inputs):
    from analysis.segmentation import closing

    am = _kmeans(inputs) == Phase.AM
    crowded = "fill" if inputs.keep_going else "stop"
    return closing.trinarize(am, inputs.cbd_profile, inputs.targets, crowded=crowded)


def _network(name):
    def convert(inputs):
        from analysis.segmentation.networks import conversion

        return conversion.trinarize(inputs.composition, inputs.targets, name)

    return Method(name, ("composition",), convert)


CATALOG = {
    method.name: method
    for method in (
        _network("nn-am-cbd-p"),
        _network("nn-am-cond"),
        _network("nn-am-p-cbd"),
        _network("nn-cbd-am-p"),
        _network("nn-cbd-cond"),
        _network("nn-cbd-p-am"),
        _network("nn-p-am-cbd"),
        _network("nn-p-cond"),
        _network("nn-p-cbd-am"),
        Method("thresholding", ("gray",), _thresholding),
        Method("kmeans", ("gray", "seed"), _kmeans, exact=False),
        Method("edx-closing", ("gray", "seed", "cbd_profile"), _edx_closing),
    )
}
