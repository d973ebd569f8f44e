"""Trained networks on disk: trained once, then read back while data and settings stay the same."""

import ast
import hashlib
import json
import logging
from pathlib import Path

import numpy as np
import pandas as pd

from analysis import storage
from analysis.segmentation.networks import network

LOG = logging.getLogger(__name__)  # goes to stderr, which is not shown on the pages of the book

TRAINING_CODE = ("fib", "gray_scale", "network", "samples", "symmetries", "training", "unet")


def model(name, profile, *, inputs, train, load, progress=LOG.warning):
    """
    Read a model and its history back, or train it.

    Parameters
    ----------
    name : str
        ``unet-0``, ``mlp-blocks-bin1``...; the files are ``models/<name>.keras``, ``.csv`` and
        ``.json``.
    profile : analysis.profiles.Profile
    inputs : tuple
        Arrays and plain values that decide the outcome. If one of them, or the code that trains,
        has changed since the files were written, the model is trained again; so it is if one of
        the files is not as it was written.
    train : callable
        Returns a model and its history, a table.
    load : callable
        Reads a model from a path.
    progress : callable
        Told which file was touched.

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
    if paths["json"].exists() and _as_written(paths, progress):
        noted = json.loads(paths["json"].read_text(encoding="utf-8"))
        if noted["inputs"] == key and all(
            storage.sha256(paths[ending]) == noted[ending] for ending in ("keras", "csv")
        ):
            storage.record_read(paths["json"])
            return load(paths["keras"]), history(name, profile)
    trained, rows = train()
    paths["json"].unlink(missing_ok=True)  # an interrupted write must not look finished
    network.save_model(trained, paths["keras"])
    with storage.atomic(paths["csv"]) as temporary:
        rows.to_csv(temporary, index=False, float_format="%.9g")
    written = {ending: storage.sha256(paths[ending]) for ending in ("keras", "csv")}
    with storage.atomic(paths["json"]) as temporary:
        temporary.write_text(json.dumps({"inputs": key, **written}), encoding="utf-8")
    for ending in ("csv", "json"):
        storage.record_write(paths[ending])
    return trained, pd.read_csv(paths["csv"])


def _as_written(paths, progress):
    """Whether all files of a model are as they were written; the first that is not is named."""
    for path in paths.values():
        found = storage.trouble(path)
        if found:
            progress(f"{path.name} {found}; the network is trained again")
            return False
    return True


def history(name, profile):
    """
    History of a network that has been trained, without reading the network itself.

    Raises
    ------
    FileNotFoundError
        If it has not been trained yet.
    storage.Damaged
        If the file is not as it was written.
    """
    source = storage.path("models", f"{name}.csv", profile=profile)
    if not source.exists():
        raise FileNotFoundError(
            f"There is no history {source}. Run the chapter on the neural network first."
        )
    storage.record_read(source)
    return pd.read_csv(source)


def _training_code():
    """
    What the modules do that decide what a training gives; prediction is not among them.

    Comments, docstrings and layout are left out: a word changed in them trains nothing again.
    """
    folder = Path(network.__file__).parent
    return {name: _without_prose(folder / f"{name}.py") for name in TRAINING_CODE}


def _without_prose(file):
    tree = ast.parse(file.read_text(encoding="utf-8"))
    for node in ast.walk(tree):
        body = getattr(node, "body", None)
        if isinstance(body, list) and body and _is_text(body[0]):
            body[0] = ast.Pass()
    return ast.unparse(tree)


def _is_text(statement):
    return (
        isinstance(statement, ast.Expr)
        and isinstance(statement.value, ast.Constant)
        and isinstance(statement.value.value, str)
    )


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
