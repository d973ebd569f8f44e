"""The branch of *Which method for my tomogram?* that an image itself points to."""

import numpy as np

# Noise of virtual tomograms before reconstruction and filters, over the step from pore to AM, and
# what :mod:`analysis.instruments.image_quality` measures of it (tests/instruments holds it).
NOMINAL = (0.06, 0.12, 0.24)
MEASURED = (0.050, 0.094, 0.196)
BRANCHES = ("low", "middle", "high")


def branch(noise):
    """
    The branch of a measured noise.

    Parameters
    ----------
    noise : float
        From :func:`analysis.instruments.image_quality.measure` [-].

    Returns
    -------
    branch : {"low", "middle", "high"}

    Examples
    --------
    >>> branch(0.03), branch(0.1), branch(0.5)
    ('low', 'middle', 'high')
    """
    borders = np.sqrt(np.multiply(MEASURED[:-1], MEASURED[1:]))
    return BRANCHES[int(np.searchsorted(borders, noise))]


def measured_text(quality):
    """
    What the reader's image says of itself and which branch follows, in Markdown.

    Parameters
    ----------
    quality : analysis.instruments.image_quality.ImageQuality
    """
    kind = branch(quality.noise)
    blur = (
        f"its edges are blurred by {quality.blur_um:.2f} µm ({quality.blur_voxels:.1f} voxels)"
        if np.isfinite(quality.blur_um)
        else "its particles are too small to read a blur off their edges"
    )
    return (
        "Measured in this image: the gray values inside particles scatter by "
        f"{100 * quality.noise:.0f} % of the step from pore to active material, and {blur}. In "
        f"the chapter *Which method for my tomogram?* of the book, this is the branch **{kind} "
        "noise**."
    )
