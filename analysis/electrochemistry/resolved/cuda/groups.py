"""Lists whose entries write to cells, grouped by the cell: no two threads write to one place.

The faces that react write to the cells of their electrolyte and of their solid, and a cell has
several. On the CPU they are worked on one after the other; here a thread takes a cell and adds up
what its faces bring, in the order in which the CPU does.
"""

from typing import NamedTuple

import numpy as np

from analysis.electrochemistry.transport.cuda.launch import CudaField


class Groups(NamedTuple):
    """
    Entries of a list by the cell they write to.

    Attributes
    ----------
    cell : (M,) CudaField of int32
        Cells with any entry, as flat indices.
    first : (M + 1,) CudaField of int32
        First entry of each of them.
    entry : (N,) CudaField of int32
        Numbers of the entries, in their own order for each cell.
    """

    cell: CudaField
    first: CudaField
    entry: CudaField

    @property
    def count(self):
        """Number of cells."""
        return self.cell.size


def grouped(device, cells, parent=None):
    """
    Group the entries of a list by their cells, or by the aggregates of their cells.

    Made when asked for the first time, and kept with the list.

    Parameters
    ----------
    device : CudaDevice
        The card.
    cells : CudaField of int32
        Cell of each entry.
    parent : CudaField of int32, optional
        Aggregate of each cell.
    """
    if parent not in cells.groups:
        found = device.get(cells)
        if parent is not None:
            found = device.get(parent)[found]
        cells.groups[parent] = group(device, found)
    return cells.groups[parent]


def group(device, cells, entries=None):
    """
    Groups of a list on the host.

    Parameters
    ----------
    device : CudaDevice
        The card.
    cells : (N,) ndarray of int32
        Cell of each entry.
    entries : (N,) ndarray of int32, optional
        Numbers of the entries, if they are not all of a list.
    """
    order = np.argsort(cells, kind="stable").astype(np.int32)
    owner = cells[order]
    starts = np.flatnonzero(np.diff(owner, prepend=-1)).astype(np.int32)
    return Groups(
        device.put(owner[starts].astype(np.int32)),
        device.put(np.append(starts, np.int32(len(cells)))),
        device.put(order if entries is None else entries[order].astype(np.int32)),
    )
