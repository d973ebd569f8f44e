"""What is done to whole padded fields beside the kernels, by numpy.

Each function has a kernel of the same name in
:mod:`analysis.electrochemistry.transport.cuda.fields`. They are called by ``device.whole``.
"""

import numpy as np

INNER = (slice(1, -1),) * 3


def add(x, y):
    """Write ``y += x``."""
    y += x


def add_scaled(factor, x, y):
    """Write ``y += factor x``, in float64."""
    y += np.float64(factor) * x


def assign(x, y):
    """Write ``y = x``, in the precision of y."""
    y[:] = x


def negate(x):
    """Change the sign."""
    np.negative(x, out=x)


def scaled(factor, x, out):
    """Write ``factor x``, computed in float64."""
    out[:] = np.float64(factor) * x


def divided(x, divisor, out):
    """Write ``x / divisor``."""
    out[:] = x / divisor


def product(x, y, out):
    """Write ``x y``, number by number."""
    out[:] = x * y


def energy(x, b):
    """Sum of ``x b``, in float64."""
    return float(np.vdot(x, b))


def dense_product(inverse, b, x):
    """Write the solution of a small level: ``x = inverse b``, cells in order."""
    inner = x[INNER]
    x[INNER] = (inverse @ b[INNER].ravel()).reshape(inner.shape)


def open_first(cells, cz):
    """Conductances of half a cell to a fixed value beyond the first slice."""
    cz[1] = 2 * cells[1]


def open_last(cells, cz):
    """Conductances of half a cell to a fixed value beyond the last slice."""
    cz[-1] = 2 * cells[-2]


def enter(cz, b):
    """Write the load of a unit value beyond the first slice."""
    b[1] = cz[1]


def set_beyond(value, x):
    """Set the value beyond the first slice."""
    x[0] = value


def conductance_of_planes(cz, out):
    """Write the sum of the conductances of each of the Z + 1 planes of faces."""
    out[:] = cz[1:].sum(axis=(1, 2), dtype=float)


def fill_slices(values, cells, x):
    """Give each slice one value, where its cells conduct."""
    for k in range(len(values)):
        x[k + 1] = values[k] * (cells[k + 1] > 0)


def shift_slices(shift, cells, x):
    """Add one value to each slice, where its cells conduct."""
    for k in range(len(shift)):
        x[k + 1] += shift[k] * (cells[k + 1] > 0)


def start_from(potential, cells, x):
    """Write the unpadded `potential` where cells conduct, and zero elsewhere."""
    x[INNER] = potential
    x[INNER] *= cells[INNER] > 0


def rounded(x, out):
    """Write the cells of a padded field into an unpadded one of float32."""
    out[:] = x[INNER]


def set_to_zero(x):
    """Write zeros everywhere, also where x has no rim."""
    x[:] = 0


def multiply(factors, n, x):
    """Write ``x *= factors[n]``; the factors are where the fields are."""
    x *= factors[n]


def over_level(level, x, out):
    """Write ``x - level``, in the precision of `out`."""
    out[:] = x - level


def set_slice(k, value, x):
    """Set the cells of slice `k`, counted from one, to a value."""
    x[k, 1:-1, 1:-1] = value


def mean_of_slice(k, x):
    """Mean over the cells of slice `k`, counted from one."""
    return float(x[k, 1:-1, 1:-1].mean(dtype=float))


def sum_of(x):
    """Sum of all numbers, in float64."""
    return float(x.sum(dtype=float))
