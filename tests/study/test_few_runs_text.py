"""What chapter 14b says of few resolved runs is what the profile does, and was measured."""

from dataclasses import replace

import pytest

from analysis import profiles
from analysis.simulation import control_variate
from analysis.study.cells import resolved_verdicts

PAPER, DEMO = profiles.get("paper"), profiles.get("demo")


@pytest.mark.parametrize("first", [0.05, 0.08, 0.12])
def test_the_way_of_the_runs_is_that_of_the_profile(first):
    said = resolved_verdicts.scan_text(replace(PAPER, resolved_gammas=(0.02, first, 0.5)))
    assert f"at gamma = {first:g} first" in said
    assert "at 4 values of gamma" in resolved_verdicts.scan_text(DEMO)


@pytest.mark.parametrize(
    ("places", "said"),
    [(["SL-1-24"], "8 maps of 1 small corner of"), (["a", "b"], "8 maps of 2 small corners of")],
)
def test_the_accuracy_is_that_of_the_benchmark(monkeypatch, places, said):
    found = {"maps": 8, "places": places, "runs_per_map": 2.3, "largest_difference_percent": 1.22}
    monkeypatch.setattr(control_variate, "measured", lambda: found)
    text = resolved_verdicts.accuracy_text()
    assert said in text and "2.3 runs a map" in text and "at most 1.3 %" in text


def test_what_was_not_measured_is_not_claimed(monkeypatch, tmp_path):
    monkeypatch.setattr(control_variate, "MEASURED", tmp_path / "none.json")
    assert "has not been measured" in resolved_verdicts.accuracy_text()


def test_the_kept_benchmark_meets_what_the_study_needs():
    kept = control_variate.measured()
    assert kept["maps"] >= 4 and kept["largest_difference_percent"] <= 2
    assert 1 < kept["runs_per_map"] <= 3
