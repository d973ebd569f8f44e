"""Packages are used where the page says, and each that is asked for is used."""

import pytest

from publishing import packages
from publishing.chapters import ROOT

# named on the card of the compendium, and used when the book is made
NAMED = (
    "jupyter-book jupytext numpy scipy scikit-image scikit-learn keras porespy fipy matplotlib "
    "papermill"
).split()
MAKES_PAGES = {"jupyter-book", "jupytext", "papermill"}


@pytest.fixture(scope="module")
def found():
    return {use.package: use for use in packages.uses()}


@pytest.mark.parametrize("name", NAMED)
def test_named_packages_are_used_at_run_time(found, name):
    use = found[name]
    assert use.modules
    assert use.chapters or name in MAKES_PAGES


def test_every_package_that_is_asked_for_is_used_and_has_its_reason(found):
    assert set(found) == set(packages.declared()) == set(packages.REASONS)
    assert not [use.package for use in found.values() if not use.modules]


def test_imports_in_functions_and_names_of_engines_count():
    wanted = {"fipy": "fipy", "h5netcdf": "h5netcdf", "skimage": "scikit-image", "dask": "dask"}
    code = "def f():\n    import fipy.tools\n    from skimage import io\n    g(engine='h5netcdf')\n"
    assert packages._packages(code, wanted) == {"fipy", "h5netcdf", "skimage"}
    assert packages._packages("'about dask and more'\nimport numpy\n", wanted) == set()


def test_a_package_that_nothing_imports_is_seen(tmp_path):
    for folder in ("analysis", "publishing", "book/_ext"):
        (tmp_path / folder).mkdir(parents=True)
    (tmp_path / "_config.yml").write_text("sphinx:\n  extra_extensions:\n    - numpydoc\n")
    (tmp_path / "_toc.yml").write_text("root: book/index\n")
    (tmp_path / "pyproject.toml").write_text(
        '[project]\ndependencies = ["numpy>=2", "fipy", "numpydoc"]\n'
    )
    (tmp_path / "analysis/one.py").write_text("import numpy as np\n")
    used = {use.package: use.modules for use in packages.uses(tmp_path)}
    assert used == {"numpy": ("analysis/one.py",), "fipy": (), "numpydoc": ("_config.yml",)}


def test_the_page_lists_all(found):
    import packages as extension  # of book/_ext

    listed = list(extension.rows())
    assert [row[0] for row in listed] == packages.declared()
    assert "- file: book/packages" in (ROOT / "_toc.yml").read_text(encoding="utf-8")
