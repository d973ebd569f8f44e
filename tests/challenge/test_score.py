"""Truth is perfect, dealing at random is the floor, the book's methods get the book's figures."""

from dataclasses import replace
from functools import lru_cache

import numpy as np
import pandas as pd
import pytest

from analysis import profiles, storage
from analysis.challenge import attempt, ranking, rivals, score, sets, standings, text
from analysis.challenge.quantities import BY_KEY, FLOOR, QUANTITIES, TRUTH
from analysis.phases import Phase
from analysis.segmentation import agreement, thresholding
from analysis.study import kept_tables

SMOKE = profiles.get("smoke")
LIGHT = replace(SMOKE, challenge_methods=("thresholding",))


@lru_cache
def pair():
    """A thin SL and TL, judged: what a whole set has, in seconds."""
    challenge_set = sets.open_set(32, 128, 1)
    judged = []
    for name in ("SL", "TL"):
        drawn = sets.drawn(challenge_set, 0, name)
        volume = sets.imaged(challenge_set, 0, name, drawn)
        judged.append(score.Judge("open", volume, SMOKE))
    return tuple(judged)


KNOWN = {TRUTH: lambda volume: volume.truth, FLOOR: rivals.floor}


@lru_cache
def rows_of(number, name, make):
    """Scores of one map; each is computed once."""
    judge = pair()[number]
    return judge.rows(name, make(judge.volume))


def table(**maps):
    """Scores of functions of a volume, beside truth and floor."""
    chosen = (KNOWN | maps).items()
    return score.table([row for n in (0, 1) for name, f in chosen for row in rows_of(n, name, f)])


def threshold(volume):
    return thresholding.trinarize(volume.gray, volume.targets)


def oracle(volume):
    return volume.truth.copy()


def test_the_truth_is_perfect():
    """Sent in as labels of its own, not recognized as the array that it is."""
    scores = table(oracle=oracle)
    mine = scores[scores.method == "oracle"]
    assert set(mine.quantity) == set(BY_KEY)
    assert (mine.error == 0).all() and not mine.note.any()
    assert mine[mine.quantity.isin(["kappa", "Jaccard AM", "Jaccard CBD"])].value.eq(1).all()
    summary = ranking.summary(scores)
    assert (summary[summary.method == "oracle"].scale == 1).all()
    assert (ranking.ranks(scores, "oracle")["rank"] == 1).all()


def test_dealing_at_random_is_the_floor():
    """A map with the AM of thresholding and its CBD dealt by another seed."""

    def dealt(volume):
        labels = threshold(volume)
        rest = labels != Phase.AM
        labels[rest] = np.random.default_rng(77).permutation(labels[rest])
        return labels

    scores = table(dealt=dealt)
    summary = ranking.summary(scores).set_index(["method", "quantity"])
    for key in BY_KEY:
        if key.startswith("through"):  # a few narrow paths decide, so two dealings differ
            assert summary["size"]["dealt", key] > 0
        elif key != "Jaccard AM":  # its chance is another: the AM itself dealt at random
            assert abs(summary.scale["dealt", key]) < (
                0.3 if BY_KEY[key].group == "cell" else 0.12
            ), key
    assert abs(summary.scale["dealt", "kappa"]) < 0.02
    assert summary.scale["dealt", "Jaccard AM"] > 0.7


def test_a_map_that_is_random_altogether_gets_what_chance_gives():
    def noise(volume):
        labels = volume.truth.ravel().copy()
        return np.random.default_rng(3).permutation(labels).reshape(volume.truth.shape)

    scores = table(noise=noise)
    scale = ranking.summary(scores).set_index(["method", "quantity"]).scale["noise"]
    for key in ("kappa", "Jaccard AM", "Jaccard CBD", "Jaccard pore"):
        assert abs(scale[key]) < 0.02, key
    assert scale["AM-pore"] < 0  # all areas are far too large


def test_quantities_are_those_of_the_books_functions():
    from analysis.descriptors.size import phase_size_distribution
    from analysis.descriptors.surface import specific_surfaces
    from analysis.electrochemistry.gamma_fit import fit_gamma
    from analysis.electrochemistry.porous_electrode import from_labels
    from analysis.electrochemistry.transport.effective import (
        effective_conductivity,
        ionic_conductivity,
    )

    judge = pair()[0]
    labels = threshold(judge.volume)
    values = {key: value for key, (value, _) in judge.values(labels).items()}
    assert values["kappa"] == agreement.kappa(labels, judge.volume.truth)
    assert values["AM-pore"] == specific_surfaces(labels, 0.642).am_pore
    radius = phase_size_distribution(labels, Phase.CBD, 0.642).median_radius_um
    assert values["r_max CBD"] == radius
    exact = effective_conductivity(ionic_conductivity(labels, 0.08), rtol=1e-9).value
    assert values["k_eff 0.08"] == pytest.approx(exact, rel=1e-4)
    fit = fit_gamma(from_labels(labels, 0.642), *judge.measured)
    assert values["gamma"] == pytest.approx(fit.gamma, rel=1e-9)
    apart = (labels == Phase.CBD).mean((1, 2)) - (judge.volume.truth == Phase.CBD).mean((1, 2))
    assert values["depth profile"] == pytest.approx(np.sqrt(np.mean(apart**2)))


MAPS = {
    "no pore": lambda truth: np.where(truth == Phase.PORE, Phase.CBD, truth),
    "no CBD": lambda truth: np.where(truth == Phase.CBD, Phase.PORE, truth),
    "AM everywhere": lambda truth: np.full_like(truth, Phase.AM),
    "a wall": lambda truth: np.where(np.arange(len(truth))[:, None, None] == 9, Phase.AM, truth),
}


@pytest.mark.parametrize("kind", MAPS)
def test_what_has_no_value_says_why(kind):
    judge = pair()[0]
    rows = judge.rows(kind, MAPS[kind](judge.volume.truth).astype(np.uint8))
    assert {row["quantity"] for row in rows} == {q.key for q in QUANTITIES if not q.per_pair}
    for row in rows:
        assert np.isfinite(row["error"]) == (row["note"] in ("", score.AT_BOUND)), row
    without = {row["quantity"] for row in rows if row["note"]}
    expected = {
        "no pore": {"r_max pore", "through pore"},
        "no CBD": {"r_max CBD", "through CBD"},
        "AM everywhere": {"gamma", "k_eff 0.08", "capacity 6", "r_max CBD"},
        "a wall": {"gamma", "k_eff 0.08", "capacity 12"},
    }[kind]
    assert expected <= without, without


def test_a_value_that_is_missing_on_one_specimen_is_not_averaged():
    def half(volume):
        return volume.truth.copy() if volume.electrode == "SL" else np.full_like(volume.truth, 2)

    scores = table(half=half)
    row = ranking.summary(scores).query("method == 'half' and quantity == 'gamma'").iloc[0]
    assert np.isnan(row["size"]) and np.isnan(row.scale) and (row.scored, row.asked) == (1, 2)
    assert ranking.in_words(row) == "1 of 2 specimens"
    assert np.isnan(ranking.ranks(scores, "half").set_index("quantity")["rank"]["gamma"])
    ratio = scores.query("method == 'half' and quantity == 'gamma TL/SL'").iloc[0]
    assert np.isnan(ratio.value) and ratio.note.startswith("TL: ")


def test_ranks_and_their_range():
    rows = [
        {"method": m, "quantity": "kappa", "volume": v, "value": 1 - e, "error": e, "chance": 0.0}
        for v, errors in {"a": (0.1, 0.2, 0.3), "b": (0.6, 0.2, 0.1)}.items()
        for m, e in zip(("one", "two", "three"), errors, strict=True)
    ]
    found = ranking.ranks(pd.DataFrame(rows), "one").set_index("quantity").loc["kappa"]
    assert (found["rank"], found["of"], found.best, found.worst) == (3, 3, 1, 3)


def test_two_gammas_at_a_bound_make_no_ratio():
    place = {"set": "open", "pair": "a", "method": "m", "quantity": "gamma", "truth": 0.08}
    rows = [
        place | {"electrode": name, "volume": name, "value": 0.5, "error": 5.25, "note": note}
        for name, note in (("SL", ""), ("TL", score.AT_BOUND))
    ]
    (ratio,) = score.ratios(rows)
    assert np.isnan(ratio["value"]) and np.isnan(ratio["error"])
    assert ratio["note"] == f"TL: {score.AT_BOUND}"
    (ratio,) = score.ratios([row | {"note": ""} for row in rows])
    assert ratio["value"] == 1 and ratio["error"] == 0


def test_a_gamma_at_the_bound_says_so():
    """AM where the pores are leaves CBD alone to conduct, which no gamma makes up for."""
    judge = pair()[0]
    truth = judge.volume.truth
    labels = np.where(truth == Phase.PORE, Phase.AM, truth).astype(np.uint8)
    value, note = judge.values(labels)["gamma"]
    assert note == score.AT_BOUND and value == pytest.approx(0.5, rel=0.01)


def test_a_table_without_floor_is_refused():
    scores = table().query("method != 'floor'")
    with pytest.raises(ValueError, match="no rows of the method 'floor'"):
        ranking.summary(scores)


def test_the_ratio_of_a_pair():
    scores = table(thresholding=threshold)
    mine = scores[scores.method == "thresholding"].set_index(["quantity", "electrode"])
    ratio = mine.loc[("gamma TL/SL", "TL/SL")]
    gammas = mine.value["gamma"]
    assert ratio.value == pytest.approx(gammas["TL"] / gammas["SL"])
    true = mine.truth["gamma"]
    assert ratio.error == pytest.approx(ratio.value / (true["TL"] / true["SL"]) - 1)


@pytest.fixture(scope="module")
def study(tmp_path_factory):
    """The chapters on thresholding, agreement, sizes and lithiation, of small electrodes."""
    from analysis.simulation import campaign
    from analysis.study.imaging import edx, specimens
    from analysis.study.morphology import sizes
    from analysis.study.trinarization import agreement as agreements
    from analysis.study.trinarization import thresholding as thresholds

    patch = pytest.MonkeyPatch()
    patch.setenv(storage.ROOT_VARIABLE, str(tmp_path_factory.mktemp("study")))
    patch.delenv(storage.RECORD_VARIABLE, raising=False)
    profile = replace(SMOKE, fit_methods=("thresholding", "truth"), currents_mA_cm2=(6.0,))
    specimens.build(profile, specimens=("SL", "TL"))
    edx.build(profile)
    thresholds.run(profile)
    agreements.run(profile)
    sizes.run(profile)
    fits, _ = campaign.run_fits(profile, workers=1, progress=lambda line: None)
    rows = []
    for case in fits:
        from analysis.simulation import cases

        gamma = float(cases.load(case, profile).fitted_gamma)
        rows.append({"specimen": case.specimen, "cutout": 1, "method": case.method, "gamma": gamma})
    storage.save_table("gamma", pd.DataFrame(rows), profile=profile)
    yield profile
    patch.undo()


@pytest.mark.slow
def test_the_books_thresholding_as_an_entry_gets_the_books_figures(study, tmp_path):
    """Overlap of the chapter on agreement, radii of that on sizes, gamma of that on lithiation."""
    script = tmp_path / "entry.py"
    script.write_text(
        "from analysis.segmentation import thresholding\n"
        "def trinarize(gray, voxel_size_um, fractions, fluorine=None):\n"
        "    return thresholding.trinarize(gray, fractions)\n"
    )
    challenge_set = sets.get("study", study)
    tried = attempt.run(script, sets.volumes(challenge_set))
    assert tried.complete, tried.troubles
    for volume, answer in zip(sets.volumes(challenge_set), tried.answers, strict=True):
        stored = storage.load_volume(f"labels/{volume.name}-thresholding", profile=study).values
        assert (answer.labels == stored).all()
    beside = text.beside_book(study)
    assert len(beside) == 2 * 9 and set(beside.quantity) >= {"kappa", "r_max pore", "gamma"}
    assert text.same(beside) == (
        "All 18 figures are the same (chapter on agreement, chapter on sizes, chapter on "
        "lithiation)."
    )
    beside.loc[0, "in the book"] *= 1.01
    assert text.same(beside).startswith("1 of 18 figures differ")


def test_a_stored_table_is_taken_only_for_what_it_was_made_for(results):
    scores = table(thresholding=threshold)
    name = "challenge-open"
    assert standings.stored(LIGHT) is None
    storage.save_table(name, scores.assign(version="another"), profile=LIGHT)
    assert standings.stored(LIGHT) is None
    right = scores.assign(version=standings.version("open", LIGHT))
    file = storage.save_table(name, right, profile=LIGHT)
    found = standings.stored(LIGHT)
    assert found is not None and (found.note == "").all()
    assert np.allclose(found.value, scores.value, equal_nan=True)
    with open(file, "a") as opened:
        opened.write("open,1-SL,SL,reference,mine,kappa,1,1,0,0,,\n")
    assert standings.stored(LIGHT) is None


def test_kept_standings_are_shown_only_where_they_fit_and_are_wanted(
    results, tmp_path, monkeypatch
):
    takes = replace(LIGHT, kept_tables=("challenge-open",))
    version = standings.version("open", takes)
    scores = table(thresholding=threshold).assign(version=version)
    monkeypatch.setattr(standings, "build", lambda *a, **k: scores.assign(note="built"))

    def built(profile):
        found, made_on = standings.kept_or_built(profile, folder=tmp_path)
        assert bool(made_on) is not bool((found.note == "built").all())
        return not made_on

    made = {"date": "2026-01-02", "machine": "a machine", "commit": "abc1234"}
    assert built(takes)  # nothing is kept yet
    kept_tables.save("challenge-open", scores, takes, version, made, folder=tmp_path)
    found, made_on = standings.kept_or_built(takes, folder=tmp_path)
    assert np.allclose(found.value, scores.value, equal_nan=True) and (found.note == "").all()
    assert made_on == "2026-01-02, a machine, commit abc1234"
    assert standings.stored(takes) is not None  # left with the results, as one that was built

    assert built(LIGHT)  # does not take one
    assert built(replace(takes, challenge_methods=("kmeans",)))
    assert built(replace(takes, challenge_lateral=takes.challenge_lateral + 8))
    rows, _ = kept_tables.files("challenge-open", takes, folder=tmp_path)
    rows.write_text(rows.read_text().replace("truth,kappa,1", "truth,kappa,0.9", 1))
    assert built(takes)  # changed by hand


def test_the_demo_shows_all_its_methods_from_a_kept_run():
    demo = profiles.get("demo")
    found, made_on = kept_tables.load("challenge-open", demo, standings.version("open", demo))
    assert found is not None, "run python benchmarks/kept_tables.py challenge-open"
    assert set(demo.challenge_methods) <= set(standings.methods_in(found))
    assert {"SL", "TL", "TL/SL"} == set(found.electrode) and "commit" in made_on


def test_sentences_follow_the_numbers():
    scores = table(thresholding=threshold, oracle=oracle)
    assert text.leaders(scores).startswith("oracle is the best of all in every quantity")
    worse = scores[scores.method != "oracle"]
    assert "Thresholding is the best of all" in text.leaders(worse)
    assert "Thresholding (" in text.below_floor(scores) and "In none: oracle" in text.below_floor(
        scores
    )
    assert text.entry(scores, "oracle").startswith("oracle ranks between 1 (")
    assert "not in these tables" in standings.limit_text(scores)
    learned = rivals.LEARNED[1]
    renamed = scores.assign(method=scores.method.replace({"oracle": learned}))
    assert standings.limit_of(renamed) == learned
    assert f"here {learned} with a mean kappa of 1.000; the nearest" in standings.limit_text(
        renamed
    )
    swapped = scores.assign(method=scores.method.replace({"thresholding": learned}))
    assert "oracle is above it" in standings.limit_text(swapped)
