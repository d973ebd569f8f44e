"""Campaigns: the cases that are missing, on local processes or on a Dask cluster.

What a case is, and where its result lies, says :mod:`analysis.simulation.cases`; which of them the
study needs, :mod:`analysis.simulation.case_lists`.
"""

import os
import time
from dataclasses import dataclass, replace

from analysis import profiles, storage
from analysis import progress as notes
from analysis.electrochemistry.transport import devices
from analysis.simulation import cluster, local
from analysis.simulation.case_lists import fipy_cases, fit_cases, predictions, resolved_cases
from analysis.simulation.cases import TRUTH, Case, file_of, is_finished
from analysis.storage import scratch

LONG = 20.0  # work of a case, in compiled lithiations, from which its beginning is told
SHARED_S = 10.0  # for a file to appear that another machine has written to a shared disk


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


def run(cases, profile, *, scheduler=None, workers=None, wait_s=None, progress=print):
    """
    Run the cases that are missing, and those whose file is not as it was written.

    Parameters
    ----------
    cases : sequence of Case
        What must be on disk afterwards.
    profile : analysis.profiles.Profile
    scheduler : str, optional
        Address of a Dask scheduler, ``tcp://host:port``. Its workers must see the same results
        folder. Without it, local processes.
    workers : int, optional
        Local processes; one means this process. By default one per core if there are cases enough.
        Resolved cases on a graphics card run in this process.
    wait_s : float, optional
        How long to wait for workers of a cluster [s].
    progress : callable
        Receives one line per finished case, with the time left, one as a long case begins, and one
        per touched file. How far the campaign is goes to the chapter's log as well.

    Returns
    -------
    Summary

    Raises
    ------
    cluster.ClusterFailed
        If the cluster may not or cannot run the cases.
    OSError
        If results cannot be written.
    """
    cases = list(dict.fromkeys(cases))
    missing = []
    for case in cases:
        file = file_of(case, profile)
        found = storage.trouble(file)
        if not found:
            storage.record_read(file)  # what is counted as done is relied on like what is read
            continue
        missing.append(case)
        if file.exists():
            progress(f"{case}: {file.name} {found}; computed anew")
    finished, failed = len(cases) - len(missing), {}
    if not missing:
        return Summary(finished, 0, {})
    course = _Course(missing, profile, progress)
    if scheduler:
        outcomes = cluster.outcomes(missing, profile, scheduler, wait_s=wait_s, progress=progress)
    else:
        workers = min(workers or _worthwhile_workers(missing, profile), len(missing))
        if any(case.resolved for case in missing) and devices.chosen() == "cuda":
            workers = 1  # a card has one process at a time; more would share its memory
        outcomes = local.outcomes(missing, profile, workers, begun=course.begun)
    for done, (case, outcome) in enumerate(outcomes, start=1):
        reason = outcome.reason or _reason_not_here(case, profile, patient=bool(scheduler))
        if reason:
            failed[case] = reason
        note = f"failed: {reason}" if reason else "done"
        note += f" ({outcome.note})" if outcome.note else ""
        left = notes.clock(course.ended(case))
        progress(f"{done:4d}/{len(missing)}  {left} left  {case}: {note}")
    return Summary(finished, len(missing) - len(failed), failed)


class _Course:
    """How far a campaign is: cases ended, cases at work, time left by the work of those ended."""

    def __init__(self, cases, profile, progress):
        self.across = profile.resolved_lateral
        self.cases, self.progress = cases, progress
        self.done, self.work_done = 0, 0.0
        self.work = sum(_weight(case, self.across) for case in cases)
        self.at_work, self.begin = [], time.monotonic()

    def begun(self, at_work):
        """Take the cases that are at work now; a long one among them gets a line as it begins."""
        for case in at_work:
            if case not in self.at_work and _weight(case, self.across) >= LONG:
                self.progress(f"{self.done:4d}/{len(self.cases)}  {case}: begun")
        self.at_work = list(at_work)
        self._note()

    def ended(self, case):
        """Count a case as ended; returns the seconds left."""
        self.done += 1
        self.work_done += _weight(case, self.across)
        self.at_work = [one for one in self.at_work if one != case]
        self._note()
        return self._left()

    def _left(self):
        gone = time.monotonic() - self.begin
        return notes.time_left(gone, self.work_done, max(0.0, self.work - self.work_done))

    def _note(self):
        at_work = [str(case) for case in self.at_work]
        notes.note(notes.line(self.done, len(self.cases), "cases", self._left(), at_work))


def _reason_not_here(case, profile, *, patient):
    """Why a case that is said to be done does not count, or an empty string."""
    deadline = time.monotonic() + (SHARED_S if patient else 0)
    file = file_of(case, profile)
    while found := storage.trouble(file):
        if time.monotonic() >= deadline:
            return (
                f"it is said to be done, but its file {file} {found}; do all workers write to "
                "this results folder?"
            )
        time.sleep(0.2)
        os.listdir(file.parent)  # a network file system looks again
    return ""


def _worthwhile_workers(missing, profile):
    """One per core, but each has to import the package, which takes as long as a few cases."""
    across = profile.resolved_lateral
    work = sum(_weight(case, across) for case in missing)
    return max(1, min(os.cpu_count() or 1, int(work) // 20))


def _weight(case, across):
    """Work of a case in units of a compiled lithiation."""
    if case.resolved and case.kind != "structure":
        return (across / case.voxels_per_cell) ** 2 / 16
    return 50 if case.fidelity == "fipy" else 1


def run_fits(profile, *, methods=None, progress=print, **options):
    """
    Run the known-answer experiment, both stages.

    Parameters
    ----------
    profile : analysis.profiles.Profile
    methods : sequence of str, optional
        As for :func:`fit_cases`.
    progress, **options
        As for :func:`run`.

    Returns
    -------
    fits : list of Case
        Cases of the second stage.
    summary : Summary
    """
    first, second = fit_cases(profile, methods)
    if not second:
        raise FileNotFoundError(
            f"No labels with a truth beside them in the results of profile {str(profile)!r}. Run "
            f"the chapters on trinarization first: `make book PROFILE={profile}`."
        )
    done = run(first, profile, progress=progress, **options)
    return second, done + run(second, profile, progress=progress, **options)


def run_fipy(profile, **options):
    """
    Run the lithiations in FiPy, and beside each the compiled backend on the same cells and steps.

    Parameters
    ----------
    profile : Profile
    **options
        As for :func:`run`.

    Returns
    -------
    pairs : list of (Case, Case)
        Of FiPy and of the compiled backend.
    summary : Summary
    """
    cases = fipy_cases(profile)
    voxels = [Case("structure", case.specimen, case.cutout, case.method) for case in cases]
    copies = [replace(case, fidelity="coarse") for case in cases]
    done = run(voxels, profile, **options)
    return list(zip(cases, copies, strict=True)), done + run([*cases, *copies], profile, **options)


def run_resolved(profile, **options):
    """Run the resolved cases of the study, stage by stage; returns the fits and a Summary."""
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


def add_arguments(parser):
    """Options of ``python -m analysis campaign``."""
    parser.add_argument("--profile", default="demo", help="smoke, demo or paper")
    parser.add_argument("--scheduler", default="", help="Dask scheduler, tcp://host:port")
    parser.add_argument(
        "--wait",
        type=float,
        default=cluster.WAIT_S,
        metavar="SECONDS",
        help="for workers of the scheduler (default: %(default)s)",
    )
    parser.add_argument("--workers", type=int, default=0, help="local processes; 0: one per core")
    parser.add_argument("--methods", default="", help="comma-separated; default: those of Table 3")
    parser.add_argument(
        "--fipy", action="store_true", help="the lithiations in FiPy, after the fits they need"
    )
    parser.add_argument(
        "--device", default="", help="where voxels are lithiated: cpu (default) or cuda"
    )
    parser.add_argument(
        "--resolved", action="store_true", help="lithiate voxels, not the homogenized model"
    )


def main(options, progress=print):
    """
    Run the campaign of the command line; status 1 if a case failed.

    Raises
    ------
    ValueError
        If an option makes no sense, alone or beside another.
    transport.cuda.card.CudaError
        If the card is asked for and cannot be used; workers of a scheduler look for their own.
    """
    methods = [name.strip() for name in options.methods.split(",") if name.strip()]
    if options.workers < 0 or (options.workers and options.scheduler):
        raise ValueError(
            f"--workers {options.workers}"
            + (f" --scheduler {options.scheduler}" if options.scheduler else "")
            + ": expected a number of local processes, or 0 for one per core, and none with a "
            "scheduler."
        )
    if not options.wait > 0:
        raise ValueError(f"--wait {options.wait:g}: expected a number of seconds above 0.")
    if options.resolved and options.methods:
        raise ValueError(
            f"--resolved --methods {options.methods}: the methods of resolved runs stand in the "
            "profile (resolved_methods in analysis/profiles.py); leave --methods out."
        )
    if options.resolved and options.fipy:
        raise ValueError("--resolved --fipy: one after the other, with two commands.")
    if options.methods and not methods:
        raise ValueError(f"--methods {options.methods!r} names no method; leave it out for all.")
    profile = profiles.get(options.profile)
    devices.choose(options.device, here=not options.scheduler)
    folder = storage.results_root() / profile.name
    for file in scratch.sweep_partial(folder):
        progress(f"Removed {file.name}, which a process that was killed had half written.")
    common = dict(
        scheduler=options.scheduler or None,
        workers=options.workers or None,
        wait_s=options.wait,
        progress=progress,
    )
    if options.resolved:
        _, summary = run_resolved(profile, **common)
    else:
        _, summary = run_fits(profile, methods=methods or None, **common)
        if options.fipy:
            summary += run_fipy(profile, **common)[1]
    progress(str(summary))
    return 1 if summary.failed else 0
