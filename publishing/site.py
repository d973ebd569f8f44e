"""Sphinx, in one place: a staged book in, pages in one of its forms out.

Jupyter Book turns ``_config.yml`` and ``_toc.yml`` into ``conf.py``. Sphinx does the rest: its
own command line runs several processes at a time, that of Jupyter Book does not.
"""

import os
import subprocess
import sys
from pathlib import Path

from analysis.processes import killed_by
from publishing.chapters import ROOT


class SphinxFailed(RuntimeError):
    """Sphinx found something wrong with the pages."""


def build(stage, work, builder, *, strict=True, every_page=True, jobs=1, log=None):
    """
    Build a staged book.

    Parameters
    ----------
    stage : Path
        Staged book, see :func:`publishing.stage.stage`; ``conf.py`` is written into it.
    work : Path
        Folder of what was built and of what Sphinx remembers for the next time.
    builder : str
        ``html``, ``singlehtml`` or ``epub``.
    strict : bool
        Whether a warning, a reference to nothing among them, is an error.
    every_page : bool
        Whether to write pages that have not changed, too.
    jobs : int
        Processes that read and write pages.
    log : Path, optional
        File for all messages.

    Returns
    -------
    output : Path
        Folder with what was built.

    Raises
    ------
    SphinxFailed
        If Sphinx warns (when strict) or fails; its messages are in the error.
    """
    stage, work = Path(stage), Path(work)
    output = work / "_build" / builder
    sphinx = [sys.executable, "-m", "sphinx", "-b", builder, "-j", str(jobs)]
    sphinx += ["-d", str(work / "_build" / ".doctrees")]
    sphinx += ["-W", "-n", "--keep-going"] if strict else []
    sphinx += ["-a"] if every_page else []
    what = "site" if builder == "html" else builder
    messages, where = "", f"\n\nAll messages: {log}" if log is not None else ""
    for command in (
        [str(Path(sys.executable).with_name("jupyter-book")), "config", "sphinx", str(stage)],
        [*sphinx, str(stage), str(output)],
    ):
        done = subprocess.run(
            command, env=_environment(stage), capture_output=True, text=True, check=False
        )
        messages += done.stdout + done.stderr
        if log is not None:
            log.parent.mkdir(parents=True, exist_ok=True)
            log.write_text(messages, encoding="utf-8")
        if killed_by(done.returncode):
            raise SphinxFailed(
                f"Sphinx {killed_by(done.returncode)} while it built the {what}. Run the same "
                f"command again; with JOBS=1 it needs less memory.{where}"
            )
        if done.returncode != 0:
            lines = messages.splitlines()
            telling = [line for line in lines if "WARNING" in line or "rror" in line]
            shown = "\n".join(telling[:40] or lines[-30:])
            raise SphinxFailed(f"The {what} could not be built:\n\n{shown}{where}")
    return output


def _environment(stage):
    """The package for the pages that document it, the book's own extensions for Sphinx."""
    found = [str(ROOT), str(stage / "book" / "_ext"), os.environ.get("PYTHONPATH", "")]
    return {**os.environ, "PYTHONPATH": os.pathsep.join(filter(None, found))}
