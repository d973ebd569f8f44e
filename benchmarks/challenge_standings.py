"""Scores of the book's methods on the open set of the challenge, kept for chapter 22.

``python benchmarks/challenge_standings.py --profile demo [--finished --commit COMMIT]``

Builds the table (minutes) and writes ``benchmarks/results/challenge-open-<profile>.csv`` and a
JSON file that says who made it. The network's maps need the network that a build of this profile
has trained (``results/<profile>/models``). ``--finished`` takes the table that a finished build
has left in ``results``, if it is of today's set, score, models and methods; then COMMIT says which
tree that build was of.
"""

import argparse
import datetime

from record import commit, processor

from analysis import profiles
from analysis.challenge import kept, standings
from analysis.storage import provenance


def main():
    parser = argparse.ArgumentParser(description=__doc__.splitlines()[0])
    parser.add_argument("--profile", default="demo")
    parser.add_argument("--finished", action="store_true", help="take what a build has left")
    parser.add_argument("--commit", help="tree of that build; by default today's")
    options = parser.parse_args()
    profile = profiles.get(options.profile)
    if options.finished:
        table = standings.stored(profile)
        if table is None:
            parser.error(f"results/{profile} has no table of today's set, score and methods.")
    else:
        table = standings.build(profile, progress=print)
    made = provenance.of_this_process() | {
        "date": datetime.date.today().isoformat(),
        "machine": processor(),
        "commit": options.commit or commit(),
    }
    kept.save(table, profile, made)
    print(f"{kept.files(profile)[0]}: {table.method.nunique()} methods, floor and truth included")


if __name__ == "__main__":
    main()
