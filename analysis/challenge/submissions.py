"""Entries that others have sent in: a YAML file and a script, side by side in one folder."""

from dataclasses import dataclass
from pathlib import Path

import yaml

from analysis.figures import style

FOLDER = Path(__file__).resolve().parents[2] / "book/challenge_entries"
REQUIRED = ("name", "script", "authors", "licence", "about")
OPTIONAL = ("doi", "url")
LONGEST = {"name": 40, "about": 600, "licence": 40, "doi": 100, "url": 200}  # characters
RESERVED = {"truth", "floor", "limit"} | {
    name.casefold()
    for key, one in (style.METHODS | style.OURS).items()
    for name in (key, one.label)
}


@dataclass(frozen=True)
class Submission:
    """
    An entry of the results page.

    Attributes
    ----------
    name : str
        As it stands in tables.
    script : Path
    authors : tuple of str
    licence, about, doi, url : str
    """

    name: str
    script: Path
    authors: tuple[str, ...]
    licence: str
    about: str
    doi: str = ""
    url: str = ""


def everything(folder=FOLDER):
    """
    All submissions of a folder, by name of their files.

    Parameters
    ----------
    folder : path-like

    Returns
    -------
    submissions : list of Submission

    Raises
    ------
    ValueError
        If one is not complete, or two have one name.
    """
    found = [read(file) for file in sorted(Path(folder).glob("*.yml"))]
    names = [one.name.casefold() for one in found]
    double = {name for name in names if names.count(name) > 1}
    if double:
        raise ValueError(f"{folder} holds several entries named {sorted(double)}; rename one.")
    return found


def read(file):
    """
    One submission.

    Parameters
    ----------
    file : path-like
        YAML with ``name``, ``script`` (a file beside it), ``authors`` (a list), ``licence`` and
        ``about``; ``doi`` and ``url`` if there are any.

    Returns
    -------
    Submission

    Raises
    ------
    ValueError
        If the file is no YAML, or a field is missing, unknown, or not what it should be.
    """
    file = Path(file)
    try:
        fields = yaml.safe_load(file.read_text(encoding="utf-8"))
    except (yaml.YAMLError, UnicodeDecodeError) as error:
        raise ValueError(f"{file} is no YAML file: {error}") from None
    if not isinstance(fields, dict):
        raise ValueError(f"{file} holds {type(fields).__name__}; expected lines `name: ...`.")
    missing = [key for key in REQUIRED if not fields.get(key)]
    unknown = [str(key) for key in fields if key not in (*REQUIRED, *OPTIONAL)]
    if missing or unknown:
        seen = [f"lacks {', '.join(missing)}"] * bool(missing)
        seen += [f"has {', '.join(unknown)}"] * bool(unknown)
        raise ValueError(
            f"{file} {' and '.join(seen)}; expected {', '.join(REQUIRED)}, and perhaps "
            f"{', '.join(OPTIONAL)}."
        )
    authors = fields.pop("authors")
    if not isinstance(authors, list) or not all(isinstance(one, str) and one for one in authors):
        raise ValueError(f"{file}: authors are {authors!r}; expected a list of names: [A, B].")
    for key, value in fields.items():
        if not isinstance(value, str):
            raise ValueError(f"{file}: {key} is {value!r}; expected text.")
        fields[key] = " ".join(value.split())
        if len(fields[key]) > LONGEST.get(key, 200):
            raise ValueError(
                f"{file}: {key} has {len(fields[key])} characters; expected at most {LONGEST[key]}."
            )
    if fields["name"].casefold() in RESERVED:
        raise ValueError(
            f"{file}: the name {fields['name']!r} is taken by the book; choose another."
        )
    name = fields.pop("script")
    script = file.parent / name
    if Path(name).name != name or script.suffix != ".py" or not script.is_file():
        raise ValueError(
            f"{file}: script is {name!r}; expected the name of a Python file in {file.parent}."
        )
    return Submission(script=script, authors=tuple(authors), **fields)
