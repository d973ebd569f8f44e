"""Cases of a record, drawn at random, run anew and compared within stated tolerances.

The volume of a drawn case is made anew from its seed as well; where that would mean to train
networks, the labels of a finished build serve, if they are those of the record.
"""

import contextlib
import os
import shutil
import tempfile
from dataclasses import dataclass

import numpy as np

from analysis import electrodes, storage
from analysis.phases import VOXEL_SIZE_UM
from analysis.segmentation import thresholding
from analysis.simulation import cases
from analysis.simulation import run as simulations
from analysis.simulation.cases import TRUTH, Case
from analysis.storage import published
from analysis.study.imaging import specimens
from analysis.study.trinarization import clustering

CAPACITY = 0.5  # % by which the last capacity of a curve may differ
VOLTAGE = 2.0  # mV rms, over the capacity that both curves reach
GAMMA = 1.0  # % of a fitted gamma
STRUCTURE = 0.1  # % of transport, active material and surface of a homogenized electrode
ANEW = (TRUTH, "thresholding", "kmeans")  # maps that are made from the seed within seconds
TOLERANCES = (
    f"capacity {CAPACITY:g} %, voltage {VOLTAGE:g} mV rms, gamma {GAMMA:g} %, homogenized "
    f"structure {STRUCTURE:g} %"
)


@dataclass(frozen=True)
class CaseVerdict:
    """What running a case anew said: whether it agrees, and in which words."""

    case: Case
    agrees: bool
    said: str


def recorded_cases(profile):
    """Cases of a record with their entries in the manifest: list of (Case, name, entry)."""
    return [
        (Case(**entry["case"]), name, entry)
        for name, entry in published.manifest(profile)["files"].items()
        if "case" in entry
    ]


def within_reach(profile):
    """Those of them whose labels can be made here, or are here."""
    found = []
    for case, name, entry in recorded_cases(profile):
        recorded = entry["labels_sha256"]
        if case.method in ANEW or cases.labels_digest(case.labels, profile) == recorded:
            found.append((case, name, entry))
    return found


def verify(profile, *, number=3, seed=None, progress=print):
    """
    Run some cases of a record anew.

    Parameters
    ----------
    profile : analysis.profiles.Profile
    number : int
        Cases that are drawn; all if there are fewer.
    seed : int, optional
        Of the draw; by default a new one, which is told.
    progress : callable
        Receives lines.

    Returns
    -------
    verdicts : list of CaseVerdict

    Raises
    ------
    FileNotFoundError
        If there is no record, or none of its cases can be run here.
    ValueError
        If `number` is below one, or a file of the record is not as it was written.
    """
    if number < 1:
        raise ValueError(f"CASES={number}: expected how many cases to draw, at least 1.")
    everything = recorded_cases(profile)
    if not everything:
        raise FileNotFoundError(
            f"There is no record of profile {profile.name!r} (looked in "
            f"{published.folder(profile)}). Make one: make record PROFILE={profile.name}"
        )
    for name, entry in published.manifest(profile)["files"].items():
        found = published.trouble(profile, name, entry)
        if found:
            raise ValueError(f"{published.folder(profile) / name} {found}.")
    can = within_reach(profile)
    if not can:
        raise FileNotFoundError(
            f"None of the {len(everything)} cases of the record can be run here: their labels "
            f"come from trained networks. Make them first: make book PROFILE={profile.name}"
        )
    seed = int(np.random.SeedSequence().entropy % 2**32) if seed is None else seed
    drawn = np.random.default_rng(seed).permutation(len(can))[:number]
    progress(
        f"Record of {profile.name}: {len(everything)} cases, {len(can)} of them can be run here. "
        f"SEED={seed} draws {len(drawn)}. Tolerances: {TOLERANCES}."
    )
    verdicts = []
    for at in sorted(drawn):
        verdict = run_anew(*can[at], profile)
        verdicts.append(verdict)
        progress(f"  {'agrees' if verdict.agrees else 'DIFFERS'}  {verdict.case}: {verdict.said}")
    return verdicts


def run_anew(case, name, entry, profile):
    """Run one recorded case in a folder of its own and compare; returns a :class:`CaseVerdict`."""
    labels = None if case.method in ANEW else _load_labels(case, profile)
    with _elsewhere():
        _make_labels(case, profile, labels)
        if cases.labels_digest(case.labels, profile) != entry["labels_sha256"]:
            return CaseVerdict(case, False, "its labels are not those of the record")
        for other, file, _ in recorded_cases(profile):
            if (other.specimen, other.cutout) == (case.specimen, case.cutout) and other != case:
                _make_labels(other, profile, None, only_anew=True)
                with storage.atomic(cases.file_of(other, profile)) as temporary:
                    shutil.copyfile(published.folder(profile) / file, temporary)
        for one in [*_rests_on(case, profile), case]:  # the record may hold a part of them only
            if one == case or not cases.is_finished(one, profile):
                outcome = simulations.execute(one, profile)
                if outcome.reason:
                    return CaseVerdict(case, False, f"{one} could not be run: {outcome.reason}")
        anew = cases.load(case, profile)
    return compare(case, _load(published.folder(profile) / name), anew)


def _rests_on(case, profile):
    """What must be finished before a case: for a fit, structure, measurements and runs."""
    if case.kind != "fit":
        return []
    place = case.specimen, case.cutout
    if not case.resolved:
        return [Case("structure", *place, case.method), *cases.measurements(profile, *place)]
    target = [
        one
        for one in cases.measurements(profile, *place, case.voxels_per_cell)
        if one.current_mA_cm2 == case.current_mA_cm2
    ]
    if profile.resolved_control_variate:  # its runs are its own work
        return [cases.part_structure(case, profile), *target]
    return [*target, *cases.scan(case, profile)]


def compare(case, recorded, anew):
    """
    Hold the result of a case against the recorded one.

    Parameters
    ----------
    case : Case
    recorded, anew : xarray.Dataset

    Returns
    -------
    CaseVerdict
    """
    if case.kind == "fit":
        old, new = float(recorded.fitted_gamma), float(anew.fitted_gamma)
        if np.isnan(old) or np.isnan(new):  # the least misfit at a bound of the search
            said = [f"{one:.4f}" if one == one else "at a bound" for one in (new, old)]
            return CaseVerdict(
                case, bool(np.isnan(old) and np.isnan(new)), f"gamma {said[0]}, recorded {said[1]}"
            )
        off = 100 * abs(new / old - 1)
        return CaseVerdict(case, off <= GAMMA, f"gamma {new:.4f}, recorded {old:.4f} ({off:.2g} %)")
    if case.kind == "structure":
        off = max(
            100 * float(np.max(np.abs(anew[one].values / recorded[one].values - 1)))
            for one in ("transport", "active", "surface_1_m")
        )
        return CaseVerdict(case, off <= STRUCTURE, f"structure differs by {off:.2g} % at most")
    old, new = ((one.capacity_mAh_cm2.values, one.voltage_V.values) for one in (recorded, anew))
    off = 100 * abs(float(new[0][-1] / old[0][-1]) - 1)
    at = np.linspace(0.002, 0.98, 400) * min(old[0][-1], new[0][-1])
    apart = np.interp(at, *new) - np.interp(at, *old)
    rms = float(1e3 * np.sqrt(np.mean(apart**2)))
    said = f"capacity differs by {off:.2g} %, voltage by {rms:.2g} mV rms"
    return CaseVerdict(case, off <= CAPACITY and rms <= VOLTAGE, said)


@contextlib.contextmanager
def _elsewhere():
    """Let results lie in a temporary folder while a case is run anew."""
    usual = os.environ.get(storage.ROOT_VARIABLE)
    with tempfile.TemporaryDirectory() as root:
        os.environ[storage.ROOT_VARIABLE] = root
        try:
            yield root
        finally:
            if usual is None:
                del os.environ[storage.ROOT_VARIABLE]
            else:
                os.environ[storage.ROOT_VARIABLE] = usual


def _make_labels(case, profile, labels, only_anew=False):
    """Labels of a case, and of the truth beside it, in the results folder of the moment."""
    place = case.specimen, case.cutout
    for method in dict.fromkeys((TRUTH, case.method)):
        name = f"labels/{case.specimen}-{case.cutout}-{method}"
        if storage.exists("volumes", name, profile=profile) or (only_anew and method not in ANEW):
            continue
        if method == TRUTH:
            made = specimens.truth(profile, *place).labels
        elif method in ANEW:
            made = _map(profile, *place, method)
        else:
            made = labels
        storage.save_volume(name, made, profile=profile, voxel_size_um=VOXEL_SIZE_UM)


def _map(profile, specimen, cutout, method):
    gray = f"gray/{specimen}-{cutout}"
    if not storage.exists("volumes", gray, profile=profile):
        image = specimens.tomogram(profile, specimens.truth(profile, specimen, cutout), cutout)
        storage.save_volume(gray, image, profile=profile, voxel_size_um=VOXEL_SIZE_UM)
    if method == "kmeans":
        return clustering.trinarize(profile, specimen, cutout)[0]
    image = storage.load_volume(gray, profile=profile).values
    return thresholding.trinarize(image, electrodes.electrode(specimen).targets())


def _load_labels(case, profile):
    return storage.load_volume(case.labels, profile=profile).values


def _load(file):
    import xarray as xr

    with xr.open_dataset(file, engine="h5netcdf") as data:
        return data.load()
