"""Work arrays that are lent by name and given back.

A field of a large volume takes gigabytes, so one array serves several purposes that never meet in
time. An array in use for two of them would give a wrong result without an error: here it is lent
under a name, and what is not there is refused.
"""

from contextlib import contextmanager


class Loans:
    """
    Work arrays of one shape.

    Parameters
    ----------
    arrays : sequence of ndarray
        What there is to lend. A borrower finds in them what the last one left.
    """

    def __init__(self, arrays):
        self._free = list(arrays)
        self._lent = {}

    def take(self, name):
        """
        One array for a purpose.

        Raises
        ------
        RuntimeError
            If none is left, or one is lent under this name.
        """
        if name in self._lent or not self._free:
            raise RuntimeError(
                f"No work array for the {name}: lent are {sorted(self._lent)}, {len(self._free)} "
                "are free. Give back what is no longer used."
            )
        self._lent[name] = self._free.pop(0)
        return self._lent[name]

    def give_back(self, name):
        """Return what was lent under a name; the next to ask gets it first."""
        self._free.insert(0, self._lent.pop(name))

    @contextmanager
    def lent(self, *names):
        """Arrays for some purposes, until the end of a ``with`` block."""
        arrays = [self.take(name) for name in names]
        try:
            yield arrays[0] if len(arrays) == 1 else arrays
        finally:
            for name in reversed(names):
                self.give_back(name)

    def check_returned(self):
        """
        Before their owner overwrites the arrays himself.

        Raises
        ------
        RuntimeError
            If one is still lent.
        """
        if self._lent:
            raise RuntimeError(f"Work arrays are still in use as {sorted(self._lent)}.")
