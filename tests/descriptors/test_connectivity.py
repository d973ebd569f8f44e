import numpy as np
import pytest
import tifffile
from scipy import ndimage

from analysis.descriptors.connectivity import connected_fractions
from analysis.phases import Phase


@pytest.mark.parametrize(("connectivity", "structure"), [(6, 1), (18, 2), (26, 3)])
@pytest.mark.parametrize("phase", Phase)
def test_fractions_equal_an_independent_labelling(electrode, phase, connectivity, structure):
    labels = electrode((24, 30, 36), smoothing=1.0)
    mask = labels == phase
    components, n = ndimage.label(mask, ndimage.generate_binary_structure(3, structure))
    front, back = set(components[0].ravel()) - {0}, set(components[-1].ravel()) - {0}

    def share(which):
        return np.isin(components, list(which)).sum() / mask.sum()

    fractions = connected_fractions(labels, phase, connectivity)
    assert fractions.n_components == n
    assert fractions.through == pytest.approx(share(front & back))
    assert fractions.dead_end_separator == pytest.approx(share(front - back))
    assert fractions.dead_end_collector == pytest.approx(share(back - front))
    assert fractions.through + fractions.dead_end + fractions.isolated == pytest.approx(1)


def test_corners_connect_only_if_they_may():
    labels = np.zeros((6, 8, 8), np.uint8)
    labels[np.arange(6), np.arange(6), np.arange(6)] = Phase.AM
    assert connected_fractions(labels, Phase.AM, 6).through == 0
    assert connected_fractions(labels, Phase.AM, 18).through == 0
    assert connected_fractions(labels, Phase.AM, 26).through == 1


def test_published_electrode_conducts_as_printed(shared_data):
    raw = tifffile.imread(shared_data / "nmc-taufactor-electrode" / "electrode.tif")
    labels = np.select([raw == 0, raw == 170, raw == 85], [0, 1, 2]).astype(np.uint8)
    printed = {Phase.PORE: 0.9989, Phase.AM: 0.9611, Phase.CBD: 0.9740}
    for phase, value in printed.items():
        assert round(connected_fractions(labels, phase).through, 4) == value


def test_errors_say_what_to_do():
    labels = np.zeros((3, 3, 3), np.uint8)
    with pytest.raises(ValueError, match="no voxel of the phase AM"):
        connected_fractions(labels, Phase.AM)
    with pytest.raises(ValueError, match="expected 6, 18 or 26"):
        connected_fractions(labels, Phase.PORE, 4)
    with pytest.raises(ValueError, match="expected Phase.PORE"):
        connected_fractions(labels, 5)
