"""Thresholding, agreement and the landing page on two small electrodes with planted phases."""

import numpy as np
import pytest
from scipy import ndimage

from analysis import electrodes, storage
from analysis.phases import VOXEL_SIZE_UM, Phase
from analysis.profiles import Profile
from analysis.study.book import overview
from analysis.study.catalogue import methods_on_disk
from analysis.study.trinarization import agreement, thresholding

TWO = Profile("two", lateral=24, cutouts=2)
GRAY = {Phase.PORE: 1.0, Phase.CBD: 2.0, Phase.AM: 4.0}


def planted(specimen, cutout):
    """Labels with the target fractions, and gray values in which no two phases overlap."""
    rng = np.random.default_rng([cutout, specimen == "TL"])
    field = ndimage.gaussian_filter(rng.normal(size=(30, 24, 24)), 1.5).ravel()
    targets = electrodes.electrode(specimen).targets()
    order = np.argsort(field)
    labels = np.full(field.size, Phase.PORE, np.uint8)
    n_am = round(targets[Phase.AM] * field.size)
    n_cbd = round(targets[Phase.CBD] * field.size)
    labels[order[-n_am:]] = Phase.AM
    labels[order[-n_am - n_cbd : -n_am]] = Phase.CBD
    labels = labels.reshape(30, 24, 24)
    levels = np.array([GRAY[phase] for phase in Phase])
    return labels, levels[labels] + rng.uniform(-0.4, 0.4, labels.shape)


@pytest.fixture(scope="module")
def electrodes_on_disk(tmp_path_factory):
    with pytest.MonkeyPatch.context() as patch:
        patch.setenv(storage.ROOT_VARIABLE, str(tmp_path_factory.mktemp("results")))
        patch.delenv(storage.RECORD_VARIABLE, raising=False)
        for specimen in ("SL", "TL"):
            for cutout in TWO.cutout_numbers:
                name = f"{specimen}-{cutout}"
                labels, gray = planted(specimen, cutout)
                options = {"profile": TWO, "voxel_size_um": VOXEL_SIZE_UM}
                storage.save_volume(f"labels/{name}-truth", labels, **options)
                storage.save_volume(f"gray/{name}", gray.astype(np.float32), **options)
        yield thresholding.run(TWO)


def test_thresholding_meets_the_fractions_to_a_voxel(electrodes_on_disk):
    table = electrodes_on_disk
    assert len(table) == 2 * 2 * 3
    assert (table.target - table.achieved).abs().max() <= 1 / (30 * 24 * 24)
    assert (table.threshold_cbd < table.threshold_am).all()


@pytest.mark.parametrize("specimen", ["SL", "TL"])
def test_what_lies_apart_in_gray_value_is_told_apart(electrodes_on_disk, specimen):
    counts = thresholding.confusions(TWO)[specimen]
    assert counts.sum() == 2 * 30 * 24 * 24
    assert counts.sum() - np.trace(counts) <= 4, "a voxel or two a cutout, from rounding targets"


def test_a_window_that_is_the_whole_calibrates_like_all_cutouts_together(electrodes_on_disk):
    table = thresholding.on_window(TWO)
    assert (table.window - table.target).abs().max() <= 1 / (2 * 30 * 24 * 24)
    means = table.groupby(["specimen", "phase"])[["achieved", "window"]].mean()
    np.testing.assert_allclose(means.achieved, means.window, atol=1e-9)


def test_a_method_counts_when_it_has_labels_for_every_cutout(electrodes_on_disk):
    assert methods_on_disk(TWO) == ["thresholding", "truth"]
    assert methods_on_disk(Profile("two", lateral=24, cutouts=1)) == ["thresholding", "truth"]
    with pytest.raises(FileNotFoundError, match="labels/SL-3-truth"):
        methods_on_disk(Profile("two", lateral=24, cutouts=3))


def test_the_landing_page_scores_what_is_on_disk(electrodes_on_disk):
    table = overview.scores(TWO)
    assert set(table.method) == {"thresholding"} and len(table) == 2 * 2
    assert table["Jaccard CBD"].between(0.99, 1).all() and (table["chance CBD"] < 0.7).all()
    assert list(overview.labels(TWO, "TL", 2)) == ["thresholding", "truth"]


def test_matrices_of_agreement_are_those_of_the_volumes(electrodes_on_disk):
    matrices = agreement.run(TWO)
    first = storage.load_volume("labels/SL-1-truth", profile=TWO).values
    second = storage.load_volume("labels/SL-1-thresholding", profile=TWO).values
    at = {"specimen": "SL", "cutout": 1, "method": "thresholding", "other": "truth"}
    assert matrices.sel(at).sel(quantity="equally assigned") == np.mean(first == second)
    fractions = agreement.fractions(TWO).set_index("method")
    assert fractions.loc["Thresholding", "verdict"] == "agrees"
