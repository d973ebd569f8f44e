"""The posterior and its draws on electrodes of seeds that nothing else uses.

Usage: python benchmarks/posterior.py [overlap] [draws] [spread] [cost] [--numbers 3] [--lateral 96]
                                      [--draws 20] [--rows FOLDER] [--kept] [--record FILE]

overlap  kappa, Jaccard indices beside chance and calibration error of the posterior without and
         with the depth profile, beside thresholding, k-means and EDX-Closing (which is given the
         same profile); scenarios bridging and cluster, noises .04, .12, .24
draws    r_max, interfaces and effective conductivity of draws, of the most probable map and of a
         draw without correlation, against the truth; how often the 90 % interval of the draws
         holds the true conductivity (noise .12)
spread   two-point coverage of the CBD and of the pores of draws against the spread of the truths,
         and how often the interval of six draws holds the true conductivity: less for each
         specimen, so that there can be more of them
cost     time and memory of features and prediction, beside scikit-learn's own predict_proba

Without names all four run. Rows are kept in the folder as they come, so that a run that was
stopped goes on where it was.
"""

import argparse
import itertools
import json
import time
import zlib
from pathlib import Path

import numpy as np
import pandas as pd
from record import peak_gb, recording

from analysis.descriptors import covariance
from analysis.phases import VOXEL_SIZE_UM, Phase
from analysis.segmentation import posterior
from analysis.segmentation.boosting import boosted_trees, posterior_model, voxel_features
from analysis.study.limit import intervals, limit

SCENARIOS = ("bridging", "cluster")
NOISES = (0.12, 0.24, 0.04)
pd.set_option("display.width", 200, "display.max_columns", 30, "display.max_rows", 200)


def fresh(name, scenario, number, noises, lateral):
    """A specimen of seeds that neither the study nor the training uses."""
    seed = zlib.crc32(f"evidence/{name}/{scenario}/{number}".encode())
    return limit.known(name, scenario, number, seed=seed, lateral=lateral, noises=noises)


def places(numbers):
    """Number last, so that a run that is stopped has something of everything."""
    return [
        (name, scenario, number)
        for number, scenario, name in itertools.product(range(numbers), SCENARIOS, ("SL", "TL"))
    ]


def kept(args, kind, place, make):
    """Rows from the folder, or made and put there."""
    file = Path(args.rows) / f"{kind}-{args.lateral}-{'-'.join(map(str, place))}.json"
    if not file.is_file():
        if args.kept:
            return []
        rows = make()
        file.parent.mkdir(parents=True, exist_ok=True)
        part = file.with_suffix(".part")
        part.write_text(json.dumps(rows))
        part.rename(file)
        print(f"# {kind} {place}", flush=True)
    return json.loads(file.read_text())


def overlap(args):
    rows = []
    for noise, place in itertools.product(NOISES, places(args.numbers)):

        def make(noise=noise, place=place):
            (one,) = fresh(*place, (noise,), args.lateral)
            return limit.scores(one, limit.rivals(one), limit.posteriors(one))

        rows += kept(args, "overlap", (*place, noise), make)
    if not rows:
        print("no rows yet")
        return
    table = pd.DataFrame(rows)
    by = ["scenario", "noise", "specimen", "method"]
    print("specimens:", table.drop_duplicates(["scenario", "noise", "specimen", "number"]).groupby(
        ["scenario", "noise", "specimen"]).size().to_dict())  # fmt: skip
    columns = ["kappa", "Jaccard AM", "Jaccard CBD", "chance CBD", "Jaccard pore", "chance pore",
               "calibration error"]  # fmt: skip
    print(table.groupby(by, sort=False)[columns].mean().round(3).to_string())
    print("\nkappa of each specimen")
    print(
        table.pivot_table(index=by, columns="number", values="kappa", sort=False)
        .round(3)
        .to_string()
    )


def quantities(one, probabilities, by_scenario, count):
    """Physics of the truth, of the most probable map and of draws, as rows."""
    rows = [one.place | {"kind": "truth"} | limit.physics(one.labels)]
    for kind, labels in limit.maps(one, probabilities, by_scenario, count=count):
        many = sum(row["kind"] == kind for row in rows) >= 4
        if many:  # sizes and surfaces of four draws say enough
            found = limit.conductance(labels, gammas=(0.08,))
        else:
            found = limit.physics(labels)
        rows.append(one.place | {"kind": kind} | found)
    return rows


def draws(args):
    rows = []
    for place in places(args.numbers):

        def make(place=place):
            (one,) = fresh(*place, (0.12,), args.lateral)
            probabilities = posterior.predict(one.gray, one.cbd_profile)
            by_scenario = posterior.by_scenario(one.gray, one.cbd_profile)
            return quantities(one, probabilities, by_scenario, args.draws)

        rows += kept(args, "draws", place, make)
    if not rows:
        print("no rows yet")
        return
    table = pd.DataFrame(rows)
    place = ["scenario", "specimen", "number"]
    values = [c for c in table.columns if c not in (*place, "noise", "kind")]
    truth = table[table.kind == "truth"].set_index(place)[values]
    error = table[table.kind != "truth"].set_index([*place, "kind"])[values]
    error = error.groupby(level=[0, 1, 2, 3], sort=False).mean()
    error = 100 * (error / truth.reindex(error.index.droplevel("kind")).values - 1)
    print("mean over the specimens of the deviation from the truth [%]")
    print(error.groupby(["scenario", "specimen", "kind"], sort=False).mean().round(1).to_string())
    print("mean over the specimens of its size [%]")
    print(error.abs().groupby(["scenario", "kind"], sort=False).mean().round(1).to_string())
    for kind in ("draw", "informed draw"):
        held = []
        for where, part in table[table.kind == kind].groupby(place, sort=False):
            low, high = intervals.of_conductivity(part["k_eff 0.08"])
            true = truth.loc[where, "k_eff 0.08"]
            held.append(low <= true <= high)
            print(f"{where}: 90 % interval of {kind}s {low:.5f}..{high:.5f}, truth {true:.5f}")
        print(f"the interval of {kind}s holds the truth in {np.sum(held)} of {len(held)}")


COVERAGE_UM, SPREAD_DRAWS = 5.2, 6


def coverage(labels):
    """Two-point coverage of CBD and of pore at every distance but zero."""
    found = covariance.two_point_coverage(labels, VOXEL_SIZE_UM, COVERAGE_UM)
    return {phase.title: list(found.of(phase, phase)[1:]) for phase in (Phase.CBD, Phase.PORE)}


def spread(args):
    rows = []
    for place in places(args.numbers):

        def make(place=place):
            (one,) = fresh(*place, (0.12,), args.lateral)
            by_scenario = posterior.by_scenario(one.gray, one.cbd_profile)
            mixed = sum(by_scenario.values()) / len(by_scenario)
            found = [("truth", one.labels)]
            for kind, labels in limit.maps(one, mixed, by_scenario, count=SPREAD_DRAWS):
                if kind != "informed draw":
                    found.append((kind, labels))
            rows = []
            for kind, labels in found:
                row = one.place | {"kind": kind} | coverage(labels)
                if kind in ("truth", "draw"):
                    row |= limit.conductance(labels, gammas=(0.08,))
                rows.append(row)
            return rows

        rows += kept(args, "spread", place, make)
    if not rows:
        print("no rows yet")
        return
    table = pd.DataFrame(rows)
    held, sizes = [], []
    for (scenario, name), part in table.groupby(["scenario", "specimen"], sort=False):
        for phase in (Phase.CBD.title, Phase.PORE.title):
            of = {k: np.stack(p[phase].to_list()) for k, p in part.groupby("kind", sort=False)}
            low, high = of["truth"].min(axis=0), of["truth"].max(axis=0)
            for kind, found in of.items():
                if kind == "truth":
                    continue
                # the mean over draws and specimens, against what truths are among themselves
                mean = found.mean(axis=0)
                sizes.append(
                    {"scenario": scenario, "specimen": name, "phase": phase, "kind": kind,
                     "truths": len(of["truth"]),
                     "distances within the spread": f"{np.sum((low <= mean) & (mean <= high))} of "
                     f"{mean.size}",
                     "largest deviation": np.abs(mean - of["truth"].mean(axis=0)).max()}
                )  # fmt: skip
        for number, one in part.groupby("number"):
            low, high = intervals.of_conductivity(one[one.kind == "draw"]["k_eff 0.08"])
            true = float(one[one.kind == "truth"]["k_eff 0.08"].iloc[0])
            held.append(low <= true <= high)
            print(
                f"{name} {scenario} {number}: 90 % interval of draws {low:.5f}..{high:.5f}, "
                f"truth {true:.5f}"
            )
    print(f"the interval of draws holds the truth in {np.sum(held)} of {len(held)}")
    print(pd.DataFrame(sizes).round(4).to_string())


def cost(args):
    from sklearn.ensemble import HistGradientBoostingClassifier

    (one,) = fresh("SL", "bridging", 0, (0.12,), args.lateral)
    model = posterior_model.stored()
    million = one.gray.size / 1e6
    posterior.predict(one.gray[:40])  # compiles
    times = []
    for _ in range(3):
        start = time.perf_counter(), time.process_time()
        posterior.predict(one.gray)
        times.append((time.perf_counter() - start[0], time.process_time() - start[1]))
    wall, cpu = np.median(times, axis=0)
    print(
        f"features and prediction: wall {wall / million:.2f}, CPU {cpu / million:.2f} s/Mvoxel, "
        f"{million:.2f} Mvoxel; peak memory {peak_gb():.2f} GB"
    )
    image = voxel_features.measure(one.gray)
    start = time.process_time()
    (_, features), *_ = voxel_features.slabs(one.gray, image)
    print(f"features: CPU {(time.process_time() - start) / (features.shape[1] / 1e6):.2f} s/Mvoxel")
    features = np.ascontiguousarray(features[:, :1_000_000])
    features[voxel_features.PROFILE] = 0.2
    features[voxel_features.SCENARIO] = 0
    rng = np.random.default_rng(0)
    some = rng.choice(features.shape[1], 200_000, replace=False)
    peer = HistGradientBoostingClassifier(
        max_iter=model.binder.roots.size, min_samples_leaf=100, early_stopping=False
    ).fit(features[:, some].T, one.labels.ravel()[some] == 1)
    trees = boosted_trees._exported(peer)
    rows = np.ascontiguousarray(features.T)
    for name, run in (
        ("ours", lambda: boosted_trees.probability(trees, features)),
        ("scikit-learn", lambda: peer.predict_proba(rows)),
    ):
        start = time.perf_counter(), time.process_time()
        run()
        print(
            f"{model.binder.roots.size} trees, {name}: wall {time.perf_counter() - start[0]:.2f}, "
            f"CPU {time.process_time() - start[1]:.2f} s per {features.shape[1] / 1e6:.2f} Mvoxel"
        )


def main():
    parser = argparse.ArgumentParser(description=__doc__.splitlines()[0])
    kinds = {"overlap": overlap, "draws": draws, "spread": spread, "cost": cost}
    parser.add_argument("kinds", nargs="*", help=f"of {', '.join(kinds)}; default all")
    parser.add_argument("--numbers", type=int, default=3, help="specimens of each kind")
    parser.add_argument("--lateral", type=int, default=96)
    parser.add_argument("--draws", type=int, default=20)
    parser.add_argument("--rows", default="_build/posterior-rows")
    parser.add_argument("--kept", action="store_true", help="only rows that are in the folder")
    parser.add_argument("--record")
    args = parser.parse_args()
    unknown = set(args.kinds) - set(kinds)
    if unknown:
        parser.error(f"unknown: {', '.join(sorted(unknown))}; expected {', '.join(kinds)}")
    with recording(args.record):
        print(f"# lateral {args.lateral}, {args.numbers} specimens of each kind")
        for name in args.kinds or kinds:
            print(f"\n{name}", flush=True)
            kinds[name](args)


if __name__ == "__main__":
    main()
