"""Sentences with a verdict: two opposite results give opposite sentences, and none contradicts
the number that stands in it."""

import numpy as np
import pandas as pd
import pytest
import xarray as xr

from analysis import profiles, storage
from analysis.phases import Phase
from analysis.study import finding
from analysis.study.book import conclusion
from analysis.study.cells import (
    calibration,
    halfcell,
    homogenized,
    impedance,
    resolved_verdicts,
    step_excitation,
)
from analysis.study.imaging import tomography
from analysis.study.morphology import coverage, realism, tortuosity
from analysis.study.trinarization import (
    agreement,
    closing,
    contrast,
    neural_verdicts,
    standing,
    standing_text,
    thresholding,
)

METHODS = ("thresholding", "kmeans", "edx-closing")


# ---- findings -----------------------------------------------------------------------------------


@pytest.mark.parametrize(
    ("value", "limit", "above", "holds"),
    [(0.024, 0.02, False, False), (0.019, 0.02, False, True), (0.1003, 0.1, True, True),
     (0.0998, 0.1, True, False), (3.684, 3.691, True, False), (-1.0, 0.0, True, False),
     (np.nan, 1.0, True, False), (np.nan, 1.0, False, False), (2.0, 2.0, True, False)],
)  # fmt: skip
def test_a_verdict_is_the_comparison_that_is_printed(value, limit, above, holds):
    bound = finding.Bound(value, limit, above)
    assert bound.holds is holds
    assert np.isnan(value) or (bound.margin > 0) is holds
    shown, rest = str(bound).split(", limit ")
    sign, shown_limit = rest.split(" ")
    shown, shown_limit = float(shown), float(shown_limit)
    printed = shown > shown_limit if sign == ">" else shown < shown_limit
    assert printed is holds  # rounding has not made the two equal


def test_a_finding_is_decided_by_its_tightest_bound():
    wide, tight = finding.Bound(1.0, 4.0), finding.Bound(0.98, 1.0)
    one = finding.Finding("s", "t", "m", (wide, tight))
    assert one.holds and one.tightest is tight and "at the edge" in one.margin
    broken = finding.Finding("s", "t", "m", (wide, finding.Bound(9.0, 1.0), tight))
    assert not broken.holds and broken.margin == "-8 × the limit"
    assert broken.verdict == "does not hold here"


def test_a_finding_without_its_methods_is_no_verdict():
    one = finding.check(["kmeans"], ["truth"], "s", "t", lambda: 1 / 0)
    assert one.holds is None and one.verdict == finding.ABSENT and "Truth" in one.measured
    assert list(finding.table([one])["verdict"]) == [finding.ABSENT]


def listed(shares, about):
    words = {True: conclusion.HOLDS, False: conclusion.FAILS}
    return pd.DataFrame(
        {
            "section": [conclusion.SECTIONS[0]] * len(shares),
            "about": about,
            "finding": [f"finding {number}" for number in range(len(shares))],
            "decided by": [f"decided {number}" for number in range(len(shares))],
            "margin": [f"{100 * s:+.0f} %" for s in shares],
            "verdict": [conclusion.OPEN if np.isnan(s) else words[s > 0] for s in shares],
            "share": shares,
            "spread": [np.nan, *[0.01] * (len(shares) - 1)],
        }
    )


def test_the_count_of_findings_turns_with_them():
    about = [finding.PAPER, finding.STAND_INS, finding.BUILT_IN, finding.PAPER]
    good = conclusion.text(listed([0.5, 0.4, 0.9, 0.3], about))
    bad = conclusion.text(listed([-0.5, -0.05, 0.9, np.nan], about))
    assert "4 hold here and 0 do not" in good and "the 2 that speak" in good
    assert "could not be tested" not in good and "within 10 %" not in good
    assert "1 hold here and 2 do not" in bad and "1 could not be tested" in bad
    assert "1 stands within" in bad and "the 1 that speak about the methods" in bad


def test_groups_of_findings_stand_with_failures_first_and_are_decided_by_their_closest_call():
    about = [finding.PAPER, finding.STAND_INS, finding.PAPER, finding.PAPER, finding.BUILT_IN]
    table = conclusion.summary(listed([0.5, -0.4, 0.2, np.nan, -0.6], about))
    assert list(table.about) == [finding.BUILT_IN, finding.STAND_INS, finding.PAPER]
    assert list(table.hold) == ["0 of 1", "0 of 1", "2 of 2"]  # what was not tested does not count
    assert list(table["closest call"]) == ["finding 4", "finding 1", "finding 2"]
    assert list(table["value and limit"]) == ["decided 4", "decided 1", "decided 2"]
    alone = conclusion.summary(listed([0.5], [finding.PAPER]))
    assert list(alone.spread) == ["one cutout"] and list(table.spread) == ["0.01"] * 3


def test_the_spread_of_a_finding_is_that_of_the_number_that_decides():
    def one(loose, tight):
        return finding.Finding(
            "s", "t", "m", (finding.Bound(loose, 9.0), finding.Bound(tight, 1.0))
        )

    row = conclusion._row("x", one(3.0, 0.5), [one(8.0, 0.4), one(1.0, 0.7)])
    assert row["value"] == 0.5 and row["spread"] == pytest.approx(0.3)
    assert np.isnan(conclusion._row("x", one(3.0, 0.5), [one(8.0, 0.4)])["spread"])
    untested = finding.Finding("s", "t", "m", ())
    assert np.isnan(conclusion._row("x", untested, [untested, untested])["spread"])


# ---- how the methods stand ----------------------------------------------------------------------


def scored(kappas, chance_recall=0.5, recall=0.6):
    """Scores of two cutouts of SL and TL; `kappas` by specimen and method, (low, high)."""
    rows = []
    for specimen, methods in kappas.items():
        for method, values in methods.items():
            for cutout, value in enumerate(np.atleast_1d(values), 1):
                rows.append(
                    {"specimen": specimen, "cutout": cutout, "method": method, "kappa": value,
                     "recall CBD": recall, "chance recall": chance_recall}
                )  # fmt: skip
    return pd.DataFrame(rows)


LEAD = {"thresholding": (0.5, 0.51), "kmeans": (0.3, 0.32), "edx-closing": (0.2, 0.21)}
TIE = {"thresholding": (0.30, 0.35), "kmeans": (0.33, 0.36), "edx-closing": (0.1, 0.12)}


def test_a_lead_beyond_the_spread_is_a_lead():
    ranked = standing.ranks(scored({"SL": LEAD, "TL": LEAD}))
    assert list(ranked[ranked.specimen == "SL"].tied) == [True, False, False]
    text = standing_text.leaders(ranked)
    assert text.count("leads the next by more than the spread") == 2 and "within" not in text
    both = standing_text.best_on_both(ranked)
    assert both.startswith("Thresholding has the largest mean on both")
    assert "only Thresholding" in both


def test_a_lead_within_the_spread_is_a_tie():
    ranked = standing.ranks(scored({"SL": TIE, "TL": LEAD}))
    sl = ranked[ranked.specimen == "SL"].set_index("method")
    assert sl.tied["kmeans"] and sl.tied["thresholding"] and not sl.tied["edx-closing"]
    text = standing_text.leaders(ranked)
    assert "On SL k-means has the largest mean (0.34), and 1 of the 2 others is within" in text
    assert "depends on the electrode" in standing_text.best_on_both(ranked)
    assert "only Thresholding is among the best" in standing_text.best_on_both(ranked)


def test_one_cutout_tells_no_ties():
    single = {method: values[0] for method, values in LEAD.items()}
    ranked = standing.ranks(scored({"SL": single, "TL": single}))
    assert set(ranked.tied) == {None} and ranked.spread.isna().all()
    assert "cannot tell a lead from a tie" in standing_text.leaders(ranked)
    assert "too few cutouts" in standing_text.best_on_both(ranked)
    assert standing.distinct_pairs(scored({"SL": single, "TL": single})) == []


def test_pairs_differ_only_if_they_do_so_everywhere():
    turned = {"thresholding": (0.2, 0.21), "kmeans": (0.3, 0.32), "edx-closing": (0.1, 0.11)}
    pairs = standing.distinct_pairs(scored({"SL": LEAD, "TL": turned}))
    assert pairs == [("thresholding", "edx-closing"), ("kmeans", "edx-closing")]


def test_knowing_no_more_than_chance_is_said():
    good = standing_text.beyond_chance_text(scored({"SL": LEAD}))
    bad = standing_text.beyond_chance_text(scored({"SL": LEAD}, recall=0.45))
    assert "find 60 % of the true CBD" in good and "every method knows more than chance" in good
    assert "find 45 % of the true CBD" in bad and "not every method knows more" in bad


def test_scores_are_those_of_the_confusion_matrix():
    counts = np.array([[30, 10, 5], [12, 20, 8], [4, 6, 105]])
    found = standing.score(counts)
    assert found["accuracy"] == pytest.approx(155 / 200)
    assert found["recall CBD"] == pytest.approx(20 / 40)
    # 36 CBD voxels are dealt to 82 places beside the AM, 32 of which are among the 40 true ones
    beside = 30 + 10 + 12 + 20 + 4 + 6
    assert found["chance recall"] == pytest.approx(32 / 40 * 36 / beside)


@pytest.mark.parametrize(
    ("upper", "lower", "word"),
    [(0.30, 0.14, "turns the contrast"), (0.21, 0.24, "misses the rest"),
     (0.16, 0.28, "sees the step between"), (0.05, 0.40, "overstates")],
)  # fmt: skip
def test_the_step_between_the_layers(upper, lower, word):
    layers = pd.DataFrame(
        {"separator": [0.15, upper], "collector": [0.29, lower]}, index=["truth", "thresholding"]
    )
    text = standing_text.depth_text(layers, "thresholding")
    assert word in text and f"gives {100 * upper:.0f} % and {100 * lower:.0f} %" in text


def test_two_rankings_are_called_what_they_are():
    means = pd.DataFrame({"a": [1, 2, 3, 4.0], "b": [1, 2, 3, 4.0], "c": [4, 3, 2, 1.0]})
    assert "nearly the same" in standing_text.order_text(means, "a", "b")
    assert "opposed" in standing_text.order_text(means, "a", "c")


@pytest.mark.parametrize(
    ("am", "kappa", "words"),
    [(0.9, 0.3, "particles are easy, the binder is not;"), (0.9, 0.7, "found by some"),
     (0.6, -0.1, "Not even the particles are easy, the binder is not: some")],
)  # fmt: skip
def test_the_story_of_a_measured_electrode(am, kappa, words):
    table = pd.DataFrame({"method": ["kmeans"], "Jaccard AM": [am], "kappa": [kappa]})
    assert words in standing_text.story(table)


# ---- the cell -----------------------------------------------------------------------------------


def spectra(*differences):
    return pd.DataFrame(
        {
            "specimen": ["TL"] * (1 + len(differences)),
            "method": ["truth", *METHODS[: len(differences)]],
            "difference": [0.01, *differences],
            "resistance": np.arange(1.0, 2 + len(differences)),
        }
    )


def test_spectra_decide_or_do_not():
    weak, strong = spectra(1.0, 4.6), spectra(1.0, 23.5)
    assert impedance.finding(weak).holds and not impedance.finding(strong).holds
    assert "at the edge" in impedance.finding(weak).margin
    said = impedance.conclusion(weak)
    assert "none of 2 can be told" in said and "does not decide" in said
    said = impedance.conclusion(strong)
    assert "on TL 1 of 2 gives itself away: k-means (23.5 %)" in said
    assert "rejects some maps" in said
    assert impedance.finding(spectra()).holds is None
    assert "nothing was decided" in impedance.conclusion(spectra(np.nan))


def fits(biases, errors):
    rows = [
        {"specimen": s, "method": m, "gamma": 0.08 * (1 + b / 100), "bias": b, "error_fit": 0.2,
         "error_other": e, "tau": 6.25 / (1 + b / 100), "paper_gamma": np.nan}
        for (s, m), b, e in zip(
            [("SL", "kmeans"), ("SL", "edx-closing"), ("TL", "kmeans"), ("TL", "edx-closing")],
            biases, errors, strict=True,
        )
    ]  # fmt: skip
    return pd.DataFrame(rows)


def test_a_fit_vouches_or_does_not():
    hides = fits((-6, 70, 155, 69), (2.8, 3.0, 11.0, 2.0))
    assert "Not always: on SL 1 of the 2" in calibration.vouches(hides)
    assert "on TL 2 of the 2" in calibration.vouches(hides)
    right = fits((-6, 7, 5, -9), (2.8, 3.0, 1.0, 2.0))
    assert calibration.vouches(right).startswith("In this run it does: on SL 0 of the 2")


def test_other_currents_give_away_or_do_not():
    no = calibration.given_away(fits((-6, 70, 155, 69), (2.8, 3.0, 11.0, 2.0)))
    assert "do not tell right from wrong" in no and "EDX-Closing on TL" in no and "2.8 %" in no
    yes = calibration.given_away(fits((-6, 70, 155, 69), (2.8, 9.0, 11.0, 8.0)))
    assert "give every wrong map of this run away" in yes and "8.0 %" in yes
    assert "no map has a wrong gamma" in calibration.given_away(fits((1, 2, 3, 4), (1, 1, 1, 1)))


def test_the_orders_of_table_3_turn():
    first = {f.statement: f for f in calibration.findings(fits((0, 50, 0, 80), (1, 1, 1, 1)))}
    other = {f.statement: f for f in calibration.findings(fits((50, 0, 80, 0), (1, 1, 1, 1)))}
    smallest = "EDX-Closing has the smallest tau (TL)."
    assert first[smallest].holds and other[smallest].holds is False
    larger = "tau is larger for SL than for TL."
    assert first[larger].holds is False and "1 of 2" in first[larger].measured
    assert first["k-means and Thresholding have the largest tau (SL)."].holds is None


@pytest.mark.parametrize(
    ("conducting", "word"), [(4.49, "+0.1 %"), (5.0, "11.5 % of the capacity"), (4.0, "falls by")]
)
def test_conduction_costs_what_was_measured(conducting, word):
    text = resolved_verdicts.conduction(4.485, conducting)
    assert word in text and ("next to nothing" in text) is (conducting == 4.49)


def test_the_front_and_the_half_that_leads():
    depth = np.array([1.0, 2.0, 3.0, 4.0])
    assert resolved_verdicts.front(depth, np.array([0.9, 0.8, 0.4, 0.3])) == pytest.approx(2.5)
    assert np.isnan(resolved_verdicts.front(depth, np.full(4, 0.5)))
    rows = np.array([[0.9, 0.8, 0.4, 0.3], [0.9, 0.9, 0.5, 0.3]])
    falling = xr.DataArray(rows, dims=("moment", "z"))
    assert "separator is ahead" in resolved_verdicts.fills_from(falling)
    assert "collector is ahead" in resolved_verdicts.fills_from(falling[:, ::-1])
    mixed = xr.concat([falling[0], falling[1][::-1]], "moment")
    assert "Neither half" in resolved_verdicts.fills_from(mixed)


def test_salt_and_limits():
    fine = pd.DataFrame({"salt": [1e-14], "lowest_salt": [1e-9]})
    bad = pd.DataFrame({"salt": [1e-3], "lowest_salt": [-2.0]})
    said = halfcell.salt_text(fine)
    assert "conserved, although" in said and "never below" in said
    said = halfcell.salt_text(bad)
    assert "is lost" in said and "below zero, to -2" in said
    sweep = pd.DataFrame({"symbol": ["i_ref", "D_s"], "change": [-1.0, 9.0]})
    assert "transport sets" in halfcell.limit_text(sweep)
    assert "reaction matters" in halfcell.limit_text(sweep.assign(change=[-11.0, 9.0]))


# ---- images and morphology ----------------------------------------------------------------------


def r2(leaked, blocks, specimen=0.4):
    rows = [("paper", "same stack", 0.52), ("paper", "same specimen", specimen)]
    rows += [("paper", "SL", leaked), ("blocks", "SL", blocks)]
    return pd.DataFrame(
        [{"protocol": p, "binning": 2, "samples": s, "phase": "CBD", "r2": v} for p, s, v in rows]
    )


def test_the_better_network_is_named():
    assert "spoiled is the better one" in neural_verdicts.split_effect(r2(0.36, 0.31), 2)
    assert "also gives the better network" in neural_verdicts.split_effect(r2(0.31, 0.36), 2)
    assert "equally good" in neural_verdicts.split_effect(r2(0.360, 0.362), 2)


@pytest.mark.parametrize(
    ("binned", "fine", "words"),
    [((0.36, 0.31), (0.43, 0.41), "spoiled is the better one"),
     ((0.31, 0.36), (0.41, 0.43), "also gives the better network"),
     ((0.360, 0.362), (0.410, 0.411), "equally good")],
)  # fmt: skip
def test_what_two_binnings_share_is_said_once(binned, fine, words):
    both = pd.concat([r2(*binned), r2(*fine).assign(binning=1)])
    text = neural_verdicts.split_effects(both, (2, 1))
    assert text.count(words) == 1
    assert all(f"{value:.2f}" in text for value in (*binned, *fine))
    differ = pd.concat([r2(*binned), r2(*binned[::-1]).assign(binning=1)])
    text = neural_verdicts.split_effects(differ, (2, 1))
    assert text.count("With a binning of") == (0 if "equally" in words else 2)


@pytest.mark.parametrize(
    ("shift", "words"), [(0.1, "holds less well"), (-0.3, "holds no less"), (0.0, "holds no less")]
)
def test_the_order_of_the_gray_values_is_counted(shift, words):
    truth = np.repeat(np.array([Phase.PORE, Phase.CBD], np.uint8), 100)
    retrieved = np.concatenate([np.linspace(0, 1, 100), np.linspace(0.4, 1.4, 100)])
    edges = retrieved - shift * (truth == Phase.CBD)
    text = tomography.order_text(
        {"truth": truth, "phase-retrieved": retrieved, "edge-enhanced": edges}
    )
    assert words in text and "10 % of the CBD is darker" in text


@pytest.mark.parametrize(
    ("transport", "capacity", "words"),
    [((0.14, 0.18), (3.0, 3.4), "the map that conducts best has the largest capacity, too"),
     ((0.14, 0.18), (3.4, 3.0), "does not have the largest capacity; Thresholding has"),
     ((0.18, 0.14), (3.0, 3.4), "does not have the largest capacity; k-means has"),
     ((np.nan, 0.14), (np.nan, 3.4), "Too few maps")],
)  # fmt: skip
def test_whether_capacity_follows_transport(transport, capacity, words):
    table = pd.DataFrame(
        {"method": ["truth", "thresholding", "kmeans"], "transport": (0.16, *transport),
         "6 mA/cm²": (3.5, *capacity), "note": ""}
    )  # fmt: skip
    text = homogenized.carried(table)
    assert words in text and ("labels at 0.160" in text) is ("Too few" not in words)


@pytest.mark.parametrize(
    ("values", "text"), [((0.097, 0.1), "0.10"), ((0.3, 0.384), "0.30 to 0.38"), ((1,), "1.00")]
)
def test_a_span_of_one_number_is_one_number(values, text):
    assert standing_text.span(pd.Series(values)) == text
    assert "memory" in neural_verdicts.memory(r2(0.37, 0.3))
    assert "between the electrodes" in neural_verdicts.memory(r2(0.2, 0.3, specimen=0.5))
    assert "nothing was memorized" in neural_verdicts.memory(r2(0.53, 0.3, specimen=0.6))


def test_the_choice_of_activation_is_judged_by_its_radius():
    def choices(study, relu):
        names = ["as in the study", "relu", "Table 2"]
        return pd.DataFrame({"setting": names, "r_max_P": [study, relu, 0.97]})

    against = neural_verdicts.pore_choice(choices(0.75, 0.78))
    assert "“relu” comes nearer" in against and "finer than the paper's 0.97" in against
    assert "none of the other settings" in neural_verdicts.pore_choice(choices(0.95, 0.78))


def test_the_formula_is_that_of_the_activation_that_runs():
    for name in profiles.PROFILES:
        word, _ = neural_verdicts.activation(profiles.get(name))
        assert word == profiles.get(name).nn_activation
    with pytest.raises(ValueError, match="no formula"):
        neural_verdicts.activation(profiles.Profile("x", 8, 1, nn_activation="gelu"))


@pytest.mark.parametrize(("ratio", "word"), [(2.5, "above"), (0.4, "below"), (1.0, "is 1.0 times")])
def test_training_and_validation_loss(ratio, word):
    losses = pd.DataFrame({"epoch": [1, 2], "training": [9.0, ratio], "validation": [9.0, 1.0]})
    assert word in neural_verdicts.loss_gap(losses, 2)


def variants(step_jaccard):
    return pd.DataFrame(
        {"specimen": "TL", "fit": ["line", "step"], "proportional to": ["fluorine", "CBD"],
         "profile rms": [0.06, 0.03], "Jaccard CBD": [0.468, step_jaccard]}
    )  # fmt: skip


def test_a_better_profile_need_not_be_a_better_map():
    assert "less than the 0.468" in closing.profile_against_map(variants(0.45))
    assert "has the best map" in closing.profile_against_map(variants(0.48))
    scores = pd.DataFrame(
        {"profile": ["level", "line", "truth"], "Jaccard CBD": [0.4, 0.45, 0.464]}
    )
    assert "not even the best" in closing.worth_of_the_profile(scores, variants(0.479))
    better = scores.assign(**{"Jaccard CBD": [0.4, 0.45, 0.49]})
    assert "none of the profiles" in closing.worth_of_the_profile(better, variants(0.479))


def unreached(*by_specimen):
    shares = np.reshape(by_specimen, (2, -1, 1, 1))
    return xr.Dataset(
        {"unreached": (("specimen", "cutout", "method", "phase"), shares)},
        coords={"specimen": ["SL", "TL"], "method": ["truth"], "phase": ["pore"]},
    )


def test_a_share_that_scatters_is_no_property():
    text = tortuosity.without_a_path(unreached([0.53, 0.43], [1.0, 0.12]))
    assert "53 and 43 % in SL, 100 and 12 % in TL" in text and "not a property" in text
    assert "agree to 2 percentage" in tortuosity.without_a_path(
        unreached([0.50, 0.52], [0.30, 0.31])
    )
    assert "cannot be told" in tortuosity.without_a_path(unreached([0.5], [0.3]))


def test_promises_that_are_broken_stand_alone():
    kept = pd.DataFrame(
        {"method": ["A", "B", "C"], "voxels": [0.2, 0.4, 9.0], "share": [1e-6, 2e-6, 5e-5],
         "allowed": "one voxel", "verdict": ["agrees", "agrees", "differs"]}
    )  # fmt: skip
    table = agreement.promises(kept)
    assert list(table.methods) == ["2 methods", "C"] and list(table.voxels) == [0.4, 9.0]
    assert list(table.verdict) == ["agrees", "differs"]
    assert len(agreement.promises(kept[kept.verdict == "agrees"])) == 1


def test_a_cutouts_miss_is_counted_in_its_own_voxels():
    rows = pd.DataFrame(
        {"specimen": ["SL"] * 3 + ["TL"] * 3, "cutout": 1, "phase": ["AM", "CBD", "pore"] * 2,
         "target": [0.6, 0.2, 0.2] * 2, "achieved": [0.601, 0.199, 0.2, 0.6, 0.2, 0.2],
         "threshold_cbd": 0.1, "threshold_am": 0.5, "voxels": [1000] * 3 + [2000] * 3}
    )  # fmt: skip
    found = thresholding.by_cutout(rows).set_index("specimen")
    assert found.miss["SL"] == pytest.approx(1.0) and found.miss["TL"] == 0
    assert found.AM["SL"] == 0.601


def test_noise_turns_the_order_or_does_not():
    def sweep(last):
        return pd.DataFrame(
            {"varied": "noise", "value": [0.04, 0.04, 0.24, 0.24],
             "method": 2 * ["kmeans", "thresholding"], "Jaccard CBD": [0.4, 0.5, *last]}
        )  # fmt: skip

    turned, kept = (contrast.noise_text(sweep(last)) for last in ((0.3, 0.2), (0.2, 0.3)))
    assert "with 0.24 k-means; the order of the methods changes" in turned
    assert "at the highest, 0.24; the order of all methods stays" in kept


@pytest.mark.parametrize(
    ("ours", "word"), [(0.02, "made by the"), (0.005, "hides"), (0.0102, "in the electrode")]
)
def test_who_made_the_peak(ours, word):
    heights = pd.Series({"truth": 0.01, "thresholding": ours})
    text = coverage.peak_text(heights)
    assert word in text and f"{ours:.4f} after Thresholding" in text


@pytest.mark.parametrize(
    ("agrees", "word"),
    [((True, True), "best evidence"), ((True, False), "some"), ((False, False), "less alike")],
)
def test_what_was_not_tuned_for(agrees, word):
    table = pd.DataFrame(
        {"quantity": "r_max_AM", "method": ["kmeans", "edx-closing"], "role": "validation",
         "agrees": agrees}
    )  # fmt: skip
    assert word in realism.untuned_text(table)
    assert f"{sum(agrees)} of 2" in realism.untuned_text(table)


def test_both_ways_to_a_spectrum_agree(results):
    """The step that the chapter shows, on a small electrode with a path and a blocked corner."""
    rng = np.random.default_rng(3)
    labels = rng.choice([0, 1, 2], (20, 48, 24), p=[0.3, 0.3, 0.4]).astype(np.uint8)
    labels[10, :24] = 2  # no ion passes the first column
    storage.save_volume("labels/TL-1-truth", labels, profile="smoke", voxel_size_um=0.642)
    found, response = step_excitation.step_check(
        profiles.get("smoke"), voxels_per_cell=4, frequency_Hz=(30.0, 300.0)
    )
    assert np.all(np.diff(response.time) > 0) and np.all(np.diff(response.voltage) > 0)
    assert (found.difference < 1.0).all() and (found.real > 0).all()


def two_taus(**ratios):
    rows = [
        {"specimen": "TL", "method": method, "ratio": ratio, "explained": 1.01 * ratio}
        for method, ratio in ratios.items()
    ]
    return pd.DataFrame(rows)


def test_the_gap_between_two_tortuosities_is_told_as_it_is():
    found = impedance.gap_finding(two_taus(truth=0.75, kmeans=1.0))
    assert not found.holds and "-25 % on the true TL" in found.measured
    assert impedance.gap_finding(two_taus(truth=1.02, kmeans=0.5)).holds
    assert impedance.gap_finding(two_taus(kmeans=0.5)).holds is None
    text = impedance.gap_text(two_taus(truth=0.75, kmeans=1.0))
    assert "to 1.0 %" in text and "truth has 0.75, k-means differs by more than 5 %" in text
    assert "no map differs" in impedance.gap_text(two_taus(truth=0.75, kmeans=0.76))


def test_the_fitted_gamma_gives_the_resistance(monkeypatch):
    rng = np.random.default_rng(5)
    labels = rng.choice([0, 1, 2], (24, 12, 12), p=[0.3, 0.4, 0.3]).astype(np.uint8)
    from analysis.electrochemistry.transport.impedance import Network, reduce

    for gamma in (0.01, 0.08, 0.3):
        wanted = 3 * reduce(Network(labels, gamma, voxel_size_um=0.642), []).resistance
        assert impedance._fit(labels, 0.642, wanted) == pytest.approx(gamma, rel=5e-3)
    assert np.isnan(impedance._fit(labels, 0.642, 1e3 * wanted))
    assert np.isnan(impedance._fit(labels, 0.642, 1e-3 * wanted))
