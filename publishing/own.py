"""A reader's own tomogram through the chapter that shows how: ``make own``."""

import os
import shutil
from pathlib import Path

from analysis import storage
from analysis.phases import Phase
from analysis.tomogram import parse_fractions, parse_voxel_size, read_gray
from publishing import stamps
from publishing.build import build_site
from publishing.chapters import ROOT
from publishing.execute import run_chapter
from publishing.stage import merged_notebook, write_if_changed

CHAPTER = ROOT / "book" / "21_own_tomogram.md"

COMPANIONS = ("glossary.md", "bibliography.md")  # what the report's links lead to


def run(tomogram, *, voxel_size_um, fractions, dataset="", out="", say=print):
    """
    Trinarize, describe and simulate a tomogram; leave a report and the labels.

    Parameters
    ----------
    tomogram : str
        Gray volume: multi-page TIFF, ``.npy``, HDF5 or netCDF.
    voxel_size_um : str or float
        Edge of a voxel [µm].
    fractions : str
        Target volume fractions ``AM,CBD,pore`` [-].
    dataset : str
        Dataset in an HDF5 or netCDF file.
    out : str
        Folder for the report; ``own/<name of the tomogram>`` by default.
    say : callable
        Receives progress.

    Returns
    -------
    page : Path
        The report.

    Raises
    ------
    FileNotFoundError, ValueError
        If the input is not fit; nothing is written then.
    ChapterFailed, SphinxFailed
        If the analysis or the report stops half-way.
    """
    if not str(tomogram).strip():
        raise ValueError(
            "No tomogram given. Call: make own TOMOGRAM=scan.tif VOXEL_SIZE_UM=0.642 "
            "FRACTIONS=0.5954,0.2308,0.1738"
        )
    size = parse_voxel_size(voxel_size_um)
    targets = parse_fractions(fractions)
    absent = [phase.title for phase in Phase if targets[phase] == 0]
    if absent:
        raise ValueError(
            f"FRACTIONS={fractions}: the target of {absent[0]} is 0; the methods expect three "
            "phases. Give the volume fraction that recipe and density lead to."
        )
    shape = read_gray(tomogram, dataset).shape
    source = Path(tomogram).resolve()
    out = Path(out or ROOT / "own" / source.stem).resolve()
    say(f"{source.name}: {' x '.join(map(str, shape))} voxels of {size} µm. Analyzing ...")
    build = stamps.Build("own", out / "build")
    os.environ[storage.ROOT_VARIABLE] = str(out / "results")
    stamp = run_chapter(
        CHAPTER,
        CHAPTER.stem,
        build=build,
        parameters={
            "profile": "own",
            "tomogram": str(source),
            "voxel_size_um": size,
            "fractions": fractions,
            "dataset": dataset or "",
        },
    )
    say(f"Analyzed in {stamp['seconds']:.0f} s. Building the report ...")
    made = build_site(_stage(build), build, strict=False)
    report = out / "report"
    shutil.rmtree(report, ignore_errors=True)
    shutil.copytree(made.parent, report)
    for file in sorted((out / "results" / "own" / "volumes" / "labels").iterdir()):
        shutil.copy2(file, out / file.name)
    page = report / "index.html"
    say(f"Report: {page}\nLabels: {out}")
    return page


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
    for name in ("_static", "_ext"):
        for file in (ROOT / "book" / name).rglob("*"):
            if file.is_file() and file.suffix != ".pyc":
                write_if_changed(folder / file.relative_to(ROOT), file.read_bytes())
    return folder
