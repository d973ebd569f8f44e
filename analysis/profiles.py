"""How large a run of the study is: `smoke`, `demo` or `paper`.

Sizes and seeds stand here and nowhere else. A chapter gets the name of a profile from papermill,
asks :func:`get` for the profile once, and hands it on to all that it calls.
"""

import zlib
from dataclasses import dataclass

ELECTRODES = ("SL", "TL")  # the two electrodes that the paper compares
TABLE_3_METHODS = tuple(
    "kmeans edx-closing thresholding nn-am-cbd-p nn-am-cond nn-cbd-am-p nn-cbd-cond nn-am-p-cbd "
    "nn-p-am-cbd nn-p-cond".split()
)
OUTSIDE_TABLE_3 = ("nn-cbd-p-am", "nn-p-cbd-am")  # the other two of the twelve
FROM_POSTERIOR = ("posterior", "draw")  # the most probable map, and one drawn
ONE_A_WAY = ("thresholding", "kmeans", "edx-closing", "nn-am-cond")  # one map of each of four ways
# without those in which a network's phases are taken one after another
UNORDERED = tuple("nn-am-cond nn-cbd-cond nn-p-cond thresholding kmeans edx-closing".split())


@dataclass(frozen=True)
class Profile:
    """
    Sizes, sweep lists and the seed of one run of the study.

    Attributes
    ----------
    name : str
        `smoke`, `demo` or `paper`.
    lateral : int
        Voxels of a cutout along y and x; z always spans the whole electrode.
    lateral_correlative : int, optional
        The same for sample D, whose slice must show enough key points to be registered; by
        default as `lateral`.
    cutouts : int
        Non-overlapping cutouts per electrode.
    seed : int
        Root of every random number; use :meth:`seed_for`.
    scenarios : tuple of str
        Truth scenarios of the CBD; the first one is the reference.
    currents_mA_cm2 : tuple of float
        Lithiation currents, Section 5.2 of the paper.
    kmeans_sample : int
        Voxels on which the weights of k-means are fitted.
    sweep_distances_mm, sweep_noises : tuple of float
        Propagation distances and noise levels at which the methods are compared; each holds the
        reference setting (3 mm, 0.12).
    fib_extent_um : tuple of float
        Size (z, y, x) [µm] of the FIB-SEM cutout.
    chain_shape : tuple of int
        Voxels (z, lateral) of the specimen on which the fast tomograph is held against the chain.
    registrations : int
        Surface scans, each placed by its own random similarity, that are registered.
    unet_seeds, unet_steps, unet_filters : int, int, tuple of int
        U-Nets that are trained, steps of each, filters of its levels.
    forest_pixels : int
        Pixels that the U-Net's rival, the random forest, learns from.
    nn_epochs, nn_samples_per_epoch : int, int
        Limits of the training of the composition network; 73 181 is an epoch of the paper.
    nn_choices : tuple of str
        Settings that the paper leaves open and that are varied (chapter on the network).
    nn_choice_epochs : int
        Epochs of each of these trainings.
    train_binning : int
        Edge, in tomogram voxels, of the voxels that the network of the study learns from; the
        paper's 128³ FIB-SEM voxels per voxel and its 2541 samples both mean 2.
    nn_activation : str
        Of the network's hidden layers. The paper names none; see the chapters on the network and
        on the realism of the specimens for this choice.
    impedance_methods : tuple of str
        Trinarizations whose blocking impedance is computed.
    impedance_lateral : int or None
        Voxels along y and x of the part of a cutout for it; None for the whole cutout.
    fit_methods : tuple of str
        Trinarizations whose gamma is fitted: the ten of the paper's Table 3, and the truth.
    fipy_specimens, fipy_maps, fipy_currents : tuple of str, tuple of str, tuple of float
        Electrodes whose truth, trinarizations whose fitted gamma, and currents [mA/cm²] for which
        the homogenized half cell is also lithiated in FiPy.
    plane_shape : tuple of int
        Voxels (z, x) of the plane that is lithiated in FiPy beside the resolved solver.
    resolved_lateral : int
        Voxels along y and x of the part of a cutout that is lithiated in three dimensions.
    resolved_voxels_per_cell : tuple of int
        Voxels along the edge of a cell for it: those of the study, then others to compare.
    resolved_specimens, resolved_cutouts : tuple of str, int
        Electrodes and cutouts of each that are lithiated in three dimensions.
    resolved_methods : tuple of str
        Trinarizations that are lithiated in three dimensions, the truth first.
    resolved_fitted, resolved_gammas : tuple of str, tuple of float
        Trinarizations whose gamma is fitted with resolved runs, and the values between which the
        fit interpolates.
    resolved_control_variate : bool
        Whether the fit takes the homogenized model as control variate. Then `resolved_gammas` are
        three: the least of the search, the one that is run first, the largest; and the fit itself
        says at which others the voxels are lithiated, one or two of them as a rule.
    resolved_predicted, resolved_predicted_cutouts : tuple of str or None, int or None
        Trinarizations, and cutouts of each electrode, that are also lithiated with the fitted
        gamma at all currents; None for all that are fitted.
    resolved_currents : tuple of float
        Currents [mA/cm²] of the truth and of the predictions with fitted gammas.
    resolved_cutoff_V : float
        Voltage at which it ends; near the usual 3.0 V a run spends most of its time.
    resolved_tolerance : float
        Factor on the tolerance of its time steps.
    limit_lateral, limit_thickness : int, int or None
        Voxels of the specimens that the posterior is judged on; None for the whole thickness.
    worth_points : int
        Runs of the homogenized model from which an interval of gamma is made.
    limit_draws : int
        Draws from the posterior of a specimen.
    consistency_lateral, consistency_pieces : int, int
        Voxels along y and x, and number per electrode, of the specimens that are drawn for the
        chapter on one binder and one gamma.
    consistency_gammas, consistency_contrasts : tuple of float, tuple of float
        True gammas and layer contrasts that this chapter combines with the truth scenarios.
    consistency_methods : tuple of str
        Trinarizations that are made of these specimens.
    challenge_lateral, challenge_thickness : int, int or None
        Voxels of the specimens of the challenge; None for the whole thickness.
    challenge_pairs : int
        Pairs of SL and TL in a set.
    challenge_methods : tuple of str
        Trinarizations of the paper whose scores stand beside an entry of the challenge.
    kept_tables : tuple of str
        Tables taken from a kept run, if it fits (:mod:`analysis.study.kept_tables`).
    gamma_true, fit_current, noise_V : float
        The virtual experiment: gamma of the CBD [-], current of the fit [mA/cm²], noise [V].
    """

    name: str
    lateral: int
    cutouts: int
    seed: int = 2022
    lateral_correlative: int | None = None
    scenarios: tuple[str, ...] = ("bridging", "cluster")
    currents_mA_cm2: tuple[float, ...] = (1.0, 3.0, 6.0, 8.0, 10.0, 12.0)
    kmeans_sample: int = 100_000
    sweep_distances_mm: tuple[float, ...] = (0.5, 1.0, 3.0, 10.0)
    sweep_noises: tuple[float, ...] = (0.04, 0.08, 0.12, 0.18, 0.24)
    fib_extent_um: tuple[float, float, float] = (27.0, 14.0, 15.0)
    chain_shape: tuple[int, int] = (48, 160)
    registrations: int = 10
    unet_seeds: int = 3
    unet_steps: int = 60
    unet_filters: tuple[int, ...] = (8, 16, 32)
    forest_pixels: int = 10_000
    nn_epochs: int = 30
    nn_samples_per_epoch: int = 73_181
    nn_choices: tuple[str, ...] = ("relu", "binning 1", "relu, binning 1")
    nn_choice_epochs: int = 6
    train_binning: int = 2
    nn_activation: str = "tanh"
    impedance_methods: tuple[str, ...] = (
        "truth",
        "kmeans",
        "edx-closing",
        "thresholding",
        "nn-am-cond",
        "nn-cbd-cond",
        "nn-p-cond",
    )
    impedance_lateral: int | None = None
    fit_methods: tuple[str, ...] = (*TABLE_3_METHODS, "truth")
    fipy_specimens: tuple[str, ...] = ELECTRODES
    fipy_maps: tuple[str, ...] = ("edx-closing", "kmeans")
    fipy_currents: tuple[float, ...] = (1.0, 3.0, 6.0, 8.0, 10.0, 12.0)
    plane_shape: tuple[int, int] = (48, 32)
    resolved_lateral: int = 40
    resolved_voxels_per_cell: tuple[int, ...] = (2, 1, 4)
    resolved_specimens: tuple[str, ...] = ("TL",)
    resolved_cutouts: int = 1
    resolved_methods: tuple[str, ...] = ("truth", "thresholding", "kmeans", "edx-closing")
    resolved_fitted: tuple[str, ...] = ("kmeans", "edx-closing")
    resolved_gammas: tuple[float, ...] = (0.03, 0.08, 0.15, 0.32)  # .08 is run anyway
    resolved_control_variate: bool = False
    resolved_predicted: tuple[str, ...] | None = None
    resolved_predicted_cutouts: int | None = None
    resolved_currents: tuple[float, ...] = (3.0, 6.0, 12.0)
    resolved_cutoff_V: float = 3.0
    resolved_tolerance: float = 1.0
    limit_lateral: int = 40
    limit_thickness: int | None = None
    worth_points: int = 384
    limit_draws: int = 6
    consistency_lateral: int = 40
    consistency_pieces: int = 4
    consistency_gammas: tuple[float, ...] = (0.01, 0.03, 0.08, 0.2)
    consistency_contrasts: tuple[float, ...] = (1.0, 0.3)
    consistency_methods: tuple[str, ...] = UNORDERED
    challenge_lateral: int = 48
    challenge_thickness: int | None = None
    challenge_pairs: int = 2
    challenge_methods: tuple[str, ...] = (*TABLE_3_METHODS, *OUTSIDE_TABLE_3)
    kept_tables: tuple[str, ...] = ()
    gamma_true: float = 0.08
    fit_current: float = 6.0
    noise_V: float = 2e-3

    def __str__(self):
        return self.name

    def seed_for(self, *key):
        """
        Seed that depends on the profile's root seed and on what it is for, and on nothing else.

        Examples
        --------
        >>> get("smoke").seed_for("SL", 1) == get("smoke").seed_for("SL", 1)
        True
        >>> get("smoke").seed_for("SL", 1) == get("smoke").seed_for("TL", 1)
        False
        """
        text = "/".join(str(part) for part in (self.seed, *key))
        return zlib.crc32(text.encode())

    def lateral_of(self, specimen):
        """Voxels of a cutout of this specimen along y and x."""
        return self.lateral_correlative or self.lateral if specimen == "D" else self.lateral

    @property
    def cutout_numbers(self):
        """Cutouts are counted from 1, as in file names and figures."""
        return range(1, self.cutouts + 1)


PROFILES = {
    profile.name: profile
    for profile in (
        Profile(
            "smoke",
            lateral=32,
            lateral_correlative=48,
            cutouts=1,
            kmeans_sample=12_000,
            sweep_distances_mm=(1.0, 3.0),
            sweep_noises=(0.06, 0.12, 0.24),
            fib_extent_um=(16.0, 8.0, 8.0),
            chain_shape=(32, 64),
            registrations=3,
            unet_seeds=1,
            unet_steps=40,
            unet_filters=(8, 16),
            forest_pixels=4_000,
            impedance_methods=("truth", "kmeans", "nn-am-cond"),
            nn_epochs=3,
            nn_samples_per_epoch=10_000,
            fit_methods=("kmeans", "edx-closing", "nn-am-cond", "truth"),
            nn_choices=("relu",),
            nn_choice_epochs=1,
            fipy_specimens=("TL",),
            fipy_maps=("kmeans",),
            fipy_currents=(6.0,),
            plane_shape=(24, 16),
            limit_lateral=32,
            limit_thickness=64,
            limit_draws=4,
            consistency_lateral=32,
            consistency_pieces=3,
            consistency_methods=("kmeans", "edx-closing"),
            consistency_contrasts=(1.0,),
            challenge_lateral=32,
            challenge_thickness=128,
            challenge_pairs=1,
            challenge_methods=("thresholding", "kmeans", "edx-closing", "nn-am-cond"),
            resolved_lateral=32,
            resolved_voxels_per_cell=(4, 2),
            resolved_methods=("truth", "kmeans"),
            resolved_fitted=("kmeans",),
            resolved_gammas=(0.04, 0.1, 0.25),
            resolved_cutoff_V=3.6,
            resolved_tolerance=8.0,
            worth_points=160,
        ),
        Profile(
            "demo",
            lateral=96,
            cutouts=2,
            kmeans_sample=40_000,
            sweep_distances_mm=(0.5, 3.0, 10.0),
            sweep_noises=(0.04, 0.12, 0.24),
            unet_seeds=2,
            impedance_lateral=64,
            worth_points=256,
            kept_tables=("challenge-open", "consistency-sweep"),
        ),
        Profile(
            "paper",
            lateral=200,
            cutouts=3,
            limit_lateral=96,
            limit_draws=20,
            consistency_lateral=96,
            consistency_pieces=8,
            challenge_lateral=200,
            challenge_pairs=4,
            unet_steps=150,
            unet_filters=(16, 32, 64),
            forest_pixels=20_000,
            nn_epochs=60,
            nn_choices=(
                "relu",
                "binning 1",
                "relu, binning 1",
                "he_normal",
                "batch 32",
                "batch 512",
            ),
            nn_choice_epochs=30,
            resolved_lateral=200,
            resolved_voxels_per_cell=(2, 1),
            resolved_specimens=ELECTRODES,
            resolved_cutouts=3,
            resolved_methods=("truth", *TABLE_3_METHODS, *OUTSIDE_TABLE_3, *FROM_POSTERIOR),
            resolved_fitted=(*TABLE_3_METHODS, *OUTSIDE_TABLE_3, *FROM_POSTERIOR),
            resolved_gammas=(0.02, 0.08, 0.5),  # the middle one, the true one, is run anyway
            resolved_control_variate=True,
            resolved_predicted=ONE_A_WAY,
            resolved_predicted_cutouts=1,
            resolved_currents=(1.0, 3.0, 6.0, 8.0, 10.0, 12.0),
        ),
    )
}


def name_of(profile):
    """Name of a profile, given as an object or by its name; ValueError if there is none."""
    return get(profile).name


def get(name):
    """
    Profile of that name.

    Raises
    ------
    ValueError
        If there is no such profile.
    """
    if isinstance(name, Profile):
        return name
    try:
        return PROFILES[name]
    except (KeyError, TypeError):
        known = ", ".join(PROFILES)
        raise ValueError(
            f"There is no profile {name!r}; expected one of {known}. "
            "Call `make book PROFILE=smoke`, or add a profile to analysis/profiles.py."
        ) from None
