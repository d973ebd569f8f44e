"""Sets of the challenge: named, different within themselves, and sealed by a secret."""

import numpy as np
import pytest

from analysis import profiles
from analysis.challenge import sets

SMOKE = profiles.get("smoke")
SECRET = "0123456789abcdef"


def test_settings_differ_within_a_set():
    for pairs in (sets.OPEN, sets.sealed_set(SECRET, 32, 48, 4).pairs):
        assert len({pair.name for pair in pairs}) == len(pairs) == 4
        assert len({pair.noise for pair in pairs}) == 4
        assert len({pair.scenario_name for pair in pairs}) >= 2
        assert len({pair.layer_contrast for pair in pairs}) >= 3
    first = sets.OPEN[:2]
    assert first[0].scenario != first[1].scenario and first[0].noise != first[1].noise
    assert first[0].layer_contrast != first[1].layer_contrast


def test_the_sealed_set_follows_from_the_secret_alone():
    one, again, other = (sets.sealed_set(s, 32, 48, 2) for s in (SECRET, SECRET, SECRET + "x"))
    assert one == again and one.pairs != other.pairs
    assert one.seed_for("specimen", 0, "SL") == again.seed_for("specimen", 0, "SL")
    assert one.seed_for("specimen", 0, "SL") != other.seed_for("specimen", 0, "SL")
    for pair in sets.sealed_set(SECRET, 32, 48, 12).pairs:
        assert sets.SEALED_NOISES[0] <= pair.noise <= sets.SEALED_NOISES[1]
        assert sets.SEALED_CONTRASTS[0] <= pair.layer_contrast <= sets.SEALED_CONTRASTS[1]


def test_nothing_shows_the_secret():
    one = sets.sealed_set(SECRET, 32, 48, 2)
    assert SECRET not in repr(one) and SECRET not in str(one) and SECRET not in one.fingerprint


@pytest.mark.parametrize("secret", ["", "   ", "short", "2022"])
def test_a_secret_that_is_none(secret):
    with pytest.raises(ValueError, match=f"{sets.SEED_VARIABLE}.*at least 12 characters"):
        sets.get("sealed", SMOKE, environment={sets.SEED_VARIABLE: secret})
    with pytest.raises(ValueError, match="is not set"):
        sets.get("sealed", SMOKE, environment={})


def test_a_set_that_is_none():
    with pytest.raises(ValueError, match="no set 'closed'; expected one of study, open, sealed"):
        sets.get("closed", SMOKE)


def test_sets_share_no_seed():
    kinds = [sets.get("open", SMOKE), sets.sealed_set(SECRET, 32, 48, 1), sets.get("study", SMOKE)]
    seeds = {one.seed_for("specimen", 0, "SL") for one in kinds}
    assert len(seeds) == 3 and SMOKE.seed_for("specimen", "SL", 1) not in seeds


@pytest.mark.parametrize("value", [-1.0, 0.0, 1.0, 2.9999, 0.123456])
def test_gray_values_are_whole_steps(value):
    gray = np.array([value], np.float32)
    steps = sets.to_steps(gray)
    assert steps.dtype == np.uint16 and abs(sets.from_steps(steps)[0] - value) <= sets.GRAY_STEP / 2
    assert (sets.to_steps(sets.from_steps(steps)) == steps).all()
    assert sets.from_steps(steps).dtype == np.float32


def test_a_volume_is_drawn_again_alike():
    challenge_set = sets.sealed_set(SECRET, 32, 48, 1)
    one, two = (sets.drawn(challenge_set, 0, "SL") for _ in range(2))
    first, second = (sets.imaged(challenge_set, 0, "SL", drawn) for drawn in (one, two))
    assert (first.gray == second.gray).all() and (first.truth == second.truth).all()
    assert (first.fluorine == second.fluorine).all()
    assert first.fluorine.shape[0] == first.gray.shape[0] == first.cbd_profile.size
    assert first.cbd_profile.mean() == pytest.approx(first.targets[1])
    assert (sets.from_steps(sets.to_steps(first.gray)) == first.gray).all()
