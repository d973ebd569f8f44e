"""The FiPy model: assembly, lithiations beside the compiled backend, changed equations."""

from dataclasses import replace

import numpy as np
import pytest

from analysis.electrochemistry.materials import DEFAULT
from analysis.electrochemistry.porous_electrode.equation_changes import (
    Boundary,
    Changes,
    Property,
    Term,
)
from analysis.electrochemistry.porous_electrode.fipy_assembly import Assembly
from analysis.electrochemistry.porous_electrode.fipy_model import PorousElectrode
from analysis.electrochemistry.porous_electrode.half_cell import (
    Control,
    ElectrodeProfile,
    gather,
    lithiate,
)
from analysis.electrochemistry.porous_electrode.mesh import layers
from analysis.electrochemistry.porous_electrode.newton_model import BandedNewton
from analysis.electrochemistry.porous_electrode.own_electrolyte import OwnElectrolyte
from analysis.electrochemistry.porous_electrode.time_integration import StepFailed, integrate, rest

ELECTRODE = ElectrodeProfile(171e-6, 0.5954, 0.2892, 2.3e5, 0.06, 5.0, 6e-6)
ROUGH = Control(voltage_error_V=2e-3, salt_error_mol_m3=20.0)
SMALL = dict(n_electrode=12, n_separator=5, control=ROUGH)
SHORT = SMALL | dict(cutoff_V=3.7)  # not down the steep end, where most steps are


def rms_mV(one, other):
    end = min(one.capacity_mAh_cm2[-1], other.capacity_mAh_cm2[-1])
    at = np.linspace(0, end, 300)
    miss = np.interp(at, one.capacity_mAh_cm2, one.voltage_V)
    miss = miss - np.interp(at, other.capacity_mAh_cm2, other.voltage_V)
    return 1e3 * np.sqrt(np.mean(miss**2))


def test_the_assembled_system_is_the_one_of_fipy():
    import fipy

    mesh = fipy.Grid1D(dx=np.array([1.0, 2.0, 0.5, 1.5]))
    rng = np.random.default_rng(3)
    u = fipy.CellVariable(mesh=mesh, value=rng.random(4), hasOld=True)
    v = fipy.CellVariable(mesh=mesh, value=rng.random(4))
    at_faces = fipy.FaceVariable(mesh=mesh, value=rng.random(5) + 0.5)
    drift = fipy.FaceVariable(mesh=mesh, rank=1, value=rng.random((1, 5)))
    source = fipy.CellVariable(mesh=mesh, value=rng.random(4) + 0.1)
    first = fipy.TransientTerm(source, var=u) == (
        fipy.DiffusionTerm(at_faces, var=u)
        - fipy.DiffusionTerm(2 * at_faces, var=v)
        + fipy.UpwindConvectionTerm(drift, var=u)
        - fipy.ImplicitSourceTerm(source, var=u)
        + source * v
    )
    second = fipy.DiffusionTerm(at_faces, var=v) - fipy.ImplicitSourceTerm(source, var=v) == source
    v.constrain(0.7, where=mesh.facesLeft)
    coupled = first & second
    coupled.cacheMatrix()
    coupled.cacheRHSvector()
    coupled.justResidualVector(dt=0.3, solver=fipy.LinearLUSolver())
    matrix, right = Assembly((first, second), (u, v)).system(0.3)
    np.testing.assert_allclose(matrix.toarray(), coupled.matrix.numpyArray, atol=1e-13)
    np.testing.assert_allclose(right, coupled.RHSvector.value, atol=1e-13)


def test_assembly_wants_terms_in_its_unknowns():
    import fipy

    mesh = fipy.Grid1D(nx=3)
    u, v = fipy.CellVariable(mesh=mesh, name="u"), fipy.CellVariable(mesh=mesh, name="v")
    with pytest.raises(ValueError, match="belongs to none of the unknowns"):
        Assembly([fipy.DiffusionTerm(1.0, var=v)], [u])
    with pytest.raises(ValueError, match="1 equations for 2 unknowns"):
        Assembly([fipy.DiffusionTerm(1.0, var=v)], [u, v])


@pytest.mark.parametrize("current, transport", [(6.0, 0.06), (12.0, 0.03)])
def test_whole_lithiations_agree_and_conserve(current, transport):
    electrode = replace(ELECTRODE, transport=transport)
    fast = lithiate(electrode, current, **SMALL)
    fipy = lithiate(electrode, current, backend="fipy", **SMALL)
    assert fipy.reached_cutoff
    assert rms_mV(fast, fipy) < 0.05
    assert fipy.capacity_mAh_cm2[-1] == pytest.approx(fast.capacity_mAh_cm2[-1], rel=1e-4)
    assert abs(fipy.salt_drift) < 1e-6
    assert abs(fipy.lithium_drift) < 1e-6
    assert fipy.iterations < 1.2 * fast.iterations


def test_contact_resistance_moves_the_cutoff():
    ohm_m2 = 1e-3
    contact = Changes(boundaries=[Boundary("collector", lambda current, salt: ohm_m2 * current)])
    drop = ohm_m2 * 60
    plain = lithiate(ELECTRODE, 6, **SMALL | dict(cutoff_V=3.7 + drop))
    ours = lithiate(ELECTRODE, 6, backend=contact, **SHORT)
    assert ours.capacity_mAh_cm2[-1] == pytest.approx(plain.capacity_mAh_cm2[-1], rel=1e-6)
    np.testing.assert_allclose(ours.voltage_V[0], plain.voltage_V[0] - drop, atol=1e-5)


def test_side_reaction_beside_the_same_source_in_the_compiled_backend():
    per_volume = 2e4  # A/m³, from the solid into the electrolyte

    side = Changes(
        terms=[
            Term("charge", lambda model: per_volume / 1000 * model.electrode, "mA/cm**3"),
            Term("electrons", lambda model: -per_volume * model.electrode, "A/m**3"),
        ]
    )
    mesh = layers(ELECTRODE, DEFAULT, SMALL["n_electrode"], SMALL["n_separator"])
    on = per_volume * mesh.width * (np.arange(mesh.n_cells) >= mesh.first)
    source = np.array([on, 0 * on, -on])
    backend = BandedNewton(mesh, source=lambda time_s: source)
    plain = gather(integrate(backend, mesh, 60.0, cutoff_V=3.7, control=ROUGH), mesh, 6.0)
    ours = lithiate(ELECTRODE, 6, backend=side, **SHORT)
    assert ours.capacity_mAh_cm2[-1] == pytest.approx(plain.capacity_mAh_cm2[-1], rel=1e-6)
    assert rms_mV(plain, ours) < 0.05
    # what the side reaction takes is made up for by more lithium in the particles
    assert ours.lithium_drift == pytest.approx(per_volume * 171e-6 / 60, rel=1e-6)


def test_own_electrolyte_beside_the_compiled_backend_with_its_parameters():
    usual = DEFAULT.electrolyte
    own = OwnElectrolyte(
        conductivity=lambda c: 1.2 * usual.conductivity_S_m(c),
        diffusivity=usual.diffusivity_m2_s,
        transference_number=lambda c: 0.4,
        thermodynamic=usual.thermodynamic_factor,
    )
    p = usual.conductivity_p
    same = replace(usual, conductivity_p=(1.2 * p[0], *p[1:]), constant_transference=0.4)
    c = np.array([1e-3, 1.0, 300.0, 1000.0, 2700.0])
    np.testing.assert_allclose(
        own.diffusion_potential_V(c), same.diffusion_potential_V(c), atol=1e-8
    )
    step = 1e-4 * c
    slope = own.diffusion_potential_V(c + step) - own.diffusion_potential_V(c - step)
    np.testing.assert_allclose(own.diffusion_potential_slope(c), slope / (2 * step), rtol=1e-6)
    plain = lithiate(ELECTRODE, 6, materials=replace(DEFAULT, electrolyte=same), **SHORT)
    cell = replace(DEFAULT, electrolyte=own)
    ours = lithiate(ELECTRODE, 6, materials=cell, backend="fipy", **SHORT)
    assert ours.capacity_mAh_cm2[-1] == pytest.approx(plain.capacity_mAh_cm2[-1], rel=1e-6)
    assert rms_mV(plain, ours) < 0.05
    with pytest.raises(ValueError, match="compiled backend .* use backend='fipy'"):
        lithiate(ELECTRODE, 6, materials=cell, **SHORT)


def test_another_separator_beside_its_material_parameter():
    thin = Property("transport", lambda depth, usual: np.where(depth < 0, 0.4, usual))
    separator = replace(DEFAULT.separator, gamma=0.4)
    plain = lithiate(ELECTRODE, 6, materials=replace(DEFAULT, separator=separator), **SHORT)
    ours = lithiate(ELECTRODE, 6, backend=Changes(properties=[thin]), **SHORT)
    assert ours.capacity_mAh_cm2[-1] == pytest.approx(plain.capacity_mAh_cm2[-1], rel=1e-6)


@pytest.mark.parametrize("current", [1.0, 3.0, 8.0, 10.0])
def test_other_currents_agree_and_conserve(current):
    """Whole lithiations on few cells and steps, the same for both: they solve the same equations."""
    few = dict(n_electrode=8, n_separator=4, control=Control(2e-2, 200.0, 0.1))
    fast = lithiate(ELECTRODE, current, **few)
    fipy = lithiate(ELECTRODE, current, times_s=fast.time_s, backend="fipy", **few)
    assert fast.reached_cutoff
    assert 1e3 * np.max(np.abs(fipy.voltage_V - fast.voltage_V)) < 0.05
    np.testing.assert_allclose(fipy.salt_mol_m3, fast.salt_mol_m3, rtol=1e-5, atol=1e-6)
    assert abs(fipy.salt_drift) < 1e-6 and abs(fipy.lithium_drift) < 1e-6


def test_kinetics_of_the_lithium_replaced_by_themselves_change_nothing():
    lithium, c0 = DEFAULT.lithium.exchange_current_A_m2, DEFAULT.electrolyte.initial_mol_m3

    def drop(current, salt):
        thermal = 2 * 8.31446261815324 * 298.15 / 96485.33212
        return thermal * np.arcsinh(current / (2 * lithium * np.sqrt(salt / c0)))

    usual = lithiate(ELECTRODE, 6, end_s=20.0, backend="fipy", **SHORT)
    changes = Changes(boundaries=[Boundary("lithium", drop)])
    ours = lithiate(ELECTRODE, 6, end_s=20.0, backend=changes, **SHORT)
    np.testing.assert_allclose(ours.voltage_V, usual.voltage_V, atol=1e-12)


def ohmic(current, salt):
    return 1e-3 * current


@pytest.mark.parametrize(
    "make, message",
    [
        (lambda: [Term("charge", lambda m: 1.0, "A/m**2")], "unit 'A/m\\*\\*2'; expected 'A/m"),
        (lambda: [Term("anions", lambda m: 1.0, "A/m**3")], "expected 'mol/m\\*\\*3/s'"),
        (lambda: [Term("charge", lambda m: 1.0, "amperes")], "unit 'amperes'"),
        (lambda: [Term("salt", lambda m: 1.0, "A/m**3")], "no equation 'salt'"),
        (lambda: [Term("charge", lambda m: np.ones(7), "A/m**3")], r"shape \(7,\); expected .*17"),
        (lambda: [Term("charge", lambda m: np.nan * m.S, "A/m**3")], "not finite before the first"),
        (lambda: [Term("charge", lambda m: 1.0 * m.S, "A/m**3")], "do not close"),
    ],
)
def test_terms_that_do_not_fit_are_refused_before_the_first_step(make, message):
    with pytest.raises(ValueError, match=message):
        lithiate(ELECTRODE, 6, backend=Changes(terms=make()), **SMALL)


@pytest.mark.parametrize(
    "changes, message",
    [
        (dict(boundaries=[Boundary("collector", ohmic)] * 2), "collector is given 2 times"),
        (dict(boundaries=[Boundary("lithium", ohmic)] * 3), "lithium is given 3 times"),
        (dict(properties=[Property("porosity", lambda z, u: u)] * 2), "porosity is given 2 times"),
        (dict(boundaries=[Boundary("top", ohmic)]), "no side 'top'"),
        (dict(boundaries=[Boundary("collector", lambda i, c: np.ones(3))]), "one finite number"),
        (dict(properties=[Property("porosity", lambda z, u: u[:5])]), r"shape \(5,\)"),
        (dict(properties=[Property("porosity", lambda z, u: 90 * u)]), "expected 0 to 1"),
        (dict(properties=[Property("surface", lambda z, u: u, "1/m**2")]), "unit '1/m\\*\\*2'"),
        (dict(properties=[Property("surface", lambda z, u: u + 1, "1/m")]), "nothing reacts"),
    ],
)
def test_other_changes_that_do_not_fit_are_refused(changes, message):
    with pytest.raises(ValueError, match=message):
        lithiate(ELECTRODE, 6, backend=Changes(**changes), **SMALL)


def test_a_term_of_a_diffusion_in_a_strange_unknown_is_refused():
    import fipy

    def strange(model):
        return fipy.DiffusionTerm(1.0, var=fipy.CellVariable(mesh=model.mesh))

    with pytest.raises(ValueError, match="in none of the unknowns"):
        lithiate(ELECTRODE, 6, backend=Changes([Term("anions", strange, "mol/m**3/s")]))


@pytest.mark.parametrize(
    "function, message",
    [
        (dict(conductivity=lambda c: c), "conductivity runs from"),
        (dict(transference_number=lambda c: 1.2), "transference_number runs"),
        (dict(diffusivity=lambda c: np.ones(2)), "expected the same shape"),
        (dict(thermodynamic=None), "no thermodynamic"),
    ],
)
def test_electrolytes_that_cannot_be_are_refused(function, message):
    usual = dict(
        conductivity=lambda c: 0.9,
        diffusivity=lambda c: 3e-10,
        transference_number=lambda c: 0.3,
        thermodynamic=lambda c: 1.0,
    )
    with pytest.raises(ValueError, match=message):
        OwnElectrolyte(**(usual | function))


def test_sweeps_that_do_not_converge_say_when_where_and_what_to_try():
    mesh = layers(ELECTRODE, DEFAULT, 12, 5)
    model = PorousElectrode(mesh, max_sweeps=1)
    message = "1 sweeps.*at .* s with a step of .*Salt runs.*Try"
    with pytest.raises(ValueError, match=message):  # of the current, at the start
        integrate(model, mesh, 60.0, cutoff_V=3.0, control=ROUGH)
    model.max_sweeps = 60
    integrate(model, mesh, 60.0, cutoff_V=3.0, control=ROUGH, times=[0.0, 0.01])
    model.max_sweeps = 1
    start = rest(mesh, ROUGH)
    base = np.full(mesh.active.size, DEFAULT.active.initial_content)
    with pytest.raises(StepFailed, match=message):  # of a later step, which is tried shorter
        model.solve(start, start.salt, base, np.full(base.size, 1e-4), 1.0, 60.0, 1.0)
