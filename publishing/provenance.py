"""Which tomogram a report is about, and what the folder of its report is called."""

import hashlib
import os
from dataclasses import dataclass
from pathlib import Path

from analysis import storage


@dataclass(frozen=True)
class Source:
    """
    What a report is about.

    Attributes
    ----------
    name : str
        Folder and name of the file, as ``A/recon.tif``. Not its whole path: reports are passed on.
    dataset : str
        Dataset of an HDF5 or netCDF file.
    bytes : int
        Size of the file.
    sha256 : str
        Hash of its content.
    place : str
        Hash of its whole path.
    """

    name: str
    dataset: str
    bytes: int
    sha256: str
    place: str

    def same_as(self, other):
        """Whether both are one tomogram: one file, perhaps changed, or one content, moved."""
        one_file = self.place == other.place or self.sha256 == other.sha256
        return one_file and self.dataset == other.dataset

    def __str__(self):
        of = f", dataset {self.dataset}" if self.dataset else ""
        return f"{self.name!r} ({self.bytes} bytes, sha256 {self.sha256[:12]}{of})"


def identify(files, dataset=""):
    """
    Tell a tomogram from others.

    Parameters
    ----------
    files : list of Path
        The file, or the slices in their order.
    dataset : str
        Dataset in the file.

    Returns
    -------
    source : Source
    """
    files = [Path(file).resolve() for file in files]
    content, places = hashlib.sha256(), hashlib.sha256()
    for file in files:
        content.update(storage.sha256(file).encode())
        places.update(os.fsencode(file) + b"\0")
    first = files[0]
    if first.suffix.lower() in _HEADS:  # the gray values lie in another file
        content.update(places.digest())
    alone = len(files) == 1 and first.suffix.lower() not in _HEADS
    name = f"{first.parent.name}/{first.name}" if first.parent.name else first.name
    name = os.fsencode(name).decode("utf-8", "replace")
    return Source(
        name=name if len(files) == 1 else f"{name} and {len(files) - 1} more",
        dataset=dataset,
        bytes=sum(file.stat().st_size for file in files),
        sha256=storage.sha256(first) if alone else content.hexdigest(),
        place=places.hexdigest(),
    )


_HEADS = (".mhd", ".nhdr")


def folder_names(file):
    """
    Names that the folder of a tomogram's report may take, the plainest first.

    Two files of one name get folders of their own: ``recon``, ``recon-B``, ...
    """
    file = Path(file).resolve()
    plain = _plain(file.name[: -len(file.suffix)] if file.suffix else file.name)
    place = hashlib.sha256(os.fsencode(file)).hexdigest()[:8]
    names = [plain, f"{plain}-{_plain(file.parent.name)}", f"{plain}-{place}"]
    return list(dict.fromkeys(names))


def _plain(name):
    """A name that any shell, page and file system takes; never empty."""
    kept = "".join(c if c.isalnum() or c in "_.+-" else "_" for c in name)[:80].strip("._-")
    return kept or "tomogram"
