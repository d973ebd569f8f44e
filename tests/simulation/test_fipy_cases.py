"""Lithiations in FiPy as cases: run once, beside their copies, on Dask as here."""

from dataclasses import replace

import numpy as np
import pandas as pd
import pytest

from analysis import profiles, storage
from analysis.simulation import campaign, cases
from analysis.study.cells import fipy_model

CASE = cases.Case("lithiation", "TL", 1, "truth", 0.08, 12.0, "fipy")


@pytest.fixture
def volumes(results, monkeypatch):
    rng = np.random.default_rng(5)
    labels = rng.choice(np.array([0, 1, 2], np.uint8), (64, 8, 8), p=(0.2, 0.2, 0.6))
    labels[:, :3, :3] = 0  # a straight pore, or nothing would reach the back
    storage.save_volume("labels/TL-1-truth", labels, profile="smoke", voxel_size_um=2.568)
    small = replace(profiles.get("smoke"), fipy_currents=(12.0,))
    monkeypatch.setitem(profiles.PROFILES, "smoke", small)
    return results


def test_cases_in_fipy_run_once_and_agree_with_their_copies(volumes):
    lines = []
    table, curves = fipy_model.run(profiles.get("smoke"), workers=1, progress=lines.append)
    done = [line for line in lines if line.endswith(": done")]
    assert list(table.note) == [""] and len(done) == 3  # structure, FiPy, copy
    assert table.rms_mV[0] <= 0.05 and abs(table.capacity_percent[0]) <= 0.01
    assert max(table.salt[0], table.lithium[0]) < 1e-6
    assert set(curves[("TL", "truth")][0]) == {12.0}
    pairs, summary = campaign.run_fipy(profiles.get("smoke"), workers=1, progress=lines.append)
    assert pairs == [(CASE, replace(CASE, fidelity="coarse"))]
    assert (summary.run, summary.finished) == (0, 3)
    assert sum(line.endswith(": done") for line in lines) == 3  # no more than before
    data = cases.load(CASE, profiles.get("smoke"))
    copy = cases.load(pairs[0][1], profiles.get("smoke"))
    assert set(data.variables) == set(copy.variables) and data.attrs["fidelity"] == "fipy"
    assert cases.name_of(CASE, profiles.get("smoke")) != cases.name_of(
        pairs[0][1], profiles.get("smoke")
    )


@pytest.mark.slow
def test_a_case_in_fipy_on_dask_is_the_one_of_this_process(volumes):
    import distributed

    campaign.run_fipy(profiles.get("smoke"), workers=1, progress=lambda line: None)
    here = cases.load(CASE, profiles.get("smoke"))
    for file in (volumes / "smoke/cases").glob("lithiation*"):
        file.unlink()
    with distributed.LocalCluster(n_workers=1, threads_per_worker=1, dashboard_address=None) as one:
        campaign.run(
            [CASE],
            profiles.get("smoke"),
            scheduler=one.scheduler_address,
            progress=lambda line: None,
        )
    np.testing.assert_array_equal(cases.load(CASE, profiles.get("smoke")).voltage_V, here.voltage_V)


def test_a_map_runs_in_fipy_only_when_its_gamma_is_fitted(volumes):
    assert campaign.fipy_cases(profiles.get("smoke")) == [CASE]


def rows(**change):
    row = dict(specimen="TL", method="truth", current=6.0, rms_mV=1e-4, capacity_percent=1e-6)
    return pd.DataFrame([row | dict(salt=1e-12, lithium=1e-10, note="") | change])


@pytest.mark.parametrize(
    "change, words",
    [
        ({}, "The backends agree:.*loses neither"),
        (dict(rms_mV=0.2), "The backends do not agree:.*2.0e-01 mV"),
        (dict(capacity_percent=-0.5), "The backends do not agree:.*5.0e-01 %"),
        (dict(lithium=1e-3), "The backends agree:.*loses up to 1e-03"),
        (dict(note="not run"), "nothing can be compared"),
    ],
)
def test_the_sentence_turns_with_the_numbers(change, words):
    import re

    assert re.search(words, fipy_model.agreement_text(rows(**change)))
