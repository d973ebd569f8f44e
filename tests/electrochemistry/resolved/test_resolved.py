"""The resolved cell: derivatives, rest, balances, symmetry, resume, errors."""

import dataclasses
import signal
import subprocess
import sys
from pathlib import Path

import numpy as np
import pytest

from analysis.electrochemistry import materials
from analysis.electrochemistry.resolved import checkpoint, interface, newton
from analysis.electrochemistry.resolved import grid as domain
from analysis.electrochemistry.resolved import half_cell as resolved
from analysis.electrochemistry.resolved.linear_solver.coarse_levels import SALT
from analysis.electrochemistry.resolved.state import ResolvedCell
from analysis.electrochemistry.transport.threads import ThreadPool
from analysis.phases import Phase

EDGE_UM = 1.284
THIN = dataclasses.replace(
    materials.DEFAULT, separator=dataclasses.replace(materials.Separator(), thickness_m=20e-6)
)


def cubes(repeat=(3, 1, 1), size=4, gap=2):
    """AM cubes on a grid of CBD, each joined to the next by the CBD around it."""
    cell = np.full((size + gap,) * 3, Phase.CBD, np.uint8)
    cell[:size, :size, :size] = Phase.AM
    return np.tile(cell, repeat)


def mixed(shape=(10, 8, 8), seed=1):
    """A small electrode with all three phases."""
    from scipy import ndimage

    rng = np.random.default_rng(seed)
    field = ndimage.gaussian_filter(rng.standard_normal(shape), 1.2)
    low, high = np.quantile(field, [0.25, 0.5])
    return np.select([field < low, field < high], [Phase.PORE, Phase.CBD], Phase.AM).astype("u1")


def make_cell(labels, content=0.4, gamma=0.12, cell=THIN):
    geometry = domain.build(labels, gamma, voxel_size_um=EDGE_UM, cell=cell, largest_inert=0.6)
    cell = ResolvedCell(geometry, cell, ThreadPool(1))
    cell.set_rest(content)
    return cell


def perturbed(cell, seed=0):
    """Put the cell into a smooth state away from rest."""
    rng = np.random.default_rng(seed)
    wet, active = cell.storage > 0, cell.active > 0
    cell.salt[wet] *= 1 + 0.2 * rng.uniform(-1, 1, np.count_nonzero(wet))
    cell.lithium[active] *= 1 + 0.05 * rng.uniform(-1, 1, np.count_nonzero(active))
    cell.psi[wet] += 0.01 * rng.uniform(-1, 1, np.count_nonzero(wet))
    cell.phi[cell.phi > 0] += 0.02 * rng.uniform(-1, 1, np.count_nonzero(cell.phi > 0))


def test_rest_stays_at_the_open_circuit_potential():
    cell = make_cell(mixed())
    U = float(THIN.active.ocp.potential(0.4))
    assert cell.voltage == pytest.approx(U, abs=1e-9)
    assert abs(cell.evaluate_reaction()) < 1e-9
    assert np.abs(cell.rates.current).max() < 1e-9 * cell.rates.slope_phi.max()
    cell.histories[0][:] = cell.salt / 10.0
    outcome = newton.solve_step(cell, 0.0, 1 / 10.0, newton.Tolerance())
    assert outcome.converged
    assert cell.voltage == pytest.approx(U, abs=1e-9)


def test_slopes_of_the_reaction_equal_finite_differences():
    cell = make_cell(mixed())
    perturbed(cell)
    cell.evaluate_reaction()
    g, m, p = (
        part.astype(float)
        for part in (cell.rates.slope_phi, cell.rates.slope_w, cell.rates.slope_c)
    )
    faces = cell.faces
    owner = np.repeat(faces.voxel, np.diff(faces.first))

    def current():
        cell.evaluate_reaction()
        return cell.rates.current.astype(float)

    def difference(array, step):
        array += step
        up = current()
        array -= 2 * step
        down = current()
        array += step
        return (up - down) / (2 * step)

    np.testing.assert_allclose(difference(cell.phi, 1e-4), g, rtol=2e-3)
    np.testing.assert_allclose(difference(cell.psi, 1e-4), -g, rtol=2e-3)
    lithium = np.zeros_like(cell.salt)
    lithium[cell.active > 0] = 20.0

    def along(direction):
        cell.stores[0] += direction
        up = current()
        cell.stores[0] -= 2 * direction
        down = current()
        cell.stores[0] += direction
        return (up - down) / 2

    np.testing.assert_allclose(along(lithium) / 20.0, p, rtol=2e-2, atol=1e-3 * p.max())
    salt = np.zeros_like(cell.salt)
    salt[cell.storage > 0] = 2.0
    np.testing.assert_allclose(
        along(salt) / 2.0 * cell.unit, -m, rtol=2e-2, atol=2e-3 * np.abs(m).max()
    )
    assert owner.shape == g.shape


def test_flux_derivative_equals_finite_differences():
    """The linear system uses the derivative of the conservative fluxes."""
    from analysis.electrochemistry.resolved import electrolyte_fluxes as _electrolyte

    Pair = _electrolyte.ChargeSalt
    cell = make_cell(mixed())
    perturbed(cell)
    rng = np.random.default_rng(3)
    x1, x3 = np.zeros_like(cell.active), np.zeros_like(cell.active)
    inner = (slice(1, -1),) * 3
    x1[inner] = rng.standard_normal(cell.shape)
    x3[inner] = rng.standard_normal(cell.shape)
    k = cell.kinetics
    nz, weight = cell.nz, 0.1

    def rows(step):
        r1, r3 = np.zeros_like(x1), np.zeros_like(x1)
        psi, c = cell.psi + step * x1, cell.salt + step * cell.unit * x3 * (cell.storage > 0)
        _electrolyte.properties(0, nz, c, cell.table, k.inverse_c, cell.properties)
        _electrolyte.residual(
            *(0, nz, Pair(psi, c), cell.histories[0], cell.electrolyte, weight, Pair(r1, r3))
        )
        return r1.astype(float), r3.astype(float)

    _electrolyte.properties(0, nz, cell.salt, cell.table, k.inverse_c, cell.properties)
    y1, y3 = np.zeros_like(x1), np.zeros_like(x1)
    _electrolyte.jacobian(
        0,
        nz,
        *(Pair(cell.psi, cell.salt), cell.electrolyte, np.float32(cell.unit)),
        *(np.float32(weight), Pair(x1, x3), Pair(y1, y3)),
    )
    step = 1e-3
    up, down = rows(step), rows(-step)
    numeric = [(a - b) / (2 * step) for a, b in zip(up, down, strict=True)]
    wet = cell.storage > 0
    scale = np.abs(y1[wet]).max()
    np.testing.assert_allclose(numeric[0][wet], -y1[wet], atol=2e-3 * scale)
    # the factor t of the cell is frozen in the linear system: compare the sum over faces
    scale = np.abs(y3[wet]).max()
    assert np.sqrt(np.mean((numeric[1][wet] + y3[wet]) ** 2)) < 0.03 * scale


def test_fluxes_telescope():
    """Without sources no charge and no salt is made, whatever the state and t₊(c)."""
    from analysis.electrochemistry.resolved import electrolyte_fluxes as _electrolyte

    Pair = _electrolyte.ChargeSalt
    cell = make_cell(mixed())
    perturbed(cell)
    k = cell.kinetics
    _electrolyte.properties(0, cell.nz, cell.salt, cell.table, k.inverse_c, cell.properties)
    r1, r3 = np.zeros(cell.salt.shape), np.zeros(cell.salt.shape)
    _electrolyte.residual(
        *(0, cell.nz, Pair(cell.psi, cell.salt), cell.salt * 0),
        *(cell.electrolyte, 0.0, Pair(r1, r3)),
    )
    wet = cell.storage > 0
    t = cell.properties[:, :, _electrolyte.TRANS]
    salt = (1 - t) * r3 + t * r1  # undo the combination of the rows
    assert abs(r1[wet].sum()) < 1e-12 * np.abs(r1[wet]).sum()
    assert abs(salt[wet].sum()) < 1e-6 * np.abs(salt[wet]).sum()


def test_coarse_exchange_makes_no_charge():
    cell = make_cell(mixed())
    cell.histories[0][:] = cell.salt / 5.0
    newton.solve_step(cell, 20.0, 1 / 5.0, newton.Tolerance(max_iterations=1))
    solver = cell.preconditioner
    g, m = solver.g[1].astype(float), solver.m[1].astype(float)
    assert g.sum() > 0 and m.sum() > 0
    # the same current enters all three rows, so the columns of the exchange sum to zero
    matrix = solver.dense(-1)
    n = matrix.shape[0] // 3
    for field in range(3):
        levels = solver.levels[field][-1]
        from analysis.electrochemistry.transport import multigrid

        matrix[field * n : (field + 1) * n, field * n : (field + 1) * n] -= multigrid.dense_matrix(
            levels
        )
    inner = matrix[:n] + matrix[n : 2 * n]
    boundary = solver.levels[SALT][-1].cz[1, 1:-1, 1:-1].sum(dtype=float)
    assert inner.sum() == pytest.approx(boundary, rel=1e-5, abs=1e-9)


@pytest.fixture(scope="module")
def run():
    return resolved.lithiate(
        mixed(), 0.12, 2.0, voxel_size_um=EDGE_UM, materials=THIN, threads=1, largest_inert=0.6
    )


def test_lithiation_reaches_the_cutoff_with_exact_balances(run):
    assert run.reached_cutoff, run.reason
    assert run.voltage_V[-1] == pytest.approx(3.0, abs=1e-4)
    assert np.all(np.diff(run.voltage_V) < 0)
    assert np.abs(run.lithium_drift).max() < 1e-5
    assert np.abs(run.salt_drift).max() < 1e-6
    assert run.kirchhoff.max() < 1e-4
    assert run.correction.max() < 2e-3
    assert run.unconverged <= 0.05 * run.steps


def test_profiles_are_physical(run):
    electrode = run.depth_um > 0
    assert np.nanmin(run.salt_mol_m3) > 0
    assert run.salt_mol_m3[-1][electrode].mean() < run.salt_mol_m3[-1][~electrode].mean()
    assert np.nanmax(run.content) < THIN.active.ocp.bounds[1]


def test_smaller_steps_give_the_same_curve(run):
    fine = resolved.lithiate(
        mixed(),
        0.12,
        2.0,
        voxel_size_um=EDGE_UM,
        materials=THIN,
        threads=1,
        largest_inert=0.6,
        end_s=300.0,
        control=resolved.ResolvedControl().times(0.1),
    )
    volts = np.interp(run.time_s, fine.time_s, fine.voltage_V)
    early = (run.time_s > 5) & (run.time_s < 300)
    assert np.sqrt(np.mean((volts - run.voltage_V)[early] ** 2)) < 1.5e-3


def test_mirrored_structure_gives_the_same_curve():
    labels = mixed()
    tight = newton.Tolerance(1e-7, 1e-3, 1e-2, krylov=1e-3, balance=1e-6, max_iterations=25)
    control = dataclasses.replace(resolved.ResolvedControl().times(20), newton=tight)
    options = dict(
        voxel_size_um=EDGE_UM,
        materials=THIN,
        threads=1,
        largest_inert=0.6,
        end_s=20.0,
        control=control,
    )
    one = resolved.lithiate(labels, 0.12, 2.0, **options)
    two = resolved.lithiate(labels[:, ::-1, ::-1], 0.12, 2.0, **options)
    assert one.voltage_V[-1] == pytest.approx(two.voltage_V[-1], abs=1e-6)
    np.testing.assert_allclose(one.salt_mol_m3[-1], two.salt_mol_m3[-1], rtol=1e-6)


KILLED = """
import os, signal, sys
sys.path.insert(0, sys.argv[2])
from tests.electrochemistry.resolved import test_resolved as t

def kill(line):
    if line.startswith("step  10"):
        os.kill(os.getpid(), signal.SIGKILL)

t.resolved.lithiate(t.mixed(), 0.12, 2.0, end_s=60.0, checkpoint_path=sys.argv[1],
    checkpoint_every_s=0.0, progress=kill, voxel_size_um=t.EDGE_UM, materials=t.THIN, threads=1,
    largest_inert=0.6)
"""


def test_killed_run_resumes_to_the_same_curve(tmp_path):
    """SIGKILL in mid-run, as a lost machine would; the rest is run from the checkpoint."""
    options = dict(voxel_size_um=EDGE_UM, materials=THIN, threads=1, largest_inert=0.6)
    whole = resolved.lithiate(mixed(), 0.12, 2.0, end_s=60.0, **options)
    path, root = tmp_path / "run.npz", Path(__file__).parents[3]
    done = subprocess.run([sys.executable, "-c", KILLED, str(path), str(root)], check=False)
    assert done.returncode == -signal.SIGKILL
    assert path.exists()
    resumed = resolved.lithiate(mixed(), 0.12, 2.0, end_s=60.0, checkpoint_path=path, **options)
    assert resumed.steps == whole.steps > 10
    np.testing.assert_allclose(resumed.time_s, whole.time_s, rtol=1e-9)
    np.testing.assert_allclose(resumed.voltage_V, whole.voltage_V, atol=1e-9)
    assert not path.exists()


def test_checkpoint_of_another_case_is_refused(tmp_path):
    path = tmp_path / "run.npz"
    np.savez(path, mark=np.array("other"))
    with pytest.raises(ValueError, match="another case"):
        checkpoint.load(path, "mine")
    path.write_bytes(b"no archive")
    with pytest.raises(ValueError, match="not a checkpoint"):
        checkpoint.load(path, "mine")


def test_binder_covered_bump_near_full_converges_at_once():
    """The case that broke an earlier scheme: faces of weight one half, nearly full, a long step."""
    labels = np.full((12, 9, 9), Phase.CBD, np.uint8)
    labels[8:] = Phase.AM
    labels[5:8, 3:6, 3:6] = Phase.AM
    cell = make_cell(labels, content=0.85)
    cell.histories[0][:] = cell.salt / 150.0
    outcome = newton.solve_step(cell, 0.3, 1 / 150.0, newton.Tolerance(krylov=0.03))
    assert outcome.converged
    assert outcome.iterations <= 6
    assert outcome.changes[3] < 50


def test_separator_heights_add_up():
    heights = domain.separator_heights(202.5)
    assert heights.sum() == pytest.approx(202.5)
    assert heights[0] == pytest.approx(1, abs=0.3)
    assert np.all(np.maximum(heights[1:] / heights[:-1], heights[:-1] / heights[1:]) < 1.46)
    with pytest.raises(ValueError, match="at least 2"):
        domain.separator_heights(1.5)


def test_faces_are_counted_with_their_weights():
    active = np.zeros((5, 5, 5), bool)
    active[2, 2, 2] = True
    share = np.ones((5, 5, 5), np.float32)
    share[2, 2, 2] = 0
    share[3, 2, 2] = 0.5
    binder = share == 0.5
    faces = interface.find_faces(active, share, binder)
    assert faces.count == 6
    assert sorted(faces.weight.tolist()) == [0.5, 1, 1, 1, 1, 1]
    middle = np.ravel_multi_index((2, 2, 2), active.shape)
    covered = faces.weight == 0.5
    assert np.all(faces.solid[~covered] == middle)
    assert np.all(faces.solid[covered] == faces.electrolyte[covered])


def test_memory_check_proposes_larger_cells():
    message = r"needs about 4\.\d GB; 3\.0 GB are .* voxels_per_cell=2, which"
    with pytest.raises(MemoryError, match=message):
        resolved.check_memory((290, 200, 200), available=3e9)
    message = "voxels_per_cell=3, which needs 1.5 GB, or take a smaller"
    with pytest.raises(MemoryError, match=message):
        resolved.check_memory((140, 100, 100), voxels=(280, 200, 200), available=1.7e9)
    with pytest.raises(MemoryError, match="available. Take a smaller cutout"):
        resolved.check_memory((290, 200, 200), available=1e9)
    resolved.check_memory((20, 20, 20), available=3e9)


@pytest.mark.parametrize("current", [0, -6, np.nan])
def test_current_must_be_positive(current):
    with pytest.raises(ValueError, match="expected a positive number"):
        resolved.lithiate(mixed(), 0.12, current, voxel_size_um=EDGE_UM)


def test_cutoff_above_the_start():
    with pytest.raises(ValueError, match="cut-off of 4.5"):
        resolved.lithiate(mixed(), 0.12, 1.0, voxel_size_um=EDGE_UM, cutoff_V=4.5)


def test_current_holds_for_the_values_at_the_face():
    """i = 2 i0 sinh(...) with potential and lithium behind the resistances of half a voxel."""
    cell = make_cell(mixed())
    perturbed(cell)
    cell.evaluate_reaction()
    faces, k = cell.faces, cell.kinetics
    owner = np.repeat(faces.voxel, np.diff(faces.first))
    c, psi, phi = (part.ravel() for part in (cell.salt, cell.psi, cell.phi))
    i = cell.rates.current.astype(float)
    content = (c[owner] - k.half * i) / k.full
    own = faces.solid == owner
    assert 0 < own.sum() < own.size
    sigma = THIN.active.conductivity_S_m(c[owner] / k.full)
    potential = phi[faces.solid] - np.where(own, i / (2 * sigma), 0.0)
    salt = c[faces.electrolyte]
    B = THIN.electrolyte.diffusion_potential_V(salt)
    z = k.thermal * (potential - psi[faces.electrolyte] - B - THIN.active.ocp.potential(content))
    i0 = THIN.active.exchange_current_density_A_m2(salt, content)
    expected = faces.weight * cell.edge * 2 * i0 * np.sinh(z)
    np.testing.assert_allclose(i, expected, rtol=2e-3, atol=1e-4 * np.abs(i).max())


def test_voltage_hardly_hangs_on_the_voxel_edge():
    """The same structure on voxels of an eighth of the volume."""
    options = dict(materials=THIN, threads=1, largest_inert=0.6, end_s=300.0)
    labels = mixed((8, 6, 6))
    halved = np.repeat(np.repeat(np.repeat(labels, 2, axis=0), 2, axis=1), 2, axis=2)
    one = resolved.lithiate(labels, 0.12, 1.0, voxel_size_um=EDGE_UM, **options)
    two = resolved.lithiate(halved, 0.12, 1.0, voxel_size_um=EDGE_UM / 2, **options)
    at = np.linspace(100, 300, 50)
    a, b = (np.interp(at, run.time_s, run.voltage_V) for run in (one, two))
    assert np.abs(a - b).max() < 0.012, np.abs(a - b).max()
