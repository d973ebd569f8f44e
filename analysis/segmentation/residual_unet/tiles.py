"""A network over a volume of any size, in overlapping tiles.

A tile is as much larger than what is kept of it as the network reaches, so where one tile ends
and the next begins changes nothing but the last digits. Only where the volume itself ends does a
tile end, and there the network meets the zeros that it met in its training.
"""

from itertools import product

import numpy as np

MOST = 4_000_000  # voxels of a tile; about 100 bytes each while the network works


def shape_for(volume, *, halo, step, most=MOST):
    """
    Edges of the tiles of a volume.

    Parameters
    ----------
    volume : tuple of int
        Edges of the volume, multiples of `step`.
    halo : int
        Voxels around what is kept of a tile, a multiple of `step`.
    step : int
    most : int
        Voxels of a tile. Fewer take less memory and more time, for more of them overlap.

    Returns
    -------
    tile : tuple of int
        Multiples of `step`. No edge is shorter than three halos unless the volume's is.
    """
    tile = list(volume)
    least = [min(n, 3 * halo) for n in volume]
    while np.prod(tile) > most and tile != least:
        longest = max(
            (axis for axis in range(3) if tile[axis] > least[axis]), key=lambda axis: tile[axis]
        )
        tile[longest] = max(tile[longest] - step, least[longest])
    return tuple(tile)


def spans(length, tile, halo):
    """
    Where the tiles of an axis begin, and what is kept of each.

    Parameters
    ----------
    length, tile, halo : int
        Of the volume, of a tile, and what a tile has beyond what is kept [voxel].

    Returns
    -------
    spans : list of (int, slice)
        First voxel of the tile, and the voxels of the volume that are taken from it.

    Raises
    ------
    ValueError
        If a tile is no longer than its two halos.
    """
    if tile >= length:
        return [(0, slice(0, length))]
    if tile <= 2 * halo:
        raise ValueError(
            f"A tile of {tile} voxels keeps nothing beside its two halos of {halo}; expected at "
            f"least {2 * halo + 1}. Allow more voxels in a tile."
        )
    found, done, start = [], 0, 0
    while done < length:
        start = min(start, length - tile)
        stop = length if start + tile == length else start + tile - halo
        found.append((start, slice(done, stop)))
        done, start = stop, start + tile - 2 * halo
    return found


def over(volume, tile, halo, answer, *, channels):
    """
    Put the answers for the tiles of a volume together.

    Parameters
    ----------
    volume : (Z, Y, X) ndarray
    tile : tuple of int
        Edges of a tile.
    halo : int
    answer : callable
        Takes a tile and the slice of z that it covers; gives an array of its shape with
        `channels` more.
    channels : int

    Returns
    -------
    whole : (Z, Y, X, channels) ndarray of float32
    """
    whole = np.empty((*volume.shape, channels), np.float32)
    axes = [spans(n, edge, halo) for n, edge in zip(volume.shape, tile, strict=True)]
    for parts in product(*axes):
        window = tuple(
            slice(start, min(start + edge, n))
            for (start, _), edge, n in zip(parts, tile, volume.shape, strict=True)
        )
        kept = tuple(part for _, part in parts)
        inside = tuple(slice(part.start - start, part.stop - start) for start, part in parts)
        whole[kept] = answer(volume[window], window[0])[inside]
    return whole
