"""What attributes say of the values beside them: the conventions of netCDF (CF), read by xarray."""

import numpy as np

from analysis.tomogram.stored import in_um

DECODED = ("_Unsigned", "_FillValue", "missing_value", "scale_factor", "add_offset")
LIMITS = ("valid_range", "valid_min", "valid_max")


def decode(values, attrs, axes):
    """
    Values as their attributes mean them; missing ones become NaN.

    Parameters
    ----------
    values : ndarray
        As stored.
    attrs : dict
        Attributes of the variable.
    axes : tuple of str
        Names of the axes; only their number matters.
    """
    import xarray as xr

    used = {name: _plain(attrs[name]) for name in DECODED if name in attrs}
    limits = {name: np.atleast_1d(_plain(attrs[name])) for name in LIMITS if name in attrs}
    if not used and not limits:
        return values
    dims = [f"axis_{number}" for number in range(values.ndim)]
    unsigned = used.get("_Unsigned")
    if used.keys() - {"_Unsigned"} or unsigned is not None:
        if unsigned is not None:
            used["_Unsigned"] = str(unsigned).lower()
        variable = xr.Variable(dims, values.astype(values.dtype.newbyteorder("=")), used)
        decoded = xr.conventions.decode_cf_variable("volume", variable).values
    else:
        decoded = values
    if limits and str(unsigned).lower() != "true":
        # netCDF's own libraries mask what lies outside; the limits refer to the stored values.
        low = limits.get("valid_min", limits.get("valid_range", [None]))[0]
        high = limits.get("valid_max", limits.get("valid_range", [None]))[-1]
        outside = np.zeros(values.shape, dtype=bool)
        if low is not None:
            outside |= values < low
        if high is not None:
            outside |= values > high
        if outside.any():
            kind = decoded.dtype if decoded.dtype.kind == "f" else np.float64
            decoded = np.where(outside, np.nan, decoded).astype(kind)
    return decoded


def spacing_from(attrs, axes, coordinate):
    """
    Voxel edges z, y, x [µm] from the attributes of a dataset or the coordinates of its axes.

    Parameters
    ----------
    attrs : dict
        Attributes; ``element_size_um`` (ilastik, Fiji) and ``voxel_size_um`` (ours) count.
    axes : tuple of str
        Names of the axes.
    coordinate : callable
        ``coordinate(number)`` gives values and unit along an axis, or None.
    """
    for name in ("element_size_um", "voxel_size_um"):
        if name in attrs:
            try:
                edges = np.broadcast_to(np.asarray(attrs[name], dtype=float).ravel(), 3)
            except ValueError:
                continue
            return tuple(in_um(edge, "um") for edge in edges)
    names, edges = [axis.lower() for axis in axes], []
    for axis in "zyx":
        found = coordinate(names.index(axis)) if axis in names else None
        steps = np.diff(np.asarray(found[0], dtype=float)) if found is not None else np.empty(0)
        even = steps.size and np.allclose(steps, steps[0], rtol=1e-3, atol=0)
        edges.append(in_um(abs(steps[0]), found[1]) if even else None)
    return tuple(edges)


def _plain(value):
    """A number or text out of the arrays and bytes that libraries wrap them in."""
    value = np.asarray(value)
    value = value.ravel()[0] if value.size == 1 else value
    return value.decode() if isinstance(value, bytes) else value
