"""A reader's tomogram: names on the page, methods that fail, where the file lies."""

import numpy as np
import pandas as pd
import pytest
from markdown_it import MarkdownIt

from analysis import profiles
from analysis.phases import Phase
from analysis.segmentation import clustering, thresholding
from analysis.study.book import overview
from analysis.study.own_data import own_tomogram, volume

TARGETS = {Phase.AM: 0.5954, Phase.CBD: 0.2308, Phase.PORE: 0.1738}

NAMES = [
    "plain.tif",
    "a`b`.tif",
    "``.tif",
    "`",
    "```\nimport os\n```",
    "<script>alert(1)</script>.tif",
    "`<img src=x onerror=alert(1)>`.tif",
    "[link](javascript:alert(1)).tif",
    "**bold** _a_ ~b~.tif",
    "two\n\n# lines.tif",
    "\r\x1b[31m.tif",
    "{{ substitution }} {glue:text}`x`.tif",
    "$x$ $$y$$.tif",
    "back\\slash\\`.tif",
    " blanks ",
    "&amp; &lt;.tif",
    ":::{raw} html\n<b>.tif",
    "µ 電極 \u202e.tif",
    "a\udcff.tif",
]


@pytest.fixture
def gray():
    return np.random.default_rng(3).normal(1000, 200, (20, 20, 20)).astype(np.float32)


@pytest.mark.parametrize("name", NAMES)
def test_a_name_is_one_piece_of_code_and_nothing_else(name):
    tokens = MarkdownIt("commonmark").parse(f"Before {own_tomogram.as_code(name)} after.")
    assert [token.type for token in tokens] == ["paragraph_open", "inline", "paragraph_close"]
    kinds = [token.type for token in tokens[1].children]
    assert kinds == ["text", "code_inline", "text"]
    shown = tokens[1].children[1].content
    assert shown.isprintable()
    if name.isprintable():
        assert shown.strip() == name.strip()


@pytest.mark.parametrize("name", NAMES)
def test_every_text_of_a_name_on_the_page_is_escaped(name, gray):
    text = own_tomogram.introduction(name, gray, 0.5, dataset=name, crop=name, polarity="dark")
    text += "\n\n" + own_tomogram.failures({"kmeans": name})
    html = MarkdownIt("commonmark").render(text)
    live = ("<script", "<img", "<a ", "<h1", "<b>", "<div")
    assert [tag for tag in live if tag in html] == []


@pytest.mark.parametrize(
    ("module", "names"),
    [
        (clustering, ["kmeans", "edx-closing"]),
        (thresholding, ["thresholding"]),
    ],
)
def test_a_method_that_fails_does_not_take_the_others_with_it(gray, monkeypatch, module, names):
    def stop(*_, **__):
        raise RuntimeError("a <b>reason</b>")

    monkeypatch.setattr(module, "trinarize", stop)
    labels, failed = volume.attempt(gray, TARGETS, seed=1)
    assert sorted(failed) == sorted(names)
    assert set(labels) | set(failed) == {"thresholding", "kmeans", "edx-closing"}
    assert "reason" in failed[names[0]]
    shown = own_tomogram.failures(failed)
    assert "missing below" in shown and "`a <b>reason</b>`" in shown
    assert own_tomogram.reference(labels) in labels


def test_no_method_at_all_is_an_error_with_the_reasons(gray, monkeypatch):
    for module in (clustering, thresholding):
        monkeypatch.setattr(module, "trinarize", lambda *_, **__: 1 / 0)
    with pytest.raises(ValueError, match=r"thresholding: division by zero; kmeans: division"):
        volume.attempt(gray, TARGETS, seed=1)


def test_where_nothing_fails_the_study_and_the_reader_get_the_same(gray):
    labels, failed = volume.attempt(gray, TARGETS, seed=1)
    assert failed == {} and own_tomogram.failures(failed) == "Every method gave labels."
    expected = volume.trinarize(gray, TARGETS, seed=1)
    assert labels.keys() == expected.keys()
    assert all((labels[name] == expected[name]).all() for name in labels)


def test_the_sentence_on_agreement_follows_the_table():
    row = {"Jaccard AM": 0.9, "Jaccard CBD": 0.25, "chance CBD": 0.2}
    table = pd.DataFrame([{"method": "kmeans"} | row, {"method": "edx-closing"} | row])
    text = own_tomogram.agreement_sentence(table, "kmeans")
    assert text.startswith("EDX-Closing and k-means share 0.90 of their AM and 0.25")
    assert "nothing to compare" in own_tomogram.agreement_sentence(table[:1], "kmeans")


def test_files_are_found_whatever_their_folders_are_called(tmp_path, monkeypatch):
    folder = tmp_path / "[a] *?" / "slices"
    folder.mkdir(parents=True)
    for name in ("s1.tif", "s2.tif", "one[1].tif"):
        (folder / name).touch()
    monkeypatch.chdir(folder.parent)
    for typed, names in {
        "slices/s*.tif": ["s1.tif", "s2.tif"],
        "slices/one[1].tif": ["one[1].tif"],
        "slices/s1.tif": ["s1.tif"],
        "sl*/s?.tif": ["s1.tif", "s2.tif"],
    }.items():
        found = own_tomogram.files_of(*own_tomogram.split(typed))
        assert [file.name for file in found] == names
    assert own_tomogram.split("/data/scan.tif") == ("/data", "scan.tif")


@pytest.mark.parametrize("profile", ["demoo", "smok", "DEMO"])
@pytest.mark.parametrize(
    "call",
    [
        own_tomogram.example_file,
        lambda profile: own_tomogram.save({"kmeans": np.zeros((4, 4, 4), np.uint8)}, 1.0, profile),
        lambda profile: overview.labels(profile, "SL", 1),
    ],
)
def test_a_typo_in_the_profile_makes_no_folder(results, profile, call):
    with pytest.raises(ValueError, match=f"no profile '{profile}'; expected one of smoke, demo"):
        call(profile)
    assert not results.exists()


def test_a_readers_own_results_need_no_profile(results):
    own_tomogram.save({"kmeans": np.zeros((4, 4, 4), np.uint8)}, 1.0, "own")
    assert "own" not in profiles.PROFILES
    assert (results / "own/volumes/labels/OWN-1-kmeans.tif").exists()
