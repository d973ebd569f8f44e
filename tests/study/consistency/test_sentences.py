"""Sentences of the chapter on one gamma: opposite results give opposite sentences."""

import numpy as np
import pandas as pd
import pytest

from analysis.study.consistency import orders, reasons, sweep, verdicts
from analysis.study.consistency.criterion import OPEN, PASSED, REJECTED


def judged(*rows):
    names = ["method", "ratio", "verdict", "bias_SL", "bias_TL"]
    table = pd.DataFrame([dict(zip(names, row, strict=True)) for row in rows])
    return table.assign(
        by_impedance_SL=1.1, by_impedance_TL=1.2, verdict_impedance=table.verdict, decided_by="x"
    )


TRUTH = ("truth", 1.0, PASSED, 0, 0)


def test_what_is_rejected_and_what_is_not():
    table = judged(("kmeans", 2.5, REJECTED, 0, 150), ("edx-closing", 1.05, PASSED, 60, 69), TRUTH)
    said = verdicts.rejections(table, 1.7)
    assert "1 of 2 maps is rejected (k-means 2.50)" in said and "1 of 2 maps is not rej" in said
    assert "limit of 1.70" in said and "Truth" not in said
    turned = verdicts.rejections(table.assign(verdict=[PASSED, REJECTED, PASSED]), 1.7)
    assert "is rejected (EDX-Closing 1.05)" in turned
    both = verdicts.rejections(table.assign(verdict=REJECTED), 1.01)
    assert "2 of 2 maps are rejected" in both and "not" not in both
    silent = verdicts.rejections(table.assign(verdict=[OPEN, OPEN, PASSED]), 1.7)
    assert "2 of 2 maps stay open" in silent
    assert "no map" in verdicts.rejections(judged(TRUTH), 1.7)


def test_not_rejected_is_not_right_only_where_it_is_so():
    wrong = judged(("kmeans", 2.5, REJECTED, 0, 150), ("edx-closing", 1.05, PASSED, 60, 69), TRUTH)
    said = verdicts.beside_truth(wrong)
    assert "Not rejected is not right" in said and "+69 % on TL" in said
    assert "every rejected map" in said
    right = judged(("kmeans", 2.5, REJECTED, 0, 15), ("edx-closing", 1.05, PASSED, 6, 9), TRUTH)
    said = verdicts.beside_truth(right)
    assert "right within 20 %" in said and "Not rejected is not right" not in said
    assert "rejected although" in said and "k-means" in said
    assert "No map of this run passed" in verdicts.beside_truth(wrong.assign(verdict=REJECTED))


def test_impedance_adds_or_does_not():
    table = judged(("edx-closing", 1.05, PASSED, 60, 69), TRUTH)
    assert "no further map" in verdicts.impedance_text(table)
    more = table.assign(verdict_impedance=REJECTED)
    assert "EDX-Closing (x) is rejected too" in verdicts.impedance_text(more)
    assert "1.10 to 1.20, at most a factor of 1.20" in verdicts.impedance_text(table)


def rates(hits, rejected, three=0):
    row = {"combinations": 16, "by_chance": 5.3, "wrong": 48, "others": 4, "lost": 0}
    return pd.DataFrame(
        [
            row | {"judged": "SL and TL", "hits": hits, "rejected": rejected},
            row | {"judged": "with a third electrode", "hits": hits + 1, "rejected": three},
        ]
    )


@pytest.mark.parametrize(
    ("hits", "words"), [(15, "more often than"), (6, "no more often"), (0, "less often")]
)
def test_hits_are_held_against_chance(hits, words):
    said = verdicts.hits(rates(hits, 20))
    assert words in said and f"in {hits} of 16" in said and "20 of 48 wrong maps" in said


@pytest.mark.parametrize(
    ("hits", "truth", "words"),
    [(6, True, "it does not rank"), (15, True, "ranks what is wrong as well"),
     (15, False, "not even a right map")],
)  # fmt: skip
def test_the_criterion_ranks_or_does_not(hits, truth, words):
    found = pd.DataFrame({"judged": "SL and TL", "truth": [truth] * 16})
    said = verdicts.ranking(rates(hits, 20), found)
    assert words in said and f"in {16 * truth} of 16" in said


def test_a_third_electrode_helps_or_does_not():
    more = verdicts.third(rates(5, 20, 30))
    assert "rejects more, 30 of 48" in more and "and the right map is named in 6" in more
    fewer = rates(5, 20, 30).assign(hits=[5, 3])
    assert "but the right map is named in 3 instead of 5" in verdicts.third(fewer)
    assert "adds nothing here: 20 of 48 wrong maps" in verdicts.third(rates(5, 20, 20))
    same = rates(5, 20, 30).assign(hits=[5, 5])
    assert "named in 5, as without it, of 16" in verdicts.third(same)
    assert "rejects less" in verdicts.third(rates(5, 20, 10))


def test_false_alarms():
    assert "not too tight" in verdicts.false_alarm(1, 16)
    assert "is too tight" in verdicts.false_alarm(9, 16)
    assert "nothing is known" in verdicts.false_alarm(0, 0)


def test_the_papers_pairs():
    printed = pd.DataFrame(
        {"method": ["kmeans", "edx-closing"], "ratio": [6.0, 1.3], "lowest": [4.6, 1.27],
         "highest": [8.3, 1.4], "verdict": [REJECTED, PASSED]}
    )  # fmt: skip
    said = verdicts.printed_text(printed, 1.7)
    assert "1 of the paper's 2 pairs is rejected (k-means 6.0), 1 is not" in said
    assert "none is left" in verdicts.printed_text(printed.assign(verdict=REJECTED), 1.1)
    assert verdicts.printed_text(printed.assign(verdict=PASSED), 9).startswith("0 of")
    table = judged(("kmeans", 2.5, REJECTED, 0, 150), TRUTH)
    own, ours = verdicts.findings(table, printed, 1.7, 1.7)
    assert own.holds is False and ours.holds is False and "k-means" in own.measured
    own, ours = verdicts.findings(table, printed, 9.0, 9.0)
    assert own.holds and ours.holds
    own, ours = verdicts.findings(table, printed, 5.0, 5.0)
    assert own.holds and own.tightest.value == pytest.approx(4.6)  # the kindest rounding
    assert verdicts.findings(judged(TRUTH), printed, 5.0, 5.0)[1].holds is None


def test_ratios_beside_the_papers():
    ours = pd.Series({"kmeans": 6.1, "edx-closing": 1.2, "nn-am-cond": 4.0, "truth": 1.0})
    theirs = pd.Series({"kmeans": 6.0, "edx-closing": 1.33, "nn-am-cond": 2.0, "truth": np.nan})
    said = orders.jump(ours, theirs)
    assert "2 of 3 ratios" in said and "3 on the same side" in said
    assert "NN-AM-Cond with 4.0 against 2.0" in said and "+1.00" in said
    assert "-" in orders.jump(1 / ours, theirs).split("correlation is ")[1][:2]
    assert "Too few" in orders.jump(ours[:1], theirs)


def test_the_front_decides_or_does_not():
    middle = np.arange(8) * 20 + 10.0
    front, even = np.array([4, 3, 2, 1, 0, 0, 0, 0.0]), np.ones(8)
    gains = {"capacity": front, "impedance": front, "steady conduction": even}
    said = reasons.depth_text(middle, gains, "capacity")
    assert "sooner than conduction" in said and "no sooner" not in said and "first 80 µm" in said
    assert "100 % of the capacity" in said
    turned = reasons.depth_text(middle, gains | {"capacity": front[::-1]}, "capacity")
    assert "no sooner than conduction" in turned


def test_who_sees_the_gradient():
    bands = pd.DataFrame(
        {"method": ["kmeans", "edx-closing", "truth"], "front": [0.04, 0.08, 0.06],
         "back": [0.04, 0.01, 0.03]}
    )  # fmt: skip
    said = reasons.gradient_text(bands, "front", "back")
    assert "2.0 times" in said and "seen by k-means" in said and "overstated by EDX-Closing" in said
    turned = bands.assign(front=[0.08, 0.04, 0.06], back=[0.01, 0.04, 0.03])
    said = reasons.gradient_text(turned, "front", "back")
    assert "seen by EDX-Closing" in said and "overstated by k-means" in said


def shares(particles, binder):
    rows = [("edx-closing", "SL"), ("edx-closing", "TL")]
    return pd.DataFrame(
        [{"method": m, "electrode": e, "total": 1.0, "particles": p, "binder": binder}
         for (m, e), p in zip(rows, particles, strict=True)]
    )  # fmt: skip


def test_the_budget_names_the_larger_part():
    said = reasons.budget_text(shares((0.2, 0.3), 0.8))
    assert said.startswith("In 2 of 2 cases the binder") and "same direction" in said
    said = reasons.budget_text(shares((-0.9, 0.9), 0.1))
    assert said.startswith("In 0 of 2 cases the binder") and "do not agree" in said
    assert "no budget" in reasons.budget_text(shares((np.nan, np.nan), 0.1))


def test_the_closing_that_agrees_best_is_named():
    table = pd.DataFrame(
        {"fit": ["line", "step", "truth"], "proportional to": ["fluorine", "CBD", ""],
         "ratio": [1.4, 1.02, 1.0], "front_over_back": [4.0, 2.1, 2.0]}
    )  # fmt: skip
    said = reasons.closing_text(table)
    assert "nearest to one with a step through the CBD" in said and "overstates" in said
    turned = table.assign(ratio=[1.0, 1.5, 1.0], front_over_back=[1.9, 1.0, 2.0])
    said = reasons.closing_text(turned)
    assert "nearest to one with a line through the fluorine" in said
    assert "does not overstate" in said


def test_where_capacities_part():
    worst = pd.DataFrame(
        {"electrode": ["SL", "TL"], "method": ["kmeans", "edx-closing"], "current": [12.0, 3.0],
         "error": [15.0, -0.5]}
    )  # fmt: skip
    said = reasons.capacity_text(worst, 6.0)
    assert "1 of 2 fits" in said and "+15 % (k-means" in said and "EDX-Closing on TL stays" in said
    said = reasons.capacity_text(worst.assign(current=[1.0, 3.0], error=[1.0, -22.0]), 6.0)
    assert "0 of 2 fits" in said and "-22 % (EDX-Closing" in said


def test_orders_that_turn_with_gamma():
    turning = {"A is larger.": {0.03: True, 0.08: False}, "B is larger.": {0.03: True, 0.08: True}}
    said = reasons.orders_text(turning)
    assert "1 holds at every" in said and "1 turns with it (A is larger)" in said
    said = reasons.orders_text({"B is larger.": {0.03: True, 0.08: True}})
    assert "none turns" in said
    assert "None of" in reasons.orders_text({"A": {0.03: None}})


def swept(gammas, electrodes=("SL", "TL", "LT")):
    rows = []
    for gamma_true in (0.03, 0.08):
        for method, values in gammas.items():
            for electrode, value in zip(electrodes, values, strict=True):
                rows.append(
                    {"scenario": "bridging", "layer_contrast": 1.0, "gamma_true": gamma_true,
                     "method": method, "electrode": electrode, "gamma": value * gamma_true,
                     "bound": 0, "gamma_impedance": value * gamma_true, "bound_impedance": 0}
                )  # fmt: skip
    return pd.DataFrame(rows)


def test_outcomes_of_a_sweep():
    """A wrong map whose errors agree, one whose errors part, and one nearly right."""
    gammas = {"edx-closing": (1.7, 1.7, 1.7), "kmeans": (1, 2.5, 0.3), "thresholding": (1, 1.1, 1),
              "truth": (1, 1, 1)}  # fmt: skip
    found = sweep.outcomes(swept(gammas), lambda *pair: 1.5, list(gammas)[:3])
    assert len(found) == 2 * len(sweep.SETS)
    one = found[found.judged == "SL and TL"].iloc[0]
    assert one.named == "edx-closing" and one.right == "thresholding" and not one.hit
    assert one.bias == pytest.approx(70) and one.least_bias == pytest.approx(10)
    assert (one.wrong, one.rejected, one.passed, one.others, one.lost) == (2, 1, 1, 1, 0)
    counted = sweep.rates(found).set_index("judged")
    assert counted.hits["SL and TL"] == 0 and counted.by_chance["SL and TL"] == pytest.approx(2 / 3)
    better = swept(gammas | {"edx-closing": (1.7, 1.3, 1.7), "thresholding": (1, 1.01, 1)})
    found = sweep.outcomes(better, lambda *pair: 1.5, list(gammas)[:3])
    assert found.hit.all() and sweep.rates(found).hits.iloc[0] == 2
    assert "hit" in sweep.by_gamma(found).iloc[0, 1]


def test_a_third_electrode_finds_what_two_hide():
    gammas = {"kmeans": (1, 1.05, 4), "edx-closing": (1.7, 1.7, 1.7), "truth": (1, 1, 1)}
    found = sweep.outcomes(swept(gammas), lambda *pair: 1.5, ("kmeans", "edx-closing"))
    by_set = found[found.gamma_true == 0.08].set_index("judged")
    assert by_set.others["SL and TL"] == 1 and by_set.lost["SL and TL"] == 0
    assert by_set.lost["with a third electrode"] == 1


def test_ratios_at_a_gamma_that_was_not_swept_are_refused():
    from analysis import profiles

    table = swept({"kmeans": (1, 2.5, 1), "truth": (1, 1, 1)})
    made = orders.ratios(table, profiles.get("smoke"), 0.03).set_index("method")
    assert made.ratio["kmeans"] == pytest.approx(2.5)
    assert made.paper_ratio["kmeans"] == pytest.approx(6) and list(made.index)[-1] == "truth"
    with pytest.raises(ValueError, match="expected one of 0.03, 0.08"):
        orders.ratios(table, profiles.get("smoke"), 0.05)
