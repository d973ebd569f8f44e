"""Cases on this machine: in this process, or in several that replace one another if killed."""

import os

from analysis import processes
from analysis.simulation.cases import is_finished
from analysis.simulation.run import Outcome, execute


def outcomes(cases, profile, workers, begun=lambda cases: None):
    """
    Run cases on this machine.

    Parameters
    ----------
    cases : sequence of Case
        What to run.
    profile : analysis.profiles.Profile
    workers : int
        Processes; one means this process.
    begun : callable
        Receives the list of cases at work, whenever another one begins.

    Yields
    ------
    case : Case
    outcome : Outcome
        As a case ends.

    Raises
    ------
    OSError
        If results cannot be written.
    """
    if workers > 1:
        yield from _in_processes(cases, profile, workers, begun)
        return
    for case in cases:
        begun([case])
        yield case, execute(case, profile)


def _in_processes(cases, profile, workers, begun):
    """Local processes. One that is killed takes its case with it; the case is tried again."""
    from concurrent.futures import as_completed
    from concurrent.futures.process import BrokenProcessPool

    left, broken = list(cases), 0
    while left:
        with processes.pool(workers, initializer=_begin_worker) as pool:
            futures = {pool.submit(execute, case, profile): case for case in left}
            begun(left[:workers])  # a pool takes its cases in the order of submission
            try:
                for future in as_completed(futures):
                    outcome = future.result()
                    left.remove(futures[future])
                    begun(left[:workers])
                    yield futures[future], outcome
            except BrokenProcessPool:
                broken += 1
                done = [case for case in left if is_finished(case, profile)]
                for case in done:
                    left.remove(case)
                    yield case, Outcome()
                if broken > 3:
                    why = Outcome("a worker process was killed four times; out of memory?")
                    for case in left:
                        yield case, why
                    return
            except BaseException:  # stopped: the cases at work are not waited for
                _end(pool)
                raise


def _end(pool):
    """Kill the processes of a pool. A case at work leaves its checkpoint, and no result."""
    for process in list((pool._processes or {}).values()):
        process.kill()
    pool.shutdown(wait=False, cancel_futures=True)


def _begin_worker():
    processes.die_with_parent()
    for variable in ("OMP_NUM_THREADS", "OPENBLAS_NUM_THREADS", "NUMBA_NUM_THREADS"):
        os.environ[variable] = "1"
