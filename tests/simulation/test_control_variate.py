"""Two or three dear runs and the cheap model give the gamma that many dear runs give."""

from dataclasses import replace

import numpy as np
import pytest
import xarray as xr

from analysis import profiles, storage
from analysis.electrochemistry import gamma_fit
from analysis.electrochemistry.materials import DEFAULT
from analysis.electrochemistry.porous_electrode import homogenization
from analysis.simulation import cases, control_variate, costs, datasets
from analysis.simulation import run as simulations

from .volumes import blobs

VOXEL_UM, CURRENT, NOISE_V = 1.284, 6.0, 2e-3
MATERIALS = replace(DEFAULT, cutoff_V=3.4)
OPTIONS = {"current_mA_cm2": CURRENT, "noise_V": NOISE_V, "materials": MATERIALS}


@pytest.fixture(scope="module")
def structure():
    return homogenization.from_labels(blobs(1), VOXEL_UM)


def lithiated(structure, gamma):
    done = gamma_fit.simulate(structure.at(gamma), CURRENT, materials=MATERIALS)
    return done.capacity_mAh_cm2, done.voltage_V


# What a dear model may do otherwise than the cheap one. The first and the third can be taken up by
# radius and transport alone, the others cannot.
DEAR = {
    "larger grains": lambda made: replace(made, radius_m=1.25 * made.radius_m),
    "less surface": lambda made: replace(made, surface_1_m=0.75 * made.surface_1_m),
    "longer paths": lambda made: replace(made, transport=0.85 * made.transport),
    "longer paths in depth": lambda made: replace(
        made, transport=made.transport * np.linspace(1, 0.85, made.transport.shape[1])
    ),
}


class Dear:
    """A dear model that counts its runs, as voxels would be lithiated by a campaign."""

    def __init__(self, made, first=0.08):
        self.made, self.gammas, self.runs = made, [first], {}

    def fitted(self, structure, target, bounds=(0.02, 0.5)):
        while len(self.runs) < len(self.gammas):
            self.runs[self.gammas[-1]] = lithiated(self.made, self.gammas[-1])
            found = control_variate.fit(self.runs, structure, *target, bounds=bounds, **OPTIONS)
            following = control_variate.next_gamma(found, self.gammas)
            self.gammas += [] if following is None else [following]
        return found


@pytest.mark.parametrize(("change", "truth"), list(zip(DEAR, (0.035, 0.11, 0.3, 0.2), strict=True)))
def test_a_known_gamma_is_found_within_two_percent_by_few_runs(structure, change, truth):
    dear = Dear(DEAR[change](structure))
    found = dear.fitted(structure, lithiated(dear.made, truth))
    assert found.gamma == pytest.approx(truth, rel=0.02)
    assert 2 <= len(dear.gammas) <= 3 and not found.at_bound
    # each run lies nearer than the one before, and the fit ends beside one
    apart = np.abs(np.log(np.array(dear.gammas) / truth))
    assert np.all(np.diff(apart) < 0) and apart[-1] < 0.25
    plain = gamma_fit.fit_scan(dear.runs, *lithiated(dear.made, truth), noise_V=NOISE_V)
    assert abs(np.log(found.gamma / truth)) < abs(np.log(plain.gamma / truth)) + 0.005


def test_a_map_whose_gamma_is_the_first_one_needs_no_other_run(structure):
    dear = Dear(DEAR["less surface"](structure))
    found = dear.fitted(structure, lithiated(dear.made, 0.081))
    assert dear.gammas == [0.08] and found.gamma == pytest.approx(0.081, rel=0.01)


@pytest.mark.parametrize(
    ("truth", "bounds", "end"), [(0.4, (0.02, 0.2), 0.2), (0.02, (0.05, 0.5), 0.05)]
)
def test_beyond_the_bounds_there_is_no_value(structure, truth, bounds, end):
    dear = Dear(DEAR["longer paths"](structure))
    found = dear.fitted(structure, lithiated(dear.made, truth), bounds)
    assert found.at_bound and dear.gammas[-1] == pytest.approx(end, rel=0.01)
    data = datasets.of_censored_fit(found, dear.gammas, control_variate.minima(found))
    assert np.isnan(data.fitted_gamma) and np.isnan(data.gamma_error) and data.at_bound == 1
    assert float(data.bound) == pytest.approx(end, rel=0.01)


def profile_of(misfits):
    """A fit with a given profile of the misfit, evenly in log gamma from 0.02 to 0.5."""
    gammas = np.geomspace(0.02, 0.5, len(misfits))
    best = int(np.argmin(misfits))
    return gamma_fit.GammaFit(
        gamma=float(gammas[best]),
        gamma_error=1e-3,
        misfit_V=misfits[best],
        gammas=gammas,
        misfits_V=np.array(misfits),
        at_bound=best in (0, len(misfits) - 1),
        failed={},
    )


@pytest.mark.parametrize(
    ("misfits", "ran", "number", "following"),
    [
        ([5, 4, 3, 2, 3, 4, 5], [0.08, 0.1], 1, None),
        ([5, 2.1, 3, 2, 3, 4, 5], [0.08, 0.1], 2, 1),  # a rival on the left is looked into
        ([5, 4, 3, 2, 3, 2.2, 5], [0.08, 0.1], 2, 5),  # on the right
        ([2.1, 4, 3, 2, 3, 4, 5], [0.08, 0.1], 2, 0),  # at an end
        ([5, 3, 4, 2, 3, 4, 5], [0.08, 0.1], 1, None),  # much larger: no rival
        ([5, 4, 3, 2, 3, 2.2, 5], [0.08, 0.1, 0.29], 2, None),  # looked into already
        ([5, 4, 3, 4, 5, 2, 5], [0.08, 0.07, 0.06, 0.05, 0.1], 1, None),  # no more than five runs
    ],
)
def test_each_minimum_that_rivals_the_best_is_looked_into(misfits, ran, number, following):
    found = profile_of(misfits)
    assert len(control_variate.minima(found)) == number
    asked = control_variate.next_gamma(found, ran)
    if following is None:
        assert asked is None
    else:
        assert asked == pytest.approx(found.gammas[following], rel=0.03)


def test_runs_lie_where_a_fit_that_differs_by_rounding_finds_them(structure):
    found = profile_of([5, 4, 3, 4, 2, 4, 5])
    nudged = replace(found, gamma=found.gamma * (1 + 1e-6))
    asked = [control_variate.next_gamma(one, [0.08]) for one in (found, nudged)]
    steps = np.log(asked[0] / 0.08) / np.log(control_variate.STEP)
    assert asked[0] == asked[1] and steps == pytest.approx(round(steps), abs=0.01)


def test_at_the_dear_runs_the_curves_are_theirs(structure):
    runs = {gamma: lithiated(DEAR["less surface"](structure), gamma) for gamma in (0.03, 0.2)}
    curves = control_variate.corrected_curves(runs, structure, CURRENT, materials=MATERIALS)
    for gamma, (capacity, voltage) in runs.items():
        assert np.array_equal(curves[gamma][0], capacity)
        assert np.array_equal(curves[gamma][1], voltage)
    assert len(curves) > 10
    assert (min(curves), max(curves)) == pytest.approx(control_variate.BOUNDS)
    ends = [curves[gamma][0][-1] for gamma in sorted(curves)]
    assert np.all(np.diff(ends) > 0)


def test_a_cheap_model_without_error_needs_no_correction(structure):
    runs = {gamma: lithiated(structure, gamma) for gamma in (0.03, 0.2)}
    curves = control_variate.corrected_curves(runs, structure, CURRENT, materials=MATERIALS)
    for gamma, (capacity, voltage) in curves.items():
        if gamma < 0.025:
            continue  # a lithiation that ends almost at once: its time steps are coarse
        wanted = lithiated(structure, gamma)
        assert capacity[-1] == pytest.approx(wanted[0][-1], rel=1e-4)
        shown = np.interp(0.5 * capacity[-1], capacity, voltage)
        assert shown == pytest.approx(np.interp(0.5 * capacity[-1], *wanted), abs=1e-3)


def test_no_run_is_too_few_and_says_so(structure):
    with pytest.raises(ValueError, match="Runs at no value of gamma; expected at least one"):
        control_variate.fit({}, structure, [0, 1], [4, 3], **OPTIONS)


def test_a_cheap_model_that_cannot_run_is_no_control(structure):
    runs = {gamma: lithiated(structure, gamma) for gamma in (0.03, 0.2)}
    short = replace(
        structure,
        electrolyte=0 * structure.electrolyte + 1e-3,
        transport=1e-4 * structure.transport,
    )
    with pytest.raises(ValueError, match=r"does not run at every gamma .*\(0\.03, 0\.2\)"):
        control_variate.corrected_curves(runs, short, CURRENT, materials=MATERIALS)


@pytest.fixture
def campaign_of_blobs(tmp_path, monkeypatch):
    """A profile whose truth and map are small volumes, and its fit of the map."""
    monkeypatch.setenv(storage.ROOT_VARIABLE, str(tmp_path))
    profile = replace(
        profiles.get("smoke"),
        resolved_lateral=24,
        resolved_gammas=(0.02, 0.08, 0.5),
        resolved_control_variate=True,
        resolved_cutoff_V=MATERIALS.cutoff_V,
        resolved_tolerance=1.0,
    )
    truth = blobs(1)
    closed = np.random.default_rng(3).random(truth.shape) < 0.2
    for method, labels in (("truth", truth), ("kmeans", np.where(closed & (truth == 0), 1, truth))):
        storage.save_volume(
            f"labels/TL-1-{method}",
            labels.astype(np.uint8),
            profile=profile,
            voxel_size_um=VOXEL_UM,
        )
    return profile, cases.Case("fit", "TL", 1, "kmeans", 0.08, CURRENT, "resolved", 4)


def test_a_case_lithiates_where_its_fit_asks_for_it_and_its_voxels_agree(campaign_of_blobs):
    """Voxels, lithiated: gamma within 2 % of a fit to many resolved runs."""
    profile, fit = campaign_of_blobs
    run = replace(fit, kind="lithiation")
    for needed in (cases.part_structure(fit, profile), replace(run, method="truth")):
        assert not simulations.execute(needed, profile).reason
    assert [one.gamma for one in cases.scan(fit, profile)] == [0.08]
    assert not simulations.execute(fit, profile).reason
    found = cases.load(fit, profile)
    ran = [one.gamma for one in cases.scan(fit, profile)]
    assert ran[0] == 0.08 and ran == list(found.lithiated.values) and len(ran) <= 4
    assert all(cases.is_finished(replace(run, gamma=gamma), profile) for gamma in ran)
    assert costs.load(fit, profile)["cpu_s"] > 0
    many = {}
    for gamma in np.geomspace(0.6, 1.8, 5) * float(found.fitted_gamma):
        one = replace(run, gamma=round(min(float(gamma), 0.5), 4))
        assert not simulations.execute(one, profile).reason
        many[one.gamma] = simulations._curve(one, profile)
    target = cases.load(replace(run, method="truth"), profile)
    full = gamma_fit.fit_scan(many, *simulations.noisy(target, fit, profile), noise_V=NOISE_V)
    assert not full.at_bound
    assert float(found.fitted_gamma) == pytest.approx(full.gamma, rel=0.02)

    plain = replace(profile, resolved_control_variate=False)
    assert cases.name_of(fit, plain) != cases.name_of(fit, profile)


def test_a_fit_that_is_stopped_finds_its_runs_again(campaign_of_blobs, monkeypatch, structure):
    profile, fit = campaign_of_blobs
    run = replace(fit, kind="lithiation")
    assert not simulations.execute(cases.part_structure(fit, profile), profile).reason
    dear = DEAR["less surface"](structure)
    put(replace(run, method="truth"), profile, lithiated(dear, 0.08))
    asked = []

    def lithiate(case, profile):
        asked.append(case.gamma)
        if len(asked) == 2:
            raise KeyboardInterrupt
        put(case, profile, lithiated(replace(dear, transport=0.8 * dear.transport), case.gamma))
        return cases.load(case, profile)

    monkeypatch.setitem(simulations._RUN, "lithiation", lithiate)
    with pytest.raises(KeyboardInterrupt):
        simulations.execute(fit, profile)
    assert not cases.is_finished(fit, profile)
    assert not simulations.execute(fit, profile).reason
    assert asked[0] == 0.08 and asked[1] == asked[2] and 0.08 not in asked[1:]


def put(case, profile, curve):
    capacity, voltage = curve
    data = xr.Dataset(
        {"capacity_mAh_cm2": ("point", capacity), "voltage_V": ("point", voltage)},
        coords={"time_s": ("point", 3600 * capacity / CURRENT)},
    )
    with storage.atomic(cases.file_of(case, profile)) as temporary:
        data.to_netcdf(temporary, engine="h5netcdf")
