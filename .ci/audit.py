"""Hold the lock against the list of known vulnerabilities of the Python Package Index.

    python3 .ci/audit.py            # makes a virtual environment with pip-audit, asks the index

Status 1 if a locked version has a known vulnerability. Where the list cannot be reached, nothing is
audited, which is said, and the status is 0: pip-audit alone would print "No known vulnerabilities".
"""

import json
import subprocess
import sys
import tempfile
import venv
from pathlib import Path

LOCK = Path(__file__).resolve().parents[1] / "requirements.txt"
TOOL = "pip-audit==2.10.1"


def verdict(report):
    """
    What an audit says.

    Parameters
    ----------
    report : dict or None
        As ``pip-audit --format json`` writes it; None if it wrote nothing.

    Returns
    -------
    status : int
        1 if something is known against a version, else 0.
    lines : list of str
        What to print.
    """
    listed = (report or {}).get("dependencies", [])
    audited = [one for one in listed if "skip_reason" not in one]
    lines = [
        f"{one['name']} {one['version']}: {flaw['id']}, mended in "
        f"{', '.join(flaw['fix_versions']) or 'no version yet'}"
        for one in audited
        for flaw in one["vulns"]
    ]
    skipped = len(listed) - len(audited)
    if not audited:
        return 0, ["::warning::Nothing was audited: the list of vulnerabilities is not reachable."]
    if skipped:
        lines.append(f"::warning::{skipped} of {len(listed)} packages could not be audited.")
    flawed = sum(bool(one["vulns"]) for one in audited)
    lines.append(f"{len(audited)} locked packages audited, {flawed} with known vulnerabilities")
    return int(flawed > 0), lines


def main():
    """Audit the lock of this repository."""
    with tempfile.TemporaryDirectory() as folder:
        venv.create(folder, with_pip=True)
        python, report = Path(folder, "bin", "python"), Path(folder, "audit.json")
        subprocess.run([python, "-m", "pip", "install", "--quiet", TOOL], check=True)
        options = ["--require-hashes", "--disable-pip", "--progress-spinner", "off"]
        subprocess.run(
            [python, "-m", "pip_audit", *options, "-f", "json", "-o", report, "-r", LOCK],
            stderr=subprocess.DEVNULL,
            check=False,
        )
        found = json.loads(report.read_text()) if report.exists() else None
    status, lines = verdict(found)
    print("\n".join(lines))
    return status


if __name__ == "__main__":
    sys.exit(main())
