"""Where is the carbon-binder domain, and what does the answer do to the cell?

A re-examination of Prifling et al., *Energy Technology* 2022,
doi:10.1002/ente.202200784, on virtual electrodes whose truth is known.
"""

__version__ = "0.1.0"
