"""PoreSpy and scikit-image beside our descriptors: what differs is the convention."""

import numpy as np
import pytest

from analysis.phases import Phase
from analysis.study.morphology import peers


@pytest.fixture(scope="module")
def labels():
    return peers.structure("blobs", (30, 36, 32), seed=4)


@pytest.mark.parametrize("kind", ["blobs", "overlapping spheres"])
def test_generators_make_the_phases_of_an_electrode(kind):
    made = peers.structure(kind, (24, 20, 22), seed=2)
    assert made.shape == (24, 20, 22) and set(np.unique(made)) == {0, 1, 2}
    assert np.mean(made == Phase.AM) == pytest.approx(0.5954, abs=0.12)
    share = np.mean(made == Phase.CBD) / np.mean(made != Phase.AM)
    assert share == pytest.approx(0.57, abs=0.01)
    np.testing.assert_array_equal(made, peers.structure(kind, (24, 20, 22), seed=2))


def test_an_unknown_generator_is_refused():
    with pytest.raises(ValueError, match="expected 'blobs' or 'overlapping spheres'"):
        peers.structure("foam", (8, 8, 8), seed=1)


@pytest.mark.parametrize("function", [peers.sizes, peers.two_point, peers.paths])
def test_in_the_convention_of_the_peer_nothing_is_left(labels, function):
    table = function(labels)
    assert len(table) in (2, 3, 6) and set(table.columns) == set(peers.COLUMNS)
    np.testing.assert_allclose(table.same, table.peer, rtol=1e-9)
    text = peers.text(table)
    if np.allclose(table.ours, table.peer, rtol=1e-9):
        assert text == "Ours and the peer's are equal up to rounding"
    else:
        assert "equal up to rounding, so the conventions explain it all" in text


def test_a_difference_that_is_left_is_said(labels):
    table = peers.paths(labels)
    table.loc[table.index[-1], "peer"] *= 1.1
    assert "more than the conventions differs" in peers.text(table)
    assert table.quantity.iloc[-1] in peers.text(table)
