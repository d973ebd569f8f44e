"""What an entry is compared with: the methods of the book on the same volumes, floor and truth."""

import numpy as np

from analysis import storage
from analysis.challenge.quantities import FLOOR, TRUTH
from analysis.phases import Phase
from analysis.segmentation import draws, methods, posterior, thresholding
from analysis.study.limit import limit
from analysis.study.trinarization import contrast

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
        Truth and floor first; methods of the paper; the posteriors of the chapter on the limit,
        which know what an entry knows, each ranked to the fractions; and a draw.
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
    found = limit.posteriors(known)
    for name, probabilities in found.items():
        if name != limit.POSTERIORS[0]:  # without the profile it knows less than an entry
            yield name, posterior.ranked(probabilities, volume.targets)
    yield DRAW, draws.draw(found[limit.WITH_PROFILE], volume.targets, seed=volume.seed)


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
