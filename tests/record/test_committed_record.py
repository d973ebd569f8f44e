"""The record that comes with the repository holds: its cheapest case is run anew."""

from analysis import profiles
from analysis.record import collect, verify
from analysis.simulation import cases
from analysis.storage import published

SMOKE = profiles.get("smoke")


def test_the_cheapest_recorded_case_gives_the_same_numbers_today():
    recorded = [one for one in verify.within_reach(SMOKE) if one[0].method == "truth"]
    cheapest = min(recorded, key=lambda one: one[2]["made_by"]["cpu_s"])
    verdict = verify.run_anew(*cheapest, SMOKE)
    assert verdict.agrees, f"{verdict.case}: {verdict.said}"


def test_its_files_are_as_they_were_written_and_small():
    files = published.manifest(SMOKE)["files"]
    assert len(files) > 5
    assert not {
        name: published.trouble(SMOKE, name, files[name])
        for name in files
        if published.trouble(SMOKE, name, files[name])
    }
    assert sum(entry["bytes"] for entry in files.values()) < 1e6
    paper = published.manifest(profiles.get("paper"))["files"]
    assert sum(entry["bytes"] for entry in paper.values()) <= 1e6 * collect.LIMIT_MB


def test_a_fit_is_verified_though_the_record_lacks_runs_that_it_rests_on():
    recorded = verify.recorded_cases(SMOKE)
    there = [case for case, _, _ in recorded]
    fit = next(one for one in recorded if one[0].kind == "fit" and one[0].resolved)
    assert not set(cases.scan(fit[0], SMOKE)) <= set(there)
    verdict = verify.run_anew(*fit, SMOKE)
    assert verdict.agrees, str(verdict)
    assert "gamma" in verdict.said
