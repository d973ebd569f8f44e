"""The resolved cell against independent solutions, and its order in space and time."""

import dataclasses

import numpy as np
import pytest

from analysis.electrochemistry import materials
from analysis.electrochemistry.materials import FARADAY_C_MOL
from analysis.electrochemistry.pybamm_reference import cubes
from analysis.electrochemistry.resolved import checkpoint, newton, time_integration
from analysis.electrochemistry.resolved import electrolyte_fluxes as _electrolyte
from analysis.electrochemistry.resolved import grid as domain
from analysis.electrochemistry.resolved import half_cell as resolved
from analysis.electrochemistry.resolved.state import ResolvedCell
from analysis.electrochemistry.transport.threads import ThreadPool
from analysis.phases import Phase

EDGE_UM = 1.284
THIN = dataclasses.replace(
    materials.DEFAULT, separator=dataclasses.replace(materials.Separator(), thickness_m=20e-6)
)
CONSTANT = dataclasses.replace(
    THIN, electrolyte=dataclasses.replace(THIN.electrolyte, constant_transference=0.26)
)


def mixed(shape=(10, 8, 8), seed=1):
    from scipy import ndimage

    rng = np.random.default_rng(seed)
    field = ndimage.gaussian_filter(rng.standard_normal(shape), 1.2)
    low, high = np.quantile(field, [0.25, 0.5])
    return np.select([field < low, field < high], [Phase.PORE, Phase.CBD], Phase.AM).astype("u1")


def bare_cell(kind, cell=CONSTANT, edge_um=EDGE_UM):
    """A cell on the given kinds of voxels, all slices one voxel high."""
    kind = np.pad(np.asarray(kind, np.uint8), 1)
    heights = np.ones(kind.shape[0], np.float32)
    geometry = domain.Domain(kind, heights, edge_um * 1e-6, 1, 0.2, 0.0, 0.0, 0.0)
    return ResolvedCell(geometry, cell, ThreadPool(1))


@pytest.mark.parametrize("current", cubes.CURRENTS_MA_CM2)
def test_homogenized_limit_is_the_curve_of_pybamm(current):
    time_s, voltage_V = cubes.curve(current)
    run = cubes.lithiate(current, control=resolved.ResolvedControl().times(0.1))
    assert run.time_s[-1] == pytest.approx(time_s[-1], rel=1e-3)
    early = run.time_s < 0.999 * time_s[-1]
    at = run.time_s[early]
    difference = run.voltage_V[early] - np.interp(at, time_s, voltage_V)
    weight = np.gradient(at)
    rms_mV = 1e3 * np.sqrt(np.sum(weight * difference**2) / weight.sum())
    assert rms_mV < 0.5
    assert np.abs(run.lithium_drift).max() < 1e-5
    assert np.abs(run.salt_drift).max() < 1e-6
    assert run.kirchhoff.max() < 1e-4


def test_default_tolerance_is_close_to_a_tenth_of_it():
    options = dict(voxel_size_um=EDGE_UM, materials=THIN, threads=1, largest_inert=0.6)
    run = resolved.lithiate(mixed(), 0.12, 2.0, **options)
    control = resolved.ResolvedControl().times(0.1)
    fine = resolved.lithiate(mixed(), 0.12, 2.0, control=control, **options)
    assert run.time_s[-1] == pytest.approx(fine.time_s[-1], rel=5e-4)
    early = (run.voltage_V > 3.3) & (run.time_s < fine.time_s[-1])
    volts = np.interp(run.time_s[early], fine.time_s, fine.voltage_V)
    difference, weight = run.voltage_V[early] - volts, np.gradient(run.time_s[early])
    assert np.sqrt(np.sum(weight * difference**2) / weight.sum()) < 1.5e-3


@pytest.mark.slow
def test_the_bounds_used_in_depletion_do_not_show(monkeypatch):
    """The least conductivity acts only where hardly any salt is left to react."""
    options = dict(voxel_size_um=EDGE_UM, materials=THIN, threads=1, largest_inert=0.6)
    labels = mixed((30, 6, 6))
    run = resolved.lithiate(labels, 0.04, 12.0, **options)
    assert np.nanmin(run.salt_mol_m3[-1]) < 1.0  # the case is one of depletion
    monkeypatch.setattr("analysis.electrochemistry.resolved.state.LEAST_SALT", 0.2)
    low = resolved.lithiate(labels, 0.04, 12.0, **options)
    assert run.time_s[-1] == pytest.approx(low.time_s[-1], rel=3e-3)


def test_electrolyte_agrees_with_fipy():
    """One implicit step of charge and salt with given sources: FiPy's solution has no residual."""
    fipy = pytest.importorskip("fipy")
    rng = np.random.default_rng(5)
    kind = rng.choice([domain.PORE, domain.CBD, domain.AM], (16, 16, 16), p=[0.5, 0.3, 0.2])
    kind[0] = domain.SEPARATOR
    cell = bare_cell(kind)
    inner = (slice(1, -1),) * 3
    wet = cell.storage[inner] > 0
    n, step = 16, 5.0
    sources = 1e-4 * rng.standard_normal(wet.shape) * wet
    share = dict(zip((domain.PORE, domain.CBD, domain.SEPARATOR), (1, 0.2, 0.81), strict=True))
    porosity = cell.storage[inner].astype(float) / FARADAY_C_MOL / cell.edge**2
    geometric = np.vectorize(lambda code: share.get(code, 1e-25))(kind)

    mesh = fipy.Grid3D(nx=n, ny=n, nz=n)
    electrolyte, t = CONSTANT.electrolyte, CONSTANT.electrolyte.constant_transference
    c = fipy.CellVariable(mesh, value=1000.0, hasOld=True)
    psi = fipy.CellVariable(mesh, value=0.0)
    g = fipy.CellVariable(mesh, value=geometric.ravel()).harmonicFaceValue
    dry = fipy.CellVariable(mesh, value=(~wet).ravel().astype(float))
    source = fipy.CellVariable(mesh, value=sources.ravel())
    pin = fipy.CellVariable(mesh, value=1.0 * (np.arange(n**3) < n * n))  # the lithium side
    storage = fipy.CellVariable(mesh, value=np.where(wet, porosity, 1.0).ravel())
    table = [np.arange(cell.table.shape[0]) / cell.kinetics.inverse_c, cell.table.T]
    solver = fipy.solvers.scipy.LinearLUSolver(tolerance=1e-14)
    for _ in range(12):
        kappa = fipy.CellVariable(mesh, value=np.interp(c.value, table[0], table[1][0]))
        diffusivity = fipy.CellVariable(mesh, value=np.interp(c.value, table[0], table[1][1]))
        salt = (
            fipy.TransientTerm(coeff=storage * cell.edge**2)
            == fipy.DiffusionTerm(coeff=g * diffusivity.arithmeticFaceValue)
            + source * (1 - t) / FARADAY_C_MOL
        )
        salt.solve(c, dt=step, solver=solver)
        charge = (
            fipy.DiffusionTerm(coeff=g * kappa.arithmeticFaceValue)
            - fipy.ImplicitSourceTerm(pin + dry)
            + source
        )
        charge.solve(psi, solver=solver)
    assert electrolyte.constant_transference == t

    cell.salt[inner], cell.psi[inner] = c.value.reshape(wet.shape), psi.value.reshape(wet.shape)
    cell.histories[0][inner] = 1000.0 / step
    _electrolyte.properties(0, n, cell.salt, cell.table, cell.kinetics.inverse_c, cell.properties)
    r1, r3 = np.zeros(cell.salt.shape), np.zeros(cell.salt.shape)
    _electrolyte.residual(
        *(0, n, _electrolyte.ChargeSalt(cell.psi, cell.salt), cell.histories[0], cell.electrolyte),
        *(1 / step, _electrolyte.ChargeSalt(r1, r3)),
    )
    lithium = np.zeros(wet.shape)
    lithium[0] = cell.psi[inner][0]
    charge_left = r1[inner] + sources - lithium
    salt_left = r3[inner] + sources
    scale = np.abs(sources).max()
    assert np.abs(charge_left[wet]).max() < 1e-5 * scale
    assert np.abs(salt_left[wet]).max() < 1e-5 * scale


def test_fluxes_are_of_second_order_in_space():
    """Balances of smooth fields against their exact divergence, on three grids."""
    electrolyte = THIN.electrolyte

    def c(z, y, x):
        return 900 + 300 * np.sin(2 * z + 0.3) * np.cos(1.5 * y) + 200 * np.sin(x + 0.7 * y)

    def psi(z, y, x):
        return 0.05 * np.cos(1.3 * z) * np.sin(2 * x + 0.5) + 0.03 * np.sin(1.1 * y + z)

    def slope(field, axis, at, d=1e-5):
        up, down = list(at), list(at)
        up[axis], down[axis] = at[axis] + d, at[axis] - d
        return (field(*up) - field(*down)) / (2 * d)

    def flux(axis):
        def current(*at):
            return electrolyte.conductivity_S_m(c(*at)) * slope(psi, axis, at)

        def salt(*at):
            value = FARADAY_C_MOL * electrolyte.diffusivity_m2_s(c(*at)) * slope(c, axis, at)
            return value + electrolyte.transference(c(*at)) * current(*at)

        return current, salt

    errors = []
    for n in (8, 16, 32):
        cell = bare_cell(np.full((n, n, n), domain.PORE), THIN, edge_um=1e6 / n)
        at = np.meshgrid(*[(np.arange(-1, n + 1) + 0.5) / n] * 3, indexing="ij")
        cell.salt[:], cell.psi[:] = c(*at), psi(*at)
        _electrolyte.properties(
            0, n, cell.salt, cell.table, cell.kinetics.inverse_c, cell.properties
        )
        r1, r3 = np.zeros(cell.salt.shape), np.zeros(cell.salt.shape)
        _electrolyte.residual(
            *(0, n, _electrolyte.ChargeSalt(cell.psi, cell.salt), 0 * cell.salt, cell.electrolyte),
            *(0.0, _electrolyte.ChargeSalt(r1, r3)),
        )
        t = electrolyte.transference(cell.salt)
        # the salt rows are (salt - t charge) / (1 - t): undo the combination
        total = (1 - t) * r3 + t * r1
        deep = (slice(2, -2),) * 3
        middle = [axis[deep] for axis in at]
        exact = [0.0, 0.0]
        for axis in range(3):
            for row, part in enumerate(flux(axis)):
                exact[row] = exact[row] + slope(part, axis, middle, 1e-3)
        errors.append(
            [
                np.sqrt(np.mean((found[deep] * n**2 - wanted) ** 2)) / np.abs(wanted).max()
                for found, wanted in zip((r1, total), exact, strict=True)
            ]
        )
    orders = np.log2(np.array(errors)[:-1] / np.array(errors)[1:])
    assert np.all(orders[-1] > 1.9)


def test_time_steps_are_of_second_order(tmp_path):
    tight = newton.Tolerance(1e-7, 1e-4, 1e-3, krylov=1e-3, balance=1.0, max_iterations=30)
    control = dataclasses.replace(resolved.ResolvedControl(), newton=tight)
    geometry = domain.build(mixed(), 0.2, voxel_size_um=EDGE_UM, cell=THIN, largest_inert=0.6)

    def fresh(accuracy):
        cell = ResolvedCell(geometry, THIN, ThreadPool(1))
        cell.set_rest(0.3)
        return time_integration.Run(cell, 1.0, 3.0, accuracy, (), np.inf)

    start = fresh(control)
    while start.record.time < 30:
        start.advance()
    checkpoint.save(tmp_path / "state.npz", start.state(), "order")
    never = dataclasses.replace(control, voltage_V=1e9, salt_mol_m3=1e9)

    def voltage(step, span=32.0):
        run = fresh(never)
        run.restore(checkpoint.load(tmp_path / "state.npz", "order"))
        for _ in range(round(span / step)):
            run.record.next_step = step
            run.advance()
        assert run.record.time == pytest.approx(start.record.time + span)
        return run.cell.voltage

    exact = voltage(0.5)
    errors = [abs(voltage(step) - exact) for step in (8.0, 4.0)]
    assert np.log2(errors[0] / errors[1]) > 1.8
