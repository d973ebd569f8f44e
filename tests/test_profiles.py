"""Profiles are found by name, and seeds depend on what they are for."""

import re
from pathlib import Path

import pytest

from analysis import profiles


def test_unknown_profile():
    with pytest.raises(ValueError, match="no profile 'huge'; expected one of smoke, demo, paper"):
        profiles.get("huge")


def test_the_paper_profile_has_the_size_of_the_papers_simulations():
    assert profiles.get("paper").lateral == 200
    assert profiles.get("paper").cutouts == 3


def test_seeds_differ_by_what_they_are_for_and_repeat():
    profile = profiles.get("smoke")
    seeds = {profile.seed_for(specimen, cutout) for specimen in ("SL", "TL") for cutout in (1, 2)}
    assert len(seeds) == 4
    assert profile.seed_for("SL", 1) == profile.seed_for("SL", 1)


def test_a_profile_is_looked_up_at_the_entry_only():
    """A chapter, a notebook opened by hand or a command names it; below, the object is passed."""
    entries = {"__main__.py", "profiles.py", "study/current.py", "simulation/campaign.py"}
    entries |= {"record/command.py"}
    entries |= {"study/consistency/measured.py"}  # table(profile) is a public name
    entries |= {"study/own_data/own_tomogram.py"}  # a reader's own volume comes without a profile
    package = Path(__file__).resolve().parents[1] / "analysis"
    found = {}
    for file in package.rglob("*.py"):
        lines = file.read_text(encoding="utf-8").splitlines()
        text = "\n".join(line for line in lines if not line.strip().startswith(">>>"))  # examples
        count = len(re.findall(r"\bprofiles\.get\(|\bPROFILES\[", text))
        if count:
            found[str(file.relative_to(package))] = count
    assert set(found) <= entries, found
    assert found["simulation/campaign.py"] == 1, "the command line only"


def test_name_of_takes_a_profile_or_its_name():
    assert profiles.name_of(profiles.get("demo")) == profiles.name_of("demo") == "demo"
    with pytest.raises(ValueError, match="no profile 'own'"):
        profiles.name_of("own")
