"""The synthetic blocking cell of chapter 15: known resistance, and words that follow the fit."""

from dataclasses import replace

import numpy as np
import pandas as pd
import pytest
import xarray as xr

from analysis import profiles, storage
from analysis.electrochemistry import spectrum
from analysis.study.cells import blocking_cell

SMOKE = profiles.get("smoke")
RESISTANCE = 68.0  # ohm cm2 of one electrode


@pytest.fixture
def table(results):
    frequency = np.logspace(-2, 4, 49)
    z = spectrum.line(frequency, 0.0, RESISTANCE, 1.0, 0.07)[None, None, None]
    dims = ("specimen", "method", "fit", "frequency_Hz")
    names = {"specimen": ["SL"], "method": ["truth"], "fit": ["same gamma"]}
    curves = xr.Dataset(
        {"real": (dims, z.real), "imaginary": (dims, z.imag)}, {**names, "frequency_Hz": frequency}
    )
    storage.save_curves("impedance", curves, profile="smoke")
    return pd.DataFrame({"specimen": ["SL"], "method": ["truth"], "resistance": [RESISTANCE]})


@pytest.mark.parametrize("drift", [0.0, 0.15, 0.3])
def test_known_resistance_of_both_electrodes_is_found(table, drift):
    cell = blocking_cell.measure(table, SMOKE, drift=drift)
    assert cell.ionic_resistance_ohm == pytest.approx(2 * RESISTANCE / blocking_cell.AREA_CM2)
    assert cell.fit.ionic_resistance_ohm == pytest.approx(cell.ionic_resistance_ohm, rel=0.03)


def test_words_follow_the_fit(table):
    cell = blocking_cell.measure(table, SMOKE)
    elsewhere = replace(cell, ionic_resistance_ohm=10 * cell.ionic_resistance_ohm)
    assert "does not hold" in blocking_cell.conclusion(elsewhere)
    assert "does not hold" not in blocking_cell.conclusion(cell)
    leaking = blocking_cell.measure(table, SMOKE, leak_ohm=0.1 * cell.ionic_resistance_ohm)
    assert "not blocking" in blocking_cell.conclusion(leaking)
    assert "not blocking" in blocking_cell.compare({"leaking": leaking}).doubts[0]


def test_electrode_that_was_not_computed_is_refused(table):
    with pytest.raises(ValueError, match="No true TL"):
        blocking_cell.measure(table, SMOKE, "TL")


@pytest.mark.parametrize(
    ("differences", "doubts", "words"),
    [((0.6, -100.0), ("none", "no vertical branch"), "doubts early; every resistance that is off"),
     ((0.6, 745.0), ("none", "none"), "doubts none of them; it does not notice early"),
     ((0.6, 2.0), ("none", "none"), "no resistance is off by over 10 %"),
     ((50.0, 2.0), ("none", "a leak"), "doubts early; it does not notice plain")],
)  # fmt: skip
def test_what_the_fit_notices_is_read_off_the_table(differences, doubts, words):
    table = pd.DataFrame({"cell": ["plain", "early"], "difference": differences, "doubts": doubts})
    assert words in blocking_cell.noticed(table)
