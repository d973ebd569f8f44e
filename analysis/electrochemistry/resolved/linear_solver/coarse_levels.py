"""The coarse grids of the block multigrid preconditioner: to which cell what belongs, and the last.

The coarsest grid is small enough for a dense matrix of all three fields.
"""

import numpy as np

from analysis.electrochemistry.transport import multigrid

PSI, PHI, SALT = range(3)
LEAST_FACTOR, USUAL_FACTOR = 0.5, 3.0  # of what a coarse grid corrects, see :func:`chebyshev_pair`


def three(cells):
    """Three padded fields of zeros."""
    return tuple(multigrid.padded(cells) for _ in range(3))


def allocate(shapes):
    """
    Levels of psi, phi_s and salt for the cells of each grid, the finest first; all zero.

    Only the salt has a storage, and only coarse levels have vectors of their own.
    """
    dummy = np.zeros((1, 1, 1), np.float32)
    levels = [[], [], []]
    for depth, cells in enumerate(shapes):
        for field in range(3):
            arrays = [multigrid.padded(cells) for _ in range(3)]
            storage = multigrid.padded(cells) if field == SALT else dummy
            level = multigrid.Level(*arrays, storage, field == SALT, multigrid.padded(cells))
            if depth:
                level.x, level.b = multigrid.padded(cells), multigrid.padded(cells)
            levels[field].append(level)
    return levels


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


def restrict_metal(levels, x, step, coarse_b):
    """Subtract the current of the lithium electrode that one field brings into the other's row."""
    for row, other in ((PSI, SALT), (SALT, PSI)):
        part = (levels[other].cz[1] * x[other][1])[1:-1, 1:-1]
        if step.fold_y:
            part = np.add.reduceat(part, np.arange(0, part.shape[0], 2), axis=0)
        if step.fold_x:
            part = np.add.reduceat(part, np.arange(0, part.shape[1], 2), axis=1)
        coarse_b[row][1, 1:-1, 1:-1] -= part


def largest_factor(correct, load, answers):
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

    Returns
    -------
    largest : float
        Zero or not finite if the iteration broke down.
    """
    x, image = answers
    largest = 0.0
    for _ in range(4):
        norm = np.sqrt(sum(float(np.vdot(part, part)) for part in load))
        for part in load:
            part /= np.float32(norm)
        correct(load, x, image)
        largest = np.sqrt(sum(float(np.vdot(part, part)) for part in image))
        if not 0 < largest < np.inf:
            break
        for part, new in zip(load, image, strict=True):
            part[:] = new
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
