"""What the chapter on a reader's own tomogram needs beside the study of one volume."""

import glob
import os
import re
from pathlib import Path

import numpy as np
import tifffile

from analysis import profiles, storage
from analysis.phases import check_voxel_size
from analysis.tomogram import read_gray, write_tiff

SEED = 2022

EXAMPLE = "SL-1"

# Folder of the reader's file. Not a parameter of the chapter: a report is passed on, and the
# folders of its author are nobody's business.
FOLDER_VARIABLE = "CBD_TOMOGRAM_FOLDER"

TITLES = {
    "thresholding": "Thresholding",
    "kmeans": "k-means",
    "edx-closing": "EDX-Closing",
    "posterior": "Posterior",
}


def example_file(profile):
    """
    Write a virtual tomogram as a 16-bit TIFF, as a beamline would deliver it.

    Returns
    -------
    file : Path
    """
    volume = storage.load_volume(f"gray/{EXAMPLE}", profile=profile)
    gray = volume.values
    low, high = np.quantile(gray, (0.0005, 0.9995))
    scaled = np.clip((gray - low) / (high - low), 0, 1) * 65535
    file = storage.path("volumes", f"gray/{EXAMPLE}.tif", profile=profile)
    with storage.atomic(file) as temporary:
        tifffile.imwrite(temporary, scaled.astype(np.uint16), photometric="minisblack")
    return storage.record_write(file)


def load(tomogram, profile, *, dataset="", crop="", polarity=""):
    """
    Gray values with bright particles: the reader's whole volume, or the middle of the example.

    Parameters
    ----------
    tomogram : str
        File, as seen from the folder that :data:`FOLDER_VARIABLE` names; empty for the example.
    profile : str
        Name of the profile, for the size of the example.
    dataset, crop, polarity : str
        As for :func:`analysis.tomogram.read_gray`.

    Returns
    -------
    gray : (Z, Y, X) ndarray
        Gray values, brighter where there is more matter.
    """
    if not tomogram:
        edge = min(profiles.get(profile).lateral, 64)
        return read_gray(example_file(profile))[:, :edge, :edge]
    file = located(os.environ.get(FOLDER_VARIABLE, ""), tomogram)
    return read_gray(file, dataset, crop=crop or None, polarity=polarity)


def split(tomogram):
    """
    Folder and name of a tomogram; of a pattern of slices, the name is all that holds wildcards.

    Examples
    --------
    >>> split("/data/run7/slices_*/a*.tif")
    ('/data/run7', 'slices_*/a*.tif')

    Returns
    -------
    folder : str
        Absolute.
    name : str
        The rest of the path.
    """
    path = Path(tomogram)
    if not glob.has_magic(str(tomogram)) or path.exists():
        absolute = Path(os.path.abspath(path))
        return str(absolute.parent), absolute.name
    first = next(i for i, part in enumerate(path.parts) if glob.has_magic(part))
    return os.path.abspath(Path(*path.parts[:first])), str(Path(*path.parts[first:]))


def located(folder, name):
    """What to give to the reader: a path, or a pattern in which the folder means itself only."""
    path = os.path.join(folder, name)
    if not glob.has_magic(name) or os.path.exists(path):
        return path
    return os.path.join(glob.escape(folder), name)


def files_of(folder, name):
    """The file, or the slices that a pattern names, in alphabetical order."""
    path = located(folder, name)
    if path == os.path.join(folder, name) and os.path.exists(path):
        return [Path(path)]
    return sorted(Path(file) for file in glob.glob(path))


def as_code(name):
    """
    A name as inline code of Markdown, whatever characters it holds.

    A backtick, markup or a line break in a file name must not become part of the page.

    Examples
    --------
    >>> as_code("a`b.tif")
    '``a`b.tif``'
    """
    shown = "".join(c if c.isprintable() else c.encode("unicode_escape").decode() for c in name)
    longest = max((len(run) for run in re.findall("`+", shown)), default=0)
    fence = "`" * (longest + 1)
    pad = " " if shown[:1] in ("`", " ", "") or shown[-1:] in ("`", " ") else ""
    return f"{fence}{pad}{shown}{pad}{fence}"


def introduction(tomogram, gray, voxel_size_um, *, dataset="", crop="", polarity=""):
    """What this page shows, in Markdown."""
    check_voxel_size(voxel_size_um)
    name = tomogram or f"{EXAMPLE}.tif"
    origin = "your file" if tomogram else "a synthetic tomogram"
    words = [
        f"This page shows **{origin}**, {as_code(name)}: {' × '.join(map(str, gray.shape))} voxels "
        f"(z, y, x) of {voxel_size_um} µm, type {gray.dtype}."
    ]
    if dataset:
        words.append(f"It is the dataset {as_code(dataset)}.")
    if crop:
        words.append(f"It is the part {as_code(crop)} of the file.")
    if polarity == "dark":
        words.append("Its particles are dark; dark and bright were exchanged.")
    else:
        words.append("Its particles are taken to be bright.")
    return " ".join(words)


def failures(failed):
    """Which methods failed and why, as an admonition in Markdown; a plain sentence if none did."""
    if not failed:
        return "Every method gave labels."
    lines = [f"- **{TITLES.get(name, name)}**: {as_code(why)}" for name, why in failed.items()]
    return "**These methods failed on this volume and are missing below.**\n\n" + "\n".join(lines)


def reference(labels):
    """Method that the others are compared with: k-means, or the first that succeeded."""
    return "kmeans" if "kmeans" in labels else next(iter(labels))


def agreement_sentence(table, against):
    """How much of AM and CBD the first other method shares with the reference, in Markdown."""
    others = table[table["method"] != against]
    if others.empty:
        return "Only one method gave labels, so there is nothing to compare."
    row = others.iloc[0]
    return (
        f"{TITLES[row['method']]} and {TITLES[against]} share {row['Jaccard AM']:.2f} of their AM "
        f"and {row['Jaccard CBD']:.2f} of their CBD (Jaccard; dealing CBD and pore at random gives "
        f"{row['chance CBD']:.2f}). The nearer the second number is to chance, the more the "
        "results below depend on the choice of method."
    )


def save(labels, voxel_size_um, profile):
    """Write the labels of every method as netCDF and as TIFF."""
    check_voxel_size(voxel_size_um)
    for method, volume in labels.items():
        name = f"labels/OWN-1-{method}"
        common = {"specimen": "OWN", "cutout": 1, "method": method}
        storage.save_volume(name, volume, profile=profile, voxel_size_um=voxel_size_um, **common)
        file = storage.path("volumes", name + ".tif", profile=profile)
        write_tiff(file, volume, voxel_size_um)
        storage.record_write(file, voxel_size_um=voxel_size_um)
