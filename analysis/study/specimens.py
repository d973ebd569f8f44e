"""Specimens and their tomograms on disk: what every later chapter starts from."""

from analysis import profiles, storage
from analysis.instruments import transfer
from analysis.phases import VOXEL_SIZE_UM
from analysis.specimen import electrode

NAMES = ("SL", "TL", "D")

IMAGING = {"SL": "phase-retrieved", "TL": "phase-retrieved", "D": "correlative"}


def draw(profile, specimen, cutout, *, scenario=None):
    """
    One realization: an electrode and its tomogram.

    Parameters
    ----------
    profile : str
        Name of the profile.
    specimen : {"SL", "TL", "D"}
    cutout : int
        Counted from 1. Every cutout is a realization of its own, with its own seed.
    scenario : str, optional
        Truth scenario; by default the first of the profile.

    Returns
    -------
    truth : analysis.specimen.electrode.Specimen
    gray : (Z, Y, X) ndarray of float32
    """
    settings = profiles.get(profile)
    scenario = scenario or settings.scenarios[0]
    truth = electrode.make(
        specimen,
        settings.lateral,
        seed=settings.seed_for("specimen", specimen, cutout),
        scenario=scenario,
    )
    gray = transfer.image(
        truth.composition,
        truth.voxel_size_um,
        scenario=IMAGING[specimen],
        seed=settings.seed_for("tomogram", specimen, cutout),
    )
    return truth, gray


def build(profile, *, specimens=NAMES):
    """
    Write gray values, labels and composition of all specimens and cutouts.

    Parameters
    ----------
    profile : str
        Name of the profile.
    specimens : sequence of str
        Which electrodes.

    Returns
    -------
    written : list of str
        Names ``{specimen}-{cutout}``; their volumes are ``gray/...``, ``labels/...-truth`` and
        ``composition/...-truth``.
    """
    settings = profiles.get(profile)
    written = []
    for specimen in specimens:
        for cutout in settings.cutout_numbers:
            name = f"{specimen}-{cutout}"
            volumes = (f"gray/{name}", f"labels/{name}-truth", f"composition/{name}-truth")
            written.append(name)
            truth, gray = draw(profile, specimen, cutout)
            notes = {
                "specimen": specimen,
                "cutout": cutout,
                "seed": truth.seed,
                "scenario": truth.scenario.name,
                "imaging": IMAGING[specimen],
            }
            arrays = (gray, truth.labels, truth.composition)
            for volume, array in zip(volumes, arrays, strict=True):
                storage.save_volume(
                    volume, array, profile=profile, voxel_size_um=VOXEL_SIZE_UM, **notes
                )
    return written
