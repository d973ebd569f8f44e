"""The plan counts what the campaign runs, knows what is finished, and takes no cost for free."""

import json
from dataclasses import replace

import numpy as np
import pytest
import xarray as xr

from analysis import profiles, storage
from analysis.record import plan, unit_costs
from analysis.simulation import case_lists, cases, costs
from analysis.simulation.cases import Case

SMOKE, PAPER = profiles.get("smoke"), profiles.get("paper")


@pytest.fixture
def results(tmp_path, monkeypatch):
    monkeypatch.setenv(storage.ROOT_VARIABLE, str(tmp_path))
    return tmp_path


def put_labels(profile, methods=None):
    methods = methods or {*profile.fit_methods, *profile.resolved_methods, "truth"}
    for specimen in profiles.ELECTRODES:
        for cutout in profile.cutout_numbers:
            for method in methods:
                storage.save_volume(
                    f"labels/{specimen}-{cutout}-{method}",
                    np.zeros((2, 2, 2), np.uint8),
                    profile=profile,
                    voxel_size_um=0.642,
                )


def finish(case, profile, **numbers):
    with storage.atomic(cases.file_of(case, profile)) as temporary:
        xr.Dataset({key: ("point", value) for key, value in numbers.items()}).to_netcdf(temporary)


def row_of(rows, kind):
    (row,) = [row for row in rows if row.kind == kind]
    return row


@pytest.mark.parametrize("name", ["smoke", "demo"])
def test_what_is_planned_is_what_the_campaign_runs(results, name):
    profile = replace(profiles.get(name), cutouts=1, resolved_cutouts=1)
    planned, after = plan.planned_cases(profile)
    assert len(planned) == len(set(planned))
    put_labels(profile)
    first, second = case_lists.fit_cases(profile)
    runs, fits = case_lists.resolved_cases(profile)
    assert set(planned) == {*first, *second, *runs, *fits}
    named = profile.resolved_predicted or profile.resolved_fitted
    expected = len(named) * len(profile.resolved_currents) * len(profile.resolved_specimens)
    predicted = [one for fit, some in after for one in some if len(some) > 1]
    assert len(predicted) == expected


def test_the_papers_plan_is_three_cutouts_two_electrodes_fourteen_maps_and_the_truth(results):
    planned, after = plan.planned_cases(PAPER)
    fits = [case for case in planned if case.kind == "fit" and case.resolved]
    assert len({case.method for case in fits}) == 15
    assert {(case.specimen, case.cutout) for case in fits} == {
        (specimen, cutout) for specimen in ("SL", "TL") for cutout in (1, 2, 3)
    }
    truth = [case for case in planned if case.method == "truth" and case.resolved]
    assert {case.current_mA_cm2 for case in truth} == {1.0, 3.0, 6.0, 8.0, 10.0, 12.0}
    six = {fit.method for fit, some in after if len(some) == 6}
    assert six == {"thresholding", "kmeans", "edx-closing", "nn-am-cond"}


def test_the_papers_plan_fits_fourteen_hours_on_two_cores(results):
    rows = plan.plan(PAPER)
    known = [row for row in rows if row.cpu_s == row.cpu_s]
    assert row_of(rows, "resolved lithiation") in known
    hours = sum(row.cpu_s for row in known) / 3600 / plan.CORES
    assert 5 < hours <= plan.LIMIT_H
    assert f"about {hours:.1f} h in all" in plan.text(PAPER, rows)


@pytest.mark.parametrize("factor", [0.5, 2, 3])
def test_the_cost_of_a_resolved_run_grows_with_its_cells(results, factor):
    case = Case("lithiation", "SL", 1, "truth", 0.08, 6.0, "resolved", 2)
    large = replace(PAPER, resolved_lateral=int(factor * PAPER.resolved_lateral))
    ratio = unit_costs.size_of(case, large) / unit_costs.size_of(case, PAPER)
    assert ratio == pytest.approx(factor**2)
    coarse = unit_costs.size_of(replace(case, voxels_per_cell=4), PAPER)
    assert unit_costs.size_of(case, PAPER) / coarse == pytest.approx(8)


def test_finished_cases_are_not_left_and_their_costs_serve(results, monkeypatch):
    monkeypatch.setattr(unit_costs, "BENCHMARKS", results)  # nothing is known
    put_labels(SMOKE)
    case = Case("structure", "SL", 1, "kmeans")
    row = row_of(plan.plan(SMOKE), "structure")
    assert row.finished == 0 and np.isnan(row.cpu_s) and row.source == "never measured"
    finish(case, SMOKE, transport=[1.0])
    meter = costs.Meter()
    meter.read = lambda: (7.0, 9.0)
    costs.write(case, SMOKE, meter, {})
    row = row_of(plan.plan(SMOKE), "structure")
    # voxels of SL and TL are alike within 5 %
    assert row.finished == 1 and row.source == "results/smoke"
    assert row.cpu_s == pytest.approx(7.0 * row.number, rel=0.05)
    assert row.left_s == pytest.approx(row.cpu_s - 7.0)
    elsewhere = row_of(plan.plan(profiles.get("demo")), "structure")
    assert elsewhere.source == "results/smoke"
    assert elsewhere.cpu_s / elsewhere.number == pytest.approx(7.0 * 9, rel=0.05)  # 96 over 32


def test_what_was_never_measured_is_named_and_not_taken_for_free(results, monkeypatch):
    monkeypatch.setattr(unit_costs, "BENCHMARKS", results)
    said = plan.text(SMOKE)
    assert "Never measured, and not in the sums: " in said
    for kind in ("homogenized lithiation", "structure", "resolved lithiation", "15_impedance"):
        assert kind in said.split("Never measured")[1]
    assert " nan" not in said


def test_a_cost_file_cut_short_counts_as_unknown(results):
    put_labels(SMOKE)
    case = Case("structure", "TL", 1, "kmeans")
    finish(case, SMOKE, transport=[1.0])
    cost = costs.write(case, SMOKE, costs.Meter(), {"cells": 12, "steps": 3})
    assert costs.load(case, SMOKE) == json.loads(json.dumps(cost))
    assert cost["cells"] == 12 and {"commit", "machine", "versions"} <= set(cost)
    file = costs.file_of(case, SMOKE)
    for broken in ("", '{"cpu_s": ', '{"cpu_s": "many"}', "[]"):
        file.write_text(broken)
        assert costs.load(case, SMOKE) is None


@pytest.mark.parametrize(("each", "expected"), [(2.0, 84), (2.25, 105), (3.5, 210)])
def test_as_many_further_runs_are_planned_as_were_measured(results, monkeypatch, each, expected):
    measured = {"runs_per_map": each, "maps": 8, "fit_cpu_s": 4.0, "peak_MB": 300.0}
    monkeypatch.setattr(plan.control_variate, "measured", lambda: measured)
    _, after = plan.planned_cases(PAPER)
    further = [one for _, some in after for one in some if one.current_mA_cm2 == 6.0]
    predicted = 4 * 2  # maps and electrodes whose gamma is also predicted with, at 6 mA/cm2 too
    assert len(further) - predicted == expected
    assert f"need {each:.2f} resolved runs" in plan.text(PAPER)
    row = row_of(plan.plan(PAPER), "resolved fit")
    assert row.cpu_s == pytest.approx(4.0 * row.number) and "8 maps" in row.source


def test_runs_of_a_finished_fit_are_those_that_it_tells(results):
    profile = replace(PAPER, cutouts=1)
    put_labels(profile, ("kmeans", "truth"))
    fit = Case("fit", "TL", 1, "kmeans", 0.08, 6.0, "resolved", 2)
    assert [one.gamma for one in cases.scan(fit, profile)] == [0.08]
    before = sum(len(some) for _, some in plan.planned_cases(profile)[1])
    with storage.atomic(cases.file_of(fit, profile)) as temporary:
        data = xr.Dataset({"lithiated": ("run", [0.08, 0.2, 0.27]), "fitted_gamma": 0.25})
        data.to_netcdf(temporary, engine="h5netcdf")
    assert [one.gamma for one in cases.scan(fit, profile)] == [0.08, 0.2, 0.27]
    planned, after = plan.planned_cases(profile)
    lithiation = replace(fit, kind="lithiation")
    assert {replace(lithiation, gamma=gamma) for gamma in (0.2, 0.27)} <= set(planned)
    assert before - sum(len(some) for _, some in after) in (1, 2)
    full = replace(profile, resolved_control_variate=False)
    assert [one.gamma for one in cases.scan(fit, full)] == [0.02, 0.08, 0.5]


@pytest.mark.parametrize("gammas", [(0.08,), (0.02, 0.5), (0.02, 0.08, 0.2, 0.5)])
def test_a_control_variate_takes_three_gammas(results, gammas):
    with pytest.raises(ValueError, match="expected three"):
        cases.first_gamma(replace(PAPER, resolved_gammas=gammas))
