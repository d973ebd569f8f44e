"""What a finished case has cost, and what made it: written beside the result, not into it.

A result must be the same on every machine, so its cost has a file of its own,
``results/<profile>/.costs/<name of the case>.json``. The plan of a run and the record read it.
"""

import json
import resource
import sys
import time

from analysis import storage
from analysis.electrochemistry.transport import devices
from analysis.simulation.cases import name_of
from analysis.storage import provenance

FOLDER = ".costs"
KEPT = ("cells", "steps")  # of the attributes of a result: what cost scales with


class Meter:
    """
    CPU and wall seconds of this process since the meter was made.

    A case that runs others within it, such as a fit its lithiations, does not count what they have
    cost: they have files of their own.
    """

    _of_cases = 0.0, 0.0  # of all cases that this process has written

    def __init__(self):
        self._begin = self._now()

    def read(self):
        """CPU seconds and wall seconds."""
        return tuple(now - then for now, then in zip(self._now(), self._begin, strict=True))

    def count(self):
        """Take what the meter reads for a case's own, of which no other counts it again."""
        own = self.read()
        Meter._of_cases = tuple(sum(pair) for pair in zip(Meter._of_cases, own, strict=True))
        return own

    @staticmethod
    def _now():
        cpu, wall = Meter._of_cases
        return time.process_time() - cpu, time.perf_counter() - wall


def file_of(case, profile):
    """Where the cost of a case lies."""
    return storage.results_root() / profile.name / FOLDER / f"{name_of(case, profile)}.json"


def write(case, profile, meter, attributes):
    """
    Keep what a case has cost.

    Parameters
    ----------
    case : Case
    profile : analysis.profiles.Profile
    meter : Meter
        Made when the case began.
    attributes : dict
        Of the result; cells and steps are taken over where it has them.

    Returns
    -------
    cost : dict
        ``cpu_s``, ``wall_s``, ``peak_MB`` (of the process, all cases so far), ``device``, ``cells``
        and ``steps`` of a resolved run, and who made it.
    """
    cpu_s, wall_s = meter.count()
    cost = {
        "case": str(case),
        "cpu_s": round(cpu_s, 3),
        "wall_s": round(wall_s, 3),
        "peak_MB": round(_peak_MB()),
        "device": devices.chosen() if case.resolved else "cpu",
        "finished": time.strftime("%Y-%m-%dT%H:%M:%SZ", time.gmtime()),
    }
    cost |= {name: int(attributes[name]) for name in KEPT if name in attributes}
    cost |= provenance.of_this_process()
    target = file_of(case, profile)
    with storage.atomic(target) as temporary:
        temporary.write_text(json.dumps(cost, indent=1) + "\n", encoding="utf-8")
    return cost


def load(case, profile):
    """
    What a case has cost, or None if that is not known.

    A file that is no cost, such as one cut short, counts as unknown.
    """
    try:
        cost = json.loads(file_of(case, profile).read_text(encoding="utf-8"))
        return cost if cost["cpu_s"] >= 0 else None
    except (OSError, ValueError, KeyError, TypeError):
        return None


def _peak_MB():
    peak = resource.getrusage(resource.RUSAGE_SELF).ru_maxrss
    return peak / 1e6 if sys.platform == "darwin" else peak / 1e3
