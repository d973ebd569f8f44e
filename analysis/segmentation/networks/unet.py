"""U-Net for pore against CBD in a FIB-SEM stack (Section 3.3).

Three levels, two 3 x 3 convolutions each with SiLU, upsampling by repetition. It sees a slice and
some of its neighbors, because what shines through a pore lies in the next slices. It learns from a
handful of labelled slices by random crops; active material is cut out by Otsu's threshold
before, and weighs nothing in the loss.
"""

from dataclasses import dataclass

import numpy as np
import pandas as pd

from analysis.phases import Phase, check_gray
from analysis.segmentation.networks import network
from analysis.segmentation.networks.fib import check_training_labels, with_context

MODEL_NAME = "fib_unet_2"


@dataclass(frozen=True)
class UNetSettings:
    """
    Size and training of a U-Net.

    Attributes
    ----------
    filters : tuple of int
        Filters of each level, finest first.
    context : tuple of int
        Offsets of the slices that are its channels.
    steps : int
        Training steps.
    batch_size, crop : int, int
        Random crops per step and their edge [pixel].
    learning_rate : float
        Of Adam at the start; it falls to zero along a cosine.
    seed : int
        Seed of weights and crops.
    """

    filters: tuple[int, ...] = (8, 16, 32)
    context: tuple[int, ...] = (-4, -2, 0, 2, 4)
    steps: int = 60
    batch_size: int = 4
    crop: int = 128
    learning_rate: float = 1e-2
    seed: int = 0


def build_model(settings, mean, standard_deviation):
    """
    Untrained U-Net.

    Parameters
    ----------
    settings : UNetSettings
        Size of the network.
    mean, standard_deviation : float
        Of the gray values; the first layer standardizes with them.

    Returns
    -------
    model : keras.Model
        Input (N, R, C, channels) with R and C divisible by 2 ** (levels - 1), output
        (N, R, C, 1): probability [-] of CBD where there is no active material.
    """
    keras = network.keras_module()
    layers = keras.layers
    seeds = iter(range(settings.seed, settings.seed + 1000))

    def convolve(tensor, n_filters):
        tensor = layers.Conv2D(
            n_filters,
            3,
            padding="same",
            use_bias=False,
            kernel_initializer=keras.initializers.HeNormal(seed=next(seeds)),
        )(tensor)
        # batch statistics reach 1 - 0.9 ** 60 of their weight even in a training of 60 steps
        tensor = layers.BatchNormalization(momentum=0.9)(tensor)
        # Smooth on purpose. With the kinks of ReLU a training amplifies rounding errors until two
        # machines disagree in some of the pixels; the paper names no activation.
        return layers.Activation("silu")(tensor)

    inputs = keras.Input((None, None, len(settings.context)), name="slices")
    tensor = layers.Normalization(
        axis=None, mean=float(mean), variance=float(standard_deviation) ** 2, name="standardize"
    )(inputs)
    passed = []
    for level, n_filters in enumerate(settings.filters):
        if level:
            tensor = layers.MaxPooling2D()(tensor)
        tensor = convolve(convolve(tensor, n_filters), n_filters)
        passed.append(tensor)
    for n_filters, skip in zip(settings.filters[-2::-1], passed[-2::-1], strict=True):
        tensor = convolve(layers.UpSampling2D()(tensor), n_filters)
        tensor = layers.Concatenate()([skip, tensor])
        tensor = convolve(convolve(tensor, n_filters), n_filters)
    outputs = layers.Conv2D(
        1,
        1,
        activation="sigmoid",
        kernel_initializer=keras.initializers.GlorotUniform(seed=next(seeds)),
        name="cbd",
    )(tensor)
    return keras.Model(inputs, outputs, name=MODEL_NAME)


def train(stack, labelled, labels, active, settings=None, *, progress=True):
    """
    Train a U-Net on a few labelled slices.

    Parameters
    ----------
    stack : (S, R, C) ndarray
        Gray values in the order of milling.
    labelled : sequence of int
        Labelled slices.
    labels : (N, R, C) ndarray of uint8
        Their labels.
    active : (S, R, C) ndarray of bool
        Active material found by threshold.
    settings : UNetSettings, optional
    progress : bool
        Show a bar.

    Returns
    -------
    model : keras.Model
    history : pandas.DataFrame
        `step` and `loss` (masked cross-entropy), one row for every tenth step.

    Raises
    ------
    ValueError
        If a phase is missing from the labels, or sizes do not fit.

    Notes
    -----
    Equal seed, data and number of threads give equal weights.
    """
    from tqdm import tqdm

    keras = network.keras_module()
    settings = settings or UNetSettings()
    stack = check_gray(stack)
    labels = check_training_labels(labels, stack.shape[1:])
    model = build_model(settings, stack.mean(dtype=np.float64), stack.std(dtype=np.float64))
    schedule = keras.optimizers.schedules.CosineDecay(settings.learning_rate, settings.steps)
    model.compile(
        optimizer=keras.optimizers.Adam(schedule),
        loss=keras.losses.BinaryCrossentropy(),
    )
    feed = _crops(keras, stack, labelled, labels, active, settings)
    rows = []
    with tqdm(
        total=settings.steps, desc="U-Net", unit="step", mininterval=1, disable=not progress
    ) as bar:

        def step_ended(batch, logs):
            bar.update()
            if (batch + 1) % 10 == 0 or batch + 1 == settings.steps:
                rows.append({"step": batch + 1, "loss": float(logs["loss"])})
                bar.set_postfix(loss=f"{rows[-1]['loss']:.3f}")

        model.fit(
            feed,
            epochs=1,
            shuffle=False,
            callbacks=[keras.callbacks.LambdaCallback(on_train_batch_end=step_ended)],
            verbose=0,
        )
    return model, pd.DataFrame(rows)


def predict_cbd(model, settings, stack, index=None):
    """
    Probability of CBD in every pixel.

    Parameters
    ----------
    model : keras.Model
        A U-Net.
    settings : UNetSettings
        As in training.
    stack : (S, R, C) ndarray
        Gray values.
    index : sequence of int, optional
        Slices; all by default.

    Returns
    -------
    probability : (N, R, C) ndarray of float32
        Given that the pixel is not active material [-].
    """
    index = np.arange(len(stack)) if index is None else np.asarray(index)
    rows, columns = stack.shape[1:]
    multiple = 2 ** (len(settings.filters) - 1)
    padding = [(0, 0), (0, -rows % multiple), (0, -columns % multiple), (0, 0)]
    probability = np.empty((len(index), rows, columns), dtype=np.float32)
    size = min(4, len(index))
    for first in range(0, len(index), size):
        # always a full batch, so that the network is compiled once
        chosen = np.resize(index[first : first + size], size)
        channels = with_context(stack, chosen, settings.context).astype(np.float32)
        predicted = model.predict_on_batch(np.pad(channels, padding, "reflect"))
        count = min(size, len(index) - first)
        probability[first : first + count] = predicted[:count, :rows, :columns, 0]
    return probability


def segment(model, settings, stack, active, index=None):
    """
    Label slices of a stack: active material as given, pore and CBD by the U-Net.

    Parameters
    ----------
    model : keras.Model
        A U-Net.
    settings : UNetSettings
        As in training.
    stack : (S, R, C) ndarray
        Gray values.
    active : (S, R, C) ndarray of bool
        Active material.
    index : sequence of int, optional
        Slices; all by default.

    Returns
    -------
    labels : (N, R, C) ndarray of uint8
    """
    index = np.arange(len(stack)) if index is None else np.asarray(index)
    likely = predict_cbd(model, settings, stack, index) > 0.5
    labels = np.where(likely, int(Phase.CBD), int(Phase.PORE)).astype(np.uint8)
    labels[active[index]] = Phase.AM
    return labels


def load_model(path):
    """
    Read a U-Net from a ``.keras`` file.

    Raises
    ------
    FileNotFoundError, ValueError
        If there is no such file, or it holds another model.
    """
    return network.load_named(path, MODEL_NAME)


def _crops(keras, stack, labelled, labels, active, settings):
    """Feed of random, randomly mirrored crops with targets and weights."""
    generator = np.random.default_rng(settings.seed)
    multiple = 2 ** (len(settings.filters) - 1)
    rows, columns = (min(settings.crop, n) // multiple * multiple for n in stack.shape[1:])
    if min(rows, columns) == 0:
        raise ValueError(
            f"The slices have {stack.shape[1:]} pixels; expected at least {multiple} along both "
            f"axes for a U-Net of {len(settings.filters)} levels."
        )
    channels = with_context(stack, labelled, settings.context).astype(np.float32)
    is_cbd = (labels == Phase.CBD).astype(np.float32)
    taught = ((labels != Phase.AM) & ~active[np.asarray(labelled)]).astype(np.float32)

    class Crops(keras.utils.PyDataset):
        def __init__(self):
            super().__init__(workers=1, use_multiprocessing=False)

        def __len__(self):
            return settings.steps

        def __getitem__(self, index):
            batch = [self.draw() for _ in range(settings.batch_size)]
            gray, target, weight = (np.stack(parts) for parts in zip(*batch, strict=True))
            weight *= weight.size / max(weight.sum(), 1)  # mean over the taught pixels only
            return gray, target[..., None], weight

        def draw(self):
            n = generator.integers(len(channels))
            top = generator.integers(stack.shape[1] - rows + 1)
            left = generator.integers(stack.shape[2] - columns + 1)
            down, across = generator.choice([-1, 1], size=2)
            window = (slice(top, top + rows), slice(left, left + columns))
            return tuple(part[n][window][::down, ::across] for part in (channels, is_cbd, taught))

    return Crops()
