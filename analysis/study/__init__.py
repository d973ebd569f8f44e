"""The study: what the chapters call, grouped as the parts of the book.

``imaging``        virtual electrodes, their tomograms, the FIB-SEM stack, the fluorine maps
``trinarization``  four ways from gray values to labels, and how far they agree
``limit``          how much a tomogram tells: what is learned on electrodes of other seeds
``morphology``     surfaces, sizes, paths, covariances and depth profiles of all labels
``cells``          the half cell, gamma fitted to every trinarization, voxels lithiated, impedance
``consistency``    one binder, one gamma: maps rejected without the truth, and why they differ
``own_data``       the measured electrode, and a reader's own tomogram
``book``           what pages show of the whole: landing page, conclusion, the paper's tables

Four modules serve all parts: ``finding`` is a statement of the paper held against numbers,
``catalogue`` says which trinarizations are on disk, ``current`` which profile a notebook works on,
``kept_tables`` brings tables of the method that a demo shows from a run made before.

A function ``run(profile)`` is what a chapter calls first: it computes, writes results through
:mod:`analysis.storage` and returns the table or dataset that the page shows. It takes the
:class:`analysis.profiles.Profile` that the chapter has resolved at its entry. Methods themselves
lie below, in ``segmentation``, ``descriptors`` and ``electrochemistry``; nothing there knows of a
profile or of a file. A part imports the parts above it in this list and none below, except that
``book`` reads what all have left.
"""
