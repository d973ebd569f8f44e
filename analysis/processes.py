"""Processes that the package starts."""

import ctypes
import signal
import sys


def die_with_parent():
    """
    Ask Linux to kill this process when its parent dies; elsewhere do nothing.

    Call it first thing in a child: a run that was killed must not leave one behind that writes
    into the next run's files.
    """
    if sys.platform == "linux":
        ctypes.CDLL(None).prctl(1, signal.SIGKILL)  # PR_SET_PDEATHSIG
