"""What an entry is compared with: the methods of the book on the same volumes, floor and truth."""

import hashlib

import numpy as np

from analysis import storage
from analysis.challenge.quantities import FLOOR, TRUTH
from analysis.phases import Phase
from analysis.segmentation import draws, methods, posterior, thresholding
from analysis.segmentation.boosting import posterior_model
from analysis.segmentation.residual_unet import network_file
from analysis.study.limit import limit, network_runs
from analysis.study.trinarization import contrast

LEARNED = (limit.WITH_PROFILE, network_runs.U_NET_WITH_PROFILE)  # from electrodes of other seeds
DRAW = "draw"


def maps(volume, profile):
    """
    Labels of one volume by every method that stands beside an entry.

    Parameters
    ----------
    volume : analysis.challenge.sets.Volume
    profile : analysis.profiles.Profile
        Its network is used, if the book has trained one; of the paper's methods, those of
        ``challenge_methods``.

    Yields
    ------
    name, labels
        Truth and floor first; methods of the paper; what was learned on other electrodes and
        knows what an entry knows, ranked to the fractions; and a draw from the posterior.
    """
    yield TRUTH, volume.truth
    yield FLOOR, floor(volume)
    inputs = methods.Inputs(
        targets=volume.targets,
        gray=volume.gray,
        seed=volume.seed,
        composition=contrast.predicted_composition(profile, volume.gray),
        cbd_profile=volume.cbd_profile,
        n_sample=profile.kmeans_sample,
        kmeans_start="extremes",
        keep_going=True,
    )
    for name in methods.available(inputs):
        if name in profile.challenge_methods:
            yield name, methods.trinarize(name, inputs)
    place = {"specimen": volume.electrode, "number": 0}
    known = limit.Known(place, volume.gray, volume.truth, volume.cbd_profile, volume.seed)
    found = limit.posteriors(known) | network_runs.posteriors(known)
    for name in LEARNED:
        yield name, posterior.ranked(found[name], volume.targets)
    yield DRAW, draws.draw(found[limit.WITH_PROFILE], volume.targets, seed=volume.seed)


def fingerprint(profile):
    """Hash of the methods' names and of the weights that come with the package."""
    weights = [storage.sha256(file) for file in (posterior_model.WEIGHTS, network_file.WEIGHTS)]
    text = repr((profile.challenge_methods, LEARNED, DRAW, weights))
    return hashlib.sha256(text.encode()).hexdigest()[:8]


def floor(volume):
    """
    The AM of thresholding, CBD and pore dealt at random beside it: what nobody may stay below.

    Parameters
    ----------
    volume : analysis.challenge.sets.Volume

    Returns
    -------
    labels : (Z, Y, X) ndarray of uint8
    """
    labels = thresholding.trinarize(volume.gray, volume.targets)
    rest = labels != Phase.AM
    rng = np.random.default_rng([volume.seed, 1])
    labels[rest] = rng.permutation(labels[rest])
    return labels


def on_disk(volume, profile):
    """
    Labels of a volume of the study's own set as the chapters have left them, by method.

    Parameters
    ----------
    volume : analysis.challenge.sets.Volume
    profile : analysis.profiles.Profile

    Yields
    ------
    name, labels
        Truth and floor first.
    """
    yield TRUTH, volume.truth
    yield FLOOR, floor(volume)
    for name in methods.CATALOG:
        stored = f"labels/{volume.name}-{name}"
        if storage.exists("volumes", stored, profile=profile):
            yield name, storage.load_volume(stored, profile=profile).values
