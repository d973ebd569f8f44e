"""Threads that wait without spinning, for compiled kernels that work on slabs of slices.

The pool is one of two places where the solvers may run; the other is a graphics card
(:mod:`~analysis.electrochemistry.transport.cuda.device`), which has the same methods.
:mod:`~analysis.electrochemistry.transport.devices` chooses.

Numba's own threading layers spin at every barrier when more threads than cores can run,
which is the normal state of a shared machine. Here every kernel is a serial compiled function
that releases the interpreter lock and works on the slices ``start <= k < stop``; a pool hands
one slab to each of its threads and sleeps until they are done.
"""

import os
from concurrent.futures import ThreadPoolExecutor

import numpy as np

SERIAL_BELOW = 60_000  # voxels; smaller levels are not worth waking a second thread


class ThreadPool:
    """
    A fixed number of threads.

    Parameters
    ----------
    threads : int, optional
        Number of threads; by default the number of cores this process may use, at most 4.

    Raises
    ------
    ValueError
        If `threads` is less than one.
    """

    def __init__(self, threads=None):
        if threads is None:
            threads = min(
                4, len(os.sched_getaffinity(0)) if hasattr(os, "sched_getaffinity") else 1
            )
        if threads < 1:
            raise ValueError(f"A pool of {threads} threads cannot work; expected one or more.")
        self.threads = int(threads)
        self._executor = ThreadPoolExecutor(self.threads) if self.threads > 1 else None

    @staticmethod
    def zeros(shape, dtype=np.float32):
        """An array of zeros where the kernels run."""
        return np.zeros(shape, dtype)

    @staticmethod
    def put(value):
        """An array where the kernels run, with the values of one of numpy; here the same."""
        return value

    @staticmethod
    def get(array):
        """The array of numpy with the values of one where the kernels run; here the same."""
        return array

    @staticmethod
    def whole(function, *args):
        """Call a function of ``transport.fields``, which works on whole arrays."""
        return function(*args)

    @staticmethod
    def repeat(work, *args):
        """Do work that is done again and again on the same arrays, which a card records."""
        work(*args)

    @staticmethod
    def check_memory(problem, shape, vectors=0):
        """Pass: only the memory of a card is counted before a run."""

    def run(self, kernel, size, n, *args):
        """
        Call ``kernel(start, stop, *args)`` on slabs that together cover ``range(n)``.

        Parameters
        ----------
        kernel : callable
            Compiled function that releases the interpreter lock and writes only what belongs
            to its own slab.
        size : int
            Number of voxels, which decides whether threads are worth their overhead.
        n : int
            Number of slices.

        Returns
        -------
        total : float or None
            Sum of what the kernels returned, or None if they return nothing.
        """
        parts = self._parts(kernel, size, n, *args)
        return None if parts[0] is None else sum(parts)

    def peak(self, kernel, size, n, *args):
        """Like :meth:`run`, but the largest of what the kernels returned."""
        return max(self._parts(kernel, size, n, *args))

    def _parts(self, kernel, size, n, *args):
        if self._executor is None or size < SERIAL_BELOW or n < 2 * self.threads:
            return [kernel(0, n, *args)]
        bounds = [n * t // self.threads for t in range(self.threads + 1)]
        tasks = [
            self._executor.submit(kernel, bounds[t], bounds[t + 1], *args)
            for t in range(1, self.threads)
        ]
        return [kernel(bounds[0], bounds[1], *args)] + [task.result() for task in tasks]

    def scatter(self, kernel, starts, *args):
        """
        Call ``kernel(start, stop, *args)`` on list entries that also write to the next slice.

        Entries are sorted by slice; those of slice k may write to the slices k - 1, k and k + 1,
        or to aggregates of two slices that hold them. Slabs of about as many entries are worked
        on at once, the four slices at each seam after that.

        Parameters
        ----------
        kernel : callable
            Compiled function over the entries ``start <= n < stop`` of the list.
        starts : (Z + 1,) ndarray of int
            First entry of each slice.

        Returns
        -------
        total : float or None
            Sum of what the kernels returned.
        """
        n = len(starts) - 1
        if self._executor is None or starts[-1] < 20_000 or n < 8 * self.threads:
            return kernel(0, int(starts[-1]), *args)
        shares = [starts[-1] * t // self.threads for t in range(1, self.threads)]
        seams = np.searchsorted(starts, shares).tolist()
        edges = [0, *[edge for seam in seams for edge in (seam - 2, seam + 2)], n]
        if any(a > b for a, b in zip(edges, edges[1:], strict=False)):  # all in a few slices
            return kernel(0, int(starts[-1]), *args)
        slabs = [(int(starts[a]), int(starts[b])) for a, b in zip(edges, edges[1:], strict=False)]
        tasks = [self._executor.submit(kernel, *slab, *args) for slab in slabs[2::2]]
        parts = [kernel(*slabs[0], *args)] + [task.result() for task in tasks]
        parts += [kernel(*slab, *args) for slab in slabs[1::2]]
        return None if parts[0] is None else sum(parts)
