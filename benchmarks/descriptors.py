"""Morphological descriptors: ours beside PoreSpy, scikit-image and dijkstra3d, in CPU seconds.

Usage: python benchmarks/descriptors.py [peers] [brute] [cutout] [window] [threads]
                                        [--size 256] [--csv FILE] [--record FILE]

peers    every descriptor of a three-phase electrode of 256^3 voxels beside its peers
brute    size and intrusion of 128^3 voxels beside one opening per squared distance
cutout   the whole suite, three phases, on one cutout of 256 x 400 x 400 voxels, with its memory
window   surfaces, profiles and two-point coverage of 1500 x 900 x 250 voxels read from disk
threads  wall time with one and two threads; run it on an idle machine

Ours and the peers get the same volume in the same process on one thread and are timed in process
CPU seconds, so that a busy machine matters little. Compiled functions are called once before.
Peers that are not installed are skipped. Without arguments: peers and brute.
"""

# ruff: noqa: E402 (threads must be limited before numpy is imported)

import argparse
import os

for name in ("OMP_NUM_THREADS", "OPENBLAS_NUM_THREADS", "MKL_NUM_THREADS", "NUMBA_NUM_THREADS"):
    os.environ.setdefault(name, "1")

import csv
import multiprocessing
import tempfile
import time
from pathlib import Path

import numpy as np
from record import peak_gb, recording
from scipy import ndimage

from analysis.descriptors import covariance, paths, profile, size, surface
from analysis.descriptors.kernels.chords import single_voxel_runs
from analysis.descriptors.kernels.geodesic import path_lengths
from analysis.phases import Phase

VOXEL_SIZE_UM = 0.642
R_MAX_UM = 20.0
ROWS = []
# What is wanted at 256^3 voxels: CPU seconds at most, and how many times the peer's at least.
AT_MOST_S = {
    "surfaces and interfaces": 0.06,
    "CPSD, 3 phases in one pass": 3,
    "intrusion, AM": 4,
    "two-point, all 6 pairs": 3,
    "whole suite": 45,
}
AT_LEAST = {
    ("surfaces and interfaces", "porespy, 3 surfaces only"): 200,
    ("CPSD, AM", "porespy bf"): 5,  # the default of PoreSpy 3.2; it was "dt" before
    ("CPSD, AM", "porespy dt"): 5,
    ("intrusion, AM", "porespy dsi"): 5,
    ("geodesic, AM", "dijkstra3d (float32)"): 2,
    ("geodesic, CBD", "dijkstra3d (float32)"): 2,
    ("geodesic, pore", "dijkstra3d (float32)"): 2,
    ("geodesic, pore", "skimage MCP_Geometric"): 15,
    ("two-point, all 6 pairs", "porespy, AM-AM only"): 20,
}


def electrode(shape, seed=1):
    """Partly overlapping spheres of 4 to 6 µm (59.5 %), CBD near them (23 %), pores."""
    rng = np.random.default_rng(seed)
    am = np.zeros(shape, bool)
    filled, target = 0, 0.595 * am.size
    while filled < target:
        radius = rng.uniform(4, 6) / VOXEL_SIZE_UM
        center = rng.uniform(-radius / 2, np.array(shape) + radius / 2)
        low = np.maximum(np.floor(center - radius), 0).astype(int)
        high = np.minimum(np.ceil(center + radius) + 1, shape).astype(int)
        box = tuple(slice(a, b) for a, b in zip(low, high, strict=True))
        part = am[box]
        if part.size == 0:
            continue
        grid = np.ogrid[box]
        ball = sum((g - c) ** 2 for g, c in zip(grid, center, strict=True)) < radius**2
        new = ball & ~part
        if new.sum() < 0.75 * ball.sum():
            if rng.random() < 0.98:
                continue
        part |= ball
        filled += np.count_nonzero(new)
    near = ndimage.gaussian_filter(am.astype(np.float32), 2)
    near += 0.15 * ndimage.gaussian_filter(rng.standard_normal(shape, np.float32), 1.5) / 0.1
    threshold = np.quantile(near[~am][::17], 1 - 0.23 / 0.405)
    labels = np.zeros(shape, np.uint8)
    labels[~am & (near > threshold)] = Phase.CBD
    labels[am] = Phase.AM
    return labels


def timed(function, *args, repeat=1, **kwargs):
    """Result and CPU seconds, the least of `repeat` runs."""
    best = np.inf
    for _ in range(repeat):
        begin = time.process_time()
        result = function(*args, **kwargs)
        best = min(best, time.process_time() - begin)
    return result, best


def report(quantity, ours_s, peer="", peer_s=None, note=""):
    ratio = peer_s / ours_s if peer_s else None
    wanted, met = "", None
    if peer_s and (quantity, peer) in AT_LEAST:
        wanted = f">= {AT_LEAST[quantity, peer]}x"
        met = ratio >= AT_LEAST[quantity, peer]
    elif not peer and quantity in AT_MOST_S:
        wanted = f"<= {AT_MOST_S[quantity]} s"
        met = ours_s <= AT_MOST_S[quantity]
    ROWS.append((quantity, ours_s, peer, peer_s, ratio, wanted, met, note))
    beside = f"{peer_s:9.2f} {ratio:7.1f}x" if peer_s else " " * 18
    verdict = f"{wanted} {'met' if met else 'MISSED'}; " if wanted else ""
    print(f"{quantity:30s} {ours_s:8.3f}  {peer:26s}{beside}  {verdict}{note}", flush=True)


def heading(title):
    print(f"\n{title}\n{'quantity':30s} {'ours c':>8s}  {'peer':26s}{'peer c':>9s} {'ratio':>8s}")


def available(module):
    try:
        __import__(module)
    except ImportError:
        print(f"{module} is not installed: skipped")
        return False
    return True


def beside_peers(n):
    warm_up_peers()
    labels = electrode((n, n, n))
    print("fractions pore, CBD, AM:", np.bincount(labels.ravel()) / labels.size)
    heading(f"{n}^3 voxels, one thread, CPU seconds")
    surfaces(labels)
    sizes(labels)
    intrusions(labels)
    geodesics(labels)
    two_point(labels)
    _, ours = timed(profile.volume_fractions, labels, repeat=3)
    report("profiles, 3 phases", ours)


def surfaces(labels):
    found, ours = timed(surface.specific_surfaces, labels, VOXEL_SIZE_UM, repeat=5)
    note = f"AM {found.am:.4f}, CBD {found.cbd:.4f}, pore {found.pore:.4f} /um"
    report("surfaces and interfaces", ours, note=note)
    volume_um = labels.size * VOXEL_SIZE_UM
    if available("porespy"):
        import porespy

        areas, theirs = timed(porespy.metrics.region_surface_areas, labels + 1)
        theirs_um = np.asarray(areas)[[2, 1, 0]] / volume_um
        note = "AM {:.4f}, CBD {:.4f}, pore {:.4f} /um, window border included".format(*theirs_um)
        report("surfaces and interfaces", ours, "porespy, 3 surfaces only", theirs, note)
    from skimage import measure

    def marching_cubes():
        return [
            measure.mesh_surface_area(*measure.marching_cubes(labels == phase, 0.5)[:2])
            for phase in (Phase.AM, Phase.CBD, Phase.PORE)
        ]

    areas, theirs = timed(marching_cubes)
    note = "AM {:.4f}, CBD {:.4f}, pore {:.4f} /um".format(*np.array(areas) / volume_um)
    report("surfaces and interfaces", ours, "marching cubes, 3 surfaces", theirs, note)
    _, ours = timed(
        surface.specific_surfaces, labels, VOXEL_SIZE_UM, repeat=5, short_chords="estimated"
    )
    report("  with short chords estimated", ours)
    spheres()


def spheres():
    """Area of balls over the exact one, mean over their position on the grid."""
    from skimage import measure

    rng = np.random.default_rng(1)
    factors = 4 * surface.crofton_weights() / np.linalg.norm(surface.DIRECTIONS, axis=1)
    for radius, n_offsets in ((5, 200), (10, 50), (20, 10), (30, 5)):
        errors = []
        for _ in range(n_offsets):
            n = 2 * radius + 6
            grid = np.ogrid[:n, :n, :n]
            center = n / 2 + rng.uniform(-0.5, 0.5, 3)
            inside = sum((g - c) ** 2 for g, c in zip(grid, center, strict=True)) < radius**2
            ball = np.where(inside, Phase.AM, Phase.PORE).astype(np.uint8)
            pairs = surface.discordant_pairs(ball)[Phase.AM]
            runs = single_voxel_runs(ball, surface.DIRECTIONS)[Phase.CBD]
            mesh = measure.mesh_surface_area(*measure.marching_cubes(inside, 0.5)[:2])
            areas = np.array([pairs @ factors, (pairs + runs / 3) @ factors, mesh])
            errors.append(areas / (4 * np.pi * radius**2) - 1)
        plain, estimated, mesh = np.mean(errors, axis=0)
        print(
            f"  sphere of radius {radius:2d}, mean of {n_offsets:3d} positions: {plain:+.2%}, "
            f"short chords estimated {estimated:+.2%}, marching cubes {mesh:+.2%}"
        )


def deviation(theirs, ours, mask):
    error = (theirs - ours)[mask]
    return f"peer - exact: rms {np.sqrt(np.mean(error**2)):.2f}, mean {error.mean():+.2f} voxel"


def sizes(labels):
    _, ours = timed(size.phase_size_distributions, labels, VOXEL_SIZE_UM, repeat=2)
    report("CPSD, 3 phases in one pass", ours)
    for phase in (Phase.AM, Phase.PORE):
        mask = labels == phase
        _, ours = timed(size.phase_size_distribution, labels, phase, VOXEL_SIZE_UM, repeat=2)
        exact = np.sqrt(size.opening_map(mask), dtype=np.float32)
        report(f"CPSD, {phase.title}", ours, note="every squared distance")
        if available("porespy"):
            from porespy.filters import local_thickness

            for method in ("bf", "dt"):
                found, theirs = timed(local_thickness, mask, method=method)
                note = deviation(found, exact, mask)
                report(f"CPSD, {phase.title}", ours, f"porespy {method}", theirs, note)


def intrusions(labels):
    _, ours = timed(size.intrusion_distributions, labels, VOXEL_SIZE_UM, repeat=2)
    report("intrusion, 3 phases, one pass", ours)
    for phase in (Phase.AM, Phase.PORE):
        mask = labels == phase
        found, ours = timed(size.intrusion_distribution, labels, phase, VOXEL_SIZE_UM, repeat=2)
        report(f"intrusion, {phase.title}", ours, note=f"r_min {found.median_radius_um:.3f} um")
        if available("porespy"):
            from porespy.filters import porosimetry

            exact = size.intrusion_distribution(
                labels, phase, 1.0, distance="center", keep_level=True
            )
            exact = exact.radii_um.astype(np.float32)[exact.level]
            inlets = np.zeros(labels.shape, bool)
            inlets[0] = True
            # "dsi" is PoreSpy's fastest; its default "dt" takes three to four times as long.
            found, theirs = timed(porosimetry, mask, inlets=inlets, method="dsi")
            note = deviation(found, exact, mask)
            report(f"intrusion, {phase.title}", ours, "porespy dsi", theirs, note)


def geodesics(labels):
    for phase in Phase:
        mask = labels == phase
        found, ours = timed(paths.geodesic_tortuosity, labels, phase, VOXEL_SIZE_UM, repeat=2)
        note = f"mean {found.mean:.4f}, unreached {found.unreached_fraction:.3f}"
        report(f"geodesic, {phase.title}", ours, note=note)
        exact = path_lengths(mask, (1, 1, 1), 0)
        reached = np.isfinite(exact)

        def worst(theirs, exact=exact, reached=reached):
            return f"largest difference {np.abs(theirs[reached] - exact[reached]).max():.1e} voxel"

        if available("dijkstra3d"):
            import dijkstra3d

            # x, y, z order; sources are all voxels of the phase on the first slice.
            image = np.asfortranarray(mask.astype(np.uint8).transpose(2, 1, 0))
            sources = [(int(x), int(y), 0) for y, x in np.argwhere(mask[0])]
            found, theirs = timed(dijkstra3d.euclidean_distance_field, image, sources)
            note = worst(found.transpose(2, 1, 0))
            report(f"geodesic, {phase.title}", ours, "dijkstra3d (float32)", theirs, note)
        if phase == Phase.PORE:
            from skimage.graph import MCP_Geometric

            starts = [(0, *point) for point in np.argwhere(mask[0])]

            def minimum_cost(mask=mask, starts=starts):
                graph = MCP_Geometric(np.where(mask, 1.0, -1.0), fully_connected=True)
                return graph.find_costs(starts)[0]

            found, theirs = timed(minimum_cost)
            report(f"geodesic, {phase.title}", ours, "skimage MCP_Geometric", theirs, worst(found))


def two_point(labels):
    args = (labels, VOXEL_SIZE_UM, R_MAX_UM)
    found, ours = timed(covariance.two_point_coverage, *args, repeat=2)
    with tempfile.TemporaryDirectory() as folder:
        path = Path(folder) / "labels.npy"
        np.save(path, labels)
        _, peak = in_child(_two_point_alone, path)
    report("two-point, all 6 pairs", ours, note=f"exact counts, peak memory {peak:.2f} GB")
    if available("porespy"):
        import porespy

        def one_curve():
            return porespy.metrics.two_point_correlation(labels == Phase.AM, bins=labels.shape[0])

        before = peak_gb()
        _, theirs = timed(one_curve)
        note = f"one curve, peak memory {peak_gb():.1f} GB (before: {before:.1f})"
        report("two-point, all 6 pairs", ours, "porespy, AM-AM only", theirs, note)


def _two_point_alone(path):
    covariance.two_point_coverage(np.load(path), VOXEL_SIZE_UM, R_MAX_UM)


def tiled(shape):
    """A large electrode by repeating a small one with mirrors: same memory, quickly made."""
    edge = 128
    reflected = np.pad(electrode((edge,) * 3), [(0, edge)] * 3, mode="symmetric")
    repeats = [-(-n // (2 * edge)) for n in shape]
    return np.ascontiguousarray(np.tile(reflected, repeats)[tuple(slice(n) for n in shape)])


def _call(function, args, queue):
    queue.put((function(*args), peak_gb()))


def in_child(function, *args):
    """Result and peak memory [GB] of a call in a fresh process."""
    context = multiprocessing.get_context("spawn")
    queue = context.Queue()
    child = context.Process(target=_call, args=(function, args, queue))
    child.start()
    result = queue.get()
    child.join()
    return result


def brute_force(n):
    """Exactness and gain beside the definition evaluated level by level."""
    import cc3d
    import edt

    labels = electrode((n, n, n))
    heading(f"{n}^3 voxels beside brute force, one thread, CPU seconds")

    def openings(mask):
        d2 = edt.edtsq(mask)
        result = np.zeros(mask.shape, np.int32)
        for t in np.unique(d2[mask]):
            result[edt.edtsq(d2 < t) < t] = t
        return result

    def intrusion(mask):
        d2 = edt.edtsq(mask)
        result = np.zeros(mask.shape, np.int32)
        for t in np.unique(d2[mask]):
            components = cc3d.connected_components(d2 >= t, connectivity=6)
            entered = np.zeros(int(components.max()) + 1, bool)
            entered[components[0]] = True
            entered[0] = False
            result[edt.edtsq(~entered[components]) < t] = t
        return result

    for phase in Phase:
        mask = labels == phase
        exact, theirs = timed(openings, mask)
        found, ours = timed(size.opening_map, mask, repeat=2)
        note = f"arrays equal: {np.array_equal(exact, found)}"
        report(f"CPSD, {phase.title}", ours, "one EDT per level", theirs, note)
        exact, theirs = timed(intrusion, mask)
        found, ours = timed(
            size.intrusion_distribution, labels, phase, 1.0, distance="center", keep_level=True
        )
        squared = np.rint(found.radii_um**2).astype(np.int32)[found.level]
        note = f"arrays equal: {np.array_equal(exact, squared)}"
        report(f"intrusion, {phase.title}", ours, "labels and EDT per level", theirs, note)


def whole_suite(labels):
    """All descriptors of three phases; returns CPU seconds of each part."""
    seconds = {}
    _, seconds["surfaces"] = timed(surface.specific_surfaces, labels, VOXEL_SIZE_UM)
    _, seconds["CPSD"] = timed(size.phase_size_distributions, labels, VOXEL_SIZE_UM)
    _, seconds["intrusion"] = timed(size.intrusion_distributions, labels, VOXEL_SIZE_UM)
    seconds["geodesic"] = sum(
        timed(paths.geodesic_tortuosity, labels, phase, VOXEL_SIZE_UM)[1] for phase in Phase
    )
    _, seconds["two-point"] = timed(covariance.two_point_coverage, labels, VOXEL_SIZE_UM, R_MAX_UM)
    _, seconds["profiles"] = timed(profile.volume_fractions, labels)
    return seconds


def warm_up():
    whole_suite(electrode((72, 72, 72)))
    labels = electrode((40, 40, 40))
    size.phase_size_distribution(labels, Phase.AM, 1.0)
    size.intrusion_distribution(labels, Phase.AM, 1.0)


def warm_up_peers():
    """Compile what PoreSpy compiles."""
    if not available("porespy"):
        return
    from porespy.filters import local_thickness, porosimetry

    mask = electrode((40, 40, 40)) == Phase.AM
    inlets = np.zeros(mask.shape, bool)
    inlets[0] = True
    for method in ("bf", "dt"):
        local_thickness(mask, method=method)
    porosimetry(mask, inlets=inlets, method="dsi")


def _suite_in_child(path):
    warm_up()
    return whole_suite(np.load(path))


def cutout():
    shape = (256, 400, 400)
    heading(f"{shape} voxels, three phases, one thread, CPU seconds")
    with tempfile.TemporaryDirectory() as folder:
        path = Path(folder) / "labels.npy"
        np.save(path, tiled(shape))
        seconds, peak = in_child(_suite_in_child, path)
    for part, value in seconds.items():
        report(f"  {part}", value)
    report("whole suite", sum(seconds.values()))
    print(f"peak memory of the whole suite {peak:.2f} GB (budget 4 GB)")


def _window_in_child(path):
    warm_up()
    labels = np.load(path, mmap_mode="r")
    rows = []
    for name, function, args in (
        ("surfaces", surface.specific_surfaces, (VOXEL_SIZE_UM,)),
        ("profiles", profile.volume_fractions, ()),
        ("two-point, lags <= 20 um", covariance.two_point_coverage, (VOXEL_SIZE_UM, R_MAX_UM)),
    ):
        _, ours = timed(function, labels, *args)
        rows.append((name, ours, f"peak memory so far {peak_gb():.2f} GB"))
    return rows


def window():
    shape = (250, 900, 1500)
    heading(f"{shape} voxels from disk, one thread, CPU seconds")
    with tempfile.TemporaryDirectory() as folder:
        path = Path(folder) / "labels.npy"
        np.save(path, tiled(shape))
        rows, peak = in_child(_window_in_child, path)
    for name, seconds, note in rows:
        report(f"  {name}", seconds, note=note)
    print(f"peak memory {peak:.2f} GB (budget 4 GB)")


def threads(n):
    labels = electrode((n, n, n))
    print(f"\n{n}^3 voxels, wall seconds\n{'quantity':30s} {'1 thread':>9s} {'2':>9s} {'gain':>6s}")
    cases = {
        "CPSD, 3 phases": lambda k: size.phase_size_distributions(labels, VOXEL_SIZE_UM, threads=k),
        "intrusion, 3 phases": lambda k: size.intrusion_distributions(
            labels, VOXEL_SIZE_UM, threads=k
        ),
        "two-point, 6 pairs": lambda k: covariance.two_point_coverage(
            labels, VOXEL_SIZE_UM, R_MAX_UM, threads=k
        ),
    }
    for name, function in cases.items():
        wall = []
        for k in (1, 2):
            begin = time.perf_counter()
            function(k)
            wall.append(time.perf_counter() - begin)
        print(f"{name:30s} {wall[0]:9.2f} {wall[1]:9.2f} {wall[0] / wall[1]:5.2f}x")
    load = os.getloadavg()[0]
    print(f"load of the machine {load:.1f}" + (": not idle, gains are too small" * (load > 1.5)))


def main():
    parser = argparse.ArgumentParser(description=__doc__.splitlines()[0])
    parser.add_argument("parts", nargs="*", default=["peers", "brute"])
    parser.add_argument("--size", type=int, default=256)
    parser.add_argument("--csv", type=Path)
    parser.add_argument("--record", type=Path, help="file for what is printed")
    options = parser.parse_args()
    known = {
        "peers": lambda: beside_peers(options.size),
        "brute": lambda: brute_force(options.size // 2),
        "cutout": cutout,
        "window": window,
        "threads": lambda: threads(options.size),
    }
    unknown = set(options.parts) - set(known)
    if unknown:
        parser.error(f"unknown parts {sorted(unknown)}; expected some of {list(known)}")
    if options.size != 256:
        AT_LEAST.clear()
        for quantity in set(AT_MOST_S) - {"whole suite"}:
            del AT_MOST_S[quantity]
    with recording(options.record):
        warm_up()
        for part in options.parts:
            known[part]()
    if options.csv:
        with options.csv.open("w", newline="") as file:
            writer = csv.writer(file)
            writer.writerow(
                ["quantity", "ours_cpu_s", "peer", "peer_cpu_s", "ratio", "wanted", "met", "note"]
            )
            writer.writerows(ROWS)


if __name__ == "__main__":
    main()
