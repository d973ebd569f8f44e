"""The spine of chapter 7: matrices equal single numbers, findings can fail."""

import numpy as np
import pandas as pd
import pytest
import xarray as xr

from analysis.phases import Phase
from analysis.segmentation import agreement as single
from analysis.study.trinarization import agreement, contrast

METHODS = ["nn-am-cond", "nn-p-cond", "thresholding", "kmeans", "truth"]


def volumes(seed, spoiled):
    """The same labels for each method, with a share of the voxels reassigned at random."""
    rng = np.random.default_rng(seed)
    base = rng.integers(0, 3, (12, 12, 12)).astype(np.uint8)
    found = []
    for share in spoiled:
        labels = base.copy()
        where = (rng.random(base.shape) < share) & (base != Phase.AM)
        labels[where] = 1 - labels[where]
        found.append(labels)
    return found


def counts(spoiled_sl, spoiled_tl):
    titles = [phase.title for phase in Phase]
    return xr.DataArray(
        np.array([[single.confusions(volumes(1, one))] for one in (spoiled_sl, spoiled_tl)]),
        dims=("specimen", "cutout", "method", "other", "phase", "other_phase"),
        coords={
            "specimen": ["SL", "TL"],
            "cutout": [1],
            "method": METHODS,
            "other": METHODS,
            "phase": titles,
            "other_phase": titles,
        },
    )


@pytest.fixture(scope="module")
def counted():
    return counts((0.1, 0.1, 0.6, 0.6, 0), (0.1, 0.1, 0.2, 0.6, 0))


@pytest.fixture(scope="module")
def close_families(counted):
    return agreement.scores(counted)


def test_scores_are_those_of_single_pairs(close_families):
    found = volumes(1, (0.1, 0.1, 0.6, 0.6, 0))
    at = {"specimen": "SL", "cutout": 1, "method": "nn-p-cond", "other": "thresholding"}
    expected = [single.equally_assigned(found[1], found[2])]
    expected += [single.jaccard(found[1], found[2], phase) for phase in reversed(Phase)]
    np.testing.assert_allclose(close_families.sel(at), expected)


def test_table_holds_every_method_once_and_not_the_truth(counted):
    table = agreement.against_truth(counted)
    assert list(table.method) == 2 * METHODS[:-1]
    assert table.accuracy.between(0, 1).all()
    labels = volumes(1, (0.1, 0.1, 0.6, 0.6, 0))
    row = table.query("specimen == 'SL' and method == 'thresholding'").iloc[0]
    assert row["kappa"] == pytest.approx(single.kappa(labels[2], labels[4]))
    assert row["chance CBD"] == pytest.approx(single.chance(labels[2], labels[4], Phase.CBD))
    best = agreement.ranges(table)
    assert best["method"].iloc[0] in ("NN-AM-Cond", "NN-P-Cond")
    assert "–" in best["kappa"].iloc[0] and list(best["chance CBD"])


def test_table_parts_scenarios_in_their_order(counted):
    table = agreement.against_truth(counted)
    both = pd.concat([table.assign(scenario=name) for name in ("z first", "a second")])
    shown = agreement.ranges(both, by=("scenario", "method"))
    assert list(shown.scenario) == 4 * ["z first"] + 4 * ["a second"]
    assert shown.method.iloc[0] == shown.method.iloc[4] in ("NN-AM-Cond", "NN-P-Cond")


def by_letter(matrices):
    return {finding.statement[1]: finding for finding in agreement.findings(matrices)}


def test_findings_hold_where_they_were_built_in(close_families):
    found = by_letter(close_families)
    assert found["a"].holds and found["b"].holds and found["c"].holds


def test_findings_fail_where_they_were_not_built_in():
    found = by_letter(agreement.scores(counts((0, 0, 0, 0.5, 0), (0, 0, 0, 0.5, 0))))
    assert found["a"].holds is False
    assert found["d"].holds is False


def test_findings_say_when_the_network_is_absent(close_families):
    found = by_letter(close_families.isel(method=slice(2, None), other=slice(2, None)))
    assert found["a"].holds is None and found["b"].holds is None
    assert found["a"].verdict == "not in this build"


def test_ranking_is_by_the_cbd(counted):
    table = agreement.against_truth(counted)
    order = contrast.ranking(table, "specimen")
    assert set(order) == {"SL", "TL"}
    means = table[table.specimen == "TL"].set_index("method")["Jaccard CBD"]
    assert order["TL"] == list(means.sort_values(ascending=False).index)
