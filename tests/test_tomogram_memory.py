"""What reading holds in memory: no more than the check before it counted, and a crop less."""

import tracemalloc

import h5py
import numpy as np
import psutil
import pytest
import tifffile
from scipy.io import netcdf_file

from analysis.tomogram import describe, read_gray, reading

SHAPE = (48, 96, 100)
CROP = "4:28,:,:"


def volume(dtype="i2"):
    return np.random.default_rng(0).integers(1, 4000, SHAPE).astype(dtype)


def save_tiff(file, **options):
    tifffile.imwrite(file, volume(), photometric="minisblack", metadata=None, **options)


def save_white(file):
    tifffile.imwrite(file, volume("u2"), photometric="miniswhite", metadata=None)


def save_hdf5(file, attrs=(), **options):
    with h5py.File(file, "w") as opened:
        opened.create_dataset("v", data=volume(), **options).attrs.update(dict(attrs))


def save_netcdf3(file, attrs=(), dims="zyx"):
    with netcdf_file(file, "w") as opened:
        values = volume()
        for axis, length in zip(dims, SHAPE, strict=True):
            opened.createDimension(axis, length)
        variable = opened.createVariable("v", ">i2", tuple(dims))
        variable[:] = values
        for key, value in dict(attrs).items():
            setattr(variable, key, value)


def save_metaimage(file, packed):
    import zlib

    data = volume().tobytes()
    head = "NDims = 3\nDimSize = 100 96 48\nElementType = MET_SHORT\n"
    head += f"CompressedData = {packed}\nElementDataFile = LOCAL\n"
    file.write_bytes(head.encode() + (zlib.compress(data, 1) if packed else data))


def save_nrrd(file, encoding):
    pytest.importorskip("nrrd").write(
        str(file), volume(), {"encoding": encoding}, index_order="C", compression_level=1
    )


PACKED = {"scale_factor": 0.5, "add_offset": 3.0, "_FillValue": np.int16(-9)}
LIMITED = {"valid_range": np.array([0, 3990], "i2")}
FILES = {
    "plain.tif": save_tiff,
    "big-endian.tif": lambda file: save_tiff(file, byteorder=">"),
    "packed.tif": lambda file: save_tiff(file, compression="zlib"),
    "white.tif": save_white,
    "plain.npy": lambda file: np.save(file, volume()),
    "fortran.npy": lambda file: np.save(file, np.asfortranarray(volume())),
    "plain.h5": save_hdf5,
    "gzip.h5": lambda file: save_hdf5(file, chunks=(4, 96, 100), compression="gzip"),
    "scaled.h5": lambda file: save_hdf5(file, PACKED, chunks=(4, 96, 100)),
    "plain.nc": save_netcdf3,
    "scaled.nc": lambda file: save_netcdf3(file, PACKED),
    "limited.nc": lambda file: save_netcdf3(file, LIMITED),
    "turned.nc": lambda file: save_netcdf3(file, dims="xyz"),
    "plain.mha": lambda file: save_metaimage(file, packed=False),
    "packed.mha": lambda file: save_metaimage(file, packed=True),
    "plain.nrrd": lambda file: save_nrrd(file, "raw"),
    "packed.nrrd": lambda file: save_nrrd(file, "gzip"),
}
WHOLE = ("packed.mha", "packed.nrrd", "turned.nc")  # nothing less than all of it can be unpacked


def peak_of(call):
    tracemalloc.start()
    try:
        call()
        return tracemalloc.get_traced_memory()[1]
    finally:
        tracemalloc.stop()


@pytest.mark.parametrize("name", FILES)
def test_no_more_is_held_than_was_counted(tmp_path, monkeypatch, name):
    file = tmp_path / name
    FILES[name](file)
    counted = []
    monkeypatch.setattr(
        "analysis.tomogram.stored.check_memory",
        lambda shape, dtype, needed=None: counted.append(needed),
    )
    _, opener, path = reading._reader(file)
    stored = opener(path, "v" if file.suffix in (".h5", ".nc") else "")
    stored.load()  # imports and caches of the libraries are no part of the volume
    whole = peak_of(stored.load)
    assert whole <= 1.05 * counted[-1] + 2**17
    assert counted[-1] <= 3 * whole + 2**17  # and the count is no wild guess
    crop = (slice(4, 28), slice(0, 96), slice(0, 100))
    part = peak_of(lambda: stored.load(crop))
    assert part <= 1.05 * counted[-1] + 2**17
    if name not in WHOLE:
        assert part <= 0.62 * whole


@pytest.mark.parametrize("name", ["packed.tif", "plain.tif", "plain.npy", "plain.nc", "gzip.h5"])
def test_a_volume_beyond_memory_is_refused_and_its_crop_is_read(tmp_path, monkeypatch, name):
    file = tmp_path / name
    FILES[name](file)
    there = psutil.virtual_memory()._replace(available=volume().nbytes - 1)
    monkeypatch.setattr(psutil, "virtual_memory", lambda: there)
    with pytest.raises(ValueError, match=r"48 x 96 x 100 voxels .*GiB of memory.*CROP="):
        read_gray(file)
    np.testing.assert_array_equal(read_gray(file, crop="4:20,:,:"), volume()[4:20])


def test_decoding_counts(tmp_path, monkeypatch):
    """Two bytes in the file, more while scale and offset are applied."""
    save_netcdf3(tmp_path / "v.nc", PACKED)
    there = psutil.virtual_memory()._replace(available=3 * volume().nbytes)
    monkeypatch.setattr(psutil, "virtual_memory", lambda: there)
    with pytest.raises(ValueError, match="GiB of memory"):
        read_gray(tmp_path / "v.nc")


def test_describing_sorts_no_copy(tmp_path):
    np.save(tmp_path / "v.npy", volume("f4"))
    describe(tmp_path / "v.npy")
    peak = peak_of(lambda: describe(tmp_path / "v.npy"))
    assert peak <= 1.6 * volume("f4").nbytes + 3 * 2**20
