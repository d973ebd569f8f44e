"""Run the chapters: papermill executes each one, after those that it needs, several at a time.

A chapter runs when its code cells, the package modules they import, its parameters, or the
result files it read have changed since its stamp was written, and only then. Stamps are written
one by one, so a run that was killed goes on where it stopped.
"""

import base64
import fcntl
import os
import re
import subprocess
import sys
import threading
import time
from concurrent.futures import FIRST_COMPLETED, ThreadPoolExecutor, wait
from contextlib import contextmanager
from graphlib import TopologicalSorter
from pathlib import Path

import jupytext
import nbformat
import yaml

from analysis import progress as notes
from analysis import storage
from analysis.processes import die_with_parent, killed_by
from publishing import stamps
from publishing.chapters import COLOPHON, ROOT, ways
from publishing.fingerprint import fingerprint
from publishing.pairs import KERNEL

PRINTING = threading.Lock()

TELL_EVERY_S = 60.0  # what a chapter is at is told this often while it runs

# Networks of one shape are compiled once, not anew in every training and in every chapter. What was
# compiled lies beside what numba compiles: in the environment that it belongs to.
COMPILED_ONCE = {
    "JAX_COMPILATION_CACHE_DIR": str(Path(sys.prefix) / "jax-cache"),
    "JAX_PERSISTENT_CACHE_MIN_COMPILE_TIME_SECS": "0.2",
}

_CHILDREN = set()  # notebooks under way, to end them when the run is stopped


class ChapterFailed(RuntimeError):
    """A notebook stopped with an error."""


def execute(chapters, *, build, parameters, jobs=2, progress=print, book=None):
    """
    Bring the executed copies of all chapters up to date.

    Parameters
    ----------
    chapters : list of Chapter
        In the order of the book.
    build : Build
        Folders of the profile.
    parameters : dict
        Offered to every chapter; a chapter gets those that its parameters cell names.
    jobs : int
        Chapters that run at the same time.
    progress : callable
        Receives one line of progress per chapter.
    book : list of Chapter, optional
        All chapters of the book, where `chapters` are a part of it: the manifest keeps what the
        others have left. By default `chapters`.

    Returns
    -------
    ran : list of str
        Chapters that were executed.

    Raises
    ------
    ChapterFailed
        If a chapter stops with an error; says which, why, and where its log lies.
    RuntimeError
        If another run of the same profile is under way.
    """
    board = _Board([chapter.name for chapter in chapters], progress)
    by_name = {chapter.name: chapter for chapter in chapters}
    needs = {chapter.name: chapter.needs for chapter in chapters}
    if COLOPHON in needs:
        needs[COLOPHON] = [name for name in by_name if name != COLOPHON]
    with only_run_of(build):
        in_order(
            needs,
            lambda name: _bring_up_to_date(by_name[name], build, parameters, board),
            jobs,
            ways(needs, stamps.seconds_known(build, needs)),
        )
        stamps.write_manifest(build, [chapter.name for chapter in book or chapters])
    if board.failures:
        raise ChapterFailed("\n\n".join(board.failures))
    return board.ran


def in_order(needs, work, jobs, ways=None):
    """
    Do a piece of work for every name, after all that it needs and several at a time.

    Once a piece has failed nothing new is begun; what is under way goes on to its end.

    Parameters
    ----------
    needs : dict of str to iterable of str
        For each name the names that must be done before.
    work : callable
        Takes a name, returns whether it went well. What it raises ends the run.
    jobs : int
        Pieces at the same time.
    ways : dict of str to float, optional
        How much work waits for a name, its own included (:func:`publishing.chapters.ways`). Of
        those that could begin, the one with the most does, so that no core is left without work
        at the end. Without it they begin in the order of the dict, as soon as they can.

    Raises
    ------
    graphlib.CycleError
        If names need each other in a circle; nothing has been done then.
    """
    order = TopologicalSorter(dict.fromkeys(needs, ()))  # names first: it keeps their order
    for name, before in needs.items():
        order.add(name, *before)
    order.prepare()
    ready, running, failed, ways = [], {}, False, ways or {}
    with ThreadPoolExecutor(max(1, jobs)) as pool:
        try:
            while True:
                ready += order.get_ready()
                ready.sort(key=lambda name: -ways.get(name, 0.0))  # stable
                while ready and not failed and len(running) < max(1, jobs):
                    name = ready.pop(0)
                    running[pool.submit(work, name)] = name
                if not running:
                    return
                for future in wait(running, return_when=FIRST_COMPLETED).done:
                    name = running.pop(future)
                    if future.result():
                        order.done(name)
                    else:
                        failed = True
        except BaseException:
            pool.shutdown(wait=False, cancel_futures=True)
            for process in list(_CHILDREN):
                process.kill()
            raise


class _Board:
    def __init__(self, names, progress):
        self.names = names
        self.progress = progress
        self.done = 0
        self.ran = []
        self.failures = []

    def line(self, name, text, *, finished=True):
        with PRINTING:
            self.done += finished
            self.progress(f"[{self.done:2d}/{len(self.names)}] {name:<28} {text}")


def _bring_up_to_date(chapter, build, parameters, board):
    """Run a chapter if it must run; return whether it is up to date now."""
    name = chapter.name
    now = fingerprint(chapter.source, parameters=accepted(chapter.source, parameters))
    now["offered"] = offered = stamps.offered(build, chapter.needs)
    if name == COLOPHON:
        stamps.write_manifest(build, board.names)
    reason = stamps.reason_to_run(build, name, now)
    if not reason:
        board.line(name, "up to date")
        return True
    board.line(name, f"running ({reason})", finished=False)
    try:
        with _told(board, name, build.log(name)):
            stamp = run_chapter(chapter.source, name, build=build, parameters=parameters)
        stamp["fingerprint"]["offered"] = offered
        stamps.write_stamp(build, name, stamp)
    except (ChapterFailed, OSError) as failure:
        board.failures.append(stamps.why_stopped(build, name, failure))
        board.line(name, "FAILED")
        return False
    board.ran.append(name)
    board.line(name, f"{stamp['seconds']:6.1f} s  {stamp['peak_memory_MB'] / 1000:.1f} GB")
    return True


@contextmanager
def _told(board, name, log, every_s=None):
    """Tell how long a chapter has been running, and the last note in its log, again and again."""
    over = threading.Event()
    begin = time.monotonic()

    def tell():
        while not over.wait(every_s or TELL_EVERY_S):
            gone = f"{notes.clock(time.monotonic() - begin)} gone"
            board.line(name, "; ".join(filter(None, [gone, notes.last_note(log)])), finished=False)

    teller = threading.Thread(target=tell, daemon=True)
    teller.start()
    try:
        yield
    finally:
        over.set()
        teller.join()


def run_chapter(source, name, *, build, parameters):
    """
    Execute one notebook by papermill and return its stamp.

    Parameters
    ----------
    source : Path
        The MyST notebook.
    name : str
        Name of the executed copy.
    build : Build
        Folders to write to.
    parameters : dict
        Offered parameters; those that the notebook names are passed.

    Raises
    ------
    ChapterFailed
        If a cell raises an error.
    """
    given = accepted(source, parameters)
    print_of_sources = fingerprint(source, parameters=given)
    build.stamp(name).unlink(missing_ok=True)
    executed, log = build.executed(name), build.log(name)
    for folder in (executed.parent, log.parent):
        folder.mkdir(parents=True, exist_ok=True)
    entry = executed.with_name(f".{name}.input.ipynb")
    partial = executed.with_name(f".{name}.partial.ipynb")
    record = log.with_suffix(".jsonl")
    record.unlink(missing_ok=True)
    notebook = jupytext.read(source)
    notebook.metadata["kernelspec"] = KERNEL
    nbformat.write(notebook, entry)

    command = [sys.executable, "-m", "papermill", str(entry), str(partial), "-k", "python3"]
    command += ["--cwd", str(ROOT), "--no-progress-bar", "--log-output"]
    # base64 YAML keeps the types: a voxel size stays a number, a path a string
    command += ["-b", base64.b64encode(yaml.safe_dump(dict(given)).encode()).decode()]
    started = time.perf_counter()
    status, usage = _run(command, log, record)
    seconds = time.perf_counter() - started
    entry.unlink(missing_ok=True)
    if status != 0:
        raise ChapterFailed(
            f"Chapter {name} {killed_by(status) or 'stopped with an error'}:\n\n"
            f"{_last_error(log)}\n\n{stamps.full_disk(build)}"
            f"The notebook up to that cell: {partial}\nThe log: {log}"
        )
    os.replace(partial, executed)
    reads, writes = stamps.collect_record(record)
    return {
        "fingerprint": print_of_sources,
        "reads": reads,
        "writes": writes,
        "seconds": round(seconds, 1),
        "cpu_seconds": round(usage.ru_utime + usage.ru_stime, 1),
        "peak_memory_MB": round(usage.ru_maxrss / 1024),
    }


def accepted(source, parameters):
    """Those parameters that the notebook's parameters cell assigns."""
    for cell in jupytext.read(source).cells:
        if "parameters" in cell.metadata.get("tags", []):
            assigned = set(re.findall(r"^(\w+)\s*=", cell.source, flags=re.MULTILINE))
            return {key: value for key, value in parameters.items() if key in assigned}
    return {}


def _run(command, log, record):
    """Run a command with its output in a file; it dies with us. Returns status and usage."""
    environment = {
        **COMPILED_ONCE,
        **os.environ,
        storage.RECORD_VARIABLE: str(record),
        notes.VARIABLE: str(log),
        "PYTHONPATH": os.pathsep.join([str(ROOT), os.environ.get("PYTHONPATH", "")]),
        "PYTHONHASHSEED": "0",
        "MPLBACKEND": "module://matplotlib_inline.backend_inline",
    }
    log.write_bytes(b"")
    with open(log, "ab") as output:  # notes are appended to the same file
        process = subprocess.Popen(
            command,
            stdout=output,
            stderr=subprocess.STDOUT,
            env=environment,
            preexec_fn=die_with_parent,
        )
        _CHILDREN.add(process)
        try:
            _, status, usage = os.wait4(process.pid, 0)
        except BaseException:
            process.kill()
            raise
        finally:
            _CHILDREN.discard(process)
    process.returncode = os.waitstatus_to_exitcode(status)
    return process.returncode, usage


@contextmanager
def only_run_of(build):
    build.folder.mkdir(parents=True, exist_ok=True)
    with open(build.folder / ".lock", "w") as lock:
        try:
            fcntl.flock(lock, fcntl.LOCK_EX | fcntl.LOCK_NB)
        except BlockingIOError:
            whose = "`make own`" if build.profile == "own" else f"profile {build.profile!r}"
            raise RuntimeError(
                f"Another run of {whose} is writing to {build.folder}. "
                "Wait for it to end, or stop it."
            ) from None
        yield


def _last_error(log, lines=25):
    text = Path(log).read_text(encoding="utf-8", errors="replace")
    text = re.sub(r"\x1b\[[0-9;]*m", "", text).strip()
    return "\n".join(text.splitlines()[-lines:])
