"""A notebook that is opened by hand finds its results, or says which chapters to run first."""

import re
from pathlib import Path

import jupytext
import numpy as np
import pytest

from analysis import profiles, storage
from analysis.study import catalogue, current
from analysis.study.book import conclusion, overview
from analysis.study.morphology import coverage, depth_profiles, sizes, tortuosity
from analysis.study.trinarization import agreement, contrast
from publishing.chapters import CHAPTERS
from publishing.execute import accepted

SMOKE = profiles.get("smoke")


def leave_results(profile, *methods):
    for specimen in profiles.ELECTRODES:
        for cutout in profiles.get(profile).cutout_numbers:
            for method in methods:
                storage.save_volume(
                    f"labels/{specimen}-{cutout}-{method}", np.zeros((2, 2, 2), np.uint8),
                    profile=profile, voxel_size_um=1.0,
                )  # fmt: skip


@pytest.fixture
def no_variable(results, monkeypatch):
    monkeypatch.delenv(current.VARIABLE, raising=False)


def test_without_results_it_is_the_published_profile(no_variable):
    assert current.profile() == "demo"


@pytest.mark.parametrize(
    ("there", "chosen"),
    [(["smoke"], "smoke"), (["smoke", "paper"], "paper"), (["smoke", "demo"], "demo")],
)
def test_it_is_the_profile_that_has_results(no_variable, there, chosen):
    for name in there:
        leave_results(name, "truth")
    assert current.profile() == chosen


def test_the_environment_comes_first(no_variable, monkeypatch):
    leave_results("demo", "truth")
    monkeypatch.setenv(current.VARIABLE, " smoke ")
    assert current.profile() == "smoke"
    monkeypatch.setenv(current.VARIABLE, "huge")
    with pytest.raises(ValueError, match="CBD_PROFILE is 'huge'.*expected one of smoke"):
        current.profile()


@pytest.mark.parametrize("chapter", CHAPTERS, ids=lambda chapter: chapter.name)
def test_no_notebook_names_a_profile_and_papermill_can(chapter):
    code = "\n".join(
        cell.source for cell in jupytext.read(chapter.source).cells if cell.cell_type == "code"
    )
    assert not re.search(r"""profile\s*=\s*["'](smoke|demo|paper)["']""", code)
    assert accepted(chapter.source, {"profile": "smoke"}) == {"profile": "smoke"}


READERS = {
    "07 agreement": agreement.run,
    "07 fractions": agreement.fractions,
    "07 scenarios": contrast.scenarios,
    "10 sizes": sizes.run,
    "11 paths": tortuosity.run,
    "12 covariance": coverage.run,
    "13 profiles": depth_profiles.run,
    "16 findings": conclusion.collect,
    "index scores": overview.scores,
}


@pytest.mark.parametrize("read", READERS.values(), ids=READERS)
def test_chapters_before_their_turn_say_what_is_missing(results, read):
    advice = "Run the chapters before this one: make book PROFILE=smoke"
    with pytest.raises(FileNotFoundError, match=advice):
        read(SMOKE)


def test_a_truth_alone_is_nothing_to_compare(results):
    leave_results("smoke", "truth")
    with pytest.raises(FileNotFoundError, match="labels/SL-1-thresholding"):
        overview.scores(SMOKE)


def test_missing_results_are_all_named(results):
    with pytest.raises(FileNotFoundError) as stopped:
        conclusion.collect(SMOKE)
    assert all(repr(name) in str(stopped.value) for name in conclusion.CURVES)


def test_a_method_counts_when_every_cutout_has_it(results):
    leave_results("smoke", "truth", "kmeans")
    only_here = np.zeros((2, 2, 2), np.uint8)
    storage.save_volume("labels/SL-1-thresholding", only_here, profile="smoke", voxel_size_um=1.0)
    assert catalogue.methods_on_disk(SMOKE) == ["kmeans", "truth"]


def test_results_lie_where_the_variable_says(no_variable, results):
    leave_results("smoke", "truth")
    assert Path(results, "smoke", "volumes", "labels", "SL-1-truth.nc").exists()
