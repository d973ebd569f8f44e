"""Data to take away: images and truth of a set as TIFF, with what must be known about them.

The same set is written as the same bytes: no dates, no compression, no names of machines.
"""

import hashlib
import json
import os
import shutil
from pathlib import Path

import numpy as np

from analysis import profiles, storage
from analysis.challenge import score, sets
from analysis.instruments import fibsem, transfer
from analysis.phases import CBD_POROSITY, VOXEL_SIZE_UM, Phase
from analysis.specimen import electrode
from analysis.storage import scratch
from publishing.challenge import card
from publishing.chapters import ROOT
from publishing.crate import LICENSE, REPOSITORY

DEFAULT = ROOT / "challenge"
SAMPLE_LATERAL, SAMPLE_PAIRS = 96, 1
SAMPLE_FIB_EXTENT_UM = (13.5, 9.0, 9.6)  # z, y, x
SUMS, DESCRIPTION, CRATE = "SHA256SUMS", "dataset.json", "ro-crate-metadata.json"
VERSION = "1"
DATE = "2026-11-27"  # of this version; the day of writing would change the bytes


def write(size="sample", *, which="open", out="", progress=print):
    """
    Write the data of a set.

    Parameters
    ----------
    size : str
        ``sample`` (one pair, below 30 MB), ``full`` (as the profile ``paper``, below 2 GB), or the
        name of a profile: the volumes that ``make challenge`` scores with it.
    which : {"open", "sealed"}
        The sealed set is written without its truth and without the FIB-SEM stack.
    out : str
        A new or empty folder; by default ``challenge/data-<set>-<size>``.
    progress : callable
        Receives a line for each specimen.

    Returns
    -------
    folder : Path

    Raises
    ------
    ValueError
        If the size or the set is unknown, or the folder is not empty. Nothing is written then.
    OSError
        If the disk is full.
    """
    profile, challenge_set, extent = _chosen(size or "sample", which or "open")
    name = f"data-{challenge_set.name}-{size or 'sample'}"
    folder = Path(os.path.abspath(Path(out).expanduser())) if out else DEFAULT / name
    if folder.exists() and (not folder.is_dir() or any(folder.iterdir())):
        raise ValueError(
            f"{folder} is there and not empty; expected a new or an empty folder, for nothing is "
            "replaced. Give another with OUT=..., or remove it if you do not need it."
        )
    folder.parent.mkdir(parents=True, exist_ok=True)
    unfinished = scratch.partial_name(folder)
    try:
        unfinished.mkdir()
        _fill(unfinished, challenge_set, profile, extent, size or "sample", progress)
        if folder.exists():
            folder.rmdir()  # empty, as was seen
        unfinished.rename(folder)
    finally:
        shutil.rmtree(unfinished, ignore_errors=True)
    total = sum(file.stat().st_size for file in folder.rglob("*") if file.is_file())
    progress(f"{folder}: {total / 1e6:.1f} MB. Begin with {folder / 'README.md'}")
    return folder


def _chosen(size, which):
    """Profile, set and size of the FIB-SEM cutouts."""
    sizes = ("sample", "full", *profiles.PROFILES)
    if size not in sizes:
        raise ValueError(f"SIZE={size} is unknown; expected one of {', '.join(sizes)}.")
    if which not in ("open", "sealed"):
        raise ValueError(f"SET={which} cannot be written; expected open or sealed.")
    profile = profiles.get({"sample": "demo", "full": "paper"}.get(size, size))
    if size != "sample":
        extent = profile.fib_extent_um if size == "smoke" else fibsem.EXTENT_UM
        return profile, sets.get(which, profile), extent
    if which == "open":
        chosen = sets.open_set(SAMPLE_LATERAL, None, SAMPLE_PAIRS)
    else:
        secret = os.environ.get(sets.SEED_VARIABLE, "")
        chosen = sets.sealed_set(secret, SAMPLE_LATERAL, None, SAMPLE_PAIRS)
    return profile, chosen, SAMPLE_FIB_EXTENT_UM


def _fill(folder, challenge_set, profile, extent, size, progress):
    described = []
    for number in range(len(challenge_set.pairs)):
        for name in profiles.ELECTRODES:
            specimen = sets.drawn(challenge_set, number, name)
            volume = sets.imaged(challenge_set, number, name, specimen)
            described.append(_specimen(folder, challenge_set, volume, specimen, profile, extent))
            progress(f"{volume.name}: {volume.gray.shape}, {volume.pair.name}")
    whole = _description(challenge_set, profile, described, size)
    _text(folder / DESCRIPTION, _json(whole))
    _text(folder / "README.md", card.readme(whole))
    _text(folder / "DATA_CARD.md", card.card(whole))
    _text(folder / "LICENSE", (ROOT / "LICENSE-text").read_text(encoding="utf-8"))
    _text(folder / CRATE, _json(_crate(folder, whole)))
    sums = "".join(f"{digest}  {name}\n" for name, digest in _digests(folder).items())
    _text(folder / SUMS, sums)


def _specimen(folder, challenge_set, volume, specimen, profile, extent):
    """Write the files of one specimen; what is known about it."""
    place = folder / volume.name
    place.mkdir()
    size = volume.voxel_size_um
    tiff(place / "gray.tif", sets.to_steps(volume.gray), size)
    tiff(place / "fluorine.tif", volume.fluorine, size)
    capacity, voltage = score.measurement(volume, profile)
    lines = [f"{c:.6f},{v:.6f}" for c, v in zip(capacity, voltage, strict=True)]
    _text(place / "voltage.csv", "\n".join(["capacity_mAh_cm2,voltage_V", *lines]) + "\n")
    known = {
        "name": volume.name,
        "electrode": volume.electrode,
        "pair": volume.pair.name,
        "shape_zyx": list(volume.gray.shape),
        "fractions": {str(int(phase)): volume.targets[phase] for phase in Phase},
    }
    if challenge_set.name == "open":
        tiff(place / "truth.tif", volume.truth, size)
        known |= {
            "scenario": volume.pair.scenario_name,
            "noise": volume.pair.noise,
            "layer_contrast": volume.pair.layer_contrast,
            "seed": specimen.seed,
            "fibsem": _fibsem(place, challenge_set, specimen, extent),
        }
    known["files"] = {name: digest for name, digest in _digests(place).items()}
    _text(place / "metadata.json", _json(known | {"voxel_size_um": size, "licence": LICENSE}))
    return known


def _fibsem(place, challenge_set, specimen, extent):
    """Write a FIB-SEM stack of a part of a specimen; where the part lies."""
    size = specimen.voxel_size_um
    shape = fibsem.cutout_shape(size, extent_um=extent)
    spacing = size / fibsem.REFINEMENT
    voxels = tuple(-(-n // fibsem.REFINEMENT) for n in shape)
    position = fibsem.suitable_position(specimen.labels, voxels)
    origin = tuple(n * size for n in position)
    labels = electrode.sample(specimen, origin, shape, spacing)
    seed = challenge_set.seed_for("fibsem", specimen.name, specimen.seed)
    tiff(place / "fibsem.tif", fibsem.image(labels, spacing, seed=seed), spacing)
    return {"first_voxel_zyx": list(position), "voxel_size_um": spacing, "milled_along": "y"}


def _description(challenge_set, profile, described, size):
    imaging = transfer.SCENARIOS["phase-retrieved"]
    return {
        "name": f"CBD challenge, {challenge_set.name} set, size {size}",
        "version": VERSION,
        "date": DATE,
        "licence": LICENSE,
        "made_by": REPOSITORY,
        "synthetic": True,
        "voxel_size_um": VOXEL_SIZE_UM,
        "axes": "z (from separator to collector), y, x",
        "labels": {str(int(phase)): phase.title for phase in Phase},
        "gray": {
            "stored": "whole number of steps, uint16",
            "value": "offset + step * number",
            "offset": sets.GRAY_OFFSET,
            "step": sets.GRAY_STEP,
            "meaning": "attenuation: 0 air, 1 active material",
        },
        "physics": {
            "photon_energy_keV": imaging.energy_keV,
            "propagation_mm": imaging.distance_mm,
            "blur_um": imaging.blur_um,
            "total_variation_weight": imaging.tv_weight,
            "cbd_inner_porosity": CBD_POROSITY,
            "gamma_of_the_voltage_curves": profile.gamma_true,
            "current_of_the_voltage_curves_mA_cm2": profile.fit_current,
            "noise_of_the_voltage_curves_V": profile.noise_V,
        },
        "specimens": described,
    }


def tiff(file, array, voxel_size_um):
    """
    Write a TIFF whose bytes depend on the array and the voxel size only.

    Parameters
    ----------
    file : Path
    array : (Z, Y, X) or (Z, X) ndarray of uint8 or uint16
        Slices along the first axis of a volume become pages.
    voxel_size_um : float
        Told as resolution in pixels per centimeter.
    """
    import tifffile

    per_cm = round(1e4 / voxel_size_um * 1000), 1000
    with storage.atomic(file) as temporary:
        tifffile.imwrite(
            temporary, np.ascontiguousarray(array), photometric="minisblack", byteorder="<",
            metadata=None, software=False, resolution=(per_cm, per_cm),
            resolutionunit="CENTIMETER",
        )  # fmt: skip


def _crate(folder, whole):
    """RO-Crate of the folder: every file with its hash."""
    from rocrate.rocrate import ROCrate

    made = ROCrate()
    made.name, made.license, made.datePublished = whole["name"], LICENSE, DATE
    made.description = card.ABOUT
    made.root_dataset["isBasedOn"] = {"@id": REPOSITORY}
    made.root_dataset["version"] = VERSION
    for name, digest in _digests(folder).items():
        kind = {".tif": "image/tiff", ".json": "application/json", ".csv": "text/csv"}.get(
            Path(name).suffix, "text/plain"
        )
        size = str((folder / name).stat().st_size)
        made.add_file(
            dest_path=name,
            properties={"encodingFormat": kind, "contentSize": size, "sha256": digest},
        )
    return made.metadata.generate()


def _digests(folder):
    """SHA-256 of every file below a folder, by name."""
    return {
        file.relative_to(folder).as_posix(): hashlib.sha256(file.read_bytes()).hexdigest()
        for file in sorted(folder.rglob("*"))
        if file.is_file()
    }


def _json(content):
    return json.dumps(content, indent=1, ensure_ascii=False, sort_keys=True) + "\n"


def _text(file, text):
    with storage.atomic(file) as temporary:
        temporary.write_text(text, encoding="utf-8")
