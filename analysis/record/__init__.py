"""The study at a size that takes a night: planned before, kept in pieces, verified afterwards.

``unit_costs``  what one case or one chapter has cost, measured, and the law by which it scales
``plan``        what a profile runs, what of it is finished, what is left, and what that costs
``collect``     finished results gathered in ``record/<profile>/`` with a manifest
``grow``        what the record lacks, run in the order in which it says most if it is stopped
``verify``      cases of a record drawn at random, run anew and compared

``command``     ``make plan``, ``make record`` and ``make verify``
"""
