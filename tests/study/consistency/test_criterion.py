"""The criterion on gammas made by hand: passes, fails, ties, bounds, missing ones."""

import numpy as np
import pandas as pd
import pytest

from analysis.study.consistency import limits, measured
from analysis.study.consistency.criterion import (
    OPEN,
    PASSED,
    REJECTED,
    Estimate,
    compare,
    judge,
    least_apart,
    named,
)

NAN = float("nan")


def limit(*pair):
    return 1.5


@pytest.mark.parametrize(
    ("first", "second", "verdict"),
    [
        (Estimate(0.08), Estimate(0.08), PASSED),
        (Estimate(0.08), Estimate(0.08 * 1.49), PASSED),
        (Estimate(0.08 * 1.49), Estimate(0.08), PASSED),
        (Estimate(0.08), Estimate(0.08 * 1.51), REJECTED),
        (Estimate(0.08 * 1.51), Estimate(0.08), REJECTED),
        (Estimate(0.08), Estimate(NAN), OPEN),
        (Estimate(NAN), Estimate(NAN), OPEN),
        (Estimate(0.5, 1), Estimate(0.2), REJECTED),  # at least 2.5 times
        (Estimate(0.2), Estimate(0.5, 1), REJECTED),
        (Estimate(0.5, 1), Estimate(0.4), OPEN),  # at least 1.25 times
        (Estimate(0.005, -1), Estimate(0.02), REJECTED),
        (Estimate(0.005, -1), Estimate(0.006), OPEN),
        (Estimate(0.005, -1), Estimate(0.005, -1), OPEN),
        (Estimate(0.5, 1), Estimate(0.5, 1), OPEN),
        (Estimate(0.5, 1), Estimate(0.005, -1), REJECTED),
    ],
)
def test_two_gammas(first, second, verdict):
    assert compare(first, second, 1.5) == verdict


@pytest.mark.parametrize("bad", [1.0, 0.5, 0.0, NAN])
def test_a_limit_that_rejects_everything_is_refused(bad):
    with pytest.raises(ValueError, match="above 1"):
        compare(Estimate(0.1), Estimate(0.1), bad)


def test_one_gamma_is_no_comparison():
    with pytest.raises(ValueError, match="two or more"):
        judge({"SL": Estimate(0.1)}, limit)


def test_the_worst_pair_decides():
    one = judge({"SL": Estimate(0.1), "TL": Estimate(0.12), "LT": Estimate(0.2)}, limit)
    assert one.verdict == REJECTED and one.pair == ("SL", "LT")
    assert one.ratio == pytest.approx(2.0) and one.limit == 1.5
    assert one.excess == pytest.approx(np.log(2) / np.log(1.5))


def test_the_pair_with_the_narrower_limit_decides():
    def by_pair(first, second):
        return 3.0 if "impedance" in second else 1.2

    gammas = {"SL": Estimate(0.1), "TL": Estimate(0.13), "TL impedance": Estimate(0.2)}
    one = judge(gammas, by_pair)
    assert one.pair == ("SL", "TL") and one.verdict == REJECTED


def test_a_missing_gamma_leaves_the_map_open_unless_another_pair_rejects():
    known = {"SL": Estimate(0.1), "TL": Estimate(0.11)}
    assert judge(known | {"LT": Estimate(NAN)}, limit).verdict == OPEN
    assert judge(known | {"LT": Estimate(NAN), "D": Estimate(0.3)}, limit).verdict == REJECTED
    nothing = judge({"SL": Estimate(NAN), "TL": Estimate(0.1)}, limit)
    assert nothing.verdict == OPEN and nothing.pair == () and np.isnan(nothing.ratio)


def test_bounds_leave_a_least_distance():
    assert least_apart(Estimate(0.1), Estimate(0.2)) == pytest.approx(np.log(2))
    assert least_apart(Estimate(0.4, 1), Estimate(0.1)) == pytest.approx(np.log(4))
    assert least_apart(Estimate(0.1), Estimate(0.4, 1)) == pytest.approx(np.log(4))
    assert np.isnan(least_apart(Estimate(0.1, 1), Estimate(0.4)))
    assert np.isnan(least_apart(Estimate(NAN), Estimate(0.4)))


def test_the_map_that_agrees_best_is_named_and_ties_are_told():
    def both(first, second):
        return judge({"SL": first, "TL": second}, limit)

    far = both(Estimate(0.1), Estimate(0.4))
    near = both(Estimate(0.1), Estimate(0.11))
    mirrored = both(Estimate(0.11), Estimate(0.1))
    assert named({"far": far, "near": near}) == ["near"]
    assert named({"far": far, "near": near, "mirrored": mirrored}) == ["near", "mirrored"]
    # two gammas at the same end of the range look equal and say nothing
    stuck = both(Estimate(0.005, -1), Estimate(0.005, -1))
    assert named({"stuck": stuck, "far": far}) == ["far"]
    assert named({"stuck": stuck}) == []


def test_a_limit_narrows_with_the_area_and_widens_with_scatter():
    rng = np.random.default_rng(0)
    logs = {name: rng.normal(0, 0.2, (3, 6)) for name in ("SL", "TL")}
    one = limits.RatioLimits(logs, 1.0)
    many = limits.RatioLimits(logs, 9.0)
    wide = limits.RatioLimits({name: 2 * values for name, values in logs.items()}, 1.0)
    assert np.log(many("SL", "TL")) == pytest.approx(np.log(one("SL", "TL")) / 3)
    assert np.log(wide("SL", "TL")) == pytest.approx(2 * np.log(one("SL", "TL")))
    assert one.count == 6 and one("SL", "TL") > 1


def test_nine_of_ten_right_maps_stay_within_the_limit():
    """Pieces drawn from a normal distribution: the interval holds what it promises."""
    rng = np.random.default_rng(1)
    inside, trials, spread = 0, 400, {"SL": 0.3, "TL": 0.15}
    for _ in range(trials):
        logs = {name: rng.normal(0, width, 4) for name, width in spread.items()}
        limit_of = limits.RatioLimits(logs, 2.0)
        means = {name: np.mean(rng.normal(0, width, 2)) for name, width in spread.items()}
        inside += abs(means["SL"] - means["TL"]) < np.log(limit_of("SL", "TL"))
    assert 0.86 <= inside / trials <= 0.96


def test_scatter_of_the_same_pieces_cancels_between_experiments_on_one_electrode():
    common = np.array([0.0, 0.5, -0.4, 0.2])
    own = np.array([0.01, -0.01, 0.01, 0.0])
    limit_of = limits.RatioLimits({"TL": common, "TL impedance": common + own}, 1.0)
    assert limit_of("TL", "TL impedance") < 1.05
    apart = limits.RatioLimits({"TL": common, "SL impedance": common + own}, 1.0)
    assert apart("TL", "SL impedance") > 2


def test_a_parameter_that_moves_both_gammas_alike_does_not_count():
    logs = {"SL": np.zeros(4), "TL": np.zeros(4) + 1e-9 * np.arange(4)}
    alike = limits.RatioLimits(logs, 1.0, {"SL": {"D_e": 0.4}, "TL": {"D_e": 0.4}})
    apart = limits.RatioLimits(logs, 1.0, {"SL": {"D_e": 0.3}, "TL": {"D_e": 0.6}})
    assert alike.parameters("SL", "TL") == 0
    assert apart("SL", "TL") == pytest.approx(np.exp(1.645 * 0.3), rel=1e-3)


@pytest.mark.parametrize(
    ("logs", "mapped", "level", "message"),
    [
        ({"SL": [0.1]}, 1.0, 0.9, "at least two pieces"),
        ({}, 1.0, 0.9, "at least two pieces"),
        ({"SL": [0.1, np.nan]}, 1.0, 0.9, "missing or zero"),
        ({"SL": [0.1, 0.2]}, 0.0, 0.9, "positive"),
        ({"SL": [0.1, 0.2]}, 1.0, 90, "probability"),
    ],
)
def test_limits_from_nothing_are_refused(logs, mapped, level, message):
    with pytest.raises(ValueError, match=message):
        limits.RatioLimits(logs, mapped, {}, level)


def test_the_papers_table_is_judged_with_the_room_that_rounding_leaves():
    table = measured.printed(lambda *pair: 1.35).set_index("method")
    assert len(table) == 10 and table.ratio["kmeans"] == pytest.approx(6)
    # 0.24 over 0.18, each to half a unit of the last digit
    assert table.lowest["edx-closing"] == pytest.approx(0.235 / 0.185)
    assert table.highest["edx-closing"] == pytest.approx(0.245 / 0.175)
    assert table.verdict["edx-closing"] == PASSED and table.verdict["kmeans"] == REJECTED
    strict = measured.printed(lambda *pair: 1.2).set_index("method")
    assert strict.verdict["edx-closing"] == REJECTED
    loose = measured.printed(lambda *pair: 9.0).set_index("method")
    assert set(loose.verdict) == {PASSED}


def fitted(gammas):
    return pd.DataFrame(
        [
            {"method": method, "electrode": electrode, "cutout": cutout, "gamma": value,
             "bound": 0, "gamma_impedance": value, "bound_impedance": 0, "misfit_mV": 1.0}
            for (method, electrode), values in gammas.items()
            for cutout, value in enumerate(values, 1)
        ]
    )  # fmt: skip


def test_maps_are_judged_without_the_truth():
    """The same gammas get the same verdict whatever the true gamma is."""
    rows = fitted(
        {("kmeans", "SL"): (0.08, 0.1), ("kmeans", "TL"): (0.2, 0.3),
         ("truth", "SL"): (0.08,), ("truth", "TL"): (0.08,),
         ("draw", "SL"): (0.1,), ("draw", "TL"): (0.12,)}
    )  # fmt: skip
    one, other = (measured.judged(rows, limit, gamma) for gamma in (0.08, 0.2))
    assert list(one.verdict) == list(other.verdict) and list(one.method)[-1] == "truth"
    one = one.set_index("method")
    assert one.gamma_SL["kmeans"] == pytest.approx(0.09)
    assert one.ratio["kmeans"] == pytest.approx(0.25 / 0.09)
    assert one.verdict["kmeans"] == REJECTED and one.verdict["draw"] == PASSED
    assert one.bias_TL["truth"] == pytest.approx(0)
    assert {"gamma_SL", "gamma_TL", "ratio", "gamma_impedance"} <= set(one.columns)


def test_a_map_of_one_electrode_stays_open():
    rows = fitted({("kmeans", "SL"): (0.08,)})
    (row,) = measured.judged(rows, limit, 0.08).itertuples()
    assert row.verdict == OPEN and np.isnan(row.ratio) and np.isnan(row.gamma_TL)


def test_the_public_name_takes_a_profile_and_says_what_is_missing(results):
    from analysis import profiles
    from analysis.study import consistency

    assert consistency.table is measured.table
    for profile in ("smoke", profiles.get("smoke")):
        with pytest.raises(FileNotFoundError, match="make book PROFILE=smoke"):
            consistency.table(profile)
