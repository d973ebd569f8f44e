"""A reader's own impedance spectrum from a CSV file whose column names declare the units."""

import csv
import re
from pathlib import Path

import numpy as np

_HERTZ = {"hz": 1.0, "khz": 1e3, "mhz": 1e-3}
_OHM = {"ohm": 1.0, "ohms": 1.0, "ω": 1.0, "mohm": 1e-3, "kohm": 1e3, "mω": 1e-3, "kω": 1e3}
_NAMES = {
    "frequency": {"f", "freq", "frequency"},
    "real": {"z'", "zre", "zreal", "re(z)", "rez", "real", "z_re", "z_real", "impedance_real"},
    "imaginary": {
        'z"', "z''", "zim", "zimag", "im(z)", "imz", "imag", "imaginary", "z_im", "z_imag",
        "impedance_imag", "impedance_imaginary",
    },
}  # fmt: skip
_PREAMBLE = 200  # lines that an instrument may write before its header


def read_spectrum(path):
    """
    Read frequencies and impedances from a CSV file.

    Parameters
    ----------
    path : str or Path
        File with a header that names a frequency (``freq``, ``frequency`` in Hz, kHz or mHz), a
        real part (``Z'``, ``Re(Z)``, ``Zreal``) and an imaginary part (``Z''``, ``Im(Z)``,
        ``Zimag``; with a minus before it where the sign is turned) in ohm, mohm or kohm. The unit
        stands in the name: ``Z' (Ohms)``, ``Re(Z)/Ohm``, ``z_real_ohm``. Fields are separated by
        comma, semicolon or tab; beside the last two, numbers may have decimal commas. Lines
        before the header and lines that start with ``#`` are skipped.

    Returns
    -------
    frequency_Hz : (N,) ndarray of float
    impedance_ohm : (N,) ndarray of complex
        With a negative imaginary part where the cell is capacitive, in the order of the file.

    Raises
    ------
    ValueError
        If no line names the three columns with units, a row is short, or an entry is no number.
    FileNotFoundError
        If there is no such file.

    Examples
    --------
    >>> import tempfile
    >>> file = Path(tempfile.mkdtemp()) / "cell.csv"
    >>> _ = file.write_text("freq/kHz;Re(Z)/Ohm;-Im(Z)/Ohm\\n1,5;10,25;3\\n0,1;20;30,5\\n")
    >>> read_spectrum(file)
    (array([1500.,  100.]), array([10.25 -3.j , 20.  -30.5j]))
    """
    path = Path(path)
    if not path.is_file():
        raise FileNotFoundError(f"No file {path}; expected a CSV file with an impedance spectrum.")
    raw = path.read_bytes()
    try:
        text = raw.decode("utf-8-sig")
    except UnicodeDecodeError:
        text = raw.decode("latin-1")  # older instruments write their Ω and µ so
    lines = [
        (number, line)
        for number, line in enumerate(text.splitlines(), 1)
        if line.strip() and not line.lstrip().startswith("#")
    ]
    at, mark, columns = _header(lines, path)
    names = list(csv.reader([lines[at][1]], delimiter=mark))[0]
    rows = []
    for number, line in lines[at + 1 :]:
        fields = next(csv.reader([line], delimiter=mark))
        if not any(field.strip() for field in fields):
            continue
        rows.append([_number(fields, names, columns[key][0], mark, number, path) for key in _NAMES])
    if not rows:
        raise ValueError(f"{path} has a header and no rows below it; expected one per frequency.")
    values = np.array(rows) * [columns[key][1] for key in _NAMES]
    return values[:, 0], values[:, 1] + 1j * values[:, 2]


def _header(lines, path):
    """Place of the header, separator, and column and factor of each of the three quantities."""
    problem = None
    for at, (_, line) in enumerate(lines[:_PREAMBLE]):
        mark = next((one for one in ";\t" if one in line), ",")
        fields = next(csv.reader([line], delimiter=mark))
        found = [_understood(name) for name in fields]
        places = {
            key: [i for i, one in enumerate(found) if one and one[0] == key] for key in _NAMES
        }
        if not all(places.values()):
            continue
        double = [key for key, where in places.items() if len(where) > 1]
        blank = [fields[where[0]] for where in places.values() if found[where[0]][1] is None]
        if double:
            problem = f"more than one column for the {double[0]} part or value"
        elif blank:
            problem = f"a column {blank[0].strip()!r} without a unit that is known"
        else:
            return at, mark, {key: (i[0], found[i[0]][1]) for key, i in places.items()}
        break
    first = lines[0][1].strip()[:120] if lines else "nothing"
    raise ValueError(
        f"{path} has {problem or f'no header that names three columns; it starts with {first!r}'}. "
        "Expected frequency, real and imaginary part with their units, as in "
        "'frequency (Hz),Z' (ohm),Z'' (ohm)'; rename the columns."
    )


def _understood(name):
    """Quantity and factor to SI that a column name declares; None if it is another column."""
    text = name.strip().lower().replace("Ω", "ω").replace("\u2126", "ω")
    text = text.replace("′′", "''").replace("″", '"').replace("′", "'").replace("’", "'")
    match = re.match(r"^(.*?)[\s_]*[\[(/]\s*([^\])]*?)\s*[\])]?$", text)
    unit = None
    if match and match.group(1) and "(z" not in text[match.start(2) - 1 :]:
        text, unit = match.group(1).strip(), match.group(2)
    else:
        tail = re.match(r"^(.*?)[\s_]+([a-zω]+)$", text)
        if tail and tail.group(2) in {**_HERTZ, **_OHM}:
            text, unit = tail.groups()
    sign = -1.0 if text.startswith(("-", "\u2212", "minus ", "neg ")) else 1.0
    text = re.sub(r"^([-\u2212]|minus |neg )\s*", "", text).replace(" ", "")
    for key, names in _NAMES.items():
        if text in names:
            # mHz and MHz differ by the case only
            hertz = {**_HERTZ, "mhz": 1e6 if "MHz" in name else 1e-3}
            factor = (hertz if key == "frequency" else _OHM).get(unit)
            if key == "real" and sign < 0:
                return None
            return key, None if factor is None else sign * factor
    return None


def _number(fields, names, column, mark, number, path):
    text = fields[column].strip() if column < len(fields) else ""
    plain = text.replace(",", ".") if mark != "," else text
    try:
        value = float(plain)
    except ValueError:
        value = np.nan
    if not np.isfinite(value):
        raise ValueError(
            f"Line {number} of {path} has {text!r} in the column {names[column].strip()!r}; "
            "expected a number. Remove the line or mend it."
        )
    if mark == "," and len(fields) > len(names):
        raise ValueError(
            f"Line {number} of {path} has {len(fields)} fields, the header {len(names)}; decimal "
            "commas need semicolons or tabs between the fields."
        )
    return value
