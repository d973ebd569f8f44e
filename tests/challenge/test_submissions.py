"""Entries that are sent in: complete or refused, with what is missing."""

import pytest

from analysis.challenge import submissions

GOOD = {
    "name": "My method",
    "script": "mine.py",
    "authors": "[A. Person, B. Person]",
    "licence": "MIT",
    "about": "What it does.",
}


def write(folder, file="mine.yml", **changes):
    (folder / "mine.py").write_text("def trinarize(): ...\n")
    fields = {key: value for key, value in (GOOD | changes).items() if value is not None}
    path = folder / file
    path.write_text("".join(f"{key}: {value}\n" for key, value in fields.items()))
    return path


def test_a_submission_is_read(tmp_path):
    write(tmp_path, doi="10.1000/example")
    (one,) = submissions.everything(tmp_path)
    assert one.name == "My method" and one.authors == ("A. Person", "B. Person")
    assert one.script == tmp_path / "mine.py" and one.doi == "10.1000/example" and one.url == ""


@pytest.mark.parametrize(
    ("changes", "words"),
    [
        ({"authors": None}, "lacks authors"),
        ({"about": "''"}, "lacks about"),
        ({"method": "x"}, "has method"),
        ({"authors": "A. Person"}, "a list of names"),
        ({"authors": "[1, 2]"}, "a list of names"),
        ({"licence": "[MIT]"}, "expected text"),
        ({"script": "absent.py"}, "expected the name of a Python file"),
        ({"script": "../mine.py"}, "expected the name of a Python file"),
        ({"script": "mine.yml"}, "expected the name of a Python file"),
        ({"name": "x" * 41}, "at most 40"),
        ({"name": "Truth"}, "taken by the book"),
        ({"name": "k-means"}, "taken by the book"),
        ({"name": "thresholding"}, "taken by the book"),
        ({"name": "'a: b\n"}, "is no YAML"),
        ({"name": "!!python/object/apply:os.system ['true']"}, "is no YAML"),
    ],
)
def test_what_is_refused(tmp_path, changes, words):
    with pytest.raises(ValueError, match=words) as caught:
        submissions.read(write(tmp_path, **changes))
    assert "mine.yml" in str(caught.value)


def test_no_mapping(tmp_path):
    (tmp_path / "mine.yml").write_text("- a\n- b\n")
    with pytest.raises(ValueError, match="holds list"):
        submissions.everything(tmp_path)


def test_two_of_one_name(tmp_path):
    write(tmp_path)
    write(tmp_path, "other.yml", name="MY METHOD")
    with pytest.raises(ValueError, match="several entries named"):
        submissions.everything(tmp_path)


def test_the_books_own_are_complete():
    found = submissions.everything()
    assert {one.script.name for one in found} >= {"smoothing.py", "markov_field.py"}
