"""Volumes with a head beside or before their numbers: MetaImage, NRRD, NumPy, and odd names."""

import zlib

import numpy as np
import pytest

from analysis.tomogram import describe, read_gray

nrrd = pytest.importorskip("nrrd")

SHAPE = (18, 17, 20)
TYPES = {"i1": "CHAR", "u2": "USHORT", "i2": "SHORT", "i4": "LONG", "f4": "FLOAT", "f8": "DOUBLE"}


def volume(dtype="u2"):
    return np.random.default_rng(0).integers(1, 120, SHAPE).astype(dtype)


def refused(file, words, **options):
    with pytest.raises(ValueError, match=words):
        read_gray(file, **options)


def metaimage(file, values, *, local=False, packed=False, big=False, extra=(), surplus=b""):
    data = values.astype(values.dtype.newbyteorder(">" if big else "<")).tobytes()
    data = surplus + (zlib.compress(data) if packed else data)
    head = {
        "ObjectType": "Image",
        "NDims": 3,
        "DimSize": "20 17 18",
        "BinaryDataByteOrderMSB": big,
        "CompressedData": packed,
        "ElementType": f"MET_{TYPES[values.dtype.str[1:]]}",
        **dict(extra),
        "ElementDataFile": "LOCAL" if local else "v.raw",
    }
    text = "".join(f"{key} = {value}\n" for key, value in head.items()).encode()
    file.write_bytes(text + (data if local else b""))
    if not local:
        (file.parent / "v.raw").write_bytes(data)
    return file


@pytest.mark.parametrize("dtype", TYPES)
@pytest.mark.parametrize("local", [True, False])
def test_metaimage(tmp_path, dtype, local):
    values = volume(dtype)
    for packed in (True, False):
        for big in (True, False):
            file = metaimage(tmp_path / "v.mha", values, local=local, packed=packed, big=big)
            np.testing.assert_array_equal(read_gray(file), values)
            cut = read_gray(file, crop="1:17,0:16,2:19")
            np.testing.assert_array_equal(cut, values[1:17, :16, 2:19])


def test_metaimage_that_does_not_fit_its_head(tmp_path):
    values, file = volume(), tmp_path / "v.mhd"
    refused(metaimage(file, values, surplus=b"head of 128 bytes" * 8), "sheared.*HeaderSize = -1")
    metaimage(file, values, surplus=b"head of 128 bytes" * 8, extra={"HeaderSize": -1})
    np.testing.assert_array_equal(read_gray(file), values)
    refused(metaimage(file, values, extra={"DimSize": "20 17 19"}), "truncated")
    refused(metaimage(file, values, packed=True, extra={"DimSize": "20 17 19"}), "truncated")
    refused(metaimage(file, values, extra={"ElementType": "MET_ODD"}), "lacks or garbles")
    refused(metaimage(file, values, extra={"ElementNumberOfChannels": 3}), "several channels")
    metaimage(file, values)
    (tmp_path / "v.raw").unlink()
    refused(file, "'v.raw' is not in the folder")


def test_spacing_of_either_sign(tmp_path):
    """ITK keeps a negative spacing for an axis that runs the other way (ITK, issue 1484)."""
    file = metaimage(tmp_path / "v.mha", volume(), local=True, extra={"ElementSpacing": "2 -2 2"})
    assert read_gray(file).shape == SHAPE
    file = metaimage(tmp_path / "v.mha", volume(), local=True, extra={"ElementSpacing": "2 -2 5"})
    refused(file, "not cubes")


@pytest.mark.parametrize("encoding", ["raw", "gzip", "bzip2", "ascii"])
@pytest.mark.parametrize("detached", [True, False])
def test_nrrd(tmp_path, encoding, detached):
    file = tmp_path / ("v.nhdr" if detached else "v.nrrd")
    for dtype in ("u1", ">u2", "f4"):
        values = volume(dtype)
        head = {"encoding": encoding}
        nrrd.write(str(file), values, head, detached_header=detached, index_order="C")
        assert len(list(tmp_path.iterdir())) == 1 + detached
        np.testing.assert_array_equal(read_gray(file), values)
        np.testing.assert_array_equal(read_gray(file, crop="1:17,:,3:20"), values[1:17, :, 3:])


def test_nrrd_that_lost_its_values(tmp_path):
    file, head = tmp_path / "v.nhdr", {"encoding": "raw"}
    nrrd.write(str(file), volume(), head, detached_header=True, index_order="C")
    data = next(one for one in tmp_path.iterdir() if one != file)
    data.write_bytes(data.read_bytes()[:100])
    refused(file, "truncated: 100 bytes")
    data.unlink()
    refused(file, f"{data.name}' is not in the folder")
    file.write_text(file.read_text().replace(data.name, "/etc/hostname"))
    refused(file, "outside the folder")


def test_spacing_of_nrrd(tmp_path):
    """Zero and NaN stand for an unknown spacing (SimpleITK, issue 1951)."""
    file = tmp_path / "v.nrrd"
    for spacings in ([0, 0, 0], [np.nan] * 3):
        nrrd.write(str(file), volume(), {"spacings": spacings}, index_order="C")
        assert describe(file, voxel_size_um=0.642).spacing_um == (None, None, None)
    head = {"space": "left-posterior-superior", "space units": ["nm"] * 3}
    head |= {"space directions": np.diag([400.0, 400.0, -400.0]), "space origin": [0, 0, 0]}
    nrrd.write(str(file), volume(), head, index_order="C")
    assert describe(file, voxel_size_um=0.4).spacing_um == pytest.approx((0.4, 0.4, 0.4))
    refused(file, "0.642 was given.*NRRD head", voxel_size_um=0.642)


@pytest.mark.parametrize("name", ["..npy", "...npy", ".npy", ".tif", "..tif"])
def test_names_without_a_stem(tmp_path, name):
    np.save(tmp_path / "whole.npy", volume())
    (tmp_path / "whole.npy").rename(tmp_path / name)
    refused(tmp_path / name, "no name before its ending|unknown ending")


def test_npy_in_any_layout(tmp_path):
    values = volume("f4")
    for stored in (values, np.asfortranarray(values), values.astype(">f4"), values[::-1, :16]):
        np.save(tmp_path / "v.npy", stored)
        back = read_gray(tmp_path / "v.npy")
        np.testing.assert_array_equal(back, stored)
        assert back.flags.c_contiguous and back.flags.writeable and back.dtype.isnative
    np.save(tmp_path / "v.npy", np.array([{"a": 1}], dtype=object), allow_pickle=True)
    refused(tmp_path / "v.npy", "may run code")
    np.savez(tmp_path / "v.npz", a=values)
    (tmp_path / "v.npz").rename(tmp_path / "v.npy")
    refused(tmp_path / "v.npy", "archive of several arrays")


@pytest.mark.parametrize("shape", [(20, 20, 21), (90000, 90000, 90000), (20, 20, 10**6)])
def test_npy_with_less_than_its_head_declares(tmp_path, shape):
    file = tmp_path / "v.npy"
    head = {"descr": "<u2", "fortran_order": False, "shape": shape}
    with open(file, "wb") as opened:
        np.lib.format.write_array_header_1_0(opened, head)
        opened.write(bytes(2 * 20**3))
    with pytest.raises(ValueError, match="truncated: .* bytes hold less than the array"):
        read_gray(file)


@pytest.mark.parametrize("ending", [".npy", ".tif", ".mhd", ".nrrd"])
def test_a_dataset_in_a_format_without_names_is_not_passed_over(tmp_path, ending):
    file = tmp_path / f"v{ending}"
    file.write_bytes(b"x")
    with pytest.raises(ValueError, match="DATASET=data was given, but .* holds one volume"):
        read_gray(file, "data")
