"""What a fitted gamma is worth when the other parameters are not known exactly.

Read in this order:

1. ``uncertain``: the doubtful parameters with their ranges and sources, and how to draw them.
2. ``experiments``: what a lithiation, a rest or a spectrum is reduced to, and how well the model
   can be expected to meet each of these numbers.
3. ``emulator``: a polynomial in gamma and the parameters that stands for the model; sensitivities.
4. ``interval``: gamma with the parameters marginalized, the profile likelihood, the interval.
"""

from analysis._names import lazily

__getattr__, __dir__, __all__ = lazily(
    __name__,
    {
        "uncertain": "UNCERTAIN",
        "emulator": "Emulator train",
        "interval": "GammaInterval gamma_interval",
    },
)
