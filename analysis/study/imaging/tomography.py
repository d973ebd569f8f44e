"""What the specimens are like before and after imaging, and whether the fast tomograph is right."""

from dataclasses import replace

import numpy as np
import pandas as pd
import xarray as xr

from analysis import electrodes, paper, profiles, storage
from analysis.descriptors import covariance
from analysis.instruments import optics, tomograph, transfer
from analysis.phases import VOXEL_SIZE_UM, Phase
from analysis.specimen import electrode

SLAB = 4  # voxels of a depth slab
MAX_LAG_UM = 8.0
_RINGS = 11


def slabs(labels, phase):
    """Volume fraction of a phase in slabs of four voxels, and their depths [µm]."""
    n = labels.shape[0] // SLAB
    share = (labels[: n * SLAB] == phase).reshape(n, -1).mean(axis=1)
    return (np.arange(n) + 0.5) * SLAB * VOXEL_SIZE_UM, share


def specimen_check(profile):
    """
    The demands on the truth of each specimen, measured on the first cutout.

    Returns
    -------
    table : pandas.DataFrame
        Columns specimen, quantity, value, wanted, holds (`paper.holds`).
    """
    rows = []
    for specimen in profiles.ELECTRODES:
        labels = _truth(profile, specimen)
        targets = electrodes.electrode(specimen).targets()

        def add(quantity, value, wanted, holds, specimen=specimen):
            rows.append(
                {
                    "specimen": specimen,
                    "quantity": quantity,
                    "value": value,
                    "wanted": wanted,
                    "verdict": paper.holds(holds),
                }
            )

        for phase in reversed(Phase):
            miss = 100 * (np.mean(labels == phase) - targets[phase])
            add(f"{phase.title} beyond target [%]", miss, "within 0.05", abs(miss) <= 0.05)
        depth, am = slabs(labels, Phase.AM)
        _, cbd = slabs(labels, Phase.CBD)
        if specimen == "SL":
            add("scatter of AM over depth [-]", am.std(), "at most 0.02", am.std() <= 0.02)
        else:
            dip, peak = _center_of_bump(depth, -am), _center_of_bump(depth, cbd)
            add("depth of the AM dip [µm]", dip, "80 ± 3", abs(dip - 80) <= 3)
            add("depth of the CBD peak [µm]", peak, "80 ± 3", abs(peak - 80) <= 3)
        coverage = covariance.two_point_coverage(labels, VOXEL_SIZE_UM, MAX_LAG_UM)
        peak = coverage.r_um[coverage.of(Phase.CBD, Phase.PORE).argmax()]
        add("peak of the CBD-pore covariance [µm]", peak, "1.5 to 3", 1.5 <= peak <= 3)
    table = pd.DataFrame(rows)
    storage.save_table("specimen-check", table, profile=profile)
    return table


def depth_profiles(profile):
    """AM and CBD fraction of the truth against depth, in slabs: dict name -> (depth, share)."""
    curves = {}
    for specimen in profiles.ELECTRODES:
        labels = _truth(profile, specimen)
        for phase in (Phase.AM, Phase.CBD):
            curves[f"{specimen}, {phase.title}"] = slabs(labels, phase)
    return curves


def gray_levels(profile):
    """Mean and spread of the gray values of each true phase, on the first cutouts."""
    rows = []
    for specimen in ("SL", "TL", "D"):
        gray = storage.load_volume(f"gray/{specimen}-1", profile=profile).values
        labels = _truth(profile, specimen)
        for phase in reversed(Phase):
            values = gray[labels == phase]
            rows.append(
                {
                    "specimen": specimen,
                    "phase": phase.title,
                    "mean gray value": float(values.mean(dtype=np.float64)),
                    "spread": float(values.std(dtype=np.float64)),
                }
            )
    return pd.DataFrame(rows)


def optical_constants():
    """Attenuation and refractive index decrement of the phases at both energies."""
    rows = []
    for energy in (28, 25):
        beam = optics.beam(energy)
        for phase in reversed(Phase):
            mu, delta = beam.attenuation_per_um[phase], beam.decrement[phase]
            rows.append(
                {
                    "energy [keV]": energy,
                    "phase": phase.title,
                    "attenuation [1/m]": 1e6 * mu,
                    "decrement": delta,
                    "attenuation / AM": mu / beam.attenuation_per_um[Phase.AM],
                    "decrement / AM": delta / beam.decrement[Phase.AM],
                }
            )
    return pd.DataFrame(rows)


def scenarios(profile):
    """The first SL cutout imaged with and without phase retrieval, and its composition."""
    composition = storage.load_volume("composition/SL-1-truth", profile=profile).values
    seed = profile.seed_for("tomogram", "SL", 1)
    edges = transfer.image(composition, VOXEL_SIZE_UM, scenario="edge-enhanced", seed=seed)
    return {
        "truth": storage.load_volume("labels/SL-1-truth", profile=profile).values,
        "phase-retrieved": storage.load_volume("gray/SL-1", profile=profile).values,
        "edge-enhanced": edges,
    }


def order_text(volumes):
    """
    Whether the gray values of pore and CBD have the order that thresholding assumes, in words.

    Parameters
    ----------
    volumes : dict of str to (Z, Y, X) ndarray
        From :func:`scenarios`.

    Returns
    -------
    text : str
    """
    truth = volumes["truth"]
    below = {}
    for name in ("phase-retrieved", "edge-enhanced"):
        pore, cbd = (volumes[name][truth == phase] for phase in (Phase.PORE, Phase.CBD))
        below[name] = 100 * float(np.mean(cbd < np.median(pore)))
    kept = below["edge-enhanced"] <= below["phase-retrieved"]
    verdict = "holds no less" if kept else "holds less well"
    return (
        'Thresholding assumes the order "pore, CBD, AM". With phase retrieval '
        f"{below['phase-retrieved']:.0f} % of the CBD is darker than the median pore, without it "
        f"{below['edge-enhanced']:.0f} %: the order {verdict}"
    )


def validate(profile):
    """
    Hold the fast tomograph against the projection chain, without and with phase retrieval.

    Writes the table ``fast-tomograph`` and the curves ``fast-tomograph`` (noise spectra and the
    middle slice of each route).

    Returns
    -------
    table : pandas.DataFrame
        Columns scenario, voxels, correlation, gain, residual, worst spectral ratio.
    spectra : xarray.Dataset
        Share of the noise power in rings of in-plane frequency, and slices.
    """
    depth, lateral = profile.chain_shape
    seed = profile.seed_for("chain")
    composition = electrode.make("SL", lateral, seed=seed, thickness=depth).composition
    rows, found = [], []
    for name in ("phase-retrieved", "edge-enhanced"):
        row, spectra = _compare(composition, transfer.SCENARIOS[name], seed)
        rows.append({"scenario": name, "voxels": f"{depth} x {lateral} x {lateral}", **row})
        found.append(spectra)
    table = pd.DataFrame(rows)
    spectra = xr.concat(found, pd.Index(table.scenario, name="scenario"))
    storage.save_table("fast-tomograph", table, profile=profile)
    storage.save_curves("fast-tomograph", spectra, profile=profile)
    return table, spectra


def _compare(composition, imaging, seed):
    scan = tomograph.Scan(
        energy_keV=imaging.energy_keV,
        distance_mm=imaging.distance_mm,
        blur_um=imaging.blur_um,
        retrieval=imaging.retrieval,
        counts=0,
    )
    clean = replace(imaging, noise=0.0, tv_weight=0.0)
    chain = tomograph.image(composition, VOXEL_SIZE_UM, scan, seed=seed)
    fast = transfer.image(composition, VOXEL_SIZE_UM, scenario=clean, seed=seed)
    # The chain scans a pillar in air; only its inside is comparable.
    margin = composition.shape[-1] // 5
    inner = slice(margin, -margin)
    x, y = (v[4:-4, inner, inner].ravel().astype(np.float64) for v in (fast, chain))

    noisy = tomograph.image(composition, VOXEL_SIZE_UM, replace(scan, counts=2e4), seed=seed)
    model = transfer.noise_field(fast.shape, VOXEL_SIZE_UM, imaging, np.random.default_rng(seed))
    frequency, chain_power = _rings((noisy - chain)[:, inner, inner])
    _, fast_power = _rings(model[:, inner, inner])
    ratio = fast_power[chain_power > 0.02] / chain_power[chain_power > 0.02]
    row = {
        "correlation": float(np.corrcoef(x, y)[0, 1]),
        "gain": float(np.polyfit(x, y, 1)[0]),
        "residual": float(np.sqrt(np.mean((x - y) ** 2))),
        "worst spectral ratio": float(ratio[np.argmax(np.abs(ratio - 1))]),
        "noise of the chain": float((noisy - chain)[:, inner, inner].std()),
    }
    middle = fast.shape[0] // 2
    spectra = xr.Dataset(
        {
            "chain": ("frequency", chain_power),
            "fast": ("frequency", fast_power),
            "chain_slice": (("y", "x"), chain[middle]),
            "fast_slice": (("y", "x"), fast[middle]),
        },
        coords={"frequency": ("frequency", frequency, {"units": "1/voxel"})},
    )
    return row, spectra


def _rings(volume):
    """Share of the power in rings of the in-plane frequency."""
    window = np.hanning(volume.shape[1])[:, None] * np.hanning(volume.shape[2])[None, :]
    power = (np.abs(np.fft.fft2(volume * window)) ** 2).sum(axis=0)
    frequency = np.hypot(*np.meshgrid(*(np.fft.fftfreq(n) for n in volume.shape[1:])))
    width = np.sqrt(0.5) / _RINGS
    ring = np.minimum((frequency / width).astype(int), _RINGS - 1)
    share = np.bincount(ring.ravel(), power.ravel(), _RINGS)
    return (np.arange(_RINGS) + 0.5) * width, share / share.sum()


def _center_of_bump(depth, share):
    """
    Center [µm] of what stands above the ramp from one layer to the other.

    The highest slab alone would be a matter of four voxels, and of chance in a small cutout.
    """
    above, below = share[depth < 65].mean(), share[depth > 95].mean()
    excess = np.maximum(share - np.interp(depth, [70, 90], [above, below]), 0)
    near = np.abs(depth - depth[np.argmax(excess * (np.abs(depth - 80) < 15))]) < 8
    return float(np.sum(depth[near] * excess[near]) / np.sum(excess[near]))


def _truth(profile, specimen):
    return storage.load_volume(f"labels/{specimen}-1-truth", profile=profile).values
