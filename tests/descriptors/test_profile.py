import numpy as np
import pytest

from analysis.descriptors.profile import depths_um, volume_fractions
from analysis.phases import Phase


def test_slices_are_counted_one_by_one(electrode):
    labels = electrode((20, 13, 17))
    fractions = volume_fractions(labels)
    for phase in Phase:
        expected = [np.mean(plane == phase) for plane in labels]
        np.testing.assert_allclose(fractions[phase], expected, rtol=1e-15)
    np.testing.assert_allclose(fractions.sum(axis=0), 1)


def test_the_first_slice_lies_at_the_separator():
    labels = np.zeros((4, 3, 3), np.uint8)
    labels[0] = Phase.AM
    np.testing.assert_array_equal(volume_fractions(labels)[Phase.AM], [1, 0, 0, 0])
    np.testing.assert_allclose(depths_um(4, 0.642), [0.321, 0.963, 1.605, 2.247])


def test_labels_out_of_range_are_refused():
    with pytest.raises(ValueError, match="Labels run from 0 to 3"):
        volume_fractions(np.array([[[0, 3]]]))
