"""Cases on a Dask cluster: which of its workers may run them, and what if they or it are lost.

A worker may run cases if it has this very package and sees the same results folder. Those that are
there at the beginning are asked before any case; one that does not qualify ends the campaign with
its name. Those that join later are asked as well, and not used if they do not qualify.
"""

import contextlib
import hashlib
import importlib.metadata
import logging
import os
import platform
import time
import uuid
from collections import deque
from pathlib import Path

from analysis import __version__, storage
from analysis.electrochemistry.transport import devices
from analysis.simulation.cases import MODEL_VERSION
from analysis.simulation.run import Outcome, execute

WAIT_S = 60.0  # for a worker to join, unless the command says otherwise

CONNECT_S = 20.0  # for the scheduler to answer

POLL_S = 1.0  # between two looks at who is there

NUMERICS = ("numpy", "scipy", "numba")


def _hash_of_package():
    folder = Path(__file__).resolve().parent
    digest = hashlib.sha256()
    for file in sorted(folder.rglob("*.py")):
        digest.update(f"{file.relative_to(folder).as_posix()}\0".encode() + file.read_bytes())
    return digest.hexdigest()[:12]


# Read when the package is imported: what a worker that runs for days has in its memory counts, not
# what has been checked out since.
_SOURCE = _hash_of_package()


class ClusterFailed(RuntimeError):
    """The cluster cannot run the cases, or is gone."""


def identity():
    """
    What must be equal where a case runs and where its campaign was started.

    Returns
    -------
    identity : dict of str to str
        Versions of Python, of the package and of the model, and a hash of the package's source.
    """
    return {
        "Python": ".".join(platform.python_version_tuple()[:2]),
        "package version": __version__,
        "model version": str(MODEL_VERSION),
        "source": _SOURCE,
    }


def libraries():
    """Versions of the libraries that numbers come from; a difference is worth a line."""
    return {name: importlib.metadata.version(name) for name in NUMERICS}


def outcomes(cases, profile, address, *, wait_s=None, progress=print):
    """
    Run cases on a cluster.

    Parameters
    ----------
    cases : sequence of Case
        What to run.
    profile : analysis.profiles.Profile
    address : str
        Of the scheduler, ``tcp://host:port``.
    wait_s : float, optional
        How long to wait for workers [s], at the beginning and if all have left; 60 by default. A
        queue of a computing center may need more.
    progress : callable
        Receives what happens beside the cases, line by line.

    Yields
    ------
    case : Case
    outcome : Outcome
        As a case ends.

    Raises
    ------
    ClusterFailed
        If the scheduler does not answer or is lost, no worker comes, or a worker that is there at
        the beginning has another package, or none, or does not see the results folder.
    """
    wait_s = WAIT_S if wait_s is None else wait_s
    root = storage.results_root().absolute()
    waiting, running = deque(cases), {}  # future -> case and the workers that may run it
    with _quiet(), _connected(address) as client, _token(root) as token:
        accepted = _first_workers(client, root, token, wait_s, progress)
        refused, alone_since = set(), None
        while waiting or running:
            present = _threads(client)
            for worker in sorted(present.keys() - accepted - refused):
                why = _why_not(client, worker, root, token, progress)
                (refused if why else accepted).add(worker)
                progress(
                    f"Worker {worker} is not used: it {why}." if why else f"Worker {worker} joins."
                )
            accepted &= present.keys()
            alone_since = None if accepted else alone_since or time.monotonic()
            if not accepted and time.monotonic() - alone_since > wait_s:
                raise ClusterFailed(
                    f"All workers of {address} have left, and none came within {wait_s:.0f} s. "
                    f"{_RESUME}"
                )
            for future, (case, allowed) in list(running.items()):
                if not allowed & accepted and not future.done():
                    future.cancel()
                    del running[future]
                    waiting.appendleft(case)
            places = 2 * sum(present[worker] for worker in accepted)
            while waiting and len(running) < places:
                case = waiting.popleft()
                future = client.submit(
                    *(_remote, case, profile, str(root), devices.chosen()),
                    workers=list(accepted),
                    pure=False,
                    retries=1,
                )
                running[future] = case, frozenset(accepted)
            for future in _done(client, list(running)):
                case, _ = running.pop(future)
                yield case, _outcome(client, future)


_RESUME = "Finished cases are on disk; the same command goes on from there."


def _outcome(client, future):
    try:
        return future.result()
    except Exception as error:  # whatever happened on the cluster belongs to this case
        _check(client)
        return Outcome(f"{type(error).__name__}: {error}")


def _remote(case, profile, root, device):
    """`execute` on another machine, with the same results folder and kind of device."""
    os.environ |= {storage.ROOT_VARIABLE: root, devices.VARIABLE: device}
    return execute(case, profile)


def _first_workers(client, root, token, wait_s, progress):
    """Workers that are there at the beginning, all of them fit, or an error that names them."""
    address = client.scheduler.address
    if not _threads(client):
        progress(f"No worker at {address} yet; waiting up to {wait_s:.0f} s for one.")
    deadline = time.monotonic() + wait_s
    while not _threads(client):
        if time.monotonic() > deadline:
            raise ClusterFailed(
                f"No worker joined {address} within {wait_s:.0f} s. Start one where this package "
                f"is installed, `.venv/bin/dask worker {address}`, and run the same command "
                "again; --wait says how long to wait."
            )
        time.sleep(min(POLL_S, wait_s / 4))
    workers = sorted(_threads(client))
    unfit = {worker: _why_not(client, worker, root, token, progress) for worker in workers}
    unfit = {worker: why for worker, why in unfit.items() if why}
    if unfit:
        listed = "\n".join(f"  {worker} {why}" for worker, why in unfit.items())
        raise ClusterFailed(
            f"{len(unfit)} of {len(workers)} workers of {address} may not run cases of this "
            f"campaign; none was run:\n{listed}\nGive all of them this version of the package and "
            "this results folder, or stop them, and run the same command again."
        )
    progress(f"{len(workers)} workers at {address}")
    return set(workers)


def _why_not(client, worker, root, token, progress):
    """Why a worker may not run cases, or an empty string."""
    python = _python_of(client, worker)
    ours = identity()
    if python and python != ours["Python"]:
        return f"runs Python {python}; expected {ours['Python']}"
    found = client.run(_probe(), str(root / token), workers=[worker], on_error="return").get(worker)
    if not isinstance(found, dict):
        return f"could not be asked ({type(found).__name__}: {found})"
    if "error" in found:
        return f"on host {found['host']} {found['error']}"
    theirs = found["identity"]
    other = [name for name in ours if theirs.get(name) != ours[name]]
    if other:
        seen = ", ".join(f"{name} {theirs.get(name)} instead of {ours[name]}" for name in other)
        return f"on host {found['host']} has another version of the package: {seen}"
    if not found["sees"]:
        return (
            f"on host {found['host']} does not see the results folder {root}, so its results "
            "would be lost"
        )
    for name, version in libraries().items():
        if found["libraries"].get(name) != version:
            progress(
                f"Worker {worker} has {name} {found['libraries'].get(name)}, this machine "
                f"{version}: last digits may differ."
            )
    return ""


def _probe():
    """A function that travels by value, so that it runs where the package is not installed."""

    def probe(token):
        import pathlib
        import socket

        host = socket.gethostname()
        try:
            import analysis
        except Exception as error:
            text = f"cannot import the package ({type(error).__name__}: {error})"
            return {"host": host, "error": text}
        try:
            from analysis.simulation import cluster

            found = {"identity": cluster.identity(), "libraries": cluster.libraries()}
        except Exception as error:
            text = f"has another version of the package, {analysis.__file__} ({error})"
            return {"host": host, "error": text}
        return {"host": host, "sees": pathlib.Path(token).exists(), **found}

    return probe


def _python_of(client, worker):
    """Python of a worker as the cluster tells it; a function by value needs the same one."""
    versions = client.get_versions(check=False)["workers"].get(worker) or {}
    text = (versions.get("host") or {}).get("python", "")
    return ".".join(text.split(".")[:2])


def _threads(client):
    """Threads of every worker that is there, by its address."""
    _check(client)
    try:
        return dict(client.nthreads())
    except OSError as error:
        raise _lost(client) from error


def _done(client, futures):
    """Futures that have ended, after a short wait."""
    from dask.distributed import wait

    if not futures:
        time.sleep(POLL_S / 4)
        return []
    with client.as_current(), contextlib.suppress(TimeoutError):
        wait(futures, timeout=POLL_S, return_when="FIRST_COMPLETED")
    _check(client)
    return [future for future in futures if future.done()]


def _check(client):
    if client.status != "running":
        raise _lost(client)


def _lost(client):
    return ClusterFailed(f"The scheduler {client.scheduler.address} was lost. {_RESUME}")


@contextlib.contextmanager
def _connected(address):
    from dask.distributed import Client

    try:
        # Never dask's default: a client that is lost stays that, and xarray would ask it.
        client = Client(address, timeout=CONNECT_S, set_as_default=False)
    except (OSError, ValueError) as error:
        raise ClusterFailed(
            f"No scheduler answers at {address!r} (tried for {CONNECT_S:.0f} s: {error}). Expected "
            "the address that `dask scheduler` prints, tcp://host:port."
        ) from error
    try:
        yield client
    finally:
        client.close(timeout=2)


@contextlib.contextmanager
def _token(root):
    """Name of a file in the results folder that every worker must see."""
    name = f".campaign-{uuid.uuid4().hex}"
    root.mkdir(parents=True, exist_ok=True)
    (root / name).touch()
    try:
        yield name
    finally:
        (root / name).unlink(missing_ok=True)


@contextlib.contextmanager
def _quiet():
    """What distributed logs when a scheduler is lost is many pages; ours is one sentence."""
    logger = logging.getLogger("distributed")
    before = logger.level
    logger.setLevel(logging.CRITICAL)
    try:
        yield
    finally:
        logger.setLevel(before)
