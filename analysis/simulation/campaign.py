"""Campaigns: the cases that are missing, on local processes or on a Dask cluster.

What a case is, and where its result lies, says :mod:`analysis.simulation.cases`.
"""

import os
import time
from dataclasses import dataclass, replace

from analysis import processes, profiles, storage
from analysis.simulation.cases import TRUTH, Case, is_finished, load, measurements, scan, truth_of
from analysis.simulation.run import execute

HEADLINE = "TL", 1  # specimen and cutout whose truth is also lithiated with other cells


@dataclass(frozen=True)
class Summary:
    """What a campaign did: cases found finished, run now, and failed with their reasons."""

    finished: int
    run: int
    failed: dict

    def __add__(self, other):
        return Summary(
            self.finished + other.finished, self.run + other.run, self.failed | other.failed
        )

    def __str__(self):
        text = f"{self.run} cases run, {self.finished} were finished, {len(self.failed)} failed"
        reasons = [f"  {case}: {reason}" for case, reason in self.failed.items()]
        return "\n".join([text, *reasons])


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
        workers = min(workers or _worthwhile_workers(missing, profile), len(missing))
        outcomes = _here(missing, profile) if workers == 1 else _local(missing, profile, workers)
    begin = time.monotonic()
    for done, (case, reason) in enumerate(outcomes, start=1):
        if reason:
            failed[case] = reason
        left = (time.monotonic() - begin) / done * (len(missing) - done)
        note = f"failed: {reason}" if reason else "done"
        say(f"{done:4d}/{len(missing)}  {_clock(left)} left  {case}: {note}")
    return Summary(finished, len(missing) - len(failed), failed)


def _worthwhile_workers(missing, profile):
    """One per core, but each has to import the package, which takes as long as a few cases."""
    across = profiles.get(profile).resolved_lateral
    work = sum((across / case.joined) ** 2 / 16 if case.resolved else 1 for case in missing)
    return max(1, min(os.cpu_count() or 1, int(work) // 20))


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
                method for method in methods if has_labels(specimen, cutout, method, profile)
            ]
            fits = [
                Case("fit", specimen, cutout, method, settings.gamma_true, settings.fit_current)
                for method in present
            ]
            if fits and storage.exists("volumes", truth_of(fits[0]).labels, profile=profile):
                first += measurements(profile, specimen, cutout)
                first += [Case("structure", specimen, cutout, method) for method in present]
                second += fits
    return first, second


def run_fits(profile, *, methods=None, scheduler=None, workers=None, say=print):
    """Run the known-answer experiment, both stages; returns the second stage's cases, a Summary."""
    first, second = fit_cases(profile, methods)
    if not second:
        raise FileNotFoundError(
            f"No labels with a truth beside them in the results of profile {profile!r}. Run the "
            f"chapters on trinarization first: `make book PROFILE={profile}`."
        )
    options = dict(scheduler=scheduler, workers=workers, say=say)
    return second, run(first, profile, **options) + run(second, profile, **options)


def resolved_cases(profile):
    """
    Resolved lithiations of the study, in three stages, each of which reads the one before.

    Returns
    -------
    runs : list of Case
        Comparison at the true gamma: every method, and the truth with other cells; then the
        virtual experiment and the scans of gamma.
    fits : list of Case
        Gamma of the fitted methods, and of the truth as a check.
    """
    settings = profiles.get(profile)
    joined, *others = settings.resolved_joined
    current, gamma = settings.fit_current, settings.gamma_true
    runs, fits = [], []
    for specimen in settings.resolved_specimens:
        for cutout in range(1, settings.resolved_cutouts + 1):
            compared = [(method, joined) for method in settings.resolved_methods]
            compared += [(TRUTH, other) for other in others if (specimen, cutout) == HEADLINE]
            runs += [
                Case("lithiation", specimen, cutout, method, gamma, current, "resolved", voxels)
                for method, voxels in compared
                if has_labels(specimen, cutout, method, profile)
            ]
            runs += measurements(profile, specimen, cutout, joined)
            fits += [
                Case("fit", specimen, cutout, method, gamma, current, "resolved", joined)
                for method in dict.fromkeys((TRUTH, *settings.resolved_fitted))
                if has_labels(specimen, cutout, method, profile)
            ]
    return runs + [one for fit in fits for one in scan(fit, profile)], fits


def predictions(fit, profile):
    """Resolved lithiations at all currents with the gamma of a finished resolved fit."""
    gamma = round(float(load(fit, profile).fitted_gamma), 4)
    return [
        replace(fit, kind="lithiation", gamma=gamma, current_mA_cm2=current)
        for current in profiles.get(profile).resolved_currents
    ]


def run_resolved(profile, *, scheduler=None, workers=None, say=print):
    """Run the resolved cases of the study, all three stages; returns the fits and a Summary."""
    options = dict(scheduler=scheduler, workers=workers, say=say)
    runs, fits = resolved_cases(profile)
    done = run(runs, profile, **options)
    done += run(fits, profile, **options)
    predicted = [
        one
        for fit in fits
        if fit.method != TRUTH and is_finished(fit, profile)
        for one in predictions(fit, profile)
    ]
    return fits, done + run(predicted, profile, **options)


def has_labels(specimen, cutout, method, profile):
    """Whether a trinarization of a cutout is on disk."""
    return storage.exists("volumes", f"labels/{specimen}-{cutout}-{method}", profile=profile)


def add_arguments(parser):
    """Options of ``python -m analysis campaign``."""
    parser.add_argument("--profile", default="demo", help="smoke, demo or paper")
    parser.add_argument("--scheduler", default="", help="Dask scheduler, tcp://host:port")
    parser.add_argument("--workers", type=int, default=0, help="local processes; 0: one per core")
    parser.add_argument("--methods", default="", help="comma-separated; default: those of Table 3")
    parser.add_argument(
        "--resolved", action="store_true", help="lithiate voxels, not the homogenized model"
    )


def main(options, say=print):
    """Run the campaign of the command line; status 1 if a case failed."""
    methods = [name for name in options.methods.split(",") if name]
    common = dict(scheduler=options.scheduler or None, workers=options.workers or None, say=say)
    if options.resolved:
        _, summary = run_resolved(options.profile, **common)
    else:
        _, summary = run_fits(options.profile, methods=methods or None, **common)
    say(str(summary))
    return 1 if summary.failed else 0


def _here(cases, profile):
    for case in cases:
        yield case, execute(case, profile)


def _local(cases, profile, workers):
    """Local processes. One that is killed takes its case with it; the case is tried again."""
    from concurrent.futures import as_completed
    from concurrent.futures.process import BrokenProcessPool

    left, broken = list(cases), 0
    while left:
        with processes.pool(workers, initializer=_begin_worker) as pool:
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


def _begin_worker():
    processes.die_with_parent()
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
