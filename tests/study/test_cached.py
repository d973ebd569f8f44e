"""Networks are trained once and read back while data and settings stay the same."""

import numpy as np
import pandas as pd
import pytest

from analysis import storage
from analysis.segmentation.networks import neural
from analysis.study.trinarization import cached, fib_stack


@pytest.fixture
def trainings(tmp_path, monkeypatch):
    """Results go to a temporary folder; counts how often the network was trained."""
    monkeypatch.setenv(storage.ROOT_VARIABLE, str(tmp_path))
    seeds = []

    def fetch(inputs):
        def train():
            seeds.append(len(seeds))
            history = pd.DataFrame({"epoch": [1, 2], "value": [0.5, 0.25 + seeds[-1]]})
            return neural.build_model(1.0, 2.0, seed=seeds[-1]), history

        return cached.model("mlp", "smoke", inputs=inputs, train=train, load=neural.load_model)

    return seeds, fetch


def test_equal_inputs_are_read_back(trainings):
    seeds, fetch = trainings
    first, history = fetch((np.arange(5), {"batch_size": 128}))
    again, read = fetch((np.arange(5), {"batch_size": 128}))
    assert seeds == [0]
    pd.testing.assert_frame_equal(history, read)
    for ours, theirs in zip(first.get_weights(), again.get_weights(), strict=True):
        np.testing.assert_array_equal(ours, theirs)


@pytest.mark.parametrize(
    "changed",
    [
        (np.arange(6), {"batch_size": 128}),
        (np.arange(5, dtype=np.float32), {"batch_size": 128}),
        (np.arange(5), {"batch_size": 32}),
    ],
)
def test_changed_data_or_settings_train_anew(trainings, changed):
    seeds, fetch = trainings
    fetch((np.arange(5), {"batch_size": 128}))
    fetch(changed)
    assert seeds == [0, 1]


def test_interrupted_write_is_not_taken_for_a_result(trainings, tmp_path):
    seeds, fetch = trainings
    fetch((np.arange(5),))
    storage.path("models", "mlp.json", profile="smoke").unlink()
    fetch((np.arange(5),))
    assert seeds == [0, 1]


def flip(file):
    content = bytearray(file.read_bytes())
    content[len(content) // 2] ^= 8
    file.write_bytes(content)


@pytest.mark.parametrize("ending", ["keras", "csv", "json"])
@pytest.mark.parametrize("damage", [flip, lambda file: file.write_text("{}")])
def test_a_touched_file_is_named_and_the_network_trained_again(
    trainings, monkeypatch, caplog, ending, damage
):
    seeds, fetch = trainings
    monkeypatch.setattr(neural, "build_model", lambda *_, seed: seed)
    monkeypatch.setattr(neural, "load_model", lambda path: int(path.read_text().split()[0]))
    monkeypatch.setattr(cached.network, "save_model", save_text)
    fetch((np.arange(5),))
    assert fetch((np.arange(5),))[0] == 0
    damage(storage.path("models", f"mlp.{ending}", profile="smoke"))
    assert fetch((np.arange(5),))[0] == 1
    assert f"mlp.{ending} was changed or damaged" in caplog.text
    assert seeds == [0, 1]


def save_text(model, path):
    with storage.atomic(path) as temporary:
        temporary.write_text(f"{model} of a network")


def test_a_model_of_another_training_is_not_taken(trainings, monkeypatch):
    seeds, fetch = trainings
    monkeypatch.setattr(neural, "build_model", lambda *_, seed: seed)
    monkeypatch.setattr(cached.network, "save_model", save_text)
    fetch((np.arange(5),))
    save_text(17, storage.path("models", "mlp.keras", profile="smoke"))  # ours, but another one
    fetch((np.arange(5),))
    assert seeds == [0, 1]


def test_prose_in_the_code_trains_nothing_again(tmp_path):
    first, second, third = (tmp_path / name for name in ("a.py", "b.py", "c.py"))
    first.write_text('"""Old."""\n\n\ndef f(x):\n    """Old."""\n    return x + 1\n')
    second.write_text('"""New."""\ndef f(x):  # why\n    """New."""\n    return (x + 1)\n')
    third.write_text('"""New."""\ndef f(x):\n    """New."""\n    return x + 2\n')
    assert cached._without_prose(first) == cached._without_prose(second)
    assert cached._without_prose(first) != cached._without_prose(third)


@pytest.mark.parametrize("n_slices", [40, 88, 176])
def test_at_most_four_slices_are_labeled_and_none_of_them_is_near_a_test_slice(n_slices):
    labeled, test = fib_stack.labeled_slices(n_slices), fib_stack.held_out_slices(n_slices)
    assert len(labeled) <= 4 and len(test) == 5
    assert test.min() - labeled.max() > 2 and test.max() < n_slices
