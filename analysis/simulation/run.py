"""What a case runs: a voxel problem, a lithiation of the homogenized model or of voxels, a fit."""

import hashlib
import json
from dataclasses import asdict, dataclass, replace

import numpy as np

from analysis import storage
from analysis.electrochemistry import gamma_fit as calibration
from analysis.electrochemistry.constants import FARADAY_C_MOL
from analysis.electrochemistry.materials import DEFAULT
from analysis.electrochemistry.porous_electrode import homogenization as structure
from analysis.electrochemistry.resolved import checkpoint
from analysis.electrochemistry.resolved import half_cell as resolved
from analysis.electrochemistry.transport import devices
from analysis.phases import Phase
from analysis.simulation import control_variate, costs, datasets
from analysis.simulation.cases import (
    MODEL_VERSION,
    TRUTH,
    Case,
    file_of,
    is_finished,
    load,
    measurements,
    name_of,
    part_structure,
    scan,
)

MOMENTS = (0.02, 0.1, 0.3, 0.5)  # of the time to full active material, at which sections are kept


@dataclass(frozen=True)
class Outcome:
    """Why a case failed, or an empty string; and what else has to be told."""

    reason: str = ""
    note: str = ""


def execute(case, profile):
    """
    Run one case and write its file.

    Returns
    -------
    outcome : Outcome
        A failed case leaves no file, and the campaign goes on.

    Raises
    ------
    OSError
        If the file cannot be written: the next case's could not either.
    """
    unfinished = storage.path("cases", f".{name_of(case, profile)}.npz", profile=profile)
    note, meter = "", costs.Meter()
    try:
        try:
            dataset = _RUN[case.kind](case, profile)
        except checkpoint.Unusable as error:
            unfinished.unlink(missing_ok=True)
            note = f"begun anew, for its checkpoint was of no use ({error})"
            dataset = _RUN[case.kind](case, profile)
    except (ValueError, RuntimeError, FileNotFoundError, MemoryError) as error:
        return Outcome(f"{error}" or type(error).__name__, note)
    dataset.attrs |= {key: value for key, value in asdict(case).items() if value is not None}
    dataset.attrs["model_version"] = MODEL_VERSION
    target = file_of(case, profile)
    with storage.atomic(target) as temporary:
        dataset.to_netcdf(temporary, engine="h5netcdf")
    storage.record_write(target, case=str(case))
    costs.write(case, profile, meter, dataset.attrs)
    return Outcome(note=note)


def _run_structure(case, profile):
    import xarray as xr

    if case.resolved:
        made = structure.from_labels(*part_of(case, profile))
    else:
        volume = storage.load_volume(case.labels, profile=profile)
        made = structure.from_labels(volume.values, float(volume.attrs["voxel_size_um"]))
    return xr.Dataset(
        {
            "active": ("z", made.active),
            "electrolyte": ("z", made.electrolyte),
            "surface_1_m": ("z", made.surface_1_m),
            "electronic_S_m": ("z", made.electronic_S_m),
            "transport": (("gamma", "z"), made.transport),
        },
        coords={"gamma": made.gammas},
        attrs={"thickness_m": made.thickness_m, "radius_m": made.radius_m},
    )


def structure_of(case, profile):
    """The :class:`Structure` of a case's volume, from its finished structure case."""
    made = Case("structure", case.specimen, case.cutout, case.method)
    data = load(part_structure(case, profile) if case.resolved else made, profile)
    return structure.Structure(
        thickness_m=float(data.attrs["thickness_m"]),
        active=data.active.values,
        electrolyte=data.electrolyte.values,
        surface_1_m=data.surface_1_m.values,
        electronic_S_m=data.electronic_S_m.values,
        radius_m=float(data.attrs["radius_m"]),
        gammas=data.gamma.values,
        transport=data.transport.values,
    )


def _run_lithiation(case, profile):
    if case.resolved:
        return _run_resolved(case, profile)
    # Fine runs take their own structure: half the slabs, and the voxel problem at this very gamma.
    if case.fidelity == "fine":
        volume = storage.load_volume(case.labels, profile=profile)
        made = _fine_structure(case, volume.values, float(volume.attrs["voxel_size_um"]))
    else:
        made = structure_of(case, profile)
    done = calibration.simulate(made.at(case.gamma), case.current_mA_cm2, fidelity=case.fidelity)
    return datasets.of_curve(done)


def part_of(case, profile):
    """
    Labels and voxel size that a resolved case runs on.

    Returns
    -------
    labels : (Z, Y, X) ndarray of uint8
        The corner of the cutout that the profile affords.
    voxel_size_um : float
        Voxel edge [µm].
    """
    volume = storage.load_volume(case.labels, profile=profile)
    edge = profile.resolved_lateral
    part = np.ascontiguousarray(volume.values[:, -edge:, -edge:])
    return part, float(volume.attrs["voxel_size_um"])


def materials_of(case, profile):
    """Parameters of a case; a resolved run may end at another voltage."""
    if not case.resolved:
        return DEFAULT
    return replace(DEFAULT, cutoff_V=profile.resolved_cutoff_V)


def _run_resolved(case, profile):
    labels, voxel_size_um = part_of(case, profile)
    materials = materials_of(case, profile)
    nominal_s = _nominal_mAh_cm2(labels, voxel_size_um, materials) / case.current_mA_cm2 * 3600
    unfinished = storage.path("cases", f".{name_of(case, profile)}.npz", profile=profile)
    unfinished.parent.mkdir(parents=True, exist_ok=True)
    run = resolved.lithiate(
        labels,
        case.gamma,
        case.current_mA_cm2,
        voxel_size_um=voxel_size_um,
        materials=materials,
        snapshots_s=[share * nominal_s for share in MOMENTS],
        voxels_per_cell=case.voxels_per_cell,
        control=resolved.ResolvedControl().times(profile.resolved_tolerance),
        threads=1,
        device=devices.chosen(),
        checkpoint_path=unfinished,
    )
    if not run.reached_cutoff:
        raise RuntimeError(run.reason)
    data = datasets.of_resolved(run, case.voxels_per_cell * voxel_size_um)
    if case.method == TRUTH and case.current_mA_cm2 == profile.fit_current and run.snapshots:
        for name in ("salt_mol_m3", "content"):
            data[f"volume_{name}"] = (("z", "y", "x"), getattr(run.snapshots[-1], name))
    return data


def _nominal_mAh_cm2(labels, voxel_size_um, materials):
    """Capacity of the active material from its initial content to full."""
    active = materials.active
    thickness_m = labels.shape[0] * voxel_size_um * 1e-6
    lithium = np.mean(labels == Phase.AM) * thickness_m * active.max_concentration_mol_m3
    return lithium * (1 - active.initial_content) * FARADAY_C_MOL / 36000


_FINE = {}  # one process computes the fine structure of a volume once for all currents


def _fine_structure(case, labels, voxel_size_um):
    key = (hashlib.sha256(labels.tobytes()).hexdigest(), case.gamma)
    if key not in _FINE:
        _FINE.clear()
        _FINE[key] = structure.from_labels(
            labels, voxel_size_um, gammas=[case.gamma], slab_voxels=structure.SLAB_VOXELS // 2
        )
    return _FINE[key]


def _run_fit(case, profile):
    import xarray as xr

    if case.resolved:
        return _run_resolved_fit(case, profile)
    made = structure_of(case, profile)
    truth = {
        one.current_mA_cm2: load(one, profile)
        for one in measurements(profile, case.specimen, case.cutout)
    }
    capacity, voltage = noisy(truth[case.current_mA_cm2], case, profile)
    fit = calibration.fit_gamma(
        made,
        capacity,
        voltage,
        current_mA_cm2=case.current_mA_cm2,
        noise_V=profile.noise_V,
        fidelity=case.fidelity,
    )
    runs, failed = calibration.predict(
        made, fit.gamma, profile.currents_mA_cm2, fidelity=case.fidelity
    )
    currents = np.array(profile.currents_mA_cm2)
    ours = [
        runs[current].capacity_mAh_cm2[-1] if current in runs else np.nan for current in currents
    ]
    share = np.linspace(0, 1, 101)
    curves = np.full((currents.size, share.size, 2), np.nan)
    for k, current in enumerate(currents):
        if current in runs:
            end = runs[current].capacity_mAh_cm2[-1]
            curves[k, :, 0] = share * end
            curves[k, :, 1] = np.interp(
                share * end, runs[current].capacity_mAh_cm2, runs[current].voltage_V
            )
    return xr.Dataset(
        {
            "fitted_gamma": fit.gamma,
            "gamma_error": fit.gamma_error,
            "misfit_V": fit.misfit_V,
            "at_bound": int(fit.at_bound),
            "transport": made.effective(fit.gamma),
            "misfit_profile_V": ("tried", fit.misfits_V),
            "capacity_mAh_cm2": ("current", np.array(ours, dtype=float)),
            "true_capacity_mAh_cm2": (
                "current",
                np.array([float(truth[current].capacity_mAh_cm2[-1]) for current in currents]),
            ),
            "predicted": (("current", "share", "axis"), curves),
        },
        coords={
            "current": currents,
            "tried": fit.gammas,
            "share": share,
            "axis": ["capacity", "voltage"],
        },
        attrs={"failed_currents": json.dumps({str(key): why for key, why in failed.items()})},
    )


def _run_resolved_fit(case, profile):
    import xarray as xr

    truth = {
        one.current_mA_cm2: one
        for one in measurements(profile, case.specimen, case.cutout, case.voxels_per_cell)
    }
    target = noisy(load(truth[case.current_mA_cm2], profile), case, profile)
    if profile.resolved_control_variate:
        return _run_few_resolved(case, profile, target)
    runs = {one.gamma: _curve(one, profile) for one in scan(case, profile)}
    fit = calibration.fit_scan(runs, *target, noise_V=profile.noise_V)
    return xr.Dataset(
        {
            "fitted_gamma": fit.gamma,
            "gamma_error": fit.gamma_error,
            "misfit_V": fit.misfit_V,
            "at_bound": int(fit.at_bound),
            "misfit_profile_V": ("tried", fit.misfits_V),
        },
        coords={"tried": fit.gammas},
    )


def _run_few_resolved(case, profile, target):
    """A fit that lithiates the voxels where its control variate asks for it, one run at a time."""
    made = structure_of(case, profile)
    low, first, high = profile.resolved_gammas
    gammas, runs = [first], {}
    while len(runs) < len(gammas):
        one = replace(case, kind="lithiation", gamma=gammas[-1])
        if not is_finished(one, profile):
            outcome = execute(one, profile)
            if outcome.reason:
                raise RuntimeError(f"the run at gamma = {one.gamma:g} failed: {outcome.reason}")
        runs[one.gamma] = _curve(one, profile)
        fit = control_variate.fit(
            runs,
            made,
            *target,
            current_mA_cm2=case.current_mA_cm2,
            noise_V=profile.noise_V,
            materials=materials_of(case, profile),
            bounds=(low, high),
        )
        following = control_variate.next_gamma(fit, gammas)
        gammas += [] if following is None else [following]
    return datasets.of_censored_fit(fit, gammas, control_variate.minima(fit))


def _curve(case, profile):
    data = load(case, profile)
    return data.capacity_mAh_cm2.values, data.voltage_V.values


def noisy(curve, case, profile):
    """
    A simulated curve as an instrument records it: 300 points evenly in time, with noise.

    The noise is the same for every method. Returns capacity [mAh/cm²] and voltage [V].
    """
    seed = profile.seed_for("measurement", case.specimen, case.cutout, case.current_mA_cm2)
    rng = np.random.default_rng(seed)
    time_s = np.linspace(0, float(curve.time_s[-1]), 300)
    voltage = np.interp(time_s, curve.time_s, curve.voltage_V)
    capacity = case.current_mA_cm2 * time_s / 3600
    return capacity, voltage + rng.normal(0, profile.noise_V, time_s.size)


_RUN = {"structure": _run_structure, "lithiation": _run_lithiation, "fit": _run_fit}
