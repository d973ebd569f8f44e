"""The 48 symmetries of the cube, as functions on volumes."""

from itertools import permutations, product

import numpy as np


def symmetries():
    """Yield a name and a function for each rotation and reflection of the axes."""
    for order in permutations(range(3)):
        for flips in product((1, -1), repeat=3):

            def turn(volume, order=order, flips=flips):
                steps = tuple(slice(None, None, step) for step in flips)
                return np.ascontiguousarray(volume.transpose(order)[steps])

            yield f"{order}{flips}", turn
