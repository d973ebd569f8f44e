"""Gammas, depth sensitivity and swapped maps on slabs and volumes whose answer is known."""

from dataclasses import replace

import numpy as np
import pytest

from analysis.electrochemistry.materials import DEFAULT
from analysis.electrochemistry.porous_electrode.homogenization import Structure, from_labels
from analysis.electrochemistry.transport import impedance
from analysis.phases import Phase
from analysis.specimen import electrode
from analysis.study.consistency import (
    blocking,
    depth,
    gammas,
    limits,
    parameters,
    specimens,
    swap,
)

N = 32


def slab(transport=0.05, slope=0.3, thickness_m=160e-6):
    """An electrode whose transport grows as a power of gamma, uniform over the depth."""
    nodes = np.array([0.005, 0.02, 0.06, 0.16, 0.5])
    along = np.broadcast_to(transport, N)
    return Structure(
        thickness_m=thickness_m,
        active=np.full(N, 0.6),
        electrolyte=np.full(N, 0.29),
        surface_1_m=np.full(N, 3e5),
        electronic_S_m=np.full(N, 5.0),
        radius_m=5e-6,
        gammas=nodes,
        transport=(nodes[:, None] / 0.1) ** slope * along,
    )


@pytest.fixture(scope="module")
def specimen():
    return electrode.make("SL", 32, seed=4, thickness=48)


def test_blocking_resistance_of_a_uniform_slab():
    made = slab().at(0.1)
    electrolyte = DEFAULT.electrolyte
    bulk = float(electrolyte.conductivity_S_m(electrolyte.initial_mol_m3))
    assert blocking.blocking_resistance(made) == pytest.approx(160e-6 / (0.05 * bulk))


@pytest.mark.parametrize(("gamma", "within"), [(0.02, 0.1), (0.1, 0.03), (0.4, 0.03)])
def test_blocking_resistance_is_that_of_the_voxels(specimen, gamma, within):
    """With a poor CBD, pores that end in it hold charge on ways that no layer knows."""
    edge = specimen.voxel_size_um
    network = impedance.Network(specimen.labels, gamma, voxel_size_um=edge)
    voxels = 3 * impedance.reduce(network, [], rtol=1e-5).resistance
    made = from_labels(specimen.labels, edge, gammas=[gamma]).at(gamma)
    # the network of voxels leaves out what of the AM looks at the separator
    surface = np.concatenate([made.surface_1_m[1:2], made.surface_1_m[1:]])
    inside = replace(made, surface_1_m=surface)
    assert blocking.blocking_resistance(inside) == pytest.approx(voxels, rel=within)


@pytest.mark.parametrize("gamma", [0.02, 0.08, 0.3])
def test_gamma_comes_back_from_both_experiments(gamma):
    made = slab()
    scanned = gammas.scan(made, 6.0)
    measured = gammas.measure(made, gamma, 6.0)
    lithiation, misfit = gammas.from_lithiation(scanned, measured)
    assert lithiation.value == pytest.approx(gamma, rel=0.015) and lithiation.bound == 0
    assert misfit < 3
    by_impedance = gammas.from_impedance(scanned, measured.resistance_ohm_m2)
    assert by_impedance.value == pytest.approx(gamma, rel=1e-3)


def test_an_experiment_that_no_gamma_of_the_map_gives_ends_at_a_bound():
    poor, good = slab(0.012), slab(0.2)
    scanned = gammas.scan(poor, 6.0)
    easy, hard = gammas.measure(good, 0.3, 6.0), gammas.measure(slab(0.004), 0.02, 6.0)
    assert gammas.from_lithiation(scanned, easy)[0].bound == 1
    assert gammas.from_impedance(scanned, easy.resistance_ohm_m2).bound == 1
    assert gammas.from_lithiation(scanned, hard)[0].bound == -1
    assert gammas.from_impedance(scanned, hard.resistance_ohm_m2).bound == -1
    with pytest.raises(ValueError, match="Scan it at the current"):
        gammas.from_lithiation(scanned, gammas.measure(good, 0.1, 3.0))


def test_an_electrode_turned_round_twice_is_itself():
    made = slab(np.linspace(0.02, 0.08, N))
    turned = gammas.turned_round(made)
    assert turned.transport[0, 0] == made.transport[0, -1]
    assert turned.effective(0.1) == pytest.approx(made.effective(0.1))
    again = gammas.turned_round(turned)
    assert np.array_equal(again.transport, made.transport)
    # the poor layer at the separator costs more
    assert blocking.blocking_resistance(turned.at(0.1)) < blocking.blocking_resistance(made.at(0.1))


def test_the_voxels_turned_round_conduct_the_same(specimen):
    edge = specimen.voxel_size_um
    straight = from_labels(specimen.labels, edge, gammas=[0.1])
    turned = from_labels(np.ascontiguousarray(specimen.labels[::-1]), edge, gammas=[0.1])
    expected = gammas.turned_round(straight)
    assert np.allclose(turned.transport, expected.transport, rtol=1e-3)
    assert np.allclose(turned.surface_1_m[1:], expected.surface_1_m[1:], rtol=0.1)
    assert np.allclose(turned.surface_1_m[0], expected.surface_1_m[0], rtol=0.2)
    again = gammas.turned_round(expected)
    assert np.allclose(again.surface_1_m, straight.surface_1_m)


def test_maps_of_any_name_are_judged_and_those_that_do_not_conduct_are_told(specimen):
    blocked = np.array(specimen.labels)
    blocked[10:13] = Phase.AM
    maps = {"draw 1": {"SL": specimen.labels}, "blocked": {"SL": blocked}}
    made, failed = gammas.structures(maps, specimen.voxel_size_um)
    assert list(made["draw 1"]) == ["SL"] and made["blocked"] == {}
    assert list(failed) == [("blocked", "SL")] and "path" in failed["blocked", "SL"]


# ---- depth ---------------------------------------------------------------------------------------


def test_every_depth_counts_alike_for_steady_conduction():
    gains = depth.sensitivity(slab().at(0.1), depth.steady_conductance)
    # one part in eight has its resistance divided by 1.1
    assert gains == pytest.approx(1 / (1 - (1 - 1 / 1.1) / 8) - 1)


def test_the_front_counts_most_for_impedance():
    """The current in a blocking electrode falls linearly, so its square weighs each depth."""
    gains = depth.sensitivity(slab().at(0.1), depth.blocking_conductance)
    left, right = 1 - np.arange(8) / 8, 1 - (np.arange(8) + 1) / 8
    share = left**3 - right**3
    assert gains == pytest.approx(1 / (1 - share * (1 - 1 / 1.1)) - 1)


def test_capacity_at_a_high_current_feels_the_front():
    gains = depth.sensitivity(slab(0.04).at(0.1), depth.capacity_at(6.0, "coarse"), parts=4)
    assert np.all(np.diff(gains) < 1e-4) and gains[0] > 0.01 and gains[0] > 5 * gains[-1]


@pytest.mark.parametrize("parts", [0, N + 1])
def test_parts_finer_than_the_slabs_are_refused(parts):
    with pytest.raises(ValueError, match="expected 1 to 32"):
        depth.sensitivity(slab().at(0.1), depth.steady_conductance, parts=parts)


def test_conductance_between_depths_is_that_of_resistances_in_series():
    transport = np.where(np.arange(N) < N // 2, 0.08, 0.02)
    made = slab(transport, thickness_m=160e-6)
    inside = depth.conductance(made, 0.1, (0, 40, 80, 120, np.inf))
    assert inside == pytest.approx([0.08, 0.08, 0.02, 0.02])
    across = depth.conductance(made, 0.1, (40, 120, 160, 200))
    assert across[0] == pytest.approx(2 / (1 / 0.08 + 1 / 0.02)) and np.isnan(across[2])
    table = depth.bands({"truth": made}, 0.1)
    assert table.iloc[0, 1:].to_numpy(dtype=float)[0] == pytest.approx(0.08)


# ---- swapped maps --------------------------------------------------------------------------------


def test_a_hybrid_has_the_particles_of_one_and_the_binder_of_the_other(specimen):
    rng = np.random.default_rng(0)
    truth = specimen.labels
    other = np.roll(truth, 3, axis=1)
    mixed = swap.hybrid(truth, other)
    assert np.array_equal(mixed == Phase.AM, truth == Phase.AM)
    free = (truth != Phase.AM) & (other != Phase.AM)
    assert np.array_equal(mixed[free], other[free])
    assert np.array_equal(swap.hybrid(truth, truth), truth)
    noise = np.where(rng.random(truth.shape) < 0.5, truth, other)
    assert set(np.unique(swap.hybrid(noise, truth))) <= {0, 1, 2}
    with pytest.raises(ValueError, match="two maps of one"):
        swap.hybrid(truth, truth[:-1])
    with pytest.raises(ValueError, match="no CBD"):
        swap.hybrid(truth, np.full_like(truth, Phase.AM))


@pytest.mark.parametrize("fitted", [(0.2, 0.1, 0.15), (0.04, 0.08, 0.02), (0.08, 0.16, 0.04)])
def test_a_budget_adds_up(fitted):
    both, particles, binder = fitted
    made = swap.shares(0.08, both, particles, binder)
    parts = made["particles"] + made["binder"] + made["together"]
    assert parts == pytest.approx(made["total"]) == pytest.approx(np.log(both / 0.08))
    assert made["particles"] == pytest.approx(np.log(particles / 0.08))


def test_the_budget_of_a_map_with_the_true_particles_is_its_binders(results, specimen):
    """On volumes: AM of the truth with CBD and pore moved about; then only the AM grown."""
    from analysis import profiles

    profile = profiles.Profile("smoke", 32, 1)
    truth = np.array(specimen.labels)
    swapped = np.where(truth == Phase.AM, truth, 1 - truth).astype(np.uint8)
    maps = {name: {"SL": one} for name, one in (("truth", truth), ("binder", swapped))}
    table = swap.budget(profile, maps, specimen.voxel_size_um)
    (row,) = table.itertuples()
    assert row.particles == pytest.approx(0, abs=0.02) and abs(row.total) > 0.2
    assert row.binder == pytest.approx(row.total, abs=1e-9) and row.fraction_shift < 1e-9


# ---- parameters, specimens -----------------------------------------------------------------------


def test_a_poorer_electrolyte_asks_for_a_larger_gamma():
    made = slab()
    moved = parameters.shifts(made, 0.08, 6.0)
    assert moved["D_e, 20 % less"] > 0.1 and moved["L_sep, 180 µm"] < 0
    alone = parameters.shifts(made, 0.08, 6.0, changes={"nothing": lambda cell: cell})
    assert alone["nothing"] == pytest.approx(0, abs=2e-3)
    # transport ~ gamma**0.3, so 10 % less conductivity asks for 0.9**(-1 / 0.3) of gamma
    shift = parameters.impedance_shifts(made, 0.08)[parameters.CONDUCTIVITY]
    assert shift == pytest.approx(-np.log(0.9) / 0.3, rel=1e-3)
    assert parameters.repeated(made, 0.08, 5.0) == pytest.approx(-np.log(1.05) / 0.3, rel=1e-3)


def test_every_blocking_cell_has_an_error_of_its_own(monkeypatch):
    monkeypatch.setattr(parameters, "UNCERTAIN", {parameters.CONDUCTIVITY: lambda cell: cell})
    made = parameters.table({"SL": (slab(), 0.08, 0.08), "TL": (slab(), 0.08, 0.08)}, 6.0)
    moved = parameters.of_table(made)
    mine = [name for name, shift in moved["SL impedance"].items() if "cell of" in name and shift]
    theirs = [name for name, shift in moved["TL impedance"].items() if "cell of" in name and shift]
    assert len(mine) == len(theirs) == 1 and mine != theirs
    logs = {name: np.arange(3) * 1e-9 for name in moved}
    limit_of = limits.RatioLimits(logs, 1.0, moved)
    # what the electrolyte does to both cancels, what each cell does to itself adds
    expected = 1.645 * np.sqrt(2) * np.log(1.05) / 0.3
    assert np.log(limit_of("SL impedance", "TL impedance")) == pytest.approx(expected, rel=1e-2)


def test_a_single_layer_does_not_depend_on_the_contrast():
    from analysis import profiles

    profile = profiles.Profile("smoke", 32, 1, consistency_lateral=32)
    one, other = (
        specimens.draw(profile, "SL", specimens.Kind("bridging", contrast)) for contrast in (1, 0.3)
    )
    assert np.array_equal(one.labels, other.labels)
    assert [str(kind) for kind in specimens.kinds(profile)][:2] == [
        "bridging, contrast 1",
        "bridging, contrast 0.3",
    ]


def test_further_maps_on_disk_need_both_electrodes(results):
    from analysis import profiles, storage

    profile, labels = profiles.get("smoke"), np.zeros((4, 4, 4), np.uint8)
    for name in ("SL-1-posterior", "TL-1-posterior", "SL-1-draw"):
        storage.save_volume(f"labels/{name}", labels, profile=profile, voxel_size_um=0.642)
    found = specimens.on_disk(profile, ("posterior", "draw", "kmeans"))
    assert {name: list(maps) for name, maps in found.items()} == {"posterior": ["SL", "TL"]}
