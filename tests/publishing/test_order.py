"""Chapters run after those that they need, several at a time, and a failure stops what follows."""

import random
import threading
from graphlib import CycleError

import pytest

from analysis.record import unit_costs
from publishing import stamps
from publishing.chapters import ways
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


def test_of_those_that_could_begin_the_one_with_the_longest_way_does():
    """A long name with much behind it goes first, though the dict and the short ones come first."""
    needs = {"short": (), "other": (), "first": (), "second": ("first",), "last": ("second",)}
    seconds = {"short": 1, "other": 2, "first": 3, "second": 4, "last": 5}
    work = Work()
    in_order(needs, work, 1, ways(needs, seconds))
    assert [name for name, _ in work.began] == ["first", "second", "last", "other", "short"]


def test_a_way_is_the_longest_sum_from_a_name_to_the_end():
    needs = {"a": (), "b": ("a",), "c": ("a",), "d": ("b", "c"), "e": ()}
    seconds = {"a": 1.0, "b": 20.0, "c": 3.0, "d": 4.0, "e": 2.5}
    assert ways(needs, seconds) == {"a": 25.0, "b": 24.0, "c": 7.0, "d": 4.0, "e": 2.5}
    # what nobody has measured counts as the median of what is known
    del seconds["d"]
    assert ways(needs, seconds)["d"] == 2.75


@pytest.mark.parametrize("seed", range(4))
def test_no_order_by_ways_is_beaten_by_much(seed):
    """Beside the two bounds that no order can pass: half of all work, and the longest way."""
    rng = random.Random(seed)
    names = [f"n{i}" for i in range(25)]
    needs = {
        name: tuple(rng.sample(names[:i], min(i, rng.randrange(3)))) for i, name in enumerate(names)
    }
    seconds = {name: rng.choice([1.0, 2.0, 5.0, 20.0]) for name in names}
    way = ways(needs, seconds)
    clock, ends, left = 0.0, {}, dict(needs)
    under_way = []
    while left or under_way:
        free = [n for n, b in left.items() if all(ends.get(one, 1e9) <= clock for one in b)]
        for name in sorted(free, key=lambda name: -way[name])[: 2 - len(under_way)]:
            del left[name]
            ends[name] = clock + seconds[name]
            under_way.append(name)
        clock = min(ends[name] for name in under_way)
        under_way = [name for name in under_way if ends[name] > clock]
    bound = max(sum(seconds.values()) / 2, max(way.values()))
    assert bound <= clock <= 1.5 * bound  # Graham: no list for two passes 1.5 of the best


def test_what_chapters_take_comes_from_the_build_then_from_the_repository(tmp_path):
    build = stamps.Build("smoke", tmp_path)
    build.executed("03_thresholding").parent.mkdir()
    build.executed("03_thresholding").write_text("{}")
    stamps.write_stamp(build, "03_thresholding", {"seconds": 7.5})
    known = stamps.seconds_known(build, ["03_thresholding", "14b_resolved", "no_such_chapter"])
    assert known["03_thresholding"] == 7.5
    assert known["14b_resolved"] == unit_costs.published()["chapters"]["14b_resolved"]["cpu_s"]
    assert set(known) == {"03_thresholding", "14b_resolved"}
