"""Which end of the gray scale the particles are on: what the image says, and how to turn it."""

import numpy as np

from analysis.phases import Phase, check_targets

POLARITIES = ("bright", "dark")
MARGIN = 0.1  # classes of a blurred scan miss the true shares by several percent
SAMPLE = 2_000_000  # voxels; shares in it are known to a thousandth


def check_polarity(polarity):
    """
    Return the brightness of the particles as a word, or say which words there are.

    Raises
    ------
    ValueError
        If it is neither "bright" nor "dark".
    """
    word = str(polarity or POLARITIES[0]).strip().lower()
    if word not in POLARITIES:
        raise ValueError(
            f"POLARITY={polarity!r}; expected bright (the active material is the brightest phase, "
            "as in X-ray absorption) or dark (it is the darkest)."
        )
    return word


def turn_round(gray):
    """
    Gray values mirrored within their range, so that dark becomes bright; type and range stay.

    Examples
    --------
    >>> turn_round(np.array([10, 20, 40], dtype=np.uint8)).tolist()
    [40, 30, 10]
    """
    low, high = gray.min(), gray.max()
    turned = high - gray  # may wrap around in signed types, and the next line wraps it back
    turned += low
    return turned


def polarity_doubt(gray, targets):
    """
    Whether the particles seem to be dark, judged from the image and the target fractions.

    Otsu's threshold splits gray at its strongest contrast, which in an NMC cathode is that between
    active material and the rest. If the bright class has the share of CBD and pore and the dark
    class that of the active material, the gray scale may be upside down. It is a doubt and no
    finding: at an active-material fraction near one half, both readings fit and nothing is said.

    Parameters
    ----------
    gray : (Z, Y, X) ndarray
        Gray values, taken as bright particles.
    targets : dict of Phase to float
        Target volume fractions [-].

    Returns
    -------
    doubt : str
        A sentence, or empty.

    References
    ----------
    Otsu 1979, doi:10.1109/TSMC.1979.4310076.
    """
    from skimage.filters import threshold_otsu

    wanted = check_targets(targets)[Phase.AM]
    sample = gray.ravel()[:: max(1, gray.size // SAMPLE)]
    low, high = np.quantile(sample, [0.001, 0.999])
    if low == high:
        return ""
    bright = float((sample > threshold_otsu(np.clip(sample, low, high))).mean())
    if abs(1 - bright - wanted) + MARGIN >= abs(bright - wanted):
        return ""
    return (
        f"The bright class of the image fills {100 * bright:.0f} %, the dark class "
        f"{100 * (1 - bright):.0f} %, but the active material should fill {100 * wanted:.0f} %: "
        "the "
        "particles seem to be dark. If so, give POLARITY=dark."
    )
