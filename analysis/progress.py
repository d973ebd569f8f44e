"""How far a long piece of work is, told to whoever waits for a chapter.

A chapter runs in a process of its own, whose output goes to a log. `make book` names that log in
``CBD_PROGRESS``; what is noted here is appended to it, and the last note stands on the terminal
while the chapter runs. Without that variable nothing is written.
"""

import os
import time
from pathlib import Path

VARIABLE = "CBD_PROGRESS"  # file to which notes are appended
MARK = "progress: "  # begins the text of a note in that file
_TAIL = 20_000  # bytes at the end of a log in which its last note is looked for


def note(text):
    """
    Append a line to the log of the chapter that is running.

    A log that cannot be written stops no work.

    Parameters
    ----------
    text : str
        One line, as ``3/12 cases, 4:10 left, at work: lithiation SL-1-truth``.
    """
    log = os.environ.get(VARIABLE)
    if not log:
        return
    try:
        with open(log, "a", encoding="utf-8") as opened:
            opened.write(f"{time.strftime('%H:%M:%S')} {MARK}{text}\n")
    except OSError:
        return


def last_note(log):
    """
    The last note in a log, without its time; empty if there is none.

    Parameters
    ----------
    log : path-like
    """
    try:
        with open(Path(log), "rb") as opened:
            opened.seek(max(0, os.path.getsize(log) - _TAIL))
            lines = opened.read().decode("utf-8", errors="replace").splitlines()
    except OSError:
        return ""
    notes = [line.partition(MARK)[2] for line in lines if MARK in line]
    return notes[-1] if notes else ""


def through(items, what, name=str, every_s=5.0):
    """
    Go through pieces of work and note before each how many are done and what time is left.

    Parameters
    ----------
    items : sequence
        The pieces.
    what : str
        What they are, in the plural: ``spectra``.
    name : callable
        Makes a piece's name of it.
    every_s : float
        No note is made sooner after the one before, so that short pieces do not fill the log.

    Yields
    ------
    item
        The pieces, in their order.

    Examples
    --------
    >>> [2 * n for n in through([1, 2, 3], "numbers")]
    [2, 4, 6]
    """
    items = list(items)
    begin, last = time.monotonic(), -every_s
    for done, item in enumerate(items):
        gone = time.monotonic() - begin
        if gone >= last + every_s:
            last, left = gone, time_left(gone, done, len(items) - done)
            note(line(done, len(items), what, left, [name(item)]))
        yield item


def line(done, total, what, left_s, at_work=()):
    """
    One line on a piece of work: what is done, the time left, what is at work.

    Examples
    --------
    >>> line(3, 12, "cases", 250, ["fit SL-1-truth"])
    '3/12 cases, 4:10 left, at work: fit SL-1-truth'
    >>> line(0, 12, "cases", None)
    '0/12 cases'
    """
    text = f"{done}/{total} {what}"
    text += "" if left_s is None else f", {clock(left_s)} left"
    return text + (f", at work: {'; '.join(at_work)}" if at_work else "")


def time_left(gone_s, done, left):
    """
    Seconds that remain at the speed so far, or None before anything is done.

    Parameters
    ----------
    gone_s : float
        Seconds since the beginning.
    done, left : float
        Work done and work left, in any unit.
    """
    return gone_s / done * left if done > 0 else None


def clock(seconds):
    """
    Minutes and seconds, from an hour on with the hours.

    Examples
    --------
    >>> clock(61), clock(3661)
    ('1:01', '1:01:01')
    """
    minutes, seconds = divmod(round(seconds), 60)
    hours, minutes = divmod(minutes, 60)
    return f"{hours}:{minutes:02d}:{seconds:02d}" if hours else f"{minutes}:{seconds:02d}"
