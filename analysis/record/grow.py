"""A record grown in pieces, in the order in which it says most if it is stopped.

What is cheap comes first, for all maps: structures, the homogenized model. Then voxels are
lithiated, one cutout of each electrode after the other, and of a cutout first the truth and one map
of each way, at the current of the fit; then their gamma; then the other maps; then other currents.
Finished cases go into the record on the way, so that a run which is stopped leaves what it has.
"""

import time
from dataclasses import dataclass

from analysis import processes
from analysis.profiles import ONE_A_WAY
from analysis.record import collect
from analysis.simulation import campaign, case_lists
from analysis.simulation.campaign import Summary
from analysis.simulation.cases import TRUTH

EVERY_S = 600.0  # seconds after which finished cases go into the record while others run


@dataclass(frozen=True)
class Stage:
    """
    Cases that are run together.

    Attributes
    ----------
    title : str
        What they are.
    run : callable
        Takes the options of :func:`analysis.simulation.campaign.run`; returns a Summary.
    first : bool
        Whether it belongs to what is grown before all other maps and cutouts.
    """

    title: str
    run: callable
    first: bool = False


def stages(profile):
    """
    All cases of a profile whose labels are on disk, in stages.

    Parameters
    ----------
    profile : analysis.profiles.Profile

    Returns
    -------
    stages : list of Stage
        Each finds its cases when it is run: some depend on the results of an earlier one.
    """
    found = [
        Stage("homogenized model", lambda **options: _homogenized(profile, **options), first=True)
    ]
    for cutout in range(1, profile.resolved_cutouts + 1):
        for title, of_maps in (("one map of each way", _headline), ("other maps", _others)):
            first = cutout == 1 and of_maps is _headline
            found += [
                _resolved(profile, f"{title}, fit current", _compared, cutout, of_maps, first),
                _fits(profile, f"{title}, gamma", cutout, of_maps, first),
            ]
        found.append(_resolved(profile, "truth, other currents", _measured, cutout, _any))
        found.append(_resolved(profile, "predictions", _predicted, cutout, _any))
        found.append(_resolved(profile, "other cells", _with_other_cells, cutout, _any))
    fipy = Stage("FiPy", lambda **options: campaign.run_fipy(profile, **options)[1])
    return [*found, fipy]


def grow(profile, *, only_first=False, workers=None, progress=print, every_s=EVERY_S):
    """
    Run the cases that are missing, in stages, and keep the record of the profile up to date.

    Parameters
    ----------
    profile : analysis.profiles.Profile
    only_first : bool
        Only what is cheap, and one map of each way of the first cutouts.
    workers : int, optional
        Local processes; by default one per core.
    progress : callable
        Receives lines.
    every_s : float
        Seconds between two gatherings while cases run.

    Returns
    -------
    summary : Summary
        Of all stages.

    Raises
    ------
    FileNotFoundError
        If no map and truth of the profile are on disk.
    KeyboardInterrupt
        If the run was stopped, after the record has been brought up to date.
    """
    absent = _absent(profile)
    if absent:
        progress(f"Left out, for their labels are not on disk: {', '.join(absent)}.")
    summary, last = Summary(0, 0, {}), time.monotonic()

    def told(line):
        nonlocal last
        progress(line)
        if time.monotonic() - last >= every_s:
            collect.collect(profile, progress=progress)
            last = time.monotonic()

    found = [stage for stage in stages(profile) if stage.first or not only_first]
    try:
        for stage in found:
            progress(f"{stage.title}:")
            done = stage.run(workers=workers, progress=told)
            summary += done
            progress(str(done))
            if done.run or stage is found[-1]:
                collect.collect(profile, progress=progress)
                last = time.monotonic()
    except (KeyboardInterrupt, SystemError) as error:
        if not processes.was_stopped(error):
            raise
        if collect.finished_cases(profile):
            progress("Stopped; what is finished goes into the record.")
            collect.collect(profile, progress=progress)
        raise KeyboardInterrupt from error
    return summary


def _homogenized(profile, **options):
    voxels = [one for one in case_lists.resolved_cases(profile)[0] if one.kind == "structure"]
    return campaign.run_fits(profile, **options)[1] + campaign.run(voxels, profile, **options)


def _resolved(profile, title, choose, cutout, of_maps, first=False):
    def run(**options):
        runs, fits = case_lists.resolved_cases(profile)
        chosen = [
            one
            for one in choose(profile, runs, fits)
            if one.cutout == cutout and of_maps(profile, one.method)
        ]
        return campaign.run(chosen, profile, **options)

    return Stage(f"Cutout {cutout}, {title}", run, first)


def _fits(profile, title, cutout, of_maps, first):
    def run(**options):
        _, fits = case_lists.resolved_cases(profile)
        chosen = [one for one in fits if one.cutout == cutout and of_maps(profile, one.method)]
        return campaign.run(chosen, profile, **options)

    return Stage(f"Cutout {cutout}, {title}", run, first)


def _compared(profile, runs, _):
    """The study's cells at the true gamma and the current of the fit."""
    return [
        one
        for one in runs
        if one.kind == "lithiation"
        and one.voxels_per_cell == profile.resolved_voxels_per_cell[0]
        and one.current_mA_cm2 == profile.fit_current
        and one.gamma == profile.gamma_true
    ]


def _measured(profile, runs, _):
    cells = profile.resolved_voxels_per_cell[0]
    lithiations = [one for one in runs if one.kind == "lithiation" and one.method == TRUTH]
    return [one for one in lithiations if one.voxels_per_cell == cells]


def _predicted(profile, _, fits):
    return [
        one
        for fit in fits
        if campaign.is_finished(fit, profile)
        for one in case_lists.predictions(fit, profile)
    ]


def _with_other_cells(profile, runs, _):
    cells = profile.resolved_voxels_per_cell[0]
    return [one for one in runs if one.kind == "lithiation" and one.voxels_per_cell != cells]


def _headline(profile, method):
    return method in (TRUTH, *(profile.resolved_predicted or ONE_A_WAY))


def _others(profile, method):
    return not _headline(profile, method)


def _any(profile, method):
    return True


def _absent(profile):
    there = case_lists.on_disk(profile)
    return [
        f"{specimen}-{cutout}-{method}"
        for specimen in profile.resolved_specimens
        for cutout in range(1, profile.resolved_cutouts + 1)
        for method in profile.resolved_methods
        if not there(specimen, cutout, method)
    ]
