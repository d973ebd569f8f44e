"""The answer and the advice: opposite results give opposite sentences, with the numbers in them."""

import numpy as np
import pandas as pd
import pytest

from analysis import profiles
from analysis.figures import style
from analysis.instruments.image_quality import ImageQuality
from analysis.study.book import advice, answer, gammas
from analysis.study.cells import cost
from analysis.study.own_data import image_branch

METHODS = ("thresholding", "kmeans", "edx-closing")


def scores(kappas, recall=0.6):
    return pd.DataFrame(
        [
            {"specimen": s, "cutout": 1, "method": m, "kappa": k, "recall CBD": recall,
             "chance recall": 0.5}
            for s in ("SL", "TL")
            for m, k in zip(METHODS, kappas, strict=True)
        ]
    )  # fmt: skip


@pytest.mark.parametrize(
    ("ceiling", "words"),
    [
        ({"SL": 0.48, "TL": 0.5}, "a part of the miss is the methods'"),
        ({"SL": 0.48, "TL": 0.3}, "which is not above all of them"),
        ({}, "0.20 to 0.40 on SL and 0.20 to 0.40 on TL."),
    ],
)
def test_what_is_found_stands_beside_chance_and_ceiling(ceiling, words):
    text = answer.found(scores((0.2, 0.3, 0.4)), ceiling)
    assert words in text and "60 % of the true CBD" in text and "finds 50 %" in text
    for value in ceiling.values():
        assert f"{value:.2f}" in text


def layers(**contrast):
    rows = {"truth": (0.15, 0.29)} | contrast
    return pd.DataFrame(rows, index=["separator", "collector"]).T


@pytest.mark.parametrize(
    ("maps", "words"),
    [
        ({"thresholding": (0.21, 0.24), "kmeans": (0.22, 0.24)}, "none of 2 maps show at least"),
        ({"thresholding": (0.21, 0.24), "edx-closing": (0.16, 0.28)}, "EDX-Closing, which is"),
        ({"thresholding": (0.16, 0.28), "kmeans": (0.15, 0.3)}, "all 2 maps show"),
        ({"thresholding": (0.24, 0.20), "kmeans": (0.15, 0.3)}, "the others at most 0 % of it"),
    ],
)  # fmt: skip
def test_what_is_missed_in_depth(maps, words):
    assert words in answer.depth(layers(**maps))


def maps(kappa, error, bias, ratio):
    rows = [
        {"specimen": s, "method": m, "kappa": k, "error": e, "bias": b, "ratio": r}
        for s in ("SL", "TL")
        for m, k, e, b, r in zip(METHODS, kappa, error, bias, ratio, strict=True)
    ]
    return pd.DataFrame(rows)


@pytest.mark.parametrize(
    ("error", "words"),
    [
        ((-30, 20, -10), "predicts that"),
        ((10, -20, 30), "does not predict that"),
        ((10, -30, 20), "does not predict that"),
    ],
)
def test_whether_the_score_predicts_the_cell(error, words):
    three = maps((0.2, 0.3, 0.4), error, (1, 2, 3), (1, 1, 1))
    text = answer.prediction(three, fewest=3)
    assert words in text and ("−1.00" in text) == (error == (-30, 20, -10))
    assert "over 3 maps" in text


@pytest.mark.parametrize(
    ("on_sl", "on_tl", "words"),
    [
        ((30, 20, 10), (10, 20, 30), "predicts that on SL but not on TL"),
        ((10, 30, 20), (-30, -20, -10), "predicts that on TL but not on SL"),
        ((30, 20, 10), (-30, -20, 10), "Kappa predicts that:"),
        ((10, 20, 30), (20, 10, 30), "does not predict that:"),
    ],
)
def test_a_verdict_on_the_score_names_the_electrode_it_holds_for(on_sl, on_tl, words):
    rows = [
        {"specimen": s, "kappa": k, "error": float(e)}
        for s, errors in (("SL", on_sl), ("TL", on_tl))
        for k, e in zip((0.2, 0.3, 0.4), errors, strict=True)
    ]
    assert words in answer.prediction(pd.DataFrame(rows), fewest=3)


@pytest.mark.parametrize(
    ("best", "same", "words"),
    [
        ({"SL": 0.37, "TL": 0.42}, {"SL": 0.43, "TL": 0.46}, "a part of the miss"),
        ({"SL": 0.37, "TL": 0.42}, {"SL": 0.33, "TL": 0.46}, "not above all of them"),
        ({"SL": 0.45, "TL": 0.42}, {"SL": 0.33, "TL": 0.36}, "a part of the miss"),
    ],
)
def test_a_posterior_on_the_same_cutouts_stands_beside_the_ceiling(best, same, words):
    text = answer.found(scores((0.2, 0.3, 0.4)), best, same)
    assert words in text and "on electrodes of other seeds" in text
    for value in (*best.values(), *same.values()):
        assert f"{value:.2f}" in text
    assert "on these cutouts" not in answer.found(scores((0.2, 0.3, 0.4)), best)


@pytest.mark.parametrize("number", range(1, 11))
def test_few_maps_give_no_verdict_on_the_score(number):
    rows = [
        {"specimen": s, "kappa": k / 20, "error": -30.0 + k} for s in ("SL", "TL")
        for k in range(number)
    ]  # fmt: skip
    text = answer.prediction(pd.DataFrame(rows))
    assert ("predicts that: over" in text) is (number >= answer.FEWEST)
    assert (f"the {number} maps of this run are too few" in text) is (number < answer.FEWEST)


@pytest.mark.parametrize(
    ("bias", "ratio", "words"),
    [
        ((-6, 70, 60), (2.5, 2.4, 1.05), "agreement rejects a map"),
        ((-6, 70, 5), (2.5, 2.4, 1.05), "In this run they are right"),
        ((-6, 70, 60), (2.5, 2.4, 1.5), "no gamma of these maps can be believed"),
    ],
)
def test_which_gamma_to_believe(bias, ratio, words):
    text = gammas.believed(maps((0.2, 0.3, 0.4), (1, 1, 1), bias, ratio))
    assert words in text and f"{min(bias):+.0f}".replace("-", "−") in text
    assert ("EDX-Closing" in text) == (ratio[2] < 1.2)


@pytest.mark.parametrize(
    ("low", "high", "word"), [(0.07, 0.09, "holds"), (0.02, 0.07, "misses"), (0.09, 0.12, "misses")]
)
def test_gammas_of_draws_are_held_against_the_true_one(low, high, word):
    row = {"map": ["posterior", "draw"]}
    for name in profiles.ELECTRODES:
        row |= {f"gamma {name}": [0.1, 0.06], f"gamma {name} from": [np.nan, low],
                f"gamma {name} to": [np.nan, high]}  # fmt: skip
    text = gammas.drawn(pd.DataFrame(row), 0.08)
    assert text.count("−25 %") == 2 and text.count(f"the interval {word} it") == 2


def physics(draw, probable, gray):
    rows = {"draw": (0.35, draw), "most probable": (0.5, probable), "thresholding": (0.4, gray)}
    return pd.DataFrame(
        [
            {"kind": kind, "kappa": kappa, "r_max_P": off, "k_eff 0.08": off}
            for kind, (kappa, off) in rows.items()
        ]
    )  # fmt: skip


def overlap(without, told):
    return pd.DataFrame(
        {"method": ["posterior", "posterior with profile"], "kappa": [without, told]}
    )


@pytest.mark.parametrize(
    ("off", "words"),
    [
        ((3, 12, 10), "use draws from a posterior of boosted trees: several"),
        ((12, 3, 10), "use the most probable map of boosted trees"),
        ((12, 10, 3), "use Thresholding"),
    ],
)
def test_what_to_use(off, words):
    text = answer.use(physics(*off), overlap(0.4, 0.5))
    assert words in text and "off by 3 %" in text and "lifts" in text
    assert ("methods without training" in text) == (off[2] == 10)
    assert "does not lift" in answer.use(physics(*off), overlap(0.5, 0.4))


def test_every_kind_of_map_has_words_for_the_advice():
    """A kind without words would leave the label of a figure in the middle of a sentence."""
    networks = {"U-Net", "U-Net with profile", "informed U-Net"}
    drawn = set(style.OURS) - {"posterior", "posterior with profile"} - networks
    assert drawn - {"floor"} == set(answer.KINDS)
    assert all(
        not words[0].isupper() or words.startswith("U-Net") for words in answer.KINDS.values()
    )


def noises(gray, ours):
    return pd.DataFrame({"branch": image_branch.BRANCHES, "its kappa": gray, "learned": ours})


@pytest.mark.parametrize(
    ("ours", "words"),
    [((0.6, 0.5, 0.4), "At every noise"), ((0.6, 0.5, 0.2), "is ahead at 2 of 3 noises"),
     ((0.3, 0.2, 0.1), "At no noise")],
)  # fmt: skip
def test_what_the_noise_decides(ours, words):
    text = advice.noise_text(noises((0.4, 0.35, 0.3), ours))
    assert words in text and "0.40 to 0.30" in text


@pytest.mark.parametrize(("network", "words"), [(0.5, "beats"), (0.2, "does not beat")])
def test_whether_a_stack_pays(network, words):
    table = pd.DataFrame(
        {"protocol": "paper", "phase": "CBD", "samples": ["same stack", "SL", "TL"],
         "r2": [0.6, 0.3, 0.1]}
    )  # fmt: skip
    kappas = pd.Series({"nn-am-cond": network, "thresholding": 0.35, "truth": 1.0})
    text = advice.network_text(table, kappas)
    assert f" {words} the best method" in text and "60 %" in text and "20 %" in text
    assert "no network" in advice.network_text(table, kappas.drop("nn-am-cond"))


@pytest.mark.parametrize(("noise", "kind"), [(0.02, "low"), (0.1, "middle"), (0.3, "high")])
def test_an_image_names_its_branch(noise, kind):
    text = image_branch.measured_text(ImageQuality(1.0, noise, 0.8, 1.25))
    assert f"**{kind} noise**" in text and f"{100 * noise:.0f} %" in text and "0.80 µm" in text
    assert "too small" in image_branch.measured_text(ImageQuality(1.0, noise, np.nan, np.nan))


@pytest.mark.parametrize(
    ("errors", "text"),
    [((0, -41.2, -9), "by −41 to −9 %"), ((0, 3.2, 3.4), "by +3 %"),
     ((0, -5, 12), "by −5 to +12 %")],
)  # fmt: skip
def test_the_cost_is_that_of_the_maps_not_of_the_truth(errors, text):
    table = pd.DataFrame({"specimen": "TL", "method": ["truth", "a", "b"], "error": errors})
    assert cost.text(table) == f"on TL {text}"


def test_branches_of_noise_show_the_best_of_each_kind():
    values = {"thresholding": (0.4, 0.2), "edx-closing": (0.3, 0.35), "nn-am-cond": (0.9, 0.9),
              "posterior": (0.5, 0.3), "U-Net": (0.6, 0.2), "posterior with profile": (0.5, 0.4),
              "U-Net with profile": (0.7, 0.3)}  # fmt: skip
    rows = [
        {"varied": "noise", "value": noise, "method": method, "kappa": kappa, "specimen": "SL"}
        for method, kappas in values.items()
        for noise, kappa in zip((0.06, 0.24), kappas, strict=True)
    ]
    table = advice.noises(profiles.get("smoke"), {"sweep": rows})
    assert list(table.branch) == ["low", "high"] and list(table.nominal) == [0.06, 0.24]
    assert list(table["without training"]) == ["Thresholding", "EDX-Closing"]
    assert list(table["its kappa"]) == [0.4, 0.35]  # a network is trained
    assert list(table.learned) == [0.6, 0.3] and list(table["with profile"]) == [0.7, 0.4]
