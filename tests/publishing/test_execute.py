"""A small book of two chapters, run by the same command as the real one."""

import os
import re
import shutil
import signal
import subprocess
import sys
import time
from pathlib import Path

import pytest

ROOT = Path(__file__).resolve().parents[2]

HEADER = "---\nkernelspec:\n  display_name: Python 3\n  language: python\n  name: python3\n---\n"

PARAMETERS = """
```{code-cell} ipython3
:tags: [parameters]

profile = "demo"
```
"""

FIRST = (
    HEADER
    + "\n# First\n\nOld prose.\n"
    + PARAMETERS
    + """
```{code-cell} ipython3
import time
import pandas as pd
from analysis import storage
from analysis.one import VALUE
storage.save_table("first", pd.DataFrame({"value": [VALUE, 2 * VALUE]}), profile=profile)
```
"""
)

SECOND = (
    HEADER
    + "\n# Second\n"
    + PARAMETERS
    + """
```{code-cell} ipython3
import time
from pathlib import Path
from analysis import storage
from analysis.two import FACTOR
Path("second-has-started").touch()
time.sleep(float(Path("nap").read_text()))
table = storage.load_table("first", profile=profile)
storage.save_table("second", table * FACTOR, profile=profile)
```
"""
)

CHAPTERS = 'CHAPTERS = (Chapter("01_first"), Chapter("02_second", needs=("01_first",)))'


@pytest.fixture(scope="module")
def small_book(tmp_path_factory):
    root = tmp_path_factory.mktemp("small")
    ignored = shutil.ignore_patterns("__pycache__")
    for name in ("analysis", "publishing", "book/_ext", "book/_inventories"):
        shutil.copytree(ROOT / name, root / name, ignore=ignored)
    declared = root / "publishing/chapters.py"
    text = re.sub(
        r"^CHAPTERS = \(.*?^\)$", CHAPTERS, declared.read_text(), flags=re.MULTILINE | re.DOTALL
    )
    declared.write_text(text)
    assert CHAPTERS in text
    for file, content in {
        "analysis/one.py": "VALUE = 3\n",
        "analysis/two.py": "FACTOR = 10\n",
        "book/index.md": "# Small\n",
        "book/references.bib": "",
        "book/_static/book.css": "",
        "book/01_first.md": FIRST,
        "book/02_second.md": SECOND,
        "nap": "0",
        "_toc.yml": "format: jb-book\nroot: book/index\nchapters:\n"
        "  - file: book/01_first.ipynb\n  - file: book/02_second.ipynb\n",
        "_config.yml": (ROOT / "_config.yml").read_text(),
    }.items():
        (root / file).parent.mkdir(parents=True, exist_ok=True)
        (root / file).write_text(content)
    for picture in (ROOT / "book/_static").glob("*.svg"):  # named in _config.yml
        shutil.copy2(picture, root / "book/_static" / picture.name)
    return root


def make(root, *options):
    environment = {
        key: value for key, value in os.environ.items() if key not in ("CBD_RESULTS", "CBD_RECORD")
    }
    environment["PYTHONPATH"] = str(root)
    return subprocess.Popen(
        [sys.executable, "-m", "analysis", "book", "--profile", "smoke", *options],
        cwd=root,
        env=environment,
        stdout=subprocess.PIPE,
        stderr=subprocess.STDOUT,
        text=True,
        start_new_session=True,
    )


def run(root, *options):
    process = make(root, *options)
    output, _ = process.communicate(timeout=300)
    assert process.returncode == 0, output
    return set(re.findall(r"\] (\w+) +running", output)), output


def edit(file, old, new):
    text = file.read_text()
    assert old in text
    file.write_text(text.replace(old, new))


@pytest.mark.slow
def test_a_chapter_runs_when_and_only_when_it_must(small_book):
    root = small_book
    ran, output = run(root)
    assert ran == {"01_first", "02_second"}
    assert "slowest:" in output and (root / "_build/smoke/html/book/02_second.html").exists()
    second = (root / "results/smoke/tables/second.csv").read_text()
    assert second == "value\n30\n60\n"

    assert run(root, "--no-site")[0] == set()

    edit(root / "book/01_first.md", "Old prose", "New prose")
    assert run(root)[0] == set()
    assert "New prose" in (root / "_build/smoke/html/book/01_first.html").read_text()

    edit(root / "analysis/two.py", "10", "100")
    assert run(root, "--no-site")[0] == {"02_second"}
    assert (root / "results/smoke/tables/second.csv").read_text() == "value\n300\n600\n"

    edit(root / "analysis/one.py", "VALUE = 3", "VALUE = 1 + 2")
    assert run(root, "--no-site")[0] == {"01_first"}, (
        "the table came out the same, so the second need not run"
    )

    edit(root / "analysis/one.py", "VALUE = 1 + 2", "VALUE = 4")
    assert run(root, "--no-site")[0] == {"01_first", "02_second"}


@pytest.mark.slow
def test_a_killed_run_resumes_to_the_same_tables(small_book):
    root = small_book
    run(root, "--no-site")
    undisturbed = (root / "results/smoke/tables/second.csv").read_bytes()
    shutil.rmtree(root / "results")
    shutil.rmtree(root / "_build")
    (root / "second-has-started").unlink()
    (root / "nap").write_text("600")
    process = make(root, "--no-site")
    deadline = time.monotonic() + 120
    while not (root / "second-has-started").exists() and time.monotonic() < deadline:
        time.sleep(0.2)
    os.kill(process.pid, signal.SIGKILL)
    process.communicate()
    assert not (root / "results/smoke/tables/second.csv").exists()
    (root / "nap").write_text("0")
    ran, _ = run(root, "--no-site")
    assert ran == {"02_second"}, "the first chapter had finished"
    assert (root / "results/smoke/tables/second.csv").read_bytes() == undisturbed


@pytest.mark.slow
def test_a_failing_chapter_is_named_with_its_error(small_book):
    root = small_book
    edit(root / "analysis/two.py", "FACTOR", "FRACTION")
    process = make(root, "--no-site")
    output, _ = process.communicate(timeout=300)
    edit(root / "analysis/two.py", "FRACTION", "FACTOR")
    assert process.returncode == 1
    assert "Chapter 02_second stopped with an error" in output
    assert "cannot import name 'FACTOR'" in output


def test_an_unknown_profile_stops_before_any_work(small_book):
    process = make(small_book, "--profile", "huge")
    output, _ = process.communicate(timeout=60)
    assert process.returncode == 1
    assert "no profile 'huge'" in output
    assert not (small_book / "_build/huge").exists()
