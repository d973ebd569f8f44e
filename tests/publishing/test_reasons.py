"""A chapter must run for a reason, and the reason is named."""

import json

import pytest

from analysis import storage
from publishing import stamps
from publishing.build import table_of_seconds
from publishing.chapters import chapters_in_book

NOW = {"cells": "c", "parameters": {"profile": "smoke"}, "modules": {"a.py": "1"}, "offered": []}


@pytest.fixture
def build(results, tmp_path):
    """A chapter that has run, read one file and written another."""
    made = stamps.Build("smoke", tmp_path / "build")
    used = {}
    for name in ("in.csv", "out.csv"):
        file = results / "smoke" / "tables" / name
        with storage.atomic(file) as temporary:
            temporary.write_text(name)
        used[name] = {f"smoke/tables/{name}": {"sha256": storage.sha256(file), "bytes": 6}}
    stamp = {"fingerprint": NOW, "reads": used["in.csv"], "writes": used["out.csv"]}
    stamp |= {"seconds": 3.0, "cpu_seconds": 4.0, "peak_memory_MB": 500}
    made.executed("01_a").parent.mkdir(parents=True)
    made.executed("01_a").write_text("{}")
    stamps.write_stamp(made, "01_a", stamp)
    return made


def test_nothing_changed_nothing_runs(build):
    assert stamps.reason_to_run(build, "01_a", NOW) == ""


@pytest.mark.parametrize(
    ("change", "reason"),
    [
        ({"cells": "d"}, "its code changed"),
        ({"parameters": {"profile": "demo"}}, "its parameters changed"),
        ({"modules": {"a.py": "2"}}, "a.py changed"),
        ({"modules": {"a.py": "1", "b.py": "1"}}, "b.py changed"),
        ({"offered": ["x"]}, "the chapters before it offer other results"),
    ],
)
def test_what_changed_is_named(build, change, reason):
    assert stamps.reason_to_run(build, "01_a", NOW | change) == reason


@pytest.mark.parametrize("name", ["in.csv", "out.csv"])
def test_a_result_file_that_is_other_or_gone_counts(build, results, name):
    file = results / "smoke" / "tables" / name
    file.write_text("other")
    assert stamps.reason_to_run(build, "01_a", NOW) == f"smoke/tables/{name} changed"
    file.unlink()
    assert stamps.reason_to_run(build, "01_a", NOW) == f"smoke/tables/{name} changed"


def test_a_chapter_without_stamp_or_copy_has_not_run(build):
    assert stamps.reason_to_run(build, "02_b", NOW) == "not run yet"
    build.executed("01_a").unlink()
    assert stamps.reason_to_run(build, "01_a", NOW) == "not run yet"


def test_half_a_stamp_is_no_stamp(build):
    build.stamp("01_a").write_text('{"fingerprint": {')
    assert stamps.read_stamp(build, "01_a") is None


def test_a_file_that_a_chapter_wrote_itself_is_no_input(tmp_path):
    record = tmp_path / "record.jsonl"
    lines = [("write", "a"), ("read", "a"), ("read", "b")]
    record.write_text(
        "\n".join(json.dumps({"operation": o, "path": p, "time": 0, "sha256": p}) for o, p in lines)
    )
    reads, writes = stamps.collect_record(record)
    assert set(reads) == {"b"} and set(writes) == {"a"}


def test_the_manifest_holds_inputs_and_outputs_with_hashes(build, results):
    manifest = json.loads(stamps.write_manifest(build, ["01_a", "02_b"]).read_text())
    assert list(manifest["chapters"]) == ["01_a"]
    entry = manifest["chapters"]["01_a"]
    tables = results / "smoke" / "tables"
    assert entry["inputs"] == {"smoke/tables/in.csv": storage.sha256(tables / "in.csv")}
    written = entry["outputs"]["smoke/tables/out.csv"]
    assert written["sha256"] == storage.sha256(tables / "out.csv")
    assert entry["seconds"] == 3.0


def test_the_table_of_seconds_says_what_was_kept_and_what_was_slow(build):
    lines = table_of_seconds(build, ["01_a"], ran=[]).splitlines()
    assert lines[1].split() == ["01_a", "3.0", "4.0", "0.5", "kept"]
    assert lines[-1] == "slowest: 01_a (3 s)"


@pytest.mark.parametrize(
    ("names", "complaint"),
    [
        (["01_electrodes", "99_other"], "99_other, which publishing/chapters.py does not declare"),
        (["02b_correlative"], "02b_correlative needs 02_tomography"),
    ],
)
def test_a_book_that_does_not_hold_together_is_refused(tmp_path, names, complaint):
    files = "".join(f"  - file: book/{name}.ipynb\n" for name in names)
    (tmp_path / "_toc.yml").write_text(f"format: jb-book\nroot: book/index\nchapters:\n{files}")
    with pytest.raises(ValueError, match=complaint):
        chapters_in_book(tmp_path)
