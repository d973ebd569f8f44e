"""The coarse grids of the block multigrid preconditioner: to which cell what belongs, and the last.

The coarsest grid is small enough for a dense matrix of all three fields.
"""

from dataclasses import replace

import numpy as np

from analysis.electrochemistry.transport import fields, multigrid

PSI, PHI, SALT = range(3)
LEAST_FACTOR, USUAL_FACTOR = 0.5, 3.0  # of what a coarse grid corrects, see :func:`chebyshev_pair`


def three(cells, pool):
    """Three padded fields of zeros."""
    return tuple(pool.zeros(multigrid.padded_shape(cells)) for _ in range(3))


def allocate(shapes, pool):
    """
    Levels of psi, phi_s and salt for the cells of each grid, the finest first; all zero.

    Only the salt has a storage, and only coarse levels have vectors of their own.
    """
    dummy = pool.zeros((1, 1, 1))
    levels = [[], [], []]
    for depth, cells in enumerate(shapes):
        shape = multigrid.padded_shape(cells)
        for field in range(3):
            arrays = [pool.zeros(shape) for _ in range(3)]
            storage = pool.zeros(shape) if field == SALT else dummy
            level = multigrid.Level(*arrays, storage, field == SALT, pool.zeros(shape))
            if depth:
                level.x, level.b = pool.zeros(shape), pool.zeros(shape)
            levels[field].append(level)
    return levels


def on_host(level, pool):
    """A small level with its coefficients as arrays of numpy."""
    return replace(
        level, **{name: pool.get(getattr(level, name)) for name in ("cz", "cy", "cx", "e")}
    )


def parents_of(shape, step):
    """Flat padded index of the aggregate of every padded fine cell."""
    nz, ny, nx = shape
    z = np.concatenate([[0], step.parent + 1, [step.shape[0] + 1]])
    y = np.arange(ny + 2)
    x = np.arange(nx + 2)
    y = (y + 1) // 2 if step.fold_y else y
    x = (x + 1) // 2 if step.fold_x else x
    cy, cx = step.shape[1] + 2, step.shape[2] + 2
    flat = (z[:, None, None] * cy + y[None, :, None]) * cx + x[None, None, :]
    return np.ascontiguousarray(flat.astype(np.int32).ravel())


def dense_matrix(levels, g, m):
    """
    Matrix of a coarse level, fields one after the other.

    Parameters
    ----------
    levels : sequence of multigrid.Level
        Of psi, phi_s and salt.
    g, m : padded ndarray
        Exchange of each cell with the potentials and the salt.

    Returns
    -------
    matrix : (3 N, 3 N) ndarray of float
    """
    n = levels[0].size
    matrix = np.zeros((3 * n, 3 * n))
    for field, level in enumerate(levels):
        block = slice(field * n, field * n + n)
        matrix[block, block] = multigrid.dense_matrix(level)
    inner = (slice(1, -1),) * 3
    g = g[inner].ravel().astype(float)
    ids = np.arange(n)
    m = m[inner].ravel().astype(float)
    for row, sign in ((PSI, -1), (PHI, 1), (SALT, -1)):
        for column, slope in ((PSI, -g), (PHI, g), (SALT, -m)):
            matrix[row * n + ids, column * n + ids] += sign * slope
    for row, column in ((PSI, SALT), (SALT, PSI)):
        boundary = levels[column].cz[1, 1:-1, 1:-1].ravel()
        bottom = ids[: boundary.size]
        matrix[row * n + bottom, column * n + bottom] += boundary
    return matrix


def inverse_of(matrix):
    """Inverse in float32; rows without entries stay zero."""
    empty = np.diag(matrix) <= 0
    scale = np.where(empty, 0.0, 1 / np.sqrt(np.where(empty, 1.0, np.diag(matrix))))
    scaled = matrix * scale * scale[:, None]
    scaled[empty, empty] = 1.0
    return np.ascontiguousarray(np.linalg.inv(scaled) * scale * scale[:, None], np.float32)


def solve_dense(inverse, b, x):
    """Write the solution of the coarsest level, ``x = inverse b``, fields one after the other."""
    inner = (slice(1, -1),) * 3
    load = np.concatenate([part[inner].ravel() for part in b])
    for part, values in zip(x, np.split(inverse @ load, 3), strict=True):
        part[inner] = values.reshape(part[inner].shape)


def largest_factor(correct, load, answers, pool):
    """
    By which factor a coarse grid corrects too much, from four power iterations.

    Parameters
    ----------
    correct : callable
        ``correct(load, x, image)`` writes one cycle for `load` into `x` and minus its operator on
        it into `image`.
    load : tuple of padded ndarray
        Start of the iteration in three fields, overwritten.
    answers : tuple
        Memory for `x` and `image`.
    pool : ThreadPool or CudaDevice
        Where the fields are.

    Returns
    -------
    largest : float
        Zero or not finite if the iteration broke down.
    """
    x, image = answers
    largest, whole = 0.0, pool.whole
    for _ in range(4):
        norm = np.sqrt(sum(whole(fields.energy, part, part) for part in load))
        for part in load:
            whole(fields.divided, part, np.float32(norm), part)
        correct(load, x, image)
        largest = np.sqrt(sum(whole(fields.energy, part, part) for part in image))
        if not 0 < largest < np.inf:
            break
        for part, new in zip(load, image, strict=True):
            whole(fields.assign, new, part)
    return largest


def chebyshev_pair(largest):
    """
    Weights of two visits to a level whose corrections are too large up to a factor `largest`.

    They make Chebyshev's polynomial of second degree small between the least factor and that one.
    """
    top = max(USUAL_FACTOR, 1.15 * largest) if np.isfinite(largest) else USUAL_FACTOR
    middle, half = 0.5 * (top + LEAST_FACTOR), 0.5 * (top - LEAST_FACTOR)
    turn = half * np.sqrt(0.5)
    return np.float32(1 / (middle - turn)), np.float32(1 / (middle + turn))
