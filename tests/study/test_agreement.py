"""The spine of chapter 7: matrices equal single numbers, findings can fail."""

import numpy as np
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


def matrices(spoiled_sl, spoiled_tl):
    counts = np.array(
        [[single.confusions(volumes(1, spoiled))] for spoiled in (spoiled_sl, spoiled_tl)]
    )
    titles = [phase.title for phase in Phase]
    return agreement.scores(
        xr.DataArray(
            counts,
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
    )


@pytest.fixture(scope="module")
def close_families():
    return matrices((0.1, 0.1, 0.6, 0.6, 0), (0.1, 0.1, 0.2, 0.6, 0))


def test_scores_are_those_of_single_pairs(close_families):
    found = volumes(1, (0.1, 0.1, 0.6, 0.6, 0))
    at = {"specimen": "SL", "cutout": 1, "method": "nn-p-cond", "other": "thresholding"}
    expected = [single.equally_assigned(found[1], found[2])]
    expected += [single.jaccard(found[1], found[2], phase) for phase in reversed(Phase)]
    np.testing.assert_allclose(close_families.sel(at), expected)


def test_table_holds_every_method_once_and_not_the_truth(close_families):
    table = agreement.against_truth(close_families)
    assert list(table.method) == 2 * METHODS[:-1]
    assert table.accuracy.between(0, 1).all()
    best = agreement.ranges(table)
    assert best["method"].iloc[0] in ("NN-AM-Cond", "NN-P-Cond")
    assert "–" in best["accuracy"].iloc[0]


def test_findings_hold_where_they_were_built_in(close_families):
    found = {finding.letter: finding.holds for finding in agreement.findings(close_families)}
    assert found["a"] and found["b"] and found["c"]


def test_findings_fail_where_they_were_not_built_in():
    same = matrices((0, 0, 0, 0.5, 0), (0, 0, 0, 0.5, 0))
    found = {finding.letter: finding.holds for finding in agreement.findings(same)}
    assert found["a"] is False
    assert found["d"] is False


def test_findings_say_when_the_network_is_absent(close_families):
    few = close_families.isel(method=slice(2, None), other=slice(2, None))
    found = {finding.letter: finding for finding in agreement.findings(few)}
    assert found["a"].holds is None and found["b"].holds is None
    assert "not in this build" in found["a"].measured


def test_ranking_is_by_the_cbd(close_families):
    table = agreement.against_truth(close_families)
    order = contrast.ranking(table, "specimen")
    assert set(order) == {"SL", "TL"}
    means = table[table.specimen == "TL"].set_index("method")["Jaccard CBD"]
    assert order["TL"] == list(means.sort_values(ascending=False).index)
