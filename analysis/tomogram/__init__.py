"""A reader's own volume: from a file to checked gray values or labels, and labels back to TIFF.

``reading`` holds the table of formats; ``tiff``, ``hdf5``, ``netcdf3`` and ``raw`` say what a file
tells of its volume (``stored``), ``conventions`` what attributes mean, ``checks`` what values give
away, ``options`` what is typed beside the file.
"""

from analysis.tomogram.options import parse_crop, parse_fractions, parse_voxel_size
from analysis.tomogram.polarity import check_polarity, polarity_doubt
from analysis.tomogram.reading import Description, describe, read_gray, read_labels, write_tiff

__all__ = [
    "Description",
    "check_polarity",
    "describe",
    "parse_crop",
    "parse_fractions",
    "parse_voxel_size",
    "polarity_doubt",
    "read_gray",
    "read_labels",
    "write_tiff",
]
