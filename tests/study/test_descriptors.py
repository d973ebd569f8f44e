"""The chapters on morphology, on small labels whose properties are planted."""

import numpy as np
import pytest
import xarray as xr
from scipy import ndimage

from analysis import profiles, storage
from analysis.figures import style
from analysis.study import finding
from analysis.study.morphology import (
    coverage,
    depth_profiles,
    descriptors,
    size_findings,
    sizes,
    tortuosity,
)

H_UM = 0.642
SMOKE = profiles.get("smoke")
COARSE = {"edx-closing": 3.0, "nn-p-cond": 1.6, "thresholding": 2.0, "kmeans": 2.0}


def labels_of(method, specimen, cutout):
    """Electrode with one layer interface in TL; pores as coarse as COARSE says."""
    depth = {"SL": 150, "TL": 160}[specimen]
    rng = np.random.default_rng([cutout, len(specimen), specimen == "TL"])
    shape = (depth, 26, 26)
    solid = ndimage.gaussian_filter(rng.normal(size=shape), 3)
    z_um = (np.arange(depth) + 0.5) * H_UM
    dip = np.exp(-(((z_um - 80) / 4) ** 2))[:, None, None] if specimen == "TL" else 0
    solid = solid / solid.std() - 1.2 * dip
    texture = ndimage.gaussian_filter(rng.normal(size=shape), COARSE.get(method, 1.0))
    am = solid > np.quantile(solid, 0.4)
    labels = np.where(texture > np.quantile(texture[~am], 0.43), 1, 0).astype(np.uint8)
    labels[am] = 2
    return labels


def save(method):
    for specimen in ("SL", "TL"):
        storage.save_volume(
            f"labels/{specimen}-1-{method}", labels_of(method, specimen, 1),
            profile="smoke", voxel_size_um=H_UM,
        )  # fmt: skip


@pytest.fixture(scope="module")
def study(tmp_path_factory):
    """Labels of all methods on disk, shared by the tests below."""
    with pytest.MonkeyPatch.context() as patch:
        patch.setenv(storage.ROOT_VARIABLE, str(tmp_path_factory.mktemp("study")))
        patch.delenv(storage.RECORD_VARIABLE, raising=False)
        for method in style.METHODS:
            save(method)
        yield SMOKE


@pytest.fixture(scope="module")
def by_size(study):
    return sizes.run(study)


def test_sizes(study, by_size):
    described = by_size
    assert dict(described.sizes) == {
        "specimen": 2, "cutout": 1, "method": 13, "phase": 3, "pair": 4, "r_um": 161,
    }  # fmt: skip
    assert not described["r_max"].isnull().any()
    table = storage.load_table("descriptors-size", profile=study)
    assert list(table.columns) == [
        "specimen", "cutout", "method", "phase", "quantity", "value", "unit",
    ]  # fmt: skip
    row = table.query(
        "specimen == 'TL' and method == 'kmeans' and phase == 'pore' and quantity == 'r_max'"
    )
    at = {"specimen": "TL", "cutout": 1, "method": "kmeans", "phase": "pore"}
    assert row["value"].item() == pytest.approx(float(described["r_max"].sel(at)))

    compared = sizes.comparison(described)
    assert len(compared) == 9 * 2 * 6
    assert compared["verdict"].str.match("agrees|differs").all()
    above = sizes.table_2(described)
    assert len(above) == 13 * 2 * 2
    printed = above.query("quantity == 'r_max_P' and specimen == 'SL' and source == 'paper'")
    assert printed["edx-closing"].item() == 2.58

    found = size_findings.findings(described)
    assert all(one.holds is not None for one in found)
    by_statement = {one.statement: one for one in found}
    assert by_statement["EDX-Closing leads to significantly larger pores."].holds
    assert by_statement[
        "k-means and Thresholding have nearly identical size distributions of all phases."
    ].holds
    coarser = "Conditioning the network on a phase gives larger clusters of that phase."
    assert not by_statement[coarser].holds  # the CBD of NN-CBD-Cond was not made coarser


def test_surfaces_of_table_2_are_fractions(by_size):
    printed = sizes.printed_surfaces()
    assert len(printed) == 12
    np.testing.assert_allclose(printed["sum times edge"], 1, atol=5e-4)
    assert (printed["S_CBD,P"] < 0).all()
    ours = sizes.surface_table(by_size)
    total = ours[[f"fraction/edge {phase}" for phase in descriptors.PHASES]].sum(axis=1)
    np.testing.assert_allclose(total * H_UM, 1)
    assert (ours["S_CBD,P"] > 0).all()


def test_paths(study):
    described = tortuosity.run(study)
    assert (described["mean"] >= 1).all()
    reached = 1 - described["unreached"]
    assert (described["share"].isel(tau=-1) <= reached + 1e-12).all()
    assert (described["share"].diff("tau") >= 0).all()
    assert all(one.holds is not None for one in tortuosity.findings(described))


def test_a_cutout_without_a_path_does_not_spoil_the_mean():
    labels = labels_of("truth", "SL", 1)
    whole = tortuosity.describe(labels, H_UM)
    labels[20][labels[20] == 1] = 0
    cut = tortuosity.describe(labels, H_UM)
    mean = tortuosity.means(xr.concat([cut, whole], "cutout"))["mean"].sel(phase="CBD")
    assert cut["mean"].sel(phase="CBD") == np.inf
    assert cut["unreached"].sel(phase="CBD") == 1
    assert 1 < mean == whole["mean"].sel(phase="CBD")


def test_covariances(study, by_size):
    described = coverage.run(study)
    for phase in ("AM", "CBD", "pore"):
        involved = [pair for pair in coverage.PAIRS if phase in pair.split("-")]
        total = described["covariance"].sel(pair=involved).sum("pair")
        np.testing.assert_allclose(total, 0, atol=1e-12)
    table = storage.load_table("covariance", profile=study)
    assert set(table["method"]) == set(style.METHODS)
    found = coverage.findings(described, by_size)
    assert all(one.holds is not None for one in found)


def test_profiles(study):
    described = depth_profiles.run(study)
    fraction = described["fraction"]
    assert fraction.sel(specimen="SL").dropna("z_um").sizes["z_um"] == 150
    assert fraction.sel(specimen="TL").dropna("z_um").sizes["z_um"] == 160
    np.testing.assert_allclose(fraction.sel(specimen="TL").sum("phase").dropna("z_um"), 1)
    found = {f.statement: f for f in depth_profiles.findings(described)}
    assert found["The AM fraction of TL drops at 80 µm, whatever the method."].holds
    assert found["SL has no such drop."].holds


def test_findings_say_which_methods_are_absent(results):
    save("thresholding")
    save("truth")
    described = sizes.run(SMOKE)
    table = finding.table(size_findings.findings(described))
    assert (table["verdict"] == "not in this build").all()
    assert table["measured"].str.contains("without").all()
    assert len(sizes.comparison(described)) == 9 * 2
