"""Which cases the study needs, given the labels and the finished fits that are on disk."""

import difflib
from dataclasses import replace

from analysis import profiles, storage
from analysis.segmentation.methods import CATALOG
from analysis.simulation.cases import (
    TRUTH,
    Case,
    is_finished,
    load,
    measurements,
    part_structure,
    scan,
)

HEADLINE = "TL", 1  # specimen and cutout whose truth is also lithiated with other cells


def fit_cases(profile, methods=None, present=None):
    """
    Cases of the known-answer experiment, in two stages.

    Parameters
    ----------
    profile : analysis.profiles.Profile
    methods : sequence of str, optional
        Trinarizations; by default those of the paper's Table 3 and the truth. Of these, a method
        without labels on disk is left out.
    present : callable, optional
        Takes specimen, cutout and method: whether there are labels; by default, if they are on
        disk. The plan of a run that has not begun takes all as present.

    Returns
    -------
    first, second : list of Case
        Virtual measurements and voxel problems; fits, which read the first.

    Raises
    ------
    ValueError
        If a method that was asked for does not exist or has no labels on disk.
    """
    if methods:
        _check_methods(methods, profile)
    methods = methods or profile.fit_methods
    present = present or on_disk(profile)
    first, second = [], []
    for specimen in profiles.ELECTRODES:
        for cutout in profile.cutout_numbers:
            there = [method for method in methods if present(specimen, cutout, method)]
            fits = [
                Case("fit", specimen, cutout, method, profile.gamma_true, profile.fit_current)
                for method in there
            ]
            if fits and present(specimen, cutout, TRUTH):
                first += measurements(profile, specimen, cutout)
                first += [Case("structure", specimen, cutout, method) for method in there]
                second += fits
    return first, second


def _check_methods(methods, profile):
    known = (TRUTH, *CATALOG)
    for method in methods:
        if method not in known:
            close = difflib.get_close_matches(method, known, n=1)
            hint = f" Did you mean {close[0]!r}?" if close else ""
            raise ValueError(
                f"There is no method {method!r}.{hint} Expected some of {', '.join(known)}."
            )
    names = [
        (specimen, cutout) for specimen in profiles.ELECTRODES for cutout in profile.cutout_numbers
    ]
    for method in methods:
        absent = [f"{s}-{c}" for s, c in names if not has_labels(s, c, method, profile)]
        if absent:
            raise ValueError(
                f"No labels of method {method!r} for {', '.join(absent)} in the results of profile "
                f"{str(profile)!r}. Run the chapters on trinarization first: `make book "
                f"PROFILE={profile}`, or leave the method out."
            )


def resolved_cases(profile, present=None):
    """
    Resolved lithiations of the study, in three stages, each of which reads the one before.

    Parameters
    ----------
    profile : analysis.profiles.Profile
    present : callable, optional
        As for :func:`fit_cases`.

    Returns
    -------
    runs : list of Case
        Comparison at the true gamma: every method, and the truth with other cells; then the
        virtual experiment and the scans of gamma, and for a control variate the voxel problems.
    fits : list of Case
        Gamma of the fitted methods, and of the truth as a check.
    """
    present = present or on_disk(profile)
    n, *others = profile.resolved_voxels_per_cell
    current, gamma = profile.fit_current, profile.gamma_true
    runs, fits = [], []
    for specimen in profile.resolved_specimens:
        for cutout in range(1, profile.resolved_cutouts + 1):
            compared = [(method, n) for method in profile.resolved_methods]
            compared += [(TRUTH, other) for other in others if (specimen, cutout) == HEADLINE]
            runs += [
                Case("lithiation", specimen, cutout, method, gamma, current, "resolved", voxels)
                for method, voxels in compared
                if present(specimen, cutout, method)
            ]
            runs += measurements(profile, specimen, cutout, n)
            fits += [
                Case("fit", specimen, cutout, method, gamma, current, "resolved", n)
                for method in dict.fromkeys((TRUTH, *profile.resolved_fitted))
                if present(specimen, cutout, method)
            ]
    scanned = [one for fit in fits for one in scan(fit, profile)]
    made = [part_structure(fit, profile) for fit in fits if profile.resolved_control_variate]
    return [*made, *runs, *scanned], fits


def predictions(fit, profile):
    """
    Resolved lithiations at all currents with the gamma of a finished resolved fit.

    Returns
    -------
    cases : list of Case
        Empty if the profile predicts nothing for this map or this cutout, or the fit has no gamma
        for the least misfit lies at a bound of its search.
    """
    if not is_predicted(fit, profile):
        return []
    gamma = round(float(load(fit, profile).fitted_gamma), 4)
    if gamma != gamma:
        return []
    return [
        replace(fit, kind="lithiation", gamma=gamma, current_mA_cm2=current)
        for current in profile.resolved_currents
    ]


def is_predicted(fit, profile):
    """Whether a profile also lithiates a fitted map, of this cutout, at all currents."""
    methods, cutouts = profile.resolved_predicted, profile.resolved_predicted_cutouts
    named = methods is None or fit.method in methods
    return fit.method != TRUTH and named and (cutouts is None or fit.cutout <= cutouts)


def has_labels(specimen, cutout, method, profile):
    """Whether a trinarization of a cutout is on disk."""
    return storage.exists("volumes", f"labels/{specimen}-{cutout}-{method}", profile=profile)


def on_disk(profile):
    """:func:`has_labels` for one profile."""
    return lambda specimen, cutout, method: has_labels(specimen, cutout, method, profile)


def fipy_cases(profile):
    """
    Lithiations in FiPy: the truth at the true gamma, and the headline maps at their fitted one.

    Returns
    -------
    cases : list of Case
        Maps without a finished fit are left out.
    """
    models = [
        (specimen, TRUTH, profile.gamma_true)
        for specimen in profile.fipy_specimens
        if has_labels(specimen, 1, TRUTH, profile)
    ]
    specimen, cutout = HEADLINE
    for method in profile.fipy_maps:
        fit = Case("fit", specimen, cutout, method, profile.gamma_true, profile.fit_current)
        if has_labels(specimen, cutout, method, profile) and is_finished(fit, profile):
            models.append((specimen, method, round(float(load(fit, profile).fitted_gamma), 4)))
    return [
        Case("lithiation", specimen, 1, method, gamma, current, "fipy")
        for specimen, method, gamma in models
        for current in profile.fipy_currents
    ]
