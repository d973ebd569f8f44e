"""Profiles are found by name, and seeds depend on what they are for."""

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
