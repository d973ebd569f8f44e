"""Checkpoints of a resolved run: everything that the next step depends on, bit by bit."""

import os
import zipfile
import zlib

import numpy as np

from analysis import storage
from analysis.electrochemistry.resolved.solution import Snapshot

SCALARS = ("time", "step", "next_step", "error", "rejected", "unconverged", "iterations", "cycles")


_UNREADABLE = (
    *(OSError, EOFError, KeyError, TypeError, ValueError, AttributeError),
    *(zipfile.BadZipFile, zlib.error, NotImplementedError),
)


class Unusable(ValueError):
    """A checkpoint that cannot be read, or belongs to another case."""


def save(path, run, mark):
    """
    Write the state of a run; a kill during the write leaves the previous file whole.

    Parameters
    ----------
    path : path
        File.
    run : march.Run
        The run between two steps.
    mark : str
        Fingerprint of the case.
    """
    march = run.march
    arrays = dict(
        mark=np.array(mark),
        scalars=np.array([getattr(march, name) for name in SCALARS], float),
        rows=np.array(march.rows, float),
        salt=np.array([p[0] for p in march.profiles]),
        content=np.array([p[1] for p in march.profiles]),
        **{f"now{n}": part for n, part in enumerate(run.now)},
        **{f"before{n}": part for n, part in enumerate(run.before)},
        psi=run.old[0],
        phi=run.old[1],
        psi_trend=run.trend[0],
        phi_trend=run.trend[1],
        response=run.cell.response,
        slow=np.array(run.cell.slow),
        starts=np.array([run.salt_start, run.lithium_start]),
    )
    for n, snapshot in enumerate(march.snapshots):
        arrays[f"snapshot{n}"] = np.stack(
            [snapshot.salt_mol_m3, snapshot.content, snapshot.electrolyte_V, snapshot.solid_V]
        )
        arrays[f"snapshot{n}_time"] = np.array(snapshot.time_s)
    os.makedirs(os.path.dirname(os.path.abspath(path)), exist_ok=True)
    with storage.atomic(path) as temporary, open(temporary, "wb") as file:
        np.savez(file, **arrays)


def load(path, run, mark):
    """
    Put the state of a checkpoint into a fresh run of the same case.

    Raises
    ------
    Unusable
        If the checkpoint belongs to another case, or cannot be read.
    """
    try:
        with np.load(path) as file:  # all of it: the parts carry checksums, the whole does not
            stored = {name: file[name] for name in file.files}
        found = str(stored["mark"])
    except _UNREADABLE as error:
        raise Unusable(
            f"{path} is not a checkpoint of a resolved run; remove it to start anew."
        ) from error
    if found != mark:
        raise Unusable(
            f"The checkpoint {path} belongs to another case (labels, gamma, current, materials "
            "or accuracy differ). Remove it, or give another path."
        )
    march = run.march
    for name, value in zip(SCALARS, stored["scalars"], strict=True):
        kind = float if name in ("time", "step", "next_step", "error") else int
        setattr(march, name, kind(value))
    march.rows = [tuple(row) for row in stored["rows"]]
    march.profiles = list(zip(stored["salt"], stored["content"], strict=True))
    for n, (now, before) in enumerate(zip(run.now, run.before, strict=True)):
        now[:], before[:] = stored[f"now{n}"], stored[f"before{n}"]
    run.old[0][:], run.old[1][:] = stored["psi"], stored["phi"]
    run.trend[0][:], run.trend[1][:] = stored["psi_trend"], stored["phi_trend"]
    run.cell.response[:] = stored["response"]
    run.cell.slow = bool(stored["slow"])
    run.salt_start, run.lithium_start = (float(value) for value in stored["starts"])
    n = 0
    while f"snapshot{n}" in stored:
        march.snapshots.append(
            Snapshot(float(stored[f"snapshot{n}_time"]), *stored[f"snapshot{n}"])
        )
        n += 1
