"""Compile the study's numba kernels ahead of the first run, on electrodes of a few voxels.

Part of the installation: compiling takes about a minute, and the first chapters would otherwise
wait for it one after the other. The machine code lies in ``__pycache__`` beside the sources;
numba compiles a kernel anew when its source changes.
"""

import time
from concurrent.futures import as_completed

import numpy as np

from analysis import electrodes, processes
from analysis.phases import VOXEL_SIZE_UM, Phase

NAME, EDGE, THICKNESS = "TL", 32, 48
TARGETS = electrodes.electrode(NAME).targets()
FRACTIONS = [TARGETS[phase] for phase in Phase]


def compile_all(*, jobs=2, progress=print):
    """
    Run one small problem of every kind, which compiles what it needs.

    Parameters
    ----------
    jobs : int
        Processes.
    progress : callable
        Receives one line per kind.
    """
    started = time.perf_counter()
    with processes.pool(jobs) as pool:
        waiting = {pool.submit(work): work.__name__.strip("_") for work in _WORK}
        for done in as_completed(waiting):
            done.result()
            progress(f"compiled: {waiting[done]:<14} {time.perf_counter() - started:5.0f} s")


def _labels():
    return np.random.default_rng(0).choice(3, (THICKNESS, EDGE, EDGE), p=FRACTIONS).astype(np.uint8)


def _specimens():
    from analysis.instruments import denoising, fibsem, tomograph, transfer
    from analysis.specimen import electrode

    made = electrode.make(NAME, EDGE, seed=0, thickness=THICKNESS)
    transfer.image(made.composition, VOXEL_SIZE_UM, seed=0)
    cube = np.ascontiguousarray(made.composition[:, :8])
    gray = tomograph.image(cube, VOXEL_SIZE_UM, tomograph.Scan(angles=8, tv_weight=0.1), seed=0)
    denoising.non_local_means(gray.astype(np.float32), 0.1)
    fibsem.image(made.labels, VOXEL_SIZE_UM / 8, seed=0)
    fibsem.compositions(made.labels, (0.0, 0.0, 0.0), VOXEL_SIZE_UM / 8, VOXEL_SIZE_UM)


def _trinarizations():
    from analysis.segmentation import cluster_weights, clustering, posterior
    from analysis.segmentation.boosting import posterior_model, voxel_features
    from analysis.segmentation.networks import conversion, neural

    made = np.random.default_rng(0).random((THICKNESS, EDGE, EDGE), dtype=np.float32)
    for search in ("nearest", cluster_weights.Bobyqa(max_evaluations=40)):
        fitted = clustering.fit(made, TARGETS, seed=0, search=search, accept_best=True)
        clustering.assign(made, fitted, accept_best=True)
    neural.predict_composition(neural.build_model(mean=0.5, standard_deviation=0.3, seed=0), made)
    composition = np.random.default_rng(0).dirichlet(FRACTIONS, made.shape).astype(np.float32)
    rows = np.ascontiguousarray(np.moveaxis(composition, -1, 0))
    for method in ("nn-am-cbd-p", "nn-am-cond"):
        conversion.trinarize(rows, TARGETS, method)
    gray = 0.2 * made
    gray[8:24, 8:24, 8:24] += 0.8  # a particle
    for _, features in voxel_features.slabs(gray, voxel_features.measure(gray)):
        posterior.of_features(features, posterior_model.stored())


def _descriptors():
    from analysis.descriptors import connectivity, covariance, paths, size, surface

    labels = _labels()
    surface.specific_surfaces(labels, VOXEL_SIZE_UM)
    size.phase_size_distributions(labels, VOXEL_SIZE_UM)
    size.intrusion_distributions(labels, VOXEL_SIZE_UM)
    paths.geodesic_tortuosity(labels, Phase.AM, VOXEL_SIZE_UM)
    covariance.two_point_coverage(labels, VOXEL_SIZE_UM, 3.0)
    connectivity.connected_fractions(labels, Phase.AM)


def _half_cells():
    from analysis.electrochemistry.porous_electrode import half_cell as halfcell
    from analysis.electrochemistry.porous_electrode import homogenization as structure
    from analysis.electrochemistry.transport import impedance

    labels = _labels()
    made = structure.from_labels(labels, VOXEL_SIZE_UM)
    halfcell.lithiate(made.at(0.1), 6.0)
    impedance.spectrum(labels, 0.1, voxel_size_um=VOXEL_SIZE_UM, frequency_Hz=[1.0, 100.0])


_WORK = (_specimens, _half_cells, _descriptors, _trinarizations)  # the longest first
