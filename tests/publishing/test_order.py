"""Chapters run after those that they need, several at a time, and a failure stops what follows."""

import threading
from graphlib import CycleError

import pytest

from publishing.execute import in_order

NEEDS = {"a": (), "b": ("a",), "c": ("a",), "d": ("b", "c"), "e": ()}


class Work:
    """Notes what began and what ended; `failing` names end badly."""

    def __init__(self, failing=()):
        self.failing, self.lock = failing, threading.Lock()
        self.began, self.ended = [], []

    def __call__(self, name):
        with self.lock:
            self.began.append((name, tuple(self.ended)))
        with self.lock:
            self.ended.append(name)
        return name not in self.failing


@pytest.mark.parametrize("jobs", [1, 2, 5])
def test_every_name_follows_what_it_needs(jobs):
    work = Work()
    in_order(NEEDS, work, jobs)
    assert sorted(work.ended) == sorted(NEEDS)
    for name, before in work.began:
        assert set(NEEDS[name]) <= set(before), name


def test_one_at_a_time_keeps_the_order_of_the_book():
    work = Work()
    in_order({"index": ("c", "b"), "a": (), "b": (), "c": ()}, work, 1)
    assert work.ended == ["a", "b", "c", "index"]


@pytest.mark.parametrize(("failing", "never"), [("a", "bcd"), ("b", "d"), ("c", "d")])
def test_nothing_that_needs_a_failure_begins(failing, never):
    work = Work(failing)
    in_order(NEEDS, work, 2)
    assert not set(never) & set(work.ended)


def test_names_without_needs_run_at_the_same_time():
    """Each of two waits for the other: one after the other they would never end."""
    both = threading.Barrier(2, timeout=10)

    def work(name):
        both.wait()
        return True

    in_order({"a": (), "b": ()}, work, 2)


def test_a_circle_of_needs_is_refused_before_any_work():
    work = Work()
    with pytest.raises(CycleError):
        in_order({"a": ("b",), "b": ("a",), "c": ()}, work, 2)
    assert work.began == []


def test_what_work_raises_comes_out():
    def work(name):
        raise OSError("no space left")

    with pytest.raises(OSError, match="no space left"):
        in_order({"a": ()}, work, 2)
