"""What a file says of the volume that it holds, in the same words for every format."""

from collections.abc import Callable
from dataclasses import dataclass, field

import numpy as np
import psutil

AXES = "zyx"

# What people and programs call the units of length, in µm. Units that say nothing (pixel, none) are
# left out on purpose.
UNITS_UM = {
    "nm": 1e-3,
    "nanometer": 1e-3,
    "um": 1.0,
    "µm": 1.0,
    "μm": 1.0,
    "\\u00b5m": 1.0,
    "micron": 1.0,
    "microns": 1.0,
    "micrometer": 1.0,
    "micrometers": 1.0,
    "micrometre": 1.0,
    "mm": 1e3,
    "millimeter": 1e3,
    "cm": 1e4,
    "centimeter": 1e4,
    "inch": 25400.0,
    "m": 1e6,
    "meter": 1e6,
}


@dataclass(frozen=True)
class Stored:
    """
    A volume in a file, before its values are read.

    Attributes
    ----------
    shape : tuple of int
        Shape as stored.
    dtype : dtype
        Type as stored.
    read : callable
        ``read(slices)`` gives the values within one slice per stored axis.
    axes : tuple of str
        Names of the stored axes; empty strings where the file gives none.
    spacing_um : tuple of float or None
        Voxel edges along z, y, x [µm]; None where the file does not say.
    spacing : tuple of float or None
        The same in a unit that the file does not name; only their ratio means something.
    spacing_source : str
        Where the spacing stands.
    polarity : str
        How brightness is stored.
    compression : str
        Name of the compression, or "none".
    dataset : str
        Name inside the file.
    held : callable or None
        ``held(slices)`` gives the bytes that ``read(slices)`` holds at once, its result included;
        None if that is the result alone.
    """

    shape: tuple
    dtype: np.dtype
    read: Callable = field(repr=False)
    axes: tuple = ()
    spacing_um: tuple = (None, None, None)
    spacing: tuple = (None, None, None)
    spacing_source: str = ""
    polarity: str = "0 is black"
    compression: str = "none"
    dataset: str = ""
    held: Callable | None = field(default=None, repr=False)

    def order(self):
        """
        Stored axes that become z, y and x; axes of length one that are left over fall away.

        Raises
        ------
        ValueError
            If an axis beside z, y and x is longer than one.
        """
        names = [name.lower() for name in self.axes]
        if set(AXES) <= set(names):
            kept = [names.index(axis) for axis in AXES]
        elif len(self.shape) > 3:
            kept = [axis for axis, length in enumerate(self.shape) if length > 1]
        else:
            kept = list(range(len(self.shape)))
        long = [n for n, length in enumerate(self.shape) if length > 1 and n not in kept]
        if len(kept) > 3 or long:
            named = ", ".join(
                f"{self.axes[axis] or axis if self.axes else axis}: {length}"
                for axis, length in enumerate(self.shape)
            )
            color = " Color channels must be converted to gray." if self.shape[-1] in (3, 4) else ""
            raise ValueError(
                f"the file holds {len(self.shape)} axes ({named}), as a series in time, color "
                f"channels or several samples do; expected one volume (Z, Y, X).{color} Save the "
                "one that you want as a file of its own."
            )
        return tuple(kept)

    def volume_shape(self):
        """Shape (Z, Y, X) after the axes were put in order."""
        return tuple(self.shape[axis] for axis in self.order())

    def load(self, crop=None):
        """
        Values (Z, Y, X) within `crop`, in the byte order of this machine.

        Raises
        ------
        ValueError
            If the volume does not fit into memory.
        """
        order = self.order()
        slices = [slice(0, length) for length in self.shape]
        for axis, cut in zip(order, crop or (), strict=False):
            slices[axis] = cut
        slices = tuple(slices)
        check_memory([cut.stop - cut.start for cut in slices], self.dtype, self.needed(slices))
        values = self.read(slices)
        dropped = tuple(axis for axis in range(len(self.shape)) if axis not in order)
        values = values.transpose(*order, *dropped).reshape([values.shape[axis] for axis in order])
        native = values.dtype.newbyteorder("=")
        if isinstance(values, np.memmap):  # a view of the file becomes an array of its own
            return np.array(values, dtype=native, order="C", subok=False)
        return np.ascontiguousarray(values, dtype=native)

    def needed(self, slices):
        """Bytes that :meth:`load` holds at once: those of reading, or a copy beside the result."""
        result = n_bytes([cut.stop - cut.start for cut in slices], self.dtype)
        held = result if self.held is None else self.held(slices)
        order = self.order()
        long = [axis for axis in order if self.shape[axis] > 1]
        turned = long != sorted(long) or not np.dtype(self.dtype).isnative
        return max(held, 2 * result) if turned else held


def n_bytes(shape, dtype):
    """Bytes of an array, exact where a product of NumPy integers would overflow."""
    total = int(np.dtype(dtype).itemsize)
    for length in shape:
        total *= int(length)
    return total


def check_memory(shape, dtype, needed=None):
    """
    Stop before an array is made that the machine cannot hold.

    Parameters
    ----------
    shape : sequence of int
        Voxels to be read.
    dtype : dtype
        Their type in the file.
    needed : int, optional
        Bytes that reading holds at once; the array alone by default.

    Raises
    ------
    ValueError
        With what is needed and what there is.
    """
    needed = n_bytes(shape, dtype) if needed is None else needed
    available = psutil.virtual_memory().available
    if needed > available:
        raise ValueError(
            f"the volume of {' x '.join(map(str, shape))} voxels of type {np.dtype(dtype)} needs "
            f"{needed / 2**30:.3g} GiB of memory while it is read; this machine has "
            f"{available / 2**30:.3g} GiB free. Cut out a part (CROP=z0:z1,y0:y1,x0:x1), bin it, "
            "or "
            "use a larger machine; if the file is much smaller than that, it is damaged."
        )


def in_um(value, unit):
    """A length in µm, or None if the unit says nothing or the length is none."""
    factor = UNITS_UM.get(str(unit or "").strip().lower())
    try:
        length = float(value)
    except (TypeError, ValueError):
        return None
    if factor is None or not np.isfinite(length) or length <= 0:
        return None
    return length * factor


def inside(folder, name, what):
    """
    Path of a companion file, which must lie in the same folder.

    Raises
    ------
    ValueError
        If the name leads out of the folder, or there is no such file.
    """
    path = folder / name
    if path.name != name or name in ("", ".", ".."):
        raise ValueError(
            f"the {what} {name!r} lies outside the folder of the file; files elsewhere are not "
            "opened. Put both into one folder and give the name alone."
        )
    if not path.is_file():
        raise ValueError(f"the {what} {name!r} is not in the folder of the file. Copy it there.")
    return path


def ranges(numbers):
    """
    Numbers as a short text.

    Examples
    --------
    >>> ranges([3, 4, 5, 9])
    '3-5, 9'
    """
    numbers = sorted(set(int(number) for number in numbers))
    runs = []
    for number in numbers:
        if runs and number == runs[-1][1] + 1:
            runs[-1][1] = number
        else:
            runs.append([number, number])
    texts = [f"{first}-{last}" if last > first else str(first) for first, last in runs]
    return ", ".join(texts[:6]) + (" and more" if len(texts) > 6 else "")
