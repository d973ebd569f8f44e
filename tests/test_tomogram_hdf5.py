"""HDF5 and netCDF as beamlines and programs leave them: links, gaps, filters, attributes."""

import h5py
import numpy as np
import pytest
import xarray as xr
from scipy.io import netcdf_file

from analysis.tomogram import describe, read_gray

SHAPE = (18, 17, 20)


def volume(dtype="u2", seed=0, shape=SHAPE):
    return np.random.default_rng(seed).integers(1, 4000, shape).astype(dtype)


def refused(file, words, **options):
    with pytest.raises(ValueError, match=words):
        read_gray(file, **options)


def netcdf3(file, values, version=1, attrs=(), dims=tuple("zyx"), name="v", **general):
    """Classic netCDF by scipy; netCDF-3 stores big-endian."""
    with netcdf_file(file, "w", version=version) as opened:
        for axis, length in zip(dims, values.shape, strict=True):
            opened.createDimension(axis, length)
        variable = opened.createVariable(name, values.dtype.newbyteorder(">"), dims)
        variable[:] = values
        for key, value in dict(attrs).items():
            setattr(variable, key, value)
        for key, value in general.items():
            setattr(opened, key, value)
    return file


@pytest.mark.parametrize("ending", ["nxs", "hdf", "hdf5", "h5", "HDF5", "nc"])
def test_endings_of_hdf5(tmp_path, ending):
    file = tmp_path / f"scan.{ending}"
    with h5py.File(file, "w") as opened:
        opened["entry/data/data"] = volume()
        opened["entry/tomo"] = h5py.SoftLink("data/data")
        opened["entry/again"] = h5py.SoftLink("tomo")
    np.testing.assert_array_equal(read_gray(file), volume())
    for name in ("/entry/tomo", "entry/again", "/entry/data/data"):
        np.testing.assert_array_equal(read_gray(file, name), volume())


def test_hdf4_and_cdf5_are_told_apart(tmp_path):
    (tmp_path / "a.hdf").write_bytes(b"\x0e\x03\x13\x01" + bytes(100))
    refused(tmp_path / "a.hdf", "HDF4, not HDF5.*h4toh5")
    (tmp_path / "a.nc").write_bytes(b"CDF\x05" + bytes(100))
    refused(tmp_path / "a.nc", "CDF-5.*nccopy")
    (tmp_path / "b.nc").write_bytes(b"CDF\x01" + bytes(20))
    refused(tmp_path / "b.nc", "b.nc: ")


@pytest.mark.parametrize("version", [1, 2])
def test_classic_netcdf_and_its_crop(tmp_path, version):
    for dtype in ("i2", "i4", "f4", "f8"):
        values = volume(dtype)
        file = netcdf3(tmp_path / "a.nc", values, version)
        np.testing.assert_array_equal(read_gray(file), values)
        np.testing.assert_array_equal(read_gray(file, crop="2:18,:,1:20"), values[2:, :, 1:])
    whole = file.read_bytes()
    file.write_bytes(whole[: len(whole) // 2])
    refused(file, "truncated|could not be read")


def test_filter_that_is_missing(tmp_path, monkeypatch):
    with h5py.File(tmp_path / "a.h5", "w") as opened:
        opened.create_dataset("v", data=volume(), compression="lzf")
    monkeypatch.setattr(h5py.h5z, "filter_avail", lambda code: code == 1)
    refused(tmp_path / "a.h5", r"compressed with lzf \(HDF5 filter 32000\).*h5repack")


def virtual(file, parts, rows):
    """A virtual dataset of two parts of the same file that cover `rows` of the slices."""
    layout = h5py.VirtualLayout(SHAPE, "u2", filename=str(file))
    for part, (first, last) in zip(("a", "b"), rows, strict=True):
        layout[first:last] = h5py.VirtualSource(file, part, SHAPE)[first:last]
    with h5py.File(file, "w") as opened:
        for name, options in parts.items():
            opened.create_dataset(name, SHAPE, "u2", **options)
            if "external" not in options:
                opened[name][:9] = volume()[:9]
        opened.create_virtual_dataset("v", layout)
    return file


def test_virtual_datasets_within_the_file(tmp_path):
    parts = {"a": {}, "b": {}}
    file = virtual(tmp_path / "s.h5", parts, [(0, 9), (9, 18)])
    with h5py.File(file, "a") as opened:
        opened["b"][9:] = volume()[9:]
    np.testing.assert_array_equal(read_gray(file, "v"), volume())
    file = virtual(tmp_path / "gap.h5", parts, [(0, 8), (10, 18)])
    refused(file, "2 of 18 slices along axis 0 were never written.*8-9", dataset="v")
    chunked = {"a": {"chunks": (1, 17, 20)}, "b": {"chunks": (1, 17, 20)}}
    file = virtual(tmp_path / "unwritten.h5", chunked, [(0, 9), (9, 18)])
    refused(file, "9 of 18 slices.*9-17", dataset="v")
    secret = {"a": {}, "b": {"external": [("secret.bin", 0, h5py.h5f.UNLIMITED)]}}
    file = virtual(tmp_path / "external.h5", secret, [(0, 9), (9, 18)])
    refused(file, "secret.bin", dataset="v")


def test_chunks_outside_the_crop_may_be_missing(tmp_path):
    with h5py.File(tmp_path / "a.h5", "w") as opened:
        options = dict(chunks=(4, 17, 20), compression="gzip")
        data = opened.create_dataset("v", (40, 17, 20), "u2", **options)
        data[:24] = volume(shape=(24, 17, 20))
        opened.create_dataset("never", (40, 17, 20), "u2")
    refused(tmp_path / "a.h5", "16 of 40 slices.*24-39", dataset="v")
    refused(tmp_path / "a.h5", "never written", dataset="never")
    cut = read_gray(tmp_path / "a.h5", "v", crop="4:24,:,:")
    np.testing.assert_array_equal(cut, volume(shape=(24, 17, 20))[4:])


def test_valid_range(tmp_path):
    values = volume("i2")
    n_beyond = int((values > 3900).sum())
    file = netcdf3(tmp_path / "a.nc", values, attrs={"valid_range": np.array([0, 3900], "i2")})
    refused(file, f"{n_beyond} values that are NaN")
    limits = {"valid_min": np.int16(0), "valid_max": np.int16(4000)}
    np.testing.assert_array_equal(
        read_gray(netcdf3(tmp_path / "b.nc", values, attrs=limits)), values
    )
    # Limits of the decoded type refer to decoded values.
    scaled = {"scale_factor": 0.001, "valid_max": 3.9005}
    refused(netcdf3(tmp_path / "c.nc", values, attrs=scaled), f"{n_beyond} values that are NaN")
    # Unsigned values in a signed type, and limits written in that type.
    bright = values.astype("u2") + np.uint16(40000)
    limits = np.array([30000, 43900], "u2").view("i2")
    unsigned = {"_Unsigned": "true", "valid_range": limits}
    file = netcdf3(tmp_path / "d.nc", bright.view("i2"), attrs=unsigned)
    refused(file, f"{n_beyond} values that are NaN")
    with netcdf_file(file, "a") as opened:
        opened.variables["v"].valid_range = np.array([30000, 44000], "u2").view("i2")
    np.testing.assert_array_equal(read_gray(file), bright)


def test_several_missing_values(tmp_path):
    """A vector of missing values (xarray, issue 471), also beside another _FillValue."""
    values = volume("f4")
    values.flat[:5] = -1
    values.flat[5:7] = -2
    gaps = {"missing_value": np.array([-1, -2], "f4")}
    refused(netcdf3(tmp_path / "a.nc", values, attrs=gaps), "7 values that are NaN")
    gaps = {"missing_value": np.float32(-1), "_FillValue": np.float32(-2)}
    refused(netcdf3(tmp_path / "b.nc", values, attrs=gaps), "7 values that are NaN")


@pytest.mark.parametrize("said", ["true", "false", "True", None])
def test_unsigned_said_or_denied(tmp_path, said):
    """``_Unsigned = "false"`` once turned signed values round (xarray, issue 2583)."""
    values = volume("i2") - np.int16(2000)
    file = netcdf3(tmp_path / "a.nc", values, attrs={"_Unsigned": said} if said else {})
    wanted = values.view("u2") if said in ("true", "True") else values
    np.testing.assert_array_equal(read_gray(file), wanted)


def test_unsigned_of_the_area_detector(tmp_path):
    """EPICS areaDetector says unsigned in a global number (dxchange, pull request 88)."""
    values = np.linspace(0, 65535, np.prod(SHAPE)).astype("u2").reshape(SHAPE)
    dims = ("numArrays", "dim1", "dim0")
    for code, wanted in ((3, values), (2, values.view("i2"))):
        file = netcdf3(
            tmp_path / "a.nc", values.view("i2"), dims=dims, name="array_data",
            dataType=np.int32(code),
        )  # fmt: skip
        np.testing.assert_array_equal(read_gray(file), wanted)


@pytest.mark.parametrize("endian", "<>")
def test_packed_values_with_a_fill_value(tmp_path, endian):
    """Scale, offset and fill value together, in either byte order, whole and cut."""
    stored = volume(f"{endian}i2")
    stored[0, 0, :4] = -9
    with h5py.File(tmp_path / "a.h5", "w") as opened:
        data = opened.create_dataset("v", data=stored, chunks=(6, 17, 20))
        data.attrs.update(scale_factor=0.25, add_offset=-7.0, _FillValue=np.int16(-9))
    refused(tmp_path / "a.h5", "4 values that are NaN.*CROP=")
    cut = read_gray(tmp_path / "a.h5", crop="1:18,:,:")
    np.testing.assert_allclose(cut, stored[1:] * 0.25 - 7)


def test_coordinates_that_contradict(tmp_path):
    file = tmp_path / "a.nc"
    coords = {axis: np.arange(n) * 0.5 for axis, n in zip("zyx", SHAPE, strict=True)}
    array = xr.DataArray(volume(), dims=list("zyx"), coords=coords, name="v")
    for axis in "zyx":
        array[axis].attrs["units"] = "um"
    array.to_netcdf(file, engine="h5netcdf")
    assert describe(file, "v").spacing_um == pytest.approx((0.5, 0.5, 0.5))
    refused(file, "0.642 was given.*0.5 µm", voxel_size_um=0.642)


def test_color_and_several_volumes(tmp_path):
    with h5py.File(tmp_path / "a.h5", "w") as opened:
        opened["rgb"] = volume("u1", shape=(18, 17, 20, 3))
        opened["flag"] = volume() > 2000
        opened["text"] = np.array([b"a", b"b"])
    refused(tmp_path / "a.h5", "Color channels", dataset="rgb")
    refused(tmp_path / "a.h5", "holds flag, rgb")
    refused(tmp_path / "a.h5", "real numbers", dataset="flag")
