"""What is said of the worth of a fitted gamma, on tables made by hand."""

import numpy as np
import pandas as pd
import pytest

from analysis import profiles
from analysis.electrochemistry.materials import DEFAULT
from analysis.electrochemistry.uncertainty import emulator as emulators
from analysis.study.cells import gamma_worth


def worth(printed, factor):
    return pd.DataFrame({"fitted": [0.08, 0.1], "printed": printed, "factor": factor})


@pytest.mark.parametrize(
    "printed, factor, word",
    [
        ([0.0001, 0.0002], [4.0, 5.0], "times too small"),
        ([0.034, 0.045], [4.0, 4.0], "is about what"),
        ([0.001, 0.2], [4.0, 4.0], "times too small"),  # the median of two rows
    ],
)
def test_the_printed_error_is_judged_by_the_interval(printed, factor, word):
    assert word in gamma_worth.worth_text(worth(printed, factor))


def test_the_ratio_is_that_of_standard_errors():
    half = 1.645 * 0.1  # of ln gamma
    text = gamma_worth.worth_text(worth([0.0008, 0.001], [2.718281828 ** (2 * half)] * 2))
    assert "is 10 times too small" in text


def designs(*factors):
    names = ["lithiation at 6 mA/cm² alone", "and blocking spectrum", "and a rest"]
    return pd.DataFrame({"experiment": names[: len(factors)], "factor": factors})


def test_the_experiment_that_narrows_most_is_named():
    text = gamma_worth.design_text(designs(6.0, 3.0, 1.5))
    assert "the a rest" in text and "6.0" in text and text.endswith("to 1.5")
    assert "blocking spectrum narrows it most" in gamma_worth.design_text(designs(6.0, 1.6, 5.0))
    assert gamma_worth.design_text(designs(6.0, 5.9, 6.1)).startswith("None")


def test_the_ranges_are_a_table_with_a_source_for_each():
    table = gamma_worth.ranges()
    assert set(table.symbol) == {"D_e", "κ_e", "t₊", "D_s", "L_sep", "i_ref", "c_max", "i_Li"}
    assert (table.low <= table.default).all() and (table.default <= table.high).all()
    assert table.source.str.len().min() > 10
    assert float(table.set_index("symbol").default["D_s"]) == DEFAULT.active.diffusivity_m2_s


def test_the_runs_of_the_battery_serve_the_fit_too(monkeypatch):
    """The truth of TL is simulated once for all experiments; what the fit needs is a part of it."""
    asked = []

    def of_model(structure, experiments, *, number, seed):
        asked.append(experiments)

        def simulate(gamma, z):  # numbers that tell experiment, place, gamma and parameters apart
            return np.concatenate(
                [
                    (1 + np.arange(len(one.covariance))) * np.log(gamma) + len(str(one)) * z[0]
                    for one in experiments
                ]
            )

        return emulators.train(simulate, number=number, seed=seed)

    monkeypatch.setattr(gamma_worth.emulators, "of_model", of_model)
    monkeypatch.setattr(gamma_worth, "_structure", lambda *given: None)
    gamma_worth._emulator.cache_clear()
    smoke = profiles.get("smoke")
    shared = gamma_worth._of_fit(smoke, "truth", "TL")
    alone = gamma_worth._of_fit(smoke, "truth", "SL")
    assert [len(experiments) for experiments in asked] == [6, 1]
    z = np.full((3, len(gamma_worth.uncertain.UNCERTAIN)), 0.3)
    assert np.allclose(shared.predict(0.07, z), alone.predict(0.07, z))
    assert shared.miss.shape == alone.miss.shape
    gamma_worth._emulator(smoke, "truth", "TL", gamma_worth._battery(smoke))
    assert len(asked) == 2  # the designs take the same runs
    gamma_worth._emulator.cache_clear()
