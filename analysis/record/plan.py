"""What a profile runs: cases and chapters, what of them is finished, what is left, what it costs.

Nothing is run. Costs are measured ones, scaled by a law that the plan prints with them.
"""

from dataclasses import dataclass, replace
from pathlib import Path

from analysis.record import unit_costs
from analysis.simulation import case_lists, cases, control_variate
from analysis.simulation.cases import TRUTH

CORES = 2  # for which the hours at the end are given
LIMIT_H = 14.0  # that the paper's size may take on them
BOOK = Path(__file__).resolve().parents[2] / "book"
COLOPHON = "17_reproduce"  # reads what the others have left
BY_CASES = ("14_lithiation", "14b_resolved")  # chapters whose work is that of the cases
KB_OF_CASE = {"resolved lithiation": 900, "structure": 33}  # of a file; others are smaller
VOLUME_BYTES = 2.5  # of a voxel and cutout, all maps and gray values packed together, per map


@dataclass(frozen=True)
class PlanRow:
    """
    One kind of work.

    Attributes
    ----------
    kind : str
        Kind of case, or chapter.
    number, finished : int
        How many there are, and how many of them are finished.
    cpu_s, left_s : float
        CPU seconds of all, and of those that are left; NaN if never measured.
    peak_MB : float
        Memory of one of them; NaN if never measured.
    law : str
        What the cost is proportional to.
    source : str
        Where it was measured.
    """

    kind: str
    number: int
    finished: int
    cpu_s: float
    left_s: float
    peak_MB: float
    law: str
    source: str


def planned_cases(profile):
    """
    All cases of a profile, as if every map were on disk.

    Returns
    -------
    cases : list of Case
        Each once: structures, lithiations, fits; homogenized, resolved.
    predicted : list of (Case, list of Case)
        Resolved fits, each with lithiations whose gamma is known only during the run: of its scan,
        and of its predictions. Without a gamma where it is not known yet.
    """

    def everywhere(specimen, cutout, method):
        return True

    first, second = case_lists.fit_cases(profile, present=everywhere)
    runs, fits = case_lists.resolved_cases(profile, present=everywhere)
    predicted = []
    predicted += _further_runs(fits, profile)
    for fit in fits:
        if case_lists.is_predicted(fit, profile):
            if cases.is_finished(fit, profile):
                after = case_lists.predictions(fit, profile)
            else:
                after = [
                    replace(fit, kind="lithiation", gamma=None, current_mA_cm2=current)
                    for current in profile.resolved_currents
                ]
            predicted.append((fit, after))
    return list(dict.fromkeys([*first, *second, *runs, *fits])), predicted


def _further_runs(fits, profile):
    """
    Lithiations that fits with a control variate will ask for, as many as are expected in all.

    A finished fit has told its runs. The truth's needs no other: its first run is the target.
    """
    if not profile.resolved_control_variate:
        return []
    ahead = [fit for fit in fits if fit.method != TRUTH and not cases.is_finished(fit, profile)]
    each = control_variate.measured()["runs_per_map"] - 1
    if each != each:
        each = cases.MOST_RUNS - 1  # never measured: as many as there can be
    until = [round(each * k) for k in range(len(ahead) + 1)]
    return [
        (fit, [replace(fit, kind="lithiation", gamma=None)] * (last - first))
        for fit, first, last in zip(ahead, until, until[1:], strict=False)
    ]


def plan(profile):
    """
    The kinds of work of a profile.

    Parameters
    ----------
    profile : analysis.profiles.Profile

    Returns
    -------
    rows : list of PlanRow
        Cases by kind, then chapters.
    """
    wanted, predicted = planned_cases(profile)
    known = _known_kinds(profile, wanted)
    by_kind = {}
    for case in [*wanted, *(one for _, after in predicted for one in after)]:
        known_yet = case.gamma is not None or case.kind == "structure"
        done = known_yet and cases.is_finished(case, profile)
        by_kind.setdefault(unit_costs.kind_of(case), []).append((case, done))
    fipy = fipy_count(profile)
    rows = [
        _row_of_cases(kind, counted, profile, known.get(kind)) for kind, counted in by_kind.items()
    ]
    done = sum(cases.is_finished(case, profile) for case in case_lists.fipy_cases(profile))
    rows.append(_row_of_number("FiPy lithiation", fipy, done, known.get("FiPy lithiation")))
    return [*rows, *_rows_of_chapters(profile)]


def fipy_count(profile):
    """Lithiations in FiPy: the truth of some electrodes and some fitted maps, at some currents."""
    return (len(profile.fipy_specimens) + len(profile.fipy_maps)) * len(profile.fipy_currents)


def _known_kinds(profile, wanted):
    """Unit costs by kind, each with its source: this profile, another one here, the repository."""
    published, own = unit_costs.published(), f"results/{profile.name}"
    where = f"benchmarks/results, {published['machine'] or 'machine not named'}"
    known = {kind: (cost, where) for kind, cost in published["kinds"].items()}
    for one in reversed(unit_costs.machine_profiles(profile)):
        theirs = wanted if one.name == profile.name else planned_cases(one)[0]
        fipy = case_lists.fipy_cases(one)
        found = unit_costs.unit_costs([(case, one) for case in [*theirs, *fipy]])
        known |= {kind: (cost, f"results/{one.name}") for kind, cost in found.items()}
    if profile.resolved_control_variate and known.get("resolved fit", ("", ""))[1] != own:
        control = control_variate.measured()
        known["resolved fit"] = (
            {"cpu_s_per_size": control["fit_cpu_s"], "peak_MB": control["peak_MB"]},
            f"benchmarks/results, {control['maps']} maps",
        )
    # a run at the paper's size says more of one than runs of a hundredth of it
    large = published["kinds"].get("resolved lithiation")
    if large and known["resolved lithiation"][1] != own:
        known["resolved lithiation"] = (large, where)
    return known


def _row_of_cases(kind, counted, profile, known):
    sizes = [unit_costs.size_of(case, profile) for case, _ in counted]
    left = sum(size for size, (_, done) in zip(sizes, counted, strict=True) if not done)
    per_size, peak, source = _unit(known)
    law = unit_costs.LAWS[kind]
    finished = sum(done for _, done in counted)
    number = len(counted)
    return PlanRow(
        kind, number, finished, per_size * sum(sizes), per_size * left, peak, law, source
    )


def _row_of_number(kind, number, finished, known):
    each, peak, source = _unit(known)
    left = each * (number - finished)
    return PlanRow(kind, number, finished, each * number, left, peak, "cases", source)


def _unit(known):
    if known is None:
        return float("nan"), float("nan"), "never measured"
    cost, source = known
    return cost["cpu_s_per_size"], cost["peak_MB"], source


def _rows_of_chapters(profile):
    from analysis import profiles

    published = unit_costs.published()
    done = unit_costs.chapters_done(profile)
    rows = []
    measured_on = profiles.PROFILES.get(published["profile"])
    book = {file.stem for file in BOOK.glob("[0-9]*.md")} - set(BY_CASES) - {COLOPHON}
    for name in sorted(book | set(published["chapters"]) | set(done)):
        if name in BY_CASES:
            continue
        if name not in done and name not in published["chapters"]:
            seconds = memory = float("nan")
            source = "never measured"
        elif name in done:
            # a manifest has wall seconds only; chapters run on about one core each
            seconds, memory, source = done[name]["seconds"], done[name]["peak_memory_MB"], "own run"
        else:
            cost = published["chapters"][name]
            factor = unit_costs.scale_of_chapter(name, profile, measured_on)
            cutout = 1.0 if factor == 1 else (profile.lateral / measured_on.lateral) ** 2
            seconds, memory = factor * cost["cpu_s"], cutout * cost["peak_MB"]
            source = f"profile {published['profile']} x {factor:.2g}"
        left = 0.0 if name in done else seconds
        rows.append(
            PlanRow(f"chapter {name}", 1, int(name in done), seconds, left, memory, "", source)
        )
    return rows


def text(profile, rows=None, cores=CORES):
    """
    The plan as it is printed.

    Parameters
    ----------
    profile : analysis.profiles.Profile
    rows : list of PlanRow, optional
        By default those of :func:`plan`.
    cores : int
        For which the hours are given.

    Returns
    -------
    lines : str
    """
    rows = plan(profile) if rows is None else rows
    lines = [
        f"Profile {profile.name}: {profile.cutouts} cutouts of {profile.lateral} x "
        f"{profile.lateral} voxels per electrode; voxels lithiated on {profile.resolved_cutouts} "
        f"of {profile.resolved_lateral} x {profile.resolved_lateral}, cells of "
        f"{profile.resolved_voxels_per_cell[0]}, {len(profile.resolved_methods) - 1} maps and the "
        "truth.",
        "",
        f"{'what':<28} {'number':>7} {'finished':>9} {'CPU h':>8} {'left h':>8} {'GB':>6}  cost",
    ]
    for row in rows:
        law = f"{row.law}; " if row.law else ""
        lines.append(
            f"{row.kind:<28} {row.number:7d} {row.finished:9d} {_hours(row.cpu_s)} "
            f"{_hours(row.left_s)} {_gb(row.peak_MB)}  {law}{row.source}"
        )
    known = [row for row in rows if row.cpu_s == row.cpu_s]
    total, left = (sum(getattr(row, name) for row in known) for name in ("cpu_s", "left_s"))
    lines += [
        f"{'all':<28} {'':>7} {'':>9} {_hours(total)} {_hours(left)} "
        f"{_gb(max((row.peak_MB for row in known), default=float('nan')))}",
        "",
        f"On {cores} cores about {total / 3600 / cores:.1f} h in all, {left / 3600 / cores:.1f} h "
        f"left; disk {disk_gb(profile, rows):.1f} GB.",
        "The cost of a kind is proportional to what stands before its source: cells x steps with "
        f"{unit_costs.USUAL_STEPS} steps a run, voxels of a volume, or the number of cases; that "
        "of a chapter to the voxels it works on, its memory to those of a cutout.",
    ]
    if profile.resolved_control_variate:
        lines.append(_expected_runs())
    unknown = [row.kind for row in rows if row.cpu_s != row.cpu_s]
    if unknown:
        lines.append(f"Never measured, and not in the sums: {', '.join(unknown)}.")
    if not unit_costs.published()["chapters"]:
        lines.append("No chapter has been measured; their work is not in the sums.")
    return "\n".join(lines)


def _expected_runs():
    control = control_variate.measured()
    if not control["maps"]:
        return (
            f"Gamma of a map takes up to {cases.MOST_RUNS} resolved runs; how many, was never "
            "measured, so all of them are counted."
        )
    return (
        f"Gamma of a map is taken to need {control['runs_per_map']:.2f} resolved runs, the first "
        f"of them at the true gamma: the average of {control['maps']} maps in "
        f"benchmarks/results/{control_variate.MEASURED.name}. Each fit decides for itself, up to "
        f"{cases.MOST_RUNS}."
    )


def disk_gb(profile, rows):
    """Disk that the results will take [GB]: volumes of all maps, and files of the cases."""
    voxels = sum(
        unit_costs.voxels_of(cases.Case("structure", specimen, 1, TRUTH), profile)
        for specimen in ("SL", "TL")
    )
    volumes = voxels * profile.cutouts * VOLUME_BYTES * len(profile.resolved_methods)
    files = sum(row.number * KB_OF_CASE.get(row.kind, 15) * 1e3 for row in rows if row.law)
    return (volumes + files) / 1e9


def _hours(seconds):
    return f"{seconds / 3600:8.2f}" if seconds == seconds else f"{'?':>8}"


def _gb(megabytes):
    return f"{megabytes / 1e3:6.1f}" if megabytes == megabytes else f"{'?':>6}"
