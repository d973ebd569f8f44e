"""The measured electrode: NREL's calendered NMC cathode, imaged and trinarized like ours.

Its active material is a segmented X-ray nano-CT; its CBD was put in by a computer model. So
where the AM sits is measured, where the CBD sits is modeled.
"""

import hashlib
from dataclasses import dataclass
from pathlib import Path

import numpy as np

from analysis import storage
from analysis.instruments import transfer
from analysis.phases import Phase, volume_fractions
from analysis.tomogram import read_labels

NAME = "nmc-1-cal_generatedCBD_bridge.tif"
COMMIT = "904b8de59df362adc37ad3351961b27516a067b0"
ADDRESS = (
    "https://raw.githubusercontent.com/NREL/MATBOX_Microstructure_analysis_toolbox/"
    f"{COMMIT}/Data_example/From%20computed%20tomography%20with%20additives%20numerically%20"
    f"generated/{NAME}"
)
# Of the decoded labels, so that a losslessly recompressed copy is recognized too.
SHA256_OF_LABELS = "b3fead0c413619e3b6c467073e57e6392913567e6d9ba72de88f008153263d08"
VOXEL_SIZE_UM = 0.398  # reader of the same sample in daubners/micro-characterization
LABEL_ORDER = (Phase.PORE, Phase.AM, Phase.CBD)  # what 0, 1, 2 mean in the file
SEARCH_SECONDS = 20


@dataclass(frozen=True)
class Measured:
    """
    The measured electrode, or why it is not there.

    Attributes
    ----------
    labels : (Z, Y, X) ndarray of uint8 or None
        The whole volume, in our order of labels.
    source : str
        Where it came from, or what went wrong.
    """

    labels: np.ndarray | None
    source: str

    @property
    def found(self):
        """Whether there is a volume."""
        return self.labels is not None


def load(real=""):
    """
    Read the measured electrode from a path, or fetch it from its public repository.

    Parameters
    ----------
    real : str
        Path of the TIFF; empty to download it (once, then from the cache).

    Returns
    -------
    measured : Measured

    Raises
    ------
    FileNotFoundError, ValueError
        If `real` names a file that is absent, damaged, or not this electrode.
    """
    if real:
        labels = read_labels(real, order=LABEL_ORDER)
        _check(labels, real)
        return Measured(labels, f"local file {Path(real).name}")
    try:
        labels = read_labels(_download(), order=LABEL_ORDER)
        _check(labels, ADDRESS)
    except Exception as error:  # no network is no reason to stop the book
        reason = type(error).__name__
        return Measured(None, f"no path was given and the download failed ({reason})")
    return Measured(labels, "public repository")


def how_to_get_it(measured):
    """What the chapter says when the volume is absent."""
    return (
        f"The measured electrode is not part of this build: {measured.source}. Download {NAME} "
        "from the NREL/MATBOX_Microstructure_analysis_toolbox repository on GitHub (folder "
        "Data_example, commit "
        f"{COMMIT[:7]}) and build again with make book REAL=path/to/{NAME}."
    )


def cutout(labels, profile):
    """
    The central part that the profile affords, over the full thickness.

    Half as many voxels again as a virtual cutout, because these voxels are smaller.
    """
    edge = min(profile.lateral * 3 // 2, *labels.shape[1:])
    starts = [(length - edge) // 2 for length in labels.shape[1:]]
    y, x = (slice(start, start + edge) for start in starts)
    return np.ascontiguousarray(labels[:, y, x])


def image(labels, profile, **changes):
    """
    Virtual tomogram of a cutout, by the fast tomograph of the virtual electrodes.

    Parameters
    ----------
    labels : (Z, Y, X) ndarray of uint8
        The cutout.
    profile : analysis.profiles.Profile
        Fixes the seed of the noise.
    **changes
        Settings of :class:`analysis.instruments.transfer.Imaging` to change, as ``noise=0.05``.

    Returns
    -------
    gray : (Z, Y, X) ndarray of float32
    """
    composition = np.stack([labels == phase for phase in Phase]).astype(np.float32)
    seed = profile.seed_for("tomogram", "REAL")
    return transfer.image(composition, VOXEL_SIZE_UM, seed=seed, **changes)


def save(truth, gray, labels, profile):
    """Write labels and gray values of the cutout to disk, as those of the virtual electrodes."""
    notes = {"specimen": "REAL", "cutout": 1, "targets": _named(volume_fractions(truth))}
    common = {"profile": profile, "voxel_size_um": VOXEL_SIZE_UM}
    storage.save_volume("gray/REAL-1", gray, **common, **notes)
    storage.save_volume("labels/REAL-1-truth", truth, **common, method="truth", **notes)
    for method, volume in labels.items():
        storage.save_volume(f"labels/REAL-1-{method}", volume, **common, method=method, **notes)


def _download():
    import pooch

    pooch.get_logger().setLevel("WARNING")
    return pooch.retrieve(
        ADDRESS,
        known_hash=None,  # the decoded labels are checked instead
        fname=NAME,
        path=pooch.os_cache("cbd-compendium"),
        downloader=pooch.HTTPDownloader(timeout=SEARCH_SECONDS),
    )


def _check(labels, source):
    """Compare the decoded labels, in the file's own order, with the known checksum."""
    in_file = np.empty(len(Phase), np.uint8)
    in_file[list(LABEL_ORDER)] = np.arange(len(Phase))
    found = hashlib.sha256(np.ascontiguousarray(in_file[labels]).tobytes()).hexdigest()
    if found != SHA256_OF_LABELS:
        raise ValueError(
            f"{source}: the decoded labels have SHA-256 {found[:12]}..., expected "
            f"{SHA256_OF_LABELS[:12]}... of {NAME}. Download it again, or treat your own labels "
            "and tomograms with `make own`."
        )


def _named(fractions):
    return {phase.name: value for phase, value in fractions.items()}
