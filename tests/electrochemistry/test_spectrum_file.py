"""Spectrum files as instruments write them, and files that must be refused."""

import numpy as np
import pytest

from analysis.electrochemistry.spectrum_file import read_spectrum

FREQUENCY = np.array([1e5, 1e3, 10.0])
IMPEDANCE = np.array([10 + 0.5j, 12.5 - 3.25j, 40 - 200j])

FILES = {
    "as recorded": 'Frequency (Hz),Z\' (Ohms),"Z"" (Ohms)"\n'
    "100000,10,0.5\n1000,12.5,-3.25\n10,40,-200\n",
    "sign turned": "freq/Hz,Re(Z)/Ohm,-Im(Z)/Ohm\n1e5,10,-0.5\n1e3,12.5,3.25\n10,40,200\n",
    "decimal commas": "frequency_Hz;z_real_ohm;z_imag_ohm\n"
    "1e5;10;0,5\n1e3;12,5;-3,25\n10;40;-200\n",
    "tabs": "Freq [kHz]\tZre [mΩ]\tZim [mΩ]\n"
    "100\t10000\t500\n1\t12500\t-3250\n0,01\t40000\t-200000\n",
    "other columns first": "no,Zimag (kohm),phase (deg),Zreal (ohm),f (Hz)\n"
    "1,0.0005,3,10,1e5\n2,-0.00325,-14,12.5,1e3\n3,-0.2,-79,40,10\n",
    "a preamble": "Instrument X\nOperator, somebody\n# note\n\nf (Hz), Z' (ohm), Z'' (ohm)\n"
    "1e5, 10, 0.5\n1e3, 12.5, -3.25\n\n10, 40, -200\n",
}


@pytest.mark.parametrize("kind", FILES)
@pytest.mark.parametrize("encoding", ["utf-8", "utf-8-sig"])
def test_same_spectrum_in_every_notation(tmp_path, kind, encoding):
    file = tmp_path / "cell.csv"
    file.write_text(FILES[kind], encoding=encoding)
    frequency, impedance = read_spectrum(file)
    np.testing.assert_allclose(frequency, FREQUENCY)
    np.testing.assert_allclose(impedance, IMPEDANCE)


@pytest.mark.parametrize(
    "text, message",
    [
        ("", "no header"),
        ("a,b\n1,2\n", "no header that names three columns"),
        ("f (Hz),Z' (ohm)\n1,2\n", "no header that names three columns"),
        ("f (Hz),Z',Z'' (ohm)\n1,2,3\n", "without a unit"),
        ("f (Hz),Z' (ohm cm2),Z'' (ohm cm2)\n1,2,3\n", "without a unit"),
        ("f (Hz),Z' (ohm),Z'' (ohm),Im(Z)/Ohm\n1,2,3,3\n", "more than one column"),
        ("f (Hz),Z' (ohm),Z'' (ohm)\n", "no rows"),
        ("f (Hz),Z' (ohm),Z'' (ohm)\n1,2,3\n1,,3\n", "Line 3"),
        ("f (Hz),Z' (ohm),Z'' (ohm)\n1,2,nan\n", "expected a number"),
        ("f (Hz),Z' (ohm),Z'' (ohm)\n1,2\n", "Line 2"),
        ("f (Hz),Z' (ohm),Z'' (ohm)\n1,2,5,3,25\n", "decimal commas need semicolons"),
        ("f (Hz);Z' (ohm);Z'' (ohm)\n1.000,5;2;3\n", "expected a number"),
    ],
)
def test_what_cannot_be_read_is_refused(tmp_path, text, message):
    file = tmp_path / "cell.csv"
    file.write_text(text, encoding="utf-8")
    with pytest.raises(ValueError, match=message):
        read_spectrum(file)


def test_missing_file(tmp_path):
    with pytest.raises(FileNotFoundError, match="No file"):
        read_spectrum(tmp_path / "cell.csv")
