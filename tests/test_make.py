"""What is typed after a make variable reaches Python as typed, and no command in it runs."""

import os
import subprocess
from pathlib import Path

import pytest

ROOT = Path(__file__).resolve().parents[1]

NAMES = [
    "plain.tif",
    "with blanks.tif",
    "`touch PWNED`.tif",
    "$(touch PWNED).tif",
    "$(shell touch PWNED).tif",
    "${HOME}.tif",
    "$HOME.tif",
    "$$.tif",
    "$@ $< $*.tif",
    "it's.tif",
    'a "quoted".tif',
    "'; touch PWNED; '.tif",
    '"; touch PWNED; ".tif',
    "a; touch PWNED.tif",
    "a && touch PWNED.tif",
    "a | touch PWNED.tif",
    "a > PWNED",
    "two\nlines.tif",
    "\ttab.tif",
    "-rf.tif",
    "--help",
    "<script>alert(1)</script>.tif",
    "![x](javascript:alert(1)).tif",
    "back\\slash\\.tif",
    "ends in \\",
    "# no comment.tif",
    "a=b:c%d,e.tif",
    "* ? [a] {b,c} ~.tif",
    "!history.tif",
    "Elektrode µ 電極.tif",
    "$(error stop).tif",
]

ECHO = """#!/bin/sh
printf '%s\\0' "$@" "$TESTS" >> "$SEEN"
"""

TARGETS = {
    "own": ("TOMOGRAM", "VOXEL_SIZE_UM", "FRACTIONS", "DATASET", "CROP", "POLARITY", "OUT"),
    "book": ("PROFILE", "REAL", "JOBS", "DEVICE"),
    "challenge": ("PROFILE", "METHOD", "SET", "OUT", "SECONDS", "MEMORY_GB"),
    "challenge-data": ("SIZE", "SET", "OUT"),
    "sync": ("FROM",),
    "plan": ("PROFILE",),
    "record": ("PROFILE",),
    "verify": ("PROFILE", "CASES", "SEED", "DEVICE"),
    "preview": ("PROFILE",),
    "pdf": ("PROFILE",),
    "epub": ("PROFILE",),
    "crate": ("PROFILE",),
}


@pytest.fixture
def place(tmp_path):
    """A folder with our Makefile, an installed environment, and a Python that only listens."""
    (tmp_path / "Makefile").write_text((ROOT / "Makefile").read_text())
    (tmp_path / "requirements.txt").touch()
    (tmp_path / ".venv").mkdir()
    for made in (".installed", ".compiled"):
        (tmp_path / ".venv" / made).touch()
    echo = tmp_path / "echo-arguments"
    echo.write_text(ECHO)
    echo.chmod(0o755)
    return tmp_path


def make(place, *words, environment=None):
    seen = place / "seen"
    seen.unlink(missing_ok=True)
    inherited = {key: value for key, value in os.environ.items() if not key.startswith("MAKE")}
    done = subprocess.run(
        ["make", "--silent", "RUN=./echo-arguments", *words],
        cwd=place,
        env=inherited | {"SEEN": str(seen)} | (environment or {}),
        capture_output=True,
        text=True,
        timeout=60,
        check=False,
    )
    assert not (place / "PWNED").exists(), "a command in a name was run"
    heard = seen.read_text().split("\0")[:-1] if seen.exists() else [""]
    return done, heard[:-1], heard[-1]


def option(name):
    return "--" + name.lower().replace("_", "-")


@pytest.mark.parametrize("name", NAMES)
def test_every_variable_of_own_arrives(place, name):
    done, words, _ = make(place, "own", *(f"{variable}={name}" for variable in TARGETS["own"]))
    assert done.returncode == 0, done.stderr
    # make drops blanks before a value that stands on its command line
    expected = [f"{option(variable)}={name.lstrip()}" for variable in TARGETS["own"]]
    assert words == ["-m", "analysis", "own", *expected]


@pytest.mark.parametrize("target", [target for target in TARGETS if target != "own"])
def test_every_other_target_passes_its_names_on(place, target):
    for name in NAMES:
        typed = [f"{variable}={name}" for variable in TARGETS[target]]
        done, words, _ = make(place, target, *typed)
        assert done.returncode == 0, done.stderr
        expected = [f"{option(variable)}={name.lstrip()}" for variable in TARGETS[target]]
        assert words == ["-m", "analysis", target, *expected]


@pytest.mark.parametrize("name", NAMES)
def test_words_of_tests_are_not_run(place, name):
    done, _, tests = make(place, "test", f"TESTS={name}")
    assert done.returncode == 0, done.stderr
    assert tests == name.lstrip()


def test_a_name_from_the_environment_arrives_as_well(place):
    for name in NAMES:
        done, words, _ = make(place, "own", environment={"TOMOGRAM": name})
        assert done.returncode == 0, done.stderr
        assert f"--tomogram={name}" in words


@pytest.mark.parametrize("name", NAMES)
def test_a_python_of_any_name_is_called_by_that_name_only(place, name):
    (place / ".venv" / ".installed").unlink()
    done, *_ = make(place, "sync", f"PYTHON={name}")
    assert done.returncode != 0
    assert name.strip().splitlines()[0] in done.stderr
    assert "3.11, 3.12 or 3.13" in done.stderr


def test_clean_takes_only_what_the_profiles_made(place):
    for folder in ("_build/smoke", "results/demo", "results/mine", "_build/paper"):
        (place / folder).mkdir(parents=True)
        (place / folder / "file").touch()
    done, *_ = make(place, "clean")
    assert done.returncode == 0
    assert (place / "results/mine/file").exists() and "results/mine" in done.stdout
    assert not (place / "_build").exists() and not (place / "results/demo").exists()


def test_clean_follows_no_link(place, tmp_path_factory):
    elsewhere = tmp_path_factory.mktemp("disk")
    (elsewhere / "demo").mkdir()
    (place / "results").symlink_to(elsewhere)
    assert make(place, "clean")[0].returncode == 0
    assert (elsewhere / "demo").exists()
