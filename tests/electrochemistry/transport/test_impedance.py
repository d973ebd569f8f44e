"""Blocking impedance against the transmission line, direct solves and step excitation."""

import numpy as np
import pytest
from scipy import ndimage, sparse
from scipy.sparse.linalg import spsolve

from analysis.electrochemistry.transport import impedance, step_response
from analysis.phases import Phase

EDGE = 0.642


def blobs(shape=(24, 12, 12), seed=0):
    rng = np.random.default_rng(seed)
    field = ndimage.gaussian_filter(rng.standard_normal(shape), 1.5)
    low, high = np.quantile(field, [0.35, 0.55])
    return np.select([field < low, field < high], [Phase.PORE, Phase.CBD], Phase.AM).astype("u1")


def direct(network, frequency):
    """Complex sparse solve, without multigrid or reduction."""
    inner = (slice(1, -1),) * 3
    index = np.arange(np.prod(network.shape)).reshape(network.shape)
    rows, columns, weights = [], [], []
    for axis, faces in enumerate(network.faces):
        w = np.moveaxis(faces[inner].astype(float), axis, 0)[1:].ravel()
        ids = np.moveaxis(index, axis, 0)
        rows.append(ids[:-1].ravel())
        columns.append(ids[1:].ravel())
        weights.append(w)
    a, b, w = (np.concatenate(part) for part in (rows, columns, weights))
    n = index.size
    K = sparse.coo_matrix((-w, (a, b)), (n, n)).tocsr()
    K = K + K.T
    diagonal = -np.asarray(K.sum(axis=1)).ravel()
    diagonal[index[0].ravel()] += network.faces[0][1, 1:-1, 1:-1].ravel()
    K = K + sparse.diags(diagonal)
    C = network.capacity[inner].astype(float).ravel()
    live = K.diagonal() > 0
    K, C = K[live][:, live], C[live]
    s = 2j * np.pi * frequency
    u = spsolve((K + s * sparse.diags(C)).tocsc(), s * C.astype(complex))
    return network.area / (network.unit * s * (C * (1 - u)).sum())


def test_straight_channels_are_a_transmission_line():
    labels = np.full((128, 4, 4), Phase.AM, np.uint8)
    labels[:, 1:3] = Phase.PORE
    frequency = np.geomspace(0.01, 1000, 16)
    found = impedance.spectrum(labels, 0.1, voxel_size_um=EDGE, frequency_Hz=frequency, shifts=10)
    network = impedance.Network(labels, 0.1, voxel_size_um=EDGE)
    resistance = network.thickness / (0.5 * network.kappa)
    expected = impedance.transmission_line(frequency, resistance, found.capacity_F_m2)
    np.testing.assert_allclose(found.impedance_ohm_m2, expected, rtol=1e-3)
    assert found.tortuosity == pytest.approx(1, abs=1e-3)


@pytest.mark.parametrize("inner_area", [0.0, 20.0])
def test_reduced_model_equals_direct_solves(inner_area):
    labels = blobs()
    frequency = np.array([0.1, 10.0, 300.0, 3e3, 1e4])
    found = impedance.spectrum(
        labels, 0.1, voxel_size_um=EDGE, frequency_Hz=frequency, inner_area_per_um=inner_area
    )
    network = impedance.Network(labels, 0.1, voxel_size_um=EDGE, inner_area_per_um=inner_area)
    expected = np.array([direct(network, f) for f in frequency])
    np.testing.assert_allclose(found.impedance_ohm_m2, expected, rtol=1e-4)


def test_step_excitation_gives_the_same_spectrum():
    labels = blobs((16, 8, 8))
    network = impedance.Network(labels, 0.1, voxel_size_um=EDGE)
    reduced = impedance.reduce(network, np.geomspace(1, 1e6, 12))
    tau = reduced.resistance * network.total * network.unit / network.area
    times = np.geomspace(1e-5 * tau, 40 * tau, 130)
    volts = step_response.step_response(network, times)
    frequency = np.array([0.01, 0.1, 1.0, 10.0]) / tau
    stepped = step_response.transform(times, volts, frequency)
    exact = reduced.impedance(frequency)
    assert np.max(np.abs(stepped / exact - 1)) < 0.01


def test_transform_of_a_resistor_and_capacitor_in_series():
    times = np.geomspace(1e-4, 10, 50)
    volts = 2.0 + times / 0.5
    frequency = np.array([0.01, 1.0, 100.0])
    expected = 2.0 + 1 / (2j * np.pi * frequency * 0.5)
    found = step_response.transform(times, volts, frequency)
    np.testing.assert_allclose(found, expected, rtol=2e-4)


def test_real_part_is_positive_and_falls():
    found = impedance.spectrum(blobs(seed=2), 0.05, voxel_size_um=EDGE)
    real = found.impedance_ohm_m2.real
    assert np.all(real > 0)
    assert np.all(np.diff(real) < 1e-9 * real[0])
    assert np.all(found.impedance_ohm_m2.imag < 0)


def test_more_gamma_less_resistance():
    labels = blobs(seed=3)
    values = [
        impedance.spectrum(labels, gamma, voxel_size_um=EDGE, shifts=3).ionic_resistance_ohm_m2
        for gamma in (0.02, 0.1, 0.4)
    ]
    assert values[0] > values[1] > values[2]


def test_volume_without_active_material_has_no_double_layer():
    with pytest.raises(ValueError, match="no double layer|is no double"):
        impedance.spectrum(np.zeros((4, 4, 4), np.uint8), 0.1, voxel_size_um=EDGE)
    with pytest.raises(ValueError, match="positive numbers in Hz"):
        impedance.spectrum(blobs(), 0.1, voxel_size_um=EDGE, frequency_Hz=[0.0, 1.0])


@pytest.mark.parametrize(("far", "expected"), [(1.0, 1.0), (3.0, 0.625), (1 / 3, 1.375)])
def test_ratio_to_steady_of_two_layers(far, expected):
    """Layers of equal thickness and capacity: ∫ (1 - z)² over each half is 7/24 and 1/24."""
    resistance = np.repeat([1.0, far], 200)
    found = impedance.ratio_to_steady(resistance, np.ones(400))
    assert expected == pytest.approx(3 * (7 / 24 + far / 24) / (0.5 + 0.5 * far))
    assert found == pytest.approx(expected, rel=1e-9)
    # a double layer that sits at the far end alone lets all the current through
    assert impedance.ratio_to_steady(resistance, [0] * 399 + [1]) == pytest.approx(3, rel=0.02)


def test_ratio_to_steady_on_voxels_is_that_of_both_solvers():
    from analysis.electrochemistry.transport import effective

    rng = np.random.default_rng(2)
    labels = np.full((60, 8, 8), Phase.AM, np.uint8)
    labels[:, 2:6] = Phase.PORE
    labels[30:, 2:6][rng.random((30, 4, 8)) < 0.7] = Phase.CBD
    network = impedance.Network(labels, 0.05, voxel_size_um=EDGE)
    line = impedance.spectrum(labels, 0.05, voxel_size_um=EDGE, frequency_Hz=[1.0], shifts=3)
    steady = effective.effective_conductivity(effective.ionic_conductivity(labels, 0.05))
    capacity = network.capacity[1:-1, 1:-1, 1:-1].sum(axis=(1, 2), dtype=float)
    found = impedance.ratio_to_steady(steady.resistance_per_slice, capacity)
    assert line.tortuosity / steady.tortuosity == pytest.approx(found, rel=0.03)
    assert found < 0.8  # the binder is at the far end
