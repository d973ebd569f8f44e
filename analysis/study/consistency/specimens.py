"""Small specimens with other truths and their maps, and more pieces of the electrodes of the study.

They are drawn, imaged, measured by EDX and trinarized here, and nothing of them is kept.
"""

from dataclasses import dataclass

import numpy as np

from analysis import profiles, storage
from analysis.instruments import transfer
from analysis.segmentation import methods
from analysis.specimen import electrode as realization
from analysis.study.imaging import edx
from analysis.study.imaging.specimens import IMAGING
from analysis.study.trinarization import contrast

TRUTH = "truth"


@dataclass(frozen=True)
class Kind:
    """
    What a specimen is drawn from.

    Attributes
    ----------
    scenario : str
        Truth scenario of the CBD.
    layer_contrast : float
        Share of the nominal step in CBD between the layers of the two-layer electrode [-].
    """

    scenario: str
    layer_contrast: float = 1.0

    def __str__(self):
        return f"{self.scenario}, contrast {self.layer_contrast:g}"


def kinds(profile):
    """Scenarios times contrasts of a profile; the first one is that of the whole study."""
    return [
        Kind(scenario, layer_contrast)
        for scenario in profile.scenarios
        for layer_contrast in profile.consistency_contrasts
    ]


def draw(profile, name, kind, number=0):
    """
    Draw one specimen.

    Parameters
    ----------
    profile : analysis.profiles.Profile
    name : {"SL", "TL"}
    kind : Kind
    number : int
        Pieces of one electrode have numbers of their own.

    Returns
    -------
    specimen : analysis.specimen.electrode.Specimen
    """
    # a single layer has no contrast: its specimen must not depend on one
    layers = kind.layer_contrast if name == "TL" else 1.0
    return realization.make(
        name,
        profile.consistency_lateral,
        seed=profile.seed_for("consistency", name, kind.scenario, layers, number),
        scenario=kind.scenario,
        layer_contrast=layers,
    )


def maps(profile, specimen, wanted):
    """
    Image a specimen and trinarize it.

    Parameters
    ----------
    profile : analysis.profiles.Profile
    specimen : analysis.specimen.electrode.Specimen
    wanted : sequence of str
        Methods; the truth is added. A method that this build cannot run, because no network was
        trained, is left out.

    Returns
    -------
    maps : dict of str to (Z, Y, X) ndarray of uint8
    """
    name, seed = specimen.name, specimen.seed
    gray = transfer.image(
        specimen.composition,
        specimen.voxel_size_um,
        scenario=IMAGING[name],
        seed=profile.seed_for("consistency tomogram", name, seed),
    )
    needs_network = any(method.startswith("nn-") for method in wanted)
    inputs = methods.Inputs(
        targets=specimen.targets,
        gray=gray,
        seed=profile.seed_for("consistency kmeans", name, seed),
        composition=contrast.predicted_composition(profile, gray) if needs_network else None,
        cbd_profile=edx.cbd_line(
            specimen.composition,
            name,
            seed=profile.seed_for("consistency edx", name, seed),
            voxel_size_um=specimen.voxel_size_um,
        ),
        n_sample=profile.kmeans_sample,
        kmeans_start="extremes",
        keep_going=True,
    )
    there = methods.available(inputs)
    found = {one: methods.trinarize(one, inputs) for one in wanted if one in there}
    return found | {TRUTH: np.asarray(specimen.labels)}


def on_disk(profile, names, cutout=1):
    """
    Further maps of the study's own cutouts, such as those drawn from a posterior.

    Parameters
    ----------
    profile : analysis.profiles.Profile
    names : sequence of str
        As in the names of the files; a map that lacks an electrode is left out.
    cutout : int

    Returns
    -------
    maps : dict of str to dict of str to (Z, Y, X) ndarray of uint8
        Keyed by map, then by electrode.
    """
    found = {}
    for name in names:
        files = {one: f"labels/{one}-{cutout}-{name}" for one in profiles.ELECTRODES}
        if all(storage.exists("volumes", file, profile=profile) for file in files.values()):
            found[name] = {
                one: storage.load_volume(file, profile=profile).values
                for one, file in files.items()
            }
    return found
