"""The one lithiation in a voltage record: found, cut out, or refused.

Records hold rests, charges, holds and several cycles. A lithiation at constant current is a fall
of the voltage that no rise interrupts; all else is told from it by the voltage alone.
"""

import numpy as np

RISE_V = 0.03  # that ends a fall: beyond noise, less than a cell rises when its current stops
LEAST_FALL_V, LEAST_SHARE = 0.1, 0.3  # of a lithiation; of the largest fall
JUMP_V, SUDDEN = 0.01, 10.0  # of a current that is switched on; over the drift before it
DRIFT_V = 0.05  # of a rest
HELD_V, HELD_SHARE = 2e-3, 0.02  # of a hold at the end, and its least share of the record


def largest_rise(voltage):
    """
    Largest rise of a record above any earlier voltage.

    Parameters
    ----------
    voltage : (N,) ndarray
        Voltage [V].

    Returns
    -------
    rise : float
        The rise [V].
    at : int
        Where it ends.
    """
    above = voltage - np.minimum.accumulate(voltage)
    at = int(np.argmax(above))
    return float(above[at]), at


def falls(voltage):
    """
    Parts of a record in which the voltage falls, between rises of more than `RISE_V`.

    Parameters
    ----------
    voltage : (N,) ndarray
        Voltage [V].

    Returns
    -------
    parts : list of (int, int)
        First and last point of each fall.
    """
    parts, high, low, falling = [], 0, 0, True
    for k, value in enumerate(voltage):
        if falling:
            low = k if value < voltage[low] else low
            if value > voltage[low] + RISE_V:
                parts.append((high, low))
                falling, high = False, k
        else:
            high = k if value >= voltage[high] else high
            if value < voltage[high] - RISE_V:
                falling, low = True, k
        if falling and not parts and value > voltage[high]:
            high = low = k
    if falling:
        parts.append((high, low))
    return [(a, b) for a, b in parts if b > a]


def lithiation(along, voltage):
    """
    Find the one lithiation of a record.

    Parameters
    ----------
    along : (N,) ndarray
        Time, or capacity.
    voltage : (N,) ndarray
        Voltage [V].

    Returns
    -------
    begin, end : int
        First point, and one past the last.
    left_out : list of str
        What was left out, in words.

    Raises
    ------
    ValueError
        If the record holds several.
    """
    parts = falls(voltage)
    if not parts:
        return 0, voltage.size, []
    depth = np.array([voltage[a] - voltage[b] for a, b in parts])
    deep = [part for part, fall in zip(parts, depth, strict=True)
            if fall > max(LEAST_FALL_V, LEAST_SHARE * depth.max())]  # fmt: skip
    first, last = (deep or parts)[0]
    if len(deep or parts) > 1 or not _is_whole(voltage, first, last):
        several = parts if len(deep) < 2 else deep
        named = ", ".join(f"{a + 1} to {b + 1}" for a, b in several[:6])
        raise ValueError(
            f"The voltage falls in several parts, with rises between (points {named}); expected "
            "one lithiation at constant current. Cut the file to one of them; pulses and "
            "interrupted lithiations cannot be used."
        )
    left_out, begin, end = [], first, last + 1
    if first > 0 and voltage[first] - voltage[:first].min() > RISE_V:
        begin = first + 1  # the highest point is of the charge
        left_out.append(f"a charge of {begin} points before the lithiation")
    elif first > 0:
        begin = 0  # noise, or a rest; see below
    rest = _rest(along[begin:end], voltage[begin:end])
    if rest:
        left_out.append(f"a rest of {rest} points before the lithiation")
        begin += rest
    hold = _hold(along[begin:end], voltage[begin:end])
    if hold:
        left_out.append(f"a hold of {hold} points at the last voltage")
        end -= hold
    if voltage[last:].max() - voltage[last] > JUMP_V:
        left_out.append(f"{voltage.size - 1 - last} points after the lowest voltage")
    else:
        end = end if hold else voltage.size
    return begin, end, left_out


def _is_whole(voltage, first, last):
    """Whether a fall begins at the top, after a charge if anything, and ends at the bottom."""
    top, bottom = voltage[: first + 1].max(), voltage[last:].min()
    rise = voltage[first] - voltage[: first + 1].min()
    charged = rise <= RISE_V or rise > 0.5 * (voltage[first] - voltage[last])
    return charged and voltage[first] > top - RISE_V and voltage[last] < bottom + RISE_V


def _rest(along, voltage):
    """Number of points before a sudden fall, if the voltage hardly changes in them."""
    start, found = 0, 0
    for j in np.flatnonzero(np.diff(voltage) < -JUMP_V) + 1:
        drift = np.ptp(voltage[start:j]) if j > start else 0.0
        if voltage[0] - voltage[j - 1] > 3 * DRIFT_V:
            break
        if j - start >= 2 and drift < DRIFT_V:
            fall, pause = voltage[j - 1] - voltage[j], along[j - 1] - along[start]
            if fall * pause > SUDDEN * drift * (along[j] - along[j - 1]) or pause == 0:
                found = j
        start = j
    return int(found)


def _hold(along, voltage):
    """Number of points at the end at the lowest voltage, if it fell steeply before them."""
    k = int(np.flatnonzero(voltage <= voltage.min() + HELD_V)[0])
    held = along[-1] - along[k]
    if k == 0 or not held > HELD_SHARE * (along[-1] - along[0]):
        return 0
    before = np.interp(along[k] - held, along, voltage)
    return voltage.size - 1 - k if before - voltage[k] > SUDDEN * HELD_V else 0
