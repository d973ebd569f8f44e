"""RO-Crate of a run: the result files with checksum, the chapter that made each, and its inputs.

Made from ``manifest.json``, which is written with every run. The crate describes files where
they lie; nothing is copied.
"""

import json
import mimetypes
import platform
from pathlib import Path

from analysis import __version__, paper, storage

LICENSE = "https://creativecommons.org/licenses/by/4.0/"
REPOSITORY = "https://github.com/cbd-compendium/cbd-compendium"
TITLE = "Where is the carbon-binder domain? Results of one run"

_FORMATS = {".nc": "application/netcdf", ".csv": "text/csv", ".keras": "application/zip"}


def export(profile, *, progress=print):
    """
    Write ``results/<profile>/ro-crate-metadata.json``.

    Parameters
    ----------
    profile : str
        Name of a profile that has run.
    progress : callable
        Receives where the crate lies.

    Returns
    -------
    file : Path

    Raises
    ------
    FileNotFoundError
        If the profile has no manifest.
    storage.Damaged
        If the manifest is not as it was written.
    """
    folder = storage.results_root() / profile
    source = folder / "manifest.json"
    if not source.exists():
        raise FileNotFoundError(
            f"There is no manifest of profile {profile!r} (looked for {source}). "
            f"Run the book first: make book PROFILE={profile}"
        )
    storage.check(source)
    manifest = json.loads(source.read_text(encoding="utf-8"))
    target = folder / "ro-crate-metadata.json"
    with storage.atomic(target) as temporary:
        text = json.dumps(crate(manifest).metadata.generate(), indent=1, ensure_ascii=False)
        temporary.write_text(text + "\n", encoding="utf-8")
    progress(f"RO-Crate: {target}")
    return target


def crate(manifest):
    """
    The crate of a manifest.

    Parameters
    ----------
    manifest : dict
        As :func:`publishing.stamps.write_manifest` writes it.

    Returns
    -------
    crate : rocrate.rocrate.ROCrate
        A file entity per result, a software entity, and a create-action per chapter.
    """
    from rocrate.model.contextentity import ContextEntity
    from rocrate.rocrate import ROCrate

    made = ROCrate()
    profile = manifest["profile"]
    made.name = f"{TITLE}, profile {profile}"
    made.description = (
        "Labels, curves and tables of a Jupyter book that re-examines Prifling et al. 2022 on "
        "virtual electrodes with known truth and on a measured electrode."
    )
    made.license = LICENSE
    made.root_dataset["isBasedOn"] = {"@id": f"https://doi.org/{paper.DOI}"}
    software = made.add(
        ContextEntity(
            made,
            REPOSITORY,
            properties={
                "@type": "SoftwareApplication",
                "name": "cbd-compendium",
                "version": manifest["package_version"],
                "softwareRequirements": f"Python {platform.python_version()}",
            },
        )
    )
    files = {}
    for chapter in manifest["chapters"].values():
        for path, output in chapter["outputs"].items():
            files[path] = made.add_file(
                dest_path=_inside(path, profile),
                properties=_properties(path, output),
            )
    for name, chapter in manifest["chapters"].items():
        action = ContextEntity(
            made,
            f"#{name}",
            properties={
                "@type": "CreateAction",
                "name": f"Chapter {name}",
                "description": f"{chapter['seconds']} s, {chapter['peak_memory_MB']} MB at most",
            },
        )
        action["instrument"] = software
        action["object"] = [files[path] for path in chapter["inputs"] if path in files]
        action["result"] = [files[path] for path in chapter["outputs"]]
        made.add(action)
    return made


def _properties(path, output):
    suffix = Path(path).suffix
    kind = _FORMATS.get(suffix) or mimetypes.guess_type(path)[0] or "application/octet-stream"
    return {
        "name": Path(path).name,
        "encodingFormat": kind,
        "contentSize": str(output["bytes"]),
        "sha256": output["sha256"],
        "softwareVersion": output.get("package_version", __version__),
    }


def _inside(path, profile):
    """Path below the folder of the profile, where the crate lies."""
    return Path(path).relative_to(profile).as_posix() if path.startswith(f"{profile}/") else path
