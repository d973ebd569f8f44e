"""A stack as single slices: ``slices/*.tif``."""

import glob
import re
from pathlib import Path

import numpy as np

from analysis.tomogram.stored import Stored, n_bytes, ranges
from analysis.tomogram.tiff import open_tiff

ENDINGS = (".tif", ".tiff")


def open_slices(pattern, _="", *, brightness=True):
    """
    What the slices that a pattern names say of their volume, in the order of their numbers.

    Raises
    ------
    ValueError
        If no TIFF matches, a number is missing in the row, or the slices differ.
    """
    files = [Path(name) for name in glob.glob(pattern) if Path(name).suffix.lower() in ENDINGS]
    if not files:
        raise ValueError(_no_slices(pattern))
    files.sort(key=lambda path: (_numbers(path.name), path.name))
    gaps = _gaps(files)
    if gaps:
        raise ValueError(
            f"slices {ranges(gaps)} are missing in the row {files[0].name} ... {files[-1].name}. "
            "Copy them too, or rename the rest if nothing is missing"
        )
    parts = [open_tiff(file, brightness=brightness) for file in files]
    first = parts[0]
    if len(first.shape) != 2:
        raise ValueError(f"{files[0].name} holds {first.shape}; expected one slice (Y, X) per file")
    for file, part in zip(files, parts, strict=True):
        if (part.shape, part.dtype, part.polarity) != (first.shape, first.dtype, first.polarity):
            raise ValueError(
                f"the slices differ: {files[0].name} is {first.shape}, {first.dtype}, "
                f"{first.polarity}; {file.name} is {part.shape}, {part.dtype}, {part.polarity}. "
                "Remove what is no slice, or crop all alike"
            )

    def read(slices):
        values = np.empty([cut.stop - cut.start for cut in slices], first.dtype)
        for place, part in zip(values, parts[slices[0]], strict=True):
            place[...] = part.read(slices[1:])
        return values

    return Stored(
        shape=(len(files), *first.shape),
        dtype=first.dtype,
        read=read,
        axes=("z", "y", "x"),
        spacing_um=first.spacing_um,
        spacing_source=first.spacing_source,
        polarity=first.polarity,
        compression=first.compression,
        held=lambda slices: (
            n_bytes([cut.stop - cut.start for cut in slices], first.dtype)
            + first.needed(slices[1:])
        ),
    )


def _no_slices(pattern):
    others = sorted({Path(name).suffix or "no ending" for name in glob.glob(pattern)})
    if not others:
        return "no file matches this pattern. Check the path"
    return (
        f"no TIFF matches this pattern, only files with {', '.join(others)}. Save the slices as "
        "TIFF (in ImageJ: open the image sequence and save it as one TIFF)"
    )


def folder_hint(folder):
    """What to type for a folder of slices."""
    endings = [path.suffix for path in sorted(folder.iterdir()) if path.suffix.lower() in ENDINGS]
    if not endings:
        return "It holds no TIFF slices; expected a file."
    return f'Its {len(endings)} TIFF files are read as slices by TOMOGRAM="{folder}/*{endings[0]}".'


def stack_hint(file, stored):
    """Pass on a volume; for a single slice with others beside it, say how to read them all."""
    if len(stored.shape) == 2:
        family = re.sub(r"\d+", "", file.name)
        others = [one for one in file.parent.iterdir() if re.sub(r"\d+", "", one.name) == family]
        if len(others) > 1:
            raise ValueError(
                f"the image is two-dimensional {stored.shape}, and {len(others)} files of this "
                "kind "
                f'lie beside each other. Read all slices: TOMOGRAM="{file.parent}/*{file.suffix}"'
            )
    return stored


def _numbers(name):
    return tuple(int(number) for number in re.findall(r"\d+", name))


def _gaps(files):
    """Numbers that are missing, if the names differ in exactly one number that counts up."""
    rows = [_numbers(file.name) for file in files]
    if len({len(row) for row in rows}) != 1:
        return []
    varying = [column for column in zip(*rows, strict=True) if len(set(column)) > 1]
    if len(varying) != 1:
        return []
    present = sorted(varying[0])
    step = min(np.diff(present)) if len(present) > 1 else 1
    return sorted(set(range(present[0], present[-1] + 1, max(1, int(step)))) - set(present))
