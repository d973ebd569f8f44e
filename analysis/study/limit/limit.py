"""How much a tomogram knows: the posterior judged on electrodes it has never seen.

Every specimen is drawn anew from seeds that neither the study nor the training uses, imaged,
trinarized by methods that know no more than the posterior does, and held against its truth.
"""

from dataclasses import dataclass

import numpy as np
from scipy.special import entr

from analysis.descriptors.size import phase_size_distributions
from analysis.descriptors.surface import specific_surfaces
from analysis.electrochemistry.transport.effective import (
    effective_conductivity,
    ionic_conductivity,
)
from analysis.instruments import transfer
from analysis.phases import VOXEL_SIZE_UM, Phase, volume_fractions
from analysis.segmentation import agreement, draws, methods, posterior
from analysis.segmentation.boosting import posterior_model, voxel_features
from analysis.specimen import electrode
from analysis.study.limit.posterior import nominal_profile
from analysis.study.trinarization import standing

RIVALS = ("thresholding", "kmeans", "edx-closing")  # EDX-Closing knows the profile
WITH_PROFILE = "posterior with profile"
POSTERIORS = ("posterior", WITH_PROFILE)
GAMMAS = (0.02, 0.08, 0.3)
SURFACES = ("am_cbd", "am_pore", "cbd_pore")
BINS = 20  # of a calibration curve


@dataclass(frozen=True)
class Known:
    """
    A specimen whose truth is known, and one tomogram of it.

    Attributes
    ----------
    place : dict
        Electrode, scenario, number and noise: what tells it from the others in a table.
    gray : (Z, Y, X) ndarray of float32
    labels : (Z, Y, X) ndarray of uint8
        The truth.
    cbd_profile : (Z,) ndarray
        Nominal CBD fraction of each slice [-].
    seed : int
        Of the specimen.
    """

    place: dict
    gray: np.ndarray
    labels: np.ndarray
    cbd_profile: np.ndarray
    seed: int

    @property
    def targets(self):
        """True volume fractions."""
        return volume_fractions(self.labels)


def known(name, scenario, number, *, seed, lateral, noises, thickness=None, **imaging):
    """
    Tomograms of one new specimen, one for each noise.

    Parameters
    ----------
    name : str
        Electrode.
    scenario : str or analysis.specimen.binder.Scenario
    number : int
        Told in the tables.
    seed : int
        Of the specimen and of the noise.
    lateral : int
        Voxels along y and x.
    noises : sequence of float
    thickness : int, optional
        Voxels along z; by default the whole electrode.
    **imaging
        Other settings of :func:`analysis.instruments.transfer.image`.

    Yields
    ------
    Known
    """
    drawn = electrode.make(name, lateral, seed=seed, scenario=scenario, thickness=thickness)
    profile = nominal_profile(name, drawn.labels.shape[0], drawn.targets)
    for noise in noises:
        gray = transfer.image(
            drawn.composition, VOXEL_SIZE_UM, seed=[seed, 1], noise=noise, **imaging
        )
        place = {"specimen": name, "scenario": scenario, "number": number, "noise": noise}
        yield Known(place, gray, drawn.labels, profile, seed)


def rivals(one):
    """
    Labels by the methods of the paper that need no training, by name.

    Parameters
    ----------
    one : Known

    Returns
    -------
    labels : dict of str to (Z, Y, X) ndarray of uint8
    """
    inputs = methods.Inputs(
        targets=one.targets, gray=one.gray, seed=one.seed, keep_going=True,
        cbd_profile=one.cbd_profile,
    )  # fmt: skip
    return {name: methods.trinarize(name, inputs) for name in RIVALS}


def posteriors(one, *, model=None):
    """
    Probabilities without and with the depth profile.

    Parameters
    ----------
    one : Known
    model : analysis.segmentation.boosting.posterior_model.Model, optional

    Returns
    -------
    probabilities : dict of str to (Z, Y, X, 3) ndarray of float32
        Keyed ``posterior`` and ``posterior with profile``.
    """
    model = posterior_model.stored() if model is None else model
    shape = (*one.gray.shape, len(Phase))
    found = {name: np.empty(shape, np.float32) for name in POSTERIORS}
    image = voxel_features.measure(one.gray)
    for part, features in voxel_features.slabs(one.gray, image, cbd_profile=one.cbd_profile):
        row = voxel_features.PROFILE
        answers = posterior.of_variants(features, model, row, [np.nan, features[row].copy()])
        for name, answer in zip(POSTERIORS, answers, strict=True):
            found[name][part] = answer.reshape(-1, *shape[1:])
    return found


def scores(one, labels, probabilities):
    """
    One row for each method: overlap with the truth, chance, and calibration.

    Parameters
    ----------
    one : Known
    labels : dict of str to (Z, Y, X) ndarray of uint8
        Of methods without probabilities.
    probabilities : dict of str to (Z, Y, X, 3) ndarray
        Of methods with them; ranked to the true fractions.

    Returns
    -------
    rows : list of dict
        The place, method, the scores of :func:`analysis.study.trinarization.standing.score`
        and, where there are probabilities, ``calibration error`` [-].
    """
    rows = []
    ranked = {name: posterior.ranked(p, one.targets) for name, p in probabilities.items()}
    for method, volume in (labels | ranked).items():
        row = one.place | {"method": method}
        row |= standing.score(agreement.confusion(one.labels, volume))
        if method in probabilities:
            row["calibration error"] = calibration_error(probabilities[method], one.labels)
        rows.append(row)
    return rows


def calibration(probability, true, *, bins=BINS):
    """
    How often what is said with some probability is true.

    Parameters
    ----------
    probability : ndarray of float
    true : ndarray of bool
        Of the same shape.
    bins : int
        Of equal width between 0 and 1.

    Returns
    -------
    said, found, weight : (B,) ndarray
        Mean probability, share that is true, and share of all voxels, of the bins that hold any.
    """
    bin_of = np.minimum((probability.ravel() * bins).astype(int), bins - 1)
    count = np.bincount(bin_of, minlength=bins)
    said = np.bincount(bin_of, probability.ravel().astype(float), minlength=bins)
    found = np.bincount(bin_of, true.ravel().astype(float), minlength=bins)
    there = count > 0
    return said[there] / count[there], found[there] / count[there], count[there] / count.sum()


def calibration_error(probabilities, labels):
    """
    Mean distance of what is said from what is found, over voxels and phases.

    Parameters
    ----------
    probabilities : (Z, Y, X, 3) ndarray
    labels : (Z, Y, X) ndarray of uint8
        The truth.

    Returns
    -------
    error : float
        0 if of all voxels that are said to be CBD with probability p a share p is [-].
    """
    errors = []
    for phase in Phase:
        said, found, weight = calibration(probabilities[..., phase], labels == phase)
        errors.append(np.sum(weight * np.abs(said - found)))
    return float(np.mean(errors))


def physics(labels, *, gammas=GAMMAS, voxel_size_um=VOXEL_SIZE_UM, threads=2):
    """
    What the cell feels of a trinarization.

    Parameters
    ----------
    labels : (Z, Y, X) ndarray of uint8
    gammas : sequence of float
        Transport parameters of the CBD [-].
    voxel_size_um : float
    threads : int

    Returns
    -------
    quantities : dict of str to float
        ``r_max_P``, ``r_max_CBD`` [µm]; ``AM-CBD``, ``AM-pore``, ``CBD-pore`` [1/µm]; and
        ``k_eff`` along the thickness at each gamma [-].
    """
    radii = phase_size_distributions(
        labels, voxel_size_um, (Phase.PORE, Phase.CBD), threads=threads
    )
    areas = specific_surfaces(labels, voxel_size_um)
    found = {
        "r_max_P": radii[Phase.PORE].median_radius_um,
        "r_max_CBD": radii[Phase.CBD].median_radius_um,
        "AM-CBD": areas.am_cbd,
        "AM-pore": areas.am_pore,
        "CBD-pore": areas.cbd_pore,
    }
    return found | conductance(labels, gammas=gammas, threads=threads)


def conductance(labels, *, gammas=GAMMAS, threads=2):
    """Effective conductivity along the thickness at each gamma, as in :func:`physics`."""
    return {
        f"k_eff {gamma:g}": effective_conductivity(
            ionic_conductivity(labels, gamma), threads=threads, rtol=1e-4
        ).value
        for gamma in gammas
    }


def maps(one, probabilities, by_scenario, *, count=1, independent=True):
    """
    Draws from a posterior, and its most probable map.

    Parameters
    ----------
    one : Known
    probabilities : (Z, Y, X, 3) ndarray
    by_scenario : dict of str to (Z, Y, X, 3) ndarray
        From :func:`analysis.segmentation.posterior.by_scenario`, for the draws.
    count : int
        Draws, of each kind. The scenarios take turns where they are open.
    independent : bool
        Whether to add a draw in which every voxel decides alone.

    Yields
    ------
    kind, labels
        ``most probable``; ``draw`` and, of the specimen's own scenario, ``informed draw``, as
        often as asked for; and ``independent draw``.
    """
    yield "most probable", posterior.ranked(probabilities, one.targets)
    own = one.place["scenario"]
    for kind, among in (("draw", by_scenario), ("informed draw", {own: by_scenario[own]})):
        for labels in draws.several(among, one.targets, count=count, seed=one.seed):
            yield kind, labels
    if independent:
        yield "independent draw", draws.draw(probabilities, one.targets, seed=0, widths=(0, 0))


def uncertainty(probabilities):
    """
    Entropy of the three probabilities over its largest value.

    Parameters
    ----------
    probabilities : (Z, Y, X, 3) ndarray

    Returns
    -------
    uncertainty : (Z, Y, X) ndarray of float32
        0 where one phase is sure, 1 where all three are as probable [-].
    """
    return (entr(probabilities).sum(axis=-1) / np.log(len(Phase))).astype(np.float32)


def interval(values, share=0.9):
    """Central interval that holds a share of the values."""
    low, high = np.quantile(values, [(1 - share) / 2, (1 + share) / 2])
    return float(low), float(high)
