"""Two or three dear runs and the cheap model give the gamma that many dear runs give."""

from dataclasses import replace

import numpy as np
import pytest
import xarray as xr

from analysis import profiles, storage
from analysis.electrochemistry import gamma_fit
from analysis.electrochemistry.materials import DEFAULT
from analysis.electrochemistry.porous_electrode import homogenization
from analysis.simulation import cases, control_variate
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


@pytest.mark.parametrize(
    ("change", "nodes"), zip(DEAR, 2 * ((0.05, 0.2), (0.02, 0.08, 0.3)), strict=True)
)
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


def test_a_campaign_fits_resolved_cases_with_the_control_variate(tmp_path, monkeypatch, structure):
    """The case itself; its resolved runs stand in for voxels by a model with less surface."""
    monkeypatch.setenv(storage.ROOT_VARIABLE, str(tmp_path))
    profile = replace(
        profiles.get("smoke"),
        resolved_lateral=24,
        resolved_gammas=(0.025, 0.08, 0.25),
        resolved_control_variate=True,
        resolved_cutoff_V=MATERIALS.cutoff_V,
    )
    for method in ("truth", "kmeans"):
        storage.save_volume(
            f"labels/TL-1-{method}", blobs(1), profile=profile, voxel_size_um=VOXEL_UM
        )
    fit = cases.Case("fit", "TL", 1, "kmeans", 0.08, CURRENT, "resolved", 4)
    run = replace(fit, kind="lithiation")
    # the map conducts less than the truth: a larger gamma makes up for it
    less = replace(DEAR["less surface"](structure), transport=0.8 * structure.transport)
    put(replace(run, method="truth"), profile, lithiated(DEAR["less surface"](structure), 0.08))
    for gamma in profile.resolved_gammas:
        put(replace(run, gamma=gamma), profile, lithiated(less, gamma))
    assert [one.gamma for one in cases.scan(fit, profile)] == [0.08, 0.25]
    assert not simulations.execute(fit, profile).reason
    found = cases.load(fit, profile)
    many = {gamma: lithiated(less, gamma) for gamma in np.geomspace(0.08, 0.2, 9)}
    target = cases.load(replace(run, method="truth"), profile)
    full = gamma_fit.fit_scan(many, *simulations.noisy(target, fit, profile), noise_V=NOISE_V)
    assert float(found.fitted_gamma) == pytest.approx(full.gamma, rel=0.02)
    assert 0.09 < full.gamma < 0.15
    plain = replace(profile, resolved_control_variate=False)
    assert cases.name_of(fit, plain) != cases.name_of(fit, profile)


def put(case, profile, curve):
    capacity, voltage = curve
    data = xr.Dataset(
        {"capacity_mAh_cm2": ("point", capacity), "voltage_V": ("point", voltage)},
        coords={"time_s": ("point", 3600 * capacity / CURRENT)},
    )
    with storage.atomic(cases.file_of(case, profile)) as temporary:
        data.to_netcdf(temporary, engine="h5netcdf")
