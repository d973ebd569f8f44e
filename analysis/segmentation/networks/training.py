"""Training of the composition network.

Loss, optimizer and stopping rule are the paper's (Section 3.3): mean squared error, Nesterov's
accelerated gradient descent with learning rate 0.01 and momentum 0.99, an end after ten epochs
without a better validation error. What the paper leaves open stands in :class:`Settings`.
"""

from dataclasses import dataclass

import numpy as np
import pandas as pd

from analysis.phases import Phase
from analysis.segmentation.networks.network import build_model, keras_module
from analysis.segmentation.networks.neural import predict_patches
from analysis.segmentation.networks.symmetries import augment

PAPER_EPOCH = 73_181  # 60 % of 121 968 copies, one epoch of the paper
MAX_SCORED = 25_000  # copies of the validation set that are scored after an epoch


@dataclass(frozen=True)
class Settings:
    """
    How the network is trained.

    Attributes
    ----------
    learning_rate, momentum, patience : float, float, int
        The paper's values.
    batch_size, activation, initializer : int, str, str
        Not in the paper; chosen by validation.
    max_epochs : int
        End of the training, should it not stop by itself.
    samples_per_epoch : int
        An epoch sees at most so many copies, drawn anew each time. With 2541 voxels it is all
        of them.
    seed : int
        Seed of the weights and of the order of the samples.
    keep : {"best", "last"}
        Weights to keep: those of the epoch with the lowest validation error, or of the last one.
    """

    learning_rate: float = 0.01
    momentum: float = 0.99
    patience: int = 10
    batch_size: int = 128
    activation: str = "relu"
    initializer: str = "glorot_uniform"
    max_epochs: int = 60
    samples_per_epoch: int = PAPER_EPOCH
    seed: int = 0
    keep: str = "best"


@dataclass(frozen=True)
class Trained:
    """
    A trained network and how it came about.

    Attributes
    ----------
    model : keras.Model
        With the weights of the best epoch, or of the last one if the settings say so.
    history : pandas.DataFrame
        Tidy: `epoch`, `samples` (which set), `quantity` (`mse`, `r2_pore`, `r2_cbd`, `r2_am`),
        `value`.
    best_epoch : int
        Epoch with the lowest validation error, counted from 1.
    """

    model: object
    history: pd.DataFrame
    best_epoch: int


def r2_scores(targets, predicted):
    """
    Coefficient of determination of each phase.

    Parameters
    ----------
    targets, predicted : (N, 3) ndarray
        True and predicted fractions [-].

    Returns
    -------
    r2 : dict of Phase to float
        1 is perfect; 0 is as good as the mean of the targets; NaN where the targets are all
        equal.

    Examples
    --------
    >>> truth = np.array([[0.0, 0.2, 0.8], [1.0, 0.0, 0.0]])
    >>> r2_scores(truth, truth)[Phase.CBD]
    1.0
    """
    targets = np.asarray(targets, dtype=np.float64)
    misfit = ((targets - predicted) ** 2).sum(axis=0)
    spread = ((targets - targets.mean(axis=0)) ** 2).sum(axis=0)
    return {
        phase: float(1 - misfit[phase] / spread[phase]) if spread[phase] > 0 else float("nan")
        for phase in Phase
    }


def train(samples, split, settings=None, *, watch=None, progress=True):
    """
    Train a composition network.

    Parameters
    ----------
    samples : Samples
        Labelled voxels, see :func:`~analysis.segmentation.networks.samples.collect_samples`.
    split : Split
        Which copies train and which stop the training.
    settings : Settings, optional
        By default the paper's, with our choices where it is silent.
    watch : dict of str to (patches, targets), optional
        Further sets to score after each epoch. They never influence the training.
    progress : bool
        Show a bar with one step per epoch.

    Returns
    -------
    trained : Trained
        The network and the history of its epochs.

    Raises
    ------
    RuntimeError
        If the loss becomes infinite or NaN.

    Notes
    -----
    Equal seed, samples and number of threads give equal weights. Samples that differ in the last
    digits, as from another machine, give nearly equal ones with tanh; with ReLU, whose slope jumps,
    a long training amplifies the difference until some percent of the labels change.
    """
    keras = keras_module()
    settings = settings or Settings()
    training_patches = samples.patches[np.unique(split.train // 48)]
    model = build_model(
        training_patches.mean(dtype=np.float64),
        training_patches.std(dtype=np.float64),
        seed=settings.seed,
        activation=settings.activation,
        initializer=settings.initializer,
    )
    model.compile(
        optimizer=keras.optimizers.SGD(
            learning_rate=settings.learning_rate, momentum=settings.momentum, nesterov=True
        ),
        loss="mse",
        steps_per_execution=16,
    )
    scored = split.validation[:: -(-len(split.validation) // MAX_SCORED)]
    stopped = (augment(samples.patches, scored), samples.targets[scored // 48])
    monitor = _Monitor(model, {"validation": stopped, **(watch or {})}, settings, progress)
    callback = keras.callbacks.LambdaCallback(on_epoch_end=monitor.epoch_ended)
    try:
        model.fit(
            _batches(keras, samples, split.train, settings),
            epochs=settings.max_epochs,
            shuffle=False,  # the feed draws the order itself, from the seed
            callbacks=[callback],
            verbose=0,
        )
    finally:
        monitor.close()
    if settings.keep == "best":
        model.set_weights(monitor.best_weights)
    return Trained(model, pd.DataFrame(monitor.rows), monitor.best_epoch)


def _batches(keras, samples, copies, settings):
    """Feed of augmented batches; a copy is made when its batch is due."""
    generator = np.random.default_rng(settings.seed)
    per_epoch = min(len(copies), settings.samples_per_epoch)
    size = min(settings.batch_size, per_epoch)

    class Batches(keras.utils.PyDataset):
        def __init__(self):
            super().__init__(workers=1, use_multiprocessing=False)
            self.on_epoch_end()

        def __len__(self):
            # only full batches: a short one would be compiled anew
            return per_epoch // size

        def __getitem__(self, index):
            chosen = self.order[index * size : (index + 1) * size]
            return augment(samples.patches, chosen), samples.targets[chosen // 48]

        def on_epoch_end(self):
            self.order = generator.permutation(copies)[:per_epoch]

    return Batches()


class _Monitor:
    """Scores the sets after each epoch, keeps the best weights, stops the training."""

    def __init__(self, model, sets, settings, progress):
        from tqdm import tqdm

        self.model, self.sets, self.settings = model, sets, settings
        self.rows, self.best_loss, self.best_epoch, self.best_weights = [], np.inf, 0, None
        self.bar = tqdm(
            total=settings.max_epochs,
            desc="training",
            unit="epoch",
            mininterval=1,
            disable=not progress,
        )

    def epoch_ended(self, epoch, logs):
        epoch += 1
        if not np.isfinite(logs["loss"]):
            raise RuntimeError(
                f"The loss is {logs['loss']} after epoch {epoch}; the training diverged. "
                "Lower the learning rate or the momentum."
            )
        self._note(epoch, "training", "mse", logs["loss"])
        for name, (patches, targets) in self.sets.items():
            predicted = predict_patches(self.model, patches)
            self._note(epoch, name, "mse", np.mean((predicted - targets) ** 2, dtype=np.float64))
            for phase, value in r2_scores(targets, predicted).items():
                self._note(epoch, name, f"r2_{phase.name.lower()}", value)
        loss = next(
            row["value"]
            for row in reversed(self.rows)
            if row["samples"] == "validation" and row["quantity"] == "mse"
        )
        if loss < self.best_loss:
            self.best_loss, self.best_epoch = loss, epoch
            self.best_weights = self.model.get_weights()
        elif epoch - self.best_epoch >= self.settings.patience:
            self.model.stop_training = True
        self.bar.update()
        self.bar.set_postfix(validation=f"{loss:.4f}", best=self.best_epoch)

    def close(self):
        self.bar.close()

    def _note(self, epoch, samples, quantity, value):
        self.rows.append(
            {"epoch": epoch, "samples": samples, "quantity": quantity, "value": float(value)}
        )
