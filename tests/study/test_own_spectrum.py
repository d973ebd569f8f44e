"""make spectrum: from a file to R_ion, MacMullin number, tau and gamma."""

import os
import subprocess
from pathlib import Path

import numpy as np
import pandas as pd
import pytest
import tifffile
from scipy import ndimage

from analysis.electrochemistry import spectrum
from analysis.electrochemistry.transport import impedance
from analysis.phases import CBD_POROSITY, Phase
from analysis.study.own_data import own_spectrum

ROOT = Path(__file__).resolve().parents[2]
FREQUENCY = np.geomspace(0.1, 1e5, 61)


def write(file, ionic=80.0):
    z = spectrum.line(FREQUENCY, 10.0, ionic, 0.9, 0.2)
    pd.DataFrame({"f (Hz)": FREQUENCY, "Z' (ohm)": z.real, "Z'' (ohm)": z.imag}).to_csv(
        file, index=False
    )
    return file


def structure():
    rng = np.random.default_rng(0)
    field = ndimage.gaussian_filter(rng.standard_normal((16, 10, 10)), 1.5)
    low, high = np.quantile(field, [0.3, 0.6])
    return np.select([field < low, field < high], [Phase.PORE, Phase.CBD], Phase.AM).astype("u1")


@pytest.mark.parametrize(
    "area, thickness, kappa, porosity", [(1.13, 80, 0.2, 0.4), (2, 50, 1, 0.3)]
)
def test_macmullin_number_and_tau(tmp_path, area, thickness, kappa, porosity):
    table = own_spectrum.run(
        write(tmp_path / "cell.csv"), area_cm2=area, thickness_um=str(thickness),
        conductivity_S_m=kappa, porosity=porosity, progress=lambda _: None,
    ).set_index("quantity")  # fmt: skip
    expected = 40.0 * area * 1e-4 * kappa / (thickness * 1e-6)  # one of two electrodes
    assert table.value["MacMullin number"] == pytest.approx(expected, rel=2e-3)
    assert table.value["tau"] == pytest.approx(expected * porosity, rel=2e-3)


@pytest.mark.parametrize("gamma", [0.03, 0.1, 0.3])
def test_gamma_of_the_structure_is_given_back(tmp_path, gamma):
    labels = structure()
    tifffile.imwrite(tmp_path / "labels.tif", labels)
    network = impedance.Network(labels, gamma, voxel_size_um=0.5)
    resistance = 3 * impedance.reduce(network, []).resistance  # ohm m2
    area, kappa = 1.0, 0.25
    # a cell of another thickness and another electrolyte, made of the same structure
    ionic = 2 * resistance * network.kappa / network.thickness * 60e-6 / kappa / (area * 1e-4)
    said = []
    table = own_spectrum.run(
        write(tmp_path / "cell.csv", ionic), area_cm2=area, thickness_um=60, conductivity_S_m=kappa,
        labels=tmp_path / "labels.tif", voxel_size_um="0.5", out=tmp_path / "o.csv",
        progress=said.append,
    ).set_index("quantity")  # fmt: skip
    assert table.value["gamma"] == pytest.approx(gamma, rel=0.02)
    # a spectrum without noise
    assert table.low["gamma"] == pytest.approx(table.high["gamma"], rel=0.02)
    share = np.mean(labels == Phase.PORE) + CBD_POROSITY * np.mean(labels == Phase.CBD)
    assert table.value["tau"] == pytest.approx(share * table.value["MacMullin number"])
    assert pd.read_csv(tmp_path / "o.csv").shape == (4, 5)


def test_gamma_out_of_range_is_said_and_not_made_up(tmp_path):
    tifffile.imwrite(tmp_path / "labels.tif", structure())
    said = []
    table = own_spectrum.run(
        write(tmp_path / "cell.csv"), area_cm2=1e-3, thickness_um=60, conductivity_S_m=0.2,
        labels=tmp_path / "labels.tif", voxel_size_um=0.5, progress=said.append,
    ).set_index("quantity")  # fmt: skip
    assert np.isnan(table.value["gamma"])
    assert any("no gamma between" in line for line in said)


@pytest.mark.parametrize(
    "given, message",
    [
        ({"area_cm2": "1"}, "needed together"),
        ({"labels": "x.tif"}, "both for LABELS"),
        ({"area_cm2": "-1", "thickness_um": "80"}, "AREA_CM2=-1"),
        ({"area_cm2": "1 cm2", "thickness_um": "80"}, "AREA_CM2=1 cm2"),
        ({"area_cm2": "nan", "thickness_um": "80"}, "AREA_CM2=nan"),
        ({"area_cm2": "1", "thickness_um": "80", "porosity": "40"}, "POROSITY=40"),
    ],
)
def test_bad_options_are_refused(tmp_path, given, message):
    with pytest.raises(ValueError, match=message):
        own_spectrum.run(write(tmp_path / "cell.csv"), **given)


def test_no_file_and_existing_result(tmp_path):
    with pytest.raises(ValueError, match="No spectrum given"):
        own_spectrum.run("")
    (tmp_path / "mine.csv").write_text("precious")
    with pytest.raises(FileExistsError, match="not replaced"):
        own_spectrum.run(write(tmp_path / "cell.csv"), out=tmp_path / "mine.csv")
    assert (tmp_path / "mine.csv").read_text() == "precious"


@pytest.mark.parametrize("name", ["it's $HOME.csv", "a `b` ; c.csv", 'say "x" $(y).csv'])
def test_make_hands_names_over_as_they_were_typed(tmp_path, name):
    file = str(write(tmp_path / name))
    done = subprocess.run(
        ["make", "--no-print-directory", "-n", "spectrum"], cwd=ROOT, text=True, capture_output=True,
        env={**os.environ, "FILE": file},
    )  # fmt: skip
    assert done.returncode == 0
    assert name not in done.stdout and '--file="$FILE"' in done.stdout
