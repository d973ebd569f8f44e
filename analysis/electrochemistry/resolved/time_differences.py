"""Differences and predictions of the time integration, compiled, and the sums of slices."""

from typing import NamedTuple

import numpy as np

from analysis.electrochemistry.transport import fields
from analysis.electrochemistry.transport.stencil import kernel
from analysis.electrochemistry.transport.threads import ThreadPool


@kernel
def combine(start, stop, u, now, v, before, out):
    """Write ``out = u now + v before``."""
    for k in range(start + 1, stop + 1):
        for j in range(1, now.shape[1] - 1):
            a, b, o = now[k, j], before[k, j], out[k, j]
            for i in range(1, now.shape[2] - 1):
                o[i] = u * a[i] + v * b[i]


@kernel
def predict(start, stop, level, now, change, earlier, factors, out):
    """Predict a potential, stored over a level, by a :class:`Parabola`."""
    for k in range(start + 1, stop + 1):
        for j in range(1, now.shape[1] - 1):
            a, b, e, o = now[k, j], change[k, j], earlier[k, j], out[k, j]
            for i in range(1, now.shape[2] - 1):
                o[i] = level + (a[i] + next_change(b[i], e[i], factors))


@kernel
def remember(start, stop, level, field, old, change):
    """Store a field over a level in float32, and its change since it was stored last."""
    for k in range(start + 1, stop + 1):
        for j in range(1, field.shape[1] - 1):
            x, o, c = field[k, j], old[k, j], change[k, j]
            for i in range(1, field.shape[2] - 1):
                value = x[i] - level
                c[i] = value - o[i]
                o[i] = value


@kernel
def positive_history(start, stop, u, now, v, change, storage, least, out):
    """
    Write ``out = u now + v change``, in the electrolyte at least ``least now``.

    Where salt has just been used up, the second-order difference would ask for a negative
    concentration. Returns the storage that the bound added.
    """
    added = 0.0
    for k in range(start + 1, stop + 1):
        for j in range(1, now.shape[1] - 1):
            a, b, m, o = now[k, j], change[k, j], storage[k, j], out[k, j]
            for i in range(1, now.shape[2] - 1):
                value = u * a[i] + v * b[i]
                if m[i] > 0 and value < least * a[i]:
                    added += m[i] * (least * a[i] - value)
                    value = least * a[i]
                o[i] = value
    return added


class Parabola(NamedTuple):
    """
    Factors of the change of a field in the next step, after its last two changes d and e.

    The change is ``line d + bend (d - ratio e)``, its second part at most `LARGEST_BEND` of the
    first: where something ends, as salt that is used up, three points tell nothing of the next.
    """

    line: float
    bend: float
    ratio: float


NO_CHANGE = Parabola(0.0, 0.0, 0.0)
LARGEST_BEND = 0.5


def parabola(step, last, before):
    """
    Parabola through three steps, or the line through two.

    Parameters
    ----------
    step, last, before : float
        Lengths of the next step and of the last two; `before` is zero if there was only one.
    """
    r = step / last
    if before == 0:
        return Parabola(r, 0.0, 0.0)
    q = last / before
    return Parabola(r, r * (1 + r) * q / (1 + q), q)


@kernel
def next_change(last, earlier, factors):
    """Change in the next step by a :class:`Parabola`."""
    line = factors.line * last
    most = LARGEST_BEND * abs(line)
    return line + min(max(factors.bend * (last - factors.ratio * earlier), -most), most)


@kernel
def difference(start, stop, new, old, out):
    """Write ``out = new - old``."""
    for k in range(start + 1, stop + 1):
        for j in range(1, new.shape[1] - 1):
            a, b, o = new[k, j], old[k, j], out[k, j]
            for i in range(1, new.shape[2] - 1):
                o[i] = a[i] - b[i]


class PastPotentials:
    """
    psi and phi_s at the end of the last step, and their last two changes, in float32.

    The solid is stored over the voltage: rounding of some 4 V would leave currents in the good
    conductors, beside which the first residual of a step would show nothing else.
    """

    def __init__(self, psi, phi, voltage, pool=None):
        self.pool = pool = pool or ThreadPool(1)
        self.voltages = [voltage] * 3  # at the ends of the last three steps
        self.last, self.change, self.earlier = (
            [pool.zeros(psi.shape) for _ in range(2)] for _ in range(3)
        )
        for base, field, out in zip((0.0, voltage), (psi, phi), self.last, strict=True):
            pool.whole(fields.over_level, base, field, out)

    def predict(self, run, factors, potentials):
        """Write both potentials at the end of the next step, by a :class:`Parabola`."""
        first, second, third = self.voltages
        level = third + next_change(third - second, second - first, factors)
        for base, out, *past in zip(
            (0.0, level), potentials, self.last, self.change, self.earlier, strict=True
        ):
            run(predict, base, *past, factors, out)

    def remember(self, run, voltage, potentials):
        """Take over the potentials at the end of a step."""
        self.voltages = [*self.voltages[1:], voltage]
        self.change, self.earlier = self.earlier, self.change
        for base, *past in zip((0.0, voltage), potentials, self.last, self.change, strict=True):
            run(remember, base, *past)

    def arrays(self):
        """All of it as named arrays, for a checkpoint."""
        names = ("last", "change", "earlier")
        get = self.pool.get
        past = {f"{name}_potentials": np.stack([*map(get, getattr(self, name))]) for name in names}
        return {"voltages": np.array(self.voltages), **past}

    def restore(self, stored):
        """Take over what :meth:`arrays` gave."""
        self.voltages = stored["voltages"].tolist()
        for name in ("last", "change", "earlier"):
            for part, kept in zip(getattr(self, name), stored[f"{name}_potentials"], strict=True):
                self.pool.whole(fields.assign, self.pool.put(kept), part)


@kernel
def extrapolate(start, stop, now, change, earlier, factors, active, low, high, out):
    """
    Predict concentrations by a parabola through three steps, kept well inside their bounds.

    `change` and `earlier` are the last two changes, `factors` a :class:`Parabola`. Lithium goes at
    most half of the way to a bound, salt at most 70 % down.
    """
    for k in range(start + 1, stop + 1):
        for j in range(1, now.shape[1] - 1):
            a, b, e, m, o = now[k, j], change[k, j], earlier[k, j], active[k, j], out[k, j]
            for i in range(1, now.shape[2] - 1):
                step = next_change(b[i], e[i], factors)
                if m[i] > 0:
                    step = min(max(step, 0.5 * (low - a[i])), 0.5 * (high - a[i]))
                else:
                    step = max(step, -0.7 * a[i])
                o[i] = a[i] + step


@kernel
def extrapolate_salt(start, stop, now, change, earlier, factors, out):
    """The same for a field that holds salt alone."""
    for k in range(start + 1, stop + 1):
        for j in range(1, now.shape[1] - 1):
            a, b, e, o = now[k, j], change[k, j], earlier[k, j], out[k, j]
            for i in range(1, now.shape[2] - 1):
                o[i] = a[i] + max(next_change(b[i], e[i], factors), -0.7 * a[i])


@kernel
def slice_sums(x, weight, out, norm):
    """Weighted sum of each slice, and the sum of the weights."""
    for k in range(1, x.shape[0] - 1):
        for j in range(1, x.shape[1] - 1):
            for i in range(1, x.shape[2] - 1):
                out[k - 1] += weight[k, j, i] * x[k, j, i]
                norm[k - 1] += weight[k, j, i]
