"""Specimen, tomograph and their peers: CPU seconds and memory, one thread.

Usage: python benchmarks/specimen.py [specimen] [tomograph] [denoising] [fibsem]

specimen   a paper-size electrode, 256 x 200 x 200 voxels generated at half the voxel size
           (512 x 400 x 400): CPU seconds and peak memory
tomograph  256 x 200 x 200 voxels imaged by the fast route; the projection chain beside
           scikit-image's radon and iradon for one slice, with the error of the reconstruction
denoising  total variation and non-local means beside scikit-image, with the largest difference
fibsem     a cutout of 336 x 176 x 187 voxels sampled and imaged; error of its compositions

Times are process CPU seconds, so that a busy machine matters little. Compiled functions are called
once before on a small input. Without arguments: all.
"""

# ruff: noqa: E402 (threads must be limited before numpy is imported)

import os

for name in ("OMP_NUM_THREADS", "OPENBLAS_NUM_THREADS", "MKL_NUM_THREADS", "NUMBA_NUM_THREADS"):
    os.environ.setdefault(name, "1")

import argparse
import resource
import time
from functools import partial

import numpy as np

from analysis.instruments import denoising, fibsem, tomograph, transfer
from analysis.phases import VOXEL_SIZE_UM, Phase
from analysis.specimen import electrode

H = VOXEL_SIZE_UM


def timed(call):
    """Result and CPU seconds of a call."""
    started = time.process_time()
    result = call()
    return result, time.process_time() - started


def line(what, *numbers):
    print(f"{what:<58s}" + "  ".join(numbers), flush=True)


def bench_specimen():
    electrode.make("SL", 32, seed=0, thickness=64)
    made, seconds = timed(lambda: electrode.make("SL", 200, seed=1))
    peak = resource.getrusage(resource.RUSAGE_SELF).ru_maxrss / 2**20
    miss = max(abs(float(np.mean(made.labels == phase)) - made.targets[phase]) for phase in Phase)
    size = " x ".join(str(2 * n) for n in made.labels.shape)
    line(
        f"specimen SL, generated at {size}",
        f"{seconds:6.1f} s (goal 60)",
        f"peak {peak:.2f} GB (goal 2.5)",
        f"largest miss of a fraction {miss:.1e}",
    )


def bench_tomograph():
    from skimage.transform import iradon, radon

    composition = electrode.make("SL", 96, seed=1, thickness=48).composition
    transfer.image(composition, H, seed=0)
    wide = np.tile(composition, (1, 6, 2, 2))[:, :256, :200, :200]
    _, seconds = timed(lambda: transfer.image(wide, H, seed=0))
    line("fast tomogram, 256 x 200 x 200, with total variation", f"{seconds:6.1f} s")

    angles, slices = 150, 16
    ideal = tomograph.Scan(distance_mm=0.0, blur_um=0.0, counts=0, retrieval=False, angles=angles)
    part = composition[:, :slices]
    tomograph.image(part[:, :2], H, ideal, seed=0)
    sinogram, forward = timed(lambda: tomograph.scan(part, H, ideal, seed=0))
    ours, backward = timed(lambda: tomograph.reconstruct(sinogram, H, ideal))
    n = composition.shape[-1]
    at = np.arange(n) - (n - 1) / 2
    inside = np.hypot(at[:, None], at[None, :]) < 0.42 * n
    truth = part[Phase.AM, 0] * inside + 0
    theta = 180 * np.arange(angles) / angles
    peer, peer_forward = timed(partial(radon, truth.astype(float), theta, circle=True))
    back, peer_backward = timed(partial(iradon, peer, theta, filter_name="hann", circle=True))
    core = np.hypot(at[:, None], at[None, :]) < 0.35 * n
    error = np.sqrt(np.mean((ours[0] - part[Phase.AM, 0])[core] ** 2))
    peer_error = np.sqrt(np.mean((back - part[Phase.AM, 0])[core] ** 2))
    for what, mine, other in (
        ("projection", forward / slices, peer_forward),
        ("filtered back-projection", backward / slices, peer_backward),
    ):
        line(
            f"{what}, one slice of {n} x {n}, {angles} angles",
            f"{mine:7.4f} s",
            f"scikit-image {other:7.4f} s",
            f"ratio {other / mine:5.1f}",
        )
    line("error of the reconstruction (rms)", f"{error:.3f}", f"scikit-image {peer_error:.3f}")


def bench_denoising():
    from skimage.restoration import denoise_nl_means, denoise_tv_chambolle

    rng = np.random.default_rng(0)
    small = rng.standard_normal((8, 8, 8)).astype(np.float32)
    denoising.total_variation(small, 0.1)
    denoising.non_local_means(small, 0.1)
    volume = (rng.random((64, 96, 96)) > 0.4) + 0.12 * rng.standard_normal((64, 96, 96))
    volume = volume.astype(np.float32)
    ours, mine = timed(lambda: denoising.total_variation(volume, 0.06))
    peer, other = timed(lambda: denoise_tv_chambolle(volume, weight=0.06, eps=0, max_num_iter=25))
    line(
        "total variation, 64 x 96 x 96",
        f"{mine:6.2f} s",
        f"scikit-image {other:6.2f} s",
        f"ratio {other / mine:5.1f}",
        f"largest difference {np.abs(ours - peer).max():.1e}",
    )
    _, mine = timed(lambda: denoising.non_local_means(volume, 0.12))
    options = {"patch_size": 3, "patch_distance": 3, "h": 0.096, "sigma": 0.12}
    _, other = timed(lambda: denoise_nl_means(volume, fast_mode=True, **options))
    line(
        "non-local means, 64 x 96 x 96",
        f"{mine:6.2f} s",
        f"scikit-image, fast mode {other:6.2f} s",
        f"ratio {other / mine:5.1f}",
    )


def bench_fibsem():
    specimen = electrode.make("D", 48, seed=1)
    shape = fibsem.cutout_shape()
    position = fibsem.suitable_position(specimen.labels, tuple(-(-n // 8) for n in shape))
    origin = tuple(index * H for index in position)
    labels, seconds = timed(lambda: electrode.sample(specimen, origin, shape, H / 8))
    fibsem.image(labels[:8, :8, :8], H / 8, seed=0)
    _, imaging = timed(lambda: fibsem.image(labels, H / 8, seed=0))
    found, first = fibsem.compositions(labels, origin, H / 8, H)
    box = tuple(slice(a, a + n) for a, n in zip(first, found.shape[1:], strict=True))
    known = specimen.composition[(slice(None), *box)]
    rms = np.sqrt(np.mean((found - known) ** 2, axis=(1, 2, 3)))
    line(
        f"FIB-SEM {' x '.join(map(str, shape))}",
        f"sampled {seconds:5.2f} s",
        f"imaged {imaging:5.2f} s",
        f"composition rms {rms.max():.4f} (goal 0.03)",
    )


PARTS = {
    "specimen": bench_specimen,
    "tomograph": bench_tomograph,
    "denoising": bench_denoising,
    "fibsem": bench_fibsem,
}


def main():
    parser = argparse.ArgumentParser(description=__doc__.splitlines()[0])
    parser.add_argument("parts", nargs="*", metavar="PART", help=", ".join(PARTS))
    wanted = parser.parse_args().parts or list(PARTS)
    unknown = [part for part in wanted if part not in PARTS]
    if unknown:
        parser.error(f"unknown part {unknown[0]!r}; expected {', '.join(PARTS)}")
    for part in wanted:
        PARTS[part]()


if __name__ == "__main__":
    main()
