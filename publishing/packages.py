"""What each package does here: where it is used is read from the imports, so it cannot go stale.

What a package is for, and why it and not another, has to be said by hand: :data:`REASONS`.
"""

import ast
import importlib.metadata
import re
import tomllib
from dataclasses import dataclass

from publishing.chapters import ROOT, chapters_in_book
from publishing.fingerprint import code_cells, import_closure

IMPORT_NAMES = {
    "scikit-image": "skimage",
    "scikit-learn": "sklearn",
    "connected-components-3d": "cc3d",
    "py-bobyqa": "pybobyqa",
    "pynrrd": "nrrd",
    "beautifulsoup4": "bs4",
    "jupyter-book": "jupyter_book",
    "sphinx-exercise": "sphinx_exercise",
}

# Packages that another one takes up when they are there
THROUGH = {"imagecodecs": "tifffile", "tqdm": "pooch", "ipykernel": "papermill"}

# What it does, why it and not another, and what would be missing without it.
REASONS = {
    "numpy": "arrays of voxels; everything else takes them; without it nothing runs",
    "scipy": "transforms, sparse solvers, optimizers; well tested where speed is not ours to gain",
    "numba": "compiles loops over voxels; no second language to build; chapters would take days",
    "pandas": "tables of results; their formatting and CSV would be ours",
    "xarray": "arrays with names and units in netCDF; axes would be numbers",
    "h5netcdf": "writes netCDF without a C library; results would have no format",
    "h5py": "reads HDF5 tomograms; `make own` would refuse them",
    "tifffile": "reads and writes TIFF stacks, the form in which tomograms are exchanged",
    "imagecodecs": "compressions of TIFF that tifffile hands on to it",
    "pynrrd": "reads NRRD, the format of 3D Slicer",
    "scikit-image": "filters, watershed, thresholds, shortest paths; the standard beside ours",
    "scikit-learn": "random forest, and the k-means that ours must equal with unit weights",
    "connected-components-3d": "labels clusters in 3D much faster than scipy",
    "edt": "exact distance transform, several times faster than scipy's",
    "porespy": "descriptors and generators of the field, beside ours",
    "pyvista": "renders voxels without a screen; the pictures in three dimensions",
    "keras": "the networks of the paper, its own library",
    "jax": "differentiates and compiles for Keras; smaller to install than the other backends",
    "py-bobyqa": "fits without derivatives the settings of the chapter on local closing",
    "fipy": "the model of the half cell: equations that can be read and changed",
    "dask": "simulations as tasks on a cluster",
    "distributed": "its scheduler and workers",
    "jupyter-book": "makes a site of chapters; version 1, since 2 cannot build offline",
    "jupytext": "chapters as text that git can compare, paired with notebooks",
    "papermill": "executes chapters with the name of a profile as a parameter",
    "ipykernel": "the process in which a chapter runs",
    "nbformat": "reads and writes notebooks",
    "matplotlib": "all figures that are not renderings",
    "sphinx-exercise": "exercises with solutions that fold out",
    "numpydoc": "checks and sets the docstrings of the pages on the package",
    "beautifulsoup4": "reads the built pages for PDF and ePub",
    "pooch": "fetches the measured electrode and checks its hash",
    "tqdm": "the progress of that download",
    "psutil": "memory and processes, for limits and for the table of times",
    "rocrate": "describes the results for an archive",
}


@dataclass(frozen=True)
class Use:
    """
    Where a package of the lock is used.

    Attributes
    ----------
    package, version : str
        Its name and the version that is installed.
    chapters : tuple of str
        Chapters that import it themselves or through the package's modules.
    modules : tuple of str
        Modules that import it or name it, as files below the root.
    """

    package: str
    version: str
    chapters: tuple
    modules: tuple


def declared(root=ROOT):
    """Names of the packages that ``pyproject.toml`` asks for, in lower case."""
    project = tomllib.loads((root / "pyproject.toml").read_text(encoding="utf-8"))["project"]
    return [re.split(r"[<>=!~\[; ]", line)[0].lower() for line in project["dependencies"]]


def uses(root=ROOT):
    """
    Where each package is used, from the imports of chapters, modules and extensions.

    Parameters
    ----------
    root : Path
        The repository.

    Returns
    -------
    uses : list of Use
        In the order of ``pyproject.toml``.
    """
    wanted = {IMPORT_NAMES.get(name, name): name for name in declared(root)}
    files = [
        file
        for folder in ("analysis", "publishing", "book/_ext")
        for file in sorted((root / folder).rglob("*.py"))
        if file != root / "publishing/packages.py"
    ]
    by_file = {file: _packages(file.read_text(encoding="utf-8"), wanted) for file in files}
    configuration = (root / "_config.yml").read_text(encoding="utf-8")
    in_chapters = {name: [] for name in wanted}
    for chapter in chapters_in_book(root):
        code = "\n".join(code_cells(chapter.source))
        reached = set(_packages(_plain(code), wanted))
        for file in import_closure(code, root):
            reached |= by_file.get(file, set())
        for name in reached:
            in_chapters[name].append(chapter.name)
    found = []
    for imported, package in wanted.items():
        names = {imported, THROUGH.get(package, imported)}
        places = [str(file.relative_to(root)) for file in files if names & by_file[file]]
        if re.search(rf"^\s*-\s*{re.escape(imported)}\b", configuration, re.MULTILINE):
            places.append("_config.yml")
        version = importlib.metadata.version(package)
        chapters = in_chapters[imported] or in_chapters.get(THROUGH.get(package), [])
        found.append(Use(package, version, tuple(chapters), tuple(places)))
    return found


def _plain(code):
    return "\n".join("" if line.lstrip()[:1] in "%!" else line for line in code.split("\n"))


def _packages(code, wanted):
    """Wanted packages that some code imports, or names by a string as a program or an engine."""
    found = set()
    for node in ast.walk(ast.parse(code)):
        if isinstance(node, ast.Import):
            found |= {alias.name.split(".")[0] for alias in node.names}
        elif isinstance(node, ast.ImportFrom) and not node.level:
            found.add((node.module or "").split(".")[0])
        elif isinstance(node, ast.Constant) and isinstance(node.value, str):
            found.add(node.value.replace("-", "_"))
    return found & set(wanted)
