"""What the chapter on a reader's own tomogram needs beside the study of one volume."""

import numpy as np
import tifffile

from analysis import profiles, storage
from analysis.tomogram import write_tiff

SEED = 2022

EXAMPLE = "SL-1"


def example_file(profile):
    """
    Write a virtual tomogram as a 16-bit TIFF, as a beamline would deliver it.

    Returns
    -------
    file : Path
    """
    volume = storage.load_volume(f"gray/{EXAMPLE}", profile=profile)
    gray = volume.values
    low, high = np.quantile(gray, (0.0005, 0.9995))
    scaled = np.clip((gray - low) / (high - low), 0, 1) * 65535
    file = storage.path("volumes", f"gray/{EXAMPLE}.tif", profile=profile)
    with storage.atomic(file) as temporary:
        tifffile.imwrite(temporary, scaled.astype(np.uint16), photometric="minisblack")
    return storage.record_write(file)


def central(gray, profile, *, whole):
    """
    The whole volume of a reader, or the middle of the example as the profile affords it.

    Parameters
    ----------
    gray : (Z, Y, X) ndarray
        The volume.
    profile : str
        Name of the profile.
    whole : bool
        Whether to take everything.
    """
    if whole:
        return gray
    edge = min(profiles.get(profile).lateral, 64)
    return gray[:, :edge, :edge]


def save(labels, voxel_size_um, profile):
    """Write the labels of every method as netCDF and as TIFF."""
    for method, volume in labels.items():
        name = f"labels/OWN-1-{method}"
        common = {"specimen": "OWN", "cutout": 1, "method": method}
        storage.save_volume(name, volume, profile=profile, voxel_size_um=voxel_size_um, **common)
        file = storage.path("volumes", name + ".tif", profile=profile)
        write_tiff(file, volume, voxel_size_um)
        storage.record_write(file, voxel_size_um=voxel_size_um)
