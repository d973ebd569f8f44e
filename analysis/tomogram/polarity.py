"""Which end of the gray scale the particles are on: what the image says, and how to turn it."""

import numpy as np

from analysis.phases import Phase, check_targets

POLARITIES = ("bright", "dark")
CLEAR = 0.05  # least difference [-] of the two separations that is believed
FAR = 0.2  # blur moves the strongest contrast by several percent of the volume, not by so much
SAMPLE = 2_000_000  # voxels; shares in it are known to a thousandth


def check_polarity(polarity):
    """
    Return the brightness of the particles as a word, or say which words there are.

    Returns
    -------
    polarity : {"", "bright", "dark"}
        Empty if nothing was said.

    Raises
    ------
    ValueError
        If it is anything else.
    """
    word = str(polarity or "").strip().lower()
    if word not in ("", *POLARITIES):
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


def separations(gray, targets):
    """
    How well the target of the AM splits the gray values, from the bright and from the dark end.

    Parameters
    ----------
    gray : (Z, Y, X) ndarray
        Gray values; every k-th slice, row and column of a large volume is looked at.
    targets : dict of Phase to float
        Target volume fractions [-].

    Returns
    -------
    bright, dark : float
        Variance between the two parts over the whole variance [-], as in Otsu's criterion, if the
        AM is the brightest, or the darkest, part of the volume.

    References
    ----------
    Otsu 1979, doi:10.1109/TSMC.1979.4310076.
    """
    return _separations(_sorted_sample(gray), check_targets(targets)[Phase.AM])


def recognize(gray, targets):
    """
    Whether the active material is the bright or the dark part of a tomogram.

    Parameters
    ----------
    gray : (Z, Y, X) ndarray
        Gray values.
    targets : dict of Phase to float
        Target volume fractions [-].

    Returns
    -------
    polarity : {"bright", "dark", "unclear"}
        What the particles are. Unclear where both ends split the volume about equally well, as
        with half of the volume AM, or hardly any contrast.
    """
    bright, dark = separations(gray, targets)
    if abs(bright - dark) < CLEAR:
        return "unclear"
    return "bright" if bright > dark else "dark"


def polarity_doubt(gray, targets, polarity=""):
    """
    What the image says against the gray scale or the fractions as they were given.

    It is a doubt and no finding: where both readings fit about equally well, nothing is said.

    Parameters
    ----------
    gray : (Z, Y, X) ndarray
        Gray values, turned round already if the particles were said to be dark.
    targets : dict of Phase to float
        Target volume fractions [-].
    polarity : {"", "bright", "dark"}
        What was said of the particles.

    Returns
    -------
    doubt : str
        A sentence, or empty.
    """
    wanted = check_targets(targets)[Phase.AM]
    if recognize(gray, targets) == "dark":
        end, other = ("bright", "dark") if polarity == "dark" else ("dark", "bright")
        doubt = (
            f"The particles look {end} in the file: the {end}est {wanted:.0%} of the voxels stand "
            f"apart from the rest, the {other}est {wanted:.0%} do not."
        )
        order = "look whether FRACTIONS are in the order AM,CBD,pore"
        if wanted < max(targets.values()) and not polarity:
            return (
                f"FRACTIONS give the active material {wanted:.0%}, less than another phase, and "
                f"the brightest {wanted:.0%} of the voxels do not stand apart from the rest: {order}."
                " If they are, add POLARITY=dark if the particles are dark, or POLARITY=bright."
            )
        if polarity:
            return (
                f"{doubt} POLARITY={polarity} was given and is followed; if it is right, {order}."
            )
        return (
            f"{doubt} If so, add POLARITY=dark, which exchanges dark and bright; if not, {order}, "
            "or add POLARITY=bright to go on all the same."
        )
    above = strongest_contrast(gray)
    if abs(above - wanted) <= FAR:
        return ""
    return (
        f"The strongest contrast in the image has {above:.0%} of the voxels on its bright side, but "
        f"FRACTIONS give the active material {wanted:.0%}. Look whether they are in the order "
        "AM,CBD,pore and belong to this volume."
    )


def strongest_contrast(gray):
    """Share [-] of the voxels above Otsu's threshold; 1 if there is no contrast."""
    values = _sorted_sample(gray)
    n_dark = np.arange(1, values.size)
    total = np.cumsum(values - values.mean())[:-1]
    # only between different values there is a threshold
    between = np.where(np.diff(values) > 0, total**2 / (n_dark * (values.size - n_dark)), 0)
    if not between.any():
        return 1.0
    return 1 - n_dark[between.argmax()] / values.size


def _separations(values, share_am):
    spread = values.var()
    if spread == 0:
        return 0.0, 0.0

    def split(n_dark):
        share = n_dark / values.size
        apart = values[n_dark:].mean() - values[:n_dark].mean()
        return float(share * (1 - share) * apart**2 / spread)

    n_am = min(max(round(share_am * values.size), 1), values.size - 1)
    return split(values.size - n_am), split(n_am)


def _sorted_sample(gray):
    """Gray values in ascending order, without the ends that a few dead voxels make."""
    step = max(1, int((gray.size / SAMPLE) ** (1 / 3)))
    values = np.sort(gray[::step, ::step, ::step], axis=None).astype(float)
    low, high = np.quantile(values, (0.001, 0.999))
    return np.clip(values, low, high)
