"""Files as people have them: written by one library, read by ours; what is not there is named."""

import struct

import h5py
import numpy as np
import pytest
import tifffile
import xarray as xr
from hypothesis import HealthCheck, given, settings
from hypothesis import strategies as st
from scipy.io import netcdf_file

from analysis.phases import check_gray, check_labels
from analysis.tomogram import describe, parse_crop, parse_fractions, parse_voxel_size, read_gray

SHAPE = (18, 17, 20)


def volume(dtype="u2", seed=0, shape=SHAPE):
    top = 120 if np.dtype(dtype).itemsize == 1 else 9000
    return np.random.default_rng(seed).integers(1, top, shape).astype(dtype)


def write(file, values, how, order, compression):
    """Write values (Z, Y, X) by the library of the format, axes named and ordered as asked."""
    turned = values.transpose(["zyx".index(axis) for axis in order])
    if how == "tif":
        tifffile.imwrite(
            file, values, byteorder=order_of(values), compression=compression,
            photometric="minisblack",
        )  # fmt: skip
    elif how == "ome.tif":
        # Pages of an OME-TIFF hold y and x; how z, channel and time follow each other is free.
        names = {"z": "TCZYX", "y": "CTZYX", "x": "TZCYX"}[order[0]]
        shape = [dict(zip("ZYX", values.shape, strict=True)).get(axis, 1) for axis in names]
        tifffile.imwrite(
            file, values.reshape(shape), byteorder=order_of(values), compression=compression,
            photometric="minisblack", metadata={"axes": names},
        )  # fmt: skip
    elif how == "ij.tif":
        # ImageJ has time, z or channel for the planes; each is the only one left for z.
        names = {"z": "ZYX", "y": "TYX", "x": "CYX"}[order[0]]
        tifffile.imwrite(file, values, imagej=True, metadata={"axes": names})
    elif how == "npy":
        np.save(file, np.asfortranarray(values))
    elif how == "h5":
        with h5py.File(file, "w") as opened:
            opened.create_dataset("a/b", data=values[None], compression=compression and "gzip")
    elif how == "nc4":
        xr.DataArray(turned, dims=list(order), name="v").to_netcdf(file, engine="h5netcdf")
    else:
        with netcdf_file(file, "w") as opened:
            for axis, length in zip(order, turned.shape, strict=True):
                opened.createDimension(axis, length)
            opened.createVariable("v", turned.dtype.newbyteorder(">"), tuple(order))[:] = turned


def order_of(values):
    return ">" if values.dtype.byteorder == ">" else "<"


@settings(
    max_examples=60, deadline=None, suppress_health_check=[HealthCheck.function_scoped_fixture]
)
@given(
    how=st.sampled_from(["tif", "ome.tif", "ij.tif", "npy", "h5", "nc4", "nc3"]),
    dtype=st.sampled_from(["u1", "u2", "i2", "i4", "f4", "f8"]),
    endian=st.sampled_from("<>"),
    order=st.permutations("zyx"),
    compression=st.sampled_from([None, "zlib", "lzw", "zstd"]),
)
def test_written_by_the_formats_library_read_by_ours(
    tmp_path, how, dtype, endian, order, compression
):
    if how == "nc3" and dtype == "u2":
        dtype = "i2"  # netCDF-3 has no unsigned shorts
    if how.endswith("tif") and compression in ("lzw", "zstd"):
        pytest.importorskip("imagecodecs")
    if how == "ij.tif":
        dtype = dtype if dtype in ("u1", "u2", "f4") else "f4"  # ImageJ knows no others
    values = volume(dtype).astype(np.dtype(dtype).newbyteorder(endian))
    if how in ("nc3", "nc4") and dtype == "u1":
        values = values.astype("i2")
    file = tmp_path / f"scan.{'nc' if how.startswith('nc') else how}"
    file.unlink(missing_ok=True)  # one folder serves all examples
    write(file, values, how, "".join(order), compression)
    np.testing.assert_array_equal(read_gray(file), values)


def refused(file, words, **options):
    with pytest.raises(ValueError, match=words):
        read_gray(file, **options)


def test_attributes_of_netcdf(tmp_path):
    file, values = tmp_path / "s.nc", volume("f8")
    xr.DataArray(values * 0.5 + 3, dims=list("zyx"), name="v").to_netcdf(
        file,
        encoding={"v": dict(dtype="i2", scale_factor=0.5, add_offset=3.0, _FillValue=-1)},
        engine="h5netcdf",
    )
    np.testing.assert_allclose(read_gray(file), values * 0.5 + 3)
    with netcdf_file(tmp_path / "u.nc", "w") as opened:
        for axis, length in zip("zyx", SHAPE, strict=True):
            opened.createDimension(axis, length)
        variable = opened.createVariable("v", "i2", tuple("zyx"))
        bright = np.linspace(0, 65535, values.size).astype("u2").reshape(SHAPE)
        variable[:] = bright.view("i2")
        variable._Unsigned = "true"
    np.testing.assert_array_equal(read_gray(tmp_path / "u.nc"), bright)
    with netcdf_file(tmp_path / "u.nc", "a") as opened:
        opened.variables["v"].missing_value = np.int16(5)
        opened.variables["v"][0, 0, :3] = 5
    refused(tmp_path / "u.nc", "3 values that are NaN")


@pytest.mark.parametrize("bits", [8, 16])
def test_white_is_zero_is_turned_round(tmp_path, bits):
    values = volume(f"u{bits // 8}")
    tifffile.imwrite(tmp_path / "w.tif", 2**bits - 1 - values, photometric="miniswhite")
    np.testing.assert_array_equal(read_gray(tmp_path / "w.tif"), values)


def test_spacing_in_the_file(tmp_path):
    file, values = tmp_path / "s.tif", volume()
    meta = {"spacing": 0.5, "unit": "um", "axes": "ZYX"}
    tifffile.imwrite(file, values, imagej=True, resolution=(2, 2), metadata=meta)
    assert describe(file, voxel_size_um=0.5).spacing_um == pytest.approx((0.5, 0.5, 0.5))
    refused(file, r"0.642 was given.*ImageJ", voxel_size_um=0.642)
    tifffile.imwrite(file, values, imagej=True, resolution=(0.5, 0.5), metadata=meta)
    refused(file, "not cubes.*z 0.5 µm.*x 2 µm")
    meta = {"axes": "ZYX"} | {f"PhysicalSize{axis}": 400 for axis in "XYZ"}
    meta |= {f"PhysicalSize{axis}Unit": "nm" for axis in "XYZ"}
    tifffile.imwrite(tmp_path / "o.ome.tif", values, metadata=meta)
    assert read_gray(tmp_path / "o.ome.tif", voxel_size_um=0.4).shape == SHAPE
    refused(tmp_path / "o.ome.tif", "OME metadata", voxel_size_um=0.642)


def test_pages_that_lead_back(tmp_path):
    file = tmp_path / "loop.tif"
    tifffile.imwrite(file, volume(), photometric="minisblack", metadata=None, contiguous=False)
    with tifffile.TiffFile(file) as tiff:
        first, last = tiff.pages[0].offset, tiff.pages[len(tiff.pages) - 1].offset
    raw = bytearray(file.read_bytes())
    entries = struct.unpack_from("<H", raw, last)[0]
    struct.pack_into("<I", raw, last + 2 + 12 * entries, first)
    file.write_bytes(raw)
    refused(file, "back to an earlier one")


def test_foreign_files_are_not_opened(tmp_path):
    with h5py.File(tmp_path / "other.h5", "w") as opened:
        opened["v"] = volume()
    layout = h5py.VirtualLayout(SHAPE, "u2")
    layout[:] = h5py.VirtualSource(tmp_path / "other.h5", "v", SHAPE)
    with h5py.File(tmp_path / "a.h5", "w") as opened:
        opened["link"] = h5py.ExternalLink("other.h5", "/v")
        opened["soft"] = h5py.SoftLink("/link")
        opened["circle"] = h5py.SoftLink("/circle")
        opened.create_virtual_dataset("virtual", layout)
        opened.create_dataset("raw", SHAPE, "u2", external=[("secret.bin", 0, h5py.h5f.UNLIMITED)])
    for name, words in [
        ("link", "other.h5"), ("soft", "other.h5"), ("virtual", "other.h5"), ("raw", "secret.bin"),
        ("circle", "circle"),
    ]:  # fmt: skip
        refused(tmp_path / "a.h5", words, dataset=name)


def test_declared_sizes_beyond_memory(tmp_path):
    with h5py.File(tmp_path / "a.h5", "w") as opened:
        opened.create_dataset("v", (10**6, 10**4, 10**4), "u2", chunks=(1, 100, 100))
    refused(tmp_path / "a.h5", "GiB of memory while it is read; this")


def test_parts_that_are_missing(tmp_path):
    for number in (1, 2, 3, 5, *range(6, 20)):
        tifffile.imwrite(tmp_path / f"s_{number:03}.tif", volume(seed=number)[0])
    refused(tmp_path / "*.tif", "slices 4 are missing")
    refused(tmp_path, r"\*.tif")
    refused(tmp_path / "s_001.tif", r"Read all slices")
    tifffile.imwrite(tmp_path / "s_004.tif", volume()[0])
    assert read_gray(tmp_path / "*.tif").shape == (19, *SHAPE[1:])


def test_metaimage_and_nrrd(tmp_path):
    values = volume()
    head = "NDims = 3\nDimSize = 20 17 18\nElementType = MET_USHORT\nElementSpacing = 1 1 %s\n"
    (tmp_path / "v.raw").write_bytes(values.tobytes())
    (tmp_path / "v.mhd").write_text(head % 1 + "ElementDataFile = v.raw\n")
    np.testing.assert_array_equal(read_gray(tmp_path / "v.mhd"), values)
    (tmp_path / "v.mhd").write_text(head % 2 + "ElementDataFile = v.raw\n")
    refused(tmp_path / "v.mhd", "not cubes")
    (tmp_path / "v.mhd").write_text(head % 1 + "ElementDataFile = /etc/passwd\n")
    refused(tmp_path / "v.mhd", "outside the folder")
    nrrd = pytest.importorskip("nrrd")
    nrrd.write(str(tmp_path / "v.nrrd"), values, index_order="C")
    np.testing.assert_array_equal(read_gray(tmp_path / "v.nrrd"), values)


def test_what_values_give_away(tmp_path):
    file, values = tmp_path / "v.npy", volume("f4")
    for spoilt, words in [
        (np.where(np.arange(18)[:, None, None] < 4, 0, values), "4 of 18 slices along z"),
        (np.rint(values / 2000), "different values.*labels"),
        (values * 1e30, "single precision"),
        (values * np.float64(1e-310), "single precision"),
    ]:
        np.save(file, spoilt)
        refused(file, words)
    with pytest.raises(ValueError, match="7 of .* masked"):
        check_gray(np.ma.array(values, mask=np.arange(values.size).reshape(SHAPE) < 7))
    with pytest.raises(ValueError, match="masked"):
        check_labels(np.ma.masked_equal(np.zeros((3, 3, 3), np.uint8), 0))


def test_the_crop_that_a_round_field_of_view_suggests_is_accepted(tmp_path):
    shape = (24, 50, 50)
    y, x = np.mgrid[:50, :50] - 24.5
    np.save(tmp_path / "v.npy", np.where(y**2 + x**2 < 600, volume(shape=shape), 0))
    with pytest.raises(ValueError, match="field of view") as caught:
        read_gray(tmp_path / "v.npy")
    crop = str(caught.value).rstrip(".").split("CROP=")[1]
    inside = read_gray(tmp_path / "v.npy", crop=crop)
    assert inside.shape[0] == 24 and min(inside.shape[1:]) >= 30


def test_options():
    with pytest.warns(UserWarning, match="sum to 0.999.*scaled to 0.5956, 0.2312, 0.1732"):
        assert sum(parse_fractions("0.595,0.231,0.173").values()) == pytest.approx(1, abs=1e-12)
    for text, hint in [("0.6,0.2,0.1", "mistyped digit"), ("59.5,23.1,17.3", "percent")]:
        with pytest.raises(ValueError, match=hint):
            parse_fractions(text)
    with pytest.raises(ValueError, match="VOXEL_SIZE_UM=0.642"):
        parse_voxel_size("642")
    with pytest.raises(ValueError, match="expected three ranges"):
        parse_crop("1:2,3:4")


@pytest.mark.parametrize("text", ["0,642", "0.642 um", "0.642µm", "one"])
def test_a_voxel_size_with_comma_or_unit_is_told_how(text):
    with pytest.raises(ValueError, match="a decimal point and no unit"):
        parse_voxel_size(text)


@pytest.mark.parametrize(
    "text", ["0,595,0,231,0,174", "59.5%,23.1%,17.4%", "0.6;0.2;0.2", "AM=0.6,CBD=0.2,pore=0.2"]
)
def test_fractions_typed_in_other_ways_are_told_how(text):
    with pytest.raises(ValueError, match="decimal points, commas between and no units"):
        parse_fractions(text)


@pytest.mark.parametrize("ending", [".png", ".jpg", ".dcm"])
def test_slices_in_another_format_are_told_what_to_do(tmp_path, ending):
    for number in range(3):
        (tmp_path / f"s{number}{ending}").write_bytes(b"x")
    with pytest.raises(ValueError, match=f"only files with {ending}. Save the slices as TIFF"):
        read_gray(tmp_path / f"*{ending}")
    with pytest.raises(ValueError, match="no file matches"):
        read_gray(tmp_path / "*.nothing")
