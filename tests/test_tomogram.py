"""Files of a reader: what is read, and what is refused with which words."""

import h5py
import numpy as np
import pytest
import tifffile

from analysis.phases import Phase
from analysis.tomogram import parse_fractions, read_gray, read_labels, write_tiff


@pytest.fixture
def gray():
    return np.random.default_rng(5).normal(1000, 100, (20, 24, 28)).astype(np.float32)


def test_tiff_npy_hdf5_give_the_same_volume(tmp_path, gray):
    tifffile.imwrite(tmp_path / "scan.tif", gray, photometric="minisblack")
    np.save(tmp_path / "scan.npy", gray)
    with h5py.File(tmp_path / "scan.h5", "w") as file:
        file["entry/volume"] = gray
        file["entry/angles"] = np.arange(5)
    for name in ("scan.tif", "scan.npy", "scan.h5"):
        np.testing.assert_array_equal(read_gray(tmp_path / name), gray)


def test_labels_are_translated_and_survive_the_way_through_tiff(tmp_path):
    labels = np.random.default_rng(1).integers(0, 3, (4, 5, 6)).astype(np.uint8)
    write_tiff(tmp_path / "labels.tif", labels, 0.642)
    np.testing.assert_array_equal(read_labels(tmp_path / "labels.tif"), labels)
    swapped = read_labels(tmp_path / "labels.tif", order=(Phase.PORE, Phase.AM, Phase.CBD))
    np.testing.assert_array_equal(swapped == Phase.AM, labels == 1)
    with tifffile.TiffFile(tmp_path / "labels.tif") as tiff:
        assert tiff.imagej_metadata["spacing"] == pytest.approx(0.642)


def test_missing_file(tmp_path):
    with pytest.raises(FileNotFoundError, match="no such file"):
        read_gray(tmp_path / "absent.tif")


@pytest.mark.parametrize("compression", [None, "zlib"])
def test_truncated_tiff(tmp_path, gray, compression):
    tifffile.imwrite(tmp_path / "scan.tif", gray, photometric="minisblack", compression=compression)
    whole = (tmp_path / "scan.tif").read_bytes()
    (tmp_path / "cut.tif").write_bytes(whole[: len(whole) // 2])
    with pytest.raises(ValueError, match=r"truncated"):
        read_gray(tmp_path / "cut.tif")


def test_truncated_npy_and_hdf5(tmp_path, gray):
    np.save(tmp_path / "scan.npy", gray)
    with h5py.File(tmp_path / "scan.h5", "w") as file:
        file["volume"] = gray
    for name in ("scan.npy", "scan.h5"):
        whole = (tmp_path / name).read_bytes()
        (tmp_path / name).write_bytes(whole[: len(whole) // 2])
        with pytest.raises(ValueError, match="truncated"):
            read_gray(tmp_path / name)


def test_a_file_that_is_no_image(tmp_path):
    (tmp_path / "scan.tif").write_text("not a tiff")
    with pytest.raises(ValueError, match="could not be read as TIFF"):
        read_gray(tmp_path / "scan.tif")
    (tmp_path / "scan.png").write_text("x")
    with pytest.raises(ValueError, match="unknown ending"):
        read_gray(tmp_path / "scan.png")
    (tmp_path / "empty.tif").touch()
    with pytest.raises(ValueError, match="empty"):
        read_gray(tmp_path / "empty.tif")


def _save(tmp_path, volume, **options):
    file = tmp_path / "scan.npy"
    np.save(file, volume, **options)
    return file


@pytest.mark.parametrize(
    ("change", "words"),
    [
        (lambda gray: gray[0], "two-dimensional"),
        (lambda gray: np.repeat(gray[..., None], 3, axis=-1), "color channels"),
        (lambda gray: np.where(gray > 1100, np.nan, gray), "NaN or infinite"),
        (lambda gray: np.where(gray > 1100, np.inf, gray), "NaN or infinite"),
        (lambda gray: np.full_like(gray, 7), "contrast"),
        (lambda gray: (gray > 1000).astype(np.uint8), "looks like labels"),
        (lambda gray: gray[:4], "at least 16 voxels"),
        (lambda gray: gray.astype(complex), "real numbers"),
    ],
)
def test_volumes_that_are_refused(tmp_path, gray, change, words):
    with pytest.raises(ValueError, match=words):
        read_gray(_save(tmp_path, change(gray)))


def test_color_tiff(tmp_path):
    tifffile.imwrite(tmp_path / "scan.tif", np.zeros((20, 20, 20, 3), np.uint8), photometric="rgb")
    with pytest.raises(ValueError, match="color"):
        read_gray(tmp_path / "scan.tif")


def test_hdf5_names_the_datasets_it_holds(tmp_path, gray):
    with h5py.File(tmp_path / "scan.h5", "w") as file:
        file["a"], file["b"] = gray, gray
    with pytest.raises(ValueError, match="holds a, b"):
        read_gray(tmp_path / "scan.h5")
    np.testing.assert_array_equal(read_gray(tmp_path / "scan.h5", "b"), gray)


@pytest.mark.parametrize(
    ("text", "words"),
    [
        ("59.54,23.08,17.38", "percent"),
        ("0.5,0.2,0.2", "sum to 0.9"),
        ("0.5,0.5", "three volume fractions"),
        ("a,b,c", "three volume fractions"),
        ("", "three volume fractions"),
        ("1.2,-0.3,0.1", "between 0 and 1"),
    ],
)
def test_fractions_that_are_refused(text, words):
    with pytest.raises(ValueError, match=words):
        parse_fractions(text)
