"""One binder, one gamma (part 4 of the book): maps rejected without knowing the truth.

In reading order:

``criterion``   gammas that must agree: rejected, not rejected, or not to be judged
``limits``      how far they may lie apart: an interval from pieces and parameters
``gammas``      gamma of any list of maps, from a lithiation and from an impedance (``blocking``)
``specimens``   small specimens with other truths, and their maps
``pieces``      other pieces of the same electrodes; ``parameters``: other parameters of the cell
``measured``    the maps of the study, judged; start here: ``table(profile)``
``sweep``       over true gammas, scenarios and contrasts: how often the right map is named
``orders``      the paper's Table 3 as a function of the true gamma
``depth``       what the cell feels of each depth, and what a map conducts there
``swap``        the particles of one map with the binder of another: a budget of the error
``rate``        capacity against current
``verdicts``, ``reasons``  make sentences of all this

Maps are passed as labels keyed by name and electrode, so that any others can be judged as well.
"""

from analysis._names import lazily

__getattr__, __dir__, __all__ = lazily(__name__, {"measured": "table"})
