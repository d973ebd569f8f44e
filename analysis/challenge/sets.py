"""The specimens of the challenge: which settings, from which seeds.

A specimen of a set is drawn anew whenever it is needed. The seeds of the open set stand here, so
everybody has its truth; those of the sealed set follow from a secret that only the organizer of a
contest has.
"""

import hashlib
import os
from dataclasses import dataclass, replace
from functools import lru_cache

import numpy as np

from analysis import electrodes, profiles, storage
from analysis.instruments import edx as microscope
from analysis.instruments import transfer
from analysis.phases import VOXEL_SIZE_UM, Phase
from analysis.specimen import binder, electrode
from analysis.study.imaging import edx

NAMES = ("study", "open", "sealed")
SEED_VARIABLE = "CBD_CHALLENGE_SEED"
SHORTEST_SECRET = 12  # characters; a shorter one can be guessed by trying

GRAY_OFFSET, GRAY_STEP = -1.0, 2.0**-14  # gray values are whole numbers of steps: 16 bits hold them

BETWEEN = binder.Scenario("between", necks=0.65, film_per_um=0.05, fine=0.65, coarse=0.6)
SEALED_SCENARIOS = ("bridging", "cluster", BETWEEN)
SEALED_NOISES = (0.06, 0.24)
SEALED_CONTRASTS = (0.3, 1.0)


@dataclass(frozen=True)
class SpecimenPair:
    """
    An SL and a TL with one binder, imaged alike: gamma must come out the same for both.

    Attributes
    ----------
    name : str
        What is special about it.
    scenario : str or analysis.specimen.binder.Scenario
        Where the CBD sits.
    noise : float
        Of the tomograms, over the gray step from pore to AM [-].
    layer_contrast : float
        Share, 0 to 1, of the nominal step in CBD between the layers of TL.
    """

    name: str
    scenario: str | binder.Scenario
    noise: float
    layer_contrast: float

    @property
    def scenario_name(self):
        """Name of the scenario."""
        return binder.scenario(self.scenario).name


OPEN = (
    SpecimenPair("reference", "bridging", 0.12, 1.0),
    SpecimenPair("clusters", "cluster", 0.08, 0.5),
    SpecimenPair("much noise", "bridging", 0.20, 0.3),
    SpecimenPair("clusters and much noise", "cluster", 0.16, 1.0),
)


@dataclass(frozen=True)
class ChallengeSet:
    """
    Pairs of specimens and where their seeds come from.

    Attributes
    ----------
    name : str
        ``study``, ``open`` or ``sealed``.
    pairs : tuple of SpecimenPair
    lateral : int
        Voxels along y and x.
    thickness : int or None
        Voxels along z; None for the whole electrode.
    root : str
        Of all seeds. That of a sealed set is the secret: it is not shown by ``repr``.
    """

    name: str
    pairs: tuple[SpecimenPair, ...]
    lateral: int
    thickness: int | None
    root: str

    def __repr__(self):
        return f"ChallengeSet({self.name!r}, {len(self.pairs)} pairs, lateral={self.lateral})"

    def seed_for(self, *key):
        """Seed that depends on the set's root and on what it is for; 64 bits."""
        text = "/".join(map(str, ("challenge", self.root, *key)))
        return int.from_bytes(hashlib.sha256(text.encode()).digest()[:8])

    @property
    def fingerprint(self):
        """Hash of everything that the set's volumes depend on; tells nothing of the secret."""
        text = repr(
            (self.name, self.pairs, self.lateral, self.thickness, self.seed_for("fingerprint"))
        )
        return hashlib.sha256(text.encode()).hexdigest()[:12]


@dataclass(frozen=True)
class Volume:
    """
    A specimen as an entry sees it, and the truth that it does not see.

    Attributes
    ----------
    name : str
        As in file names.
    electrode : str
        ``SL`` or ``TL``.
    pair : SpecimenPair
    gray : (Z, Y, X) ndarray of float32
    fluorine : (Z, W) ndarray of uint16
        Photon counts on parallel sections through the thickness, side by side.
    truth : (Z, Y, X) ndarray of uint8
    targets : dict of Phase to float
        Volume fractions [-] from the recipe; those of the truth to one voxel.
    seed : int
        For methods that take a sample.
    cutout : int or str
        By which the noise of the measured voltage is drawn.
    voxel_size_um : float
    """

    name: str
    electrode: str
    pair: SpecimenPair
    gray: np.ndarray
    fluorine: np.ndarray
    truth: np.ndarray
    targets: dict
    seed: int
    cutout: int | str
    voxel_size_um: float = VOXEL_SIZE_UM

    @property
    def cbd_profile(self):
        """CBD fraction (Z,) of each slice by the line through the fluorine counts, as in EDX."""
        line = microscope.fit_line(microscope.depth_profile(self.fluorine), self.voxel_size_um)
        return microscope.cbd_profile(np.maximum(line.values, 0), self.targets[Phase.CBD])


def get(name, profile, *, environment=os.environ):
    """
    The set of that name in the size of a profile.

    Parameters
    ----------
    name : {"study", "open", "sealed"}
        ``study`` holds the first cutouts of the book's own electrodes.
    profile : analysis.profiles.Profile
    environment : mapping
        Holds the secret of the sealed set.

    Returns
    -------
    ChallengeSet

    Raises
    ------
    ValueError
        If there is no such set, or the secret is missing or too short.
    """
    shape = profile.challenge_lateral, profile.challenge_thickness
    if name == "open":
        return open_set(*shape, profile.challenge_pairs)
    if name == "study":
        return ChallengeSet("study", OPEN[:1], profile.lateral, None, profile.name)
    if name == "sealed":
        secret = environment.get(SEED_VARIABLE, "")
        return sealed_set(secret, *shape, profile.challenge_pairs)
    raise ValueError(f"There is no set {name!r}; expected one of {', '.join(NAMES)}.")


def open_set(lateral, thickness, pairs):
    """The first pairs of the open set, of that size."""
    return ChallengeSet("open", OPEN[:pairs], lateral, thickness, "open")


def sealed_set(secret, lateral, thickness, pairs):
    """
    A set whose specimens, scenarios, noises and layer contrasts follow from a secret.

    Parameters
    ----------
    secret : str
        Not in the repository. Who has it can draw the truth.
    lateral, thickness, pairs : int
        As for :class:`ChallengeSet`.

    Raises
    ------
    ValueError
        If the secret is missing or too short.
    """
    if len(secret.strip()) < SHORTEST_SECRET:
        seen = f"has {len(secret.strip())} characters" if secret.strip() else "is not set"
        raise ValueError(
            f"The truth of the sealed set is drawn from {SEED_VARIABLE}, which {seen}; expected at "
            f"least {SHORTEST_SECRET} characters that nobody can guess. The organizer of a contest "
            'makes them once, python3 -c "import secrets; print(secrets.token_hex(16))", and '
            f"exports them: export {SEED_VARIABLE}=..."
        )
    bare = ChallengeSet("sealed", (), lateral, thickness, f"sealed/{secret.strip()}")
    rng = np.random.default_rng(bare.seed_for("settings"))
    first = int(rng.integers(len(SEALED_SCENARIOS)))
    drawn = []
    for number in range(pairs):
        scenario = SEALED_SCENARIOS[(first + number) % len(SEALED_SCENARIOS)]
        noise = round(float(np.exp(rng.uniform(*np.log(SEALED_NOISES)))), 3)
        contrast = round(float(rng.uniform(*SEALED_CONTRASTS)), 2)
        drawn.append(SpecimenPair(f"sealed {number + 1}", scenario, noise, contrast))
    return replace(bare, pairs=tuple(drawn))


@lru_cache(maxsize=2)
def volumes(challenge_set):
    """
    All volumes of a set, SL and TL of each pair.

    Parameters
    ----------
    challenge_set : ChallengeSet

    Returns
    -------
    volumes : tuple of Volume

    Raises
    ------
    FileNotFoundError
        If the study's own set is asked for and the book has not left its tomograms.
    """
    if challenge_set.name == "study":
        return tuple(_from_study(challenge_set, name) for name in profiles.ELECTRODES)
    return tuple(
        imaged(challenge_set, number, name, drawn(challenge_set, number, name))
        for number in range(len(challenge_set.pairs))
        for name in profiles.ELECTRODES
    )


def drawn(challenge_set, number, name):
    """
    One specimen of a set with everything that is known about it.

    Parameters
    ----------
    challenge_set : ChallengeSet
    number : int
        Of the pair, from 0.
    name : {"SL", "TL"}

    Returns
    -------
    analysis.specimen.electrode.Specimen
    """
    pair = challenge_set.pairs[number]
    return electrode.make(
        name,
        challenge_set.lateral,
        seed=challenge_set.seed_for("specimen", number, name),
        scenario=pair.scenario,
        layer_contrast=pair.layer_contrast,
        thickness=challenge_set.thickness,
    )


def imaged(challenge_set, number, name, specimen):
    """The :class:`Volume` of a specimen that :func:`drawn` gave."""
    pair = challenge_set.pairs[number]
    gray = transfer.image(
        specimen.composition,
        specimen.voxel_size_um,
        seed=challenge_set.seed_for("tomogram", number, name),
        noise=pair.noise,
    )
    rows = np.linspace(0, specimen.composition.shape[2], edx.STRIPS, endpoint=False).astype(int)
    sections = np.concatenate([specimen.composition[:, :, row] for row in rows], axis=2)
    depth_um = (np.arange(sections.shape[1]) + 0.5) * specimen.voxel_size_um
    fluorine = microscope.fluorine_map(
        sections,
        seed=challenge_set.seed_for("fluorine", number, name),
        pvdf_weight=edx.fluorine_weight(name, depth_um),
    )
    return Volume(
        name=f"{number + 1}-{name}",
        electrode=name,
        pair=pair,
        gray=from_steps(to_steps(gray)),
        fluorine=fluorine,
        truth=specimen.labels,
        targets=specimen.targets,
        seed=challenge_set.seed_for("sample", number, name) % 2**32,
        cutout=f"{challenge_set.name}-{number + 1}",
        voxel_size_um=specimen.voxel_size_um,
    )


def to_steps(gray):
    """Gray values as whole numbers of steps, uint16: what a file of the data holds."""
    steps = np.rint((gray.astype(np.float64) - GRAY_OFFSET) / GRAY_STEP)
    return np.clip(steps, 0, np.iinfo(np.uint16).max).astype(np.uint16)


def from_steps(steps):
    """
    Gray values, float32, of whole numbers of steps. No rounding: single precision holds them all.

    Examples
    --------
    >>> float(from_steps(np.array([16384], np.uint16))[0])
    0.0
    """
    return steps.astype(np.float32) * np.float32(GRAY_STEP) + np.float32(GRAY_OFFSET)


def _from_study(challenge_set, name):
    profile = challenge_set.root
    gray = storage.load_volume(f"gray/{name}-1", profile=profile)
    fluorine = storage.load_curves(f"edx-{name}", profile=profile)["map"].values
    return Volume(
        name=f"{name}-1",
        electrode=name,
        pair=challenge_set.pairs[0],
        gray=gray.values,
        fluorine=fluorine.astype(np.uint16),
        truth=storage.load_volume(f"labels/{name}-1-truth", profile=profile).values,
        targets=electrodes.electrode(name).targets(),
        seed=challenge_set.seed_for("sample", name) % 2**32,
        cutout=1,
        voxel_size_um=float(gray.attrs["voxel_size_um"]),
    )
