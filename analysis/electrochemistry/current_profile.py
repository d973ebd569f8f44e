"""Current profiles: lithiation, charge, rest, pulses and held voltages, one segment after another.

A profile says what a cycler would be told. Both models of the half cell follow it, and both ask
the same of it before they begin. Lithiation of the working electrode counts as a positive current.
"""

from dataclasses import dataclass

import numpy as np

from analysis.electrochemistry.conditions import LARGEST_CURRENT_MA_CM2, LOWEST_CUTOFF_V

# Above it the open-circuit potential has no data, and cells of this material are not charged.
HIGHEST_LIMIT_V = 4.5
EQUAL_V = 1e-6  # voltages that are closer are the same


@dataclass(frozen=True)
class Segment:
    """
    A current, or a voltage, that is held until the first of its limits.

    Parameters
    ----------
    current_mA_cm2 : float, optional
        Current density: positive lithiates, negative charges, zero is a rest. Either this or
        `voltage_V`.
    voltage_V : float, optional
        Voltage to hold [V].
    duration_s : float
        Longest time [s].
    until_V : float, optional
        Voltage [V] that ends a current: lithiation falls to it, charge rises to it.
    until_mA_cm2 : float, optional
        Current density, as a magnitude, that ends a held voltage when the current has decayed to
        it.

    Raises
    ------
    ValueError
        If a number is none, two quantities are held at once, or no limit can end the segment.

    Examples
    --------
    >>> from analysis.electrochemistry.current_profile import CurrentProfile, charge, hold, rest
    >>> one_cell = CurrentProfile((charge(1.0, until_V=4.2), hold(4.2, until_mA_cm2=0.1), rest(600)))
    >>> len(one_cell.segments)
    3
    """

    current_mA_cm2: float | None = None
    voltage_V: float | None = None
    duration_s: float = np.inf
    until_V: float | None = None
    until_mA_cm2: float | None = None

    def __post_init__(self):
        for name in ("current_mA_cm2", "voltage_V", "until_V", "until_mA_cm2", "duration_s"):
            value = getattr(self, name)
            if value is not None or name == "duration_s":
                object.__setattr__(self, name, _number(name, value))
        if (self.current_mA_cm2 is None) == (self.voltage_V is None):
            raise ValueError(
                f"A segment has current_mA_cm2={self.current_mA_cm2} and "
                f"voltage_V={self.voltage_V}; expected one of the two, the other is what follows."
            )
        if not self.duration_s > 0:
            raise ValueError(
                f"The duration of a segment is {self.duration_s:g} s; expected a positive time. "
                "Leave out segments that last no time."
            )
        self._check_hold() if self.is_hold else self._check_current()

    def _check_current(self):
        current = self.current_mA_cm2
        if abs(current) > LARGEST_CURRENT_MA_CM2:
            raise ValueError(
                f"The current of a segment is {current:g} mA/cm²; expected -100 to 100. Is it "
                "given in A/m²? Divide by 10."
            )
        if self.until_mA_cm2 is not None:
            raise ValueError(
                f"A segment holds the current, so a limit of {self.until_mA_cm2:g} mA/cm² is not "
                "reached; expected until_V or duration_s. Only hold(voltage_V) has until_mA_cm2."
            )
        if current == 0 and self.until_V is not None:
            raise ValueError(
                f"A rest has the limit {self.until_V:g} V, which it may never reach; expected a "
                "duration_s and no other limit."
            )
        if np.isinf(self.duration_s) and self.until_V is None:
            raise ValueError(
                f"Nothing ends the segment of {current:g} mA/cm²; expected duration_s"
                + (" or until_V." if current else ".")
            )
        _check_voltage("The limit", self.until_V)

    def _check_hold(self):
        if self.until_V is not None:
            raise ValueError(
                f"A segment holds {self.voltage_V:g} V, so a limit of {self.until_V:g} V is not "
                "reached; expected until_mA_cm2 or duration_s."
            )
        limit = self.until_mA_cm2
        if limit is not None and not limit > 0:
            raise ValueError(
                f"The current of a held voltage is to fall to {limit:g} mA/cm², which takes "
                "forever; expected a small positive current, a twentieth of the one before, say."
            )
        if np.isinf(self.duration_s) and limit is None:
            raise ValueError(
                f"Nothing ends the hold at {self.voltage_V:g} V; expected duration_s or "
                "until_mA_cm2."
            )
        _check_voltage("The held voltage", self.voltage_V)

    @property
    def is_hold(self):
        """Whether the voltage is held."""
        return self.voltage_V is not None

    @property
    def direction(self):
        """1 for a lithiation, -1 for a charge, 0 for a rest or a hold."""
        return 0 if self.is_hold else int(np.sign(self.current_mA_cm2))

    def __str__(self):
        if self.is_hold:
            return f"hold at {self.voltage_V:g} V"
        if self.direction == 0:
            return f"rest of {self.duration_s:g} s"
        kind = "lithiation" if self.direction > 0 else "charge"
        return f"{kind} at {abs(self.current_mA_cm2):g} mA/cm²"


def lithiation(current_mA_cm2, *, until_V=None, duration_s=np.inf):
    """A segment that lithiates at a constant current, given as a positive number."""
    return Segment(_positive("lithiation", current_mA_cm2), None, duration_s, until_V)


def charge(current_mA_cm2, *, until_V=None, duration_s=np.inf):
    """A segment that takes lithium out at a constant current, given as a positive number."""
    return Segment(-_positive("charge", current_mA_cm2), None, duration_s, until_V)


def rest(duration_s):
    """A segment without current."""
    return Segment(0.0, None, duration_s)


def hold(voltage_V, *, until_mA_cm2=None, duration_s=np.inf):
    """A segment at constant voltage."""
    return Segment(None, voltage_V, duration_s, None, until_mA_cm2)


def pulses(current_mA_cm2, number, *, pulse_s, rest_s):
    """
    Segments of a galvanostatic intermittent titration (GITT): pulses with a rest after each.

    Parameters
    ----------
    current_mA_cm2 : float
        Current density of a pulse, positive for lithiation.
    number : int
        Number of pulses.
    pulse_s, rest_s : float
        Length of a pulse, and of the rest after it [s].

    Returns
    -------
    segments : tuple of Segment
    """
    if isinstance(number, bool) or int(number) != number or number < 1:
        raise ValueError(f"{number!r} pulses asked for; expected a whole number from 1 on.")
    return (Segment(current_mA_cm2, None, pulse_s), rest(rest_s)) * int(number)


@dataclass(frozen=True)
class CurrentProfile:
    """
    Segments in the order in which a half cell runs through them.

    Parameters
    ----------
    segments : sequence of Segment
        From the charged cell at rest on; a cell that starts at another content has another
        ``initial_content`` in its materials.
    lower_V, upper_V : float, optional
        Voltages that end the whole profile wherever they are reached. By default the cut-off of
        the materials and `HIGHEST_LIMIT_V`, or what a segment asks for if that lies beyond.
    """

    segments: tuple
    lower_V: float | None = None
    upper_V: float | None = None

    def __post_init__(self):
        segments = (self.segments,) if isinstance(self.segments, Segment) else self.segments
        object.__setattr__(self, "segments", tuple(segments))
        if not self.segments:
            raise ValueError("The profile has no segments; expected at least one.")
        for one in self.segments:
            if not isinstance(one, Segment):
                raise TypeError(f"The profile holds a {type(one).__name__}; expected Segment.")
        for name in ("lower_V", "upper_V"):
            if getattr(self, name) is not None:
                value = _number(name, getattr(self, name))
                _check_voltage(name, value)
                object.__setattr__(self, name, value)
        low = -np.inf if self.lower_V is None else self.lower_V
        high = np.inf if self.upper_V is None else self.upper_V
        if not low < high:
            raise ValueError(
                f"The limits of the profile are out of order: lower_V={low:g}, upper_V={high:g}; "
                "expected the lower one first."
            )
        for n, voltage in self._asked():
            if not low <= voltage <= high:
                raise ValueError(
                    f"{self.name_of(n)} asks for {voltage:g} V, but the profile ends below "
                    f"{low:g} V and above {high:g} V; expected limits inside."
                )

    def name_of(self, n):
        """How a message names segment `n`, counted from zero."""
        return f"Segment {n + 1} of {len(self.segments)} ({self.segments[n]})"

    def _asked(self):
        """Voltages that segments name, with the number of the segment."""
        return [
            (n, one.voltage_V if one.is_hold else one.until_V)
            for n, one in enumerate(self.segments)
            if one.is_hold or one.until_V is not None
        ]

    def window_V(self, materials):
        """
        Voltages between which the profile goes on.

        Parameters
        ----------
        materials : HalfCell
            Gives the cut-off.

        Returns
        -------
        lower, upper : float
        """
        asked = [voltage for _, voltage in self._asked()]
        lower, upper = self.lower_V, self.upper_V
        lower = min([materials.cutoff_V, *asked]) if lower is None else lower
        upper = max([HIGHEST_LIMIT_V, *asked]) if upper is None else upper
        return lower, upper

    def check(self, materials):
        """
        Look for segments that cannot run as they stand; nothing is computed.

        Parameters
        ----------
        materials : HalfCell
            Gives the voltage of the cell at rest.

        Raises
        ------
        ValueError
            If the cell starts outside the limits, or a segment begins where its limit has been
            passed already.
        """
        lower, upper = self.window_V(materials)
        start = float(materials.active.ocp.potential(materials.active.initial_content))
        if not lower < start < upper:
            raise ValueError(
                f"The cell starts at {start:.3f} V, its open-circuit voltage, outside the limits "
                f"of the profile, {lower:g} to {upper:g} V. Give other limits, or materials with "
                "another initial content."
            )
        point = start, 0.0, 0.0  # a voltage that is known with the range of currents there
        for n, segment in enumerate(self.segments):
            why = _passed(segment, point) if point else ""
            if why:
                raise ValueError(f"{self.name_of(n)} has nothing to do: {why}.")
            point = _end_of(segment)


def _passed(segment, point):
    """Why the limit of a segment that begins at a known point is passed already, or nothing."""
    voltage, least, most = point
    if segment.is_hold:
        largest, limit = max(abs(least), abs(most)), segment.until_mA_cm2
        if limit and abs(segment.voltage_V - voltage) < EQUAL_V and largest <= limit:
            return (
                f"the cell is at {voltage:.4g} V already, with a current of {largest:g} mA/cm², "
                f"which is below the limit of {limit:g} mA/cm². Give a smaller until_mA_cm2"
            )
        return ""
    if segment.until_V is None:
        return ""
    current, limit = segment.current_mA_cm2, segment.until_V
    if current > 0 and current >= most and limit >= voltage - EQUAL_V:
        return (
            f"it ends when the voltage falls to {limit:g} V, but begins at {voltage:.4g} V or "
            "below. Give a lower until_V"
        )
    if current < 0 and current <= least and limit <= voltage + EQUAL_V:
        return (
            f"it ends when the voltage rises to {limit:g} V, but begins at {voltage:.4g} V or "
            "above. Give a higher until_V"
        )
    return ""


def _end_of(segment):
    """Voltage and range of currents at the end of a segment, if its limits alone tell them."""
    if np.isfinite(segment.duration_s):
        return None
    if segment.is_hold:
        return segment.voltage_V, -segment.until_mA_cm2, segment.until_mA_cm2
    return segment.until_V, segment.current_mA_cm2, segment.current_mA_cm2


def _number(name, value):
    seen = np.nan
    if not isinstance(value, (bool, np.bool_, str, bytes)):
        try:
            seen = float(value)
        except (TypeError, ValueError):
            seen = np.nan
    if np.isnan(seen) or (np.isinf(seen) and name != "duration_s"):
        raise ValueError(f"{name} of a segment is {value!r}; expected a number.")
    return seen


def _positive(what, current):
    if not _number("current_mA_cm2", current) > 0:
        raise ValueError(
            f"The current of a {what} is {current!r} mA/cm²; expected a positive number. "
            "lithiation() and charge() give it its sign."
        )
    return float(current)


def _check_voltage(what, voltage):
    if voltage is not None and not LOWEST_CUTOFF_V <= voltage <= HIGHEST_LIMIT_V:
        raise ValueError(
            f"{what} is {voltage:g} V, which this material does not reach; expected "
            f"{LOWEST_CUTOFF_V:g} to {HIGHEST_LIMIT_V:g} V."
        )
