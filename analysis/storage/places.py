"""Where results lie, ``results/<profile>/<kind>/<name>``, and whether they are there."""

import os
from pathlib import Path

from analysis import profiles

KINDS = {"volumes": ".nc", "curves": ".nc", "tables": ".csv", "models": "", "cases": ".nc"}

MANIFEST = "manifest.json"  # what every chapter read and wrote, in the folder of the profile

OWN = "own"  # stands in for a profile where a reader's own tomogram is worked on

ROOT_VARIABLE = "CBD_RESULTS"  # where results lie, if not beside the package


def results_root():
    """Folder that holds one folder of results per profile."""
    default = Path(__file__).resolve().parents[2] / "results"
    return Path(os.environ.get(ROOT_VARIABLE, default))


def path(kind, filename, *, profile):
    """
    Where a result lies.

    Parameters
    ----------
    kind : {"volumes", "curves", "tables", "models", "cases"}
        What it is.
    filename : str
        Name below the kind's folder, with ending; may hold folders.
    profile : Profile or str
        The profile or its name, or "own".

    Raises
    ------
    ValueError
        If kind or profile are unknown or the name leaves its folder.
    """
    if kind not in KINDS:
        raise ValueError(f"Unknown kind of result {kind!r}; expected one of {', '.join(KINDS)}.")
    relative = Path(filename)
    if relative.is_absolute() or ".." in relative.parts:
        raise ValueError(f"The result name {filename!r} leaves its folder; give a relative name.")
    return results_root() / profile_name(profile) / kind / relative


def exists(kind, name, *, profile):
    """Whether a result is on disk; `name` as given to the save function."""
    return path(kind, name + KINDS[kind], profile=profile).exists()


def require(kind, *names, profile):
    """
    Make sure that results are on disk before work begins.

    Parameters
    ----------
    kind : {"volumes", "curves", "tables", "models", "cases"}
        What they are.
    *names : str
        As given to the save functions.
    profile : Profile or str
        The profile or its name.

    Raises
    ------
    FileNotFoundError
        Naming all that are missing.
    """
    absent = [name for name in names if not exists(kind, name, profile=profile)]
    if absent:
        raise not_there(kind, absent, profile=profile)


def not_there(kind, names, *, profile):
    """The error that says which results are missing, where they were sought, and what to do."""
    where = path(kind, names[0] + KINDS[kind], profile=profile)
    return FileNotFoundError(
        f"Run the chapters before this one: make book PROFILE={profile_name(profile)}. Missing "
        f"among the {kind} of profile {profile_name(profile)!r}: {', '.join(map(repr, names))} "
        f"(looked for {where})."
    )


def profile_name(profile):
    """Name of a profile that exists, or "own"; raises ValueError for any other."""
    return OWN if profile == OWN else profiles.name_of(profile)


def profile_of(file):
    """Profile whose result a file is; empty for anything else, as the start of a resolved run."""
    try:
        profile, *inside = Path(file).absolute().relative_to(results_root().absolute()).parts
    except ValueError:
        return ""
    kept = inside == [MANIFEST] or (len(inside) > 1 and inside[0] in KINDS)
    return profile if kept and not inside[-1].startswith(".") else ""
