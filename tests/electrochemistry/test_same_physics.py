"""Both models of the half cell hold the same physics: area, kinetics, temperature, salt."""

from dataclasses import replace

import numpy as np
import pytest

from analysis.electrochemistry.materials import DEFAULT
from analysis.electrochemistry.porous_electrode import homogenization
from analysis.electrochemistry.porous_electrode.butler_volmer import react
from analysis.electrochemistry.resolved import grid as domain
from analysis.electrochemistry.resolved.state import ResolvedCell
from analysis.electrochemistry.transport import reactive_surface
from analysis.electrochemistry.transport.threads import ThreadPool
from analysis.phases import Phase

EDGE_UM = 0.642
DRIVE_V = 5e-3
# lithium and electrons as fast as to be no part of the reaction
FAST = replace(
    DEFAULT.active,
    diffusivity_m2_s=1e-4,
    conductivity_empty_S_m=1e6,
    conductivity_full_S_m=1e6,
)


def ball(radius, around=Phase.PORE, spare=4):
    edge = 2 * (radius + spare)
    z, y, x = np.indices((edge,) * 3) + 0.5 - edge / 2
    labels = np.full((edge,) * 3, around, np.uint8)
    labels[z**2 + y**2 + x**2 < radius**2] = Phase.AM
    return labels


def cube():
    labels = np.full((14, 12, 12), Phase.CBD, np.uint8)
    labels[3:11, 2:10, 2:10] = Phase.AM
    return labels


def electrode():
    """Grains that touch the separator, beside pores and CBD."""
    rng = np.random.default_rng(5)
    labels = np.full((24, 16, 16), Phase.PORE, np.uint8)
    z, y, x = np.indices(labels.shape)
    for center in rng.uniform(0, (24, 16, 16), (14, 3)):
        near = sum((a - b) ** 2 for a, b in zip((z, y, x), center, strict=True))
        labels[(near < 30) & (labels == Phase.PORE)] = Phase.CBD
        labels[near < 20] = Phase.AM
    labels[:2, 4:9, 4:9] = Phase.AM
    return labels


def resolved_cell(labels, materials, voxels_per_cell=1):
    geometry = domain.build(
        labels,
        0.1,
        voxel_size_um=EDGE_UM,
        cell=materials,
        largest_inert=1.0,
        voxels_per_cell=voxels_per_cell,
    )
    # all AM takes part, also grains that nothing joins to the collector
    body = geometry.kind[1:-1, 1:-1, 1:-1]
    slices = body[(body == domain.SEPARATOR).all(axis=(1, 2)).sum() :][: len(labels)]
    for phase, kind in ((Phase.AM, domain.AM), (Phase.CBD, domain.CBD), (Phase.PORE, domain.PORE)):
        slices[labels == phase] = kind
    cell = ResolvedCell(geometry, materials, ThreadPool(1))
    cell.set_rest(materials.active.initial_content)
    return cell


@pytest.mark.parametrize("around", [Phase.PORE, Phase.CBD])
@pytest.mark.parametrize("radius", [6, 12, 24])
def test_the_estimate_converges_and_the_faces_do_not(radius, around):
    labels = ball(radius, around)
    share = {Phase.PORE: 1.0, Phase.CBD: 0.5}[around]
    true = share * 4 * np.pi * radius**2 / labels.size
    faces = reactive_surface.of_faces(labels, 1.0)
    assert faces / true == pytest.approx(1.5, abs=0.06)
    found = faces * reactive_surface.face_factor(labels, 1.0)
    # the estimate is that of a stationary medium: per pair of voxels, of which a window has fewer
    pairs = (1 - 1 / len(labels)) ** 1.9
    assert found * pairs / true == pytest.approx(1, abs=0.02)
    reactive, _ = reactive_surface.profile(labels, 1.0, 8)
    assert reactive.mean() == pytest.approx(found, rel=1e-12)


@pytest.mark.parametrize("voxels_per_cell", [1, 2])
@pytest.mark.parametrize(
    "labels", [cube(), ball(5, Phase.CBD), electrode()], ids=["cube", "ball", "grains"]
)
def test_both_models_react_on_the_same_area(labels, voxels_per_cell):
    structure = homogenization_surface(labels)
    cell = resolved_cell(labels, DEFAULT, voxels_per_cell)
    area = cell.faces.weight.sum(dtype=float) / cell.columns  # per cross-section
    thickness_um = len(labels) * EDGE_UM
    assert area == pytest.approx(structure.mean() * thickness_um, rel=1e-6)


def homogenization_surface(labels):
    """Reactive surface of the slices, as `from_labels` makes it, for labels without a path."""
    reactive, _ = reactive_surface.profile(labels, EDGE_UM, homogenization.SLAB_VOXELS)
    porosity = DEFAULT.separator.porosity
    reactive[0] += reactive_surface.against_separator(labels, porosity) / EDGE_UM
    return reactive


def test_from_labels_takes_that_area():
    labels = electrode()
    labels[:, 0] = Phase.CBD  # paths for electrons and ions
    found = homogenization.from_labels(labels, EDGE_UM, gammas=[0.1])
    expected = homogenization_surface(labels)
    np.testing.assert_allclose(1e-6 * found.surface_1_m, expected, rtol=1e-12)


CONDITIONS = [(1000.0, 298.15), (500.0, 298.15), (1500.0, 313.15)]


@pytest.mark.parametrize("salt, temperature_K", CONDITIONS)
@pytest.mark.parametrize("labels", [cube(), electrode()], ids=["cube", "grains"])
def test_both_models_have_the_same_exchange_current(labels, salt, temperature_K):
    materials = replace(
        DEFAULT,
        active=FAST,
        electrolyte=replace(DEFAULT.electrolyte, initial_mol_m3=salt),
        temperature_K=temperature_K,
    )
    cell = resolved_cell(labels, materials)
    cell.phi[cell.solid] += DRIVE_V
    resolved = cell.evaluate_reaction() / (cell.edge * cell.columns)  # A/m²
    x = materials.active.initial_content
    rest = np.array([float(materials.active.ocp.potential(x))])
    reaction = react(
        rest + DRIVE_V, np.array([salt]), np.array([x]), np.array([1e-9]), materials, rest
    )
    area = homogenization_surface(labels).mean() * len(labels) * EDGE_UM
    assert resolved == pytest.approx(area * reaction.current[0], rel=1e-6)
    thermal = 96485.33212 / (8.31446261815324 * temperature_K)
    i0 = materials.active.exchange_current_density_A_m2(salt, x)
    assert reaction.current[0] == pytest.approx(2 * i0 * np.sinh(thermal * DRIVE_V / 2), rel=1e-4)
