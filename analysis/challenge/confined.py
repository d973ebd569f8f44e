"""A program in a process of its own: in a folder of its own, for so long, with so much memory.

When it ends, or is ended, none of the processes that it has started is left. This keeps accidents
apart from the study; it is no wall against malice. Who runs programs of strangers does so in a
container or on a machine that holds nothing else.
"""

import contextlib
import ctypes
import os
import resource
import signal
import subprocess
import sys
import time
from dataclasses import dataclass
from pathlib import Path

import psutil

from analysis.processes import die_with_parent, killed_by

LOOK_S = 0.05  # between two looks at time and memory
ADDRESSES = 4  # times the memory: libraries reserve addresses that they never use
LARGEST_FILE = 1 << 33  # bytes of one file that the program may write
LONGEST_OUTPUT = 20_000  # characters of what it prints that are kept

# What a program needs of the environment of this process; secrets are not among it.
PASSED_ON = (
    "PATH", "LANG", "LC_ALL", "LD_LIBRARY_PATH", "OMP_NUM_THREADS", "OMP_WAIT_POLICY",
    "OPENBLAS_NUM_THREADS", "MKL_NUM_THREADS", "KERAS_BACKEND", "NUMBA_CACHE_DIR", "TZ",
)  # fmt: skip

_SET_CHILD_SUBREAPER = 36
_GET_DUMPABLE, _SET_DUMPABLE = 3, 4


@dataclass(frozen=True)
class Limits:
    """
    What one call may use.

    Attributes
    ----------
    seconds : float
        Wall-clock time.
    memory_GB : float
        Resident memory of the process and its children together.
    """

    seconds: float = 300.0
    memory_GB: float = 4.0

    def __post_init__(self):
        for name, what in (("seconds", "s"), ("memory_GB", "GB")):
            value = getattr(self, name)
            if not 0 < value < float("inf"):
                raise ValueError(f"The limit {name} is {value} {what}; expected a positive number.")


@dataclass(frozen=True)
class Ended:
    """
    How a confined program ended.

    Attributes
    ----------
    reason : str
        Why it was ended, or what killed it; empty if it ended by itself.
    status : int
        Its exit status.
    seconds : float
        How long it ran.
    memory_GB : float
        The most that was seen.
    output : str
        End of what it printed.
    """

    reason: str
    status: int
    seconds: float
    memory_GB: float
    output: str


def run(arguments, folder, limits, *, environment=None):
    """
    Run a Python module in a folder until it ends or reaches a limit.

    Parameters
    ----------
    arguments : list of str
        Of the Python interpreter.
    folder : Path
        Working folder; home and temporary files of the program lie in it.
    limits : Limits
    environment : dict, optional
        Variables beside :data:`PASSED_ON`.

    Returns
    -------
    Ended
    """
    folder = Path(folder)
    for name in ("home", "tmp"):
        (folder / name).mkdir(exist_ok=True)
    passed = {name: os.environ[name] for name in PASSED_ON if name in os.environ}
    own = {"HOME": str(folder / "home"), "TMPDIR": str(folder / "tmp"), "PYTHONHASHSEED": "0"}
    log = folder / "output.txt"
    before = {child.pid for child in psutil.Process().children(recursive=True)}
    started = time.monotonic()
    with _guardian(), open(log, "wb") as output:
        process = subprocess.Popen(  # noqa: S603  (arguments are ours)
            [sys.executable, "-s", *arguments],
            cwd=folder,
            env=passed | own | (environment or {}),
            stdin=subprocess.DEVNULL,
            stdout=output,
            stderr=subprocess.STDOUT,
            start_new_session=True,
        )
        try:
            reason, most = _watch(process, before, limits, started)
        finally:
            _end_all(process, before)
    status = process.wait()
    if not reason and killed_by(status):
        reason = f"It {killed_by(status)}."
    printed = log.read_bytes()[-4 * LONGEST_OUTPUT :].decode("utf-8", "replace")
    seconds = time.monotonic() - started
    return Ended(reason, status, seconds, most / 1e9, printed[-LONGEST_OUTPUT:])


def _watch(process, before, limits, started):
    """Look at time and memory until the process ends; why it has to be ended, and memory seen."""
    most = 0
    while process.poll() is None:
        most = max(most, _memory(process.pid, before))
        if most > limits.memory_GB * 1e9:
            return (
                f"It was stopped at its memory limit: {most / 1e9:.2f} GB were in use, "
                f"{limits.memory_GB:g} GB are allowed."
            ), most
        if time.monotonic() - started > limits.seconds:
            return f"It was stopped at its time limit of {limits.seconds:g} s.", most
        time.sleep(LOOK_S)
    return "", most


def _memory(pid, before):
    """Resident bytes of the process and of all that it has started, orphans too."""
    total = 0
    for child in psutil.Process().children(recursive=True):
        if child.pid == pid or child.pid not in before:
            try:
                total += child.memory_info().rss
            except psutil.Error:
                continue
    return total


def _end_all(process, before):
    """Kill the process, its group, and whatever else it has left running."""
    for _ in range(20):  # one that is forking may get away once
        try:
            os.killpg(process.pid, signal.SIGKILL)
        except (ProcessLookupError, PermissionError):  # it has ended; macOS denies it then
            pass
        left = [c for c in psutil.Process().children(recursive=True) if c.pid not in before]
        for child in left:
            try:
                child.kill()
            except psutil.Error:
                continue
        gone, alive = psutil.wait_procs(left, timeout=0.5)
        process.poll()
        if not alive and not [
            c for c in psutil.Process().children(recursive=True) if c.pid not in before
        ]:
            return


@contextlib.contextmanager
def _guardian():
    """
    Make processes whose parent has died ours, and keep our memory from programs of ours.

    Only Linux can; elsewhere a program that detaches itself twice may outlive its limits.
    """
    if sys.platform != "linux":
        yield
        return
    prctl = ctypes.CDLL(None).prctl
    was_dumpable = prctl(_GET_DUMPABLE, 0, 0, 0, 0)
    prctl(_SET_CHILD_SUBREAPER, 1, 0, 0, 0)
    prctl(_SET_DUMPABLE, 0, 0, 0, 0)
    try:
        yield
    finally:
        prctl(_SET_DUMPABLE, was_dumpable, 0, 0, 0)
        prctl(_SET_CHILD_SUBREAPER, 0, 0, 0, 0)


def confine(memory_GB):
    """
    Limit this process before it runs what is to be confined: addresses, size of files, no core.

    Parameters
    ----------
    memory_GB : float
        Resident memory that is allowed. Addresses are limited to :data:`ADDRESSES` times that, so
        that one large request is refused by the system before it is seen from outside.
    """
    die_with_parent()
    for which, value in (
        (resource.RLIMIT_AS, int(ADDRESSES * memory_GB * 1e9)),
        (resource.RLIMIT_FSIZE, LARGEST_FILE),
        (resource.RLIMIT_CORE, 0),
    ):
        hard = resource.getrlimit(which)[1]
        value = value if hard == resource.RLIM_INFINITY else min(value, hard)
        try:
            resource.setrlimit(which, (value, value))
        except ValueError:  # macOS knows no limit on addresses; memory is watched from outside
            if sys.platform == "linux":
                raise
