"""A reader's own voltage curve from a CSV file whose column names declare the units."""

import io
import warnings
from pathlib import Path

import numpy as np

from analysis.electrochemistry import half_cycle
from analysis.electrochemistry.target_curve import check_curve

_TIME = {"time_s": 1.0, "time_min": 60.0, "time_h": 3600.0}
_CAPACITY = {"capacity_mAh_cm2": 1.0, "capacity_Ah_m2": 0.1}
_VOLTAGE = {"voltage_V": 1.0, "voltage_mV": 1e-3}


def read_curve(path, *, current_mA_cm2):
    """
    Read one lithiation from a CSV file.

    Parameters
    ----------
    path : str or Path
        File with a header. One column is ``time_s``, ``time_min``, ``time_h``,
        ``capacity_mAh_cm2`` or ``capacity_Ah_m2``; one is ``voltage_V`` or ``voltage_mV``.
    current_mA_cm2 : float
        Current density of the measurement [mA/cm²].

    Returns
    -------
    capacity_mAh_cm2, voltage_V : (N,) ndarray

    Raises
    ------
    ValueError
        If no column declares a known unit or two have one name, time decreases, the voltages are out
        of range, or the file holds several lithiations.
    FileNotFoundError
        If there is no such file.

    Examples
    --------
    >>> import tempfile
    >>> file = Path(tempfile.mkdtemp()) / "mine.csv"
    >>> rows = ("time_h,voltage_mV", "0,4100", "0.1,4000", "0.2,3900", "0.3,3700", "0.4,3000")
    >>> _ = file.write_text("\\n".join(rows))
    >>> capacity, voltage = read_curve(file, current_mA_cm2=6)
    >>> capacity.round(3), voltage
    (array([0. , 0.6, 1.2, 1.8, 2.4]), array([4.1, 4. , 3.9, 3.7, 3. ]))
    """
    frame = _read_table(path)
    columns = {str(name).strip(): frame[name] for name in frame.columns}
    along = _one_of(columns, {**_TIME, **_CAPACITY}, path, "time or capacity")
    volts = _one_of(columns, _VOLTAGE, path, "voltage")
    try:
        abscissa = np.asarray(columns[along], dtype=float)
        voltage = np.asarray(columns[volts], dtype=float) * _VOLTAGE[volts]
    except ValueError as error:
        raise ValueError(f"{path} holds entries that are no numbers: {error}.") from error
    if along in _TIME:
        back = np.flatnonzero(np.diff(abscissa) < 0)
        if back.size:
            raise ValueError(
                f"Time decreases in {path} after row {back[0] + 2}; expected one lithiation. "
                "Cut the file to one half cycle."
            )
        abscissa = (abscissa - abscissa[0]) * _TIME[along] * current_mA_cm2 / 3600
    else:
        abscissa = abscissa * _CAPACITY[along]
    return check_curve(*one_lithiation(abscissa, voltage, path))


def one_lithiation(capacity, voltage, path="The curve"):
    """
    Cut the one lithiation out of a record, and say what was left out.

    Parameters
    ----------
    capacity, voltage : (N,) ndarray
        Capacity, or time at constant current, and voltage [V].
    path : str or Path
        Named in the warnings.

    Returns
    -------
    capacity, voltage : (M,) ndarray
        Without rests, charges and holds, with a capacity that grows, and one row for each.

    Raises
    ------
    ValueError
        If the record holds several lithiations.
    """
    if voltage.ndim != 1 or voltage.size < 5 or not np.all(np.isfinite(voltage)):
        return capacity, voltage  # check_curve says what is wrong
    try:
        begin, end, left_out = half_cycle.lithiation(capacity, voltage)
    except ValueError as error:
        raise ValueError(f"{path}: {error}") from error
    for what in left_out:
        _say(path, f"holds {what}; left out")
    counter = capacity[0]
    capacity, voltage = capacity[begin:end], voltage[begin:end]
    if left_out:
        capacity = capacity - (capacity[0] - counter if begin else 0.0)
    if capacity.size > 1 and capacity[-1] < capacity[0] and np.all(np.diff(capacity) <= 0):
        _say(path, "counts the lithiation as negative; the sign was turned")
        capacity = -capacity
    again = np.append(np.diff(capacity) == 0, False)
    if np.any(again):
        _say(path, f"holds {again.sum()} points at the time or capacity of the next; left out")
        capacity, voltage = capacity[~again], voltage[~again]
    return capacity, voltage


def _say(path, what):
    warnings.warn(f"{path} {what}.", stacklevel=3)


def _read_table(path):
    """Table of a text file: any Unicode mark, comma or semicolon, decimal point or comma."""
    import pandas as pd

    raw = Path(path).read_bytes()
    wide = raw[:2] in (b"\xff\xfe", b"\xfe\xff")
    try:
        text = raw.decode("utf-16" if wide else "utf-8-sig")
    except UnicodeDecodeError as error:
        raise ValueError(f"{path} is no text in UTF-8 or UTF-16; save it as CSV UTF-8.") from error
    lines = [line for line in text.splitlines() if line.strip() and not line.startswith("#")]
    head = lines[0] if lines else ""
    mark = next((one for one in (";", "\t") if one in head), ",")
    names = [name.strip() for name in head.split(mark)]
    twice = sorted({name for name in names if name and names.count(name) > 1})
    if twice:
        raise ValueError(
            f"{path} has more than one column {', '.join(twice)}; expected each name once. Delete "
            "or rename the others."
        )
    decimal = "," if mark != "," and any("," in line for line in lines[1:]) else "."
    try:
        return pd.read_csv(
            io.StringIO("\n".join(lines)),
            sep=mark,
            decimal=decimal,
            skipinitialspace=True,
            comment="#",
            index_col=False,
        )
    except pd.errors.EmptyDataError as error:
        raise ValueError(f"{path} is empty; expected a header and rows.") from error


def _one_of(columns, known, path, what):
    found = [name for name in known if name in columns]
    if len(found) != 1:
        raise ValueError(
            f"{path} has the columns {', '.join(columns)}; expected exactly one of "
            f"{', '.join(known)} for {what}. The name declares the unit: rename the column."
        )
    return found[0]
