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
    values = values.astype(values.dtype.newbyteorder("="), copy=False)
    if "_Unsigned" in used:
        used["_Unsigned"] = str(used["_Unsigned"]).lower()
    gaps = used.pop("missing_value", None)
    decoded = values
    if used:
        dims = [f"axis_{number}" for number in range(values.ndim)]
        variable = xr.conventions.decode_cf_variable("volume", xr.Variable(dims, values, used))
        decoded = variable.values
    stored = _as_signed_or_not(values, used.get("_Unsigned"))
    absent = _beyond(stored, decoded, limits, scaled={"scale_factor", "add_offset"} & used.keys())
    if gaps is not None:  # there may be several, and values beside that of _FillValue
        absent |= np.isin(stored, _like(np.atleast_1d(gaps), stored.dtype))
    if absent.any():
        kind = decoded.dtype if decoded.dtype.kind == "f" else np.float64
        decoded = np.where(absent, np.nan, decoded).astype(kind, copy=False)
    return decoded


def _beyond(stored, decoded, limits, scaled):
    """
    Mask of what lies outside the valid range, as netCDF's own libraries mask it.

    The limits refer to stored values, unless only the decoded values have their type.
    """
    absent = np.zeros(stored.shape, dtype=bool)
    low = limits.get("valid_min", limits.get("valid_range", [None]))[0]
    high = limits.get("valid_max", limits.get("valid_range", [None]))[-1]
    for limit, outside in ((low, np.less), (high, np.greater)):
        if limit is None:
            continue
        unpacked = scaled and np.asarray(limit).dtype.kind == "f" and stored.dtype.kind in "iu"
        if unpacked:
            absent |= outside(decoded, limit)
        else:
            absent |= outside(stored, _like(np.asarray(limit), stored.dtype))
    return absent


def _as_signed_or_not(values, unsigned):
    """The same bytes as signed or unsigned integers, as the attribute wants them."""
    kinds = {"true": "u", "false": "i"}
    if values.dtype.kind not in "iu" or unsigned not in kinds:
        return values
    return values.view(f"{kinds[unsigned]}{values.dtype.itemsize}")


def _like(numbers, dtype):
    """Attributes of a signed type that stand for unsigned values, and the reverse."""
    same_size = numbers.dtype.kind in "iu" and numbers.dtype.itemsize == dtype.itemsize
    return numbers.view(dtype) if same_size and dtype.kind in "iu" else numbers


def decoding_bytes(attrs, dtype):
    """
    Bytes per voxel that :func:`decode` holds at once, the stored value included.

    xarray decodes step by step: beside the stored values stand the float result and one more copy.
    A valid range alone needs masks, and floats if something lies beyond it.
    """
    size = np.dtype(dtype).itemsize
    if any(name in attrs for name in DECODED):
        return 2 * size + 3 * 8
    return 2 * size + 8 + 2 if any(name in attrs for name in LIMITS) else size


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
