"""Processes that the package starts."""

import ctypes
import resource
import signal
import sys
from concurrent.futures import ProcessPoolExecutor
from multiprocessing import get_context
from pathlib import Path


def pool(jobs, *, initializer=None):
    """
    Processes that start anew instead of as copies of this one.

    Parameters
    ----------
    jobs : int
        Number of processes.
    initializer : callable, optional
        Called first in each.

    Returns
    -------
    pool : concurrent.futures.ProcessPoolExecutor

    Raises
    ------
    OSError
        If this machine lets processes share no locks.
    """
    try:
        return ProcessPoolExecutor(jobs, mp_context=get_context("spawn"), initializer=initializer)
    except OSError as error:
        raise OSError(
            f"Several processes cannot work side by side here ({error}). They share locks in "
            "/dev/shm, which is missing or not writable; mount it with mode 1777 (in a container: "
            "start it with --shm-size=64m)."
        ) from error


def available_memory():
    """
    Memory [bytes] that this process can still take without being killed.

    Returns
    -------
    bytes : int
        The least of what the machine has, what a control group (container, batch job) leaves, and
        what the limit on the address space leaves.
    """
    import psutil

    left = [psutil.virtual_memory().available]
    for most, used in _CONTROL_GROUPS:
        try:
            left.append(int(Path(most).read_text()) - int(Path(used).read_text()))
        except (OSError, ValueError):  # no such group, or "max": no limit
            continue
    limit = resource.getrlimit(resource.RLIMIT_AS)[0]
    if limit != resource.RLIM_INFINITY:
        left.append(limit - psutil.Process().memory_info().vms)
    return max(0, min(left))


def was_stopped(error):
    """Whether an error says that the user stopped the run, also inside of a compiled kernel."""
    if isinstance(error, SystemError):  # raised by the kernel's return, for the signal came within
        error = error.__cause__
    return isinstance(error, KeyboardInterrupt)


_CONTROL_GROUPS = (
    ("/sys/fs/cgroup/memory.max", "/sys/fs/cgroup/memory.current"),
    (
        "/sys/fs/cgroup/memory/memory.limit_in_bytes",
        "/sys/fs/cgroup/memory/memory.usage_in_bytes",
    ),
)


def killed_by(status):
    """
    The signal that ended a process, in words, or an empty string.

    Parameters
    ----------
    status : int
        Exit status as :mod:`subprocess` gives it, or as a shell does (128 and the signal).

    Examples
    --------
    >>> killed_by(-9)
    'was killed (SIGKILL; out of memory?)'
    >>> killed_by(1)
    ''
    """
    number = -status if status < 0 else status - 128
    try:
        name = signal.Signals(number).name
    except ValueError:
        return ""
    hint = "; out of memory?" if number == signal.SIGKILL else ""
    return f"was killed ({name}{hint})"


def die_with_parent():
    """
    Ask Linux to kill this process when its parent dies; elsewhere do nothing.

    Call it first thing in a child: a run that was killed must not leave one behind that writes
    into the next run's files.
    """
    if sys.platform == "linux":
        ctypes.CDLL(None).prctl(1, signal.SIGKILL)  # PR_SET_PDEATHSIG
