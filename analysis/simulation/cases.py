"""Simulation cases: independent units of work, each with one content-addressed result file.

A case ends in one file below ``results/<profile>/cases``. The file's name holds a hash of
everything that the result depends on, so a finished case is never repeated and a case whose labels
or parameters have changed is never mistaken for the old one.
"""

import hashlib
import json
from dataclasses import dataclass, fields, is_dataclass, replace

import numpy as np

from analysis import storage
from analysis.electrochemistry.materials import DEFAULT

MODEL_VERSION = 6  # raise it when a change of the model changes results

KINDS = ("structure", "lithiation", "fit")

TRUTH = "truth"
MOST_RUNS = 5  # resolved runs of a map whose gamma rests on a control variate; two or three do


@dataclass(frozen=True)
class Case:
    """
    One unit of work.

    Parameters
    ----------
    kind : {"structure", "lithiation", "fit"}
        Voxel problem of one volume; one lithiation; fit of gamma to the virtual measurement,
        with the prediction of all currents.
    specimen : str
        SL or TL.
    cutout : int
        Counted from 1.
    method : str
        Trinarization, or "truth".
    gamma : float, optional
        Effective transport parameter of the CBD; for a fit, that of the virtual experiment.
    current_mA_cm2 : float, optional
        Current density.
    fidelity : {"coarse", "fine", "fipy", "resolved"}
        Two discretizations of the homogenized model; the first of them in FiPy instead of the
        compiled backend; or the voxels themselves.
    voxels_per_cell : int, optional
        Voxels along the edge of a cell in a resolved run.
    """

    kind: str
    specimen: str
    cutout: int
    method: str
    gamma: float | None = None
    current_mA_cm2: float | None = None
    fidelity: str = "coarse"
    voxels_per_cell: int | None = None

    def __post_init__(self):
        if self.kind not in KINDS:
            raise ValueError(f"Unknown kind of case {self.kind!r}; expected one of {KINDS}.")
        if (self.voxels_per_cell is not None) != self.resolved:
            raise ValueError(
                f"Fidelity {self.fidelity!r} with {self.voxels_per_cell} voxels per cell; expected "
                "a number for a resolved case and none for the homogenized model."
            )

    @property
    def resolved(self):
        """Whether the voxels themselves are lithiated."""
        return self.fidelity == "resolved"

    @property
    def labels(self):
        """Name of the labelled volume."""
        return f"labels/{self.specimen}-{self.cutout}-{self.method}"

    def __str__(self):
        text = f"{self.kind} {self.specimen}-{self.cutout}-{self.method}"
        text += f" g{self.gamma:g}" if self.gamma is not None else ""
        text += f" i{self.current_mA_cm2:g}" if self.current_mA_cm2 is not None else ""
        text += f" {self.fidelity}" if self.fidelity != "coarse" else ""
        return f"{text} {self.voxels_per_cell}" if self.resolved else text


def truth_of(case):
    """The case of the voxel problem on the truth that belongs to a case."""
    return Case("structure", case.specimen, case.cutout, TRUTH)


def measurements(profile, specimen, cutout, voxels_per_cell=None):
    """
    Cases of the virtual experiment: the truth at gamma_true and all currents of the profile.

    Finely resolved along z by the homogenized model, or with `voxels_per_cell` by the resolved one.
    """
    if voxels_per_cell is None:
        currents, fidelity = profile.currents_mA_cm2, ("fine",)
    else:
        currents, fidelity = profile.resolved_currents, ("resolved", voxels_per_cell)
    return [
        Case("lithiation", specimen, cutout, TRUTH, profile.gamma_true, current, *fidelity)
        for current in currents
    ]


def scan(fit, profile):
    """
    Lithiations at the values of gamma that a resolved fit rests on.

    With a control variate they are chosen while the fit runs: those of a finished fit are told by
    its result, of another one only the first is known, ``first_gamma``.
    """
    gammas = profile.resolved_gammas
    if profile.resolved_control_variate:
        done = is_finished(fit, profile)
        gammas = load(fit, profile).lithiated.values if done else [first_gamma(profile)]
    return [replace(fit, kind="lithiation", gamma=float(gamma)) for gamma in gammas]


def first_gamma(profile):
    """Gamma at which a map is lithiated first: the middle one of the profile's three."""
    gammas = profile.resolved_gammas
    if len(gammas) != 3:
        raise ValueError(
            f"resolved_gammas {gammas} of profile {str(profile)!r}; with a control variate "
            "expected three: the least of the search, the one that is run first, the largest."
        )
    return gammas[1]


def part_structure(case, profile):
    """The voxel problem of the part of a volume that a resolved case lithiates."""
    made = Case("structure", case.specimen, case.cutout, case.method)
    if profile.resolved_lateral == profile.lateral:
        return made
    return replace(made, fidelity="resolved", voxels_per_cell=case.voxels_per_cell)


def name_of(case, profile):
    """
    File name of a case, without ending: a readable key and eight digits of its content.

    Values count, in their order, not what fields and classes are called: a renamed parameter does
    not run anything again.
    """
    content = {
        "case": _values(case),
        "model": MODEL_VERSION,
        "materials": _values(DEFAULT),
        "labels": labels_digest(case.labels, profile),
        "seed": profile.seed,
    }
    if case.kind == "fit":
        content["target"] = labels_digest(truth_of(case).labels, profile)
        content["currents"] = list(profile.currents_mA_cm2)
    if case.resolved:
        content["gammas"] = list(profile.resolved_gammas) if case.kind == "fit" else []
        if case.kind == "fit" and profile.resolved_control_variate:
            content["control variate"] = 2
        content["part"] = profile.resolved_lateral
        content["end"] = [profile.resolved_cutoff_V, profile.resolved_tolerance]
    text = json.dumps(content, sort_keys=True)
    return f"{str(case).replace(' ', '-')}-{hashlib.sha256(text.encode()).hexdigest()[:8]}"


def _values(record):
    """Values of a dataclass and of those in it, without their names."""
    if is_dataclass(record):
        return [_values(getattr(record, field.name)) for field in fields(record)]
    return record


def file_of(case, profile):
    """Where the result of a case lies, finished or not."""
    return storage.path("cases", name_of(case, profile) + ".nc", profile=profile)


def is_finished(case, profile):
    """Whether the result of a case is on disk, as it was written."""
    return not storage.trouble(file_of(case, profile))


def load(case, profile):
    """
    Result of a case as an xarray Dataset.

    Raises
    ------
    FileNotFoundError
        If the case has not been run, or has failed; the message says how to run it.
    storage.Damaged
        If its file is not as it was written.
    """
    import xarray as xr

    file = file_of(case, profile)
    if not file.exists():
        raise FileNotFoundError(
            f"Case {case} has no result at {file}. Run `python -m analysis campaign --profile "
            f"{profile}`; if the case fails, that command says why."
        )
    storage.record_read(file)
    with xr.open_dataset(file, engine="h5netcdf") as dataset:
        return dataset.load()


_DIGESTS = {}  # (file, size, time of change) -> hash of the labels


def labels_digest(volume, profile):
    """Hash of the voxels of a volume, whatever the file around them looks like."""
    file = storage.path("volumes", volume + ".nc", profile=profile)
    if not file.exists():
        return "absent"
    stat = file.stat()
    key = (str(file), stat.st_size, stat.st_mtime_ns)
    if key not in _DIGESTS:
        data = storage.load_volume(volume, profile=profile)
        digest = hashlib.sha256(np.ascontiguousarray(data.values).tobytes())
        digest.update(repr((data.shape, float(data.attrs["voxel_size_um"]))).encode())
        _DIGESTS[key] = digest.hexdigest()
    return _DIGESTS[key]
