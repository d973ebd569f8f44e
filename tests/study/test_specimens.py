"""The study modules on specimens, tomograph, FIB-SEM and EDX, on a profile of their own."""

import numpy as np
import pytest

from analysis import storage
from analysis.phases import VOXEL_SIZE_UM, Phase
from analysis.profiles import Profile
from analysis.study.imaging import correlative, edx, recipes, specimens, tomography
from analysis.study.morphology import realism

TINY = Profile("tiny", lateral=32, cutouts=1, fib_extent_um=(10.3, 5.2, 5.2), chain_shape=(32, 48))


@pytest.fixture(scope="module")
def built(tmp_path_factory):
    with pytest.MonkeyPatch.context() as patch:
        patch.setenv(storage.ROOT_VARIABLE, str(tmp_path_factory.mktemp("results")))
        patch.delenv(storage.RECORD_VARIABLE, raising=False)
        assert specimens.build(TINY) == ["SL-1", "TL-1", "D-1"]
        correlative.build(TINY)
        yield edx.build(TINY)


@pytest.mark.parametrize("name", ["SL-1", "TL-1", "D-1"])
def test_gray_labels_and_composition_belong_together(built, name):
    gray, labels, composition = (
        storage.load_volume(volume, profile=TINY)
        for volume in (f"gray/{name}", f"labels/{name}-truth", f"composition/{name}-truth")
    )
    assert gray.shape == labels.shape == composition.shape[1:]
    assert gray.attrs["voxel_size_um"] == VOXEL_SIZE_UM
    assert np.mean(composition.values.argmax(axis=0) == labels.values) > 0.98
    means = [gray.values[labels.values == phase].mean() for phase in Phase]
    assert means[Phase.PORE] < means[Phase.CBD] < means[Phase.AM]


def test_building_again_gives_the_same_bytes(built):
    before = storage.load_volume("gray/SL-1", profile=TINY).values
    specimens.build(TINY, specimens=("SL",))
    np.testing.assert_array_equal(storage.load_volume("gray/SL-1", profile=TINY).values, before)


def test_the_stack_comes_back_as_it_was_written(built):
    found = correlative.load(TINY)
    composition, position = found.compositions(binning=2)
    stored = storage.load_volume(f"composition/{correlative.NAME}-bin2", profile=TINY)
    np.testing.assert_allclose(stored.values, composition)
    assert tuple(np.atleast_1d(stored.attrs["position"])) == position
    assert found.stack.gray.dtype == np.uint8


def test_compositions_agree_where_placed_and_not_where_moved(built):
    table = correlative.check_compositions(TINY).set_index(["binning", "misplaced [µm]"])
    phases = [phase.title for phase in Phase]
    assert table.loc[(1, 0.0), phases].max() <= 0.03
    assert table.loc[(2, 0.0), phases].max() <= 0.03
    assert table.loc[(1, 0.15), phases].max() > 2 * table.loc[(1, 0.0), phases].max()


def test_the_chosen_cutout_is_closer_to_the_whole_than_most(built):
    table = correlative.cutout_scatter(TINY)
    assert np.all(np.abs(table.chosen - table.whole) < table.spread)
    assert table["mean"].sum() == pytest.approx(1)


def test_edx_has_one_row_per_section_and_fit(built):
    single = built[built.section.str.isdigit()]
    assert single.groupby(["specimen", "fit"]).size().min() >= 15
    summary = edx.summary(built)
    assert list(summary.columns[:3]) == ["specimen", "fit", "true CBD"]
    tl = summary.set_index(["specimen", "fit"]).loc[("TL", "step")]
    # Fluorine overstates the step of the CBD.
    assert tl["mean"] > 1.2 * tl["true CBD"] > 0


@pytest.mark.parametrize("fit", ["line", "step"])
@pytest.mark.parametrize("corrected", [False, True])
def test_closing_gets_a_profile_with_the_target_mean(built, fit, corrected):
    profile = edx.cbd_targets(TINY, "TL", fit=fit, corrected=corrected)
    assert profile.shape == (266,)
    assert profile.mean() == pytest.approx(0.2308, abs=1e-4)


def test_fast_tomograph_is_validated(built):
    table, spectra = tomography.validate(TINY)
    assert table.correlation.min() >= 0.995
    assert np.abs(table.gain - 1).max() <= 0.03
    np.testing.assert_allclose(spectra.chain.sum("frequency"), 1)


def test_specimen_check_names_every_demand(built):
    table = tomography.specimen_check(TINY)
    assert set(table.specimen) == {"SL", "TL"}
    assert (table.verdict == "holds here").mean() > 0.7  # 20 µm of electrode are few particles


def test_center_of_a_bump_on_a_ramp():
    depth = np.arange(2.0, 170.0, 2.57)
    ramp = np.interp(depth, [70, 90], [0.16, 0.30])
    bump = 0.08 * np.exp(-0.5 * ((depth - 80.7) / 3.5) ** 2)
    assert tomography._center_of_bump(depth, ramp + bump) == pytest.approx(80.7, abs=0.5)


def test_recipes_reproduce_the_printed_fractions_only_with_the_implied_densities():
    assert all(
        str(verdict).startswith("agrees") for verdict in recipes.printed_fractions().values()
    )
    table = recipes.densities().set_index("densities")
    assert table.loc["implied by the paper", "AM"] == pytest.approx(59.54, abs=0.005)
    assert abs(table.loc["usual, high", "AM"] - 59.54) > 1


def test_score_counts_calibration_apart(built):
    import pandas as pd

    judged = pd.DataFrame(
        {
            "quantity": ["r_max_AM"] * 3,
            "method": ["thresholding", "kmeans", "nn-cbd-cond"],
            "role": ["calibration", "validation", "validation"],
            "ours": [3.6, 3.8, 3.5],
            "paper": [3.65, 3.77, 3.0],
            "verdict": ["agrees", "agrees", "differs"],
            "tolerance": [0.1] * 3,
            "agrees": [True, True, False],
        }
    )
    score = realism.score(judged).iloc[0]
    assert score["columns"] == 3
    assert (score["matched"], score["matched, validation"]) == (2, 1)
    rest = realism.unmatched(judged)
    assert list(rest.method) == ["nn-cbd-cond"]
    assert rest.reason.iloc[0]
