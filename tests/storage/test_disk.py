"""A full disk is said in one way, whichever library found it and whatever it calls it."""

import errno
import os
import subprocess
import sys
from collections import namedtuple
from pathlib import Path

import numpy as np
import pytest

from analysis import __main__, storage
from analysis.storage import disk

ROOT = Path(__file__).resolve().parents[2]

Usage = namedtuple("Usage", "total used free")

HDF5 = RuntimeError(
    "Can't decrement id ref count (unable to write to file, errno = 28, error message = 'No space "
    "left on device')"
)
NUMPY = OSError("8000 requested and 512 written")


@pytest.mark.parametrize(
    ("error", "why"),
    [
        (OSError(errno.ENOSPC, "x"), "the disk is full"),
        (OSError(errno.EDQUOT, "x"), "your quota on this disk is used up"),
        (OSError(errno.EFBIG, "x"), "a file may not grow that large"),
        (HDF5, "the disk is full"),
        (OSError(errno.EACCES, "Permission denied"), ""),
        (NUMPY, ""),
        (ValueError("no numbers"), ""),
    ],
)
def test_reasons(tmp_path, error, why):
    assert disk.reason(error, tmp_path).startswith(why)
    assert bool(disk.reason(error, tmp_path)) == bool(why)


def test_numpy_gives_no_number_so_the_free_space_is_looked_at(tmp_path, monkeypatch):
    monkeypatch.setattr(disk.shutil, "disk_usage", lambda folder: Usage(100, 100, 0))
    assert disk.reason(NUMPY, tmp_path / "not" / "there") == "the disk is full"


@pytest.mark.parametrize("error", [OSError(errno.ENOSPC, "No space left on device"), HDF5])
def test_any_writer_in_the_block(tmp_path, error):
    with pytest.raises(OSError, match="the disk is full. The previous result"):
        with storage.atomic(tmp_path / "a.nc"):
            raise error


@pytest.mark.parametrize("error", [OSError(errno.ENOSPC, "No space left", "log.txt"), HDF5])
def test_the_command_says_the_sentence_wherever_it_happens(monkeypatch, capsys, error):
    def fail(_):
        raise error

    monkeypatch.setattr(
        "analysis.simulation.campaign.main", lambda options, progress: fail(options)
    )
    assert __main__.main(["campaign"]) == 1
    said = capsys.readouterr().err
    assert "the disk is full. The previous result, if there was one, is intact. Free some" in said
    assert "Traceback" not in said


WRITERS = {
    "volume": "storage.save_volume('gray/SL-1', noise(40), profile='smoke', voxel_size_um=1)",
    "curves": "storage.save_curves('a', xr.Dataset({'f': ('z', noise(40).ravel())}), "
    "profile='smoke')",
    "table": "storage.save_table('a', pd.DataFrame({'x': noise(40).ravel()}), profile='smoke')",
    "tiff": "tomogram.write_tiff(storage.path('volumes', 'a.tif', profile='smoke'), "
    "(noise(60) > 0.5).astype('u1'), 1.0)",
    "checkpoint": "savez(storage.path('cases', '.a.npz', profile='smoke'))",
    "stamp": "stamps.write_json(storage.results_root() / 's.json', {'a': noise(20).tolist()})",
}

SCRIPT = """
import os, resource
import numpy as np, pandas as pd, xarray as xr
from analysis import storage, tomogram
from publishing import stamps
noise = lambda edge: np.random.default_rng(0).random((edge,) * 3)
def savez(path):
    with storage.atomic(path) as temporary, open(temporary, "wb") as file:
        np.savez(file, a=noise(40))
resource.setrlimit(resource.RLIMIT_FSIZE, (20_000, 20_000))
for name, call in {writers!r}.items():
    child = os.fork()  # HDF5 does not survive its second file that cannot be closed
    if child == 0:
        try:
            eval(call)
            print(name, "was written", flush=True)
        except OSError as error:
            print(name, "|", str(error).replace("\\n", " "), flush=True)
        os._exit(0)
    os.waitpid(child, 0)
"""


def test_every_writer_where_files_cannot_grow(results):
    done = subprocess.run(
        [sys.executable, "-c", SCRIPT.format(writers=WRITERS)],
        cwd=ROOT,
        env={**os.environ, storage.ROOT_VARIABLE: str(results)},
        capture_output=True,
        text=True,
        timeout=120,
    )
    said = dict(line.split(" | ", 1) for line in done.stdout.splitlines() if " | " in line)
    assert said.keys() == WRITERS.keys(), done.stdout + done.stderr
    for name, text in said.items():
        assert "Could not write" in text and "Free some space" in text, (name, text)
    assert "may not grow that large" in said["table"]
    left = [path for path in results.rglob("*") if path.is_file()]
    assert left == []


def test_a_disk_that_is_really_full(tmp_path):
    if not Path("/dev/full").exists():
        pytest.skip("needs /dev/full, which Linux has")
    with pytest.raises(OSError, match="the disk is full"):
        with storage.atomic(tmp_path / "a.csv") as temporary:
            temporary.symlink_to("/dev/full")
            with open(temporary, "wb") as opened:
                opened.write(np.zeros(100_000).tobytes())
    assert list(tmp_path.iterdir()) == []
