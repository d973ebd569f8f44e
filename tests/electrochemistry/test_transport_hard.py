"""Thin paths, far-off scales and high contrasts: the right value, or an error."""

import numpy as np
import pytest
from scipy import sparse
from scipy.sparse.linalg import spsolve

from analysis.electrochemistry.transport import depth_profile
from analysis.electrochemistry.transport import effective as transport
from analysis.electrochemistry.transport.multigrid import ConvergenceError


def direct_value(k):
    """Effective conductivity of a connected volume by a sparse direct solve."""
    inside = k > 0
    index = np.full(k.shape, -1)
    index[inside] = np.arange(inside.sum())
    n = int(inside.sum())
    matrix = sparse.lil_matrix((n, n)).tocsr()
    for axis in range(3):
        a, b = np.delete(index, -1, axis).ravel(), np.delete(index, 0, axis).ravel()
        ka, kb = np.delete(k, -1, axis).ravel(), np.delete(k, 0, axis).ravel()
        use = (a >= 0) & (b >= 0)
        a, b, w = a[use], b[use], 2 / (1 / ka[use] + 1 / kb[use])
        rows, columns = np.r_[a, b, a, b], np.r_[a, b, b, a]
        matrix = matrix + sparse.coo_matrix((np.r_[w, w, -w, -w], (rows, columns)), (n, n)).tocsr()
    top, end = np.zeros(n), np.zeros(n)
    for load, plane in ((top, 0), (end, -1)):
        load[index[plane][inside[plane]]] = 2 * k[plane][inside[plane]]
    u = spsolve((matrix + sparse.diags(top + end)).tocsc(), top)
    power = u @ (matrix @ u) + top @ (1 - u) ** 2 + end @ u**2
    return float(power * k.shape[0] / np.prod(k.shape[1:]))


def serpentine(n):
    """One path of a voxel that fills every other slice lane by lane."""
    k = np.zeros((n, n, n))
    for z in range(n):
        if z % 2 == 0:
            k[z, ::2] = 1
            for y in range(1, n, 2):
                k[z, y, -1 if y % 4 == 1 else 0] = 1
        else:
            far = z % 4 == 1
            k[
                z, n - 1 if far else 0, (-1 if n % 4 == 3 or n // 2 % 2 == 0 else 0) if far else 0
            ] = 1
    return k


def comb(n):
    """A stem with ribs and teeth."""
    k = np.zeros((n, n, n))
    k[:, n // 2, n // 2] = 1
    k[::2, :, n // 2] = 1
    k[::2, ::2, :] = 1
    return k


def scattered(share, contrast, seed=1):
    return np.where(np.random.default_rng(seed).random((16, 14, 12)) < share, 1.0, contrast)


VOLUMES = {
    "serpentine": serpentine(21),
    "comb": comb(31),
    "scattered": scattered(0.25, 1e-6),
    "hardly percolating": scattered(0.34, 1e-8),
    "layers": np.broadcast_to(np.where(np.arange(12) % 4, 1, 1e-9)[:, None, None], (12, 9, 9)),
}


@pytest.mark.parametrize("name", VOLUMES)
def test_hard_volumes_agree_with_a_direct_solve(name):
    result = transport.effective_conductivity(VOLUMES[name])
    assert result.converged and result.error <= 1e-6
    assert result.value == pytest.approx(direct_value(VOLUMES[name]), rel=1e-5)


@pytest.mark.parametrize("scale", [1e-300, 1e-25, 3e-7, 7e20, 1e300])
def test_the_scale_does_not_matter(scale):
    volume = scattered(0.5, 0.1)
    one = transport.effective_conductivity(volume)
    other = transport.effective_conductivity(volume * scale)
    assert other.value / scale == pytest.approx(one.value, rel=1e-6)
    assert other.tortuosity == pytest.approx(one.tortuosity, rel=1e-6)


def test_a_contrast_beyond_floating_point_is_refused():
    volume = np.ones((8, 8, 8))
    volume[4] = 1e-38
    with pytest.raises(ValueError, match="beyond a contrast"):
        transport.effective_conductivity(volume)


SOLVABLE = {name: VOLUMES[name] for name in ("serpentine", "comb", "scattered")}


@pytest.mark.parametrize("name", SOLVABLE)
def test_what_is_converged_carries_the_flag(name):
    for strict in (True, False):
        result = transport.effective_conductivity(SOLVABLE[name], strict=strict)
        assert result.converged and 0 < result.error <= 1e-6


@pytest.mark.parametrize("name", SOLVABLE)
def test_what_is_not_converged_is_flagged_and_a_strict_solve_an_error(name):
    result = transport.effective_conductivity(SOLVABLE[name], rtol=1e-60, strict=False)
    assert not result.converged and result.error > 1e-60
    with pytest.raises(ConvergenceError, match="is not solved"):
        transport.effective_conductivity(SOLVABLE[name], rtol=1e-60)


def test_whatever_passes_as_converged_is_right():
    """At the edge of what can be solved, a volume may or may not converge, but not be wrong."""
    for seed in range(3):
        volume = scattered(0.1, 1e-11, seed)
        result = transport.effective_conductivity(volume, strict=False)
        error = abs(result.value / direct_value(volume) - 1)
        assert error < (1e-5 if result.converged else 1e-2)


@pytest.mark.parametrize("size", [-0.5, 0, np.nan, np.inf, True, "1"])
def test_depth_profile_refuses_a_voxel_size(size):
    labels = np.zeros((4, 4, 4), np.uint8)
    with pytest.raises(ValueError, match="voxel size"):
        depth_profile.depth_profile(labels, 0.1, voxel_size_um=size)
