"""Tables about the method that the demo shows from a kept run: chapters 14c and 22.

``python benchmarks/kept_tables.py [challenge-open] [consistency-sweep] [--profile demo]
[--finished --commit COMMIT]``

Runs what makes them (minutes each) on the maps and the network that a build of the profile has left
in ``results``, and writes a CSV file and a JSON file, which says who made it, into
``benchmarks/results``. ``--finished`` takes the tables that a finished build has left, if that
build ran them itself; then COMMIT says which tree it was of.
"""

import argparse
import datetime
from dataclasses import replace

from record import commit, processor

from analysis import profiles, storage
from analysis.challenge import standings
from analysis.storage import provenance
from analysis.study import kept_tables
from analysis.study.consistency import sweep

VERSIONS = {
    "challenge-open": lambda profile: standings.version("open", profile),
    sweep.NAME: sweep.version,
}
BUILD = {
    "challenge-open": lambda profile: standings.build(profile, progress=print),
    sweep.NAME: lambda profile: sweep.run(profile, progress=print)[0],
}


def main():
    parser = argparse.ArgumentParser(description=__doc__.splitlines()[0])
    parser.add_argument("names", nargs="*", help=f"of {', '.join(BUILD)}; by default all")
    parser.add_argument("--profile", default="demo")
    parser.add_argument("--finished", action="store_true", help="take what a build has left")
    parser.add_argument("--commit", help="tree of that build; by default today's")
    options = parser.parse_args()
    unknown = sorted({*options.names} - {*BUILD})
    if unknown:
        parser.error(f"no kept table {unknown[0]!r}; expected some of {', '.join(BUILD)}")
    profile = replace(profiles.get(options.profile), kept_tables=())  # all are run
    made = provenance.of_this_process() | {
        "date": datetime.date.today().isoformat(),
        "machine": processor(),
        "commit": options.commit or commit(),
    }
    for name in options.names or BUILD:
        if options.finished:
            table = storage.load_table(name, profile=profile)
        else:
            table = BUILD[name](profile)
        kept_tables.save(name, table, profile, VERSIONS[name](profile), made)
        print(f"{kept_tables.files(name, profile)[0]}: {len(table)} rows")


if __name__ == "__main__":
    main()
