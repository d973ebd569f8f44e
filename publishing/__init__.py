"""From chapters to a book; no science is in here, and the science knows nothing of it.

In the order of ``make book``:

``chapters``     which chapters are executed, and which must run before which
``fingerprint``  what a chapter depends on: its code cells and the package code they import
``stamps``       what a chapter used when it ran, and so why it need not run again; the manifest
``execute``      runs the chapters that must run, several at a time
``stage``        lays out sources and outputs for Sphinx; ``downloads`` takes the figures' files
``site``         Sphinx on the staged book
``slides``       a deck for each part, made of the pages
``build``        all of it: :func:`publishing.build.build_book`

``forms`` has the PDF and the ePub, ``challenge`` the commands of the CBD challenge, ``crate`` the
RO-Crate of the results. ``pairs`` writes the ``.ipynb`` of every chapter. ``own`` is the report on
a reader's own tomogram, ``provenance`` tells which one that is, and ``owned`` whose folder it is
put into. ``packages`` lists what each package does here.

The Sphinx extensions of the site lie in ``book/_ext``, the checks of its pages in ``tests/book``.
"""
