"""The executed chapters of the book and the order they need.

A chapter is a MyST notebook ``book/<name>.md``. `needs` names the chapters whose results it
reads; what it really read is recorded at run time (see :mod:`publishing.execute`).
"""

import difflib
from dataclasses import dataclass
from graphlib import TopologicalSorter
from pathlib import Path

import numpy as np
import yaml

ROOT = Path(__file__).resolve().parents[1]


@dataclass(frozen=True)
class Chapter:
    """
    An executed chapter.

    Attributes
    ----------
    name : str
        File name below ``book/``, without ending.
    needs : tuple of str
        Chapters that must have run before.
    """

    name: str
    needs: tuple[str, ...] = ()

    @property
    def source(self):
        """The MyST notebook."""
        return ROOT / "book" / f"{self.name}.md"


TRINARIZATIONS = ("03_thresholding", "04_clustering", "05_neural_network", "06_local_closing")
MORPHOLOGY = (  # with the limit of a tomogram, whose maps are lithiated as well
    "07_agreement",
    "07b_limit",
    "10_surface_and_size",
    "11_paths",
    "12_covariance",
    "13_profiles",
)

CHAPTERS = (
    Chapter("01_electrodes"),
    Chapter("02_tomography"),
    Chapter("02b_correlative", needs=("02_tomography",)),
    Chapter("03_thresholding", needs=("02_tomography",)),
    Chapter("04_clustering", needs=("03_thresholding",)),
    Chapter("05_neural_network", needs=("02b_correlative",)),
    Chapter("05b_leakage", needs=("05_neural_network",)),
    Chapter(
        "06_local_closing",
        needs=(
            "02b_correlative",
            "04_clustering",
        ),
    ),
    Chapter(
        "07_agreement",
        needs=(*TRINARIZATIONS, "07b_limit"),
    ),
    Chapter(
        "07b_limit",
        needs=(
            "02_tomography",
            *TRINARIZATIONS,
        ),
    ),
    Chapter("08_model", needs=("02_tomography",)),
    Chapter("09_verification"),
    Chapter("09b_rests"),
    Chapter(
        "10_surface_and_size",
        needs=(*TRINARIZATIONS, "07b_limit"),
    ),
    Chapter("10b_how_real", needs=("10_surface_and_size",)),
    Chapter(
        "11_paths",
        needs=(*TRINARIZATIONS, "07b_limit"),
    ),
    Chapter(
        "12_covariance",
        needs=(
            *TRINARIZATIONS,
            "07b_limit",
            "10_surface_and_size",
        ),
    ),
    Chapter(
        "13_profiles",
        needs=(*TRINARIZATIONS, "07b_limit"),
    ),
    Chapter(
        "14_lithiation",
        needs=(
            *TRINARIZATIONS,
            "08_model",
        ),
    ),
    Chapter(
        "14b_resolved",
        needs=(*TRINARIZATIONS, "07b_limit"),  # the paper's size lithiates posterior and draw, too
    ),
    Chapter(
        "14c_one_gamma",
        needs=(
            *TRINARIZATIONS,
            "07b_limit",
            "14_lithiation",
        ),
    ),
    Chapter(
        "15_impedance",
        needs=TRINARIZATIONS,
    ),
    Chapter(
        "16_conclusion",
        needs=(
            *TRINARIZATIONS,
            "07_agreement",
            "07b_limit",
            "10_surface_and_size",
            "11_paths",
            "12_covariance",
            "13_profiles",
            "14_lithiation",
            "14c_one_gamma",
            "15_impedance",
        ),
    ),
    Chapter(
        "which_method",
        needs=(*TRINARIZATIONS, "07b_limit", "13_profiles", "14_lithiation"),
    ),
    Chapter("20_measured_electrode"),
    Chapter("21_own_tomogram", needs=("02_tomography",)),
    Chapter(
        "22_challenge",
        needs=(
            "02b_correlative",
            "05_neural_network",
            "07_agreement",
            "10_surface_and_size",
            "14_lithiation",
        ),
    ),
    Chapter("paper_tables"),
    Chapter(
        "index",
        needs=(
            "02_tomography",
            *TRINARIZATIONS,
            "07_agreement",
            "07b_limit",
            "13_profiles",
            "14_lithiation",
        ),
    ),
    Chapter("17_reproduce"),
)

COLOPHON = "17_reproduce"  # reads the manifest of all other chapters, so it is not in it


def ways(needs, seconds):
    """
    Work that waits for each chapter: its own and the longest way from it to the end.

    Parameters
    ----------
    needs : dict of str to iterable of str
        For each chapter those that must be done before.
    seconds : dict of str to float
        What chapters take. One that is missing counts as the median of the others, or 1.

    Returns
    -------
    ways : dict of str to float
        In seconds, keyed by chapter.

    Examples
    --------
    >>> sorted(ways({"a": (), "b": ("a",), "c": ()}, {"a": 1, "b": 5, "c": 3}).items())
    [('a', 6.0), ('b', 5.0), ('c', 3.0)]
    """
    usual = float(np.median(list(seconds.values()))) if seconds else 1.0
    after = {name: [] for name in needs}
    for name, before in needs.items():
        for one in before:
            after.setdefault(one, []).append(name)
    found = {}
    for name in TopologicalSorter(after).static_order():  # who waits comes first
        later = max((found[one] for one in after[name]), default=0.0)
        found[name] = float(seconds.get(name, usual)) + later
    return found


def table_of_contents(root=ROOT):
    """
    Documents that ``_toc.yml`` names, in order, as paths relative to the root.

    Returns
    -------
    documents : list of str
        ``book/03_thresholding.ipynb`` for executed chapters, ``book/glossary`` for text.
    """
    toc = yaml.safe_load((Path(root) / "_toc.yml").read_text(encoding="utf-8"))
    documents = [toc["root"]]

    def walk(node):
        for entry in node.get("chapters", []) + node.get("sections", []):
            if "file" in entry:
                documents.append(entry["file"])
            walk(entry)

    for part in toc.get("parts", [toc]):
        walk(part)
    return documents


def chapters_in_book(root=ROOT):
    """
    The executed chapters that the table of contents names, in its order.

    Raises
    ------
    ValueError
        If a notebook in the table of contents is not declared in :data:`CHAPTERS`, or a chapter
        needs one that is not in the book.
    """
    declared = {chapter.name: chapter for chapter in CHAPTERS}
    names = [Path(doc).stem for doc in table_of_contents(root) if doc.endswith(".ipynb")]
    unknown = [name for name in names if name not in declared]
    if unknown:
        raise ValueError(
            f"_toc.yml names {', '.join(unknown)}, which publishing/chapters.py does not "
            "declare. Add a Chapter with what it needs."
        )
    for name in names:
        absent = [need for need in declared[name].needs if need not in names]
        if absent:
            raise ValueError(
                f"Chapter {name} needs {', '.join(absent)}, which _toc.yml does not name. "
                "Add it to the table of contents or drop the need."
            )
    return [declared[name] for name in names]


def with_needs(names, chapters):
    """
    Some chapters and all that they need, in the order of the book.

    Parameters
    ----------
    names : sequence of str
        Chapters that are wanted.
    chapters : list of Chapter
        All of the book.

    Returns
    -------
    part : list of Chapter

    Raises
    ------
    ValueError
        If the book has no chapter of a name; says which is meant, if one is close.
    """
    known, wanted, ahead = {chapter.name: chapter for chapter in chapters}, set(), list(names)
    while ahead:
        name = ahead.pop()
        if name not in known:
            close = difflib.get_close_matches(name, known, n=1)
            hint = f" Did you mean {close[0]!r}?" if close else ""
            raise ValueError(
                f"There is no chapter {name!r}.{hint} Expected some of {', '.join(known)}."
            )
        if name not in wanted:
            wanted.add(name)
            ahead += [*known] if name == COLOPHON else known[name].needs
    return [chapter for chapter in chapters if chapter.name in wanted]
