"""Keep what a benchmark prints, with the machine, the commit and the versions it ran on."""

import contextlib
import datetime
import importlib.metadata
import os
import platform
import subprocess
import sys
from pathlib import Path

PACKAGES = "numpy scipy numba numba-cuda fipy keras jax scikit-image porespy openpnm pyamg taufactor torch dijkstra3d edt"


class _Tee:
    def __init__(self, *streams):
        self.streams = streams

    def write(self, text):
        for stream in self.streams:
            stream.write(text)

    def flush(self):
        for stream in self.streams:
            stream.flush()


@contextlib.contextmanager
def recording(path):
    """
    Print as usual, and into a file as well.

    Parameters
    ----------
    path : path-like or None
        File for the lines, which begin with :func:`header`; nothing is kept if None.
    """
    if path is None:
        yield
        return
    path = Path(path)
    path.parent.mkdir(parents=True, exist_ok=True)
    with path.open("w", encoding="utf-8") as file:
        with contextlib.redirect_stdout(_Tee(sys.stdout, file)):
            print(header(), flush=True)
            yield
            print(f"# load of the machine at the end {os.getloadavg()[0]:.1f}", flush=True)


def header():
    """Lines that say where and on what a benchmark ran."""
    versions = []
    for name in PACKAGES.split():
        with contextlib.suppress(importlib.metadata.PackageNotFoundError):
            versions.append(f"{name} {importlib.metadata.version(name)}")
    lines = (
        f"date {datetime.date.today().isoformat()}, commit {commit()}",
        f"machine {processor()}, {os.cpu_count()} cores, {platform.system()}, "
        f"load at the start {os.getloadavg()[0]:.1f}",
        f"Python {platform.python_version()}, {', '.join(versions)}",
    )
    return "\n".join(f"# {line}" for line in lines)


def commit():
    """Short hash of the commit, with a + if files under version control were changed since."""

    def git(*arguments):
        command = ["git", "-C", str(Path(__file__).parent), *arguments]
        return subprocess.run(command, capture_output=True, text=True).stdout.strip()

    return git("rev-parse", "--short", "HEAD") + "+" * bool(git("status", "--porcelain", "-uno"))


def processor():
    """Name of the processor, its family and the widest vectors it has."""
    try:
        lines = Path("/proc/cpuinfo").read_text(encoding="utf-8").splitlines()
    except OSError:
        return platform.processor() or platform.machine()
    found = {}
    for line in lines:
        key, _, value = line.partition(":")
        found.setdefault(key.strip(), value.strip())
    name = found.get("model name", platform.machine())
    flags = found.get("flags", "").split()
    vectors = next((v for v in ("avx512f", "avx2", "avx") if v in flags), "no AVX")
    return f"{name} (family {found.get('cpu family')}, model {found.get('model')}, {vectors})"


def peak_gb():
    """
    Largest resident memory of this process so far [GB].

    ``getrusage`` is of no use for a child: it starts with the memory of its parent.
    """
    for line in Path("/proc/self/status").read_text().splitlines():
        if line.startswith("VmHWM"):
            return int(line.split()[1]) / 1e6
    return float("nan")
