"""A reader's own voltage curve from a CSV file whose column names declare the units."""

from pathlib import Path

import numpy as np

from analysis.electrochemistry.gamma_fit import check_curve

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
        If no column declares a known unit, the abscissa decreases, or the voltages are out of
        range.
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
    import pandas as pd

    frame = pd.read_csv(Path(path), comment="#", skipinitialspace=True)
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
    return check_curve(abscissa, voltage)


def _one_of(columns, known, path, what):
    found = [name for name in known if name in columns]
    if len(found) != 1:
        raise ValueError(
            f"{path} has the columns {', '.join(columns)}; expected exactly one of "
            f"{', '.join(known)} for {what}. The name declares the unit: rename the column."
        )
    return found[0]
