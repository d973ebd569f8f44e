"""Kept figures: where they come from, and sentences that turn with them."""

import copy
import json

import numpy as np
import pandas as pd
import pytest

from analysis.study.limit import kept, kept_text, lessons, network, network_runs

METHODS = ("thresholding", "posterior", "posterior with profile", "U-Net", "U-Net with profile")


def row(method, kappa, error=0.01, **more):
    scores = {"Jaccard AM": 0.9, "Jaccard CBD": 0.5, "chance CBD": 0.3, "Jaccard pore": 0.5}
    scores |= {"chance pore": 0.3, "kappa": kappa, "calibration error": error}
    return {"method": method} | scores | more


def training(kappas, parameters=1000, scenarios=("bridging", "cluster")):
    about = {"parameters": parameters, "specimens": 8, "scenarios": scenarios, "batch": 2}
    about |= {"voxels of a block": 500_000}
    rows = [
        {"step": 100 * (n + 1), "loss": 0.4, "processor s": 30.0 * n,
         "kappa": {"SL bridging": k, "TL bridging": k, "SL cluster": k / 2, "TL cluster": k / 2}}
        for n, k in enumerate(kappas)
    ]  # fmt: skip
    return {"about": about, "rows": rows}


@pytest.fixture
def record():
    kappas = dict(zip(METHODS, (0.3, 0.35, 0.4, 0.42, 0.5), strict=True))
    return {
        "evidence": [
            row(m, k, scenario="bridging", specimen=s, number=n, noise=0.12)
            for m, k in kappas.items() for s in ("SL", "TL") for n in range(3)
        ],
        "sweep": [
            row(m, k - v, varied=varied, value=v, specimen=s)
            for m, k in kappas.items() for s in ("SL", "TL")
            for varied, v in (("noise", 0.04), ("noise", 0.2), ("distance_mm", 0.1))
        ],
        "shift": [
            row(m, k * factor, error, setting=t, specimen=s, warned=w, **{"differs in": "image"})
            for t, factor, error, w in (
                ("reference", 1, 0.01, False), ("worse", 0.5, 0.05, True), ("bad", 0.2, 0.03, False)
            )
            for m, k in kappas.items() for s in ("SL", "TL")
        ],
        "learning": [],
        "gamma": [{"map": "draw", "ratio": 1.2}, {"map": "kmeans", "ratio": None}],
        "cost": [
            {"what": "Keras' predict, jax", "CPU s/Mvoxel": 3.0},
            {"what": "limit_network.predict, jax", "CPU s/Mvoxel": 4.0},
        ],
        "curves": {
            "stored": training([0.2, 0.3, 0.38, 0.4]),
            "one scenario": training([0.1, 0.2], 100, ("bridging",)),
        },
        "made on": {"date": "2026-01-01", "machine": "a machine", "commit": "abc",
                    "weights": {"trees": ["0123"], "unet": []}},
    }  # fmt: skip


def test_the_record_of_the_repository_is_whole():
    record = kept.load()
    assert {r["method"] for r in record["evidence"]} >= set(METHODS)
    assert len(kept.shift(record)) > 10
    assert set(kept.sweep(record)) == {"noise", "distance_mm"}
    assert kept.trainings(record).bridging.max() > 0.3
    for text in (kept_text.reached, kept_text.gain, kept_text.stopped, kept_text.shifted,
                 kept_text.over_noise, kept_text.costs, kept.made_on):  # fmt: skip
        assert "nan" not in text(record)


def test_a_missing_record_is_named_with_what_to_do(tmp_path):
    with pytest.raises(FileNotFoundError, match="limit.json.*benchmarks/limit.py --record"):
        kept.load(tmp_path / "limit.json")


@pytest.mark.parametrize(
    ("text", "said"),
    [("{", "is no JSON"), ('{"evidence": []}', "lacks sweep, shift"), ("", "is no JSON")],
)
def test_a_damaged_record_is_refused(tmp_path, text, said):
    file = tmp_path / "limit.json"
    file.write_text(text)
    with pytest.raises(ValueError, match=said):
        kept.load(file)


def test_tables_are_means(record):
    evidence = kept.evidence(record).set_index(["specimen", "method"])
    assert evidence.specimens["SL", "U-Net"] == 3
    assert evidence.kappa["TL", "U-Net with profile"] == pytest.approx(0.5)
    shifted = kept.shift(record).set_index("setting")
    assert shifted["U-Net"]["bad"] == pytest.approx(0.1)
    assert shifted["U-Net without profile"]["reference"] == pytest.approx(0.42)
    noises, values = kept.sweep(record)["noise"]["posterior"]
    np.testing.assert_allclose(noises, [0.04, 0.2])
    np.testing.assert_allclose(values, [0.31, 0.15])
    assert kept.learning(record).Mvoxel.iloc[0] == pytest.approx(100)


def test_weights_that_are_no_longer_those_of_the_book_are_named(record):
    assert kept.made_on(record).endswith("commit abc; the trees were trained anew since")
    record["made on"]["weights"]["trees"] = []
    assert kept.made_on(record).endswith("commit abc")


def test_reached_turns_with_the_kappa(record):
    text = kept_text.reached(record)
    assert text.count(", met)") == 2 and "missed" not in text
    for one in record["evidence"]:
        if one["method"] == "U-Net with profile" and one["specimen"] == "TL":
            one["kappa"] = 0.46
    assert "0.46 on 3 electrodes of TL" in kept_text.reached(record)
    assert "the aim set before training: 0.49, missed by 0.03)" in kept_text.reached(record)


def test_stopped_turns_with_the_curve(record):
    assert "has not flattened" in kept_text.stopped(record)
    record["curves"]["stored"] = training([0.2, 0.395, 0.398, 0.4])
    assert "the curve has flattened" in kept_text.stopped(record)


def test_gain_names_every_training(record):
    text = kept_text.gain(record)
    assert "goes from 0.300 to 0.400 in the reference scenario and from 0.150 to 0.200" in text
    assert "One scenario" in text and "0.200 in the reference scenario and 0.100" in text


def test_shifted_counts_and_names_what_is_silent(record):
    text = kept_text.shifted(record)
    assert text.count("above thresholding in 2 of 2") == 2
    assert "least is left in the setting *bad*: 0.10 of 0.50" in text
    assert "exceeds .02 in 2 of them, and in 1 of these no warning came: bad." in text
    quiet = copy.deepcopy(record)
    for one in quiet["shift"]:
        one["calibration error"] = 0.01
    assert "exceeds .02 in 0 of them, and in 0 of these no warning came." in kept_text.shifted(
        quiet
    )


def test_lead_over_noise(record):
    text = kept_text.over_noise(record)
    assert "falls from 0.46 at noise 0.04 to 0.30" in text and "0.26 and 0.10" in text


def rivals(best, learned):
    rows = [("Thresholding", "-", 0.3), ("Median", "denoising", best), ("Potts field", "x", 0.2)]
    rows += [("posterior", "learned", learned), ("U-Net", "learned", 0.5)]
    return pd.DataFrame(rows, columns=["method", "kind", "kappa"])


def test_rivals_turn_with_the_kappas():
    text = network_runs.rivals_text(rivals(0.33, 0.4))
    assert "best of 2 rivals is the median with a kappa of 0.33" in text
    assert "more than any of them" in text
    assert "not more than all of them" in network_runs.rivals_text(rivals(0.45, 0.4))


def deviations(first, second):
    return pd.DataFrame(
        {"kind": ["draw", "U-Net, most probable"], "kappa": [0.3, 0.5], "k_eff": [first, second]}
    )


def test_overlap_against_physics_turns():
    assert "are two aims" in network_runs.smooth_text(deviations(3, 20))
    assert "both the largest kappa, 0.50" in network_runs.smooth_text(deviations(20, 3))


def test_evidence_by_method_has_both_electrodes(record):
    for row in record["evidence"]:
        row["kappa"] += 0.1 * (row["specimen"] == "TL")
    table = kept.by_method(kept.evidence(record)).set_index("method")
    assert list(table.index) == list(METHODS)
    np.testing.assert_allclose(table["kappa TL"] - table["kappa SL"], 0.1)
    assert table.loc["U-Net", "kappa SL"] == pytest.approx(0.42)


@pytest.mark.parametrize(("told", "said"), [(0.55, "met"), (0.40, "missed by 0.07"), (None, "")])
def test_what_the_scenario_gives_turns_with_the_figures(record, told, said):
    if told:
        record["evidence"] += [
            row("informed U-Net", told, scenario="bridging", specimen=s, number=0, noise=0.12)
            for s in ("SL", "TL")
        ]
    text = kept_text.reached(record)
    assert ("Told the scenario" in text) == bool(told) and said in text


def test_the_best_method_over_noise_is_none_of_ours(record):
    before = kept_text.over_noise(record)
    for row in [row for row in record["sweep"] if row["method"] == "U-Net with profile"]:
        record["sweep"].append(row | {"method": "informed U-Net", "kappa": row["kappa"] + 0.1})
    assert kept_text.over_noise(record) == before


def test_lessons_take_turns_and_have_seeds_of_their_own():
    lesson = network.Lesson()
    places = [lesson.place(number) for number in range(lesson.specimens)]
    assert {place[:2] for place in places} == {
        (n, s) for n in ("SL", "TL") for s in ("bridging", "cluster")
    }
    assert len({seed for *_, seed in places}) == len(places)
    # new tomograms come in while the oldest go
    assert list(lesson.stock(0)) == list(range(lessons.AT_FIRST))
    late = lesson.stock(10_000)
    assert len(late) == lessons.STOCK and late[-1] > lessons.STOCK
    one = network.Lesson(scenarios=("cluster",))
    assert {one.place(n)[1] for n in range(8)} == {"cluster"}


def test_a_block_is_the_same_each_time_and_another_in_each_step():
    lesson = network.Lesson(specimens=1)
    first, again, other = (lesson.block(*place) for place in ((0, 0), (0, 0), (1, 0)))
    assert first.gray.shape == first.labels.shape == (48, 48, 48)
    np.testing.assert_array_equal(first.gray, again.gray)
    assert np.abs(first.gray - other.gray).max() > 0.1
    # bright where there is active material, in whatever orientation
    assert first.gray[first.labels == 2].mean() > 0.9 > 0.3 > first.gray[first.labels == 0].mean()


@pytest.mark.parametrize(
    "word", [["--steps", "0"], ["--specimens", "-1"], ["--fall", "2"], ["--scenarios", "dust"]]
)
def test_bad_words_stop_before_anything_is_drawn(word, monkeypatch, capsys):
    monkeypatch.setattr(network, "taught", lambda *a, **k: pytest.fail("work has started"))
    with pytest.raises(SystemExit):
        network.main(word)
    assert "expected" in capsys.readouterr().err or word[1] == "dust"


def test_training_without_pytorch_says_what_to_do(monkeypatch):
    monkeypatch.setenv("KERAS_BACKEND", "torch")
    monkeypatch.setattr(network, "find_spec", lambda name: None)
    with pytest.raises(SystemExit, match="pip install torch"):
        network.check_backend()


def test_the_recipe_is_json(tmp_path):
    from analysis.segmentation.residual_unet import architecture, network_file

    size = architecture.Size(2, 3)
    file = tmp_path / "network.npz"
    weights = architecture.initial(size, seed=0)
    network_file.save(
        file, network_file.LimitNetwork(weights, size, (0, 1), (0, 1), (0, 1), (5, 9), 0.642)
    )
    found = json.loads(json.dumps(network.recipe(file, size, network.Lesson(3), network.Course(7))))
    assert found["course"]["steps"] == 7 and len(found["specimens"]) == 3
    assert found["parameters"] == sum(value.size for value in weights.values())


@pytest.mark.parametrize(
    ("best", "said"),
    [
        (0.3, "in all 4 settings (lead 0.050 to 0.050)"),
        (0.36, "in 3 of 4 settings (lead -0.010 to 0.050)"),
    ],
)
def test_whether_the_posterior_is_ahead_turns_with_the_figures(record, best, said):
    other = copy.deepcopy(record["evidence"])
    for one in other:
        one["noise"] = 0.04
    rival = [one for one in other if one["method"] == "thresholding" and one["specimen"] == "TL"]
    for one in rival:
        one["kappa"] = best
    record["evidence"] += other
    first, second = kept_text.ahead(record).split(" With it the posterior ")
    assert said in first
    assert "in all 4 settings (lead " in second
    assert ("0.010 behind thresholding" in first) == (best > 0.35)


def test_a_method_told_the_profile_is_no_rival_of_one_that_is_not(record):
    record["evidence"] += [
        row("edx-closing", 0.45, scenario="bridging", specimen=s, number=0, noise=0.12)
        for s in ("SL", "TL")
    ]
    first, second = kept_text.ahead(record).split(" With it the posterior ")
    assert "each of 1 methods" in first and "in all 2 settings" in first
    assert "in 0 of 2 settings" in second and "0.050 behind edx-closing" in second


def test_other_noises_stand_beside_the_study_s(record):
    other = [one | {"noise": 0.24, "kappa": one["kappa"] / 2} for one in record["evidence"]]
    before = kept.by_method(kept.evidence(record))
    record["evidence"] += other
    table = kept.by_method(kept.evidence(record))
    pd.testing.assert_frame_equal(table[before.columns], before)
    np.testing.assert_allclose(table["kappa at .24"], (table["kappa SL"] + table["kappa TL"]) / 4)
