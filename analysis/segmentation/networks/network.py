"""Definition and files of the composition network.

Five hidden layers of 75 units between 125 gray values and three fractions (Section 3.3). The
gray values are standardized inside the model, so that its file is all one needs to apply it.
"""

import json
import os
import zipfile
from pathlib import Path

import numpy as np

from analysis import storage
from analysis.phases import Phase

PATCH = 5  # edge of the neighborhood [voxel], Section 3.3
WIDTH = 75  # units of a hidden layer
DEPTH = 5  # hidden layers
MODEL_NAME = "composition_mlp_1"  # the number changes when the meaning of a file does
ACTIVATIONS = ("relu", "tanh")


def keras_module():
    """
    Import Keras, with JAX as its backend unless the environment names another.

    JAX is the lightest backend to install and the fastest for this network on a CPU. If Keras
    has been imported before, its backend stays.
    """
    os.environ.setdefault("KERAS_BACKEND", "jax")
    import keras

    return keras


def build_model(mean, standard_deviation, *, seed, activation="relu", initializer="glorot_uniform"):
    """
    Network of the paper, untrained: 125 gray values, five layers of 75 units, three fractions.

    The first layer standardizes the gray values, so the file of a trained model holds all that
    is needed to apply it. On raw 8-bit gray values the paper's optimizer does not train at all.

    Parameters
    ----------
    mean, standard_deviation : float
        Of the gray values of the training patches.
    seed : int
        Seed of the initial weights.
    activation : {"relu", "tanh"}
        Of the hidden units; the paper does not name it.
    initializer : {"glorot_uniform", "he_normal"}
        Distribution of the initial weights; the paper does not name it.

    Returns
    -------
    model : keras.Model
        Input (N, 125), output (N, 3) with rows that sum to one; 32 478 trainable parameters.

    Raises
    ------
    ValueError
        If the standard deviation is not positive or the activation is unknown.
    """
    if not (np.isfinite(mean) and np.isfinite(standard_deviation) and standard_deviation > 0):
        raise ValueError(
            f"The training gray values have mean {mean} and standard deviation "
            f"{standard_deviation}; expected finite numbers and a positive spread."
        )
    if activation not in ACTIVATIONS:
        raise ValueError(f"Unknown activation {activation!r}; expected relu or tanh.")
    keras = keras_module()
    initializers = {
        "glorot_uniform": keras.initializers.GlorotUniform,
        "he_normal": keras.initializers.HeNormal,
    }
    if initializer not in initializers:
        raise ValueError(
            f"Unknown initializer {initializer!r}; expected one of {', '.join(initializers)}."
        )
    draw = initializers[initializer]
    inputs = keras.Input((PATCH**3,), name="gray_values")
    hidden = keras.layers.Normalization(
        axis=None, mean=float(mean), variance=float(standard_deviation) ** 2, name="standardize"
    )(inputs)
    for layer in range(DEPTH):
        hidden = keras.layers.Dense(
            WIDTH,
            activation=activation,
            kernel_initializer=draw(seed=seed + layer),
            name=f"hidden_{layer + 1}",
        )(hidden)
    outputs = keras.layers.Dense(
        len(Phase),
        activation="softmax",
        kernel_initializer=draw(seed=seed + DEPTH),
        name="composition",
    )(hidden)
    return keras.Model(inputs, outputs, name=MODEL_NAME)


def save_model(model, path):
    """Write a model to a ``.keras`` file, under a temporary name first."""
    with storage.atomic(path) as temporary:
        model.save(temporary)
    return storage.record_write(path)


def load_model(path):
    """
    Read a composition network from a ``.keras`` file.

    Parameters
    ----------
    path : path-like
        Written by :func:`save_model`.

    Returns
    -------
    model : keras.Model
        Ready to predict; it is not compiled, so that a file written under another backend of
        Keras loads too.

    Raises
    ------
    FileNotFoundError
        If there is no such file.
    ValueError
        If the file is no Keras model, or one of another architecture or version.
    """
    model = load_named(path, MODEL_NAME)
    check_model(model)
    return model


def load_named(path, name):
    """
    Read a model of a given name from a ``.keras`` file.

    Raises
    ------
    FileNotFoundError
        If there is no such file.
    ValueError
        If the file is no Keras model, or holds one of another name.
    """
    path = Path(path)
    if not path.exists():
        raise FileNotFoundError(
            f"There is no model {path}. Train one: run the chapter on the neural network."
        )
    storage.record_read(path)
    found = _name_in_file(path)
    if found != name:
        raise ValueError(
            f"{path} holds a model called {found!r}; expected {name!r}, a network of this kind "
            "and version. Train it again."
        )
    return keras_module().saving.load_model(path, compile=False)


def check_model(model):
    """
    Return the dense layers of a composition network, or say why it is none.

    Raises
    ------
    ValueError
        If the layers or their sizes are not those of the paper's network.
    """
    layers = list(getattr(model, "layers", []))
    dense = [layer for layer in layers if type(layer).__name__ == "Dense"]
    found = [tuple(layer.kernel.shape) for layer in dense]
    sizes = [PATCH**3, *[WIDTH] * DEPTH, len(Phase)]
    wanted = list(zip(sizes[:-1], sizes[1:], strict=True))
    standardize = [layer for layer in layers if type(layer).__name__ == "Normalization"]
    if found != wanted or len(standardize) != 1:
        shown = " - ".join(str(n) for n in [*(s[0] for s in found), *(s[1] for s in found[-1:])])
        raise ValueError(
            f"The model {getattr(model, 'name', model)!r} has dense layers {shown or 'none'} and "
            f"{len(standardize)} standardizing layer(s); expected "
            f"{' - '.join(map(str, sizes))} and 1. It is no composition network of this version: "
            "train it again."
        )
    return dense


def standardization(model):
    """Mean and standard deviation that the first layer of a checked model works with."""
    layer = next(layer for layer in model.layers if type(layer).__name__ == "Normalization")
    config = layer.get_config()
    return float(config["mean"]), float(np.sqrt(config["variance"]))


def weights_of(model):
    """
    Weights of a composition network as plain arrays.

    Returns
    -------
    w_first, w_hidden, w_last, b_hidden, b_last : ndarray of float32
        Kernels (125, 75), (4, 75, 75), (75, 3); biases (5, 75), (3,).
    tanh : bool
        Whether the hidden units are tanh rather than relu.
    """
    to_numpy = keras_module().ops.convert_to_numpy
    dense = check_model(model)
    kernels = [np.ascontiguousarray(to_numpy(layer.kernel)) for layer in dense]
    biases = [np.ascontiguousarray(to_numpy(layer.bias)) for layer in dense]
    tanh = dense[0].get_config()["activation"] == "tanh"
    return (
        kernels[0],
        np.stack(kernels[1:-1]),
        kernels[-1],
        np.stack(biases[:-1]),
        biases[-1],
        tanh,
    )


def _name_in_file(path):
    """Name of the model in a ``.keras`` file, which is a zip archive with a JSON inside."""
    try:
        with zipfile.ZipFile(path) as archive:
            config = json.loads(archive.read("config.json"))
    except (zipfile.BadZipFile, KeyError, json.JSONDecodeError) as error:
        raise ValueError(
            f"{path} is not a model in the .keras format: {error}. Write models with "
            "analysis.segmentation.networks.neural.save_model."
        ) from error
    return config.get("config", {}).get("name")
