"""The n highest voxels of a volume, exactly n of them, and always the same ones.

Every method that "assigns the voxels with the highest value until the fraction is met"
ends here: thresholding, the conversions of the neural network and the closing.
"""

import numpy as np


def highest(values, n, *, among=None, second=None):
    """
    Mark the `n` voxels with the highest values.

    Parameters
    ----------
    values : (...) ndarray
        Score of each voxel. Must not hold NaN.
    n : int
        Number of voxels to mark.
    among : (...) ndarray of bool, optional
        Voxels that may be marked; all by default.
    second : (...) ndarray, optional
        Decides between voxels of equal value, the higher first. What is still equal goes to
        the voxel that comes first in memory.

    Returns
    -------
    marked : (...) ndarray of bool
        True for exactly `n` voxels.

    Raises
    ------
    ValueError
        If there are fewer than `n` voxels to choose from, or a shape differs.

    Notes
    -----
    One selection, no sorting of the volume: the cost grows linearly with its size. Only the
    voxels that tie at the cut are sorted.

    Examples
    --------
    >>> highest(np.array([[3, 1, 2], [2, 2, 0]]), 3)
    array([[ True, False,  True],
           [ True, False, False]])
    """
    values = np.asarray(values)
    marked = np.zeros(values.shape, dtype=bool)
    for name, other in (("among", among), ("second", second)):
        if other is not None and np.shape(other) != values.shape:
            raise ValueError(
                f"`{name}` has shape {np.shape(other)}, the values {values.shape}; expected equal "
                "shapes."
            )
    flat = np.ascontiguousarray(values).ravel()
    places = None if among is None else np.flatnonzero(among)
    scores = flat if places is None else flat[places]
    if not 0 <= n <= scores.size:
        raise ValueError(
            f"{n} voxels were asked for, but there are {scores.size} to choose from. Lower the "
            "target fraction or give more candidates."
        )
    if n == 0:
        return marked
    cut = np.partition(scores, scores.size - n)[scores.size - n]
    chosen = scores > cut
    tied = np.flatnonzero(scores == cut)
    missing = n - int(np.count_nonzero(chosen))
    if second is not None and missing < tied.size:
        where = tied if places is None else places[tied]
        keys = np.ascontiguousarray(second).ravel()[where]
        tied = tied[np.argsort(-keys.astype(float), kind="stable")]
    chosen[tied[:missing]] = True
    marked.ravel()[slice(None) if places is None else places] = chosen
    return marked


def counts_for(targets, n_voxels):
    """
    Whole numbers of voxels that come closest to the target fractions.

    Parameters
    ----------
    targets : dict of Phase to float
        Volume fraction [-] of each phase. Sums to one.
    n_voxels : int
        Voxels to share out.

    Returns
    -------
    counts : dict of Phase to int
        Voxels of each phase. They sum to `n_voxels`, and each is less than one voxel from its
        target.

    Examples
    --------
    >>> counts_for({"a": 0.5, "b": 0.25, "c": 0.25}, 10)
    {'a': 5, 'b': 3, 'c': 2}
    """
    total = sum(targets.values())
    exact = [n_voxels * value / total for value in targets.values()]
    counts = [int(np.floor(value)) for value in exact]
    remainders = np.array([value - count for value, count in zip(exact, counts, strict=True)])
    for index in np.argsort(-remainders, kind="stable")[: n_voxels - sum(counts)]:
        counts[index] += 1
    return dict(zip(targets, counts, strict=True))
