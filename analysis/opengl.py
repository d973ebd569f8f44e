"""Whether this machine can draw in three dimensions."""

import ctypes
import sys

LIBRARIES = "libEGL.so.1", "libGL.so.1"


def check():
    """
    Make sure that pictures in three dimensions can be drawn.

    Raises
    ------
    RuntimeError
        If Linux lacks the OpenGL libraries, without which VTK ends the whole process.
    """
    missing = [name for name in LIBRARIES if not _loads(name)] if sys.platform == "linux" else []
    if missing:
        raise RuntimeError(
            f"Pictures in three dimensions need OpenGL; {' and '.join(missing)} not found on this "
            "machine. On Debian or Ubuntu: apt install libegl1 libgl1 (no screen is needed)."
        )


def _loads(name):
    try:
        ctypes.CDLL(name)
    except OSError:
        return False
    return True
