"""What an entry gives back, checked and made labels: labels themselves, or probabilities."""

import numpy as np

from analysis.phases import Phase, check_labels, volume_fractions
from analysis.segmentation import draws, posterior


def labels_of(answer, volume):
    """
    Labels of an answer.

    Parameters
    ----------
    answer : ndarray
        Labels (Z, Y, X), 0 pore, 1 CBD, 2 AM, of any type of number; or probabilities
        (Z, Y, X, 3) in this order, which are ranked to the fractions.
    volume : analysis.challenge.sets.Volume

    Returns
    -------
    labels : (Z, Y, X) ndarray of uint8

    Raises
    ------
    ValueError
        If it has another shape, holds NaN or anything but the three labels, or no probabilities.
    """
    answer, shape = np.asarray(answer), volume.gray.shape
    if answer.shape not in (shape, (*shape, len(Phase))):
        turned = " The axes seem to be turned." if sorted(answer.shape) == sorted(shape) else ""
        raise ValueError(
            f"trinarize returned an array of shape {answer.shape}; expected labels {shape}, the "
            f"shape of gray, or probabilities {(*shape, len(Phase))}.{turned}"
        )
    if answer.dtype.kind == "f":
        missing = int(np.count_nonzero(~np.isfinite(answer)))
        if missing:
            raise ValueError(
                f"trinarize returned {missing} values that are NaN or infinite, of {answer.size}; "
                "expected a label or a probability everywhere."
            )
    if answer.ndim == len(shape) + 1:
        probabilities = draws.check_probabilities(answer.astype(np.float32))
        return posterior.ranked(probabilities, volume.targets)
    if answer.dtype.kind == "b":
        raise ValueError(
            "trinarize returned true and false; expected labels 0 (pore), 1 (CBD), 2 (AM)."
        )
    if answer.dtype.kind == "f":
        whole = np.rint(answer)
        if (whole != answer).any() or np.abs(whole).max(initial=0) > 1e6:
            raise ValueError(
                f"trinarize returned real numbers from {answer.min():g} to {answer.max():g} that "
                "are not whole; expected labels 0 (pore), 1 (CBD), 2 (AM). Gray values must be "
                "trinarized."
            )
        answer = whole.astype(np.int64)
    return check_labels(answer)


def missed(labels, volume):
    """
    In words, by how much the fractions are missed; empty if by less than one voxel.

    The map is scored as it is: to meet the fractions is part of the task.
    """
    found = volume_fractions(labels)
    apart = {phase: found[phase] - volume.targets[phase] for phase in Phase}
    if max(abs(value) for value in apart.values()) * labels.size < 1.5:
        return ""
    listed = ", ".join(
        f"{phase.title} {100 * found[phase]:.2f} % instead of {100 * volume.targets[phase]:.2f} %"
        for phase in reversed(Phase)
    )
    return f"The fractions are missed, and the map is scored as it is: {listed}."
