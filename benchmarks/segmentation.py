"""Trinarization: ours beside numpy and scikit-image, in CPU seconds.

Usage: python benchmarks/segmentation.py [kmeans] [neural] [closing] [--size 128]
                                         [--csv FILE] [--record FILE]

kmeans   one fused pass of the weighted k-means beside numpy features and assignment
neural   composition of a volume by the network beside Keras: see segmentation_neural.py
closing  calibration of EDX-Closing beside a bisection over scikit-image closings

Ours and the peers get the same volume in the same process on one thread and are timed in process
CPU seconds, so that a busy machine matters little; the median of three runs counts. Compiled
functions are called once before. Without names all three run.
"""

# ruff: noqa: E402 (threads must be limited before numpy is imported)

import argparse
import os

for name in ("OMP_NUM_THREADS", "OPENBLAS_NUM_THREADS", "MKL_NUM_THREADS", "NUMBA_NUM_THREADS"):
    os.environ.setdefault(name, "1")

import csv
import itertools
import time

import numpy as np
from record import recording
from scipy import ndimage

from analysis.phases import Phase
from analysis.segmentation import closing, cluster_sample, cluster_weights, clustering

TARGETS = {Phase.PORE: 0.1738, Phase.CBD: 0.2308, Phase.AM: 0.5954}
ROWS = []


def tomogram(size, seed=2022):
    """Random particles, a binder near them, blur and noise."""
    rng = np.random.default_rng(seed)
    field = ndimage.gaussian_filter(rng.normal(size=(size,) * 3), 4, mode="wrap")
    am = field > np.quantile(field, 1 - TARGETS[Phase.AM])
    score = ndimage.gaussian_filter(rng.normal(size=am.shape), 1.5, mode="wrap")
    score = score / score.std() - ndimage.distance_transform_edt(~am) / 3
    cbd = ~am & (score > np.quantile(score[~am], TARGETS[Phase.PORE] / (1 - TARGETS[Phase.AM])))
    image = ndimage.gaussian_filter(np.where(am, 1.0, np.where(cbd, 0.28, 0.0)), 0.7)
    noise = ndimage.gaussian_filter(rng.normal(size=am.shape), 0.7)
    return (image + 0.25 * noise).astype(np.float32), am


def cpu_seconds(function, repeats=3):
    """Median CPU seconds of a call, its median wall time, and its last result."""
    cpu, wall = [], []
    for _ in range(repeats):
        start = time.process_time(), time.perf_counter()
        result = function()
        cpu.append(time.process_time() - start[0])
        wall.append(time.perf_counter() - start[1])
    return float(np.median(cpu)), float(np.median(wall)), result


def numpy_features(gray):
    """27 sorted features of all voxels, as one writes them with numpy: (N, 27) float32."""
    padded = np.pad(gray, 1, mode="edge")
    shells = ([], [], [], [])
    for step in itertools.product((0, 1, 2), repeat=3):
        window = tuple(slice(i, i + n) for i, n in zip(step, gray.shape, strict=True))
        shells[sum(i != 1 for i in step)].append(padded[window].ravel())
    return np.concatenate([np.sort(np.stack(shell, axis=1), axis=1) for shell in shells], axis=1)


def numpy_pass(gray, fit):
    """Features, weighted distances, nearest centroid and feature sums per phase in numpy."""
    features = numpy_features(gray)
    weights = np.repeat(fit.shell_weights, (1, 6, 12, 8)).astype(np.float32)
    distances = np.stack(
        [
            np.float32(w) * ((features - centroid.astype(np.float32)) ** 2 @ weights)
            for w, centroid in zip(fit.phase_weights, fit.centroids, strict=True)
        ]
    )
    labels = distances.argmin(axis=0)
    sums = np.stack([features[labels == phase].sum(axis=0, dtype=float) for phase in Phase])
    return labels.reshape(gray.shape), sums


def kmeans(size):
    """One pass over the volume with fitted weights: ours fused, the peer in numpy."""
    gray, _ = tomogram(size)
    fit = clustering.fit(gray, TARGETS, seed=1, n_sample=50_000, accept_best=True)
    padded, gray_range = cluster_sample.whole_numbers(gray, fit.gray_range)
    means = clustering._from_gray(fit.centroids, gray_range)

    def fused(threads):
        return clustering._pass_over(padded, means, fit, threads)

    fused(1)
    ours, wall, (cbd_ratio, pore_ratio, sums, _) = cpu_seconds(lambda: fused(1), 7)
    theirs, _, (labels, their_sums) = cpu_seconds(lambda: numpy_pass(gray, fit))
    w_pore, w_cbd, _ = fit.phase_weights
    same = np.mean(cluster_weights.labels_of(cbd_ratio, pore_ratio, w_cbd, w_pore) == labels)
    scale = np.ptp(gray) / (2**23 - 1)
    apart = np.abs(sums * scale + gray.min() * labels_count(labels)[:, None] - their_sums)
    million = gray.size / 1e6
    report("k-means, fused pass", ours / million, theirs / million, "s/Mvoxel", ours_limit=0.05,
           least_ratio=25, note=f"{100 * same:.4f} % equal labels, sums within "
           f"{(apart / np.abs(their_sums)).max():.1e}")  # fmt: skip
    two_cpu, two_wall, _ = cpu_seconds(lambda: fused(2), 7)
    print(f"  threads 1: {ours / million:.4f} CPU s/Mvoxel, wall {wall / million:.4f}")
    print(f"  threads 2: {two_cpu / million:.4f} CPU s/Mvoxel, wall {two_wall / million:.4f}")
    whole, _, _ = cpu_seconds(lambda: clustering.assign(gray, fit, accept_best=True))
    print(f"  with scaling, weights solved again and labels: {whole / million:.4f} CPU s/Mvoxel")


def labels_count(labels):
    """Voxels of each phase."""
    return np.bincount(labels.ravel(), minlength=3)


def bisected_closing(am, target, steps=14):
    """One radius for the whole volume by bisection, a scikit-image closing in each step."""
    from skimage.morphology import isotropic_closing

    low, high = 0.0, 12.0
    # Mirrored, so that the border of the window does not stop a ball.
    padded = np.pad(am, 12, mode="symmetric")
    inner = (slice(12, -12),) * 3
    for _ in range(steps):
        radius = (low + high) / 2
        filled = isotropic_closing(padded, radius)[inner] & ~am
        low, high = (low, radius) if filled.mean() > target else (radius, high)
    return filled


def edx_closing(size):
    """Ours meets a line in every slice; the peer meets the total with a single radius."""
    _, am = tomogram(size)
    line = np.linspace(1.15, 0.85, size)
    closing.trinarize(am[:16], line[:16], TARGETS, crowded="fill")
    ours, _, labels = cpu_seconds(lambda: closing.trinarize(am, line, TARGETS, crowded="fill"))
    theirs, _, filled = cpu_seconds(lambda: bisected_closing(am, TARGETS[Phase.CBD]), 1)
    mine = abs(np.mean(labels == Phase.CBD) - TARGETS[Phase.CBD])
    other = abs(filled.mean() - TARGETS[Phase.CBD])
    report("EDX-Closing, calibration", ours, theirs, "s", least_ratio=10,
           note=f"total missed by {mine:.1e} (ours) and {other:.1e} (peer)")  # fmt: skip


def neural(size):
    """The network, on volumes of its own sizes."""
    import segmentation_neural

    rows = segmentation_neural.measure()
    segmentation_neural.show(rows)
    ours = next(row["value"] for row in rows if row["what"] == "ours")
    for row in rows:
        if "keras" in row["what"]:
            ROWS.append({"what": f"network, {row['what']}", "ours": ours, "peer": row["value"],
                         "unit": "s/Mvoxel", "ratio": row["ratio to ours"],
                         "met": row["met"]})  # fmt: skip


def report(what, ours, theirs, unit, *, ours_limit=None, least_ratio, note):
    """Print one line, and remember it for the CSV file."""
    ratio = theirs / ours
    limit = "" if ours_limit is None else f" (at most {ours_limit})"
    met = ratio >= least_ratio and (ours_limit is None or ours <= ours_limit)
    print(f"{what}: ours {ours:.4f} {unit}{limit}, peer {theirs:.3f} {unit}, ratio {ratio:.1f} "
          f"(at least {least_ratio}): {'met' if met else 'MISSED'}; {note}")  # fmt: skip
    ROWS.append({"what": what, "ours": ours, "peer": theirs, "unit": unit, "ratio": ratio,
                 "met": met})  # fmt: skip


def main():
    """Run what was asked for."""
    parser = argparse.ArgumentParser(description=__doc__.splitlines()[0])
    parser.add_argument("parts", nargs="*", metavar="kmeans|neural|closing")
    parser.add_argument("--size", type=int, default=128, help="edge of the volume [voxel]")
    parser.add_argument("--csv", help="write the numbers to this file")
    parser.add_argument("--record", help="file for what is printed")
    options = parser.parse_args()
    parts = {"kmeans": kmeans, "neural": neural, "closing": edx_closing}
    unknown = set(options.parts) - set(parts)
    if unknown:
        parser.error(f"unknown part {', '.join(unknown)}; expected kmeans, neural or closing")
    with recording(options.record):
        for name in options.parts or parts:
            parts[name](options.size)
    if options.csv:
        with open(options.csv, "w", newline="", encoding="utf-8") as opened:
            writer = csv.DictWriter(opened, ROWS[0])
            writer.writeheader()
            writer.writerows(ROWS)


if __name__ == "__main__":
    main()
