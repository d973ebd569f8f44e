"""Trained networks on disk: trained once, then read back while data and settings stay the same."""

import hashlib
import json
from pathlib import Path

import numpy as np
import pandas as pd

from analysis import storage
from analysis.segmentation.networks import network

TRAINING_CODE = ("fib", "gray_scale", "network", "samples", "symmetries", "training", "unet")


def model(name, profile, *, inputs, train, load):
    """
    Read a model and its history back, or train it.

    Parameters
    ----------
    name : str
        ``unet-0``, ``mlp-honest-bin1``...; the files are ``models/<name>.keras``, ``.csv`` and
        ``.json``.
    profile : analysis.profiles.Profile
    inputs : tuple
        Arrays and plain values that decide the outcome. If one of them, or the code that trains,
        has changed since the files were written, the model is trained again.
    train : callable
        Returns a model and its history, a table.
    load : callable
        Reads a model from a path.

    Returns
    -------
    model : keras.Model
    history : pandas.DataFrame
    """
    key = fingerprint((*inputs, _training_code()))
    paths = {
        ending: storage.path("models", f"{name}.{ending}", profile=profile)
        for ending in ("keras", "csv", "json")
    }
    if all(path.exists() for path in paths.values()):
        noted = json.loads(paths["json"].read_text(encoding="utf-8"))
        if noted.get("inputs") == key:
            return load(paths["keras"]), history(name, profile)
    trained, rows = train()
    paths["json"].unlink(missing_ok=True)  # an interrupted write must not look finished
    network.save_model(trained, paths["keras"])
    with storage.atomic(paths["csv"]) as temporary:
        rows.to_csv(temporary, index=False, float_format="%.9g")
    with storage.atomic(paths["json"]) as temporary:
        temporary.write_text(json.dumps({"inputs": key}), encoding="utf-8")
    for ending in ("csv", "json"):
        storage.record_write(paths[ending])
    return trained, pd.read_csv(paths["csv"])


def history(name, profile):
    """
    History of a network that has been trained, without reading the network itself.

    Raises
    ------
    FileNotFoundError
        If it has not been trained yet.
    """
    source = storage.path("models", f"{name}.csv", profile=profile)
    if not source.exists():
        raise FileNotFoundError(
            f"There is no history {source}. Run the chapter on the neural network first."
        )
    storage.record_read(source)
    return pd.read_csv(source)


def _training_code():
    """Source of the modules that decide what a training gives; prediction is not among them."""
    folder = Path(network.__file__).parent
    return {name: (folder / f"{name}.py").read_text(encoding="utf-8") for name in TRAINING_CODE}


def fingerprint(inputs):
    """
    SHA-256 of arrays and plain values.

    Examples
    --------
    >>> fingerprint((np.arange(3), {"seed": 1})) == fingerprint((np.arange(3), {"seed": 2}))
    False
    """
    digest = hashlib.sha256()
    for value in inputs:
        if isinstance(value, np.ndarray):
            digest.update(f"{value.dtype}{value.shape}".encode())
            digest.update(np.ascontiguousarray(value).tobytes())
        else:
            digest.update(json.dumps(value, sort_keys=True, default=str).encode())
    return digest.hexdigest()
