"""The challenge as commands: ``make challenge`` and ``make challenge-data``.

``command``  a script scored on a set, with a folder for what comes of it
``report``   the page on an entry, and its table of scores
``release``  the data to take away: images, truth, and what must be known about them
``card``     the README and the data card that lie beside the data

What is scored and how is in :mod:`analysis.challenge`.
"""
