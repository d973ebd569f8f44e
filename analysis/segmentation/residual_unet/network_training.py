"""Training of the residual U-Net, step by step, with checkpoints.

It needs a backend of Keras that is quick at convolutions of volumes: PyTorch, on a processor some
fifteen times quicker than JAX. The weights that come out serve every backend.
"""

import time
from dataclasses import asdict, dataclass
from pathlib import Path

import numpy as np

from analysis import storage
from analysis.segmentation.networks.network import keras_module
from analysis.segmentation.residual_unet import architecture


@dataclass(frozen=True)
class Course:
    """
    Course of a training.

    Attributes
    ----------
    steps : int
        Steps of the optimizer (Adam). The rate rises over the first :attr:`warm_up`, stays, and
        falls to zero over the last :attr:`fall`, where most of the accuracy is gained.
    batch : int
        Blocks of a step.
    rate : float
        Largest learning rate. Three times as much is unstable without normalization.
    warm_up : int
        Steps.
    fall : float
        Share of the steps.
    seed : int
        Of the first weights.
    """

    steps: int
    batch: int = 2
    rate: float = 2e-3
    warm_up: int = 50
    fall: float = 0.3
    seed: int = 0

    def rate_at(self, step):
        """Learning rate of a step."""
        left = (self.steps - step) / max(self.fall * self.steps, 1)
        return self.rate * min(1.0, (step + 1) / self.warm_up, left)


@dataclass(frozen=True)
class Block:
    """
    A piece of a tomogram whose truth is known.

    Attributes
    ----------
    gray : (Z, Y, X) ndarray of float32
        Scaled gray values; each edge a multiple of :data:`architecture.STEP`.
    told : (Z, COUNT) ndarray of float32
        From :func:`conditions.of_slices`.
    labels : (Z, Y, X) ndarray of uint8
    """

    gray: np.ndarray
    told: np.ndarray
    labels: np.ndarray


def mirrored(block, number):
    """
    One of the sixteen ways to turn and mirror a block that leave an electrode an electrode.

    Parameters
    ----------
    block : Block
        As wide as long.
    number : int
        From 0: mirrored along z, mirrored along x, and turned about z by right angles.
    """
    up, across, turns = number // 8 % 2, number // 4 % 2, number % 4

    def moved(volume):
        volume = volume[::-1] if up else volume
        volume = volume[:, :, ::-1] if across else volume
        return np.ascontiguousarray(np.rot90(volume, turns, axes=(1, 2)))

    told = block.told[::-1] if up else block.told
    return Block(moved(block.gray), np.ascontiguousarray(told), moved(block.labels))


def train(draw, size, course, *, checkpoint=None, every=100, watch=lambda *_: None):
    """
    Train a network.

    Parameters
    ----------
    draw : callable
        ``draw(step, number)`` gives the :class:`Block` of that number of a step, always the same.
    size : architecture.Size
    course : Course
    checkpoint : path-like, optional
        Written every `every` steps. If it is there, the training goes on from it; the seed and
        the size must be the same, the length of the course may differ.
    every : int
        Steps between checkpoints and calls of `watch`.
    watch : callable
        ``watch(step, loss, weights, seconds)`` with the mean loss since the last call and the
        processor time of this process.

    Returns
    -------
    weights : dict of str to ndarray of float32

    Raises
    ------
    ValueError
        If the checkpoint is of another size or seed.
    """
    from concurrent.futures import ThreadPoolExecutor

    model = architecture.as_model(
        size, architecture.initial(size, seed=course.seed), dtype="mixed_bfloat16"
    )
    optimizer = keras_module().optimizers.Adam(course.rate, global_clipnorm=1.0)
    model.compile(
        optimizer=optimizer,
        loss=keras_module().losses.SparseCategoricalCrossentropy(from_logits=True),
    )
    optimizer.build(model.trainable_variables)
    first = _resume(checkpoint, model, size, course)
    losses = []
    with ThreadPoolExecutor(1) as pool:
        coming = pool.submit(_batch, draw, first, course)
        for step in range(first, course.steps):
            (gray, told, labels), coming = (
                coming.result(),
                pool.submit(_batch, draw, step + 1, course),
            )
            optimizer.learning_rate = course.rate_at(step)
            losses.append(float(model.train_on_batch([gray, told], labels)))
            if (step + 1) % every == 0 or step + 1 == course.steps:
                if checkpoint:
                    _save(checkpoint, model, step + 1, size, course)
                watch(step + 1, float(np.mean(losses)), model.named(), time.process_time())
                losses = []
        coming.cancel()
    return model.named()


def _batch(draw, step, course):
    blocks = [draw(step, number) for number in range(course.batch)]
    parts = ("gray", "told", "labels")
    return tuple(np.stack([getattr(block, part) for block in blocks]) for part in parts)


def _state(model):
    to_numpy = keras_module().ops.convert_to_numpy
    variables = [*model.trainable_variables, *model.optimizer.variables]
    return {f"variable {i}": np.array(to_numpy(v.value)) for i, v in enumerate(variables)}


def _save(file, model, step, size, course):
    with storage.atomic(file) as temporary, open(temporary, "wb") as opened:
        np.savez(opened, step=step, seed=course.seed, size=str(asdict(size)), **_state(model))


def _resume(file, model, size, course):
    """Step to go on from."""
    if file is None or not Path(file).is_file():
        return 0
    with np.load(file, allow_pickle=False) as held:
        if (str(held["size"]), int(held["seed"])) != (str(asdict(size)), course.seed):
            raise ValueError(
                f"{file} is the checkpoint of a training with {held['size']} and seed "
                f"{int(held['seed'])}; expected {asdict(size)} and seed {course.seed}. Remove it, "
                "or name another file."
            )
        for number, variable in enumerate([*model.trainable_variables, *model.optimizer.variables]):
            variable.assign(held[f"variable {number}"])
        return int(held["step"])
