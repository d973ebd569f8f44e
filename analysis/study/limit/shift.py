"""What is left of a posterior where its prior is wrong: other electrodes, other images.

Each setting changes one thing of the reference setting: what the electrode is like, or how it is
imaged. Nothing is trained anew. All of it costs minutes: ``benchmarks/limit.py`` runs it and keeps
the rows, the book shows them.
"""

from dataclasses import dataclass

import numpy as np

from analysis.instruments import transfer
from analysis.phases import VOXEL_SIZE_UM, Phase
from analysis.specimen import binder, electrode
from analysis.study.limit.limit import Known
from analysis.study.limit.posterior import nominal_profile

NOISE = 0.12
FILM = binder.Scenario("film", necks=0.0, film_per_um=1.0, fine=0.4, coarse=0.2)


@dataclass(frozen=True)
class Shift:
    """
    A setting that differs from the reference in one thing.

    Attributes
    ----------
    title : str
        As in the table.
    what : str
        ``none``, ``electrode`` or ``image``.
    specimen : tuple of (str, value)
        Changes of :func:`analysis.specimen.electrode.make`.
    imaging : tuple of (str, value)
        Changes of :func:`analysis.instruments.transfer.image`.
    cbd : float
        Factor on the CBD fraction; the AM keeps its own.
    voxel_size_um : float
    """

    title: str
    what: str
    specimen: tuple = ()
    imaging: tuple = ()
    cbd: float = 1.0
    voxel_size_um: float = VOXEL_SIZE_UM


def _shift(title, what, *, cbd=1.0, voxel_size_um=VOXEL_SIZE_UM, specimen=None, **imaging):
    return Shift(
        title, what, tuple((specimen or {}).items()), tuple(imaging.items()), cbd, voxel_size_um
    )


SHIFTS = (
    _shift("reference", "none"),
    _shift("scenario cluster", "electrode", specimen={"scenario": "cluster"}),
    _shift("CBD as a film on the AM", "electrode", specimen={"scenario": FILM}),
    _shift("particles 0.7 times as large", "electrode", specimen={"median_radius_um": 3.4}),
    _shift("particles 1.4 times as large", "electrode", specimen={"median_radius_um": 6.9}),
    _shift("half of the CBD", "electrode", cbd=0.5),
    _shift("1.2 times the CBD", "electrode", cbd=1.2),
    _shift("noise .02", "image", noise=0.02),
    _shift("noise .4", "image", noise=0.4),
    _shift("no total variation", "image", tv_weight=0.0),
    _shift("detector blur .5 µm", "image", blur_um=0.5),
    _shift("edge-enhanced", "image", scenario="edge-enhanced"),
    _shift("25 keV, 15 mm, non-local means", "image", scenario="correlative"),
    _shift("voxels of .5 µm", "image", voxel_size_um=0.5),
    _shift("voxels of .8 µm", "image", voxel_size_um=0.8),
)


def known(shift, name, *, seed, lateral, thickness=None):
    """
    A specimen and its tomogram in a shifted setting.

    Parameters
    ----------
    shift : Shift
    name : str
        Electrode.
    seed : int
    lateral, thickness : int
        Voxels along y and x, and along z; by default the whole electrode.

    Returns
    -------
    one : analysis.study.limit.limit.Known
    """
    options = {"scenario": "bridging"} | dict(shift.specimen)
    targets = electrode.electrodes.electrode(name).targets()
    if shift.cbd != 1:
        cbd = targets[Phase.CBD] * shift.cbd
        pore = 1 - targets[Phase.AM] - cbd
        targets = {Phase.PORE: pore, Phase.CBD: cbd, Phase.AM: targets[Phase.AM]}
    size = shift.voxel_size_um
    drawn = electrode.make(
        name,
        lateral,
        seed=seed,
        thickness=thickness,
        targets=targets,
        voxel_size_um=size,
        **options,
    )
    gray = transfer.image(
        drawn.composition, size, seed=[seed, 1], **({"noise": NOISE} | dict(shift.imaging))
    )
    profile = nominal_profile(name, drawn.labels.shape[0], drawn.targets, voxel_size_um=size)
    place = {"setting": shift.title, "differs in": shift.what, "specimen": name}
    return Known(place, gray, drawn.labels, profile, seed)


def measured(labels, voxel_size_um, *, resampled, seed):
    """
    The measured AM, imaged as the virtual electrodes are.

    Parameters
    ----------
    labels : (Z, Y, X) ndarray of uint8
        A part of the measured electrode.
    voxel_size_um : float
        Of the labels.
    resampled : bool
        Whether it is brought to the voxel size of the training before it is imaged.
    seed : int

    Returns
    -------
    one : analysis.study.limit.limit.Known
        The CBD of each slice, counted, is its profile.
    """
    composition = np.stack([labels == phase for phase in Phase]).astype(np.float32)
    size = voxel_size_um
    if resampled:
        composition = coarser(composition, VOXEL_SIZE_UM / voxel_size_um)
        labels = composition.argmax(axis=0).astype(np.uint8)
        size = VOXEL_SIZE_UM
    gray = transfer.image(composition, size, seed=[seed, 1], noise=NOISE)
    title = f"measured AM, voxels of {size:.3g} µm".replace("0.", ".")
    place = {"setting": title, "differs in": "both", "specimen": "REAL"}
    profile = (labels == Phase.CBD).mean(axis=(1, 2))
    return Known(place, gray, labels, profile, seed)


def coarser(composition, factor):
    """
    Shares on voxels that are `factor` times as long, each the mean of what it covers.

    Parameters
    ----------
    composition : (3, Z, Y, X) ndarray
    factor : float
        Above 1.
    """
    for axis in range(1, 4):
        n = composition.shape[axis]
        count = int(n / factor)
        # the integral along the axis, read at the faces of the new voxels
        total = np.concatenate(
            [np.zeros_like(composition.take([0], axis)), np.cumsum(composition, axis)], axis
        )
        faces = np.arange(count + 1) * factor
        low = np.minimum(faces.astype(int), n - 1)
        part = (faces - low).reshape([-1 if a == axis else 1 for a in range(4)])
        at = total.take(low, axis) * (1 - part) + total.take(low + 1, axis) * part
        composition = np.diff(at, axis=axis) / factor
    return composition.astype(np.float32)
