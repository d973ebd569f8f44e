"""Are the particles bright or dark? Told from the gray values and the target fractions."""

import numpy as np

from analysis.phases import Phase

CLEAR = 0.05  # least difference [-] of the two separations that is believed
N_SAMPLE = 2_000_000


def separations(gray, targets):
    """
    How well the target of the AM splits the gray values, from the bright and from the dark end.

    Parameters
    ----------
    gray : (Z, Y, X) ndarray
        Gray values; every k-th slice and row of a large volume is looked at.
    targets : dict of Phase to float
        Target volume fractions [-].

    Returns
    -------
    bright, dark : float
        Variance between the two parts over the whole variance [-], as in Otsu's criterion, if the
        AM is the brightest, or the darkest, part of the volume.

    References
    ----------
    .. [1] Otsu, IEEE Trans. Syst. Man Cybern. 9, 62 (1979). :doi:`10.1109/TSMC.1979.4310076`
    """
    step = max(1, int((gray.size / N_SAMPLE) ** (1 / 3)))
    values = np.sort(gray[::step, ::step, ::step], axis=None).astype(float)
    # A few voxels far off the range must not decide.
    low, high = np.quantile(values, (0.001, 0.999))
    values = np.clip(values, low, high)
    spread = values.var()
    if spread == 0:
        return 0.0, 0.0

    def split(n_dark):
        share = n_dark / values.size
        apart = values[n_dark:].mean() - values[:n_dark].mean()
        return float(share * (1 - share) * apart**2 / spread)

    n_am = min(max(round(targets[Phase.AM] * values.size), 1), values.size - 1)
    return split(values.size - n_am), split(n_am)


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


def inverted(gray):
    """The same volume with dark and bright exchanged, in its own range and type."""
    low, high = gray.min(), gray.max()
    # in this order nothing leaves the range of an unsigned type
    return (high - gray) + low
