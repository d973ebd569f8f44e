"""A reader's own tomogram through the chapter that shows how: ``make own``."""

import html
import os
import warnings
from contextlib import ExitStack, contextmanager, suppress
from pathlib import Path

import nbformat

from analysis import storage
from analysis.phases import Phase
from analysis.storage import disk
from analysis.study.own_data import own_tomogram
from analysis.tomogram import (
    check_polarity,
    describe,
    parse_crop,
    parse_fractions,
    parse_voxel_size,
)
from publishing import owned, provenance, stamps
from publishing.build import build_site
from publishing.chapters import ROOT
from publishing.execute import only_run_of, run_chapter
from publishing.stage import merged_notebook, write_if_changed

CHAPTER = ROOT / "book" / "21_own_tomogram.md"

ORDER = (Phase.AM, Phase.CBD, Phase.PORE)  # of FRACTIONS

COMPANIONS = ("glossary.md", "bibliography.md")  # what the report's links lead to


def run(
    tomogram,
    *,
    voxel_size_um,
    fractions,
    dataset="",
    crop="",
    polarity="",
    out="",
    progress=print,
):
    """
    Trinarize, describe and simulate a tomogram; leave a report and the labels.

    Parameters
    ----------
    tomogram : str
        Gray volume, or a pattern of slices: see :func:`analysis.tomogram.read_gray`.
    voxel_size_um : str or float
        Edge of a voxel [µm].
    fractions : str
        Target volume fractions ``AM,CBD,pore`` [-].
    dataset : str
        Dataset in an HDF5 or netCDF file.
    crop : str
        Part of the file, ``z0:z1,y0:y1,x0:x1``.
    polarity : {"", "bright", "dark"}
        What the particles are; looked for in the gray values if not given.
    out : str
        Folder for the report; ``own/<name of the tomogram>`` by default.
    progress : callable
        Receives progress.

    Returns
    -------
    page : Path
        The report.

    Raises
    ------
    FileNotFoundError, ValueError
        If the input or the folder is not fit; nothing is written then.
    ChapterFailed, SphinxFailed
        If the analysis or the report stops half-way; the page in place of the report says so.
    RuntimeError
        If another run is writing to the same folder.
    """
    if not str(tomogram).strip():
        raise ValueError(
            "No tomogram given. Call: make own TOMOGRAM=scan.tif VOXEL_SIZE_UM=0.642 "
            "FRACTIONS=0.5954,0.2308,0.1738"
        )
    size = parse_voxel_size(voxel_size_um)
    targets = _fractions(fractions, progress)
    absent = [phase.title for phase in Phase if targets[phase] == 0]
    if absent:
        raise ValueError(
            f"FRACTIONS={fractions}: the target of {absent[0]} is 0; the methods expect three "
            "phases. Give the volume fraction that recipe and density lead to."
        )
    polarity = check_polarity(polarity)
    parse_crop(crop)
    place, name = own_tomogram.split(tomogram)
    folders = _folders(out, Path(place, name))
    with ExitStack() as held:
        locked = None
        if out and owned.owner(folders[0]) is not None:
            locked = folders[0]  # told before the file is read, if another run is there
            held.enter_context(only_run_of(stamps.Build("own", locked)))
        _understand(place, name, size, targets, dataset, crop, polarity, progress)
        source = provenance.identify(own_tomogram.files_of(place, name), dataset)
        folder = _folder_of(folders, source, out)
        held.enter_context(_want_of_space(folder))
        if folder != locked:
            held.enter_context(only_run_of(stamps.Build("own", folder)))
        _check_owner(folder, source)  # again, now that nobody else can change it
        owned.claim(folder, source)
        return _run_in(
            folder,
            place,
            {
                "profile": "own",
                "tomogram": name,
                "voxel_size_um": size,
                "fractions": ",".join(f"{targets[phase]:.12g}" for phase in ORDER),
                "dataset": dataset or "",
                "crop": crop or "",
                "polarity": polarity,
            },
            progress,
        )


def _fractions(text, progress):
    """Target fractions; what was done to them is said."""
    with warnings.catch_warnings(record=True) as caught:
        warnings.simplefilter("always")
        targets = parse_fractions(text)
    for warning in caught:
        progress(str(warning.message))
    return targets


def _folders(out, file):
    """Folders that may take the report, the best first; an error if there is none."""
    if out:
        return [owned.check(out, file)]
    fit, reason = [], None
    for folder in owned.default_folders(file):
        try:
            fit.append(owned.check(folder, file))
        except ValueError as error:
            reason = error
    if not fit:
        raise reason
    return fit


def _folder_of(folders, source, out):
    """The first folder that is free or holds a report on the same tomogram."""
    for folder in folders:
        holds = owned.owner(folder)
        if holds is None or holds.same_as(source):
            return folder
    _check_owner(folders[-1], source, out)
    raise AssertionError("unreachable")


def _check_owner(folder, source, out=""):
    holds = owned.owner(folder)
    if holds is not None and not holds.same_as(source):
        raise ValueError(
            f"{folder} holds the report on {holds}; this tomogram is {source}. Give it a folder "
            f"of its own: OUT={folder.parent / (folder.name + '-2')}"
        )


def _understand(place, name, size, targets, dataset, crop, polarity, progress):
    """Say what was read from the file, before any work."""
    file, cut = own_tomogram.located(place, name), crop or None
    found = describe(
        file, dataset, crop=cut, voxel_size_um=size, polarity=polarity, targets=targets
    )
    stated = ", ".join("?" if edge is None else f"{edge:g}" for edge in found.spacing_um)
    known = any(edge is not None for edge in found.spacing_um)
    of = f", dataset {found.dataset}" if found.dataset else ""
    progress(
        f"{_printable(name)} ({found.kind}{_printable(of)}): stored as {found.stored_axes}; taken "
        f"as {' x '.join(map(str, found.shape))} voxels, z (from separator to collector), y, x"
    )
    progress(
        f"type {found.dtype}, compression {found.compression}; voxel edge {size:g} µm, "
        + (f"the file says {stated} µm ({found.spacing_source})" if known else "the file says none")
    )
    progress(f"the commonest gray value fills {found.commonest_share:.1%} of the volume")
    if found.particles == "dark" and not polarity:
        raise ValueError(found.doubt)
    given = f"{polarity}, as POLARITY says" if polarity else "taken to be bright"
    seen = {
        "bright": "the gray values agree",
        "dark": "the gray values say otherwise",
        "unclear": "the gray values do not tell" + ("" if polarity else "; else add POLARITY=dark"),
    }[found.particles]
    progress(f"particles {given} ({seen}); stored so that {found.polarity}")
    if found.doubt:
        progress(f"LOOK: {found.doubt}")


def _run_in(folder, place, parameters, progress):
    name = _printable(parameters["tomogram"])
    owned.begin(folder, _page(name, "is being made", _RUNNING), progress)
    private = {str(folder): "OUT", place: "", str(ROOT): "", str(Path.home()): "~"}
    try:
        with _environment(
            {
                storage.ROOT_VARIABLE: str(folder / owned.WORK / "results"),
                own_tomogram.FOLDER_VARIABLE: place,
            }
        ):
            report, labels = _make(folder, parameters, private, progress)
        owned.publish(folder, report, labels, progress)
    except BaseException as error:
        reason = without(private, str(error) or type(error).__name__)
        with suppress(OSError):  # on a full disk, the page of the beginning stays
            owned.state(folder, _page(name, "could not be made", reason), "failed")
        raise
    page = folder / owned.REPORT / "index.html"
    progress(f"Report: {page}\nLabels: {folder}")
    return page


@contextmanager
def _want_of_space(folder):
    """Say of a full disk what helps here: another folder for the report."""
    try:
        yield
    except (OSError, RuntimeError) as error:
        why = disk.reason(error, folder)
        if not why:
            raise
        raise OSError(
            f"Could not write to {folder}: {why}. An earlier report, if there was one, lies there "
            f"in {owned.PREVIOUS}/. Free some space, or give another folder with OUT=..., and run "
            "again."
        ) from error


def _make(folder, parameters, private, progress):
    """Execute the chapter and build its pages; return the report and the files of labels."""
    progress("Analyzing ...")
    build = stamps.Build("own", folder / owned.WORK)
    stamp = run_chapter(CHAPTER, CHAPTER.stem, build=build, parameters=parameters)
    _clean(build.executed(CHAPTER.stem), private)
    progress(f"Analyzed in {stamp['seconds']:.0f} s. Building the report ...")
    made = build_site(_stage(build), build, strict=False)
    labels = storage.results_root() / "own" / "volumes" / "labels"
    return made.parent, sorted(labels.iterdir())


def without(private, text):
    """Text in which the folders of this machine are named by what they are to the reader."""
    for path, short in sorted(private.items(), key=lambda item: -len(item[0])):
        if len(path) > 1:
            text = text.replace(path + "/", short + "/" if short else "")
            text = text.replace(path, short or ".")
    return text


def _clean(notebook, private):
    """Take the folders of this machine out of an executed notebook."""
    executed = nbformat.read(notebook, as_version=4)
    executed.metadata.pop("papermill", None)
    for cell in executed.cells:
        for output in cell.get("outputs", []):
            if "text" in output:
                output["text"] = without(private, output["text"])
            for kind, content in output.get("data", {}).items():
                if kind.startswith("text/") and isinstance(content, str):
                    output["data"][kind] = without(private, content)
    with storage.atomic(notebook) as temporary:
        nbformat.write(executed, temporary)


def _stage(build):
    """The chapter as a small book of its own."""
    folder = build.folder / "stage"
    toc = ["format: jb-book", f"root: book/{CHAPTER.stem}", "chapters:"]
    toc += [f"  - file: book/{Path(name).stem}" for name in COMPANIONS]
    files = {
        "_toc.yml": "\n".join(toc) + "\n",
        "_config.yml": (ROOT / "_config.yml").read_text(encoding="utf-8"),
        f"book/{CHAPTER.stem}.ipynb": merged_notebook(CHAPTER, build),
        "book/references.bib": (ROOT / "book/references.bib").read_text(encoding="utf-8"),
        **{
            f"book/{name}": (ROOT / "book" / name).read_text(encoding="utf-8")
            for name in COMPANIONS
        },
    }
    for name, text in files.items():
        write_if_changed(folder / name, text.encode())
    for name in ("_static", "_ext", "_inventories"):
        for file in (ROOT / "book" / name).rglob("*"):
            if file.is_file() and file.suffix != ".pyc":
                write_if_changed(folder / file.relative_to(ROOT), file.read_bytes())
    return folder


_RUNNING = (
    "The analysis has started. If no run is going on any more, it was stopped before its end: "
    "call make own again."
)


def _page(name, how, text):
    """A page that stands where the report would, so that no older one is taken for it."""
    return (
        '<!doctype html>\n<html lang="en"><meta charset="utf-8">\n'
        f"<title>No report</title>\n<h1>The report on {html.escape(name)} {how}</h1>\n"
        f"<pre>{html.escape(text)}</pre>\n"
        f"<p>An earlier result, if there was one, lies in the folder <code>{owned.PREVIOUS}</code> "
        "beside this one.</p>\n</html>\n"
    )


def _printable(name):
    """A name with its control characters spelled out, for the terminal and for pages."""
    return "".join(c if c.isprintable() else c.encode("unicode_escape").decode() for c in name)


@contextmanager
def _environment(variables):
    before = {name: os.environ.get(name) for name in variables}
    os.environ.update(variables)
    try:
        yield
    finally:
        for name, value in before.items():
            if value is None:
                os.environ.pop(name, None)
            else:
                os.environ[name] = value
