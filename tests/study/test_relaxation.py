"""What the chapter on rests says follows its tables, whichever way they turn."""

import numpy as np
import pandas as pd
import pytest

from analysis.study.cells import relaxation


def table(own, other):
    return pd.DataFrame({"salt_ratio": [1.0, other, own], "particles_ratio": [1.0, own, other]})


def test_the_sentence_on_separation_follows_the_ratios():
    assert "its own diffusion and hardly" in relaxation.separation_text(table(0.5, 1.05))
    assert "not it alone" in relaxation.separation_text(table(0.5, 0.7))
    assert "cannot be told apart" in relaxation.separation_text(table(0.9, 0.5))


def test_the_sentence_on_the_titration_follows_the_table():
    far = pd.DataFrame({"from_voltage": [0.1, 0.2], "from_surface": [0.9, 1.1]})
    assert "within a third" in relaxation.titration_text(far)
    assert "0.10 to 0.20 of it" in relaxation.titration_text(far)
    over = pd.DataFrame({"from_voltage": [0.9, 2.0], "from_surface": [0.4, 1.0]})
    assert "within a factor of 2.5" in relaxation.titration_text(over)
    assert "0.9 to 2.0 times it" in relaxation.titration_text(over)


@pytest.mark.parametrize("tau", (3.0, 50.0, 700.0))
def test_half_lives(tau):
    time_s = np.geomspace(0.01, 10 * tau, 4000)
    found = relaxation.half_life(time_s, -7.0 * np.exp(-time_s / tau))
    assert found == pytest.approx(tau * np.log(2), rel=5e-3)
