"""Compare the results of two environments: gray values, labels, tables, findings.

    CBD_RESULTS=/tmp/first make book PROFILE=smoke      # Python 3.11, say
    CBD_RESULTS=/tmp/second make book PROFILE=smoke     # Python 3.13, or another processor
    python benchmarks/environments.py /tmp/first /tmp/second --profile smoke

Labels may differ in a thousandth of the voxels, findings not at all; the script ends with status 1
otherwise. ``--generic`` prints the variables that make numpy, numba, XLA and OpenBLAS behave as on
a processor without wide vectors: another machine, on the same one.
"""

import argparse
import os
import sys
from pathlib import Path

import numpy as np
import pandas as pd
import record

from analysis import storage
from analysis.study.book import conclusion

LIMIT = 1e-3  # share of the labels that may differ


def compare_volumes(first, second, profile):
    """Rows name, kind, value, where value is the share of labels or the largest difference."""
    rows = []
    for name in _common(first, second, profile, "volumes", ".nc"):
        one, other = (
            _read(root, storage.load_volume, name, profile).values for root in (first, second)
        )
        if one.shape != other.shape:
            rows.append((name, "shape", float("nan")))
        elif one.dtype == np.uint8 and name.startswith("labels/"):
            rows.append((name, "labels that differ", float(np.mean(one != other))))
        else:
            one = one.astype(float)
            apart = np.abs(one - other).max()
            rows.append((name, "of the range", float(apart / max(np.ptp(one), 1e-300))))
    return rows


def compare_tables(first, second, profile):
    """Rows name, largest relative difference of a number, texts and verdicts that differ."""
    rows = []
    for name in _common(first, second, profile, "tables", ".csv"):
        one, other = (_read(root, storage.load_table, name, profile) for root in (first, second))
        if one.shape != other.shape or list(one.columns) != list(other.columns):
            rows.append((name, float("nan"), len(one), 0))
            continue
        largest, texts, verdicts = 0.0, 0, 0
        for column in one.columns:
            a, b = one[column], other[column]
            if pd.api.types.is_numeric_dtype(a) and pd.api.types.is_numeric_dtype(b):
                a, b = a.to_numpy(float), b.to_numpy(float)
                scale = max(np.abs(a[np.isfinite(a)]).max(initial=0), 1e-300)
                same = (a == b) | (np.isnan(a) & np.isnan(b))
                gap = np.abs(np.subtract(a, b, where=~same, out=np.zeros_like(a))) / scale
                largest = max(largest, float(np.max(gap, initial=0)))
            else:
                differ = int((a.astype(str) != b.astype(str)).sum())
                texts += differ
                verdicts += differ if column == "verdict" else 0
        rows.append((name, largest, texts, verdicts))
    return rows


def compare_findings(first, second, profile):
    """The findings of the paper whose verdict is not the same, with both verdicts."""
    keys = ["section", "finding"]
    one, other = (
        _read(root, lambda profile: conclusion.collect(profile), None, profile).set_index(keys)
        for root in (first, second)
    )
    both = one.merge(
        other, left_index=True, right_index=True, how="outer", suffixes=("_first", "_second")
    )
    return len(both), both[both["verdict_first"] != both["verdict_second"]]


def generic():
    """Shell lines that switch wide vectors off where libraries choose their code at run time."""
    from numpy._core import _multiarray_umath as umath

    used = [name for name in umath.__cpu_dispatch__ if umath.__cpu_features__.get(name)]
    variables = {
        "NPY_DISABLE_CPU_FEATURES": " ".join(used),
        "NUMBA_CPU_NAME": "generic",
        "NUMBA_CPU_FEATURES": "",
        "OPENBLAS_CORETYPE": "Prescott",
        "XLA_FLAGS": "--xla_cpu_max_isa=SSE4_2",
    }
    return "\n".join(f'export {name}="{value}"' for name, value in variables.items())


def _common(first, second, profile, kind, ending):
    found = []
    for root in (first, second):
        folder = Path(root) / profile / kind
        if not folder.is_dir():
            sys.exit(
                f"There is no {folder}; expected results of profile {profile!r}. Run the book."
            )
        paths = folder.rglob(f"*{ending}")
        found.append({path.relative_to(folder).with_suffix("").as_posix() for path in paths})
    for name in sorted(found[0] ^ found[1]):
        print(f"  only in {first if name in found[0] else second}: {kind}/{name}")
    return sorted(found[0] & found[1])


def _read(root, load, name, profile):
    os.environ[storage.ROOT_VARIABLE] = str(root)
    return load(profile=profile) if name is None else load(name, profile=profile)


def main():
    """Print the comparison; status 1 if labels or verdicts differ by more than they may."""
    parser = argparse.ArgumentParser(description=__doc__.splitlines()[0])
    parser.add_argument("results", nargs="*", help="two folders of results")
    parser.add_argument("--profile", default="smoke")
    parser.add_argument("--generic", action="store_true", help="print variables and stop")
    parser.add_argument("--record", help="file that keeps what is printed")
    options = parser.parse_args()
    if options.generic:
        print(generic())
        return 0
    if len(options.results) != 2:
        parser.error("expected two folders of results")
    first, second, profile = *options.results, options.profile
    with record.recording(options.record):
        worst = 0.0
        print("volumes")
        for name, what, value in compare_volumes(first, second, profile):
            print(f"  {name:42s} {value:10.2e} {what}")
            if what != "of the range":
                worst = max(worst, value) if value == value else float("inf")
        print("tables: largest difference of a number over its column's largest; texts; verdicts")
        verdicts = 0
        for name, largest, texts, turned in compare_tables(first, second, profile):
            print(f"  {name:42s} {largest:10.2e} {texts:6d} {turned:6d}")
            verdicts += turned
        count, turned = compare_findings(first, second, profile)
        print(f"findings: {len(turned)} of {count} have another verdict")
        for row in turned.itertuples():
            print(f"  {row.Index}: {row.verdict_first} / {row.verdict_second}")
        met = worst <= LIMIT and verdicts == 0 and turned.empty
        print(
            f"largest share of labels {worst:.2e} (limit {LIMIT:g}), {verdicts} verdicts in "
            f"tables, {len(turned)} findings: {'met' if met else 'NOT MET'}"
        )
    return 0 if met else 1


if __name__ == "__main__":
    sys.exit(main())
