"""Cells of several voxels: shares, resistances, paths and reacting faces of the voxels stay."""

import signal
import subprocess
import sys
from pathlib import Path

import numpy as np
import pytest

from analysis.electrochemistry.resolved import grid as domain
from analysis.electrochemistry.resolved import half_cell as resolved
from analysis.electrochemistry.resolved.cell_properties import electron_conductance as network
from analysis.electrochemistry.resolved.cell_properties import properties as parts
from analysis.electrochemistry.resolved.cell_properties import upscaling
from analysis.electrochemistry.resolved.state import ResolvedCell
from analysis.electrochemistry.transport import percolation as grid
from analysis.electrochemistry.transport.effective import effective_conductivity
from analysis.electrochemistry.transport.stencil import FaceConductances
from analysis.electrochemistry.transport.threads import ThreadPool
from analysis.phases import Phase
from tests.electrochemistry.resolved.test_resolved import THIN, mixed

EDGE_UM = 0.642
SIGMA = 3e-3


def build(labels, n=2, cell=THIN):
    options = dict(voxel_size_um=EDGE_UM, largest_inert=0.6)
    return domain.build(labels, 0.12, cell=cell, voxels_per_cell=n, **options)


def electrode(labels, shape):
    """The electrode's part of a padded array of cells."""
    return labels[-2 - shape : -2, 1:-1, 1:-1]


@pytest.fixture(scope="module")
def labels():
    return mixed((24, 16, 16), seed=5)


def test_shares_and_surface_of_the_voxels_are_kept(labels):
    geometry = build(labels)
    found, fine = (parts.find(one, THIN) for one in (geometry, build(labels, 1)))
    assert geometry.shape[1:] == (8, 8)
    wet = electrode(found.porosity, 12)
    np.testing.assert_allclose(wet.mean(), electrode(fine.porosity, 24).mean(), rtol=1e-6)
    assert found.active.sum() == fine.active.sum()
    assert found.faces.count == fine.faces.count
    # in areas of a cell's face, four of which a voxel's face is a quarter
    assert found.faces.weight.sum() == pytest.approx(fine.faces.weight.sum() / 4, rel=1e-6)


def test_faces_are_driven_by_cells_that_hold_the_phases(labels):
    geometry = build(labels)
    found = parts.find(geometry, THIN)
    faces = found.faces
    assert np.all(np.isfinite(found.resistance.ravel()[faces.electrolyte]))
    assert np.all(found.solid.ravel()[faces.solid])
    assert np.mean(faces.electrolyte == faces.solid) > 0.9
    assert len(faces.starts) == geometry.shape[0] + 1
    assert faces.starts[-1] == len(faces.voxel)
    # the entries of a slice of cells are the AM voxels in it
    plane = int(np.prod(geometry.kind.shape[1:]))
    slices = (faces.voxel // plane - 1) // 2 + geometry.n_separator
    wanted = np.searchsorted(slices, np.arange(geometry.shape[0] + 1))
    np.testing.assert_array_equal(faces.starts, wanted)


def test_a_steady_ionic_current_meets_the_resistance_of_the_voxels(labels):
    geometry = build(labels)
    transport = parts.tables(0.12, THIN)[0]
    cells = electrode(upscaling.ionic(geometry, transport), 12)
    voxels = transport[geometry.kind[1:-1, 1:-1, 1:-1]]
    fine = effective_conductivity(voxels)
    found = effective_conductivity(cells)
    assert found.value == pytest.approx(fine.value, rel=2e-3)
    wanted = fine.resistance_per_slice.reshape(12, 2).mean(axis=1)
    # a slice shares the resistance of its faces with its neighbors
    assert np.mean(np.abs(found.resistance_per_slice / wanted - 1)) < 0.03


def test_layers_of_whole_cells_keep_their_conductivity():
    layers = np.array([Phase.PORE, Phase.CBD, Phase.CBD, Phase.PORE, Phase.PORE, Phase.CBD])
    labels = np.broadcast_to(layers.repeat(2)[:, None, None], (12, 8, 8)).astype(np.uint8)
    labels = np.concatenate([labels, np.full((2, 8, 8), Phase.AM, np.uint8)])
    labels[-2:, 0, 0] = Phase.PORE  # a way to the end
    geometry = build(labels)
    transport = parts.tables(0.12, THIN)[0]
    matched = electrode(upscaling.ionic(geometry, transport), 7)
    wanted = transport[[{Phase.PORE: domain.PORE, Phase.CBD: domain.CBD}[one] for one in layers]]
    # around the narrow end the current converges, which cells resolve less
    np.testing.assert_allclose(matched[:3].mean(axis=(1, 2)), wanted[:3], rtol=2e-3)


def test_a_steady_electronic_current_meets_the_resistance_of_the_voxels(labels):
    geometry = build(labels)
    table = parts.tables(0.12, THIN)[2]
    faces, _ = network.build(geometry, table, SIGMA)
    conductances = faces.constant, faces.active
    ratio = network._resistance_ratio(geometry, table, conductances, SIGMA, ThreadPool(1))
    assert ratio == pytest.approx(1, rel=1e-4)


def test_full_skins_of_active_material_resist():
    """Lithium by layer of voxels: what is full by the surface resists, however empty the rest."""
    labels = np.full((8, 4, 4), Phase.AM, np.uint8)
    labels[:, 0, 0] = Phase.PORE
    geometry = build(labels)
    log_full, log_slope = np.log(1e-5), -2.4e-4
    lithium = np.zeros((10, 6, 6))
    lithium[1:-1] = np.array([48e3, 30e3, 20e3, 15e3, 40e3, 12e3, 14e3, 13e3])[:, None, None]
    active = np.ones(lithium.shape, "f4")
    sigma = np.zeros(tuple(m + 2 for m in geometry.shape), "f4")
    above, numbers = geometry.n_separator, (log_full, log_slope)
    ThreadPool(1).run(
        network.conductivity, 1, geometry.shape[0], lithium, active, above, 2, *numbers, sigma
    )
    layers = np.exp(log_full + log_slope * lithium[1:-1, 1, 1]).reshape(4, 2)
    power = (layers**network.EXPONENT).mean(axis=1) ** (1 / network.EXPONENT)
    found = electrode(sigma, 4)[:, 0, 0]
    np.testing.assert_allclose(found, power, rtol=1e-5)
    assert np.all(1 / found < (1 / layers).mean(axis=1))  # layers in series
    assert np.all(np.log(found) < np.log(layers).mean(axis=1))  # by the mean lithium
    faces, none, ones = (
        FaceConductances(*(np.full_like(sigma, value) for _ in range(3))) for value in (0, 0, 1)
    )
    ThreadPool(1).run(network.conductances, 1, geometry.shape[0], sigma, none, ones, faces)
    between = 1 / electrode(faces[0], 4)[1:, 0, 0]
    np.testing.assert_allclose(between, (1 / found[1:] + 1 / found[:-1]) / 2, rtol=1e-5)


def test_binder_apart_on_the_voxels_is_apart_on_the_cells():
    """Two rods of binder in neighboring cells, one voxel of AM between them."""
    labels = np.full((8, 8, 8), Phase.AM, np.uint8)
    labels[:, 0, 0] = Phase.PORE
    labels[:, 3, 3] = Phase.CBD  # touches the collector
    labels[:6, 3, 5] = Phase.CBD  # does not
    geometry = build(labels)
    faces, clusters = network.build(geometry, parts.tables(0.12, THIN)[2], SIGMA)
    inside = slice(geometry.n_separator + 1, -2)
    constant, active = (electrode(part[2], 4) for part in (faces.constant, faces.active))
    assert np.all(constant[:, 1, 2] == 0) and np.all(active[:, 1, 2] > 0)
    assert np.all(electrode(faces.constant[0], 4)[1:, 1, 1] > 0)
    assert np.all(clusters[inside, 2, 2] == 0)
    assert np.all(clusters[inside, 2, 3][:3] > 0) and clusters[inside, 2, 3][3] == 0


OPTIONS = dict(voxel_size_um=EDGE_UM, materials=THIN, threads=1, largest_inert=0.6)


def test_cells_of_several_voxels_follow_the_curve_of_the_voxels(labels):
    runs = [resolved.lithiate(labels, 0.12, 3.0, voxels_per_cell=n, **OPTIONS) for n in (1, 2)]
    fine, joint = runs
    assert joint.reached_cutoff and joint.cells < fine.cells / 6
    assert np.abs(joint.lithium_drift).max() < 1e-5
    assert np.abs(joint.salt_drift).max() < 1e-6
    assert joint.kirchhoff.max() < 1e-4
    coarse = resolved.lithiate(
        grid.coarsen(labels, 2), 0.12, 3.0, **OPTIONS | {"voxel_size_um": 2 * EDGE_UM}
    )

    def apart_V(run):
        at = np.linspace(0.01, 0.97, 200) * min(run.time_s[-1], fine.time_s[-1])
        ours, theirs = (np.interp(at, one.time_s, one.voltage_V) for one in (run, fine))
        return np.sqrt(np.mean((ours - theirs) ** 2))

    assert apart_V(joint) < 5e-3
    assert apart_V(joint) < 0.3 * apart_V(coarse)  # labels coarsened by majority


def test_lengths_that_do_not_divide():
    """Voxels are left out at the side; at the end collector fills the last cells."""
    labels = mixed((17, 16, 13), seed=2)
    geometry = build(labels, 3)
    assert geometry.shape[1:] == (5, 4)
    assert geometry.voxels == (18, 15, 12)
    found = parts.find(geometry, THIN)
    assert found.active.sum() == np.count_nonzero(geometry.kind == domain.AM)
    times = dict(end_s=50.0, snapshots_s=[40.0])
    run = resolved.lithiate(labels, 0.12, 1.0, voxels_per_cell=3, **times, **OPTIONS)
    assert run.reason == "end time"
    assert np.abs(run.lithium_drift).max() < 1e-5
    shot = run.snapshots[0]
    assert shot.content.shape == shot.salt_mol_m3.shape == (6, 5, 4)
    assert np.nanmin(shot.content) > THIN.active.initial_content
    assert run.content.shape == run.salt_mol_m3.shape


KILLED = """
import os, signal, sys
sys.path.insert(0, sys.argv[2])
from tests.electrochemistry.resolved import test_upscaling as t

def kill(line):
    if line.startswith("step   8"):
        os.kill(os.getpid(), signal.SIGKILL)

t.resolved.lithiate(t.mixed(), 0.12, 2.0, end_s=40.0, checkpoint_path=sys.argv[1],
    checkpoint_every_s=0.0, progress=kill, voxels_per_cell=2, **t.OPTIONS)
"""


def test_killed_run_resumes_to_the_same_curve(tmp_path):
    whole = resolved.lithiate(mixed(), 0.12, 2.0, end_s=40.0, voxels_per_cell=2, **OPTIONS)
    path, root = tmp_path / "run.npz", Path(__file__).parents[3]
    done = subprocess.run([sys.executable, "-c", KILLED, str(path), str(root)], check=False)
    assert done.returncode == -signal.SIGKILL
    with pytest.raises(ValueError, match="another case"):
        resolved.lithiate(mixed(), 0.12, 2.0, end_s=40.0, checkpoint_path=path, **OPTIONS)
    resumed = resolved.lithiate(
        mixed(), 0.12, 2.0, end_s=40.0, checkpoint_path=path, voxels_per_cell=2, **OPTIONS
    )
    np.testing.assert_allclose(resumed.voltage_V, whole.voltage_V, atol=1e-9)


@pytest.mark.parametrize("n", (0, 9))
def test_cells_of_no_voxel_or_too_many_are_refused(n):
    with pytest.raises(ValueError, match="expected a (whole )?number from 1 to the lateral width"):
        resolved.lithiate(mixed(), 0.12, 1.0, voxels_per_cell=n, **OPTIONS)


def test_currents_scale_with_the_cells():
    """The same fields give the same sum of currents on voxels and on cells of them."""
    labels = np.full((12, 8, 8), Phase.AM, np.uint8)
    labels[:, :3] = Phase.PORE
    labels[:, 3:, 6:] = Phase.CBD
    sums = []
    for n in (1, 2):
        cell = ResolvedCell(build(labels, n), THIN, ThreadPool(1))
        cell.set_rest(0.4)
        cell.phi[cell.solid] -= 0.02
        sums.append(cell.evaluate_reaction() * cell.edge)  # in A
    assert sums[1] == pytest.approx(sums[0], rel=1e-6)


def test_a_grid_of_few_cells_is_refused():
    with pytest.raises(ValueError, match="or fewer voxels per cell"):
        resolved.lithiate(mixed(), 0.12, 1.0, voxels_per_cell=5, **OPTIONS)


@pytest.mark.parametrize("name", ["voxels_per_cell", "joined"])
@pytest.mark.parametrize("value", [2.0, 0, True, "2"])
def test_voxels_per_cell_are_checked_by_either_name(name, value):
    with pytest.raises(ValueError, match=r"voxels_per_cell or joined is .*; expected a whole"):
        resolved.lithiate(mixed(), 0.12, 1.0, **{name: value}, **OPTIONS)


def test_an_unknown_option_is_named():
    with pytest.raises(TypeError, match=r"no option \['tolerance'\]; expected some of .*'control'"):
        resolved.lithiate(mixed(), 0.12, 1.0, tolerance=1e-3, **OPTIONS)
