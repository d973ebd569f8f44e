"""Two or three dear runs and the cheap model give the gamma that many dear runs give."""

from dataclasses import replace

import numpy as np
import pytest
from scipy.ndimage import gaussian_filter

from analysis import profiles, storage
from analysis.electrochemistry import gamma_fit
from analysis.electrochemistry.materials import DEFAULT
from analysis.electrochemistry.porous_electrode import homogenization
from analysis.simulation import campaign, case_lists, cases, control_variate

VOXEL_UM, CURRENT, NOISE_V = 1.284, 6.0, 2e-3
MATERIALS = replace(DEFAULT, cutoff_V=3.4)
OPTIONS = {"current_mA_cm2": CURRENT, "noise_V": NOISE_V, "materials": MATERIALS}


def blobs(seed, shape=(64, 24, 24)):
    rng = np.random.default_rng(seed)
    solid = gaussian_filter(rng.normal(size=shape), 2.5, mode="wrap")
    binder = gaussian_filter(rng.normal(size=shape), 1.5, mode="wrap")
    labels = np.zeros(shape, np.uint8)
    am = solid > np.quantile(solid, 1 - 0.5954)
    labels[am] = 2
    labels[~am & (binder > np.quantile(binder[~am], 0.43))] = 1
    return labels


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


@pytest.mark.parametrize("change", DEAR)
@pytest.mark.parametrize("nodes", [(0.05, 0.2), (0.02, 0.08, 0.3)])
def test_few_runs_give_the_gamma_of_many(structure, change, nodes):
    dear = DEAR[change](structure)
    truth = 0.11
    target = lithiated(dear, truth)
    runs = {gamma: lithiated(dear, gamma) for gamma in nodes}
    found = control_variate.fit(runs, structure, *target, **OPTIONS).gamma
    plain = gamma_fit.fit_scan(runs, *target, noise_V=NOISE_V).gamma
    assert found == pytest.approx(truth, rel=0.02)
    assert abs(found / truth - 1) < abs(plain / truth - 1)


def test_at_the_dear_runs_the_curves_are_theirs(structure):
    runs = {gamma: lithiated(DEAR["less surface"](structure), gamma) for gamma in (0.03, 0.2)}
    curves = control_variate.corrected_curves(runs, structure, CURRENT, materials=MATERIALS)
    for gamma, (capacity, voltage) in runs.items():
        assert np.array_equal(curves[gamma][0], capacity)
        assert np.array_equal(curves[gamma][1], voltage)
    assert len(curves) > 10 and min(curves) == 0.03 and max(curves) == 0.2
    ends = [curves[gamma][0][-1] for gamma in sorted(curves)]
    assert np.all(np.diff(ends) > 0)


def test_a_cheap_model_without_error_needs_no_correction(structure):
    runs = {gamma: lithiated(structure, gamma) for gamma in (0.03, 0.2)}
    curves = control_variate.corrected_curves(runs, structure, CURRENT, materials=MATERIALS)
    for gamma, (capacity, voltage) in curves.items():
        wanted = lithiated(structure, gamma)
        assert capacity[-1] == pytest.approx(wanted[0][-1], rel=1e-4)
        shown = np.interp(0.5 * capacity[-1], capacity, voltage)
        assert shown == pytest.approx(np.interp(0.5 * capacity[-1], *wanted), abs=1e-3)


def test_one_run_is_too_few_and_says_so(structure):
    with pytest.raises(ValueError, match="Runs at 1 values of gamma; expected at least two"):
        control_variate.fit({0.1: lithiated(structure, 0.1)}, structure, [0, 1], [4, 3], **OPTIONS)


def test_a_cheap_model_that_cannot_run_is_no_control(structure):
    runs = {gamma: lithiated(structure, gamma) for gamma in (0.03, 0.2)}
    short = replace(
        structure,
        electrolyte=0 * structure.electrolyte + 1e-3,
        transport=1e-4 * structure.transport,
    )
    with pytest.raises(ValueError, match=r"does not run at every gamma .*\(0\.03, 0\.2\)"):
        control_variate.corrected_curves(runs, short, CURRENT, materials=MATERIALS)


def test_voxels_with_control_variate_are_fitted_as_by_a_full_scan(tmp_path, monkeypatch):
    """The campaign itself, once with four gammas and once with two and the homogenized model."""
    monkeypatch.setenv(storage.ROOT_VARIABLE, str(tmp_path))
    storage.save_volume("labels/TL-1-truth", blobs(0), profile="smoke", voxel_size_um=VOXEL_UM)
    full = replace(
        profiles.get("smoke"),
        resolved_lateral=24,
        resolved_voxels_per_cell=(2,),
        resolved_currents=(6.0,),
        resolved_gammas=(0.04, 0.06, 0.11, 0.16),
        resolved_tolerance=2.0,
        resolved_predicted=(),
    )
    few = replace(full, resolved_gammas=(0.04, 0.16), resolved_control_variate=True)
    gammas = []
    for profile in (full, few):
        fits, summary = campaign.run_resolved(profile, workers=1, progress=lambda line: None)
        assert not summary.failed, str(summary)
        assert all(not case_lists.predictions(fit, profile) for fit in fits)
        gammas.append([float(cases.load(fit, profile).fitted_gamma) for fit in fits])
    assert gammas[1] == pytest.approx(gammas[0], rel=0.02)
    assert cases.name_of(fits[0], full) != cases.name_of(fits[0], few)
