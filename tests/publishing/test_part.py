"""A part of the chapters is run with all that it needs, and the manifest keeps the others."""

import pytest

from publishing import build, stamps
from publishing.chapters import (
    COLOPHON,
    MORPHOLOGY,
    TRINARIZATIONS,
    Chapter,
    chapters_in_book,
    with_needs,
)

ABC = [Chapter("a"), Chapter("b", needs=("a",)), Chapter("c"), Chapter("d", needs=("b", "c"))]


@pytest.mark.parametrize(
    ("wanted", "part"), [(["b"], "ab"), (["c"], "c"), (["d"], "abcd"), (["c", "b"], "abc")]
)
def test_a_chapter_brings_what_it_needs_in_the_order_of_the_book(wanted, part):
    assert [chapter.name for chapter in with_needs(wanted, ABC)] == list(part)


def test_the_colophon_needs_all_others():
    book = chapters_in_book()
    assert with_needs([COLOPHON], book) == book


@pytest.mark.parametrize("part", [TRINARIZATIONS, MORPHOLOGY])
def test_the_parts_of_a_record_are_chapters_and_lithiate_nothing(part):
    names = {chapter.name for chapter in with_needs(part, chapters_in_book())}
    assert set(part) <= names and "14b_resolved" not in names


def test_an_unknown_chapter_is_told_with_the_one_that_is_meant():
    with pytest.raises(ValueError, match=r"no chapter '14b_resolve'. Did you mean '14b_resolved'"):
        build.build_book("smoke", part=["14b_resolve"], pages=False)


def test_no_site_is_made_of_a_part():
    with pytest.raises(ValueError, match="give --no-site"):
        build.build_book("smoke", part=["01_electrodes"])


def test_the_manifest_keeps_chapters_that_were_not_run(monkeypatch, tmp_path):
    named = []
    monkeypatch.setattr(build, "opengl", type("", (), {"check": lambda: None}))
    monkeypatch.setattr(build, "_clear_up", lambda *_: None)
    monkeypatch.setattr(build, "table_of_seconds", lambda *_: "")
    monkeypatch.setattr(build, "folders", lambda profile: stamps.Build(profile, tmp_path))
    monkeypatch.setattr("publishing.execute.in_order", lambda *_: None)
    monkeypatch.setattr(stamps, "write_manifest", lambda _, names: named.extend(names))
    build.build_book("smoke", part=["03_thresholding"], pages=False, progress=lambda line: None)
    assert named == [chapter.name for chapter in chapters_in_book()]
