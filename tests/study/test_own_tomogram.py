"""A typo in the profile of the chapter on one's own tomogram is said before anything is written."""

import numpy as np
import pytest

from analysis import profiles
from analysis.study.book import overview
from analysis.study.own_data import own_tomogram


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
