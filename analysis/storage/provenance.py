"""What made a result: the commit, the versions of the libraries, the machine."""

import os
import platform
import subprocess
from functools import lru_cache
from importlib import metadata
from pathlib import Path

ROOT = Path(__file__).resolve().parents[2]
NUMERICAL = ("numpy", "scipy", "numba", "jaxlib")  # whose version and code path set the last digits


@lru_cache(maxsize=1)
def of_this_process():
    """
    Commit, versions and machine, as they are written beside a result.

    Returns
    -------
    made_by : dict
        ``commit``, ``python``, ``versions`` (of the numerical libraries), ``machine``, ``cores``.
    """
    return {
        "commit": commit(),
        "python": platform.python_version(),
        "versions": {name: version(name) for name in NUMERICAL},
        "machine": f"{processor()}, {platform.system()} {platform.machine()}",
        "cores": os.cpu_count(),
    }


def commit(root=ROOT):
    """
    Commit of the source tree, marked if files differed from it; "unknown" outside git.

    Returns
    -------
    name : str
    """
    try:
        head = _git(root, "rev-parse", "HEAD")
        changed = _git(root, "status", "--porcelain", "--untracked-files=no")
    except (OSError, subprocess.CalledProcessError):
        return "unknown (not a git checkout)"
    return head + (" with local changes" if changed else "")


def processor():
    """
    Name of the processor and the widest vector instructions that numpy uses on it.

    Libraries choose their code by these instructions, and with it the last digit of a result.

    Returns
    -------
    name : str
    """
    import numpy as np

    name = platform.processor() or platform.machine()
    try:
        lines = Path("/proc/cpuinfo").read_text(encoding="utf-8").splitlines()
        named = next(line for line in lines if line.startswith("model name"))
        name = named.split(":", 1)[1].strip()
    except (OSError, StopIteration):
        pass  # not Linux: the platform's own name will do
    extensions = np.show_config(mode="dicts")["SIMD Extensions"]
    return f"{name}, {(extensions.get('found') or extensions.get('baseline') or ['none'])[-1]}"


def version(name):
    """Installed version of a package, or that it is not installed."""
    try:
        return metadata.version(name)
    except metadata.PackageNotFoundError:
        return "not installed"


def _git(root, *arguments):
    done = subprocess.run(
        ["git", *arguments], cwd=root, capture_output=True, text=True, check=True, timeout=20
    )
    return done.stdout.strip()
