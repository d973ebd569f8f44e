"""Kernels on several threads do each entry of a list once."""

import numpy as np
import pytest

from analysis.electrochemistry.transport.stencil import kernel
from analysis.electrochemistry.transport.threads import ThreadPool


@kernel
def add_around(start, stop, position, out):
    """Add one to an entry's slice and its neighbors; return the number of entries."""
    for n in range(start, stop):
        for near in range(position[n] - 1, position[n] + 2):
            out[near] += 1
    return stop - start


@pytest.mark.parametrize("threads", [1, 2, 3, 4])
@pytest.mark.parametrize("empty", [slice(0, 0), slice(0, 60), slice(10, 90), slice(2, 100)])
def test_lists_that_write_to_neighboring_slices(threads, empty):
    counts = np.full(100, 700)
    counts[empty] = 0
    counts[1] = 30_000
    starts = np.concatenate([[0], np.cumsum(counts)])
    position = np.repeat(np.arange(100) + 1, counts)
    out = np.zeros(103, np.int64)
    assert ThreadPool(threads).scatter(add_around, starts, position, out) == len(position)
    expected = np.zeros(103, np.int64)
    for shift in (-1, 0, 1):
        np.add.at(expected, position + shift, 1)
    np.testing.assert_array_equal(out, expected)
