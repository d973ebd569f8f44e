"""What cases and chapters of a finished build have cost, for the plan of larger ones.

``python benchmarks/study_costs.py --cases smoke --chapters demo [--build FOLDER]``

Gathers the costs that the cases of one profile have left in ``results`` (medians by kind, per voxel
or per case) and the CPU seconds and the memory of the chapters of a build, and writes
``benchmarks/results/study-costs.json``, from which ``make plan`` reckons. A kind or a chapter that
is not there stays unknown.
"""

import argparse
import json
from pathlib import Path

from record import commit, processor

from analysis import profiles
from analysis.record import plan, unit_costs
from analysis.simulation import case_lists

ROOT = Path(__file__).resolve().parents[1]


def chapters(folder):
    """CPU seconds and memory by chapter, from the stamps of a build."""
    found = {}
    for file in sorted(Path(folder, "stamps").glob("*.json")):
        stamp = json.loads(file.read_text(encoding="utf-8"))
        found[file.stem] = {"cpu_s": stamp["cpu_seconds"], "peak_MB": stamp["peak_memory_MB"]}
    return found


def main():
    parser = argparse.ArgumentParser(description=__doc__.splitlines()[0])
    parser.add_argument("--cases", default="smoke", help="profile whose cases are gathered")
    parser.add_argument("--chapters", default="demo", help="profile whose chapters are gathered")
    parser.add_argument("--build", help="folder of its build; by default _build/<chapters>")
    options = parser.parse_args()
    profile = profiles.get(options.cases)
    wanted, _ = plan.planned_cases(profile)
    wanted += case_lists.fipy_cases(profile)
    study = {
        "commit": commit(),
        "machine": processor(),
        "profile": options.chapters,
        "profile_of_cases": options.cases,
        "kinds": unit_costs.unit_costs([(case, profile) for case in wanted]),
        "chapters": chapters(options.build or ROOT / "_build" / options.chapters),
    }
    target = unit_costs.BENCHMARKS / unit_costs.STUDY
    target.write_text(json.dumps(study, indent=1) + "\n", encoding="utf-8")
    print(f"{target}: {len(study['kinds'])} kinds, {len(study['chapters'])} chapters")


if __name__ == "__main__":
    main()
