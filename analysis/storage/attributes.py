"""Attributes and axes as netCDF and JSON can hold them, and as xarray gives them back."""

import json

import numpy as np


def of_axis(axis):
    """Attributes of the coordinate along an axis of a volume."""
    return {} if axis == "phase" else {"units": "µm", "long_name": f"{axis}, voxel centre"}


def column(data):
    """Values of a coordinate in an HDF5 file; text as str."""
    return data.asstr()[...] if data.dtype.kind == "O" else data[...]


def native(value):
    """An attribute as xarray would give it: one-element arrays are scalars."""
    if isinstance(value, np.ndarray) and value.size == 1:
        value = value.reshape(-1)[0]
    return value.decode() if isinstance(value, bytes) else value


def plain(attrs):
    """Attributes as netCDF and JSON can hold them."""
    held = {}
    for key, value in attrs.items():
        if isinstance(value, np.generic):
            value = value.item()
        elif isinstance(value, np.ndarray):
            value = value.tolist()
        elif isinstance(value, dict):
            value = json.dumps({str(k): float(v) for k, v in value.items()})
        elif isinstance(value, bool):
            value = int(value)
        elif value is None:
            value = "none"
        held[key] = value
    return held
