"""TIFF as programs really write it: parts, pages, pyramids, gaps, tables, bits and codecs."""

import re
import struct

import numpy as np
import pytest
import tifffile

from analysis.tomogram import describe, parse_crop, read_gray, read_labels

SHAPE = (18, 17, 20)


def volume(dtype="u2", seed=0, shape=SHAPE):
    top = 120 if np.dtype(dtype).itemsize == 1 else 4000
    return np.random.default_rng(seed).integers(1, top, shape).astype(dtype)


def refused(file, words, **options):
    with pytest.raises(ValueError, match=words):
        read_gray(file, **options)


def handmade(file, pages, entries):
    """A little-endian TIFF with one strip per page; `entries` are added to those of each page."""
    raw, link = bytearray(b"II*\0\0\0\0\0"), 4
    for data, (height, width), bits in pages:
        start = len(raw)
        raw += data + b"\0" * (len(data) % 2)
        struct.pack_into("<I", raw, link, len(raw))
        tags = {256: width, 257: height, 258: bits, 259: 1, 262: 1, 273: start, 277: 1, 278: height}
        tags |= {279: len(data), **entries}
        raw += struct.pack("<H", len(tags))
        for tag in sorted(tags):
            raw += struct.pack("<HHII", tag, 4, 1, tags[tag])
        link = len(raw)
        raw += b"\0\0\0\0"
    file.write_bytes(raw)
    return file


def poke(file, page, name, number, position=0):
    """Overwrite one number of a tag."""
    with tifffile.TiffFile(file) as tiff:
        tag = tiff.pages[page].tags[name]
        kind, offset, order = tag.dtype, tag.valueoffset, tiff.byteorder
    kind = {3: "H", 4: "I", 16: "Q"}[int(kind)]
    raw = bytearray(file.read_bytes())
    struct.pack_into(order + kind, raw, offset + position * struct.calcsize(kind), number)
    file.write_bytes(raw)


def ome_parts(folder, names):
    """An OME-TIFF of one file per slice, each with the whole description."""
    planes = "".join(
        f'<TiffData FirstZ="{n}" IFD="0" PlaneCount="1"><UUID FileName="{name}">urn:uuid:{n:08}'
        "-0000-0000-0000-000000000000</UUID></TiffData>"
        for n, name in enumerate(names)
    )
    xml = (
        '<?xml version="1.0" encoding="UTF-8"?><OME xmlns="http://www.openmicroscopy.org/Schemas/'
        'OME/2016-06" UUID="urn:uuid:%08d-0000-0000-0000-000000000000"><Image ID="Image:0"><Pixels '
        'ID="Pixels:0" DimensionOrder="XYZCT" Type="uint16" SizeX="20" SizeY="17" SizeZ="18" '
        f'SizeC="1" SizeT="1"><Channel ID="Channel:0:0" SamplesPerPixel="1"/>{planes}'
        "</Pixels></Image></OME>"
    )
    for n, plane in enumerate(volume()):
        file = folder / names[n].rsplit("/", 1)[-1]
        tifffile.imwrite(file, plane, description=xml % n, metadata=None, photometric="minisblack")
    return folder / names[0].rsplit("/", 1)[-1]


def test_ome_parts(tmp_path):
    first = ome_parts(tmp_path, [f"p{n:02}.ome.tif" for n in range(18)])
    np.testing.assert_array_equal(read_gray(first), volume())
    cut = read_gray(first, crop="1:17,0:16,2:20")
    np.testing.assert_array_equal(cut, volume()[1:17, :16, 2:])
    (tmp_path / "p07.ome.tif").unlink()
    refused(first, r"18 files; missing here: p07\.ome\.tif")


def test_ome_part_in_another_folder(tmp_path):
    for n, away in enumerate(("../elsewhere/p17.ome.tif", "/data/p17.ome.tif")):
        (tmp_path / str(n)).mkdir()
        first = ome_parts(tmp_path / str(n), [f"p{n:02}.ome.tif" for n in range(17)] + [away])
        refused(first, "outside the folder")


def test_ome_part_without_description(tmp_path):
    xml = (
        '<?xml version="1.0"?><OME xmlns="http://www.openmicroscopy.org/Schemas/OME/2016-06">'
        '<BinaryOnly MetadataFile="master.ome.tif" UUID="urn:uuid:0"/></OME>'
    )
    file = tmp_path / "part.ome.tif"
    tifffile.imwrite(file, volume(), description=xml, metadata=None, photometric="minisblack")
    refused(file, "description is in 'master.ome.tif'")


def test_a_renamed_ome_file_is_read(tmp_path):
    tifffile.imwrite(tmp_path / "a.ome.tif", volume(), metadata={"axes": "ZYX"})
    (tmp_path / "a.ome.tif").rename(tmp_path / "b.ome.tif")
    np.testing.assert_array_equal(read_gray(tmp_path / "b.ome.tif"), volume())


@pytest.mark.parametrize("where", ["below", "beside", "unmarked"])
def test_pyramids_and_overviews(tmp_path, where):
    """The full resolution is read; smaller pages that are not marked as overviews are named."""
    file, values = tmp_path / "p.tif", volume(shape=(18, 32, 32))
    with tifffile.TiffWriter(file) as tiff:
        options = dict(photometric="minisblack", metadata=None)
        tiff.write(values, subifds=1 if where == "below" else 0, **options)
        tiff.write(values[:, ::2, ::2], subfiletype=0 if where == "unmarked" else 1, **options)
    if where != "unmarked":
        np.testing.assert_array_equal(read_gray(file), values)
    else:
        refused(file, "pages 18-35 .*left over")


@pytest.mark.parametrize("how", ["imagej", "ome", "shaped"])
def test_pages_left_over_after_a_series(tmp_path, how):
    file = tmp_path / ("s.ome.tif" if how == "ome" else "s.tif")
    kinds = dict(imagej=how == "imagej", ome=how == "ome")
    tifffile.imwrite(file, volume(), metadata={"axes": "ZYX"}, **kinds)
    read_gray(file)
    with tifffile.TiffWriter(file, append="force") as tiff:
        tiff.write(volume(seed=1)[:3], metadata=None, photometric="minisblack")
    refused(file, "pages 18-20|volume .18, 17, 20., but the file holds pages 0-20")


def test_two_volumes_in_one_file(tmp_path):
    with tifffile.TiffWriter(tmp_path / "s.tif") as tiff:
        for seed in range(2):
            tiff.write(volume(seed=seed), photometric="minisblack")
    refused(tmp_path / "s.tif", "2 volumes: pages 0-17 of 17 x 20, uint16; pages 18-35")


def test_imagej_says_more_images_than_there_are(tmp_path):
    """Acquisition programs that split a scan keep the number of the whole (TIFFStack, issue 30)."""
    file = tmp_path / "s.tif"
    text = "ImageJ=1.53t\nimages=40\nslices=40\nunit=micron\nspacing=0.5\n"
    tifffile.imwrite(file, volume(), description=text, metadata=None, photometric="minisblack")
    refused(file, "40 images, but the file holds 18")


def test_one_page_that_stands_for_all(tmp_path):
    """ImageJ writes stacks beyond 4 GB with a single page and the rest behind it."""
    file = tmp_path / "s.tif"
    tifffile.imwrite(file, volume(), imagej=True, metadata={"axes": "ZYX"})
    with tifffile.TiffFile(file) as tiff:
        at, order = tiff.pages[0].offset, tiff.byteorder
    raw = bytearray(file.read_bytes())
    count = struct.unpack_from(order + "H", raw, at)[0]
    struct.pack_into(order + "I", raw, at + 2 + 12 * count, 0)
    file.write_bytes(raw)
    np.testing.assert_array_equal(read_gray(file), volume())
    file.write_bytes(raw[: at + volume().nbytes // 2])
    refused(file, "truncated|18 images, but the file holds 1")


def test_stack_that_grew_page_by_page(tmp_path):
    """``imsave(append=True)`` makes a series of each page (tifffile, issue 30)."""
    grown, mixed = tmp_path / "grown.tif", tmp_path / "mixed.tif"
    for number, plane in enumerate(volume()):
        tifffile.imwrite(grown, plane, append=number > 0, photometric="minisblack")
        tifffile.imwrite(
            mixed,
            plane,
            append=number > 0,
            metadata=None,
            compression=["zlib", None, "packbits"][number % 3],
            rowsperstrip=4 + number % 2,
            photometric="minisblack",
        )
    np.testing.assert_array_equal(read_gray(grown), volume())
    np.testing.assert_array_equal(read_gray(mixed), volume())
    np.testing.assert_array_equal(read_gray(mixed, crop="2:18,1:17,:"), volume()[2:, 1:])


@pytest.mark.parametrize("tag", ["StripOffsets", "StripByteCounts"])
def test_strips_that_were_never_written(tmp_path, tag):
    file = tmp_path / "s.tif"
    tifffile.imwrite(
        file, volume(), metadata=None, rowsperstrip=5, compression="zlib", photometric="minisblack"
    )
    read_gray(file)
    poke(file, 4, tag, 0, position=2)
    refused(file, "pages 4 .*never written")


def test_tiles_that_were_never_written(tmp_path):
    file = tmp_path / "s.tif"
    tiles = (tile if n != 5 else None for n, tile in enumerate(volume(shape=(18, 16, 16))))
    tifffile.imwrite(
        file, tiles, shape=(18, 16, 16), dtype="u2", tile=(16, 16), metadata=None,
        photometric="minisblack", compression="zlib",
    )  # fmt: skip
    refused(file, "pages 5 .*never written")


def test_palettes(tmp_path):
    values = volume("u1")
    ramp = np.tile(np.arange(256, dtype="u2") * 257, (3, 1))
    colors = np.random.default_rng(1).integers(0, 2**16, (3, 256)).astype("u2")
    for name, table in (("gray", ramp), ("colors", colors), ("reversed", ramp[:, ::-1])):
        tifffile.imwrite(tmp_path / f"{name}.tif", values, photometric="palette", colormap=table)
    np.testing.assert_array_equal(read_gray(tmp_path / "gray.tif"), values)
    refused(tmp_path / "colors.tif", "numbers of a color table")
    refused(tmp_path / "reversed.tif", "numbers of a color table")
    labels = values % 3
    tifffile.imwrite(tmp_path / "labels.tif", labels, photometric="palette", colormap=colors)
    np.testing.assert_array_equal(read_labels(tmp_path / "labels.tif"), labels)


def pack_12_bits(plane):
    """Two values in three bytes, each row filled up to a whole byte."""
    rows = [np.append(row, 0) if row.size % 2 else row for row in plane.astype(int)]
    packed = []
    for row in rows:
        a, b = row[::2], row[1::2]
        packed.append(np.stack([a >> 4, (a & 15) << 4 | b >> 8, b & 255], axis=1).astype("u1"))
    return b"".join(one.tobytes() for one in packed)


@pytest.mark.parametrize("photometric", [0, 1])
def test_12_bits(tmp_path, photometric):
    pytest.importorskip("imagecodecs")
    values = volume()
    shown = 4095 - values if photometric == 0 else values
    pages = [(pack_12_bits(plane), plane.shape, 12) for plane in shown]
    file = handmade(tmp_path / "s.tif", pages, {262: photometric})
    np.testing.assert_array_equal(read_gray(file), values)
    assert ("turned round" in describe(file).polarity) == (photometric == 0)


@pytest.mark.parametrize("dtype", ["i1", "i2", "f4"])
def test_white_is_zero_without_a_largest_value(tmp_path, dtype):
    tifffile.imwrite(tmp_path / "s.tif", volume(dtype), photometric="miniswhite")
    refused(tmp_path / "s.tif", "no largest value to invert at")


def test_polarity_that_changes_between_pages(tmp_path):
    file = tmp_path / "s.tif"
    for n, plane in enumerate(volume()):
        photometric = "miniswhite" if n == 9 else "minisblack"
        tifffile.imwrite(file, plane, append=n > 0, metadata=None, photometric=photometric)
    refused(file, "pages differ.*pages 9 MINISWHITE")


@pytest.mark.parametrize("compression", ["lzw", "jpeg", "png"])
def test_codec_that_is_missing(tmp_path, monkeypatch, compression):
    pytest.importorskip("imagecodecs")
    file = tmp_path / "s.tif"
    tifffile.imwrite(file, volume("u1"), compression=compression, photometric="minisblack")
    monkeypatch.setattr(tifffile.tifffile, "imagecodecs", object())
    decoders = tifffile.TIFF.DECOMPRESSORS._codecs
    monkeypatch.setattr(tifffile.TIFF.DECOMPRESSORS, "_codecs", {1: decoders[1]})
    words = f"compressed with {compression.upper()}.*pip install imagecodecs"
    refused(file, words)


def test_predictors(tmp_path):
    pytest.importorskip("imagecodecs")
    for dtype, predictor in (("u2", 2), ("f4", 3)):
        values = volume(dtype)
        tifffile.imwrite(
            tmp_path / "s.tif", values, compression="lzw", predictor=predictor,
            photometric="minisblack",
        )  # fmt: skip
        np.testing.assert_array_equal(read_gray(tmp_path / "s.tif"), values)


def test_bigtiff_and_tiles(tmp_path):
    values = volume(shape=(18, 40, 50))
    for order in "<>":
        tifffile.imwrite(
            tmp_path / "s.tif", values, bigtiff=True, byteorder=order, tile=(16, 32),
            photometric="minisblack",
        )  # fmt: skip
        np.testing.assert_array_equal(read_gray(tmp_path / "s.tif"), values)
        cut = read_gray(tmp_path / "s.tif", crop="1:17,3:39,7:47")
        np.testing.assert_array_equal(cut, values[1:17, 3:39, 7:47])


@pytest.mark.parametrize(("how", "axes"), [("ome", "ZYX"), ("ome", "TZCYX"), ("imagej", "TZCYX")])
def test_axes_that_the_file_names(tmp_path, how, axes):
    file, values = tmp_path / ("s.ome.tif" if how == "ome" else "s.tif"), volume()
    stored = values.reshape(1, 18, 1, 17, 20) if axes == "TZCYX" else values
    kinds = dict(imagej=how == "imagej", ome=how == "ome")
    tifffile.imwrite(file, stored, metadata={"axes": axes}, **kinds)
    np.testing.assert_array_equal(read_gray(file), values)


@pytest.mark.parametrize("axes", ["TZYX", "CZYX", "ZCYX"])
def test_series_in_time_and_channels(tmp_path, axes):
    file = tmp_path / "s.ome.tif"
    shape = (2, 18, 17, 20) if axes != "ZCYX" else (18, 2, 17, 20)
    tifffile.imwrite(file, volume(shape=shape), metadata={"axes": axes}, photometric="minisblack")
    refused(file, "one volume")


def test_30000_pixels_square(tmp_path, monkeypatch):
    """Pages that unpack to 0.8 GB each are refused before any is unpacked."""
    monkeypatch.setattr(tifffile.TiffPage, "asarray", lambda *_, **__: pytest.fail("unpacked"))
    page = (b"\0" * 64, (30000, 30000), 8)
    refused(handmade(tmp_path / "s.tif", [page], {259: 8}), "two-dimensional")
    refused(handmade(tmp_path / "s.tif", [page], {}), "truncated")
    refused(handmade(tmp_path / "s.tif", [page] * 900, {259: 8}), "needs 75[0-9] GiB of memory")


def test_a_list_of_pages_without_end(tmp_path, monkeypatch):
    tifffile.imwrite(tmp_path / "s.tif", volume(), photometric="minisblack", metadata=None)
    monkeypatch.setattr("analysis.tomogram.tiff_pages.MAX_PAGES", 17)
    refused(tmp_path / "s.tif", "more than 17 entries")


def test_only_the_pages_of_a_crop_are_unpacked(tmp_path, monkeypatch):
    file, values = tmp_path / "s.tif", volume(shape=(40, 17, 20))
    tifffile.imwrite(file, values, compression="zlib", photometric="minisblack", metadata=None)
    seen, unpack = [], tifffile.TiffPage.asarray
    monkeypatch.setattr(
        tifffile.TiffPage, "asarray", lambda page, *a: seen.append(page.index) or unpack(page, *a)
    )
    crop = "3:20,:,:"
    np.testing.assert_array_equal(read_gray(file, crop=crop), values[parse_crop(crop)])
    assert sorted(seen) == list(range(3, 20))


def test_damage_anywhere_is_a_sentence(tmp_path):
    """Every tenth byte of the first heads overwritten: read, or refused in words, never a trace."""
    file = tmp_path / "s.tif"
    tifffile.imwrite(file, volume(), metadata=None, compression="zlib", photometric="minisblack")
    whole = file.read_bytes()
    with tifffile.TiffFile(file) as tiff:
        at = tiff.pages[0].offset
    outcomes = set()
    for offset in range(at, at + 180, 7):
        raw = bytearray(whole)
        raw[offset] ^= 0xFF
        file.write_bytes(raw)
        try:
            outcomes.add(read_gray(file).shape)
        except ValueError as error:
            assert re.match(re.escape(str(file)), str(error))
            outcomes.add("refused")
    assert "refused" in outcomes
