"""Specimens and their tomograms on disk: what every later chapter starts from."""

from functools import lru_cache

from analysis import storage
from analysis.instruments import transfer
from analysis.phases import VOXEL_SIZE_UM
from analysis.specimen import electrode

NAMES = ("SL", "TL", "D")

IMAGING = {"SL": "phase-retrieved", "TL": "phase-retrieved", "D": "correlative"}


def truth(profile, specimen, cutout, *, scenario=None):
    """
    One realization of an electrode, with everything that is known about it.

    Parameters
    ----------
    profile : analysis.profiles.Profile
    specimen : {"SL", "TL", "D"}
    cutout : int
        Counted from 1. Every cutout is a realization of its own, with its own seed.
    scenario : str, optional
        Truth scenario; by default the first of the profile.

    Returns
    -------
    analysis.specimen.electrode.Specimen
    """
    seed = profile.seed_for("specimen", specimen, cutout)
    return _draw(specimen, profile.lateral_of(specimen), seed, scenario or profile.scenarios[0])


@lru_cache(maxsize=1)  # a chapter asks for the same one several times in a row
def _draw(specimen, lateral, seed, scenario):
    return electrode.make(specimen, lateral, seed=seed, scenario=scenario)


def tomogram(profile, realization, cutout, **changes):
    """
    Image a realization as its electrode was imaged in the paper.

    Parameters
    ----------
    profile : analysis.profiles.Profile
    realization : analysis.specimen.electrode.Specimen
    cutout : int
        Sets the seed of the noise, with the specimen's name.
    **changes
        Settings to override, see :func:`analysis.instruments.transfer.image`.

    Returns
    -------
    gray : (Z, Y, X) ndarray of float32
    """
    return transfer.image(
        realization.composition,
        realization.voxel_size_um,
        scenario=IMAGING[realization.name],
        seed=profile.seed_for("tomogram", realization.name, cutout),
        **changes,
    )


def build(profile, *, specimens=NAMES):
    """
    Write gray values, labels and composition of all specimens and cutouts.

    Parameters
    ----------
    profile : analysis.profiles.Profile
    specimens : sequence of str
        Which electrodes.

    Returns
    -------
    written : list of str
        Names ``{specimen}-{cutout}``; their volumes are ``gray/...``, ``labels/...-truth`` and
        ``composition/...-truth``.
    """
    written = []
    for specimen in specimens:
        for cutout in profile.cutout_numbers:
            name = f"{specimen}-{cutout}"
            volumes = (f"gray/{name}", f"labels/{name}-truth", f"composition/{name}-truth")
            written.append(name)
            drawn = truth(profile, specimen, cutout)
            gray = tomogram(profile, drawn, cutout)
            notes = {
                "specimen": specimen,
                "cutout": cutout,
                "seed": drawn.seed,
                "scenario": drawn.scenario.name,
                "imaging": IMAGING[specimen],
            }
            arrays = (gray, drawn.labels, drawn.composition)
            for volume, array in zip(volumes, arrays, strict=True):
                storage.save_volume(
                    volume, array, profile=profile, voxel_size_um=VOXEL_SIZE_UM, **notes
                )
    return written
