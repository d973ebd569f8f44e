"""Compiled kernels of the time integration: differences, predictions, sums."""

from analysis.electrochemistry.transport.stencil import kernel


@kernel
def combine(start, stop, u, now, v, before, out):
    """Write ``out = u now + v before``."""
    for k in range(start + 1, stop + 1):
        for j in range(1, now.shape[1] - 1):
            a, b, o = now[k, j], before[k, j], out[k, j]
            for i in range(1, now.shape[2] - 1):
                o[i] = u * a[i] + v * b[i]


@kernel
def positive_history(start, stop, u, now, v, before, storage, least, out):
    """
    Write ``out = u now + v before``, in the electrolyte at least ``least now``.

    Where salt has just been used up, the second-order difference would ask for a negative
    concentration. Returns the storage that the bound added.
    """
    added = 0.0
    for k in range(start + 1, stop + 1):
        for j in range(1, now.shape[1] - 1):
            a, b, m, o = now[k, j], before[k, j], storage[k, j], out[k, j]
            for i in range(1, now.shape[2] - 1):
                value = u * a[i] + v * b[i]
                if m[i] > 0 and value < least * a[i]:
                    added += m[i] * (least * a[i] - value)
                    value = least * a[i]
                o[i] = value
    return added


@kernel
def extrapolate(start, stop, now, before, ratio, active, low, high, out):
    """
    Predict concentrations by a line through two steps, kept well inside their bounds.

    Lithium goes at most half of the way to a bound, salt at most 70 % down.
    """
    for k in range(start + 1, stop + 1):
        for j in range(1, now.shape[1] - 1):
            a, b, m, o = now[k, j], before[k, j], active[k, j], out[k, j]
            for i in range(1, now.shape[2] - 1):
                change = ratio * (a[i] - b[i])
                if m[i] > 0:
                    change = min(max(change, 0.5 * (low - a[i])), 0.5 * (high - a[i]))
                else:
                    change = max(change, -0.7 * a[i])
                o[i] = a[i] + change


@kernel
def extrapolate_salt(start, stop, now, before, ratio, out):
    """The same for a field that holds salt alone."""
    for k in range(start + 1, stop + 1):
        for j in range(1, now.shape[1] - 1):
            a, b, o = now[k, j], before[k, j], out[k, j]
            for i in range(1, now.shape[2] - 1):
                o[i] = a[i] + max(ratio * (a[i] - b[i]), -0.7 * a[i])


@kernel
def slice_sums(x, weight, out, norm):
    """Weighted sum of each slice, and the sum of the weights."""
    for k in range(1, x.shape[0] - 1):
        for j in range(1, x.shape[1] - 1):
            for i in range(1, x.shape[2] - 1):
                out[k - 1] += weight[k, j, i] * x[k, j, i]
                norm[k - 1] += weight[k, j, i]
