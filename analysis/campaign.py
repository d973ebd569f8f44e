"""Simulation cases: independent, content-addressed, resumable, on local processes or on Dask.

A case is one unit of work that ends in one file below ``results/<profile>/cases``. The file's
name holds a hash of everything that the result depends on, so a finished case is never repeated
and a case whose labels or parameters have changed is never mistaken for the old one.
"""

import hashlib
import json
import os
import time
from dataclasses import asdict, dataclass

import numpy as np

from analysis import profiles, storage
from analysis.electrochemistry import calibration, structure
from analysis.electrochemistry.materials import DEFAULT

MODEL_VERSION = 1  # raise it when a change of the model changes results

KINDS = ("structure", "lithiation", "fit")

TRUTH = "truth"


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
    fidelity : {"coarse", "fine"}
        Discretization.
    """

    kind: str
    specimen: str
    cutout: int
    method: str
    gamma: float | None = None
    current_mA_cm2: float | None = None
    fidelity: str = "coarse"

    def __post_init__(self):
        if self.kind not in KINDS:
            raise ValueError(f"Unknown kind of case {self.kind!r}; expected one of {KINDS}.")

    @property
    def labels(self):
        """Name of the labelled volume."""
        return f"labels/{self.specimen}-{self.cutout}-{self.method}"

    def __str__(self):
        text = f"{self.kind} {self.specimen}-{self.cutout}-{self.method}"
        text += f" g{self.gamma:g}" if self.gamma is not None else ""
        text += f" i{self.current_mA_cm2:g}" if self.current_mA_cm2 is not None else ""
        return text if self.fidelity == "coarse" else f"{text} {self.fidelity}"


@dataclass(frozen=True)
class Summary:
    """What a campaign did: cases found finished, run now, and failed with their reasons."""

    finished: int
    run: int
    failed: dict

    def __str__(self):
        text = f"{self.run} cases run, {self.finished} were finished, {len(self.failed)} failed"
        reasons = [f"  {case}: {reason}" for case, reason in self.failed.items()]
        return "\n".join([text, *reasons])


def name_of(case, profile):
    """File name of a case, without ending: a readable key and eight digits of its content."""
    settings = profiles.get(profile)
    content = {
        "case": asdict(case),
        "model": MODEL_VERSION,
        "materials": repr(DEFAULT),
        "labels": _digest(case.labels, profile),
        "seed": settings.seed,
    }
    if case.kind == "fit":
        content["target"] = _digest(_truth(case).labels, profile)
        content["currents"] = list(settings.currents_mA_cm2)
    text = json.dumps(content, sort_keys=True)
    return f"{str(case).replace(' ', '-')}-{hashlib.sha256(text.encode()).hexdigest()[:8]}"


def is_finished(case, profile):
    """Whether the result of a case is on disk."""
    return storage.exists("cases", name_of(case, profile), profile=profile)


def load(case, profile):
    """
    Result of a case as an xarray Dataset.

    Raises
    ------
    FileNotFoundError
        If the case has not been run, or has failed; the message says how to run it.
    """
    import xarray as xr

    file = storage.path("cases", name_of(case, profile) + ".nc", profile=profile)
    if not file.exists():
        raise FileNotFoundError(
            f"Case {case} has no result at {file}. Run `python -m analysis campaign --profile "
            f"{profile}`; if the case fails, that command says why."
        )
    storage.record_read(file)
    with xr.open_dataset(file, engine="h5netcdf") as dataset:
        return dataset.load()


def execute(case, profile):
    """
    Run one case and write its file.

    Returns
    -------
    reason : str
        Empty, or why the case failed. A failed case leaves no file, and the campaign goes on.
    """
    try:
        dataset = _RUN[case.kind](case, profile)
    except (ValueError, RuntimeError, FileNotFoundError, MemoryError) as error:
        return f"{error}" or type(error).__name__
    dataset.attrs |= {key: value for key, value in asdict(case).items() if value is not None}
    dataset.attrs["model_version"] = MODEL_VERSION
    target = storage.path("cases", name_of(case, profile) + ".nc", profile=profile)
    with storage.atomic(target) as temporary:
        dataset.to_netcdf(temporary, engine="h5netcdf")
    storage.record_write(target, case=str(case))
    return ""


def run(cases, profile, *, scheduler=None, workers=None, say=print):
    """
    Run the cases that are missing.

    Parameters
    ----------
    cases : sequence of Case
        What must be on disk afterwards.
    profile : str
        Name of the profile.
    scheduler : str, optional
        Address of a Dask scheduler, ``tcp://host:port``. Its workers must see the same results
        folder. Without it, local processes.
    workers : int, optional
        Local processes; one means this process. By default one per core if there are cases enough.
    say : callable
        Receives one line per finished case, with the time left.

    Returns
    -------
    Summary
    """
    cases = list(dict.fromkeys(cases))
    missing = [case for case in cases if not is_finished(case, profile)]
    finished, failed = len(cases) - len(missing), {}
    if not missing:
        return Summary(finished, 0, {})
    if scheduler:
        outcomes = _on_dask(missing, profile, scheduler)
    else:
        workers = min(workers or _worthwhile_workers(len(missing)), len(missing))
        outcomes = _here(missing, profile) if workers == 1 else _local(missing, profile, workers)
    begin = time.monotonic()
    for done, (case, reason) in enumerate(outcomes, start=1):
        if reason:
            failed[case] = reason
        left = (time.monotonic() - begin) / done * (len(missing) - done)
        note = f"failed: {reason}" if reason else "done"
        say(f"{done:4d}/{len(missing)}  {_clock(left)} left  {case}: {note}")
    return Summary(finished, len(missing) - len(failed), failed)


def _worthwhile_workers(n_cases):
    """One per core, but each has to import the package, which takes as long as a few cases."""
    return max(1, min(os.cpu_count() or 1, n_cases // 20))


def fit_cases(profile, methods=None):
    """
    Cases of the known-answer experiment, in two stages.

    Parameters
    ----------
    profile : str
        Name of the profile.
    methods : sequence of str, optional
        Trinarizations; by default those of the paper's Table 3 and the truth. A method without
        labels on disk is left out.

    Returns
    -------
    first, second : list of Case
        Virtual measurements and voxel problems; fits, which read the first.
    """
    settings = profiles.get(profile)
    methods = methods or settings.fit_methods
    first, second = [], []
    for specimen in profiles.ELECTRODES:
        for cutout in settings.cutout_numbers:
            present = [
                method
                for method in methods
                if storage.exists(
                    "volumes", f"labels/{specimen}-{cutout}-{method}", profile=profile
                )
            ]
            fits = [
                Case("fit", specimen, cutout, method, settings.gamma_true, settings.fit_current)
                for method in present
            ]
            if fits and storage.exists("volumes", _truth(fits[0]).labels, profile=profile):
                first += measurements(profile, specimen, cutout)
                first += [Case("structure", specimen, cutout, method) for method in present]
                second += fits
    return first, second


def measurements(profile, specimen, cutout):
    """Cases of the virtual experiment: the truth at gamma_true, finely resolved, all currents."""
    settings = profiles.get(profile)
    return [
        Case("lithiation", specimen, cutout, TRUTH, settings.gamma_true, current, "fine")
        for current in settings.currents_mA_cm2
    ]


def run_fits(profile, *, methods=None, scheduler=None, workers=None, say=print):
    """Run the known-answer experiment, both stages; returns the second stage's cases, a Summary."""
    first, second = fit_cases(profile, methods)
    if not second:
        raise FileNotFoundError(
            f"No labels with a truth beside them in the results of profile {profile!r}. Run the "
            f"chapters on trinarization first: `make book PROFILE={profile}`."
        )
    options = dict(scheduler=scheduler, workers=workers, say=say)
    before, after = run(first, profile, **options), run(second, profile, **options)
    summary = Summary(
        before.finished + after.finished, before.run + after.run, before.failed | after.failed
    )
    return second, summary


def add_arguments(parser):
    """Options of ``python -m analysis campaign``."""
    parser.add_argument("--profile", default="demo", help="smoke, demo or paper")
    parser.add_argument("--scheduler", default="", help="Dask scheduler, tcp://host:port")
    parser.add_argument("--workers", type=int, default=0, help="local processes; 0: one per core")
    parser.add_argument("--methods", default="", help="comma-separated; default: those of Table 3")


def main(options, say=print):
    """Run the campaign of the command line; status 1 if a case failed."""
    methods = [name for name in options.methods.split(",") if name]
    _, summary = run_fits(
        options.profile,
        methods=methods or None,
        scheduler=options.scheduler or None,
        workers=options.workers or None,
        say=say,
    )
    say(str(summary))
    return 1 if summary.failed else 0


def _run_structure(case, profile):
    import xarray as xr

    volume = storage.load_volume(case.labels, profile=profile)
    made = structure.from_labels(volume.values, float(volume.attrs["voxel_size_um"]))
    return xr.Dataset(
        {
            "active": ("z", made.active),
            "electrolyte": ("z", made.electrolyte),
            "surface_1_m": ("z", made.surface_1_m),
            "electronic_S_m": ("z", made.electronic_S_m),
            "transport": (("gamma", "z"), made.transport),
        },
        coords={"gamma": made.gammas},
        attrs={"thickness_m": made.thickness_m, "radius_m": made.radius_m},
    )


def structure_of(case, profile):
    """The :class:`Structure` of a case's volume, from its finished structure case."""
    data = load(Case("structure", case.specimen, case.cutout, case.method), profile)
    return structure.Structure(
        thickness_m=float(data.attrs["thickness_m"]),
        active=data.active.values,
        electrolyte=data.electrolyte.values,
        surface_1_m=data.surface_1_m.values,
        electronic_S_m=data.electronic_S_m.values,
        radius_m=float(data.attrs["radius_m"]),
        gammas=data.gamma.values,
        transport=data.transport.values,
    )


def _run_lithiation(case, profile):
    # Fine runs take their own structure: half the slabs, and the voxel problem at this very gamma.
    if case.fidelity == "fine":
        volume = storage.load_volume(case.labels, profile=profile)
        made = _fine_structure(case, volume.values, float(volume.attrs["voxel_size_um"]))
    else:
        made = structure_of(case, profile)
    done = calibration.simulate(made.at(case.gamma), case.current_mA_cm2, fidelity=case.fidelity)
    return _curve_dataset(done)


_FINE = {}  # one process computes the fine structure of a volume once for all currents


def _fine_structure(case, labels, voxel_size_um):
    key = (hashlib.sha256(labels.tobytes()).hexdigest(), case.gamma)
    if key not in _FINE:
        _FINE.clear()
        _FINE[key] = structure.from_labels(
            labels, voxel_size_um, gammas=[case.gamma], slab_voxels=structure.SLAB_VOXELS // 2
        )
    return _FINE[key]


def _run_fit(case, profile):
    import xarray as xr

    settings = profiles.get(profile)
    made = structure_of(case, profile)
    truth = {
        one.current_mA_cm2: load(one, profile)
        for one in measurements(profile, case.specimen, case.cutout)
    }
    at_fit = truth[case.current_mA_cm2]
    capacity, voltage = _noisy(at_fit, case, settings)
    fit = calibration.fit_gamma(
        made,
        capacity,
        voltage,
        current_mA_cm2=case.current_mA_cm2,
        noise_V=settings.noise_V,
        fidelity=case.fidelity,
    )
    runs, failed = calibration.predict(
        made, fit.gamma, settings.currents_mA_cm2, fidelity=case.fidelity
    )
    currents = np.array(settings.currents_mA_cm2)
    ours = [
        runs[current].capacity_mAh_cm2[-1] if current in runs else np.nan for current in currents
    ]
    share = np.linspace(0, 1, 101)
    curves = np.full((currents.size, share.size, 2), np.nan)
    for k, current in enumerate(currents):
        if current in runs:
            end = runs[current].capacity_mAh_cm2[-1]
            curves[k, :, 0] = share * end
            curves[k, :, 1] = np.interp(
                share * end, runs[current].capacity_mAh_cm2, runs[current].voltage_V
            )
    return xr.Dataset(
        {
            "fitted_gamma": fit.gamma,
            "gamma_error": fit.gamma_error,
            "misfit_V": fit.misfit_V,
            "at_bound": int(fit.at_bound),
            "transport": made.effective(fit.gamma),
            "misfit_profile_V": ("tried", fit.misfits_V),
            "capacity_mAh_cm2": ("current", np.array(ours, dtype=float)),
            "true_capacity_mAh_cm2": (
                "current",
                np.array([float(truth[current].capacity_mAh_cm2[-1]) for current in currents]),
            ),
            "predicted": (("current", "share", "axis"), curves),
        },
        coords={
            "current": currents,
            "tried": fit.gammas,
            "share": share,
            "axis": ["capacity", "voltage"],
        },
        attrs={"failed_currents": json.dumps({str(key): why for key, why in failed.items()})},
    )


def _noisy(curve, case, settings):
    """The virtual measurement of one curve: the same for every method."""
    seed = settings.seed_for("measurement", case.specimen, case.cutout, case.current_mA_cm2)
    rng = np.random.default_rng(seed)
    time_s = np.linspace(0, float(curve.time_s[-1]), 300)
    voltage = np.interp(time_s, curve.time_s, curve.voltage_V)
    capacity = case.current_mA_cm2 * time_s / 3600
    return capacity, voltage + rng.normal(0, settings.noise_V, time_s.size)


def _curve_dataset(done):
    import xarray as xr

    return xr.Dataset(
        {
            "voltage_V": ("point", done.voltage_V),
            "capacity_mAh_cm2": ("point", done.capacity_mAh_cm2),
        },
        coords={"time_s": ("point", done.time_s)},
        attrs={"salt_drift": done.salt_drift, "lithium_drift": done.lithium_drift},
    )


_RUN = {"structure": _run_structure, "lithiation": _run_lithiation, "fit": _run_fit}


def _truth(case):
    return Case("structure", case.specimen, case.cutout, TRUTH)


_DIGESTS = {}  # (file, size, time of change) -> hash of the labels


def _digest(volume, profile):
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


def _here(cases, profile):
    for case in cases:
        yield case, execute(case, profile)


def _local(cases, profile, workers):
    """Local processes. One that is killed takes its case with it; the case is tried again."""
    from concurrent.futures import ProcessPoolExecutor, as_completed
    from concurrent.futures.process import BrokenProcessPool
    from multiprocessing import get_context

    left, broken = list(cases), 0
    while left:
        with ProcessPoolExecutor(
            workers, mp_context=get_context("spawn"), initializer=_one_thread
        ) as pool:
            futures = {pool.submit(execute, case, profile): case for case in left}
            try:
                for future in as_completed(futures):
                    outcome = future.result()
                    left.remove(futures[future])
                    yield futures[future], outcome
            except BrokenProcessPool:
                broken += 1
                done = [case for case in left if is_finished(case, profile)]
                for case in done:
                    left.remove(case)
                    yield case, ""
                if broken > 3:
                    for case in left:
                        yield case, "a worker process was killed four times; out of memory?"
                    return


def _one_thread():
    for variable in ("OMP_NUM_THREADS", "OPENBLAS_NUM_THREADS", "NUMBA_NUM_THREADS"):
        os.environ[variable] = "1"


def _on_dask(cases, profile, address):
    """A Dask cluster by address; the scheduler repeats the cases of a worker that dies."""
    from dask.distributed import Client, as_completed

    root = str(storage.results_root())
    with Client(address, timeout="20s") as client:
        futures = {
            client.submit(_remote, case, profile, root, pure=False, retries=2): case
            for case in cases
        }
        for future in as_completed(futures):
            case = futures[future]
            try:
                yield case, future.result()
            except Exception as error:  # whatever happened on the cluster belongs to this case
                yield case, f"{type(error).__name__}: {error}"


def _remote(case, profile, root):
    """`execute` on another machine, with the same results folder."""
    os.environ[storage.ROOT_VARIABLE] = root
    return execute(case, profile)


def _clock(seconds):
    minutes, seconds = divmod(round(seconds), 60)
    return f"{minutes}:{seconds:02d}"
