"""Peak memory of ``make own`` by file size, whole and step by step.

``python benchmarks/memory.py`` measures small volumes; ``--sizes 200 400`` larger ones, and
``--whole`` runs ``python -m analysis own`` itself (minutes each) and takes the largest process.
Each size and step is measured in a process of its own: the peak of the resident set, less that
before the volume is read, over the number of voxels.
"""

import argparse
import json
import os
import platform
import resource
import subprocess
import sys
import tempfile
import time
from pathlib import Path

import numpy as np

ROOT = Path(__file__).resolve().parents[1]
FRACTIONS = "0.5954,0.2308,0.1738"
VOXEL_SIZE_UM = 0.642
STEPS = (
    "read", "thresholding", "kmeans", "closing", "agreement", "surfaces", "profiles", "coverage",
    "half cell",
)  # fmt: skip


def write_scan(file, shape, seed=0):
    """A 16-bit volume with particles some ten voxels wide, slab by slab: files may be large."""
    rng = np.random.default_rng(seed)
    out = np.lib.format.open_memmap(file, "w+", np.uint16, shape)
    y, x = np.ogrid[: shape[1], : shape[2]]
    waves = rng.uniform(0.15, 0.6, (12, 3)) * rng.choice((-1, 1), (12, 3))
    phases = rng.uniform(0, 2 * np.pi, 12)
    for z in range(shape[0]):
        field = sum(
            np.cos(wave[0] * z + wave[1] * y + wave[2] * x + phase)
            for wave, phase in zip(waves, phases, strict=True)
        )
        gray = 20000 + 12000 * np.tanh(field / 2) + rng.normal(0, 2500, field.shape)
        out[z] = np.clip(gray, 0, 65535)
    out.flush()


def peak_MB():
    """Largest resident set of this process so far [MB]."""
    return resource.getrusage(resource.RUSAGE_SELF).ru_maxrss / 1024


def measure_step(step, file, labels_file):
    """Run one step of the chapter alone, on what the steps before it left; print its peak."""
    from analysis.descriptors import covariance, profile, surface
    from analysis.phases import Phase
    from analysis.segmentation import agreement, closing, clustering, thresholding
    from analysis.study.cells import homogenized
    from analysis.tomogram import parse_fractions, read_gray

    targets = parse_fractions(FRACTIONS)
    # Kernels are compiled, or loaded, and threads started before anything is measured.
    warm = np.random.default_rng(0).normal(size=(24, 24, 24)).astype(np.float32)
    warm_labels = thresholding.trinarize(warm, targets)
    works = {
        "read": lambda gray, labels: read_gray(file),
        "thresholding": lambda gray, labels: thresholding.trinarize(gray, targets),
        "kmeans": lambda gray, labels: clustering.trinarize(gray, targets, seed=1),
        "closing": lambda gray, labels: closing.trinarize(
            labels == Phase.AM, np.ones(len(labels)), targets, crowded="fill"
        ),
        "agreement": lambda gray, labels: agreement.confusion(labels, labels),
        "surfaces": lambda gray, labels: surface.specific_surfaces(labels, VOXEL_SIZE_UM),
        "profiles": lambda gray, labels: profile.volume_fractions(labels),
        "coverage": lambda gray, labels: covariance.two_point_coverage(
            labels, VOXEL_SIZE_UM, min(12.0, min(labels.shape) * VOXEL_SIZE_UM / 3)
        ),
        "half cell": lambda gray, labels: homogenized.compare(
            {"one": labels}, VOXEL_SIZE_UM, 0.12, (3.0,)
        ),
    }
    if step != "read":
        works[step](warm, warm_labels)
    before = peak_MB()
    needs_gray = step in ("thresholding", "kmeans")
    gray = np.load(file) if needs_gray else None
    labels = None if needs_gray or step == "read" else np.load(labels_file)
    started = time.perf_counter()
    works[step](gray, labels)
    print(json.dumps({"MB": peak_MB() - before, "s": time.perf_counter() - started}))


def by_step(shape, steps, folder):
    """Peak of each step [MB] and its seconds; labels come from thresholding."""
    from analysis.segmentation import thresholding
    from analysis.tomogram import parse_fractions

    file, labels_file = folder / "scan.npy", folder / "labels.npy"
    write_scan(file, shape)
    np.save(labels_file, thresholding.trinarize(np.load(file), parse_fractions(FRACTIONS)))
    found = {}
    for step in steps:
        done = subprocess.run(
            [sys.executable, __file__, "--step", step, str(file), str(labels_file)],
            cwd=ROOT, capture_output=True, text=True, check=False,
        )  # fmt: skip
        lines = done.stdout.strip().splitlines()
        if done.returncode or not lines:
            found[step] = {"failed": (done.stderr.strip().splitlines() or ["killed"])[-1]}
            print(f"  {step:<14} failed: {found[step]['failed']}", flush=True)
            continue
        numbers = json.loads(lines[-1])
        bytes_per_voxel = numbers["MB"] * 2**20 / np.prod(shape)
        found[step] = {key: round(value, 1) for key, value in numbers.items()} | {
            "bytes_per_voxel": round(float(bytes_per_voxel), 1)
        }
        print(f"  {step:<14} {numbers['MB']:8.0f} MB {bytes_per_voxel:7.1f} bytes/voxel "
              f"{numbers['s']:7.1f} s", flush=True)  # fmt: skip
    return found


def whole(shape, folder):
    """Largest process of ``python -m analysis own`` [MB], and its seconds."""
    file = folder / "scan.npy"
    write_scan(file, shape)
    started = time.perf_counter()
    process = subprocess.Popen(
        [sys.executable, "-m", "analysis", "own", f"--tomogram={file}", f"--out={folder / 'out'}",
         f"--voxel-size-um={VOXEL_SIZE_UM}", f"--fractions={FRACTIONS}"],
        cwd=ROOT, stdout=subprocess.DEVNULL,
    )  # fmt: skip
    _, status, usage = os.wait4(process.pid, 0)
    process.returncode = os.waitstatus_to_exitcode(status)
    MB = usage.ru_maxrss / 1024
    return {
        "MB": round(MB),
        "bytes_per_voxel": round(float(MB * 2**20 / np.prod(shape)), 1),
        "s": round(time.perf_counter() - started, 1),
        "status": process.returncode,
    }


def main():
    parser = argparse.ArgumentParser(description=__doc__.splitlines()[0])
    parser.add_argument("--sizes", type=int, nargs="+", default=[64, 128], help="edges [voxel]")
    parser.add_argument("--shape", type=int, nargs=3, help="one shape Z Y X instead of cubes")
    parser.add_argument("--steps", nargs="+", default=STEPS, choices=STEPS)
    parser.add_argument("--whole", action="store_true", help="run make own as well")
    parser.add_argument("--save", default="", help="name of the record in benchmarks/results")
    parser.add_argument("--step", nargs=3, help=argparse.SUPPRESS)
    options = parser.parse_args()
    if options.step:
        return measure_step(*options.step)
    shapes = [tuple(options.shape)] if options.shape else [(n,) * 3 for n in options.sizes]
    record = {"machine": platform.processor() or platform.machine(), "shapes": {}}
    for shape in shapes:
        name = " x ".join(map(str, shape))
        print(f"{name} voxels")
        with tempfile.TemporaryDirectory() as folder:
            found = {"steps": by_step(shape, options.steps, Path(folder))}
        if options.whole:
            with tempfile.TemporaryDirectory() as folder:
                found["make own"] = whole(shape, Path(folder))
            print(f"  make own       {found['make own']}")
        record["shapes"][name] = found
    if options.save:
        target = ROOT / "benchmarks" / "results" / f"{options.save}.json"
        target.parent.mkdir(exist_ok=True)
        target.write_text(json.dumps(record, indent=1) + "\n")
        print(target)
    return None


if __name__ == "__main__":
    sys.path.insert(0, str(ROOT))
    main()
