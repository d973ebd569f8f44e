"""Sphinx extension and command: Jupyter Book's pages read and written by several processes.

``python parallel.py JOBS build ...`` is ``jupyter-book build ...``, whose command
line has no option for the number of processes. The pages are the same, byte for byte.
"""

import functools
import sys


def main(arguments):
    """Run Jupyter Book's command line; the first argument is the number of processes."""
    import jupyter_book.sphinx
    from jupyter_book.cli.main import main as jupyter_book_main

    jobs, *arguments = arguments
    build = jupyter_book.sphinx.build_sphinx
    jupyter_book.sphinx.build_sphinx = functools.partial(build, jobs=int(jobs))
    jupyter_book_main(arguments)


def _declare(app, config):
    # Two extensions of Jupyter Book say nothing about parallel reading, which Sphinx takes for a
    # no. They change one page at a time or run when all pages are read.
    for extension in app.extensions.values():
        if extension.parallel_read_safe is None:
            extension.parallel_read_safe = True


def setup(app):
    """Declare what the silent extensions do not."""
    app.connect("config-inited", _declare)
    return {"version": "1", "parallel_read_safe": True, "parallel_write_safe": True}


if __name__ == "__main__":
    main(sys.argv[1:])
