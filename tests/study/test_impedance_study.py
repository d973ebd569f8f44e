"""Spectra of the maps: what is solved, on which part of a cutout, and what is told of it."""

from dataclasses import replace

import numpy as np
import pytest

from analysis import profiles, storage
from analysis.electrochemistry.transport.impedance import spectrum
from analysis.phases import VOXEL_SIZE_UM, Phase
from analysis.study.cells import impedance

PROFILE = replace(
    profiles.get("smoke"), impedance_methods=("truth", "kmeans"), impedance_lateral=10
)


def grains(seed, binder):
    """Grains on a grid in pores, with a share of binder between them."""
    rng = np.random.default_rng(seed)
    labels = np.where(rng.random((20, 14, 14)) < binder, Phase.CBD, Phase.PORE).astype(np.uint8)
    for z in range(2, 20, 6):
        labels[z : z + 4, 1:6, 1:6] = labels[z : z + 4, 8:13, 8:13] = Phase.AM
    return labels


@pytest.fixture
def found(results):
    for seed, name in enumerate(("SL", "TL")):
        for method, binder in (("truth", 0.3), ("kmeans", 0.45)):
            storage.save_volume(
                f"labels/{name}-1-{method}", grains(seed, binder), profile=PROFILE,
                voxel_size_um=VOXEL_SIZE_UM, specimen=name, cutout=1, method=method,
            )  # fmt: skip
    return impedance.run(PROFILE), storage.load_curves("impedance", profile=PROFILE)


def test_the_truth_is_not_fitted_and_a_map_gets_its_resistance(found):
    table, curves = found
    truth = table[table.method == "truth"]
    assert (truth.gamma == PROFILE.gamma_true).all() and truth.difference.max() < 1e-9
    for row in table[table.method == "kmeans"].itertuples():
        part = grains(("SL", "TL").index(row.specimen), 0.45)[:, -10:, -10:]
        again = spectrum(part, row.gamma, voxel_size_um=VOXEL_SIZE_UM, frequency_Hz=[1.0])
        wanted = float(truth[truth.specimen == row.specimen].resistance.iloc[0])
        assert 1e4 * again.ionic_resistance_ohm_m2 == pytest.approx(wanted, rel=0.02)


def test_a_resistance_without_a_spectrum_is_that_of_the_whole_spectrum(found):
    """Maps of SL are solved at zero frequency only, with the gamma of the truth."""
    table, curves = found
    for seed, name in enumerate(("SL", "TL")):
        part = grains(seed, 0.45)[:, -10:, -10:]
        whole = spectrum(part, PROFILE.gamma_true, voxel_size_um=VOXEL_SIZE_UM)
        row = table[(table.specimen == name) & (table.method == "kmeans")].iloc[0]
        assert row.resistance == pytest.approx(1e4 * whole.ionic_resistance_ohm_m2, rel=1e-5)
        assert row.tortuosity == pytest.approx(whole.tortuosity, rel=1e-5)
        one = curves["real"].sel({"specimen": name, "method": "kmeans"})
        assert np.isfinite(one.sel(fit="fitted gamma")).all()
        assert bool(np.isfinite(one.sel(fit="same gamma")).all()) is (name == impedance.DRAWN)
        assert np.isfinite(curves["real"].sel({"specimen": name, "method": "truth"})).all()


def test_the_part_is_told():
    assert "corner of the first cutout, 6 µm" in impedance.part_text(PROFILE)
    for whole in (None, PROFILE.lateral, PROFILE.lateral + 5):
        text = impedance.part_text(replace(PROFILE, impedance_lateral=whole))
        assert text.startswith("the whole first cutout")
