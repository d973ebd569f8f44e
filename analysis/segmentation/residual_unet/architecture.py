"""A residual U-Net as one function of named weights, for any backend of Keras.

Two levels, both coarser than the voxels: blocks of 2 x 2 x 2 gray values become the channels of
one cell, and every cell answers for its eight voxels. Nothing is lost by that, and convolutions of
many channels on few cells are what processors are good at: a cell of 32 channels costs what
11 channels on each voxel would, and sees twice as far. No layer normalizes, so the answer for a
voxel depends on its surroundings only, not on what else is in the volume.
"""

from dataclasses import dataclass

import numpy as np

from analysis.phases import Phase
from analysis.segmentation.residual_unet import conditions

STEP = 4  # voxels of a cell of the coarse level; edges of a block are multiples of it
HIDDEN = 32  # units that read the conditions
_CELL = 8  # voxels of a cell of the fine level, cells of the fine in one of the coarse


@dataclass(frozen=True)
class Size:
    """
    Size of a network.

    Attributes
    ----------
    fine, coarse : int
        Channels of the two levels, 1.28 and 2.57 µm wide on the voxels of the study. Four times
        as many weights gain less than .01 of kappa.
    before, middle, after : int
        Residual blocks of two convolutions: on the fine level on the way down, on the coarse
        level, and on the fine level on the way up. More see farther.
    """

    fine: int = 32
    coarse: int = 64
    before: int = 1
    middle: int = 2
    after: int = 1

    @property
    def reach(self):
        """Voxels along an axis from which a voxel's answer depends on gray values, at most."""
        fine = 1 + 2 * (self.before + self.after)
        return 2 * fine + STEP * 2 * self.middle + STEP - 1


def shapes(size):
    """Shape of every array of weights, by name."""
    fine, coarse = size.fine, size.coarse
    found = {
        "conditions": (conditions.COUNT, HIDDEN),
        "conditions fine": (HIDDEN, fine),
        "conditions coarse": (HIDDEN, coarse),
        "stem": (3, 3, 3, _CELL, fine),
        "down": (_CELL * fine, coarse),
        "up": (coarse, _CELL * fine),
        "answer": (fine, _CELL * len(Phase)),
    }
    for part, count, width in (
        ("before", size.before, fine),
        ("middle", size.middle, coarse),
        ("after", size.after, fine),
    ):
        for block in range(count):
            for layer in (1, 2):
                found[f"{part} {block + 1} {layer}"] = (3, 3, 3, width, width)
    biases = {f"{name} bias": shape[-1:] for name, shape in found.items()}
    del biases["conditions fine bias"], biases["conditions coarse bias"]  # stem and down have one
    return found | biases


def initial(size, *, seed):
    """
    Random weights (He et al. 2015); the second convolution of every block begins as zero.

    With it each block begins as the identity, which makes normalization unnecessary.

    Returns
    -------
    weights : dict of str to ndarray of float32
    """
    rng = np.random.default_rng(seed)
    weights = {}
    for name, shape in shapes(size).items():
        spread = np.sqrt(2 / np.prod(shape[:-1])) if len(shape) > 1 else 0.0
        if name.endswith(" 2") or name == "answer":
            spread = 0.0
        weights[name] = (spread * rng.standard_normal(shape)).astype(np.float32)
    return weights


def parameters(size):
    """Number of weights."""
    return sum(int(np.prod(shape)) for shape in shapes(size).values())


def logits(weights, gray, told, size):
    """
    The network.

    Parameters
    ----------
    weights : dict of str to tensor
        As :func:`shapes` has them.
    gray : (N, Z, Y, X) tensor
        Scaled gray values; each edge a multiple of :data:`STEP`.
    told : (N, Z, COUNT) tensor
        From :func:`analysis.segmentation.residual_unet.conditions.of_slices`.
    size : Size

    Returns
    -------
    logits : (N, Z, Y, X, 3) tensor
        Logarithms of the probabilities up to a constant, in the order of ``Phase``.
    """
    from analysis.segmentation.networks.network import keras_module

    ops = keras_module().ops

    def dense(values, name):
        out = ops.matmul(values, weights[name])
        return out + weights[f"{name} bias"] if f"{name} bias" in weights else out

    def blocks(values, part, count):
        for block in range(1, count + 1):
            inner = _convolved(ops, ops.relu(values), weights, f"{part} {block} 1")
            values = values + _convolved(ops, ops.relu(inner), weights, f"{part} {block} 2")
        return values

    read = ops.relu(dense(_pairs(ops, told), "conditions"))
    cells = _convolved(ops, _merged(ops, gray[..., None]), weights, "stem")
    cells = cells + dense(read, "conditions fine")[:, :, None, None, :]
    cells = blocks(cells, "before", size.before)
    wide = dense(_merged(ops, cells), "down")
    wide = wide + dense(_pairs(ops, read), "conditions coarse")[:, :, None, None, :]
    wide = blocks(wide, "middle", size.middle)
    cells = cells + _spread(ops, dense(wide, "up"))
    cells = blocks(cells, "after", size.after)
    return _spread(ops, dense(ops.relu(cells), "answer"))


def as_model(size, weights, *, dtype="float32"):
    """
    The network as a Keras model.

    Parameters
    ----------
    size : Size
    weights : dict of str to ndarray
        As :func:`shapes` has them.
    dtype : str
        Policy of Keras. ``mixed_bfloat16`` halves the time of a training; predict in ``float32``.

    Returns
    -------
    model : keras.Model
        Inputs as :func:`logits` takes them, output its logits. ``model.named()`` gives the weights
        by name.
    """
    from analysis.segmentation.networks.network import keras_module

    keras = keras_module()

    class Network(keras.Model):
        """The weights as variables; the sums are those of :func:`logits`."""

        def __init__(self):
            super().__init__(dtype=dtype)
            self.parts = {}
            for name, value in weights.items():
                self.parts[name] = self.add_weight(
                    shape=value.shape, initializer="zeros", name=name.replace(" ", "_")
                )
                self.parts[name].assign(value)
            self.built = True

        def call(self, inputs):
            gray, told = inputs
            here = {
                name: keras.ops.cast(keras.ops.convert_to_tensor(part), gray.dtype)
                for name, part in self.parts.items()
            }
            return keras.ops.cast(logits(here, gray, told, size), "float32")

        def named(self):
            to_numpy = keras.ops.convert_to_numpy
            return {name: np.array(to_numpy(part.value)) for name, part in self.parts.items()}

    return Network()


def _pairs(ops, values):
    """Mean of each pair of slices."""
    n, depth, count = values.shape
    return ops.mean(ops.reshape(values, (n, depth // 2, 2, count)), axis=2)


def _merged(ops, values):
    """Blocks of 2 x 2 x 2 become channels."""
    n, z, y, x, c = values.shape
    split = ops.reshape(values, (n, z // 2, 2, y // 2, 2, x // 2, 2, c))
    order = ops.transpose(split, (0, 1, 3, 5, 2, 4, 6, 7))
    return ops.reshape(order, (n, z // 2, y // 2, x // 2, _CELL * c))


def _spread(ops, values):
    """Channels become blocks of 2 x 2 x 2: the inverse of :func:`_merged`."""
    n, z, y, x, c = values.shape
    split = ops.reshape(values, (n, z, y, x, 2, 2, 2, c // _CELL))
    order = ops.transpose(split, (0, 1, 4, 2, 5, 3, 6, 7))
    return ops.reshape(order, (n, 2 * z, 2 * y, 2 * x, c // _CELL))


def _convolved(ops, values, weights, name):
    """
    Convolution of 3 x 3 x 3 with zeros beyond the block.

    JAX convolves volumes slowly on processors and slices quickly: there a slice and its two
    neighbors are the channels of one convolution in the plane, which is the same sum.
    """
    from analysis.segmentation.networks.network import keras_module

    kernel, bias = weights[name], weights[f"{name} bias"]
    if keras_module().backend.backend() != "jax":
        return ops.conv(values, kernel, padding="same") + bias
    n, z, y, x, c = values.shape
    padded = ops.pad(values, ((0, 0), (1, 1), (0, 0), (0, 0), (0, 0)))
    three = ops.concatenate([padded[:, :-2], padded[:, 1:-1], padded[:, 2:]], axis=-1)
    flat = ops.transpose(kernel, (1, 2, 0, 3, 4))
    flat = ops.reshape(flat, (*flat.shape[:2], 3 * c, flat.shape[-1]))
    out = ops.conv(ops.reshape(three, (n * z, y, x, 3 * c)), flat, padding="same")
    return ops.reshape(out, (n, z, y, x, out.shape[-1])) + bias
