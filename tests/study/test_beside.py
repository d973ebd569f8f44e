"""Ours beside the methods of the paper: gammas of maps, intervals of draws, words that turn."""

import numpy as np
import pandas as pd
import pytest
from scipy.special import ndtri

from analysis import profiles, storage
from analysis.phases import VOXEL_SIZE_UM
from analysis.study.limit import beside, intervals, limit, limit_text


def fits(draws_sl, draws_tl, single=(0.1, 0.2), steepness=1e9):
    rows = [
        {"map": f"draw {n}", "specimen": name, "gamma": value, "steepness": steepness}
        for name, values in (("SL", draws_sl), ("TL", draws_tl))
        for n, value in enumerate(values, 1)
    ]
    rows += [
        {"map": "kmeans", "specimen": name, "gamma": value, "steepness": 0.5}
        for name, value in zip(("SL", "TL"), single, strict=True)
    ]
    return pd.DataFrame(rows)


def test_draws_are_gathered_and_every_pair_gives_a_ratio():
    table = beside.ratios(fits([0.1, 0.2], [0.2, 0.4])).set_index("map")
    assert list(table.index) == ["draw", "kmeans"]
    assert table.loc["kmeans", "ratio"] == pytest.approx(2)
    assert np.isnan(table.loc["kmeans", "ratio from"])
    assert table.loc["draw", "gamma SL"] == pytest.approx(0.15)
    ratios = np.array([0.2 / 0.1, 0.2 / 0.2, 0.4 / 0.1, 0.4 / 0.2])
    assert table.loc["draw", "ratio"] == pytest.approx(np.median(ratios))
    assert table.loc["draw", "ratio from"] == pytest.approx(ratios.min())
    assert table.loc["draw", "ratio to"] == pytest.approx(ratios.max())


@pytest.mark.parametrize("steepness", [0.3, 0.6, 1.2])
def test_the_interval_of_gamma_knows_how_far_truths_lie(steepness):
    """Draws that are all alike: the interval is that of the scatter alone."""
    table = beside.ratios(fits([0.1] * 3, [0.1] * 3, steepness=steepness)).set_index("map")
    width = ndtri(0.95) * intervals.SCATTER / steepness
    row = table.loc["draw"]
    assert row["gamma SL"] == pytest.approx(0.1)
    assert np.log(row["gamma SL to"] / 0.1) == pytest.approx(width, rel=0.02)
    assert np.log(0.1 / row["gamma TL from"]) == pytest.approx(width, rel=0.02)
    assert np.log(row["ratio to"]) == pytest.approx(np.sqrt(2) * width, rel=0.02)


@pytest.mark.parametrize("power", [0.2, 0.5, 1.0])
def test_steepness_is_the_power_of_the_conductivity(power):
    class Model:
        gammas = np.array([0.01, 0.1, 0.5])

        def effective(self, gamma):
            return 0.3 * gamma**power

    for gamma in (0.01, 0.08, 0.5):
        assert beside._steepness(Model(), gamma) == pytest.approx(power)


@pytest.mark.parametrize("missing", ["SL", "TL"])
def test_a_draw_without_a_fit_is_left_out_and_none_leaves_no_interval(missing):
    table = fits([0.1, 0.2], [0.2, 0.4])
    table.loc[(table.specimen == missing) & (table["map"] == "draw 1"), "gamma"] = np.nan
    row = beside.ratios(table).set_index("map").loc["draw"]
    assert np.isnan(row[f"gamma {missing} from"])
    table.loc[table.specimen == missing, "gamma"] = np.nan
    assert "no interval" in limit_text.gamma(beside.ratios(table), 0.08)


@pytest.mark.parametrize(("true", "verb"), [(0.15, "holds 0.15"), (0.5, "misses 0.5")])
def test_gamma_turns_with_the_interval(true, verb):
    assert verb in limit_text.gamma(beside.ratios(fits([0.1, 0.2], [0.1, 0.2])), true)


@pytest.mark.parametrize("known", [True, False])
def test_an_interval_of_draws_alone_is_said_to_be_one(known):
    table = beside.ratios(fits([0.1, 0.2], [0.1, 0.2])).assign(**{"scatter of truths": known})
    assert ("alone" in limit_text.gamma(table, 0.15)) is not known


def test_beside_turns_with_the_scores():
    def table(posterior, draw):
        rows = [("thresholding", 0.3, 1.3), ("posterior", posterior, 1.2), ("draw", 0.2, draw)]
        return pd.DataFrame(
            [
                {"method": method, "kappa": kappa} | dict.fromkeys(limit.SURFACES, area)
                for method, kappa, area in rows
            ]
        )

    assert "above the largest" in limit_text.beside(table(0.4, 1.1))
    assert "below the largest" in limit_text.beside(table(0.2, 1.1))
    assert "nearer to those" in limit_text.beside(table(0.4, 1.1))
    assert "not nearer" in limit_text.beside(table(0.4, 1.6))


@pytest.fixture
def smoke(tmp_path, monkeypatch):
    monkeypatch.setenv(storage.ROOT_VARIABLE, str(tmp_path))
    profile = profiles.get("smoke")
    rng = np.random.default_rng(0)
    for name in profiles.ELECTRODES:
        (one,) = limit.known(name, "bridging", 1, seed=3, lateral=32, noises=(0.1,), thickness=40)
        common = {"profile": profile, "voxel_size_um": VOXEL_SIZE_UM}
        storage.save_volume(f"gray/{name}-1", one.gray, **common)
        storage.save_volume(f"labels/{name}-1-truth", one.labels, **common)
        dealt = rng.permuted(one.labels.ravel()).reshape(one.labels.shape)
        storage.save_volume(f"labels/{name}-1-kmeans", dealt, **common)
    return profile


def test_ours_are_scored_and_kept_but_are_no_methods_of_the_paper(smoke):
    from analysis.study.catalogue import methods_on_disk

    table = beside.scores(smoke)
    assert list(table.method.unique()) == ["kmeans", "posterior", "draw"]
    kappa = table.groupby("method").kappa.mean()
    assert kappa["posterior"] > kappa["draw"] > kappa["kmeans"] + 0.05
    assert methods_on_disk(smoke) == ["kmeans", "truth"]
    again = beside.scores(smoke)
    pd.testing.assert_frame_equal(table, again)
    for name in profiles.ELECTRODES:
        assert storage.exists("volumes", f"labels/{name}-1-draw", profile=smoke)
