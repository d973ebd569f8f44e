"""The half cell on a plane of voxels in FiPy, beside the resolved solver."""

import numpy as np
import pandas as pd
import pytest

from analysis.electrochemistry import fipy_voxels
from analysis.electrochemistry.fipy_voxels import faces as face_kinetics
from analysis.electrochemistry.fipy_voxels.faces import (
    ReactingFaces,
    face_current,
    lithium_current,
)
from analysis.electrochemistry.materials import DEFAULT
from analysis.electrochemistry.transport.effective import effective_conductivity
from analysis.phases import Phase
from analysis.study.cells import plane


@pytest.mark.parametrize("shape, seed", [((9, 5, 7), 1), ((16, 1, 11), 2), ((6, 8, 3), 3)])
def test_steady_conduction_is_that_of_the_multigrid_solver(shape, seed):
    values = np.random.default_rng(seed).choice([1.0, 0.08, 0.3], shape)
    ours = effective_conductivity(values).value
    assert fipy_voxels.effective_conductivity(values) == pytest.approx(ours, rel=1e-6)


def test_insulating_voxels_and_layers_are_exact():
    layers = np.ones((8, 1, 4)) * np.repeat([1.0, 0.25], 4)[:, None, None]
    layers[:, :, 2] = 0
    expected = 0.75 * 2 / (1 + 1 / 0.25)
    assert fipy_voxels.effective_conductivity(layers) == pytest.approx(expected, rel=1e-12)


@pytest.mark.parametrize("seed, gamma", [(3, 0.08), (5, 0.3)])
def test_a_plane_is_lithiated_as_by_the_resolved_solver(seed, gamma):
    labels = plane.section((14, 10), seed, radii=(1.5, 3.0))
    pair = plane.lithiate(labels, gamma, tolerance=6.0, cutoff_V=3.5)
    assert pair.rms_mV < 1.0
    assert abs(pair.fipy.salt_drift) < 1e-6 and abs(pair.fipy.lithium_drift) < 1e-6
    inside = pair.fipy.content[np.isfinite(pair.fipy.content)]
    assert inside.min() >= DEFAULT.active.initial_content - 1e-6 and inside.max() < 0.967
    assert "agree" in plane.agreement_text(pair)


def voltages_on_layers(times, factors=(4, 8, 16)):
    """Pore, CBD and AM as layers, which have no edges and corners, on finer and finer voxels."""
    layers = np.repeat([Phase.PORE, Phase.CBD, Phase.AM], (3, 2, 3)).astype(np.uint8)
    return [
        fipy_voxels.lithiate(
            layers.repeat(n)[:, None, None], 0.1, 0.3, times, voxel_size_um=0.6 / n
        ).voltage_V
        for n in factors
    ]


def test_orders_in_the_voxel_edge(monkeypatch):
    # half a voxel between lithium's mean and its face counts one half, which is best on rough
    # grains: of first order on flat ones, where it should count whole
    times = np.linspace(12.5, 100, 8)
    kept = voltages_on_layers(times)
    monkeypatch.setattr(face_kinetics, "LITHIUM_SHARE", 1.0)
    whole = voltages_on_layers(times)
    assert plane.order([v[-1] for v in kept]) == pytest.approx(1.0, abs=0.15)
    assert plane.order([v[0] for v in whole]) > 1.8
    # both go to the same limit: extrapolated, the first order is gone
    assert 2 * kept[-1] - kept[-2] == pytest.approx(whole[-1], abs=1e-3)
    assert np.abs(kept[-1] - whole[-1]).max() > 1.5e-3


def test_the_sentence_on_orders_follows_them():
    edges = np.array([1.0, 0.5, 0.25])
    table = pd.DataFrame({"fipy_V": 3.5 + edges**2, "conductivity": 0.1 + edges})
    text = plane.orders_text(table)
    assert "voltage converges with order 2.0" in text and "conductivity converges with" in text
    assert "less, as for the conductivity" in text and "More than 2" not in text
    text = plane.orders_text(table.assign(fipy_V=edges**3, conductivity=edges**2))
    assert "More than 2, for the voltage," in text and "less, as" not in text
    assert "the voltage has no order" in plane.orders_text(table.assign(fipy_V=3.5))


def test_slopes_of_the_currents_are_those_of_finite_differences():
    one = np.array([0, 0, 0]), np.array([1, 1, 1]), np.array([0, 1, 0])
    faces = ReactingFaces(*one, np.array([1, 0.5, 0.9]), np.array([True, False, True]), np.ones(3))
    at = [np.array([0.0, -0.1]), np.array([0.0, 400.0]), np.array([3.6, 3.61]), [3e4, 0.0]]
    at = [np.asarray(values, dtype=float) for values in at]
    _, by_phi, by_salt, by_lithium = face_current(faces, *at, DEFAULT, 1e-6)
    for field, cells, slopes, step in (
        (0, faces.wet, -by_phi, 1e-6),
        (2, faces.solid, by_phi, 1e-6),
        (1, faces.wet, by_salt, 1e-3),
        (3, faces.am, by_lithium, 1e-2),
    ):
        for face, cell in enumerate(cells):
            up, down = ([v.copy() for v in at] for _ in range(2))
            up[field][cell] += step
            down[field][cell] -= step
            currents = [face_current(faces, *side, DEFAULT, 1e-6)[0][face] for side in (up, down)]
            measured = (currents[0] - currents[1]) / (2 * step)
            assert slopes[face] == pytest.approx(measured, rel=1e-4)
    i, by_psi, by_c = lithium_current(np.array([-0.02]), np.array([900.0]), DEFAULT)
    plus = lithium_current(np.array([-0.02 + 1e-7]), np.array([900.0]), DEFAULT)[0]
    assert by_psi == pytest.approx((plus - i) / 1e-7, rel=1e-4)
    plus = lithium_current(np.array([-0.02]), np.array([900.0 + 1e-3]), DEFAULT)[0]
    assert by_c == pytest.approx((plus - i) / 1e-3, rel=1e-4)


@pytest.mark.parametrize(
    "labels, times, message",
    [
        (np.ones((6, 2, 4), np.uint8), [1.0], "one voxel thick"),
        (np.ones((6, 4), np.uint8), [1.0], "one voxel thick"),
        (np.ones((6, 1, 4), np.uint8), [1.0, 0.5], "do not rise"),
        (np.ones((6, 1, 4), np.uint8), [0.0, 0.5], "do not rise"),
    ],
)
def test_volumes_and_times_that_do_not_fit_are_refused(labels, times, message):
    with pytest.raises(ValueError, match=message):
        fipy_voxels.lithiate(labels, 0.1, 6.0, times, voxel_size_um=1.0)
