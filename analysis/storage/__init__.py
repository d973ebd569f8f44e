"""Results on disk, below ``results/<profile>/<kind>/``. In reading order:

``results``     volumes, curves and tables saved and loaded
``files``       nothing half-written, nothing read that the study did not write; the record of both
``places``      where a result lies, and whether it is there
``checksums``   a SHA-256 for every result, beside the results
``scratch``     temporary files of a run, and what killed runs left
``published``   the record that comes with the repository
``provenance``  commit, versions and machine that made a result
``disk``        a disk that is full, said in one way
``attributes``  attributes and axes as netCDF and JSON can hold them

``from analysis import storage`` is all that others need: ``storage.save_table(...)``.
"""

from analysis.storage.checksums import sha256
from analysis.storage.files import (
    RECORD_VARIABLE,
    Damaged,
    atomic,
    check,
    record_read,
    record_write,
    trouble,
)
from analysis.storage.places import (
    KINDS,
    MANIFEST,
    OWN,
    ROOT_VARIABLE,
    exists,
    not_there,
    path,
    require,
    results_root,
)
from analysis.storage.results import (
    load_curves,
    load_table,
    load_volume,
    save_curves,
    save_table,
    save_volume,
)

__all__ = [
    "KINDS",
    "MANIFEST",
    "OWN",
    "RECORD_VARIABLE",
    "ROOT_VARIABLE",
    "Damaged",
    "atomic",
    "check",
    "exists",
    "load_curves",
    "load_table",
    "load_volume",
    "not_there",
    "path",
    "record_read",
    "record_write",
    "require",
    "results_root",
    "save_curves",
    "save_table",
    "save_volume",
    "sha256",
    "trouble",
]
