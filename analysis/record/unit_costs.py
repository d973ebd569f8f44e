"""What a case or a chapter costs, from costs that were measured, and how that scales.

Three sources, the first that knows wins: cases of the profile itself that are finished, cases of
other profiles on this machine, and ``benchmarks/results`` of the repository. A kind that none of
them knows has no cost; it never counts as free.
"""

import json
from pathlib import Path

import numpy as np

from analysis import profiles, storage
from analysis.electrodes import electrode
from analysis.simulation import costs

BENCHMARKS = Path(__file__).resolve().parents[2] / "benchmarks/results"
RESOLVED_RUN = "resolved-edx-closing-200-6mA-cells-of-2.json"  # one run at the paper's size
SINCE = "resolved-since.json"  # what the solver of today takes of that run's CPU seconds
STUDY = "study-costs.json"  # kinds of cases and chapters, gathered from a finished build

# What the cost of a kind grows with.
LAWS = {
    "structure": "voxels",
    "homogenized lithiation": "cases",
    "homogenized fit": "cases",
    "FiPy lithiation": "cases",
    "resolved lithiation": "cells x steps",
    "resolved fit": "cases",  # of homogenized runs; voxels are lithiated by cases of their own
}
USUAL_STEPS = 50  # of a resolved lithiation; runs of the paper's six currents take 41 to 58


def kind_of(case):
    """The kind of a case as the plan has it."""
    if case.kind == "structure":
        return "structure"  # of a whole cutout or of the part that is lithiated
    model = "resolved" if case.resolved else "FiPy" if case.fidelity == "fipy" else "homogenized"
    return f"{model} {case.kind}"


def voxels_of(case, profile):
    """Voxels of the volume that a case works on, whether or not it has been made."""
    edge = profile.resolved_lateral if case.resolved else profile.lateral
    return electrode(case.specimen).thickness_voxels() * edge**2


def size_of(case, profile, steps=None):
    """What the cost of a case is taken to be proportional to, see :data:`LAWS`."""
    law = LAWS[kind_of(case)]
    if law == "cases":
        return 1.0
    if law == "voxels":
        return float(voxels_of(case, profile))
    cells = voxels_of(case, profile) / case.voxels_per_cell**3
    return cells * (steps or USUAL_STEPS)


def unit_costs(cases_of):
    """
    CPU seconds and memory per unit of size, by kind, from the costs that cases have left.

    Parameters
    ----------
    cases_of : sequence of (Case, Profile)
        Cases that may be finished.

    Returns
    -------
    found : dict of str to dict
        ``cpu_s_per_size`` (median), ``peak_MB`` (the largest) and ``cases``, keyed by kind.
    """
    seen = {}
    for case, profile in cases_of:
        cost = costs.load(case, profile)
        if cost and cost.get("device", "cpu") == "cpu":  # a card's CPU only waits
            size = size_of(case, profile, cost.get("steps"))
            row = cost["cpu_s"] / size, cost["peak_MB"]
            seen.setdefault(kind_of(case), []).append(row)
    return {
        kind: {
            "cpu_s_per_size": float(np.median([row[0] for row in rows])),
            "peak_MB": float(max(row[1] for row in rows)),
            "cases": len(rows),
        }
        for kind, rows in seen.items()
    }


def published():
    """
    What the repository knows: kinds of cases and chapters of a finished build.

    Returns
    -------
    study : dict
        ``kinds`` as :func:`unit_costs` gives them, ``chapters`` with CPU seconds and memory,
        ``profile``, ``machine`` and ``commit``; empty entries where nothing was measured.
    """
    study = {"kinds": {}, "chapters": {}, "profile": "", "machine": "", "commit": ""}
    file = BENCHMARKS / STUDY
    if file.exists():
        study |= json.loads(file.read_text(encoding="utf-8"))
    file = BENCHMARKS / RESOLVED_RUN
    if file.exists():
        record = json.loads(file.read_text(encoding="utf-8"))
        run = record["full"]
        since = json.loads((BENCHMARKS / SINCE).read_text(encoding="utf-8"))
        ratio = since["cpu_ratio"] if record["commit"] == since["of_commit"] else 1.0
        study["kinds"] = study["kinds"] | {
            "resolved lithiation": {
                "cpu_s_per_size": ratio * run["cpu_s"] / (run["cells"] * run["steps"]),
                "peak_MB": 1e3 * run["peak_GB"],
                "cases": 1,
            }
        }
    return study


def scale_of_chapter(name, profile, measured_on):
    """
    Factor on the cost of a chapter between two profiles.

    Voxels that it works on: by default those of all cutouts. A few chapters work on specimens of
    sizes of their own, or do the same at every size.
    """
    if name in SAME_WORK:
        return 1.0
    work = WORK.get(name, _voxels_of_study)
    return work(profile) / work(measured_on)


def _voxels_of_study(profile):
    return profile.lateral**2 * profile.cutouts


WORK = {
    "05_neural_network": lambda p: p.nn_epochs * p.nn_samples_per_epoch,
    "07b_limit": lambda p: p.limit_lateral**2 * p.limit_draws + p.lateral**2 * p.cutouts,
    "14c_one_gamma": lambda p: (
        p.consistency_lateral**2 * p.consistency_pieces + p.lateral**2 * p.cutouts
    ),
    "15_impedance": lambda p: (p.impedance_lateral or p.lateral) ** 2 * len(p.impedance_methods),
    "22_challenge": lambda p: p.challenge_lateral**2 * p.challenge_pairs,
}
SAME_WORK = {
    "01_electrodes",
    "05b_leakage",
    "08_model",
    "09_verification",
    "09b_rests",
    "16_conclusion",
    "17_reproduce",
    "20_measured_electrode",
    "21_own_tomogram",
    "index",
    "paper_tables",
    "which_method",
}


def machine_profiles(profile):
    """The profile itself, then the others, whose costs may lie on this machine."""
    return [profile, *(one for one in profiles.PROFILES.values() if one.name != profile.name)]


def chapters_done(profile):
    """Seconds and memory of the chapters that a build of this profile has finished, by name."""
    file = storage.results_root() / profile.name / storage.MANIFEST
    try:
        return json.loads(file.read_text(encoding="utf-8"))["chapters"]
    except (OSError, ValueError, KeyError):
        return {}
